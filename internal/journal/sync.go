package journal

import (
	"fmt"
	"time"
)

// flusher writes what is lazy and syncs what is written, both within their times, as long as there is something.
func (j *Journal) flusher() {
	timer := time.NewTimer(0)
	<-timer.C
	wait := func(d time.Duration) bool {
		timer.Reset(d)
		select {
		case <-timer.C:
			return true
		case <-j.stop:
			return false
		}
	}
	for failed := time.Duration(0); ; {
		select {
		case <-j.unsynced:
		case <-j.stop:
			return
		}
		for due := time.Now().Add(j.o.Every); ; {
			left := time.Until(due)
			if left <= 0 {
				break
			}
			if !wait(min(left, j.o.Lazy)) {
				return
			}
			j.writeLazy()
		}
		if err := j.Sync(); err != nil {
			if j.Broken() != nil {
				return
			}
			failed = min(2*failed+10*time.Millisecond, time.Second)
			wake(j.unsynced)
			if !wait(failed) {
				return
			}
			continue
		}
		failed = 0
	}
}

// writeLazy writes what is lazy unless somebody writes, who does it or has done it.
func (j *Journal) writeLazy() {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.lazy) > 0 && !j.writing && j.broken == nil {
		j.lead()
	}
}

// Sync makes everything last that was appended before, lazily or not. Once the system has said that it cannot, it is not
// known what is on the disk, and the journal refuses everything from then on.
func (j *Journal) Sync() error {
	var unwritten error
	j.mu.Lock()
	lazy, turn := j.lazyIn, j.turns
	for tries := 0; j.lazyOut < lazy && j.broken == nil; tries++ {
		if j.writing {
			j.written.Wait()
			continue
		}
		failed := j.stats.Failed
		j.lead()
		if j.stats.Failed != failed && tries > 0 {
			unwritten = fmt.Errorf("%d bytes of the journal cannot be written yet: %w", len(j.lazy), j.failing)
			break
		}
	}
	for j.writing && j.turns == turn {
		j.written.Wait() // what is being written was appended before
	}
	j.mu.Unlock()
	if err := j.syncFiles(); err != nil {
		return err
	}
	return unwritten
}

// syncActive syncs in the name of a writer, with j.writing set again so that nobody else writes. j.mu is held, and given
// back meanwhile.
func (j *Journal) syncActive() error {
	j.writing = true
	j.mu.Unlock()
	err := j.syncFiles()
	j.mu.Lock()
	j.writing = false
	return err
}

// syncFiles makes last what is written. Segments that are not written to any more are closed.
func (j *Journal) syncFiles() error {
	j.syncing.Lock()
	defer j.syncing.Unlock()
	j.mu.Lock()
	if j.broken != nil {
		defer j.mu.Unlock()
		return j.broken
	}
	var todo []*segment
	var sizes []int64
	for _, seg := range j.segments {
		if seg.synced < seg.size || seg.file != nil && seg != j.active {
			todo, sizes = append(todo, seg), append(sizes, seg.size)
		}
	}
	names, lasting := j.names, j.lasting
	j.mu.Unlock()
	var err error
	if names != lasting {
		err = j.disk.Sync()
	}
	for _, seg := range todo {
		if err == nil {
			err = seg.file.Sync()
		}
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if err != nil {
		j.broken = fmt.Errorf("syncing the journal failed, and what is on the disk is not known any more: %w", err)
		return j.broken
	}
	j.lasting = names
	if len(todo) > 0 {
		j.stats.Syncs++
	}
	for i, seg := range todo {
		seg.synced = sizes[i]
		if seg != j.active && seg.synced == seg.size {
			_ = seg.file.Close() // all of it lasts already
			seg.file = nil
		}
	}
	return nil
}

// Broken returns why nothing is written any more; nil = it is.
func (j *Journal) Broken() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.broken
}

// Synced returns the position before which everything lasts.
func (j *Journal) Synced() Position {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, seg := range j.segments {
		if seg.synced < seg.size {
			return Position{seg.n, seg.synced}
		}
	}
	return j.end()
}

// End returns the position behind everything that is written.
func (j *Journal) End() Position {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.end()
}

func (j *Journal) end() Position {
	if n := len(j.segments); n > 0 {
		return Position{j.segments[n-1].n, j.segments[n-1].size}
	}
	return Position{}
}
