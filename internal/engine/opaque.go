package engine

import (
	"errors"
	"io"
	"net/http"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/gateway"
	"weir/internal/llm"
)

// opaque reports whether an answer is neither JSON nor a stream of it, and may be that.
func opaque(d dialect.Dialect, op llm.Op, contentType string) bool {
	o, ok := d.(dialect.Opaquer)
	return ok && o.Opaque(op, contentType)
}

// passOpaque relays sound or text as it comes, and holds no more of it than a read brings. Until its first bytes are
// there another target may still answer. It has no place for an error: when it breaks off the connection does too, so
// that no client takes a part for the whole.
func (c *call) passOpaque(t *try, resp *http.Response) *fault.Fault {
	buf := newBuffer()
	defer buf.release()
	if cap(buf.b) < opaqueSize {
		buf.b = make([]byte, 0, opaqueSize)
	}
	read := buf.b[:cap(buf.b)]
	reading := meterFor(t, resp).Read()
	defer c.read(t, reading)
	if c.x.Op == llm.OpImage || c.x.Op == llm.OpImageEdit {
		reading.Made.Images = 1 // the answer is the image
	}
	var all int64
	for {
		n, err := resp.Body.Read(read)
		all += int64(n)
		if n > 0 {
			if !c.wrote {
				c.opaqueHead(t, resp)
			}
			c.write(read[:n])
			c.flush()
			if m := c.basis.spoken; m != nil {
				_, _ = m.Write(read[:n])
			}
			if c.gone { // nothing more is to be learnt from the rest
				c.left()
				return nil
			}
		}
		if errors.Is(err, io.EOF) && (resp.ContentLength < 0 || all == resp.ContentLength) {
			break
		}
		if err != nil {
			return c.opaqueBroke(t, c.sendFault(t, err))
		}
	}
	if !c.wrote && c.asking != nil {
		c.opaqueHead(t, resp) // a file may be empty
	}
	if !c.wrote {
		return garbage(t) // nothing is no sound
	}
	c.done(t, reading)
	return nil
}

// opaqueSize is how much is read at once: a second of speech or so.
const opaqueSize = 32 << 10

// opaqueHead writes the head. Where only the end of the connection ends the answer, it does so here too: what the
// provider left open is not passed off as known.
func (c *call) opaqueHead(t *try, resp *http.Response) {
	c.began(t)
	c.letGo(t)
	if closeDelimited(resp) {
		c.w.Header()["Transfer-Encoding"] = []string{"identity"}
		c.w.Header()["Connection"] = []string{"close"}
	}
	c.passHead(resp, resp.ContentLength, c.lost.add(t.a.Losses))
}

// opaqueBroke ends an answer that failed under way.
func (c *call) opaqueBroke(t *try, f *fault.Fault) *fault.Fault {
	if !c.wrote {
		return f
	}
	t.a.Fault = f
	if f.Kind == fault.ClientGone || c.gone {
		c.left()
		return nil
	}
	own := *f
	own.ID, own.Message = c.x.ID, fault.Blot(f.Message)
	c.x.Fault, c.x.Ending = &own, gateway.Cut
	panic(http.ErrAbortHandler)
}
