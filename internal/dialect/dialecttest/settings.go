package dialecttest

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"weir/internal/llm"
)

// words are a client's names for what is canonical; what is not listed has the common name, or the same.
type words map[string]string

func (w words) of(name string) string {
	for _, names := range [...]words{w, common} {
		if s, ok := names[name]; ok {
			return s
		}
	}
	return name
}

// common are the names of what only some dialects have a word for.
var common = words{
	"max_output": "max_tokens", "parallel": "parallel_tool_calls", "output": "response_format", "budget": "thinking.budget_tokens",
	"show": "thinking.display", "effort": "reasoning.effort", "tool.description": "description", "tool.schema": "parameters",
	"tool.strict": "strict", "tool.defer": "defer_loading", "tool.grammar": "format", "file.name": "title", "image.detail": "detail",
	"cached_content": "cachedContent", "safety_settings": "safetySettings",
}

// clients has the words of each dialect.
var clients = map[llm.Dialect]words{
	llm.OpenAIChat: {
		"max_output": "max_tokens", "parallel": "parallel_tool_calls", "output": "response_format",
		"output.name": "response_format.json_schema.name", "output.description": "response_format.json_schema.description",
		"output.schema": "response_format.json_schema.schema", "output.strict": "response_format.json_schema.strict",
		"effort": "reasoning_effort", "thinking": "reasoning_effort", "budget": "reasoning_effort", "cache": "prompt_cache_key",
		"tool.description": "function.description", "tool.schema": "function.parameters", "tool.strict": "function.strict",
		"tool.grammar": "custom.format", "file.name": "file.filename", "image.detail": "image_url.detail",
		"citations": "annotations", "show": "reasoning_effort", "reasoning.summary": "reasoning_effort.summary",
	},
	llm.AnthropicMessages: {
		"max_output": "max_tokens", "stop": "stop_sequences", "parallel": "tool_choice.disable_parallel_tool_use",
		"output": "output_config.format", "output.name": "output_config.format.name", "output.schema": "output_config.format.schema",
		"output.description": "output_config.format.description", "output.strict": "output_config.format.strict",
		"effort": "output_config.effort", "budget": "thinking.budget_tokens", "show": "thinking.display", "user": "metadata.user_id",
		"tool.description": "description", "tool.schema": "input_schema", "tool.strict": "strict", "tool.defer": "defer_loading",
		"file.name": "title", "image.detail": "detail", "conversation": "container",
	},
}

func (f *facts) choice(c *llm.ToolChoice) {
	w := f.words
	f.add(w.of("tool_choice"), "choice.mode", c.Mode)
	f.add(w.of("tool_choice"), "choice.name", c.Name)
	allowed := slices.Clone(c.Allowed)
	slices.Sort(allowed)
	f.add(w.of("tool_choice"), "choice.allowed", strings.Join(allowed, ","))
	f.pointer(w.of("parallel"), "choice.parallel", c.Parallel)
	f.raw(w.of("tool_choice"), "choice.raw", c.Raw)
	for _, name := range slices.Sorted(maps.Keys(c.Extra)) {
		path := w.of("tool_choice") + "." + strings.TrimPrefix(name, "tool_choice.") // chat keeps it dotted
		f.add(path, "extra.choice", name+"="+compact(c.Extra[name]))
	}
}

func (f *facts) output(o *llm.Output) {
	w := f.words
	f.add(w.of("output"), "output.kind", o.Kind)
	f.add(w.of("output.name"), "output.name", o.Name)
	f.add(w.of("output.description"), "output.description", o.Description)
	f.raw(w.of("output.schema"), "output.schema", o.Schema)
	f.pointer(w.of("output.strict"), "output.strict", o.Strict)
	f.add(w.of("verbosity"), "output.verbosity", o.Verbosity)
	f.extra(w.of("output"), "output", o.Extra)
}

func (f *facts) settings(r *llm.Request) {
	w, s := f.words, &r.Sampling
	f.add(w.of("temperature"), "sampling.temperature", string(s.Temperature))
	f.add(w.of("top_p"), "sampling.top_p", string(s.TopP))
	f.add(w.of("top_k"), "sampling.top_k", string(s.TopK))
	f.add(w.of("frequency_penalty"), "sampling.frequency_penalty", string(s.Frequency))
	f.add(w.of("presence_penalty"), "sampling.presence_penalty", string(s.Presence))
	f.add(w.of("seed"), "sampling.seed", string(s.Seed))
	f.flag(w.of("logprobs"), "sampling.logprobs", s.Logprobs)
	f.number(w.of("top_logprobs"), "sampling.top_logprobs", s.TopLogprobs)
	f.raw(w.of("logit_bias"), "sampling.logit_bias", s.Bias)
	f.number(w.of("max_output"), "max_output", r.MaxOutput)
	for _, one := range r.Stop {
		f.put(fact{path: w.of("stop"), kind: "stop", value: one})
	}
	f.number(w.of("n"), "answers", r.Answers)
	f.flag(w.of("stream"), "stream", r.Stream)
	f.flag(w.of("stream_options"), "want_usage", r.WantUsage)
	for _, m := range r.Modalities {
		f.add(w.of("modalities"), "modality", m)
	}
	f.add(w.of("audio"), "voice.name", r.Voice.Name)
	f.add(w.of("audio"), "voice.format", r.Voice.Format)
	f.extra(w.of("audio"), "voice", r.Voice.Extra)
	f.add(w.of("previous_response_id"), "thread.previous", r.Thread.Previous)
	f.pointer(w.of("store"), "thread.store", r.Thread.Store)
	f.flag(w.of("background"), "thread.background", r.Thread.Background)
	f.raw(w.of("conversation"), "thread.raw", r.Thread.Raw)
	f.add(w.of("prompt_cache_key"), "cache.key", r.Cache.Key)
	f.add(w.of("prompt_cache_retention"), "cache.ttl", r.Cache.TTL)
	f.add(w.of("cached_content"), "cache.ref", r.Cache.Ref)
	if r.Cache.Auto != nil {
		f.add(w.of("cache_control"), "cache.auto", "mark "+r.Cache.Auto.TTL)
	}
	f.add(w.of("service_tier"), "tier", r.Tier)
	f.add(w.of("user"), "user", r.User)
	f.raw(w.of("metadata"), "metadata", r.Metadata)
	f.raw(w.of("safety_settings"), "safety", r.Safety)
	for _, one := range r.Include {
		f.add(w.of("include"), "include", one)
	}
}

