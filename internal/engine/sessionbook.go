package engine

import (
	"time"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/gateway"
	"weir/internal/llm"
	"weir/internal/price"
)

// besideMost is how many models beside the one that answers are told apart in a session's record.
const besideMost = 8

// book takes over what a message tells. The fault is that of a policy which does not want the session to go on.
func (s *session) book(told *dialect.Told) *fault.Fault {
	x := s.c.x
	if told.Fault != nil {
		s.said = told.Fault
	}
	if told.Event && x.FirstEvent == 0 {
		s.c.began(s.t)
	}
	if told.Begun {
		s.busy.Store(true)
	}
	if told.ID != "" {
		x.AnswerID = bounded(told.ID, 200)
	}
	if told.Model != "" && !told.Beside {
		x.Model = bounded(told.Model, 200)
	}
	if told.Over {
		s.busy.Store(false)
		x.Answers++
		x.Stop = told.Stop
	}
	if told.Unstated {
		s.unpriced("an answer stated no usage")
	}
	if told.Usage == nil {
		return nil
	}
	if told.Beside {
		s.charge(told.Model, told.Usage)
	} else {
		if x.Usage == nil {
			x.Usage, x.Price = &llm.Usage{}, whose(s.price)
		}
		x.Usage.Add(told.Usage)
		cost, why := s.cost(s.price, s.why, told.Usage)
		x.Cost = plus(x.Cost, cost)
		s.unpriced(why)
		if f := s.answered(told.Usage, cost, why); f != nil {
			return f
		}
	}
	for _, w := range s.watching {
		if err := w.Allow(s.c.e.ending, x); err != nil {
			return fault.Of(err)
		}
	}
	return nil
}

// charge books what a model beside the one that answers used: it is charged at its own price.
func (s *session) charge(model string, u *llm.Usage) {
	x := s.c.x
	model = bounded(model, 200)
	at := -1
	for i := range x.Beside {
		if x.Beside[i].Model == model {
			at = i
		}
	}
	if at < 0 {
		if len(x.Beside) == besideMost {
			model = "others"
			at = besideMost - 1
			x.Beside[at].Model = model
		} else {
			x.Beside = append(x.Beside, gateway.Beside{Model: model})
			at = len(x.Beside) - 1
		}
	}
	p, why := s.c.priceOf(gateway.Target{Provider: s.t.a.Target.Provider, Model: model})
	cost, why := s.cost(p, why, u)
	b := &x.Beside[at]
	b.Usage.Add(u)
	b.Cost = plus(b.Cost, cost)
	x.Cost = plus(x.Cost, cost)
	s.c.bill.beside = plus(s.c.bill.beside, cost)
	if x.Price == "" {
		x.Price = whose(p)
	}
	if why != "" {
		s.unpriced("beside it " + modelWord(model) + " was used: " + why)
	}
}

// whose says whose price it is, as a record does.
func whose(p *price.Price) string {
	if p == nil {
		return ""
	}
	return p.List().Provider + "/" + p.Model + " of " + p.List().Version
}

func modelWord(model string) string {
	if model == "" {
		return "a model that was not named"
	}
	return model
}

// cost prices one usage. Each answer of a session has its own, in the band of its own length.
func (s *session) cost(p *price.Price, why string, u *llm.Usage) (gateway.Money, string) {
	if p == nil {
		return 0, why
	}
	var room [costItems]price.Item
	terms := price.Terms{Region: s.t.place.Region, Count: price.Count{AudioIn: time.Duration(u.Heard) * time.Millisecond}}
	cost := p.Cost(u, &terms, room[:0])
	s.c.itemsOf(cost.Items)
	return cost.Amount, cost.Why()
}

// unpriced notes why the cost is not the whole cost; the first reason stays.
func (s *session) unpriced(why string) {
	x := s.c.x
	if why == "" || x.Unpriced != "" {
		return
	}
	x.Unpriced = why
	x.Alert = s.c.s.Unpriced == AlertUnpriced
}

// unfinished says of a session that ended within an answer that its usage is not known.
func (s *session) unfinished() {
	if s.busy.Load() {
		s.unpriced("an answer broke off before it stated its usage")
		s.c.midway, s.c.broken = s.before, true
	}
}

// plus adds what is charged, up to the largest amount there is.
func plus(a, b gateway.Money) gateway.Money {
	if sum := a + b; sum >= a {
		return sum
	}
	return 1<<63 - 1
}

// govern says which name goes up where a client's message names a model. The session's own stays what it was opened
// with. One beside it must be a model that the key may use, at the same provider: declared in the document, or by the
// provider's own name for it.
func (s *session) govern(name string, beside bool) (string, error) {
	c := s.c
	own := s.t.a.Target
	if !beside {
		if name == c.x.Head.Model || name == own.Model {
			return own.Model, nil
		}
		f := fault.New(fault.Forbidden, "the session was opened with the model %s and keeps it; open another one for %s", bounded(c.x.Head.Model, 100), bounded(name, 100))
		f.Code = "model_not_allowed"
		return "", f
	}
	for _, asked := range [...]string{name, own.Provider + "/" + name} {
		x := &gateway.Exchange{Op: c.x.Op, Dialect: c.x.Dialect, Grant: c.x.Grant, Head: llm.Head{Model: asked}, Start: c.x.Start}
		rule, declared, err := c.s.Router.Match(x)
		if err != nil || !c.x.Grant.May(asked, declared) {
			continue
		}
		plan, err := c.s.Router.Plan(rule, x)
		if err != nil {
			continue
		}
		for _, t := range plan.Targets {
			if t.Provider != own.Provider {
				continue
			}
			if why := c.noPrice(t); why != "" && c.s.Unpriced == RefuseUnpriced {
				continue
			}
			return t.Model, nil
		}
	}
	f := fault.New(fault.Forbidden, "the key %s may not use the model %s at the provider %s, which serves this session", c.x.Grant.Key, bounded(name, 100), own.Provider)
	f.Code = "model_not_allowed"
	return "", f
}
