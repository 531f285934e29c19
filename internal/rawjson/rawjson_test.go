package rawjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"math/big"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestCheck(t *testing.T) {
	nest := func(n int) string { return strings.Repeat(`[{"a":`, n/2) + "0" + strings.Repeat(`}]`, n/2) }
	for _, ok := range []string{
		`0`, `-0`, `1.50`, `1e9`, `1E-09`, `-12.5e+3`, `""`, `"\"\\\/\b\f\n\r\t\u00Ff"`, `true`, `false`, `null`, `[]`, `{}`, " [ 1 ,\t{ \"a\" :\r\n[ ] } ] ",
		`{"a":{"b":[[],{}]},"a":1}`, `[{"a":1},[1,2],{"a":1}]`, "\"\x7f\xff\u2028\"", `"!#0123456789012345678901234567890[]{}"`, nest(MaxDepth),
	} {
		if err := Check([]byte(ok)); err != nil {
			t.Errorf("Check(%.80s): %v", ok, err)
		}
	}
	for _, tc := range []struct {
		text   string
		offset int
	}{
		{``, 0},
		{` `, 1},
		{`1 2`, 2},
		{`01`, 1},
		{`-`, 0},
		{`+1`, 0},
		{`1.`, 2},
		{`.1`, 0},
		{`1e`, 2},
		{`1e+`, 3},
		{`0x1`, 1},
		{`nul`, 0},
		{`nulL`, 0},
		{`nulll`, 4},
		{`[1,]`, 3},
		{`[,1]`, 1},
		{`[1 2]`, 3},
		{`[1`, 2},
		{`[`, 1},
		{`]`, 0},
		{`[}`, 1},
		{`[1}`, 2},
		{`{"a":1]`, 6},
		{`{a:1}`, 1},
		{`{"a" 1}`, 5},
		{`{"a":}`, 5},
		{`{"a":1,}`, 7},
		{`{"a"}`, 4},
		{`{1:1}`, 1},
		{`"`, 0},
		{`"\`, 0},
		{`"a\"`, 0},
		{`"\a"`, 1},
		{`"\u12"`, 1},
		{`"\u12G4"`, 1},
		{"\"\n\"", 1},
		{"\"12345678\x1f\"", 9},
		{"\"0123456789012345678901234567890123456789\x00\"", 41},
		{`'a'`, 0},
		{"\ufeff1", 0},
		{"1\x00", 1},
		{"\v1", 0},
		{nest(MaxDepth + 2), 3 * MaxDepth},
	} {
		err := Check([]byte(tc.text))
		var e *SyntaxError
		if !errors.As(err, &e) || e.Offset != tc.offset || !strings.Contains(err.Error(), e.What) {
			t.Errorf("Check(%.80q) = %v, want an error at %d", tc.text, err, tc.offset)
		}
	}
}

func TestSkipIn(t *testing.T) {
	if end, err := Skip([]byte(` [1] ,2`), 1); end != 4 || err != nil {
		t.Errorf("Skip: %d, %v", end, err)
	}
	if _, err := SkipIn([]byte(`[[]]`), 0, MaxDepth-2); err != nil {
		t.Error(err)
	}
	if _, err := SkipIn([]byte(`[[]]`), 0, MaxDepth-1); err == nil {
		t.Error("the containers around the value do not count")
	}
}

// The end of a string is found wherever it stands against the words that are looked at together.
func TestSkipStringPlaces(t *testing.T) {
	for n := range 80 {
		for _, last := range []string{"", `\n`, `\"`, `\\`, `\u0041`, "é", "\x7f", "\xff", " !#[]"} {
			text := `"` + strings.Repeat("a", n) + last
			for _, after := range []string{"", "x", `","b":"c`, strings.Repeat(`"`, 40), strings.Repeat("\x00", 40)} {
				if end, err := SkipString([]byte(text+`"`+after), 0); err != nil || end != len(text)+1 {
					t.Fatalf("SkipString(%q) = %d, %v", text+`"`+after, end, err)
				}
			}
			for c := range byte(0x20) {
				_, err := SkipString([]byte(text+string(rune(c))+`"`+strings.Repeat(" ", 40)), 0)
				if e := new(SyntaxError); !errors.As(err, &e) || e.Offset != len(text) {
					t.Fatalf("SkipString(%q, then %#x): %v", text, c, err)
				}
			}
		}
	}
}

func TestString(t *testing.T) {
	for _, tc := range []struct {
		v, want string
		ok      bool
	}{
		{`""`, "", true},
		{` "a" `, "a", true},
		{`"\"\\\/\b\f\n\r\t"`, "\"\\/\b\f\n\r\t", true},
		{`"\u0041\u00e9\u6F22\uD83D\uDE00"`, "Aé漢😀", true},
		{`"\ud83d"`, "\ufffd", true},
		{`"\ude00\ud83d"`, "\ufffd\ufffd", true},
		{`"\ud83d\ud83d\ude00"`, "\ufffd😀", true},
		{`"\ud83dx"`, "\ufffdx", true},
		{`"\ud83d\n"`, "\ufffd\n", true},
		{"\"a\xffb\"", "a\xffb", true},
		{`1`, "", false},
		{`null`, "", false},
		{``, "", false},
		{`["a"]`, "", false},
		{`"a`, "", false},
	} {
		got, ok := String([]byte(tc.v))
		if got != tc.want || ok != tc.ok || Text([]byte(tc.v)) != tc.want {
			t.Errorf("String(%s) = %q, %v, want %q, %v", tc.v, got, ok, tc.want, tc.ok)
		}
	}
}

func TestInt(t *testing.T) {
	for _, tc := range []struct {
		v    string
		want int64
		ok   bool
	}{
		{`0`, 0, true},
		{`-0`, 0, true},
		{` 42 `, 42, true},
		{`3.0`, 3, true},
		{`3e2`, 300, true},
		{`-1.50E1`, -15, true},
		{`1200e-2`, 12, true},
		{`0.0e999999999999`, 0, true},
		{`9223372036854775807`, math.MaxInt64, true},
		{`-9223372036854775808`, math.MinInt64, true},
		{`9223372036854775807.0`, math.MaxInt64, true},
		{`9007199254740993.0`, 9007199254740993, true},
		{`1e18`, 1e18, true},
		{`9223372036854775808`, 0, false},
		{`1e19`, 0, false},
		{`1e999999999999999999999`, 0, false},
		{`1.5`, 0, false},
		{`1e-1`, 0, false},
		{`1.00000000000000000001`, 0, false},
		{`"1"`, 0, false},
		{`null`, 0, false},
		{``, 0, false},
		{`true`, 0, false},
		{`[1]`, 0, false},
	} {
		if got, ok := Int([]byte(tc.v)); got != tc.want || ok != tc.ok {
			t.Errorf("Int(%s) = %d, %v, want %d, %v", tc.v, got, ok, tc.want, tc.ok)
		}
	}
}

func TestSmallReaders(t *testing.T) {
	for _, tc := range []struct {
		v        string
		kind     byte
		num      string
		val, ok  bool
		nullness bool
	}{
		{`{}`, '{', "", false, false, false},
		{` [1]`, '[', "", false, false, false},
		{`"a"`, '"', "", false, false, false},
		{`true`, 't', "", true, true, false},
		{`false`, 'f', "", false, true, false},
		{` null `, 'n', "", false, false, true},
		{``, ' ', "", false, false, true},
		{` 1.50e+2 `, '0', "1.50e+2", false, false, false},
		{`-0`, '0', "-0", false, false, false},
	} {
		v := []byte(tc.v)
		val, ok := Bool(v)
		if Kind(v) != tc.kind || Num(v) != tc.num || val != tc.val || ok != tc.ok || IsNull(v) != tc.nullness {
			t.Errorf("%q: Kind %q, Num %q, Bool %v %v, IsNull %v", tc.v, Kind(v), Num(v), val, ok, IsNull(v))
		}
	}
}

func TestMembers(t *testing.T) {
	type member struct{ Name, Value string }
	read := func(v string) (out []member) {
		for name, val := range Members([]byte(v)) {
			out = append(out, member{string(name), string(val)})
		}
		return out
	}
	got := read(` { "a" : 1 , "b" :"x,}" ,"\u0063":{"d":[1,{}]} , "a":[ "]" ],"":null } `)
	want := []member{{"a", "1"}, {"b", `"x,}"`}, {"c", `{"d":[1,{}]}`}, {"a", `[ "]" ]`}, {"", "null"}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	for _, v := range []string{`{}`, `[]`, `1`, `"{"`, ``, `null`} {
		if got := read(v); got != nil {
			t.Errorf("Members(%s) = %v", v, got)
		}
	}
	for name := range Members([]byte(`{"a":1,"b":2}`)) {
		if string(name) != "a" {
			t.Error("Members goes on after a break")
		}
		break
	}
}

func TestGet(t *testing.T) {
	v := []byte(`{"a":{"b":1,"c":[2],"b":{"d":3}},"e":null}`)
	for _, tc := range []struct {
		path []string
		want string
	}{
		{nil, string(v)},
		{[]string{"a", "b", "d"}, "3"},
		{[]string{"a", "c"}, "[2]"},
		{[]string{"e"}, "null"},
		{[]string{"x"}, ""},
		{[]string{"a", "c", "0"}, ""},
		{[]string{"e", "f"}, ""},
	} {
		got := Get(v, tc.path...)
		if string(got) != tc.want || (got == nil) != (tc.want == "") {
			t.Errorf("Get(%q) = %q, want %q", tc.path, got, tc.want)
		}
	}
}

// What a value shares with its text ends where it ends: appending to it must not write into the text.
func TestValuesAreCut(t *testing.T) {
	text := []byte(`{"a":1,"b":[2,3]}`)
	for _, val := range Members(text) {
		_ = append(val, "tail"...)
	}
	for _, el := range Elems(Get(text, "b")) {
		_ = append(el, "tail"...)
	}
	if string(text) != `{"a":1,"b":[2,3]}` {
		t.Errorf("the text is now %s", text)
	}
}

func TestWriter(t *testing.T) {
	var w Writer
	w.Open('{').Name("a").Int(-1).Name("b\"").Open('[').String("x\n").Bool(true).Null().Num("1.50").Raw([]byte(` {"k": 1}`)).Raw(nil).
		Open('[').Close(']').Open('{').Close('}').Close(']').Name("c").Open('{').Close('}').Name("d").String("").Close('}')
	want := `{"a":-1,"b\"":["x\n",true,null,1.50, {"k": 1},null,[],{}],"c":{},"d":""}`
	if string(w.Buf) != want {
		t.Errorf("got %s\nwant %s", w.Buf, want)
	}
	if err := Check(w.Buf); err != nil {
		t.Error(err)
	}
}

func FuzzCheck(f *testing.F) {
	for _, s := range []string{
		`{"a":[1,-2.5e+3,true,false,null,"x\u00e9\ud83d\ude00\n"],"b":{}}`, `[[],[{}],{"":""}]`, `01`, `"\ud800"`, `{"a":1,}`, "\"\x00\"", `1e5 `, ` "a" x`,
		`{"a":1,"a":2,"\u0061":3}`, `[1.0,9223372036854775807,9223372036854775808,1e2,1.5e1]`, strings.Repeat("[", 1001) + strings.Repeat("]", 1001),
		"{\"k\xff\":\"v\xff\"}", `"01234567890123456789012345678901234567\n"`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		err := Check(b)
		valid := json.Valid(b)
		if err == nil && !valid {
			t.Fatalf("Check takes %q", b)
		}
		if err == nil {
			agree(t, b)
			return
		}
		var e *SyntaxError
		if !errors.As(err, &e) || e.Offset < 0 || e.Offset > len(b) {
			t.Fatalf("%#v", err)
		}
		if valid && (e.What != "nested too deeply" || depth(b) <= MaxDepth) {
			t.Fatalf("Check refuses %q: %v", b, err)
		}
		// Not checked text: whatever comes, it comes to an end.
		walk(b, 0)
	})
}

// depth counts how deep valid JSON nests.
func depth(b []byte) (most int) {
	now, inString := 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case !inString && (c == '[' || c == '{'):
			now++
			most = max(most, now)
		case !inString && (c == ']' || c == '}'):
			now--
		}
	}
	return most
}

