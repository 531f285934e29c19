package openai

import (
	"weir/internal/dialect"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// DecodeUsage reads a usage object, nil if it states nothing. What repeats under another name what has a field is not
// kept.
func DecodeUsage(v []byte) *llm.Usage {
	if rawjson.Kind(v) != '{' {
		return nil
	}
	u := &llm.Usage{}
	u2 := usageReader{u: u}
	for name, val := range rawjson.Members(v) {
		if !rawjson.IsNull(val) {
			u2.member(string(name), val)
		}
	}
	u2.repeats()
	if u.Said == 0 && u.Cost == "" && u.Tier == "" && u.Extra == nil {
		return nil
	}
	return u
}

type usageReader struct{ u *llm.Usage }

func (r usageReader) member(name string, v []byte) {
	u := r.u
	switch name {
	case "prompt_tokens":
		r.count(&u.Input, llm.SaidInput, name, v)
	case "completion_tokens":
		r.count(&u.Output, llm.SaidOutput, name, v)
	case "total_tokens":
		r.count(&u.Total, llm.SaidTotal, name, v)
	case "prompt_tokens_details", "completion_tokens_details", "cache_creation", "server_tool_use_details":
		r.nested(name, v)
	case "cost":
		r.cost(v)
	case "service_tier":
		if s, ok := rawjson.String(v); ok {
			u.Tier = s
			return
		}
		Keep(&u.Extra, name, v)
	default:
		Keep(&u.Extra, name, v)
	}
}

func (r usageReader) nested(name string, v []byte) {
	if rawjson.Kind(v) != '{' {
		Keep(&r.u.Extra, name, v)
		return
	}
	u := r.u
	for inner, val := range rawjson.Members(v) {
		at := name + "." + string(inner)
		if rawjson.IsNull(val) {
			continue
		}
		switch at {
		case "prompt_tokens_details.cached_tokens":
			r.count(&u.CacheRead, llm.SaidCacheRead, at, val)
		case "prompt_tokens_details.cache_write_tokens":
			r.count(&u.CacheWrite, llm.SaidCacheWrite, at, val)
		case "prompt_tokens_details.audio_tokens":
			r.count(&u.InputAudio, llm.SaidInputAudio, at, val)
		case "prompt_tokens_details.image_tokens":
			r.count(&u.InputImage, llm.SaidInputImage, at, val)
		case "completion_tokens_details.reasoning_tokens":
			r.count(&u.Reasoning, llm.SaidReasoning, at, val)
		case "completion_tokens_details.audio_tokens":
			r.count(&u.OutputAudio, llm.SaidOutputAudio, at, val)
		case "completion_tokens_details.image_tokens":
			r.count(&u.OutputImage, llm.SaidOutputImage, at, val)
		case "cache_creation.ephemeral_1h_input_tokens":
			r.count(&u.CacheWrite1h, llm.SaidCacheWrite1h, at, val)
		case "server_tool_use_details.web_search_requests":
			r.count(&u.Searches, llm.SaidSearches, at, val)
		default:
			Keep(&u.Extra, at, val)
		}
	}
}

func (r usageReader) count(dst *int64, said llm.Fields, name string, v []byte) {
	n, ok := rawjson.Int(v)
	if !ok || n < 0 {
		Keep(&r.u.Extra, name, v)
		return
	}
	*dst = n
	r.u.Said |= said
}

// cost reads dollars: a number, or an object whose total they are.
func (r usageReader) cost(v []byte) {
	if n := rawjson.Num(v); n != "" {
		r.u.Cost = llm.Num(n)
		return
	}
	if n := rawjson.Num(rawjson.Get(v, "total_cost")); n != "" {
		r.u.Cost = llm.Num(n)
		KeepRest(&r.u.Extra, "cost", v, "total_cost")
		return
	}
	Keep(&r.u.Extra, "cost", v)
}

// repeats fills fields from the names other speakers use, where the specification's are silent, and drops those that
// say the same again.
func (r usageReader) repeats() {
	u := r.u
	for _, alias := range [...]struct {
		name string
		said llm.Fields
		dst  *int64
	}{
		{"prompt_cache_hit_tokens", llm.SaidCacheRead, &u.CacheRead},
		{"cache_read_input_tokens", llm.SaidCacheRead, &u.CacheRead},
		{"cached_tokens", llm.SaidCacheRead, &u.CacheRead},
		{"num_cached_tokens", llm.SaidCacheRead, &u.CacheRead},
		{"cache_creation_input_tokens", llm.SaidCacheWrite, &u.CacheWrite},
	} {
		n, ok := rawjson.Int(u.Extra[alias.name])
		if !ok || n < 0 {
			continue
		}
		if u.Said&alias.said == 0 {
			*alias.dst = n
			u.Said |= alias.said
		}
		if *alias.dst == n {
			r.drop(alias.name)
		}
	}
	if n, ok := rawjson.Int(u.Extra["prompt_cache_miss_tokens"]); ok && n == u.Input-u.CacheRead {
		r.drop("prompt_cache_miss_tokens")
	}
}

func (r usageReader) drop(name string) {
	delete(r.u.Extra, name)
	if len(r.u.Extra) == 0 {
		r.u.Extra = nil
	}
}

// WriteUsage writes a usage object. own says that it came in this dialect, Extra and all: what it did not state is not
// Stated then. OpenAI's SDKs demand the three sums of every other.
func WriteUsage(w *rawjson.Writer, u *llm.Usage, own bool) {
	total := u.Total
	if !u.Has(llm.SaidTotal) {
		total = u.Input + u.Output
	}
	w.Open('{')
	if !own || u.Has(llm.SaidInput) {
		w.Name("prompt_tokens").Int(u.Input)
	}
	if !own || u.Has(llm.SaidOutput) {
		w.Name("completion_tokens").Int(u.Output)
	}
	if !own || u.Has(llm.SaidTotal) {
		w.Name("total_tokens").Int(total)
	}
	extra := u.Extra
	if !own {
		extra = nil
	}
	usageDetails(w, u, extra, "prompt_tokens_details", []usageDetail{
		{"cached_tokens", llm.SaidCacheRead, u.CacheRead},
		{"cache_write_tokens", llm.SaidCacheWrite, u.CacheWrite},
		{"audio_tokens", llm.SaidInputAudio, u.InputAudio},
		{"image_tokens", llm.SaidInputImage, u.InputImage},
	})
	usageDetails(w, u, extra, "completion_tokens_details", []usageDetail{
		{"reasoning_tokens", llm.SaidReasoning, u.Reasoning},
		{"audio_tokens", llm.SaidOutputAudio, u.OutputAudio},
		{"image_tokens", llm.SaidOutputImage, u.OutputImage},
	})
	if own {
		usageDetails(w, u, extra, "cache_creation", []usageDetail{
			{"ephemeral_1h_input_tokens", llm.SaidCacheWrite1h, u.CacheWrite1h},
		})
		usageDetails(w, u, extra, "server_tool_use_details", []usageDetail{
			{"web_search_requests", llm.SaidSearches, u.Searches},
		})
		if u.Tier != "" {
			w.Name("service_tier").String(u.Tier)
		}
	}
	switch {
	case u.Cost == "":
	case own && HasNested(extra, "cost"):
		w.Name("cost").Open('{').Name("total_cost").Num(string(u.Cost))
		WriteNested(w, extra, "cost")
		w.Close('}')
	default:
		w.Name("cost").Num(string(u.Cost))
	}
	WriteExtra(w, extra, "prompt_tokens_details", "completion_tokens_details", "cache_creation", "server_tool_use_details", "cost")
	w.Close('}')
}

type usageDetail struct {
	name string
	said llm.Fields
	n    int64
}

// HasNested reports whether x holds a member that belongs into the nested object.
func HasNested(x llm.Extra, prefix string) bool {
	for name := range x {
		if len(name) > len(prefix) && name[:len(prefix)] == prefix && name[len(prefix)] == '.' {
			return true
		}
	}
	return false
}

func usageDetails(w *rawjson.Writer, u *llm.Usage, extra llm.Extra, name string, details []usageDetail) {
	open := false
	begin := func() {
		if !open {
			open = true
			w.Name(name).Open('{')
		}
	}
	for _, d := range details {
		if u.Said&d.said != 0 {
			begin()
			w.Name(d.name).Int(d.n)
		}
	}
	if HasNested(extra, name) {
		begin()
		WriteNested(w, extra, name)
	}
	if open {
		w.Close('}')
	}
}

// UsageLosses names what a usage states and this dialect has no place for. The tier stands beside the usage.
func UsageLosses(u *llm.Usage, lose func(path, why string, grade llm.Grade)) {
	if u == nil {
		return
	}
	for _, l := range [...]struct {
		name string
		n    int64
	}{
		{"cache_write_1h", u.CacheWrite1h},
		{"tool_input", u.ToolInput},
		{"billed_input", u.BilledInput},
		{"billed_output", u.BilledOutput},
		{"searches", u.Searches},
		{"fetches", u.Fetches},
		{"rounds", int64(len(u.Rounds))},
	} {
		if l.n != 0 {
			lose("answer.usage."+l.name, "chat usage has no place for it", llm.Dropped)
		}
	}
	for _, name := range dialect.Names(u.Extra) {
		if !Nothing(u.Extra[name]) {
			lose("answer.usage."+name, "a member of another dialect", dialect.Weigh(name))
		}
	}
}
