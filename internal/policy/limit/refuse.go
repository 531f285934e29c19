package limit

import (
	"errors"
	"strconv"
	"time"

	"weir/internal/fault"
	"weir/internal/gateway"
)

// code is what a client reads of every refusal here.
const code = "rate_limit_exceeded"

// again is when to come back for what has no clock: a request that is under way ends.
const again = time.Second

// refuse says which limit does not let an exchange in. What is left is told only to those whose own it is.
func (d *draw) refuse(pot *gateway.Pot, s gateway.Standing, amount int64) error {
	message := d.named()
	f := &fault.Fault{Kind: fault.RateLimit, Code: code, RetryAfter: s.Wait, Cause: errors.New(pot.Name)}
	own := d.scope.Own()
	switch {
	case amount > pot.Amount:
		message += " is less than this request may need, which is " + strconv.FormatInt(amount, 10)
		if pot.Unit != gateway.InputTokens {
			message += "; a lower limit on its output may make it fit"
		}
		f.RetryAfter, f.ShouldRetry = 0, "false"
	case pot.Kind == gateway.Level:
		message += " is reached; try again when one of them has ended"
		f.RetryAfter = again
	default:
		message += " is reached"
		if own {
			message += ", " + strconv.FormatInt(s.Left, 10) + " left"
			if amount > 1 {
				message += " of " + strconv.FormatInt(amount, 10) + " that this request may need"
			}
		}
		if s.Wait > 0 {
			message += "; try again in " + wait(s.Wait)
		}
	}
	f.Message = message
	return f
}

// wait writes how long to wait, never less than it is.
func wait(d time.Duration) string {
	if d <= time.Second {
		return "1s"
	}
	return (d + time.Second - 1).Truncate(time.Second).String()
}

// never refuses what no waiting helps.
func (m *most) never(what, message string) error {
	return &fault.Fault{Kind: fault.RateLimit, Code: code, Message: message, ShouldRetry: "false", Cause: errors.New(m.name + "/" + what + "/request")}
}

func (m *most) tooLong(n int64) error {
	return m.never("input", "a request of "+m.scope.String()+" may have "+strconv.FormatInt(m.input, 10)+" tokens of input, this one has up to "+strconv.FormatInt(n, 10))
}

func (m *most) tooDear(cost gateway.Money) error {
	return m.never("cost", "a request of "+m.scope.String()+" may cost "+m.cost.String()+", this one may cost "+cost.String())
}

func (m *most) untold(why string) error {
	return m.never("cost", "a request of "+m.scope.String()+" may cost "+m.cost.String()+", and what this one may cost cannot be told: "+why)
}
