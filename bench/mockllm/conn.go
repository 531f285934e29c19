package main

import (
	"bytes"
	"log"
	"math/rand/v2"
	"net"
	"strconv"
	"time"

	"weir/bench/internal/h1"
	"weir/bench/internal/wire"
)

// The kinds of request, by path.
const (
	kChat = iota
	kResponses
	kEmbeddings
	kMessages
	kGemini
	kGeminiStream
	kGeminiArray // a stream that is one JSON array
	kModels
	kStats
	kReset
	kNone
	kinds
)

var kindName = [kinds]string{"chat", "responses", "embeddings", "messages", "gemini", "gemini_stream", "gemini_array", "models", "stats", "reset", "not_found"}

// conn is one client connection; it serves one request after the other, so its
// buffers are reused without a lock.
type conn struct {
	c    net.Conn
	in   *h1.Buf
	body []byte
	out  []byte // bytes for the next write
	tmp  []byte // payload under construction
	crc  uint32
	s    wire.Shape
	mod  []byte
	drop bool // cut this answer in the middle
	gone bool // nothing more is to be served here
}

func serve(c net.Conn) {
	defer c.Close()
	k := &conn{c: c, in: h1.NewBuf(c, 8<<10), out: make([]byte, 0, 2048), tmp: make([]byte, 0, 1024)}
	for {
		h, err := k.in.Head()
		if err != nil {
			return
		}
		m, err := h1.ParseHead(h)
		if err != nil {
			return
		}
		kind := route(m.Line)
		if *verbose {
			log.Printf("%s", m.Line)
		}
		closing := m.Close
		if m.Expect {
			if _, err := c.Write([]byte("HTTP/1.1 100 Continue\r\n\r\n")); err != nil {
				return
			}
		}
		k.body = k.body[:0]
		b := k.in.Open(m, false)
		for {
			p, err := b.Next()
			if err != nil {
				if !b.Done() {
					return
				}
				break
			}
			k.body = append(k.body, p...)
		}
		stat.kind[kind].Add(1)
		stat.reqBytes.Add(int64(len(k.body)))
		if err := k.answer(kind); err != nil || closing || k.gone {
			return
		}
		if cap(k.body) > 1<<20 {
			k.body = nil
		}
	}
}

func route(line []byte) int {
	i := bytes.IndexByte(line, ' ')
	if i < 0 {
		return kNone
	}
	p := line[i+1:]
	if i = bytes.IndexByte(p, ' '); i >= 0 {
		p = p[:i]
	}
	p, query, _ := bytes.Cut(p, []byte{'?'})
	has := func(s string) bool { return bytes.HasSuffix(p, []byte(s)) }
	switch {
	case has("/chat/completions"):
		return kChat
	case has("/responses"):
		return kResponses
	case has("/embeddings"):
		return kEmbeddings
	case has("/messages"):
		return kMessages
	case has(":generateContent"):
		return kGemini
	case has(":streamGenerateContent") && bytes.Contains(query, []byte("alt=sse")):
		return kGeminiStream
	case has(":streamGenerateContent"):
		return kGeminiArray
	case has("/models"):
		return kModels
	case has("/__stats"):
		return kStats
	case has("/__reset"):
		return kReset
	}
	return kNone
}

// strField returns the raw value of the first "key":"value" outside care for
// nesting: enough for the bodies the rig sends.
func strField(body []byte, key string) []byte {
	i := bytes.Index(body, []byte(`"`+key+`"`))
	if i < 0 {
		return nil
	}
	b := bytes.TrimLeft(body[i+len(key)+2:], " \t\r\n:")
	if len(b) == 0 || b[0] != '"' {
		return nil
	}
	if j := bytes.IndexByte(b[1:], '"'); j >= 0 {
		return b[1 : 1+j]
	}
	return nil
}

func wantStream(body []byte) bool {
	i := bytes.LastIndex(body, []byte(`"stream"`))
	if i < 0 {
		return false
	}
	return bytes.HasPrefix(bytes.TrimLeft(body[i+8:], " \t\r\n:"), []byte("true"))
}

