package cohere

import (
	"bytes"

	"weir/internal/dialect"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// counts are the counts this dialect has a place for.
const counts = llm.SaidInput | llm.SaidOutput | llm.SaidCacheRead | llm.SaidReasoning | llm.SaidInputImage |
	llm.SaidBilledInput | llm.SaidBilledOutput | llm.SaidSearches

// decodeUsage reads a usage object, nil if it states nothing. It keeps no memory of v.
func decodeUsage(v []byte) *llm.Usage {
	if rawjson.Kind(v) != '{' {
		return nil
	}
	u := &llm.Usage{}
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
	var o dialect.Object
	o.Read(v)
	nested := func(name string, read func(*dialect.Object)) {
		if inner := o.Take(name); rawjson.Kind(inner) != '{' {
			o.Leave(name)
			return
		}
		o.Sub(&u.Extra, name, read)
	}
	nested("billed_units", func(in *dialect.Object) {
		count(in, "input_tokens", llm.SaidBilledInput, &u.BilledInput)
		count(in, "output_tokens", llm.SaidBilledOutput, &u.BilledOutput)
		count(in, "search_units", llm.SaidSearches, &u.Searches)
	})
	nested("tokens", func(in *dialect.Object) {
		count(in, "input_tokens", llm.SaidInput, &u.Input)
		count(in, "output_tokens", llm.SaidOutput, &u.Output)
		count(in, "reasoning_tokens", llm.SaidReasoning, &u.Reasoning)
		count(in, "image_tokens", llm.SaidInputImage, &u.InputImage)
	})
	count(&o, "cached_tokens", llm.SaidCacheRead, &u.CacheRead)
	for name, raw := range o.Rest() {
		u.Extra = dialect.With(u.Extra, name, raw)
	}
	for name, raw := range u.Extra {
		u.Extra[name] = bytes.Clone(raw)
	}
	if u.Said == 0 && u.Extra == nil {
		return nil
	}
	return u
}

// writeUsage writes a usage object.
func writeUsage(w *rawjson.Writer, u *llm.Usage, own bool) {
	var extra llm.Extra
	if own {
		extra = u.Extra
	}
	w.Open('{')
	type number struct {
		name  string
		field llm.Fields
		n     int64
	}
	nested := func(name string, said llm.Fields, all ...number) {
		if u.Said&said == 0 {
			if extra[name] != nil {
				w.Name(name).Raw(extra[name])
			}
			return
		}
		w.Name(name).Open('{')
		for _, c := range all {
			if u.Said&c.field != 0 {
				w.Name(c.name).Int(c.n)
			}
		}
		for in, raw := range rawjson.Members(extra[name]) {
			w.Name(string(in)).Raw(raw)
		}
		w.Close('}')
	}
	nested("billed_units", llm.SaidBilledInput|llm.SaidBilledOutput|llm.SaidSearches,
		number{"input_tokens", llm.SaidBilledInput, u.BilledInput},
		number{"output_tokens", llm.SaidBilledOutput, u.BilledOutput},
		number{"search_units", llm.SaidSearches, u.Searches})
	nested("tokens", llm.SaidInput|llm.SaidOutput|llm.SaidReasoning|llm.SaidInputImage,
		number{"input_tokens", llm.SaidInput, u.Input},
		number{"output_tokens", llm.SaidOutput, u.Output},
		number{"reasoning_tokens", llm.SaidReasoning, u.Reasoning},
		number{"image_tokens", llm.SaidInputImage, u.InputImage})
	if u.Has(llm.SaidCacheRead) {
		w.Name("cached_tokens").Int(u.CacheRead)
	}
	dialect.WriteExtra(w, extra, "billed_units", "tokens")
	w.Close('}')
}
