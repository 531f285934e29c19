package engine

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"strconv"
	"sync"
	"time"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/gateway"
	"weir/internal/llm"
	"weir/internal/provider"
	"weir/internal/rawjson"
)

// How often a batch is asked after: first after watchFirst, then after twice as long each time, up to watchMost.
const (
	watchFirst = time.Minute
	watchMost  = 15 * time.Minute
	atOnce     = 4                // batches that are asked after at the same time
	fetchTime  = 15 * time.Minute // for one of them, its results too
)

// watcher asks after every batch that is not settled, so that what it comes to is recorded whether or not its client
// comes back. One goroutine decides whose turn it is; a few more ask.
type watcher struct {
	first, most time.Duration

	mu      sync.Mutex // guards what follows, taken for a few instructions when a batch is made, seen or looked after
	waiting map[[2]string]*waiting
	stopped bool
	wake    chan struct{}
	stop    chan struct{}
	done    sync.WaitGroup
	noting  sync.Mutex // a batch is read and replaced in the store by one at a time
}

// waiting is a batch that is not settled.
type waiting struct {
	next  time.Time
	pause time.Duration
	busy  bool
	over  bool                // seen in an end state
	read  map[uint64]struct{} // requests that are recorded already, of results that broke off
}

// Watching changes how long after it was made a batch is first asked after, and the longest pause then. Call it before
// Things.
func (e *Engine) Watching(first, most time.Duration) { e.batches.first, e.batches.most = first, most }

// Things makes the engine keep in t whose files, batches and jobs are whose, and look after the batches there. Call it
// before the first exchange.
func (e *Engine) Things(t gateway.Things) {
	e.things = t
	w := &e.batches
	if w.first == 0 {
		w.first, w.most = watchFirst, watchMost
	}
	if w.stop != nil {
		return // it looks after whatever the store has
	}
	w.waiting, w.wake, w.stop = map[[2]string]*waiting{}, make(chan struct{}, 1), make(chan struct{})
	w.done.Go(func() { e.watchBatches() })
}

// Unsettled returns how many batches there are of which not every request is recorded.
func (e *Engine) Unsettled() int {
	w := &e.batches
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.waiting)
}

// end stops the watcher and waits for what it does.
func (w *watcher) end() {
	w.mu.Lock()
	if w.stop == nil || w.stopped {
		w.mu.Unlock()
		return
	}
	w.stopped = true
	close(w.stop)
	w.mu.Unlock()
	w.done.Wait()
}

// expect has a batch looked after.
func (w *watcher) expect(t *gateway.Thing) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.entry(t)
	w.nudge()
}

// hurry has a batch looked after now, and reports whether its end was seen: now, where over says so, or before.
func (w *watcher) hurry(t *gateway.Thing, over bool) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	one := w.entry(t)
	if one == nil {
		return over
	}
	if !one.over {
		one.over, one.next = over, time.Now()
	}
	w.nudge()
	return one.over
}

// entry returns what is known of a batch that is not settled, nil where nothing is looked after. w.mu is held.
func (w *watcher) entry(t *gateway.Thing) *waiting {
	if w.stop == nil {
		return nil
	}
	key := [2]string{t.Owner, t.ID}
	one := w.waiting[key]
	if one == nil {
		one = &waiting{next: time.Now().Add(w.first), pause: w.first}
		w.waiting[key] = one
	}
	return one
}

// nudge has the watcher look whose turn it is.
func (w *watcher) nudge() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// due returns the batches whose turn it is, and how long until the next one's.
func (w *watcher) due(now time.Time) (keys [][2]string, next time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	next = w.most
	busy := 0
	for _, one := range w.waiting {
		if one.busy {
			busy++
		}
	}
	for key, one := range w.waiting {
		switch wait := one.next.Sub(now); {
		case one.busy:
		case wait > 0:
			next = min(next, wait)
		case busy < atOnce:
			one.busy = true
			busy++
			keys = append(keys, key)
		}
	}
	return keys, next
}

// begun returns what is recorded already of a batch. It belongs to whoever looks after the batch.
func (w *watcher) begun(key [2]string) map[uint64]struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	one := w.waiting[key]
	if one == nil {
		return map[uint64]struct{}{}
	}
	if one.read == nil {
		one.read = map[uint64]struct{}{}
	}
	return one.read
}

