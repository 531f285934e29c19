package frame

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"weir/internal/llm"
)

func gather(t testing.TB, seq Seq) ([]kept, error) {
	t.Helper()
	var out []kept
	var last error
	for f, err := range seq {
		if last != nil {
			t.Fatal("something follows the error")
		}
		if err != nil {
			last = err
			continue
		}
		out = append(out, keep(f))
	}
	return out, last
}

func joined(frames []kept) string {
	var b strings.Builder
	for _, f := range frames {
		b.WriteString(f.Raw)
	}
	return b.String()
}

var (
	element = func(data, raw string) kept { return kept{Data: data, Raw: raw} }
	space   = func(raw string) kept { return kept{Raw: raw, NoData: true} }
	cutOff  = func(k kept) kept { k.Tail = true; return k }
)

var arrays = []struct {
	name, text string
	want       []kept
}{
	{"nothing", "", nil},
	{"only space", " \n", []kept{cutOff(space(" \n"))}},
	{"one element", `[{"a":1}]`, []kept{element(`{"a":1}`, `[{"a":1}`), space("]")}},
	{"as Gemini sends it", "[{\n  \"a\": 1\n}\n,\r\n{\n  \"b\": [2]\n}\n]", []kept{
		element("{\n  \"a\": 1\n}", "[{\n  \"a\": 1\n}"), element("{\n  \"b\": [2]\n}", "\n,\r\n{\n  \"b\": [2]\n}"), space("\n]"),
	}},
	{"space everywhere", " [ {} , {\t} ] \r\n", []kept{element("{}", " [ {}"), element("{\t}", " , {\t}"), space(" ] \r\n")}},
	{"empty array", "[]", []kept{space("[]")}},
	{"empty array with space", " [ ]\n", []kept{space(" [ ]\n")}},
	{"brackets in texts", `[{"a":"]},{["},"\"]","\\",{"b\"}":"\\"}]`, []kept{
		element(`{"a":"]},{["}`, `[{"a":"]},{["}`), element(`"\"]"`, `,"\"]"`), element(`"\\"`, `,"\\"`), element(`{"b\"}":"\\"}`, `,{"b\"}":"\\"}`), space("]"),
	}},
	{"elements that are arrays", `[[1,[2]],[]]`, []kept{element("[1,[2]]", "[[1,[2]]"), element("[]", ",[]"), space("]")}},
	{"scalars", "[1, true,null ,-2.5e3]", []kept{element("1", "[1"), element("true", ", true"), element("null", ",null"), element("-2.5e3", " ,-2.5e3"), space("]")}},
	{"texts", `["a","","b"]`, []kept{element(`"a"`, `["a"`), element(`""`, `,""`), element(`"b"`, `,"b"`), space("]")}},
	{"several bytes a letter", `["é漢😀"]`, []kept{element(`"é漢😀"`, `["é漢😀"`), space("]")}},
	{"no array", `{"error":{"code":503}}`, []kept{element(`{"error":{"code":503}}`, `{"error":{"code":503}}`)}},
	{"no array, with space", "\n{\"a\": [1]}\n ", []kept{element(`{"a": [1]}`, "\n{\"a\": [1]}"), space("\n ")}},
	{"no array, a text", `"[{}"`, []kept{element(`"[{}"`, `"[{}"`)}},
	{"no array, a number", "12", []kept{element("12", "12")}},
	{"no array, a word", "null\n", []kept{element("null", "null"), space("\n")}},
	{"what follows the end", "[{}]\nmore{}", []kept{element("{}", "[{}"), space("]\nmore{}")}},
	{"cut in an element", `[{"a":1},{"b":`, []kept{element(`{"a":1}`, `[{"a":1}`), cutOff(element(`{"b":`, `,{"b":`))}},
	{"cut in a text", `[{"a":1},"b\"`, []kept{element(`{"a":1}`, `[{"a":1}`), cutOff(element(`"b\"`, `,"b\"`))}},
	{"cut in a number", `[12`, []kept{cutOff(element("12", "[12"))}},
	{"cut after an element", `[{"a":1}`, []kept{element(`{"a":1}`, `[{"a":1}`)}},
	{"cut after space", "[{}\n", []kept{element("{}", "[{}"), cutOff(space("\n"))}},
	{"cut after a comma", "[{} ,", []kept{element("{}", "[{}"), cutOff(space(" ,"))}},
	{"cut after the bracket", "[", []kept{cutOff(space("["))}},
	{"an error after elements", `[{"a":1},{"error":{}}`, []kept{element(`{"a":1}`, `[{"a":1}`), element(`{"error":{}}`, `,{"error":{}}`)}},
}

