package converse

import (
	"bytes"

	"weir/internal/dialect"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// decodeUsage reads a usage object, in which inputTokens leaves the caches out and totalTokens does not. It keeps no
// memory of v.
func decodeUsage(v []byte) llm.Usage {
	var o dialect.Object
	o.Read(v)
	var u llm.Usage
	input := int64(0)
	count := func(name string, field llm.Fields, to *int64) {
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
	count("inputTokens", llm.SaidInput, &input)
	count("outputTokens", llm.SaidOutput, &u.Output)
	count("totalTokens", llm.SaidTotal, &u.Total)
	count("cacheReadInputTokens", llm.SaidCacheRead, &u.CacheRead)
	count("cacheWriteInputTokens", llm.SaidCacheWrite, &u.CacheWrite)
	u.CacheRead = repeated(&o, "cacheReadInputTokenCount", llm.SaidCacheRead, &u, u.CacheRead)
	u.CacheWrite = repeated(&o, "cacheWriteInputTokenCount", llm.SaidCacheWrite, &u, u.CacheWrite)
	if v := o.Take("cacheDetails"); v != nil {
		details(&o, v, &u)
	}
	if u.Said&llm.SaidInput != 0 {
		u.Input = input + u.CacheRead + u.CacheWrite
	}
	for name, raw := range o.Rest() {
		u.Extra = dialect.With(u.Extra, name, bytes.Clone(raw))
	}
	return u
}

// repeated reads an older name of a count. Where both are there and agree, only one is kept.
func repeated(o *dialect.Object, name string, field llm.Fields, u *llm.Usage, now int64) int64 {
	raw := o.Take(name)
	if raw == nil {
		return now
	}
	n, ok := rawjson.Int(raw)
	switch {
	case !ok || n < 0 || u.Said&field != 0 && n != now:
		o.Leave(name)
		return now
	case u.Said&field == 0:
		u.Said |= field
	}
	return n
}

// details reads what was written to the cache by how long it is kept; where that is more than an hour's share of the
// whole tells, it is left to the rest.
func details(o *dialect.Object, v []byte, u *llm.Usage) {
	hour, minutes, plain := int64(0), int64(0), rawjson.Kind(v) == '['
	for _, e := range rawjson.Elems(v) {
		var d dialect.Object
		d.Read(e)
		n := d.Int("inputTokens")
		switch d.String("ttl") {
		case "1h":
			hour += n
		case "5m":
			minutes += n
		default:
			plain = false
		}
		plain = plain && d.Bad == nil && d.Rest() == nil && n >= 0
	}
	if !plain || hour+minutes != u.CacheWrite || u.Said&llm.SaidCacheWrite == 0 {
		o.Leave("cacheDetails")
	}
	if hour >= 0 && hour <= u.CacheWrite {
		u.CacheWrite1h = hour
		u.Said |= llm.SaidCacheWrite1h
	}
}

// writeUsage writes a usage object; the three counts that the model demands are always there.
func writeUsage(w *rawjson.Writer, u *llm.Usage, own bool) {
	if u == nil {
		u = &llm.Usage{}
	}
	total := u.Total
	if !u.Has(llm.SaidTotal) {
		total = u.Input + u.Output
	}
	w.Open('{')
	w.Name("inputTokens").Int(max(0, u.Input-u.CacheRead-u.CacheWrite))
	w.Name("outputTokens").Int(u.Output)
	w.Name("totalTokens").Int(total)
	if u.Has(llm.SaidCacheRead) {
		w.Name("cacheReadInputTokens").Int(u.CacheRead)
	}
	if u.Has(llm.SaidCacheWrite) {
		w.Name("cacheWriteInputTokens").Int(u.CacheWrite)
	}
	if u.Has(llm.SaidCacheWrite1h) && !(own && u.Extra["cacheDetails"] != nil) {
		w.Name("cacheDetails").Open('[')
		for _, d := range [...]struct {
			ttl string
			n   int64
		}{{"1h", u.CacheWrite1h}, {"5m", max(0, u.CacheWrite-u.CacheWrite1h)}} {
			if d.n > 0 {
				w.Open('{').Name("ttl").String(d.ttl).Name("inputTokens").Int(d.n).Close('}')
			}
		}
		w.Close(']')
	}
	if own {
		dialect.WriteExtra(w, u.Extra)
	}
	w.Close('}')
}

// answerTier returns this dialect's word for the tier that served an answer, "" where it has none.
func answerTier(tier string, own bool) string {
	switch {
	case own, tier == "default", tier == "priority", tier == "flex", tier == "reserved":
		return tier
	case tier == "standard":
		return "default"
	}
	return ""
}

// loseUsage reports what writeUsage does not say of another dialect's answer.
func loseUsage(l *dialect.Losses, u *llm.Usage, tier string) {
	if tier != "" && answerTier(tier, false) == "" {
		l.Add("answer.tier", "the tier "+tier+" has no word here", dialect.WeighTier(tier))
	}
	if u == nil {
		return
	}
	counts := *u
	counts.Total = 0 // it is stated here, whatever it is the sum of
	dialect.LoseCounts(&counts, llm.SaidCacheRead|llm.SaidCacheWrite|llm.SaidCacheWrite1h, l.Add)
	if u.Has(llm.SaidInput) && u.Input < u.CacheRead+u.CacheWrite {
		l.Add("answer.usage.input", "less than the caches it should include", llm.Changed)
	}
}
