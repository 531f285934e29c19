package dialecttest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"weir/internal/dialect"
	"weir/internal/llm"
	"weir/internal/replay"
)

// exceptions are recordings on which a check does not hold, with the reason. They may be at most one in a hundred.
var exceptions = map[string]string{}

// recordedCall returns a recording's request as it came; false where it has none that is JSON. Endpoints that carry the
// model in their path get it where the dialect says it.
func recordedCall(d dialect.Dialect, r *replay.Recording) (dialect.Call, bool) {
	if r.Request == nil || len(r.Request.Body) == 0 || r.Request.Body[0] != '{' {
		return dialect.Call{}, false
	}
	call := Call(d.Name(), r.Body(), r.Streaming)
	if path, query := r.PathOf(d.Name()); path != "" {
		call.Path, call.Query = path, query
	}
	return call, true
}

// answered reports whether a recording holds an answer of a model that is none of an error.
func answered(r *replay.Recording) bool {
	return r.Response.Status < 300 && len(r.Answer()) > 0 && r.Method != http.MethodDelete
}

// tally counts what became of the recordings of a dialect.
type tally struct {
	t                 *testing.T
	checked, excepted int
	failed            int
}

func (y *tally) report(r *replay.Recording, what string, problems []string) {
	y.t.Helper()
	y.checked++
	if len(problems) == 0 {
		return
	}
	if why := exceptions[r.ID+" "+what]; why != "" {
		y.excepted++
		return
	}
	y.failed++
	y.t.Errorf("%s %s: %s", r.ID, what, strings.Join(problems, "\n\t"))
}

func (y *tally) finish() {
	y.t.Helper()
	y.t.Logf("%d checked, %d failed, %d excepted", y.checked, y.failed, y.excepted)
	if y.excepted*100 > y.checked {
		y.t.Errorf("%d of %d are excepted, more than one in a hundred", y.excepted, y.checked)
	}
}

// RecordedIdentity decodes every recording in a dialect, encodes it for its own dialect and decodes it again.
func RecordedIdentity(t *testing.T, d dialect.Dialect) {
	t.Helper()
	y := tally{t: t}
	for _, r := range replay.Load(t, string(d.Name())) {
		if call, ok := recordedCall(d, r); ok {
			if _, err := d.Codec().DecodeRequest(call); err == nil || r.Response.Status < 300 {
				y.report(r, "request", IdentityCall(d, call))
			}
		}
		switch {
		case !answered(r):
			f := d.ReadFault(r.Response.Status, nil, r.Answer())
			if r.Response.Status >= 300 && (f.Message == "" || f.HTTPStatus != r.Response.Status) {
				y.report(r, "fault", []string{fmt.Sprintf("read as %+v", f)})
			}
		case r.Streaming:
			y.report(r, "stream", IdentityStream(d, r.Answer()))
		default:
			y.report(r, "answer", IdentityAnswer(d, r.Answer()))
		}
	}
	y.finish()
}

// row is a line of the table: what became of the recordings that went one way.
type row struct {
	name                    string
	carried, lossy, refused int
	paths, reasons          map[string]int
}

func (w *row) count(losses []llm.Loss) {
	hit := false
	for _, l := range losses {
		if l.Grade > llm.Filled {
			hit = true
			w.paths[general(l.Path)]++
		}
	}
	if hit {
		w.lossy++
	} else {
		w.carried++
	}
}

// general returns a path without its numbers.
func general(path string) string {
	var b strings.Builder
	for _, c := range path {
		if c < '0' || c > '9' {
			b.WriteRune(c)
		}
	}
	return b.String()
}

