package openairesponses

import (
	"weir/internal/dialect"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// EncodeResponse implements dialect.Codec. An answer that holds a fault is that fault. What is written is what a stream
// of the same answer says in its last event.
func (codec) EncodeResponse(req *llm.Request, resp *llm.Response) ([]byte, []llm.Loss, error) {
	if resp.Fault != nil {
		return nil, nil, resp.Fault
	}
	e := newEncoder(req, nil)
	e.quiet = true
	for ev, err := range llm.Replay(resp) {
		if err != nil {
			return nil, nil, err
		}
		e.w.Buf = e.w.Buf[:0]
		e.event(&ev)
	}
	if e.fault != nil {
		return nil, nil, e.fault
	}
	return e.whole, e.losses.List, nil
}

// Cannot implements dialect.Codec.
func (codec) Cannot(req *llm.Request, from llm.Dialect) []llm.Loss {
	if from == llm.OpenAIResponses || req.Answers <= 1 {
		return nil
	}
	return []llm.Loss{{Path: "answer.choices", Why: "one answer only here: the first", Grade: llm.Dropped}}
}

func (e *answerEncoder) loseExtra(x llm.Extra) {
	for _, name := range dialect.Names(x) {
		if dialect.Says(x[name]) {
			e.losses.Add("answer."+name, "no such member here", dialect.Weigh(name))
		}
	}
}

// sayable decides by a part's kind whether it has a place here and as what; it changes p, which is a copy.
func (e *answerEncoder) sayable(p *llm.Part) bool {
	if e.own {
		return true
	}
	switch p.Kind {
	case llm.PartText, llm.PartRefusal, llm.PartReasoning:
	case llm.PartJSON:
		p.Kind = llm.PartText
	case llm.PartAudio:
		e.losses.Add("answer.audio", "no sound here, only its transcript", llm.Dropped)
		p.Kind, p.Media = llm.PartText, nil
	case llm.PartImage:
	case llm.PartVideo, llm.PartFile:
		e.losses.Add("answer.image", "no such medium here", llm.Dropped)
		return false
	case llm.PartCall, llm.PartResult:
		if p.By != llm.ByClient || p.Kind == llm.PartResult {
			e.losses.Add("answer.server_tools", "only their own dialect can tell of tools its provider ran", llm.Dropped)
			return false
		}
	default:
		e.losses.Add("answer.opaque", "only its own dialect understands it", llm.Dropped)
		return false
	}
	e.loseExtra(p.Extra)
	p.Extra, p.Raw, p.Item, p.Cache = nil, nil, "", nil
	return true
}

// response writes the object that an answer is, as it stands: its output where status is not in_progress.
func (e *answerEncoder) response(w *rawjson.Writer, status, reason string) {
	final := status != inProgress
	extra := e.extra
	if !e.own || !final {
		extra = nil
	}
	w.Open('{').Name("id").String(e.head.ID)
	if extra["object"] == nil {
		w.Name("object").String("response")
	}
	created := e.head.Created
	if created == "" && !e.own {
		created = "0" // SDKs demand it
	}
	if created != "" {
		w.Name("created_at").Num(string(created))
	}
	if !e.own || !final || e.stop.Native != "" {
		w.Name("status").String(status)
	}
	w.Name("error").Null()
	w.Name("incomplete_details")
	switch {
	case final && e.own && e.stop.Raw != nil:
		w.Raw(e.stop.Raw)
	case reason != "":
		w.Open('{').Name("reason").String(reason).Close('}')
	default:
		w.Null()
	}
	w.Name("model").String(e.head.Model)
	w.Name("output").Open('[')
	if final {
		for _, it := range e.items {
			w.Raw(it.json)
		}
	}
	w.Close(']')
	if tier := answerTier(e.tier, e.own); tier != "" && extra["service_tier"] == nil {
		w.Name("service_tier").String(tier)
	}
	if final && e.usage != nil {
		writeUsage(w.Name("usage"), e.usage, e.own)
	} else {
		w.Name("usage").Null()
	}
	e.repeat(w, extra)
	dialect.WriteExtra(w, extra)
	w.Close('}')
}

// repeat writes what an answer repeats of its request, in this dialect's defaults where the request says nothing.
func (e *answerEncoder) repeat(w *rawjson.Writer, extra llm.Extra) {
	r := e.req
	orNull := func(name, s string) {
		if w.Name(name); s == "" {
			w.Null()
		} else {
			w.String(s)
		}
	}
	number := func(name string, n llm.Num) {
		if w.Name(name); n == "" {
			w.Null()
		} else {
			w.Num(string(n))
		}
	}
	w.Name("background").Bool(r.Thread.Background)
	text := ""
	if len(r.Messages) > 0 && isInstructions(&r.Messages[0]) {
		text = allText(&r.Messages[0])
	}
	orNull(instructions, text)
	if w.Name("max_output_tokens"); r.MaxOutput > 0 {
		w.Int(r.MaxOutput)
	} else {
		w.Null()
	}
	w.Name("parallel_tool_calls").Bool(r.Choice.Parallel == nil || *r.Choice.Parallel)
	orNull("previous_response_id", r.Thread.Previous)
	orNull("prompt_cache_key", r.Cache.Key)
	w.Name("reasoning").Open('{')
	orNull("effort", r.Reasoning.Effort)
	orNull("summary", r.Reasoning.Summary)
	w.Close('}')
	if r.Thread.Store != nil {
		w.Name("store").Bool(*r.Thread.Store)
	}
	number("temperature", r.Sampling.Temperature)
	number("top_p", r.Sampling.TopP)
	w.Name("top_logprobs").Int(r.Sampling.TopLogprobs)
	repeatText(w, &r.Output)
	if r.Choice.Mode == "" && r.Choice.Raw == nil && len(r.Choice.Allowed) == 0 {
		w.Name("tool_choice").String("auto")
	} else {
		writeChoice(w, &r.Choice, r.Tools, true)
	}
	w.Name("tools").Open('[')
	for i := range r.Tools {
		if t := &r.Tools[i]; t.Kind != llm.ToolServer || t.Raw != nil {
			writeTool(w, t, true)
		}
	}
	w.Close(']')
	for name, v := range rawjson.Members(r.Thread.Raw) {
		if string(name) == "prompt" {
			w.Name("prompt").Raw(v)
		}
	}
	for _, name := range [...]string{"max_tool_calls", "safety_identifier", "truncation"} {
		if v := r.Extra[name]; v != nil {
			w.Name(name).Raw(v)
		}
	}
	orNull("user", r.User)
	if extra["metadata"] == nil {
		if w.Name("metadata"); rawjson.Kind(r.Metadata) == '{' {
			w.Raw(r.Metadata)
		} else {
			w.Open('{').Close('}')
		}
	}
}

func repeatText(w *rawjson.Writer, o *llm.Output) {
	w.Name("text").Open('{').Name("format").Open('{').Name("type")
	switch o.Kind {
	case "schema":
		w.String("json_schema").Name("name").String(o.Name)
		if o.Description != "" {
			w.Name("description").String(o.Description)
		}
		w.Name("schema").Raw(o.Schema)
		w.Name("strict").Bool(o.Strict != nil && *o.Strict)
	case "json":
		w.String("json_object")
	default:
		w.String("text")
	}
	w.Close('}')
	if o.Verbosity != "" {
		w.Name("verbosity").String(o.Verbosity)
	}
	w.Close('}')
}
