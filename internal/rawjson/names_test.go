package rawjson

import (
	"bytes"
	"encoding/json"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// found is a member that was found: which name, and what its value begins with.
type found struct {
	Which int
	Value string
}

func findAll(n *Names, text string) (out []found) {
	for at := 0; ; {
		var which int
		if which, at = n.Find([]byte(text), at); at == 0 {
			return out
		}
		out = append(out, found{which, text[at:min(len(text), at+3)]})
	}
}

func TestNames(t *testing.T) {
	n := Look("usage", "error", "age")
	for _, tc := range []struct {
		text string
		want []found
	}{
		{``, nil},
		{`{"usage":null,"x":{"error" : 12}}`, []found{{0, "nul"}, {1, "12}"}}},
		{"{\"usage\"\r\n\t :\n 1}", []found{{0, "1}"}}},
		{`{"sage":1,"usages":2,"Usage":3,"age":4}`, []found{{2, "4}"}}},
		{`{"a":"the \"usage\": of \\\"error\\\":","usage":5}`, []found{{0, "5}"}}},
		{`{"a":"\\","usage":6}`, []found{{0, "6}"}}},
		{`{"a":":::","b":"usage","error":`, []found{{1, ""}}},
		{`{"\"age":0,"age":7}`, []found{{2, "7}"}}},
		{`:`, nil},
		{`":`, nil},
		{`usage":1`, nil},
	} {
		if d := cmp.Diff(tc.want, findAll(n, tc.text)); d != "" {
			t.Errorf("%s (-want +got):\n%s", tc.text, d)
		}
	}
}

// FuzzNames holds what is found in a JSON text against what the standard library reads of it.
func FuzzNames(f *testing.F) {
	f.Add(`{"usage":{"a":[{"error":"x"}]},"age" : 1}`)
	f.Add(`{"a":"\"usage\":","b\\":1,"usage":2}`)
	n := Look("usage", "error", "age")
	f.Fuzz(func(t *testing.T, text string) {
		got := findAll(n, text)
		if !json.Valid([]byte(text)) || bytes.Contains([]byte(text), []byte(`\u`)) {
			return // a name may be written in another way
		}
		var want []int
		members(t, json.NewDecoder(bytes.NewReader([]byte(text))), func(name string) {
			for i, w := range []string{"usage", "error", "age"} {
				if name == w {
					want = append(want, i)
				}
			}
		})
		var which []int
		for _, g := range got {
			which = append(which, g.Which)
		}
		if d := cmp.Diff(want, which); d != "" {
			t.Errorf("%q (-want +got):\n%s", text, d)
		}
	})
}

// members calls f with the name of each member, in their order.
func members(t *testing.T, d *json.Decoder, f func(string)) {
	t.Helper()
	d.UseNumber()
	var open []json.Delim
	name := false // a name comes next
	for {
		tok, err := d.Token()
		if err == io.EOF {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		switch v := tok.(type) {
		case json.Delim:
			if v == '{' || v == '[' {
				open = append(open, v)
			} else {
				open = open[:len(open)-1]
			}
			name = len(open) > 0 && open[len(open)-1] == '{'
			continue
		case string:
			if name {
				f(v)
				name = false
				continue
			}
		}
		name = len(open) > 0 && open[len(open)-1] == '{'
	}
}
