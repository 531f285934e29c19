package journal

import (
	"errors"
	"fmt"
	"math"
	"sync"
)

// batch is what is written in one write, beside what is lazy.
type batch struct {
	buf     []byte
	waiters int
	done    bool
	err     error
	segment uint64
	base    int64 // where buf begins in it
	cond    sync.Cond
}

// Append writes a record and returns where it ends. It is there whatever becomes of this process, and with SyncEach
// whatever becomes of the machine. Records of callers that come together stand in any order. After an error it is not
// there; ErrFull and errors of the operating system may pass.
func (j *Journal) Append(p []byte) (Position, error) { return j.append(p, j.o.Bytes) }

// AppendOver is Append for what makes room: it is not refused where the journal is full.
func (j *Journal) AppendOver(p []byte) (Position, error) { return j.append(p, math.MaxInt64) }

func (j *Journal) append(p []byte, most int64) (Position, error) {
	if len(p) == 0 || len(p) > MaxRecord {
		return Position{}, ErrTooLarge
	}
	size := int64(frameSize + len(p))
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.refuses(); err != nil {
		return Position{}, err
	}
	waiting := int64(len(j.lazy)) + headSize
	if j.pending != nil {
		waiting += int64(len(j.pending.buf))
	}
	if j.used+waiting+size > most {
		return Position{}, ErrFull
	}
	b := j.pending
	if b == nil {
		b = j.newBatch()
		j.pending = b
	}
	b.buf = appendRecord(b.buf, p)
	end := int64(len(b.buf))
	b.waiters++
	for !b.done {
		if j.writing {
			b.cond.Wait()
		} else {
			j.lead()
		}
	}
	at, err := Position{b.segment, b.base + end}, b.err
	if b.waiters--; b.waiters == 0 && cap(b.buf) <= 1<<20 {
		j.unused = append(j.unused, b)
	}
	if err != nil {
		return Position{}, err
	}
	return at, nil
}

// AppendLazy writes a record soon, and keeps it until it can be written. It never waits for the disk, and it is not refused
// for being one too many: who uses it bounds what there is of it.
func (j *Journal) AppendLazy(p []byte) error {
	if len(p) == 0 || len(p) > MaxRecord {
		return ErrTooLarge
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.refuses(); err != nil {
		return err
	}
	if len(j.lazy) == 0 {
		wake(j.unsynced)
	}
	j.lazy = appendRecord(j.lazy, p)
	j.lazyIn += int64(frameSize + len(p))
	return nil
}

// refuses tells why nothing is written any more. j.mu is held.
func (j *Journal) refuses() error {
	if j.closed {
		return ErrClosed
	}
	return j.broken
}

func (j *Journal) newBatch() *batch {
	if n := len(j.unused); n > 0 {
		b := j.unused[n-1]
		j.unused = j.unused[:n-1]
		b.buf, b.done, b.err = b.buf[:0], false, nil
		return b
	}
	b := new(batch)
	b.cond.L = &j.mu
	return b
}

// lead writes what waits to be written, lazy records first. Nobody writes, and j.mu is held; it is given back while
// something is written.
func (j *Journal) lead() {
	b, lazy := j.pending, j.lazy
	j.pending, j.lazy, j.spare, j.writing = nil, j.spare[:0], nil, true
	out, n := lazy, len(lazy)
	switch {
	case b != nil && n == 0:
		out = b.buf
	case b != nil:
		out = append(lazy, b.buf...)
	}
	j.mu.Unlock()
	records, err := j.write(out)
	j.mu.Lock()
	j.writing = false
	j.turns++
	if err == nil {
		seg := j.active
		if b != nil {
			b.segment, b.base = seg.n, seg.size+int64(n)
		}
		seg.size += int64(len(out))
		j.used += int64(len(out))
		j.stats.Appended += uint64(records)
		j.stats.Writes++
		j.lazyOut += int64(n)
		if n > 0 {
			lazy = out[:0] // it may have grown
		}
		wake(j.unsynced)
		if j.o.Sync == SyncEach && b != nil {
			err = j.syncActive()
		}
	} else {
		j.stats.Failed++
		j.failing = err
		lazy = append(lazy[:n], j.lazy...)
		j.lazy, lazy = lazy, j.lazy[:0]
	}
	if cap(lazy) <= 4<<20 {
		j.spare = lazy
	}
	if b != nil {
		b.done, b.err = true, err
		b.cond.Broadcast()
	}
	if j.pending != nil {
		j.pending.cond.Signal() // one of those who wait leads
	}
	j.written.Broadcast()
}

// write writes framed records at the end of the active segment. Only who has set j.writing calls it, without j.mu.
func (j *Journal) write(out []byte) (records int, err error) {
	if len(out) == 0 {
		return 0, nil
	}
	if err := j.roll(int64(len(out))); err != nil {
		return 0, fmt.Errorf("beginning a segment of the journal: %w", err)
	}
	seg := j.active
	base := seg.size // only who has set j.writing changes it
	records = stamp(out, seg.n, base)
	if _, err := seg.file.WriteAt(out, base); err != nil {
		if seg.file.Truncate(base) != nil {
			// What is left there could be taken for records that were written. The next segment says that they are none.
			j.mu.Lock()
			seg.spoilt = true
			j.mu.Unlock()
		}
		return 0, fmt.Errorf("writing the journal: %w", err)
	}
	return records, nil
}

// roll sees to it that there is an active segment for so much.
func (j *Journal) roll(size int64) error {
	j.mu.Lock()
	seg := j.active
	n, before := j.next, int64(0)
	if k := len(j.segments); k > 0 {
		before = j.segments[k-1].size
	}
	j.mu.Unlock()
	if seg != nil && !seg.spoilt && (seg.size+size <= j.o.Segment || seg.size == headSize) {
		return nil
	}
	file, err := j.disk.Create(segmentName(n))
	if err != nil {
		return err
	}
	if _, err := file.WriteAt(head(n, before), 0); err != nil {
		return errors.Join(err, file.Close(), j.disk.Remove(segmentName(n)))
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.active = &segment{n: n, file: file, size: headSize}
	j.segments = append(j.segments, j.active)
	j.used += headSize
	j.next++
	j.names++
	return nil
}