// looked notes that a batch was asked after; settled, that this need not be done again.
func (w *watcher) looked(key [2]string, settled bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if one := w.waiting[key]; settled {
		delete(w.waiting, key)
	} else if one != nil {
		one.pause = min(2*one.pause, w.most)
		one.busy, one.next = false, time.Now().Add(one.pause)
	}
	w.nudge()
}

// watchBatches runs until the engine is closed.
func (e *Engine) watchBatches() {
	w := &e.batches
	for _, t := range e.things.Unsettled() { // of the process before
		w.expect(&t)
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case <-w.wake:
		case <-w.stop:
			return
		}
		keys, next := w.due(time.Now())
		for _, key := range keys {
			w.done.Go(func() { w.looked(key, e.lookAfter(key)) })
		}
		timer.Reset(next)
	}
}

// lookAfter asks after a batch and records what it came to, if it is over. It reports whether nothing is left to do.
func (e *Engine) lookAfter(key [2]string) (settled bool) {
	thing, ok := e.things.Get(key[0], key[1])
	if !ok || thing.Settled {
		return true // deleted, or done
	}
	s := e.snapshot.Load()
	if s == nil {
		return false
	}
	defer func() {
		if p := recover(); p != nil { // what a provider says of one batch must not end the gateway
			x := e.lineOf(s, &thing, "", onlyModel(&thing))
			x.Op, x.Ending, x.Status = llm.OpBatch, gateway.Failed, http.StatusInternalServerError
			x.Fault = &fault.Fault{Kind: fault.Internal, Message: "the gateway failed on this batch", Cause: fmt.Errorf("panic: %v\n%s", p, debug.Stack())}
			e.record(x)
			settled = false
		}
	}()
	place := s.Places[thing.Target.Provider]
	b, ok := s.Dialect(thing.Dialect).(dialect.Batcher)
	if place == nil || !ok {
		return false // the document may name the provider again
	}
	ctx, cancel := context.WithTimeout(e.ending, fetchTime)
	defer cancel()
	answer, err := fetchBatch(ctx, place, b, thing.Native)
	if errors.Is(err, errGone) {
		return e.lostBatch(s, &thing)
	}
	if err != nil {
		return false
	}
	said, err := b.Batch(answer)
	if err != nil || said.ID != thing.Native {
		return false
	}
	if _, err := e.noteBatch(b, &thing, &said, answer, ""); err != nil || !said.Ended {
		return false
	}
	m := lineMeter{e: e, s: s, place: place, b: b, thing: &thing, read: e.batches.begun(key)}
	return m.settle(ctx, &said) == nil
}

// shown is what a client gets in place of what the provider says of a batch.
func shown(b dialect.Batcher, thing *gateway.Thing, base string) dialect.Batch {
	_, path := b.Way(dialect.BatchResults, thing.ID)
	return dialect.Batch{ID: thing.ID, Input: thing.Parent, Results: base + path}
}

// noteBatch notes what a provider says of a batch, and has it settled where it is over. It returns the object as the
// client gets it.
func (e *Engine) noteBatch(b dialect.Batcher, thing *gateway.Thing, said *dialect.Batch, answer []byte, base string) ([]byte, error) {
	as := shown(b, thing, base)
	var err error
	if as.Output, err = e.resultFile(b, thing, said.Output, "output"); err != nil {
		return nil, err
	}
	if as.Error, err = e.resultFile(b, thing, said.Error, "error"); err != nil {
		return nil, err
	}
	out, err := b.Shown(nil, answer, as)
	if err != nil {
		return nil, err
	}
	thing.Object = b.Kept(nil, out)
	if err := e.replace(thing); err != nil {
		return nil, err
	}
	if said.Ended && !thing.Settled {
		e.batches.hurry(thing, true)
	}
	return out, nil
}

// replace puts a batch in the place of what is kept of it, if it is still there. What is settled stays settled.
func (e *Engine) replace(thing *gateway.Thing) error {
	e.batches.noting.Lock()
	defer e.batches.noting.Unlock()
	now, ok := e.things.Get(thing.Owner, thing.ID)
	if !ok {
		return nil
	}
	thing.Settled = thing.Settled || now.Settled
	return e.things.Put(*thing)
}

// filePrefix is how OpenAI's ids of files begin.
const filePrefix = "file-"

