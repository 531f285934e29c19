package thread

import (
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"weir/internal/gateway"
)

// An entry is a prefix, a sealed head and, of a turn, a sealed body:
//
//	prefix  magic, length of the head, length of the body, CRC-32C of head, body and of the prefix itself so far
//	head    nonce, ciphertext and tag of appendHead; bound to its place and the prefix, under the segment's own key
//	body    nonce, ciphertext and tag of appendContent; bound to the head, under a key made from the head's mark
//
// The checksums tell what was not written whole or has rotted from what somebody changed, and cost less to look at.
const (
	magic      = "\xf1wt\x9a"
	prefixSize = 24
	sealing    = 12 + 16 // what sealing adds: nonce and tag
	mostHead   = 1 << 20
	mostBody   = 1 << 30
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// head is what the index needs to know of an entry.
type head struct {
	gone  bool // the turn of that owner and id is no more
	mark  [16]byte
	ends  int64 // nanoseconds since 1970
	owner string
	id    string
	items []uint64 // hashes, in order and each once
}

func appendHead(b []byte, h *head) []byte {
	kind := byte(1)
	if h.gone {
		kind = 2
	}
	b = append(append(b, kind), h.mark[:]...)
	b = binary.AppendVarint(b, h.ends)
	b = appendText(appendText(b, h.owner), h.id)
	for _, item := range h.items {
		b = binary.BigEndian.AppendUint64(b, item)
	}
	return b
}

func readHead(b []byte) (h head, ok bool) {
	r := parser{rest: b}
	kind := r.byte()
	h.gone = kind == 2
	copy(h.mark[:], r.take(16))
	h.ends = r.varint()
	h.owner, h.id = string(r.text()), string(r.text())
	if n := len(r.rest) / 8; n > 0 {
		h.items = make([]uint64, n)
		for i := range h.items {
			h.items[i] = binary.BigEndian.Uint64(r.take(8))
		}
	}
	return h, !r.broken && len(r.rest) == 0 && (kind == 1 || kind == 2)
}

// keys are what a File encrypts with, made from its one key.
type keys struct{ heads, bodies, items, beside []byte }

func newKeys(key []byte) keys {
	return keys{derive(key, nil, "weir threads heads"), derive(key, nil, "weir threads bodies"), derive(key, nil, "weir threads items"), derive(key, nil, "weir threads beside")}
}

// head returns the cipher for the heads of one segment. A segment under another name does not open.
func (k keys) head(s span) cipher.AEAD { return newAEAD(derive(k.heads, nil, s.name())) }

// body returns the cipher for one body. No number of turns wears out a key that is used once.
func (k keys) body(mark [16]byte) cipher.AEAD { return newAEAD(derive(k.bodies, mark[:], "")) }

// entry is one that is ready to be written, but for its place.
type entry struct {
	head  head
	plain []byte // the head before it is sealed
	bytes []byte // prefix, room for the sealed head, body
}

func (e *entry) size() int64 { return int64(len(e.bytes)) }

// turn makes the entry of a turn.
func (k keys) turn(t *gateway.Turn) *entry {
	e := &entry{head: head{ends: nanos(t.Ends), owner: t.Owner, id: t.ID, items: itemHashes(k.items, t.Items)}}
	rand.Read(e.head.mark[:])
	e.plain = appendHead(nil, &e.head)
	front := prefixSize + sealing + len(e.plain)
	b := appendContent(make([]byte, front, front+sealing+contentSize(t)), t)
	e.bytes = k.body(e.head.mark).Seal(b[:front], nil, b[front:], e.plain)
	return e
}

// gone makes the entry that says that a turn is no more.
func (k keys) gone(owner, id string) *entry {
	e := &entry{head: head{gone: true, owner: owner, id: id}}
	rand.Read(e.head.mark[:])
	e.plain = appendHead(nil, &e.head)
	e.bytes = make([]byte, prefixSize+sealing+len(e.plain))
	return e
}

// goneSize is the size of the entry that gone makes.
func goneSize(k key) int64 {
	return prefixSize + sealing + int64(len(appendHead(nil, &head{gone: true, owner: k.owner, id: k.id})))
}

// place seals the head for a place in a segment and writes the prefix.
func (e *entry) place(aead cipher.AEAD, off int64) {
	b, front := e.bytes, prefixSize+sealing+len(e.plain)
	copy(b, magic)
	binary.LittleEndian.PutUint32(b[4:], uint32(front-prefixSize))
	binary.LittleEndian.PutUint32(b[8:], uint32(len(b)-front))
	binary.LittleEndian.PutUint32(b[16:], crc32.Checksum(b[front:], castagnoli))
	aead.Seal(b[prefixSize:prefixSize], nil, e.plain, placeOf(b, off))
	binary.LittleEndian.PutUint32(b[12:], crc32.Checksum(b[prefixSize:front], castagnoli))
	binary.LittleEndian.PutUint32(b[20:], crc32.Checksum(b[:20], castagnoli))
}

// placeOf is what a head is bound to: where the entry stands, its lengths and the checksum of its body.
func placeOf(prefix []byte, off int64) []byte {
	b := binary.LittleEndian.AppendUint64(make([]byte, 0, 20), uint64(off))
	return append(append(b, prefix[4:12]...), prefix[16:20]...)
}

// prefix is one that was read and is right.
type prefix struct {
	head, body       int64 // lengths
	headSum, bodySum uint32
}

func (p prefix) size() int64 { return prefixSize + p.head + p.body }

func readPrefix(b []byte) (p prefix, ok bool) {
	if len(b) < prefixSize || string(b[:4]) != magic || binary.LittleEndian.Uint32(b[20:]) != crc32.Checksum(b[:20], castagnoli) {
		return prefix{}, false
	}
	p = prefix{
		head: int64(binary.LittleEndian.Uint32(b[4:])), body: int64(binary.LittleEndian.Uint32(b[8:])),
		headSum: binary.LittleEndian.Uint32(b[12:]), bodySum: binary.LittleEndian.Uint32(b[16:]),
	}
	return p, p.head <= mostHead && p.body <= mostBody
}

var (
	errRotten  = errors.New("an entry does not match its checksum")
	errForeign = errors.New("an entry does not open under this key at this place")
)

// openHead opens the head of the entry that b begins with, which stands at off. It returns the head as it was sealed, too.
func openHead(aead cipher.AEAD, b []byte, off int64) (h head, plain []byte, p prefix, err error) {
	p, ok := readPrefix(b)
	if !ok || prefixSize+p.head > int64(len(b)) {
		return head{}, nil, p, errRotten
	}
	sealed := b[prefixSize : prefixSize+p.head]
	if crc32.Checksum(sealed, castagnoli) != p.headSum {
		return head{}, nil, p, errRotten
	}
	if plain, err = aead.Open(nil, nil, sealed, placeOf(b, off)); err != nil {
		return head{}, nil, p, errForeign
	}
	if h, ok = readHead(plain); !ok {
		return head{}, nil, p, errForeign
	}
	return h, plain, p, nil
}

// openTurn opens a whole entry, which stands at off, as the turn of that owner and id. The turn takes b over.
func (k keys) openTurn(aead cipher.AEAD, b []byte, off int64, owner, id string) (gateway.Turn, error) {
	h, plain, p, err := openHead(aead, b, off)
	if err != nil {
		return gateway.Turn{}, err
	}
	if p.size() != int64(len(b)) || h.gone || h.owner != owner || h.id != id {
		return gateway.Turn{}, fmt.Errorf("%w: it is another's", errForeign)
	}
	sealed := b[prefixSize+p.head:]
	body, err := k.body(h.mark).Open(sealed[:0], nil, sealed, plain)
	t := gateway.Turn{ID: id, Owner: owner}
	if err != nil || !readContent(body, &t) {
		return gateway.Turn{}, errForeign
	}
	return t, nil
}
