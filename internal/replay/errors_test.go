package replay_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"weir/internal/compile"
	"weir/internal/dialect"
	"weir/internal/dialect/dialecttest"
	"weir/internal/fault"
	"weir/internal/llm"
	"weir/internal/replay"
)

// kindOf says which kind of fault each rough class of the recordings is to a gateway. A provider that refuses the
// credential refuses the gateway's, whoever is told.
var kindOf = map[string]fault.Kind{
	"authentication":        fault.UpstreamAuth,
	"permission":            fault.UpstreamAuth,
	"invalid_request":       fault.Malformed,
	"unsupported_parameter": fault.Malformed,
	"context_length":        fault.ContextLength,
	"content_policy":        fault.ContentPolicy,
	"request_too_large":     fault.TooLarge,
	"not_found":             fault.NotFound,
	"rate_limit":            fault.RateLimit,
	"quota_or_billing":      fault.Quota,
	"overloaded":            fault.Overloaded,
	"timeout":               fault.Timeout,
	"server_error":          fault.Upstream,
}

// saidMore are words that say more than the rough class of their recording, which went by the status.
var saidMore = []struct {
	words string
	is    fault.Kind
}{
	{"model identifier is invalid", fault.NotFound},
	{"invalid model:", fault.NotFound},
	{"is not a valid model id", fault.NotFound},
	{"supported models are", fault.NotFound},
	{"total length of all messages is too long", fault.ContextLength},
}

// wanted is the kind that a failure of a class, told in these words, is to be.
func wanted(t *testing.T, class, words string) fault.Kind {
	t.Helper()
	kind, ok := kindOf[class]
	if !ok {
		t.Fatalf("no kind is stated for the class %q", class)
	}
	if kind == fault.Malformed {
		for _, more := range saidMore {
			if strings.Contains(strings.ToLower(words), more.words) {
				return more.is
			}
		}
	}
	return kind
}

// failure is one line of failures-reported.jsonl.
type failure struct {
	Dialect  string            `json:"dialect"`
	Status   int               `json:"status"`
	Kind     string            `json:"kind"`
	Retry    string            `json:"retry"`
	InStream bool              `json:"in_stream"`
	Headers  map[string]string `json:"headers"`
	Body     string            `json:"body"`
}

// reported reads the failures that are reported in public and were not recorded.
func reported(t *testing.T) []failure {
	t.Helper()
	var out []failure
	for _, line := range recordedLines(t, "failures-reported.jsonl") {
		var f failure
		if err := json.Unmarshal(line, &f); err != nil {
			t.Fatal(err)
		}
		out = append(out, f)
	}
	return out
}

