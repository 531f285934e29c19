package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/coder/websocket"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/gateway"
	"weir/internal/llm"
	"weir/internal/price"
)

const (
	pingEvery   = 20 * time.Second // a side is asked so often whether it is there
	pongTime    = 20 * time.Second // and has so long to say so
	silenceMost = 30 * time.Minute // without a message from either side
	partingTime = 5 * time.Second  // the last words to a client may take so long
)

// session is one session under way: a goroutine for each direction, one that asks both sides whether they are there, and
// the handler's own, which waits for an end and concludes it. Whatever ends first is how the session ended.
type session struct {
	c     *call
	live  dialect.Live
	words dialect.Session
	t     *try

	client, up *websocket.Conn
	firstType  websocket.MessageType // of the message that set the session up
	ends       chan end
	stop       chan struct{} // closed when it is over
	over       atomic.Bool   // nothing is passed on any more
	wg         sync.WaitGroup
	in, out    atomic.Int64
	last       atomic.Int64 // when the last message passed, in nanoseconds since the exchange began
	busy       atomic.Bool  // an answer is under way
	leaving    atomic.Bool  // it ends when the answer under way is over
	concluded  bool

	toClient, toProvider watch

	// What the provider's direction books; the handler reads it when that has ended.
	watching []gateway.Watcher
	price    *price.Price
	why      string       // there is none
	said     *fault.Fault // the last error event
	before   *llm.Usage   // of the answer before
}

// end is how a session ends, and what each side is told.
type end struct {
	ending gateway.Ending
	fault  *fault.Fault // nil = nothing went wrong
	code   websocket.StatusCode
	reason string // "" = the fault's words
	quiet  bool   // the client is told no error event: it knows, or it was the provider's word to close
	gone   bool   // the client is not there
}

// ended notes an end; the first counts. Nothing is passed on from here.
func (s *session) ended(e end) {
	s.over.Store(true)
	select {
	case s.ends <- e:
	default:
	}
}

// open waits a moment for the provider's first message, which may refuse the session, opens the client's side and serves
// the session to its end.
func (s *session) open(ctx context.Context, final bool) (over bool) {
	c := s.c
	s.ends, s.stop = make(chan end, 1), make(chan struct{})
	s.over.Store(false) // an earlier attempt may have ended
	if s.live.First() {
		if err := s.send(s.up, nil, s.firstType, s.t.call.Body); err != nil {
			return s.missed(cutFault(s.t, err), final)
		}
	}
	first, goOn := make(chan *fault.Fault, 1), make(chan bool, 1)
	s.run(func() { s.fromProvider(first, goOn) })
	timer := time.NewTimer(openingTime)
	defer timer.Stop()
	var f *fault.Fault
	select {
	case f = <-first:
	case <-timer.C:
	case <-ctx.Done():
		f = c.sendFault(s.t, ctx.Err())
	}
	if f != nil && (!final && worthNext(f) || f.NativeType == closedEarly) {
		goOn <- false
		_ = s.up.CloseNow()
		s.wg.Wait()
		s.up = nil
		return s.missed(f, final)
	}
	if s.client == nil {
		if err := s.accept(); err != nil {
			goOn <- false
			c.left()
			return true
		}
	}
	s.begin()
	goOn <- true
	s.run(s.fromClient)
	s.run(s.listen)
	s.conclude(s.wait())
	return true
}

// closedEarly marks the fault of a provider that closed the session before it said anything in it.
const closedEarly = "closed"

