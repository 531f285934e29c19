package telemetry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"weir/internal/gateway"
)

// sink is a writer that keeps each Write apart, can be held up and can fail.
type sink struct {
	mu     sync.Mutex
	writes []string
	calls  int
	fail   error
	gate   chan struct{} // if not nil, a Write waits for a value or its close
}

func (s *sink) Write(b []byte) (int, error) {
	if s.gate != nil {
		<-s.gate
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	if s.fail != nil {
		return 0, s.fail
	}
	s.writes = append(s.writes, string(b))
	return len(b), nil
}

func (s *sink) setFail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = err
}

func (s *sink) all() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.writes...)
}

// lines decodes everything written, and fails on what is not a whole line of JSON.
func (s *sink) lines(t *testing.T) []map[string]any {
	t.Helper()
	var out []map[string]any
	for _, w := range s.all() {
		if !strings.HasSuffix(w, "\n") {
			t.Errorf("a write ends within a line: %q", w)
		}
		for line := range strings.Lines(w) {
			var m map[string]any
			if err := json.Unmarshal([]byte(line), &m); err != nil {
				t.Errorf("%v: %q", err, line)
			}
			out = append(out, m)
		}
	}
	return out
}

func exchanges(from, n int) []*gateway.Exchange {
	out := make([]*gateway.Exchange, n)
	for i := range out {
		out[i] = plain()
		out[i].ID = fmt.Sprint(from + i)
	}
	return out
}

func closeLog(t *testing.T, r *Record) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := r.Close(ctx); err != nil {
		t.Errorf("Close: %v", err)
	}
}

func TestRecordWritesBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sink{}
		_, r := NewLog(s)
		synctest.Wait() // asleep
		for round := range 3 {
			began := time.Now()
			for _, x := range exchanges(100*round, 100) {
				r.Begin(x)
				r.End(x)
			}
			for len(s.all()) == round {
				time.Sleep(time.Millisecond)
			}
			if waited := time.Since(began); waited > linger+time.Millisecond {
				t.Errorf("the batch was written after %v, want %v at most", waited, linger)
			}
			time.Sleep(time.Duration(round) * time.Second)
		}
		if n := len(s.all()); n != 3 {
			t.Errorf("%d writes for three batches", n)
		}
		for i, line := range s.lines(t) {
			if line["id"] != fmt.Sprint(i) || line["msg"] != "exchange" {
				t.Fatalf("line %d is %v of %v", i, line["msg"], line["id"])
			}
		}
		closeLog(t, r)
	})
}

func TestRecordHurriesWhenFilling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sink{}
		r := newRecord(s, 64)
		go r.run()
		synctest.Wait() // asleep; the first entry makes it linger
		began := time.Now()
		for i, x := range exchanges(0, 60) {
			r.End(x)
			if i%10 == 9 {
				synctest.Wait()
			}
		}
		if len(s.all()) == 0 || time.Since(began) != 0 {
			t.Errorf("nothing was written although the queue was more than half full")
		}
		closeLog(t, r)
	})
}

func TestRecordBatchIsBounded(t *testing.T) {
	s := &sink{gate: make(chan struct{})}
	_, r := NewLog(s)
	for _, x := range exchanges(0, 4000) {
		r.End(x)
	}
	close(s.gate)
	closeLog(t, r)
	for _, w := range s.all() {
		if len(w) > batchBytes+4096 {
			t.Errorf("a write of %d bytes", len(w))
		}
	}
	if n := len(s.lines(t)); n != 4000 {
		t.Errorf("%d lines, want 4000", n)
	}
}

func TestLogSharesTheWriter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sink{}
		log, r := NewLog(s)
		synctest.Wait()
		key := "sk-" + "ant-api03-Zm9vYmFyYmF6cXV4Zm9vYmFy"
		log.Debug("not written")
		r.End(exchanges(1, 1)[0])
		began := time.Now()
		log.Warn("reload failed: "+key, "err", fmt.Errorf("bad key %s", key), slog.Group("g", "text", key, "n", 7))
		synctest.Wait()
		if len(s.all()) == 0 || time.Since(began) != 0 {
			t.Error("a log line waited for others")
		}
		closeLog(t, r)
		got := strings.Join(s.all(), "")
		at := time.Now().UTC().Format(time.RFC3339Nano)
		want := `{"time":"` + at + `","level":"WARN","msg":"reload failed: [key]","err":"bad key [key]","g":{"text":"[key]","n":7}}` + "\n"
		if !strings.HasSuffix(got, want) || strings.Count(got, "\n") != 2 {
			t.Errorf("got\n%swant, after the exchange,\n%s", got, want)
		}
	})
}

