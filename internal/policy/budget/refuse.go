package budget

import (
	"errors"
	"time"

	"weir/internal/fault"
	"weir/internal/gateway"
)

// code is what a client reads of every refusal here.
const code = "budget_exceeded"

// Official SDKs try again by themselves, and ask after a refusal with a wait of up to a minute once it is over. A budget
// that stays empty for longer is not asked again; that it begins within the hour is said to whoever reads it.
const (
	worthWaiting = time.Minute
	worthSaying  = time.Hour
)

// refuse says which budget does not hold what is needed. How much there is is told only to those whose own it is.
func (t *held) refuse(b *purse, pot *gateway.Pot, s gateway.Standing) error {
	f := &fault.Fault{Kind: fault.Quota, Code: code, Cause: errors.New(pot.Name)}
	message := "the budget " + b.Name
	if b.shown {
		message += " of " + b.Amount.String() + b.span()
	}
	switch {
	case t.cost > b.Amount:
		message += " is less than this request may cost"
		if b.shown {
			message += ", which is " + t.cost.String()
		}
		if t.need.PerToken > 0 {
			message += "; a lower limit on its output may make it fit"
		}
		f.ShouldRetry = "false"
	default:
		message += " is used up"
		if b.shown && s.Left > 0 {
			message = "the budget " + b.Name + " of " + b.Amount.String() + b.span() + " has " + gateway.Money(s.Left).String() +
				" left, and this request may cost " + t.cost.String()
		}
		message += b.begins(t.x.Start, s, f)
	}
	f.Message = message
	return f
}

// begins says when there is something again, and writes it into the fault where it is worth waiting for.
func (b *purse) begins(at time.Time, s gateway.Standing, f *fault.Fault) string {
	f.ShouldRetry = "false"
	wait, words := s.Wait, "; as time passes it fills again"
	if b.Window.Every != "" {
		end := b.Window.End(at)
		wait, words = end.Sub(at), "; it begins again at "+end.Format(time.RFC3339)
	} else if b.Window.Over <= 0 {
		return ""
	}
	if wait > 0 && wait <= worthSaying {
		f.RetryAfter = wait
	}
	if wait > 0 && wait <= worthWaiting {
		f.ShouldRetry = ""
	}
	return words
}

// span writes the budget's window: " a month", " over 720h0m0s".
func (b *purse) span() string {
	switch {
	case b.Window.Every == gateway.Hour:
		return " an hour"
	case b.Window.Every != "":
		return " a " + string(b.Window.Every)
	case b.Window.Over > 0:
		return " in any " + b.Window.Over.String()
	}
	return ""
}

// untold refuses what no budget can hold for nobody knows how much it is.
func (b *purse) untold(pot *gateway.Pot, why string) error {
	return &fault.Fault{
		Kind: fault.Quota, Code: code, ShouldRetry: "false", Cause: errors.New(pot.Name),
		Message: "the budget " + b.Name + " does not allow this request, of which nobody can tell what it may cost: " + why,
	}
}

// instead names the model that answers in place of the one that was asked for.
func (b *purse) instead(why string) error {
	return &gateway.Instead{Model: b.Model, Why: "the budget " + b.Name + " " + why}
}
