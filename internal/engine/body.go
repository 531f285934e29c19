package engine

import (
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/klauspost/compress/zstd"

	"weir/internal/fault"
)

// pooledMax is the largest buffer that goes back to the pool; a rare giant must not stay in memory for ever.
const pooledMax = 1 << 20

// buffer is memory for a body, shared by the exchange and the attempts that still send it. It returns to the pool when
// the last of them lets go: a transport may read a request body after its RoundTrip has returned.
type buffer struct {
	b    []byte
	refs atomic.Int32
}

var buffers = sync.Pool{New: func() any { return &buffer{b: make([]byte, 0, 4096)} }}

// newBuffer returns an empty buffer with one holder.
func newBuffer() *buffer {
	b := buffers.Get().(*buffer)
	b.b = b.b[:0]
	b.refs.Store(1)
	return b
}

func (b *buffer) hold() { b.refs.Add(1) }

func (b *buffer) release() {
	if b != nil && b.refs.Add(-1) == 0 && cap(b.b) <= pooledMax {
		buffers.Put(b)
	}
}

// sending reads a held buffer for a transport and releases it once, when the transport closes it.
type sending struct {
	rest []byte
	buf  *buffer
	done atomic.Bool
}

// send holds buf (nil = memory that is not pooled) while b is being sent.
func send(b []byte, buf *buffer) *sending {
	if buf != nil {
		buf.hold()
	}
	return &sending{rest: b, buf: buf}
}

// Bytes returns what is left to send, for a transport that can write it from its place.
func (s *sending) Bytes() []byte { return s.rest }

// Read implements io.Reader.
func (s *sending) Read(p []byte) (int, error) {
	if len(s.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	if len(s.rest) == 0 {
		return n, io.EOF
	}
	return n, nil
}

// Close implements io.Closer.
func (s *sending) Close() error {
	if s.done.CompareAndSwap(false, true) {
		s.buf.release()
	}
	return nil
}

// bodyTime is how long a client may take for its body, and bodyRate the bytes a second that lengthen it.
const (
	bodyTime = 30 * time.Second
	bodyRate = 64 << 10
)

// readBody reads a request's body into buf, at most limit bytes after decompression. Its time-out is on the wheel: a
// deadline on the connection would cost two changes of the runtime's timers a request, which wake a sleeping thread.
func (e *Engine) readBody(w http.ResponseWriter, r *http.Request, buf *buffer, limit int64) error {
	var src io.Reader = r.Body
	encoding := strings.ToLower(strings.TrimSpace(r.Header.Get("Content-Encoding")))
	switch encoding {
	case "", "identity", "gzip", "zstd":
	default:
		return fault.New(fault.MediaType, "the body is encoded as %.40q; send it plain, gzip or zstd", encoding)
	}
	if r.ContentLength > limit {
		return tooLarge(limit)
	}
	if r.ContentLength == 0 {
		if r.Method == http.MethodGet {
			return nil // it asks, and says nothing
		}
		return fault.New(fault.Malformed, "the body is empty; send a JSON object")
	}
	var slow watch
	fired := false // written by the wheel, read after slow.end
	e.wheel.watch(&slow, e.bodyTime+time.Duration(max(r.ContentLength, 0)/bodyRate)*time.Second, func(phase) {
		fired = http.NewResponseController(w).SetReadDeadline(time.Now()) == nil
	})
	defer func() {
		if slow.end(); fired {
			// It may have come a moment after the body did; the connection must not keep it.
			_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
		}
	}()
	switch encoding {
	case "gzip":
		z, err := gzip.NewReader(src)
		if err != nil {
			return bodyFault(err, limit)
		}
		defer func() { _ = z.Close() }()
		src = z
	case "zstd":
		z, err := zstd.NewReader(src, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(uint64(max(limit, 8<<20))))
		if err != nil {
			return bodyFault(err, limit)
		}
		defer z.Close()
		src = z
	}
	if n := r.ContentLength; n > 0 && encoding == "" && int64(cap(buf.b)) < n+1 {
		buf.b = make([]byte, 0, n+1)
	}
	for {
		if len(buf.b) == cap(buf.b) {
			buf.b = append(buf.b, 0)[:len(buf.b)]
		}
		n, err := src.Read(buf.b[len(buf.b):cap(buf.b)])
		buf.b = buf.b[:len(buf.b)+n]
		if int64(len(buf.b)) > limit {
			return tooLarge(limit)
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return bodyFault(err, limit)
		}
	}
	return nil
}

func tooLarge(limit int64) error {
	return fault.New(fault.TooLarge, "the body is larger than the %d bytes allowed here (limits.body)", limit)
}

func bodyFault(err error, limit int64) error {
	var most *http.MaxBytesError
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &fault.Fault{Kind: fault.SlowBody, Message: "the body did not arrive in time", Cause: err}
	case errors.As(err, &most), errors.Is(err, zstd.ErrDecoderSizeExceeded), errors.Is(err, zstd.ErrWindowSizeExceeded):
		return tooLarge(limit)
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum), errors.Is(err, zstd.ErrMagicMismatch), errors.Is(err, zstd.ErrCRCMismatch):
		return &fault.Fault{Kind: fault.Malformed, Message: "the body is not what its Content-Encoding says", Cause: err}
	}
	return &fault.Fault{Kind: fault.Malformed, Message: "the body broke off or cannot be read", Cause: err}
}

// Patience changes how long clients may take for their bodies, and how long they may take nothing of an answer. Call it
// before serving.
func (e *Engine) Patience(body, write time.Duration) { e.bodyTime, e.writeTime = body, write }
