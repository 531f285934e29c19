package gateway

import (
	"math"
	"math/bits"
	"strconv"
)

// Money is an amount in billionths of a dollar. It is an integer everywhere: sums of it are exact.
type Money int64

// Dollar is one dollar.
const Dollar Money = 1_000_000_000

// String writes an amount exactly, with at least two decimals: $0.001234, $12.50, -$3.00.
func (m Money) String() string {
	var buf [32]byte
	b := buf[:0]
	n := uint64(m)
	if m < 0 {
		b, n = append(b, '-'), -n
	}
	b = append(b, '$')
	b = strconv.AppendUint(b, n/uint64(Dollar), 10)
	b = append(b, '.')
	fraction := len(b)
	b = strconv.AppendUint(b, uint64(Dollar)+n%uint64(Dollar), 10)
	copy(b[fraction:], b[fraction+1:]) // over the leading 1 that kept the zeros
	b = b[:fraction+9]
	for len(b) > fraction+2 && b[len(b)-1] == '0' {
		b = b[:len(b)-1]
	}
	return string(b)
}

// Times returns the amount for so many billionths of what it is for one of, rounded down; false if it is more than there
// are numbers for. Both are not negative.
func (m Money) Times(billionths int64) (Money, bool) {
	hi, lo := bits.Mul64(uint64(max(m, 0)), uint64(max(billionths, 0)))
	if hi >= uint64(Dollar) {
		return 0, false
	}
	q, _ := bits.Div64(hi, lo, uint64(Dollar))
	return Money(q), q <= math.MaxInt64
}
