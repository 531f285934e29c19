package engine_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"weir/internal/gateway"
	"weir/internal/gatewaytest"
	"weir/internal/replay"
	"weir/internal/sim"
)

// buffer is a log that can be read while it is written.
type buffer struct {
	mu sync.Mutex // guards b
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// leaks fails the test if it leaves goroutines behind: connections, streams and time-outs included.
func leaks(t *testing.T) {
	t.Helper()
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		// net/http lingers for half a second on connections whose request it did not read whole.
		lingers := goleak.IgnoreAnyFunction("net/http.(*conn).closeWriteAndWait")
		left := goleak.Find(before, lingers)
		for late := time.Now().Add(20 * time.Second); left != nil && time.Now().Before(late); { // on a busy machine they end late
			left = goleak.Find(before, lingers)
		}
		if left != nil {
			t.Error(left)
		}
	})
}

// TestBadInput sends what no client should: each time a clear error in the client's dialect with the right status.
func TestBadInput(t *testing.T) {
	leaks(t)
	log := &buffer{}
	g := (&gatewaytest.Gateway{Log: log}).Start(t)
	big := `{"model":"chat","messages":[{"role":"user","content":"` + strings.Repeat("x", 33<<20) + `"}]}`
	cases := []struct {
		name, chat, messages string // bodies
		headers              []string
		status               int
		says                 string
	}{
		{name: "empty", chat: "", status: 400, says: "empty"},
		{name: "not JSON", chat: `{"model":"chat",`, status: 400, says: "JSON"},
		{name: "text after", chat: `{"model":"chat","messages":[]} x`, status: 400, says: "JSON"},
		{name: "an array", chat: `[1]`, status: 400, says: "object"},
		{name: "two models", chat: `{"model":"chat","model":"dear","messages":[]}`, status: 400, says: "model"},
		{name: "two models by case", chat: `{"model":"chat","Model":"dear","messages":[]}`, status: 400, says: "model"},
		{name: "an escaped key", chat: `{"mod\u0065l":"chat","messages":[]}`, status: 400, says: "escape"},
		{name: "no model", chat: `{"messages":[{"role":"user","content":"x"}]}`, status: 400, says: "model"},
		{name: "model of the wrong type", chat: `{"model":5,"messages":[]}`, status: 400, says: "model"},
		{name: "stream of the wrong type", chat: `{"model":"chat","stream":"yes","messages":[]}`, status: 400, says: "stream"},
		{name: "unknown model", chat: `{"model":"chta","max_tokens":5,"messages":[{"role":"user","content":"x"}]}`, status: 404, says: "did you mean `chat`"},
		{name: "unknown provider", chat: `{"model":"nobody/x","max_tokens":5,"messages":[{"role":"user","content":"x"}]}`, status: 404, says: "nobody/x"},
		{name: "33 MiB", chat: big, status: 413, says: "33554432"},
		{name: "wrong key", chat: `{"model":"chat"}`, headers: []string{"Authorization", "Bearer wr-ffffffffffffffffffffffffffffffff"}, status: 401, says: "key"},
		{name: "no key", chat: `{"model":"chat"}`, headers: []string{"Authorization", ""}, status: 401, says: "no key"},
		{name: "two keys", chat: `{"model":"chat"}`, headers: []string{"x-api-key", "another-key-of-somebody"}, status: 401, says: "disagree"},
		{name: "encoding", chat: `{"model":"chat"}`, headers: []string{"Content-Encoding", "br"}, status: 415, says: "gzip"},
		{name: "multipart", chat: `--x`, headers: []string{"Content-Type", "multipart/form-data; boundary=x"}, status: 415, says: "application/json"},
		{name: "not gzip", chat: `{"model":"chat"}`, headers: []string{"Content-Encoding", "gzip"}, status: 400, says: "Content-Encoding"},
	}
	for _, c := range cases {
		for _, client := range clients {
			resp := g.Post(t, client.path, c.chat, c.headers...)
			body, err := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			if err != nil {
				t.Fatal(err)
			}
			var m map[string]any
			if err := json.Unmarshal(body, &m); err != nil {
				t.Errorf("%s, %s: %v in %s", c.name, client.name, err, body)
				continue
			}
			text, _ := client.errorType(m).(string)
			if resp.StatusCode != c.status || !strings.Contains(text, c.says) {
				t.Errorf("%s, %s: %d %q, want %d with %q", c.name, client.name, resp.StatusCode, text, c.status, c.says)
			}
			if resp.Header.Get("X-Weir-Id") == "" {
				t.Errorf("%s, %s: no x-weir-id", c.name, client.name)
			}
		}
	}
	for _, p := range []struct {
		method, path string
		status       int
	}{{"GET", "/v1/chat/completions", 405}, {"POST", "/v1/nothing", 404}, {"GET", "/.env", 404}, {"POST", "/v1/models", 405}, {"GET", "/v1/models/nope", 404}} {
		req, _ := http.NewRequestWithContext(t.Context(), p.method, g.URL+p.path, http.NoBody)
		req.Header.Set("X-Api-Key", gatewaytest.Key)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != p.status || !json.Valid(body) {
			t.Errorf("%s %s: %d %s", p.method, p.path, resp.StatusCode, body)
		}
	}
	g.Wait(t, 2*len(cases))
	time.Sleep(50 * time.Millisecond)
	for _, secret := range []string{gatewaytest.Key, "ffffffffffffffff", "another-key-of-somebody"} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log holds %s", secret)
		}
	}
	if g.Sim.Open() != 0 {
		t.Errorf("%d calls are open at the provider", g.Sim.Open())
	}
}