// Frames, their bytes and what is a tail do not depend on the sizes an array is read in.
func TestElements(t *testing.T) {
	for _, tc := range arrays {
		t.Run(tc.name, func(t *testing.T) {
			if got := joined(tc.want); got != tc.text {
				t.Fatalf("the frames wanted are %q, which is not the stream", got)
			}
			for size := 1; size <= len(tc.text)+1; size++ {
				for _, with := range []bool{false, true} {
					got, err := gather(t, Elements(&chunks{text: tc.text, size: always(size), with: with}, nil, 1<<20))
					if err != nil {
						t.Fatal(err)
					}
					if d := cmp.Diff(tc.want, got); d != "" {
						t.Fatalf("read size %d (-want +got):\n%s", size, d)
					}
				}
			}
		})
	}
}

var lineStreams = []struct {
	name, text string
	want       []kept
}{
	{"nothing", "", nil},
	{"two values", "{\"a\":1}\n{\"b\":2}\n", []kept{element(`{"a":1}`, "{\"a\":1}\n"), element(`{"b":2}`, "{\"b\":2}\n")}},
	{"CR LF", "{\"a\":1}\r\n{}\r\n", []kept{element(`{"a":1}`, "{\"a\":1}\r\n"), element("{}", "{}\r\n")}},
	{"a CR alone ends nothing", "1\r2\n", []kept{element("1\r2", "1\r2\n")}},
	{"space around", " {} \n", []kept{element("{}", " {} \n")}},
	{"empty lines", "\n\r\n{}\n \n", []kept{space("\n"), space("\r\n"), element("{}", "{}\n"), space(" \n")}},
	{"no end", "{}\n{\"a\":", []kept{element("{}", "{}\n"), cutOff(element(`{"a":`, `{"a":`))}},
	{"only an end is missing", "{}", []kept{cutOff(element("{}", "{}"))}},
	{"space at the end", "{}\n  ", []kept{element("{}", "{}\n"), cutOff(space("  "))}},
	{"several bytes a letter", "\"é漢😀\"\n", []kept{element(`"é漢😀"`, "\"é漢😀\"\n")}},
}

func TestLines(t *testing.T) {
	for _, tc := range lineStreams {
		t.Run(tc.name, func(t *testing.T) {
			if got := joined(tc.want); got != tc.text {
				t.Fatalf("the frames wanted are %q, which is not the stream", got)
			}
			for size := 1; size <= len(tc.text)+1; size++ {
				for _, with := range []bool{false, true} {
					got, err := gather(t, Lines(&chunks{text: tc.text, size: always(size), with: with}, nil, 1<<20))
					if err != nil {
						t.Fatal(err)
					}
					if d := cmp.Diff(tc.want, got); d != "" {
						t.Fatalf("read size %d (-want +got):\n%s", size, d)
					}
				}
			}
		})
	}
}

// A frame that is whole comes before the error of a read that broke; what is begun does not.
func TestBrokenReads(t *testing.T) {
	broken := errors.New("broken")
	for _, tc := range []struct {
		name, text string
		cut        func(io.Reader, []byte, int) Seq
		want       []kept
	}{
		{"elements", `[{"a":1},{"b":`, Elements, []kept{element(`{"a":1}`, `[{"a":1}`)}},
		{"elements that ended", `[{"a":1}]`, Elements, []kept{element(`{"a":1}`, `[{"a":1}`), space("]")}},
		{"lines", "{}\n{", Lines, []kept{element("{}", "{}\n")}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := gather(t, tc.cut(io.MultiReader(strings.NewReader(tc.text), iotest.ErrReader(broken)), nil, 1<<20))
			if !errors.Is(err, broken) {
				t.Errorf("the error is %v", err)
			}
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Errorf("frames (-want +got):\n%s", d)
			}
		})
	}
}

// A frame may be as long as allowed and no longer, whatever the buffer, and an element goes as soon as it is whole.
func TestLinesBounds(t *testing.T) {
	long := `{"a":"` + strings.Repeat("x", 3000) + `"}`
	for _, tc := range []struct {
		name, text, raw string
		cut             func(io.Reader, []byte, int) Seq
	}{
		{"elements", "[" + long + "]", "[" + long, Elements},
		{"lines", long + "\n", long + "\n", Lines},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got, err := gather(t, tc.cut(strings.NewReader(tc.text), nil, len(tc.raw))); err != nil || joined(got) != tc.text {
				t.Errorf("a frame of just the most: %v, %d frames", err, len(got))
			}
			got, err := gather(t, tc.cut(strings.NewReader(tc.text), nil, len(tc.raw)-1))
			var tooLong *TooLong
			if !errors.As(err, &tooLong) || len(got) != 0 {
				t.Errorf("a frame that is too long gives %d frames and %v", len(got), err)
			}
		})
	}
	r, w := io.Pipe()
	go func() {
		_, _ = io.WriteString(w, `[{"a":1}`)
	}()
	for f, err := range Elements(r, nil, 1<<20) {
		if err != nil || string(f.Data) != `{"a":1}` || f.More {
			t.Errorf("first frame %q, more %v, %v", f.Data, f.More, err)
		}
		break
	}
	_ = r.Close()
}