// begin prepares what the directions need.
func (s *session) begin() {
	c := s.c
	s.watching = s.watchers()
	s.price, s.why = c.priceOf(s.t.a.Target)
	s.touch()
	c.e.wheel.watch(&s.toClient, s.t.place.Total, func(p phase) {
		if p == waitWrite {
			s.ended(end{ending: gateway.ClientGone, fault: expiry(p, s.t.a.Target.Provider), gone: true, code: websocket.StatusGoingAway})
			return
		}
		f := fault.New(fault.Timeout, "the session reached its limit in time (timeouts.total of the provider %s)", s.t.a.Target.Provider)
		s.ended(end{ending: gateway.Cut, fault: f, code: websocket.StatusGoingAway})
	})
	c.e.wheel.watch(&s.toProvider, 0, func(phase) {
		f := fault.New(fault.Timeout, "the provider %s took nothing more of what was sent to it", s.t.a.Target.Provider)
		f.Origin = fault.There
		s.ended(end{ending: gateway.Cut, fault: f, code: websocket.StatusInternalError})
	})
}

// wait returns how the session ends. While the gateway drains it ends as soon as no answer is under way.
func (s *session) wait() end {
	drains := s.c.e.drains
	for {
		select {
		case e := <-s.ends:
			return e
		case <-drains:
			if drains = nil; !s.busy.Load() {
				return drained()
			}
			s.leaving.Store(true)
		case <-s.c.e.ending.Done():
			return drained()
		}
	}
}

func drained() end {
	return end{
		ending: gateway.Cut, code: websocket.StatusGoingAway,
		fault: fault.New(fault.Unavailable, "the gateway is shutting down; open the session again"),
	}
}

// run starts a goroutine of the session's. One that panics ends the session and nothing else.
func (s *session) run(do func()) {
	s.wg.Go(func() {
		defer func() {
			if p := recover(); p != nil {
				f := &fault.Fault{Kind: fault.Internal, Message: "the gateway failed on this session", Cause: fmt.Errorf("panic: %v\n%s", p, debug.Stack())}
				s.ended(end{ending: gateway.Cut, fault: f, code: websocket.StatusInternalError})
			}
		}()
		do()
	})
}

// take reads the next message. Memory is taken only when one has begun, so that a silent session holds none.
func take(conn *websocket.Conn) (websocket.MessageType, *buffer, error) {
	typ, r, err := conn.Reader(context.Background())
	if err != nil {
		return 0, nil, err
	}
	buf := newBuffer()
	for {
		if len(buf.b) == cap(buf.b) {
			buf.b = append(buf.b, 0)[:len(buf.b)]
		}
		n, err := r.Read(buf.b[len(buf.b):cap(buf.b)])
		buf.b = buf.b[:len(buf.b)+n]
		if errors.Is(err, io.EOF) {
			return typ, buf, nil
		}
		if err != nil {
			buf.release()
			return 0, nil, err
		}
	}
}

// send writes a message to a side. It has as long as a client has to take something; w times it, nil = a time of its own.
func (s *session) send(conn *websocket.Conn, w *watch, typ websocket.MessageType, message []byte) error {
	if w == nil {
		ctx, cancel := context.WithTimeout(context.Background(), partingTime)
		defer cancel()
		return conn.Write(ctx, typ, message)
	}
	w.wait(waitWrite, s.c.e.writeTime)
	err := conn.Write(context.Background(), typ, message)
	w.wait(waitTotal, 0)
	return err
}

func (s *session) touch() { s.last.Store(int64(time.Since(s.c.x.Start))) }

// fromClient passes the client's messages up until one side ends.
func (s *session) fromClient() {
	for {
		typ, buf, err := take(s.client)
		if err != nil {
			s.ended(s.clientEnd(err))
			return
		}
		s.in.Add(int64(len(buf.b)))
		s.touch()
		more := s.passUp(typ, buf.b)
		buf.release()
		if !more {
			return
		}
	}
}

