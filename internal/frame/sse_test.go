package frame

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// chunks gives a text in pieces of the sizes that size returns.
type chunks struct {
	text string
	size func() int
	err  error // after the text; nil = io.EOF
	with bool  // the error comes with the last bytes
}

func (c *chunks) Read(p []byte) (int, error) {
	end := c.err
	if end == nil {
		end = io.EOF
	}
	if c.text == "" {
		return 0, end
	}
	n := copy(p[:min(len(p), c.size())], c.text)
	c.text = c.text[n:]
	if c.with && c.text == "" {
		return n, end
	}
	return n, nil
}

func always(n int) func() int { return func() int { return n } }

// kept is a frame that outlives the next.
type kept struct {
	Event, Data, Raw string
	NoData, Tail     bool
}

func keep(f Frame) kept {
	return kept{f.Event, string(f.Data), string(f.Raw), f.Data == nil, f.Tail}
}

func collect(t testing.TB, r io.Reader, max int) ([]kept, error) {
	t.Helper()
	var out []kept
	var last error
	for f, err := range SSE(r, make([]byte, minBuffer), max) {
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

func TestSSE(t *testing.T) {
	data := func(event, data, raw string) kept { return kept{Event: event, Data: data, Raw: raw} }
	none := func(raw string) kept { return kept{Raw: raw, NoData: true} }
	tail := func(k kept) kept { k.Tail = true; return k }
	for _, tc := range []struct {
		name, text string
		want       []kept
	}{
		{"nothing", "", nil},
		{"one event", "data: x\n\n", []kept{data("", "x", "data: x\n\n")}},
		{"CR LF", "event: e\r\ndata: x\r\n\r\ndata: y\r\n\r\n", []kept{data("e", "x", "event: e\r\ndata: x\r\n\r\n"), data("", "y", "data: y\r\n\r\n")}},
		{"CR", "event: e\rdata: x\r\rdata: y\r\r", []kept{data("e", "x", "event: e\rdata: x\r\r"), data("", "y", "data: y\r\r")}},
		{"mixed", "event: e\r\ndata: x\rdata: y\n\r\ndata: z\r\n\n", []kept{data("e", "x\ny", "event: e\r\ndata: x\rdata: y\n\r\n"), data("", "z", "data: z\r\n\n")}},
		{"CR CR LF", "data: x\r\r\ndata: y\n\n", []kept{data("", "x", "data: x\r\r"), none("\n"), data("", "y", "data: y\n\n")}},
		{"CR after LF, then text", "data: x\n\rdata: y\n\n", []kept{data("", "x", "data: x\n\r"), data("", "y", "data: y\n\n")}},
		{"CR after LF at the end", "data: x\n\r", []kept{data("", "x", "data: x\n\r")}},
		{"no space", "data:x\n\n", []kept{data("", "x", "data:x\n\n")}},
		{"two spaces", "data:  x \n\n", []kept{data("", " x ", "data:  x \n\n")}},
		{"tab is text", "data:\tx\n\n", []kept{data("", "\tx", "data:\tx\n\n")}},
		{"colons", "data: a: b:c\n\n", []kept{data("", "a: b:c", "data: a: b:c\n\n")}},
		{"joined", "data: a\ndata:b\ndata\ndata: d\n\n", []kept{data("", "a\nb\n\nd", "data: a\ndata:b\ndata\ndata: d\n\n")}},
		{"joined with others between", "data: a\nevent: e\n: c\ndata: b\n\n", []kept{data("e", "a\nb", "data: a\nevent: e\n: c\ndata: b\n\n")}},
		{"empty data", "data:\n\ndata\n\ndata: \n\n", []kept{data("", "", "data:\n\n"), data("", "", "data\n\n"), data("", "", "data: \n\n")}},
		{"two empty lines of data", "data\ndata\n\n", []kept{data("", "\n", "data\ndata\n\n")}},
		{"comments", ": hello\n\n:\n\n: in\ndata: x\n: between\n\n", []kept{none(": hello\n\n"), none(":\n\n"), data("", "x", ": in\ndata: x\n: between\n\n")}},
		{"blank lines", "\n\r\n\rdata: x\n\n\n", []kept{none("\n"), none("\r\n"), none("\r"), data("", "x", "data: x\n\n"), none("\n")}},
		{"other fields", "id: 7\nretry: 10\nfoo: bar\nDATA: no\ndata : no\n data: no\ndata: x\n\n", []kept{data("", "x", "id: 7\nretry: 10\nfoo: bar\nDATA: no\ndata : no\n data: no\ndata: x\n\n")}},
		{"last event name", "event: a\nevent: b\ndata: x\n\n", []kept{data("b", "x", "event: a\nevent: b\ndata: x\n\n")}},
		{"event name taken back", "event: a\nevent\ndata: x\n\n", []kept{data("", "x", "event: a\nevent\ndata: x\n\n")}},
		{"event without data", "event: ping\n\ndata: x\n\n", []kept{{Event: "ping", Raw: "event: ping\n\n", NoData: true}, data("", "x", "data: x\n\n")}},
		{"byte order mark", "\ufeffdata: x\n\n\ufeffdata: y\n\n", []kept{data("", "x", "\ufeffdata: x\n\n"), none("\ufeffdata: y\n\n")}},
		{"two byte order marks", "\ufeff\ufeffdata: x\n\n", []kept{none("\ufeff\ufeffdata: x\n\n")}},
		{"several bytes a letter, NUL", "data: é\u2028漢😀\x00\xff\n\n", []kept{data("", "é\u2028漢😀\x00\xff", "data: é\u2028漢😀\x00\xff\n\n")}},
		{"tail without the blank line", "data: x\n\ndata: [DONE]\n", []kept{data("", "x", "data: x\n\n"), tail(data("", "[DONE]", "data: [DONE]\n"))}},
		{"tail without any end", "event: e\ndata: x", []kept{tail(data("e", "x", "event: e\ndata: x"))}},
		{"tail of CR", "data: x\r", []kept{tail(data("", "x", "data: x\r"))}},
		{"tail of two data lines", "data: x\r\ndata: y", []kept{tail(data("", "x\ny", "data: x\r\ndata: y"))}},
		{"tail of a field's name", "data: x\n\ndat", []kept{data("", "x", "data: x\n\n"), tail(none("dat"))}},
		{"tail of a comment", ": bye", []kept{tail(none(": bye"))}},
		{"tail of a byte order mark", "\ufeff", []kept{tail(none("\ufeff"))}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for size := 1; size <= len(tc.text)+1; size++ {
				for _, with := range []bool{false, true} {
					got, err := collect(t, &chunks{text: tc.text, size: always(size), with: with}, 1<<20)
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

// stream is a long answer in each kind of line end; frames of 8 to some 20,000 bytes.
func stream(end string) string {
	rng := rand.New(rand.NewPCG(1, 2))
	var b strings.Builder
	for i := range 300 {
		switch i % 7 {
		case 0:
			fmt.Fprintf(&b, ": comment %d%s", i, end)
		case 1:
			fmt.Fprintf(&b, "event: content_block_delta%s", end)
		case 2:
			fmt.Fprintf(&b, "id: %d%sdata: first%s", i, end, end)
		}
		n := rng.IntN(300)
		if i%100 == 99 {
			n = 20000
		}
		fmt.Fprintf(&b, "data: {\"n\":%d,\"text\":\"%s\"}%s%s", i, strings.Repeat("é", n/2), end, end)
	}
	return b.String()
}

func TestSSEReadSizes(t *testing.T) {
	for _, end := range []string{"\n", "\r\n", "\r"} {
		text := stream(end)
		want, err := collect(t, strings.NewReader(text), 1<<20)
		if err != nil || len(want) != 300 {
			t.Fatalf("%q: %d frames, %v", end, len(want), err)
		}
		var raw strings.Builder
		for i, k := range want {
			raw.WriteString(k.Raw)
			if !strings.Contains(k.Data, fmt.Sprintf(`{"n":%d,`, i)) || strings.ContainsRune(k.Data, '\r') {
				t.Fatalf("%q: frame %d is %.60q", end, i, k.Data)
			}
		}
		if raw.String() != text {
			t.Fatalf("%q: the frames are not the stream", end)
		}
		rng := rand.New(rand.NewPCG(3, 4))
		readers := map[string]func() io.Reader{
			"data with EOF": func() io.Reader { return iotest.DataErrReader(strings.NewReader(text)) },
			"half":          func() io.Reader { return iotest.HalfReader(strings.NewReader(text)) },
			"random":        func() io.Reader { return &chunks{text: text, size: func() int { return 1 + rng.IntN(1000) }} },
			"empty reads":   func() io.Reader { return &chunks{text: text, size: func() int { return rng.IntN(5) }} },
		}
		for size := 1; size <= 64; size++ {
			readers[fmt.Sprint(size)] = func() io.Reader { return &chunks{text: text, size: always(size)} }
		}
		for name, r := range readers {
			got, err := collect(t, r(), 1<<20)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Fatalf("%q, %s reads (-want +got):\n%.2000s", end, name, d)
			}
		}
	}
}

func TestSSEErrors(t *testing.T) {
	broken := errors.New("connection reset")
	for _, tc := range []struct {
		text   string
		err    error
		frames int
	}{
		{"data: x\n\ndata: y", broken, 1},
		{"data: x\n\ndata: y\n\n", broken, 2},
		{"data: x\n\ndata: y\n", io.ErrUnexpectedEOF, 1},
		{"data: x\r\n\r", broken, 1},
		{"", io.ErrUnexpectedEOF, 0},
	} {
		for size := 1; size <= len(tc.text)+1; size++ {
			for _, with := range []bool{false, true} {
				got, err := collect(t, &chunks{text: tc.text, size: always(size), err: tc.err, with: with}, 100)
				if err != tc.err || len(got) != tc.frames {
					t.Errorf("%q then %v, read size %d: %d frames, %v; want %d", tc.text, tc.err, size, len(got), err, tc.frames)
				}
			}
		}
	}

	if _, err := collect(t, &chunks{text: "data: x\n\n", size: always(0)}, 100); err != io.ErrNoProgress {
		t.Errorf("a reader that gives nothing: %v", err)
	}
}

func TestSSETooLong(t *testing.T) {
	for _, limit := range []int{20, 600, 5000} {
		for _, end := range []string{"\n", "\r\n", "\r"} {
			fits := "data: " + strings.Repeat("x", limit-6-2*len(end)) + end + end
			for _, tc := range []struct {
				text   string
				frames int
				long   bool
			}{
				{"data: 1" + end + end + fits + fits, 3, false},
				{"data: 1" + end + end + "x" + fits + fits, 1, true},
				{fits[:limit-1], 1, false},           // a Tail
				{fits + "x" + fits[:limit], 1, true}, // a Tail too long
			} {
				for _, size := range []int{1, 7, 64, 1000, 100000} {
					got, err := collect(t, &chunks{text: tc.text, size: always(size)}, limit)
					var long *TooLong
					if errors.As(err, &long) != tc.long || len(got) != tc.frames {
						t.Errorf("limit %d, line end %q, read size %d: %d frames, %v; want %d frames, too long %v",
							limit, end, size, len(got), err, tc.frames, tc.long)
					}
					if tc.long && (long.Max != limit || !strings.Contains(err.Error(), fmt.Sprint(limit))) {
						t.Errorf("the error does not tell the limit: %v", err)
					}
				}
			}
		}
	}
}

// A frame without an end does not make the buffer grow without one.
func TestSSEEndlessFrame(t *testing.T) {
	r := &endless{text: []byte("data: x\n")}
	_, err := collect(t, r, 10_000)
	var long *TooLong
	if !errors.As(err, &long) {
		t.Errorf("a frame without an end: %v", err)
	}
}

// A frame goes out with the byte that completes it, and More tells whether another one is there already.
func TestSSEPrompt(t *testing.T) {
	for _, end := range []string{"\n", "\r\n", "\r"} {
		r := &scripted{reads: []string{
			"data: 1" + end + end,
			"data: 2" + end + end + "data: 3" + end + end + "data: 4",
			end, end,
			"data: 5" + end + end + "data: 6" + end + end,
		}}
		var got []string
		for f, err := range SSE(r, nil, 1000) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, fmt.Sprintf("%s after %d more %v", f.Data, r.n, f.More))
		}
		want := []string{
			"1 after 1 more false", "2 after 2 more true", "3 after 2 more false", "4 after 4 more false",
			"5 after 5 more true", "6 after 5 more false",
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("line end %q (-want +got):\n%s", end, d)
		}
	}
}

type scripted struct {
	reads []string
	n     int
}

func (s *scripted) Read(p []byte) (int, error) {
	if s.n == len(s.reads) {
		return 0, io.EOF
	}
	s.n++
	return copy(p, s.reads[s.n-1]), nil
}

func TestSSEStops(t *testing.T) {
	r := &scripted{reads: []string{"data: 1\n\ndata: 2\n\n", "data: 3\n\n"}}
	for range SSE(r, nil, 1000) {
		break
	}
	if r.n != 1 {
		t.Errorf("%d reads after the consumer left at the first frame", r.n)
	}
}

func TestSSENamesBounded(t *testing.T) {
	var n names
	for i := range 10 * mostNames {
		name := fmt.Sprint("event", i)
		if got := n.get([]byte(name)); got != name {
			t.Fatalf("get(%s) = %s", name, got)
		}
	}
	if len(n.known) > mostNames {
		t.Errorf("%d names kept", len(n.known))
	}
}

// endless gives the same text for ever.
type endless struct {
	text []byte
	at   int
}

func (e *endless) Read(p []byte) (int, error) {
	n := copy(p, e.text[e.at:])
	e.at = (e.at + n) % len(e.text)
	return n, nil
}

func TestSSEAllocations(t *testing.T) {
	text := "event: a\ndata: {\"x\":1}\n\nevent: b\ndata: {\"y\":2}\n\ndata: two\r\ndata: lines\r\n\r\n: ping\n\n"
	frames := 0
	per := testing.AllocsPerRun(5, func() {
		n := 0
		for range SSE(&endless{text: []byte(text)}, make([]byte, 4096), 1<<20) {
			if n++; n == 10000 {
				break
			}
		}
		frames = n
	})
	if per > 20 {
		t.Errorf("%v allocations for %d frames, at most 20 for the whole stream", per, frames)
	}
}

func TestAppendSSE(t *testing.T) {
	for _, tc := range []struct{ event, data, want string }{
		{"", "x", "data: x\n\n"},
		{"e", `{"a":1}`, "event: e\ndata: {\"a\":1}\n\n"},
		{"", "", "data: \n\n"},
		{"", " x", "data:  x\n\n"},
		{"", "a\nb\r\nc\rd\n", "data: a\ndata: b\ndata: c\ndata: d\ndata: \n\n"},
		{"", "\r\n\n", "data: \ndata: \ndata: \n\n"},
	} {
		got := AppendSSE([]byte("kept"), tc.event, []byte(tc.data))
		if string(got) != "kept"+tc.want {
			t.Errorf("AppendSSE(%q, %q) = %q", tc.event, tc.data, got)
		}
		back, err := collect(t, bytes.NewReader(got[4:]), 1000)
		data := strings.ReplaceAll(strings.ReplaceAll(tc.data, "\r\n", "\n"), "\r", "\n")
		if err != nil || len(back) != 1 || back[0].Data != data || back[0].Event != tc.event || back[0].Tail {
			t.Errorf("AppendSSE(%q, %q) is read as %+v, %v", tc.event, tc.data, back, err)
		}
	}
}

// naive does what the standard says, on the whole text.
func naive(text string) (events []kept) {
	text = strings.TrimPrefix(text, "\ufeff")
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
	lines := strings.Split(text, "\n")
	var data strings.Builder
	var event string
	for _, line := range lines[:len(lines)-1] {
		if line == "" {
			if data.Len() > 0 {
				events = append(events, kept{Event: event, Data: strings.TrimSuffix(data.String(), "\n")})
			}
			data.Reset()
			event = ""
			continue
		}
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch name {
		case "data":
			data.WriteString(value + "\n")
		case "event":
			event = value
		}
	}
	return events
}

func FuzzSSE(f *testing.F) {
	for _, text := range []string{
		"data: x\n\n", "event: e\r\ndata: a\rdata: b\n\r\n", "\ufeffdata: x\r\r\n: c\n\n", "data\ndata\n\ndata: tail", "\r\r\r\n\n\r",
		"data: x\n\r", "data: x\r\n\r", "data: x\r\rdata: y\r\r\n\n", "event: a\n\ndata:\n\n", "\ufeff\n\ndata: x",
	} {
		f.Add(text, uint64(1))
	}
	f.Fuzz(func(t *testing.T, text string, seed uint64) {
		frames, err := collect(t, strings.NewReader(text), 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		rng := rand.New(rand.NewPCG(seed, 0))
		again, err := collect(t, &chunks{text: text, size: func() int { return rng.IntN(6) }, with: seed&1 == 1}, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(frames, again); d != "" {
			t.Fatalf("frames depend on the read sizes:\n%s", d)
		}
		var raw strings.Builder
		var events []kept
		tail := false
		for i, k := range frames {
			raw.WriteString(k.Raw)
			if k.Tail {
				tail = true
				if i != len(frames)-1 {
					t.Fatal("a Tail that is not the last")
				}
			} else if c := k.Raw[len(k.Raw)-1]; c != '\n' && c != '\r' {
				t.Fatalf("frame %q does not end with a line", k.Raw)
			}
			if !k.NoData {
				events = append(events, kept{Event: k.Event, Data: k.Data})
			}
		}
		if raw.String() != text {
			t.Fatalf("the frames are %q", raw.String())
		}
		if tail {
			text += "\n\n"
		}
		if d := cmp.Diff(naive(text), events); d != "" {
			t.Fatalf("against the standard (-want +got):\n%s", d)
		}
	})
}

func BenchmarkSSE(b *testing.B) {
	for _, size := range []int{100, 1000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			text := []byte("event: content_block_delta\ndata: {\"x\":\"" + strings.Repeat("a", size-46) + "\"}\n\n")
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			n := 0
			for range SSE(&endless{text: bytes.Repeat(text, 100)}, make([]byte, 8192), 1<<20) {
				if n++; n > b.N {
					break
				}
			}
		})
	}
}
