package dialect

import (
	"slices"
	"strings"

	"weir/internal/llm"
)

// LoseSettings hands to lose every setting of another dialect's request that the one being encoded to has no place for.
// The names are those of Word; have lists the settings that it has a place for and that its encoder writes or reports by
// itself. Members without a field are reported always.
func LoseSettings(req *llm.Request, lose func(path, why string, grade llm.Grade), have ...string) {
	const none = "there is no such setting here"
	say := func(set bool, name, why string) {
		if set && !slices.Contains(have, name) {
			lose(Word(req.From, name), why, llm.Dropped)
		}
	}
	s := &req.Sampling
	say(s.Temperature != "", "temperature", none)
	say(s.TopP != "", "top_p", none)
	say(s.TopK != "", "top_k", none)
	say(s.Frequency != "", "frequency_penalty", none)
	say(s.Presence != "", "presence_penalty", none)
	say(s.Seed != "", "seed", none)
	say(s.Logprobs, "logprobs", none)
	say(s.TopLogprobs != 0, "top_logprobs", none)
	say(s.Bias != nil, "logit_bias", none)
	say(req.Answers > 1, "n", "one answer only")
	say(req.Tier != "", "service_tier", none)
	say(req.User != "", "user", none)
	say(req.Metadata != nil, "metadata", none)
	say(req.Safety != nil, "safetySettings", none)
	say(len(req.Include) > 0, "include", none)
	say(len(req.Documents) > 0, "documents", none)
	say(req.Output.Verbosity != "", "verbosity", none)
	say(req.Cache.Key != "", "prompt_cache_key", none)
	say(req.Cache.TTL != "", "prompt_cache_retention", none)
	say(req.Cache.Ref != "", "cachedContent", none)
	say(req.Cache.Auto != nil, "cache_control", none)
	say(req.Thread.Previous != "", "previous_response_id", "the conversation is not kept here")
	say(req.Thread.Store != nil && *req.Thread.Store, "store", "answers are not kept here")
	say(req.Thread.Background, "background", none)
	say(req.Thread.Raw != nil, "conversation", none)
	for _, m := range req.Modalities {
		say(m != "text", "modalities", "answers are text only")
	}
	v := &req.Voice
	say(v.Name != "" || v.Format != "" || v.Extra != nil, "audio", "answers are text only")
	say(req.Reasoning.Show != nil, "show", none)
	say(req.Reasoning.Summary != "", "reasoning.summary", none)
	for _, of := range [...]struct {
		name string
		x    llm.Extra
	}{
		{Word(req.From, "thinking"), req.Reasoning.Extra},
		{Word(req.From, "response_format"), req.Output.Extra},
		{Word(req.From, "tool_choice"), req.Choice.Extra},
		{"", req.Extra},
	} {
		for _, name := range Names(of.x) {
			path := name
			if of.name != "" {
				path = of.name + "." + strings.TrimPrefix(name, "tool_choice.") // chat keeps it dotted
			}
			lose(path, "there is no such member here", llm.Dropped)
		}
	}
}

// LoseOutput hands to lose what a request says of the form of the output, a schema among it, which some dialects say in a
// member of its own.
func LoseOutput(req *llm.Request, why string, grade llm.Grade, lose func(path, why string, grade llm.Grade)) {
	path, schema := Word(req.From, "response_format"), Word(req.From, "response_format.json_schema.schema")
	lose(path, why, grade)
	if req.Output.Schema != nil && !strings.HasPrefix(schema, path) {
		lose(schema, why, grade)
	}
}

// LoseCounts hands to lose what a usage of another dialect states and a dialect that has only the counts of have does not
// say.
func LoseCounts(u *llm.Usage, have llm.Fields, lose func(path, why string, grade llm.Grade)) {
	if u == nil {
		return
	}
	for _, c := range [...]struct {
		name  string
		field llm.Fields
		n     int64
	}{
		{"cache_read", llm.SaidCacheRead, u.CacheRead},
		{"cache_write", llm.SaidCacheWrite, u.CacheWrite},
		{"cache_write_1h", llm.SaidCacheWrite1h, u.CacheWrite1h},
		{"reasoning", llm.SaidReasoning, u.Reasoning},
		{"input_audio", llm.SaidInputAudio, u.InputAudio},
		{"input_image", llm.SaidInputImage, u.InputImage},
		{"output_audio", llm.SaidOutputAudio, u.OutputAudio},
		{"output_image", llm.SaidOutputImage, u.OutputImage},
		{"tool_input", llm.SaidToolInput, u.ToolInput},
		{"billed_input", llm.SaidBilledInput, u.BilledInput},
		{"billed_output", llm.SaidBilledOutput, u.BilledOutput},
		{"searches", llm.SaidSearches, u.Searches},
		{"fetches", llm.SaidFetches, u.Fetches},
	} {
		if c.n != 0 && have&c.field == 0 {
			lose("answer.usage."+c.name, "there is no such count here", llm.Dropped)
		}
	}
	if u.Total != 0 && u.Total != u.Input+u.Output {
		lose("answer.usage.total", "input and output do not sum up to it, and there is no total here", llm.Dropped)
	}
	if len(u.Rounds) > 0 {
		lose("answer.usage.rounds", "there is no such count here", llm.Dropped)
	}
	if u.Cost != "" {
		lose("answer.usage.cost", "there is no cost here", llm.Dropped)
	}
	for _, name := range Names(u.Extra) {
		if Says(u.Extra[name]) {
			lose("answer.usage."+name, "there is no such member here", Weigh(name))
		}
	}
}
