package engine

import (
	"net/http"
	"slices"
	"strconv"

	"weir/internal/dialect"
	"weir/internal/dialect/count"
	"weir/internal/fault"
	"weir/internal/gateway"
	"weir/internal/llm"
)

// prepareCount makes the body of a call that has a conversation counted in another dialect than the client's.
func (c *call) prepareCount(t *try, name llm.Dialect) error {
	up, mine := count.New(c.s.Dialect(name)), c.d.(*count.Face)
	if up == nil {
		return fault.New(fault.NotFound, "the target %s counts no tokens", t.a.Target)
	}
	t.up, t.a.Dialect, t.a.Mode = up, name, gateway.Translated
	req, within, err := mine.Decode(c.in)
	if err != nil {
		return err
	}
	req, before, err := c.prepared(t, c.unseal(unvouched(req), t))
	if err != nil {
		return err
	}
	call, losses, err := up.Encode(req, t.place.Facts(t.a.Target.Model))
	if err != nil {
		return err
	}
	losses = append(before, losses...)
	for i := range losses {
		losses[i].Path = dialect.Under(within, losses[i].Path)
	}
	return c.encoded(t, call, losses, "application/json")
}

// noCounter reports whether a target is to count a conversation and cannot: the number is estimated then.
func (c *call) noCounter(t *try) bool {
	return c.x.Op == llm.OpCount && !c.verbatim && len(t.place.Provider.Speaks(llm.OpCount)) == 0
}

// countHere tells the client an estimate. Nothing is sent.
func (c *call) countHere(t *try) (over bool) {
	face, ok := c.d.(*count.Face)
	if !ok {
		return c.missed(t, fault.New(fault.NotFound, "the target %s counts no tokens", t.a.Target))
	}
	t.a.Dialect, t.a.Mode = c.d.Name(), gateway.Estimated
	req, _, err := face.Decode(c.in)
	if err != nil {
		return c.missed(t, fault.Of(err))
	}
	s := source(t.a)
	c.e.learned.Want(s)
	out := face.Write(c.e.learned.Request(s, req).Tokens)
	c.began(t)
	h := c.w.Header()
	h["Content-Type"], h["Content-Length"] = []string{"application/json"}, []string{strconv.Itoa(len(out))}
	h["X-Weir-Estimated"] = []string{"true"}
	c.stamp(h)
	c.head(http.StatusOK)
	c.write(out)
	c.done(t, &dialect.Reading{})
	return true
}

// counts returns the dialect that a provider is to count in. Servers of vLLM's kind have the paths of conversations in
// several dialects, and count in their own alone.
func counts(speaks []llm.Dialect, first llm.Dialect) llm.Dialect {
	if slices.Contains(speaks, llm.VLLMTokenize) {
		return llm.VLLMTokenize
	}
	return first
}

// translateCount tells the client the number in its dialect.
func (c *call) translateCount(t *try, resp *http.Response, body []byte, reading *dialect.Reading) *fault.Fault {
	n, err := t.up.(*count.Face).Read(body)
	if err != nil {
		f := garbage(t)
		f.Cause = err
		return f
	}
	c.began(t)
	c.answer(t, resp, c.d.(*count.Face).Write(n))
	c.done(t, reading)
	return nil
}
