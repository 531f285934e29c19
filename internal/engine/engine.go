// Package engine serves one exchange from its first byte to its last.
//
// Serve is the whole way, written once: identify, read, peek, match, admit, plan, then attempt by attempt until one
// answers, relay, and settle in every ending. A request in the target's own dialect is passed as bytes with a spliced
// edit; one in another dialect is decoded, encoded and its losses noted. The exchange it leaves behind is the record.
//
// An Engine holds one immutable Snapshot at a time; an exchange keeps the one it began under. Nothing on the way waits
// for anything but the client and the provider.
package engine

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/gateway"
	"weir/internal/llm"
	"weir/internal/prepare"
	"weir/internal/price"
	"weir/internal/provider"
	"weir/internal/tokens"
)

// Snapshot is everything a decision needs, compiled from one revision of the document. It is immutable.
type Snapshot struct {
	Revision  string
	Directory gateway.Directory
	Router    gateway.Router
	Places    map[string]*Place // by provider name
	Dialect   func(llm.Dialect) dialect.Dialect
	Admitters []gateway.Admitter
	Holders   []gateway.Holder       // set aside what an attempt may come to, in this order
	EndUsers  bool                   // some policy tells end users apart: the body is asked who it is
	Unpriced  Unpriced               // what happens to a request whose target has no price
	MaxBody   int64                  // bytes of a request after decompression
	Models    []string               // declared names, in the document's order
	Defaults  map[llm.Dialect]string // providers that calls go to which name no model
}

// Place is a provider with how this node reaches it.
type Place struct {
	Provider provider.Provider
	Client   http.RoundTripper
	// Upgrade opens sessions over a WebSocket, which Client may not be able to; nil = Client.
	Upgrade   http.RoundTripper
	FirstByte time.Duration // until the answer's head; 0 = no limit, as for the others
	Idle      time.Duration // between two reads of the answer
	Total     time.Duration // the whole attempt
	Drain     bool          // read on when the client has left, so that usage is known
	Facts     func(model string) llm.Facts
	Prices    *price.List // nil: nothing is known of what it costs
	Region    string      // by which it charges, in its prices' words; "" = its plain prices
	Keeps     bool        // the provider keeps answers of its dialect, so that a conversation can go on from them
	OwnFiles  bool        // a call may name only files there that its own key uploaded here
	FilesHost string      // of the addresses of files there; "" = they have none
}

// Engine serves exchanges. Make one with New; it is safe for concurrent use.
type Engine struct {
	snapshot  atomic.Pointer[Snapshot]
	observer  gateway.Observer
	seals     gateway.Seals
	threads   gateway.Threads
	running   running // answers made in the background
	things    gateway.Things
	batches   watcher // of batches that are not settled
	learned   tokens.Learned
	ledger    gateway.Ledger // nil: nothing is written down
	node      string         // in its entries
	wheel     *wheel
	bodyTime  time.Duration
	writeTime time.Duration
	pingEvery time.Duration // of sessions
	pongTime  time.Duration

	ending   context.Context // ends when draining is over: what is still open is told and cut
	end      context.CancelCauseFunc
	mu       sync.Mutex // guards draining against open, once an exchange; both are a few instructions
	open     int
	draining bool
	idle     chan struct{} // closed when draining and nothing is open
	drains   chan struct{} // closed when draining begins
}

// New returns an engine that serves nothing until Use. The observer and the seals may be nil.
func New(observer gateway.Observer, seals gateway.Seals) *Engine {
	e := &Engine{observer: observer, seals: seals, wheel: newWheel(), bodyTime: bodyTime, writeTime: writeTime, idle: make(chan struct{})}
	e.pingEvery, e.pongTime, e.drains = pingEvery, pongTime, make(chan struct{})
	e.ending, e.end = context.WithCancelCause(context.Background())
	return e
}

// Use makes s the snapshot of exchanges that begin from now on.
func (e *Engine) Use(s *Snapshot) { e.snapshot.Store(s) }

// Snapshot returns the one in use, nil before the first.
func (e *Engine) Snapshot() *Snapshot { return e.snapshot.Load() }

// Open returns how many exchanges are under way.
func (e *Engine) Open() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.open
}

// Draining reports whether Drain was called.
func (e *Engine) Draining() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.draining
}

