package engine

import (
	"bytes"
	"net/http"
	"slices"
	"strings"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/gateway"
	"weir/internal/llm"
)

// asking is a call about things that a provider keeps; nil for any other.
type asking struct {
	h      dialect.Holder
	verb   dialect.ThingVerb
	thing  gateway.Thing // what it is about, nothing of a list; of what is to be made, as far as it is known
	upload dialect.Upload
	lines  *batchFile // of an upload that holds requests
	done   func()     // gives back the room that is held for what is to be made
	parts  *parts     // of an upload in parts
}

// ServeThing answers a call about things that a provider keeps: files, jobs. Whose a thing is and which provider has it is
// decided here; ids in calls and answers are the gateway's own, and another key's is not found. A list is answered from
// what is known here, since a provider's own holds everybody's things.
func (e *Engine) ServeThing(w http.ResponseWriter, r *http.Request, d dialect.Dialect, op llm.Op) {
	e.about(w, r, d, op, (*call).askThing)
}

// askThing answers a caller who is identified.
func (c *call) askThing() error {
	h, ok := c.d.(dialect.Holder)
	if !ok || c.e.things == nil {
		return fault.New(fault.NotFound, "there is nothing at %s", bounded(c.r.URL.Path, 100))
	}
	verb, id, ok := h.Asks(c.r.Method, c.r.URL.Path)
	if !ok {
		return fault.New(fault.NotFound, "there is nothing at %s %s", bounded(c.r.Method, 20), bounded(c.r.URL.Path, 100))
	}
	c.asking = &asking{h: h, verb: verb}
	c.in = dialect.Call{Op: c.x.Op, Path: c.r.URL.EscapedPath(), Query: withoutKey(c.r.URL.RawQuery), Header: c.r.Header}
	c.verbatim, c.change = true, c.answerThing
	switch verb {
	case dialect.ThingCreate:
		return c.makeThing()
	case dialect.ThingList:
		return c.listThings()
	}
	var err error
	if c.asking.thing, err = c.findThing(h, id); err != nil {
		return err
	}
	return c.aboutThing(id)
}

// findThing returns the thing of this id that the caller may know of. The fault is NotFound.
func (c *call) findThing(h dialect.Holder, id string) (gateway.Thing, error) {
	_, provider, native, ok := c.e.things.Native(c.x.Grant.Key, id)
	if ok {
		if t, kept := c.e.things.Get(c.x.Grant.Key, id); kept && t.Target.Provider == provider && t.Native == native && t.Dialect == c.d.Name() {
			return t, nil
		}
	}
	f := fault.New(fault.NotFound, "no such %s here for this key: %s", h.Thing(), bounded(id, 200))
	f.Param, f.Code = "id", "not_found"
	return gateway.Thing{}, f
}

// aboutThing asks the provider that keeps a thing.
func (c *call) aboutThing(id string) error {
	a := c.asking
	if err := c.reaches(a.thing.Target.Provider, id); err != nil {
		return err
	}
	if a.verb == dialect.ThingDelete && c.e.stillRead(&a.thing) {
		return fault.New(fault.Unavailable, "what the requests of a batch came to is being read out of this file; try again in a moment")
	}
	before, after, _ := strings.Cut(c.r.URL.Path, id)
	c.in.Path = before + escaped(a.thing.Native) + after
	if c.r.Method == http.MethodPost && c.r.ContentLength != 0 {
		c.body = newBuffer()
		err := c.e.readBody(c.w, c.r, c.body, c.s.MaxBody)
		c.x.BytesIn = int64(len(c.body.b))
		if err != nil {
			return err
		}
		c.in.Body = c.body.b
	}
	c.x.Head.Model = a.thing.Target.Model
	c.to(a.thing.Target)
	c.run()
	if a.verb == dialect.ThingDelete && (c.x.Status == http.StatusOK || c.x.Status == http.StatusNotFound && len(c.x.Attempts) > 0) {
		c.e.things.Delete(a.thing.Owner, a.thing.ID)
	}
	return nil
}

// reaches refuses what a provider keeps that is not there any more, or does not speak the dialect any more.
func (c *call) reaches(provider, id string) error {
	place := c.s.Places[provider]
	if place != nil && speaks(place, c.x.Op, c.d.Name()) {
		return nil
	}
	why := "is not in the document any more"
	if place != nil {
		why = "does not speak " + string(c.d.Name()) + " any more (providers." + provider + ".speaks)"
	}
	return fault.New(fault.NotFound, "the provider %s, which keeps %s, %s", provider, bounded(id, 200), why)
}

// to plans the exchange for one target.
func (c *call) to(targets ...gateway.Target) {
	c.x.Plan = gateway.Plan{Rule: targets[0].Provider + "/*", Targets: targets, Tries: len(targets)}
}

// keeper returns the one provider that things of the call's dialect are made at.
func (c *call) keeper() (string, error) {
	d := c.d.Name()
	if name := c.s.Defaults[d]; name != "" {
		return name, nil
	}
	var found []string
	for name, place := range c.s.Places {
		if speaks(place, c.x.Op, d) {
			found = append(found, name)
		}
	}
	slices.Sort(found)
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return "", fault.New(fault.NotFound, "no provider here speaks %s; whoever runs this gateway can add it to a provider's speaks", d)
	}
	return "", fault.New(fault.NotFound, "more than one provider here speaks %s (%s), and nothing says which is meant; whoever runs this gateway can write `defaults: { %s: %s }`",
		d, bounded(strings.Join(found, ", "), 500), d, found[0])
}