func top(counts map[string]int, n int) string {
	var names []string
	for name := range counts {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		if d := counts[b] - counts[a]; d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	var out []string
	for _, name := range names[:min(n, len(names))] {
		out = append(out, fmt.Sprintf("%s %d", name, counts[name]))
	}
	return strings.Join(out, ", ")
}

// Rows are what became of the recordings that went from one dialect to another: a line of the table for requests,
// answers and streams.
type Rows []*row

// Table writes rows as a table for people.
func Table(table Rows) string {
	var b strings.Builder
	b.WriteString("| from, to | what | carried | with losses | refused | most frequent losses and refusals |\n| --- | --- | ---: | ---: | ---: | --- |\n")
	for _, w := range table {
		what := top(w.paths, 8)
		if w.refused > 0 {
			what += "; refused: " + top(w.reasons, 4)
		}
		fmt.Fprintf(&b, "| %s | %d | %d | %d | %s |\n", w.name, w.carried, w.lossy, w.refused, what)
	}
	return b.String()
}

// RecordedTranslation carries every recording of one dialect into another: what is lost is declared, and what is declared
// was lost. The rows say what comes through.
func RecordedTranslation(t *testing.T, from, to dialect.Dialect) Rows {
	t.Helper()
	var rows Rows
	for _, what := range []string{"requests", "answers", "streams"} {
		rows = append(rows, &row{name: fmt.Sprintf("%s → %s | %s", from.Name(), to.Name(), what), paths: map[string]int{}, reasons: map[string]int{}})
	}
	y := tally{t: t}
	for _, r := range replay.Load(t, string(from.Name())) {
		req := client(to)
		if call, ok := recordedCall(from, r); ok {
			if x, err := from.Codec().DecodeRequest(call); err == nil {
				if there := translateRequest(&y, rows[0], r, to, x); there != nil {
					req = there
				}
			}
		}
		if !answered(r) {
			continue
		}
		req.Stream = r.Streaming
		if r.Streaming {
			translateStream(&y, rows[2], r, from, to, req)
		} else {
			translateAnswer(&y, rows[1], r, from, to, req)
		}
	}
	y.finish()
	return rows
}

// client returns a small request of a client.
func client(d dialect.Dialect) *llm.Request {
	return &llm.Request{From: d.Name(), Model: "any", WantUsage: true, Messages: []llm.Message{{Role: llm.User, Parts: []llm.Part{{Kind: llm.PartText, Text: "Hello"}}}}}
}

// targets are facts that encoders decide by; the first is counted in the table.
var recordedTargets = map[llm.Dialect][]llm.Facts{
	llm.AnthropicMessages: {
		{Model: "claude-sonnet-4-5", MaxOutput: 64000},
		{Model: "another-maker"},
		{Model: "claude-3-haiku", MaxOutput: 4096},
		{Model: "claude-opus-4-6"},
		{Model: "claude-opus-4-7", DefaultMax: 8192},
	},
	llm.OpenAIResponses:   {{Model: "gpt-5", Provider: "openai"}, {Model: "another-maker"}},
	llm.OpenAICompletions: {{Model: "gpt-3.5-turbo-instruct", Provider: "openai"}, {Model: "another-maker"}},
	llm.GeminiGenerate:    {{Model: "gemini-2.5-flash", Provider: "gemini"}, {Model: "gemini-3-pro", Provider: "gemini"}, {Model: "another-maker"}},
	llm.BedrockConverse:   {{Model: "anthropic.claude-sonnet-4-5-20250929-v1:0", Provider: "bedrock"}, {Model: "amazon.nova-pro-v1:0", Provider: "bedrock"}, {Model: "another-maker"}},
	llm.CohereChat:        {{Model: "command-a-03-2025", Provider: "cohere"}, {Model: "another-maker"}},
	llm.OllamaChat:        {{Model: "qwen3:8b", Provider: "ollama"}, {Model: "another-maker"}},
	llm.OpenAIChat: {
		{Model: "gpt-5", Provider: "openai"},
		{Model: "another-maker"},
		{Model: "m", Provider: "mistral", Quirks: llm.Cautious | llm.NineIDs | llm.NoNames | llm.NoLogprobs | llm.RandomSeed | llm.ReasoningItems},
		{Model: "r", ReasoningBack: true},
		{Model: "gemini", SealBy: "google"},
	},
}

// translateRequest carries a request over and returns it as the other side reads it, nil where it was refused.
func translateRequest(y *tally, w *row, r *replay.Recording, to dialect.Dialect, x *llm.Request) *llm.Request {
	for _, facts := range recordedTargets[to.Name()][1:] {
		translateRequestFor(y, &row{paths: map[string]int{}, reasons: map[string]int{}}, r, to, x, facts)
	}
	return translateRequestFor(y, w, r, to, x, recordedTargets[to.Name()][0])
}

func translateRequestFor(y *tally, w *row, r *replay.Recording, to dialect.Dialect, x *llm.Request, facts llm.Facts) *llm.Request {
	call, losses, err := to.Codec().EncodeRequest(x, facts)
	if err != nil {
		w.refused++
		w.reasons[general(err.Error())]++
		return nil
	}
	w.count(losses)
	call.Op = llm.OpChat
	if _, err := to.Peek(&call); err != nil {
		y.report(r, "to request", []string{"peek: " + err.Error()})
		return nil
	}
	there, err := to.Codec().DecodeRequest(call)
	if err != nil {
		y.report(r, "to request", []string{"decode: " + err.Error() + "\n" + string(call.Body)})
		return nil
	}
	y.report(r, "to request for "+facts.Model, ProblemsFor(facts, x, there, losses))
	there.WantUsage = true
	return there
}

func translateAnswer(y *tally, w *row, r *replay.Recording, from, to dialect.Dialect, req *llm.Request) {
	x, err := from.Codec().DecodeResponse(r.Answer())
	if err != nil {
		w.refused++
		w.reasons[err.Error()]++
		return
	}
	if x.Fault != nil {
		w.refused++
		w.reasons["in-band error"]++
		return
	}
	written, losses, err := to.Codec().EncodeResponse(req, x)
	if err != nil {
		y.report(r, "to answer", []string{"encode: " + err.Error()})
		return
	}
	w.count(losses)
	there, err := to.Codec().DecodeResponse(written)
	if err != nil {
		y.report(r, "to answer", []string{"decode: " + err.Error()})
		return
	}
	y.report(r, "to answer", AnswerProblems(x, there, losses))
}

func translateStream(y *tally, w *row, r *replay.Recording, from, to dialect.Dialect, req *llm.Request) {
	notes := false
	x, err := llm.Collect(from.Name(), func(yield func(llm.Event, error) bool) {
		for e, err := range from.Codec().DecodeStream(Frames(from.Name(), r.Answer())) {
			notes = notes || e.Kind == llm.EventNote
			if !yield(e, err) {
				return
			}
		}
	})
	if err != nil {
		y.report(r, "to stream", []string{"decode: " + err.Error()})
		return
	}
	if x.Fault != nil {
		w.refused++
		w.reasons["in-band error"]++
		return
	}
	var losses []llm.Loss
	written, err := WriteStream(to.Codec(), req, from.Codec().DecodeStream(Frames(from.Name(), r.Answer())), &losses)
	if err != nil {
		y.report(r, "to stream", []string{"encode: " + err.Error()})
		return
	}
	w.count(losses)
	var problems []string
	there, err := llm.Collect(to.Name(), Checked(to.Codec().DecodeStream(Frames(to.Name(), written)), &problems))
	switch {
	case err != nil:
		problems = append(problems, "decode: "+err.Error())
	case there.Fault != nil:
		problems = append(problems, "read as a fault: "+there.Fault.Error())
	default:
		problems = append(problems, StreamProblems(x, there, notes, losses)...)
	}
	y.report(r, "to stream", problems)
}
