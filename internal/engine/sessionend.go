package engine

import (
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"syscall"
	"unicode/utf8"

	"github.com/coder/websocket"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/gateway"
)

// clientEnd says what it means that nothing more comes from the client.
func (s *session) clientEnd(err error) end {
	if ce, ok := errors.AsType[websocket.CloseError](err); ok {
		return end{ending: gateway.Done, code: passable(ce.Code), reason: ce.Reason, quiet: true}
	}
	switch {
	case errors.Is(err, websocket.ErrMessageTooBig):
		f := fault.New(fault.TooLarge, "a message is larger than the %d bytes allowed here (limits.body)", s.c.s.MaxBody)
		return end{ending: gateway.Cut, fault: f, code: websocket.StatusMessageTooBig}
	case lost(err):
		return end{ending: gateway.ClientGone, fault: fault.New(fault.ClientGone, "the client left"), code: websocket.StatusGoingAway, gone: true}
	}
	f := &fault.Fault{Kind: fault.Malformed, Message: "the client broke the rules of WebSocket", Cause: err}
	return end{ending: gateway.Cut, fault: f, code: websocket.StatusProtocolError, gone: true} // there is no talking to it
}

// providerEnd says what it means that nothing more comes from the provider. What it closed with is passed on.
func (s *session) providerEnd(err error) end {
	name := s.t.a.Target.Provider
	if ce, ok := errors.AsType[websocket.CloseError](err); ok {
		e := end{ending: gateway.Done, code: passable(ce.Code), reason: ce.Reason, quiet: true}
		if e.code != websocket.StatusNormalClosure {
			e.ending, e.fault = gateway.Cut, closeFault(name, ce)
		}
		return e
	}
	f := fault.New(fault.Cut, "the provider %s broke off in the middle of the session", name)
	if errors.Is(err, websocket.ErrMessageTooBig) {
		f = fault.New(fault.Upstream, "the provider %s sent a message of more than %d bytes", name, sessionMost)
	}
	f.Origin, f.Cause = fault.There, errors.New(fault.Blot(err.Error()))
	return end{ending: gateway.Cut, fault: f, code: websocket.StatusInternalError}
}

// lost reports whether an error is that of a connection, not of what came over it.
func lost(err error) bool {
	var n net.Error
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.As(err, &n)
}

// passable is a code that may be passed on: what says that there was none, or that the connection broke, may not.
func passable(code websocket.StatusCode) websocket.StatusCode {
	switch code {
	case websocket.StatusNoStatusRcvd, websocket.StatusAbnormalClosure, websocket.StatusTLSHandshake, 1004:
		return websocket.StatusNormalClosure
	}
	return code
}

// closeFault is what a provider says by closing.
func closeFault(name string, ce websocket.CloseError) *fault.Fault {
	f := fault.New(fault.Upstream, "the provider %s closed the session with code %d: %s", name, int(ce.Code), bounded(ce.Reason, reasonMost))
	f.Message, f.Origin = strings.TrimSuffix(fault.Blot(f.Message), ": "), fault.There
	words := strings.ToLower(ce.Reason)
	switch {
	case strings.Contains(words, "quota"), strings.Contains(words, "rate limit"):
		f.Kind = fault.RateLimit
	case strings.Contains(words, "api key"), strings.Contains(words, "api_key"), ce.Code == 3000:
		f.Kind = fault.UpstreamAuth
	case strings.Contains(words, "not found"):
		f.Kind = fault.NotFound
	case ce.Code == websocket.StatusInvalidFramePayloadData, ce.Code == websocket.StatusPolicyViolation, ce.Code == websocket.StatusUnsupportedData:
		f.Kind = fault.Malformed
	case ce.Code == websocket.StatusGoingAway, ce.Code == websocket.StatusServiceRestart, ce.Code == websocket.StatusTryAgainLater:
		f.Kind = fault.Unavailable
	}
	return f
}

// codeOf is the code that a session closes with for a fault.
func codeOf(f *fault.Fault) websocket.StatusCode {
	switch f.Kind {
	case fault.TooLarge:
		return websocket.StatusMessageTooBig
	case fault.Malformed, fault.NotFound, fault.Unsupported, fault.MediaType:
		return websocket.StatusInvalidFramePayloadData
	case fault.Unauthorized, fault.Forbidden, fault.Quota, fault.RateLimit, fault.SlowBody, fault.ContentPolicy:
		return websocket.StatusPolicyViolation
	case fault.Overloaded:
		return websocket.StatusTryAgainLater
	case fault.ClientGone:
		return websocket.StatusGoingAway
	}
	return websocket.StatusInternalError
}

// reasonMost is how many bytes the reason of a close frame may have.
const reasonMost = 120

// reasonOf is a text as a close frame can hold it.
func reasonOf(s string) string {
	s = strings.ToValidUTF8(s, "?")
	if len(s) <= reasonMost {
		return s
	}
	end := reasonMost - len("…")
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "…"
}

// conclude tells both sides that the session is over, waits until its goroutines have ended and notes how it was.
func (s *session) conclude(e end) {
	s.concluded = true
	s.over.Store(true)
	if s.stop != nil {
		close(s.stop)
	}
	var shown *fault.Fault
	if e.fault != nil {
		own := *e.fault
		own.ID, own.Message = s.c.x.ID, fault.Blot(own.Message)
		shown = &own
	}
	var sides sync.WaitGroup
	if s.up != nil {
		sides.Go(func() {
			code, reason := websocket.StatusNormalClosure, ""
			if e.quiet {
				code, reason = e.code, reasonOf(e.reason)
			}
			_ = s.up.Close(code, reason) // whatever it says, the connection is closed after
		})
	}
	if s.client != nil {
		sides.Go(func() { s.part(e, shown) })
	}
	sides.Wait()
	s.wg.Wait()
	if s.toClient.w != nil {
		s.toClient.end()
		s.toProvider.end()
	}
	s.note(e, shown)
}

// part takes leave of the client: in its dialect's words, then with the code that says why.
func (s *session) part(e end, f *fault.Fault) {
	if e.gone {
		_ = s.client.CloseNow()
		return
	}
	reason := e.reason
	if f != nil && !e.quiet {
		if event := s.c.d.Fault(nil, f, dialect.Stream); len(event) > 0 {
			if s.send(s.client, nil, websocket.MessageText, event) == nil {
				s.out.Add(int64(len(event)))
			}
		}
		reason = f.Message
	}
	_ = s.client.Close(e.code, reasonOf(reason))
}

// note writes down how the session ended.
func (s *session) note(e end, f *fault.Fault) {
	x := s.c.x
	x.Ending = e.ending
	x.BytesIn, x.BytesOut = s.in.Load(), s.out.Load()
	if x.Fault = f; f == nil && e.ending != gateway.Done {
		x.Fault = s.said
	}
	if s.t != nil && e.fault != nil && e.fault.Origin == fault.There {
		s.t.a.Fault = e.fault
	}
	s.unfinished()
}

// hangUp closes what is open, in every ending.
func (s *session) hangUp() {
	s.over.Store(true)
	if s.stop != nil && !s.concluded {
		close(s.stop)
	}
	for _, conn := range [...]*websocket.Conn{s.up, s.client} {
		if conn != nil {
			_ = conn.CloseNow()
		}
	}
	s.wg.Wait()
	if s.toClient.w != nil && !s.concluded {
		s.toClient.end()
		s.toProvider.end()
	}
}
