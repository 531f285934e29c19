package openaichat

import (
	"strconv"
	"strings"

	"weir/internal/dialect"
	"weir/internal/dialect/openai"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// answerLosses names each path once.
type answerLosses struct {
	named map[string]bool
	lose  func(llm.Loss)
}

func (l *answerLosses) add(path, why string, grade llm.Grade) {
	if l.named[path] {
		return
	}
	if l.named == nil {
		l.named = map[string]bool{}
	}
	l.named[path] = true
	l.lose(llm.Loss{Path: path, Why: why, Grade: grade})
}

func (l *answerLosses) foreign(x llm.Extra) {
	for _, name := range dialect.Names(x) {
		if !openai.Nothing(x[name]) {
			l.add("answer."+name, "a member of another dialect", dialect.Weigh(name))
		}
	}
}

// EncodeResponse implements dialect.Codec.
func (codec) EncodeResponse(req *llm.Request, resp *llm.Response) ([]byte, []llm.Loss, error) {
	if resp.Fault != nil {
		return openai.AppendFault(nil, resp.Fault, dialect.Whole), nil, nil //nolint:nilerr // the answer is the error
	}
	var losses []llm.Loss
	e := &answerEncoder{req: req, own: resp.From == llm.OpenAIChat, id: resp.ID}
	e.lost.lose = func(l llm.Loss) { losses = append(losses, l) }
	w := &e.w
	w.Open('{')
	writeHead(w, "chat.completion", resp.ID, resp.Created, resp.Model, e.own)
	w.Name("choices").Open('[')
	for i := range resp.Choices {
		e.choice(i, &resp.Choices[i])
	}
	w.Close(']')
	if resp.Usage != nil {
		w.Name("usage")
		openai.WriteUsage(w, resp.Usage, e.own)
		if !e.own {
			openai.UsageLosses(resp.Usage, e.lost.add)
		}
	}
	tier := resp.Tier
	if tier == "" && resp.Usage != nil && !e.own {
		tier = resp.Usage.Tier
	}
	if tier = tierWord(&e.lost, tier, e.own); tier != "" {
		w.Name("service_tier").String(tier)
	}
	if e.own {
		openai.WriteExtra(w, resp.Extra)
	} else {
		e.lost.foreign(resp.Extra)
	}
	w.Close('}')
	return w.Buf, losses, nil
}

func writeHead(w *rawjson.Writer, object, id string, created llm.Num, model string, own bool) {
	w.Name("id").String(id).Name("object").String(object)
	if created == "" && !own { // OpenAI's SDKs demand it
		created = "0"
	}
	if created != "" {
		w.Name("created").Num(string(created))
	}
	w.Name("model").String(model)
}

// tierWord is the word for the tier that served; anthropic-messages says standard where chat says default.
func tierWord(lost *answerLosses, tier string, own bool) string {
	if own {
		return tier
	}
	switch tier {
	case "", "auto", "default", "flex", "scale", "priority":
		return tier
	case "standard":
		return "default"
	}
	lost.add("answer.tier", "chat has no such tier", dialect.WeighTier(tier))
	return ""
}

type answerEncoder struct {
	req  *llm.Request
	own  bool
	id   string // of the answer
	w    rawjson.Writer
	lost answerLosses
}

// soundID names the sound of an answer whose provider names none: clients keep what was said under its id. No provider
// knows it, so what refers to it later goes to none.
func soundID(answer string, choice int) string {
	if choice > 0 {
		return "audio_" + answer + "_" + strconv.Itoa(choice)
	}
	return "audio_" + answer
}

func (e *answerEncoder) choice(n int, c *llm.Choice) {
	parts := e.parts(c.Parts)
	s := sort(parts)
	if !e.own {
		e.callsFor(&s)
		if s.audio != nil && s.audio.ID == "" {
			named := *s.audio
			named.ID = soundID(e.id, n)
			s.audio = &named
		}
	}
	w := &e.w
	w.Open('{').Name("index").Int(int64(n))
	w.Name("message").Open('{').Name("role").String("assistant")
	if len(s.content) == 0 {
		w.Name("content").Null()
	} else {
		s.writeContent(w, e.own)
	}
	w.Name("refusal")
	if s.refused {
		w.String(s.refusal)
	} else {
		w.Null()
	}
	s.writeThoughts(w, true)
	e.media(&s)
	e.calls(&s)
	e.annotations(&s)
	if e.own {
		openai.WriteNested(w, c.Extra, "message")
	}
	w.Close('}')
	e.logprobs(parts, c.Extra)
	w.Name("finish_reason")
	if word := e.stop(&c.Stop, s.function != nil, s.refused); word != "" {
		w.String(word)
	} else {
		w.Null()
	}
	if e.own {
		openai.WriteExtra(w, c.Extra, "message", "logprobs")
	} else {
		e.lost.foreign(c.Extra)
	}
	w.Close('}')
}

// stop returns the finish_reason and names what of the stop it does not say.
func (e *answerEncoder) stop(s *llm.Stop, functionCall, refusal bool) string {
	return stopWord(&e.lost, s, e.own, functionCall, refusal)
}

func stopWord(lost *answerLosses, s *llm.Stop, own, functionCall, refusal bool) string {
	word, exact := finishReason(s, own, functionCall, refusal)
	if !exact {
		lost.add("answer.stop", "chat has no such finish_reason", llm.Changed)
	}
	if s.Sequence != "" || s.Reason == llm.StopSequence && !own {
		lost.add("answer.stop_sequence", "chat does not say which stop sequence was met", llm.Dropped)
	}
	if s.Detail != "" || s.Raw != nil && !own {
		lost.add("answer.stop_details", noPlace, llm.Dropped)
	}
	return word
}

// parts returns what of a choice can be said, and names the rest lost.
func (e *answerEncoder) parts(parts []llm.Part) []llm.Part {
	if e.own {
		e.order(parts)
		return parts
	}
	var out []llm.Part
	for i := range parts {
		p := parts[i]
		if !sayable(&e.lost, &p) {
			continue
		}
		if p.Seal.Data != "" {
			loseSeal(&e.lost, &p.Seal)
			p.Seal = llm.Seal{}
			if p.Kind == llm.PartReasoning && p.Text == "" {
				continue
			}
		}
		e.lost.foreign(p.Extra)
		p.Extra, p.Cache = nil, nil
		if p.Kind == llm.PartText && p.Text == "" {
			if len(p.Cites) > 0 {
				e.lost.add("answer.citations", "the text they are about is empty", llm.Dropped)
			}
			continue
		}
		loseCites(&e.lost, p.Cites)
		loseLogprobs(&e.lost, p.Logprobs)
		if p.Kind == llm.PartCall {
			unwrapCall(e.req, &p)
		}
		out = append(out, p)
	}
	if e.order(out) {
		sortByPlace(out)
	}
	return joinRefusals(out)
}

// order reports whether parts will stand in another order, and names that.
func (e *answerEncoder) order(parts []llm.Part) bool {
	if !regrouped(parts, e.own) {
		return false
	}
	e.lost.add("answer.order", otherOrder, llm.Changed)
	return true
}

// sayable reports whether a part of another dialect's answer has a place here, and fits it.
func sayable(lost *answerLosses, p *llm.Part) bool {
	if p.Phase != "" {
		lost.add("answer.phase", noPlace, llm.Dropped)
	}
	switch p.Kind {
	case llm.PartReasoning:
		p.Name, p.Summary = wordContent, false
	case llm.PartText, llm.PartRefusal, llm.PartImage:
	case llm.PartJSON:
		p.Kind = llm.PartText
	case llm.PartAudio:
		if p.Media != nil && p.Media.Type != "" {
			lost.add("answer.audio", "chat does not tell the type of a sound", llm.Changed)
		}
	case llm.PartCall:
		if p.By != llm.ByClient {
			lost.add("answer.server_tools", "chat has no calls that the provider runs", llm.Dropped)
			return false
		}
		p.Raw = nil
	case llm.PartResult:
		lost.add("answer.server_tools", "chat has no results of calls that the provider runs", llm.Dropped)
		return false
	default:
		lost.add("answer.opaque", "an item only its own dialect understands", llm.Dropped)
		return false
	}
	return true
}

func loseSeal(lost *answerLosses, seal *llm.Seal) {
	if seal.Form == llm.SealEncrypted {
		lost.add("answer.reasoning.redacted", "chat has no place for encrypted reasoning", llm.Dropped)
		return
	}
	lost.add("answer.reasoning.signature", "chat has no place for the seal of reasoning", llm.Dropped)
}

func loseCites(lost *answerLosses, cites []llm.Cite) {
	for i := range cites {
		c := &cites[i]
		if c.Kind != "url" {
			lost.add("answer.citations", "chat cites web pages only", llm.Dropped)
			continue
		}
		if c.Seal != "" {
			lost.add("answer.citations.seal", noPlace, llm.Dropped)
		}
		for _, name := range dialect.Names(c.Extra) {
			if !openai.Nothing(c.Extra[name]) {
				lost.add("answer.citations."+name, "a member of another dialect", llm.Dropped)
			}
		}
	}
}

// loseLogprobs names what another dialect tells of a token beside its text and its probability.
func loseLogprobs(lost *answerLosses, all []llm.Logprob) {
	for i := range all {
		if all[i].Extra != nil {
			lost.add("answer.logprobs", "a member of another dialect", llm.Changed)
		}
		loseLogprobs(lost, all[i].Top)
	}
}

// unwrapCall turns a call of a tool that is custom to the client, but was offered as a function with one string, back
// into a custom call.
func unwrapCall(req *llm.Request, p *llm.Part) {
	if p.Free || !isCustom(req, p.Name) {
		return
	}
	p.Free = true
	p.Args = unwrap(p.Args)
}

func isCustom(req *llm.Request, name string) bool {
	for i := range req.Tools {
		if t := &req.Tools[i]; t.Name == name {
			return t.Kind == llm.ToolCustom
		}
	}
	return false
}

// unwrap returns the only string of an object, or args as they are.
func unwrap(args string) string {
	b := []byte(args)
	if rawjson.Check(b) != nil {
		return args
	}
	text, n := "", 0
	for _, v := range rawjson.Members(b) {
		s, ok := rawjson.String(v)
		if n++; !ok {
			return args
		}
		text = s
	}
	if n != 1 {
		return args
	}
	return text
}

// onlyFunctions reports whether the client offered legacy functions only, so that it looks for a function_call.
func onlyFunctions(req *llm.Request) bool {
	if req.From != llm.OpenAIChat || len(req.Tools) == 0 {
		return false
	}
	for i := range req.Tools {
		if !legacy(req.Tools[i].Raw) {
			return false
		}
	}
	return true
}

// callsFor fits the calls to a client of the legacy functions, which reads one.
func (e *answerEncoder) callsFor(s *spoken) {
	if !onlyFunctions(e.req) || len(s.calls) == 0 {
		return
	}
	s.function = &s.calls[0]
	if len(s.calls) > 1 {
		e.lost.add("answer.calls", "a function_call is one call; the others are not said", llm.Dropped)
	}
	s.calls = nil
}

func (e *answerEncoder) media(s *spoken) {
	w := &e.w
	if p := s.audio; p != nil {
		w.Name("audio").Open('{').Name("id").String(p.ID).Name("data").String(p.Media.Data)
		w.Name("transcript").String(p.Text)
		openai.WriteExtra(w, p.Extra)
		w.Close('}')
	}
	if len(s.images) > 0 {
		w.Name("images")
		writeItems(w, s.images)
	}
}

func (e *answerEncoder) calls(s *spoken) {
	w := &e.w
	if len(s.calls) > 0 {
		w.Name("tool_calls").Open('[')
		for i := range s.calls {
			p := &s.calls[i]
			if p.By != llm.ByClient && p.Raw != nil {
				w.Raw(p.Raw)
				continue
			}
			w.Open('{')
			writeCall(w, p, p.ID, e.own)
			if p.Seal.Data != "" {
				writeGoogleSeal(w, &p.Seal)
			}
			w.Close('}')
		}
		w.Close(']')
	}
	if p := s.function; p != nil {
		args := p.Args
		if strings.TrimSpace(args) == "" && !e.own {
			args = "{}"
		}
		w.Name("function_call").Open('{').Name("name").String(p.Name).Name("arguments").String(args)
		if e.own {
			openai.WriteNested(w, p.Extra, "function_call")
		}
		w.Close('}')
	}
}

func (e *answerEncoder) annotations(s *spoken) {
	found := false
	for i := range s.content {
		for j := range s.content[i].Cites {
			found = found || e.own || s.content[i].Cites[j].Kind == "url"
		}
	}
	if found {
		e.w.Name("annotations")
		writeCitations(&e.w, s.content, e.own)
	}
}

// logprobs writes the log probabilities of a choice, which stand beside its message.
func (e *answerEncoder) logprobs(parts []llm.Part, x llm.Extra) {
	var content, refusal, reasoning []llm.Logprob
	for i := range parts {
		switch p := &parts[i]; p.Kind {
		case llm.PartRefusal:
			refusal = append(refusal, p.Logprobs...)
		case llm.PartReasoning:
			reasoning = append(reasoning, p.Logprobs...)
		default:
			content = append(content, p.Logprobs...)
		}
	}
	if !e.own {
		x = nil
	}
	e.w.Name("logprobs")
	writeChoiceLogs(&e.w, content, refusal, reasoning, x, e.own)
}

func writeChoiceLogs(w *rawjson.Writer, content, refusal, reasoning []llm.Logprob, x llm.Extra, own bool) {
	if content == nil && refusal == nil && reasoning == nil && !openai.HasNested(x, "logprobs") {
		w.Null()
		return
	}
	w.Open('{')
	list := func(name string, all []llm.Logprob) {
		if x["logprobs."+name] != nil {
			return
		}
		w.Name(name)
		if all == nil {
			w.Null()
			return
		}
		writeLogprobs(w, all, own)
	}
	list("content", content)
	list("refusal", refusal)
	if reasoning != nil {
		list("reasoning_content", reasoning)
	}
	openai.WriteNested(w, x, "logprobs")
	w.Close('}')
}

// Cannot implements dialect.Codec.
func (codec) Cannot(req *llm.Request, from llm.Dialect) []llm.Loss {
	if from == llm.OpenAIChat {
		return nil
	}
	var all []llm.Loss
	add := func(path, why string) { all = append(all, llm.Loss{Path: path, Why: why, Grade: llm.Dropped}) }
	r := &req.Reasoning
	if r.Effort != "" && r.Effort != "none" || r.Mode == "on" || r.Mode == "adaptive" || r.Budget != "" {
		add("answer.reasoning.signature", "chat has no place for the seal of reasoning")
		add("answer.reasoning.redacted", "chat has no place for encrypted reasoning")
	}
	if len(req.Stop) > 0 && (from == llm.AnthropicMessages || from == llm.CohereChat) {
		add("answer.stop_sequence", "chat does not say which stop sequence was met")
	}
	return all
}
