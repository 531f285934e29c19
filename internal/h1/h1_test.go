package h1

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// do sends one request and returns the status and the whole body.
func do(ctx context.Context, t *testing.T, c *Client, url, body string) (int, string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Test", "yes")
	resp, err := c.RoundTrip(req)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b), err
}

// TestExchange echoes bodies of all sizes, in answers of both framings, over one connection.
func TestExchange(t *testing.T) {
	defer goleak.VerifyNone(t)
	var connections atomic.Int64
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil || r.ContentLength != int64(len(b)) || r.Header.Get("X-Test") != "yes" || r.Host == "" {
			t.Errorf("%v %d %d %v", err, r.ContentLength, len(b), r.Header)
		}
		if strings.HasSuffix(r.URL.Path, "chunked") {
			w.WriteHeader(http.StatusOK)
			w.(http.Flusher).Flush()
		}
		_, _ = w.Write(b)
	}))
	s.Config.ConnState = func(_ net.Conn, st http.ConnState) {
		if st == http.StateNew {
			connections.Add(1)
		}
	}
	s.Start()
	defer s.Close()
	c := &Client{}
	defer c.CloseIdleConnections()
	for _, path := range []string{"/plain", "/chunked"} {
		for _, n := range []int{0, 1, 1000, small, small + 1, 1 << 20} {
			want := strings.Repeat("x", n)
			status, got, err := do(t.Context(), t, c, s.URL+path, want)
			if err != nil || status != 200 || got != want {
				t.Errorf("%s of %d bytes: %d, %d bytes, %v", path, n, status, len(got), err)
			}
		}
	}
	if connections.Load() != 1 {
		t.Errorf("%d connections were made", connections.Load())
	}
}

// TestParallel sends from many goroutines at once: no answer is another's.
func TestParallel(t *testing.T) {
	defer goleak.VerifyNone(t)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) }))
	defer s.Close()
	c := &Client{}
	defer c.CloseIdleConnections()
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			for j := range 100 {
				want := fmt.Sprint(i, j)
				ctx, cancel := context.WithCancel(t.Context())
				_, got, err := do(ctx, t, c, s.URL, want)
				cancel() // after the end: it must not touch a connection that somebody else has by now
				if err != nil || got != want {
					t.Errorf("%q instead of %q: %v", got, want, err)
				}
			}
		})
	}
	wg.Wait()
}

// serve runs fn for each connection, with its number.
func serve(t *testing.T, fn func(n int, c net.Conn, r *bufio.Reader)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	t.Cleanup(func() { _ = l.Close(); wg.Wait() })
	wg.Go(func() {
		for n := 0; ; n++ {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer func() { _ = c.Close() }()
				fn(n, c, bufio.NewReader(c))
			})
		}
	})
	return "http://" + l.Addr().String()
}

func read(t *testing.T, r *bufio.Reader) bool {
	t.Helper()
	req, err := http.ReadRequest(r)
	if err != nil {
		return false
	}
	_, err = io.Copy(io.Discard, req.Body)
	return err == nil
}

const hello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

// TestClosedWhileIdle finds a connection closed by the server and takes another, once for each; a new one that fails is
// an error.
func TestClosedWhileIdle(t *testing.T) {
	closed := make(chan struct{}, 10)
	var requests atomic.Int64
	url := serve(t, func(_ int, c net.Conn, r *bufio.Reader) {
		if read(t, r) {
			requests.Add(1)
			_, _ = io.WriteString(c, hello)
		}
		_ = c.Close()
		closed <- struct{}{}
	})
	c := &Client{}
	defer c.CloseIdleConnections()
	for range 5 {
		if _, got, err := do(t.Context(), t, c, url, "x"); err != nil || got != "hello" {
			t.Errorf("%q %v", got, err)
		}
		<-closed
	}
	if requests.Load() != 5 {
		t.Errorf("%d requests reached the server", requests.Load())
	}
	// Long idle: it is noticed before anything is sent.
	c.hosts.Range(func(_, v any) bool {
		for _, conn := range v.(*host).idle {
			conn.since = conn.since.Add(-2 * fresh)
		}
		return true
	})
	if _, got, err := do(t.Context(), t, c, url, "x"); err != nil || got != "hello" {
		t.Errorf("%q %v", got, err)
	}
}

// TestNotTwice checks that a request is not sent again once it may have been worked on.
func TestNotTwice(t *testing.T) {
	for name, fail := range map[string]func(c net.Conn){
		"new connection": func(net.Conn) {},
		"half a head":    func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-") },
		"late":           func(net.Conn) { time.Sleep(2 * atOnce) },
	} {
		t.Run(name, func(t *testing.T) {
			var requests atomic.Int64
			url := serve(t, func(n int, c net.Conn, r *bufio.Reader) {
				if name != "new connection" && n == 0 && read(t, r) {
					_, _ = io.WriteString(c, hello)
				}
				if read(t, r) {
					requests.Add(1)
					fail(c)
				}
			})
			c := &Client{}
			if name != "new connection" {
				if _, _, err := do(t.Context(), t, c, url, "x"); err != nil {
					t.Fatal(err)
				}
			}
			if _, got, err := do(t.Context(), t, c, url, "x"); err == nil {
				t.Errorf("an answer came: %q", got)
			}
			if requests.Load() != 1 {
				t.Errorf("the request was sent %d times", requests.Load())
			}
		})
	}
}