// TestSlowBody sends a body a byte at a time: 408 when the time is over.
func TestSlowBody(t *testing.T) {
	leaks(t)
	g := (&gatewaytest.Gateway{}).Start(t)
	g.Engine.Patience(300*time.Millisecond, time.Minute)
	conn, err := net.Dial("tcp", strings.TrimPrefix(g.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_, _ = fmt.Fprintf(conn, "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: 1000\r\n\r\n", gatewaytest.Key)
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(20 * time.Millisecond):
				if _, err := conn.Write([]byte(" ")); err != nil {
					return
				}
			}
		}
	}()
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusRequestTimeout || !json.Valid(body) {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
}

// TestClientTakesNothing sends a large answer to a client that reads none of it: it counts as gone, and one that reads
// slowly does not.
func TestClientTakesNothing(t *testing.T) {
	leaks(t)
	event := `data: {"id":"x","choices":[{"index":0,"delta":{"content":"` + strings.Repeat("x", 32<<10) + "\"}}]}\n\n"
	for _, reads := range []bool{false, true} {
		up := &replay.Upstream{Status: 200, Header: map[string]string{"content-type": "text/event-stream"}, Read: 32 << 10, Body: []byte(strings.Repeat(event, 1000))}
		g := (&gatewaytest.Gateway{Upstream: up}).Start(t)
		g.Engine.Patience(time.Minute, 300*time.Millisecond)
		conn, err := net.Dial("tcp", strings.TrimPrefix(g.URL, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.(*net.TCPConn).SetReadBuffer(4 << 10)
		body := `{"model":"chat","stream":true,"messages":[{"role":"user","content":"x"}]}`
		_, _ = fmt.Fprintf(conn, "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s", gatewaytest.Key, len(body), body)
		if reads {
			buf := make([]byte, 256<<10)
			for range 8 {
				time.Sleep(100 * time.Millisecond)
				if _, err := conn.Read(buf); err != nil {
					t.Fatalf("a slow client was cut off: %v", err)
				}
			}
		} else {
			x := g.Wait(t, 1)[0]
			if x.Ending != gateway.ClientGone || x.Took > 3*time.Second {
				t.Errorf("ended as %s after %v", x.Ending, x.Took)
			}
		}
		_ = conn.Close()
	}
}

// TestDiesAtEveryByte breaks an answer off at each of its bytes, streamed and not, passed and translated: the client is
// told each time, in its dialect, and nothing is left behind.
func TestDiesAtEveryByte(t *testing.T) {
	leaks(t)
	for _, client := range clients {
		for _, upstream := range clients {
			for _, stream := range []bool{false, true} {
				name := fmt.Sprintf("%s from %s, stream %t", client.name, upstream.name, stream)
				t.Run(name, func(t *testing.T) {
					diesAtEveryByte(t, client.path, client.body(upstream.name, stream), upstream.path, upstream.body("sim-1", stream), stream, client.endMark, client.errorType)
				})
			}
		}
	}
}

func diesAtEveryByte(t *testing.T, path, body, upPath, upBody string, stream bool, endMark string, errorType func(map[string]any) any) {
	t.Helper()
	// What the provider answers when nothing goes wrong.
	answers := (&gatewaytest.Gateway{Sim: &sim.Provider{Pace: -1}}).Start(t)
	up := &replay.Upstream{Status: 200, Header: map[string]string{"content-type": "application/json"}, Read: 4096}
	if stream {
		up.Header["content-type"] = "text/event-stream"
	}
	resp := answers.Post(t, upPath, strings.Replace(upBody, `"sim-1"`, `"`+map[string]string{"/v1/chat/completions": "chat", "/v1/messages": "messages"}[upPath]+`"`, 1))
	var err error
	if up.Body, err = io.ReadAll(resp.Body); err != nil || resp.StatusCode != 200 {
		t.Fatal(resp.StatusCode, err, string(up.Body))
	}
	_ = resp.Body.Close()

	g := (&gatewaytest.Gateway{Upstream: up}).Start(t)
	for cut := 1; cut < len(up.Body); cut++ {
		up.Cut = cut
		resp := g.Post(t, path, body)
		got, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil {
			t.Fatalf("cut at %d of %d: %v", cut, len(up.Body), err)
		}
		if resp.StatusCode != http.StatusOK {
			var m map[string]any
			if err := json.Unmarshal(got, &m); err != nil || errorType(m) == nil || resp.StatusCode != http.StatusBadGateway {
				t.Fatalf("cut at %d: %d %s", cut, resp.StatusCode, got)
			}
			continue
		}
		// What was received before the cut may hold the whole answer; then its end mark may be there too.
		whole := bytes.Contains(up.Body[:cut], []byte("[DONE]")) || bytes.Contains(up.Body[:cut], []byte("message_stop\"}"))
		if !stream || !strings.Contains(string(got), `"error"`) && !whole || !whole && strings.Contains(string(got), endMark) {
			t.Fatalf("cut at %d of %d looks whole: %s", cut, len(up.Body), got)
		}
	}
	for _, x := range g.Wait(t, len(up.Body)-1) {
		if x.Ending == gateway.Done && x.Fault == nil && !stream {
			t.Fatalf("a cut answer is recorded as done: %+v", x)
		}
	}
}

// TestClientsLeave lets 20 clients hang up, in mid-stream and before the first byte, streamed and not: within a second
// no call is left at the provider.
func TestClientsLeave(t *testing.T) {
	leaks(t)
	provider := &sim.Provider{Pace: 5 * time.Millisecond}
	g := (&gatewaytest.Gateway{Sim: provider}).Start(t)
	var wg sync.WaitGroup
	n := 0
	for _, client := range clients {
		for _, model := range []string{"sim/sim-long", "sim-messages/sim-long", "sim/sim-hang", "sim-messages/sim-hang", "sim/sim-stall"} {
			for _, stream := range []bool{false, true} {
				n++
				wg.Add(1)
				go func() {
					defer wg.Done()
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					req, _ := http.NewRequestWithContext(ctx, http.MethodPost, g.URL+client.path, strings.NewReader(client.body(model, stream)))
					req.Header.Set("Authorization", "Bearer "+gatewaytest.Key)
					time.AfterFunc(300*time.Millisecond, cancel)
					resp, err := http.DefaultClient.Do(req)
					if err != nil {
						return
					}
					_, _ = io.CopyN(io.Discard, resp.Body, 2000)
					cancel()
					_ = resp.Body.Close()
				}()
			}
		}
	}
	if n != 20 {
		t.Fatalf("%d clients", n)
	}
	time.Sleep(200 * time.Millisecond)
	if provider.Open() == 0 {
		t.Error("no call ever reached the provider")
	}
	wg.Wait()
	deadline := time.Now().Add(time.Second)
	for provider.Open() > 0 && time.Now().Before(deadline) {
		time.Sleep(5 * time.Millisecond)
	}
	if open := provider.Open(); open != 0 {
		t.Errorf("%d calls are still open at the provider a second after their clients left", open)
	}
	gone := 0
	for _, x := range g.Wait(t, n) {
		if x.Ending == gateway.ClientGone {
			gone++
		}
	}
	if gone < n/2 {
		t.Errorf("%d of %d exchanges are recorded as left by their client", gone, n)
	}
}
