package openaicompletions

import (
	"weir/internal/dialect"
	"weir/internal/dialect/openai"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

const noPlace = "a completion has no place for it"

// EncodeResponse implements dialect.Codec.
func (codec) EncodeResponse(req *llm.Request, resp *llm.Response) ([]byte, []llm.Loss, error) {
	if resp.Fault != nil {
		return openai.AppendFault(nil, resp.Fault, dialect.Whole), nil, nil //nolint:nilerr // the answer is the error
	}
	a := answer{own: resp.From == llm.OpenAICompletions, first: promptLength(req)}
	w := &a.w
	w.Open('{')
	a.head(w, resp.ID, resp.Created, resp.Model)
	w.Name("choices").Open('[')
	for i := range resp.Choices {
		a.choice(i, &resp.Choices[i])
	}
	w.Close(']')
	if resp.Usage != nil {
		w.Name("usage")
		openai.WriteUsage(w, resp.Usage, a.own)
		if !a.own {
			openai.UsageLosses(resp.Usage, a.lost.Add)
		}
	}
	if a.own {
		if resp.Tier != "" {
			w.Name("service_tier").String(resp.Tier)
		}
		openai.WriteExtra(w, resp.Extra)
	} else {
		tier := resp.Tier
		if tier == "" && resp.Usage != nil {
			tier = resp.Usage.Tier
		}
		a.tier(tier)
		a.foreign(resp.Extra)
	}
	w.Close('}')
	return w.Buf, a.lost.List, nil
}

// answer is what writing one answer needs to know, whole or as a stream.
type answer struct {
	own   bool
	first int64 // offset of the first token
	w     rawjson.Writer
	lost  dialect.Losses
}

func (a *answer) head(w *rawjson.Writer, id string, created llm.Num, model string) {
	w.Name("id").String(id).Name("object").String("text_completion")
	if created == "" && !a.own { // OpenAI's SDKs demand it
		created = "0"
	}
	if created != "" {
		w.Name("created").Num(string(created))
	}
	w.Name("model").String(model)
}

func (a *answer) tier(tier string) {
	if tier != "" {
		a.lost.Add("answer.tier", noPlace, dialect.WeighTier(tier))
	}
}

func (a *answer) foreign(x llm.Extra) {
	for _, name := range dialect.Names(x) {
		if !openai.Nothing(x[name]) {
			a.lost.Add("answer."+name, "a member of another dialect", dialect.Weigh(name))
		}
	}
}

func (a *answer) choice(n int, c *llm.Choice) {
	text, at := "", a.first
	var logs []llm.Logprob
	for i := range c.Parts {
		p := &c.Parts[i]
		if !a.text(p) {
			continue
		}
		text += p.Text
		logs = append(logs, p.Logprobs...)
		a.logs(p.Logprobs)
	}
	extra := c.Extra
	if a.own {
		at = -1
	} else {
		a.foreign(extra)
		extra = nil
	}
	w := &a.w
	w.Open('{').Name("text").String(text).Name("index").Int(int64(n)).Name("logprobs")
	writeLogprobs(w, logs, at, extra)
	w.Name("finish_reason")
	if word := a.stop(&c.Stop); word != "" {
		w.String(word)
	} else {
		w.Null()
	}
	openai.WriteExtra(w, extra, "logprobs")
	w.Close('}')
}

// text reports whether a part's text is text of the completion, and names what of it is lost.
func (a *answer) text(p *llm.Part) bool {
	if a.own {
		return true
	}
	a.beside(p)
	if p.Media != nil || p.ID != "" {
		a.media(p.Kind)
	}
	switch p.Kind {
	case llm.PartText, llm.PartJSON, llm.PartAudio:
		return true
	case llm.PartRefusal:
		a.lost.Add("answer.refusal", "said as the text it is", llm.Changed)
		return true
	case llm.PartCall, llm.PartResult:
		if p.By == llm.ByClient {
			a.lost.Add("answer.calls", "a completion calls nothing", llm.Dropped)
			a.lost.Add("answer.arguments", "a completion calls nothing", llm.Dropped)
		} else {
			a.lost.Add("answer.server_tools", "a completion has no calls that the provider runs", llm.Dropped)
		}
	case llm.PartOpaque:
		a.lost.Add("answer.opaque", "an item only its own dialect understands", llm.Dropped)
	}
	a.unsaid(p.Kind, p.Text, p.Logprobs)
	return false
}

// media names a medium lost.
func (a *answer) media(kind llm.PartKind) {
	switch kind {
	case llm.PartAudio:
		a.lost.Add("answer.audio", "a completion is text; the words of it are said", llm.Dropped)
	case llm.PartImage, llm.PartVideo, llm.PartFile:
		a.lost.Add("answer.image", "a completion is text", llm.Dropped)
	}
}

// unsaid names text and tokens lost that are none of the completion's.
func (a *answer) unsaid(kind llm.PartKind, text string, logs []llm.Logprob) {
	if a.own {
		return
	}
	if kind == llm.PartReasoning && text != "" {
		a.lost.Add("answer.reasoning", noPlace, llm.Dropped)
	}
	if len(logs) > 0 {
		a.lost.Add("answer.logprobs", "a completion has tokens of its text only", llm.Dropped)
	}
}

// beside names what hangs on a part of another dialect's answer.
func (a *answer) beside(p *llm.Part) {
	switch {
	case p.Seal.Data == "":
	case p.Seal.Form == llm.SealEncrypted:
		a.lost.Add("answer.reasoning.redacted", "a completion has no place for encrypted reasoning", llm.Dropped)
	default:
		a.lost.Add("answer.reasoning.signature", "a completion has no place for the seal of reasoning", llm.Dropped)
	}
	if len(p.Cites) > 0 {
		a.lost.Add("answer.citations", noPlace, llm.Dropped)
	}
	if p.Phase != "" {
		a.lost.Add("answer.phase", noPlace, llm.Dropped)
	}
	if p.By == llm.ByClient && p.Kind != llm.PartOpaque { // else the loss of the part itself says it
		a.foreign(p.Extra)
	}
}

// logs names what the lists of tokens do not say.
func (a *answer) logs(all []llm.Logprob) {
	if !a.own && !plain(all) {
		a.lost.Add("answer.logprobs", "a completion's tokens are text, without their bytes", llm.Changed)
	}
}

// stop returns the finish_reason, and names what of the stop it does not say.
func (a *answer) stop(s *llm.Stop) string {
	word, exact := finishReason(s, a.own)
	if !exact {
		a.lost.Add("answer.stop", "a completion has no such finish_reason", llm.Changed)
	}
	if s.Sequence != "" || s.Reason == llm.StopSequence && !a.own {
		a.lost.Add("answer.stop_sequence", "a completion does not say which stop sequence was met", llm.Dropped)
	}
	if s.Detail != "" || s.Raw != nil && !a.own {
		a.lost.Add("answer.stop_details", noPlace, llm.Dropped)
	}
	return word
}

// finishReason is the word for a stop; exact is false where it says something else than s does.
func finishReason(s *llm.Stop, own bool) (word string, exact bool) {
	if own && s.Native != "" && openai.DecodeStop(rawjson.AppendString(nil, s.Native)).Reason == s.Reason {
		return s.Native, true
	}
	switch s.Reason {
	case llm.StopEnd, llm.StopSequence:
		return "stop", true
	case llm.StopLength:
		return "length", true
	case llm.StopContext:
		return "length", false
	case llm.StopFilter:
		return "content_filter", true
	case llm.StopRefusal:
		return "content_filter", false
	case "":
		if own {
			return "", true
		}
		return "stop", true
	}
	return "stop", false // calls, pause, malformed, error
}

// promptLength is how many characters the prompt of a client of this dialect has: offsets of tokens count from its
// beginning.
func promptLength(req *llm.Request) int64 {
	n := int64(0)
	if req != nil && req.From == llm.OpenAICompletions {
		for i := range req.Messages {
			for j := range req.Messages[i].Parts {
				n += characters(req.Messages[i].Parts[j].Text)
			}
		}
	}
	return n
}

// Cannot implements dialect.Codec.
func (codec) Cannot(req *llm.Request, from llm.Dialect) []llm.Loss {
	switch from {
	case llm.AnthropicMessages, llm.BedrockConverse, llm.CohereChat: // they say that it was one, or which
		if len(req.Stop) > 0 {
			return []llm.Loss{{Path: "answer.stop_sequence", Why: "a completion does not say which stop sequence was met", Grade: llm.Dropped}}
		}
	}
	return nil
}
