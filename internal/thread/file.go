package thread

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"weir/internal/fault"
	"weir/internal/gateway"
)

// File keeps turns in the files of one folder. It is safe for concurrent use.
type File struct {
	o       Options
	most    bounds // of what lives, in bytes
	memory  bounds // of the index
	reserve int64  // of the disk, kept free for writing segments anew
	disk    disk
	lock    io.Closer
	keys    keys

	// writing lets one at a time append. It is held while an entry is written, so that a slow disk holds up those who
	// write and nobody who reads. It is taken before mu.
	writing sync.Mutex
	active  *segment // the one written to; nil = the next turn begins one. Changed with mu held, too

	syncing sync.Mutex // lets one at a time make things last; taken before mu

	// mu guards what follows and the figures of segments. It is never held while something is read or written.
	mu       sync.Mutex
	index    index[place]
	graves   map[key]*grave
	ghosts   int
	segments []*segment // in order; the last may be active
	used     int64      // bytes of files
	next     uint64     // number of the next segment
	names    int        // how often the folder's names changed by writing,
	lasting  int        // and of these, how many changes will be there after a power cut
	owed     []key      // turns that are gone and of which no entry says so yet
	waiting  int        // how many wait for room on the disk
	tidied   chan struct{}
	broken   error // why nothing is written any more
	closed   bool
	refused  uint64
	expired  uint64
	damaged  uint64
	torn     int64

	unsynced chan struct{} // wakes who makes things last
	untidy   chan struct{} // wakes who tidies
	stop     chan struct{}
	done     sync.WaitGroup

	left []*segment // the tidier's: others have taken their place, and their files are still there
}

// Open opens the store in a folder, which it makes if there is none; only the process's user can read it. The key lies in
// it as threads.key unless o says otherwise, and is made with the first start. An error says what is wrong with the folder:
// another process uses it, it cannot be read or written, the key is missing or is not the one it was written with.
func Open(dir string, o Options) (*File, error) {
	o = o.withDefaults(DefaultDisk)
	if o.segment <= 0 {
		o.segment = min(max(o.Bytes/64, 64<<10), 32<<20)
	}
	if o.every <= 0 {
		o.every = 100 * time.Millisecond
	}
	if o.disk == nil {
		d, err := openFolder(dir)
		if err != nil {
			return nil, fmt.Errorf("kept %s: %w", o.Words.Many, err)
		}
		o.disk = d
	}
	f := &File{
		o: o, disk: o.disk, reserve: 2 * o.segment, graves: map[key]*grave{}, tidied: make(chan struct{}),
		unsynced: make(chan struct{}, 1), untidy: make(chan struct{}, 1), stop: make(chan struct{}),
	}
	// What is dead takes room until it is tidied away: an eighth of the disk is left to it.
	f.most = bounds{all: o.Bytes - f.reserve - o.Bytes/8}
	if f.most.all <= 0 {
		return nil, fmt.Errorf("kept %s: %s are too little for a folder of them; %s are the least", o.Words.Many, amount(o.Bytes), amount(4*o.segment))
	}
	f.most.owner = min(o.Owner, f.most.all)
	f.memory = bounds{o.Index, max(o.Index/4, int64(float64(o.Index)*float64(o.Owner)/float64(o.Bytes)))}
	f.index.words = &f.o.Words
	var err error
	if f.lock, err = f.disk.Lock("lock"); err != nil {
		return nil, fmt.Errorf("kept %s: locking %s: %w", o.Words.Many, dir, err)
	}
	if err := f.load(dir); err != nil {
		return nil, errors.Join(fmt.Errorf("kept %s: %w", o.Words.Many, err), f.release())
	}
	wake(f.unsynced) // what the process before this one left
	if !o.alone {
		f.done.Go(f.syncer)
		f.done.Go(f.tidier)
	}
	return f, nil
}

// waitForRoom is how long Put waits for dead entries to be tidied away at most.
const waitForRoom = time.Second

