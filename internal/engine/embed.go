package engine

import (
	"net/http"
	"strconv"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/gateway"
)

// prepareEmbed makes the body of a request for embeddings in another dialect than the client's.
func (c *call) prepareEmbed(t *try) error {
	t.a.Dialect, t.a.Mode = t.up.Name(), gateway.Translated
	if c.embed == nil {
		e, err := c.d.(dialect.Embedder).DecodeEmbed(c.in)
		if err != nil {
			return err
		}
		c.embed = e
	}
	calls, losses, err := c.encodeEmbed(t)
	if err != nil {
		return err
	}
	t.more = calls[1:]
	return c.encoded(t, calls[0], losses, "application/json")
}

// translateEmbeddings carries the vectors of an answer into the client's dialect.
func (c *call) translateEmbeddings(t *try, resp *http.Response, body []byte, reading *dialect.Reading) *fault.Fault {
	a, err := t.up.(dialect.Embedder).DecodeEmbedding(body)
	if err != nil {
		f := garbage(t)
		f.Cause = err
		return f
	}
	if a.Usage == nil { // it may stand in the answer's head
		a.Usage = reading.Usage
	}
	if len(t.more) > 0 {
		if f := c.embedRest(t, a, reading); f != nil {
			return f
		}
	}
	a.Else.ID, a.Else.Model = c.x.ID, t.a.Target.Model
	out, losses, err := c.d.(dialect.Embedder).EncodeEmbedding(c.embed, a)
	if err != nil {
		return fault.Of(err)
	}
	t.a.Losses = append(t.a.Losses, losses...)
	c.began(t)
	c.answer(t, resp, out)
	c.done(t, reading)
	return nil
}

// answer writes a whole answer that this gateway encoded.
func (c *call) answer(t *try, resp *http.Response, out []byte) {
	c.w.Header()["Content-Length"] = []string{strconv.Itoa(len(out))}
	c.ownHead(resp, "application/json", c.lost.add(t.a.Losses))
	c.write(out)
}
