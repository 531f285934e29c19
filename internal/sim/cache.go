package sim

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"sync"
	"time"
)

const (
	shortCache  = 5 * time.Minute
	longCache   = time.Hour
	maxPrefixes = 4096
)

// promptCache remembers the prompt prefixes that were marked, with when each is forgotten. The zero value is ready.
type promptCache struct {
	mu     sync.Mutex // requests of all kinds share the cache; it is held for a few look-ups
	until  map[[32]byte]time.Time
	oldest [][32]byte
}

// boundary is a block's end: the prefix up to it.
type boundary struct {
	sum    [32]byte
	tokens int64
	keep   time.Duration // 0 = not marked
}

// prefix is a prompt in the order in which it is cached: tools, system, messages.
type prefix struct {
	sum        [32]byte
	total      int64
	boundaries []boundary
}

// add appends a block.
func (p *prefix) add(block []byte, n int64) {
	h := sha256.New()
	h.Write(p.sum[:])
	h.Write(block)
	h.Sum(p.sum[:0])
	p.total += n
	p.boundaries = append(p.boundaries, boundary{sum: p.sum, tokens: p.total})
}

// mark marks the last block.
func (p *prefix) mark(keep time.Duration) {
	if n := len(p.boundaries); n > 0 {
		p.boundaries[n-1].keep = keep
	}
}

// cached is what of a prompt came from the cache and what went into it, in tokens.
type cached struct{ read, wrote5m, wrote1h int64 }

// use looks a prompt up and keeps its marked prefixes.
func (c *promptCache) use(model string, p *prefix, now time.Time) cached {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out cached
	last := -1
	for i, b := range p.boundaries {
		if b.keep > 0 {
			last = i
		}
	}
	hit := -1
	for i := last; i >= 0 && hit < 0; i-- {
		if until, ok := c.until[c.key(model, p.boundaries[i].sum)]; ok && now.Before(until) {
			hit, out.read = i, p.boundaries[i].tokens
		}
	}
	from := out.read
	for i := hit + 1; i <= last; i++ {
		b := p.boundaries[i]
		switch b.keep {
		case shortCache:
			out.wrote5m += b.tokens - from
		case longCache:
			out.wrote1h += b.tokens - from
		default:
			continue
		}
		from = b.tokens
	}
	for _, b := range p.boundaries {
		if b.keep > 0 {
			c.keep(c.key(model, b.sum), now.Add(b.keep))
		}
	}
	return out
}

func (c *promptCache) key(model string, sum [32]byte) [32]byte {
	return sha256.Sum256(append([]byte(model), sum[:]...))
}

func (c *promptCache) keep(key [32]byte, until time.Time) {
	if c.until == nil {
		c.until = map[[32]byte]time.Time{}
	}
	if _, known := c.until[key]; !known {
		c.oldest = append(c.oldest, key)
	}
	c.until[key] = until
	if len(c.oldest) > maxPrefixes {
		delete(c.until, c.oldest[0])
		c.oldest = c.oldest[1:]
	}
}

// sealer signs thoughts and knows its own signatures again.
type sealer struct{ seed uint64 }

// sign returns a signature of a thought; salt makes those of equal thoughts differ.
func (s sealer) sign(salt uint64, kind, thought string) string {
	nonce := binary.BigEndian.AppendUint64(nil, salt)
	return base64.StdEncoding.EncodeToString(append(nonce, s.mac(nonce, kind, thought)...))
}

func (s sealer) verify(signature, kind, thought string) bool {
	b, err := base64.StdEncoding.DecodeString(signature)
	return err == nil && s.verifyRaw(b, kind, thought)
}

func (s sealer) verifyRaw(b []byte, kind, thought string) bool {
	return len(b) > 8 && hmac.Equal(b[8:], s.mac(b[:8], kind, thought))
}

func (s sealer) mac(nonce []byte, kind, thought string) []byte {
	h := hmac.New(sha256.New, fmt.Appendf(nil, "simulated signature %d", s.seed))
	h.Write(nonce)
	fmt.Fprintf(h, "%s\n%s", kind, thought)
	return h.Sum(nil)
}
