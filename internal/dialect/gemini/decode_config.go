package gemini

import (
	"strings"

	"weir/internal/llm"
	"weir/internal/rawjson"
)

// The words of enums by their numbers.
var (
	outputModalities = []string{"MODALITY_UNSPECIFIED", "TEXT", "IMAGE", "AUDIO"}
	thinkingLevels   = []string{"THINKING_LEVEL_UNSPECIFIED", "LOW", "MEDIUM", "HIGH", "MINIMAL"}
)

// config reads the generation config. What has no field goes to the request's Extra under dotted names.
func (d *requestDecoder) config(o *object) {
	req := d.req
	o.within(&d.extra, "generationConfig", "generationConfig.", func(in *object) {
		req.MaxOutput, req.Answers = in.count("maxOutputTokens"), in.count("candidateCount")
		req.Sampling = llm.Sampling{
			Temperature: in.num("temperature"), TopP: in.num("topP"), TopK: in.num("topK"),
			Frequency: in.num("frequencyPenalty"), Presence: in.num("presencePenalty"), Seed: in.num("seed"),
			TopLogprobs: in.count("logprobs"),
		}
		if on := in.bool("responseLogprobs"); on != nil {
			req.Sampling.Logprobs = *on
		}
		for _, e := range texts(in, "stopSequences") {
			req.Stop = append(req.Stop, rawjson.Text(e))
		}
		for _, e := range texts(in, "responseModalities") {
			if word := enum(e, outputModalities); word != "" {
				req.Modalities = append(req.Modalities, strings.ToLower(word))
			}
		}
		d.output(in)
		in.within(&req.Voice.Extra, "speechConfig", "", d.voice)
		in.within(&req.Reasoning.Extra, "thinkingConfig", "", d.thinking)
	})
}

// texts takes a list of texts, or of an enum's words.
func texts(o *object, name string) func(func(int, []byte) bool) {
	v := o.take(name)
	if k := rawjson.Kind(v); v != nil && k != '[' && k != '"' {
		o.Fail(name, "a list of strings")
		v = nil
	}
	return elems(v)
}

// output reads which form the answer shall have. The schema has three members: one in the OpenAPI subset, and two
// spellings of JSON Schema, in which Google's own clients write OpenAPI's types too.
func (d *requestDecoder) output(o *object) {
	out := &d.req.Output
	for _, name := range [...]string{"responseJsonSchema", "_responseJsonSchema", "response_json_schema_ordered"} {
		if out.Schema == nil {
			out.Schema = lowerTypes(o.take(name))
		}
	}
	if out.Schema == nil {
		if out.Raw = o.take("responseSchema"); out.Raw != nil {
			out.Schema = jsonSchema(out.Raw)
		}
	}
	typ := o.string("responseMimeType")
	switch {
	case out.Schema != nil:
		out.Kind = "schema"
		if typ != "application/json" {
			o.leave("responseMimeType") // text/x.enum, or nothing
		}
	case typ == "application/json":
		out.Kind = "json"
	case typ == "text/plain":
		out.Kind = "text"
	default:
		o.leave("responseMimeType")
	}
}

func (d *requestDecoder) voice(o *object) {
	v := &d.req.Voice
	config := o.take("voiceConfig")
	var in, prebuilt object
	in.Read(config)
	built := in.take("prebuiltVoiceConfig")
	prebuilt.Read(built)
	name := prebuilt.string("voiceName")
	if name == "" || prebuilt.Rest() != nil || in.Rest() != nil {
		o.leave("voiceConfig")
		return
	}
	v.Name = name
}

func (d *requestDecoder) thinking(o *object) {
	r := &d.req.Reasoning
	switch r.Budget = o.num("thinkingBudget"); r.Budget {
	case "":
	case "0":
		r.Mode, r.Budget = "off", ""
	case "-1":
		r.Mode, r.Budget = "adaptive", ""
	default:
		r.Mode = "on"
	}
	level := enum(o.take("thinkingLevel"), thinkingLevels)
	switch word := strings.ToLower(strings.TrimPrefix(level, "THINKING_LEVEL_")); word {
	case "", "unspecified":
	default:
		r.Effort = word
	}
	r.Show = o.bool("includeThoughts")
}
