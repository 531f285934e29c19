package pot

import (
	"math"
	"math/bits"
)

// maxDebt bounds how far a bucket can be overdrawn: 36 years, in nanoseconds.
const maxDebt = 1 << 60

// lowest is how many lows a bucket remembers.
const lowest = 16

// bucket fills evenly. It is kept as the time at which it is full again: what was taken and has not come back yet is its
// debt, counted in time. full and frac together are exact, so nothing drifts: frac counts parts of a nanosecond, of which
// there are as many as the bucket's amount. Times are those of the monotonic clock, in nanoseconds.
//
// What is given back comes late, when time has filled the bucket already. What would have been there anyway must not come a
// second time: had it never been taken, the bucket might have been full for a while since, and a full bucket gains nothing.
// So no more comes back than the least debt that the bucket has had since the draw: with that much less debt it would have
// been full at that moment. lows is what that needs of the past.
type bucket struct {
	full, frac  int64
	amount, per int64
	lows        *lows // nil = what is given back is what time cannot have filled
}

// lows are a bucket's moments of least debt, each with more debt than the one before: the least debt since a time is that
// of the first low after it, or what it is now. Where there are too many, two that differ least in proportion become one, with the lower
// debt of both: then less comes back than might.
type lows struct {
	n int
	v [lowest]low
}

// low says that just before a draw at a time the debt was so much, and no less since.
type low struct{ at, debt int64 }

// set makes the bucket one of amount in per. What is owed stays owed: in units, not in time.
func (b *bucket) set(now, amount, per int64) {
	if b.amount == amount && b.per == per {
		return
	}
	owed := b.owed(now)
	b.amount, b.per = amount, per
	b.full, b.frac = now, 0
	if b.lows != nil {
		b.lows.n = 0
		b.lows.add(now, 0) // what was taken before does not come back
	}
	if amount > 0 && owed > 0 {
		b.add(now, owed)
	}
}

// debt is how long the bucket needs to be full, rounded down.
func (b *bucket) debt(now int64) int64 { return max(b.full-now, 0) }

// owed is what the bucket lacks, in units, rounded up.
func (b *bucket) owed(now int64) int64 {
	debt := b.debt(now)
	if b.amount <= 0 || debt == 0 && b.frac == 0 || b.full < now {
		return 0
	}
	hi, lo := bits.Mul64(uint64(debt), uint64(b.amount))
	lo, carry := bits.Add64(lo, uint64(b.frac), 0)
	hi += carry
	if hi >= uint64(b.per) {
		return math.MaxInt64
	}
	q, r := bits.Div64(hi, lo, uint64(b.per))
	if r > 0 {
		q++
	}
	return int64(min(q, math.MaxInt64))
}

// left is what can be taken.
func (b *bucket) left(now int64) int64 { return max(b.amount-b.owed(now), 0) }

// cost is how long the bucket needs to gain n: nanoseconds, and parts of one.
func (b *bucket) cost(n int64) (ns, frac int64) {
	hi, lo := bits.Mul64(uint64(n), uint64(b.per))
	if hi >= uint64(b.amount) {
		return maxDebt, 0
	}
	q, r := bits.Div64(hi, lo, uint64(b.amount))
	if q >= maxDebt {
		return maxDebt, 0
	}
	return int64(q), int64(r)
}

// clamp lets time fill the bucket: a full one gains nothing.
func (b *bucket) clamp(now int64) {
	if b.full < now {
		b.full, b.frac = now, 0
	}
}

// draw takes n, all of it or nothing; wait is after how long it can be there, 0 where it never is.
func (b *bucket) draw(now, n int64) (wait int64, ok bool) {
	if n > b.amount {
		return 0, false
	}
	b.clamp(now)
	full, frac := b.after(n)
	if over := full - now - b.per; over > 0 || over == 0 && frac > 0 {
		if frac > 0 {
			over++
		}
		return over, false
	}
	b.put(now, full, frac)
	return 0, true
}

// add takes n even where it is not there.
func (b *bucket) add(now, n int64) {
	b.clamp(now)
	full, frac := b.after(n)
	b.put(now, min(full, now+maxDebt), frac)
}

// after is when the bucket is full if n is taken from it now.
func (b *bucket) after(n int64) (full, frac int64) {
	ns, frac := b.cost(n)
	full, frac = b.full+ns, b.frac+frac
	if frac >= b.amount {
		full, frac = full+1, frac-b.amount
	}
	return full, frac
}

func (b *bucket) put(now, full, frac int64) {
	if b.lows != nil {
		b.lows.add(now, b.full-now)
	}
	b.full, b.frac = full, frac
}

// back gives back n of what was drawn at a time.
func (b *bucket) back(now, drawn, n int64) {
	if b.amount <= 0 {
		return
	}
	b.clamp(now)
	ns, frac := b.cost(n)
	if b.lows == nil {
		if ns -= now - drawn; ns < 0 {
			return
		}
		b.less(ns, frac, b.full-now, b.frac)
		return
	}
	l := b.lows
	first := 0
	for first < l.n && l.v[first].at <= drawn {
		first++
	}
	most, mostFrac := b.full-now, b.frac
	if first < l.n && l.v[first].debt <= most {
		most, mostFrac = l.v[first].debt, 0
	}
	if least := min(ns-(now-drawn), b.full-now); most < least {
		most, mostFrac = least, 0 // time cannot have filled more
	}
	ns = b.less(ns, frac, most, mostFrac)
	for i := first; i < l.n; i++ {
		l.v[i].debt = max(l.v[i].debt-ns, 0)
	}
}

// less takes debt off the bucket, no more than so much, and returns how much that is, rounded up.
func (b *bucket) less(ns, frac, most, mostFrac int64) int64 {
	if ns > most || ns == most && frac > mostFrac {
		ns, frac = most, mostFrac
	}
	b.full -= ns
	if b.frac -= frac; b.frac < 0 {
		b.frac += b.amount
		b.full--
	}
	if frac > 0 {
		ns++
	}
	return ns
}

// add notes the debt just before a draw.
func (l *lows) add(at, debt int64) {
	for l.n > 0 && l.v[l.n-1].debt >= debt {
		l.n--
	}
	if l.n == lowest {
		l.merge()
	}
	l.v[l.n] = low{at, debt}
	l.n++
}

// merge makes one of the two lows that differ least, to have room for another.
func (l *lows) merge() {
	at, least := 0, math.Inf(1)
	for i := range l.n - 1 {
		// What matters is whether a low is above what one draw takes, so small ones are told apart more finely than large.
		if d := float64(l.v[i+1].debt-l.v[i].debt) / float64(l.v[i].debt+1e6); d < least {
			at, least = i, d
		}
	}
	l.v[at].at = l.v[at+1].at
	copy(l.v[at+1:], l.v[at+2:l.n])
	l.n--
}