// Many goroutines log and record at once: every line is whole, written once, and those of one goroutine are in order.
func TestRecordConcurrent(t *testing.T) {
	s := &sink{}
	log, r := NewLog(s)
	const each = 500
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for _, x := range exchanges(g*each, each) {
				r.Begin(x)
				r.End(x)
			}
		})
		wg.Go(func() {
			for i := range each {
				log.Info("line", "id", fmt.Sprint(g*each+i))
			}
		})
	}
	wg.Wait()
	closeLog(t, r)
	next := map[string]int{}
	for _, line := range s.lines(t) {
		var id int
		if _, err := fmt.Sscan(line["id"].(string), &id); err != nil {
			t.Fatal(err)
		}
		from := fmt.Sprint(line["msg"], id/each)
		if id%each != next[from] {
			t.Fatalf("%s: line %d after %d others", from, id%each, next[from])
		}
		next[from]++
	}
	if len(next) != 8 || r.Dropped() != 0 {
		t.Errorf("lines of %d goroutines, want 8; %d dropped", len(next), r.Dropped())
	}
}

func TestRecordDropsWhenFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sink{gate: make(chan struct{})}
		r := newRecord(s, 64)
		go r.run()
		r.End(exchanges(0, 1)[0])
		time.Sleep(time.Second) // its Write hangs
		for _, x := range exchanges(1, 100) {
			r.End(x) // a bubble in which End waited would be a deadlock
		}
		if got := r.Dropped(); got != 36 {
			t.Errorf("%d dropped, want 36", got)
		}
		close(s.gate)
		time.Sleep(time.Second)
		r.End(exchanges(200, 1)[0])
		time.Sleep(time.Second)
		lines := s.lines(t)
		if len(lines) != 67 {
			t.Fatalf("%d lines, want 65 records, a warning and a record: %v", len(lines), s.all())
		}
		if w := lines[65]; w["msg"] != "records dropped" || w["level"] != "WARN" || w["count"] != 36.0 {
			t.Errorf("the warning is %v", w)
		}
		if lines[66]["id"] != "200" {
			t.Errorf("after the warning came %v", lines[66])
		}
		closeLog(t, r)
		if n := len(s.lines(t)); n != 67 {
			t.Errorf("%d lines after Close, want no more warnings", n)
		}
	})
}

func TestRecordWriterFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sink{fail: errors.New("disk full")}
		_, r := NewLog(s)
		for _, x := range exchanges(0, 5) {
			r.End(x)
		}
		time.Sleep(time.Minute) // no retry in vain, no busy loop
		if got := r.Dropped(); got != 5 {
			t.Errorf("%d dropped, want 5", got)
		}
		if s.calls > 1 {
			t.Errorf("the writer was called %d times", s.calls)
		}
		s.setFail(nil)
		r.End(exchanges(5, 1)[0])
		time.Sleep(time.Minute)
		lines := s.lines(t)
		if len(lines) != 2 || lines[0]["id"] != "5" || lines[1]["count"] != 5.0 {
			t.Errorf("after the writer recovered: %v", lines)
		}
		closeLog(t, r)
	})
}

func TestRecordClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sink{gate: make(chan struct{})}
		log, r := NewLog(s)
		for _, x := range exchanges(0, 50) {
			r.End(x)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := r.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Close with a hanging writer: %v", err)
		}
		r.End(exchanges(50, 1)[0])
		log.Info("late")
		if got := r.Dropped(); got != 2 {
			t.Errorf("%d dropped after Close, want 2", got)
		}
		close(s.gate)
		closeLog(t, r)
		closeLog(t, r)
		if lines := s.lines(t); len(lines) != 51 || lines[50]["msg"] != "records dropped" {
			t.Errorf("%d lines, want 50 records and a warning", len(lines))
		}
	})
}