// Put implements gateway.Threads. A turn that has ended already is not kept, and the one it would replace is forgotten.
// It keeps nothing of t itself.
func (f *File) Put(t gateway.Turn) error {
	if !f.o.Now().Before(t.Ends) {
		f.Delete(t.Owner, t.ID)
		return nil
	}
	e := f.keys.turn(&t)
	var late <-chan time.Time
	for {
		f.writing.Lock()
		wait, err := f.admit(e)
		if wait == nil && err == nil {
			err = f.keep(e)
		}
		f.writing.Unlock()
		if err != nil {
			f.mu.Lock()
			f.refused++
			f.mu.Unlock()
			return err
		}
		if wait == nil {
			return nil
		}
		if late == nil {
			late = time.After(waitForRoom)
		}
		select {
		case <-wait:
		case <-late:
			err = &fault.Fault{
				Kind: fault.Unavailable, RetryAfter: time.Second,
				Message: "the room that " + f.o.Words.Many + " are kept in is being tidied up; try again, or " + f.o.Words.Else,
			}
		}
		f.mu.Lock()
		f.waiting--
		if err != nil {
			f.refused++
		}
		f.mu.Unlock()
		if err != nil {
			return err
		}
	}
}

// admit reports why a turn cannot be kept, or what to wait for before asking again. f.writing is held.
func (f *File) admit(e *entry) (wait <-chan struct{}, err error) {
	now := f.o.Now()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.broken != nil {
		return nil, f.o.Words.unwritten(f.broken)
	}
	switch {
	case int64(len(e.plain))+sealing > mostHead:
		return nil, fault.New(fault.Unavailable, "this has %d items, more than can be kept: %s", len(e.head.items), f.o.Words.Else)
	case e.size() > mostBody:
		return nil, f.o.Words.tooLarge(e.size(), mostBody)
	}
	f.expire(now)
	h := &e.head
	old := f.index.get(h.owner, h.id)
	if full := f.index.room(f.most, h.owner, old, e.size()); full != nil {
		return nil, full
	}
	if full := f.index.roomInMemory(f.memory, h.owner, old, memoryOf(h.id, len(h.items)), int64(f.ghosts)*ghostCost); full != nil {
		full.Message = "the index in memory: " + full.Message
		return nil, full
	}
	if f.used+e.size()+f.reserve > f.o.Bytes {
		f.waiting++
		wake(f.untidy)
		return f.tidied, nil
	}
	return nil, nil
}

