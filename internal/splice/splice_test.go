package splice

import (
	"errors"
	"strings"
	"testing"
)

var chat = NewSpec("model", "stream", "max_tokens", "n", "stream_options", "kind")

const (
	mModel = iota
	mStream
	mMax
	mN
	mOptions
	mKind
)

func TestScan(t *testing.T) {
	for _, tc := range []struct {
		body string
		want map[int]string
	}{
		{`{}`, nil},
		{" \t\r\n{ \n } ", nil},
		{`{"model":"m"}`, map[int]string{mModel: `"m"`}},
		{` { "model" : "m" , "n" : 1e2 , "stream" : true } `, map[int]string{mModel: `"m"`, mN: `1e2`, mStream: `true`}},
		{
			`{"messages":[{"model":"inner","model":"again"}],"stream_options":{"a":[1,{}]},"n":null}`,
			map[int]string{mOptions: `{"a":[1,{}]}`, mN: `null`},
		},
		{`{"x":1,"x":2,"X":3,"model":"m"}`, map[int]string{mModel: `"m"`}},
		{`{"":0,"models":1,"mode":2,"müdel":3,"model":"m"}`, map[int]string{mModel: `"m"`}},
		{`{"model":"gpt\u002d4 \ud83d\ude00 \uD83D\uDE00 \\ud800 é"}`, map[int]string{mModel: `"gpt\u002d4 \ud83d\ude00 \uD83D\uDE00 \\ud800 é"`}},
		{`{"x":"\ud800\u0000` + "\xff" + `","model":-0.5E+1}`, map[int]string{mModel: `-0.5E+1`}},
		{`{"stream_options":"a","kind":""}`, map[int]string{mOptions: `"a"`, mKind: `""`}},
	} {
		ix, err := chat.Scan([]byte(tc.body))
		if err != nil {
			t.Errorf("Scan(%s): %v", tc.body, err)
			continue
		}
		for i := range chat.names {
			got := ix.Get([]byte(tc.body), i)
			if string(got) != tc.want[i] || (got == nil) != (tc.want[i] == "") {
				t.Errorf("Scan(%s): %s = %q, want %q", tc.body, chat.names[i], got, tc.want[i])
			}
		}
		if got := tc.body[ix.Body.Start-1 : ix.Body.End+1]; got != strings.Trim(tc.body, " \t\r\n") {
			t.Errorf("Scan(%s): Body is %q", tc.body, got)
		}
		if empty := strings.Trim(tc.body, " \t\r\n{}") == ""; ix.Empty != empty {
			t.Errorf("Scan(%s): Empty is %v", tc.body, ix.Empty)
		}
	}
}

