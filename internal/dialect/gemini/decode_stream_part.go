package gemini

import (
	"bytes"
	"slices"

	"weir/internal/dialect"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// streamedChoice is what a stream has told of one candidate.
type streamedChoice struct {
	seen    bool
	opened  int          // parts so far
	kind    llm.PartKind // of the part that is open, a text or a thought; 0 = none is
	sealed  bool         // the open part has its signature: what follows is another part
	call    *streamedCall
	called  bool
	texts   []said
	end     int64 // of all texts joined
	word    string
	message string
	extra   llm.Extra
	cited   []placed // citations that were told
}

// streamedCall is a call whose arguments come in pieces.
type streamedCall struct {
	args string
	pieces
	seal llm.Seal
}

// index is that of the part that was opened last.
func (c *streamedChoice) index() int { return c.opened - 1 }

func (d *streamDecoder) candidate(at int, v []byte) bool {
	c := d.choice(at)
	c.seen = true
	var content, logprobs []byte
	for name, val := range rawjson.Members(v) {
		switch string(name) {
		case "index":
		case "content":
			content = val
		case "finishReason":
			if word := enum(val, finishReasons); stopReason(word) != "" {
				c.word = word
			}
		case "finishMessage":
			c.message = rawjson.Text(val)
		case "logprobsResult":
			logprobs = val
		case "groundingMetadata", "citationMetadata":
			if old := c.extra[string(name)]; dialect.Says(val) || old == nil {
				c.keep(name, val)
			}
		default:
			c.keep(name, val)
		}
	}
	if !d.content(at, content) {
		return false
	}
	return logprobs == nil || d.logprobs(at, d.choice(at), logprobs)
}

func (c *streamedChoice) keep(name, v []byte) {
	if !rawjson.IsNull(v) {
		c.extra = dialect.With(c.extra, string(name), bytes.Clone(v))
	}
}

func (d *streamDecoder) content(at int, v []byte) bool {
	for name, val := range rawjson.Members(v) {
		switch string(name) {
		case "role":
		case "parts":
			if rawjson.Kind(val) != '[' {
				if !d.part(at, val) {
					return false
				}
				continue
			}
			for _, e := range rawjson.Elems(val) { // not elems, which costs
				if !d.part(at, e) {
					return false
				}
			}
		default:
			d.choice(at).keep(append([]byte("content."), name...), val)
		}
	}
	return true
}

// logprobs gives the tokens of a chunk to the text that is open.
func (d *streamDecoder) logprobs(at int, c *streamedChoice, v []byte) bool {
	list, rest, ok := decodeLogprobs(v)
	if !ok || c.kind != llm.PartText {
		c.keep([]byte("logprobsResult"), v)
		return true
	}
	if rest != nil {
		c.keep([]byte("logprobsResult"), rest)
	}
	return d.send(llm.Event{Kind: llm.EventDelta, Choice: at, Index: c.index(), Part: llm.Part{Logprobs: list}})
}

var justText = []byte(`{"text":`)

// plainText reads the commonest part, in either of the two ways Google writes it; ok is false for any other.
func plainText(v []byte) (text string, ok bool) {
	rest, ok := bytes.CutPrefix(v, justText)
	if !ok {
		return "", false
	}
	i := rawjson.Space(rest, 0)
	if i >= len(rest) || rest[i] != '"' {
		return "", false
	}
	end, err := rawjson.SkipString(rest, i)
	if err != nil {
		return "", false
	}
	if j := rawjson.Space(rest, end); j >= len(rest) || rest[j] != '}' {
		return "", false
	}
	return rawjson.Text(rest[i:end]), true
}

func (d *streamDecoder) part(at int, v []byte) bool {
	c := d.choice(at)
	if text, ok := plainText(v); ok {
		return text == "" || d.text(at, c, llm.Part{Kind: llm.PartText}, text)
	}
	p, bad := decodePart(v, "")
	if bad != nil || p.Kind == llm.PartResult && p.By == llm.ByClient {
		p = opaque(v, "")
	}
	p.Args = tight([]byte(p.Args))
	switch p.Kind {
	case llm.PartText, llm.PartReasoning:
		text := p.Text
		p.Text = ""
		return d.text(at, c, p, text)
	case llm.PartCall:
		if p.By == llm.ByClient {
			return d.callPart(at, c, p)
		}
	}
	nameAnswer(&p, at, &d.ids)
	return d.closeOpen(at, c) && d.wholePart(at, c, p, p.Args)
}

// text grows the open text or thought, or begins another one. An empty text with a signature seals the open part.
func (d *streamDecoder) text(at int, c *streamedChoice, p llm.Part, text string) bool {
	seal := p.Seal
	p.Seal = llm.Seal{}
	if text == "" && seal == (llm.Seal{}) && p.Extra == nil {
		return true
	}
	goesOn := c.kind == p.Kind || text == "" && c.kind == llm.PartReasoning
	if !goesOn || c.kind == 0 || c.sealed || p.Extra != nil {
		if !d.closeOpen(at, c) || !d.open(at, c, p) {
			return false
		}
		c.kind = p.Kind
	}
	if text != "" {
		if c.kind == llm.PartText {
			c.texts[len(c.texts)-1].size += int64(len(text))
			c.end += int64(len(text))
		}
		if !d.send(llm.Event{Kind: llm.EventDelta, Choice: at, Index: c.index(), Text: text}) {
			return false
		}
	}
	if seal == (llm.Seal{}) {
		return true
	}
	c.sealed = true
	return d.send(llm.Event{Kind: llm.EventSeal, Choice: at, Index: c.index(), Part: llm.Part{Seal: seal}})
}

func (d *streamDecoder) open(at int, c *streamedChoice, p llm.Part) bool {
	if p.Kind == llm.PartText {
		c.texts = append(c.texts, said{c.opened, c.end, 0})
	}
	c.opened++
	return d.send(llm.Event{Kind: llm.EventOpen, Choice: at, Index: c.index(), Part: p})
}

// closeOpen ends the part that is open. The citations of a text come last: only then it is known how long it is.
func (d *streamDecoder) closeOpen(at int, c *streamedChoice) bool {
	if c.call != nil {
		return d.endCall(at, c)
	}
	if c.kind == 0 {
		return true
	}
	if c.kind == llm.PartText && !d.cite(at, c) {
		return false
	}
	c.kind, c.sealed = 0, false
	return d.send(llm.Event{Kind: llm.EventClose, Choice: at, Index: c.index()})
}

// wholePart tells a part that came at once.
func (d *streamDecoder) wholePart(at int, c *streamedChoice, p llm.Part, grown string) bool {
	seal := p.Seal
	p.Args, p.Seal = "", llm.Seal{}
	if !d.open(at, c, p) {
		return false
	}
	return d.complete(at, c, grown, seal)
}

// complete brings what is missing of a part without text of its own, and closes it.
func (d *streamDecoder) complete(at int, c *streamedChoice, grown string, seal llm.Seal) bool {
	if grown != "" && !d.send(llm.Event{Kind: llm.EventDelta, Choice: at, Index: c.index(), Text: grown}) {
		return false
	}
	if seal != (llm.Seal{}) && !d.send(llm.Event{Kind: llm.EventSeal, Choice: at, Index: c.index(), Part: llm.Part{Seal: seal}}) {
		return false
	}
	return d.send(llm.Event{Kind: llm.EventClose, Choice: at, Index: c.index()})
}

// callPart takes a call for the client: whole, or the beginning or a piece of one.
func (d *streamDecoder) callPart(at int, c *streamedChoice, p llm.Part) bool {
	partial := p.Extra["functionCall.partialArgs"]
	more, _ := rawjson.Bool(p.Extra["functionCall.willContinue"])
	delete(p.Extra, "functionCall.partialArgs")
	delete(p.Extra, "functionCall.willContinue")
	if len(p.Extra) == 0 {
		p.Extra = nil
	}
	if p.Name != "" {
		if !d.closeOpen(at, c) {
			return false
		}
		c.called = true
		nameAnswer(&p, at, &d.ids)
		if !more && partial == nil {
			return d.wholePart(at, c, p, p.Args)
		}
		c.call = &streamedCall{args: p.Args, seal: p.Seal}
		p.Args, p.Seal = "", llm.Seal{}
		if !d.open(at, c, p) {
			return false
		}
	}
	if c.call == nil {
		return true // a piece of nothing
	}
	if p.Seal != (llm.Seal{}) {
		c.call.seal = p.Seal
	}
	c.call.add(partial)
	if c.call.size > heldMost {
		return d.fail(garbage("the provider's stream has a call whose arguments are too long", nil))
	}
	return more || d.endCall(at, c)
}

func (d *streamDecoder) endCall(at int, c *streamedChoice) bool {
	call := c.call
	c.call = nil
	args := call.pieces.String()
	if args == "" {
		args = call.args
	}
	return d.complete(at, c, args, call.seal)
}

// finish ends a candidate.
func (d *streamDecoder) finish(at int, c *streamedChoice) bool {
	if !d.closeOpen(at, c) || !d.cite(at, c) {
		return false
	}
	return d.send(llm.Event{Kind: llm.EventStop, Choice: at, Stop: decodeStop(c.word, c.message, c.called), Extra: c.extra})
}

// cite tells the citations that have come. They may be repeated, and are told once. Where a new one is not of the text
// that is open, or not of what was said so far, all stay as they are.
func (d *streamDecoder) cite(at int, c *streamedChoice) bool {
	if c.extra["groundingMetadata"] == nil && c.extra["citationMetadata"] == nil {
		return true
	}
	var w rawjson.Writer
	w.Open('{')
	for _, name := range [...]string{"groundingMetadata", "citationMetadata"} {
		if raw := c.extra[name]; raw != nil {
			w.Name(name).Raw(raw)
		}
	}
	w.Close('}')
	var o dialect.Object
	o.Read(w.Buf)
	cites, grounding := decodeCites(&o, c.texts)
	cites = slices.DeleteFunc(cites, func(p placed) bool { return slices.ContainsFunc(c.cited, p.repeats) })
	if slices.ContainsFunc(cites, func(p placed) bool { return c.kind != llm.PartText || p.part != c.index() }) {
		return true
	}
	rest := o.Rest()
	for _, name := range [...]string{"groundingMetadata", "citationMetadata"} {
		if rest[name] == nil {
			delete(c.extra, name)
		}
	}
	if grounding != nil {
		c.extra = dialect.With(c.extra, "groundingMetadata", grounding)
	}
	for i := range cites {
		e := llm.Event{Kind: llm.EventCite, Choice: at, Index: c.index(), Part: llm.Part{Cites: []llm.Cite{cites[i].cite}}}
		if !d.send(e) {
			return false
		}
	}
	c.cited = append(c.cited, cites...)
	return true
}

// repeats reports whether two citations are of the same text and the same source.
func (p placed) repeats(q placed) bool {
	a, b := &p.cite, &q.cite
	return p.part == q.part && a.Start == b.Start && a.End == b.End && a.Kind == b.Kind && a.URL == b.URL && a.Title == b.Title && a.Quote == b.Quote
}
