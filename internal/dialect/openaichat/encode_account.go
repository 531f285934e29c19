package openaichat

import (
	"cmp"

	"weir/internal/dialect/openai"
	"weir/internal/llm"
)

func (e *requestEncoder) limits() {
	r := e.req
	w := &e.w
	if r.MaxOutput > 0 {
		name := cmp.Or(e.facts.Quirks.MaxName(), "max_completion_tokens")
		w.Name(name).Int(r.MaxOutput)
	}
	if r.Stream {
		w.Name("stream").Bool(true)
	}
	// Who translates needs the usage, whether the client asked for it or not.
	ask := (r.WantUsage || r.Stream && !e.own) && !e.has(llm.NoStreamOptions)
	if ask || e.own && openai.HasNested(r.Extra, "stream_options") {
		w.Name("stream_options").Open('{')
		if ask {
			w.Name("include_usage").Bool(true)
		}
		if e.own {
			openai.WriteNested(w, r.Extra, "stream_options")
		}
		w.Close('}')
	}
	e.modalities()
}

func (e *requestEncoder) modalities() {
	r := e.req
	var all []string
	if e.has(llm.NoModalities) {
		for _, m := range r.Modalities {
			if m != "text" {
				e.drop("modalities", "the target answers in text")
			}
		}
		if r.Voice.Name != "" || r.Voice.Format != "" || r.Voice.Extra != nil {
			e.drop("audio", "the target answers in text")
		}
		return
	}
	for _, m := range r.Modalities {
		if e.own || m == "text" || m == "audio" {
			all = append(all, m)
		} else {
			e.drop("modalities", "chat answers in text and audio only")
		}
	}
	if len(all) > 0 {
		e.w.Name("modalities").Open('[')
		for _, m := range all {
			e.w.String(m)
		}
		e.w.Close(']')
	}
	v := &r.Voice
	extra := v.Extra
	if !e.own {
		e.foreign(extra, e.word("audio"))
		extra = nil
	}
	if v.Name != "" || v.Format != "" || extra != nil {
		e.w.Name("audio").Open('{')
		if v.Name != "" {
			e.w.Name("voice").String(v.Name)
		}
		if v.Format != "" {
			e.w.Name("format").String(v.Format)
		}
		openai.WriteExtra(&e.w, extra)
		e.w.Close('}')
	}
}

// account writes who asks, at which tier, and what is kept.
func (e *requestEncoder) account() {
	r := e.req
	w := &e.w
	if v := e.taken("verbosity", r.Output.Verbosity, llm.NoVerbosity); v != "" {
		w.Name("verbosity").String(v)
	}
	if tier := e.taken("service_tier", e.tier(), llm.NoTier); tier != "" {
		w.Name("service_tier").String(tier)
	}
	if user := e.taken("user", r.User, llm.NoUser); user != "" {
		w.Name("user").String(user)
	}
	if r.Metadata != nil {
		w.Name("metadata").Raw(r.Metadata)
	}
	switch store := r.Thread.Store; {
	case store == nil:
	case !e.has(llm.NoStore):
		w.Name("store").Bool(*store)
	case *store:
		e.drop("store", "the target keeps nothing for a client")
	}
	if key := e.taken("prompt_cache_key", r.Cache.Key, llm.NoCacheKey); key != "" {
		w.Name("prompt_cache_key").String(key)
	}
	if ttl := e.taken("prompt_cache_retention", r.Cache.TTL, llm.NoStore); ttl != "" {
		w.Name("prompt_cache_retention").String(ttl)
	}
	if r.Cache.Auto != nil {
		if e.own {
			writeCache(w, r.Cache.Auto)
		} else {
			e.drop("cache_control", noPlace)
		}
	}
	for _, l := range [...]struct {
		name string
		said bool
	}{
		{"cachedContent", r.Cache.Ref != ""},
		{"previous_response_id", r.Thread.Previous != ""},
		{"background", r.Thread.Background},
		{e.threadWord(), r.Thread.Raw != nil},
		{"safetySettings", r.Safety != nil},
		{"include", len(r.Include) > 0},
		{"documents", len(r.Documents) > 0},
	} {
		if l.said {
			e.drop(l.name, noPlace)
		}
	}
}

// taken returns the value of a setting, "" where the target does not take it; that is a loss.
func (e *requestEncoder) taken(name, value string, lacks llm.Quirk) string {
	if value != "" && e.has(lacks) {
		e.drop(name, "the target does not take it")
		return ""
	}
	return value
}

func (e *requestEncoder) threadWord() string {
	if e.req.From == llm.AnthropicMessages {
		return "container"
	}
	return "conversation"
}

// tier returns the word for the service tier. anthropic-messages says standard_only where chat says default.
func (e *requestEncoder) tier() string {
	tier := e.req.Tier
	if e.own || tier == "" {
		return tier
	}
	switch tier {
	case "auto", "default", "flex", "priority":
		return tier
	case "standard_only", "standard":
		return "default"
	}
	e.drop("service_tier", "chat has no such tier")
	return ""
}
