package engine

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/frame"
	"weir/internal/gateway"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

const (
	heldMost   = 64 << 10 // bytes of a stream kept back while another target may still answer
	together   = 4 << 10  // bytes of frames that are written at once, when they came so
	answerMost = 64 << 20 // bytes of an answer that is not a stream
	relaySize  = 4 << 10  // first size of a stream's read buffer: what net/http reads at once
)

// relayBuffers holds the read buffers of streams; a stream gives its own back when it ends.
var relayBuffers = sync.Pool{New: func() any { b := make([]byte, relaySize); return &b }}

// relay carries an answer to the client. The fault it returns means that nothing was written and another target may be
// tried; nil, that the exchange is over, whatever its ending.
func (c *call) relay(t *try, resp *http.Response) *fault.Fault {
	if c.asking != nil && c.asking.parts != nil {
		return c.relayPart(t, resp)
	}
	want := t.up.Name().Framing()
	if t.a.Mode == gateway.Passed {
		want = c.x.Head.Framing
	}
	kind := resp.Header.Get("Content-Type")
	if kind == "" { // what was asked for is what a provider that says nothing sends; net/http would guess
		if kind = "application/json"; c.x.Head.Stream {
			kind = frame.ContentType(want)
		}
		resp.Header.Set("Content-Type", kind)
	}
	if c.asking != nil && c.asking.verb == dialect.ThingContent {
		return c.passOpaque(t, resp)
	}
	var stream bool
	t.framing, stream = frame.Of(kind, c.x.Head.Stream, want)
	switch {
	case t.a.Mode == gateway.Passed && stream:
		return c.passStream(t, resp)
	case t.a.Mode == gateway.Passed && opaque(t.up, c.x.Op, kind):
		return c.passOpaque(t, resp)
	case t.a.Mode == gateway.Passed && c.wantsSound(t, kind):
		return c.passSound(t, resp)
	case t.a.Mode == gateway.Passed:
		return c.passBody(t, resp)
	case stream:
		return c.translateStream(t, resp)
	default:
		return c.translateBody(t, resp)
	}
}

// batch holds whole frames that are not written yet. Released it holds nothing and can be used again, so that a stream
// that waits has no memory for what it does not hold.
type batch struct{ b *[]byte }

func (h *batch) frames() []byte {
	if h.b == nil {
		return nil
	}
	return *h.b
}

func (h *batch) add(raw []byte) {
	if h.b == nil {
		h.b = batches.Get().(*[]byte)
		*h.b = (*h.b)[:0]
	}
	*h.b = append(*h.b, raw...)
}

func (h *batch) release() {
	if h.b != nil && cap(*h.b) <= 4*together {
		batches.Put(h.b)
	}
	h.b = nil
}

var batches = sync.Pool{New: func() any { b := make([]byte, 0, together); return &b }}

// passStream relays frames as they came and reads usage as they pass. While another target may still answer it keeps
// back what comes before the first event of substance; only whole frames are ever written, so that an error of ours
// can follow any of them.
func (c *call) passStream(t *try, resp *http.Response) *fault.Fault {
	meter := meterFor(t, resp)
	reading := meter.Read()
	defer c.read(t, reading)
	buf := relayBuffers.Get().(*[]byte)
	defer relayBuffers.Put(buf)
	var held batch
	defer held.release()
	seen, previous := false, c.goesOn(t) // seen: a frame with data
	for f, err := range t.place.Provider.Frames(t.framing, resp.Body, *buf) {
		if err != nil {
			if c.wrote {
				c.write(held.frames())
			}
			return c.brokeOff(t, c.sendFault(t, err))
		}
		meter.Frame(f)
		c.heard.frame(t.up.Name(), &f)
		if previous != "" {
			f = c.th.k.ContinuesFrame(f, previous)
		}
		c.watchFinal(f)
		if !seen && len(f.Data) > 0 {
			if seen = true; !payload(f.Data) && !c.wrote {
				return garbage(t)
			}
		}
		if reading.Began && t.a.FirstEvent == 0 {
			c.began(t)
		}
		if c.sparing != nil && c.sparing.UsageFrame(f.Data) {
			f.Raw = nil
		}
		alone := c.wrote && len(held.frames()) == 0 && !f.More
		if !alone {
			held.add(f.Raw)
		}
		if !c.wrote {
			if reading.Fault != nil && !reading.Began && !t.final && worthNext(reading.Fault) {
				return reading.Fault
			}
			if !seen || !t.final && !reading.Began && !reading.Ended && reading.Fault == nil && len(held.frames()) < heldMost {
				continue
			}
			c.remember(reading)
			c.letGo(t)
			c.passHead(resp, -1, c.lost.add(t.a.Losses))
		}
		switch {
		case alone:
			c.write(f.Raw)
		case f.More && len(held.frames()) < together: // what came at once goes at once
			continue
		default:
			c.write(held.frames())
			held.release()
		}
		if !f.More {
			c.flush()
		}
		if c.gone && !t.place.Drain {
			c.left()
			return nil
		}
	}
	if closeDelimited(resp) && !reading.Ended && reading.Stop.Reason == "" {
		return c.brokeOff(t, cutFault(t, io.ErrUnexpectedEOF))
	}
	if !c.wrote {
		if !t.final {
			return cutFault(t, errors.New("the stream ended before its first event"))
		}
		c.passHead(resp, -1, c.lost.add(t.a.Losses))
		c.write(held.frames())
	}
	c.kept(t, nil, reading)
	c.done(t, reading)
	return nil
}

