package loadgen

import (
	"math/bits"
	"time"
)

// Hist is a log-linear histogram of nanoseconds: 128 sub-buckets per power
// of two, so a reported value is within 0.8 % of the true one.
type Hist struct {
	c   []uint64
	n   uint64
	sum int64
	max int64
}

const sub = 7

func bucket(v int64) int {
	if v < 0 {
		v = 0
	}
	u := uint64(v)
	if u < 1<<sub {
		return int(u)
	}
	e := bits.Len64(u) - 1 - sub
	return (e+1)<<sub + int(u>>uint(e)) - 1<<sub
}

func value(b int) int64 {
	e := b >> sub
	if e == 0 {
		return int64(b)
	}
	m := int64(b&(1<<sub-1)) + 1<<sub
	return m<<uint(e-1) + int64(1)<<uint(e-1)/2
}

// Add records one value.
func (h *Hist) Add(d time.Duration) {
	b := bucket(int64(d))
	for b >= len(h.c) {
		h.c = append(h.c, make([]uint64, 1024)...)
	}
	h.c[b]++
	h.n++
	h.sum += int64(d)
	if int64(d) > h.max {
		h.max = int64(d)
	}
}

// Merge adds all of o to h.
func (h *Hist) Merge(o *Hist) {
	for len(h.c) < len(o.c) {
		h.c = append(h.c, make([]uint64, 1024)...)
	}
	for i, v := range o.c {
		h.c[i] += v
	}
	h.n += o.n
	h.sum += o.sum
	if o.max > h.max {
		h.max = o.max
	}
}

// N is the number of values.
func (h *Hist) N() uint64 { return h.n }

// Mean of the values.
func (h *Hist) Mean() time.Duration {
	if h.n == 0 {
		return 0
	}
	return time.Duration(h.sum / int64(h.n))
}

// Max of the values.
func (h *Hist) Max() time.Duration { return time.Duration(h.max) }

// Q is the q-quantile (0..1).
func (h *Hist) Q(q float64) time.Duration {
	if h.n == 0 {
		return 0
	}
	want := uint64(q * float64(h.n))
	if want >= h.n {
		want = h.n - 1
	}
	var seen uint64
	for i, v := range h.c {
		seen += v
		if seen > want {
			return time.Duration(min(value(i), h.max))
		}
	}
	return time.Duration(h.max)
}
