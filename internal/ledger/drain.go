package ledger

import (
	"context"
	"errors"
	"time"

	"weir/internal/gateway"
	"weir/internal/journal"
)

// batchBytes bounds a batch beside Options.Batch.
const batchBytes = 4 << 20

// markEvery is how often the journal's mark moves while entries come without end.
const markEvery = time.Second

// tryAlone is how many entries are tried one by one where the books do not take them together.
const tryAlone = 64

// drain brings entries to the books until it is stopped.
func (l *Ledger) drain(ctx context.Context) {
	defer close(l.ended)
	d := drainer{Ledger: l, most: l.o.Batch}
	for wait := time.Duration(0); ; {
		if wait == 0 && !d.sleep(ctx, l.kick, 0) {
			return
		}
		if wait == 0 {
			wait = l.o.Gather
		}
		if !d.sleep(ctx, nil, wait) {
			return
		}
		switch caught, err := d.round(ctx); {
		case ctx.Err() != nil:
			return
		case err != nil:
			wait = min(max(2*wait, 100*time.Millisecond), l.o.Wait)
		case caught && l.atEnd():
			d.mark(true)
			wait = 0
		default:
			d.mark(false)
			wait = l.o.Gather // what is not synced yet will be
		}
		l.tidy()
	}
}

// atEnd reports whether all that is in the journal has been gone through.
func (l *Ledger) atEnd() bool {
	// What is on its way from the journal's hands to its end is in neither, and is counted all the same.
	if l.undrained.Load() > 0 || l.journal.Stats().Lazy > 0 {
		return false
	}
	end := l.journal.End()
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.drained.Compare(end) >= 0 && len(l.stranded) == 0
}

type drainer struct {
	*Ledger
	most  int // entries in the next batch: fewer after the books did not take one
	batch []gateway.Entry
}

// sleep waits for a signal or a time, if there is one, and reports whether to go on. Who is in a hurry ends any wait.
func (d *drainer) sleep(ctx context.Context, signal <-chan struct{}, wait time.Duration) bool {
	var late <-chan time.Time
	if wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		late = timer.C
	}
	select {
	case <-signal:
	case <-late:
	case <-d.hurry:
	case <-ctx.Done():
		return false
	}
	return true
}

// round brings to the books all that is there, and reports whether that is so.
func (d *drainer) round(ctx context.Context) (caught bool, err error) {
	if err := d.strandedToo(ctx); err != nil {
		return false, err
	}
	for ctx.Err() == nil {
		began := d.o.Now()
		d.mu.Lock()
		from := d.drained
		d.mu.Unlock()
		// Nothing is brought to the books that a power cut could take out of the journal: it would be unknown after it. Once
		// the journal cannot be synced any more there is nothing to wait for.
		limit := d.journal.Synced()
		if d.journal.Broken() != nil {
			limit = d.journal.End()
		}
		if from.Compare(limit) >= 0 {
			return true, nil
		}
		to, bytes, err := d.read(from, limit)
		if err != nil {
			return false, err
		}
		if len(d.batch) > 0 {
			if err := d.bring(ctx, &to, &bytes); err != nil {
				return false, err
			}
		}
		d.moved(to, len(d.batch), bytes, began)
		if d.mark(false) {
			d.tidy()
		}
	}
	return false, ctx.Err()
}

// read fills the batch with what is closed.
func (d *drainer) read(from, limit journal.Position) (to journal.Position, bytes int64, err error) {
	clear(d.batch)
	d.batch = d.batch[:0]
	d.removing.RLock()
	defer d.removing.RUnlock()
	to, err = d.journal.Read(from, limit, func(r journal.Record) bool {
		if r.Bytes == nil {
			return true
		}
		k, _, err := kindOf(r.Bytes)
		if err == nil && k != kindEntry {
			return true
		}
		var e gateway.Entry
		if err == nil {
			_, e, err = decode(r.Bytes)
		}
		if err != nil {
			d.o.Log.Error("an entry in the ledger's journal cannot be read and is not in the books", "at", r.At.String(), "error", err)
			d.mu.Lock()
			d.figures.Damaged += int64(len(r.Bytes))
			d.mu.Unlock()
			d.undrained.Add(-1)
			d.undrainedBytes.Add(-int64(len(r.Bytes)))
			return true
		}
		d.batch = append(d.batch, e)
		bytes += int64(len(r.Bytes))
		return len(d.batch) < d.most && bytes < batchBytes
	})
	return to, bytes, err
}

