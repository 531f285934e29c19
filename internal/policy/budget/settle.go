package budget

import (
	"slices"
	"strings"
	"time"

	"weir/internal/gateway"
)

// Settle implements gateway.Holder: every budget is charged what the attempt did cost.
func (h *Holder) Settle(x *gateway.Exchange, to *gateway.Holding, used gateway.Used) {
	for _, d := range slices.Backward(to.Drawn) {
		if d.Pot == nil || d.Pot.Kind != gateway.Purse {
			continue
		}
		switch {
		case d.Amount > 0:
			h.pots.Settle(d, int64(used.Cost))
		case used.Cost > 0:
			h.pots.Charge(d.Pot, x.Start, int64(used.Cost))
		}
		if used.Cost > 0 {
			h.look(d, x.Start)
		}
	}
}

// look tells of the lines that a purse has passed, if there is one that was not told of.
func (h *Holder) look(d gateway.Drawn, at time.Time) {
	if !strings.HasPrefix(d.Pot.Name, prefix) {
		return
	}
	name, each := cutName(d.Pot.Name)
	b := h.named[name]
	if b == nil {
		return
	}
	f := b.filled
	if each {
		kept := h.cache.Find(d.Pot.Name)
		if kept == nil {
			return // forgotten meanwhile; the next attempt looks
		}
		f = *kept
	}
	if !f.told.open(d.Window, len(b.lines)) {
		return
	}
	s := h.pots.Standing(d.Pot, at)
	h.tell(b, f, d.Window, d.Pot.Amount-s.Left, s.Left <= 0)
}

// cutName returns the part of a pot's name that is its budget's, and whether there is more: the values it is for.
func cutName(name string) (budget string, each bool) {
	i := strings.IndexByte(name[len(prefix):], '/')
	if i < 0 {
		return name, false
	}
	return name[:len(prefix)+i], true
}
