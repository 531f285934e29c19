// Nethttp is a hand-tuned minimal gateway on net/http's server: it reads the
// body into a pooled buffer, extracts model, stream and message text, and
// forwards over a pooled http.Transport (or, with -up raw, over a bare
// net.Conn pool), flushing each piece of a streamed answer as it arrives. It
// is the baseline that ratios are taken to: what Go's standard library costs
// before a gateway does anything for its user.
package main

import (
	"bytes"
	"flag"
	"io"
	"log"
	"net/http"
	"net/url"
	"runtime/debug"
	"strconv"
	"sync"
	"time"

	"weir/bench/limits/extract"
	"weir/bench/limits/upstream"
)

type scratch struct{ body, text, copy []byte }

var pool = sync.Pool{New: func() any { return &scratch{body: make([]byte, 0, 4<<10), copy: make([]byte, 4<<10)} }}

var contentType = []string{"application/json"}

var extractors = map[string]func(body, dst []byte) (extract.Info, error){
	"scan": extract.Scan,
	"std":  extract.Std,
	"none": func(_, _ []byte) (extract.Info, error) { return extract.Info{}, nil },
}

// proxy forwards every POST to one upstream.
type proxy struct {
	up      *url.URL
	extract func(body, dst []byte) (extract.Info, error)
	tr      *http.Transport
	raw     *upstream.Pool // nil: use tr
}

func main() {
	addr := flag.String("addr", "127.0.0.1:9202", "listen address")
	upURL := flag.String("upstream", "http://127.0.0.1:9100", "upstream base URL")
	js := flag.String("json", "scan", "extraction: scan, std or none")
	up := flag.String("up", "transport", "upstream client: transport or raw")
	gc := flag.Int("gogc", 100, "GOGC")
	flag.Parse()
	debug.SetGCPercent(*gc)
	u, err := url.Parse(*upURL)
	if err != nil {
		log.Fatal(err)
	}
	p := &proxy{
		up:      u,
		extract: extractors[*js],
		tr:      &http.Transport{MaxIdleConns: 0, MaxIdleConnsPerHost: 1024, IdleConnTimeout: time.Minute, DisableCompression: true, ReadBufferSize: 4 << 10, WriteBufferSize: 4 << 10},
	}
	if p.extract == nil {
		log.Fatalf("-json %s: not one of scan, std, none", *js)
	}
	if *up == "raw" {
		p.raw = &upstream.Pool{Addr: u.Host}
	}
	log.Fatal((&http.Server{Addr: *addr, Handler: p, ReadHeaderTimeout: 10 * time.Second}).ListenAndServe())
}

func (s *scratch) read(r *http.Request) error {
	n := int(r.ContentLength)
	if n >= 0 {
		if cap(s.body) < n {
			s.body = make([]byte, n)
		}
		s.body = s.body[:n]
		_, err := io.ReadFull(r.Body, s.body)
		return err
	}
	b := bytes.NewBuffer(s.body[:0])
	_, err := b.ReadFrom(r.Body)
	s.body = b.Bytes()
	return err
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet {
		w.Write([]byte("ok\n"))
		return
	}
	s, ok := pool.Get().(*scratch)
	if !ok {
		s = new(scratch)
	}
	defer pool.Put(s)
	if err := s.read(r); err != nil {
		http.Error(w, "read", http.StatusBadRequest)
		return
	}
	info, err := p.extract(s.body, s.text[:0])
	if err != nil {
		http.Error(w, "bad json", http.StatusBadRequest)
		return
	}
	s.text = info.Text
	if p.raw != nil {
		viaRaw(w, r, s, p.raw, p.up.Host)
		return
	}
	p.viaTransport(w, r, s)
}

func (p *proxy) viaTransport(w http.ResponseWriter, r *http.Request, s *scratch) {
	q := &http.Request{
		Method: http.MethodPost,
		URL:    &url.URL{Scheme: p.up.Scheme, Host: p.up.Host, Path: r.URL.Path, RawQuery: r.URL.RawQuery},
		Header: http.Header{"Content-Type": contentType, "User-Agent": {""}},
		Body:   io.NopCloser(bytes.NewReader(s.body)), ContentLength: int64(len(s.body)),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
	if a := r.Header["Authorization"]; a != nil {
		q.Header["Authorization"] = a
	}
	res, err := p.tr.RoundTrip(q.WithContext(r.Context()))
	if err != nil {
		http.Error(w, "upstream", http.StatusBadGateway)
		return
	}
	defer res.Body.Close()
	hd := w.Header()
	for _, k := range []string{"Content-Type", "X-Request-Id", "Retry-After"} {
		if v := res.Header[k]; v != nil {
			hd[k] = v
		}
	}
	if res.ContentLength >= 0 {
		hd["Content-Length"] = []string{strconv.FormatInt(res.ContentLength, 10)}
	}
	w.WriteHeader(res.StatusCode)
	fl, _ := w.(http.Flusher)
	for {
		n, err := res.Body.Read(s.copy)
		if n > 0 {
			if _, e := w.Write(s.copy[:n]); e != nil {
				return
			}
			if res.ContentLength < 0 {
				fl.Flush()
			}
		}
		if err != nil {
			if err != io.EOF {
				panic(http.ErrAbortHandler)
			}
			return
		}
	}
}

func viaRaw(w http.ResponseWriter, r *http.Request, s *scratch, p *upstream.Pool, host string) {
	c, err := p.Get(r.Context())
	if err != nil {
		http.Error(w, "upstream", http.StatusBadGateway)
		return
	}
	auth := ""
	if a := r.Header["Authorization"]; a != nil {
		auth = a[0]
	}
	_, m, err := c.Do(r.URL.RequestURI(), host, auth, s.body)
	if err != nil {
		c.C.Close()
		http.Error(w, "upstream", http.StatusBadGateway)
		return
	}
	hd := w.Header()
	if m.SSE {
		hd["Content-Type"] = []string{"text/event-stream"}
	} else {
		hd["Content-Type"] = []string{"application/json"}
	}
	if m.Len >= 0 {
		hd["Content-Length"] = []string{strconv.FormatInt(m.Len, 10)}
	}
	code, _ := strconv.Atoi(string(m.Line[9:12]))
	w.WriteHeader(code)
	fl, _ := w.(http.Flusher)
	b := c.In.Open(m, true)
	for {
		q, err := b.Next()
		if err != nil {
			if !b.Done() {
				c.C.Close()
				panic(http.ErrAbortHandler)
			}
			break
		}
		if _, err := w.Write(q); err != nil {
			c.C.Close()
			return
		}
		if m.SSE && c.In.Buffered() < 8 {
			fl.Flush()
		}
	}
	if m.Close {
		c.C.Close()
		return
	}
	p.Put(c)
}
