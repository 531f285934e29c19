package splice

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"reflect"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"weir/internal/rawjson"
)

// pair is a top-level member as encoding/json reads it, its value compacted to what it means.
type pair struct {
	name  string
	value any
}

// pairs reads a body by the tokens of encoding/json.
func pairs(body []byte) ([]pair, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if tok, err := d.Token(); err != nil || tok != json.Delim('{') {
		return nil, errors.New("not an object")
	}
	var out []pair
	for d.More() {
		tok, err := d.Token()
		if err != nil {
			return nil, err
		}
		var v any
		if err := d.Decode(&v); err != nil {
			return nil, err
		}
		out = append(out, pair{tok.(string), v})
	}
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("text after the object")
	}
	return out, nil
}

// A reader of the field says what a member's value is.
var readers = map[string]func(ps []pair, name string) (any, bool){
	"first wins": func(ps []pair, name string) (any, bool) {
		for _, p := range ps {
			if p.name == name {
				return p.value, true
			}
		}
		return nil, false
	},
	"last wins": func(ps []pair, name string) (v any, ok bool) {
		for _, p := range ps {
			if p.name == name {
				v, ok = p.value, true
			}
		}
		return v, ok
	},
	"case-blind": func(ps []pair, name string) (v any, ok bool) {
		for _, p := range ps {
			if strings.EqualFold(p.name, name) {
				v, ok = p.value, true
			}
		}
		return v, ok
	},
	"cleaning": func(ps []pair, name string) (v any, ok bool) {
		clean := func(r rune) rune {
			if unicode.IsControl(r) || r == utf8.RuneError {
				return -1
			}
			return r
		}
		for _, p := range ps {
			if strings.EqualFold(strings.Map(clean, p.name), name) {
				v, ok = p.value, true
			}
		}
		return v, ok
	},
}

var fuzzed = NewSpec("model", "stream", "k", "max_tokens", "n")

var seeds = []string{
	`{}`, `{"model":"m"}`, ` { "model" : "gpt\u002d4" , "stream" : true , "messages":[{"role":"user","content":"hi\n\"there\""}] } `,
	`{"model":"a","model":"b"}`, `{"Model":"a","model":"b"}`, "{\"\u017Ftream\":true}", "{\"\u212A\":1,\"k\":2}", `{"mod\u0065l":"a"}`,
	`{"x":1,"x":2,"n":1e400,"k":-0.0E-0}`, `{"model":"\ud800"}`, `{"model":"\ud83d\ude00","k":{"k":[1,[],{}]}}`, "\ufeff{}", `{} x`,
	"{\"model\xff\":1}", "{\"model\":\"\xff\"}", `{"n":01}`, `{"n":[1,]}`, `{"n":tru}`, `{"":"","n":null}`, `[{"model":"m"}]`,
	`{"max_tokens":16,"MAX_TOKENS":17}`, "{\"max_to\u212Aens\":1}", `{"model":"x\u0000"}`, "{\"model\x7f\":1}",
}

func FuzzScan(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		before := bytes.Clone(body)
		ix, err := fuzzed.Scan(body)
		if !bytes.Equal(before, body) {
			t.Fatal("the body was changed")
		}
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.What == "" || e.Offset < 0 || e.Offset > len(body) {
				t.Fatalf("%#v", err)
			}
			return
		}
		if !json.Valid(body) {
			t.Fatalf("accepted: %q", body)
		}
		ps, err := pairs(body)
		if err != nil {
			t.Fatalf("encoding/json: %v", err)
		}
		for i, name := range fuzzed.names {
			raw := ix.Get(body, i)
			for reader, read := range readers {
				want, there := read(ps, name)
				if there != (raw != nil) {
					t.Fatalf("%s: reader %s has it: %v, Scan: %q", name, reader, there, raw)
				}
				if there && !reflect.DeepEqual(decode(t, raw), want) {
					t.Fatalf("%s: reader %s has %v, Scan %q", name, reader, want, raw)
				}
			}
		}
	})
}

