package sim_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"weir/internal/sim"
)

const personSchema = `{"type":"object","properties":{"name":{"type":"string"},"age":{"type":"integer","minimum":0}},"required":["name","age"],"additionalProperties":false}`

var questions = []question{
	{model: "sim-1", text: "Grüße aus 東京 🌧️ \"quoted\"\n"},
	{model: "sim-1", system: "Be very brief.", text: "hi"},
	{model: "sim-think", text: "why?"},
	{model: "sim-1", text: "why?", think: 1},
	{model: "sim-1", text: "why?", think: 2},
	{model: "sim-1", text: "why?", think: 3},
	{model: "sim-1", text: "use get time and get_weather with city=Oslo", tools: true},
	{model: "sim-think", text: "use get_weather", tools: true},
	{model: "sim-tools", text: "please", tools: true},
	{model: "sim-1", text: "please", tools: true, demand: true},
	{model: "sim-1", text: "Who? age: 36", schema: personSchema},
	{model: "sim-1", text: "What?", schema: `{"type":"object","properties":{"n":{"type":"number"},"id":{"type":"string","format":"uuid"}},"required":["n","id"],"additionalProperties":false}`},
	{model: "sim-1", text: "hi", stop: "a simulated"},
	{model: "sim-long", text: "hi", room: 20},
	{model: "sim-think", text: "hi", room: 16},
	{model: "sim-empty", text: "hi"},
	{model: "sim-refusal", text: "hi"},
	{model: "sim-long", text: "hi"},
}

// TestSameEverywhere: the same question gets the same thought, text, calls and counts in every dialect, whole and as a
// stream. What differs by dialect is said here.
func TestSameEverywhere(t *testing.T) {
	clock := func() time.Time { return time.Unix(1e9, 0) }
	for _, q := range questions {
		var want says
		for i, sp := range speakers {
			if q.demand && sp.name == "ollama" || q.stop != "" && sp.name == "openai-responses" {
				continue // cannot be said there
			}
			r := start(t, &sim.Provider{Clock: clock}) // one each, so that no cache is warm
			whole := sp.whole(t, r.ok(sp.path(q), sp.body(q)))
			q.stream = true
			_, raw, err := r.do(sp.path(q), sp.body(q))
			q.stream = false
			if err != nil {
				t.Fatal(err)
			}
			streamed := sp.streamed(t, raw)
			if diff := cmp.Diff(whole, streamed); diff != "" {
				t.Errorf("%s %+v: -whole +stream\n%s", sp.name, q, diff)
			}
			whole = alike(sp.name, q, whole)
			if i == 0 {
				want = whole
			}
			if diff := cmp.Diff(alike(sp.name, q, want), whole); diff != "" {
				t.Errorf("%+v: -%s +%s\n%s", q, speakers[0].name, sp.name, diff)
			}
		}
	}
}

// alike takes out what a dialect cannot say, or says in its own manner.
func alike(name string, q question, s says) says {
	if len(s.Calls) > 0 {
		// Some say a sentence before a call, which counts; some say it when they are made to call, too.
		if strings.HasPrefix(s.Text, "I will call ") {
			s.Text = ""
		}
		s.Out = 0
	}
	if name == "bedrock" || name == "ollama" {
		s.Reasoning = 0
	}
	if s.Stop == "stop" && (name == "openai-chat" || strings.HasPrefix(name, "gemini") || name == "ollama") {
		s.Stop = "end"
	}
	if q.stop != "" {
		s.Stop = "" // chat's first word for it is the same as for an end
	}
	if q.model == "sim-refusal" && strings.HasPrefix(name, "gemini") {
		s.Text, s.Out = "", 0
	}
	return s
}

// TestCachedEverywhere: a long prompt asked again is read from the cache, by providers that cache without being asked;
// the others do it for marks.
func TestCachedEverywhere(t *testing.T) {
	for _, sp := range speakers {
		r := start(t, &sim.Provider{})
		q := question{model: "sim-1", system: strings.Repeat("word ", 2000), text: "hi"}
		first := sp.whole(t, r.ok(sp.path(q), sp.body(q)))
		second := sp.whole(t, r.ok(sp.path(q), sp.body(q)))
		want := 2432.0 // of 2509: a multiple of 128
		if sp.name == "anthropic-messages" || sp.name == "bedrock" || sp.name == "ollama" {
			want = 0
		}
		if first.Cached != 0 || second.Cached != want || first.In != second.In {
			t.Errorf("%s: first %v, second %v", sp.name, first, second)
		}
	}
}
