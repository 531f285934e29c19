package thread

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"io/fs"
	"slices"
)

// rewriting is what is needed of a run of segments on its way into one that takes their place.
type rewriting struct {
	f     *File
	run   []*segment
	out   *segment
	inRun map[key]int // ghosts that go with the run
	moved []move
	bytes []byte // at the end of out, not written yet
}

// move is an entry's way from its old place to its new one, where it takes size.
type move struct {
	k    key
	turn *node[place] // nil = a note that it is gone
	from place
	off  int64
	size int64
}

const temporary = "new.tmp"

// rewrite writes what is needed of neighbouring segments into one and puts it in their place. Turns can be put, read and
// deleted meanwhile: what dies on the way is dead in the new segment, as it was in the old one.
func (f *File) rewrite(run []*segment) error {
	s := span{run[0].first, run[len(run)-1].last, 0}
	w := &rewriting{f: f, run: run, inRun: map[key]int{}}
	f.mu.Lock()
	for _, seg := range run {
		s.turn = max(s.turn, seg.turn+1)
		for _, k := range seg.ghosts {
			w.inRun[k]++
		}
	}
	f.mu.Unlock()
	if err := f.disk.Remove(temporary); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	file, err := f.disk.Create(temporary)
	if err != nil {
		return err
	}
	w.out = &segment{span: s, file: file, aead: f.keys.head(s), size: int64(len(signature)), refs: 1}
	w.bytes = append(w.bytes, signature...)
	err = w.copy()
	if err == nil {
		err = file.Sync()
	}
	// What says that entries are dead, which were left out, must last before they are gone.
	if err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = f.disk.Rename(temporary, s.name())
	}
	if err != nil {
		return errors.Join(err, file.Close(), f.disk.Remove(temporary))
	}
	if err := f.disk.Sync(); err != nil {
		// Which of the two is there after a power cut is not known, and from here on they would say different things.
		f.mu.Lock()
		f.broken = err
		f.mu.Unlock()
		return errors.Join(err, file.Close())
	}
	w.commit()
	return nil
}

// copy writes to out what is needed of the run.
func (w *rewriting) copy() error {
	for _, seg := range w.run {
		r := newReader(seg.file, seg.aead, seg.size)
		for {
			e, err := r.next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return err
			}
			if err := w.entry(seg, &e); err != nil {
				return err
			}
		}
	}
	return w.flush(0)
}

func (w *rewriting) entry(seg *segment, e *found) error {
	f, k, from := w.f, key{e.head.owner, e.head.id}, place{seg, e.off}
	f.mu.Lock()
	n := f.index.get(k.owner, k.id)
	if n != nil && n.p != from {
		n = nil
	}
	f.mu.Unlock()
	if n != nil {
		whole, err := w.take(e)
		if err != nil {
			return err
		}
		if whole {
			w.place(&entry{plain: e.plain}, move{k: k, turn: n, from: from, size: e.size})
			return w.flush(1 << 20)
		}
		// Nobody can read it any more.
		f.mu.Lock()
		if n.owner != nil {
			f.leave(n)
		}
		f.damaged++
		f.mu.Unlock()
	}
	f.mu.Lock()
	g := f.graves[k]
	needed := g != nil && g.stone == from && g.ghosts > w.inRun[k]
	f.mu.Unlock()
	if needed {
		note := f.keys.gone(k.owner, k.id)
		w.bytes = append(w.bytes, note.bytes...)
		w.place(note, move{k: k, from: from, size: note.size()})
	}
	return w.flush(1 << 20)
}

// take reads a turn's entry to the end of w.bytes and reports whether its body is whole; if not it is not there.
func (w *rewriting) take(e *found) (whole bool, err error) {
	start := len(w.bytes)
	w.bytes = slices.Grow(w.bytes, int(e.size))[:start+int(e.size)]
	b := w.bytes[start:]
	if n, err := e.file.ReadAt(b, e.off); n < len(b) {
		return false, errors.Join(err, io.ErrUnexpectedEOF)
	}
	body := b[prefixSize+sealing+len(e.plain):]
	if crc32.Checksum(body, castagnoli) != binary.LittleEndian.Uint32(b[16:]) {
		w.bytes = w.bytes[:start]
		return false, nil
	}
	return true, nil
}

// place seals the entry at the end of w.bytes for its new place. Its body stays as it was sealed.
func (w *rewriting) place(e *entry, m move) {
	e.bytes = w.bytes[int64(len(w.bytes))-m.size:]
	m.off = w.out.lasts + int64(len(w.bytes)) - m.size
	e.place(w.out.aead, m.off)
	w.moved = append(w.moved, m)
}

// flush writes what has come together, once it is more than so much. out.lasts is what was written.
func (w *rewriting) flush(most int) error {
	if len(w.bytes) <= most {
		return nil
	}
	_, err := w.out.file.WriteAt(w.bytes, w.out.lasts)
	w.out.lasts += int64(len(w.bytes))
	w.out.size = w.out.lasts
	w.bytes = w.bytes[:0]
	return err
}

// commit puts out in the place of the run, which it has on the disk already.
func (w *rewriting) commit() {
	f, out := w.f, w.out
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, m := range w.moved {
		to := place{out, m.off}
		if m.turn != nil && m.turn.owner != nil && m.turn.p == m.from {
			m.turn.p = to
			out.live += m.size
			continue
		}
		switch g := f.graves[m.k]; {
		case g != nil && g.stone == m.from:
			g.stone = to
			out.live += g.size
		case m.turn != nil: // it died on the way, and what says so stands elsewhere
			f.ghost(out, m.k)
		}
	}
	for _, seg := range w.run {
		f.lay(seg)
		f.unref(seg)
	}
	if out.waste() > 0 {
		f.died(out)
	}
	i := slices.Index(f.segments, w.run[0])
	f.segments = slices.Replace(f.segments, i, i+len(w.run), out)
	f.used += out.size
	f.left = append(f.left, w.run...)
}
