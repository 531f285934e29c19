package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// output is a program's output that can be read while it is written.
type output struct {
	mu sync.Mutex // guards b
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// find waits until the output matches and returns the first group.
func (o *output) find(t *testing.T, pattern string) string {
	t.Helper()
	re := regexp.MustCompile(pattern)
	for range 500 {
		if m := re.FindStringSubmatch(o.String()); m != nil {
			return m[len(m)-1]
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("no %s in:\n%s", pattern, o)
	return ""
}

func post(t *testing.T, url, key, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// TestDemo runs the demo on a port that is taken: it takes the next one and says so, and the curl line it prints answers,
// in both dialects, streamed and not.
func TestDemo(t *testing.T) {
	t.Setenv("OPENAI_API_KEY", "sk-never-sent-anywhere-0123456789")
	t.Setenv("ANTHROPIC_API_KEY", "")
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	out := &output{}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- demo(ctx, out, taken.Addr().String(), "") }()
	base := out.find(t, `base URL +(http://127.0.0.1:\d+)/v1`)
	key := out.find(t, `key +(wr-[0-9a-f]{32})`)
	out.find(t, regexp.QuoteMeta(taken.Addr().String())+` is taken; listening on`)
	out.find(t, `joined +(OpenAI)`)
	out.find(t, `curl http`)
	for _, c := range []struct{ path, body, want string }{
		{"/v1/chat/completions", `{"model":"sim-1","messages":[{"role":"user","content":"Hello"}]}`, `"chat.completion"`},
		{"/v1/chat/completions", `{"model":"sim-1","stream":true,"messages":[{"role":"user","content":"Hello"}]}`, "data: [DONE]"},
		{"/v1/messages", `{"model":"sim-1","max_tokens":99,"messages":[{"role":"user","content":"Hello"}]}`, `"type":"message"`},
		{"/v1/messages", `{"model":"sim-1-messages","max_tokens":99,"stream":true,"messages":[{"role":"user","content":"Hello"}]}`, "event: message_stop"},
		{"/v1/messages", `{"model":"sim-failover","max_tokens":99,"messages":[{"role":"user","content":"Hello"}]}`, `"type":"message"`},
		{"/v1/embeddings", `{"model":"sim-embed","input":"Hello"}`, `"embedding"`},
		{"/v1/classify", `{"model":"sim-classify","input":"What a lovely day"}`, `"label":"positive"`},
		{"/v1/ocr", `{"model":"sim-ocr","document":{"type":"document_url","document_url":"https://example.org/a.pdf"}}`, `"pages_processed":3`},
	} {
		if status, body := post(t, base+c.path, key, c.body); status != 200 || !strings.Contains(body, c.want) {
			t.Errorf("%s %s: %d %.300s", c.path, c.body, status, body)
		}
	}
	out.find(t, `sim-failover  200 done .*attempt 2`)
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("the demo ended with %v", err)
	}
	if strings.Contains(out.String(), "sk-never-sent") {
		t.Error("the demo shows a provider's key")
	}
}

// TestDemoDocument makes sure that a provider's key in the environment brings that provider's models.
func TestDemoShortKey(t *testing.T) {
	err := demo(t.Context(), io.Discard, "127.0.0.1:0", "short")
	if c, ok := err.(coded); !ok || c.code != exitUsage || !strings.Contains(err.Error(), "16") {
		t.Errorf("%v", err)
	}
}

// start runs the command itself in a process of its own.
func start(t *testing.T, args ...string) (*exec.Cmd, *output) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	out := &output{}
	c := exec.CommandContext(t.Context(), self, args...)
	c.Env = append(os.Environ(), "WEIR_TEST_RUN=1")
	c.Stdout, c.Stderr = out, out
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Process.Kill(); _ = c.Wait() })
	return c, out
}

// TestServe runs the gateway as a process: it serves, takes a changed document, keeps the last good one, refuses none of
// the requests meanwhile, and ends with 0 on SIGTERM.
func TestServe(t *testing.T) {
	back, backOut := start(t, "sim", "--listen", "127.0.0.1:0", "--key", "sim-key", "--pace", "-1ns")
	simURL := backOut.find(t, `listening on (http://127.0.0.1:\d+)`)
	dir := t.TempDir()
	file := filepath.Join(dir, "weir.yaml")
	write := func(model string) {
		text := fmt.Sprintf("version: 1\nlisten: 127.0.0.1:0\nproviders:\n  sim: { base_url: \"%s/v1\", speaks: [openai-chat], api_key: sim-key }\nmodels:\n  %s: { targets: [{ provider: sim, model: sim-1 }] }\nkeys: [{ name: web, key: wr-0123456789abcdef }]\n", simURL, model)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("first")
	c, out := start(t, "serve", "-c", file)
	url := out.find(t, `"url":"(http://127.0.0.1:\d+)"`)
	body := func(model string) string {
		return fmt.Sprintf(`{"model":%q,"messages":[{"role":"user","content":"Hello"}]}`, model)
	}
	if status, text := post(t, url+"/v1/chat/completions", "wr-0123456789abcdef", body("first")); status != 200 {
		t.Fatalf("%d %s", status, text)
	}
	out.find(t, `"msg":"exchange"`)
	write("second")
	out.find(t, `a new document is in use`)
	if status, text := post(t, url+"/v1/chat/completions", "wr-0123456789abcdef", body("second")); status != 200 {
		t.Fatalf("%d %s", status, text)
	}
	if err := os.WriteFile(file, []byte("version: 2"), 0o600); err != nil {
		t.Fatal(err)
	}
	out.find(t, `the last good one stays in use`)
	if status, text := post(t, url+"/v1/chat/completions", "wr-0123456789abcdef", body("second")); status != 200 {
		t.Fatalf("%d %s", status, text)
	}
	write("third")
	if err := c.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	for range 200 {
		if status, _ := post(t, url+"/v1/chat/completions", "wr-0123456789abcdef", body("third")); status == 200 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	resp, err := http.Get(url + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	metrics, _ := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	for _, want := range []string{"weir_exchanges_total{", "weir_config_reloads_total{", "weir_tokens_total{"} {
		if !bytes.Contains(metrics, []byte(want)) {
			t.Errorf("no %s in the metrics", want)
		}
	}
	for _, p := range []*exec.Cmd{c, back} {
		if err := p.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if err := p.Wait(); err != nil {
			t.Errorf("%s: %v\n%s", p.Args[1], err, out)
		}
	}
	if strings.Contains(out.String(), "wr-0123456789abcdef") || strings.Contains(out.String(), "Hello") {
		t.Errorf("the log holds a key or a prompt:\n%s", out)
	}
}