// keep writes a turn's entry and takes note of it. f.writing is held.
func (f *File) keep(e *entry) error {
	p, err := f.append(e)
	if err != nil {
		return f.o.Words.unwritten(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.insert(&e.head, e.size(), p)
	return nil
}

// append writes an entry at the end of the active segment. f.writing is held.
func (f *File) append(e *entry) (place, error) {
	if err := f.roll(e.size()); err != nil {
		return place{}, err
	}
	seg := f.active
	off := seg.size // only who holds f.writing changes it
	e.place(seg.aead, off)
	if _, err := seg.file.WriteAt(e.bytes, off); err != nil {
		_ = seg.file.Truncate(off) // where that does not go either, the next entry is written over what is there
		return place{}, err
	}
	f.mu.Lock()
	seg.size += e.size()
	f.used += e.size()
	f.mu.Unlock()
	wake(f.unsynced)
	return place{seg, off}, nil
}

// roll sees to it that there is an active segment with room for so much. A segment is not larger than the reserve, so that
// it can be written anew, unless it is one single turn that is. f.writing is held.
func (f *File) roll(size int64) error {
	f.mu.Lock()
	must := f.active == nil || f.active.size+size > f.reserve && f.active.size > int64(len(signature))
	may := f.active != nil && f.active.size >= f.o.segment
	// At a start only the last two segments are looked at for what was not written whole, so the others must last.
	n := len(f.segments)
	lasts := n < 2 || f.segments[n-2].lasts == f.segments[n-2].size
	s := span{f.next, f.next, 1}
	f.mu.Unlock()
	switch {
	case !must && (!may || !lasts):
		return nil
	case !lasts:
		if err := f.Sync(); err != nil {
			return err
		}
	}
	file, err := f.disk.Create(s.name())
	if err != nil {
		return err
	}
	if _, err := file.WriteAt([]byte(signature), 0); err != nil {
		return errors.Join(err, file.Close(), f.disk.Remove(s.name()))
	}
	f.seal()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.active = &segment{span: s, file: file, aead: f.keys.head(s), size: int64(len(signature)), refs: 1}
	f.segments = append(f.segments, f.active)
	f.used += f.active.size
	f.next++
	f.names++
	return nil
}

// seal ends the active segment. f.writing is held.
func (f *File) seal() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.active != nil {
		f.active = nil
		wake(f.untidy)
	}
}

// Get implements gateway.Threads. Slices of the turn are the caller's. A turn whose entry has been damaged is not there.
func (f *File) Get(owner, id string) (gateway.Turn, bool) {
	now := f.o.Now()
	f.mu.Lock()
	f.expire(now)
	return f.read(f.index.get(owner, id), owner)
}

// Holding implements gateway.Threads. Of several turns that have the item it returns the one that was put last.
func (f *File) Holding(owner, item string) (gateway.Turn, bool) {
	now, hash := f.o.Now(), itemHash(f.keys.items, item)
	f.mu.Lock()
	f.expire(now)
	t, ok := f.read(f.index.holding(owner, hash), owner)
	return t, ok && has(&t, item)
}

// read reads a turn from its file. It is called with f.mu held and gives it back.
func (f *File) read(n *node[place], owner string) (gateway.Turn, bool) {
	if n == nil || f.closed {
		f.mu.Unlock()
		return gateway.Turn{}, false
	}
	p, size := n.p, n.bytes
	p.seg.refs++
	f.mu.Unlock()

	b := make([]byte, size)
	var t gateway.Turn
	_, err := p.seg.file.ReadAt(b, p.off)
	if err == nil || errors.Is(err, io.EOF) {
		t, err = f.keys.openTurn(p.seg.aead, b, p.off, owner, n.id)
	}

	f.mu.Lock()
	defer f.mu.Unlock()
	f.unref(p.seg)
	if err != nil {
		f.damaged++
		return gateway.Turn{}, false
	}
	return t, true
}

// unref closes a segment's file once nobody needs it any more. f.mu is held.
func (f *File) unref(s *segment) {
	if s.refs--; s.refs == 0 {
		_ = s.file.Close() // all that matters of it lasts already
	}
}

// Delete implements gateway.Threads. Where the note of it cannot be written the turn is forgotten all the same, and the note
// is written as soon as that goes; only a restart before that brings the turn back.
func (f *File) Delete(owner, id string) bool {
	now := f.o.Now()
	f.writing.Lock()
	defer f.writing.Unlock()
	f.mu.Lock()
	f.expire(now)
	there := f.index.get(owner, id) != nil && !f.closed
	f.mu.Unlock()
	if !there {
		return false
	}
	f.forget(key{owner, id})
	return true
}

// forget writes that a turn is gone and takes note of it, or of that this is owed. f.writing is held.
func (f *File) forget(k key) {
	e := f.keys.gone(k.owner, k.id)
	var p place
	f.mu.Lock()
	err := f.broken
	f.mu.Unlock()
	if err == nil {
		p, err = f.append(e)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.erase(k, e.size(), p)
	if err != nil {
		f.owed = append(f.owed, k)
	}
}

// Stats returns the store's figures.
func (f *File) Stats() Stats {
	now := f.o.Now()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.expire(now)
	return Stats{
		Turns: f.index.turns, Bytes: f.index.bytes, Disk: f.used,
		Refused: f.refused, Expired: f.expired, Torn: f.torn, Damaged: f.damaged, Owed: len(f.owed),
	}
}

var errClosed = errors.New("the store is closed")

// Close makes everything last and gives the folder back. After it nothing is found and nothing is kept.
func (f *File) Close() error {
	f.mu.Lock()
	if f.closed {
		f.mu.Unlock()
		return nil
	}
	f.closed = true
	f.mu.Unlock()
	close(f.stop)
	f.done.Wait()
	f.writing.Lock()
	owed, err := f.payOwed(), f.Sync()
	if !errors.Is(err, owed) {
		err = errors.Join(owed, err)
	}
	f.mu.Lock()
	f.broken = errClosed
	f.mu.Unlock()
	f.writing.Unlock()
	return errors.Join(err, f.release())
}

// release closes all files and the lock.
func (f *File) release() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, seg := range f.segments {
		f.unref(seg)
	}
	f.segments = nil
	return f.lock.Close()
}

var _ gateway.Threads = (*File)(nil)
