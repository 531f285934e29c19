package engine

import (
	"bytes"
	"strings"
	"time"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/frame"
	"weir/internal/gateway"
	"weir/internal/llm"
)

// threadTime is how long an answer is kept, as the first provider that kept any does.
const threadTime = 30 * 24 * time.Hour

// thread is what an exchange has to do with kept answers; nil where its dialect keeps none.
type thread struct {
	says    dialect.Threaded
	k       dialect.Keeper // nil: only providers keep what is said in its dialect
	said    dialect.Thread
	pinned  string // the one provider that keeps what the call goes on from
	id      string // under which the answer will be kept where the gateway makes it
	keep    bool   // the answer shall be kept
	holding bool   // room was taken under id
	final   []byte // the whole answer of a stream
}

// Threads makes the engine keep answers in t, where clients ask for it. Call it before the first exchange.
func (e *Engine) Threads(t gateway.Threads) { e.threads = t }

// recall reads what the call says of kept answers and puts the conversation it goes on from in front of its input, where
// the gateway keeps that; where a provider does, only that provider can go on. It is part of admission.
func (c *call) recall() error {
	says, ok := c.d.(dialect.Threaded)
	if !ok || c.e.threads == nil || c.x.Op != llm.OpChat {
		return nil
	}
	k, _ := c.d.(dialect.Keeper)
	said, err := says.Thread(c.in)
	if err != nil {
		return err
	}
	c.th = &thread{says: says, k: k, said: said, keep: said.Store == nil || *said.Store, id: "resp_" + strings.ReplaceAll(c.x.ID, "-", "")}
	if said.Background && said.Store != nil && !*said.Store {
		return refusal("background", "an answer in the background must be kept: leave out store: false")
	}
	var before []byte
	native := ""
	if said.Previous != "" {
		turn, ok := c.e.threads.Get(c.x.Grant.Key, said.Previous)
		if !ok || turn.Dialect != c.d.Name() {
			f := fault.New(fault.NotFound, "the response %s, which this request goes on from, is not kept here for this key", bounded(said.Previous, 100))
			f.Param, f.Code = said.Member, "previous_response_not_found"
			return f
		}
		switch {
		case turn.State == gateway.TurnRunning:
			return refusal(said.Member, "the response it goes on from is not finished yet")
		case turn.State != gateway.TurnDone:
			return refusal(said.Member, "the response it goes on from failed or was cancelled")
		case turn.Native:
			native = turn.Target.Provider
		default:
			before = conversation(k, &turn)
		}
	}
	items := map[string][]byte{}
	for _, id := range said.References {
		turn, ok := c.e.threads.Holding(c.x.Grant.Key, id)
		switch {
		case !ok:
			f := fault.New(fault.NotFound, "the item %s, which the input refers to, is not kept here for this key", bounded(id, 100))
			f.Param, f.Code = "input", "item_not_found"
			return f
		case !turn.Native:
			items[id] = k.Item(conversation(k, &turn), id)
		case native == "":
			native = turn.Target.Provider
		case native != turn.Target.Provider:
			return refusal("input", "it refers to items that different providers keep")
		}
	}
	c.th.pinned = native
	if native != "" {
		if before != nil {
			return refusal("input", "it refers to items that another provider keeps than what it goes on from")
		}
		if said.Previous != "" || len(items) == 0 {
			return nil
		}
	}
	if before == nil && len(items) == 0 {
		return nil
	}
	return c.resume(before, items)
}

// resume makes the call's body one that says the whole conversation.
func (c *call) resume(before []byte, items map[string][]byte) error {
	if most := c.s.MaxBody; most > 0 && int64(len(before)+len(c.in.Body)) > most {
		return fault.New(fault.TooLarge, "the conversation that is kept has grown over the limit of a request (%d bytes); begin a new one", most)
	}
	buf := newBuffer()
	call, err := c.th.k.Resume(buf.b, c.in, before, func(id string) []byte { return items[id] })
	if err != nil {
		buf.release()
		return err
	}
	buf.b = call.Body
	c.body.release()
	c.body, c.in = buf, call
	return nil
}

// conversation returns all items of a kept turn: what was said before the answer, and the answer's.
func conversation(k dialect.Keeper, turn *gateway.Turn) []byte {
	before := bytes.TrimSuffix(bytes.TrimPrefix(turn.Before, []byte{'['}), []byte{']'})
	out := make([]byte, 0, len(before)+len(turn.Answer)/2)
	out = append(out, before...)
	after := k.Output(nil, turn.Answer)
	if len(out) > 0 && len(after) > 0 {
		out = append(out, ',')
	}
	return append(out, after...)
}

func refusal(param, message string) *fault.Fault {
	return &fault.Fault{Kind: fault.Malformed, Param: param, Message: message}
}

