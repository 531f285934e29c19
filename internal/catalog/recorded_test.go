package catalog_test

import (
	"math"
	"strconv"
	"testing"

	"weir/internal/catalog"
	"weir/internal/dialect/dialecttest"
	"weir/internal/dialect/openaichat"
	"weir/internal/llm"
	"weir/internal/replay"
)

// folders are the recordings whose entry is called otherwise.
var folders = map[string]string{
	"azure-openai": "azure", "gemini-openai-compat": "gemini", "groq-chat": "groq", "mistral-chat": "mistral",
	"ollama-openai-compat": "ollama", "openai-chat": "openai", "vercel-gateway": "vercel",
}

// counts are recordings whose usage keeps to no sums, with the reason.
var counts = map[string]string{}

func embedded(t *testing.T) *catalog.Catalog {
	t.Helper()
	c, err := catalog.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestRecordedUsage meters every recorded answer of a chat and corrects it by its provider's profile: what is read and
// what is generated make the total where one is stated, and no part exceeds what it is part of.
func TestRecordedUsage(t *testing.T) {
	c := embedded(t)
	checked, corrected, excepted := 0, 0, 0
	for _, r := range replay.Load(t, string(llm.OpenAIChat)) {
		name := folders[r.Folder]
		if name == "" {
			name = r.Folder
		}
		e, known := c.Entry(name)
		if !known {
			t.Logf("%s: there is no entry %s", r.ID, name)
		}
		u := metered(r)
		if u == nil || r.Response.Status >= 300 {
			continue
		}
		checked++
		before := *u
		e.Facts(r.Model).Usage.Correct(u)
		if before.Input != u.Input || before.Output != u.Output || before.Reasoning != u.Reasoning || before.CacheRead != u.CacheRead {
			corrected++
		}
		sums := !u.Has(llm.SaidTotal) || u.Input+u.Output == u.Total
		parts := u.Reasoning <= u.Output && u.CacheRead <= u.Input && u.InputAudio <= u.Input && u.CacheWrite <= u.Input
		if sums && parts {
			continue
		}
		if counts[r.ID] != "" {
			excepted++
			continue
		}
		t.Errorf("%s of %s: %+v", r.ID, r.Model, u)
	}
	t.Logf("%d answers with usage, %d corrected, %d excepted", checked, corrected, excepted)
	if checked < 300 || corrected < 25 || excepted*100 > checked {
		t.Error("too few were read or corrected, or too many excepted")
	}
}

// TestRecordedCost takes what an answer is said to have cost for the judge of whether reasoning is billed beside the
// output: at the known prices of a model, in hundred-millionths of a dollar a token, only one of the two readings holds.
func TestRecordedCost(t *testing.T) {
	prices := map[string]struct{ input, cached, output int64 }{
		"grok-code-fast-1": {20, 2, 150},
		"openai/gpt-5":     {125, 12, 1000},
	}
	c := embedded(t)
	tried := map[string]int{}
	for _, r := range replay.Load(t, string(llm.OpenAIChat)) {
		price, known := prices[r.Model]
		name := folders[r.Folder]
		if name == "" {
			name = r.Folder
		}
		if !known || name != "xai" && name != "vercel" {
			continue
		}
		u := metered(r)
		e, _ := c.Entry(name)
		e.Facts(r.Model).Usage.Correct(u)
		if u == nil || u.Cost == "" || u.CacheRead > 0 && name == "vercel" {
			continue
		}
		tried[name]++
		cost := (u.Input-u.CacheRead)*price.input + u.CacheRead*price.cached + u.Output*price.output
		stated, err := strconv.ParseFloat(string(u.Cost), 64)
		if err != nil || math.Abs(stated*1e8-float64(cost)) > 1 {
			t.Errorf("%s: cost %s, counted %d: %+v", r.ID, u.Cost, cost, u)
		}
	}
	if tried["xai"] < 3 || tried["vercel"] < 1 {
		t.Errorf("tried %v", tried)
	}
}

func metered(r *replay.Recording) *llm.Usage {
	m := openaichat.New().Meter()
	if !r.Streaming {
		m.Body(r.Answer())
		return m.Read().Usage
	}
	for f := range dialecttest.Frames(llm.OpenAIChat, r.Answer()) {
		m.Frame(f)
	}
	return m.Read().Usage
}

// TestEntriesCarry asks chat to carry every feature to every provider that speaks it: what a provider's quirks keep from
// it is named lost.
func TestEntriesCarry(t *testing.T) {
	c := embedded(t)
	seen := map[llm.Quirk]bool{}
	for _, name := range c.Names() {
		e, _ := c.Entry(name)
		models := []string{"some-model"}
		for _, m := range e.Models {
			models = append(models, m.Match)
		}
		for _, model := range models {
			facts := e.Facts(model)
			if e.Quirks == nil || seen[facts.Quirks] {
				continue
			}
			seen[facts.Quirks] = true
			t.Run(name+" "+model, func(t *testing.T) { dialecttest.Carry(t, openaichat.New(), facts) })
		}
	}
	if len(seen) < 10 {
		t.Errorf("only %d sets of quirks were tried", len(seen))
	}
}
