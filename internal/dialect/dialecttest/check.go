package dialecttest

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"weir/internal/dialect"
	"weir/internal/llm"
)

// Missing is something that was said and did not arrive, or not as it was.
type Missing struct {
	Path  string // in the client's document; of an answer, canonical words
	Kind  string // what it is
	Value string

	choice string // path that names it lost with the whole choice
}

// under reports whether a loss of that path covers it.
func (m *Missing) under(loss string) bool {
	return covers(loss, m.Path) || m.choice != "" && covers(loss, m.choice)
}

// String returns the path, the kind and the beginning of the value.
func (m Missing) String() string { return fmt.Sprintf("%s (%s): %.200s", m.Path, m.Kind, m.Value) }

// Diff returns what of x is not in y, in the order of x. Paths are those of x.
func Diff(x, y *llm.Request) []Missing {
	w := clients[x.From]
	return diff(requestFacts(x, w), append(requestFacts(y, w), silent(y)...))
}

// DiffAnswer returns what of the answer x is not in y.
func DiffAnswer(x, y *llm.Response) []Missing {
	return diff(responseFacts(x), append(responseFacts(y), nameless(x, y)...))
}

// nameless returns the id of x for an answer of a dialect in which answers have none.
func nameless(x, y *llm.Response) []fact {
	if y.From != llm.BedrockConverse && y.From != llm.OllamaChat || y.ID != "" {
		return nil
	}
	return []fact{{kind: "id", value: x.ID}}
}

// silent returns what a request says by saying nothing, in a dialect where that is so.
func silent(r *llm.Request) []fact {
	var out []fact
	if len(r.Tools) == 0 {
		out = append(out, fact{kind: "choice.mode", value: "none"})
	}
	if len(r.Tools) == 0 || r.Choice.Mode == "none" {
		out = append(out, fact{kind: "choice.parallel", value: "false"})
	}
	switch r.From {
	case llm.AnthropicMessages, llm.BedrockConverse, llm.CohereChat, llm.OllamaChat, llm.GeminiGenerate:
	default:
		return out
	}
	quiet := r.From == llm.AnthropicMessages || strings.Contains(r.Model, "claude") || strings.HasPrefix(r.Model, "command-a-03") ||
		strings.Contains(r.Model, "nova-") && !strings.Contains(r.Model, "nova-2")
	if q := &r.Reasoning; quiet && q.Mode == "" && q.Effort == "" && q.Budget == "" {
		out = append(out, fact{kind: "reasoning.off", value: "true"})
	}
	if r.Output.Kind == "schema" {
		out = append(out, fact{kind: "output.strict", value: "true"})
	}
	return out
}

func diff(x, y []fact) []Missing {
	have := newPool(y)
	var out []Missing
	last := map[string]int{}   // per track: where the latest fact was found
	moved := map[string]bool{} // groups whose order is lost
	var blank []*fact          // texts of white space: they would be found in what others say
	for i := range x {
		f := &x[i]
		if f.text && strings.TrimSpace(f.value) == "" {
			blank = append(blank, f)
			continue
		}
		at := have.take(f, last[f.track])
		if at < 0 {
			out = append(out, Missing{f.path, f.kind, f.value, f.choice})
			continue
		}
		if f.track == "" {
			continue
		}
		if before, seen := last[f.track]; seen && at < before && !moved[f.group] {
			moved[f.group] = true
			out = append(out, Missing{f.group, "order", f.kind + " " + f.value + " stands before what it came after", f.choice})
		}
		last[f.track] = max(last[f.track], at)
	}
	for _, f := range blank {
		if have.take(f, 0) < 0 {
			out = append(out, Missing{f.path, f.kind, f.value, f.choice})
		}
	}
	return out
}

// pool is what arrived; what was found is taken out.
type pool struct {
	single map[string][]int  // kind and value → places
	texts  map[string]*texts // kind → all texts joined
}

