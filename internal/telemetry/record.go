package telemetry

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"weir/internal/fault"
	"weir/internal/gateway"
)

// Bounds of the record queue.
const (
	// QueueSize is how many exchanges and log lines can wait to be written.
	QueueSize = 8192
	// batchBytes is how much is gathered before it is written although more is waiting.
	batchBytes = 256 << 10
	// linger is how long the first line of a batch waits for others.
	linger = 20 * time.Millisecond
)

// Record writes one JSON line per exchange. It is a gateway.Observer, safe for concurrent use; End takes some tens of
// nanoseconds, allocates nothing and never waits. The package comment describes the line.
type Record struct {
	w     io.Writer
	queue *queue

	failing bool // the last Write failed; the goroutine's own

	dropped atomic.Uint64
	asleep  atomic.Bool   // the writer's goroutine waits for the first entry
	wake    chan struct{} // capacity 1
	hurry   chan struct{} // capacity 1: do not linger

	closing sync.Once
	stop    chan struct{}
	done    chan struct{}
}

// NewLog returns the process's logger and the exchange record, which write to w through one queue: one Write per batch,
// never two at a time. The logger writes from level INFO up, messages and string and error values through fault.Blot.
// The goroutine behind them ends with Record.Close; whoever calls NewLog owns that and closes w after.
func NewLog(w io.Writer) (*slog.Logger, *Record) {
	r := newRecord(w, QueueSize)
	go r.run()
	return slog.New(slog.NewJSONHandler(lineWriter{r}, &slog.HandlerOptions{ReplaceAttr: clean})), r
}

func newRecord(w io.Writer, size int) *Record {
	return &Record{
		w:     w,
		queue: newQueue(size),
		wake:  make(chan struct{}, 1),
		hurry: make(chan struct{}, 1),
		stop:  make(chan struct{}),
		done:  make(chan struct{}),
	}
}

// clean gives log lines the form of records: time in UTC, no credential in any text.
func clean(_ []string, a slog.Attr) slog.Attr {
	switch a.Value.Kind() {
	case slog.KindTime:
		a.Value = slog.TimeValue(a.Value.Time().UTC())
	case slog.KindString:
		a.Value = slog.StringValue(fault.Blot(a.Value.String()))
	case slog.KindAny:
		if err, ok := a.Value.Any().(error); ok && err != nil {
			a.Value = slog.StringValue(fault.Blot(err.Error()))
		}
	}
	return a
}

// lineWriter puts whole log lines into the queue.
type lineWriter struct{ r *Record }

func (l lineWriter) Write(line []byte) (int, error) {
	l.r.put(entry{line: append([]byte(nil), line...)})
	// A log line is rare and somebody may be watching; at a crash it must not be among what was still gathered.
	signal(l.r.hurry)
	return len(line), nil
}

// Begin implements gateway.Observer; a record is written at the end.
func (r *Record) Begin(*gateway.Exchange) {}

// End implements gateway.Observer. The exchange is kept until its line is written, and must not change.
func (r *Record) End(x *gateway.Exchange) { r.put(entry{x: x}) }

func (r *Record) put(e entry) {
	if !r.queue.push(e) {
		r.dropped.Add(1)
		return
	}
	if r.asleep.Load() && r.asleep.CompareAndSwap(true, false) {
		signal(r.wake)
	}
	if r.queue.len() >= len(r.queue.slots)/2 {
		signal(r.hurry)
	}
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Dropped returns how many lines were lost so far: the queue was full or closed, or the writer failed.
func (r *Record) Dropped() uint64 { return r.dropped.Load() }

// Close turns new lines away, writes what is waiting and ends the goroutine. If ctx ends first its error is returned
// and the goroutine goes on until the writer lets go. It may be called again.
func (r *Record) Close(ctx context.Context) error {
	r.closing.Do(func() {
		r.queue.close()
		close(r.stop)
	})
	select {
	case <-r.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// run is the one goroutine that encodes and writes.
func (r *Record) run() {
	defer close(r.done)
	timer := time.NewTimer(linger)
	defer timer.Stop()
	var (
		enc  encoder
		told uint64 // lost lines that have been confessed
		last uint64 // lost lines when the queue was last empty
	)
	for {
		wrote := r.drain(&enc)
		stopped := r.stopped()
		lost := r.dropped.Load()
		// Confess once there is room again, which is when a round has passed without a loss.
		if lost > told && !r.failing && (lost == last || stopped) {
			enc.dropped(time.Now(), lost-told)
			if r.flush(&enc) {
				told = lost
			}
		}
		last = lost
		if stopped {
			if r.queue.len() == 0 {
				return
			}
			continue
		}
		if !wrote {
			r.sleep()
		}
		timer.Reset(linger)
		select {
		case <-timer.C:
		case <-r.hurry:
		case <-r.stop:
		}
	}
}

// sleep returns when there is an entry or the record is closed.
func (r *Record) sleep() {
	r.asleep.Store(true)
	if r.queue.len() > 0 { // pushed before it was known that somebody sleeps
		r.asleep.Store(false)
		return
	}
	select {
	case <-r.wake:
	case <-r.stop:
	}
	r.asleep.Store(false)
}

func (r *Record) stopped() bool {
	select {
	case <-r.stop:
		return true
	default:
		return false
	}
}

// drain writes what is waiting, in batches, and reports whether that was anything.
func (r *Record) drain(enc *encoder) bool {
	wrote := false
	for more := true; more; {
		lines := uint64(0)
		for len(enc.bytes()) < batchBytes {
			var e entry
			if e, more = r.queue.pop(); !more {
				break
			}
			lines++
			if e.x != nil {
				enc.exchange(e.x)
			} else {
				enc.line(e.line)
			}
		}
		if lines > 0 {
			wrote = true
			if !r.flush(enc) {
				r.dropped.Add(lines)
			}
		}
	}
	return wrote
}

// flush hands a batch to the writer and reports whether the writer took it; if not, the batch is lost.
func (r *Record) flush(enc *encoder) bool {
	_, err := r.w.Write(enc.bytes())
	r.failing = err != nil
	enc.reset()
	return err == nil
}
