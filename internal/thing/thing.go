// Package thing keeps what is known of the things that providers keep for clients: files, batches, jobs of fine-tuning. Whose
// they are, which provider has them and what was last said of them lies in the stores of package thread, in memory or in a
// folder, under their bounds and encrypted as there. The things themselves stay with their providers.
//
// A thing's id says all that is needed to find it. It is the provider, the kind and the provider's id, encrypted and
// authenticated together with the owner and the id's prefix (AES-256-GCM); the nonce is made from what is encrypted
// (HMAC-SHA256 under a second key), so that the same thing has the same id always, without a look-up, and a nonce stands for
// one text only. An id that was changed, or is another's, does not open.
package thing

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"weir/internal/fault"
	"weir/internal/gateway"
	"weir/internal/llm"
	"weir/internal/thread"
)

// Bounds of stores. An owner's part is a quarter.
const (
	DefaultMemory = 64 << 20
	DefaultDisk   = 256 << 20
)

// Options configures a store. Zero values mean the defaults.
type Options struct {
	Bytes int64            // the most memory or disk it takes
	Owner int64            // the most of it that one owner's things take; 0 = a quarter
	Now   func() time.Time // the clock; nil = time.Now
}

// Stats says how full a store is and what became of things.
type Stats = thread.Stats

// turns is what is needed of a store of package thread.
type turns interface {
	gateway.Threads
	All(owner, item string) []gateway.Turn
	Everybodys(item string) []gateway.Turn
	Key(purpose string) []byte
	Stats() thread.Stats
}

// Store keeps things. Make one with NewMemory or Open; it is safe for concurrent use.
type Store struct {
	turns  turns
	aead   cipher.AEAD
	nonces []byte
	close  func() error

	mu  sync.Mutex // lets one at a time set any, once a change and for an instant
	any atomic.Bool
}

// NewMemory returns an empty store in memory.
func NewMemory(o Options) *Store {
	if o.Bytes <= 0 {
		o.Bytes = DefaultMemory
	}
	return newStore(thread.NewMemory(thread.Options{Bytes: o.Bytes, Owner: o.Owner, Now: o.Now, Words: words}), func() error { return nil })
}

// Open opens the store in a folder. Its errors are those of thread.Open.
func Open(dir string, o Options) (*Store, error) {
	if o.Bytes <= 0 {
		o.Bytes = DefaultDisk
	}
	f, err := thread.Open(dir, thread.Options{Bytes: o.Bytes, Owner: o.Owner, Now: o.Now, Words: words})
	if err != nil {
		return nil, err
	}
	return newStore(f, f.Close), nil
}

var words = thread.Words{
	Many: "files, batches and jobs", One: "what is to be noted of this", Smaller: "send less metadata",
	Fewer: "delete files that are not needed any more", Else: "try again",
}

func newStore(t turns, closing func() error) *Store {
	block, err := aes.NewCipher(t.Key("weir things names"))
	var aead cipher.AEAD
	if err == nil {
		aead, err = cipher.NewGCM(block)
	}
	if err != nil {
		panic("thing: " + err.Error()) // a key of 32 bytes is always right
	}
	s := &Store{turns: t, aead: aead, nonces: t.Key("weir things nonces"), close: closing}
	s.any.Store(t.Stats().Turns > 0)
	return s
}

// Close makes everything last and gives the folder back.
func (s *Store) Close() error { return s.close() }

// Stats returns the store's figures.
func (s *Store) Stats() Stats { return s.turns.Stats() }

// Any implements gateway.Things.
func (s *Store) Any() bool { return s.any.Load() }

// idMost bounds an id that is looked into.
const idMost = 2048

// Name implements gateway.Things.
func (s *Store) Name(owner, prefix string, kind llm.ThingKind, provider, native string) string {
	plain := []byte(string(kind) + "\x00" + provider + "\x00" + native)
	with := bind(owner, prefix)
	mac := hmac.New(sha256.New, s.nonces)
	mac.Write(with)
	mac.Write(plain)
	var sum [sha256.Size]byte
	nonce := mac.Sum(sum[:0])[:s.aead.NonceSize()]
	sealed := s.aead.Seal(slices.Clone(nonce), nonce, plain, with)
	return prefix + llm.ThingTag + coding.EncodeToString(sealed)
}

// coding takes one spelling for each text only.
var coding = base64.RawURLEncoding.Strict()