func TestQueue(t *testing.T) {
	q := newQueue(5)
	if len(q.slots) != 8 {
		t.Fatalf("%d slots", len(q.slots))
	}
	all := exchanges(0, 100)
	in, out := 0, 0
	for lap := range 20 {
		for range 1 + lap%8 {
			if !q.push(entry{x: all[in%100]}) {
				t.Fatalf("full with %d entries", q.len())
			}
			in++
		}
		if q.len() != in-out {
			t.Fatalf("len %d, want %d", q.len(), in-out)
		}
		for q.len() > 0 {
			e, ok := q.pop()
			if !ok || e.x != all[out%100] {
				t.Fatalf("pop %d: %v %v", out, e.x, ok)
			}
			out++
		}
	}
	if _, ok := q.pop(); ok {
		t.Error("popped from an empty queue")
	}
	for range 8 {
		q.push(entry{x: all[0]})
	}
	if q.push(entry{x: all[0]}) {
		t.Error("pushed to a full queue")
	}
	q.pop()
	q.close()
	if q.push(entry{x: all[0]}) {
		t.Error("pushed to a closed queue")
	}
	for range 7 {
		if _, ok := q.pop(); !ok {
			t.Fatal("entries were lost by close")
		}
	}
	if _, ok := q.pop(); ok || q.len() != 0 {
		t.Error("popped from an empty closed queue")
	}
	for i := range q.slots {
		if q.slots[i].x != nil {
			t.Errorf("slot %d keeps its exchange alive", i)
		}
	}
}

// Producers on a small queue that is closed under them: what push took comes out once and in each producer's order.
func TestQueueConcurrent(t *testing.T) {
	q := newQueue(16)
	const producers, each = 4, 5000
	took := make([][]*gateway.Exchange, producers)
	var wg sync.WaitGroup
	for p := range producers {
		wg.Go(func() {
			for _, x := range exchanges(0, each) {
				x.Revision = fmt.Sprint(p)
				for !q.push(entry{x: x}) {
					if q.tail.Load()&closed != 0 {
						return
					}
					runtime.Gosched()
				}
				took[p] = append(took[p], x)
			}
		})
	}
	produced := make(chan struct{})
	go func() { wg.Wait(); close(produced) }()
	var got [producers][]*gateway.Exchange
	for n := 0; ; {
		e, ok := q.pop()
		if ok {
			p := int(e.x.Revision[0] - '0')
			got[p] = append(got[p], e.x)
			if n++; n == 15000 {
				q.close()
			}
			continue
		}
		select {
		case <-produced:
			if q.len() == 0 {
				for p := range producers {
					if len(got[p]) != len(took[p]) {
						t.Fatalf("producer %d: pushed %d, popped %d", p, len(took[p]), len(got[p]))
					}
					for i := range got[p] {
						if got[p][i] != took[p][i] {
							t.Fatalf("producer %d: entry %d is another", p, i)
						}
					}
				}
				if n < 15000 {
					t.Errorf("only %d entries went through", n)
				}
				return
			}
		default:
		}
	}
}

func TestEndAllocs(t *testing.T) {
	r := newRecord(io.Discard, QueueSize) // no goroutine: nothing but the hand-over is counted
	x := plain()
	if got := testing.AllocsPerRun(2000, func() { r.End(x) }); got != 0 {
		t.Errorf("End allocates %v times, the ceiling is 0", got)
	}
	for range QueueSize {
		r.End(x)
	}
	if got := testing.AllocsPerRun(2000, func() { r.End(x) }); got != 0 || r.Dropped() == 0 {
		t.Errorf("End on a full queue allocates %v times, the ceiling is 0", got)
	}
}

// BenchmarkEnd is the whole cost of a record, hand-over and line; drops would make it look cheap and fail it.
func BenchmarkEnd(b *testing.B) {
	_, r := NewLog(io.Discard)
	x := plain()
	b.ReportAllocs()
	for b.Loop() {
		for r.queue.len() > QueueSize-16 {
			time.Sleep(10 * time.Microsecond)
		}
		r.End(x)
	}
	if err := r.Close(context.Background()); err != nil || r.Dropped() > 0 {
		b.Fatalf("Close: %v; %d dropped", err, r.Dropped())
	}
}

// BenchmarkHandOver is what a request's goroutine pays: one End while the writer lingers.
func BenchmarkHandOver(b *testing.B) {
	r, x := newRecord(io.Discard, QueueSize), plain()
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		if n++; n%(QueueSize/2) == 0 {
			b.StopTimer()
			for _, ok := r.queue.pop(); ok; _, ok = r.queue.pop() {
			}
			b.StartTimer()
		}
		r.End(x)
	}
	if r.Dropped() > 0 {
		b.Fatalf("%d dropped", r.Dropped())
	}
}