// bring brings the batch to the books. Where they take others and not one of its entries, that one is written to the
// journal again, to be tried later, so that it is not in the way.
func (d *drainer) bring(ctx context.Context, to *journal.Position, bytes *int64) error {
	err := d.append(ctx, d.batch)
	if err == nil {
		d.most = min(2*d.most, d.o.Batch)
		return nil
	}
	if len(d.batch) > 1 {
		d.most = max(1, len(d.batch)/2)
		return err
	}
	unfit, at := []gateway.Entry{d.batch[0]}, *to
	for len(unfit) < tryAlone && !errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		next, size, readErr := d.read(at, d.journal.Synced())
		if readErr != nil || len(d.batch) == 0 {
			break
		}
		if d.append(ctx, d.batch) == nil {
			*to, *bytes = next, size
			return d.again(unfit, err)
		}
		unfit, at = append(unfit, d.batch[0]), next
	}
	return err
}

// again writes entries to the journal once more.
func (d *drainer) again(unfit []gateway.Entry, why error) error {
	d.mu.Lock()
	d.figures.Unfit += uint64(len(unfit))
	d.mu.Unlock()
	for i := range unfit {
		d.o.Log.Error("the books do not take an entry, and take others; it is tried again later", "entry", unfit[i].ID, "error", why)
		if err := d.journal.AppendLazy(record(nil, kindEntry, &unfit[i])); err != nil {
			return err
		}
	}
	return d.journal.Sync()
}

// append brings entries to the books and takes note of how that went.
func (d *drainer) append(ctx context.Context, entries []gateway.Entry) error {
	ctx, cancel := context.WithTimeout(ctx, d.o.Patience)
	defer cancel()
	fresh, err := d.o.Books.Append(ctx, entries)
	now := d.o.Now()
	d.mu.Lock()
	defer d.mu.Unlock()
	if err != nil {
		d.figures.Failures++
		if d.failing == nil {
			d.since = now
			d.o.Log.Error("the books do not take the ledger's entries; they are kept in the journal until they do", "error", err)
		}
		d.failing = err
		return err
	}
	if d.failing != nil {
		d.o.Log.Info("the books take the ledger's entries again", "after", now.Sub(d.since).String())
	}
	d.failing, d.since, d.last = nil, time.Time{}, now
	d.figures.Drained += uint64(len(entries))
	d.figures.Fresh += uint64(fresh)
	return nil
}

// moved takes note of what the books have taken.
func (d *drainer) moved(to journal.Position, entries int, bytes int64, began time.Time) {
	d.undrainedBytes.Add(-bytes)
	if d.undrained.Add(-int64(entries)) == 0 {
		d.behind.Store(0)
	} else if to.Compare(d.journal.Synced()) >= 0 {
		d.behind.Store(began.UnixNano()) // what is left came after that
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.drained = to
	close(d.progress)
	d.progress = make(chan struct{})
}

// strandedToo brings to the books what the journal did not take.
func (d *drainer) strandedToo(ctx context.Context) error {
	for {
		d.mu.Lock()
		n := min(len(d.stranded), d.o.Batch)
		entries := d.stranded[:n:n]
		d.mu.Unlock()
		if n == 0 {
			return nil
		}
		if err := d.append(ctx, entries); err != nil {
			return err
		}
		d.mu.Lock()
		d.stranded = append([]gateway.Entry(nil), d.stranded[n:]...)
		close(d.progress)
		d.progress = make(chan struct{})
		d.mu.Unlock()
	}
}

// mark writes down how far the books have come, and reports whether it did: for now, or where a segment is done with, or
// once in a while.
func (d *drainer) mark(now bool) bool {
	d.mu.Lock()
	to := d.drained
	d.mu.Unlock()
	t := time.Now() // not the ledger's clock: this is about what the disk can do
	before := d.journal.Marked()
	if to == before || !now && to.Segment == before.Segment && t.Sub(d.marked) < markEvery {
		return false
	}
	d.marked = t
	if err := d.journal.Mark(to); err != nil {
		d.o.Log.Error("the ledger's journal cannot be marked; what is in the books is brought to them again after the next start", "error", err)
		return false
	}
	return true
}

// Flush waits until everything that was closed before it was called is in the books, or ctx ends: then the error says why
// it is not.
func (l *Ledger) Flush(ctx context.Context) error {
	synced := make(chan error, 1)
	var end journal.Position
	go func() {
		err := l.journal.Sync()
		if l.journal.Broken() != nil {
			err = nil // what it has is brought to the books all the same
		}
		end = l.journal.End()
		synced <- err
	}()
	select {
	case err := <-synced:
		if err != nil {
			return err
		}
	case <-ctx.Done():
		return ctx.Err()
	}
	for {
		l.mu.Lock()
		done := l.drained.Compare(end) >= 0 && len(l.stranded) == 0
		progress, failing := l.progress, l.failing
		l.mu.Unlock()
		if done {
			return nil
		}
		wake(l.hurry)
		select {
		case <-progress:
		case <-l.ended:
			return errors.Join(errors.New("the ledger is closed"), failing)
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return errors.Join(ctx.Err(), failing)
		}
	}
}
