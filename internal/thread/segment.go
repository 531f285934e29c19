package thread

import (
	"bytes"
	"crypto/cipher"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"time"
)

// signature begins every segment. Its digit is the version of what follows.
const signature = "weirthr1"

// span names a segment: the range of segments it stands for, and how often that was written anew.
type span struct{ first, last, turn uint64 }

func (s span) name() string { return fmt.Sprintf("%010d-%010d.%d.seg", s.first, s.last, s.turn) }

// parseSpan reads what name wrote.
func parseSpan(name string) (s span, ok bool) {
	n, err := fmt.Sscanf(name, "%d-%d.%d.seg", &s.first, &s.last, &s.turn)
	return s, err == nil && n == 3 && s.name() == name && s.first <= s.last
}

// replaces reports whether the segment stands for another one too.
func (s span) replaces(o span) bool { return s.first <= o.first && s.last >= o.last && s.turn > o.turn }

func (s span) overlaps(o span) bool { return s.first <= o.last && o.first <= s.last }

// segment is a file of entries. File.mu guards its figures.
type segment struct {
	span
	file file
	aead cipher.AEAD // of the heads

	size   int64
	lasts  int64     // so much of it is there after a power cut
	live   int64     // bytes of living turns, and of what must stay because of ghosts elsewhere
	ghosts []key     // dead turns in it that an entry in another segment says are dead
	dead   time.Time // when the first thing in it died; zero = nothing has
	refs   int       // readers, and one as long as it is in File.segments
}

func (s *segment) waste() int64 { return s.size - int64(len(signature)) - s.live }

// key finds a turn.
type key struct{ owner, id string }

// reader goes through a segment from entry to entry. What is no entry it passes over.
type reader struct {
	file file
	aead cipher.AEAD
	size int64
	all  bool // look at bodies, too: it may be that not everything was written

	off     int64 // where it stands
	good    int64 // the end of the last entry that was right
	gap     bool  // something was passed over since then
	damaged int   // places that were passed over before a good entry, and entries that are not whole
	foreign int   // entries that are whole and do not open
	entries int   // that were found

	rotten []int64 // where entries are that were not written whole; only if all

	window []byte
	at     int64 // of the window
}

// found is an entry that was found.
type found struct {
	head  head
	plain []byte // the head as it was sealed
	file  file
	off   int64
	size  int64
}

// chunk is how much a reader reads at once. It is about what is worth reading rather than jumping over.
const chunk = 16 << 10

func newReader(f file, aead cipher.AEAD, size int64) *reader {
	return &reader{file: f, aead: aead, size: size, off: int64(len(signature)), good: int64(len(signature))}
}

// bytes returns n bytes at off, or as many as there are, until the next call.
func (r *reader) bytes(off, n int64) ([]byte, error) {
	n = min(n, r.size-off)
	if n <= 0 {
		return nil, nil
	}
	if off < r.at || off+n > r.at+int64(len(r.window)) {
		want := min(max(n, chunk), r.size-off)
		if int64(cap(r.window)) < want {
			r.window = make([]byte, want)
		}
		r.window = r.window[:want]
		r.at = off
		if got, err := r.file.ReadAt(r.window, off); int64(got) < want {
			r.window = nil
			return nil, errors.Join(err, io.ErrUnexpectedEOF)
		}
	}
	return r.window[off-r.at:][:n], nil
}

// next returns the next entry that is right, or io.EOF.
func (r *reader) next() (found, error) {
	for r.off < r.size {
		b, err := r.bytes(r.off, prefixSize)
		if err != nil {
			return found{}, err
		}
		p, ok := readPrefix(b)
		if !ok || r.off+p.size() > r.size {
			if err := r.search(); err != nil {
				return found{}, err
			}
			continue
		}
		f, err := r.read(p)
		if err != nil && !errors.Is(err, errRotten) && !errors.Is(err, errForeign) {
			return found{}, err
		}
		at := r.off
		r.off += p.size()
		switch {
		case err == nil:
			if r.gap {
				r.damaged++
			}
			r.gap, r.good = false, r.off
			f.file, f.off, f.size = r.file, at, p.size()
			r.entries++
			return f, nil
		case errors.Is(err, errForeign):
			// It is whole, so writing it did not break off.
			r.foreign++
			r.gap, r.good = false, r.off
		default:
			r.gap = true
			if r.all {
				r.rotten = append(r.rotten, at)
			}
		}
	}
	return found{}, io.EOF
}

// read opens the head of the entry where the reader stands.
func (r *reader) read(p prefix) (found, error) {
	b, err := r.bytes(r.off, prefixSize+p.head)
	if err != nil {
		return found{}, err
	}
	h, plain, p, err := openHead(r.aead, b, r.off)
	if err == nil && r.all {
		sum := uint32(0)
		for off, end := r.off+prefixSize+p.head, r.off+p.size(); off < end; {
			b, err := r.bytes(off, min(end-off, chunk))
			if err != nil {
				return found{}, err
			}
			sum = crc32.Update(sum, castagnoli, b)
			off += int64(len(b))
		}
		if sum != p.bodySum {
			return found{}, errRotten
		}
	}
	return found{head: h, plain: plain}, err
}

// search goes to the next place behind this one where an entry could begin.
func (r *reader) search() error {
	r.gap = true
	for r.off++; r.size-r.off >= int64(len(magic)); {
		n := r.at + int64(len(r.window)) - r.off // what is at hand is not read again
		if r.off < r.at || n < int64(len(magic)) {
			n = chunk
		}
		b, err := r.bytes(r.off, n)
		if err != nil {
			return err
		}
		if i := bytes.Index(b, []byte(magic)); i >= 0 {
			r.off += int64(i)
			return nil
		}
		r.off += int64(len(b) - len(magic) + 1)
	}
	r.off = r.size
	return nil
}