// texts is all texts of a kind. starts tells the place of each byte's text.
type texts struct {
	joined []byte
	starts []span
}

type span struct{ offset, place int }

// step leaves room between the places of two facts for the offsets within a text.
const step = 1 << 32

func newPool(y []fact) *pool {
	p := &pool{map[string][]int{}, map[string]*texts{}}
	for i := range y {
		f := &y[i]
		if !f.text {
			key := f.kind + "\x00" + f.value
			p.single[key] = append(p.single[key], (i+1)*step)
			continue
		}
		t := p.texts[f.kind]
		if t == nil {
			t = &texts{}
			p.texts[f.kind] = t
		}
		t.starts = append(t.starts, span{len(t.joined), (i + 1) * step})
		t.joined = append(t.joined, f.value...)
	}
	return p
}

// take returns the place of a fact and takes it out, -1 if it is not there. Of several the first at or after a place is
// taken, else the first.
func (p *pool) take(f *fact, after int) int {
	if f.text {
		return p.texts[f.kind].take(f.value, after)
	}
	key := f.kind + "\x00" + f.value
	places := p.single[key]
	if len(places) == 0 {
		return -1
	}
	n := max(0, slices.IndexFunc(places, func(at int) bool { return at >= after }))
	at := places[n]
	p.single[key] = slices.Delete(places, n, n+1)
	return at
}

// take prefers a text that is exactly the value to one that holds it.
func (t *texts) take(value string, after int) int {
	if t == nil {
		return -1
	}
	found := t.exact(value, after)
	if found < 0 {
		found = t.within(value, after)
	}
	if found < 0 {
		return -1
	}
	clear(t.joined[found : found+len(value)]) // what is found must not be found again
	return t.place(found)
}

func (t *texts) exact(value string, after int) int {
	found := -1
	for i, s := range t.starts {
		end := len(t.joined)
		if i+1 < len(t.starts) {
			end = t.starts[i+1].offset
		}
		if string(t.joined[s.offset:end]) != value {
			continue
		}
		if s.place >= after {
			return s.offset
		}
		if found < 0 {
			found = s.offset
		}
	}
	return found
}

func (t *texts) within(value string, after int) int {
	found := -1
	for from := 0; ; {
		n := bytes.Index(t.joined[from:], []byte(value))
		if n < 0 {
			return found
		}
		at := from + n
		if t.place(at) >= after {
			return at
		}
		if found < 0 {
			found = at
		}
		from = at + 1
	}
}

func (t *texts) place(offset int) int {
	n := 0
	for n+1 < len(t.starts) && t.starts[n+1].offset <= offset {
		n++
	}
	return t.starts[n].place + offset - t.starts[n].offset
}

// covers reports whether a loss of one path covers another: it is the same, or above it.
func covers(loss, path string) bool {
	rest, ok := strings.CutPrefix(path, loss)
	return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
}

// Check reports what was lost of a request in silence, and what was declared lost and was not. x is what the client
// said, y what the provider reads.
func Check(t testing.TB, x, y *llm.Request, losses []llm.Loss) {
	t.Helper()
	for _, problem := range Problems(x, y, losses) {
		t.Error(problem)
	}
}

// CheckAnswer is Check for an answer: x is what the provider said, y what the client reads.
func CheckAnswer(t testing.TB, x, y *llm.Response, losses []llm.Loss) {
	t.Helper()
	for _, problem := range AnswerProblems(x, y, losses) {
		t.Error(problem)
	}
}

// Problems returns what Check reports.
func Problems(x, y *llm.Request, losses []llm.Loss) []string {
	w := clients[x.From]
	added := diff(requestFacts(y, w), requestFacts(x, w))
	for i := range added { // a turn that was put in has its place where the client's turns are
		if rest, ok := strings.CutPrefix(added[i].Path, dialect.Word(y.From, "messages")+"["); ok {
			added[i].Path = dialect.Word(x.From, "messages") + "[" + rest
		}
	}
	return problems(reassign(requestFacts(x, w), Diff(x, y), losses), added, losses)
}

