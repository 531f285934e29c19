package main

import (
	"context"
	"io"
	"net"
	"sync"
	"sync/atomic"
)

// proxy passes connections on, until it is told to hold everything back.
type proxy struct {
	addr string
	to   string
	l    net.Listener
	held atomic.Pointer[chan struct{}] // closed when it lets go; nil = nothing is held

	mu    sync.Mutex // guards conns
	conns []net.Conn
}

func newProxy(to string) (*proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &proxy{addr: l.Addr().String(), to: to, l: l}
	go p.serve()
	return p, nil
}

func (p *proxy) hold() {
	c := make(chan struct{})
	p.held.Store(&c)
}

func (p *proxy) release() {
	if c := p.held.Swap(nil); c != nil {
		close(*c)
	}
}

func (p *proxy) close() {
	_ = p.l.Close()
	p.release()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		_ = c.Close()
	}
}

func (p *proxy) serve() {
	for {
		in, err := p.l.Accept()
		if err != nil {
			return
		}
		go func() {
			p.wait()
			out, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", p.to)
			if err != nil {
				_ = in.Close()
				return
			}
			p.mu.Lock()
			p.conns = append(p.conns, in, out)
			p.mu.Unlock()
			go p.copy(out, in)
			p.copy(in, out)
		}()
	}
}

func (p *proxy) wait() {
	if c := p.held.Load(); c != nil {
		<-*c
	}
}

// copy passes one direction on. What came while it is held stays in hand: a
// partition loses nothing that TCP would bring later.
func (p *proxy) copy(to, from net.Conn) {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		p.wait()
		if n > 0 {
			if _, err := to.Write(buf[:n]); err != nil {
				break
			}
		}
		if err != nil {
			break
		}
	}
	if c, ok := to.(interface{ CloseWrite() error }); ok {
		_ = c.CloseWrite()
	}
	_ = io.Closer(from).Close()
}
