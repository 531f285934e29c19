package loadgen

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Run performs the load and waits for every answer. The error is about the
// configuration; what went wrong with answers is in the result.
func Run(ctx context.Context, c Config) (*Result, error) {
	c.fill()
	if c.Rate > 0 {
		return openLoop(ctx, &c)
	}
	ws := make([]*worker, c.Conns)
	for i := range ws {
		w, err := newWorker(&c, i)
		if err != nil {
			return nil, err
		}
		ws[i] = w
	}
	var wg sync.WaitGroup
	start := time.Now()
	stop := start.Add(c.Duration)
	for _, w := range ws {
		wg.Go(func() {
			// Each sends one at least, on however busy a machine.
			for ctx.Err() == nil {
				w.one(ctx, time.Time{})
				if time.Now().After(stop) {
					break
				}
			}
			w.drop()
		})
	}
	wg.Wait()
	return collect(ws, time.Since(start)), nil
}

// collect adds up what the workers saw.
func collect(ws []*worker, d time.Duration) *Result {
	r := &Result{Bad: map[string]int64{}, Elapsed: d}
	for _, w := range ws {
		r.OK += w.r.OK
		r.Left += w.r.Left
		r.Sent += w.r.Sent
		r.Received += w.r.Received
		r.Lat.Merge(&w.r.Lat)
		r.Svc.Merge(&w.r.Svc)
		r.TTFB.Merge(&w.r.TTFB)
		r.TTFT.Merge(&w.r.TTFT)
		r.Chunk.Merge(&w.r.Chunk)
		for k, v := range w.r.Bad {
			r.Bad[k] += v
		}
		if r.Sample == "" {
			r.Sample = w.r.Sample
		}
	}
	return r
}

// openLoop sends on schedule. Conns caps the connections; a request that
// finds none free waits, and its latency includes the wait.
func openLoop(ctx context.Context, c *Config) (*Result, error) {
	n := int(c.Rate * c.Duration.Seconds())
	due := make(chan time.Time, n+1)
	var ws []*worker
	var wg sync.WaitGroup
	var idle atomic.Int64
	var fail error
	spawn := func() bool {
		w, err := newWorker(c, len(ws))
		if err != nil {
			fail = err
			return false
		}
		ws = append(ws, w)
		idle.Add(1)
		wg.Go(func() {
			for t := range due {
				w.one(ctx, t)
				idle.Add(1)
			}
			w.drop()
		})
		return true
	}
	// Warm a few connections so that the first requests do not pay for them.
	for i := 0; i < 8 && i < c.Conns; i++ {
		if !spawn() {
			return nil, fail
		}
	}
	gap := time.Duration(float64(time.Second) / c.Rate)
	var start time.Time
	late := int64(0)
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer hurry()()
		start = time.Now().Add(2 * time.Millisecond)
		for i := 0; i < n && ctx.Err() == nil; i++ {
			t := start.Add(time.Duration(i) * gap)
			if time.Until(t) < -5*time.Millisecond {
				late++
			}
			for d := time.Until(t); d > 0; d = time.Until(t) {
				ts := syscall.NsecToTimespec(int64(d))
				_ = syscall.Nanosleep(&ts, nil) // a signal may cut it short: hence the loop
			}
			if idle.Add(-1) < 0 {
				if len(ws) < c.Conns && !spawn() {
					break
				}
			}
			due <- t
		}
		close(due)
	}()
	<-done
	wg.Wait()
	if fail != nil {
		return nil, fail
	}
	r := collect(ws, time.Since(start))
	r.Late = late
	return r, nil
}

// hurry asks that this thread be woken promptly and with precise timers. It
// asks only: without the right to, requests are sent a little late, and that
// counts as latency of direct and of every target alike.
func hurry() (undo func()) {
	const prSetTimerSlack, nanoseconds = 29, 1000
	_ = syscall.Setpriority(syscall.PRIO_PROCESS, 0, -15)
	_, _, _ = syscall.RawSyscall(syscall.SYS_PRCTL, prSetTimerSlack, nanoseconds, 0)
	return func() { _ = syscall.Setpriority(syscall.PRIO_PROCESS, 0, 0) }
}
