package dialect

import "weir/internal/rawjson"

// tierWords are those that need no memory.
var tierWords = [...]string{"default", "standard", "auto", "flex", "priority", "batch", "fast", "on_demand"}

// TierWord reads the word for a tier of service, "" where v is no text. A word that is known allocates nothing.
func TierWord(v []byte) string {
	for _, w := range tierWords {
		if len(v) == len(w)+2 && string(v[1:len(v)-1]) == w {
			return w
		}
	}
	return rawjson.Text(v)
}