// passUp passes one message of the client's up, or says why not.
func (s *session) passUp(typ websocket.MessageType, message []byte) (more bool) {
	if s.over.Load() {
		return false
	}
	if typ == websocket.MessageText && !utf8.Valid(message) {
		f := fault.New(fault.Malformed, "a message of text is not UTF-8")
		s.ended(end{ending: gateway.Cut, fault: f, code: websocket.StatusInvalidFramePayloadData})
		return false
	}
	up, err := s.refers(message)
	if err == nil {
		up, err = s.words.FromClient(up, s.govern)
	}
	if err != nil {
		f := *fault.Of(err)
		f.ID, f.Message = s.c.x.ID, fault.Blot(f.Message)
		answer := s.words.Refusal(nil, message, &f)
		if len(answer) == 0 {
			s.ended(end{ending: gateway.Cut, fault: &f, code: codeOf(&f)})
			return false
		}
		return s.send(s.client, nil, websocket.MessageText, answer) == nil // else its own direction ends too
	}
	return s.send(s.up, &s.toProvider, typ, up) == nil
}

// fromProvider passes the provider's messages to the client until one side ends. first is told of the first one, and
// goOn says whether it and the others are wanted.
func (s *session) fromProvider(first chan<- *fault.Fault, goOn <-chan bool) {
	for n := 0; ; n++ {
		typ, buf, err := take(s.up)
		if err != nil {
			e := s.providerEnd(err)
			if n == 0 {
				f := fault.Fault{}
				if f.Kind = fault.Cut; e.fault != nil {
					f = *e.fault
				}
				f.NativeType = closedEarly
				first <- &f
				<-goOn
			}
			s.ended(e)
			return
		}
		told := s.words.FromProvider(buf.b)
		if n == 0 {
			if first <- told.Fault; !<-goOn {
				buf.release()
				return
			}
		}
		more := s.passDown(typ, buf.b, &told)
		buf.release()
		if !more {
			return
		}
	}
}

// passDown books what a message of the provider's tells and passes it to the client. What is told when the session is
// over is booked still.
func (s *session) passDown(typ websocket.MessageType, message []byte, told *dialect.Told) (more bool) {
	s.touch()
	refused := s.book(told)
	if s.over.Load() {
		return true // until its side closes
	}
	if err := s.send(s.client, &s.toClient, typ, message); err != nil {
		s.ended(end{ending: gateway.ClientGone, gone: true, fault: fault.New(fault.ClientGone, "the client left"), code: websocket.StatusGoingAway})
		return true
	}
	s.out.Add(int64(len(message)))
	switch {
	case refused != nil:
		s.ended(end{ending: gateway.Cut, fault: refused, code: websocket.StatusPolicyViolation})
	case told.Over && s.leaving.Load():
		s.ended(drained())
	}
	return true
}

// listen asks both sides now and then whether they are there, and ends a session in which nobody says anything.
func (s *session) listen() {
	e := s.c.e
	tick := time.NewTicker(e.pingEvery)
	defer tick.Stop()
	for {
		select {
		case <-s.stop:
			return
		case <-tick.C:
		}
		if !s.there(s.client) {
			s.ended(end{ending: gateway.ClientGone, gone: true, fault: fault.New(fault.ClientGone, "the client does not answer any more"), code: websocket.StatusGoingAway})
			return
		}
		if !s.there(s.up) {
			f := fault.New(fault.Timeout, "the provider %s does not answer any more", s.t.a.Target.Provider)
			f.Origin = fault.There
			s.ended(end{ending: gateway.Cut, fault: f, code: websocket.StatusInternalError})
			return
		}
		if time.Since(s.c.x.Start)-time.Duration(s.last.Load()) > silenceMost {
			f := fault.New(fault.Timeout, "nothing was said in this session for %s", silenceMost)
			s.ended(end{ending: gateway.Cut, fault: f, code: websocket.StatusGoingAway})
			return
		}
	}
}

// there reports whether a side answers a ping in time, or the session is over.
func (s *session) there(conn *websocket.Conn) bool {
	ctx, cancel := context.WithTimeout(context.Background(), s.c.e.pongTime)
	defer cancel()
	return conn.Ping(ctx) == nil || s.over.Load()
}

// Pulse changes how often the sides of sessions are asked whether they are there, and how long they have to say so. Call
// it before serving.
func (e *Engine) Pulse(every, answer time.Duration) { e.pingEvery, e.pongTime = every, answer }