// More tells that another whole frame is in memory.
func TestElementsMore(t *testing.T) {
	var more []bool
	for f := range Elements(strings.NewReader(`[{},{},{}]`), nil, 1<<20) {
		more = append(more, f.More)
	}
	if d := cmp.Diff([]bool{true, true, false, false}, more); d != "" {
		t.Error(d)
	}
}

func TestCutByFraming(t *testing.T) {
	for kind, text := range map[llm.Framing]string{llm.SSE: "data: {}\n\n", llm.NDJSON: "{}\n", llm.Array: "[{}]"} {
		n := 0
		for f, err := range Cut(kind, strings.NewReader(text), nil, 1<<20) {
			if err != nil {
				t.Fatal(err)
			}
			if string(f.Data) == "{}" {
				n++
			}
		}
		if n != 1 {
			t.Errorf("framing %d: %d frames hold the value of %q", kind, n, text)
		}
	}
}

// Data of a frame has no room behind it: appending to it does not touch the stream.
func TestLinesDataIsClipped(t *testing.T) {
	for name, frames := range map[string]Seq{
		"elements": Elements(strings.NewReader(`[{},{}]`), nil, 1<<20), "lines": Lines(strings.NewReader("{}\r\n{}\n"), nil, 1<<20),
	} {
		for f := range frames {
			if len(f.Data) != cap(f.Data) || len(f.Raw) != cap(f.Raw) {
				t.Errorf("%s: data %q has room for %d bytes, raw %q for %d", name, f.Data, cap(f.Data), f.Raw, cap(f.Raw))
			}
		}
	}
}

// FuzzElements compares what is cut out of an array with what encoding/json reads, and, of any text, the frames of one
// read with those of reads of one size after the other.
func FuzzElements(f *testing.F) {
	for _, tc := range arrays {
		f.Add(tc.text, 3)
	}
	f.Fuzz(func(t *testing.T, text string, size int) {
		size = 1 + (size&0xff)%(len(text)+1)
		whole, err := gather(t, Elements(strings.NewReader(text), nil, 1<<20))
		if err != nil {
			t.Fatal(err)
		}
		if got := joined(whole); got != text {
			t.Fatalf("the frames are %q", got)
		}
		small, err := gather(t, Elements(&chunks{text: text, size: always(size)}, nil, 1<<20))
		if d := cmp.Diff(whole, small); err != nil || d != "" {
			t.Fatalf("read size %d, %v:\n%s", size, err, d)
		}
		var want []json.RawMessage
		if !strings.HasPrefix(strings.TrimLeft(text, " \t\r\n"), "[") || json.Unmarshal([]byte(text), &want) != nil {
			return
		}
		n := 0
		for _, k := range whole {
			if k.Tail {
				t.Fatalf("a tail %q in a whole array", k.Raw)
			}
			if k.NoData {
				continue
			}
			if n >= len(want) || !bytes.Equal(bytes.TrimSpace(want[n]), []byte(k.Data)) {
				t.Fatalf("element %d is %q", n, k.Data)
			}
			n++
		}
		if n != len(want) {
			t.Fatalf("%d elements, want %d", n, len(want))
		}
	})
}

// FuzzLines does the same for lines, of which each is one value.
func FuzzLines(f *testing.F) {
	for _, tc := range lineStreams {
		f.Add(tc.text, 3)
	}
	f.Fuzz(func(t *testing.T, text string, size int) {
		size = 1 + (size&0xff)%(len(text)+1)
		whole, err := gather(t, Lines(strings.NewReader(text), nil, 1<<20))
		if err != nil {
			t.Fatal(err)
		}
		if got := joined(whole); got != text {
			t.Fatalf("the frames are %q", got)
		}
		small, err := gather(t, Lines(&chunks{text: text, size: always(size)}, nil, 1<<20))
		if d := cmp.Diff(whole, small); err != nil || d != "" {
			t.Fatalf("read size %d, %v:\n%s", size, err, d)
		}
		lines := strings.SplitAfter(text, "\n")
		if lines[len(lines)-1] == "" {
			lines = lines[:len(lines)-1]
		}
		if len(lines) != len(whole) {
			t.Fatalf("%d frames, want %d", len(whole), len(lines))
		}
		for i, line := range lines {
			if whole[i].Data != strings.TrimSpace(line) || whole[i].Tail != !strings.HasSuffix(line, "\n") {
				t.Fatalf("line %q is the frame %+v", line, whole[i])
			}
		}
	})
}
