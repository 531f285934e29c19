package engine

import (
	"net/http"
	"strconv"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/gateway"
	"weir/internal/llm"
)

// prepareClassify makes the body of a request to put texts into classes in another dialect than the client's.
func (c *call) prepareClassify(t *try) error {
	t.a.Dialect, t.a.Mode = t.up.Name(), gateway.Translated
	if c.classify == nil {
		r, err := c.d.(dialect.Classifier).DecodeClassify(c.in)
		if err != nil {
			return err
		}
		c.classify = r
	}
	call, losses, err := t.up.(dialect.Classifier).EncodeClassify(c.classify, t.place.Facts(t.a.Target.Model))
	if err != nil {
		return err
	}
	return c.encoded(t, call, losses, "application/json")
}

// translateClasses carries the classes found into the client's dialect. What was read may be counted in the answer's head
// alone, so that the meter's usage stands in for one that the body does not state.
func (c *call) translateClasses(t *try, resp *http.Response, body []byte, reading *dialect.Reading) *fault.Fault {
	a, err := t.up.(dialect.Classifier).DecodeClasses(body)
	if err != nil {
		f := garbage(t)
		f.Cause = err
		return f
	}
	if a.Usage == nil {
		a.Usage = reading.Usage
	}
	a.Else.ID, a.Else.Model, a.Else.Created = c.x.ID, t.a.Target.Model, llm.Num(strconv.FormatInt(c.x.Start.Unix(), 10))
	out, losses, err := c.d.(dialect.Classifier).EncodeClasses(c.classify, a)
	if err != nil {
		return fault.Of(err)
	}
	t.a.Losses = append(t.a.Losses, losses...)
	c.began(t)
	c.answer(t, resp, out)
	c.done(t, reading)
	return nil
}
