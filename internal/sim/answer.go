package sim

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// answer is one answer to a question: thought, then text or refusal, then calls.
type answer struct {
	thought  string
	text     string
	refusal  bool // text says no
	calls    []call
	stop     stop
	sequence string // the stop sequence met
	cites    []cite // what of the text is taken from where
	thinking int64  // tokens of the thought
	output   int64  // tokens of all
}

// cite is a piece of the answer's text that stands in a result or a document.
type cite struct {
	start, end int  // bytes of the text
	document   bool // a document, not a result
	index      int  // which
}

type stop uint8

const (
	stopEnd stop = iota
	stopSequence
	stopLength
	stopCalls
	stopRefusal
)

const (
	maxEcho = 1200 // bytes of a question or a result quoted
	bigText = 1 << 20
)

// answer thinks up the i-th answer.
func (q *question) answer(i int) answer {
	var a answer
	if q.think > 0 {
		a.thought = q.thought()
	}
	a.calls = q.calls(i)
	switch {
	case len(a.calls) > 0:
		a.stop = stopCalls
		if q.talks && q.choice.mode == "auto" || q.plans {
			a.text = "I will call " + inWords(a.calls) + "."
		}
	case q.model.ID == "sim-empty":
	case q.model.ID == "sim-refusal":
		a.text, a.refusal, a.stop = "I'm sorry, but this simulated model declines to answer.", true, stopRefusal
	case q.schema != nil:
		a.text = string(generate(q.schema, mix(q.content(), uint64(i)), q.hint))
	default:
		a.text, a.cites = q.text(i)
	}
	q.bound(&a)
	return a
}

// bound cuts the answer at stop sequences and at the room there is, and counts it.
func (q *question) bound(a *answer) {
	for _, s := range q.stops {
		if at := strings.Index(a.text, s); at >= 0 {
			a.text, a.sequence, a.stop = a.text[:at], s, stopSequence
			a.calls = nil
		}
	}
	room := q.model.MaxOutput
	if q.room > 0 {
		room = min(room, q.room)
	}
	fit := func(s string) string {
		n := tokens(len(s))
		if n > room {
			s = cut(s, int(room*4))
			a.stop, a.sequence, n = stopLength, "", room
		}
		room -= n
		return s
	}
	a.thought = fit(a.thought)
	if a.stop == stopLength {
		a.text, a.calls = "", nil
	}
	a.text = fit(a.text)
	a.cites = slices.DeleteFunc(a.cites, func(c cite) bool { return c.end > len(a.text) })
	for i, c := range a.calls {
		n := tokens(len(c.name) + len(c.args))
		if a.stop == stopLength || n > room {
			a.calls, a.stop = a.calls[:i], stopLength
			break
		}
		room -= n
	}
	a.thinking = tokens(len(a.thought))
	a.output = a.thinking + tokens(len(a.text))
	for _, c := range a.calls {
		a.output += tokens(len(c.name) + len(c.args))
	}
}

