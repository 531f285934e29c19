package journal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strconv"
	"strings"
)

const (
	signature = "weir journal 1\n\x00"
	headSize  = 32 // of a segment: signature, end of the segment before, sum, end of line
	frameSize = 12 // of a record: magic, length, sum
	suffix    = ".journal"
)

// magic begins a record. No text has it: its bytes are not UTF-8.
var magic = [4]byte{0xf7, 'w', 0xfe, 0xf9}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func (s *segment) name() string { return segmentName(s.n) }

func segmentName(n uint64) string { return fmt.Sprintf("%012d%s", n, suffix) }

// segmentOf returns the number of a segment by its file's name.
func segmentOf(name string) (uint64, bool) {
	digits, ok := strings.CutSuffix(name, suffix)
	n, err := strconv.ParseUint(digits, 10, 64)
	return n, ok && err == nil && n > 0 && name == segmentName(n)
}

// place mixes the bits of where a record stands, so that a record's bytes are one nowhere else.
func place(n uint64, off int64) uint32 {
	x := n*0x9e3779b97f4a7c15 + uint64(off)
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return uint32((x ^ x>>31) >> 16)
}

// head returns the first bytes of a segment. before is where the one before it ends.
func head(n uint64, before int64) []byte {
	b := make([]byte, headSize)
	copy(b, signature)
	binary.LittleEndian.PutUint64(b[16:], uint64(before))
	binary.LittleEndian.PutUint32(b[24:], crc32.Checksum(b[:24], castagnoli)^place(n, 0))
	copy(b[28:], "\r\n\r\n")
	return b
}

// readHead returns where the segment before one ends.
func readHead(f io.ReaderAt, n uint64) (before int64, ok bool) {
	b := make([]byte, headSize)
	if n, _ := f.ReadAt(b, 0); n < headSize {
		return 0, false
	}
	before = int64(binary.LittleEndian.Uint64(b[16:]))
	return before, bytes.Equal(b, head(n, before))
}

// appendRecord frames a record; its sum is stamped when its place is known.
func appendRecord(dst, p []byte) []byte {
	dst = append(dst, magic[:]...)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(p)))
	dst = append(dst, 0, 0, 0, 0)
	return append(dst, p...)
}

// stamp writes the sums of framed records that will stand in a segment from a place on, and counts them.
func stamp(b []byte, n uint64, base int64) (records int) {
	for at := 0; at < len(b); records++ {
		end := at + frameSize + int(binary.LittleEndian.Uint32(b[at+4:]))
		binary.LittleEndian.PutUint32(b[at+8:], sum(b[at:end], n, base+int64(at)))
		at = end
	}
	return records
}

func sum(record []byte, n uint64, off int64) uint32 {
	c := crc32.Update(crc32.Checksum(record[4:8], castagnoli), castagnoli, record[frameSize:])
	return c ^ place(n, off)
}

// reader reads the records of a segment in order.
type reader struct {
	f    io.ReaderAt
	n    uint64
	off  int64 // of what is read next
	end  int64 // of the segment
	buf  []byte
	base int64 // where buf[0] stands
}

func newReader(f io.ReaderAt, n uint64, from, end int64, buf []byte) *reader {
	return &reader{f: f, n: n, off: max(from, headSize), end: end, buf: buf[:0], base: -1}
}

// have returns up to size bytes at a place; fewer where the segment ends.
func (r *reader) have(off int64, size int) ([]byte, error) {
	size = int(min(int64(size), r.end-off))
	if size <= 0 {
		return nil, nil
	}
	if at := off - r.base; r.base >= 0 && at >= 0 && at+int64(size) <= int64(len(r.buf)) {
		return r.buf[at : at+int64(size)], nil
	}
	want := int(min(int64(max(size, 64<<10)), r.end-off))
	if cap(r.buf) < want {
		r.buf = make([]byte, want)
	}
	r.buf = r.buf[:want]
	n, err := r.f.ReadAt(r.buf, off)
	r.buf, r.base = r.buf[:n], off
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return r.buf[:min(size, n)], nil
}

// next returns the next record, where it stands, and how many bytes before it are none. At the end it returns io.EOF, with
// the bytes there that are no record. The record is good until the next call.
func (r *reader) next() (p []byte, off, skipped int64, err error) {
	start := r.off
	for r.off+frameSize < r.end {
		h, err := r.have(r.off, frameSize)
		if err != nil {
			return nil, 0, 0, err
		}
		if len(h) < frameSize {
			break
		}
		if [4]byte(h) == magic {
			size := int64(binary.LittleEndian.Uint32(h[4:]))
			if size > 0 && size <= MaxRecord && r.off+frameSize+size <= r.end {
				b, err := r.have(r.off, frameSize+int(size))
				if err != nil {
					return nil, 0, 0, err
				}
				if len(b) == frameSize+int(size) && binary.LittleEndian.Uint32(b[8:]) == sum(b, r.n, r.off) {
					off = r.off
					r.off += int64(len(b))
					return b[frameSize:], off, off - start, nil
				}
			}
		}
		if err := r.step(); err != nil {
			return nil, 0, 0, err
		}
	}
	return nil, r.end, max(0, r.end-start), io.EOF
}

// step goes on to the next place that looks like a record.
func (r *reader) step() error {
	r.off++
	for r.off < r.end {
		b, err := r.have(r.off, int(min(r.end-r.off, 32<<10)))
		if err != nil {
			return err
		}
		if i := bytes.Index(b, magic[:]); i >= 0 {
			r.off += int64(i)
			return nil
		}
		if len(b) < len(magic) {
			break
		}
		r.off += int64(len(b) - len(magic) + 1)
	}
	r.off = r.end
	return nil
}

// lastEnd returns where the last record of a segment ends that was written whole.
func lastEnd(f io.ReaderAt, n uint64, size int64) (int64, error) {
	r, end := newReader(f, n, 0, size, nil), min(size, headSize)
	if _, ok := readHead(f, n); !ok {
		end = 0
	}
	for {
		p, off, _, err := r.next()
		if errors.Is(err, io.EOF) {
			return end, nil
		}
		if err != nil {
			return 0, err
		}
		end = off + frameSize + int64(len(p))
	}
}
