package sim

import (
	"bytes"
	"math/big"
	"strconv"

	"weir/internal/rawjson"
)

// maxNumber is the longest number and the largest exponent looked at: a JSON number of a few bytes can stand for
// gigabytes of digits.
const maxNumber = 300

// ratOf returns the exact value of a JSON number, nil for anything else and for a number too large to be meant.
func ratOf(v []byte) *big.Rat {
	s := rawjson.Num(v)
	if s == "" || len(s) > maxNumber {
		return nil
	}
	if i := bytes.IndexAny([]byte(s), "eE"); i >= 0 {
		exp, ok := new(big.Int).SetString(s[i+1:], 10)
		if !ok || !exp.IsInt64() || exp.Int64() > maxNumber || exp.Int64() < -maxNumber {
			return nil
		}
	}
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		return nil
	}
	return r
}

// decimal writes r in JSON; a fraction without an end is cut.
func decimal(r *big.Rat) string {
	if r.IsInt() {
		return r.Num().String()
	}
	digits, _ := r.FloatPrec()
	return r.FloatString(min(max(digits, 1), maxNumber))
}

func decimalText(n int64) string { return strconv.FormatInt(n, 10) }

// within reports whether v is a number from lo to hi, both included.
func within(v []byte, lo, hi int64) bool {
	r := ratOf(v)
	return r != nil && r.Cmp(new(big.Rat).SetInt64(lo)) >= 0 && r.Cmp(new(big.Rat).SetInt64(hi)) <= 0
}

// whole reports whether v is an integer.
func whole(v []byte) bool { r := ratOf(v); return r != nil && r.IsInt() }

// mix spreads a seed and a salt over 64 bits (the finaliser of SplitMix64).
func mix(seed, salt uint64) uint64 {
	z := seed + (salt+1)*0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// ident returns n letters and digits that depend on the seed alone.
func ident(seed uint64, n int) string {
	const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZabcdefghjkmnpqrstvwxyz"
	out := make([]byte, n)
	for i := range out {
		out[i] = alphabet[mix(seed, uint64(i))%uint64(len(alphabet))]
	}
	return string(out)
}
