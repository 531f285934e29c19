package openaichat

import (
	"strconv"
	"strings"

	"weir/internal/dialect"
	"weir/internal/dialect/openai"
	"weir/internal/fault"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// DecodeRequest implements dialect.Codec. The request shares memory with the body.
func (codec) DecodeRequest(c dialect.Call) (*llm.Request, error) {
	if err := rawjson.Check(c.Body); err != nil || rawjson.Kind(c.Body) != '{' {
		f := malformed("", "the body must be a JSON object")
		f.Cause = err
		return nil, f
	}
	d := &requestDecoder{body: c.Body, req: &llm.Request{From: llm.OpenAIChat}}
	for name, v := range rawjson.Members(c.Body) {
		if d.f != nil {
			break
		}
		if !rawjson.IsNull(v) {
			d.member(string(name), v)
		}
	}
	d.finish()
	if d.f != nil {
		return nil, d.f
	}
	return d.req, nil
}

type requestDecoder struct {
	body []byte
	req  *llm.Request
	f    *fault.Fault

	messages, functions, functionCall, completion, tokens []byte

	calls []calledTool // of the conversation so far
}

// calledTool is what a result looks up.
type calledTool struct {
	id, name         string
	legacy, answered bool
}

func (d *requestDecoder) fail(param, format string, args ...any) {
	if d.f == nil {
		d.f = malformed(param, format, args...)
	}
}

func (d *requestDecoder) member(name string, v []byte) {
	r := d.req
	switch name {
	case "model":
		r.Model = d.str(name, v)
	case "messages":
		d.messages = v
	case "tools":
		d.tools(v)
	case "functions":
		d.functions = v
	case "function_call":
		d.functionCall = v
	case "tool_choice":
		d.choice(v)
	case "parallel_tool_calls":
		r.Choice.Parallel = d.boolean(name, v)
	case "response_format":
		d.format(v)
	case "verbosity":
		r.Output.Verbosity = d.str(name, v)
	case "reasoning_effort":
		r.Reasoning.Effort = d.str(name, v)
	case "max_completion_tokens":
		d.completion = v
	case "max_tokens":
		d.tokens = v
	case "stop":
		d.stop(v)
	case "n":
		r.Answers = d.whole(name, v)
	case "stream":
		if on := d.boolean(name, v); on != nil {
			r.Stream = *on
		}
	case "stream_options":
		on, err := openai.WantUsage(v)
		if err != nil {
			d.f = fault.Of(err)
			return
		}
		r.WantUsage = on
		openai.KeepRest(&r.Extra, name, v, "include_usage")
	case "modalities":
		for _, m := range d.strings(name, v) {
			r.Modalities = append(r.Modalities, strings.ToLower(m))
		}
	case "audio":
		d.voice(v)
	default:
		if !d.sampling(name, v) && !d.account(name, v) {
			openai.Keep(&r.Extra, name, v)
		}
	}
}

func (d *requestDecoder) sampling(name string, v []byte) bool {
	s := &d.req.Sampling
	switch name {
	case "temperature":
		s.Temperature = d.num(name, v)
	case "top_p":
		s.TopP = d.num(name, v)
	case "top_k":
		s.TopK = d.num(name, v)
	case "frequency_penalty":
		s.Frequency = d.num(name, v)
	case "presence_penalty":
		s.Presence = d.num(name, v)
	case "seed":
		s.Seed = d.num(name, v)
	case "logprobs":
		if on := d.boolean(name, v); on != nil {
			s.Logprobs = *on
		}
	case "top_logprobs":
		s.TopLogprobs = d.whole(name, v)
	case "logit_bias":
		s.Bias = v
	default:
		return false
	}
	return true
}

func (d *requestDecoder) account(name string, v []byte) bool {
	r := d.req
	switch name {
	case "service_tier":
		r.Tier = d.str(name, v)
	case "store":
		r.Thread.Store = d.boolean(name, v)
	case "metadata":
		r.Metadata = v
	case "user":
		r.User = d.str(name, v)
	case "prompt_cache_key":
		r.Cache.Key = d.str(name, v)
	case "prompt_cache_retention":
		r.Cache.TTL = d.str(name, v)
	case "cache_control":
		if r.Cache.Auto = cacheMark(v); r.Cache.Auto == nil {
			openai.Keep(&r.Extra, name, v)
		}
	default:
		return false
	}
	return true
}

// finish decodes what depends on other members, whatever their order.
func (d *requestDecoder) finish() {
	if d.f != nil {
		return
	}
	most, err := maxOutput(d.completion, d.tokens)
	if err != nil {
		d.f = fault.Of(err)
		return
	}
	d.req.MaxOutput = most
	if d.req.Model == "" {
		d.fail("model", "you must name a model: the member \"model\" is missing")
	}
	for i, v := range rawjson.Elems(d.functions) {
		d.function(v, "functions["+strconv.Itoa(i)+"]", nil)
	}
	if d.functionCall != nil {
		d.legacyChoice(d.functionCall)
	}
	if rawjson.Kind(d.messages) != '[' {
		d.fail("messages", "messages must be a list of messages")
		return
	}
	for i, v := range rawjson.Elems(d.messages) {
		if d.f != nil {
			return
		}
		d.message(v, "messages["+strconv.Itoa(i)+"]")
	}
}

func (d *requestDecoder) str(name string, v []byte) string {
	s, ok := rawjson.String(v)
	if !ok {
		d.fail(name, "%s must be a string", name)
	}
	return s
}

func (d *requestDecoder) boolean(name string, v []byte) *bool {
	on, ok := rawjson.Bool(v)
	if !ok {
		d.fail(name, "%s must be true or false", name)
		return nil
	}
	return &on
}

func (d *requestDecoder) num(name string, v []byte) llm.Num {
	n := rawjson.Num(v)
	if n == "" {
		d.fail(name, "%s must be a number", name)
	}
	return llm.Num(n)
}

func (d *requestDecoder) whole(name string, v []byte) int64 {
	n, ok := rawjson.Int(v)
	if !ok || n < 0 {
		d.fail(name, "%s must be a whole number that is not negative", name)
	}
	return n
}

func (d *requestDecoder) strings(name string, v []byte) []string {
	if rawjson.Kind(v) != '[' {
		d.fail(name, "%s must be a list of strings", name)
		return nil
	}
	var all []string
	for i, e := range rawjson.Elems(v) {
		all = append(all, d.str(name+"["+strconv.Itoa(i)+"]", e))
	}
	return all
}

func (d *requestDecoder) stop(v []byte) {
	if s, ok := rawjson.String(v); ok {
		d.req.Stop = []string{s}
		return
	}
	if rawjson.Kind(v) != '[' {
		d.fail("stop", "stop must be a string or a list of strings")
		return
	}
	d.req.Stop = d.strings("stop", v)
}

func (d *requestDecoder) voice(v []byte) {
	if rawjson.Kind(v) != '{' {
		d.fail("audio", "audio must be an object with voice and format")
		return
	}
	voice := &d.req.Voice
	for name, val := range rawjson.Members(v) {
		s, ok := rawjson.String(val)
		switch {
		case string(name) == "voice" && ok:
			voice.Name = s
		case string(name) == "format" && ok:
			voice.Format = s
		default:
			openai.Keep(&voice.Extra, string(name), val)
		}
	}
}

// format decodes response_format.
func (d *requestDecoder) format(v []byte) {
	o := &d.req.Output
	if rawjson.Kind(v) != '{' {
		d.fail("response_format", "response_format must be an object with a type")
		return
	}
	switch kind := rawjson.Text(rawjson.Get(v, "type")); kind {
	case "text":
		o.Kind = "text"
	case "json_object":
		o.Kind = "json"
	case "json_schema":
		o.Kind = "schema"
	default: // regex, grammar and other speakers' forms
		openai.Keep(&d.req.Extra, "response_format", v)
		return
	}
	for name, val := range rawjson.Members(v) {
		switch {
		case string(name) == "type":
		case string(name) == "json_schema" && o.Kind == "schema":
			d.schema(val)
		default:
			openai.Keep(&o.Extra, string(name), val)
		}
	}
}

func (d *requestDecoder) schema(v []byte) {
	const at = "response_format.json_schema"
	o := &d.req.Output
	if rawjson.Kind(v) != '{' {
		d.fail(at, "%s must be an object", at)
		return
	}
	for name, val := range rawjson.Members(v) {
		if rawjson.IsNull(val) {
			continue
		}
		switch string(name) {
		case "name":
			o.Name = d.str(at+".name", val)
		case "description":
			o.Description = d.str(at+".description", val)
		case "schema":
			o.Schema = val
		case "strict":
			o.Strict = d.boolean(at+".strict", val)
		default:
			openai.Keep(&o.Extra, "json_schema."+string(name), val)
		}
	}
}
