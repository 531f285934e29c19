package telemetry

import "weir/internal/gateway"

// Tee returns an Observer that shows each exchange to all of obs, in order; nil ones are left out. All of them see the
// same exchange, so after End none may change it.
func Tee(obs ...gateway.Observer) gateway.Observer {
	var all tee
	for _, o := range obs {
		switch o := o.(type) {
		case nil:
		case tee:
			all = append(all, o...)
		default:
			all = append(all, o)
		}
	}
	if len(all) == 1 {
		return all[0]
	}
	return all
}

type tee []gateway.Observer

func (t tee) Begin(x *gateway.Exchange) {
	for _, o := range t {
		o.Begin(x)
	}
}

func (t tee) End(x *gateway.Exchange) {
	for _, o := range t {
		o.End(x)
	}
}