// Drain takes no new exchanges and waits until the open ones are finished. When ctx ends before that, the rest are cut,
// each with an error in its dialect. Close comes after it.
func (e *Engine) Drain(ctx context.Context) {
	e.mu.Lock()
	if !e.draining && e.open == 0 {
		close(e.idle)
	}
	if !e.draining {
		close(e.drains)
	}
	e.draining = true
	e.mu.Unlock()
	select {
	case <-e.idle:
	case <-ctx.Done():
		e.end(fault.New(fault.Unavailable, "the gateway is shutting down; try again"))
		<-e.idle
	}
}

// Context is the one every connection's context must come from: it ends when draining is over, with the reason.
func (e *Engine) Context() context.Context { return e.ending }

// Close ends the engine's goroutines. No exchange may be open.
func (e *Engine) Close() {
	e.end(nil)
	e.batches.end()
	e.wheel.close()
}

// enter counts an exchange in, unless the engine drains.
func (e *Engine) enter() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.draining {
		return false
	}
	e.open++
	return true
}

func (e *Engine) leave() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.open--
	if e.draining && e.open == 0 {
		close(e.idle)
	}
}

// call is the working state of one exchange; one goroutine owns it.
type call struct {
	e *Engine
	s *Snapshot
	x *gateway.Exchange
	w http.ResponseWriter
	r *http.Request
	d dialect.Dialect

	in      dialect.Call
	body    *buffer      // of in.Body
	request *llm.Request // decoded once, when a target first needs it
	side    side         // in place of it where the operation is no conversation
	admits  []gateway.Admitter
	last    *fault.Fault // of the last attempt that failed
	wrote   bool         // the answer's head went out
	gone    bool         // the client left
	watch   *watch       // of the attempt under way
	lost    lostHeader
	th      *thread

	bill      bill
	spent     gateway.Money // by attempts that are over
	items     []gateway.EntryItem
	booked    bool       // its entry is written without a hold
	parts     int        // of a session: how many of its entries are closed
	midway    *llm.Usage // of a session that ended within an answer: what the one before came to
	broken    bool       // it did
	reached   bool       // some attempt was sent
	other     string     // the model that a policy wants to answer
	replanned bool
	sparing   dialect.UsageFramer // usage was asked for in the client's place: its frame is taken out again

	basis basis        // what the request of the attempt under way says that its price depends on
	made  dialect.Made // what its answer holds

	heard heard   // of the answer, should nobody state what it came to
	held  *buffer // of a request whose answer streams, for the same

	anew     bool                                               // a history without its seals was refused: see wantsSeals
	verbatim bool                                               // the call names no model: it goes as it is to the one target there is
	change   func(t *try, answer []byte) ([]byte, *fault.Fault) // what a whole answer becomes; nil = what it is
	asking   *asking                                            // about things that a provider keeps
	refs     []reference                                        // to such things in the body
	desk     prepare.Desk                                       // for what the model's transforms do
}

// Serve answers one request in a dialect. It is the order of the product: identity before anything else, nothing sent
// before it is admitted and planned, one record in every ending.
func (e *Engine) Serve(w http.ResponseWriter, r *http.Request, d dialect.Dialect, op llm.Op) {
	c := e.begin(w, r, d, op)
	if !e.enter() {
		c.refuse(fault.New(fault.Unavailable, "the gateway is shutting down; try again"))
		c.settle()
		return
	}
	defer e.leave()
	defer c.finish()

	if c.s == nil {
		c.refuse(fault.New(fault.Unavailable, "the gateway has no configuration yet"))
		return
	}
	c.x.Revision = c.s.Revision
	if err := c.admit(); err != nil {
		c.refuse(fault.Of(err))
		return
	}
	if c.background() {
		return
	}
	c.run()
}

// about serves a call about what is kept: its caller is identified, then serve answers; the error is told to the client.
func (e *Engine) about(w http.ResponseWriter, r *http.Request, d dialect.Dialect, op llm.Op, serve func(*call) error) {
	c := e.begin(w, r, d, op)
	if !e.enter() {
		c.refuse(fault.New(fault.Unavailable, "the gateway is shutting down; try again"))
		c.settle()
		return
	}
	defer e.leave()
	defer c.finish()
	err := c.identify()
	if err == nil {
		err = serve(c)
	}
	if err != nil {
		c.refuse(fault.Of(err))
	}
}

// identify finds whose call it is.
func (c *call) identify() error {
	if c.s == nil {
		return fault.New(fault.Unavailable, "the gateway has no configuration yet")
	}
	c.x.Revision = c.s.Revision
	grant, err := c.s.Identify(c.r)
	if err == nil {
		c.x.Grant = grant
	}
	return err
}