// makeThing reads what is to be made, decides where and sends it there.
func (c *call) makeThing() error {
	if r, ok := c.d.(dialect.Resumer); ok {
		if r.Begins(c.r.Header) {
			return c.beginParts(r)
		}
	} else if err := acceptable(c.r.Header["Content-Type"], c.d, c.x.Op); err != nil {
		return err
	}
	c.body = newBuffer()
	err := c.e.readBody(c.w, c.r, c.body, c.s.MaxBody)
	c.x.BytesIn = int64(len(c.body.b))
	if err != nil {
		return err
	}
	c.in.Body = c.body.b
	if u, ok := c.d.(dialect.Uploader); ok {
		err = c.uploads(u)
	} else {
		err = c.orders()
	}
	if err != nil {
		return err
	}
	if c.asking.done, err = c.room(); err != nil {
		return err
	}
	defer c.asking.done()
	c.run()
	if c.asking.h.Thing() == llm.ThingJob {
		c.ordered()
	}
	return nil
}

// uploads decides where an upload goes. One that holds requests is judged request by request.
func (c *call) uploads(u dialect.Uploader) error {
	a := c.asking
	var err error
	if a.upload, err = u.Upload(&c.in); err != nil {
		return err
	}
	for _, one := range c.s.Admitters {
		if err := one.Admit(c.r.Context(), c.x); err != nil {
			return err
		}
		c.admits = append(c.admits, one)
	}
	a.thing.Purpose = a.upload.Purpose
	if a.upload.Purpose == "batch" {
		if a.lines, err = c.admitLines(c.in.Body[a.upload.File.Start:a.upload.File.End]); err != nil {
			return err
		}
		a.thing.Path, a.thing.Lines = a.lines.path, a.lines.lines
		targets := make([]gateway.Target, len(a.lines.providers))
		for i, name := range a.lines.providers {
			targets[i].Provider = name
		}
		c.to(targets...)
		return nil
	}
	name, err := c.keeper()
	if err != nil {
		return err
	}
	c.to(gateway.Target{Provider: name})
	return nil
}

// prepareThing makes the body for a provider: as it is, but for the models that a file's requests ask for.
func (c *call) prepareThing(t *try) error {
	t.up, t.a.Dialect, t.a.Mode, t.call = c.d, c.d.Name(), gateway.Passed, c.in
	if a := c.asking; a.lines != nil {
		buf := newBuffer()
		defer buf.release()
		var err error
		if buf.b, err = a.lines.write(buf.b, t.a.Target.Provider); err != nil {
			return err
		}
		out := newBuffer()
		if out.b, err = c.d.(dialect.Uploader).Refill(out.b, &c.in, a.upload, buf.b); err != nil {
			out.release()
			return err
		}
		t.call.Body, t.buf = out.b, out
		return nil
	}
	if c.asking.verb == dialect.ThingCreate && c.asking.h.Thing() == llm.ThingJob {
		return c.prepareOrder(t)
	}
	if c.body != nil {
		t.buf = c.body
		t.buf.hold()
	}
	return nil
}

// answerThing returns a provider's answer about a thing as the client reads it, with what is to be noted noted.
func (c *call) answerThing(t *try, answer []byte) ([]byte, *fault.Fault) {
	a := c.asking
	provider := t.a.Target.Provider
	owner := c.x.Grant.Key
	var others []gateway.Thing
	native := ""
	rename := func(m *dialect.ThingMember, id string) string {
		name := c.e.things.Name(owner, m.Prefix, m.Kind, provider, id)
		if !m.Detail && m.Name == a.h.Members()[0].Name {
			native = id
		} else if m.Kind == llm.ThingFile && a.verb != dialect.ThingDetail {
			others = append(others, gateway.Thing{ID: name, Kind: m.Kind, Native: id, Dialect: filesOf(c.d.Name())})
		}
		return name
	}
	var out, object []byte
	if d, ok := c.d.(dialect.Addressed); ok {
		out = d.Rename(nil, answer, address(c.r), rename)
		if object = d.Object(out); d.Address(answer) != "" {
			a.thing.Path = d.Address(answer)
		}
	} else {
		out = dialect.RenameThings(nil, answer, a.verb, a.h.Members(), rename)
		object = out
	}
	switch a.verb {
	case dialect.ThingDetail, dialect.ThingDelete:
		return out, nil
	case dialect.ThingCreate:
		if native == "" {
			return nil, garbage(t)
		}
		a.thing.ID, a.thing.Native = c.e.things.Name(owner, a.h.Members()[0].Prefix, a.h.Thing(), provider, native), native
		a.thing.Kind, a.thing.Owner, a.thing.Dialect, a.thing.Target, a.thing.Made = a.h.Thing(), owner, c.d.Name(), t.a.Target, c.x.Start
		if a.lines != nil {
			a.thing.Asked = a.lines.asked(provider)
		}
		a.done()
	}
	if ends, ok := endsOf(object); ok {
		a.thing.Ends = ends
	}
	if native != a.thing.Native {
		return nil, garbage(t)
	}
	if a.verb != dialect.ThingCreate && bytes.Equal(object, a.thing.Object) {
		return out, nil
	}
	a.thing.Object = object
	if err := c.e.things.Put(a.thing); err != nil {
		if a.verb == dialect.ThingCreate {
			t.final = true // another provider would not change it
			return nil, c.undo(t, fault.Of(err))
		}
		c.x.Unkept = fault.Of(err)
	}
	c.noteOthers(t, others)
	return out, nil
}
