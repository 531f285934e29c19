package anthropic

import (
	"weir/internal/dialect"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// EncodeResponse implements dialect.Codec. An answer that holds a fault is that fault.
func (codec) EncodeResponse(_ *llm.Request, resp *llm.Response) ([]byte, []llm.Loss, error) {
	if resp.Fault != nil {
		return nil, nil, resp.Fault
	}
	a := answerEncoder{own: resp.From == llm.AnthropicMessages}
	var choice llm.Choice
	if len(resp.Choices) > 0 {
		choice = resp.Choices[0]
	}
	if len(resp.Choices) > 1 {
		a.loseChoices()
	}
	var w rawjson.Writer
	w.Open('{')
	a.writeHead(&w, resp.ID, resp.Model)
	w.Name("content").Open('[')
	for i := range choice.Parts {
		if p, ok := a.part(&choice.Parts[i]); ok {
			writeBlock(&w, &p, a.own)
		}
	}
	w.Close(']')
	ending{choice.Stop, a.own, a.called, a.refused}.write(&w, &a.losses)
	writeUsage(w.Name("usage"), resp.Usage, resp.Tier, a.own)
	if a.own {
		dialect.WriteExtra(&w, choice.Extra)
		dialect.WriteExtra(&w, resp.Extra)
	} else {
		loseUsage(&a.losses, resp.Usage, resp.Tier)
		a.loseExtra(choice.Extra)
		a.loseExtra(resp.Extra)
	}
	w.Close('}')
	return w.Buf, a.losses.List, nil
}

// answerEncoder knows what whole answers and streams share: which parts have a place here, and what was seen of them.
type answerEncoder struct {
	own     bool // the answer is of this dialect: its Extra and Raw go back
	called  bool // a call for the client was written
	refused bool // a refusal was written
	losses  dialect.Losses
}

func (a *answerEncoder) writeHead(w *rawjson.Writer, id, model string) {
	w.Name("id").String(id).Name("type").String("message").Name("role").String("assistant")
	w.Name("model").String(model)
}

func (a *answerEncoder) loseChoices() {
	a.losses.Add("answer.choices", "one answer only here: the first", llm.Dropped)
}

func (a *answerEncoder) loseExtra(x llm.Extra) {
	for _, name := range dialect.Names(x) {
		if dialect.Says(x[name]) {
			a.losses.Add("answer."+name, "no such member here", dialect.Weigh(name))
		}
	}
}

// part makes a part of the answer sayable; false if it is left out.
func (a *answerEncoder) part(in *llm.Part) (llm.Part, bool) {
	p, ok := a.head(in)
	if !ok && in.Seal.Data != "" {
		a.strayed(llm.Seal{By: in.Seal.By, Form: llm.SealSignature, Data: in.Seal.Data})
	}
	if !ok || a.own {
		return p, ok
	}
	if len(p.Logprobs) > 0 {
		a.loseLogprobs()
	}
	if p.Kind == llm.PartReasoning {
		return p, p.Text != "" || p.Seal.Data != ""
	}
	if in.Seal.Data != "" {
		a.strayed(llm.Seal{By: in.Seal.By, Form: llm.SealSignature, Data: in.Seal.Data})
	}
	p.Seal = llm.Seal{}
	p.Cites = a.cites(p.Cites)
	if p.Kind == llm.PartCall {
		args, whole := inputObject(p.Args, p.Free)
		if !whole {
			a.losses.Add("answer.arguments", "arguments that are no JSON object are wrapped in one", llm.Changed)
		}
		p.Args = args
	}
	return p, p.Kind != llm.PartText || p.Text != "" || len(p.Cites) > 0
}

// head decides by a part's kind whether it has a place here and as what.
func (a *answerEncoder) head(in *llm.Part) (llm.Part, bool) {
	p := *in
	if p.Kind == llm.PartCall && p.By == llm.ByClient {
		a.called = true
	}
	if a.own {
		return p, true
	}
	if p.Phase != "" {
		a.losses.Add("answer.phase", "there are no phases here", llm.Dropped)
	}
	ok := true
	switch p.Kind {
	case llm.PartText, llm.PartReasoning:
	case llm.PartJSON:
		p.Kind = llm.PartText
	case llm.PartRefusal:
		a.refused = true
		a.losses.Add("answer.refusal", "a refusal becomes plain text", llm.Changed)
		p.Kind = llm.PartText
	case llm.PartAudio:
		a.losses.Add("answer.audio", "no sound here, only its transcript", llm.Dropped)
		p.Kind, p.Media = llm.PartText, nil
	case llm.PartImage, llm.PartVideo, llm.PartFile:
		a.losses.Add("answer.image", "answers are text only here", llm.Dropped)
		ok = false
	case llm.PartCall, llm.PartResult:
		if p.Free {
			a.losses.Add("answer.arguments", "arguments that are no JSON object are wrapped in one", llm.Changed)
		}
		if p.By != llm.ByClient || p.Kind == llm.PartResult {
			a.losses.Add("answer.server_tools", "only their own dialect can tell of tools its provider ran", llm.Dropped)
			ok = false
		}
	default:
		a.losses.Add("answer.opaque", "only its own dialect understands it", llm.Dropped)
		ok = false
	}
	if ok {
		a.loseExtra(p.Extra)
	}
	p.Extra, p.Raw = nil, nil
	return p, ok
}

// strayed notes the seal of a part that is no reasoning: there is no place for it here.
func (a *answerEncoder) strayed(s llm.Seal) {
	if s.Form == llm.SealEncrypted {
		a.losses.Add("answer.reasoning.redacted", "sealed by "+s.By+", which has no place here", llm.Dropped)
	} else {
		a.losses.Add("answer.reasoning.signature", "signed by "+s.By+", which has no place here", llm.Dropped)
	}
}

func (a *answerEncoder) loseLogprobs() {
	a.losses.Add("answer.logprobs", "no probabilities here", llm.Dropped)
}

// cites returns the citations that can be written.
func (a *answerEncoder) cites(in []llm.Cite) []llm.Cite {
	if a.own {
		return in
	}
	var out []llm.Cite
	for i := range in {
		c := &in[i]
		if !citeSayable(c, false) || c.Extra != nil {
			a.losses.Add("answer.citations", "a citation without its place in the source, or with more than one can say here", llm.Dropped)
		}
		if !citeSayable(c, false) {
			continue
		}
		if c.Start != 0 || c.End != 0 {
			a.losses.Add("answer.citations", "a citation is by the whole text here", llm.Changed)
		}
		out = append(out, *c)
	}
	return out
}

// Cannot implements dialect.Codec.
func (codec) Cannot(req *llm.Request, from llm.Dialect) []llm.Loss {
	if from == llm.AnthropicMessages {
		return nil
	}
	var l dialect.Losses
	if req.Sampling.Logprobs {
		l.Add("answer.logprobs", "no probabilities here", llm.Dropped)
	}
	if req.Answers > 1 {
		l.Add("answer.choices", "one answer only here: the first", llm.Dropped)
	}
	for _, m := range req.Modalities {
		if m == "audio" || m == "image" {
			l.Add("answer."+m, "answers are text only here", llm.Dropped)
		}
	}
	return l.List
}
