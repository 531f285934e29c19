package ledger

import (
	"bytes"
	"iter"

	"weir/internal/gateway"
	"weir/internal/journal"
)

// Undrained returns what the books do not have yet: first what is closed, in order, then the open holds, in the state
// opened, with what is held. Right after Flush these are the holds alone. An entry that the books have taken a moment ago
// may be among them; at a start, and after that if the process before this one ended before it had marked what they took.
// Segments of the journal stay as long as it is gone through.
func (l *Ledger) Undrained() iter.Seq[gateway.Entry] {
	return func(yield func(gateway.Entry) bool) {
		_ = l.journal.Sync() // so that what is closed can be read; what cannot be written is open still, or stranded
		l.mu.Lock()
		from, stranded := l.drained, l.stranded
		l.mu.Unlock()
		holds, going := map[string][]byte{}, true
		l.removing.RLock()
		_, err := l.journal.Read(journal.Position{}, l.journal.End(), func(r journal.Record) bool {
			if r.Bytes == nil {
				return true
			}
			k, id, err := kindOf(r.Bytes)
			if err != nil {
				return true
			}
			if k == kindHold {
				if l.holds.open(id) { // most are not
					holds[string(id)] = bytes.Clone(r.Bytes)
				}
				return true
			}
			delete(holds, string(id))
			if k == kindEntry && r.End.Compare(from) > 0 {
				_, e, err := decode(r.Bytes)
				going = err != nil || yield(e)
			}
			return going
		})
		l.removing.RUnlock()
		if err != nil {
			l.o.Log.Error("the ledger's journal cannot be read", "error", err)
		}
		for i := 0; going && i < len(stranded); i++ {
			delete(holds, stranded[i].ID)
			going = yield(stranded[i])
		}
		for _, b := range holds {
			_, e, err := decode(b)
			if going = going && (err != nil || yield(e)); !going {
				return
			}
		}
	}
}
