package engine

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/gateway"
	"weir/internal/llm"
)

// Verb is what is asked of a kept answer.
type Verb uint8

// The verbs.
const (
	KeptGet    Verb = iota + 1 // the answer itself
	KeptInput                  // the items it was the answer to
	KeptCancel                 // to stop making it
	KeptDelete                 // to forget it
)

// ServeKept answers a request about a kept answer. An answer that a provider keeps is asked of that provider with the
// gateway's credential; who may ask is decided here in both cases, and another key's id is not found.
func (e *Engine) ServeKept(w http.ResponseWriter, r *http.Request, d dialect.Dialect, verb Verb, id string) {
	e.about(w, r, d, llm.OpKept, func(c *call) error {
		turn, err := c.find(id)
		if err != nil {
			return err
		}
		c.x.Head.Model = turn.Model
		if turn.Native {
			c.forward(&turn, verb)
		} else {
			c.answerKept(&turn, verb)
		}
		return nil
	})
}

// find returns the turn that a request about a kept answer is about.
func (c *call) find(id string) (gateway.Turn, error) {
	if _, ok := c.d.(dialect.Threaded); ok && c.e.threads != nil {
		if turn, ok := c.e.threads.Get(c.x.Grant.Key, id); ok && turn.Dialect == c.d.Name() {
			return turn, nil
		}
	}
	f := fault.New(fault.NotFound, "the response %s is not kept here for this key", bounded(id, 100))
	f.Code = "not_found"
	return gateway.Turn{}, f
}

// forward asks the provider that keeps the answer.
func (c *call) forward(turn *gateway.Turn, verb Verb) {
	if c.s.Places[turn.Target.Provider] == nil {
		c.refuse(fault.New(fault.NotFound, "the provider %s, which keeps this response, is not in the document any more", turn.Target.Provider))
		return
	}
	c.verbatim = true
	c.in = dialect.Call{Op: c.x.Op, Path: c.r.URL.EscapedPath(), Query: withoutKey(c.r.URL.RawQuery), Header: c.r.Header}
	c.x.Head.Stream = c.r.URL.Query().Get("stream") == "true"
	c.x.Plan = gateway.Plan{Rule: turn.Target.Provider + "/*", Targets: []gateway.Target{turn.Target}, Tries: 1}
	c.run()
	if verb == KeptDelete && c.x.Status == http.StatusOK {
		c.e.threads.Delete(turn.Owner, turn.ID)
	}
}

// answerKept answers from what the gateway keeps itself.
func (c *call) answerKept(turn *gateway.Turn, verb Verb) {
	k := c.d.(dialect.Keeper) //nolint:forcetypeassert // find has looked
	query := c.r.URL.Query()
	switch verb {
	case KeptGet:
		if query.Get("stream") == "true" {
			c.refuse(refusal("stream", "a response that the gateway keeps is given whole: leave out stream"))
			return
		}
		c.give(turn.Answer)
	case KeptInput:
		limit, err := strconv.Atoi(query.Get("limit"))
		if err != nil || limit < 1 || limit > 100 {
			if query.Get("limit") != "" {
				c.refuse(refusal("limit", "limit is a number from 1 to 100"))
				return
			}
			limit = 20
		}
		items := bytes.TrimSuffix(bytes.TrimPrefix(turn.Before, []byte{'['}), []byte{']'})
		c.give(k.List(nil, items, "msg_"+strings.TrimPrefix(turn.ID, "resp_"), query.Get("after"), limit, query.Get("order") == "asc"))
	case KeptCancel:
		c.cancelKept(turn)
	case KeptDelete:
		c.e.running.stop(turn.Owner, turn.ID)
		c.e.threads.Delete(turn.Owner, turn.ID)
		c.give(k.Deleted(nil, turn.ID))
	}
}

// cancelKept stops an answer that is made in the background.
func (c *call) cancelKept(turn *gateway.Turn) {
	if turn.State == gateway.TurnRunning && len(turn.Answer) > 0 {
		if c.e.running.stop(turn.Owner, turn.ID) {
			if after, ok := c.e.threads.Get(turn.Owner, turn.ID); ok {
				turn = &after
			}
		}
	}
	switch turn.State {
	case gateway.TurnCancelled:
		c.give(turn.Answer)
	default:
		c.refuse(refusal("", "only a response that is made in the background can be cancelled, and this one has ended"))
	}
}

// give writes an answer of the gateway's own.
func (c *call) give(body []byte) {
	h := c.w.Header()
	h["Content-Type"] = []string{"application/json"}
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	c.stamp(h)
	c.head(http.StatusOK)
	c.write(body)
	c.x.Ending = gateway.Done
	if c.gone {
		c.left()
	}
}

// backgroundMost is how many answers are made in the background at once.
const backgroundMost = 1000

// running knows the answers that are made in the background, so that they can be stopped.
type running struct {
	mu  sync.Mutex // guards all; taken when such an answer begins and ends
	all map[[2]string]*runner
}

