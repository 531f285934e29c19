package engine_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"weir/internal/gateway"
	"weir/internal/gatewaytest"
)

// raw is a server that reads one request a connection and then does what it is told to the connection.
func raw(t *testing.T, do func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = conn.Close() }()
				req, err := http.ReadRequest(bufio.NewReader(conn))
				if err != nil {
					return
				}
				_, _ = io.Copy(io.Discard, req.Body)
				do(conn)
			}()
		}
	}()
	return l.Addr().String()
}

func reset(c net.Conn) { _ = c.(*net.TCPConn).SetLinger(0) }

// answering is a way to fail that is an answer.
func answering(head, body string) func(*testing.T) string {
	return func(t *testing.T) string {
		return "http://" + raw(t, func(c net.Conn) {
			_, _ = fmt.Fprintf(c, "%s\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", head, len(body), body)
		})
	}
}

const (
	chunkedJSON = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
	chunkedSSE  = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
)

// ways are the ways in which a first target dies. Each returns the base of its URL.
var ways = []struct {
	name   string
	kind   string // of the fault in the record
	status int
	base   func(t *testing.T) string
}{
	{"refused", "unavailable", 0, func(t *testing.T) string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = l.Close() }()
		return "http://" + l.Addr().String()
	}},
	{"dns", "unavailable", 0, func(*testing.T) string { return "http://no-such-host.invalid" }},
	{"tls", "unavailable", 0, func(t *testing.T) string {
		s := httptest.NewUnstartedServer(http.NotFoundHandler())
		s.Config.ErrorLog = log.New(io.Discard, "", 0)
		s.StartTLS()
		t.Cleanup(s.Close)
		return s.URL
	}},
	{"reset before the head", "unavailable", 0, func(t *testing.T) string { return "http://" + raw(t, reset) }},
	{"reset after the head", "cut", 200, func(t *testing.T) string {
		return "http://" + raw(t, func(c net.Conn) {
			_, _ = io.WriteString(c, chunkedJSON)
			reset(c)
		})
	}},
	{"reset before the first event", "cut", 200, func(t *testing.T) string {
		return "http://" + raw(t, func(c net.Conn) {
			event := "data: {\"id\":\"x\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n"
			_, _ = fmt.Fprintf(c, "%s%x\r\n%s\r\n", chunkedSSE, len(event), event)
			reset(c)
		})
	}},
	{"429", "rate_limit", 429, answering("HTTP/1.1 429 Too Many Requests\r\nContent-Type: application/json\r\nRetry-After: 7", `{"error":{"message":"slow down","type":"requests","code":"rate_limit_exceeded"}}`)},
	{"500", "upstream", 500, answering("HTTP/1.1 500 Internal Server Error\r\nContent-Type: application/json", `{"error":{"message":"boom","type":"server_error"}}`)},
	{"503", "overloaded", 503, answering("HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/html", `<html>busy</html>`)},
	{"529", "overloaded", 529, answering("HTTP/1.1 529 Overloaded\r\nContent-Type: application/json", `{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`)},
	{"hang", "timeout", 0, func(t *testing.T) string {
		return "http://" + raw(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	}},
	{"garbage", "upstream", 200, answering("HTTP/1.1 200 OK\r\nContent-Type: text/html", `<html>welcome to the captive portal</html>`)},
}

const twoTargets = `version: 1
providers:
  bad-chat: { base_url: "@BAD@/v1", speaks: [openai-chat], api_key: k, timeouts: { connect: 2s, first_byte: @FIRST@ } }
  bad-messages: { base_url: "@BAD@", speaks: [anthropic-messages], api_key: k, timeouts: { connect: 2s, first_byte: @FIRST@ } }
  sim: { base_url: "http://@SIM@/v1", speaks: [openai-chat], api_key: sim }
  sim-messages: { base_url: "http://@SIM@", speaks: [anthropic-messages], api_key: sim }
models:
  chat: { targets: [{ provider: bad-chat, model: x }, { provider: sim, model: sim-1 }] }
  messages: { targets: [{ provider: bad-messages, model: x }, { provider: sim-messages, model: sim-1 }] }
  only-chat: { targets: [{ provider: bad-chat, model: x }] }
  only-messages: { targets: [{ provider: bad-messages, model: x }] }
keys: [{ name: test, key: ` + gatewaytest.Key + `, models: ["*"] }]
`

// dying fills in where the first target is, and how long it may take: a busy machine may need its time to fail.
func dying(way, base string) string {
	first := "10s"
	if way == "hang" {
		first = "200ms"
	}
	return strings.NewReplacer("@BAD@", base, "@FIRST@", first).Replace(twoTargets)
}