// cut shortens s to at most n bytes, not within a letter.
func cut(s string, n int) string {
	if n >= len(s) {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// text is the plain answer, with what of it is quoted from results and documents.
func (q *question) text(i int) (string, []cite) {
	switch q.model.ID {
	case "sim-long":
		return essay(12 << 10), nil
	case "sim-big":
		return essay(bigText), nil
	}
	var b strings.Builder
	var cites []cite
	quoted := func(s string, document bool, index int) {
		s = quote(s)
		cites = append(cites, cite{b.Len() + len("“"), b.Len() + len(s) - len("”"), document, index})
		b.WriteString(s)
	}
	asked, turns := q.asked()
	last := q.last()
	if len(last.results) > 0 && !last.assistant {
		for n, r := range last.results {
			verb := "returned"
			if r.failed {
				verb = "failed with"
			}
			fmt.Fprintf(&b, "The tool %s %s: ", r.name, verb)
			quoted(r.text, false, n)
			b.WriteByte('\n')
		}
		b.WriteString("This is a simulated answer made from these results; no model was asked.")
	} else {
		fmt.Fprintf(&b, "This is a simulated answer from %s; no model was asked.", q.model.ID)
	}
	if asked != "" {
		fmt.Fprintf(&b, " You asked: %s", quote(asked))
	}
	for n, d := range q.documents {
		fmt.Fprintf(&b, " The document %s says: ", d.id)
		sentence, _, _ := strings.Cut(d.text, ". ")
		quoted(sentence, true, n)
	}
	if n := len(last.media); n > 0 {
		fmt.Fprintf(&b, " I see %s.", strings.Join(last.media, ", "))
	}
	if turns > 1 {
		fmt.Fprintf(&b, " That is message %d of our conversation.", turns)
	}
	if n := len(strings.Fields(q.system)); n > 0 {
		fmt.Fprintf(&b, " My instructions have %s.", count(n, "word"))
	}
	if q.n > 1 {
		fmt.Fprintf(&b, " (Answer %d of %d.)", i+1, q.n)
	}
	return b.String(), cites
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func quote(s string) string {
	if short := cut(s, maxEcho); short != s {
		s = short + "…"
	}
	return "“" + s + "”"
}

func inWords(calls []call) string {
	var names []string
	for _, c := range calls {
		names = append(names, c.name)
	}
	return strings.Join(names, " and ")
}

// essay returns a long text of n bytes.
func essay(n int) string {
	var b strings.Builder
	b.WriteString("This is a long simulated answer; no model was asked.\n\n")
	for i := 1; b.Len() < n; i++ {
		fmt.Fprintf(&b, "Sentence %d says that the river is wide here, that the weir holds, and that the water is measured as it passes.", i)
		if i%6 == 0 {
			b.WriteString("\n\n")
		} else {
			b.WriteByte(' ')
		}
	}
	return cut(b.String(), n)
}

// thought is what is thought before the answer.
func (q *question) thought() string {
	asked, _ := q.asked()
	var b strings.Builder
	fmt.Fprintf(&b, "The user wrote %s ", quote(cut(asked, 200)))
	b.WriteString("I am simulated and know nothing, so I will say so.")
	if len(q.tools) > 0 {
		fmt.Fprintf(&b, " I have %s at hand.", count(len(q.tools), "tool"))
	}
	for i := 1; i < q.think; i++ {
		fmt.Fprintf(&b, " Thinking it over once more (%d), I still come to the same conclusion.", i)
	}
	return b.String()
}

// calls decides which tools to call: those the question names, in its order; where a call is demanded, or the model
// is there for it, else the first.
func (q *question) calls(i int) []call {
	if q.script != nil {
		return q.scripted(i)
	}
	var offered []tool
	for _, t := range q.tools {
		if q.choice.allowed == nil || slices.Contains(q.choice.allowed, t.name) {
			offered = append(offered, t)
		}
	}
	if q.choice.mode == "none" || len(offered) == 0 {
		return nil
	}
	demanded := q.choice.mode == "any"
	last := q.last()
	if !demanded && (last.assistant || len(last.results) > 0) {
		return nil
	}
	asked, _ := q.asked()
	named := mentioned(offered, asked)
	if len(named) == 0 && (demanded || q.model.ID == "sim-tools") {
		named = offered[:1]
	}
	if q.choice.single && len(named) > 1 {
		named = named[:1]
	}
	var out []call
	for n, t := range named {
		salt := uint64(i*1000 + n)
		c := call{id: ident(mix(q.seed, salt), 22), name: t.name, free: t.free}
		if t.free {
			c.args = "simulated input"
		} else {
			c.args = string(generate(t.schema, mix(q.content(), salt), q.hint))
		}
		out = append(out, c)
	}
	return out
}

// mentioned returns the tools that a text names, in the order it does; get_weather is named by "get weather" too.
func mentioned(tools []tool, text string) []tool {
	type at struct {
		tool
		pos int
	}
	plain := func(s string) string { return strings.NewReplacer("_", " ", "-", " ").Replace(strings.ToLower(s)) }
	text = plain(text)
	var found []at
	for _, t := range tools {
		if pos := word(text, plain(t.name)); pos >= 0 {
			found = append(found, at{t, pos})
		}
	}
	slices.SortStableFunc(found, func(a, b at) int { return a.pos - b.pos })
	var out []tool
	for _, f := range found {
		out = append(out, f.tool)
	}
	return out
}

// word returns where s has w with no letter or digit beside it, -1 where nowhere.
func word(s, w string) int {
	for from := 0; w != ""; {
		i := strings.Index(s[from:], w)
		if i < 0 {
			return -1
		}
		i += from
		before, _ := utf8.DecodeLastRuneInString(s[:i])
		after, _ := utf8.DecodeRuneInString(s[i+len(w):])
		if !letter(before) && !letter(after) {
			return i
		}
		from = i + len(w)
	}
	return -1
}

func letter(r rune) bool { return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r)) }

// hint finds what the question says a member should be: city=Oslo, city: "New York".
func (q *question) hint(name string) string {
	if name == "" {
		return ""
	}
	asked, _ := q.asked()
	re, err := regexp.Compile(`(?i)(?:^|[^\pL\pN_])` + regexp.QuoteMeta(name) + `\s*[=:]\s*(?:"([^"\n]*)"|([^\s,;"]+))`)
	if err != nil {
		return ""
	}
	m := re.FindStringSubmatch(cut(asked, 64<<10))
	if m == nil {
		return ""
	}
	return m[1] + strings.TrimRight(m[2], ".!?)")
}

// pieces cuts a text into what a stream sends at a time: about a word each, of a very long text more.
func pieces(s string) []string {
	most := 12
	if len(s) > 64<<10 {
		most = 4 << 10
	}
	var out []string
	start, letters, inWord := 0, 0, false
	for i, r := range s {
		space := unicode.IsSpace(r)
		if i > start && (space && inWord && most < 64 || letters >= most) {
			out = append(out, s[start:i])
			start, letters, inWord = i, 0, false
		}
		inWord = inWord || !space
		letters++
	}
	if start < len(s) {
		out = append(out, s[start:])
	}
	return out
}

// anyObject is what a free JSON answer looks like.
const anyObject = `{"type":"object","properties":{"answer":{"type":"string"},"simulated":{"const":true}},"required":["answer"]}`
