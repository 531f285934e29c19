package thread

import (
	"errors"
	"io/fs"
	"slices"
	"time"
)

// Sync makes everything that was put or deleted before last, also through a power cut. Where that fails once, what of it
// is on the disk is not known any more: from then on the store keeps nothing new and says so. What it has can be read.
func (f *File) Sync() error {
	f.syncing.Lock()
	defer f.syncing.Unlock()
	type dirty struct {
		seg  *segment
		size int64
	}
	var todo []dirty
	f.mu.Lock()
	err := f.broken
	names := f.names
	renamed := names > f.lasting
	for _, seg := range f.segments {
		if seg.lasts < seg.size && err == nil {
			seg.refs++
			todo = append(todo, dirty{seg, seg.size})
		}
	}
	f.mu.Unlock()
	if err != nil {
		return err
	}
	for _, d := range todo {
		err = errors.Join(err, d.seg.file.Sync())
	}
	if renamed {
		err = errors.Join(err, f.disk.Sync())
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, d := range todo {
		if err == nil {
			d.seg.lasts = d.size
		}
		f.unref(d.seg)
	}
	if err != nil {
		f.broken = err
		return err
	}
	f.lasting = names
	return nil
}

// syncer makes what was written last a while after the first of it, so that many share the cost.
func (f *File) syncer() {
	pause := time.NewTimer(0)
	<-pause.C
	for {
		select {
		case <-f.unsynced:
		case <-f.stop:
			return // Close does the rest
		}
		pause.Reset(f.o.every)
		select {
		case <-pause.C:
		case <-f.stop:
			return
		}
		_ = f.Sync() // the store is broken then, and the next Put says so
	}
}

// payOwed writes the notes that could not be written when turns were deleted. f.writing is held.
func (f *File) payOwed() error {
	f.mu.Lock()
	owed, err := f.owed, f.broken
	f.mu.Unlock()
	if len(owed) == 0 {
		return nil
	}
	paid := 0
	for ; paid < len(owed) && err == nil; paid++ {
		k := owed[paid]
		f.mu.Lock()
		g := f.graves[k]
		needed := g != nil && g.stone.seg == nil && f.index.get(k.owner, k.id) == nil
		f.mu.Unlock()
		if !needed {
			continue
		}
		e := f.keys.gone(k.owner, k.id)
		var p place
		if p, err = f.append(e); err != nil {
			break
		}
		f.mu.Lock()
		f.stone(k, e.size(), p)
		f.mu.Unlock()
	}
	f.mu.Lock()
	f.owed = slices.Delete(f.owed, 0, paid)
	f.mu.Unlock()
	return err
}

// How long the tidier waits: without being woken, and after something went wrong.
const (
	tidyEvery = time.Minute
	tidyAgain = time.Second
)

// linger is how long something dead may stay in a segment that is not worth writing anew yet.
const linger = 24 * time.Hour

func (f *File) tidier() {
	pause := time.NewTimer(tidyEvery)
	defer pause.Stop()
	for {
		more, err := f.tidy()
		woken, wait := f.untidy, tidyEvery
		if !more || err != nil {
			f.writing.Lock()
			err = errors.Join(err, f.payOwed())
			f.writing.Unlock()
		}
		switch {
		case err != nil:
			woken, wait = nil, tidyAgain
		case more:
			wait = 0
		}
		pause.Reset(wait)
		select {
		case <-woken:
		case <-pause.C:
		case <-f.stop:
			return
		}
	}
}

// tidy does one piece of tidying and reports whether there was one to do.
func (f *File) tidy() (more bool, err error) {
	if err := f.clear(); err != nil {
		return false, err
	}
	f.mu.Lock()
	f.expire(f.o.Now())
	run := f.choose()
	if f.broken != nil {
		run = nil
	}
	f.mu.Unlock()
	if run == nil {
		return false, nil
	}
	last := run[len(run)-1]
	f.writing.Lock()
	if f.active == last {
		f.seal()
	}
	f.mu.Lock()
	empty := len(run) == 1 && last.live == 0 // and stays so: nothing comes to life in a segment that is not active
	f.mu.Unlock()
	f.writing.Unlock()
	// What says that something is dead must last before the dead are left out.
	if err := f.Sync(); err != nil {
		return false, err
	}
	if empty {
		return true, f.drop(last)
	}
	if err := f.rewrite(run); err != nil {
		return false, err
	}
	return true, f.clear()
}

// choose returns the segments to write together next, neighbours in their order; nil = it is tidy. f.mu is held.
func (f *File) choose() []*segment {
	now := f.o.Now()
	worth := 0.5 // of a segment that is waste
	switch {
	case f.waiting > 0:
		worth = 0
	case f.used > f.o.Bytes/4*3:
		worth = 0.125
	}
	best, most := -1, 0.0
	for i, seg := range f.segments {
		waste := float64(seg.waste()) / float64(seg.size)
		old := !seg.dead.IsZero() && now.Sub(seg.dead) >= linger
		switch {
		case seg.live == 0 && seg != f.active:
			return f.segments[i : i+1 : i+1]
		case seg.waste() == 0:
		case seg == f.active && !old && (f.waiting == 0 || waste < 0.125):
		case (old || waste > worth) && (best < 0 || waste > most):
			best, most = i, waste
		}
	}
	if best < 0 {
		return f.small()
	}
	return f.widen(best)
}

// small returns neighbours that together are less than half a segment. f.mu is held.
func (f *File) small() []*segment {
	for i := 1; i < len(f.segments); i++ {
		if f.segments[i] != f.active && f.segments[i-1].size+f.segments[i].size < f.o.segment/2 {
			return f.widen(i)
		}
	}
	return nil
}

// widen returns the segment at i with as many of its neighbours as fill half a segment. f.mu is held.
func (f *File) widen(i int) []*segment {
	from, to, live := i, i+1, f.segments[i].live
	for from > 0 && live+f.segments[from-1].live < f.o.segment/2 {
		from--
		live += f.segments[from].live
	}
	for to < len(f.segments) && f.segments[to] != f.active && live+f.segments[to].live < f.o.segment/2 {
		live += f.segments[to].live
		to++
	}
	return slices.Clone(f.segments[from:to])
}

// drop removes a segment of which nothing is needed.
func (f *File) drop(seg *segment) error {
	if err := f.disk.Remove(seg.name()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	// Only when it is gone for good may what says that its ghosts are dead go, too.
	if err := f.disk.Sync(); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	i := slices.Index(f.segments, seg)
	f.segments = slices.Delete(f.segments, i, i+1)
	f.used -= seg.size
	f.lay(seg)
	f.unref(seg)
	f.madeRoom()
	return nil
}

// clear removes files that others have taken the place of. While there are any, nothing else is tidied: were their
// successors removed first, they would count again.
func (f *File) clear() error {
	for len(f.left) > 0 {
		for _, seg := range f.left {
			if err := f.disk.Remove(seg.name()); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
		if err := f.disk.Sync(); err != nil {
			return err
		}
		f.mu.Lock()
		for _, seg := range f.left {
			f.used -= seg.size
		}
		f.madeRoom()
		f.mu.Unlock()
		f.left = nil
	}
	return nil
}

// madeRoom wakes those who wait for room. f.mu is held.
func (f *File) madeRoom() {
	close(f.tidied)
	f.tidied = make(chan struct{})
}
