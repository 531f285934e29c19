package engine

import (
	"net/http"
	"slices"
	"strconv"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/frame"
	"weir/internal/gateway"
	"weir/internal/llm"
)

// side is an operation beside conversations on its way from one dialect to another: embeddings, ranking, classes, images.
// One exchange has one; its request is decoded once.
type side interface {
	// prepare makes the body for the target in the dialect it speaks, which is t.up.
	prepare(c *call, t *try) error
	// translate carries a whole answer into the client's dialect.
	translate(c *call, t *try, resp *http.Response, body []byte, reading *dialect.Reading) *fault.Fault
}

// sides begins an operation, by its name. Conversations are not among them.
var sides = map[llm.Op]func() side{
	llm.OpEmbeddings: begins(&embeddings),
	llm.OpRerank:     begins(&rankings),
	llm.OpClassify:   begins(&classes),
	llm.OpImage:      begins(&pictures),
	llm.OpImageEdit:  begins(&pictures),
}

func begins[D, Q, A any](f *face[D, Q, A]) func() side {
	return func() side { return &between[D, Q, A]{face: f} }
}

// besides reports whether the operation is no conversation, and begins it.
func (c *call) besides() bool {
	if begin := sides[c.x.Op]; c.side == nil && begin != nil {
		c.side = begin()
	}
	return c.side != nil
}

// face is what dialects do for one operation, as methods of D, the interface of those that have it. Q is its request, A
// its answer.
type face[D, Q, A any] struct {
	decode func(D, dialect.Call) (*Q, error)
	encode func(D, *Q, llm.Facts) (dialect.Call, []llm.Loss, error)
	read   func(D, []byte) (*A, error)
	write  func(D, *Q, *A) ([]byte, []llm.Loss, error)

	usage func(*A) **llm.Usage // where the meter's stands in for one that the body does not state; nil = it does not
	other func(*A) *llm.Else

	// split makes requests of one that takes several calls at a target; nil = one call takes all.
	split func(D, *Q, llm.Facts, gateway.Target) ([]*Q, error)
	// join adds what the call of a later part brought to what the first one did.
	join func(first *A, parts []*Q, i int, more *A)
	// lacks notes that some of the parts failed: the others are an answer. nil = they are none.
	lacks func(first *A, failed int, f *fault.Fault)
}

// between is an operation between two dialects.
type between[D, Q, A any] struct {
	*face[D, Q, A]
	asked *Q
	parts []*Q // of the attempt under way: one a call
}

// decoded reads the client's request.
func (b *between[D, Q, A]) decoded(c *call) (*Q, error) {
	if b.asked == nil {
		q, err := b.decode(c.d.(D), c.in)
		if err != nil {
			return nil, err
		}
		b.asked = q
	}
	return b.asked, nil
}

func (b *between[D, Q, A]) prepare(c *call, t *try) error {
	t.a.Dialect, t.a.Mode = t.up.Name(), gateway.Translated
	q, err := b.decoded(c)
	if err != nil {
		return err
	}
	up, facts := t.up.(D), t.place.Facts(t.a.Target.Model)
	b.parts = []*Q{q}
	if b.split != nil {
		if b.parts, err = b.split(up, q, facts, t.a.Target); err != nil {
			return err
		}
	}
	var calls []dialect.Call
	var losses []llm.Loss // what some of the calls lose is told once
	for _, part := range b.parts {
		one, lost, err := b.encode(up, part, facts)
		if err != nil {
			return err
		}
		calls = append(calls, one)
		for _, l := range lost {
			if !slices.Contains(losses, l) {
				losses = append(losses, l)
			}
		}
	}
	t.more = calls[1:]
	return c.encoded(t, calls[0], losses, "application/json")
}

func (b *between[D, Q, A]) translate(c *call, t *try, resp *http.Response, body []byte, reading *dialect.Reading) *fault.Fault {
	a, f := b.readAnswer(t, body)
	if f != nil {
		return f
	}
	if b.usage != nil && *b.usage(a) == nil { // it may stand in the answer's head
		*b.usage(a) = reading.Usage
	}
	if len(t.more) > 0 {
		if f := b.rest(c, t, a, reading); f != nil {
			return f
		}
	}
	*b.other(a) = llm.Else{ID: c.x.ID, Model: t.a.Target.Model, Created: llm.Num(strconv.FormatInt(c.x.Start.Unix(), 10))}
	out, losses, err := b.write(c.d.(D), b.asked, a)
	if err != nil {
		return fault.Of(err)
	}
	t.a.Losses = append(t.a.Losses, losses...)
	c.began(t)
	c.answer(t, resp, out)
	c.done(t, reading)
	return nil
}

// readAnswer reads an answer of the target.
func (b *between[D, Q, A]) readAnswer(t *try, body []byte) (*A, *fault.Fault) {
	a, err := b.read(t.up.(D), body)
	if err == nil {
		return a, nil
	}
	if f := fault.Of(err); f.Kind == fault.ContentPolicy {
		return nil, f
	}
	f := garbage(t)
	f.Cause = err
	return nil, f
}

// answer writes a whole answer that this gateway encoded.
func (c *call) answer(t *try, resp *http.Response, out []byte) {
	kind := "application/json"
	if c.x.Head.Stream {
		kind = frame.ContentType(c.x.Head.Framing)
	}
	c.w.Header()["Content-Length"] = []string{strconv.Itoa(len(out))}
	c.ownHead(resp, kind, c.lost.add(t.a.Losses))
	c.write(out)
}
