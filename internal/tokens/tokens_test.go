package tokens

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"weir/internal/llm"
)

func TestKnown(t *testing.T) {
	for _, test := range []struct {
		text          string
		o200k, cl100k int
	}{
		{"", 0, 0},
		{"hello world", 2, 2},
		{"Hello, world!", 4, 4},
		{" word", 1, 1},
		{"tiktoken is great!", 6, 6},
		{"antidisestablishmentarianism", 6, 6},
		{"2 + 2 = 4", 7, 7},
		{"123456789", 3, 3},
		{"I'm sure we'll", 3, 5},
		{"a\n\n  b", 4, 4},
		{"\t\t\t\n", 1, 1},
		{"お誕生日おめでとう", 8, 9},
		{"\xff\xfe", 2, 2}, // no UTF-8
	} {
		if o, c := o200k.count(test.text), cl100k.count(test.text); o != test.o200k || c != test.cl100k {
			t.Errorf("%q is %d and %d, want %d and %d", test.text, o, c, test.o200k, test.cl100k)
		}
	}
}

// TestPieces cuts texts where the published patterns do.
func TestPieces(t *testing.T) {
	for _, test := range []struct{ text, o200k, cl100k string }{
		{"HTTPServer's iPhone", "HTTPServer's| i|Phone", "HTTPServer|'s| iPhone"},
		{"héllo WORLD", "héllo| WORLD", "héllo| WORLD"},
		{"camelCaseWord", "camel|Case|Word", "camelCaseWord"},
		{"x  y\n\n z", "x| | y|\n\n| z", "x| | y|\n\n| z"},
		{"1234567", "123|456|7", "123|456|7"},
		{"a//b\n/c", "a|//|b|\n|/c", "a|//|b|\n|/c"},
		{"you'LL", "you'LL", "you|'LL"},
		{"!?\n\n", "!?\n\n", "!?\n\n"},
		{"你好A", "你好|A", "你好A"},
		{"end  ", "end|  ", "end|  "},
	} {
		for _, e := range []struct {
			*encoding
			want string
		}{{o200k, test.o200k}, {cl100k, test.cl100k}} {
			var got []string
			for s := test.text; s != ""; {
				n := e.next(s)
				got, s = append(got, s[:n]), s[n:]
			}
			if strings.Join(got, "|") != e.want {
				t.Errorf("%s cuts %q into %q, want %q", e.name, test.text, got, e.want)
			}
		}
	}
}

func TestFamilyOf(t *testing.T) {
	for model, want := range map[string]string{
		"gpt-4o-mini": "gpt", "openai/gpt-5.2": "gpt", "o3": "gpt", "o4-mini-2025": "gpt", "gpt-4-turbo": "gpt-4", "gpt-35-turbo": "gpt-4",
		"openai.gpt-oss-120b-1:0": "gpt-oss", "us.anthropic.claude-sonnet-4-5-20250929-v1:0": "claude-4.5", "claude-sonnet-5": "claude-5",
		"claude-3-opus-20240229": "claude", "models/gemini-2.5-pro": "gemini", "Meta-Llama-3.1-8B": "llama-3.1", "llama3-8b": "llama",
		"Qwen/QwQ-32B": "qwen", "no-such-thing": "other", "": "other", strings.Repeat("x", 1<<20): "other",
	} {
		if got := FamilyOf(model).Name; got != want {
			t.Errorf("%.60s is of %s, want %s", model, got, want)
		}
	}
}

func question(text string) *llm.Request {
	return &llm.Request{Messages: []llm.Message{{Role: llm.User, Parts: []llm.Part{{Kind: llm.PartText, Text: text}}}}}
}

var prose10 = strings.Repeat("The quick brown fox jumps over the lazy dog. ", 2300) // 10 tokens each, 100 KB

// TestSampled holds the estimate of a long text against the count of all of it.
func TestSampled(t *testing.T) {
	mixed := prose10[:40_000] + strings.Repeat(`{"id": 17, "name": "a b", "list": [1.5, 2.25]}`, 800) + strings.Repeat("これは日本語の文章です。", 600)
	for _, text := range []string{prose10, mixed} {
		want := float64(o200k.count(text))
		var l Learned
		got := float64(l.Request(Source{"p", "gpt-4o"}, question(text)).Tokens)
		if math.Abs(got/want-1) > 0.05 {
			t.Errorf("%d bytes: %.0f, counted %.0f", len(text), got, want)
		}
	}
}

