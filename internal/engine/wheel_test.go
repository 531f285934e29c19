package engine

import (
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestWheel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWheel()
		defer w.close()
		var head, data, whole, never watch
		var got [4]atomic.Int32
		start := time.Now()
		at := [4]atomic.Int64{}
		fire := func(i int) func(phase) {
			return func(p phase) { got[i].Store(int32(p)); at[i].Store(int64(time.Since(start))) }
		}
		w.watch(&head, time.Hour, fire(0))
		w.watch(&data, time.Hour, fire(1))
		w.watch(&whole, time.Second, fire(2))
		w.watch(&never, 0, fire(3))
		head.wait(waitHead, 500*time.Millisecond)
		data.wait(waitHead, 500*time.Millisecond)
		whole.wait(waitData, time.Minute) // the whole is sooner
		never.wait(waitData, 0)
		time.Sleep(400 * time.Millisecond)
		data.wait(waitData, 700*time.Millisecond) // it moved on in time
		time.Sleep(10 * time.Second)
		synctest.Wait()
		for i, want := range []struct {
			p     phase
			after time.Duration
		}{{waitHead, 500 * time.Millisecond}, {waitData, 1100 * time.Millisecond}, {waitTotal, time.Second}, {0, 0}} {
			if phase(got[i].Load()) != want.p {
				t.Errorf("watch %d fired as %d, want %d", i, got[i].Load(), want.p)
			}
			if late := time.Duration(at[i].Load()) - want.after; want.p != 0 && (late < 0 || late > 2*tick) {
				t.Errorf("watch %d fired %v late", i, late)
			}
		}
		head.end()
		data.end()
		whole.end()
		never.end()
		if w.open.Load() != 0 {
			t.Errorf("%d watches are left", w.open.Load())
		}
	})
}

func TestID(t *testing.T) {
	now := time.UnixMilli(0x0123456789ab)
	a, b := newID(now), newID(now)
	if a == b || len(a) != 36 || !strings.HasPrefix(a, "01234567-89ab-7") || !strings.ContainsAny(a[19:20], "89ab") {
		t.Errorf("%s %s", a, b)
	}
}
