package engine

import (
	"weir/internal/llm"
	"weir/internal/prepare"
)

// concerned reports whether a call of the target's own dialect may hold something that the model's transforms are about.
// It is a look at the bytes, and nothing at all where the model declares none.
func (c *call) concerned() bool {
	return c.x.Plan.Transforms != 0 && c.x.Op == llm.OpChat && c.d.Codec() != nil && prepare.Concerns(c.x.Plan.Transforms, c.in.Body)
}

// unfit reports whether the target would not take the call as it is, so that its body must be made anew. A body that
// cannot be decoded passes: its provider says what is wrong with it.
func (c *call) unfit(t *try) (bool, error) {
	req := c.request
	if req == nil {
		var err error
		if req, err = c.d.Codec().DecodeRequest(c.in); err != nil {
			return false, nil //nolint:nilerr // see above
		}
		req = c.threaded(req)
	}
	got, err := c.desk.Request(c.r.Context(), req, c.x.Plan.Transforms, c.whereto(t))
	if err != nil || got.Request == req {
		return false, err
	}
	c.request = req // not otherwise: it shares the body's memory, which a passing call gives back
	return true, nil
}

// prepared returns a request as the target takes it, as far as the model's transforms do something about it, and what
// that loses.
func (c *call) prepared(t *try, req *llm.Request) (*llm.Request, []llm.Loss, error) {
	if c.x.Plan.Transforms == 0 {
		return req, nil, nil
	}
	got, err := c.desk.Request(c.r.Context(), req, c.x.Plan.Transforms, c.whereto(t))
	t.a.Prepared = got.Steps
	return got.Request, got.Losses, err
}

func (c *call) whereto(t *try) prepare.Target {
	return prepare.Target{Dialect: t.a.Dialect, Facts: t.place.Facts(t.a.Target.Model)}
}

// forTarget returns the request without what the gateway itself does about keeping. A provider that keeps answers itself
// is asked to, and told which of its own the call goes on from.
func (c *call) forTarget(t *try) *llm.Request {
	if c.th == nil || !t.native(c.d) {
		return c.threadless(c.request)
	}
	own := *c.request
	if c.th.pinned == "" { // the gateway has put the conversation in front
		own.Thread.Previous = ""
	}
	return &own
}
