package sim

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestPieces(t *testing.T) {
	want := []string{"One", " word", " at", " a", " time;", " Donaudampfs", "chifffahrt", " 東京は今雨です"}
	if diff := cmp.Diff(want, pieces(strings.Join(want, ""))); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.String().Draw(t, "text")
		got := pieces(s)
		if strings.Join(got, "") != s {
			t.Fatalf("%q became %q", s, got)
		}
		if slices.ContainsFunc(got, func(p string) bool { return p == "" || !utf8.ValidString(p) && utf8.ValidString(s) }) {
			t.Fatalf("%q", got)
		}
	})
}

func TestMentioned(t *testing.T) {
	tools := []tool{{name: "get_weather"}, {name: "f"}, {name: "get-time"}, {name: "wetter"}}
	for text, want := range map[string][]string{
		"Get weather!": {"get_weather"}, "first get_time, then f": {"get-time", "f"}, "if of forget weather": nil, "Wetterbericht": nil, "": nil,
	} {
		var got []string
		for _, m := range mentioned(tools, text) {
			got = append(got, m.name)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q: -want +got\n%s", text, diff)
		}
	}
}
