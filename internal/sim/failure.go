package sim

import (
	"net/http"

	"weir/internal/rawjson"
)

// breakage is how an answer that began well breaks off.
type breakage uint8

const (
	breakNot   breakage = iota
	breakCut            // the connection ends
	breakStall          // nothing more comes
	breakError          // an error takes the place of the next event
)

// breakAfter is how many events a stream sends before it breaks.
const breakAfter = 8

var breakages = map[string]breakage{"sim-cut": breakCut, "sim-stall": breakStall, "sim-error-in-stream": breakError}

// chatFailures are the answers of the models that fail, in OpenAI's words.
var chatFailures = map[string]*refusal{
	"sim-429": {
		status: http.StatusTooManyRequests, kind: "requests", code: "rate_limit_exceeded", retryAfter: "1",
		message: "Rate limit reached for sim-429 in organization org-sim on requests per min (RPM): Limit 60, Used 60, Requested 1. Please try again in 1s.",
	},
	"sim-overloaded": {
		status: http.StatusServiceUnavailable, kind: "server_error",
		message: "That model is currently overloaded with other requests. You can retry your request.",
	},
	"sim-500": {
		status: http.StatusInternalServerError, kind: "server_error",
		message: "The server had an error while processing your request. Sorry about that!",
	},
	"sim-503": {
		status: http.StatusServiceUnavailable, kind: "server_error", message: "The service is temporarily unavailable.",
	},
	"sim-auth": {
		status: http.StatusUnauthorized, kind: "invalid_request_error", code: "invalid_api_key",
		message: "Incorrect API key provided.",
	},
	"sim-context": {
		status: http.StatusBadRequest, kind: "invalid_request_error", code: "context_length_exceeded", param: "messages",
		message: "This model's maximum context length is 8 tokens. However, your messages resulted in more. Please reduce the length of the messages.",
	},
	"sim-error-in-stream": {
		status: http.StatusInternalServerError, kind: "server_error",
		message: "The server had an error while processing your request. Sorry about that!",
	},
	"sim-error-first": {
		status: http.StatusServiceUnavailable, kind: "server_error",
		message: "That model is currently overloaded with other requests. You can retry your request.",
	},
}

// messagesFailures are the same in Anthropic's words.
var messagesFailures = map[string]*refusal{
	"sim-429": {
		status: http.StatusTooManyRequests, kind: "rate_limit_error", retryAfter: "1",
		message: "This request would exceed your account's rate limit. Please try again later.",
	},
	"sim-overloaded": {status: 529, kind: "overloaded_error", message: "Overloaded", header: "true"},
	"sim-500":        {status: http.StatusInternalServerError, kind: "api_error", message: "Internal server error"},
	"sim-503":        {status: http.StatusServiceUnavailable, kind: "api_error", message: "Service unavailable"},
	"sim-auth":       {status: http.StatusUnauthorized, kind: "authentication_error", message: "invalid x-api-key"},
	"sim-context": {
		status: http.StatusBadRequest, kind: "invalid_request_error", message: "prompt is too long: 200001 tokens > 200000 maximum",
	},
	"sim-error-in-stream": {status: 529, kind: "overloaded_error", message: "Overloaded"},
	"sim-error-first":     {status: 529, kind: "overloaded_error", message: "Overloaded"},
}

const garbage = `<!DOCTYPE html>
<html><head><title>Welcome</title></head><body><h1>It works!</h1><p>This page is no answer of an API.</p></body></html>
`

// misbehave does what the model's name promises before anything of an answer is made. done says that the exchange is
// over; an error is what to refuse it with.
func (x *exchange) misbehave(model string, stream bool) (done bool, err error) {
	f := x.face.failures[model]
	switch model {
	case "sim-slow":
		d := x.p.Slow
		if d == 0 {
			d = defaultSlow
		}
		return false, x.wait(d)
	case "sim-hang":
		<-x.r.Context().Done()
		x.left()
		return true, errLeft
	case "sim-garbage":
		x.write(http.StatusOK, "text/html; charset=utf-8", []byte(garbage))
		return true, nil
	case "sim-error-first":
		if stream {
			s := x.stream()
			return true, s.fault(f)
		}
		return true, f
	case "sim-cut", "sim-stall", "sim-error-in-stream":
		x.trip = breakages[model]
		if x.trip == breakError && !stream {
			return true, f
		}
		return false, nil
	}
	if f != nil {
		return true, f
	}
	return false, nil
}

// stream is an answer sent event by event.
type stream struct {
	x    *exchange
	rc   *http.ResponseController
	sent int
}

// stream begins an event stream.
func (x *exchange) stream() *stream {
	h := x.w.Header()
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("Cache-Control", "no-cache")
	x.w.WriteHeader(http.StatusOK)
	x.status(http.StatusOK)
	return &stream{x: x, rc: http.NewResponseController(x.w)}
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

func (s *stream) put(event string, data []byte) error {
	s.sent++
	buf := make([]byte, 0, len(data)+len(event)+20)
	if event != "" {
		buf = append(append(append(buf, "event: "...), event...), '\n')
	}
	buf = append(append(append(buf, "data: "...), data...), '\n', '\n')
	if _, err := s.x.w.Write(buf); err != nil {
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

// fault sends an error as an event.
func (s *stream) fault(f *refusal) error {
	event, data := s.x.face.inBand(f)
	return s.put(event, data)
}

// errorObject writes OpenAI's error object.
func errorObject(f *refusal) []byte {
	w := rawjson.Writer{}
	orNull := func(name, s string) {
		if w.Name(name); s == "" {
			w.Null()
		} else {
			w.String(s)
		}
	}
	w.Open('{').Name("error").Open('{').Name("message").String(f.message).Name("type").String(f.kind)
	orNull("param", f.param)
	orNull("code", f.code)
	return w.Close('}').Close('}').Buf
}