// clients are the two dialects as a client speaks them.
var clients = []struct {
	name, path string
	body       func(model string, stream bool) string
	errorType  func(map[string]any) any
	endMark    string
}{
	{"chat", "/v1/chat/completions", func(model string, stream bool) string {
		return fmt.Sprintf(`{"model":%q,"stream":%t,"messages":[{"role":"user","content":"say something"}]}`, model, stream)
	}, func(m map[string]any) any { e, _ := m["error"].(map[string]any); return e["message"] }, "[DONE]"},
	{"messages", "/v1/messages", func(model string, stream bool) string {
		return fmt.Sprintf(`{"model":%q,"stream":%t,"max_tokens":100,"messages":[{"role":"user","content":"say something"}]}`, model, stream)
	}, func(m map[string]any) any {
		e, _ := m["error"].(map[string]any)
		if m["type"] != "error" {
			return nil
		}
		return e["message"]
	}, "message_stop"},
}

// TestTwoTargets lets the first target die in each way: the second answers, in one record with two attempts.
func TestTwoTargets(t *testing.T) {
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			g := (&gatewaytest.Gateway{Document: dying(way.name, way.base(t))}).Start(t)
			n := 0
			for _, client := range clients {
				for _, model := range []string{"chat", "messages"} {
					for _, stream := range []bool{false, true} {
						resp := g.Post(t, client.path, client.body(model, stream))
						body, err := io.ReadAll(resp.Body)
						_ = resp.Body.Close()
						if err != nil || resp.StatusCode != http.StatusOK {
							t.Fatalf("%s to %s, stream %t: %d %v %s", client.name, model, stream, resp.StatusCode, err, body)
						}
						if stream && !strings.Contains(string(body), client.endMark) {
							t.Errorf("%s to %s: no end mark in %s", client.name, model, body)
						}
						n++
						x := g.Wait(t, n)[n-1]
						if len(x.Attempts) != 2 || x.Attempts[0].Fault == nil || x.Attempts[1].Fault != nil || x.Ending != gateway.Done || x.Fault != nil {
							t.Fatalf("%s to %s, stream %t: record %+v", client.name, model, stream, x)
						}
						a := x.Attempts[0]
						if a.Fault.Kind.String() != way.kind || a.Status != way.status {
							t.Errorf("%s to %s, stream %t: the first attempt ended as %v with status %d, want %s with %d", client.name, model, stream, a.Fault, a.Status, way.kind, way.status)
						}
						if want := "sim"; !strings.HasPrefix(resp.Header.Get("X-Weir-Target"), want) {
							t.Errorf("x-weir-target is %q", resp.Header.Get("X-Weir-Target"))
						}
					}
				}
			}
		})
	}
}

// TestOneTarget lets the only target die in each way: a clear error in the client's dialect, never an answer that looks
// whole.
func TestOneTarget(t *testing.T) {
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			g := (&gatewaytest.Gateway{Document: dying(way.name, way.base(t))}).Start(t)
			for _, client := range clients {
				for _, model := range []string{"only-chat", "only-messages"} {
					for _, stream := range []bool{false, true} {
						resp := g.Post(t, client.path, client.body(model, stream))
						body, err := io.ReadAll(resp.Body)
						_ = resp.Body.Close()
						if err != nil {
							t.Fatal(err)
						}
						where := fmt.Sprintf("%s to %s, stream %t: %d %s", client.name, model, stream, resp.StatusCode, body)
						same := strings.HasSuffix(model, client.name)
						if resp.StatusCode == http.StatusOK {
							// Only a stream that had begun to pass may be 200, and then says that it broke.
							if !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream") || !strings.Contains(string(body), `"error"`) || strings.Contains(string(body), client.endMark) {
								t.Error(where)
							}
							continue
						}
						if same && way.status >= 400 {
							continue // the provider's own words pass as they are
						}
						var m map[string]any
						if err := json.Unmarshal(body, &m); err != nil {
							t.Errorf("%s: %v", where, err)
							continue
						}
						if text, _ := client.errorType(m).(string); text == "" {
							t.Errorf("%s: no message", where)
						}
						want := way.status
						if way.kind == "overloaded" { // each dialect has its own status for that
							want = map[string]int{"chat": 503, "messages": 529}[client.name]
						}
						if way.status >= 400 && resp.StatusCode != want {
							t.Errorf("%s: want status %d", where, want)
						}
						if way.status == 429 && resp.Header.Get("Retry-After") != "7" {
							t.Errorf("%s: Retry-After is %q", where, resp.Header.Get("Retry-After"))
						}
						if resp.Header.Get("X-Weir-Id") == "" || resp.Header.Get("X-Weir-Fault") != way.kind {
							t.Errorf("%s: headers %v", where, resp.Header)
						}
					}
				}
			}
		})
	}
}