// meterFor returns a meter that has seen the answer's head.
func meterFor(t *try, resp *http.Response) dialect.Meter {
	m := t.up.Meter()
	if h, ok := m.(dialect.HeadMeter); ok {
		h.Head(resp.Header)
	}
	return m
}

// letGo gives the request's body back: no other target will need it, and a stream may be long.
func (c *call) letGo(t *try) {
	if c.th != nil && c.th.keep && !t.native(c.d) {
		return // what was said is kept with the answer
	}
	if c.request != nil {
		return // it was decoded, and shares its memory
	}
	c.body.release()
	t.buf.release()
	c.body, t.buf = nil, nil
}

// passBody relays an answer that is not a stream. It is read whole first, so that one that breaks off or is no answer
// can still be mended by another target or told as an error.
func (c *call) passBody(t *try, resp *http.Response) *fault.Fault {
	buf := newBuffer()
	defer buf.release()
	if f := c.readAnswer(t, resp, buf); f != nil {
		return f
	}
	meter := meterFor(t, resp)
	meter.Body(buf.b)
	reading := meter.Read()
	defer c.read(t, reading)
	if reading.Fault != nil && !t.final && worthNext(reading.Fault) {
		return reading.Fault
	}
	answer := buf.b
	if previous := c.goesOn(t); previous != "" {
		answer = c.th.k.Continues(nil, answer, previous)
	}
	if c.change != nil {
		var f *fault.Fault
		if answer, f = c.change(t, answer); f != nil {
			return f
		}
	}
	c.began(t)
	c.passHead(resp, int64(len(answer)), c.lost.add(t.a.Losses))
	c.write(answer)
	c.kept(t, answer, reading)
	c.done(t, reading)
	c.whole(t, buf.b, nil, reading.Usage)
	return nil
}

// readAnswer reads a whole answer and makes sure that it is JSON.
func (c *call) readAnswer(t *try, resp *http.Response, buf *buffer) *fault.Fault {
	if n := resp.ContentLength; n > 0 && n < answerMost && int64(cap(buf.b)) < n+1 {
		buf.b = make([]byte, 0, n+1)
	}
	for {
		if len(buf.b) == cap(buf.b) {
			buf.b = append(buf.b, 0)[:len(buf.b)]
		}
		n, err := resp.Body.Read(buf.b[len(buf.b):cap(buf.b)])
		buf.b = buf.b[:len(buf.b)+n]
		if len(buf.b) > answerMost {
			f := fault.New(fault.Upstream, "the provider %s answered more than %d bytes", t.a.Target.Provider, answerMost)
			f.Origin = fault.There
			return f
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return c.sendFault(t, err)
		}
	}
	if rawjson.Kind(buf.b) != '{' && rawjson.Kind(buf.b) != '[' {
		return garbage(t)
	}
	if err := rawjson.Check(buf.b); err != nil {
		f := garbage(t)
		f.Cause = err
		return f
	}
	return nil
}

