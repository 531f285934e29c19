package loadgen

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"weir/bench/internal/h1"
	"weir/bench/internal/wire"
)

// worker owns one connection, and is used by one goroutine.
type worker struct {
	cfg  *Config
	conn net.Conn
	in   *h1.Buf
	ts   []template
	next int
	body []byte // answer, if not streamed
	exp  []byte // text that the answer must have
	sse  sse
	r    Result
	at   time.Time // last read
}

// reading is the io.Reader under the h1.Buf; it notes when bytes arrived.
type reading struct{ w *worker }

func (x reading) Read(p []byte) (int, error) {
	n, err := x.w.conn.Read(p)
	x.w.at = time.Now()
	x.w.r.Received += int64(n)
	return n, err
}

// ids are unique within a run and between runs, so that no cache can hit.
var ids atomic.Uint64

func init() {
	ids.Store(rand.Uint64() << 24) //nolint:gosec // ids must differ from those of an earlier run, not be secret
}

func newWorker(c *Config, n int) (*worker, error) {
	w := &worker{cfg: c}
	w.r.Bad = map[string]int64{}
	// A worker owns its copies: ids are patched in place. Large bodies get
	// fewer variants so that 2,000 workers do not need gigabytes.
	k := c.Variants
	if c.Conns > 256 || len(c.Size) > 5 {
		k = 1
	} else if k > 4 {
		k = 4
	}
	for i := range k {
		t, err := c.build((n*k + i) % 997)
		if err != nil {
			return nil, err
		}
		w.ts = append(w.ts, t)
	}
	return w, nil
}

func (w *worker) dial(ctx context.Context) error {
	d := net.Dialer{Timeout: 5 * time.Second}
	c, err := d.DialContext(ctx, "tcp", w.cfg.Addr)
	if err != nil {
		return err
	}
	w.conn = c
	w.in = h1.NewBuf(reading{w}, 4<<10)
	return nil
}

func (w *worker) drop() {
	if w.conn != nil {
		w.conn.Close()
		w.conn = nil
	}
}

// Kinds of wrong answers besides the HTTP status.
const (
	badConnect = "connect"
	badIO      = "io"
	badCut     = "cut"           // connection closed within an answer
	badTimeout = "timeout"       //
	badNotSSE  = "not-sse"       // 200, but no stream where one was asked for
	badContent = "content"       // whole, but not what the mock said
	badShape   = "shape"         // right text in another API's grammar
	badEnd     = "no-end"        // stream without its end mark
	badUsage   = "no-usage"      //
	badError   = "in-band-error" // stream that ended with an error event
)

var (
	errBad  = errors.New("bad answer")
	errLeft = errors.New("client left")
)

func (w *worker) bad(k string, p []byte) {
	w.r.Bad[k]++
	if w.r.Sample == "" {
		if len(p) > 300 {
			p = p[:300]
		}
		w.r.Sample = k + ": " + string(p)
	}
}

// one sends a request that was due at t0 and reads its answer.
func (w *worker) one(ctx context.Context, t0 time.Time) {
	if w.conn == nil {
		if err := w.dial(ctx); err != nil {
			w.bad(badConnect, []byte(err.Error()))
			time.Sleep(5 * time.Millisecond)
			return
		}
	}
	t := &w.ts[w.next]
	if w.next++; w.next == len(w.ts) {
		w.next = 0
	}
	id, crc := t.arm(ids.Add(1))
	_ = w.conn.SetDeadline(time.Now().Add(w.cfg.Timeout)) // never fails on TCP
	t1 := time.Now()
	if t0.IsZero() {
		t0 = t1
	}
	n, err := w.conn.Write(t.msg)
	w.r.Sent += int64(n)
	if err == nil {
		err = w.read(t0, t1, id, crc)
	}
	if err == nil {
		return
	}
	w.drop()
	switch {
	case errors.Is(err, errBad):
	case errors.Is(err, errLeft):
		w.r.Left++
	default:
		k := badIO
		var ne net.Error
		switch {
		case errors.As(err, &ne) && ne.Timeout():
			k = badTimeout
		case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
			k = badCut
		}
		w.bad(k, []byte(err.Error()))
	}
}

// read reads and judges one answer. An error means that the connection cannot
// be used again.
func (w *worker) read(t0, t1 time.Time, id [16]byte, crc uint32) error {
	h, err := w.in.Head()
	if err != nil {
		return err
	}
	m, err := h1.ParseHead(h)
	if err != nil {
		return err
	}
	ttfb := w.at.Sub(t0)
	code := ""
	if len(m.Line) >= 12 {
		code = string(m.Line[9:12])
	}
	b := w.in.Open(m, true)
	if code != "200" || (w.cfg.Stream && !m.SSE) {
		// The status is the verdict; how the body ends no longer matters.
		_ = w.whole(&b)
		if code == "200" {
			code = badNotSSE
		}
		w.bad(code, w.body)
		if m.Close || !b.Done() {
			w.drop()
		}
		return nil
	}
	want := w.cfg.Reply
	if w.cfg.Stream {
		want = (w.cfg.Chunks - 1) * w.cfg.ChunkSize
	}
	w.exp = wire.AppendFill(wire.AppendHead(w.exp[:0], id, crc), 0, want)
	if w.cfg.Stream {
		err = w.stream(&b, t0)
	} else if err = w.whole(&b); err == nil {
		err = w.judge(crc)
	}
	if err != nil {
		return err
	}
	w.r.OK++
	w.r.Lat.Add(w.at.Sub(t0))
	w.r.Svc.Add(w.at.Sub(t1))
	w.r.TTFB.Add(ttfb)
	if m.Close {
		w.drop()
	}
	return nil
}

// whole reads a body to its end into w.body.
func (w *worker) whole(b *h1.Body) error {
	w.body = w.body[:0]
	for {
		p, err := b.Next()
		if errors.Is(err, io.EOF) && b.Done() {
			return nil
		}
		if err != nil {
			return err
		}
		w.body = append(w.body, p...)
	}
}

// shapes has for each API a member that only its own answers have: the right
// text in another API's grammar is of no use to a client.
var shapes = map[string][]byte{
	"openai":     []byte(`"choices"`),
	"anthropic":  []byte(`"stop_reason"`),
	"gemini":     []byte(`"candidates"`),
	"responses":  []byte(`"output"`),
	"embeddings": []byte(`"embedding"`),
}

// judge checks a JSON answer.
func (w *worker) judge(crc uint32) error {
	want := w.exp
	if w.cfg.API == "embeddings" {
		want = firstDim(crc)
	}
	switch {
	case !bytes.Contains(w.body, want):
		w.bad(badContent, w.body)
	case !bytes.Contains(w.body, shapes[w.cfg.API]):
		w.bad(badShape, w.body)
	case w.cfg.WantUsage && !bytes.Contains(w.body, []byte(`"usage`)):
		w.bad(badUsage, w.body)
	default:
		return nil
	}
	return errBad
}

func firstDim(crc uint32) []byte {
	x := crc*1664525 + 1013904223
	s := strconv.FormatFloat(float64(x%20001)/10000-1, 'f', 4, 64)
	return []byte("[" + strings.TrimRight(strings.TrimRight(s, "0"), "."))
}
