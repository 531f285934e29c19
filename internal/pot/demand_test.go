package pot

import (
	queue "container/heap"
	"math/rand/v2"
	"testing"
	"time"
)

// event is a draw, or the end of a call that drew at a time and used so much.
type event struct{ at, drawn, used int64 }

type events []event

func (e events) Len() int           { return len(e) }
func (e events) Less(i, j int) bool { return e[i].at < e[j].at }
func (e events) Swap(i, j int)      { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)        { *e = append(*e, x.(event)) }
func (e *events) Pop() any          { o := *e; x := o[len(o)-1]; *e = o[:len(o)-1]; return x }

// TestBucketDemand: with many clients that hold more than they use, nearly all of a bucket gets used.
func TestBucketDemand(t *testing.T) {
	const amount, hold = 1_000_000, 1300
	b := &bucket{lows: &lows{}}
	b.set(1, amount, int64(time.Minute))
	r := rand.New(rand.NewPCG(1, 2))
	var q events
	for range 300 {
		queue.Push(&q, event{at: 1 + r.Int64N(int64(5*time.Millisecond))})
	}
	var used, end int64
	end = int64(8 * time.Second)
	for q.Len() > 0 {
		e := queue.Pop(&q).(event)
		if e.drawn > 0 {
			used += e.used
			b.back(e.at, e.drawn, hold-e.used)
		}
		if e.at > end {
			continue
		}
		if _, ok := b.draw(e.at, hold); ok {
			queue.Push(&q, event{at: e.at + int64(20*time.Millisecond) + r.Int64N(int64(140*time.Millisecond)), drawn: e.at, used: r.Int64N(1200)})
		} else {
			queue.Push(&q, event{at: e.at + int64(time.Second) + r.Int64N(int64(time.Second))})
		}
	}
	most := int64(amount) + amount*8/60
	t.Logf("%d of %d", used, most)
	if used < most*97/100 {
		t.Errorf("only %d of %d", used, most)
	}
}
