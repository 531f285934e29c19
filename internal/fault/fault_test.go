package fault

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
)

func TestTable(t *testing.T) {
	want := map[Kind]struct {
		name   string
		status int
		retry  bool
	}{
		Internal: {"internal", 500, false}, Malformed: {"malformed", 400, false}, Unauthorized: {"unauthorized", 401, false},
		Forbidden: {"forbidden", 403, false}, NotFound: {"not_found", 404, false}, SlowBody: {"slow_body", 408, false},
		TooLarge: {"too_large", 413, false}, MediaType: {"media_type", 415, false}, Unsupported: {"unsupported", 400, false},
		RateLimit: {"rate_limit", 429, true}, Quota: {"quota", 429, true}, Overloaded: {"overloaded", 503, true},
		Unavailable: {"unavailable", 503, true}, Timeout: {"timeout", 504, true}, Upstream: {"upstream", 502, true},
		UpstreamAuth: {"upstream_auth", 502, true}, Cut: {"cut", 502, true}, ContextLength: {"context_length", 400, false},
		ContentPolicy: {"content_policy", 400, false}, ClientGone: {"client_gone", 499, false}, MethodNotAllowed: {"method_not_allowed", 405, false},
	}
	names := map[string]bool{}
	for k := range kinds {
		w, ok := want[k]
		if !ok {
			t.Errorf("kind %d (%s) is not in this test's table", k, k)
			continue
		}
		f := New(k, "n is %d", 3)
		if k.String() != w.name || f.Status() != w.status || f.Retry() != w.retry {
			t.Errorf("kind %d: %s, %d, retry %v; want %v", k, k, f.Status(), f.Retry(), w)
		}
		if f.Error() != w.name+": n is 3" {
			t.Errorf("Error() = %q", f.Error())
		}
		if names[k.String()] {
			t.Errorf("two kinds are called %s", k)
		}
		names[k.String()] = true
	}
	if got := kinds.String(); got != "internal" {
		t.Errorf("a kind out of range is called %q", got)
	}
}

func TestFault(t *testing.T) {
	f := &Fault{Kind: Upstream, Message: "it failed", HTTPStatus: 529, Cause: io.ErrUnexpectedEOF}
	if f.Status() != 529 {
		t.Errorf("Status() = %d, want the one it brings", f.Status())
	}
	if !errors.Is(f, io.ErrUnexpectedEOF) || !strings.Contains(f.Error(), "unexpected EOF") {
		t.Errorf("the cause is lost: %v", f)
	}
	if got := Of(fmt.Errorf("wrapped: %w", f)); got != f {
		t.Errorf("Of does not find a wrapped fault: %v", got)
	}
	if got := Of(nil); got != nil {
		t.Errorf("Of(nil) = %v", got)
	}
	got := Of(io.EOF)
	if got.Kind != Internal || got.Cause != io.EOF || strings.Contains(got.Message, "EOF") {
		t.Errorf("Of(io.EOF) = %+v: the client must not read the cause", got)
	}
}

// TestStatus: the client's SDK chooses its class by the status, so a provider's is told unless its words say more.
func TestStatus(t *testing.T) {
	for _, tt := range []struct {
		kind           Kind
		provider, want int
	}{
		{Malformed, 400, 400},
		{Malformed, 409, 409},
		{Malformed, 422, 422},
		{NotFound, 404, 404},
		{NotFound, 400, 404},
		{NotFound, 410, 404},
		{UpstreamAuth, 401, 401},
		{UpstreamAuth, 403, 403},
		{UpstreamAuth, 400, 401},
		{RateLimit, 429, 429},
		{TooLarge, 429, 413},
		{Quota, 402, 402},
		{Quota, 400, 429},
		{Quota, 429, 429},
		{Overloaded, 503, 503},
		{Overloaded, 529, 503},
		{Overloaded, 429, 503},
		{Timeout, 408, 504},
		{Timeout, 524, 504},
		{Upstream, 500, 500},
		{Upstream, 424, 502},
		{Upstream, 503, 503},
		{Upstream, 0, 502},
		{ContextLength, 500, 400},
		{ContentPolicy, 498, 400},
		{MethodNotAllowed, 405, 405},
	} {
		f := &Fault{Kind: tt.kind, Origin: There, HTTPStatus: tt.provider}
		if got := f.Status(); got != tt.want {
			t.Errorf("%s told with %d: %d, want %d", tt.kind, tt.provider, got, tt.want)
		}
	}
	if got := (&Fault{Kind: MethodNotAllowed, HTTPStatus: 426}).Status(); got != 426 {
		t.Errorf("a status of ours is %d", got)
	}
}
