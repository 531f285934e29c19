package engine

import (
	"net/http"
	"slices"

	"weir/internal/dialect"
	"weir/internal/fault"
)

// orders judges what is to be made of files that are there already, a job of fine-tuning: its model must be allowed to the
// key, its files must be the key's own, and it goes to the provider that keeps them.
func (c *call) orders() (err error) {
	x := c.x
	if x.Head, err = c.d.Peek(&c.in); err != nil {
		return err
	}
	if err := c.match(); err != nil {
		return err
	}
	if err := c.refer(); err != nil {
		return err
	}
	if o, ok := c.d.(dialect.Orderer); ok {
		for _, named := range o.Files(&c.in) {
			if !slices.ContainsFunc(c.refs, func(r reference) bool { return r.said == named.ID }) {
				f := fault.New(fault.NotFound, "no such file here for this key: %s; upload it to /v1/files first", bounded(named.ID, 200))
				f.Param, f.Code = named.Param, "not_found"
				return f
			}
		}
	}
	if c.s.Unpriced == RefuseUnpriced {
		f := fault.New(fault.Forbidden, "what training costs is not known here, and requests without a price are refused (defaults.unpriced)")
		f.Param, f.Code = "model", "model_unpriced"
		return f
	}
	for _, a := range c.s.Admitters {
		if err := a.Admit(c.r.Context(), x); err != nil {
			return err
		}
		c.admits = append(c.admits, a)
	}
	if x.Plan, err = c.s.Router.Plan(x.Plan.Rule, x); err != nil {
		return err
	}
	return c.pinFiles()
}

// prepareOrder makes the body of a job: the model goes by the target's name.
func (c *call) prepareOrder(t *try) error {
	edit := dialect.Edit{}
	if t.a.Target.Model != c.x.Head.Model {
		edit.Model = t.a.Target.Model
	}
	buf := newBuffer()
	call, err := c.d.Edit(buf.b, c.in, edit)
	if err != nil {
		buf.release()
		return err
	}
	buf.b, t.call, t.buf = call.Body, call, buf
	return nil
}

// ordered notes that training costs something that is not known.
func (c *call) ordered() {
	if c.x.Status == http.StatusOK {
		c.x.Unpriced = "what training costs is not known here"
		c.x.Alert = c.s.Unpriced == AlertUnpriced
	}
}
