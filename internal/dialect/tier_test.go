package dialect

import "testing"

func TestTierWord(t *testing.T) {
	for v, want := range map[string]string{`"flex"`: "flex", `"scale"`: "scale", `"pri\u006frity"`: "priority", `5`: "", `null`: "", ``: "", `"`: ""} {
		if got := TierWord([]byte(v)); got != want {
			t.Errorf("%s: %q, want %q", v, got, want)
		}
	}
	word := []byte(`"priority"`)
	if n := testing.AllocsPerRun(100, func() { _ = TierWord(word) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
