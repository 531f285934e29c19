// Package journal keeps records of bytes in files of one folder, in the order they were appended, so that they survive
// the end of the process and, once they are synced, of the machine.
//
// A record is in the kernel before Append returns. Callers that come together are written by one of them in one write,
// and what was written is synced by a goroutine in groups. AppendLazy is for what need not be there at once: it goes with
// the next Append, or within some milliseconds, and is kept until it can be written.
//
// The files are segments, numbered from 1. Each begins with the end of the one before, and each record has its length and
// a sum over its bytes and its place. What was not written whole at the end of a segment is cut off when it is opened;
// damage in its middle is stepped over to the next record whose sum is right. Both are counted. Who has done with what
// stands before a position marks it, and removes segments that end before the mark.
package journal

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"
)

// Sync says when records are made to survive the end of the machine.
type Sync uint8

// When records are synced.
const (
	SyncGroups Sync = iota // Every so often, many together
	SyncEach               // before Append returns
)

// Options are the bounds of a Journal; the zero value is a good one.
type Options struct {
	Bytes   int64         // of all segments; 0 = 1 GiB. At it Append refuses
	Segment int64         // of one, about; 0 = 16 MiB, or less where Bytes is little; at most a quarter of Bytes
	Sync    Sync          // when what was written is synced
	Every   time.Duration // how long it waits for that at most; 0 = 100 ms
	Lazy    time.Duration // how long AppendLazy's records wait to be written; 0 = 5 ms

	disk  disk
	alone bool // no goroutine: tests write and sync themselves
}

// DefaultBytes is the bound of all segments where Options does not name one.
const DefaultBytes = 1 << 30

// MaxRecord is how long a record may be.
const MaxRecord = 1 << 20

// Errors of a Journal. Those of the operating system are wrapped as they are.
var (
	ErrFull     = errors.New("the journal is as large as it may be")
	ErrLocked   = errors.New("another process uses it")
	ErrClosed   = errors.New("the journal is closed")
	ErrTooLarge = fmt.Errorf("a record is empty or longer than %d bytes", MaxRecord)
)

// Position is a place between two records. The zero Position is before all of them.
type Position struct {
	Segment uint64
	Offset  int64
}

// Compare tells which of two positions is before the other, as cmp.Compare does.
func (p Position) Compare(q Position) int {
	if c := cmp.Compare(p.Segment, q.Segment); c != 0 {
		return c
	}
	return cmp.Compare(p.Offset, q.Offset)
}

// String is for people.
func (p Position) String() string { return fmt.Sprintf("%d:%d", p.Segment, p.Offset) }

// Stats are a Journal's figures.
type Stats struct {
	Bytes    int64 // of all segments
	Segments int
	Lazy     int64  // bytes that wait to be written
	Unsynced int64  // bytes that are written and not yet synced
	Appended uint64 // records, by this process
	Writes   uint64
	Syncs    uint64
	Failed   uint64 // writes that failed
	Torn     int64  // bytes at ends of segments that were not written whole
}

// Journal is one folder of segments. It is safe for concurrent use.
type Journal struct {
	o    Options
	disk disk
	lock io.Closer

	syncing sync.Mutex // lets one at a time make things last; taken before mu

	// mu guards what follows. It is never held while something is read or written.
	mu       sync.Mutex
	segments []*segment // in order
	active   *segment   // the last of them, if it is written to; only who has set writing changes it
	next     uint64     // number of the next segment
	used     int64      // bytes of segments
	pending  *batch     // gathers records while another is written; nil = none
	unused   []*batch   // to be used again
	writing  bool       // somebody writes
	written  sync.Cond  // nobody writes any more
	lazy     []byte     // framed records that wait
	spare    []byte     // a buffer for the next of them
	lazyIn   int64      // bytes of all there ever were,
	lazyOut  int64      // and of those that were written
	turns    uint64     // writes that have ended, however they did
	names    int        // how often the folder's names changed,
	lasting  int        // and of these, how many changes are synced
	mark     Position
	broken   error // why nothing is written any more
	failing  error // why the last write that failed did
	closed   bool
	stats    Stats

	unsynced chan struct{} // wakes the flusher
	stop     chan struct{}
	done     sync.WaitGroup
}

// segment is one file of records. Its fields are guarded by Journal.mu.
type segment struct {
	n      uint64
	file   file // nil once it is synced and no longer written to
	size   int64
	synced int64
	spoilt bool // there is something behind its end that could not be cut off
}

