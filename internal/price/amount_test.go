package price

import (
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

func TestAmountsAreExact(t *testing.T) {
	for _, test := range []struct {
		text     string
		fraction int
		want     int64
		err      error
	}{
		{"1.25", 9, 1_250_000_000, nil},
		{"0", 9, 0, nil},
		{"0.000000001", 9, 1, nil},
		{"0.0000000010", 9, 1, nil},
		{"0.0000000001", 9, 0, errFine},
		{"00012", 9, 12_000_000_000, nil},
		{"0.000000000000001", 15, 1, nil},
		{"9223372036.854775807", 9, math.MaxInt64, nil},
		{"9223372036.854775808", 9, 0, errLarge},
		{"99999999999999999999999999", 9, 0, errLarge},
		{"", 9, 0, errAmount},
		{".5", 9, 0, errAmount},
		{"1.", 9, 0, errAmount},
		{"-1", 9, 0, errAmount},
		{"1e3", 9, 0, errAmount},
		{"1,5", 9, 0, errAmount},
		{"1.2.3", 9, 0, errAmount},
		{"$1", 9, 0, errAmount},
		{"٣", 9, 0, errAmount},
	} {
		got, err := parseAmount(test.text, test.fraction)
		if got != test.want || err != test.err {
			t.Errorf("%q: got %d, %v; want %d, %v", test.text, got, err, test.want, test.err)
		}
	}
}

func TestAmountsComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.Int64Min(0).Draw(t, "v")
		fraction := rapid.SampledFrom([]int{3, 9, 15}).Draw(t, "fraction")
		text := string(appendAmount(nil, v, fraction))
		if got, err := parseAmount(text, fraction); err != nil || got != v {
			t.Fatalf("%d became %s and %d, %v", v, text, got, err)
		}
	})
}

// wide draws a number of any size, the extremes often.
func wide(t *rapid.T, name string) int64 {
	return rapid.OneOf(rapid.Int64Min(0), rapid.Int64Range(0, 1_000_000), rapid.Just[int64](math.MaxInt64)).Draw(t, name)
}

func TestScaleRoundsUpAndStays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v, num, den := wide(t, "v"), wide(t, "num"), max(wide(t, "den"), 1)
		want := new(big.Int).Mul(big.NewInt(v), big.NewInt(num))
		want.Add(want, big.NewInt(den-1)).Div(want, big.NewInt(den))
		if !want.IsInt64() {
			want.SetInt64(math.MaxInt64)
		}
		if got := scale(v, num, den); got != want.Int64() {
			t.Fatalf("%d × %d / %d = %d, want %s", v, num, den, got, want)
		}
	})
}

func TestSumsAreExactAndRoundedUpOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s sum
		exact := new(big.Int)
		for range rapid.IntRange(0, 40).Draw(t, "n") {
			units, price, milli := wide(t, "units"), wide(t, "price"), rapid.Bool().Draw(t, "milli")
			s.add(units, price, milli)
			p := new(big.Int).Mul(big.NewInt(units), big.NewInt(price))
			if !milli {
				p.Mul(p, big.NewInt(thousand))
			}
			exact.Add(exact, p)
		}
		exact.Add(exact, big.NewInt(perMillion*thousand-1)).Div(exact, big.NewInt(perMillion*thousand))
		got, full := s.money()
		if full == exact.IsInt64() || got != math.MaxInt64 && got != exact.Int64() || full && got != math.MaxInt64 {
			t.Fatalf("got %d, full %v; want %s", got, full, exact)
		}
	})
}
