package engine

import (
	"strings"
	"testing"

	"weir/internal/llm"
	"weir/internal/rawjson"
)

func TestPathAt(t *testing.T) {
	const body = `{"a":[1,{"b":{"c":["x","HERE"]}}],"d":"e"}`
	for needle, want := range map[string]string{`"HERE"`: "a[1].b.c[1]", `"x"`: "a[1].b.c[0]", `"e"`: "d", `1,`: "a[0]"} {
		if got := pathAt([]byte(body), strings.Index(body, needle)); got != want {
			t.Errorf("%s: %s, want %s", needle, got, want)
		}
	}
}

// FuzzOwnIDs has what is found in a JSON text be whole strings of it that stand where a value does.
func FuzzOwnIDs(f *testing.F) {
	f.Add(`{"file_id":"file-wr1_AAAA","x":["batch_wr1_b", {"wr1_":"wr1_wr1_"}]}`)
	f.Add(`{"a":"say \"file-wr1_A\" now","b":"\\file-wr1_A"}`)
	f.Add(`"wr1_`)
	f.Add(`{"a":"https:\/\/h\/v1beta\/files\/wr1_A","b":"files\/wr1_A","c":"http://h/v1beta/files/wr1_A"}`)
	f.Fuzz(func(t *testing.T, in string) {
		body := []byte(in)
		last := -1
		valid := rawjson.Check(body) == nil
		for id, at := range ownIDs(body) {
			if at <= last || in[at:at+len(id)+2] != `"`+id+`"` || !strings.Contains(id, llm.ThingTag) {
				t.Fatalf("%q at %d", id, at)
			}
			last = at
			if !valid {
				continue
			}
			end, err := rawjson.SkipString(body, at)
			if err != nil || rawjson.Text(body[at:end]) != unslashed(id) {
				t.Fatalf("%q at %d is no string of its own", id, at)
			}
		}
	})
}
