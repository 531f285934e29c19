package fault

import (
	"net/http"
	"testing"
	"time"
)

func TestWait(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, tt := range []struct {
		name, value string
		want        time.Duration
	}{
		{"Retry-After", "7", 7 * time.Second},
		{"Retry-After", "0.5", 500 * time.Millisecond},
		{"Retry-After", "Fri, 02 Jan 2026 03:04:35 GMT", 30 * time.Second},
		{"Retry-After", "Fri, 02 Jan 2026 03:00:00 GMT", 0},
		{"Retry-After", "soon", 0},
		{"Retry-After", "1e99", 24 * time.Hour},
		{"Retry-After-Ms", "1500", 1500 * time.Millisecond},
		{"X", "1", 0},
	} {
		h := http.Header{}
		h.Set(tt.name, tt.value)
		if got := Wait(h, now); got != tt.want {
			t.Errorf("%s: %s = %v, want %v", tt.name, tt.value, got, tt.want)
		}
	}
	h := http.Header{}
	h.Set("Retry-After", "Fri, 02 Jan 2026 03:04:35 GMT")
	h.Set("Date", "Fri, 02 Jan 2026 03:04:25 GMT")
	if got := Wait(h, now); got != 10*time.Second {
		t.Errorf("against the provider's own clock: %v", got)
	}
}

func TestOfStatus(t *testing.T) {
	for status, want := range map[int]Kind{
		400: Malformed, 401: UpstreamAuth, 402: Quota, 403: UpstreamAuth, 404: NotFound, 408: Timeout, 413: TooLarge, 418: Malformed, 422: Malformed,
		429: RateLimit, 500: Upstream, 502: Upstream, 503: Overloaded, 504: Timeout, 529: Overloaded,
	} {
		if got := OfStatus(status); got != want {
			t.Errorf("%d is %s, want %s", status, got, want)
		}
	}
}
