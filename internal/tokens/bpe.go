package tokens

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"hash/maphash"
	"math"
	"strconv"
	"sync"
	"unicode/utf8"

	"github.com/pkoukk/tiktoken-go-loader/assets"
)

// pieceMost is the longest piece whose pairs are merged, in bytes. Merging takes time in the square of a piece's length,
// so longer ones, which no language has, are cut.
const pieceMost = 64

// none is the rank of what is no token.
const none = math.MaxUint32

// encoding is one byte-pair vocabulary with the rule that cuts a text into pieces. Nothing of it is in memory before it
// is first used. It is safe for concurrent use.
type encoding struct {
	name string
	next func(s string) int // length of the first piece of a text that is not empty

	once  sync.Once
	seed  maphash.Seed
	ends  []uint32 // of each token in bytes, in the order of ranks
	bytes string
	slots []uint32 // rank+1 by hash, 0 = empty; a power of two
	pairs []uint32 // ranks of tokens of two bytes
}

// The vocabularies, as OpenAI publishes them with tiktoken; they come with a module.
var (
	o200k  = &encoding{name: "o200k_base", next: nextO200k}
	cl100k = &encoding{name: "cl100k_base", next: nextCL100k}
)

// load reads the vocabulary: a token in base64 and its rank a line, in the order of ranks.
func (e *encoding) load() {
	raw, err := assets.Assets.ReadFile(e.name + ".tiktoken")
	if err != nil {
		panic(fmt.Sprintf("tokens: the vocabulary %s is not in the program: %v", e.name, err))
	}
	e.seed, e.ends = maphash.MakeSeed(), make([]uint32, 0, bytes.Count(raw, []byte("\n"))+1)
	text := make([]byte, 0, len(raw)/2)
	for line := range bytes.Lines(raw) {
		token, rank, _ := bytes.Cut(bytes.TrimSpace(line), []byte(" "))
		if len(token) == 0 {
			continue
		}
		text, err = base64.StdEncoding.AppendDecode(text, token)
		if n, bad := strconv.Atoi(string(rank)); err != nil || bad != nil || n != len(e.ends) {
			panic(fmt.Sprintf("tokens: the vocabulary %s is damaged at rank %d", e.name, len(e.ends)))
		}
		e.ends = append(e.ends, uint32(len(text)))
	}
	e.bytes = string(text)
	size := 1
	for size < 2*len(e.ends) {
		size *= 2
	}
	e.slots, e.pairs = make([]uint32, size), make([]uint32, 1<<16)
	for i := range e.pairs {
		e.pairs[i] = none
	}
	from := uint32(0)
	for rank, end := range e.ends {
		token := e.bytes[from:end]
		from = end
		if len(token) == 2 {
			e.pairs[uint(token[0])<<8|uint(token[1])] = uint32(rank)
		}
		i := maphash.String(e.seed, token)
		for e.slots[i&uint64(size-1)] != 0 {
			i++
		}
		e.slots[i&uint64(size-1)] = uint32(rank) + 1
	}
}

// rank returns a token's rank, none for what is no token.
func (e *encoding) rank(s string) uint32 {
	if len(s) == 2 {
		return e.pairs[uint(s[0])<<8|uint(s[1])]
	}
	mask := uint64(len(e.slots) - 1)
	for i := maphash.String(e.seed, s); ; i++ {
		slot := e.slots[i&mask]
		if slot == 0 {
			return none
		}
		from := uint32(0)
		if slot > 1 {
			from = e.ends[slot-2]
		}
		if e.bytes[from:e.ends[slot-1]] == s {
			return slot - 1
		}
	}
}

// count returns how many tokens a text is. Its time is linear in the text, whatever stands in it.
func (e *encoding) count(s string) int {
	if s == "" {
		return 0
	}
	e.once.Do(e.load)
	n := 0
	for len(s) > 0 {
		length := e.next(s)
		piece := s[:length]
		s = s[length:]
		for len(piece) > pieceMost {
			cut := pieceMost
			for cut > pieceMost-utf8.UTFMax && !utf8.RuneStart(piece[cut]) {
				cut--
			}
			n += e.piece(piece[:cut])
			piece = piece[cut:]
		}
		n += e.piece(piece)
	}
	return n
}

// piece counts the tokens of one piece: the pair of the lowest rank is merged until no pair is a token.
func (e *encoding) piece(s string) int {
	if len(s) <= 1 {
		return len(s)
	}
	if e.rank(s) != none {
		return 1
	}
	var starts [pieceMost + 1]int
	var ranks [pieceMost]uint32 // of the pair that begins here
	n := len(s)
	for i := range n {
		starts[i], ranks[i] = i, none
		if i+1 < n {
			ranks[i] = e.pairs[uint(s[i])<<8|uint(s[i+1])]
		}
	}
	starts[n] = n
	for {
		best, at := uint32(none), -1
		for i := range n {
			if ranks[i] < best {
				best, at = ranks[i], i
			}
		}
		if at < 0 {
			return n
		}
		copy(starts[at+1:n], starts[at+2:n+1])
		copy(ranks[at+1:n-1], ranks[at+2:n])
		n--
		pair := func(i int) uint32 {
			if i+2 > n {
				return none
			}
			return e.rank(s[starts[i]:starts[i+2]])
		}
		ranks[at] = pair(at)
		if at > 0 {
			ranks[at-1] = pair(at - 1)
		}
	}
}