// What encoding/json takes, Scan takes, unless a rule of the package says no.
func FuzzScanAccepts(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		ps, err := pairs(body)
		if err != nil || !json.Valid(body) {
			return
		}
		_, err = fuzzed.Scan(body)
		if err == nil {
			return
		}
		seen := map[string]bool{}
		for _, p := range ps {
			for _, name := range fuzzed.names {
				if !strings.EqualFold(p.name, name) {
					continue
				}
				if p.name != name || seen[name] {
					return
				}
				seen[name] = true
				if s, ok := p.value.(string); ok && strings.ContainsAny(s, "\ufffd\x00") {
					return
				}
			}
			if strings.ContainsFunc(p.name, func(r rune) bool {
				return unicode.IsControl(r) || r == '\ufffd' || r == '"' || r == '\\'
			}) {
				return
			}
		}
		var e *Error
		errors.As(err, &e)
		if strings.Contains(e.What, "escaped") || strings.Contains(e.What, "deep") {
			return
		}
		t.Fatalf("Scan(%q): %v", body, err)
	})
}

func decode(t *testing.T, raw []byte) (v any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%q: %v", raw, err)
	}
	return v
}

func FuzzApply(f *testing.F) {
	for i, s := range seeds {
		f.Add([]byte(s), []byte{byte(i), byte(7 * i), byte(13 * i)})
	}
	f.Add([]byte(` { "x":1 , "model" : "a" , "n" : 2 } `), []byte{0, 4})
	f.Add([]byte(`{"model":"a","x":",","k":{},"n":[2]}`), []byte{2, 4, 5, 11})
	values := [][]byte{nil, []byte(`"new"`), []byte(`[1,2]`), []byte(`{"a":","}`), []byte(`null`)}
	f.Fuzz(func(t *testing.T, body, edits []byte) {
		ix, err := fuzzed.Scan(body)
		if err != nil {
			return
		}
		// Each byte is an edit: the member it is about, and what it becomes.
		var changes []Change
		want := map[int][]byte{}
		for i := range fuzzed.names {
			want[i] = ix.Get(body, i)
		}
		for _, e := range edits {
			c := Change{int(e) % len(fuzzed.names), values[int(e)/len(fuzzed.names)%len(values)]}
			changes = append(changes, c)
			want[c.Member] = c.Value
		}
		before := bytes.Clone(body)
		got := fuzzed.Apply([]byte("kept"), body, &ix, changes...)
		if !bytes.Equal(before, body) || !bytes.HasPrefix(got, []byte("kept")) {
			t.Fatal("Apply wrote where it must not")
		}
		got = got[4:]
		again, err := fuzzed.Scan(got)
		if err != nil {
			t.Fatalf("Scan(%q): %v", got, err)
		}
		for i, name := range fuzzed.names {
			if v := again.Get(got, i); !bytes.Equal(v, want[i]) || (v == nil) != (want[i] == nil) {
				t.Fatalf("%s is %q, want %q, in %q", name, v, want[i], got)
			}
		}
		if a, b := others(t, body), others(t, got); !reflect.DeepEqual(a, b) {
			t.Fatalf("other members: %v, were %v", b, a)
		}
		if len(changes) == 0 && !bytes.Equal(body, got) {
			t.Fatalf("no changes: %q", got)
		}
		checkBytes(t, body, got, &ix, &again, want)
	})
}

// others returns what is not governed, in order.
func others(t *testing.T, body []byte) (out []pair) {
	ps, err := pairs(body)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range ps {
		governed := false
		for _, name := range fuzzed.names {
			governed = governed || p.name == name
		}
		if !governed {
			out = append(out, p)
		}
	}
	return out
}

