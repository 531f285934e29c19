package ledger

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"

	"weir/internal/gateway"
	"weir/internal/journal"
)

// replay finds in the journal what the process before this one left. Its open holds become unknown.
func (l *Ledger) replay() error {
	if torn := l.journal.Stats().Torn; torn > 0 {
		l.o.Log.Info("the last write to the ledger's journal broke off: what it was for was not sent, or is unknown", "bytes", torn)
	}
	holds := map[string][]byte{}
	var failed error
	mark, last := l.drained, journal.Position{}
	end := l.journal.End()
	to, err := l.journal.Read(journal.Position{}, end, func(r journal.Record) bool {
		l.figures.Damaged += r.Skipped
		if r.Skipped > 0 {
			l.o.Log.Error("the ledger's journal is damaged, and entries may be missing", "bytes", r.Skipped, "before", r.At.String())
		}
		if r.Bytes == nil {
			return true
		}
		last = r.End
		k, id, err := kindOf(r.Bytes)
		if err != nil {
			failed = fmt.Errorf("the record at %v: %w", r.At, err)
			return false
		}
		if k == kindHold {
			holds[string(id)] = bytes.Clone(r.Bytes)
			return true
		}
		delete(holds, string(id))
		if k == kindEntry && r.End.Compare(mark) > 0 {
			l.undrained.Add(1)
			l.undrainedBytes.Add(int64(len(r.Bytes)))
		}
		return true
	})
	switch {
	case failed != nil:
		return failed
	case err != nil:
		return fmt.Errorf("reading it came to %v of %v, after %v: %w", to, end, last, err)
	}
	if l.undrained.Load() > 0 {
		l.behind.Store(l.o.Now().UnixNano())
	}
	return l.lose(holds)
}

// lose makes entries in the state unknown of holds that nobody will close.
func (l *Ledger) lose(holds map[string][]byte) error {
	entries := make([]gateway.Entry, 0, len(holds))
	for id, b := range holds {
		_, e, err := decode(b)
		if err != nil {
			return fmt.Errorf("the hold %.60q: %w", id, err)
		}
		e.State, e.Cost, e.Ended = gateway.EntryUnknown, e.Held, l.o.Now()
		entries = append(entries, e)
	}
	slices.SortFunc(entries, func(a, b gateway.Entry) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID)) })
	var b []byte
	for i := range entries {
		b = record(b[:0], kindEntry, &entries[i])
		if err := l.journal.AppendLazy(b); err != nil {
			return err
		}
		l.count(len(b))
	}
	l.unknown = len(entries)
	if len(entries) == 0 {
		return nil
	}
	l.o.Log.Warn("requests were open when the gateway last ended: each is charged what was held for it, in the state unknown", "entries", len(entries))
	if err := l.journal.Sync(); err != nil {
		// They are kept until they can be written, and are made again, with the same IDs, if they never are.
		l.o.Log.Error("the ledger's journal cannot be written", "error", err)
	}
	return nil
}
