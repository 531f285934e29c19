package ollama

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
	a := answerEncoder{own: resp.From == llm.OllamaChat}
	var choice llm.Choice
	if len(resp.Choices) > 0 {
		choice = resp.Choices[0]
	}
	if len(resp.Choices) > 1 {
		a.loseChoices()
	}
	t := turn{role: "assistant", extra: choice.Extra}
	for _, p := range a.parts(choice.Parts) {
		t.add(&p, "")
	}
	var w rawjson.Writer
	w.Open('{')
	var own []byte
	if a.own {
		own = resp.Extra["created_at"]
	}
	writeHead(&w, resp.Model, createdAt(resp.Created, own))
	t.write(w.Name("message"), a.own)
	if word := (ending{choice.Stop, a.own, a.called}).word(&a.losses); word != "" {
		w.Name("done_reason").String(word)
	}
	w.Name("done").Bool(true)
	if a.own {
		dialect.WriteExtra(&w, resp.Extra, "created_at")
	}
	if resp.Usage != nil {
		writeUsage(&w, resp.Usage)
	}
	a.writeLogprobs(&w, choice.Parts)
	if !a.own {
		a.loseRest(resp.Usage, resp.Tier)
		dialect.LoseExtra(choice.Extra, &a.losses)
		dialect.LoseExtra(resp.Extra, &a.losses)
	}
	w.Close('}')
	return w.Buf, a.losses.List, nil
}

func writeHead(w *rawjson.Writer, model, created string) {
	w.Name("model").String(model).Name("created_at").String(created)
}

// answerEncoder knows what whole answers and streams share: which parts have a place here, and what was seen of them.
type answerEncoder struct {
	own    bool // the answer is of this dialect: its Extra goes back
	called bool // a call for the client was written
	rank   int  // the last place that was written to
	losses dialect.Losses
}

func (a *answerEncoder) loseChoices() {
	a.losses.Add("answer.choices", "one answer only here: the first", llm.Dropped)
}

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
	for i := range in {
		p, ok := a.head(&in[i])
		if !ok {
			continue
		}
		if !a.own {
			dialect.LoseSeal(p.Seal, &a.losses)
			a.loseCites(p.Cites)
			if p.Kind == llm.PartCall {
				p.Args = a.arguments(&p)
			} else if p.Text == "" {
				continue
			}
			a.order(&in[i])
		}
		out = append(out, p)
	}
	return out
}

// head decides by a part's kind whether it has a place here and as what. An image would have one, but an official SDK
// (Python's) fails on an answer that holds one.
func (a *answerEncoder) head(in *llm.Part) (llm.Part, bool) {
	if in.Kind == llm.PartCall && in.By == llm.ByClient {
		a.called = true
	}
	if a.own {
		return *in, true
	}
	return dialect.PlainPart(in, &a.losses)
}

// order notes that a part does not come in the order its members have here. A refusal, which is lost as one, has none.
func (a *answerEncoder) order(p *llm.Part) {
	if p.Kind == llm.PartRefusal {
		return
	}
	r := place(p.Kind)
	if r < a.rank {
		a.losses.Add("answer.order", "thoughts, a text and calls stand one after the other here", llm.Changed)
	}
	a.rank = max(a.rank, r)
}

func (a *answerEncoder) loseCites(cites []llm.Cite) {
	if len(cites) > 0 {
		a.losses.Add("answer.citations", "there is no place for them here", llm.Dropped)
	}
}

// arguments returns the arguments of another dialect's call as an object.
func (a *answerEncoder) arguments(p *llm.Part) string {
	args, exact := dialect.ObjectArgs(p.Args, p.Free)
	if !exact {
		a.losses.Add("answer.arguments", "arguments that are no JSON object are wrapped in one", llm.Changed)
	}
	return args
}

// writeLogprobs writes the log probabilities of a whole answer, which stand beside its message.
func (a *answerEncoder) writeLogprobs(w *rawjson.Writer, parts []llm.Part) {
	var all []llm.Logprob
	n := 0
	for i := range parts {
		if len(parts[i].Logprobs) > 0 {
			all = append(all, parts[i].Logprobs...)
			n++
		}
	}
	if n == 0 {
		return
	}
	if !a.own {
		loseLogprobs(all, &a.losses)
		if n > 1 {
			a.losses.Add("answer.logprobs", "they are those of the answer, not of its parts", llm.Changed)
		}
	}
	writeLogprobs(w.Name("logprobs"), all, a.own)
}

// Cannot implements dialect.Codec.
func (codec) Cannot(req *llm.Request, from llm.Dialect) []llm.Loss {
	if from == llm.OllamaChat {
		return nil
	}
	var l dialect.Losses
	if r := &req.Reasoning; r.Mode == "on" || r.Effort != "" && r.Effort != "none" {
		switch from {
		case llm.AnthropicMessages, llm.OpenAIResponses, llm.GeminiGenerate, llm.BedrockConverse:
			l.Add("answer.reasoning.signature", "reasoning has no seals here", llm.Dropped)
			l.Add("answer.reasoning.redacted", "there is no place for encrypted reasoning here", llm.Dropped)
		}
	}
	if len(req.Stop) > 0 && (from == llm.AnthropicMessages || from == llm.CohereChat) {
		l.Add("answer.stop_sequence", "it is not said which stop sequence was met", llm.Dropped)
	}
	return l.List
}
