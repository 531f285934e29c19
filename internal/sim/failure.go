package sim

import "net/http"

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
