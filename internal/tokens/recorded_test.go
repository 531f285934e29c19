package tokens

import (
	"math"
	"slices"
	"strings"
	"testing"

	"weir/internal/dialect"
	"weir/internal/dialect/anthropic"
	"weir/internal/dialect/cohere"
	"weir/internal/dialect/converse"
	"weir/internal/dialect/dialecttest"
	"weir/internal/dialect/gemini"
	"weir/internal/dialect/ollama"
	"weir/internal/dialect/openaichat"
	"weir/internal/dialect/openairesponses"
	"weir/internal/llm"
	"weir/internal/rawjson"
	"weir/internal/replay"
)

var dialects = []dialect.Dialect{
	anthropic.New(), cohere.New(), converse.New(), gemini.New(), ollama.New(), openaichat.New(), openairesponses.New(),
}

// exchange is a recording as the estimates see it.
type exchange struct {
	id     string
	source Source
	family string // the maker's: families that only tell generations apart are one
	repo   string // whose tests recorded it
	req    *llm.Request
	resp   *llm.Response
	usage  *llm.Usage
}

func recorded(t *testing.T) []exchange {
	t.Helper()
	var out []exchange
	for _, d := range dialects {
		for _, r := range replay.Load(t, string(d.Name())) {
			if r.Response.Status >= 300 || len(r.Answer()) == 0 {
				continue
			}
			x := exchange{id: r.ID, source: Source{r.Folder, r.Model}, repo: r.Source.Repo}
			x.family, _, _ = strings.Cut(FamilyOf(r.Model).Name, "-")
			if body := r.Body(); body != nil {
				call := dialecttest.Call(d.Name(), body, r.Streaming)
				if path, query := r.PathOf(d.Name()); path != "" {
					call.Path, call.Query = path, query
				}
				if _, err := d.Peek(&call); err != nil {
					continue
				}
				req, err := d.Codec().DecodeRequest(call)
				if err != nil {
					continue
				}
				x.req = req
			}
			x.resp = decoded(d, r)
			if x.resp == nil || x.resp.Usage == nil || x.resp.Fault != nil {
				continue
			}
			x.usage = x.resp.Usage
			llm.ReasoningApart.Correct(x.usage)
			if x.usage.BilledInput > 0 { // what is paid for; the other number has a preamble that nobody sees
				x.usage.Input, x.usage.Output = x.usage.BilledInput, x.usage.BilledOutput
			}
			out = append(out, x)
		}
	}
	return out
}

func decoded(d dialect.Dialect, r *replay.Recording) *llm.Response {
	raw := r.Answer()
	if !r.Streaming || rawjson.Kind(raw) == '{' && d.Name().Framing() == llm.SSE {
		resp, err := d.Codec().DecodeResponse(raw)
		if err != nil {
			return nil
		}
		return resp
	}
	resp, err := llm.Collect(d.Name(), d.Codec().DecodeStream(dialecttest.Frames(d.Name(), raw)))
	if err != nil {
		return nil
	}
	return resp
}

// floor is what a small count is held against: of less, one token more or less is already several in a hundred.
const floor = 50

func off(estimate, stated int64) float64 {
	return math.Abs(float64(estimate-stated)) / float64(max(stated, floor))
}

// leftOut says by which rule a request's stated input cannot be compared, "" where it can.
func (x *exchange) leftOut(g *gathered) string {
	u := x.usage
	switch {
	case x.req == nil || !u.Has(llm.SaidInput) || u.Input == 0:
		return "not said"
	case g.unseen&^UnseenImage != 0, u.ToolInput > 0, u.Searches > 0, len(u.Rounds) > 0, strings.Contains(x.source.Model, "search"):
		return "unseen"
	case len(g.pictures) > 0:
		return "pictures" // the recordings have theirs cut
	}
	n := g.count(o200k)
	visible := n[prose] + n[args]
	all, beside := 1.5*(visible+n[schema]+n[form])+15*float64(g.messages)+30+FamilyOf(x.source.Model).alone, 0.0
	if g.tools > 0 {
		beside = 700
	}
	switch stated := float64(u.Input); {
	case stated > all+beside:
		return "hidden prompt" // the provider put one of its own in front
	case stated < 0.7*(visible+0.4*n[schema]) && !g.noTools, stated < 0.7*visible:
		return "another's" // fewer than any vocabulary makes of the words alone: written by hand, or cut
	}
	return ""
}

type score struct {
	n       int
	sum     float64
	left    map[string]int
	whole   float64 // of all that state one, those left out too
	wholeOf int
}

func (s *score) add(e float64, why string) {
	if s.left == nil {
		s.left = map[string]int{}
	}
	s.whole, s.wholeOf = s.whole+e, s.wholeOf+1
	if why != "" {
		s.left[why]++
		return
	}
	s.n, s.sum = s.n+1, s.sum+e
}