// TestTime bounds what an estimate takes, whatever stands in the text. The limits are wide: the machine may be busy.
func TestTime(t *testing.T) {
	o200k.count("load")
	var l Learned
	for name, text := range map[string]string{
		"prose": prose10, "one letter": strings.Repeat("a", 1<<20), "white space": strings.Repeat(" ", 1<<20), "lines": strings.Repeat("\n", 1<<20),
		"signs": strings.Repeat("#", 1<<20), "digits": strings.Repeat("9", 1<<20), "no UTF-8": strings.Repeat("\xff", 1<<20),
		"marks": "e" + strings.Repeat("\u0301", 1<<19), "no spaces": strings.Repeat("漢字仮名", 80_000),
	} {
		r, best := question(text), time.Hour
		for range 5 {
			start := time.Now()
			l.Request(Source{"p", "gpt-4o"}, r)
			best = min(best, time.Since(start))
		}
		t.Logf("%-12s %7d bytes: %v", name, len(text), best)
		most := 20 * time.Millisecond
		if name == "prose" {
			most = 2 * time.Millisecond
		}
		if best > most && !raced {
			t.Errorf("%s took %v, at most %v", name, best, most)
		}
	}
	many := &llm.Request{}
	for range 20_000 {
		many.Messages = append(many.Messages, llm.Message{Role: llm.User, Parts: []llm.Part{{Kind: llm.PartText, Text: "hi"}}})
	}
	start := time.Now()
	l.Request(Source{"p", "gpt-4o"}, many)
	if took := time.Since(start); took > 100*time.Millisecond && !raced {
		t.Errorf("many turns took %v", took)
	}
}

func TestAllocations(t *testing.T) {
	var l Learned
	r := question(prose10[:5000])
	if n := testing.AllocsPerRun(50, func() { l.Request(Source{"p", "gpt-4o"}, r) }); n > 4 {
		t.Errorf("%.0f allocations", n)
	}
}

// TestLearns follows a model that counts otherwise than its family, and a later change of it.
func TestLearns(t *testing.T) {
	var l Learned
	s := Source{"p", "some-model"}
	truth := func(i int, ratio float64) (*llm.Request, int64) {
		text := prose10[:1000+(i*977)%9000]
		return question(text), int64(ratio*float64(o200k.count(text))) + 40
	}
	for _, ratio := range []float64{1.4, 0.8} {
		for i := range 60 {
			r, stated := truth(i, ratio)
			l.Input(s, r, stated)
		}
		r, stated := truth(7, ratio)
		if got := l.Request(s, r).Tokens; off(got, stated) > 0.05 {
			t.Errorf("ratio %v: %d, stated %d", ratio, got, stated)
		}
	}
	other := Source{"elsewhere", s.Model}
	var fresh Learned
	r := question("hello")
	if l.Request(other, r) != fresh.Request(other, r) {
		t.Error("what one provider stated changed another's estimate")
	}
	parts := []llm.Part{{Kind: llm.PartText, Text: prose10[:2000]}}
	for range 40 {
		l.Output(s, int64(1.3*float64(o200k.count(parts[0].Text))), parts)
	}
	if got, want := l.Answer(s, parts).Tokens, int64(1.3*float64(o200k.count(parts[0].Text))); off(got, want) > 0.05 {
		t.Errorf("answer: %d, stated %d", got, want)
	}
}

// TestPoison lets a provider state whatever it likes: estimates stay within limits of their family's.
func TestPoison(t *testing.T) {
	for _, lie := range []int64{math.MinInt64, -1, 0, 1, 1000, 1 << 20, math.MaxInt64} {
		var l, honest Learned
		s := Source{"p", "gpt-4o"}
		r, parts := question(prose10[:4000]), []llm.Part{{Kind: llm.PartText, Text: prose10[:4000]}}
		for range 500 {
			l.Input(s, r, lie)
			l.Output(s, lie, parts)
			l.Input(s, question("x"), lie)
		}
		for name, pair := range map[string][2]int64{
			"request": {l.Request(s, r).Tokens, honest.Request(s, r).Tokens},
			"answer":  {l.Answer(s, parts).Tokens, honest.Answer(s, parts).Tokens},
		} {
			if got, want := float64(pair[0]), float64(pair[1]); got < want*ratioLeast-onceMost || got > want*ratioMost+onceMost || got < 1 {
				t.Errorf("%s after %d: %v, before %v", name, lie, got, want)
			}
		}
	}
}