// resultFile makes a file of results the key's own and returns its id, "" where there is none.
func (e *Engine) resultFile(b dialect.Batcher, batch *gateway.Thing, native, what string) (string, error) {
	if native == "" {
		return "", nil
	}
	id := e.things.Name(batch.Owner, filePrefix, llm.ThingFile, batch.Target.Provider, native)
	if _, ok := e.things.Get(batch.Owner, id); ok || batch.Settled {
		return id, nil // once it is deleted it does not come back
	}
	w := &rawjson.Writer{}
	w.Open('{').Name("object").String("file").Name("id").String(id).Name("purpose").String("batch_output")
	w.Name("filename").String(batch.ID + "_" + what + ".jsonl").Name("bytes").Int(0)
	w.Name("created_at").Raw(strconv.AppendInt(nil, time.Now().Unix(), 10)).Name("expires_at").Null().Name("status").String("processed").Close('}')
	return id, e.things.Put(gateway.Thing{
		ID: id, Kind: llm.ThingFile, Owner: batch.Owner, Dialect: b.Files(), Target: gateway.Target{Provider: batch.Target.Provider},
		Native: native, Made: time.Now(), Ends: batch.Ends, Object: w.Buf, Purpose: "batch_output", Parent: batch.ID,
	})
}

// stillRead reports whether a file holds results of a batch that are not recorded yet.
func (e *Engine) stillRead(file *gateway.Thing) bool {
	if file.Purpose != "batch_output" {
		return false
	}
	batch, ok := e.things.Get(file.Owner, file.Parent)
	return ok && !batch.Settled && batch.Kind == llm.ThingBatch
}

// errand is something the gateway asks a provider for itself.
type errand struct {
	dialect      llm.Dialect
	op           llm.Op
	method, path string
}

var errGone = errors.New("the provider does not have it any more")

// fetch asks a provider with the gateway's credential; an answer that is none becomes an error.
func fetch(ctx context.Context, place *Place, what errand) (*http.Response, error) {
	return fetchAsked(ctx, place, what, "")
}

// fetchAsked is fetch with a query.
func fetchAsked(ctx context.Context, place *Place, what errand, query string) (*http.Response, error) {
	req, err := place.Provider.Request(ctx, provider.Shot{
		Dialect: what.dialect, Method: what.method, Body: http.NoBody, Call: dialect.Call{Op: what.op, Path: what.path, Query: query},
	})
	if err != nil {
		return nil, err
	}
	resp, err := place.Client.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode == http.StatusOK {
		return resp, nil
	}
	_ = resp.Body.Close()
	if resp.StatusCode == http.StatusNotFound || resp.StatusCode == http.StatusGone {
		return nil, errGone
	}
	return nil, fmt.Errorf("the provider answered %d", resp.StatusCode)
}

// fetchWhole does so for an answer that is small.
func fetchWhole(ctx context.Context, place *Place, what errand) ([]byte, error) {
	resp, err := fetch(ctx, place, what)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	return readSome(resp.Body, errorMost)
}

// fetchBatch asks a provider for the object of a batch, without the results that may stand in it.
func fetchBatch(ctx context.Context, place *Place, b dialect.Batcher, native string) ([]byte, error) {
	method, path := b.Way(dialect.BatchGet, native)
	resp, err := fetch(ctx, place, errand{b.Name(), llm.OpBatch, method, path})
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	if b.Lists() == nil {
		return readSome(resp.Body, errorMost)
	}
	sieve := rawjson.Sieve{Lists: b.Lists(), Most: resultMost, Rest: answerMost}
	return sieve.Read(resp.Body, func(int, []byte) error { return nil })
}

// lostBatch records that a provider does not have a batch any more whose results were not recorded: what they cost is not
// known.
func (e *Engine) lostBatch(s *Snapshot, thing *gateway.Thing) bool {
	x := e.lineOf(s, thing, "", onlyModel(thing))
	x.Ending, x.Fault = gateway.Failed, fault.New(fault.NotFound, "the provider %s does not have this batch or its results any more; what its %d requests came to is not known", thing.Target.Provider, thing.Lines)
	x.Op, x.Status, x.Unpriced, x.Alert = llm.OpBatch, http.StatusNotFound, "the results of the batch are gone", s.Unpriced == AlertUnpriced
	e.record(x)
	thing.Settled = true
	return e.replace(thing) == nil
}
