package rawjson

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

var sieveLists = [][]string{{"a", "b"}, {"c"}, {"c", "d"}}

func TestSieve(t *testing.T) {
	for _, c := range []struct{ text, rest, elems string }{
		{`{}`, `{}`, ``},
		{` { "x" : [1, 2], "a": {"b" : [ {"n":"]}\"\\"} , 2 ,"x",[3,4], null ], "y":{"b":[9]}} , "z":true } `, `{"x":[1, 2],"a":{"b":[],"y":{"b":[9]}},"z":true}`, `0{"n":"]}\"\\"} 02 0"x" 0[3,4] 0null `},
		{`{"c":[1],"c":{"d":[2]},"\u0063":[3]}`, `{"c":[],"c":{"d":[]},"\u0063":[]}`, `01 02 03 `},
		{`{"a":[1],"b":[2],"x":-1.5e3}`, `{"a":[1],"b":[2],"x":-1.5e3}`, ``},
		{`{"a":{"b":{"b":[1]}}}`, `{"a":{"b":{"b":[1]}}}`, ``},
		{`[{"c":[1]}]`, `[{"c":[1]}]`, ``},
		{`12`, `12`, ``},
	} {
		for name, r := range map[string]io.Reader{"whole": strings.NewReader(c.text), "bytes": iotest.OneByteReader(strings.NewReader(c.text))} {
			elems := ""
			s := Sieve{Lists: sieveLists, Most: 100, Rest: 200}
			rest, err := s.Read(r, func(_ int, e []byte) error { elems += "0" + string(e) + " "; return nil })
			if err != nil || string(rest) != c.rest || elems != c.elems {
				t.Errorf("%s, %s: %s and %s, %v", name, c.text, rest, elems, err)
			}
		}
	}
}

func TestSieveStops(t *testing.T) {
	none := func(int, []byte) error { return nil }
	for _, text := range []string{``, `{`, `{"c"`, `{"c":`, `{"c":[`, `{"c":[1,`, `{"c":["x`, `{"c":["\`, `{1}`, `{"c" 1}`} {
		s := Sieve{Lists: sieveLists, Most: 100, Rest: 100}
		if _, err := s.Read(strings.NewReader(text), none); err == nil {
			t.Errorf("%s is read", text)
		}
	}
	long := strings.Repeat("x", 100)
	for _, text := range []string{`{"c":["` + long + `"]}`, `{"x":"` + long + `"}`, `{"c":[],"y":["` + long + `"]}`, `{"` + long + `":1}`} {
		s := Sieve{Lists: sieveLists, Most: 50, Rest: 50}
		if _, err := s.Read(strings.NewReader(text), none); !errors.Is(err, errTooLong) {
			t.Errorf("%s: %v", text, err)
		}
	}
	s := Sieve{Lists: sieveLists, Most: 100, Rest: 100}
	n := 0
	if _, err := s.Read(strings.NewReader(`{"c":[1,2,3]}`), func(i int, _ []byte) error {
		if n++; i == 1 {
			return io.ErrClosedPipe
		}
		return nil
	}); !errors.Is(err, io.ErrClosedPipe) || n != 2 {
		t.Errorf("%d elements, %v", n, err)
	}
	if _, err := s.Read(iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader(`{"c":[1]}`))), none); !errors.Is(err, iotest.ErrTimeout) {
		t.Error(err)
	}
}

// TestSieveHolds: what is held of a document does not grow with its lists.
func TestSieveHolds(t *testing.T) {
	var b strings.Builder
	b.WriteString(`{"c":[`)
	for i := range 10000 {
		fmt.Fprintf(&b, `{"n":%d},`, i)
	}
	text := strings.TrimSuffix(b.String(), ",") + `]}`
	s := Sieve{Lists: sieveLists, Most: 100, Rest: 100}
	if n := testing.AllocsPerRun(3, func() {
		if _, err := s.Read(strings.NewReader(text), func(int, []byte) error { return nil }); err != nil {
			t.Fatal(err)
		}
	}); n > 20 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzSieve: of a document that is valid, what is left is valid, and so is each element, however it comes.
func FuzzSieve(f *testing.F) {
	f.Add(`{"a":{"b":[1,{"x":[]},"\""]},"c":[{}],"z":1.5}`)
	f.Add(`{"c":{"d":[1]}}`)
	f.Fuzz(func(t *testing.T, text string) {
		valid := Check([]byte(text)) == nil
		s := Sieve{Lists: sieveLists, Most: 1 << 20, Rest: 1 << 20}
		read := func(r io.Reader) (string, error) {
			out := ""
			rest, err := s.Read(r, func(n int, e []byte) error {
				if valid && Check(e) != nil {
					t.Errorf("%s of %s", e, text)
				}
				out += fmt.Sprintf("%d%s\n", n, e)
				return nil
			})
			if valid && err == nil && Check(rest) != nil {
				t.Errorf("%s of %s", rest, text)
			}
			return out + string(rest), err
		}
		whole, err := read(strings.NewReader(text))
		split, again := read(iotest.OneByteReader(strings.NewReader(text)))
		if valid && err != nil || whole != split || (err == nil) != (again == nil) {
			t.Errorf("%q: %q %v, %q %v", text, whole, err, split, again)
		}
	})
}