// TestRaced learns of more models than are kept, from many sides.
func TestRaced(t *testing.T) {
	var l Learned
	var all sync.WaitGroup
	r := question("hello world, how are you?")
	for worker := range 4 {
		all.Go(func() {
			for i := range modelsMost {
				s := Source{"p", fmt.Sprintf("m-%d-%d", worker, i)}
				l.Want(s)
				l.Due(s)
				l.Input(s, r, 12)
				l.Request(s, r)
			}
		})
	}
	all.Wait()
	if n := len(*l.models.Load()); n != modelsMost {
		t.Errorf("%d models are kept, want %d", n, modelsMost)
	}
	if l.Due(Source{"p", "never asked"}) {
		t.Error("due without ever being asked for")
	}
}

func TestBound(t *testing.T) {
	schema := json.RawMessage(`{"type":"object","properties":{"city":{"type":"string"}}}`)
	r := question(strings.Repeat("\xf0\x9f\x98\x80", 500))
	r.Tools = []llm.Tool{{Kind: llm.ToolFunction, Name: "weather", Schema: schema}}
	var l Learned
	for i := range families {
		f := &families[i].Family
		m, s := Bound(f.Name, r), Source{"p", f.Name}
		if m.Tokens < l.Request(s, r).Tokens || m.Unbounded != 0 {
			t.Errorf("%s: %+v, estimated %d", f.Name, m, l.Request(s, r).Tokens)
		}
	}
	if m := Bound("groq/compound", r); m.Unbounded != UnseenServer {
		t.Errorf("what searches by itself has the bound %+v", m)
	}
	for want, part := range map[Unseen]llm.Part{
		UnseenMedia:  {Kind: llm.PartAudio, Media: &llm.Blob{Data: "AAAA"}},
		UnseenServer: {Kind: llm.PartCall, By: llm.ByServer, Name: "search"},
		UnseenOpaque: {Kind: llm.PartOpaque},
	} {
		r := question("x")
		r.Messages[0].Parts = append(r.Messages[0].Parts, part)
		if m := Bound("gpt-4o", r); m.Unbounded != want {
			t.Errorf("%+v: %b, want %b", part, m.Unbounded, want)
		}
	}
}

func TestPictures(t *testing.T) {
	png := "iVBORw0KGgoAAAANSUhEUgAABAAAAAQACAYAAAA" // 1024 by 1024
	gif := "R0lGODlhAAQAAgAAAAAA"                    // 1024 by 512
	for data, want := range map[string][2]int{png: {1024, 1024}, gif: {1024, 512}, "AAAA": {}, "": {}, "!!": {}} {
		if w, h := dimensions(data); w != want[0] || h != want[1] {
			t.Errorf("%.20s: %d by %d, want %v", data, w, h, want)
		}
	}
	for _, test := range []struct {
		got, want float64
	}{
		{tiles(picture{1024, 1024, false}), 765},
		{tiles(picture{2048, 4096, false}), 1105},
		{tiles(picture{4096, 8192, true}), 85},
		{area(picture{200, 200, false}), 54},
		{area(picture{1092, 1092, false}), 1590},
		{area(picture{}), 1600},
	} {
		if test.got != test.want {
			t.Errorf("%v, published %v", test.got, test.want)
		}
	}
}

func FuzzCount(f *testing.F) {
	for _, s := range []string{"hello world", "I'm\n\n x  y", "e\u0301\u0301X", "\xff'll", "漢字 AB9999", " \t\r\n/"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, e := range []*encoding{o200k, cl100k} {
			all := 0
			for rest := s; rest != ""; {
				n := e.next(rest)
				if n <= 0 || n > len(rest) {
					t.Fatalf("%s cuts %d of %q", e.name, n, rest)
				}
				rest, all = rest[n:], all+n
			}
			if n := e.count(s); n > len(s) || n == 0 && s != "" || all != len(s) {
				t.Fatalf("%s counts %d in %d bytes", e.name, n, len(s))
			}
		}
	})
}

func FuzzDimensions(f *testing.F) {
	f.Add("iVBORw0KGgoAAAANSUhEUgAABAAAAAQACAYAAAA")
	f.Add("/9j/4AAQSkZJRgABAQAAAQABAAD/wAARCAEAAQADASIAAhEBAxEB")
	f.Add("UklGRiQAAABXRUJQVlA4TBcAAAAvAAAAEAcQERGIiP4HAA==")
	f.Fuzz(func(t *testing.T, s string) {
		if w, h := dimensions(s); w < 0 || h < 0 {
			t.Fatalf("%d by %d", w, h)
		}
	})
}
