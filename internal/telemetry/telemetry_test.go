package telemetry

import (
	"encoding/json"
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"weir/internal/fault"
	"weir/internal/gateway"
	"weir/internal/llm"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var start = time.Date(2026, 3, 4, 5, 6, 7, 89_000_000, time.FixedZone("", 3600))

// plain is a common exchange: one attempt, bytes passed, usage stated.
func plain() *gateway.Exchange {
	target := gateway.Target{Provider: "openai", Model: "gpt-4.1-mini"}
	return &gateway.Exchange{
		ID:       "019cb7a1-0000-7000-8000-000000000001",
		Start:    start,
		Revision: "r7",
		Method:   "POST",
		Path:     "/v1/chat/completions",
		Client:   netip.MustParseAddr("192.0.2.7"),
		Agent:    "OpenAI/Python 2.1.0",
		Dialect:  llm.OpenAIChat,
		Op:       llm.OpChat,
		Grant:    &gateway.Grant{Account: gateway.Account{Key: "team-a"}},
		Head:     llm.Head{Model: "fast", Stream: true, MaxOutput: 256, N: 1},
		Plan:     gateway.Plan{Rule: "fast", Targets: []gateway.Target{target}, Tries: 1},
		Attempts: []gateway.Attempt{{
			Target: target, Dialect: llm.OpenAIChat, Mode: gateway.Passed,
			Start: 250 * time.Microsecond, Head: 120 * time.Millisecond, FirstEvent: 130 * time.Millisecond,
			Took: 900 * time.Millisecond, Status: 200, UpstreamID: "req_011CVAJZp7GHE5wh4G4U1Z5K",
		}},
		Status: 200,
		Ending: gateway.Done,
		Usage: &llm.Usage{
			Said:  llm.SaidInput | llm.SaidOutput | llm.SaidCacheRead | llm.SaidReasoning | llm.SaidTotal,
			Input: 1200, Output: 40, CacheRead: 1024, Reasoning: 0, Total: 1240,
		},
		Stop:       llm.Stop{Reason: llm.StopEnd, Native: "stop"},
		Model:      "gpt-4.1-mini-2025-04-14",
		AnswerID:   "chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT",
		BytesIn:    4321,
		BytesOut:   9876,
		FirstByte:  121 * time.Millisecond,
		FirstEvent: 131500 * time.Microsecond,
		Took:       901250 * time.Microsecond,
	}
}

// eventful is an exchange with everything a record can say.
func eventful() *gateway.Exchange {
	x := plain()
	first := gateway.Target{Provider: "gpu", Model: "llama-3.3-70b"}
	second := gateway.Target{Provider: "anthropic", Model: "claude-opus-4-1-20250805"}
	x.Client = netip.MustParseAddr("2001:db8::7")
	x.Head = llm.Head{Model: "smart", MaxOutput: 64, N: 2}
	x.Strict = true
	x.Plan = gateway.Plan{
		Rule: "smart", Targets: []gateway.Target{first, second}, Tries: 2,
		PassedOver: []gateway.Candidate{{Target: gateway.Target{Provider: "old", Model: "m"}, Why: "speaks no chat"}},
	}
	x.Attempts = []gateway.Attempt{
		{
			Target: first, Dialect: llm.OpenAIChat, Mode: gateway.Passed, Took: 30 * time.Millisecond, Status: 503,
			Head: 29 * time.Millisecond,
			Fault: &fault.Fault{
				Kind: fault.Overloaded, Origin: fault.There, Message: "no capacity \"now\"", Code: "busy",
				NativeType: "server_error",
			},
		},
		{
			Target: second, Dialect: llm.AnthropicMessages, Mode: gateway.Translated, Start: 31 * time.Millisecond,
			Head: 80 * time.Millisecond, FirstEvent: 90 * time.Millisecond, Took: 2 * time.Second, Status: 200,
			Losses: []llm.Loss{{}, {}},
			Fault:  &fault.Fault{Kind: fault.Cut, Message: "the answer broke off", Cause: errors.New("read: connection reset")},
		},
	}
	x.Losses = []llm.Loss{
		{Path: "seed", Why: "the target has no seed", Grade: llm.Dropped},
		{Path: "messages[0]", Why: "hoisted", Grade: llm.Changed},
	}
	x.Ending = gateway.Cut
	x.Fault = x.Attempts[1].Fault
	x.Stop = llm.Stop{Reason: llm.StopSequence, Native: "stop_sequence", Sequence: "PROMPT", Detail: "ANSWER", Raw: json.RawMessage(`"ANSWER"`)}
	x.Model = "claude-opus-4-1-20250805"
	x.AnswerID = "msg_01XFDUDYJgAACzvnptvVoYEL"
	x.Usage = &llm.Usage{
		Said:  llm.SaidInput | llm.SaidOutput | llm.SaidCacheWrite | llm.SaidCacheWrite1h | llm.SaidSearches,
		Input: 181, Output: 20, CacheWrite: 100, CacheWrite1h: 100, Searches: 2,
		Rounds: []llm.Usage{{Said: llm.SaidInput | llm.SaidOutput, Input: 500, Output: 30}, {Said: llm.SaidInput | llm.SaidOutput, Input: 181, Output: 20}},
		Cost:   "0.00125", Tier: "standard", Extra: llm.Extra{"note": json.RawMessage(`"ANSWER"`)},
	}
	return x
}

// seen is an Observer that writes down what it is shown.
type seen struct {
	name string
	log  *[]string
}

func (s seen) Begin(x *gateway.Exchange) { *s.log = append(*s.log, s.name+" begins "+x.ID) }
func (s seen) End(x *gateway.Exchange)   { *s.log = append(*s.log, s.name+" ends "+x.ID) }

func TestTee(t *testing.T) {
	var log []string
	a, b, c := seen{"a", &log}, seen{"b", &log}, seen{"c", &log}
	obs := Tee(a, nil, Tee(b, c))
	x := &gateway.Exchange{ID: "1"}
	obs.Begin(x)
	obs.End(x)
	want := []string{"a begins 1", "b begins 1", "c begins 1", "a ends 1", "b ends 1", "c ends 1"}
	if diff := cmp.Diff(want, log); diff != "" {
		t.Errorf("what the observers saw (-want +got):\n%s", diff)
	}
	if got := Tee(nil, a); got != gateway.Observer(a) {
		t.Errorf("Tee of one observer is %T, want the observer itself", got)
	}
	Tee().Begin(x) // none is fine
	Tee().End(x)
}
