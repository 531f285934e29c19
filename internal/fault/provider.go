package fault

import (
	"net/http"
	"strconv"
	"time"
)

// WaitMost bounds a wait that a provider asks for.
const WaitMost = 24 * time.Hour

// OfStatus returns what a provider's error status says of itself; its words may say more.
func OfStatus(status int) Kind {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return UpstreamAuth
	case http.StatusPaymentRequired:
		return Quota
	case http.StatusNotFound, http.StatusGone:
		return NotFound
	case http.StatusMethodNotAllowed:
		return MethodNotAllowed
	case http.StatusRequestTimeout, http.StatusGatewayTimeout, 524:
		return Timeout
	case http.StatusRequestEntityTooLarge:
		return TooLarge
	case http.StatusUnsupportedMediaType:
		return MediaType
	case http.StatusTooManyRequests:
		return RateLimit
	case http.StatusServiceUnavailable, 529:
		return Overloaded
	}
	if status >= 400 && status < 500 {
		return Malformed
	}
	return Upstream
}

// peculiar reports whether a provider's status has a common one in its place: SDKs raise an error without a class for it,
// or take it for a fault of the request.
func peculiar(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusGone, 524, 529:
		return true
	}
	return false
}

// Wait reads how long a provider asks to wait, 0 = it does not say: retry-after-ms, or retry-after in seconds or as a
// date, which is taken against the provider's own clock where it tells it and against now where not. Some say 0
// milliseconds beside a wait in seconds.
func Wait(h http.Header, now time.Time) time.Duration {
	if ms, err := strconv.ParseFloat(h.Get("Retry-After-Ms"), 64); err == nil && ms > 0 {
		return time.Duration(min(ms*float64(time.Millisecond), float64(WaitMost)))
	}
	v := h.Get("Retry-After")
	if s, err := strconv.ParseFloat(v, 64); err == nil && s > 0 {
		return time.Duration(min(s*float64(time.Second), float64(WaitMost)))
	}
	at, err := http.ParseTime(v)
	if err != nil {
		return 0
	}
	if theirs, err := http.ParseTime(h.Get("Date")); err == nil {
		now = theirs
	}
	return min(max(0, at.Sub(now)), WaitMost)
}
