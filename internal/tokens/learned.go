package tokens

import (
	"math"
	"sync"
	"sync/atomic"

	"weir/internal/llm"
)

// Source names whose count it is: the same model counts differently behind different providers.
type Source struct{ Provider, Model string }

// modelsMost is how many models are learned of. Beyond it the one that was heard of longest ago is forgotten.
const modelsMost = 1024

// Limits of what can be learned: no provider, whatever it states, moves an estimate further from its family's.
const (
	ratioLeast, ratioMost = 0.5, 2.0
	onceMost              = 2048.0 // tokens beside the conversation, either way
	outLeast, outMost     = 0.5, 2.0
)

// Learned corrects estimates by what was stated. The zero value knows nothing and is ready. It is safe for concurrent use;
// reading takes no lock.
type Learned struct {
	models atomic.Pointer[map[Source]*lesson]
	mu     sync.Mutex // guards the map's replacement and every lesson's update; an update is some hundred nanoseconds
	tick   uint64
}

// lesson is what is known of one model.
type lesson struct {
	now   atomic.Pointer[correction]
	last  uint64 // of tick, when it was heard of
	heard atomic.Uint64
}

// correction is an immutable state: how far a model counts otherwise than its family. It is the estimate of a Kalman
// filter over three numbers: the ratio of what grows, and what is added once, without and with tools.
type correction struct {
	x [3]float64
	p [3][3]float64
	// of what is generated
	out, outVar float64
}

var untaught = correction{x: [3]float64{1, 0, 0}, out: 1}

// start is what is known of a family before a model is heard of: the figures, and how sure they are.
func start(f *Family) correction {
	c := untaught
	tools := 0.4*f.tools + 30
	c.p[0][0], c.p[1][1], c.p[2][2] = 0.1*0.1, 15*15, tools*tools
	c.outVar = 0.2 * 0.2
	return c
}

func (l *Learned) get(s Source) *correction {
	if le := l.lesson(s); le != nil {
		return le.now.Load()
	}
	return &untaught
}

// teach replaces a model's correction by what change makes of it.
func (l *Learned) teach(s Source, f *Family, change func(*correction)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tick++
	old := l.models.Load()
	var le *lesson
	if old != nil {
		le = (*old)[s]
	}
	if le == nil {
		le = &lesson{}
		c := start(f)
		le.now.Store(&c)
		l.models.Store(with(old, s, le))
	}
	le.last = l.tick
	c := *le.now.Load()
	change(&c)
	le.now.Store(&c)
}

// with returns a copy of the models with one more; of too many the one heard of longest ago is left out.
func with(old *map[Source]*lesson, s Source, le *lesson) *map[Source]*lesson {
	next := map[Source]*lesson{s: le}
	if old == nil {
		return &next
	}
	var oldest Source
	last := uint64(math.MaxUint64)
	for k, v := range *old {
		next[k] = v
		if v.last < last {
			oldest, last = k, v.last
		}
	}
	if len(next) > modelsMost {
		delete(next, oldest)
	}
	return &next
}

// sane reports whether a statement can be one of what was sent; what is far off teaches nothing.
func sane(stated int64, estimate float64) bool {
	const apart, above, below = 3, 800, 40
	n := float64(stated)
	return n > 0 && n <= estimate*apart+above && estimate <= n*apart+below
}

// Input corrects by what a provider stated of a request.
func (l *Learned) Input(s Source, r *llm.Request, stated int64) {
	g := gathered{}
	g.request(r)
	if g.unseen != 0 {
		return // what cannot be seen would be learned as if it were always there
	}
	f := FamilyOf(s.Model)
	grows, once, tools := f.input(&g)
	if !sane(stated, grows+once) {
		return
	}
	l.teach(s, f, func(c *correction) {
		h := [3]float64{grows, 1, 0}
		if tools {
			h[2] = 1
		}
		c.observe(h, float64(stated)-once, float64(stated))
		c.x[0] = min(max(c.x[0], ratioLeast), ratioMost)
		c.x[1] = min(max(c.x[1], -once), onceMost)
		c.x[2] = min(max(c.x[2], -onceMost), onceMost)
	})
}

// observe is a step of the filter: y is h·x, give or take. What is further off than twice what was to be expected
// counts less, and what was known fades, so that a model that changes is followed.
func (c *correction) observe(h [3]float64, y, size float64) {
	const noise, least, fade = 0.2, 8, 1.03
	var ph [3]float64
	r := size*noise + least
	e, s := y, r*r
	for i := range h {
		for j := range h {
			c.p[i][j] *= fade
			ph[i] += c.p[i][j] * h[j]
		}
		e -= h[i] * c.x[i]
	}
	for i := range h {
		s += h[i] * ph[i]
	}
	trust := min(1, 2*math.Sqrt(s)/max(math.Abs(e), 1e-9))
	for i := range h {
		c.x[i] += trust * ph[i] / s * e
		for j := range h {
			c.p[i][j] -= trust * ph[i] * ph[j] / s
		}
	}
	for i, most := range [...]float64{0.2 * 0.2, 100 * 100, 600 * 600} {
		if c.p[i][i] <= most {
			continue
		}
		scale := math.Sqrt(most / c.p[i][i]) // of row and column, or it would be the variance of nothing
		for j := range h {
			c.p[i][j] *= scale
			c.p[j][i] *= scale
		}
	}
}

// Output corrects by what a provider stated of an answer, reasoning that is not among the parts taken off.
func (l *Learned) Output(s Source, stated int64, parts ...[]llm.Part) {
	tokens, unseen := plain(s, parts)
	if unseen != 0 {
		return
	}
	const least, apart, beside, fade = 10, 0.1, 4, 1.02
	if tokens < least || !sane(stated, tokens) {
		return
	}
	l.teach(s, FamilyOf(s.Model), func(c *correction) {
		v, noise := c.outVar*fade, apart+beside/tokens
		e := float64(stated)/tokens - c.out
		k := v / (v + noise*noise)
		trust := min(1, 2*math.Sqrt(v+noise*noise)/max(math.Abs(e), 1e-9))
		c.out = min(max(c.out+trust*k*e, outLeast), outMost)
		c.outVar = min(v*(1-trust*k), 0.3*0.3)
	})
}

// Want begins to learn of a model: what is never estimated is not learned of, which costs nothing.
func (l *Learned) Want(s Source) {
	if l.lesson(s) == nil {
		l.teach(s, FamilyOf(s.Model), func(*correction) {})
	}
}

// Due reports whether what was stated of a model should be learned from now: each time at first, then now and then.
func (l *Learned) Due(s Source) bool {
	const first, every = 16, 32
	le := l.lesson(s)
	if le == nil {
		return false
	}
	n := le.heard.Add(1)
	return n <= first || n%every == 0
}

func (l *Learned) lesson(s Source) *lesson {
	if m := l.models.Load(); m != nil {
		return (*m)[s]
	}
	return nil
}
