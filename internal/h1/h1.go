// Package h1 is an HTTP/1.1 client for upstreams without TLS: an http.RoundTripper over a pool of connections.
//
// http.Transport gives each connection two goroutines and hands every request and answer across them. A gateway reads
// one answer from the goroutine that serves the exchange, so this client does everything there: it writes head and body
// in one system call, reads the answer with net/http's own parser (http.ReadResponse, so that framing is judged as
// net/http judges it), and gives the connection back when the answer was read to its end. Cancelling the request's
// context ends any read or write under way.
//
// A connection used before that turns out closed at once, with no byte of an answer read, was closed by the server while
// it lay idle and has carried nothing: the request is sent once more on another. Nothing else is sent twice.
package h1

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// Bounds of the pool and of what a provider may send.
const (
	idleMost = 1024             // connections kept for a host
	idleTime = 50 * time.Second // how long one is kept; servers commonly close after 60 s or more
	fresh    = time.Second      // idle for longer, a connection is looked at before it is used
	atOnce   = 100 * time.Millisecond
	headMost = 256 << 10 // bytes of an answer's head
)

// Bytes is what a request's body implements if it is in memory: it is then written without a copy.
type Bytes interface{ Bytes() []byte }

// Client is a pool of connections. Its zero value works; it is safe for concurrent use.
type Client struct {
	Connect time.Duration // until a connection stands; 0 = the system's

	hosts sync.Map // host:port → *host
}

// host holds the idle connections to one address.
type host struct {
	mu    sync.Mutex // guards idle and sweep for a push or pop: all requests to the host share it for some nanoseconds
	idle  []*conn    // the last one used at the end
	sweep *time.Timer
}

// conn is one connection. While a request is under way it belongs to that; else to its host's idle list.
type conn struct {
	net.Conn
	host  *host
	r     *bufio.Reader
	head  int       // bytes the head of an answer may still have; -1 = not reading a head
	since time.Time // idle since
	used  bool      // it has carried an exchange before
	got   bool      // a byte of the present answer has come
}

// errHead is the answer to an endless head.
var errHead = errors.New("net/http: the head of the answer is too large")

// Read implements io.Reader for the buffer: it bounds heads.
func (c *conn) Read(p []byte) (int, error) {
	if c.head == 0 {
		return 0, errHead
	}
	if c.head > 0 && len(p) > c.head {
		p = p[:c.head]
	}
	n, err := c.Conn.Read(p)
	if n > 0 {
		c.got = true
	}
	if c.head > 0 {
		c.head -= n
	}
	return n, err
}

// RoundTrip implements http.RoundTripper for http URLs.
func (c *Client) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Scheme != "http" {
		closeBody(req)
		return nil, fmt.Errorf("h1: the scheme %q is not http", req.URL.Scheme)
	}
	address := req.URL.Host
	if req.URL.Port() == "" {
		address = net.JoinHostPort(req.URL.Hostname(), "80")
	}
	body, err := bodyOf(req)
	if err != nil {
		return nil, err
	}
	defer closeBody(req)
	h := c.host(address)
	for {
		conn := h.take()
		if conn == nil {
			if conn, err = c.dial(req.Context(), address, h); err != nil {
				return nil, err
			}
		}
		sent := time.Now()
		resp, err := conn.exchange(req, body)
		if err == nil {
			return resp, nil
		}
		_ = conn.Close()
		if !conn.used || conn.got || req.Context().Err() != nil || !closed(err) || time.Since(sent) > atOnce {
			return nil, err
		}
	}
}

