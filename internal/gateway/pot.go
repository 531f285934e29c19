package gateway

import (
	"context"
	"time"
)

// Unit is what a pot holds.
type Unit string

// The units.
const (
	Requests     Unit = "requests"
	Tokens       Unit = "tokens" // input and output together
	InputTokens  Unit = "input"
	OutputTokens Unit = "output"
	Concurrent   Unit = "concurrent"
	Spend        Unit = "spend" // Money
)

// PotKind says how what was taken out of a pot comes back.
type PotKind uint8

// The kinds of pots.
const (
	// Bucket fills evenly, Amount in Per, and holds at most Amount.
	Bucket PotKind = iota + 1
	// Purse is what may be spent in a window: full at its beginning, never filled within it.
	Purse
	// Level is how much there may be at once: what was taken comes back when it is settled.
	Level
)

// Pot is an amount that exchanges draw from: a limit or a budget at one scope. It is immutable; two with one name are the
// same pot, on all nodes and after every restart.
type Pot struct {
	Name   string // such as budget/shop-month or limit/team/shop/tokens
	Kind   PotKind
	Unit   Unit
	Amount int64
	Per    time.Duration // of a bucket
	Window Window        // of a purse
}

// Drawn is something that was taken out of a pot. Its owner settles it, once.
type Drawn struct {
	Pot    *Pot
	Window int64 // as Charge has it; 0 where the pot has no window
	Amount int64
	Mark   int64 // the implementation's own; 0 is what a draw of an earlier process has
}

// Standing is how a pot stands for one who asks.
type Standing struct {
	Pot  *Pot
	Left int64         // never negative
	Full time.Duration // until it is full again if nothing is drawn; of a purse until its window ends
	Wait time.Duration // where what was asked for is not there: until it can be; 0 = not in this window, or more than there ever is
}

// Pots hands out of pots what is there, and never more: over all nodes together, whatever is out of reach. Implementations
// are safe for concurrent use, decide in memory, and are bounded.
type Pots interface {
	// Draw takes n out of a pot, all of it or nothing. at is when the exchange was admitted: it says which window is drawn
	// from. It may wait a few milliseconds for another node's part, and no longer than ctx.
	Draw(ctx context.Context, p *Pot, at time.Time, n int64) (d Drawn, s Standing, ok bool)
	// Settle ends a draw: used is what it came to. Less than was drawn gives the rest back; more is taken as well, even where
	// it is not there. What a level had comes back whole.
	Settle(d Drawn, used int64)
	// Charge takes what was used without a draw, even where it is not there.
	Charge(p *Pot, at time.Time, used int64) Drawn
	// Standing tells how a pot stands.
	Standing(p *Pot, at time.Time) Standing
}

// Need is the most that an attempt can come to.
type Need struct {
	Target        Target
	Input, Output int64  // tokens, of all answers together
	Unbounded     string // why Input, Output and Cost are no bound; "" = they are one
	Cost          Money
	Unpriced      string // why Cost is not the whole cost; "" = it is
	Free          bool   // it costs nothing, however much it is
	Beyond        int64  // tokens that each answer may have beyond a limit on its output
	// PerToken tells what more output costs, in billionths of a dollar per million tokens, 0 where nobody knows. Answers is
	// over how many it is spread.
	PerToken, Answers int64
	// Estimate counts the input here, dearly, where Input is only a bound by bytes. nil = Input is the best that is known.
	Estimate func() int64
}

// Used is what an attempt came to.
type Used struct {
	Input, Output int64
	Cost          Money
	Unsent        bool // it was never sent: it does not count as an attempt either
}

// Holder is a policy that sets aside what an attempt may come to before it is sent.
type Holder interface {
	Policy
	// Hold takes what the attempt needs, all of it or nothing, and appends what it took to h. The error is a *fault.Fault:
	// RateLimit or Quota, or an *Instead.
	Hold(ctx context.Context, x *Exchange, need *Need, h *Holding) error
	// Settle ends what Hold took; it is called once for each Holding that this policy added to.
	Settle(x *Exchange, h *Holding, used Used)
}

// Holding is what policies have taken for one attempt.
type Holding struct {
	Drawn   []Drawn  // each by the policy whose turn it was; Policy i has those from Of[i-1] to Of[i]
	Of      []int    // kept by the engine
	Charges []Charge // the budgets that the entry is charged to
	Cap     int64    // the most tokens of output for each answer that can be afforded; 0 = no such limit
	CapBy   string   // whose limit that is
}

// Instead is the error of a Holder that wants another model of the document to answer.
type Instead struct{ Model, Why string }

// Error implements error.
func (i *Instead) Error() string { return i.Why }
