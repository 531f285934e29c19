package journal

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
)

const (
	markName = "done"
	markNew  = "done.new"
)

// Mark notes that what stands before a position is done with, so that a later process knows. It lasts when Mark returns.
func (j *Journal) Mark(p Position) error {
	j.syncing.Lock()
	defer j.syncing.Unlock()
	j.mu.Lock()
	done := p.Compare(j.mark) <= 0
	err := j.broken
	j.mu.Unlock()
	if done || err != nil {
		return err
	}
	if err := writeMark(j.disk, p); err != nil {
		return fmt.Errorf("marking what of the journal is done with: %w", err)
	}
	j.mu.Lock()
	j.mark = p
	j.mu.Unlock()
	return nil
}

// Marked returns the position of the last Mark, of this process or one before it.
func (j *Journal) Marked() Position {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.mark
}

// First returns the number of the oldest segment, and how many bytes it has; 0 if there is none.
func (j *Journal) First() (n uint64, size int64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.segments) == 0 {
		return 0, 0
	}
	return j.segments[0].n, j.segments[0].size
}

// RemoveFirst removes the oldest segment if all of it is before the mark and nothing is written to it any more, and
// reports whether it did. It lasts when RemoveFirst returns: of what is removed in order no later part goes first.
func (j *Journal) RemoveFirst() (bool, error) {
	j.syncing.Lock()
	defer j.syncing.Unlock()
	j.mu.Lock()
	var seg *segment
	if len(j.segments) > 0 && j.broken == nil {
		seg = j.segments[0]
	}
	no := seg == nil || seg == j.active || j.mark.Compare(Position{seg.n, seg.size}) < 0
	j.mu.Unlock()
	if no {
		return false, nil
	}
	if err := j.disk.Remove(seg.name()); err != nil {
		return false, fmt.Errorf("removing a segment of the journal: %w", err)
	}
	err := j.disk.Sync()
	j.mu.Lock()
	defer j.mu.Unlock()
	j.segments = slices.Delete(slices.Clone(j.segments), 0, 1) // a copy: others may be going through them
	j.used -= seg.size
	if seg.file != nil {
		_ = seg.file.Close()
		seg.file = nil
	}
	if err != nil {
		return true, fmt.Errorf("removing a segment of the journal: %w", err)
	}
	return true, nil
}

func writeMark(d disk, p Position) error {
	f, err := d.Create(markNew)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(markText(p), 0)
	if err == nil {
		err = f.Sync()
	}
	if closing := f.Close(); err == nil {
		err = closing
	}
	if err == nil {
		err = d.Rename(markNew, markName)
	}
	if err != nil {
		_ = d.Remove(markNew)
		return err
	}
	return d.Sync()
}

// readMark returns where the mark stands. One that cannot be understood is none: what is done with is then done again.
func readMark(d disk, names []string) (p Position, err error) {
	if !slices.Contains(names, markName) {
		return Position{}, nil
	}
	f, err := d.Open(markName)
	if err != nil {
		return Position{}, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.NewSectionReader(f, 0, 256))
	if err != nil {
		return Position{}, err
	}
	_, err = fmt.Sscanf(string(text), "weir journal done 1 %d %d", &p.Segment, &p.Offset)
	if err != nil || !bytes.Equal(text, markText(p)) {
		return Position{}, nil
	}
	return p, nil
}

func markText(p Position) []byte {
	text := fmt.Appendf(nil, "weir journal done 1 %d %d", p.Segment, p.Offset)
	return fmt.Appendf(text, " %08x\n", crc32.Checksum(text, castagnoli))
}
