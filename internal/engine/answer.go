package engine

import (
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/gateway"
	"weir/internal/llm"
)

// lostMost bounds the x-weir-lost header, in bytes.
const lostMost = 4 << 10

// lostHeader collects the paths named lost so far, so that the trailer names only what showed later.
type lostHeader struct {
	seen map[string]bool
}

// add returns the paths of losses not named yet, sorted and joined, "" for none. What is said aside is left to the record.
func (l *lostHeader) add(losses []llm.Loss) string {
	if len(losses) == 0 {
		return ""
	}
	if l.seen == nil {
		l.seen = map[string]bool{}
	}
	var paths []string
	for i := range losses {
		if p := losses[i].Path; losses[i].Grade > llm.Aside && !l.seen[p] {
			l.seen[p] = true
			paths = append(paths, p)
		}
	}
	slices.Sort(paths)
	var b strings.Builder
	for i, p := range paths {
		if b.Len()+len(p)+2 > lostMost {
			b.WriteString(", +" + strconv.Itoa(len(paths)-i))
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(printable(p))
	}
	return b.String()
}

// printable makes a path fit for a header; member names come from the client.
func printable(s string) string {
	clean := func(r rune) bool { return r < 0x20 || r > 0x7e || r == ',' }
	if strings.IndexFunc(s, clean) < 0 {
		return s
	}
	return strings.Map(func(r rune) rune {
		if clean(r) {
			return '_'
		}
		return r
	}, s)
}

// stamp writes the headers every answer has.
func (c *call) stamp(h http.Header) {
	h["X-Weir-Id"] = []string{c.x.ID}
	if name := idHeader(c.d.Name()); h[name] == nil {
		h[name] = h["X-Weir-Id"]
	}
	c.standings(h)
	if c.x.Capped > 0 {
		h["X-Weir-Capped"] = []string{strconv.FormatInt(c.x.Capped, 10)}
	}
	if n := len(c.x.Attempts); n > 0 {
		h["X-Weir-Target"] = []string{printable(c.x.Attempts[n-1].Target.String())}
	}
}

// hop lists answer headers that end here: hop-by-hop ones, the provider's cookies and statements about its own host,
// what this server sets itself, and what Google calls an upload, which the gateway has a name of its own for.
func hop(name string) bool {
	switch name {
	case "Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection", "Te", "Trailer",
		"Transfer-Encoding", "Upgrade", "Set-Cookie", "Alt-Svc", "Strict-Transport-Security", "Content-Length", "Server",
		"X-Guploader-Uploadid":
		return true
	}
	return strings.HasPrefix(name, "X-Weir-")
}

// passHead writes the head of an answer in the client's own dialect.
func (c *call) passHead(resp *http.Response, length int64, lost string) {
	h := c.w.Header()
	for name, values := range resp.Header {
		if !hop(name) {
			h[name] = values
		}
	}
	if length >= 0 {
		h["Content-Length"] = []string{strconv.FormatInt(length, 10)}
	}
	c.stamp(h)
	if lost != "" {
		h["X-Weir-Lost"] = []string{lost}
	}
	c.head(resp.StatusCode)
}

// ownHead writes the head of an answer this gateway encoded. The provider's request id travels on under the name the
// client's SDK reads.
func (c *call) ownHead(resp *http.Response, contentType, lost string) {
	h := c.w.Header()
	h["Content-Type"] = []string{contentType}
	if id := requestID(resp.Header); id != "" {
		h[idHeader(c.d.Name())] = []string{id}
	}
	c.stamp(h)
	if lost != "" {
		h["X-Weir-Lost"] = []string{lost}
	}
	c.head(resp.StatusCode)
}

func (c *call) head(status int) {
	c.wrote = true
	c.x.Status = status
	c.x.FirstByte = time.Since(c.x.Start)
	c.w.WriteHeader(status)
}

// idHeader is the name under which a dialect's SDKs look for the id of a request.
func idHeader(d llm.Dialect) string {
	switch d {
	case llm.AnthropicMessages, llm.AnthropicFiles, llm.AnthropicBatches:
		return "Request-Id"
	case llm.BedrockConverse:
		return "X-Amzn-Requestid"
	}
	return "X-Request-Id"
}

// requestID is the provider's own id of a request.
func requestID(h http.Header) string {
	for _, name := range [...]string{"X-Request-Id", "Request-Id", "X-Amzn-Requestid"} {
		if v := h[name]; len(v) > 0 {
			return bounded(v[0], 200)
		}
	}
	return ""
}

// refuse answers with a fault of ours before anything was sent.
func (c *call) refuse(f *fault.Fault) {
	c.x.Ending = gateway.Refused
	c.say(f)
}

// fail answers with the fault of the last attempt, in the client's dialect.
func (c *call) fail(f *fault.Fault) {
	if c.gone || c.r.Context().Err() != nil && c.e.ending.Err() == nil {
		c.left()
		return
	}
	if f == nil {
		f = fault.New(fault.Unavailable, "no target could be tried")
	}
	c.x.Ending = gateway.Failed
	if f.Origin == fault.Here && (f.Kind == fault.Unsupported || !c.reached && refusedHere(f)) {
		c.x.Ending = gateway.Refused
	}
	c.say(f)
}

// left notes that the client is not there any more.
func (c *call) left() {
	c.x.Ending = gateway.ClientGone
	if !c.wrote {
		c.x.Status = fault.New(fault.ClientGone, "").Status()
	}
	if c.x.Fault == nil {
		c.x.Fault = fault.New(fault.ClientGone, "the client left")
	}
}

// say writes a whole error answer.
func (c *call) say(f *fault.Fault) {
	own := *f
	own.ID = c.x.ID
	own.Message = fault.Blot(own.Message)
	c.x.Fault = &own
	h := c.w.Header()
	h["Content-Type"] = []string{"application/json"}
	h["X-Weir-Fault"] = []string{own.Kind.String()}
	if own.RetryAfter > 0 {
		h["Retry-After"] = []string{strconv.Itoa(int(math.Ceil(own.RetryAfter.Seconds())))}
	}
	if own.ShouldRetry != "" {
		h["X-Should-Retry"] = []string{own.ShouldRetry}
	} else if own.Kind == fault.Quota && (own.Origin == fault.Here || own.RetryAfter == 0) {
		h["X-Should-Retry"] = []string{"false"}
	}
	if own.Kind == fault.SlowBody || own.Kind == fault.TooLarge {
		h["Connection"] = []string{"close"} // the rest of the body is not read
	}
	c.stamp(h)
	if d, ok := c.d.(dialect.FaultHeader); ok {
		d.FaultHeader(h, &own)
	}
	out := c.d.Fault(nil, &own, dialect.Whole)
	h["Content-Length"] = []string{strconv.Itoa(len(out))}
	status := own.Status()
	if d, ok := c.d.(dialect.FaultStatus); ok {
		status = d.FaultStatus(&own)
	}
	c.head(status)
	c.write(out)
}

// broke tells the client of a fault wherever the answer stands: as an error answer before its head, as the dialect's
// error within a stream that began. It never writes an end mark.
func (c *call) broke(f *fault.Fault) {
	if !c.wrote {
		c.x.Ending = gateway.Failed
		c.say(f)
		return
	}
	own := *f
	own.ID = c.x.ID
	own.Message = fault.Blot(own.Message)
	c.x.Fault, c.x.Ending = &own, gateway.Cut
	c.write(c.d.Fault(nil, &own, dialect.FormIn(c.x.Head.Framing)))
	c.flush()
}

// piece is how much is written at once: a client that takes so much in writeTime is slow, not gone.
const piece = 64 << 10

// write sends bytes to the client and notes when it has left.
func (c *call) write(p []byte) {
	for len(p) > 0 && !c.gone {
		if c.watch != nil {
			c.watch.wait(waitWrite, c.e.writeTime)
		}
		n, err := c.w.Write(p[:min(len(p), piece)])
		c.x.BytesOut += int64(n)
		c.gone = err != nil
		p = p[n:]
	}
}

func (c *call) flush() {
	if c.gone {
		return
	}
	if f, ok := c.w.(http.Flusher); ok {
		f.Flush()
	}
}
