package thread

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"time"

	"weir/internal/gateway"
	"weir/internal/llm"
)

// A turn is written as strings, each with its length before it. A File's segments say which version of this they are in.

const (
	flagNative = 1 << iota
	flagBefore // Before is there, if empty
	flagAnswer
	flagItems
)

// contentSize is at least what appendContent appends.
func contentSize(t *gateway.Turn) int {
	n := 128 + len(t.Dialect) + len(t.Model) + len(t.Target.Provider) + len(t.Target.Model) + len(t.State) + len(t.Before) + len(t.Answer)
	for _, item := range t.Items {
		n += 5 + len(item)
	}
	return n
}

// appendContent appends a turn but for owner and id. Items of a native turn are left out.
func appendContent(b []byte, t *gateway.Turn) []byte {
	var flags byte
	for _, f := range [...]struct {
		flag byte
		is   bool
	}{{flagNative, t.Native}, {flagBefore, t.Before != nil}, {flagAnswer, t.Answer != nil}, {flagItems, t.Items != nil && !t.Native}} {
		if f.is {
			flags |= f.flag
		}
	}
	b = append(b, flags)
	b = appendTime(appendTime(b, t.Made), t.Ends)
	for _, s := range [...]string{string(t.Dialect), t.Model, t.Target.Provider, t.Target.Model, string(t.State)} {
		b = appendText(b, s)
	}
	b = appendText(b, t.Before)
	b = appendText(b, t.Answer)
	if flags&flagItems != 0 {
		for _, item := range t.Items {
			b = appendText(b, item)
		}
	}
	return b
}

func appendText[T ~string | ~[]byte](b []byte, s T) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

func appendTime(b []byte, t time.Time) []byte {
	b = binary.AppendVarint(b, t.Unix())
	return binary.AppendUvarint(b, uint64(t.Nanosecond()))
}

// readContent reads what appendContent wrote into t and reports whether it was whole. Before and Answer share b.
func readContent(b []byte, t *gateway.Turn) bool {
	r := parser{rest: b}
	flags := r.byte()
	t.Native = flags&flagNative != 0
	t.Made, t.Ends = r.time(), r.time()
	t.Dialect, t.Model = llm.Dialect(r.text()), string(r.text())
	t.Target = gateway.Target{Provider: string(r.text()), Model: string(r.text())}
	t.State = gateway.TurnState(r.text())
	if t.Before = r.text(); flags&flagBefore == 0 {
		t.Before = nil
	}
	if t.Answer = r.text(); flags&flagAnswer == 0 {
		t.Answer = nil
	}
	if flags&flagItems != 0 {
		t.Items = []string{}
		for len(r.rest) > 0 && !r.broken {
			t.Items = append(t.Items, string(r.text()))
		}
	}
	return !r.broken && len(r.rest) == 0
}

// parser takes values off a text; once it meets something broken it yields zero values.
type parser struct {
	rest   []byte
	broken bool
}

// take returns the next n bytes, which are not nil.
func (r *parser) take(n uint64) []byte {
	if r.broken || n > uint64(len(r.rest)) {
		r.broken, r.rest = true, nil
		return []byte{}
	}
	b := r.rest[:n:n]
	r.rest = r.rest[n:]
	return b
}

func (r *parser) byte() byte {
	if b := r.take(1); len(b) == 1 {
		return b[0]
	}
	return 0
}

func (r *parser) uvarint() uint64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 {
		r.broken = true
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *parser) varint() int64 {
	v, n := binary.Varint(r.rest)
	if n <= 0 {
		r.broken = true
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *parser) text() []byte { return r.take(r.uvarint()) }

func (r *parser) time() time.Time {
	sec, nsec := r.varint(), r.uvarint()
	if nsec >= 1e9 {
		r.broken = true
		return time.Time{}
	}
	return time.Unix(sec, int64(nsec)).UTC()
}

// itemHashes returns the keyed hashes of ids of items, in order and each once.
func itemHashes(key []byte, items []string) []uint64 {
	if len(items) == 0 {
		return nil
	}
	out := make([]uint64, len(items))
	mac := hmac.New(sha256.New, key)
	var sum [sha256.Size]byte
	for i, item := range items {
		mac.Reset()
		mac.Write([]byte(item))
		out[i] = binary.BigEndian.Uint64(mac.Sum(sum[:0]))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func itemHash(key []byte, item string) uint64 { return itemHashes(key, []string{item})[0] }

// newAEAD returns the cipher of a key of 32 bytes. It puts a random nonce in front of what it seals.
func newAEAD(key []byte) cipher.AEAD {
	block, err := aes.NewCipher(key)
	if err == nil {
		var aead cipher.AEAD
		if aead, err = cipher.NewGCMWithRandomNonce(block); err == nil {
			return aead
		}
	}
	panic("thread: " + err.Error()) // a key of 32 bytes is always right
}

// derive makes a key of its own for one purpose out of a key.
func derive(key, salt []byte, purpose string) []byte {
	out, err := hkdf.Key(sha256.New, key, salt, purpose, 32)
	if err != nil {
		panic("thread: " + err.Error()) // 32 bytes are always to be had
	}
	return out
}
