package engine

import (
	"slices"

	"weir/internal/fault"
	"weir/internal/gateway"
	"weir/internal/llm"
	"weir/internal/price"
)

// Unpriced says what happens to a request whose target has no price.
type Unpriced uint8

// What happens to it.
const (
	ServeUnpriced  Unpriced = iota // it is served, and the record says that its cost is not known
	RefuseUnpriced                 // it is refused before anything is sent
	AlertUnpriced                  // it is served, and the log tells of it
)

// priceOf returns what a target costs at the price in force when the exchange began; nil with the reason where nothing
// is known of it.
func (c *call) priceOf(t gateway.Target) (p *price.Price, why string) {
	place := c.s.Places[t.Provider]
	if place == nil || place.Prices == nil {
		return nil, "no prices are known of this provider"
	}
	p, ok := place.Prices.Price(t.Model, c.x.Start)
	if !ok {
		return nil, "no price is known of this model"
	}
	return p, ""
}

// noPrice says why a target has no price; "" where it has one, be it nothing.
func (c *call) noPrice(t gateway.Target) string {
	p, why := c.priceOf(t)
	if p != nil && !p.Priced() { // the list has the model and states no price of it
		return "no price is known of this model"
	}
	return why
}

// charged reports whether the exchange may cost something: counting tokens is free wherever it is served, and what asks
// about a kept answer makes no new one.
func (c *call) charged() bool {
	switch c.x.Op {
	case llm.OpCount, llm.OpKept, llm.OpModels, llm.OpFile, llm.OpTune, llm.OpBatch: // what a batch's requests cost is told by their results
		return false
	}
	return true
}

// priced takes the targets without a price out of the plan where the document refuses those, and refuses the exchange
// where none is left. The plan's own list of targets is shared and stays as it is.
func (c *call) priced() error {
	if c.s.Unpriced != RefuseUnpriced || !c.charged() {
		return nil
	}
	plan := &c.x.Plan
	begin := len(plan.PassedOver)
	for _, t := range plan.Targets {
		if why := c.noPrice(t); why != "" {
			plan.PassedOver = append(plan.PassedOver, gateway.Candidate{Target: t, Why: why})
		}
	}
	out := plan.PassedOver[begin:]
	if len(out) == 0 {
		return nil
	}
	left := slices.DeleteFunc(slices.Clone(plan.Targets), func(t gateway.Target) bool { return c.noPrice(t) != "" })
	plan.Targets, plan.Tries = left, min(plan.Tries, len(left))
	if len(left) > 0 {
		return nil
	}
	first := out[0].Target
	f := fault.New(fault.Forbidden,
		"no price is known of the model %s at the provider %s, and requests without a price are refused here (defaults.unpriced); whoever runs this gateway can state one under providers.%s.prices",
		bounded(first.Model, 100), first.Provider, first.Provider)
	f.Param, f.Code = "model", "model_unpriced"
	return f
}