// brokeOff handles an answer that failed under way: before anything was written it is the attempt's fault, after that
// the client is told within the stream.
func (c *call) brokeOff(t *try, f *fault.Fault) *fault.Fault {
	if !c.wrote {
		return f
	}
	t.a.Fault = f
	if f.Kind == fault.ClientGone || c.gone {
		c.left()
		return nil
	}
	c.broke(f)
	return nil
}

// done notes how a relayed answer ended.
func (c *call) done(t *try, reading *dialect.Reading) {
	c.x.Losses = t.a.Losses
	switch {
	case c.gone:
		c.left()
	case reading.Fault != nil:
		t.a.Fault, c.x.Fault = reading.Fault, reading.Fault
		c.x.Ending = gateway.Cut
		if !reading.Began {
			c.x.Ending = gateway.Failed
		}
	default:
		c.x.Ending = gateway.Done
	}
}

// read takes over what the meter has read, however the answer ended.
func (c *call) read(t *try, r *dialect.Reading) {
	if r.Usage != nil {
		t.correct(r.Usage)
		c.x.Usage = r.Usage
	}
	c.x.Stop, c.x.Model, c.x.AnswerID = r.Stop, r.Model, r.ID
	if c.made = r.Made; r.Usage != nil && r.Usage.Tier == "" {
		r.Usage.Tier = r.Tier
	}
}

// correct makes a usage keep to the canonical inclusions where its provider states it otherwise, which is known of chat.
func (t *try) correct(u *llm.Usage) { t.profile().Correct(u) }

// correctShown does so for what the client reads: of a provider of which nothing is known it reads what was stated.
func (t *try) correctShown(u *llm.Usage) {
	if p := t.profile(); p != 0 {
		p.Correct(u)
	}
}

func (t *try) profile() llm.Profile {
	if t.place.Facts == nil || t.up == nil || t.up.Name() != llm.OpenAIChat {
		return 0
	}
	return t.place.Facts(t.a.Target.Model).Usage
}

// makers are those whose seals a dialect's decoder takes its seals for.
var makers = map[llm.Dialect]string{
	llm.OpenAIResponses: "openai", llm.AnthropicMessages: "anthropic", llm.GeminiGenerate: "google",
}

// relabel gives a seal its true maker where a provider speaks another maker's dialect.
func (t *try) relabel(s *llm.Seal) {
	if s.Data == "" || t.place.Facts == nil || s.By != makers[t.up.Name()] {
		return
	}
	if by := t.place.Facts(t.a.Target.Model).SealBy; by != "" {
		s.By = by
	}
}

// began notes the first event of substance.
func (c *call) began(t *try) {
	t.a.FirstEvent = time.Since(t.start)
	c.x.FirstEvent = time.Since(c.x.Start)
}

// payload reports whether the first data of a stream can be an answer.
func payload(data []byte) bool {
	k := rawjson.Kind(data)
	return k == '{' || strings.HasPrefix(string(data[:min(len(data), 6)]), "[DONE]")
}

func garbage(t *try) *fault.Fault {
	f := fault.New(fault.Upstream, "the provider %s answered something that is not %s", t.a.Target.Provider, t.up.Name())
	f.Origin = fault.There
	return f
}

func cutFault(t *try, cause error) *fault.Fault {
	f := fault.New(fault.Cut, "the provider %s broke off in the middle of its answer", t.a.Target.Provider)
	f.Origin, f.Cause = fault.There, cause
	return f
}

// closeDelimited reports whether only the end of the connection ends the answer, so that an end and a cut look alike.
func closeDelimited(resp *http.Response) bool {
	return resp.ProtoMajor == 1 && resp.ContentLength < 0 && len(resp.TransferEncoding) == 0
}

// metered lets frames pass by a meter, and flushes what became of them when nothing more is in memory.
func (c *call) metered(t *try, frames frame.Seq, meter dialect.Meter) frame.Seq {
	return func(yield func(frame.Frame, error) bool) {
		for f, err := range frames {
			if err == nil {
				meter.Frame(f)
				c.heard.frame(t.up.Name(), &f)
			}
			if !yield(f, err) {
				return
			}
			if !f.More && c.wrote {
				c.flush()
			}
		}
	}
}