func (k *conn) answer(kind int) error {
	switch kind {
	case kModels:
		return k.json(200, append(k.tmp[:0], `{"object":"list","data":[{"id":"mock-1","object":"model","created":1760000000,"owned_by":"bench"},{"id":"gpt-4o-mini","object":"model","created":1760000000,"owned_by":"bench"}]}`...), "")
	case kStats:
		return k.json(200, statsJSON(k.tmp[:0]), "")
	case kReset:
		reset()
		return k.json(200, append(k.tmp[:0], `{"ok":true}`...), "")
	case kNone:
		return k.json(404, append(k.tmp[:0], `{"error":{"message":"no such path","type":"invalid_request_error"}}`...), "")
	}
	k.s, k.crc = wire.Find(k.body)
	if !k.s.Set {
		stat.unmarked.Add(1)
		k.s.ID = [16]byte{'0', '0', '0', '0', '0', '0', '0', '0', '0', '0', '0', '0', '0', '0', '0', '0'}
	}
	if !k.s.Set || *noMark {
		k.s.Chunks, k.s.Size, k.s.Reply = *chunks, *size, *reply
		k.s.Delay, k.s.TTFT = int(delay.Microseconds()), int(ttft.Microseconds())
	}
	stat.open.Add(1)
	defer stat.open.Add(-1)
	fault := k.s.Fault
	if fault == "" && (*r429+*r500+*rhang+*rdrop) > 0 {
		x := rand.Float64() //nolint:gosec // which requests fail need not be secret
		switch {
		case x < *r429:
			fault = "429"
		case x < *r429+*r500:
			fault = "500"
		case x < *r429+*r500+*rhang:
			fault = "hang"
		case x < *r429+*r500+*rhang+*rdrop:
			fault = "drop"
		}
	}
	switch fault {
	case "429":
		stat.s429.Add(1)
		return k.json(429, append(k.tmp[:0], `{"error":{"message":"Rate limit reached for mock-1","type":"requests","param":null,"code":"rate_limit_exceeded"}}`...), "Retry-After: 1\r\nx-ratelimit-remaining-requests: 0\r\n")
	case "500":
		stat.s500.Add(1)
		return k.json(500, append(k.tmp[:0], `{"error":{"message":"The server had an error while processing your request","type":"server_error","param":null,"code":null}}`...), "")
	case "hang":
		stat.hang.Add(1)
		k.gone = true
		// Nothing more will come from a well-behaved client: wait until it
		// gives up, so that the connection is held as a real hang holds it.
		_, _ = k.c.Read(make([]byte, 1))
		return nil
	}
	k.mod = strField(k.body, "model")
	if k.mod == nil {
		k.mod = []byte("mock-1")
	}
	if k.s.TTFT > 0 {
		time.Sleep(time.Duration(k.s.TTFT) * time.Microsecond)
	}
	k.drop = fault == "drop"
	stream := kind == kGeminiStream || kind == kGeminiArray || (kind != kGemini && kind != kEmbeddings && wantStream(k.body))
	stat.s200.Add(1)
	if !stream {
		p := k.whole(kind, k.tmp[:0])
		if k.drop {
			stat.drop.Add(1)
			k.gone = true
			k.out = head(k.out[:0], 200, "application/json", len(p), "")
			k.out = append(k.out, p[:len(p)/2]...)
			_, err := k.c.Write(k.out)
			return err
		}
		return k.json(200, p, idHeader)
	}
	stat.stream.Add(1)
	return k.stream(kind)
}

const idHeader = "x-request-id: req_0123456789abcdef\r\nopenai-processing-ms: 1\r\nx-ratelimit-remaining-requests: 9999\r\n"

var statusText = map[int]string{200: "OK", 404: "Not Found", 429: "Too Many Requests", 500: "Internal Server Error"}

func head(dst []byte, code int, ct string, n int, extra string) []byte {
	dst = append(dst, "HTTP/1.1 "...)
	dst = strconv.AppendInt(dst, int64(code), 10)
	dst = append(dst, ' ')
	dst = append(dst, statusText[code]...)
	dst = append(dst, "\r\nContent-Type: "...)
	dst = append(dst, ct...)
	dst = append(dst, "\r\n"...)
	dst = append(dst, extra...)
	if n >= 0 {
		dst = append(dst, "Content-Length: "...)
		dst = strconv.AppendInt(dst, int64(n), 10)
	} else {
		dst = append(dst, "Cache-Control: no-cache\r\nTransfer-Encoding: chunked"...)
	}
	return append(dst, "\r\n\r\n"...)
}

func (k *conn) json(code int, p []byte, extra string) error {
	k.tmp = p[:0]
	k.out = head(k.out[:0], code, "application/json", len(p), extra)
	k.out = append(k.out, p...)
	_, err := k.c.Write(k.out)
	return err
}
