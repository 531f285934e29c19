package dialect

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"weir/internal/llm"
)

// conversation reads turns written as "a:A B | u:A' text": an assistant's or a user's, calls in capitals, results primed.
func conversation(s string) []llm.Message {
	var out []llm.Message
	for i, turn := range strings.Split(s, " | ") {
		role, words, _ := strings.Cut(turn, ":")
		m := llm.Message{Role: map[string]llm.Role{"a": llm.Assistant, "u": llm.User, "s": llm.System}[role], Path: fmt.Sprintf("m%d", i)}
		for j, w := range strings.Fields(words) {
			p := llm.Part{Kind: llm.PartText, Text: w, Path: fmt.Sprintf("m%d.%d", i, j)}
			if id, result := strings.CutSuffix(w, "'"); result {
				p = llm.Part{Kind: llm.PartResult, ID: id, Result: []llm.Part{{Kind: llm.PartText, Text: "of-" + id}}, Path: p.Path}
			} else if strings.ToUpper(w) == w {
				p = llm.Part{Kind: llm.PartCall, ID: w, Path: p.Path}
			}
			m.Parts = append(m.Parts, p)
		}
		out = append(out, m)
	}
	return out
}

func written(messages []llm.Message) string {
	var turns []string
	for _, m := range messages {
		words := []string{}
		for _, p := range m.Parts {
			switch {
			case p.Kind == llm.PartResult && p.Result[0].Text == noResult:
				words = append(words, p.ID+"?")
			case p.Kind == llm.PartResult:
				words = append(words, p.ID+"'")
			case p.Kind == llm.PartCall:
				words = append(words, p.ID)
			default:
				words = append(words, p.Text)
			}
		}
		turns = append(turns, string(m.Role[0])+":"+strings.Join(words, " "))
	}
	return strings.Join(turns, " | ")
}

func TestSettle(t *testing.T) {
	closed, loose, kept := Settling{Close: true}, Settling{}, Settling{Kept: true}
	for _, c := range []struct {
		name     string
		s        Settling
		in, want string
		losses   string
	}{
		{"in order", closed, "u:x | a:A B | u:A' B' y | a:z", "", ""},
		{"a message each", closed, "u:x | a:A B | u:B' | u:A' | u:y", "", ""},
		{"two results", closed, "u:x | a:A | u:A' A'", "u:x | a:A | u:A' of-A", "m2.1=changed"},
		{"two results apart", loose, "u:x | a:A | u:A' | a:z | u:A' y", "u:x | a:A | u:A' | a:z | u:of-A y", "m4.0=changed"},
		{"no call", closed, "u:x A'", "u:x of-A", "m0.1=changed"},
		{"no result", closed, "u:x | a:A B | u:B' y", "u:x | a:A B | u:A? | u:B' y", "m1.0=filled"},
		{"no result at the end", loose, "u:x | a:A", "u:x | a:A | u:A?", "m1.0=filled"},
		{"before its call", closed, "u:x A' | a:A | u:y", "u:x | a:A | u:A' | u:y", "m0.1=changed"},
		{"before its call, loose", loose, "u:x A' | a:A | u:y", "u:x | a:A | u:A' | u:y", "m0.1=changed"},
		{"late", closed, "a:A | u:y | u:A'", "a:A | u:A' | u:y | u:", "m2.0=changed"},
		{"late, loose", loose, "a:A | u:y | u:A'", "", ""},
		{"after the system", closed, "a:A | s:y | u:A'", "a:A | u:A' | s:y | u:", "m2.0=changed"},
		{"calls in neighbours", closed, "a:A | a:B | u:A' B'", "a:A | u:A' | a:B | u:B'", "m2.0=changed"},
		{"same id again", closed, "a:A | u:A' | a:A | u:A'", "a:A | u:A' | a:A_2 | u:A_2'", ""},
		{"same id at once", closed, "a:A A | u:A' A'", "a:A A_2 | u:A' A_2'", ""},
		{"same id, the new one taken", closed, "a:A A_2 A | u:A' A' A_2'", "a:A A_2 A_3 | u:A' A_3' A_2'", ""},
		{"same id, the first without a result", closed, "a:A | u:y | a:A | u:A'", "a:A | u:A? | u:y | a:A_2 | u:A_2'", "m0.0=filled"},
		{"kept elsewhere", kept, "u:A' | a:B", "", ""},
	} {
		in := conversation(c.in)
		var losses []string
		got := Settle(in, c.s, func(path, _ string, g llm.Grade) {
			losses = append(losses, path+"="+map[llm.Grade]string{llm.Filled: "filled", llm.Changed: "changed", llm.Dropped: "dropped"}[g])
		})
		if c.want == "" {
			c.want = written(in)
			if &got[0] != &in[0] {
				t.Errorf("%s: the messages were copied", c.name)
			}
		}
		if w := written(got); w != c.want || strings.Join(losses, " ") != c.losses {
			t.Errorf("%s: %q lost %q, want %q lost %q", c.name, w, losses, c.want, c.losses)
		}
		if w := written(in); w != written(conversation(c.in)) {
			t.Errorf("%s: the messages given were changed: %s", c.name, w)
		}
	}
}

// TestUnanswering tells results that a model is said to have given.
func TestUnanswering(t *testing.T) {
	var lost []string
	lose := func(path, _ string, grade llm.Grade) { lost = append(lost, fmt.Sprint(path, " ", grade)) }
	result := llm.Part{Kind: llm.PartResult, ID: "1", Path: "m[1].c[1]", Result: []llm.Part{{Kind: llm.PartJSON, Text: "7"}}}
	own := llm.Part{Kind: llm.PartResult, By: llm.ByServer, ID: "2"}
	text := llm.Part{Kind: llm.PartText, Text: "a"}
	got := Unanswering([]llm.Part{text, result, own}, lose)
	want := []llm.Part{text, {Kind: llm.PartText, Text: "7", Path: "m[1].c[1]"}, own}
	if d := cmp.Diff(want, got); d != "" || len(lost) != 1 || !strings.HasPrefix(lost[0], "m[1].c[1]") {
		t.Errorf("lost %v (-want +got):\n%s", lost, d)
	}
}

// TestErrorsAreBounded reads texts that grow when they are made UTF-8.
func TestErrorsAreBounded(t *testing.T) {
	for _, body := range []string{strings.Repeat("\xff0", 5000), strings.Repeat("ü", 5000), "x" + strings.Repeat("ü", 5000), strings.Repeat("a\xff", ErrorMost/2)} {
		f := ReadError(500, nil, []byte(body))
		if n := len(f.Message); n < ErrorMost-4 || n > ErrorMost+len("…") || !utf8.ValidString(f.Message) {
			t.Errorf("%.10q: %d bytes: %.40q", body, n, f.Message)
		}
	}
}