// Native implements gateway.Things.
func (s *Store) Native(owner, id string) (kind llm.ThingKind, provider, native string, ok bool) {
	if len(id) > idMost || strings.ContainsAny(id, "\r\n") { // which the decoder would pass over
		return "", "", "", false
	}
	prefix, text, tagged := strings.Cut(id, llm.ThingTag)
	if !tagged {
		return "", "", "", false
	}
	sealed, err := coding.DecodeString(text)
	n := s.aead.NonceSize()
	if err != nil || len(sealed) < n {
		return "", "", "", false
	}
	plain, err := s.aead.Open(nil, sealed[:n], sealed[n:], bind(owner, prefix))
	if err != nil {
		return "", "", "", false
	}
	is, rest, _ := strings.Cut(string(plain), "\x00")
	provider, native, ok = strings.Cut(rest, "\x00")
	return llm.ThingKind(is), provider, native, ok
}

// bind is what an id opens with alone. The length keeps an owner and a prefix apart.
func bind(owner, prefix string) []byte {
	b := binary.AppendUvarint(make([]byte, 0, 10+len(owner)+len(prefix)), uint64(len(owner)))
	return append(append(b, owner...), prefix...)
}

// Put implements gateway.Things.
func (s *Store) Put(t gateway.Thing) error {
	turn, err := encode(&t)
	if err != nil {
		return fault.Of(err)
	}
	if err := s.turns.Put(turn); err != nil {
		return err
	}
	s.count()
	return nil
}

// Get implements gateway.Things.
func (s *Store) Get(owner, id string) (gateway.Thing, bool) {
	turn, ok := s.turns.Get(owner, id)
	if !ok {
		return gateway.Thing{}, false
	}
	return decode(&turn)
}

// Delete implements gateway.Things.
func (s *Store) Delete(owner, id string) bool {
	ok := s.turns.Delete(owner, id)
	s.count()
	return ok
}

// count notes whether there is anything, after a change: of two the later one sees both.
func (s *Store) count() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.any.Store(s.turns.Stats().Turns > 0)
}

// List implements gateway.Things.
func (s *Store) List(owner string, kind llm.ThingKind) []gateway.Thing {
	out := decodeAll(s.turns.All(owner, kindItem(kind)))
	slices.SortStableFunc(out, func(a, b gateway.Thing) int {
		if n := b.Made.Compare(a.Made); n != 0 {
			return n
		}
		return strings.Compare(b.ID, a.ID)
	})
	return out
}

// Unsettled implements gateway.Things.
func (s *Store) Unsettled() []gateway.Thing { return decodeAll(s.turns.Everybodys(unsettled)) }

// What things are found by.
const unsettled = "unsettled"

func kindItem(kind llm.ThingKind) string { return "kind " + string(kind) }

func items(t *gateway.Thing) []string {
	out := []string{kindItem(t.Kind)}
	if t.Kind == llm.ThingBatch && !t.Settled {
		out = append(out, unsettled)
	}
	return out
}

func decodeAll(turns []gateway.Turn) []gateway.Thing {
	out := make([]gateway.Thing, 0, len(turns))
	for i := range turns {
		if t, ok := decode(&turns[i]); ok {
			out = append(out, t)
		}
	}
	return out
}

// forever is when things end that do not: outside of what an index counts.
var forever = time.Unix(1<<40, 0).UTC()

// encode makes the turn that a thing is kept as.
func encode(t *gateway.Thing) (gateway.Turn, error) {
	if t.ID == "" || t.Owner == "" {
		return gateway.Turn{}, errors.New("a thing without an id or an owner cannot be kept")
	}
	ends := t.Ends
	if ends.IsZero() {
		ends = forever
	}
	return gateway.Turn{
		ID: t.ID, Owner: t.Owner, Dialect: t.Dialect, Model: string(t.Kind), Target: t.Target, State: gateway.TurnDone,
		Made: t.Made, Ends: ends, Before: appendRest(nil, t), Answer: t.Object, Items: items(t),
	}, nil
}

// decode reads a turn that encode made; false where it is none.
func decode(turn *gateway.Turn) (gateway.Thing, bool) {
	t := gateway.Thing{
		ID: turn.ID, Owner: turn.Owner, Dialect: turn.Dialect, Kind: llm.ThingKind(turn.Model), Target: turn.Target,
		Made: turn.Made, Object: turn.Answer,
	}
	if turn.Ends.Before(forever) {
		t.Ends = turn.Ends
	}
	ok := readRest(turn.Before, &t)
	return t, ok
}

var _ gateway.Things = (*Store)(nil)