// checkBytes checks that the bytes outside the edits are the same: with nothing removed or inserted, all between the
// values; else, all that is not space or comma once the governed members are cut out.
func checkBytes(t *testing.T, body, got []byte, was, is *Index, want map[int][]byte) {
	t.Helper()
	inPlace := true
	for i := range want {
		inPlace = inPlace && (was.Value[i].End != 0) == (want[i] != nil)
	}
	blank := func(b []byte, ix *Index) []byte {
		out := bytes.Clone(b)
		mark := map[int]int{}
		for i := range fuzzed.names {
			if s := ix.Value[i]; s.End != 0 {
				mark[s.Start] = s.End
			}
		}
		if !inPlace {
			for i := range fuzzed.names {
				if s := ix.Value[i]; s.End != 0 {
					delete(mark, s.Start)
					mark[fuzzed.nameStart(b, i, s.Start)] = s.End
				}
			}
		}
		var kept []byte
		for i := 0; i < len(out); i++ {
			if end, ok := mark[i]; ok {
				kept = append(kept, 1)
				i = end - 1
				continue
			}
			kept = append(kept, out[i])
		}
		if !inPlace {
			kept = bytes.Map(func(r rune) rune {
				if r == ',' || r == 1 || r < utf8.RuneSelf && unicode.IsSpace(r) {
					return -1
				}
				return r
			}, kept)
		}
		return kept
	}
	if a, b := blank(body, was), blank(got, is); !bytes.Equal(a, b) {
		t.Fatalf("bytes outside the edits:\n%q, were\n%q", b, a)
	}
}

// The standard library is a case-blind reader; the generic one above must not be more lenient than it.
func TestCaseBlindIsReal(t *testing.T) {
	body := []byte("{\"model\":\"a\",\"MODEL\":\"b\",\"\u017Ftream\":true,\"\u212A\":1}")
	var v struct {
		Model  string
		Stream bool
		K      int
	}
	if err := json.Unmarshal(body, &v); err != nil || v.Model != "b" || !v.Stream || v.K != 1 {
		t.Fatalf("encoding/json reads %+v, %v", v, err)
	}
	ps, err := pairs(body)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]any{}
	for _, name := range []string{"model", "stream", "k"} {
		got[name], _ = readers["case-blind"](ps, name)
	}
	if want := map[string]any{"model": "b", "stream": true, "k": json.Number("1")}; !maps.Equal(want, got) {
		t.Errorf("case-blind reads %v", got)
	}
}

func chatBody(size int) []byte {
	b := []byte(`{"model":"gpt-5","stream":true,"stream_options":{"include_usage":true},"temperature":0.7,"messages":[{"role":"system","content":"You are a helpful assistant."}`)
	text := "Explain how a weir controls the flow of a river, and how it \\\"measures\\\" it.\\nBe brief, please; give figures where you have some.\\n"
	for len(b) < size-300 {
		b = append(b, `,{"role":"user","content":"`...)
		for range 8 {
			if len(b) < size-400 {
				b = append(b, text...)
			}
		}
		b = append(b, `"}`...)
	}
	return append(b, `],"tools":[{"type":"function","function":{"name":"lookup","parameters":{"type":"object","properties":{"q":{"type":"string"}}}}}],"max_tokens":1024,"n":1}`...)
}

func TestAllocations(t *testing.T) {
	body := chatBody(4096)
	dst := make([]byte, 0, 2*len(body))
	value := []byte(`"another-model"`)
	per := testing.AllocsPerRun(100, func() {
		ix, err := chat.Scan(body)
		if err != nil {
			t.Fatal(err)
		}
		dst = chat.Apply(dst[:0], body, &ix, Change{mModel, value}, Change{Member: mMax}, Change{mKind, value})
	})
	if per != 0 {
		t.Errorf("%v allocations for Scan and Apply, at most 0", per)
	}
	if err := rawjson.Check(dst); err != nil {
		t.Error(err)
	}
}

func BenchmarkScan(b *testing.B) {
	for _, size := range []int{1 << 10, 32 << 10, 100 << 10} {
		body := chatBody(size)
		b.Run(sizeName(size), func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := chat.Scan(body); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkApply(b *testing.B) {
	body := chatBody(32 << 10)
	ix, err := chat.Scan(body)
	if err != nil {
		b.Fatal(err)
	}
	dst := make([]byte, 0, 2*len(body))
	value := []byte(`"another-model"`)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		dst = chat.Apply(dst[:0], body, &ix, Change{mModel, value}, Change{mN, value})
	}
}

func sizeName(n int) string {
	return map[int]string{1 << 10: "1KB", 32 << 10: "32KB", 100 << 10: "100KB"}[n]
}
