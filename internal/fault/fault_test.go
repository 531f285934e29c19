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
		t.Errorf("Status() = %d, want the provider's own", f.Status())
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
