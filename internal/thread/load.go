package thread

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
)

// load reads the folder: which segments count, the key, and of every segment the heads.
func (f *File) load(dir string) error {
	spans, err := f.spans()
	if err != nil {
		return err
	}
	from, err := f.loadKey(dir, len(spans) > 0)
	if err != nil {
		return err
	}
	good, foreign := 0, 0
	f.next = 1
	for i, s := range spans {
		f.next = s.last + 1
		r, err := f.loadSegment(s, i >= len(spans)-2)
		if err != nil {
			return fmt.Errorf("%s: %w", filepath.Join(dir, s.name()), err)
		}
		good, foreign = good+r.entries, foreign+r.foreign
		f.damaged += uint64(r.damaged + r.foreign)
	}
	if foreign > 0 && good == 0 {
		return fmt.Errorf("the key in %s is not the one that the %s in %s were written with: bring that one back, or move the *.seg files away", from, f.o.Words.Many, dir)
	}
	f.expire(f.o.Now())
	return nil
}

// spans returns the segments that count, in their order. Files that others have taken the place of are removed, as is what
// was being written when the process ended.
func (f *File) spans() ([]span, error) {
	names, err := f.disk.List()
	if err != nil {
		return nil, err
	}
	var all, count []span
	var old []string
	for _, name := range names {
		if s, ok := parseSpan(name); ok {
			all = append(all, s)
		} else if strings.HasSuffix(name, ".tmp") {
			old = append(old, name)
		}
	}
	for _, s := range all {
		if slices.ContainsFunc(all, func(o span) bool { return o.replaces(s) }) {
			old = append(old, s.name())
		} else {
			count = append(count, s)
		}
	}
	slices.SortFunc(count, func(a, b span) int { return cmp.Compare(a.first, b.first) })
	for i := 1; i < len(count); i++ {
		if count[i-1].overlaps(count[i]) {
			return nil, fmt.Errorf("%s and %s stand for the same: move one of them away", count[i-1].name(), count[i].name())
		}
	}
	for _, name := range old {
		if err := f.disk.Remove(name); err != nil {
			return nil, err
		}
	}
	if len(old) > 0 {
		err = f.disk.Sync()
	}
	return count, err
}

const keyName = "threads.key"

// loadKey reads the key, or makes one where nothing is written with another yet. It returns where the key lies.
func (f *File) loadKey(dir string, used bool) (string, error) {
	d, name, from := f.disk, keyName, filepath.Join(dir, keyName)
	if f.o.KeyFile != "" {
		d, name, from = folder{filepath.Dir(f.o.KeyFile)}, filepath.Base(f.o.KeyFile), f.o.KeyFile
	}
	text, err := d.Secret(name)
	switch {
	case err == nil:
		key, err := hex.DecodeString(string(bytes.TrimSpace(text)))
		if err != nil || len(key) != 32 {
			return "", fmt.Errorf("%s holds no key: it is 64 hexadecimal digits", from)
		}
		f.keys = newKeys(key)
		return from, nil
	case !errors.Is(err, fs.ErrNotExist):
		return "", err
	case used:
		return "", fmt.Errorf("%s is missing, the key that the %s in %s were written with: bring it back, or move the *.seg files away", from, f.o.Words.Many, dir)
	}
	key := make([]byte, 32)
	rand.Read(key) // crypto/rand does not fail: it ends the process instead
	f.keys = newKeys(key)
	file, err := d.Create(name + ".tmp")
	if err != nil {
		return "", err
	}
	_, err = file.WriteAt([]byte(hex.EncodeToString(key)+"\n"), 0)
	if err = errors.Join(err, file.Sync(), file.Close()); err == nil {
		err = d.Rename(name+".tmp", name)
	}
	if err != nil {
		return "", errors.Join(err, d.Remove(name+".tmp"))
	}
	return from, d.Sync()
}

// loadSegment reads the heads of a segment. Of one of the last it looks at the bodies, too, and cuts off what was not
// written whole.
func (f *File) loadSegment(s span, last bool) (*reader, error) {
	file, err := f.disk.Open(s.name())
	if err != nil {
		return nil, err
	}
	seg := &segment{span: s, file: file, aead: f.keys.head(s), refs: 1}
	f.segments = append(f.segments, seg) // it is closed with the others, whatever is wrong with it
	if seg.size, err = file.Size(); err != nil {
		return nil, err
	}
	sign := make([]byte, len(signature))
	if _, err := file.ReadAt(sign, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	seg.size = max(seg.size, int64(len(signature))) // a shorter one was only just begun
	r := newReader(file, seg.aead, seg.size)
	r.all = last
	for {
		e, err := r.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if p := (place{seg, e.off}); e.head.gone {
			f.erase(key{e.head.owner, e.head.id}, e.size, p)
		} else {
			f.insert(&e.head, e.size, p)
		}
	}
	version := len(signature) - 1
	if r.entries == 0 && string(sign[:version]) == signature[:version] && sign[version] > signature[version] && sign[version] <= '9' {
		return nil, errors.New("it was written by a newer version of this program, in a form that this one cannot read")
	}
	if last && string(sign) != signature {
		if _, err := file.WriteAt([]byte(signature), 0); err != nil {
			return nil, err
		}
	}
	// What is not whole behind here stays so, and a later start, which does not look at bodies here any more, must not take
	// it for the latest of its turn.
	for _, off := range r.rotten {
		if _, err := file.WriteAt(make([]byte, len(magic)), off); err != nil {
			return nil, err
		}
	}
	switch {
	case !last:
		seg.lasts = seg.size
		if r.gap {
			r.damaged++
		}
	case r.good < seg.size:
		if err := file.Truncate(r.good); err != nil {
			return nil, err
		}
		f.torn += seg.size - r.good
		seg.size = r.good
	}
	if seg.waste() > 0 {
		f.died(seg)
	}
	f.used += seg.size
	return r, nil
}