func walk(b []byte, deep int) {
	_, _ = String(b)
	_, _ = Int(b)
	_ = Num(b)
	if deep > 20 {
		return
	}
	for _, v := range Members(b) {
		walk(v, deep+1)
	}
	for _, v := range Elems(b) {
		walk(v, deep+1)
	}
}

// agree holds the readers against encoding/json, all the way down.
func agree(t *testing.T, v []byte) {
	t.Helper()
	switch Kind(v) {
	case '{':
		d := json.NewDecoder(bytes.NewReader(v))
		if _, err := d.Token(); err != nil {
			t.Fatal(err)
		}
		for name, val := range Members(v) {
			tok, err := d.Token()
			if err != nil {
				t.Fatalf("a member too many in %q: %q", v, name)
			}
			if want := tok.(string); !sameText(string(name), want) {
				t.Fatalf("name %q, want %q", name, want)
			}
			next(t, d, val)
		}
		if d.More() {
			t.Fatalf("members are missing of %q", v)
		}
	case '[':
		d := json.NewDecoder(bytes.NewReader(v))
		if _, err := d.Token(); err != nil {
			t.Fatal(err)
		}
		n := 0
		for i, val := range Elems(v) {
			if i != n {
				t.Fatalf("element %d is called %d", n, i)
			}
			n++
			next(t, d, val)
		}
		if d.More() {
			t.Fatalf("elements are missing of %q", v)
		}
	case '"':
		var want string
		if err := json.Unmarshal(v, &want); err != nil {
			t.Fatal(err)
		}
		got, ok := String(v)
		if !ok || !sameText(got, want) {
			t.Fatalf("String(%q) = %q, want %q", v, got, want)
		}
	case '0':
		agreeNumber(t, v)
	case 't', 'f':
		var want bool
		got, ok := Bool(v)
		if err := json.Unmarshal(v, &want); err != nil || !ok || got != want {
			t.Fatalf("Bool(%q) = %v, %v", v, got, ok)
		}
	case 'n':
		if !IsNull(v) {
			t.Fatalf("%q is not null", v)
		}
	default:
		t.Fatalf("Kind(%q) = %q", v, Kind(v))
	}
}

