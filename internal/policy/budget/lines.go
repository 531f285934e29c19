package budget

import (
	"math"
	"math/bits"
	"sync"
	"time"

	"weir/internal/gateway"
)

// Lines remembers which lines of which budgets were told of, over revisions, and whom to tell. It is bounded, and safe for
// concurrent use. Make one with NewLines.
type Lines struct {
	events func(Event)
	mu     sync.Mutex // guards of; taken when a purse is first met
	of     map[string]*told
}

// purses is how many purses' lines are remembered. Where all is forgotten, lines that are passed already are not told of
// again: see begin.
const purses = 100_000

// NewLines returns lines of which none was told of. events is called where a line is passed, on the way of the exchange
// that passes it: it must not block. nil = nobody wants to know.
func NewLines(events func(Event)) *Lines {
	if events == nil {
		events = func(Event) {}
	}
	return &Lines{events: events, of: map[string]*told{}}
}

// told is what was told of one purse in its present window.
type told struct {
	mu       sync.Mutex // guards the rest; a few instructions
	from, to int64      // the window, in seconds since 1970
	passed   uint64     // a bit for each of the budget's lines
}

func (l *Lines) find(name string) *told {
	l.mu.Lock()
	defer l.mu.Unlock()
	if t := l.of[name]; t != nil {
		return t
	}
	if len(l.of) >= purses {
		clear(l.of)
	}
	t := &told{}
	l.of[name] = t
	return t
}

// within returns when the present window begins, if a time is in it.
func (t *told) within(at int64) (from int64, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.from, at >= t.from && at < t.to
}

// enter begins a window. One that is over already is not gone back to.
func (t *told) enter(from, to int64, passed uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.to == 0 || from > t.from {
		t.from, t.to, t.passed = from, to, passed
	}
}

// open reports whether some of n lines were not told of in the window.
func (t *told) open(window int64, n int) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.to != 0 && t.from == window && t.passed != 1<<n-1
}

// pass notes lines as told of and returns those that were not.
func (t *told) pass(window int64, lines uint64) uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.from != window {
		return 0
	}
	fresh := lines &^ t.passed
	t.passed |= lines
	return fresh
}

// begin enters the window that a time is in, and returns when it begins. Lines that were passed when this process first
// looks at a window were told of by whoever passed them.
func (h *Holder) begin(b *purse, f filled, at time.Time) int64 {
	if from, ok := f.told.within(at.Unix()); ok {
		return from
	}
	w := f.pot.Window
	from, to := w.Begin(at).Unix(), int64(math.MaxInt64)
	if slot := w.Slot(); slot > 0 {
		to = from + int64(slot/time.Second)
	} else if end := w.End(at); !end.IsZero() {
		to = end.Unix()
	}
	left := h.pots.Standing(f.pot, at).Left
	f.told.enter(from, to, b.reached(f.pot.Amount-left, left <= 0))
	return from
}

// reached returns the lines that are passed when so much is spent. end says that what was needed is not there.
func (b *purse) reached(spent int64, end bool) uint64 {
	var passed uint64
	for i, line := range b.lines {
		if line == Whole && end || atLeast(spent, int64(b.Amount), line) {
			passed |= 1 << i
		}
	}
	return passed
}

// atLeast reports whether an amount is at a line of the whole.
func atLeast(spent, amount, line int64) bool {
	if spent <= 0 {
		return amount == 0
	}
	hi, lo := bits.Mul64(uint64(spent), Whole)
	most, least := bits.Mul64(uint64(amount), uint64(line))
	return hi > most || hi == most && lo >= least
}

// tell tells of the lines that are passed, each once in a window.
func (h *Holder) tell(b *purse, f filled, window, spent int64, end bool) {
	fresh := f.told.pass(window, b.reached(spent, end))
	for i, line := range b.lines {
		if fresh&(1<<i) != 0 {
			h.lines.events(Event{
				Budget: b.Name, Pot: f.pot.Name, Window: time.Unix(window, 0).UTC(), Line: line,
				Spent: gateway.Money(spent), Amount: b.Amount,
			})
		}
	}
}