func recordedLines(t *testing.T, name string) (out [][]byte) {
	t.Helper()
	dir := os.Getenv("WEIR_RECORDINGS")
	if dir == "" {
		t.Skip("WEIR_RECORDINGS is not set: recorded failures are not read")
	}
	f, err := os.Open(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if len(lines.Bytes()) > 0 {
			out = append(out, slices.Clone(lines.Bytes()))
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// speaker is the dialect whose reader meets the failures of a folder: that of its provider's other answers, where the
// path itself is not served.
func speaker(r *replay.Recording) dialect.Dialect {
	if d := compile.Dialect(llm.Dialect(r.Speaks())); d != nil {
		return d
	}
	for prefix, name := range map[string]llm.Dialect{
		"anthropic": llm.AnthropicMessages, "vertex-anthropic": llm.AnthropicMessages, "gemini": llm.GeminiGenerate,
		"vertex-gemini": llm.GeminiGenerate, "bedrock-converse": llm.BedrockConverse, "bedrock-invoke": llm.BedrockInvoke,
		"cohere": llm.CohereChat, "openai-responses": llm.OpenAIResponses,
	} {
		if strings.HasPrefix(r.Folder, prefix) {
			return compile.Dialect(name)
		}
	}
	if r.Folder == "ollama" {
		return compile.Dialect(llm.OllamaChat)
	}
	return compile.Dialect(llm.OpenAIChat)
}

// readFailure is the fault a dialect makes of an answer: of an error status whole, of a good one what its stream says.
func readFailure(d dialect.Dialect, status int, h http.Header, body []byte) *fault.Fault {
	if status >= 400 {
		return d.ReadFault(status, h, body)
	}
	for e, err := range d.Codec().DecodeStream(dialecttest.Frames(d.Name(), body)) {
		if err != nil {
			return fault.Of(err)
		}
		if e.Fault != nil {
			return e.Fault
		}
	}
	return nil
}

func heading(m map[string]string) http.Header {
	h := http.Header{}
	for k, v := range m {
		h.Set(k, v)
	}
	return h
}

// TestRecordedFailures reads every recorded error of every provider: each is the kind of fault it is, and keeps its words.
func TestRecordedFailures(t *testing.T) {
	tally := faultTally{}
	n := 0
	for _, line := range recordedLines(t, "MANIFEST.jsonl") {
		var entry struct{ File string }
		if err := json.Unmarshal(line, &entry); err != nil {
			t.Fatal(err)
		}
		raw, err := os.ReadFile(filepath.Join(os.Getenv("WEIR_RECORDINGS"), entry.File))
		if err != nil {
			t.Fatal(err)
		}
		r := &replay.Recording{Folder: filepath.Dir(entry.File)}
		if err := json.Unmarshal(raw, r); err != nil {
			t.Fatalf("%s: %v", entry.File, err)
		}
		failed, ok := r.Error.(map[string]any)
		if !ok {
			continue
		}
		n++
		class, _ := failed["kind"].(string)
		words, _ := failed["message"].(string)
		d := speaker(r)
		f := readFailure(d, r.Response.Status, heading(r.Response.Headers), r.Answer())
		if f == nil {
			t.Errorf("%s: no fault is read", r.ID)
			continue
		}
		want := wanted(t, class, words+string(r.Answer()))
		if want == fault.Quota && d.Name() == llm.GeminiGenerate && f.RetryAfter > 0 {
			want = fault.RateLimit // Google's word for both is RESOURCE_EXHAUSTED; a limit of a minute comes with the time to wait
		}
		if f.Kind != want {
			t.Errorf("%s (%s, %d %s): %s, want %s: %q", r.ID, d.Name(), r.Response.Status, class, f.Kind, want, f.Message)
		}
		// The words may be blotted and are cut in the manifest: their beginning must be there. An unknown shape is there whole.
		if begin := words[:min(len(words), 16)]; !strings.Contains(f.Message, strings.TrimSpace(begin)) && !strings.Contains(words, f.Message) {
			t.Errorf("%s: the message %q lost the provider's words %q", r.ID, f.Message, words)
		}
		tally.count(f.Kind, d.Name())
	}
	if n < 100 {
		t.Errorf("only %d failures are recorded", n)
	}
	t.Logf("%d recorded failures\n%s", n, tally)
}

// TestReportedFailures reads the failures that are seldom recorded: their kind, whether another target may do better, and
// how long to wait.
func TestReportedFailures(t *testing.T) {
	tally := faultTally{}
	all := reported(t)
	for i, line := range all {
		name := fmt.Sprintf("line %d (%s, %d %s)", i+1, line.Dialect, line.Status, line.Kind)
		for k, v := range line.Headers {
			line.Headers[k] = strings.Replace(v, "SECONDS", "7", 1)
		}
		r := &replay.Recording{Folder: line.Dialect}
		d := speaker(r)
		f := readFailure(d, line.Status, heading(line.Headers), []byte(line.Body))
		if f == nil {
			t.Errorf("%s: no fault is read", name)
			continue
		}
		want := wanted(t, line.Kind, line.Body)
		if f.Kind != want {
			t.Errorf("%s: %s, want %s: %q", name, f.Kind, want, f.Message)
		}
		if line.Retry != "" {
			if next := !strings.HasPrefix(line.Retry, "no") && f.Kind != fault.ContentPolicy; f.Retry() != next {
				t.Errorf("%s: another target may do better: %t, want %t (%s)", name, f.Retry(), next, line.Retry)
			}
		}
		if wait := waitTold(line); f.RetryAfter != wait {
			t.Errorf("%s: the wait is %v, want %v", name, f.RetryAfter, wait)
		}
		tally.count(f.Kind, d.Name())
	}
	if len(all) < 30 {
		t.Errorf("only %d failures are reported", len(all))
	}
	t.Logf("%d reported failures\n%s", len(all), tally)
}

// waitTold is the wait that a failure tells, in its head or in its words.
func waitTold(f failure) time.Duration {
	if f.Headers["retry-after"] != "" {
		return 7 * time.Second
	}
	if _, rest, ok := strings.Cut(f.Body, "try again in "); ok {
		text, _, _ := strings.Cut(rest, ". ")
		text, _, _ = strings.Cut(text, "\"")
		if d, err := time.ParseDuration(strings.TrimSuffix(text, ".")); err == nil {
			return d
		}
	}
	return 0
}

// faultTally counts faults by kind and dialect.
type faultTally map[fault.Kind]map[llm.Dialect]int

func (f faultTally) count(k fault.Kind, d llm.Dialect) {
	if f[k] == nil {
		f[k] = map[llm.Dialect]int{}
	}
	f[k][d]++
}

// String is the table, a kind a line.
func (f faultTally) String() string {
	var lines []string
	for k, row := range f {
		var cells []string
		for d, n := range row {
			cells = append(cells, fmt.Sprintf("%s %d", d, n))
		}
		slices.Sort(cells)
		lines = append(lines, fmt.Sprintf("%-16s %s", k, strings.Join(cells, ", ")))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}