func TestScanRefuses(t *testing.T) {
	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	for _, tc := range []struct {
		body   string
		offset int
		member string
		what   string
	}{
		// Not JSON, or not an object.
		{``, 0, "", "empty"},
		{"  \n", 3, "", "empty"},
		{"\ufeff{}", 0, "", "byte order mark"},
		{`[]`, 0, "", "not an object"},
		{`"model"`, 0, "", "not an object"},
		{`{`, 1, "", "name is missing"},
		{`{"model"`, 8, "", "colon"},
		{`{"model":`, 9, "", "value is missing"},
		{`{"model":}`, 9, "", "cannot start"},
		{`{"model":"m"`, 12, "", "ends inside"},
		{`{"model":"m",}`, 13, "", "name is missing"},
		{`{,"model":"m"}`, 1, "", "name is missing"},
		{`{"model":"m" "n":1}`, 13, "", "comma"},
		{`{"model":"m"]`, 12, "", "comma"},
		{`{model:"m"}`, 1, "", "name is missing"},
		{`{'model':"m"}`, 1, "", "name is missing"},
		{`{"model" "m"}`, 9, "", "colon"},
		{`{"n":01}`, 6, "", "comma"},
		{`{"n":+1}`, 5, "", "cannot start"},
		{`{"n":.5}`, 5, "", "cannot start"},
		{`{"n":1.}`, 7, "", "point"},
		{`{"n":1e}`, 7, "", "exponent"},
		{`{"n":-}`, 5, "", "digits"},
		{`{"n":NaN}`, 5, "", "cannot start"},
		{`{"n":True}`, 5, "", "cannot start"},
		{`{"n":tru}`, 5, "", "cannot start"},
		{`{"n":1/*c*/}`, 6, "", "comma"},
		{`{"x":"a` + "\n" + `b"}`, 7, "", "control"},
		{`{"x":"\x"}`, 6, "", "escape"},
		{`{"x":"\u12g4"}`, 6, "", `\u`},
		{`{"x":"`, 5, "", "does not end"},
		{`{"x":[1,]}`, 8, "", "cannot start"},
		{`{"x":{"a":1,}}`, 12, "", "name is missing"},
		{`{"x":[1}}`, 7, "", "comma"},
		{"{}\x00", 2, "", "after the object"},
		{`{} {}`, 3, "", "after the object"},
		{`{"n":1}]`, 7, "", "after the object"},
		{`{"x":` + deep(1000) + `}`, 5 + 999, "", "deep"},
		// Twice.
		{`{"model":"a","model":"b"}`, 13, "model", "more than once"},
		{`{"model":"a","model":"a"}`, 13, "model", "more than once"},
		{`{"model":null,"x":0,"model":"a"}`, 20, "model", "more than once"},
		// Another case.
		{`{"Model":"a"}`, 1, "model", "case"},
		{`{"model":"a","MODEL":"b"}`, 13, "model", "case"},
		{`{"moDel":"a","model":"b"}`, 1, "model", "case"},
		{"{\"\u017Ftream\":true}", 1, "stream", "case"},
		{"{\"\u212Aind\":1}", 1, "kind", "case"},
		{`{"maX_tokenS":1}`, 1, "max_tokens", "case"},
		{"{\"max_to\u212Aen\u017F\":1}", 1, "max_tokens", "case"},
		// Names that some readers clean.
		{`{"mod\u0065l":"a"}`, 1, "", "escaped"},
		{`{"\/x":"a"}`, 1, "", "escaped"},
		{`{"x\u0000":"a"}`, 1, "", "escaped"},
		{"{\"model\xff\":1}", 1, "", "not UTF-8"},
		{"{\"x\xed\xa0\x80\":1}", 1, "", "not UTF-8"},
		{"{\"model\x00\":1}", 7, "", "control"},
		{"{\"model\x7f\":1}", 1, "", "control"},
		{"{\"model\u0085\":1}", 1, "", "control"},
		// Texts that some readers clean.
		{`{"model":"a\ud800"}`, 9, "model", "half a surrogate"},
		{`{"model":"a\ud800b"}`, 9, "model", "half a surrogate"},
		{`{"model":"\uDC00\uD800"}`, 9, "model", "half a surrogate"},
		{`{"model":"\ud800\ud800\udc00"}`, 9, "model", "half a surrogate"},
		{`{"model":"\ud800\u0041"}`, 9, "model", "half a surrogate"},
		{`{"model":"\ud800\ue000"}`, 9, "model", "half a surrogate"},
		{`{"model":"\ud800\n1234"}`, 9, "model", "half a surrogate"},
		{`{"model":"a\u0000"}`, 9, "model", "NUL"},
		{"{\"model\":\"a\xc0\xaf\"}", 9, "model", "not UTF-8"},
	} {
		_, err := chat.Scan([]byte(tc.body))
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("Scan(%.80q) = %v, want a refusal (%s)", tc.body, err, tc.what)
			continue
		}
		if e.Offset != tc.offset || e.Member != tc.member || !strings.Contains(e.What, tc.what) {
			t.Errorf("Scan(%.80q): %+v, want offset %d, member %q, %q", tc.body, *e, tc.offset, tc.member, tc.what)
		}
		if !strings.Contains(e.Error(), e.What) || !strings.Contains(e.Error(), tc.member) {
			t.Errorf("Error() = %q does not tell %+v", e.Error(), *e)
		}
	}
	if _, err := chat.Scan([]byte(`{"x":` + deep(999) + `}`)); err != nil {
		t.Errorf("1000 levels: %v", err)
	}
}

