package gemini

import (
	"strconv"
	"time"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// DecodeResponse implements dialect.Codec. The answer shares memory with body. A body that is no answer, an error among
// them, is a *fault.Fault. A stream that came whole, as one array, is read as one.
func (codec) DecodeResponse(body []byte) (*llm.Response, error) {
	if err := rawjson.Check(body); err != nil {
		return nil, garbage("the provider's answer is not JSON", err)
	}
	if isError(body) {
		return nil, generate{}.ReadFault(0, nil, body)
	}
	if rawjson.Kind(body) == '[' {
		return collectArray(body)
	}
	if rawjson.Kind(body) != '{' {
		return nil, garbage("the provider's answer is no object", nil)
	}
	var o dialect.Object
	o.Read(body)
	resp := &llm.Response{
		From: llm.GeminiGenerate, ID: o.String("responseId"), Model: o.String("modelVersion"), Created: decodeTime(o.Take("createTime")),
	}
	if resp.Created == "" {
		o.Leave("createTime")
	}
	if v := o.Take("usageMetadata"); rawjson.Kind(v) == '{' {
		var c counts
		c.take(v)
		u := c.usage()
		resp.Usage, resp.Tier = &u, u.Tier
	}
	ids := answerIDs{answer: resp.ID}
	for i, e := range rawjson.Elems(o.Take("candidates")) {
		at, err := choiceOf(e, i)
		if err != nil {
			return nil, err
		}
		for len(resp.Choices) <= at {
			resp.Choices = append(resp.Choices, llm.Choice{})
		}
		resp.Choices[at] = decodeCandidate(e, at, &ids)
	}
	feedback := o.Take("promptFeedback")
	if stop, ok := blocked(feedback); ok && len(resp.Choices) == 0 {
		resp.Choices = []llm.Choice{{Stop: stop}}
	} else {
		o.Leave("promptFeedback")
	}
	resp.Extra = o.Rest()
	return resp, nil
}

// choiceOf returns the number of a candidate; at is its place among the others.
func choiceOf(v []byte, at int) (int, error) {
	if n, ok := rawjson.Int(rawjson.Get(v, "index")); ok {
		at = int(min(max(n, -1), llm.MaxChoices))
	}
	if at < 0 || at >= llm.MaxChoices {
		return 0, fault.New(fault.Upstream, "the answer has a candidate of a number that is not read; at most %d are", llm.MaxChoices)
	}
	return at, nil
}

// decodeTime returns a time in seconds since 1970, "" of anything else.
func decodeTime(v []byte) llm.Num {
	t, err := time.Parse(time.RFC3339Nano, rawjson.Text(v))
	if err != nil {
		return ""
	}
	return llm.Num(strconv.FormatInt(t.Unix(), 10))
}

func decodeCandidate(v []byte, at int, ids *answerIDs) llm.Choice {
	var o dialect.Object
	o.Read(v)
	o.Take("index")
	var c llm.Choice
	var content dialect.Object
	content.Read(o.Take("content"))
	content.Take("role")
	for _, e := range elems(content.Take("parts")) {
		c.Parts = append(c.Parts, answerPart(e, at, ids))
	}
	called := false
	var texts []said
	end := int64(0)
	for i := range c.Parts {
		p := &c.Parts[i]
		called = called || p.Kind == llm.PartCall && p.By == llm.ByClient
		if p.Kind == llm.PartText {
			texts = append(texts, said{i, end, int64(len(p.Text))})
			end += int64(len(p.Text))
		}
	}
	cites, grounding := decodeCites(&o, texts)
	for i := range cites {
		p := &c.Parts[cites[i].part]
		p.Cites = append(p.Cites, cites[i].cite)
	}
	var logprobs []byte
	if list, rest, ok := decodeLogprobs(o.Take("logprobsResult")); ok && len(texts) > 0 {
		last := &c.Parts[texts[len(texts)-1].part]
		last.Logprobs, logprobs = list, rest
	} else {
		o.Leave("logprobsResult")
	}
	c.Stop = decodeStop(enum(o.Take("finishReason"), finishReasons), o.String("finishMessage"), called)
	c.Extra = candidateRest(&o, &content, grounding, logprobs)
	return c
}

// candidateRest returns what is left of a candidate.
func candidateRest(o, content *dialect.Object, grounding, logprobs []byte) llm.Extra {
	x := o.Rest()
	for name, raw := range content.Rest() {
		x = dialect.With(x, "content."+name, raw)
	}
	if grounding != nil {
		x = dialect.With(x, "groundingMetadata", grounding)
	}
	if logprobs != nil {
		x = dialect.With(x, "logprobsResult", logprobs)
	}
	return x
}

// answerPart reads a part of an answer; one that cannot be read is kept whole.
func answerPart(v []byte, choice int, ids *answerIDs) llm.Part {
	p, bad := decodePart(v, "")
	if bad != nil || p.Kind == llm.PartResult && p.By == llm.ByClient {
		p = opaque(v, "")
	}
	p.Path = ""
	p.Args = tight([]byte(p.Args))
	nameAnswer(&p, choice, ids)
	return p
}

// nameAnswer gives a call of an answer that came without an id one, and a result that of its call.
func nameAnswer(p *llm.Part, choice int, ids *answerIDs) {
	if p.Kind != llm.PartCall && p.Kind != llm.PartResult {
		return
	}
	if p.ID == "" && p.Kind == llm.PartResult {
		p.ID = ids.server
	}
	if p.ID == "" {
		p.ID = ids.next(choice, p.Name+" "+p.Args+" "+p.Seal.Data)
	}
	if p.Kind == llm.PartCall && p.By == llm.ByServer {
		ids.server = p.ID
	}
}