// Open opens the journal in a folder, which it makes if there is none; only the process's user can read it. The error
// says what is wrong with the folder; ErrLocked is among them. Nothing but the lock is written before the first record is.
func Open(dir string, o Options) (*Journal, error) {
	if o.disk == nil {
		d, err := openFolder(dir)
		if err != nil {
			return nil, fmt.Errorf("the journal: %w", err)
		}
		o.disk = d
	}
	o = o.withDefaults()
	j := &Journal{o: o, disk: o.disk, next: 1, unsynced: make(chan struct{}, 1), stop: make(chan struct{})}
	j.written.L = &j.mu
	var err error
	if j.lock, err = j.disk.Lock("lock"); err != nil {
		return nil, fmt.Errorf("the journal in %s: %w", dir, err)
	}
	if err := j.load(); err != nil {
		return nil, errors.Join(fmt.Errorf("the journal in %s: %w", dir, err), j.lock.Close())
	}
	if !o.alone {
		j.done.Go(j.flusher)
		wake(j.unsynced) // what the process before this one left
	}
	return j, nil
}

func (o Options) withDefaults() Options {
	if o.Bytes <= 0 {
		o.Bytes = DefaultBytes
	}
	if o.Segment <= 0 {
		o.Segment = min(16<<20, max(o.Bytes/16, 64<<10))
	}
	o.Segment = min(o.Segment, o.Bytes/4) // or the journal could be full of a segment that is written to
	if o.Every <= 0 {
		o.Every = 100 * time.Millisecond
	}
	if o.Lazy <= 0 {
		o.Lazy = 5 * time.Millisecond
	}
	return o
}

// load finds the segments and the mark, and cuts off what was not written whole at the end.
func (j *Journal) load() error {
	names, err := j.disk.List()
	if err != nil {
		return err
	}
	for _, name := range names {
		if n, ok := segmentOf(name); ok {
			j.segments = append(j.segments, &segment{n: n})
		}
	}
	slices.SortFunc(j.segments, func(a, b *segment) int { return cmp.Compare(a.n, b.n) })
	if j.mark, err = readMark(j.disk, names); err != nil {
		return err
	}
	if slices.Contains(names, markNew) {
		_ = j.disk.Remove(markNew) // it was being written
	}
	for i, seg := range j.segments {
		if seg.file, err = j.disk.Open(seg.name()); err != nil {
			return err
		}
		size, err := seg.file.Size()
		if err != nil {
			return err
		}
		seg.size = size
		if before, ok := readHead(seg.file, seg.n); ok && i > 0 && j.segments[i-1].n == seg.n-1 {
			j.cut(j.segments[i-1], before)
		}
		if i == len(j.segments)-1 {
			end, err := lastEnd(seg.file, seg.n, size)
			if err != nil {
				return fmt.Errorf("reading %s: %w", seg.name(), err)
			}
			j.cut(seg, end)
		}
	}
	for _, seg := range j.segments {
		j.used += seg.size
		j.next = seg.n + 1
	}
	j.next = max(j.next, j.mark.Segment+1)
	return nil
}

// cut takes note that a segment ends at a place, and cuts off what is behind it. A file that is shorter lost what is
// missing: the power went before it was synced.
func (j *Journal) cut(seg *segment, end int64) {
	if seg.size != end {
		j.stats.Torn += max(seg.size-end, end-seg.size)
	}
	if seg.size > end {
		seg.size = end
		_ = seg.file.Truncate(end) // the next segment says where this one ends
	}
}

// Stats returns the journal's figures.
func (j *Journal) Stats() Stats {
	j.mu.Lock()
	defer j.mu.Unlock()
	s := j.stats
	s.Bytes, s.Segments, s.Lazy = j.used, len(j.segments), int64(len(j.lazy))
	for _, seg := range j.segments {
		s.Unsynced += seg.size - seg.synced
	}
	return s
}

// Close writes and syncs what is not, and gives the folder back. The error says what could not be written.
func (j *Journal) Close() error {
	j.mu.Lock()
	if j.closed {
		j.mu.Unlock()
		return nil
	}
	j.closed = true
	j.mu.Unlock()
	close(j.stop)
	j.done.Wait()
	j.mu.Lock()
	for j.writing || j.pending != nil {
		j.written.Wait()
	}
	j.mu.Unlock()
	err := j.Sync()
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.broken == nil {
		j.broken = ErrClosed
	}
	for _, seg := range j.segments {
		if seg.file != nil {
			err = errors.Join(err, seg.file.Close())
			seg.file = nil
		}
	}
	return errors.Join(err, j.lock.Close())
}

func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
