package price

import (
	"errors"
	"math"
	"math/bits"
	"strconv"
	"strings"
)

// parseAmount reads an amount of dollars such as 1.25 exactly: price in billionths of a dollar per million units, of
// a component that takes the given number of decimals. Nothing but digits and one point is an amount.
func parseAmount(text string, fraction int) (int64, error) {
	whole, decimals, point := strings.Cut(text, ".")
	if whole == "" || point && decimals == "" || !digits(whole) || !digits(decimals) {
		return 0, errAmount
	}
	decimals = strings.TrimRight(decimals, "0")
	if len(decimals) > fraction {
		return 0, errFine
	}
	var v uint64
	for i := range len(whole) + fraction {
		d := byte('0')
		switch {
		case i < len(whole):
			d = whole[i]
		case i-len(whole) < len(decimals):
			d = decimals[i-len(whole)]
		}
		hi, lo := bits.Mul64(v, 10)
		v = lo + uint64(d-'0')
		if hi != 0 || v > math.MaxInt64 {
			return 0, errLarge
		}
	}
	return int64(v), nil
}

var (
	errAmount = errors.New("an amount is digits with at most one decimal point")
	errFine   = errors.New("the amount has more decimals than can be kept exactly")
	errLarge  = errors.New("the amount is larger than can be kept")
)

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// appendAmount writes what parseAmount reads.
func appendAmount(b []byte, price int64, fraction int) []byte {
	one := uint64(1)
	for range fraction {
		one *= 10
	}
	b = strconv.AppendUint(b, uint64(price)/one, 10)
	rest := strconv.FormatUint(one+uint64(price)%one, 10)[1:]
	if rest = strings.TrimRight(rest, "0"); rest != "" {
		b = append(append(b, '.'), rest...)
	}
	return b
}

// scale returns v·num/den, rounded up, at most the largest price.
func scale(v, num, den int64) int64 {
	hi, lo := bits.Mul64(uint64(v), uint64(num))
	lo, carry := bits.Add64(lo, uint64(den)-1, 0)
	hi += carry
	if hi >= uint64(den) {
		return math.MaxInt64
	}
	q, _ := bits.Div64(hi, lo, uint64(den))
	return int64(min(q, math.MaxInt64))
}

// sum adds up units × price exactly, in thousandths, to be divided by a million once. What exceeds 128 bits is far
// beyond what Money holds and stays at the end.
type sum struct {
	hi, lo uint64
	over   bool
}

const perMillion, thousand = 1_000_000, 1_000

// add adds units × price; units are thousandths where milli says so.
func (s *sum) add(units, price int64, milli bool) {
	hi, lo := bits.Mul64(uint64(units), uint64(price))
	if !milli {
		top, low := bits.Mul64(lo, thousand)
		over, mid := bits.Mul64(hi, thousand)
		mid, carry := bits.Add64(mid, top, 0)
		if over+carry != 0 {
			s.over = true
		}
		hi, lo = mid, low
	}
	var carry uint64
	s.lo, carry = bits.Add64(s.lo, lo, 0)
	s.hi, carry = bits.Add64(s.hi, hi, carry)
	if carry != 0 {
		s.over = true
	}
}

// money rounds the sum up to a billionth of a dollar. Nothing rounds before. full says that it is more than fits.
func (s *sum) money() (v int64, full bool) {
	const den = perMillion * thousand
	lo, carry := bits.Add64(s.lo, den-1, 0)
	hi, carry := bits.Add64(s.hi, 0, carry)
	if s.over || carry != 0 || hi >= den {
		return math.MaxInt64, true
	}
	q, _ := bits.Div64(hi, lo, den)
	if q > math.MaxInt64 {
		return math.MaxInt64, true
	}
	return int64(q), false
}