// pin leaves only the targets of the provider that keeps what the call goes on from.
func (c *call) pin() error {
	if c.th == nil || c.th.pinned == "" {
		return nil
	}
	var left []gateway.Target
	for _, t := range c.x.Plan.Targets {
		if t.Provider == c.th.pinned {
			left = append(left, t)
			continue
		}
		c.x.Plan.PassedOver = append(c.x.Plan.PassedOver, gateway.Candidate{Target: t, Why: "the provider " + c.th.pinned + " keeps this conversation"})
	}
	if left == nil {
		f := fault.New(fault.NotFound, "the provider %s keeps this conversation, and the model %s does not reach it", c.th.pinned, bounded(c.x.Head.Model, 100))
		f.Param = c.th.said.Member
		return f
	}
	c.x.Plan.Targets, c.x.Plan.Tries = left, len(left)
	return nil
}

// reserve takes room for the answer before anything is sent, so that a full store refuses and does not forget. A client
// that did not ask for keeping gets its answer all the same, and reads that it is not kept.
func (c *call) reserve() error {
	if c.th == nil || !c.th.keep || c.th.holding {
		return nil
	}
	turn := c.turn(c.th.id, gateway.TurnRunning)
	if turn.Native = c.th.pinned != "" || c.nativeFirst(); !turn.Native {
		turn.Before = c.before()
	}
	if err := c.e.threads.Put(turn); err != nil {
		if c.th.said.Store != nil || c.th.said.Background {
			return err
		}
		c.th.keep = false
		return nil
	}
	c.th.holding = true
	return nil
}

// before is the conversation up to the answer, as an array.
func (c *call) before() []byte {
	return append(c.th.k.Input([]byte{'['}, c.in), ']')
}

func (c *call) turn(id string, state gateway.TurnState) gateway.Turn {
	return gateway.Turn{
		ID: id, Owner: c.x.Grant.Key, Dialect: c.d.Name(), Model: c.x.Head.Model, Target: c.x.Answered(),
		State: state, Made: c.x.Start, Ends: c.x.Start.Add(threadTime),
	}
}

// native reports whether the target's provider keeps answers of the client's dialect itself.
func (t *try) native(d dialect.Dialect) bool {
	return t.up != nil && t.up.Name() == d.Name() && keeps(t.place, d)
}

// keeps reports whether a provider that speaks d keeps what it answers in it.
func keeps(p *Place, d dialect.Dialect) bool {
	_, here := d.(dialect.Keeper)
	return p.Keeps || !here
}

// goesOn returns what a passed answer must say that it goes on from, "" where the provider says so itself: the gateway
// sent it the conversation.
func (c *call) goesOn(t *try) string {
	if c.th == nil || t.native(c.d) {
		return ""
	}
	return c.th.said.Previous
}

// watchFinal remembers the whole answer that a stream ends with.
func (c *call) watchFinal(f frame.Frame) {
	if c.th == nil || !c.th.keep {
		return
	}
	if whole := c.th.says.Whole(f); whole != nil {
		c.th.final = bytes.Clone(whole)
	}
}

// kept puts the answer where it was promised to be. In every ending but a whole answer the room is given back.
func (c *call) kept(t *try, answer []byte, reading *dialect.Reading) {
	if c.th == nil || !c.th.keep || reading.Fault != nil {
		return
	}
	if answer == nil {
		answer = c.th.final
	}
	id := reading.ID
	if t.a.Mode == gateway.Translated {
		id = c.th.id
	}
	if answer == nil || id == "" {
		return
	}
	turn := c.turn(id, gateway.TurnDone)
	if t.native(c.d) {
		turn.Native, turn.Items = true, c.th.says.ItemIDs(answer)
	} else {
		turn.Before, turn.Answer, turn.Items = c.before(), bytes.Clone(answer), c.th.says.ItemIDs(answer)
	}
	if err := c.e.threads.Put(turn); err != nil {
		c.x.Unkept = fault.Of(err)
		return
	}
	c.th.holding = c.th.holding && id != c.th.id // the room under id is the turn now
}

// release gives room back that was taken and is not used.
func (c *call) release() {
	if c.th != nil && c.th.holding {
		c.e.threads.Delete(c.x.Grant.Key, c.th.id)
	}
}

// ownID is the id the gateway gives an answer that it keeps, "" where the provider's stands.
func (c *call) ownID() string {
	if c.th == nil || !c.th.keep {
		return ""
	}
	return c.th.id
}

// threaded puts into a request what the answer says of keeping: what the client asked for, and what comes of it.
func (c *call) threaded(req *llm.Request) *llm.Request {
	if c.th != nil {
		req.Thread.Store, req.Thread.Background, req.Thread.Previous = &c.th.keep, c.th.said.Background, c.th.said.Previous
	}
	return req
}

// threadless returns the request without what the gateway itself does about keeping: a target is not asked for it.
func (c *call) threadless(req *llm.Request) *llm.Request {
	if c.th == nil {
		return req
	}
	no := false
	own := *req
	own.Thread.Background, own.Thread.Previous = false, ""
	if own.Thread.Store = nil; !c.th.keep {
		own.Thread.Store = &no
	}
	return &own
}