// closed reports whether an error says that the other side had closed the connection.
func closed(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// CloseIdleConnections closes what is not in use.
func (c *Client) CloseIdleConnections() {
	c.hosts.Range(func(_, v any) bool {
		v.(*host).drop(time.Now().Add(idleTime))
		return true
	})
}

func (c *Client) host(address string) *host {
	if h, ok := c.hosts.Load(address); ok {
		return h.(*host)
	}
	h, _ := c.hosts.LoadOrStore(address, &host{})
	return h.(*host)
}

func (c *Client) dial(ctx context.Context, address string, h *host) (*conn, error) {
	d := net.Dialer{Timeout: c.Connect, KeepAlive: 30 * time.Second}
	raw, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	conn := &conn{Conn: raw, host: h}
	conn.r = bufio.NewReaderSize(conn, 4<<10)
	return conn, nil
}

// take returns a connection that was idle, nil if there is none that lives.
func (h *host) take() *conn {
	for {
		h.mu.Lock()
		n := len(h.idle)
		if n == 0 {
			h.mu.Unlock()
			return nil
		}
		c := h.idle[n-1]
		h.idle[n-1] = nil
		h.idle = h.idle[:n-1]
		h.mu.Unlock()
		if idle := time.Since(c.since); idle < fresh || idle < idleTime && c.alive() {
			return c
		}
		_ = c.Close()
	}
}

// give takes a connection back whose answer was read to its end.
func (h *host) give(c *conn) {
	c.since, c.used = time.Now(), true
	h.mu.Lock()
	if len(h.idle) >= idleMost {
		h.mu.Unlock()
		_ = c.Close()
		return
	}
	h.idle = append(h.idle, c)
	if h.sweep == nil {
		h.sweep = time.AfterFunc(idleTime, func() { h.drop(time.Now()) })
	}
	h.mu.Unlock()
}

// drop closes the connections that are idle for too long by a given time, and comes again while any is left.
func (h *host) drop(now time.Time) {
	h.mu.Lock()
	n := 0
	for n < len(h.idle) && now.Sub(h.idle[n].since) >= idleTime {
		n++
	}
	old := append([]*conn(nil), h.idle[:n]...)
	h.idle = append(h.idle[:0], h.idle[n:]...)
	clear(h.idle[len(h.idle):cap(h.idle)])
	if h.sweep != nil {
		h.sweep.Stop()
		h.sweep = nil
	}
	if len(h.idle) > 0 {
		h.sweep = time.AfterFunc(idleTime, func() { h.drop(time.Now()) })
	}
	h.mu.Unlock()
	for _, c := range old {
		_ = c.Close()
	}
}

// alive looks whether an idle connection was closed, or has bytes nobody asked for.
func (c *conn) alive() bool {
	raw, ok := c.Conn.(syscall.Conn)
	if !ok {
		return true
	}
	rc, err := raw.SyscallConn()
	if err != nil {
		return false
	}
	quiet := false
	var b [1]byte
	err = rc.Read(func(fd uintptr) bool {
		_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		quiet = errors.Is(err, syscall.EAGAIN)
		return true
	})
	return err == nil && quiet
}

// past is a deadline that ends reads and writes at once.
var past = time.Unix(1, 0)

// exchange sends a request and reads the head of its answer. On an error the caller closes the connection.
func (c *conn) exchange(req *http.Request, body []byte) (*http.Response, error) {
	ctx := req.Context()
	c.got = false
	stop := context.AfterFunc(ctx, func() { _ = c.SetDeadline(past) })
	if err := c.send(req, body); err != nil && !c.early(ctx) {
		stop()
		return nil, err
	}
	for {
		c.head = headMost
		resp, err := http.ReadResponse(c.r, req)
		c.head = -1
		if err != nil {
			stop()
			return nil, err
		}
		if resp.StatusCode >= 200 {
			resp.Body = &answer{ReadCloser: resp.Body, c: c, stop: stop, keep: !resp.Close && resp.ProtoAtLeast(1, 1)}
			return resp, nil
		}
		if resp.StatusCode == http.StatusSwitchingProtocols {
			stop()
			return nil, errors.New("net/http: malformed HTTP response: 101 to a request that asks for no upgrade")
		}
	}
}

// early reports whether an answer came although the request could not be sent whole, as servers do that refuse a body.
func (c *conn) early(ctx context.Context) bool {
	_ = c.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	c.head = headMost
	_, err := c.r.Peek(1)
	_ = c.SetReadDeadline(time.Time{})
	return err == nil && ctx.Err() == nil // the context's deadline may have been the one just lifted
}

// answer is an answer's body; read to its end it gives the connection back.
type answer struct {
	io.ReadCloser
	c    *conn
	stop func() bool
	keep bool
	done bool
}

// Read implements io.Reader.
func (a *answer) Read(p []byte) (int, error) {
	n, err := a.ReadCloser.Read(p)
	if err != nil {
		a.end(err == io.EOF)
	}
	return n, err
}

// Close implements io.Closer. A connection whose answer was not read to its end is closed.
func (a *answer) Close() error {
	a.end(false)
	return nil
}

func (a *answer) end(whole bool) {
	if a.done {
		return
	}
	a.done = true
	// Where the context's end was faster, the connection has a deadline on it and cannot be used again.
	if a.stop() && whole && a.keep && a.c.r.Buffered() == 0 {
		a.c.host.give(a.c)
		return
	}
	_ = a.c.Close()
}

// bodyOf returns the bytes of a request's body.
func bodyOf(req *http.Request) ([]byte, error) {
	if req.Body == nil || req.Body == http.NoBody {
		return nil, nil
	}
	if b, ok := req.Body.(Bytes); ok {
		return b.Bytes(), nil
	}
	defer closeBody(req)
	return io.ReadAll(req.Body)
}

func closeBody(req *http.Request) {
	if req.Body != nil {
		_ = req.Body.Close()
	}
}

var heads = sync.Pool{New: func() any { b := make([]byte, 0, 2048); return &b }}

// small is the size up to which a body is copied behind its head rather than written from its place.
const small = 16 << 10

// send writes head and body in one system call.
func (c *conn) send(req *http.Request, body []byte) error {
	buf := heads.Get().(*[]byte)
	defer func() {
		if cap(*buf) <= 64<<10 {
			heads.Put(buf)
		}
	}()
	b, err := appendHead((*buf)[:0], req, len(body))
	if err != nil {
		return err
	}
	if len(body) <= small {
		b = append(b, body...)
		*buf = b
		_, err = c.Conn.Write(b)
		return err
	}
	*buf = b
	_, err = (&net.Buffers{b, body}).WriteTo(c.Conn)
	return err
}

// appendHead writes the request line and the headers. Header values come from net/http's own parser or from the
// document; one that could end its line is refused all the same.
func appendHead(b []byte, req *http.Request, length int) ([]byte, error) {
	host := req.Host
	if host == "" {
		host = req.URL.Host
	}
	b = append(b, req.Method...)
	b = append(b, ' ')
	b = append(b, req.URL.RequestURI()...)
	b = append(b, " HTTP/1.1\r\nHost: "...)
	b = append(b, host...)
	b = append(b, "\r\n"...)
	var room [32]string
	names := room[:0]
	for name := range req.Header {
		if name != "Host" && name != "Content-Length" && name != "Transfer-Encoding" && name != "Connection" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		for _, v := range req.Header[name] {
			if !plain(v) || !plain(name) {
				return b, fmt.Errorf("h1: the header %s has a line break or control character", strconv.Quote(name))
			}
			b = append(b, name...)
			b = append(b, ": "...)
			b = append(b, v...)
			b = append(b, "\r\n"...)
		}
	}
	if length > 0 || req.Method == http.MethodPost || req.Method == http.MethodPut {
		b = append(b, "Content-Length: "...)
		b = strconv.AppendInt(b, int64(length), 10)
		b = append(b, "\r\n"...)
	}
	return append(b, "\r\n"...), nil
}

func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}