// TestAnswers reads answers of all kinds from a server that is not net/http.
func TestAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		answer string
		body   string
		fails  bool
		keeps  bool
	}{
		"plain":               {hello, "hello", false, true},
		"informational first": {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + hello, "hello", false, true},
		"chunked, trailers":   {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n5\r\nhello\r\n0\r\nX: y\r\n\r\n", "hello", false, true},
		"close":               {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello", "hello", false, false},
		"until the end":       {"HTTP/1.1 200 OK\r\n\r\nhello", "hello", false, false},
		"HTTP/1.0":            {"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello", false, false},
		"too short":           {"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello", "hello", true, false},
		"cut chunk":           {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhello", "hello", true, false},
		"no last chunk":       {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "hello", true, false},
		"not HTTP":            {"SSH-2.0-x\r\n\r\n", "", true, false},
		"two lengths":         {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", "", true, false},
		"endless head":        {"HTTP/1.1 200 OK\r\n" + strings.Repeat("X: "+strings.Repeat("y", 1000)+"\r\n", 300) + "\r\n", "", true, false},
		"bytes after it":      {hello + "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", "hello", false, false},
		"upgrade":             {"HTTP/1.1 101 Switching Protocols\r\n\r\n", "", true, false},
	} {
		t.Run(name, func(t *testing.T) {
			url := serve(t, func(n int, conn net.Conn, r *bufio.Reader) {
				for read(t, r) {
					if _, err := io.WriteString(conn, c.answer); err != nil || !c.keeps {
						return
					}
				}
			})
			client := &Client{}
			defer client.CloseIdleConnections()
			_, got, err := do(t.Context(), t, client, url, "x")
			if got != c.body || (err != nil) != c.fails {
				t.Errorf("%q %v", got, err)
			}
			idle := 0
			client.hosts.Range(func(_, v any) bool { idle += len(v.(*host).idle); return true })
			if (idle == 1) != c.keeps {
				t.Errorf("%d connections are kept", idle)
			}
		})
	}
}

// TestCancel ends a request in each of its phases within moments.
func TestCancel(t *testing.T) {
	for _, part := range []string{"", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello"} {
		gone := make(chan struct{})
		url := serve(t, func(_ int, c net.Conn, r *bufio.Reader) {
			if read(t, r) {
				_, _ = io.WriteString(c, part)
				_, _ = io.Copy(io.Discard, r) // until the client hangs up
				close(gone)
			}
		})
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(50*time.Millisecond, cancel)
		start := time.Now()
		if _, _, err := do(ctx, t, &Client{}, url, "x"); err == nil {
			t.Errorf("after %q: no error", part)
		}
		if took := time.Since(start); took > time.Second {
			t.Errorf("after %q: it took %v", part, took)
		}
		select {
		case <-gone:
		case <-time.After(time.Second):
			t.Errorf("after %q: the connection stayed open", part)
		}
	}
}

// TestEarlyAnswer reads the answer of a server that refuses a body without reading it.
func TestEarlyAnswer(t *testing.T) {
	url := serve(t, func(_ int, c net.Conn, r *bufio.Reader) {
		_, _ = r.ReadString('\n')
		_, _ = io.WriteString(c, "HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 3\r\n\r\nbig")
		_ = c.(*net.TCPConn).CloseWrite()
		time.Sleep(300 * time.Millisecond)
	})
	status, got, err := do(t.Context(), t, &Client{}, url, strings.Repeat("x", 64<<20))
	if status == 413 && got == "big" {
		return
	}
	if err == nil {
		t.Errorf("%d %q %v", status, got, err)
	}
}

// TestRefused sends nothing that could be read as something else.
func TestRefused(t *testing.T) {
	url := serve(t, func(_ int, _ net.Conn, r *bufio.Reader) { read(t, r) })
	for _, h := range []http.Header{{"X-A": {"b\r\nEvil: yes"}}, {"X-A\r\nEvil": {"b"}}, {"X-A": {"b\x00"}}} {
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader("x"))
		req.Header = h
		if resp, err := (&Client{}).RoundTrip(req); err == nil {
			_ = resp.Body.Close()
			t.Errorf("%q went out", h)
		}
	}
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://127.0.0.1:1", http.NoBody)
	if resp, err := (&Client{}).RoundTrip(req); err == nil {
		_ = resp.Body.Close()
		t.Error("https was taken")
	}
	l, _ := net.Listen("tcp", "127.0.0.1:0")
	_ = l.Close()
	if _, _, err := do(t.Context(), t, &Client{}, "http://"+l.Addr().String(), ""); !errors.As(err, new(*net.OpError)) {
		t.Errorf("%v", err)
	}
}
