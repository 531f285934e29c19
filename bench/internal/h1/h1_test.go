package h1

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// pieces reads r in pieces of n bytes.
type pieces struct {
	r io.Reader
	n int
}

func (p pieces) Read(b []byte) (int, error) { return p.r.Read(b[:min(len(b), p.n)]) }

const hello = "hello, this is a body"

func messages() map[string]string {
	return map[string]string{
		"length":   fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(hello), hello),
		"chunked":  "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n" + string(AppendChunk(AppendChunk(nil, []byte(hello[:7])), []byte(hello[7:]))) + "0\r\n\r\n",
		"trailer":  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n15;x=y\r\n" + hello + "\r\n0\r\nx-a: b\r\n\r\n",
		"to close": "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + hello,
	}
}

func body(r io.Reader) (string, error) {
	b := NewBuf(r, 16)
	h, err := b.Head()
	if err != nil {
		return "", err
	}
	m, err := ParseHead(h)
	if err != nil {
		return "", err
	}
	var s strings.Builder
	d := b.Open(m, true)
	for {
		p, err := d.Next()
		if err == io.EOF && d.Done() {
			return s.String(), nil
		}
		if err != nil {
			return s.String(), err
		}
		s.Write(p)
	}
}

func TestBodyAtEveryReadSize(t *testing.T) {
	for name, m := range messages() {
		for n := 1; n <= len(m); n++ {
			got, err := body(pieces{strings.NewReader(m), n})
			if err != nil || got != hello {
				t.Errorf("%s, read by %d: %q, %v", name, n, got, err)
			}
		}
	}
}

// A message cut anywhere is an error, unless its end is the connection's.
func TestCut(t *testing.T) {
	for name, m := range messages() {
		if name == "to close" {
			continue
		}
		for n := range len(m) - 1 {
			if _, err := body(strings.NewReader(m[:n+1])); !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("%s cut at %d: %v", name, n+1, err)
			}
		}
	}
	want := errors.New("broken")
	if _, err := body(io.MultiReader(strings.NewReader(messages()["length"][:50]), iotest.ErrReader(want))); !errors.Is(err, want) {
		t.Errorf("a read error became %v", err)
	}
}

func TestParseHead(t *testing.T) {
	m, err := ParseHead([]byte("POST /v1/x HTTP/1.1\r\nCONTENT-LENGTH: 12\r\nconnection: Close\r\nExpect: 100-continue\r\nContent-Type: text/event-stream; charset=utf-8\r\n\r\n"))
	if err != nil || string(m.Line) != "POST /v1/x HTTP/1.1" || m.Len != 12 || !m.Close || !m.Expect || !m.SSE || m.Chunked {
		t.Errorf("%+v, %v", m, err)
	}
	if _, err := ParseHead([]byte("HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n")); err == nil {
		t.Error("a length that is no number passed")
	}
}
