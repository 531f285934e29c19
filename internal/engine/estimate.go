package engine

import (
	"bytes"
	"strings"

	"weir/internal/dialect"
	"weir/internal/gateway"
	"weir/internal/llm"
	"weir/internal/tokens"
)

const (
	askedMost = 16 << 10 // bytes of a request that is kept as it is while its answer streams
	glimpse   = 512      // of a larger one so many bytes are remembered
	glimpses  = 8        // at so many places
	callsMost = 128      // of an answer that are counted
)

// remember keeps what is needed of a request to tell what it comes to, when its body is given back.
func (c *call) remember(r *dialect.Reading) {
	if c.x.Op != llm.OpChat || c.body == nil || r.Usage.Has(llm.SaidInput) || c.request != nil {
		return
	}
	b := c.in.Body
	if len(b) <= askedMost {
		c.held = c.body
		c.held.hold()
		return
	}
	c.heard.open()
	c.heard.asked = len(b)
	for i := range glimpses {
		at := i * (len(b) - glimpse) / (glimpses - 1)
		c.heard.glimpses = append(c.heard.glimpses, b[at:at+glimpse]...)
	}
}

// whole counts an answer that is no stream, as bytes or decoded already, where u does not state it.
func (c *call) whole(t *try, raw []byte, resp *llm.Response, u *llm.Usage) {
	if c.x.Op != llm.OpChat || u.Has(llm.SaidOutput) {
		return
	}
	if codec := t.up.Codec(); resp == nil && codec != nil {
		resp, _ = codec.DecodeResponse(raw) // what cannot be read is not counted
	}
	if resp != nil {
		c.heard.answer = c.e.learned.Answer(source(t.a), choices(resp)...).Tokens
	}
}

func source(a *gateway.Attempt) tokens.Source {
	return tokens.Source{Provider: a.Target.Provider, Model: a.Target.Model}
}

func choices(r *llm.Response) [][]llm.Part {
	out := make([][]llm.Part, len(r.Choices))
	for i := range r.Choices {
		out[i] = r.Choices[i].Parts
	}
	return out
}

// estimate completes the usage of an answer that ended without a statement of it, and learns from those that did not.
func (c *call) estimate() {
	defer c.heard.release()
	defer c.held.release()
	x := c.x
	if x.Op != llm.OpChat || len(x.Attempts) == 0 || c.s == nil {
		return
	}
	a := &x.Attempts[len(x.Attempts)-1]
	s := source(a)
	if a.FirstEvent == 0 { // nothing was answered
		if c.bill.on && c.bill.sent && x.Usage == nil && (c.gone || x.Ending == gateway.ClientGone) { // and it may have been read
			if n := c.asked(s); n > 0 {
				x.Usage = &llm.Usage{Input: n, Said: llm.SaidInput, Estimated: llm.SaidInput}
			}
		}
		return
	}
	over := x.Ending == gateway.Done || x.Stop.Reason != "" // what is stated is not of a moment in between
	if over && x.Usage.Has(llm.SaidInput|llm.SaidOutput) {
		if c.e.learned.Due(s) {
			c.learn(s)
		}
		return
	}
	u := llm.Usage{}
	if x.Usage != nil {
		u = *x.Usage
	}
	c.e.learned.Want(s)
	if !u.Has(llm.SaidInput) {
		if n := c.asked(s); n > 0 {
			u.Input, u.Said, u.Estimated = n, u.Said|llm.SaidInput, u.Estimated|llm.SaidInput
		}
	}
	if !over || !u.Has(llm.SaidOutput) {
		if n := c.answered(s); n > u.Output {
			u.Output, u.Said, u.Estimated = n, u.Said|llm.SaidOutput, u.Estimated|llm.SaidOutput
		}
	}
	if u.Estimated != 0 {
		x.Usage = &u
	}
}

// asked estimates what the request came to, 0 where nothing is left of it.
func (c *call) asked(s tokens.Source) int64 {
	if req := c.decoded(); req != nil {
		return c.e.learned.Request(s, req).Tokens
	}
	if c.heard.asked > 0 && c.heard.page != nil {
		g := c.heard.glimpses
		n := 0
		for i := 0; i+glimpse <= len(g); i += glimpse {
			n += int(c.e.learned.Text(s, plainly(g[i:i+glimpse])))
		}
		return int64(n) * int64(c.heard.asked) / int64(len(g))
	}
	return 0
}

// plainly is a piece of JSON as a model reads it. A piece without a space, such as of a picture in base64, is nothing.
func plainly(piece []byte) string {
	if bytes.IndexByte(piece, ' ') < 0 && bytes.IndexByte(piece, '"') < 0 && isASCII(piece) {
		return ""
	}
	return unescaped(piece)
}

// unescaped is a piece of JSON text with the commonest escapes taken out; it may begin or end within one.
func unescaped(piece []byte) string { return escapes.Replace(string(piece)) }

var escapes = strings.NewReplacer(`\n`, "\n", `\t`, "\t", `\"`, `"`, `\\`, `\`)

func isASCII(b []byte) bool {
	for _, c := range b {
		if c >= 0x80 {
			return false
		}
	}
	return true
}

// decoded returns the request in canonical words, nil where its body is gone or cannot be read so.
func (c *call) decoded() *llm.Request {
	if c.request != nil {
		return c.request
	}
	if c.body == nil && c.held == nil || c.d.Codec() == nil {
		return nil
	}
	req, err := c.d.Codec().DecodeRequest(c.in)
	if err != nil {
		return nil
	}
	return req
}

// answered estimates what was answered so far.
func (c *call) answered(s tokens.Source) int64 {
	h := &c.heard
	if h.answer > 0 {
		return h.answer
	}
	parts := h.parts()
	n := c.e.learned.Answer(s, parts).Tokens
	if h.page != nil && h.all > int64(len(h.text)) {
		n += c.e.learned.Answer(s, parts[:1]).Tokens * (h.all - int64(len(h.text))) / int64(len(h.text))
	}
	return n
}

// parts is what is remembered, as an answer: its text, and calls whose arguments are in that.
func (h *heard) parts() []llm.Part {
	out := make([]llm.Part, 1, 1+min(h.calls, callsMost))
	out[0].Kind = llm.PartText
	if h.page != nil {
		out[0].Text = unescaped(h.text)
	}
	for range min(h.calls, callsMost) {
		out = append(out, llm.Part{Kind: llm.PartCall, Name: "a_tool"})
	}
	return out
}

// learn corrects the estimates by what was stated. The client has its answer by then.
func (c *call) learn(s tokens.Source) {
	c.flush()
	u := c.x.Usage
	if req := c.decoded(); req != nil && u.ToolInput == 0 {
		c.e.learned.Input(s, req, u.Input)
	}
	if h := &c.heard; h.all > 0 && h.all == int64(len(h.text)) && u.Reasoning == 0 {
		c.e.learned.Output(s, u.Output, h.parts())
	}
}
