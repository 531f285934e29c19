package converse

import (
	"weir/internal/dialect"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// The names of what models take beside the members they share: how much to think, and how many tokens to choose from.
const (
	fieldThinking  = "thinking"         // Claude
	fieldOlder     = "reasoning_config" // Claude, the same under an earlier name
	fieldOutput    = "output_config"    // Claude: effort
	fieldReasoning = "reasoningConfig"  // Nova 2
	fieldEffort    = "reasoning_effort" // OpenAI's models
)

// topK returns the path of top_k in additionalModelRequestFields, nil where a family has none.
func (f family) topK() []string {
	switch f {
	case familyClaude, familyMistral:
		return []string{"top_k"}
	case familyNova, familyNova2:
		return []string{inferenceMembers, "topK"}
	case familyCohere:
		return []string{"k"}
	}
	return nil
}

// fields reads additionalModelRequestFields: what the model's family has words for; the rest is kept.
func (d *requestDecoder) fields(req *llm.Request, v []byte) {
	if rawjson.Kind(v) != '{' {
		d.fail(requestFields, "an object")
		return
	}
	var o dialect.Object
	o.Read(v)
	var nested llm.Extra // what is left of objects that were read in part
	path := d.family.topK()
	takeLimits(req, &o, fieldLimits[:])
	if len(path) == 1 {
		takeNum(&o, path[0], &req.Sampling.TopK)
	}
	if in := o.Take(inferenceMembers); rawjson.Kind(in) == '{' {
		var inner dialect.Object
		inner.Read(in)
		takeLimits(req, &inner, innerLimits[:])
		if len(path) == 2 {
			takeNum(&inner, path[1], &req.Sampling.TopK)
		}
		if rest := inner.RestObject(); rest != nil {
			nested = dialect.With(nested, inferenceMembers, rest)
		}
	} else if in != nil {
		o.Leave(inferenceMembers)
	}
	r := &req.Reasoning
	switch d.family {
	case familyClaude:
		for _, name := range [...]string{fieldThinking, fieldOlder} {
			if in := o.Take(name); in != nil && (r.Mode != "" || !readThinking(r, in)) {
				o.Leave(name)
			}
		}
		if in := o.Take(fieldOutput); rawjson.Kind(in) == '{' {
			var inner dialect.Object
			inner.Read(in)
			if s := rawjson.Text(inner.Take("effort")); s != "" {
				r.Effort = s
			} else {
				inner.Leave("effort")
			}
			if rest := inner.RestObject(); rest != nil {
				nested = dialect.With(nested, fieldOutput, rest)
			}
		} else if in != nil {
			o.Leave(fieldOutput)
		}
	case familyNova2:
		if in := o.Take(fieldReasoning); in != nil && !readNova(r, in) {
			o.Leave(fieldReasoning)
		}
	case familyGPT:
		if r.Effort = rawjson.Text(o.Take(fieldEffort)); r.Effort == "" {
			o.Leave(fieldEffort)
		}
	}
	rest := o.Rest()
	for name, raw := range nested {
		rest = dialect.With(rest, name, raw)
	}
	if rest != nil {
		var w rawjson.Writer
		w.Open('{')
		dialect.WriteExtra(&w, rest)
		w.Close('}')
		d.extra = dialect.With(d.extra, requestFields, w.Buf)
	}
}

// takeLimits takes what limits the output in a model's own words: it is said as inferenceConfig.maxTokens, which every
// model understands, where that does not say it already.
func takeLimits(req *llm.Request, o *dialect.Object, names []string) {
	for _, name := range names {
		n, ok := rawjson.Int(o.Take(name))
		switch {
		case !ok || n <= 0:
			o.Leave(name)
		case req.MaxOutput == 0:
			req.MaxOutput = n
		}
	}
}

func takeNum(o *dialect.Object, name string, to *llm.Num) {
	if v := o.Take(name); rawjson.Kind(v) == '0' {
		*to = llm.Num(rawjson.Num(v))
	} else {
		o.Leave(name)
	}
}

// readThinking reads Claude's thinking and reports whether it was understood.
func readThinking(r *llm.Reasoning, v []byte) bool {
	var o dialect.Object
	o.Read(v)
	var out llm.Reasoning
	switch o.String("type") {
	case "enabled":
		out.Mode = "on"
	case "adaptive":
		out.Mode = "adaptive"
	case "disabled":
		out.Mode = "off"
	default:
		return false
	}
	out.Budget = o.Num("budget_tokens")
	switch o.String("display") {
	case "summarized":
		shown := true
		out.Show = &shown
	case "omitted":
		shown := false
		out.Show = &shown
	default:
		o.Leave("display")
	}
	if o.Bad != nil {
		return false
	}
	out.Extra = o.Rest()
	*r = out
	return true
}

// readNova reads Nova's reasoningConfig and reports whether it was understood.
func readNova(r *llm.Reasoning, v []byte) bool {
	var o dialect.Object
	o.Read(v)
	var out llm.Reasoning
	switch o.String("type") {
	case "enabled":
		out.Mode = "on"
	case "disabled":
		out.Mode = "off"
	default:
		return false
	}
	out.Effort = o.String("maxReasoningEffort")
	out.Extra = o.Rest()
	if o.Bad != nil {
		return false
	}
	*r = out
	return true
}
