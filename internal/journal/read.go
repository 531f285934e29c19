package journal

import (
	"errors"
	"io"
	"io/fs"
	"slices"
)

// Record is one record as it is read. Bytes is good until the next one is read.
type Record struct {
	Bytes   []byte
	At      Position // where it begins
	End     Position // where it ends
	Skipped int64    // bytes before it that are damaged
}

// Read calls f for every record between two positions, in order, until f returns false; damage behind the last of a
// segment comes as a record without Bytes. It returns where it came to: everything before that was read. Records that are
// appended meanwhile do not come.
func (j *Journal) Read(from, to Position, f func(Record) bool) (Position, error) {
	j.mu.Lock()
	segments := make([]segment, 0, len(j.segments))
	for _, seg := range j.segments {
		if seg.n >= from.Segment && seg.n <= to.Segment {
			segments = append(segments, segment{n: seg.n, size: seg.size})
		}
	}
	j.mu.Unlock()
	return read(j.disk, segments, from, to, f)
}

func read(d disk, segments []segment, from, to Position, f func(Record) bool) (Position, error) {
	var buf []byte
	for _, seg := range segments {
		start := int64(0)
		if seg.n == from.Segment {
			start = from.Offset
		}
		end := seg.size
		if seg.n == to.Segment {
			end = min(end, to.Offset)
		}
		file, err := d.Open(seg.name())
		if err != nil {
			return from, err
		}
		at, more, err := readSegment(newReader(file, seg.n, start, end, buf), f, &buf)
		err = errors.Join(err, file.Close())
		from = Position{seg.n, at}
		if err != nil || !more {
			return from, err
		}
	}
	return from, nil
}

func readSegment(r *reader, f func(Record) bool, buf *[]byte) (at int64, more bool, err error) {
	defer func() { *buf = r.buf }()
	for at = r.off; ; at = r.off {
		p, off, skipped, err := r.next()
		switch {
		case errors.Is(err, io.EOF):
			end := Position{r.n, r.end}
			return r.end, skipped == 0 || f(Record{At: end, End: end, Skipped: skipped}), nil
		case err != nil:
			return at, false, err
		case !f(Record{Bytes: p, At: Position{r.n, off}, End: Position{r.n, r.off}, Skipped: skipped}):
			return r.off, false, nil
		}
	}
}

// Visit reads the records in a folder that a Journal may be writing to, up to what is written whole. It changes nothing.
// mark is where that Journal's mark stands, or stood a moment ago.
func Visit(dir string, f func(Record) bool) (mark Position, err error) {
	d := folder{dir}
	names, err := d.List()
	if err != nil {
		return Position{}, err
	}
	if mark, err = readMark(d, names); err != nil {
		return Position{}, err
	}
	var numbers []uint64
	for _, name := range names {
		if n, ok := segmentOf(name); ok {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	for i, n := range numbers {
		more, err := visit(d, n, i == len(numbers)-1, f)
		if errors.Is(err, fs.ErrNotExist) { // it has been removed meanwhile
			continue
		}
		if err != nil || !more {
			return mark, err
		}
	}
	return mark, nil
}

func visit(d disk, n uint64, last bool, f func(Record) bool) (more bool, err error) {
	file, err := d.Open(segmentName(n))
	if err != nil {
		return false, err
	}
	defer file.Close()
	size, err := file.Size()
	if err != nil {
		return false, err
	}
	if next, err := d.Open(segmentName(n + 1)); err == nil {
		if before, ok := readHead(next, n+1); ok {
			size, last = min(size, before), false
		}
		_ = next.Close()
	}
	var buf []byte
	_, more, err = readSegment(newReader(file, n, 0, size, nil), func(r Record) bool {
		return r.Bytes == nil && last || f(r) // what is not whole at the end is being written, or torn
	}, &buf)
	return more, err
}
