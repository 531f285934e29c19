package gateway

import (
	"math"
	"math/bits"
)

// OutputUnder returns how many tokens the answers can have together under a cap on each; 0 = no cap. Of what has no bound
// it is what the cap allows.
func (n *Need) OutputUnder(most int64) int64 {
	if most <= 0 {
		return n.Output
	}
	all := int64(math.MaxInt64)
	if hi, lo := bits.Mul64(uint64(most)+uint64(n.Beyond), uint64(max(n.Answers, 1))); hi == 0 && lo < math.MaxInt64 {
		all = int64(lo)
	}
	if all < n.Output || n.Output == 0 && n.Unbounded != "" {
		return all
	}
	return n.Output
}

// CostUnder returns what the attempt can cost under a cap on the output of each answer; 0 = no cap.
func (n *Need) CostUnder(most int64) Money {
	out := n.OutputUnder(most)
	if out >= n.Output || n.PerToken <= 0 {
		return n.Cost
	}
	return n.Cost - min(n.Cost, n.outputCost(n.Output-out))
}

// Afford returns the cap on the output of each answer under which the attempt costs no more than m. It is not ok where no
// cap makes that so, or nobody knows.
func (n *Need) Afford(m Money) (most int64, ok bool) {
	if n.PerToken <= 0 || n.Unbounded != "" || n.Unpriced != "" {
		return 0, false
	}
	left := m - (n.Cost - min(n.Cost, n.outputCost(n.Output)))
	if left <= 0 {
		return 0, false
	}
	hi, lo := bits.Mul64(uint64(left), million)
	tokens := uint64(math.MaxInt64)
	if hi < uint64(n.PerToken) {
		q, _ := bits.Div64(hi, lo, uint64(n.PerToken))
		tokens = min(q, tokens)
	}
	most = int64(tokens)/max(n.Answers, 1) - n.Beyond
	return most, most > 0
}

// million is how many tokens PerToken is for.
const million = 1_000_000

// outputCost returns what so much output costs, rounded down.
func (n *Need) outputCost(tokens int64) Money {
	hi, lo := bits.Mul64(uint64(max(tokens, 0)), uint64(n.PerToken))
	if hi >= million {
		return math.MaxInt64
	}
	q, _ := bits.Div64(hi, lo, million)
	return Money(min(q, math.MaxInt64))
}