type runner struct {
	cancel context.CancelCauseFunc
	done   chan struct{}
}

var errStopped = fault.New(fault.ClientGone, "the response was cancelled")

func (r *running) add(owner, id string, cancel context.CancelCauseFunc) (*runner, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.all) >= backgroundMost {
		return nil, false
	}
	if r.all == nil {
		r.all = map[[2]string]*runner{}
	}
	one := &runner{cancel: cancel, done: make(chan struct{})}
	r.all[[2]string{owner, id}] = one
	return one, true
}

func (r *running) remove(owner, id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := [2]string{owner, id}
	if one := r.all[key]; one != nil {
		close(one.done)
		delete(r.all, key)
	}
}

// stop cancels an answer, waits for its end and reports whether there was one.
func (r *running) stop(owner, id string) bool {
	r.mu.Lock()
	one := r.all[[2]string{owner, id}]
	r.mu.Unlock()
	if one == nil {
		return false
	}
	one.cancel(errStopped)
	<-one.done
	return true
}

// background makes the answer without the client, where it asked for that and no provider does it: the client gets an
// answer that is not there yet and asks for it later. It reports whether it did.
func (c *call) background() bool {
	if c.th == nil || !c.th.said.Background || c.x.Head.Stream || c.nativeFirst() {
		return false
	}
	req, err := c.d.Codec().DecodeRequest(c.in)
	if err != nil {
		c.refuse(fault.Of(err))
		return true
	}
	turn := c.turn(c.th.id, gateway.TurnRunning)
	turn.Before = c.before()
	turn.Answer = c.th.k.Waiting(nil, req, c.th.id, c.x.Head.Model, strconv.FormatInt(c.x.Start.Unix(), 10))
	if err := c.e.threads.Put(turn); err != nil {
		c.refuse(fault.Of(err))
		return true
	}
	ctx, cancel := context.WithCancelCause(c.e.ending)
	if _, ok := c.e.running.add(turn.Owner, turn.ID, cancel); !ok {
		cancel(nil)
		c.refuse(fault.New(fault.Overloaded, "%d responses are made in the background already; try again later", backgroundMost))
		return true
	}
	c.th.holding = false // what happens to it is the background's matter from here on
	c.e.detach(ctx, c, cancel, turn)
	c.give(turn.Answer)
	return true
}

// nativeFirst reports whether the first target's provider keeps answers itself, and makes them in the background.
func (c *call) nativeFirst() bool {
	if c.x.Plan.Tries == 0 {
		return false
	}
	place := c.s.Places[c.x.Plan.Targets[0].Provider]
	return place != nil && keeps(place, c.d) && speaks(place, c.x.Op, c.d.Name())
}

func speaks(p *Place, op llm.Op, d llm.Dialect) bool {
	return slices.Contains(p.Provider.Speaks(op), d)
}

// detach runs an exchange of its own for the answer; it is counted as open, and draining waits for it.
func (e *Engine) detach(ctx context.Context, c *call, cancel context.CancelCauseFunc, turn gateway.Turn) {
	w := &recorder{header: http.Header{}}
	r := c.r.Clone(ctx)
	b := e.begin(w, r, c.d, c.x.Op)
	b.s, b.th, b.body, b.in = c.s, c.th, c.body, c.in
	b.body.hold()
	own := *c.x
	own.ID, own.Start = b.x.ID, b.x.Start
	*b.x = own
	b.th.keep = true
	e.count()
	go func() {
		defer e.leave()
		defer e.running.remove(turn.Owner, turn.ID)
		defer cancel(nil)
		func() {
			defer b.finish()
			b.run()
		}()
		if after, ok := e.threads.Get(turn.Owner, turn.ID); ok && after.State == gateway.TurnRunning {
			stopped := errors.Is(context.Cause(ctx), error(errStopped))
			turn.State = gateway.TurnFailed
			if stopped {
				turn.State = gateway.TurnCancelled
			}
			turn.Answer = c.th.k.Ended(nil, turn.Answer, stopped, w.body.Bytes())
			_ = e.threads.Put(turn) // it replaces one of the same size; if it cannot, the turn stays as it was until it ends
		}
	}()
}

// recorder takes an answer that no client waits for. What matters of it is kept by the engine; only an error is read.
type recorder struct {
	header http.Header
	body   bytes.Buffer
}

// Header implements http.ResponseWriter.
func (w *recorder) Header() http.Header { return w.header }

// WriteHeader implements http.ResponseWriter.
func (w *recorder) WriteHeader(int) {}

// Write implements http.ResponseWriter.
func (w *recorder) Write(p []byte) (int, error) {
	if room := errorMost - w.body.Len(); room > 0 {
		w.body.Write(p[:min(len(p), room)])
	}
	return len(p), nil
}

// count counts an exchange in that another one, which is open, has begun.
func (e *Engine) count() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.open++
}
