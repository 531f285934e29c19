package engine

import (
	"cmp"
	"errors"
	"io"
	"iter"
	"net/http"
	"strconv"
	"time"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/frame"
	"weir/internal/gateway"
	"weir/internal/llm"
)

// witness watches the canonical events of an answer on their way from one dialect to the other.
type witness struct {
	c      *call
	t      *try
	began  bool
	ended  bool
	fault  *fault.Fault
	losses []llm.Loss
	turn   sealed

	thoughts []thought // that are open
}

func (p *witness) lose(l llm.Loss) { p.losses = append(p.losses, l) }

// events lets events pass and notes what they mean for the exchange.
func (p *witness) events(in iter.Seq2[llm.Event, error]) iter.Seq2[llm.Event, error] {
	return func(yield func(llm.Event, error) bool) {
		for e, err := range in {
			if err == nil {
				p.see(&e)
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

func (p *witness) see(e *llm.Event) {
	p.t.relabel(&e.Part.Seal)
	switch e.Kind {
	case llm.EventStart:
		if e.Created == "" {
			e.Created = llm.Num(strconv.FormatInt(p.c.x.Start.Unix(), 10))
		}
		if e.Model == "" {
			e.Model = p.t.a.Target.Model
		}
		if id := p.c.ownID(); id != "" || e.ID == "" {
			e.ID = cmp.Or(id, p.c.x.ID)
		}
	case llm.EventOpen, llm.EventDelta:
		if !p.began {
			p.began = true
			p.c.began(p.t)
		}
	case llm.EventUsage:
		u := e.Clone().Usage
		p.t.correctShown(u)
		e.Usage = u
	case llm.EventFault:
		p.fault = e.Fault
	case llm.EventEnd:
		p.ended = true
	}
	if p.c.e.seals != nil {
		p.turn.see(e)
	}
	p.vouch(e)
}

// translateStream carries a streamed answer into the client's dialect, as a stream or, if the client wanted none, whole.
func (c *call) translateStream(t *try, resp *http.Response) *fault.Fault {
	if t.up.Codec() == nil { // nobody asked for a stream
		return garbage(t)
	}
	meter := t.up.Meter()
	defer c.read(t, meter.Read())
	buf := relayBuffers.Get().(*[]byte)
	defer relayBuffers.Put(buf)
	p := &witness{c: c, t: t}
	defer c.rest(t, resp)
	frames := c.metered(t, t.place.Provider.Frames(t.framing, resp.Body, *buf), meter)
	events := p.thoughtful(p.events(t.up.Codec().DecodeStream(frames)))
	if !c.x.Head.Stream {
		whole, err := llm.Collect(t.up.Name(), events)
		if err != nil {
			return c.sendFault(t, err)
		}
		return c.encodeWhole(t, resp, p, whole, meter.Read())
	}
	return c.encodeStream(t, resp, p, events, meter.Read())
}

// translateBody carries a whole answer into the client's dialect, whole or, if the client wanted a stream, as one.
func (c *call) translateBody(t *try, resp *http.Response) *fault.Fault {
	buf := new(buffer) // not pooled: what is decoded shares its memory
	if f := c.readAnswer(t, resp, buf); f != nil {
		return f
	}
	meter := meterFor(t, resp)
	meter.Body(buf.b)
	reading := meter.Read()
	defer c.read(t, reading)
	if reading.Fault != nil {
		return reading.Fault
	}
	if c.x.Op == llm.OpCount {
		return c.translateCount(t, resp, buf.b, reading)
	}
	if c.side != nil {
		return c.side.translate(c, t, resp, buf.b, reading)
	}
	whole, err := t.up.Codec().DecodeResponse(buf.b)
	if err != nil {
		f := garbage(t)
		f.Cause = err
		return f
	}
	c.whole(t, nil, whole, reading.Usage)
	p := &witness{c: c, t: t}
	t.correctShown(whole.Usage)
	for i := range whole.Choices {
		for j := range whole.Choices[i].Parts {
			t.relabel(&whole.Choices[i].Parts[j].Seal)
		}
	}
	if c.x.Head.Stream {
		return c.encodeStream(t, resp, p, p.thoughtful(p.events(llm.Replay(whole))), reading)
	}
	for e, err := range llm.Replay(whole) { // the witness sees a whole answer as it sees a stream
		if err == nil {
			p.see(&e)
		}
	}
	c.vouchWhole(t, whole)
	return c.encodeWhole(t, resp, p, whole, reading)
}

// restTime is how long a provider may take to end its answer after the last event of it.
const restTime = 200 * time.Millisecond

// rest reads what follows the last event, so that the connection can be used again and the provider does not take the
// client for gone.
func (c *call) rest(t *try, resp *http.Response) {
	if c.x.Ending != gateway.Done && (c.x.Ending != gateway.ClientGone || !t.place.Drain) {
		return
	}
	body := resp.Body
	if w, ok := body.(watched); ok {
		body = w.ReadCloser
	}
	t.watch.wait(waitData, restTime)
	_, _ = io.CopyN(io.Discard, body, 4<<10) // whatever comes of it, the exchange is over
}

func (c *call) encodeWhole(t *try, resp *http.Response, p *witness, whole *llm.Response, reading *dialect.Reading) *fault.Fault {
	if whole.Fault != nil {
		return whole.Fault
	}
	c.fill(t, whole)
	out, losses, err := c.d.Codec().EncodeResponse(c.request, whole)
	if err != nil {
		return fault.Of(err)
	}
	t.a.Losses = append(t.a.Losses, losses...)
	h := c.w.Header()
	h["Content-Length"] = []string{strconv.Itoa(len(out))}
	c.keep(t, p)
	c.ownHead(resp, "application/json", c.lost.add(t.a.Losses))
	c.write(out)
	c.kept(t, out, reading)
	c.done(t, reading)
	return nil
}

// fill puts in what the answer's own dialect leaves out and the client's demands.
func (c *call) fill(t *try, whole *llm.Response) {
	if whole.Created == "" {
		whole.Created = llm.Num(strconv.FormatInt(c.x.Start.Unix(), 10))
	}
	if whole.Model == "" {
		whole.Model = t.a.Target.Model
	}
	if id := c.ownID(); id != "" || whole.ID == "" {
		whole.ID = cmp.Or(id, c.x.ID)
	}
}

// encodeStream writes the canonical stream in the client's dialect. As in passStream nothing is written before the
// first event of substance, so that until then another target, or a plain error answer, can take its place.
func (c *call) encodeStream(t *try, resp *http.Response, p *witness, events iter.Seq2[llm.Event, error], reading *dialect.Reading) *fault.Fault {
	codec := c.d.Codec()
	var held []byte
	for f, err := range codec.EncodeStream(c.request, events, p.lose) {
		if err != nil {
			return c.brokeOff(t, c.sendFault(t, err))
		}
		if p.fault != nil {
			if !c.wrote {
				return p.fault
			}
			t.a.Fault, c.x.Fault = p.fault, p.fault
		}
		c.watchFinal(f)
		if !c.wrote {
			held = append(held, f.Raw...)
			if !p.began && !p.ended && len(held) < heldMost {
				continue
			}
			h := c.w.Header()
			h["Cache-Control"] = []string{"no-cache"}
			t.a.Losses = append(t.a.Losses, codec.Cannot(c.request, t.up.Name())...)
			c.ownHead(resp, frame.ContentType(c.x.Head.Framing), c.lost.add(t.a.Losses))
			c.write(held)
			held = nil
		} else {
			c.write(f.Raw)
		}
		if c.gone && !t.place.Drain {
			c.left()
			return nil
		}
	}
	if !c.wrote {
		return cutFault(t, errors.New("the stream ended before its first event"))
	}
	if late := c.lost.add(p.losses); late != "" {
		c.flush() // a head that has not left yet would get a length, and there are no trailers then
		c.w.Header()[http.TrailerPrefix+"X-Weir-Lost"] = []string{late}
	}
	t.a.Losses = append(t.a.Losses, p.losses...)
	c.keep(t, p)
	if p.fault == nil {
		c.kept(t, nil, reading)
	}
	c.done(t, reading)
	if p.fault != nil && !c.gone {
		c.x.Ending = gateway.Cut
	}
	return nil
}
