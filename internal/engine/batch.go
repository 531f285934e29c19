package engine

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/gateway"
	"weir/internal/llm"
	"weir/internal/rawjson"
	"weir/internal/splice"
)

// batchFile is a file of requests, or a body that holds them, of which every one is allowed to the key.
type batchFile struct {
	file      []byte
	path      string   // where its requests go alone
	lines     int      // how many there are
	providers []string // that can take all of it, in the order of the first request's plan
	dialect   dialect.Dialect
	places    map[string]*Place
	bodies    []body
	ways      []way
}

// body is the place of one request, and which way it can go.
type body struct {
	at       splice.Span
	way      int
	nameless bool // its model stands beside it
}

// way is where a request can go: the same for most requests of a batch.
type way struct {
	asked   string           // the model, as the client calls it
	targets []gateway.Target // one a provider that takes batches of such requests
	most    int64            // the model's limit on output
}

func (w *way) target(provider string) (gateway.Target, bool) {
	i := slices.IndexFunc(w.targets, func(t gateway.Target) bool { return t.Provider == provider })
	if i < 0 {
		return gateway.Target{}, false
	}
	return w.targets[i], true
}

// admitLines reads a file of requests in OpenAI's dialect and judges each as if it came alone: its dialect reads it, the
// key must be allowed its model, every policy has its say and it is planned. Nothing was sent before it. The error is a
// *fault.Fault that names the line.
func (c *call) admitLines(file []byte) (*batchFile, error) {
	if b, ok := c.s.Dialect(llm.MistralBatches).(dialect.Batcher); ok && b.(dialect.Later).Later(file) {
		return c.takeLate(b, file)
	}
	b, ok := c.s.Dialect(llm.OpenAIBatches).(dialect.Batcher)
	if !ok {
		return nil, fault.New(fault.NotFound, "this build takes no batches")
	}
	return c.admitBatch(b, &dialect.Call{}, file)
}

// admitBatch is admitLines for any dialect of batches, and for requests that a call brings itself: then file is nil. Policies
// are asked when everything else is right: a request that is counted is one that can be sent.
func (c *call) admitBatch(b dialect.Batcher, in *dialect.Call, file []byte) (*batchFile, error) {
	held := file
	if held == nil {
		held = in.Body
	}
	f := &batchFile{file: held, places: c.s.Places}
	seen := map[string]int{}
	for line, err := range b.Lines(in, file) {
		if err != nil {
			return nil, err
		}
		one := c.line(&line, held)
		if err := one.judge(&line); err != nil {
			return nil, line.At(fault.Of(err))
		}
		if err := f.take(b, one, &line, seen); err != nil {
			return nil, line.At(fault.Of(err))
		}
	}
	if len(c.s.Admitters) == 0 {
		return f, nil
	}
	for line, err := range b.Lines(in, file) {
		if err == nil {
			err = c.permit(&line, held)
		}
		if err != nil {
			return nil, line.At(fault.Of(err))
		}
	}
	return f, nil
}

// line returns the working state in which one request of a batch is judged.
func (c *call) line(l *dialect.Line, file []byte) *call {
	x := &gateway.Exchange{
		ID: c.x.ID, Start: c.x.Start, Revision: c.x.Revision, Method: c.x.Method, Path: l.Path, Client: c.x.Client, Agent: c.x.Agent,
		Dialect: l.Dialect, Op: l.Op, Grant: c.x.Grant, Strict: c.x.Strict, Batch: c.x.Batch, BytesIn: int64(l.Body.End - l.Body.Start),
	}
	one := &call{e: c.e, s: c.s, x: x, w: c.w, r: c.r, d: c.s.Dialect(l.Dialect)}
	one.in = dialect.Call{Op: l.Op, Path: l.Path, Header: c.in.Header, Body: file[l.Body.Start:l.Body.End:l.Body.End]}
	return one
}

// judge reads a request of a batch, matches and plans it.
func (c *call) judge(l *dialect.Line) (err error) {
	x := c.x
	if c.d == nil {
		return fault.New(fault.NotFound, "this build does not speak %s", l.Dialect)
	}
	if err := c.peekLine(l); err != nil {
		return err
	}
	if err := c.fitsBatch(); err != nil {
		return err
	}
	if err := c.match(); err != nil {
		return err
	}
	if x.Plan, err = c.s.Router.Plan(x.Plan.Rule, x); err != nil {
		return err
	}
	if err := c.own(); err != nil {
		return err
	}
	return c.priced()
}

