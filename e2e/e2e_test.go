package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"weir/internal/sim"
)

const (
	key    = "wr-e2e-0123456789abcdef0123456789abcdef"
	narrow = "wr-narrow-0123456789abcdef0123456789ab"
)

func TestNode(t *testing.T) {
	if _, err := os.Stat("node/node_modules/.installed"); err != nil {
		t.Fatal("the Node SDKs are not installed: run make e2e")
	}
	s := newStage(t)
	// One file after another: the tests ask whether anything is open upstream.
	files, err := filepath.Glob("node/*.test.mjs")
	if err != nil || len(files) == 0 {
		t.Fatalf("no Node tests: %v", err)
	}
	for _, file := range files {
		name := filepath.Base(file)
		t.Run(strings.TrimSuffix(name, ".test.mjs"), func(t *testing.T) {
			s.run(t, "node", "node", "--test", "--test-reporter=spec", name)
		})
	}
}

func TestPython(t *testing.T) {
	python, err := filepath.Abs("python/.venv/bin/python")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(python); err != nil {
		t.Skip("SKIPPED: the Python SDKs are not installed (make e2e installs them where the index can be reached)")
	}
	s := newStage(t)
	for _, name := range []string{"test_openai.py", "test_media.py", "test_side.py", "test_anthropic.py", "test_gemini_files.py", "test_sdks.py"} {
		t.Run(strings.TrimSuffix(name, ".py"), func(t *testing.T) {
			s.run(t, "python", python, "-m", "pytest", "-q", "-p", "no:cacheprovider", name)
		})
	}
}

// The simulated provider is itself understood by the SDKs of the dialects it speaks: what judges the gateway is judged.
func TestSimulator(t *testing.T) {
	if _, err := os.Stat("node/node_modules/.installed"); err != nil {
		t.Fatal("the Node SDKs are not installed: run make e2e")
	}
	p := &sim.Provider{Pace: -1, Key: key}
	s := &stage{env: environment("WEIR_URL="+serve(t, p), "WEIR_CONTROL="+serve(t, controls(p)), "WEIR_UPSTREAMS=itself", "WEIR_DIRECT=1")}
	s.run(t, "node", "node", "--test", "--test-reporter=spec", "sdks.test.mjs")
	python, err := filepath.Abs("python/.venv/bin/python")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(python); err != nil {
		t.Skip("SKIPPED: the Python SDKs are not installed (make e2e installs them where the index can be reached)")
	}
	s.run(t, "python", python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_sdks.py")
}

// The demo needs no document, no key and no provider: it prints where it is and answers.
func TestDemo(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary(t), "demo", "--listen", "127.0.0.1:0", "--key", key)
	cmd.Dir = t.TempDir()
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer stop(t, cmd)

	url := make(chan string, 1)
	go func() {
		defer close(url)
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if found := regexp.MustCompile(`http://127\.0\.0\.1:[1-9]\d*`).FindString(lines.Text()); found != "" {
				select {
				case url <- found:
				default:
				}
			}
		}
	}()
	base, ok := <-url
	if !ok {
		t.Fatal("the demo ended without saying where it listens")
	}

	list := call(t, http.MethodGet, base+"/v1/models", "")
	var models struct{ Data []struct{ ID string } }
	if err := json.Unmarshal(list, &models); err != nil || len(models.Data) == 0 {
		t.Fatalf("no models: %v: %s", err, list)
	}
	body := fmt.Sprintf(`{"model":%q,"messages":[{"role":"user","content":"Is anybody there?"}]}`, models.Data[0].ID)
	if answer := call(t, http.MethodPost, base+"/v1/chat/completions", body); !bytes.Contains(answer, []byte(`"content"`)) {
		t.Errorf("not an answer: %s", answer)
	}
}

// upstreams are the simulated providers of the stage, one in each dialect.
var upstreams = []struct{ name, dialect, more, root string }{
	{"sim-chat", "openai-chat", ", openai-embeddings, openai-images, openai-audio, openai-realtime, openai-files, openai-batches, openai-fine-tuning, mistral-batches", "/v1"},
	{"sim-msg", "anthropic-messages", ", anthropic-batches, anthropic-files", ""},
	{"sim-resp", "openai-responses", "", "/v1"},
	{"sim-gem", "gemini-generate", ", gemini-batches, gemini-files, gemini-images, gemini-live", ""},
	{"sim-conv", "bedrock-converse", ", bedrock-images", ""},
	{"sim-coh", "cohere-chat", ", classify, tei-classify, oip-infer, mistral-ocr", ""},
	{"sim-oll", "ollama-chat", "", ""},
}

// stage is a gateway in front of a simulated provider in every dialect.
type stage struct {
	env []string
}

