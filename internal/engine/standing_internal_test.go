package engine

import (
	"net/http"
	"testing"
	"time"

	"weir/internal/gateway"
	"weir/internal/llm"
)

// TestStandings writes how limits stand into the headers of both kinds of SDKs.
func TestStandings(t *testing.T) {
	at := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	pot := func(u gateway.Unit, n int64) *gateway.Pot { return &gateway.Pot{Unit: u, Amount: n} }
	c := &call{x: &gateway.Exchange{Start: at, Dialect: llm.OpenAIChat, Standings: []gateway.Standing{
		{Pot: pot(gateway.Requests, 600), Left: 7, Full: 90 * time.Second},
		{Pot: pot(gateway.Requests, 6000), Left: 5000},
		{Pot: pot(gateway.Tokens, 1_000_000), Left: -3, Full: 20 * time.Millisecond},
		{Pot: pot(gateway.Concurrent, 4), Left: 3},
	}}}
	h := http.Header{"X-Ratelimit-Limit-Project-Tokens": {"1"}, "Anthropic-Ratelimit-Tokens-Limit": {"2"}, "Content-Type": {"x"}}
	c.standings(h)
	for name, want := range map[string]string{
		"X-Ratelimit-Limit-Requests": "600", "X-Ratelimit-Remaining-Requests": "7", "X-Ratelimit-Reset-Requests": "1m30s",
		"X-Ratelimit-Limit-Tokens": "1000000", "X-Ratelimit-Remaining-Tokens": "0", "X-Ratelimit-Reset-Tokens": "20ms",
		"X-Ratelimit-Limit-Project-Tokens": "", "Anthropic-Ratelimit-Tokens-Limit": "", "Content-Type": "x",
	} {
		if got := h.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	c.x.Dialect = llm.AnthropicMessages
	h = http.Header{}
	c.standings(h)
	for name, want := range map[string]string{
		"Anthropic-Ratelimit-Requests-Limit": "600", "Anthropic-Ratelimit-Requests-Remaining": "7", "Anthropic-Ratelimit-Requests-Reset": "2026-11-24T12:01:30Z",
		"Anthropic-Ratelimit-Tokens-Remaining": "0",
	} {
		if got := h.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	for _, d := range []time.Duration{0, time.Millisecond, 999 * time.Millisecond, time.Second, 1500 * time.Millisecond, 61 * time.Second, 3 * time.Hour, 3*time.Hour + 20*time.Minute + 1250*time.Millisecond} {
		want := d.String()
		if d == 0 {
			want = "0ms"
		}
		if got := string(appendSpan(nil, d)); got != want {
			t.Errorf("%v is written %s", d, got)
		}
	}
}
