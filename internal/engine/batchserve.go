package engine

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/gateway"
	"weir/internal/llm"
)

// ServeBatch answers a request about batches. Who may ask is decided here, and another key's batch is not found; what the
// provider says of a batch passes, with the gateway's ids in it.
func (e *Engine) ServeBatch(w http.ResponseWriter, r *http.Request, b dialect.Batcher, verb dialect.BatchVerb, id string) {
	e.about(w, r, b, llm.OpBatch, func(c *call) error { return c.serveBatch(b, verb, id) })
}

func (c *call) serveBatch(b dialect.Batcher, verb dialect.BatchVerb, id string) error {
	if c.e.things == nil {
		return fault.New(fault.NotFound, "this gateway keeps no batches")
	}
	switch verb {
	case dialect.BatchCreate:
		return c.createBatch(b)
	case dialect.BatchList:
		return c.listBatches(b)
	}
	thing, ok := c.e.things.Get(c.x.Grant.Key, id)
	if !ok || thing.Kind != llm.ThingBatch || thing.Dialect != b.Name() {
		f := fault.New(fault.NotFound, "there is no batch %s of this key", bounded(id, 100))
		f.Code = "not_found"
		return f
	}
	c.x.Batch = thing.ID
	return c.passBatch(b, &thing, verb)
}

// passBatch asks the provider that has a batch.
func (c *call) passBatch(b dialect.Batcher, thing *gateway.Thing, verb dialect.BatchVerb) error {
	if err := c.reaches(thing.Target.Provider, thing.ID); err != nil {
		return err
	}
	if verb == dialect.BatchDelete && !thing.Settled {
		// Its results go with it, and what they say was not recorded yet.
		if c.e.batches.hurry(thing, false) {
			return fault.New(fault.Unavailable, "what the requests of this batch came to is being recorded; try again in a moment")
		}
		return fault.New(fault.Malformed, "this batch is under way, as far as is known: cancel it, ask for it until it is over, then delete it")
	}
	_, path := b.Way(verb, thing.Native)
	c.verbatim, c.asking = true, &asking{thing: *thing}
	c.in = dialect.Call{Op: c.x.Op, Path: path, Query: withoutKey(c.r.URL.RawQuery), Header: c.r.Header}
	c.x.Plan = gateway.Plan{Rule: thing.Target.Provider + "/*", Targets: []gateway.Target{thing.Target}, Tries: 1}
	c.change = func(_ *try, answer []byte) ([]byte, *fault.Fault) {
		if !b.Tells(verb) {
			out, err := b.Shown(nil, answer, dialect.Batch{ID: thing.ID})
			return out, fault.Of(err)
		}
		return c.showBatch(b, thing, answer)
	}
	c.run()
	if verb == dialect.BatchDelete && c.x.Status == http.StatusOK {
		c.e.things.Delete(thing.Owner, thing.ID)
	}
	return nil
}

// showBatch notes what a provider says of a batch and returns it as the client gets it.
func (c *call) showBatch(b dialect.Batcher, thing *gateway.Thing, answer []byte) ([]byte, *fault.Fault) {
	said, err := b.Batch(answer)
	if err != nil {
		return nil, fault.Of(err)
	}
	if said.ID != thing.Native {
		return nil, &fault.Fault{Kind: fault.Upstream, Origin: fault.There, Message: "the provider answered another batch than was asked for"}
	}
	out, err := c.e.noteBatch(b, thing, &said, answer, address(c.r))
	if err != nil {
		return nil, fault.Of(err)
	}
	return out, nil
}

// address is where the client reaches this gateway.
func address(r *http.Request) string {
	scheme := "http://"
	if r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https" {
		scheme = "https://"
	}
	return scheme + r.Host
}

// batchTime is how long a batch is known of: providers answer within a day and keep the results for a month.
const batchTime = 90 * 24 * time.Hour