func next(t *testing.T, d *json.Decoder, val []byte) {
	t.Helper()
	var raw json.RawMessage
	if err := d.Decode(&raw); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(raw, val) {
		t.Fatalf("value %q, want %q", val, raw)
	}
	agree(t, val)
}

// sameText compares a text of ours with that of encoding/json, which replaces what is not UTF-8.
func sameText(got, want string) bool {
	return got == want || !utf8.ValidString(got) && string([]rune(got)) == want
}

func agreeNumber(t *testing.T, v []byte) {
	t.Helper()
	text := string(bytes.TrimSpace(v))
	if Num(v) != text {
		t.Fatalf("Num(%q) = %q", v, Num(v))
	}
	if _, exp, _ := strings.Cut(strings.ToLower(text), "e"); len(exp) > 4 {
		return // math/big takes long over these
	}
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		t.Fatalf("math/big does not read %q", v)
	}
	got, fits := Int(v)
	if want := r.IsInt() && r.Num().IsInt64(); fits != want || fits && got != r.Num().Int64() {
		t.Fatalf("Int(%q) = %d, %v", v, got, fits)
	}
}

func FuzzAppendString(f *testing.F) {
	for _, s := range []string{"", "plain", "a\"b\\c/\b\f\n\r\t\x00\x1f\x7f", "é\u2028😀", "\xff\xc0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		b := AppendString([]byte("kept"), s)
		if !bytes.HasPrefix(b, []byte("kept")) {
			t.Fatal("what was there is gone")
		}
		b = b[4:]
		if err := Check(b); err != nil {
			t.Fatalf("AppendString(%q) = %q: %v", s, b, err)
		}
		if got, ok := String(b); !ok || got != s {
			t.Fatalf("String(AppendString(%q)) = %q", s, got)
		}
		var got string
		if err := json.Unmarshal(b, &got); err != nil || !sameText(s, got) {
			t.Fatalf("encoding/json reads %q as %q, %v", b, got, err)
		}
	})
}

