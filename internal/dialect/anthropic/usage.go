package anthropic

import (
	"bytes"

	"weir/internal/dialect"

	"weir/internal/llm"
	"weir/internal/rawjson"
)

// counts are the numbers of a usage object as this dialect states them, where input_tokens leaves the caches out. They
// are kept over a stream, so that an object that repeats only some of them still gives right sums.
type counts struct {
	said                 llm.Fields
	input, read, write   int64
	fiveMinutes, oneHour int64
	output, thinking     int64
	searches, fetches    int64
	rounds               []llm.Usage
	cost                 llm.Num
	tier                 string
	extra                llm.Extra
}

// take reads a usage object; what it states replaces what was stated before. It keeps no memory of v.
func (c *counts) take(v []byte) {
	var o dialect.Object
	o.Read(v)
	count := func(o *dialect.Object, name string, field llm.Fields, to *int64) {
		raw := o.Take(name)
		if raw == nil {
			return
		}
		n, ok := rawjson.Int(raw)
		if !ok || n < 0 {
			o.Leave(name)
			return
		}
		*to = n
		c.said |= field
	}
	count(&o, "input_tokens", llm.SaidInput, &c.input)
	count(&o, "cache_read_input_tokens", llm.SaidCacheRead, &c.read)
	count(&o, "cache_creation_input_tokens", llm.SaidCacheWrite, &c.write)
	count(&o, "output_tokens", llm.SaidOutput, &c.output)
	if tier := o.String("service_tier"); tier != "" {
		c.tier = tier
	}
	if cost := o.Num("cost"); cost != "" {
		c.cost = cost
	}
	var extra llm.Extra
	o.Sub(&extra, "cache_creation", func(in *dialect.Object) {
		count(in, "ephemeral_5m_input_tokens", llm.SaidCacheWrite1h, &c.fiveMinutes)
		count(in, "ephemeral_1h_input_tokens", llm.SaidCacheWrite1h, &c.oneHour)
	})
	o.Sub(&extra, "output_tokens_details", func(in *dialect.Object) {
		count(in, "thinking_tokens", llm.SaidReasoning, &c.thinking)
	})
	o.Sub(&extra, "server_tool_use", func(in *dialect.Object) {
		count(in, "web_search_requests", llm.SaidSearches, &c.searches)
		count(in, "web_fetch_requests", llm.SaidFetches, &c.fetches)
	})
	if v := o.Take("iterations"); rawjson.Kind(v) == '[' {
		c.rounds = nil
		for _, e := range rawjson.Elems(v) {
			var round counts
			round.take(e)
			c.rounds = append(c.rounds, round.usage())
		}
	} else if v != nil {
		o.Leave("iterations")
	}
	for name, raw := range extra {
		c.extra = dialect.With(c.extra, name, raw)
	}
	for name, raw := range o.Rest() {
		c.extra = dialect.With(c.extra, name, bytes.Clone(raw))
	}
}

// usage returns the canonical counts, whose input includes the caches.
func (c *counts) usage() llm.Usage {
	u := llm.Usage{
		Said: c.said, CacheRead: c.read, CacheWrite: c.write, CacheWrite1h: c.oneHour,
		Output: c.output, Reasoning: c.thinking, Searches: c.searches, Fetches: c.fetches,
		Rounds: c.rounds, Cost: c.cost, Tier: c.tier, Extra: c.extra,
	}
	if u.Said&llm.SaidCacheWrite1h != 0 && u.Said&llm.SaidCacheWrite == 0 {
		u.CacheWrite = c.fiveMinutes + c.oneHour
		u.Said |= llm.SaidCacheWrite
	}
	u.Input = c.input + u.CacheRead + u.CacheWrite
	if u.Said&llm.SaidInput == 0 {
		u.Input = 0
	}
	return u
}

