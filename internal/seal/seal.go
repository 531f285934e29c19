// Package seal keeps sealed reasoning in memory for clients whose dialect has no place for it: the signatures and
// ciphers a provider wants back when a conversation goes on after a tool call.
//
// What is kept is found by a keyed hash (HMAC-SHA256) of tenant, provider and tool-call id, and is itself encrypted
// (AES-256-GCM, bound to that hash). Both keys are random, made at New and never written anywhere. So nobody finds what
// is another tenant's, nothing of it stands in the clear in a dump of the table, and a restart forgets everything; a
// conversation whose seal is gone goes on without its reasoning, which its answer names lost.
//
// A Store is bounded by entries, bytes and time; at a bound the oldest entries leave first. It reserves nothing: memory
// grows with use only. Since all entries live equally long, oldest first is also the order in which they expire.
package seal

import (
	"container/list"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"sync"
	"time"

	"weir/internal/gateway"
	"weir/internal/llm"
)

// Bounds of a Store whose Options do not say otherwise.
const (
	DefaultEntries = 100_000
	DefaultBytes   = 128 << 20
	DefaultTTL     = 24 * time.Hour
)

// overhead is about what an entry takes in memory beside its ciphertext: hash, list element, map slot.
const overhead = 256

// Options configures a Store. Zero values mean the defaults.
type Options struct {
	Entries int              // the most turns kept
	Bytes   int64            // the most memory, counting ciphertexts and 256 bytes an entry
	TTL     time.Duration    // how long a turn is kept
	Now     func() time.Time // the clock; nil = time.Now
}

// Stats says how full a Store is and what left it before its time.
type Stats struct {
	Entries int
	Bytes   int64
	Full    uint64 // turns pushed out by newer ones, or too large to be kept at all
	Expired uint64 // turns whose time was over
}

// Store implements gateway.Seals. It is safe for concurrent use.
type Store struct {
	o    Options
	hash [32]byte // key of the HMAC
	aead cipher.AEAD

	// One lock is fine here: only translated turns with sealed reasoning and a tool call come by, and what is dear,
	// hashing and encrypting, is done outside of it.
	mu      sync.Mutex
	byID    map[id]*list.Element
	ages    *list.List // of *entry, oldest first
	bytes   int64
	full    uint64
	expired uint64
}

type id [sha256.Size]byte

type entry struct {
	id      id
	expires time.Time
	sealed  []byte // nonce, ciphertext, tag
}

func (e *entry) size() int64 { return int64(len(e.sealed)) + overhead }

// New returns an empty store with keys of its own.
func New(o Options) *Store {
	if o.Entries <= 0 {
		o.Entries = DefaultEntries
	}
	if o.Bytes <= 0 {
		o.Bytes = DefaultBytes
	}
	if o.TTL <= 0 {
		o.TTL = DefaultTTL
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Store{o: o, byID: map[id]*list.Element{}, ages: list.New()}
	var key [32]byte
	rand.Read(s.hash[:]) // crypto/rand does not fail: it ends the process instead
	rand.Read(key[:])
	block, err := aes.NewCipher(key[:])
	if err == nil {
		s.aead, err = cipher.NewGCMWithRandomNonce(block)
	}
	if err != nil {
		panic("seal: " + err.Error()) // a key of 32 bytes is always right
	}
	return s
}

// id returns where a turn is kept. The lengths keep ("ab", "c") and ("a", "bc") apart.
func (s *Store) id(tenant, provider, callID string) (out id) {
	mac := hmac.New(sha256.New, s.hash[:])
	b := make([]byte, 0, 128)
	for _, part := range [...]string{tenant, provider, callID} {
		b = binary.AppendUvarint(b, uint64(len(part)))
		b = append(b, part...)
	}
	mac.Write(b)
	mac.Sum(out[:0])
	return out
}

// Put implements gateway.Seals. Of each part it keeps Kind, Text, ID, Seal, Summary and Extra, in order; parts itself is
// not kept. What was kept under the same names before is replaced. Without a call id or parts nothing is kept.
func (s *Store) Put(tenant, provider, callID string, parts []llm.Part) {
	if callID == "" || len(parts) == 0 {
		return
	}
	e := &entry{id: s.id(tenant, provider, callID)}
	e.sealed = s.aead.Seal(nil, nil, marshal(parts), e.id[:])
	now := s.o.Now()
	e.expires = now.Add(s.o.TTL)

	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire(now)
	if old := s.byID[e.id]; old != nil {
		s.remove(old)
	}
	if e.size() > s.o.Bytes {
		s.full++
		return
	}
	for len(s.byID) >= s.o.Entries || s.bytes+e.size() > s.o.Bytes {
		s.remove(s.ages.Front())
		s.full++
	}
	s.byID[e.id] = s.ages.PushBack(e)
	s.bytes += e.size()
}

// Get implements gateway.Seals. What it returns is the caller's. Reading does not prolong a turn's time.
func (s *Store) Get(tenant, provider, callID string) []llm.Part {
	if callID == "" {
		return nil
	}
	id := s.id(tenant, provider, callID)
	now := s.o.Now()

	s.mu.Lock()
	s.expire(now)
	at := s.byID[id]
	s.mu.Unlock()
	if at == nil {
		return nil
	}
	e := at.Value.(*entry) // an entry does not change once it is in
	plain, err := s.aead.Open(nil, nil, e.sealed, id[:])
	if err != nil {
		return nil
	}
	return unmarshal(plain)
}

// Stats returns the store's figures.
func (s *Store) Stats() Stats {
	now := s.o.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire(now)
	return Stats{Entries: len(s.byID), Bytes: s.bytes, Full: s.full, Expired: s.expired}
}

// expire drops what is over. Each entry is dropped once, so a call pays for what others put. s.mu is held.
func (s *Store) expire(now time.Time) {
	for at := s.ages.Front(); at != nil && !now.Before(at.Value.(*entry).expires); at = s.ages.Front() {
		s.remove(at)
		s.expired++
	}
}

// remove takes an entry out. s.mu is held.
func (s *Store) remove(at *list.Element) {
	e := s.ages.Remove(at).(*entry)
	delete(s.byID, e.id)
	s.bytes -= e.size()
}

var _ gateway.Seals = (*Store)(nil)
