package openairesponses

import (
	"weir/internal/dialect"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// decodeUsage reads a usage object, nil if it states nothing. tools is the answer's tool_usage, which counts searches.
// It shares memory with v.
func decodeUsage(v, tools []byte) *llm.Usage {
	if rawjson.Kind(v) != '{' {
		return nil
	}
	u := &llm.Usage{}
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
		u.Said |= field
	}
	count(&o, "input_tokens", llm.SaidInput, &u.Input)
	count(&o, "output_tokens", llm.SaidOutput, &u.Output)
	count(&o, "total_tokens", llm.SaidTotal, &u.Total)
	var extra llm.Extra
	nested := func(name string, read func(*dialect.Object)) {
		o.Sub(&extra, name, read)
		if rawjson.Kind(rawjson.Get(v, name)) != '{' {
			o.Leave(name)
		}
	}
	nested("input_tokens_details", func(in *dialect.Object) {
		count(in, "cached_tokens", llm.SaidCacheRead, &u.CacheRead)
		count(in, "cache_write_tokens", llm.SaidCacheWrite, &u.CacheWrite)
		count(in, "audio_tokens", llm.SaidInputAudio, &u.InputAudio)
		count(in, "image_tokens", llm.SaidInputImage, &u.InputImage)
	})
	nested("output_tokens_details", func(in *dialect.Object) {
		count(in, "reasoning_tokens", llm.SaidReasoning, &u.Reasoning)
		count(in, "audio_tokens", llm.SaidOutputAudio, &u.OutputAudio)
		count(in, "image_tokens", llm.SaidOutputImage, &u.OutputImage)
	})
	if cost := rawjson.Num(o.Take("cost")); cost != "" {
		u.Cost = llm.Num(cost)
	} else {
		o.Leave("cost")
	}
	u.Extra = o.Rest()
	for name, raw := range extra {
		u.Extra = dialect.With(u.Extra, name, raw)
	}
	if n, ok := rawjson.Int(rawjson.Get(tools, "web_search", "num_requests")); ok && n >= 0 {
		u.Searches = n
		u.Said |= llm.SaidSearches
	}
	if u.Said == 0 && u.Cost == "" && u.Extra == nil {
		return nil
	}
	return u
}

// writeUsage writes a usage object. own says that it came in this dialect, Extra and all: what it did not state is not
// stated then. OpenAI's SDKs demand the sums and the details of every other.
func writeUsage(w *rawjson.Writer, u *llm.Usage, own bool) {
	w.Open('{')
	extra := u.Extra
	if !own {
		extra = nil
	}
	count := func(name string, field llm.Fields, n int64, demanded bool) {
		if u.Said&field != 0 || demanded && !own {
			w.Name(name).Int(n)
		}
	}
	details := func(name string, fields llm.Fields, write func()) {
		if own && u.Said&fields == 0 {
			if extra[name] != nil {
				w.Name(name).Raw(extra[name])
			}
			return
		}
		w.Name(name).Open('{')
		write()
		for in, raw := range rawjson.Members(extra[name]) {
			w.Name(string(in)).Raw(raw)
		}
		w.Close('}')
	}
	total := u.Total
	if !u.Has(llm.SaidTotal) {
		total = u.Input + u.Output
	}
	count("input_tokens", llm.SaidInput, u.Input, true)
	details("input_tokens_details", llm.SaidCacheRead|llm.SaidCacheWrite|llm.SaidInputAudio|llm.SaidInputImage, func() {
		count("cached_tokens", llm.SaidCacheRead, u.CacheRead, true)
		count("cache_write_tokens", llm.SaidCacheWrite, u.CacheWrite, true)
		count("audio_tokens", llm.SaidInputAudio, u.InputAudio, false)
		count("image_tokens", llm.SaidInputImage, u.InputImage, false)
	})
	count("output_tokens", llm.SaidOutput, u.Output, true)
	details("output_tokens_details", llm.SaidReasoning|llm.SaidOutputAudio|llm.SaidOutputImage, func() {
		count("reasoning_tokens", llm.SaidReasoning, u.Reasoning, true)
		count("audio_tokens", llm.SaidOutputAudio, u.OutputAudio, false)
		count("image_tokens", llm.SaidOutputImage, u.OutputImage, false)
	})
	count("total_tokens", llm.SaidTotal, total, true)
	if u.Cost != "" {
		w.Name("cost").Num(string(u.Cost))
	}
	dialect.WriteExtra(w, extra, "input_tokens_details", "output_tokens_details")
	w.Close('}')
}

// loseUsage reports what writeUsage does not say of another dialect's answer.
func loseUsage(l *dialect.Losses, u *llm.Usage) {
	const have = llm.SaidCacheRead | llm.SaidCacheWrite | llm.SaidReasoning | llm.SaidInputAudio | llm.SaidInputImage |
		llm.SaidOutputAudio | llm.SaidOutputImage
	dialect.LoseCounts(u, have, func(path, why string, grade llm.Grade) {
		if path != "answer.usage.total" && path != "answer.usage.cost" {
			l.Add(path, why, grade)
		}
	})
}

// answerTier returns this dialect's word for the tier that served an answer, "" where it has none.
func answerTier(tier string, own bool) string {
	switch {
	case own:
		return tier
	case tier == "standard":
		return "default"
	}
	switch tier {
	case "auto", "default", "flex", "scale", "priority", "fast":
		return tier
	}
	return ""
}
