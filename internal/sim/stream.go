package sim

import "net/http"

// framing is how the events of a stream stand on the wire.
type framing struct {
	contentType string
	event       func(n int, name string, data []byte) []byte // the n-th event, from 0
	fault       func(n int, f *refusal) []byte               // an error in the place of the n-th event
	end         string                                       // after the last event
	array       bool                                         // what is answered is an array, an error too
}

// sse frames an event of a text/event-stream; name may be "".
func sse(name string, data []byte) []byte {
	buf := make([]byte, 0, len(data)+len(name)+20)
	if name != "" {
		buf = append(append(append(buf, "event: "...), name...), '\n')
	}
	return append(append(append(buf, "data: "...), data...), '\n', '\n')
}

// eventStream is the framing most dialects have; fault writes an error's event and its data.
func eventStream(fault func(f *refusal) (name string, data []byte)) framing {
	return framing{
		contentType: "text/event-stream; charset=utf-8",
		event:       func(_ int, name string, data []byte) []byte { return sse(name, data) },
		fault: func(_ int, f *refusal) []byte {
			name, data := fault(f)
			return sse(name, data)
		},
	}
}

// stream is an answer sent event by event.
type stream struct {
	x     *exchange
	rc    *http.ResponseController
	sent  int
	fault func(f *refusal) error // sends an error in the dialect's way
}

// stream begins a stream.
func (x *exchange) stream() *stream {
	h := x.w.Header()
	h.Set("Content-Type", x.framing.contentType)
	h.Set("Cache-Control", "no-cache")
	x.w.WriteHeader(http.StatusOK)
	x.status(http.StatusOK)
	s := &stream{x: x, rc: http.NewResponseController(x.w)}
	s.fault = func(f *refusal) error { return s.write(x.framing.fault(s.sent, f), x.framing.end) }
	return s
}

// send writes one event after the pace's pause. It returns errLeft when the client has gone, and does not return
// where the connection is to break; after an error of the model's own making it returns that.
func (s *stream) send(event string, data []byte) error {
	if s.x.trip != breakNot && s.sent >= breakAfter {
		return s.breakOff()
	}
	pace := s.x.p.Pace
	if pace == 0 {
		pace = defaultPace
	}
	if s.sent == 0 {
		pace = 0
	}
	if err := s.x.wait(pace); err != nil {
		return err
	}
	return s.put(event, data)
}

// put writes one event at once.
func (s *stream) put(event string, data []byte) error {
	return s.write(s.x.framing.event(s.sent, event, data), "")
}

// end writes what stands after the last event.
func (s *stream) end() error {
	if s.x.framing.end == "" {
		return nil
	}
	return s.write(nil, s.x.framing.end)
}

func (s *stream) write(frame []byte, end string) error {
	s.sent++
	if _, err := s.x.w.Write(append(frame, end...)); err != nil {
		s.x.left()
		return errLeft
	}
	if err := s.rc.Flush(); err != nil {
		s.x.left()
		return errLeft
	}
	return nil
}

// ending is called before the events that end an answer: one that was too short to break breaks here.
func (s *stream) ending() error {
	if s.x.trip != breakNot {
		return s.breakOff()
	}
	return nil
}

func (s *stream) breakOff() error {
	if s.x.trip == breakError {
		s.x.trip = breakNot
		if err := s.fault(s.x.face.failures["sim-error-in-stream"]); err != nil {
			return err
		}
		return errBroken
	}
	s.x.abort()
	return errBroken
}
