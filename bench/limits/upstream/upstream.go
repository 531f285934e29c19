// Package upstream is a minimal pooled HTTP/1.1 client over bare net.Conn:
// the cheapest way for Go to talk to one upstream. Plain TCP only.
package upstream

import (
	"context"
	"net"
	"strconv"
	"sync"
	"time"

	"weir/bench/internal/h1"
)

// Pool keeps idle connections to one address.
type Pool struct {
	Addr string
	mu   sync.Mutex
	idle []*Conn
}

// Conn is one connection with its buffers.
type Conn struct {
	C   net.Conn
	In  *h1.Buf
	out []byte
}

// Get takes an idle connection or dials.
func (p *Pool) Get(ctx context.Context) (*Conn, error) {
	p.mu.Lock()
	if n := len(p.idle); n > 0 {
		c := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		return c, nil
	}
	p.mu.Unlock()
	d := net.Dialer{Timeout: 5 * time.Second}
	c, err := d.DialContext(ctx, "tcp", p.Addr)
	if err != nil {
		return nil, err
	}
	return &Conn{C: c, In: h1.NewBuf(c, 4<<10)}, nil
}

// Put gives a healthy connection back.
func (p *Pool) Put(c *Conn) {
	p.mu.Lock()
	p.idle = append(p.idle, c)
	p.mu.Unlock()
}

// Do sends one POST and returns the response head and its message.
func (c *Conn) Do(path, host, auth string, body []byte) (head []byte, m h1.Msg, err error) {
	o := c.out[:0]
	o = append(o, "POST "...)
	o = append(o, path...)
	o = append(o, " HTTP/1.1\r\nHost: "...)
	o = append(o, host...)
	if auth != "" {
		o = append(o, "\r\nAuthorization: "...)
		o = append(o, auth...)
	}
	o = append(o, "\r\nContent-Type: application/json\r\nContent-Length: "...)
	o = strconv.AppendInt(o, int64(len(body)), 10)
	o = append(o, "\r\n\r\n"...)
	if len(body) <= 16<<10 {
		o = append(o, body...)
		_, err = c.C.Write(o)
	} else {
		v := net.Buffers{o, body}
		_, err = v.WriteTo(c.C)
	}
	c.out = o[:0]
	if err != nil {
		return
	}
	if head, err = c.In.Head(); err != nil {
		return
	}
	m, err = h1.ParseHead(head)
	return
}
