// Package loadgen drives an OpenAI-, Anthropic- or Gemini-shaped endpoint and
// checks every answer against what the mock upstream must have said.
//
// A worker owns one connection and a few requests built beforehand, in which
// only the id changes, so the generator's cost per request stays small and the
// same for every target. An answer is right if its status is 200, its shape is
// that of the API asked, its whole text is what the mock derives from the
// prompt it received, its end is marked and it carries usage. Only right
// answers enter the latencies and the rate.
package loadgen

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Config describes a run. Rate>0 is open loop at that constant rate: latency
// counts from the moment a request was due, not from when a connection was
// free for it. Rate==0 is closed loop with Conns connections.
type Config struct {
	Addr      string // host:port to connect to
	Host      string // Host header; empty: Addr
	Path      string // request path; empty: the API's own
	API       string // openai, responses, embeddings, anthropic or gemini
	Model     string
	Headers   map[string]string
	Extra     map[string]json.RawMessage // further members of the body
	Size      string                     // small, medium, large or a number of bytes
	Stream    bool
	Chunks    int           // chunks asked of the mock
	ChunkSize int           // bytes of text in each
	Delay     time.Duration // between chunks, at the mock
	TTFT      time.Duration // before the first byte, at the mock
	Reply     int           // bytes of text in a JSON answer
	Stamp     bool          // have chunks stamped, to measure their transit
	Fault     string        // fault asked of the mock: 429, 500, hang or drop
	Leave     bool          // close the connection at a stream's first text
	WantUsage bool          // an answer without usage is wrong
	Conns     int           // connections, or their cap in open loop
	Rate      float64
	Duration  time.Duration
	Timeout   time.Duration // of one exchange
	Variants  int           // different prompts per worker
}

// Result of a run.
type Result struct {
	OK       int64
	Left     int64            // exchanges that the client walked out of
	Bad      map[string]int64 // by HTTP status or kind of failure
	Sent     int64
	Received int64
	Elapsed  time.Duration
	Lat      Hist   // whole answer, from due time
	Svc      Hist   // whole answer, from the write
	TTFB     Hist   // first byte, from due time
	TTFT     Hist   // first text, from due time (streaming)
	Chunk    Hist   // transit of each stamped chunk
	Late     int64  // requests that the pacer itself sent over 5 ms late
	Sample   string // one bad answer
}

// Rate is correct answers per second.
func (r *Result) Rate() float64 { return float64(r.OK) / r.Elapsed.Seconds() }

// Failed is the number of answers that were not correct.
func (r *Result) Failed() (n int64) {
	for _, v := range r.Bad {
		n += v
	}
	return
}

// Hidden is, for a run whose answers were all cut (Fault "drop"), how many
// of them looked whole to the client: neither a broken connection, nor an
// error status, nor an error event in the stream.
func (r *Result) Hidden() int64 {
	n := r.OK
	for _, k := range []string{badContent, badEnd, badUsage, badTimeout} {
		n += r.Bad[k]
	}
	return n
}

func (c *Config) fill() {
	if c.API == "" {
		c.API = "openai"
	}
	if c.Model == "" {
		c.Model = "mock-1"
	}
	if c.Size == "" {
		c.Size = "small"
	}
	if c.Chunks == 0 {
		c.Chunks = 20
	}
	if c.ChunkSize == 0 {
		c.ChunkSize = 24
	}
	if c.Reply == 0 {
		c.Reply = 600
	}
	if c.Conns == 0 {
		c.Conns = 64
	}
	if c.Timeout == 0 {
		c.Timeout = 30 * time.Second
	}
	if c.Variants == 0 {
		c.Variants = 16
	}
}

// String is the one-screen report.
func (r *Result) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "ok %d  bad %d  rate %.0f/s  elapsed %v  sent %.1f MB  received %.1f MB", r.OK, r.Failed(), r.Rate(), r.Elapsed.Round(time.Millisecond), float64(r.Sent)/1e6, float64(r.Received)/1e6)
	if r.Late > 0 {
		fmt.Fprintf(&b, "  sent-late %d", r.Late)
	}
	b.WriteByte('\n')
	for _, x := range []struct {
		n string
		h *Hist
	}{{"latency (from due time)", &r.Lat}, {"latency (from write)", &r.Svc}, {"time to first byte", &r.TTFB}, {"time to first text", &r.TTFT}, {"chunk transit", &r.Chunk}} {
		if x.h.N() > 0 {
			fmt.Fprintf(&b, "%-24s p50 %-9v p90 %-9v p99 %-9v p99.9 %-9v max %-9v mean %v\n", x.n, rd(x.h.Q(.5)), rd(x.h.Q(.9)), rd(x.h.Q(.99)), rd(x.h.Q(.999)), rd(x.h.Max()), rd(x.h.Mean()))
		}
	}
	if len(r.Bad) > 0 {
		fmt.Fprintf(&b, "bad: %v\n  e.g. %q\n", r.Bad, r.Sample)
	}
	return b.String()
}

func rd(d time.Duration) time.Duration { return d.Round(time.Microsecond) }
