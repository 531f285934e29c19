package telemetry

import "weir/internal/gateway"

// session writes what only a session has: how many answers were given in it, and what other models used beside the one
// that answered.
func (e *encoder) session(x *gateway.Exchange) {
	if x.Answers > 0 {
		e.w.Name("answers").Int(x.Answers)
	}
	if len(x.Beside) == 0 {
		return
	}
	e.w.Name("beside").Open('[')
	for i := range x.Beside {
		b := &x.Beside[i]
		e.w.Open('{')
		e.name("model", b.Model)
		for j := range usageFields {
			if f := &usageFields[j]; b.Usage.Said&f.said != 0 {
				e.w.Name(f.name).Int(f.value(&b.Usage))
			}
		}
		e.w.Name("cost_usd").Raw([]byte(b.Cost.String()[1:])).Close('}')
	}
	e.w.Close(']')
}
