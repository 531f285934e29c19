package converse

import (
	"weir/internal/dialect"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// EncodeResponse implements dialect.Codec. An answer that holds a fault is that fault.
func (codec) EncodeResponse(req *llm.Request, resp *llm.Response) ([]byte, []llm.Loss, error) {
	if resp.Fault != nil {
		return nil, nil, resp.Fault
	}
	a := newAnswerEncoder(req)
	a.from(resp.From)
	var choice llm.Choice
	if len(resp.Choices) > 0 {
		choice = resp.Choices[0]
	}
	if len(resp.Choices) > 1 {
		a.loseChoices()
	}
	var parts []llm.Part
	for i := range choice.Parts {
		if p, ok := a.part(&choice.Parts[i]); ok {
			parts = append(parts, p)
		}
	}
	var w rawjson.Writer
	w.Open('{').Name("output").Open('{').Name("message").Open('{')
	w.Name("role").String("assistant")
	a.blocks(w.Name("content"), parts)
	if a.own {
		dialect.WriteExtra(&w, choice.Extra, responseFields)
	} else {
		a.loseExtra(choice.Extra)
	}
	w.Close('}')
	if a.own {
		members(&w, resp.Extra["output"])
	}
	w.Close('}')
	a.ending(choice.Stop, choice.Extra).write(&w, &a.losses)
	writeUsage(w.Name("usage"), resp.Usage, a.own)
	a.writeEnd(&w, resp.Usage, tierOf(resp), resp.Extra)
	w.Close('}')
	return w.Buf, a.losses.List, nil
}

func tierOf(resp *llm.Response) string {
	if resp.Tier == "" && resp.Usage != nil {
		return resp.Usage.Tier
	}
	return resp.Tier
}

// answerEncoder knows what whole answers and streams share: which parts have a place here, and what was seen of them.
type answerEncoder struct {
	blockWriter
	client  string // who the client takes seals without a name to be of
	called  bool   // a call for the client was written
	refused bool   // a refusal was written
	losses  dialect.Losses
}

func newAnswerEncoder(req *llm.Request) answerEncoder {
	a := answerEncoder{client: nativeMaker}
	if req != nil && req.Model != "" {
		a.client = familyOf(req.Model).maker()
	}
	return a
}

// from takes note of the dialect an answer comes in. What this dialect decoded goes back as it was.
func (a *answerEncoder) from(d llm.Dialect) {
	a.own, a.native = d == llm.BedrockConverse, a.client
	if a.own {
		a.native = nativeMaker
	}
}

func (a *answerEncoder) ending(stop llm.Stop, extra llm.Extra) ending {
	e := ending{stop: stop, own: a.own, called: a.called, refused: a.refused}
	if a.own {
		e.fields = extra[responseFields]
	}
	return e
}

// writeEnd writes what is said of the answer as a whole after its usage.
func (a *answerEncoder) writeEnd(w *rawjson.Writer, u *llm.Usage, tier string, extra llm.Extra) {
	if a.own {
		if extra["metrics"] == nil {
			writeMetrics(w)
		}
		skip := ""
		if tier != "" {
			skip = "serviceTier"
			w.Name(skip).Open('{').Name("type").String(tier)
			members(w, extra[skip])
			w.Close('}')
		}
		dialect.WriteExtra(w, extra, "output", skip)
		return
	}
	writeMetrics(w)
	if word := answerTier(tier, false); word != "" {
		w.Name("serviceTier").Open('{').Name("type").String(word).Close('}')
	}
	loseUsage(&a.losses, u, tier)
	a.loseExtra(extra)
}

// writeMetrics writes the metrics that the model demands and nobody has told.
func writeMetrics(w *rawjson.Writer) {
	w.Name("metrics").Open('{').Name("latencyMs").Int(0).Close('}')
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
		a.strayed(in.Seal)
	}
	p.Seal = llm.Seal{}
	p.Cites = a.cites(p.Cites)
	if p.Kind == llm.PartCall {
		args, exact := dialect.ObjectArgs(p.Args, p.Free)
		if !exact {
			a.losses.Add("answer.arguments", "arguments that are no JSON object are wrapped in one", llm.Changed)
		}
		p.Args = args
	}
	if p.Kind == llm.PartImage && p.Media.Data == "" {
		a.loseImage()
		return p, false
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
		a.losses.Add("answer.audio", "no sound in answers here, only its transcript", llm.Dropped)
		p.Kind, p.Media, p.ID = llm.PartText, nil, ""
	case llm.PartImage:
		b := *p.Media
		if b.Type == "" {
			b.Type = guess(b.Data)
		}
		if p.Media = &b; formatOf(p.Kind, b.Type) == "" && b.Type+b.Data != "" { // in a stream both may come later
			a.loseImage()
			ok = false
		}
	case llm.PartVideo, llm.PartFile:
		a.loseImage()
		ok = false
	case llm.PartCall, llm.PartResult:
		if p.Free { // a stream's arguments are wrapped as they come
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
	p.Extra, p.Raw, p.Cache = nil, nil, nil
	return p, ok
}

func (a *answerEncoder) loseImage() {
	a.losses.Add("answer.image", "of media, answers hold pictures of some formats here", llm.Dropped)
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
		if c.Seal != "" {
			a.losses.Add("answer.citations.seal", "a citation has no seal here", llm.Dropped)
		}
		out = append(out, *c)
	}
	return out
}

// Cannot implements dialect.Codec.
func (codec) Cannot(req *llm.Request, from llm.Dialect) []llm.Loss {
	if from == llm.BedrockConverse {
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
		if m == "audio" {
			l.Add("answer.audio", "no sound in answers here, only its transcript", llm.Dropped)
		}
	}
	return l.List
}