// createBatch has a provider make a batch of requests that were admitted: when their file came, or here.
func (c *call) createBatch(b dialect.Batcher) error {
	if err := acceptable(c.r.Header["Content-Type"], b, c.x.Op); err != nil {
		return err
	}
	c.body = newBuffer()
	err := c.e.readBody(c.w, c.r, c.body, c.s.MaxBody)
	c.x.BytesIn = int64(len(c.body.b))
	if err != nil {
		return err
	}
	c.in = dialect.Call{Op: c.x.Op, Path: c.r.URL.EscapedPath(), Query: withoutKey(c.r.URL.RawQuery), Header: c.r.Header, Body: c.body.b}
	if _, err := b.Peek(&c.in); err != nil {
		return err
	}
	thing := gateway.Thing{Kind: llm.ThingBatch, Owner: c.x.Grant.Key, Dialect: b.Name(), Made: c.x.Start, Ends: c.x.Start.Add(batchTime)}
	var providers []string
	var write func(provider string) (dialect.Call, error)
	var asked func(provider string) []gateway.Renamed
	if input, path := b.Asked(c.in); input != "" {
		file, err := c.fileOfRequests(b, input, path)
		if err != nil {
			return err
		}
		c.asking = &asking{thing: file}
		thing.Parent, thing.Path, thing.Lines = file.ID, path, file.Lines
		providers = []string{file.Target.Provider}
		write = func(string) (dialect.Call, error) {
			in := c.in
			if in.Body = b.From(nil, c.in, file.Native); len(file.Asked) != 1 {
				return in, nil
			}
			if _, err := b.Peek(&in); err != nil {
				return in, err
			}
			return b.Named(in, file.Asked[0].Target)
		}
		asked = func(string) []gateway.Renamed { return file.Asked }
	} else {
		f, err := c.admitBatch(b, &c.in, nil)
		if err != nil {
			return err
		}
		thing.Path, thing.Lines, providers = f.path, f.lines, f.providers
		write = func(provider string) (dialect.Call, error) { return f.call(b, c.in, provider) }
		asked = f.asked
	}
	if err := c.admitWhole(); err != nil {
		return err
	}
	done, err := c.room()
	if err != nil {
		return err
	}
	defer done()
	whole := c.in
	for i, name := range providers {
		thing.Asked = asked(name)
		if thing.Target = (gateway.Target{Provider: name}); len(thing.Asked) == 1 {
			thing.Target.Model = thing.Asked[0].Target
		}
		c.x.Head.Model = thing.Asked[0].Asked
		in, err := write(name)
		if err != nil {
			return err
		}
		if c.sendBatch(b, &thing, in, i == len(providers)-1, done) {
			break
		}
		c.in = whole
	}
	return nil
}

// admitWhole lets every policy judge the batch as a whole, whose requests it has judged already.
func (c *call) admitWhole() error {
	for _, a := range c.s.Admitters {
		if err := a.Admit(c.r.Context(), c.x); err != nil {
			return err
		}
		c.admits = append(c.admits, a)
	}
	return nil
}

// sendBatch has one provider make the batch and reports whether no other is to be asked. One of which it is not known
// whether it made the batch is the last: made twice, the batch would be paid twice.
func (c *call) sendBatch(b dialect.Batcher, thing *gateway.Thing, in dialect.Call, last bool, room func()) bool {
	c.verbatim = true
	held, r := c.body, c.r
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(r.Context())) // a client that leaves now leaves a batch behind
	stop := context.AfterFunc(c.e.ending, func() { cancel(context.Cause(c.e.ending)) })
	c.body, c.in, c.r = nil, in, r.WithContext(ctx) // what is sent is not the pool's
	defer func() {
		stop()
		cancel(nil)
		c.body, c.r = held, r
	}()
	c.x.Plan.Rule = thing.Target.Provider + "/*"
	c.x.Plan.Targets = append(c.x.Plan.Targets, thing.Target)
	c.x.Plan.Tries = len(c.x.Plan.Targets)
	c.change = func(_ *try, answer []byte) ([]byte, *fault.Fault) { return c.madeBatch(b, thing, answer, room) }
	if c.attempt(thing.Target, last) {
		return true
	}
	if c.notMade() {
		return false
	}
	c.fail(c.last)
	return true
}

// notMade reports whether the last attempt certainly made no batch: it was refused, or nothing was sent.
func (c *call) notMade() bool {
	a := &c.x.Attempts[len(c.x.Attempts)-1]
	switch status := a.Status; {
	case status == 0:
		return a.Fault == nil || strings.Contains(a.Fault.Message, "cannot be reached")
	default:
		return status >= 400 && status < 500 && status != http.StatusRequestTimeout || status == http.StatusServiceUnavailable || status == 529
	}
}

// madeBatch notes a batch that was made, before its client hears of it. One that cannot be noted is cancelled.
func (c *call) madeBatch(b dialect.Batcher, thing *gateway.Thing, answer []byte, room func()) ([]byte, *fault.Fault) {
	said, err := b.Batch(answer)
	if err != nil {
		return nil, fault.Of(err)
	}
	thing.Native = said.ID
	thing.ID = c.e.things.Name(thing.Owner, b.Prefix(), llm.ThingBatch, thing.Target.Provider, said.ID)
	c.x.Batch = thing.ID
	room()
	if err := c.e.things.Put(*thing); err != nil {
		c.takeBack(b, thing)
		return nil, fault.Of(err)
	}
	c.e.batches.expect(thing)
	out, f := c.showBatch(b, thing, answer)
	return out, f
}