func TestApply(t *testing.T) {
	set := func(m int, v string) Change { return Change{m, []byte(v)} }
	del := func(m int) Change { return Change{Member: m} }
	for _, tc := range []struct {
		body    string
		changes []Change
		want    string
	}{
		{`{"model":"a"}`, nil, `{"model":"a"}`},
		{` { "model" : "a" } ` + "\n", []Change{set(mModel, `"bcd"`)}, ` { "model" : "bcd" } ` + "\n"},
		{`{"n":1,"model":"a","x":[]}`, []Change{set(mModel, `"b"`), set(mN, `22`)}, `{"n":22,"model":"b","x":[]}`},
		// Insert.
		{`{}`, []Change{set(mModel, `"b"`)}, `{"model":"b"}`},
		{`{ }`, []Change{set(mModel, `"b"`), set(mN, `1`)}, `{"model":"b","n":1 }`},
		{`{"x":1}`, []Change{set(mN, `1`), set(mModel, `"b"`)}, `{"n":1,"model":"b","x":1}`},
		{`{ "x":1 }`, []Change{set(mN, `1`)}, `{"n":1, "x":1 }`},
		// Remove.
		{`{"model":"a"}`, []Change{del(mModel)}, `{}`},
		{`{ "model" : "a" }`, []Change{del(mModel)}, `{  }`},
		{`{"model":"a","x":1}`, []Change{del(mModel)}, `{"x":1}`},
		{`{ "model" : "a" , "x":1}`, []Change{del(mModel)}, `{  "x":1}`},
		{`{"x":1 , "model":"a" }`, []Change{del(mModel)}, `{"x":1  }`},
		{`{"x":1,"model":"a","y":2}`, []Change{del(mModel)}, `{"x":1,"y":2}`},
		{`{"x":1,"model":"a","n":2}`, []Change{del(mModel), del(mN)}, `{"x":1}`},
		{`{"x":1, "model":"a", "n":2 }`, []Change{del(mN), del(mModel)}, `{"x":1 }`},
		{`{"model":"a","n":2,"x":1}`, []Change{del(mN), del(mModel)}, `{"x":1}`},
		{`{"model":"a","n":2}`, []Change{del(mN), del(mModel)}, `{}`},
		{`{"model":"a","n":2}`, []Change{del(mN)}, `{"model":"a"}`},
		{`{"x":1}`, []Change{del(mN)}, `{"x":1}`},
		// Together.
		{`{"model":"a"}`, []Change{del(mModel), set(mN, `1`)}, `{"n":1}`},
		{`{"model":"a","stream":true}`, []Change{del(mModel), set(mN, `1`), del(mStream)}, `{"n":1}`},
		{`{"model":"a","stream":true}`, []Change{set(mModel, `"b,"`), del(mStream)}, `{"model":"b,"}`},
		{`{"x":",","model":"a","stream":true}`, []Change{set(mModel, `[1,2]`), set(mOptions, `{}`), del(mStream)}, `{"stream_options":{},"x":",","model":[1,2]}`},
		// The last change of a member counts.
		{`{"n":1}`, []Change{set(mN, `2`), set(mN, `3`)}, `{"n":3}`},
		{`{"n":1}`, []Change{set(mN, `2`), del(mN)}, `{}`},
		{`{}`, []Change{set(mN, `2`), set(mModel, `1`), set(mN, `3`)}, `{"n":3,"model":1}`},
		{`{}`, []Change{set(mN, `2`), del(mN)}, `{}`},
	} {
		body := []byte(tc.body)
		ix, err := chat.Scan(body)
		if err != nil {
			t.Fatal(err)
		}
		got := chat.Apply([]byte("kept"), body, &ix, tc.changes...)
		if string(got) != "kept"+tc.want {
			t.Errorf("Apply(%s, %v)\n got %s\nwant kept%s", tc.body, tc.changes, got, tc.want)
		}
		if string(body) != tc.body {
			t.Errorf("Apply(%s) wrote to its body: %s", tc.body, body)
		}
	}
}

func TestNewSpecPanics(t *testing.T) {
	for _, names := range [][]string{
		{""},
		{"a", "a"},
		{"a", "A"},
		{"é"},
		{`a"b`},
		{`a\b`},
		{"a\n"},
		{"a\x7f"},
		{strings.Repeat("x", 64)},
		strings.Split("abcdefghijklm", ""),
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("NewSpec(%q) did not panic", names)
				}
			}()
			NewSpec(names...)
		}()
	}
	NewSpec()
	NewSpec(strings.Split("abcdefghijkl", "")...)
	NewSpec(strings.Repeat("x", 63))
}