func table(t *testing.T, what string, scores map[string]*score) {
	t.Helper()
	const enough, most = 5, 0.10
	var names []string
	for name := range scores {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		s := scores[name]
		mean := s.sum / float64(max(s.n, 1))
		t.Logf("%-8s %-9s %4d compared, off by %4.1f %%; left out %v; all %d by %.0f %%", what, name, s.n, 100*mean, s.left,
			s.wholeOf, 100*s.whole/float64(max(s.wholeOf, 1)))
		bound := most
		if worse[name] != "" {
			bound = 0.12
		}
		if name != "other" && s.n >= enough && mean > bound {
			t.Errorf("%s of %s is off by %.1f %% in the mean of %d; at most %.0f %% is promised", what, name, 100*mean, s.n, 100*bound)
		}
	}
}

func of(scores map[string]*score, family string) *score {
	if scores[family] == nil {
		scores[family] = &score{}
	}
	return scores[family]
}

// TestRecordedInput estimates every recorded request after all others of the same provider and model taught the table.
func TestRecordedInput(t *testing.T) {
	all, scores := recorded(t), map[string]*score{}
	for i := range all {
		x := &all[i]
		if x.req == nil {
			continue
		}
		var g gathered
		g.request(x.req)
		why := x.leftOut(&g)
		if why == "not said" {
			continue
		}
		var l Learned
		for j := range all {
			if y := &all[j]; j != i && y.source == x.source && y.req != nil && y.usage.Has(llm.SaidInput) {
				l.Input(y.source, y.req, y.usage.Input)
			}
		}
		e := off(l.Request(x.source, x.req).Tokens, x.usage.Input)
		if why == "" && e > 0.3 {
			t.Logf("  %s %s: %d, stated %d", x.id, x.source.Model, l.Request(x.source, x.req).Tokens, x.usage.Input)
		}
		of(scores, x.family).add(e, why)
	}
	table(t, "input", scores)
}

// TestRecordedOutput does so of what was answered. Reasoning that was stated is taken off.
func TestRecordedOutput(t *testing.T) {
	all, scores := recorded(t), map[string]*score{}
	for i := range all {
		x := &all[i]
		stated, why := x.answered()
		if why == "not said" {
			continue
		}
		var l Learned
		for j := range all {
			if y := &all[j]; j != i && y.source == x.source {
				if n, why := y.answered(); why == "" {
					l.Output(y.source, n, y.parts()...)
				}
			}
		}
		e := off(l.Answer(x.source, x.parts()...).Tokens, stated)
		if why == "" && e > 0.3 {
			t.Logf("  %s %s: %d, stated %d", x.id, x.source.Model, l.Answer(x.source, x.parts()...).Tokens, stated)
		}
		of(scores, x.family).add(e, why)
	}
	table(t, "output", scores)
}

// parts returns what was answered, without reasoning where its number was stated apart: often a summary of it is shown.
func (x *exchange) parts() (out [][]llm.Part) {
	for i := range x.resp.Choices {
		parts := slices.Clone(x.resp.Choices[i].Parts)
		if x.usage.Reasoning > 0 {
			parts = slices.DeleteFunc(parts, func(p llm.Part) bool { return p.Kind == llm.PartReasoning })
		}
		out = append(out, parts)
	}
	return out
}

// answered returns what was stated of the visible answer, and why it cannot be compared.
func (x *exchange) answered() (stated int64, why string) {
	u := x.usage
	var g gathered
	for _, parts := range x.parts() {
		g.parts(parts)
	}
	if !u.Has(llm.SaidOutput) || u.Output == 0 {
		return 0, "not said"
	}
	stated = u.Output - u.Reasoning
	n := g.count(o200k)
	visible := n[prose] + n[args]
	most := 1.6*visible + 15
	if g.calls > 0 {
		most += 40
	}
	switch {
	case g.unseen&^UnseenSeal != 0, len(g.pictures) > 0, len(u.Rounds) > 0:
		return stated, "unseen"
	case len(x.resp.Choices) != 1:
		return stated, "choices"
	case u.Reasoning > 0 && g.calls > 0:
		return stated, "calls and thoughts" // whether a call is counted among the thoughts differs
	case visible == 0 || stated <= 0:
		return stated, "nothing shown"
	case float64(stated) > most:
		return stated, "hidden thoughts"
	case float64(stated) < 0.6*visible:
		return stated, "another's"
	}
	return stated, ""
}

// TestRecordedBound holds every recorded request's bound against what was counted.
func TestRecordedBound(t *testing.T) {
	bounded, without, below := 0, 0, 0
	for _, x := range recorded(t) {
		if x.req == nil || !x.usage.Has(llm.SaidInput) {
			continue
		}
		m := Bound(x.source.Model, x.req)
		if m.Unbounded != 0 {
			without++
			continue
		}
		bounded++
		if m.Tokens < x.usage.Input {
			below++
			t.Errorf("%s %s: the bound is %d, %d were counted", x.id, x.source.Model, m.Tokens, x.usage.Input)
		}
	}
	t.Logf("%d have a bound, of which %d are below what was counted; %d have none", bounded, below, without)
}
