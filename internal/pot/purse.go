package pot

import (
	"math"
	"time"

	"weir/internal/gateway"
)

// never is the end of a window that has none.
const never = math.MaxInt64

// window is what is spent in one window of a purse, or in one slot of a rolling one. Times are seconds since 1970.
type window struct {
	begin int64
	till  int64  // a draw before it, and not before begin, is charged here
	ends  int64  // what is spent here no longer counts
	spent int64  // drawn and settled
	out   int32  // draws that are not settled
	seen  uint16 // the minute at which it was first seen to be over; 0 = it is not
	// late says that the window was over for long when it was first heard of: what was spent in it before is not known.
	late  bool
	slice *slice // the node's part; nil = all is this node's
}

// purse is what may be spent in a window.
type purse struct {
	windows []window // few: this window, and what of the last ones is not settled; of a rolling purse, its slots
}

// find returns the window that holds a time, nil if it is not known.
func (p *purse) find(at int64) *window {
	for i := len(p.windows) - 1; i >= 0; i-- {
		if w := &p.windows[i]; w.begin <= at && at < w.till {
			return w
		}
	}
	return nil
}

// at returns the window that begins at a time, nil if it is not known.
func (p *purse) at(begin int64) *window {
	for i := len(p.windows) - 1; i >= 0; i-- {
		if w := &p.windows[i]; w.begin == begin {
			return w
		}
	}
	return nil
}

// open makes the window that begins at a time and is not known yet.
func (p *purse) open(begin int64) *window {
	p.windows = append(p.windows, window{begin: begin, till: begin, ends: never})
	return &p.windows[len(p.windows)-1]
}

// frame says when a window is, as a pot has it now. One that the pot would not begin then is only looked up by its
// beginning: the document has changed.
func (w *window) frame(of *gateway.Window) {
	begin := time.Unix(w.begin, 0)
	if of.Begin(begin).Unix() != w.begin {
		w.till = w.begin
		return
	}
	w.ends = never
	end := of.End(begin)
	if !end.IsZero() {
		w.ends = end.Unix()
	}
	w.till = w.ends
	if slot := of.Slot(); slot > 0 {
		w.till = w.begin + int64(slot/time.Second)
	}
}

// spent is what counts against a pot's amount at a time. In a rolling window that is what later slots hold too: a window
// that ends later holds both.
func (p *purse) spent(of *gateway.Window, at time.Time, here *window) int64 {
	if of.Slot() == 0 {
		if here == nil {
			return 0
		}
		return here.spent
	}
	since := of.Since(at).Unix()
	sum := int64(0)
	for i := range p.windows {
		if p.windows[i].begin >= since {
			sum = plus(sum, p.windows[i].spent)
		}
	}
	return sum
}

// wait is how long it takes until a rolling window has room for n more, and full until it is empty; wait is 0 where waiting
// does not help.
func (p *purse) wait(pot *gateway.Pot, at time.Time, here *window, n int64) (wait, full time.Duration) {
	now := at.Unix()
	if pot.Window.Slot() == 0 {
		if here != nil && here.ends != never {
			full = time.Unix(here.ends, 0).Sub(at)
		}
		return 0, full
	}
	last := int64(0)
	for i := range p.windows {
		if w := &p.windows[i]; w.spent > 0 && w.ends != never {
			last = max(last, w.ends)
		}
	}
	if last <= now {
		return 0, 0
	}
	full = time.Unix(last, 0).Sub(at)
	if n == 0 || n > pot.Amount {
		return 0, full
	}
	over := p.spent(&pot.Window, at, here) - (pot.Amount - n)
	// The slots leave one after the other; they are few, and need not be in order.
	for seen := now; over > 0; {
		next := int64(never)
		for i := range p.windows {
			if w := &p.windows[i]; w.ends > seen && w.ends < next {
				next = w.ends
			}
		}
		if next == never {
			return 0, full
		}
		for i := range p.windows {
			if p.windows[i].ends == next {
				over -= p.windows[i].spent
			}
		}
		seen, wait = next, time.Unix(next, 0).Sub(at)
	}
	return wait, full
}

// plus is a sum that stays where an int64 ends.
func plus(a, b int64) int64 {
	c := a + b
	if b > 0 && c < a {
		return math.MaxInt64
	}
	if b < 0 && c > a {
		return math.MinInt64
	}
	return c
}