// takeBack cancels a batch that nobody will know of.
func (c *call) takeBack(b dialect.Batcher, thing *gateway.Thing) {
	ctx, cancel := context.WithTimeout(c.e.ending, 10*time.Second)
	defer cancel()
	method, path := b.Way(dialect.BatchCancel, thing.Native)
	resp, err := fetch(ctx, c.s.Places[thing.Target.Provider], errand{b.Name(), llm.OpBatch, method, path})
	if err == nil {
		_ = resp.Body.Close()
	}
}

// fileOfRequests returns the file that a batch is to be made of.
func (c *call) fileOfRequests(b dialect.Batcher, id, path string) (gateway.Thing, error) {
	file, ok := c.e.things.Get(c.x.Grant.Key, id)
	_, late := b.(dialect.Later)
	param := "input_file_id"
	if late {
		param = "input_files"
	}
	switch {
	case !ok || file.Kind != llm.ThingFile:
		f := fault.New(fault.NotFound, "there is no file %s of this key", bounded(id, 100))
		f.Param = param
		return file, f
	case file.Purpose != "batch" || file.Lines == 0 || len(file.Asked) == 0 && !late:
		return file, refusal(param, "the file was not sent for such a batch: send it again with purpose batch")
	case late:
		if err := c.reaches(file.Target.Provider, file.ID); err != nil {
			return file, err
		}
		err := c.judgeLate(b, &file)
		return file, err
	case file.Path != path:
		return file, refusal("endpoint", "the requests of the file are for "+file.Path+": say so in endpoint")
	}
	if err := c.reaches(file.Target.Provider, file.ID); err != nil {
		return file, err
	}
	for _, m := range file.Asked { // the key may have lost a model since it sent the file
		_, declared, err := c.s.Router.Match(&gateway.Exchange{Grant: c.x.Grant, Head: llm.Head{Model: m.Asked}})
		if err != nil || !c.x.Grant.May(m.Asked, declared) {
			f := fault.New(fault.Forbidden, "the key %s may not use the model %s, which the file asks, any more", c.x.Grant.Key, bounded(m.Asked, 100))
			f.Param, f.Code = "input_file_id", "model_not_allowed"
			return file, f
		}
	}
	return file, nil
}

// batchRoom is more than what is noted of a batch takes, but for many models.
const batchRoom = 2 << 10

// room takes room for what is to be noted before anything is sent, so that a full store refuses and a provider keeps
// nothing that nobody knows of. It is given back by done.
func (c *call) room() (done func(), err error) {
	t := gateway.Thing{
		ID: "room-" + c.x.ID, Kind: "room", Owner: c.x.Grant.Key, Made: c.x.Start, Ends: c.x.Start.Add(time.Hour), Object: make([]byte, batchRoom),
	}
	if err := c.e.things.Put(t); err != nil {
		return nil, err
	}
	return func() { c.e.things.Delete(t.Owner, t.ID) }, nil
}

// listBatches lists the key's batches as they were last seen, the newest first.
func (c *call) listBatches(b dialect.Batcher) error {
	query := c.r.URL.Query()
	p, err := b.Page(query)
	if err != nil {
		return err
	}
	all := slices.DeleteFunc(c.e.things.List(c.x.Grant.Key, llm.ThingBatch), func(t gateway.Thing) bool {
		return t.Dialect != b.Name() || !b.Wants(query, t.Object)
	})
	page, more, err := pageOf(all, p)
	if err != nil {
		return err
	}
	objects := make([][]byte, len(page))
	for i := range page {
		objects[i] = page[i].Object
		as, err := b.Batch(page[i].Object)
		if err != nil {
			continue // as it was kept
		}
		if as.Results != "" { // the address is that by which this client reaches the gateway
			as.Results = shown(b, &page[i], address(c.r)).Results
		}
		if objects[i], err = b.Shown(nil, page[i].Object, as); err != nil {
			return err
		}
	}
	c.give(b.List(nil, objects, len(all), more))
	return nil
}

// pageOf returns the page of things that is asked for, and whether more follow.
func pageOf(all []gateway.Thing, p dialect.Page) ([]gateway.Thing, bool, error) {
	if p.Ascending {
		slices.Reverse(all)
	}
	find := func(id string) (int, error) {
		i := slices.IndexFunc(all, func(t gateway.Thing) bool { return t.ID == id })
		if i < 0 {
			return 0, refusal("", bounded(id, 200)+" is no batch of this list; begin it again")
		}
		return i, nil
	}
	if p.Before != "" {
		i, err := find(p.Before)
		if err != nil {
			return nil, false, err
		}
		return all[max(0, i-p.Limit):i], i > p.Limit, nil
	}
	if p.After != "" {
		i, err := find(p.After)
		if err != nil {
			return nil, false, err
		}
		all = all[i+1:]
	}
	all = all[min(p.Skip, len(all)):]
	return all[:min(p.Limit, len(all))], len(all) > p.Limit, nil
}
