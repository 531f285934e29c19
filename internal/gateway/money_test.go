package gateway

import (
	"math"
	"testing"
)

func TestMoneyIsWrittenExactly(t *testing.T) {
	for _, test := range []struct {
		amount Money
		want   string
	}{
		{0, "$0.00"},
		{1, "$0.000000001"},
		{10, "$0.00000001"},
		{1_234_000, "$0.001234"},
		{Dollar, "$1.00"},
		{12*Dollar + Dollar/2, "$12.50"},
		{-3 * Dollar, "-$3.00"},
		{-1, "-$0.000000001"},
		{math.MaxInt64, "$9223372036.854775807"},
		{math.MinInt64, "-$9223372036.854775808"},
	} {
		if got := test.amount.String(); got != test.want {
			t.Errorf("%d: got %s, want %s", int64(test.amount), got, test.want)
		}
	}
}

func TestTimes(t *testing.T) {
	for _, c := range []struct {
		m    Money
		n    int64
		want Money
		ok   bool
	}{
		{Dollar, 5_000_000_000, 5 * Dollar, true},
		{1_080_000_000, 500_000_000_000, 540 * Dollar, true},
		{1, 999_999_999, 0, true},
		{1 << 62, 1_000_000_000, 1 << 62, true},
		{1 << 62, 4_000_000_000, 0, false},
		{1 << 62, 1 << 62, 0, false},
	} {
		if got, ok := c.m.Times(c.n); ok != c.ok || ok && got != c.want {
			t.Errorf("%d times %d: %d, %v", c.m, c.n, got, ok)
		}
	}
}
