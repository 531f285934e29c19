// Raw is the floor for Go: HTTP/1.1 by hand on both sides over net.Conn, one
// goroutine per client connection, the same extraction as the others. It is a
// yardstick, not a gateway: no TLS, no timeouts, no care for hop-by-hop fields.
package main

import (
	"bytes"
	"context"
	"flag"
	"log"
	"net"
	"runtime/debug"
	"strings"

	"weir/bench/internal/h1"
	"weir/bench/limits/extract"
	"weir/bench/limits/upstream"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:9204", "listen address")
	up := flag.String("upstream", "http://127.0.0.1:9100", "upstream base URL")
	gc := flag.Int("gogc", 100, "GOGC")
	flag.Parse()
	debug.SetGCPercent(*gc)
	p := &upstream.Pool{Addr: strings.TrimPrefix(*up, "http://")}
	ln, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", *addr)
	if err != nil {
		log.Fatal(err)
	}
	for {
		c, err := ln.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go serve(c, p)
	}
}

// conn is one client connection with its buffers.
type conn struct {
	c               net.Conn
	in              *h1.Buf
	p               *upstream.Pool
	body, text, out []byte
}

func serve(c net.Conn, p *upstream.Pool) {
	defer c.Close()
	k := &conn{c: c, in: h1.NewBuf(c, 4<<10), p: p}
	for k.exchange() {
	}
}

// exchange serves one request and reports whether another may follow.
func (k *conn) exchange() bool {
	h, err := k.in.Head()
	if err != nil {
		return false
	}
	m, err := h1.ParseHead(h)
	if err != nil {
		return false
	}
	f := bytes.Fields(m.Line)
	if len(f) != 3 {
		return false
	}
	if string(f[0]) == "GET" {
		return k.say("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n")
	}
	path := string(f[1])
	auth := ""
	if _, v, ok := bytes.Cut(h, []byte("\r\nAuthorization: ")); ok {
		auth = string(v[:bytes.IndexByte(v, '\r')])
	}
	k.body = k.body[:0]
	b := k.in.Open(m, false)
	for {
		q, err := b.Next()
		if err != nil {
			if !b.Done() {
				return false
			}
			break
		}
		k.body = append(k.body, q...)
	}
	info, err := extract.Scan(k.body, k.text[:0])
	if err != nil {
		return k.say("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
	}
	k.text = info.Text
	uc, err := k.p.Get(context.Background())
	if err != nil {
		return k.say("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
	}
	uh, um, err := uc.Do(path, k.p.Addr, auth, k.body)
	if err != nil {
		uc.C.Close()
		return k.say("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
	}
	k.out = append(k.out[:0], uh...)
	if !k.relay(uc, um) || um.Close {
		uc.C.Close()
		return false
	}
	k.p.Put(uc)
	return true
}

func (k *conn) say(s string) bool {
	_, err := k.c.Write([]byte(s))
	return err == nil
}

// relay copies the answer's body and reports whether it went out whole.
func (k *conn) relay(uc *upstream.Conn, um h1.Msg) bool {
	ub := uc.In.Open(um, true)
	for {
		q, err := ub.Next()
		if err != nil {
			if !ub.Done() {
				return false
			}
			break
		}
		if um.Chunked {
			k.out = h1.AppendChunk(k.out, q)
		} else {
			k.out = append(k.out, q...)
		}
		// Write when nothing more is waiting (8: the end-of-chunk bytes).
		if uc.In.Buffered() < 8 && um.Chunked || len(k.out) > 32<<10 {
			if _, err := k.c.Write(k.out); err != nil {
				return false
			}
			k.out = k.out[:0]
		}
	}
	if um.Chunked {
		k.out = append(k.out, "0\r\n\r\n"...)
	}
	if len(k.out) > 0 {
		if _, err := k.c.Write(k.out); err != nil {
			return false
		}
	}
	return true
}
