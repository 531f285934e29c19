package ledger

import "weir/internal/journal"

// carryShare says when open holds are carried on: they are no more than this part of the journal.
const carryShare = 4

// carrySegments is how many segments there are before open holds are carried on.
const carrySegments = 4

// tidy removes segments of which everything is in the books. Only the drain calls it.
func (l *Ledger) tidy() {
	for {
		active := l.journal.End().Segment
		l.floor.Store(active)
		first, size := l.journal.First()
		if mark := l.journal.Marked(); first == 0 || first >= active || mark.Segment < first || mark.Segment == first && mark.Offset < size {
			return
		}
		n, sure := l.holds.upTo(first)
		if !sure {
			return
		}
		if n > 0 {
			if !l.worthCarrying(size) || l.carry(first) < n {
				return // some are on their way or cannot be read: they are closed, some time
			}
			continue
		}
		// What closed the holds that stood there lasts before they go.
		if l.journal.Sync() != nil {
			return
		}
		l.removing.Lock()
		removed, err := l.journal.RemoveFirst()
		l.removing.Unlock()
		if err != nil {
			l.o.Log.Error("the ledger's journal cannot be tidied", "error", err)
		}
		if err != nil || !removed {
			return
		}
	}
}

// worthCarrying reports whether writing the open holds again costs little beside what it frees.
func (l *Ledger) worthCarrying(segment int64) bool {
	_, live := l.holds.count()
	used, most := l.journal.Stats().Bytes, l.o.Journal.Bytes
	return used >= carryShare*live && (used >= carrySegments*segment || used > most/2)
}

// carry writes the open holds of a segment again at the end of the journal, and returns how many there were. What is closed
// meanwhile is closed behind that.
func (l *Ledger) carry(segment uint64) (n int) {
	var failed error
	_, err := l.journal.Read(journal.Position{Segment: segment}, journal.Position{Segment: segment + 1}, func(r journal.Record) bool {
		if r.Bytes == nil {
			return true
		}
		k, id, err := kindOf(r.Bytes)
		if err != nil || k != kindHold || !l.holds.carry(id, segment) {
			return true
		}
		n++
		at, err := l.journal.AppendOver(r.Bytes)
		l.carriedTo(string(id), at, err)
		failed = err
		return err == nil
	})
	if failed == nil {
		failed = err
	}
	if failed != nil {
		l.o.Log.Error("the ledger's journal cannot be tidied", "error", failed)
		return 0
	}
	return n
}

// carriedTo takes note of where a hold stands now, and closes it if that has come meanwhile.
func (l *Ledger) carriedTo(id string, at journal.Position, err error) {
	s := l.holds.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.holds[id]
	h.state = standing
	if err == nil {
		h.segment = at.Segment
	}
	s.holds[id] = h
	if h.closed != nil {
		l.close(h.closed)
		l.holds.remove(s, id)
	}
}
