package journal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"sync"
	"syscall"
	"testing"
)

// simDisk is a disk in memory that can fail, and that can lose power: then what was not synced is there in part, in any
// order, and of names that were not synced any may have changed or not.
type simDisk struct {
	mu     sync.Mutex // guards all, files included
	names  map[string]*simFile
	lasts  map[string]*simFile
	ops    []simOp // since names lasted
	locked bool

	room      int64 // bytes that still fit; < 0 = any number
	readOnly  bool
	failSync  error
	failNames error
	failRead  error
	failCut   error
	syncs     int

	between func(what string) // called before names change, and while a file is synced
}

// simOp is a change of names: from "" = made, to "" = removed.
type simOp struct {
	f        *simFile
	from, to string
}

type simFile struct {
	d      *simDisk
	now    []byte
	synced []byte
	writes []simWrite // since then
}

type simWrite struct {
	off  int64
	b    []byte
	size int64 // of a truncation; b is nil
}

func newSimDisk() *simDisk {
	return &simDisk{names: map[string]*simFile{}, lasts: map[string]*simFile{}, room: -1}
}

type simLock struct{ d *simDisk }

func (l simLock) Close() error {
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	l.d.locked = false
	return nil
}

func (d *simDisk) Lock(string) (io.Closer, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.locked {
		return nil, ErrLocked
	}
	d.locked = true
	return simLock{d}, nil
}

func (d *simDisk) List() ([]string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Sorted(maps.Keys(d.names)), nil
}

func (d *simDisk) Open(name string) (file, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if f := d.names[name]; f != nil {
		return f, nil
	}
	return nil, fs.ErrNotExist
}

func (d *simDisk) Create(name string) (file, error) {
	if d.between != nil {
		d.between("create " + name)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.readOnly {
		return nil, syscall.EROFS
	}
	if old := d.names[name]; old != nil {
		d.ops = append(d.ops, simOp{old, name, ""})
	}
	f := &simFile{d: d}
	d.names[name] = f
	d.ops = append(d.ops, simOp{f, "", name})
	return f, nil
}

func (d *simDisk) Rename(from, to string) error {
	if d.between != nil {
		d.between("rename " + to)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.readOnly {
		return syscall.EROFS
	}
	if d.names[from] == nil {
		return fs.ErrNotExist
	}
	d.names[to] = d.names[from]
	delete(d.names, from)
	d.ops = append(d.ops, simOp{d.names[to], from, to})
	return nil
}

func (d *simDisk) Remove(name string) error {
	if d.between != nil {
		d.between("remove " + name)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.readOnly:
		return syscall.EROFS
	case d.names[name] == nil:
		return fs.ErrNotExist
	}
	if d.room >= 0 {
		d.room += int64(len(d.names[name].now))
	}
	d.ops = append(d.ops, simOp{d.names[name], name, ""})
	delete(d.names, name)
	return nil
}

func (d *simDisk) Sync() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.syncs++
	if d.failNames != nil {
		return d.failNames
	}
	d.lasts = maps.Clone(d.names)
	d.ops = nil
	return nil
}

func (f *simFile) Close() error { return nil }

func (f *simFile) Size() (int64, error) {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	return int64(len(f.now)), nil
}

func (f *simFile) ReadAt(b []byte, off int64) (int, error) {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	if f.d.failRead != nil {
		return 0, f.d.failRead
	}
	if off > int64(len(f.now)) {
		return 0, io.EOF
	}
	n := copy(b, f.now[off:])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

func (f *simFile) WriteAt(b []byte, off int64) (int, error) {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	if f.d.readOnly {
		return 0, syscall.EROFS
	}
	var err error
	if grow := off + int64(len(b)) - int64(len(f.now)); f.d.room >= 0 && grow > f.d.room {
		b, err = b[:max(0, int64(len(b))-(grow-f.d.room))], syscall.ENOSPC
		f.d.room = 0
	} else if f.d.room >= 0 {
		f.d.room -= max(0, grow)
	}
	w := simWrite{off: off, b: slices.Clone(b)}
	f.now = w.on(f.now)
	f.writes = append(f.writes, w)
	return len(b), err
}

func (f *simFile) Truncate(size int64) error {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	switch {
	case f.d.readOnly:
		return syscall.EROFS
	case f.d.failCut != nil:
		return f.d.failCut
	}
	if f.d.room >= 0 {
		f.d.room += max(0, int64(len(f.now))-size)
	}
	w := simWrite{size: size}
	f.now = w.on(f.now)
	f.writes = append(f.writes, w)
	return nil
}

func (f *simFile) Sync() error {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	f.d.syncs++
	if f.d.failSync != nil {
		return f.d.failSync
	}
	if between := f.d.between; between != nil {
		defer func() {
			f.d.mu.Unlock()
			between("sync")
			f.d.mu.Lock()
		}()
	}
	f.synced, f.writes = slices.Clone(f.now), nil
	return nil
}

// on returns the content with the write done.
func (w simWrite) on(b []byte) []byte {
	if w.b == nil {
		if w.size < int64(len(b)) {
			return slices.Clone(b[:w.size])
		}
		return b
	}
	if end := w.off + int64(len(w.b)); end > int64(len(b)) {
		b = append(b, make([]byte, end-int64(len(b)))...)
	}
	copy(b[w.off:], w.b)
	return b
}

// cut returns the disk as it is after a power cut. What was not synced is there where keep says so.
func (d *simDisk) cut(keep func(what string) bool, part func(n int) int) *simDisk {
	d.mu.Lock()
	defer d.mu.Unlock()
	after := newSimDisk()
	names := maps.Clone(d.lasts)
	for i, op := range d.ops {
		if !keep(fmt.Sprint("operation ", i)) {
			continue
		}
		if names[op.from] == op.f {
			delete(names, op.from)
		}
		if op.to != "" {
			names[op.to] = op.f
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		f := names[name]
		b := slices.Clone(f.synced)
		for i, w := range f.writes {
			if !keep(fmt.Sprint(name, " write ", i)) {
				continue
			}
			if w.b != nil && !keep(fmt.Sprint(name, " write ", i, " whole")) {
				w.b = w.b[:part(len(w.b))]
			}
			b = w.on(b)
		}
		after.names[name] = &simFile{d: after, now: b, synced: slices.Clone(b)}
	}
	after.lasts = maps.Clone(after.names)
	return after
}

var errBroken = errors.New("input/output error")

// openSim opens a Journal on a disk, without goroutines unless o says so.
func openSim(t testing.TB, d disk, o Options) *Journal {
	t.Helper()
	o.disk = d
	j, err := Open("sim", o)
	if err != nil {
		t.Fatal(err)
	}
	return j
}
