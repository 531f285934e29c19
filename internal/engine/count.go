package engine

import (
	"net/http"

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
	call, losses, err := up.Encode(c.unseal(req, t), t.place.Facts(t.a.Target.Model))
	if err != nil {
		return err
	}
	for i := range losses {
		losses[i].Path = dialect.Under(within, losses[i].Path)
	}
	return c.encoded(t, call, losses, "application/json")
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