// peekLine reads the head of a request of a batch, whose model may stand beside it: then it is read as if it named it.
func (c *call) peekLine(l *dialect.Line) (err error) {
	if l.Model != "" && rawjson.IsNull(rawjson.Get(c.in.Body, "model")) {
		c.in.Body = namedIn(c.in.Body, l.Model)
	}
	if c.x.Head, err = c.d.Peek(&c.in); err != nil {
		return err
	}
	if l.Model != "" && l.Model != c.x.Head.Model {
		return refusal("model", "it names another model than the batch: leave it out, or make a batch for each model")
	}
	return nil
}

// namedIn returns a body that names a model, which is an object that names none.
func namedIn(body []byte, model string) []byte {
	out := rawjson.AppendString(append(make([]byte, 0, len(body)+len(model)+16), `{"model":`...), model)
	if rest := rawjson.Space(body, 1); body[rest] != '}' {
		out = append(out, ',')
	}
	return append(out, body[1:]...)
}

// match finds the rule of a request of a batch and looks whether its key may ask for the model.
func (c *call) match() error {
	rule, declared, err := c.s.Router.Match(c.x)
	if err != nil {
		return err
	}
	c.x.Plan.Rule = rule
	if !c.x.Grant.May(c.x.Head.Model, declared) {
		f := fault.New(fault.Forbidden, "the key %s may not use the model %s; GET /v1/models lists those it may", c.x.Grant.Key, bounded(c.x.Head.Model, 100))
		f.Param, f.Code = "model", "model_not_allowed"
		return f
	}
	return nil
}

// fitsBatch refuses what a request alone may say and one of a batch may not.
func (c *call) fitsBatch() error {
	switch {
	case c.x.Head.Model == "":
		return refusal("model", "it names no model")
	case c.x.Head.Stream:
		return refusal("stream", "there is no stream in a batch: leave out stream")
	case holdsSeal(c.in.Body):
		return refusal("", "it holds reasoning that another provider sealed; leave that out, or send the request alone")
	case c.e.things != nil && c.e.things.Any() && bytes.Contains(c.in.Body, []byte(llm.ThingTag)):
		return refusal("", "it refers to a file that is kept here; requests of a batch must bring what they need")
	}
	k, ok := c.d.(dialect.Keeper)
	if !ok {
		return nil
	}
	said, err := k.Thread(c.in)
	switch {
	case err != nil:
		return err
	case said.Previous != "":
		return refusal("previous_response_id", "a request of a batch goes on from nothing that is kept; send the conversation itself")
	case len(said.References) > 0:
		return refusal("input", "it refers to items that are kept; send the items themselves")
	}
	return nil
}

// permit lets every policy judge a request of a batch, and settles it: a request that can be sent has had its turn, whatever
// becomes of its batch. What it costs is another matter, which its result tells.
func (c *call) permit(l *dialect.Line, file []byte) (err error) {
	one := c.line(l, file)
	defer func() {
		one.x.Ending = gateway.Done
		if err != nil {
			one.x.Ending, one.x.Fault = gateway.Refused, fault.Of(err)
		}
		for _, v := range slices.Backward(one.admits) {
			if s, ok := v.(gateway.Settler); ok {
				s.Settle(one.x)
			}
		}
	}()
	if err := one.peekLine(l); err != nil {
		return err
	}
	if err := one.match(); err != nil {
		return err
	}
	for _, a := range c.s.Admitters {
		if err := a.Admit(c.r.Context(), one.x); err != nil {
			return err
		}
		one.admits = append(one.admits, a)
	}
	return nil
}

// take adds a request that was judged, and leaves the providers that can take it too.
func (f *batchFile) take(b dialect.Batcher, one *call, l *dialect.Line, seen map[string]int) error {
	var room [256]byte
	key := strconv.AppendInt(append(room[:0], one.x.Head.Model...), one.x.Plan.MaxOutput, 10)
	for _, t := range one.x.Plan.Targets {
		key = append(append(append(append(key, 0), t.Provider...), 0), t.Model...)
	}
	at, known := seen[string(key)]
	if !known {
		w := way{asked: one.x.Head.Model, most: one.x.Plan.MaxOutput}
		for _, t := range one.x.Plan.Targets {
			if _, twice := w.target(t.Provider); !twice && takesBatch(one.s.Places[t.Provider], b, l) {
				w.targets = append(w.targets, t)
			}
		}
		if len(w.targets) == 0 {
			f := fault.New(fault.NotFound, "no provider of the model %s takes batches: it must speak %s", bounded(w.asked, 100), needs(b, l))
			f.Param = "model"
			return f
		}
		if err := f.narrow(&w); err != nil {
			return err
		}
		at = len(f.ways)
		seen[string(key)] = at
		f.ways = append(f.ways, w)
	}
	if err := one.asItIs(f.ways[at].targets); err != nil {
		return err
	}
	f.lines++
	f.path, f.dialect = l.Path, one.d
	f.bodies = append(f.bodies, body{l.Body, at, len(one.in.Body) != l.Body.End-l.Body.Start})
	return nil
}

