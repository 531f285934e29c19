package cohere

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
	a := answerEncoder{own: resp.From == llm.CohereChat}
	var choice llm.Choice
	if len(resp.Choices) > 0 {
		choice = resp.Choices[0]
	}
	if len(resp.Choices) > 1 {
		a.loseChoices()
	}
	t := turn{extra: choice.Extra}
	t.spread(a.parts(choice.Parts))
	var w rawjson.Writer
	w.Open('{')
	w.Name("id").String(resp.ID)
	if a.own && resp.Model != "" {
		w.Name("model").String(resp.Model)
	}
	w.Name("message").Open('{').Name("role").String("assistant")
	if len(t.content) > 0 || t.silent() {
		writeItems(w.Name("content"), t.content, a.own)
	}
	t.writeRest(&w, a.own)
	w.Close('}')
	if word := (ending{choice.Stop, a.own, a.called}).word(&a.losses); word != "" {
		w.Name("finish_reason").String(word)
	}
	if resp.Usage != nil {
		writeUsage(w.Name("usage"), resp.Usage, a.own)
	}
	a.writeLogprobs(&w, choice.Parts)
	if a.own {
		dialect.WriteExtra(&w, resp.Extra)
	} else {
		a.loseRest(resp.Usage, resp.Tier)
		a.loseExtra(choice.Extra)
		a.loseExtra(resp.Extra)
	}
	w.Close('}')
	return w.Buf, a.losses.List, nil
}

// answerEncoder knows what whole answers and streams share: which parts have a place here, and what was seen of them.
type answerEncoder struct {
	own    bool // the answer is of this dialect: its Extra and Raw go back
	called bool // a call for the client was written
	losses dialect.Losses
}

func (a *answerEncoder) loseChoices() {
	a.losses.Add("answer.choices", "one answer only here: the first", llm.Dropped)
}

func (a *answerEncoder) loseExtra(x llm.Extra) { dialect.LoseExtra(x, &a.losses) }

// loseRest reports what of another dialect's usage and tier is not said here.
func (a *answerEncoder) loseRest(u *llm.Usage, tier string) {
	if u != nil && u.Tier != "" {
		tier = u.Tier
	}
	if tier != "" {
		a.losses.Add("answer.tier", "there are no tiers here", dialect.WeighTier(tier))
	}
	dialect.LoseCounts(u, counts, a.losses.Add)
}

// parts returns what of an answer can be said.
func (a *answerEncoder) parts(in []llm.Part) []llm.Part {
	var out []llm.Part
	late := false
	for i := range in {
		p, ok := a.head(&in[i])
		if !ok {
			continue
		}
		if !a.own {
			dialect.LoseSeal(p.Seal, &a.losses)
			p.Seal = llm.Seal{}
			if p.Kind != llm.PartCall && p.Text == "" {
				if len(p.Cites) > 0 {
					a.losses.Add("answer.citations", "the text they are about is empty", llm.Dropped)
				}
				continue
			}
			p.Cites = a.cites(&p)
			if p.Kind == llm.PartCall {
				p.Args = a.arguments(&p)
			}
			late = late || p.Kind != llm.PartCall && in[i].Kind != llm.PartRefusal && calling(out)
		}
		out = append(out, p)
	}
	if late {
		a.losses.Add("answer.order", "thoughts and texts stand before calls here", llm.Changed)
	}
	return out
}

// arguments returns the arguments of another dialect's call as the text of an object.
func (a *answerEncoder) arguments(p *llm.Part) string {
	if p.Free {
		args, _ := dialect.ObjectArgs(p.Args, true)
		a.losses.Add("answer.arguments", "free text is wrapped in an object", llm.Changed)
		return args
	}
	if p.Args == "" {
		return "{}"
	}
	return p.Args
}

// head decides by a part's kind whether it has a place here and as what.
func (a *answerEncoder) head(in *llm.Part) (llm.Part, bool) {
	if in.Kind == llm.PartCall && in.By == llm.ByClient {
		a.called = true
	}
	if a.own {
		return *in, true
	}
	return dialect.PlainPart(in, &a.losses)
}

// cites returns the citations of a part of another dialect that can be written.
func (a *answerEncoder) cites(p *llm.Part) []llm.Cite {
	var out []llm.Cite
	for i := range p.Cites {
		if p.Cites[i].Kind == "" {
			a.losses.Add("answer.citations", "a citation without its source", llm.Dropped)
			continue
		}
		loseCite(&p.Cites[i], "answer.citations", a.losses.Add)
		out = append(out, p.Cites[i])
	}
	return out
}

// writeLogprobs writes the log probabilities of a whole answer, which stand beside its message.
func (a *answerEncoder) writeLogprobs(w *rawjson.Writer, parts []llm.Part) {
	n := 0
	for i := range parts {
		if all := parts[i].Logprobs; len(all) > 0 {
			if n++; n == 1 {
				w.Name("logprobs").Open('[')
			}
			if !a.own {
				loseLogprobs(all, &a.losses)
			}
			for len(all) > 0 {
				k := logItem(all)
				writeLogprobs(w, all[:k], a.own)
				all = all[k:]
			}
		}
	}
	if n > 0 {
		w.Close(']')
	}
	if n > 1 && !a.own {
		a.losses.Add("answer.logprobs", "they are those of the answer, not of its parts", llm.Changed)
	}
}

// Cannot implements dialect.Codec.
func (codec) Cannot(req *llm.Request, from llm.Dialect) []llm.Loss {
	if from == llm.CohereChat {
		return nil
	}
	var l dialect.Losses
	if r := &req.Reasoning; r.Mode == "on" || r.Mode == "adaptive" || r.Budget != "" {
		switch from {
		case llm.AnthropicMessages, llm.OpenAIResponses, llm.GeminiGenerate, llm.BedrockConverse:
			l.Add("answer.reasoning.signature", "reasoning has no seals here", llm.Dropped)
			l.Add("answer.reasoning.redacted", "there is no place for encrypted reasoning here", llm.Dropped)
		}
	}
	if req.Sampling.Logprobs && (from == llm.OpenAIChat || from == llm.OpenAIResponses) {
		l.Add("answer.logprobs", "a token and its probability, without its bytes and what else was likely", llm.Changed)
	}
	if len(req.Stop) > 0 && from == llm.AnthropicMessages {
		l.Add("answer.stop_sequence", "it is not said which stop sequence was met", llm.Dropped)
	}
	return l.List
}
