package openaichat

import (
	"bytes"
	"strings"

	"weir/internal/dialect/openai"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// choiceDecoder is one choice of a stream.
type choiceDecoder struct {
	d       *streamDecoder
	n       int
	next    int // index of the part to open next
	stopped bool
	refused bool
	called  bool // the client has a call to answer
	extra   llm.Extra

	cur   textLike
	calls []*callDecoder
	runes int64 // characters of the texts before the open one
}

// textLike is the part that grows, if one is open: a text, refusal, reasoning or audio.
type textLike struct {
	open   bool
	kind   llm.PartKind
	name   string
	index  int
	detail int64    // reasoning_details: the wire's number
	close  llm.Part // what became known
	format string   // reasoning_details: not yet the maker of a seal
	sealed bool

	// Citations count characters; to place them in bytes the text is needed from its first letter that takes several.
	ascii int
	rest  strings.Builder
	cites []placedCite
}

type placedCite struct {
	cite     llm.Cite
	from, to int64
}

func (c *choiceDecoder) emit(kind llm.EventKind, index int, text string, part llm.Part) {
	c.d.emit(llm.Event{Kind: kind, Choice: c.n, Index: index, Text: text, Part: part})
}

// member keeps a member of the choice or, dotted, of its delta; the last value counts.
func (c *choiceDecoder) member(prefix string, name, v []byte) {
	if rawjson.IsNull(v) {
		return
	}
	key := prefix + string(name)
	if bytes.Equal(c.extra[key], v) {
		return
	}
	if c.stopped {
		c.d.note = true
		return
	}
	if !c.d.hold(len(v)) {
		return
	}
	openai.Keep(&c.extra, key, bytes.Clone(v))
}

// delta decodes one chunk's piece of the choice.
func (c *choiceDecoder) delta(t *turn) {
	if c.stopped {
		c.d.note = c.d.note || !empty(t.calls) || rawjson.Text(t.content) != ""
		return
	}
	c.think(t)
	c.say(t)
	switch s := rawjson.Text(t.refusal); {
	case s != "":
		c.refused = true
		c.grow(llm.PartRefusal, "", s, logprobs(t.refusalLogs, true))
	case !empty(t.refusalLogs) && c.cur.open && c.cur.kind == llm.PartRefusal:
		c.grow(llm.PartRefusal, "", "", logprobs(t.refusalLogs, true))
	case !empty(t.refusalLogs):
		c.member("", []byte("logprobs.refusal"), t.refusalLogs)
	}
	c.sound(t.audio)
	if areImages(t.images) {
		for _, e := range rawjson.Elems(t.images) {
			c.whole(contentPart(nil, e, ""))
		}
	}
	for _, e := range rawjson.Elems(t.calls) {
		c.call(e)
	}
	if rawjson.Kind(t.functionCall) == '{' && !openai.Nothing(t.functionCall) {
		c.functionCall(t.functionCall)
	}
}

// think decodes reasoning. The same text often comes under two names; it is told once.
func (c *choiceDecoder) think(t *turn) {
	content, reasoning := rawjson.Text(t.reasoningContent), rawjson.Text(t.reasoning)
	said := ""
	var saidSb106 strings.Builder
	for _, e := range rawjson.Elems(t.details) {
		p := detail(e, "")
		saidSb106.WriteString(p.Text)
	}
	said += saidSb106.String()
	logs := logprobs(t.reasoningLogs, false)
	if content != "" && content != said {
		c.grow(llm.PartReasoning, wordContent, content, logs)
		logs = nil
	}
	if reasoning != "" && reasoning != content && reasoning != said {
		c.grow(llm.PartReasoning, wordReasoning, reasoning, logs)
		logs = nil
	}
	for _, e := range rawjson.Elems(t.details) {
		c.detail(e)
	}
	switch {
	case logs == nil:
	case c.cur.open && c.cur.kind == llm.PartReasoning:
		c.emit(llm.EventDelta, c.cur.index, "", llm.Part{Logprobs: logs})
	default:
		c.member("", []byte("logprobs.reasoning_content"), t.reasoningLogs)
	}
}

// detail decodes an element of reasoning_details; those of one number and type are one part.
func (c *choiceDecoder) detail(v []byte) {
	p := detail(v, "")
	if p.Kind == llm.PartOpaque {
		c.whole(p)
		return
	}
	n, _ := rawjson.Int(rawjson.Get(v, "index"))
	form := p.Extra["format"]
	delete(p.Extra, "format")
	if len(p.Extra) == 0 {
		p.Extra = nil
	}
	cipher := p.Seal.Form == llm.SealEncrypted
	same := c.cur.open && c.cur.kind == llm.PartReasoning && c.cur.name == wordDetails && c.cur.detail == n &&
		c.cur.close.Summary == p.Summary && !cipher && !(c.cur.sealed && c.cur.close.Seal.Form == llm.SealEncrypted)
	if !same {
		if p.Text == "" && p.Seal == (llm.Seal{}) && p.Extra == nil && form == nil && !cipher {
			return
		}
		c.open(llm.Part{Kind: llm.PartReasoning, Name: wordDetails, Summary: p.Summary, Item: p.Item})
		c.cur.detail = n
		c.cur.close.Summary = p.Summary
	} else if p.Item != "" {
		c.cur.close.Item = p.Item
	}
	if form != nil {
		c.cur.format = string(form)
	}
	for name, val := range p.Extra {
		if c.d.hold(len(val)) {
			openai.Keep(&c.cur.close.Extra, name, bytes.Clone(val))
		}
	}
	if p.Text != "" {
		c.emit(llm.EventDelta, c.cur.index, p.Text, llm.Part{})
	}
	if p.Seal != (llm.Seal{}) {
		c.cur.sealed, c.cur.close.Seal.Form = true, p.Seal.Form
		c.emit(llm.EventSeal, c.cur.index, "", llm.Part{Seal: p.Seal})
	}
}

func (c *choiceDecoder) say(t *turn) {
	logs := logprobs(t.contentLogs, false)
	switch rawjson.Kind(t.content) {
	case '"':
		if s := rawjson.Text(t.content); s != "" {
			c.grow(llm.PartText, "", s, logs)
			logs = nil
		}
	case '[':
		for _, e := range rawjson.Elems(t.content) {
			switch p := contentPart(nil, e, ""); p.Kind {
			case llm.PartText, llm.PartRefusal, llm.PartReasoning:
				if p.Text != "" || p.Extra != nil {
					c.grow(p.Kind, p.Name, p.Text, logs)
					c.known(p.Extra)
					logs = nil
				}
			default:
				c.whole(inContent(p))
			}
		}
	case '{', '0', 't', 'f':
		c.open(llm.Part{Kind: llm.PartJSON})
		c.emit(llm.EventDelta, c.cur.index, string(t.content), llm.Part{})
	}
	if logs != nil || !empty(t.annotations) {
		if !c.cur.open || c.cur.kind != llm.PartText {
			c.open(llm.Part{Kind: llm.PartText})
		}
		if logs != nil {
			c.emit(llm.EventDelta, c.cur.index, "", llm.Part{Logprobs: logs})
		}
		for _, e := range rawjson.Elems(t.annotations) {
			if !c.d.hold(len(e)) {
				return
			}
			cite, from, to := citation(bytes.Clone(e))
			c.cur.cites = append(c.cur.cites, placedCite{cite, from, to})
		}
	}
}

// known notes members of the open part, told when it closes.
func (c *choiceDecoder) known(x llm.Extra) {
	for name, v := range x {
		if c.d.hold(len(v)) {
			openai.Keep(&c.cur.close.Extra, name, bytes.Clone(v))
		}
	}
}

func (c *choiceDecoder) sound(v []byte) {
	p, ok := audioPart(v, "")
	if !ok {
		if c.cur.open && c.cur.kind == llm.PartAudio {
			c.known(p.Extra)
		}
		return
	}
	if !c.cur.open || c.cur.kind != llm.PartAudio {
		c.open(llm.Part{Kind: llm.PartAudio, ID: p.ID, Media: &llm.Blob{}})
	} else if p.ID != "" {
		c.cur.close.ID = p.ID
	}
	c.known(p.Extra)
	if p.Text != "" || p.Media.Data != "" {
		part := llm.Part{}
		if p.Media.Data != "" {
			part.Media = p.Media
		}
		c.emit(llm.EventDelta, c.cur.index, p.Text, part)
	}
}

// grow adds to the open part of that kind and word, or opens one.
func (c *choiceDecoder) grow(kind llm.PartKind, name, text string, logs []llm.Logprob) {
	if !c.cur.open || c.cur.kind != kind || c.cur.name != name {
		c.open(llm.Part{Kind: kind, Name: name})
	}
	if kind == llm.PartText {
		c.cur.track(text)
	}
	c.emit(llm.EventDelta, c.cur.index, text, llm.Part{Logprobs: logs})
}

// track notes text for the placing of citations.
func (t *textLike) track(s string) {
	if t.rest.Len() == 0 {
		i := 0
		for i < len(s) && s[i] < 0x80 {
			i++
		}
		t.ascii += i
		s = s[i:]
	}
	if s != "" && t.rest.Len() < heldMost {
		t.rest.WriteString(s)
	}
}

// byteAt returns the offset of character n of the open text.
func (t *textLike) byteAt(n int64) (int, bool) {
	if n <= int64(t.ascii) {
		return int(n), n >= 0
	}
	i, ok := byteAt(t.rest.String(), n-int64(t.ascii))
	return t.ascii + i, ok
}

func (c *choiceDecoder) open(p llm.Part) {
	c.close()
	c.cur = textLike{open: true, kind: p.Kind, name: p.Name, index: c.next}
	c.next++
	c.emit(llm.EventOpen, c.cur.index, "", p)
}

// whole tells a part that comes in one piece.
func (c *choiceDecoder) whole(p llm.Part) {
	text := p.Text
	p.Text = ""
	c.open(p)
	if text != "" {
		c.emit(llm.EventDelta, c.cur.index, text, llm.Part{})
	}
	c.close()
}

// close ends the open text-like part.
func (c *choiceDecoder) close() {
	t := &c.cur
	if !t.open {
		return
	}
	t.open = false
	for i := range t.cites {
		p := &t.cites[i]
		if p.from != 0 || p.to != 0 {
			start, ok := t.byteAt(p.from - c.runes)
			end, ok2 := t.byteAt(p.to - c.runes)
			if ok && ok2 && start < end {
				p.cite.Start, p.cite.End = int64(start), int64(end)
			} else {
				unplaced(&p.cite, p.from, p.to)
			}
		}
		c.emit(llm.EventCite, t.index, "", llm.Part{Cites: []llm.Cite{p.cite}})
	}
	if t.kind == llm.PartText {
		c.runes += int64(t.ascii + len([]rune(t.rest.String())))
	}
	if t.format != "" && (!t.sealed || !knownFormat(t.format)) {
		openai.Keep(&t.close.Extra, "format", []byte(t.format))
	}
	known := t.close
	known.Seal, known.Summary = llm.Seal{}, false
	c.emit(llm.EventClose, t.index, "", known)
}

func knownFormat(quoted string) bool {
	for _, m := range makers {
		if rawjson.Text([]byte(quoted)) == m.format {
			return true
		}
	}
	return false
}

func (c *choiceDecoder) closeAll() {
	c.close()
	for _, call := range c.calls {
		call.close()
	}
}

func (c *choiceDecoder) stop(s llm.Stop) {
	c.closeAll()
	settle(&s, c.called, c.refused)
	c.stopped = true
	c.d.emit(llm.Event{Kind: llm.EventStop, Choice: c.n, Stop: s, Extra: c.extra})
}