// run tries the plan's targets in order until one answers.
func (c *call) run() {
	for again := true; again; again = c.other != "" && c.replan() {
		for i := range c.x.Plan.Tries {
			if c.again(c.x.Plan.Targets[i], i == c.x.Plan.Tries-1) {
				return
			}
			if c.other != "" {
				break
			}
		}
	}
	c.fail(c.last)
}

// begin makes the working state of an exchange and shows it to the observers.
func (e *Engine) begin(w http.ResponseWriter, r *http.Request, d dialect.Dialect, op llm.Op) *call {
	now := time.Now()
	c := &call{e: e, s: e.snapshot.Load(), w: w, r: r, d: d}
	c.x = &gateway.Exchange{
		ID: newID(now), Start: now, Method: r.Method, Path: r.URL.Path, Client: clientAddr(r.RemoteAddr),
		Agent: bounded(r.UserAgent(), 200), Dialect: d.Name(), Op: op,
	}
	if e.observer != nil {
		e.observer.Begin(c.x)
	}
	return c
}

// admit identifies the caller, reads, peeks and decides. Nothing was sent before it.
func (c *call) admit() error {
	x := c.x
	grant, err := c.s.Identify(c.r)
	if err != nil {
		return err
	}
	x.Grant = grant
	if err := acceptable(c.r.Header["Content-Type"], c.d, x.Op); err != nil {
		return err
	}
	c.body = newBuffer()
	err = c.e.readBody(c.w, c.r, c.body, c.s.MaxBody)
	x.BytesIn = int64(len(c.body.b))
	if err != nil {
		return err
	}
	c.in = dialect.Call{Op: x.Op, Path: c.r.URL.EscapedPath(), Query: withoutKey(c.r.URL.RawQuery), Header: c.r.Header, Body: c.body.b}
	if x.Head, err = c.d.Peek(&c.in); err != nil {
		return err
	}
	if x.Head.Model == "" {
		if err := c.nameless(); err != nil {
			return err
		}
	}
	return c.decide(grant)
}

// decide matches what was asked for, asks every admitter and plans.
func (c *call) decide(grant *gateway.Grant) error {
	x := c.x
	x.Strict = grant.Strict || c.r.Header.Get("X-Weir-Strict") == "true"
	if err := c.who(); err != nil {
		return err
	}
	if err := c.recall(); err != nil {
		return err
	}
	if err := c.refer(); err != nil {
		return err
	}
	rule, declared, err := c.s.Router.Match(x)
	if err != nil {
		return err
	}
	x.Plan.Rule = rule
	if !grant.May(x.Head.Model, declared) {
		f := fault.New(fault.Forbidden, "the key %s may not use the model %s; GET /v1/models lists those it may", grant.Key, bounded(x.Head.Model, 100))
		f.Param, f.Code = "model", "model_not_allowed"
		return f
	}
	for _, a := range c.s.Admitters {
		if err := a.Admit(c.r.Context(), x); err != nil {
			return err
		}
		c.admits = append(c.admits, a)
	}
	if x.Plan, err = c.s.Router.Plan(rule, x); err != nil {
		return err
	}
	if err := c.pin(); err != nil {
		return err
	}
	if err := c.pinFiles(); err != nil {
		return err
	}
	if err := c.own(); err != nil {
		return err
	}
	if err := c.priced(); err != nil {
		return err
	}
	return c.reserve()
}

// finish settles in every ending, a panic too, and hands the record over.
func (c *call) finish() {
	if p := recover(); p != nil {
		if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
			c.settle()
			panic(p)
		}
		f := &fault.Fault{Kind: fault.Internal, Message: "the gateway failed on this request", Cause: fmt.Errorf("panic: %v\n%s", p, debug.Stack())}
		c.broke(f)
	}
	c.settle()
}

func (c *call) settle() {
	c.conclude()
	c.total()
	for _, v := range slices.Backward(c.admits) {
		if s, ok := v.(gateway.Settler); ok {
			s.Settle(c.x)
		}
	}
	c.release()
	c.body.release()
	c.x.Took = time.Since(c.x.Start)
	if c.e.observer != nil {
		c.e.observer.End(c.x)
	}
}

// clientAddr reads the address of a connection; the zero Addr where there is none.
func clientAddr(remote string) netip.Addr {
	ap, err := netip.ParseAddrPort(remote)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap()
}

// bounded cuts s to at most n bytes.
func bounded(s string, n int) string {
	if len(s) > n {
		return s[:n] + "…"
	}
	return s
}
