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