// reasoning notes how much to think. That there shall be none is one fact, however it is said.
func (f *facts) reasoning(r *llm.Request) {
	w, q := f.words, &r.Reasoning
	if q.Mode == "off" || q.Effort == "none" || q.Budget == "0" {
		path := w.of("thinking")
		if q.Effort == "none" {
			path = w.of("effort")
		}
		f.add(path, "reasoning.off", "true")
	} else {
		f.add(w.of("thinking"), "reasoning.mode", q.Mode)
		f.add(w.of("effort"), "reasoning.effort", q.Effort)
		f.add(w.of("budget"), "reasoning.budget", string(q.Budget))
	}
	f.pointer(w.of("show"), "reasoning.show", q.Show)
	f.add(w.of("reasoning.summary"), "reasoning.summary.asked", q.Summary)
	f.extra(w.of("thinking"), "reasoning", q.Extra)
}

// responseFacts flattens an answer; paths are canonical words.
func responseFacts(r *llm.Response) []fact {
	f := &facts{calls: map[string]int{}}
	f.add("answer.id", "id", r.ID)
	f.add("answer.model", "model", r.Model)
	f.add("answer.created", "created", string(r.Created))
	tier := r.Tier
	if tier == "" && r.Usage != nil {
		tier = r.Usage.Tier // some say it there only, some in both places
	}
	f.add("answer.tier", "tier", tier)
	for i := range r.Choices {
		c := &r.Choices[i]
		from := len(f.list)
		for j := range c.Parts {
			f.part(&c.Parts[j], place{role: fmt.Sprint("choice ", i), group: "answer.order"})
		}
		f.stop(&c.Stop)
		f.extra("answer", "choice", c.Extra)
		if i > 0 {
			for j := range f.list[from:] {
				f.list[from+j].choice = "answer.choices"
			}
		}
	}
	if r.Usage != nil {
		f.usage(r.Usage, "answer.usage", tier)
	}
	f.extra("answer", "response", r.Extra)
	return f.list
}

func (f *facts) stop(s *llm.Stop) {
	path := "answer.stop"
	if s.Reason == llm.StopSequence {
		path = "answer.stop_sequence" // a dialect without a word for it loses the sequence and the reason at once
	}
	f.add(path, "stop.reason", string(s.Reason))
	f.add("answer.stop_sequence", "stop.sequence", s.Sequence)
	f.add("answer.stop.native", "stop.native", s.Native)
	f.add("answer.stop_details", "stop.detail", s.Detail)
	f.raw("answer.stop_details", "stop.raw", s.Raw)
}

func (f *facts) usage(u *llm.Usage, path, tier string) {
	for _, one := range [...]struct {
		name string
		n    int64
	}{
		{"input", u.Input},
		{"cache_read", u.CacheRead},
		{"cache_write", u.CacheWrite},
		{"cache_write_1h", u.CacheWrite1h},
		{"output", u.Output},
		{"reasoning", u.Reasoning},
		{"input_audio", u.InputAudio},
		{"input_image", u.InputImage},
		{"output_audio", u.OutputAudio},
		{"output_image", u.OutputImage},
		{"tool_input", u.ToolInput},
		{"billed_input", u.BilledInput},
		{"billed_output", u.BilledOutput},
		{"searches", u.Searches},
		{"fetches", u.Fetches},
	} {
		f.number(path+"."+one.name, path+"."+one.name, one.n)
	}
	if u.Total != u.Input+u.Output {
		f.number(path+".total", path+".total", u.Total)
	}
	for i := range u.Rounds {
		f.add(path+".rounds", "usage.round", fmt.Sprintf("%+v", u.Rounds[i]))
	}
	f.add(path+".cost", "usage.cost", string(u.Cost))
	if u.Tier != tier {
		f.add(path+".tier", "usage.tier", u.Tier)
	}
	f.extra(path, "usage", u.Extra)
}