// asItIs refuses a request that a target would take only after a transform of its model: what a transform makes of it may
// be many times as large, and of a batch's requests that is not bounded.
func (c *call) asItIs(targets []gateway.Target) error {
	if !c.concerned() {
		return nil
	}
	for _, target := range targets {
		t := &try{a: &gateway.Attempt{Target: target, Dialect: c.d.Name()}, place: c.s.Places[target.Provider]}
		switch unfit, err := c.unfit(t); {
		case err != nil:
			return err
		case unfit:
			return fault.New(fault.Unsupported, "the target %s would take it only after a transform of the model, which batches do without; send it as the target takes it", target)
		}
	}
	return nil
}

// narrow leaves the providers that are on a way too.
func (f *batchFile) narrow(w *way) error {
	if len(f.ways) == 0 {
		for _, t := range w.targets {
			f.providers = append(f.providers, t.Provider)
		}
		return nil
	}
	var left []string
	for _, name := range f.providers {
		if _, ok := w.target(name); ok {
			left = append(left, name)
		}
	}
	if left == nil {
		var other []string
		for _, t := range w.targets {
			other = append(other, t.Provider)
		}
		f := fault.New(fault.Malformed, "the model %s is served by %s and those before it by %s: one provider takes a whole batch; make one for each",
			bounded(w.asked, 100), bounded(strings.Join(other, ", "), 200), bounded(strings.Join(f.providers, ", "), 200))
		f.Param = "model"
		return f
	}
	f.providers = left
	return nil
}

// takesBatch reports whether a provider takes batches of such requests.
func takesBatch(p *Place, b dialect.Batcher, l *dialect.Line) bool {
	return p != nil && speaks(p, llm.OpBatch, b.Name()) && speaks(p, l.Op, l.Dialect) && (b.Files() == "" || speaks(p, llm.OpFile, b.Files()))
}

// needs names the dialects that a provider must speak to take a batch.
func needs(b dialect.Batcher, l *dialect.Line) string {
	all := string(b.Name())
	if b.Files() != "" {
		all += ", " + string(b.Files())
	}
	return all + " and " + string(l.Dialect)
}

// write appends the file with each model as the provider calls it, and the model's limit on output; every other byte stays.
func (f *batchFile) write(dst []byte, provider string) ([]byte, error) {
	from := 0
	for _, b := range f.bodies {
		w := &f.ways[b.way]
		target, ok := w.target(provider)
		if !ok {
			return dst, fault.New(fault.Internal, "the batch was written for a provider that does not take it")
		}
		dst = append(dst, f.file[from:b.at.Start]...)
		from = b.at.End
		was := f.file[b.at.Start:b.at.End:b.at.End]
		in := dialect.Call{Path: f.path, Body: was}
		if b.nameless {
			in.Body = namedIn(was, w.asked)
		}
		head, err := f.dialect.Peek(&in)
		if err != nil {
			return dst, err
		}
		edit := dialect.Edit{}
		if target.Model != head.Model {
			edit.Model = target.Model
		}
		if w.most > 0 && (head.MaxOutput == 0 || head.MaxOutput > w.most) {
			edit.MaxOutput, edit.MaxName = w.most, f.places[provider].Facts(target.Model).Quirks.MaxName()
		}
		if edit == (dialect.Edit{}) || b.nameless && edit.MaxOutput == 0 {
			dst = append(dst, was...)
			continue
		}
		dst = slices.Grow(dst, len(in.Body)+6*len(target.Model)+256) // or each edit would copy what is before it
		before := len(dst)
		out, err := f.dialect.Edit(dst, in, edit)
		if err != nil {
			return dst, err
		}
		dst = append(dst[:before], out.Body...) // where it is there already, onto itself
	}
	return append(dst, f.file[from:]...), nil
}

// call returns the call by which a provider is asked to make a batch of requests that stand in it.
func (f *batchFile) call(b dialect.Batcher, in dialect.Call, provider string) (dialect.Call, error) {
	body, err := f.write(nil, provider)
	if err != nil {
		return in, err
	}
	in.Body, in.Index = body, splice.Index{}
	if _, err := b.Peek(&in); err != nil {
		return in, err
	}
	target, _ := f.ways[0].target(provider)
	return b.Named(in, target.Model)
}

// asked tells which models the provider is asked for, and what the client calls them.
func (f *batchFile) asked(provider string) []gateway.Renamed {
	var out []gateway.Renamed
	for i := range f.ways {
		t, ok := f.ways[i].target(provider)
		if r := (gateway.Renamed{Asked: f.ways[i].asked, Target: t.Model}); ok && !slices.Contains(out, r) {
			out = append(out, r)
		}
	}
	return out
}