// ProblemsFor is Problems for a target of which more is known: where ids of calls have nine letters and digits others are
// derived, and that results pair with their calls is compared all the same; a seed may have another name.
func ProblemsFor(facts llm.Facts, x, y *llm.Request, losses []llm.Loss) []string {
	if seed := y.Extra["random_seed"]; seed != nil && facts.Quirks.Has(llm.RandomSeed) {
		z := *y
		z.Sampling.Seed = llm.Num(seed)
		y = &z
	}
	all := Problems(x, y, losses)
	if facts.Quirks.Has(llm.NineIDs) {
		all = slices.DeleteFunc(all, func(p string) bool { return strings.Contains(p, " (call.id): ") })
	}
	return all
}

// AnswerProblems returns what CheckAnswer reports.
func AnswerProblems(x, y *llm.Response, losses []llm.Loss) []string {
	return problems(reassign(responseFacts(x), DiffAnswer(x, y), losses), DiffAnswer(y, x), losses)
}

// StreamProblems is AnswerProblems for answers that were collected from streams. notes tells whether the provider's
// stream held events that no part holds.
func StreamProblems(x, y *llm.Response, notes bool, losses []llm.Loss) []string {
	missing := reassign(responseFacts(x), DiffAnswer(x, y), losses)
	kept := slices.DeleteFunc(slices.Clone(losses), func(l llm.Loss) bool {
		return (l.Path == "answer.order" || l.Path == "answer.opaque" && notes) &&
			!slices.ContainsFunc(missing, func(m Missing) bool { return m.under(l.Path) })
	})
	return problems(missing, DiffAnswer(y, x), kept)
}

// reassign settles which of several like facts of x it is that is missing: one that a loss covers, if there is one.
func reassign(x []fact, missing []Missing, losses []llm.Loss) []Missing {
	declared := func(m *Missing) bool {
		return slices.ContainsFunc(losses, func(l llm.Loss) bool { return l.Grade != llm.Filled && m.under(l.Path) })
	}
	for i := range missing {
		m := &missing[i]
		if declared(m) {
			continue
		}
		for j := range x {
			other := Missing{x[j].path, x[j].kind, x[j].value, x[j].choice}
			if other.Kind == m.Kind && other.Value == m.Value && declared(&other) && !slices.Contains(missing, other) {
				*m = other
				break
			}
		}
	}
	return missing
}

func problems(missing, added []Missing, losses []llm.Loss) []string {
	var out []string
	for _, m := range missing {
		if !slices.ContainsFunc(losses, func(l llm.Loss) bool { return l.Grade != llm.Filled && m.under(l.Path) }) {
			out = append(out, "lost in silence: "+m.String())
		}
	}
	for _, l := range losses {
		switch {
		case l.Grade == 0 || l.Why == "" || l.Path == "":
			out = append(out, fmt.Sprintf("a loss without path, reason or grade: %+v", l))
		case l.Grade == llm.Filled:
			same := func(m Missing) bool { return m.under(l.Path) || lastWord(l.Path) == lastWord(m.Path) }
			if !slices.ContainsFunc(added, same) {
				out = append(out, fmt.Sprintf("declared filled, but nothing was: %s (%s)", l.Path, l.Why))
			}
		case !slices.ContainsFunc(missing, func(m Missing) bool { return m.under(l.Path) }):
			out = append(out, fmt.Sprintf("declared %s, but it arrived or was not there: %s (%s)", l.Grade, l.Path, l.Why))
		}
	}
	for i := range losses {
		if slices.ContainsFunc(losses[:i], func(l llm.Loss) bool { return l.Path == losses[i].Path }) {
			out = append(out, "declared twice: "+losses[i].Path)
		}
	}
	return out
}

func lastWord(path string) string { return path[strings.LastIndexByte(path, '.')+1:] }
