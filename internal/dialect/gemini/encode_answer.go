package gemini

import (
	"strconv"
	"time"

	"weir/internal/dialect"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// EncodeResponse implements dialect.Codec. An answer that holds a fault is that fault.
func (codec) EncodeResponse(_ *llm.Request, resp *llm.Response) ([]byte, []llm.Loss, error) {
	if resp.Fault != nil {
		return nil, nil, resp.Fault
	}
	a := answerEncoder{own: resp.From == llm.GeminiGenerate}
	var w rawjson.Writer
	w.Open('{')
	if a.own && len(resp.Choices) == 1 && isBlock(&resp.Choices[0]) {
		w.Name("promptFeedback").Raw(resp.Choices[0].Stop.Raw)
	} else {
		w.Name("candidates").Open('[')
		for i := range resp.Choices {
			a.candidate(&w, i, &resp.Choices[i])
		}
		w.Close(']')
	}
	if resp.Usage != nil || resp.Tier != "" {
		writeUsage(w.Name("usageMetadata"), resp.Usage, resp.Tier, a.own)
	}
	writeHead(&w, resp.ID, resp.Model)
	writeTime(&w, resp.Created)
	if a.own {
		dialect.WriteExtra(&w, resp.Extra)
	} else {
		loseUsage(&a.losses, resp.Usage, resp.Tier)
		a.loseExtra(resp.Extra)
	}
	w.Close('}')
	return w.Buf, a.losses.List, nil
}

// isBlock reports whether a choice tells of a prompt that was not answered.
func isBlock(c *llm.Choice) bool {
	return len(c.Parts) == 0 && c.Stop.Reason == llm.StopFilter && c.Stop.Raw != nil
}

func writeHead(w *rawjson.Writer, id, model string) {
	if model != "" {
		w.Name("modelVersion").String(model)
	}
	if id != "" {
		w.Name("responseId").String(id)
	}
}

func writeTime(w *rawjson.Writer, created llm.Num) {
	if n, err := strconv.ParseInt(string(created), 10, 64); err == nil && n >= 0 && n < 1<<40 {
		w.Name("createTime").String(time.Unix(n, 0).UTC().Format(time.RFC3339))
	}
}

// answerEncoder knows what whole answers and streams share: which parts have a place here, and what was seen of them.
type answerEncoder struct {
	own    bool // the answer is of this dialect: its Extra and Raw go back
	losses dialect.Losses
}

func (a *answerEncoder) loseExtra(x llm.Extra) {
	for _, name := range dialect.Names(x) {
		if dialect.Says(x[name]) {
			a.losses.Add("answer."+name, "no such member here", dialect.Weigh(name))
		}
	}
}

// candidate writes a choice.
func (a *answerEncoder) candidate(w *rawjson.Writer, n int, c *llm.Choice) {
	end := ending{stop: &c.Stop, own: a.own}
	var cites []citation
	var logprobs []llm.Logprob
	var text []byte
	w.Open('{').Name("content").Open('{')
	parts := rawjson.Writer{}
	parts.Open('[')
	for i := range c.Parts {
		p, ok := a.part(&c.Parts[i])
		if !ok {
			continue
		}
		if p.Kind == llm.PartCall && p.By == llm.ByClient {
			a.mark(&p, &end)
		}
		if c.Parts[i].Kind == llm.PartRefusal {
			end.refused = true
		}
		if p.Kind == llm.PartText {
			for k := range p.Cites {
				cites = append(cites, citationOf(&p.Cites[k], len(text), len(p.Text)))
			}
			text = append(text, p.Text...)
		}
		logprobs = append(logprobs, p.Logprobs...)
		writePart(&parts, &p, a.own)
	}
	parts.Close(']')
	if len(parts.Buf) > len("[]") {
		w.Name("parts").Raw(parts.Buf)
	}
	w.Name("role").String("model")
	if a.own {
		writeNested(w, c.Extra, "content.")
	}
	w.Close('}')
	end.write(w, &a.losses)
	w.Name("index").Int(int64(n))
	a.writeRest(w, c.Extra, cites, logprobs, text)
	w.Close('}')
}

// mark notes a call for the client, and puts a mark on the first of another maker's that has no signature.
func (a *answerEncoder) mark(p *llm.Part, end *ending) {
	if !a.own && !end.called && p.Seal.Data == "" {
		p.Seal = unsealed
	}
	end.called = true
}

// citationOf places a citation of a part of which so much text is before it.
func citationOf(c *llm.Cite, before, size int) citation {
	from, to := c.Start, c.End
	if from == 0 && to == 0 {
		to = int64(size)
	}
	return citation{c, int64(before) + from, int64(before) + to}
}

// writeRest writes what a candidate has besides its content and its end.
func (a *answerEncoder) writeRest(w *rawjson.Writer, x llm.Extra, cites []citation, logprobs []llm.Logprob, text []byte) {
	var grounding, rest []byte
	if a.own {
		grounding, rest = x["groundingMetadata"], x["logprobsResult"]
		if len(cites) == 0 && grounding != nil {
			w.Name("groundingMetadata").Raw(grounding)
			grounding = nil
		}
	}
	writeGrounding(w, cites, text, grounding, a.own)
	if len(logprobs) > 0 || rest != nil {
		w.Name("logprobsResult").Open('{')
		if len(logprobs) > 0 {
			writeLogprobs(w, logprobs, a.own)
		}
		for name, raw := range rawjson.Members(rest) {
			w.Name(string(name)).Raw(raw)
		}
		w.Close('}')
	}
	if !a.own {
		a.loseExtra(x)
		return
	}
	for _, name := range dialect.Names(x) {
		switch {
		case name == "groundingMetadata" || name == "logprobsResult" || len(name) > 8 && name[:8] == "content.":
		default:
			w.Name(name).Raw(x[name])
		}
	}
}

// part makes a part of the answer sayable; false if it is left out.
func (a *answerEncoder) part(in *llm.Part) (llm.Part, bool) {
	p := *in
	if a.own {
		return p, true
	}
	if !a.head(&p) {
		return p, false
	}
	for i := range p.Cites {
		loseCite(&a.losses, &p.Cites[i])
	}
	a.loseLogprobs(p.Logprobs)
	switch p.Kind {
	case llm.PartCall:
		a.arguments(&p)
	case llm.PartText:
		if p.Text == "" && len(p.Cites) > 0 {
			a.losses.Add("answer.citations", "a citation of no text", llm.Dropped)
		}
		return p, p.Text != "" || p.Seal.Data != ""
	case llm.PartReasoning:
		return p, p.Text != "" || p.Seal.Data != ""
	case llm.PartImage, llm.PartAudio, llm.PartVideo, llm.PartFile:
		ok := a.medium(&p)
		return p, ok
	}
	return p, true
}

// head decides by a part's kind whether it has a place here and as what.
func (a *answerEncoder) head(p *llm.Part) bool {
	switch p.Kind {
	case llm.PartText, llm.PartReasoning, llm.PartImage, llm.PartAudio, llm.PartVideo, llm.PartFile:
	case llm.PartJSON:
		p.Kind = llm.PartText
	case llm.PartRefusal:
		a.losses.Add("answer.refusal", "a refusal becomes plain text", llm.Changed)
		p.Kind = llm.PartText
	case llm.PartCall, llm.PartResult:
		if p.By != llm.ByClient || p.Kind == llm.PartResult {
			a.losses.Add("answer.server_tools", "only their own dialect can tell of tools its provider ran", llm.Dropped)
			return false
		}
	default:
		a.losses.Add("answer.opaque", "only its own dialect understands it", llm.Dropped)
		return false
	}
	a.loseExtra(p.Extra)
	if p.Phase != "" {
		a.losses.Add("answer.phase", "there are no phases here", llm.Dropped)
	}
	if p.Cache != nil {
		a.losses.Add("answer.cache", "there are no such marks here", llm.Dropped)
	}
	p.Extra, p.Raw = nil, nil
	return true
}

// arguments makes an object of a call's arguments.
func (a *answerEncoder) arguments(p *llm.Part) {
	args, whole := argsObject(p.Args, p.Free)
	if !whole || p.Free {
		a.losses.Add("answer.arguments", "arguments that are no JSON object are wrapped in one", llm.Changed)
	}
	p.Args, p.Free = args, false
}

func (a *answerEncoder) loseLogprobs(list []llm.Logprob) {
	for i := range list {
		if losesLogprob(&list[i]) {
			a.losses.Add("answer.logprobs", "a token has its text and its probability here", llm.Changed)
		}
	}
}

// mediaPaths are the paths of an answer's media.
var mediaPaths = map[llm.PartKind]string{
	llm.PartImage: "answer.image", llm.PartAudio: "answer.audio", llm.PartVideo: "answer.image", llm.PartFile: "answer.image",
}

// medium makes a medium of another dialect's answer sayable: with its type, and without its transcript and id.
func (a *answerEncoder) medium(p *llm.Part) bool {
	path := mediaPaths[p.Kind]
	if p.Media == nil || p.Media.FileID != "" || *p.Media == (llm.Blob{}) {
		a.losses.Add(path, "a medium that is kept elsewhere", llm.Dropped)
		return false
	}
	b := *p.Media
	if b.Type == "" && b.URL == "" || p.ID != "" || p.Text != "" || b.Name != "" || b.Detail != "" || b.Source != "" || b.Cite {
		a.losses.Add(path, "a medium is its data and their type here", llm.Changed)
	}
	if b.Type == "" && b.URL == "" {
		if b.Type = typeOf(p.Kind, b.Data, b.Name); b.Text != "" {
			b.Type = "text/plain"
		}
	}
	b.Name, b.Detail, b.Source, b.Cite = "", "", "", false
	p.Media, p.ID, p.Text = &b, "", ""
	return true
}

// Cannot implements dialect.Codec: everything that an answer is asked for has a place here.
func (codec) Cannot(*llm.Request, llm.Dialect) []llm.Loss { return nil }
