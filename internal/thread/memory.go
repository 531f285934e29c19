package thread

import (
	"crypto/cipher"
	"crypto/rand"
	"slices"
	"sync"
	"time"

	"weir/internal/gateway"
)

// Memory keeps turns in memory. It is safe for concurrent use.
type Memory struct {
	now    func() time.Time
	most   bounds
	items  []byte // key of the hashes of items
	aead   cipher.AEAD
	beside []byte
	words  Words

	// One lock is fine here: a call takes it once for about a microsecond, and only calls whose answers are kept do. What
	// takes longer, encrypting and decrypting, is done outside of it.
	mu      sync.Mutex
	index   index[[]byte] // of nonce, ciphertext and tag
	refused uint64
	expired uint64
}

// NewMemory returns an empty store with a key of its own.
func NewMemory(o Options) *Memory {
	o = o.withDefaults(DefaultMemory)
	m := &Memory{words: o.Words, now: o.Now, most: bounds{o.Bytes, o.Owner}, items: make([]byte, 32)}
	key := make([]byte, 32)
	rand.Read(m.items) // crypto/rand does not fail: it ends the process instead
	rand.Read(key)
	m.aead = newAEAD(key)
	m.beside = derive(key, nil, "weir threads beside")
	m.index.words = &m.words
	return m
}

func (o Options) withDefaults(all int64) Options {
	if o.Bytes <= 0 {
		o.Bytes = all
	}
	if o.Owner <= 0 {
		o.Owner = o.Bytes / 4
	}
	o.Owner = min(o.Owner, o.Bytes)
	if o.Index <= 0 {
		o.Index = DefaultIndex
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Words == (Words{}) {
		o.Words = ofResponses
	}
	return o
}

// bind returns what is encrypted with a turn, so that it opens for that owner and id only. The length keeps ("ab", "c") and ("a", "bc") apart.
func bind(owner, id string) []byte {
	return append(appendText(make([]byte, 0, 10+len(owner)+len(id)), owner), id...)
}

// Put implements gateway.Threads. A turn that has ended already is not kept, and the one it would replace is forgotten.
// It keeps nothing of t itself.
func (m *Memory) Put(t gateway.Turn) error {
	now := m.now()
	if !now.Before(t.Ends) {
		m.Delete(t.Owner, t.ID)
		return nil
	}
	plain := appendContent(make([]byte, 0, contentSize(&t)), &t)
	sealed := m.aead.Seal(make([]byte, 0, len(plain)+m.aead.Overhead()), nil, plain, bind(t.Owner, t.ID))
	items := itemHashes(m.items, t.Items)
	size := int64(len(sealed)) + memoryOf(t.ID, len(items))

	m.mu.Lock()
	defer m.mu.Unlock()
	m.expire(now)
	old := m.index.get(t.Owner, t.ID)
	if full := m.index.room(m.most, t.Owner, old, size); full != nil {
		m.refused++
		return full
	}
	if old != nil {
		m.index.remove(old)
	}
	m.index.add(t.Owner, t.ID, nanos(t.Ends), size, items, sealed)
	return nil
}

// Get implements gateway.Threads. Slices of the turn are the caller's.
func (m *Memory) Get(owner, id string) (gateway.Turn, bool) {
	now := m.now()
	m.mu.Lock()
	m.expire(now)
	n := m.index.get(owner, id)
	m.mu.Unlock()
	return m.open(owner, n)
}

// open reads a turn. What a node holds does not change, in the index or out of it, but for its owner.
func (m *Memory) open(owner string, n *node[[]byte]) (gateway.Turn, bool) {
	if n == nil {
		return gateway.Turn{}, false
	}
	t := gateway.Turn{ID: n.id, Owner: owner}
	plain, err := m.aead.Open(nil, nil, n.p, bind(owner, n.id))
	if err != nil || !readContent(plain, &t) {
		return gateway.Turn{}, false
	}
	return t, true
}

// Delete implements gateway.Threads.
func (m *Memory) Delete(owner, id string) bool {
	now := m.now()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.expire(now)
	n := m.index.get(owner, id)
	if n == nil {
		return false
	}
	m.index.remove(n)
	return true
}

// Holding implements gateway.Threads. Of several turns that have the item it returns the one that was put last.
func (m *Memory) Holding(owner, item string) (gateway.Turn, bool) {
	now, hash := m.now(), itemHash(m.items, item)
	m.mu.Lock()
	m.expire(now)
	n := m.index.holding(owner, hash)
	m.mu.Unlock()
	t, ok := m.open(owner, n)
	return t, ok && has(&t, item)
}

// has reports whether the turn has the item; of a native one only the hash is known, and that was found.
func has(t *gateway.Turn, item string) bool { return t.Native || slices.Contains(t.Items, item) }

// Stats returns the store's figures.
func (m *Memory) Stats() Stats {
	now := m.now()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.expire(now)
	return Stats{Turns: m.index.turns, Bytes: m.index.bytes, Refused: m.refused, Expired: m.expired}
}

// expire drops what has ended. Each turn is dropped once, so a call pays for what others put. m.mu is held.
func (m *Memory) expire(now time.Time) {
	for n := m.index.ended(nanos(now)); n != nil; n = m.index.ended(nanos(now)) {
		m.index.remove(n)
		m.expired++
	}
}

var _ gateway.Threads = (*Memory)(nil)