func TestAllocations(t *testing.T) {
	text := []byte(`{"model":"m","messages":[{"role":"user","content":"a long enough text of no interest"},{"n":[1,2,3.5e7,null,true]}]}`)
	n := 0
	per := testing.AllocsPerRun(100, func() {
		if Check(text) != nil {
			t.Fatal("the text is not JSON")
		}
		for _, v := range Members(text) {
			for range Elems(v) {
				n++
			}
		}
	})
	if per != 0 {
		t.Errorf("%v allocations for Check, Members and Elems, at most 0", per)
	}
}

func BenchmarkCheck(b *testing.B) {
	plain := []byte(`["` + strings.Repeat("The quick brown fox jumps over the lazy dog. ", 2200) + `"]`)
	small := []byte(`[` + strings.Repeat(`{"role":"user","id":12,"ok":true,"x":[1,2,3]},`, 2200) + `0]`)
	for name, text := range map[string][]byte{"Text": plain, "Tokens": small} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				if err := Check(text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// A long text is read and written in a translation: prose with few escapes, and code with many.
func BenchmarkString(b *testing.B) {
	for name, line := range map[string]string{"Prose": strings.Repeat("The quick brown fox jumps over the lazy dog. ", 12) + "\n", "Code": "if x == \"y\" {\n\t\treturn\n"} {
		text := strings.Repeat(line, 100_000/len(line))
		b.Run("Write/"+name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			buf := AppendString(nil, text)
			for b.Loop() {
				buf = AppendString(buf[:0], text)
			}
		})
		b.Run("Read/"+name, func(b *testing.B) {
			v := AppendString(nil, text)
			b.SetBytes(int64(len(v)))
			for b.Loop() {
				if s, ok := String(v); !ok || len(s) != len(text) {
					b.Fatal("another text")
				}
			}
		})
	}
}