func newStage(t *testing.T) *stage {
	t.Helper()
	var all []*sim.Provider
	var names []string
	var declared, rights strings.Builder
	for _, u := range upstreams {
		p := &sim.Provider{Pace: 2 * time.Millisecond, Key: "sim"}
		fmt.Fprintf(&declared, provider, u.name, serve(t, p)+u.root, u.dialect+u.more)
		fmt.Fprintf(&rights, ", \"%s/*\"", u.name)
		all, names = append(all, p), append(names, u.name)
	}
	control := serve(t, controls(all...))
	listen := freeAddress(t)

	document := filepath.Join(t.TempDir(), "weir.yaml")
	text := strings.NewReplacer("@LISTEN@", listen, "@PROVIDERS@", declared.String(), "@KEY@", key, "@NARROW@", narrow, "@RIGHTS@", rights.String()).Replace(template)
	if err := os.WriteFile(document, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	start(t, document, listen)
	secure, ca := front(t, "http://"+listen)
	return &stage{env: environment("WEIR_TLS_URL="+secure, "WEIR_TLS_CA="+ca, "WEIR_URL=http://"+listen, "WEIR_CONTROL="+control, "WEIR_UPSTREAMS="+strings.Join(names, " "))}
}

// front serves an address over TLS too, for clients that open nothing else; ca is its certificate.
func front(t *testing.T, address string) (secure, ca string) {
	t.Helper()
	behind, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewTLSServer(httputil.NewSingleHostReverseProxy(behind))
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server.URL, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
}

// environment is what the suites are told.
func environment(more ...string) []string {
	return append(append(os.Environ(),
		"WEIR_KEY="+key, "WEIR_NARROW_KEY="+narrow,
		// No proxy and no telemetry of an SDK may stand between.
		"NO_PROXY=127.0.0.1", "no_proxy=127.0.0.1", "PYTHONDONTWRITEBYTECODE=1",
	), more...)
}

const provider = `  %s:
    base_url: %q
    speaks: [%s]
    api_key: sim
    timeouts: { first_byte: 5s, idle: 2s }
`

const template = `version: 1
listen: "@LISTEN@"
providers:
@PROVIDERS@models:
  chat-plain: { targets: [{ provider: sim-chat, model: sim-1 }] }
  msg-plain: { targets: [{ provider: sim-msg, model: sim-1 }] }
  gem-plain: { targets: [{ provider: sim-gem, model: sim-1 }] }
keys:
  - { name: e2e, key: "@KEY@", models: ["*"@RIGHTS@] }
  - { name: narrow, key: "@NARROW@", models: [chat-plain] }
`

// controls tells the suites what the providers see.
func controls(providers ...*sim.Provider) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /open", func(w http.ResponseWriter, _ *http.Request) {
		open := 0
		for _, p := range providers {
			open += p.Open()
		}
		fmt.Fprint(w, open)
	})
	mux.HandleFunc("GET /sent", func(w http.ResponseWriter, r *http.Request) {
		bodies := []string{}
		for _, p := range providers {
			for _, c := range p.Calls() {
				if strings.Contains(string(c.Body), r.FormValue("text")) {
					bodies = append(bodies, string(c.Body))
				}
			}
		}
		if err := json.NewEncoder(w).Encode(bodies); err != nil {
			panic(http.ErrAbortHandler)
		}
	})
	return mux
}

func serve(t *testing.T, h http.Handler) string {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server.URL
}

// start runs the binary until the test ends; its own lines go to the test's log if it fails, and to whom else wants them.
func start(t *testing.T, document, listen string, also ...io.Writer) {
	t.Helper()
	var log bytes.Buffer
	cmd := exec.Command(binary(t), "serve", "-c", document)
	cmd.Dir = filepath.Dir(document)
	cmd.Stdout = io.MultiWriter(append(also, &log)...)
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop(t, cmd)
		if t.Failed() {
			t.Logf("the gateway's own words:\n%s", log.Bytes()[max(0, log.Len()-20_000):])
		}
	})
	deadline := time.Now().Add(10 * time.Second)
	for {
		response, err := http.Get("http://" + listen + "/readyz")
		if err == nil {
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return
			}
		}
		if time.Now().After(deadline) {
			stop(t, cmd)
			t.Fatalf("the gateway is not ready after ten seconds: %v\n%s", err, log.String())
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// stop asks the process to end and sees that it does, with status 0.
func stop(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if cmd.ProcessState != nil {
		return
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("SIGTERM: %v", err)
	}
	done := time.AfterFunc(10*time.Second, func() {
		t.Errorf("%s is still there ten seconds after SIGTERM", filepath.Base(cmd.Path))
		_ = cmd.Process.Kill()
	})
	defer done.Stop()
	if err := cmd.Wait(); err != nil {
		t.Errorf("%s %s: %v", filepath.Base(cmd.Path), cmd.Args[1], err)
	}
}

// run runs a suite in its folder; what it prints is the test's output.
func (s *stage) run(t *testing.T, dir string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir, cmd.Env = dir, s.env
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		t.Errorf("%s: %v", strings.Join(args, " "), err)
	}
}

func binary(t *testing.T) string {
	t.Helper()
	bin := os.Getenv("WEIR_BIN")
	if bin == "" {
		t.Fatal("WEIR_BIN is not set: run make e2e")
	}
	return bin
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func call(t *testing.T, method, url, body string) []byte {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+key)
	r.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %s: %s", method, url, response.Status, answer)
	}
	return answer
}