// writeUsage writes a usage object. input_tokens and output_tokens are always there, as this dialect's SDKs demand.
func writeUsage(w *rawjson.Writer, u *llm.Usage, tier string, own bool) {
	if u == nil {
		u = &llm.Usage{}
	}
	w.Open('{')
	w.Name("input_tokens").Int(max(0, u.Input-u.CacheRead-u.CacheWrite))
	if u.Has(llm.SaidCacheWrite) {
		w.Name("cache_creation_input_tokens").Int(u.CacheWrite)
	}
	if u.Has(llm.SaidCacheRead) {
		w.Name("cache_read_input_tokens").Int(u.CacheRead)
	}
	var extra llm.Extra
	if own {
		extra = u.Extra
	}
	nested := func(name string, said bool, write func()) {
		if said {
			w.Name(name).Open('{')
			write()
			for in, raw := range rawjson.Members(extra[name]) {
				w.Name(string(in)).Raw(raw)
			}
			w.Close('}')
		} else if extra[name] != nil {
			w.Name(name).Raw(extra[name])
		}
	}
	nested("cache_creation", u.Has(llm.SaidCacheWrite1h), func() {
		w.Name("ephemeral_5m_input_tokens").Int(max(0, u.CacheWrite-u.CacheWrite1h))
		w.Name("ephemeral_1h_input_tokens").Int(u.CacheWrite1h)
	})
	w.Name("output_tokens").Int(u.Output)
	nested("output_tokens_details", u.Has(llm.SaidReasoning), func() {
		w.Name("thinking_tokens").Int(u.Reasoning)
	})
	nested("server_tool_use", u.Said&(llm.SaidSearches|llm.SaidFetches) != 0, func() {
		if u.Has(llm.SaidSearches) {
			w.Name("web_search_requests").Int(u.Searches)
		}
		if u.Has(llm.SaidFetches) {
			w.Name("web_fetch_requests").Int(u.Fetches)
		}
	})
	if u.Tier != "" {
		tier = u.Tier
	}
	if t := answerTier(tier, own); t != "" {
		w.Name("service_tier").String(t)
	}
	if len(u.Rounds) > 0 {
		w.Name("iterations").Open('[')
		for i := range u.Rounds {
			writeUsage(w, &u.Rounds[i], "", own)
		}
		w.Close(']')
	}
	if own && u.Cost != "" {
		w.Name("cost").Num(string(u.Cost))
	}
	dialect.WriteExtra(w, extra, "cache_creation", "output_tokens_details", "server_tool_use")
	w.Close('}')
}

// answerTier returns this dialect's word for the tier that served an answer, "" where it has none.
func answerTier(tier string, own bool) string {
	switch {
	case own, tier == "standard", tier == "priority", tier == "batch":
		return tier
	case tier == "default":
		return "standard"
	}
	return ""
}

// loseUsage reports what writeUsage does not say of another dialect's answer.
func loseUsage(l *dialect.Losses, u *llm.Usage, tier string) {
	if u != nil && u.Tier != "" {
		tier = u.Tier
	}
	if tier != "" && answerTier(tier, false) == "" {
		l.Add("answer.tier", "the tier "+tier+" has no word here", dialect.WeighTier(tier))
	}
	if u == nil {
		return
	}
	for _, f := range [...]struct {
		name string
		n    int64
	}{
		{"input_audio", u.InputAudio},
		{"input_image", u.InputImage},
		{"output_audio", u.OutputAudio},
		{"output_image", u.OutputImage},
		{"tool_input", u.ToolInput},
		{"billed_input", u.BilledInput},
		{"billed_output", u.BilledOutput},
	} {
		if f.n != 0 {
			l.Add("answer.usage."+f.name, "no such count here", llm.Dropped)
		}
	}
	if u.Total != 0 && u.Total != u.Input+u.Output {
		l.Add("answer.usage.total", "input and output do not sum up to it, and there is no total here", llm.Dropped)
	}
	if u.Cost != "" {
		l.Add("answer.usage.cost", "no cost here", llm.Dropped)
	}
	if u.Has(llm.SaidInput) && u.Input < u.CacheRead+u.CacheWrite {
		l.Add("answer.usage.input", "less than the caches it should include", llm.Changed)
	}
	for _, name := range dialect.Names(u.Extra) {
		if dialect.Says(u.Extra[name]) {
			l.Add("answer.usage."+name, "no such member here", dialect.Weigh(name))
		}
	}
}
