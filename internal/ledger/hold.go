package ledger

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
)

// hold is an entry that is opened and not closed. The entry itself is in the journal alone: who opened it may be filling it
// in for the end.
type hold struct {
	closed  []byte // the record of what it came to, while it was being carried
	segment uint64 // where it stands in the journal; while it is being written, a segment that it does not stand before
	size    int32  // of its record
	state   holdState
}

type holdState uint8

const (
	writing  holdState = iota // it is on its way to the journal
	standing                  // it is there
	carried                   // it is being written there again
)

// table has the open holds. It is divided, so that requests do not wait for each other.
type table struct {
	seed   maphash.Seed
	shards [64]shard
	n      atomic.Int64
	bytes  atomic.Int64 // of their records
}

type shard struct {
	mu    sync.Mutex // guards holds, and that what closes one follows its record in the journal
	holds map[string]hold
	_     [40]byte // no two in one line of a processor's cache
}

func (t *table) init() {
	t.seed = maphash.MakeSeed()
	for i := range t.shards {
		t.shards[i].holds = map[string]hold{}
	}
}

func (t *table) shard(id string) *shard {
	return &t.shards[maphash.String(t.seed, id)%uint64(len(t.shards))]
}

func (t *table) count() (n int, bytes int64) { return int(t.n.Load()), t.bytes.Load() }

// add takes note of a hold that is about to be written.
func (t *table) add(id string, segment uint64, size int) {
	s := t.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if old, ok := s.holds[id]; ok {
		t.forget(old)
	}
	s.holds[id] = hold{segment: segment, size: int32(size)}
	t.n.Add(1)
	t.bytes.Add(int64(size))
}

// stands takes note of where a hold stands.
func (t *table) stands(id string, segment uint64) {
	s := t.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if h, ok := s.holds[id]; ok {
		h.segment, h.state = segment, standing
		s.holds[id] = h
	}
}

// remove forgets a hold. Its shard's mu is held.
func (t *table) remove(s *shard, id string) {
	if h, ok := s.holds[id]; ok {
		t.forget(h)
		delete(s.holds, id)
	}
}

func (t *table) forget(h hold) {
	t.n.Add(-1)
	t.bytes.Add(-int64(h.size))
}

// upTo returns how many holds stand in a segment or before it. sure is false where one is being written and may come to
// stand there.
func (t *table) upTo(segment uint64) (n int, sure bool) {
	sure = true
	for i := range t.shards {
		s := &t.shards[i]
		s.mu.Lock()
		for _, h := range s.holds {
			switch {
			case h.segment > segment:
			case h.state == writing:
				sure = false
			default:
				n++
			}
		}
		s.mu.Unlock()
	}
	return n, sure
}

// carry takes note that a hold that stands in a segment is being written again, and reports whether there is one.
func (t *table) carry(id []byte, segment uint64) bool {
	s := t.shard(string(id))
	s.mu.Lock()
	defer s.mu.Unlock()
	h, ok := s.holds[string(id)]
	if !ok || h.segment != segment || h.state != standing {
		return false
	}
	h.state = carried
	s.holds[string(id)] = h
	return true
}

// open reports whether an entry is open, as far as the journal will know.
func (t *table) open(id []byte) bool {
	s := t.shard(string(id))
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.holds[string(id)]
	return ok
}
