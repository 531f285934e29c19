package thread

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"weir/internal/gateway"
	"weir/internal/storetest"
)

var clear = []string{"Lisbon", "role", "openai", "acme", "resp_", "msg_", "sim-1", "done"}

func TestMemoryIsNotInTheClear(t *testing.T) {
	c := storetest.NewClock()
	m := NewMemory(Options{Now: c.Now})
	turn := c.Turn("acme", "resp_1", time.Hour)
	for range 2 {
		if err := m.Put(turn); err != nil {
			t.Fatal(err)
		}
		for _, word := range clear {
			if bytes.Contains(m.index.get("acme", "resp_1").p, []byte(word)) {
				t.Errorf("%q stands in the clear", word)
			}
		}
	}
	n := m.index.get("acme", "resp_1")
	whole := n.p
	for i := range whole {
		n.p = bytes.Clone(whole)
		n.p[i] ^= 1
		if got, ok := m.Get("acme", "resp_1"); ok {
			t.Fatalf("byte %d was changed and Get returned %v", i, got)
		}
		n.p = whole[:i]
		if got, ok := m.Get("acme", "resp_1"); ok {
			t.Fatalf("cut to %d bytes, Get returned %v", i, got)
		}
	}
	n.p = whole
	other := c.Turn("acme", "resp_2", time.Hour)
	if err := m.Put(other); err != nil {
		t.Fatal(err)
	}
	n.p = m.index.get("acme", "resp_2").p // the right key, the wrong place
	if got, ok := m.Get("acme", "resp_1"); ok {
		t.Errorf("another turn's ciphertext was opened: %v", got)
	}
}

func TestFilesAreNotInTheClear(t *testing.T) {
	c := storetest.NewClock()
	dir := filepath.Join(t.TempDir(), "data", "threads")
	f := openDir(t, dir, Options{Now: c.Now})
	for i := range 3 {
		if err := f.Put(c.Turn("acme", fmt.Sprint("resp_", i), time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	f.Delete("acme", "resp_2")
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder: %v, %v", info.Mode(), err)
	}
	all := files(t, dir)
	if len(all) != 3 {
		t.Errorf("files %v", slices.Collect(maps.Keys(all)))
	}
	for name, b := range all {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
		for _, word := range clear {
			if bytes.Contains(b, []byte(word)) {
				t.Errorf("%q stands in the clear in %s", word, name)
			}
		}
	}
}

func files(t testing.TB, dir string) map[string][]byte {
	t.Helper()
	names, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]byte{}
	for _, name := range names {
		if all[name.Name()], err = os.ReadFile(filepath.Join(dir, name.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// written returns a disk on which something was written and closed, and its one segment.
func written(t testing.TB, o Options, turns ...gateway.Turn) (*simDisk, *simFile) {
	t.Helper()
	d := newSimDisk()
	o.alone = true
	f := openSim(t, d, o)
	for _, turn := range turns {
		if err := f.Put(turn); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	seg := d.names[span{1, 1, 1}.name()]
	if seg == nil || len(d.names) != 2 {
		t.Fatalf("files %v", slices.Collect(maps.Keys(d.names)))
	}
	return d, seg
}

// Whichever byte of a segment changes, no turn comes back other than it was, and no other turn is lost.
func TestEveryByteCounts(t *testing.T) {
	c := storetest.NewClock()
	o := Options{Now: c.Now, alone: true}
	turns := []gateway.Turn{c.Turn("acme", "resp_1", time.Hour), c.Turn("acme", "resp_2", time.Hour), c.Native("other", "resp_1", time.Hour)}
	d, seg := written(t, o, turns...)
	whole := slices.Clone(seg.now)
	look := func(what string, f *File) (lost int) {
		for _, turn := range turns {
			got, ok := f.Get(turn.Owner, turn.ID)
			if !ok {
				lost++
			} else if diff := cmp.Diff(storetest.Kept(turn), got); diff != "" {
				t.Fatalf("%s: %s came back changed (-want +got):\n%s", what, turn.ID, diff)
			}
		}
		return lost
	}
	for _, last := range []bool{true, false} { // the segments that are read with bodies, and others
		if !last {
			d.names[span{2, 2, 1}.name()] = &simFile{d: d, now: []byte(signature)}
			d.names[span{3, 3, 1}.name()] = &simFile{d: d, now: []byte(signature)}
		}
		for i := range whole {
			for _, bit := range []byte{1, 0x80} {
				seg.now = slices.Clone(whole)
				seg.now[i] ^= bit
				what := fmt.Sprintf("byte %d of %d changed by %x", i, len(whole), bit)
				f := openSim(t, d, o)
				lost := look(what, f)
				if want := map[bool]int{true: 0, false: 1}[i < len(signature)]; lost != want {
					t.Fatalf("%s: %d are lost, want %d", what, lost, want)
				}
				if st := f.Stats(); lost > 0 && st.Damaged == 0 && st.Torn == 0 {
					t.Fatalf("%s: nobody knows: %+v", what, st)
				}
				if err := f.Close(); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	seg.now = slices.Clone(whole)
	f := openSim(t, d, o)
	for i := len(signature); i < len(whole); i++ {
		seg.now[i] ^= 1
		if lost := look(fmt.Sprint("byte ", i, " changed while it is open"), f); lost != 1 {
			t.Fatalf("byte %d: %d are lost", i, lost)
		}
		seg.now[i] ^= 1
	}
	if st := f.Stats(); st.Damaged == 0 {
		t.Errorf("stats %+v", st)
	}
	if look("as it was", f) != 0 {
		t.Error("it does not read what was mended")
	}
}

// An entry opens only where it was written.
func TestNothingCanBeMoved(t *testing.T) {
	c := storetest.NewClock()
	o := Options{Now: c.Now, alone: true}
	older, newer := c.Turn("acme", "resp_1", time.Hour), c.Turn("acme", "resp_1", time.Hour)
	older.Answer = []byte(`{"older":true}`)
	newer.Answer = []byte(`{"newer":true}`)
	d, seg := written(t, o, older, newer, c.Turn("acme", "resp_2", time.Hour))
	whole := slices.Clone(seg.now)
	p, ok := readPrefix(whole[len(signature):])
	size := int(p.size())
	q, ok2 := readPrefix(whole[len(signature)+size:])
	if !ok || !ok2 || p.head != q.head || p.body != q.body {
		t.Fatal("the two versions differ in size")
	}
	first, second := whole[len(signature):][:size], whole[len(signature)+size:][:size]
	rest := whole[len(signature)+2*size:]
	body := prefixSize + int(p.head)
	// The newer head with the older body, checksums right.
	mixed := slices.Concat(second[:body], first[body:])
	copy(mixed[16:20], first[16:20])
	binary.LittleEndian.PutUint32(mixed[20:], crc32.Checksum(mixed[:20], castagnoli))
	for name, b := range map[string][]byte{
		"swapped":       slices.Concat(second, first, rest),
		"older again":   slices.Concat(first, second, rest, first),
		"older instead": slices.Concat(first, first, rest),
		"older body":    slices.Concat(first, mixed, rest),
	} {
		seg.now = append([]byte(signature), b...)
		f := openSim(t, d, o)
		// Who can write to the disk can take the newer one away, as he could the file; he cannot make anything of it.
		want, there := older, name != "swapped"
		if name == "older again" {
			want = newer
		}
		if got, ok := f.Get("acme", "resp_1"); ok != there || ok && !cmp.Equal(got, want) {
			t.Errorf("%s: got %s, %v", name, got.Answer, ok)
		}
		if f.Stats().Damaged == 0 {
			t.Errorf("%s: nobody knows: %+v", name, f.Stats())
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	// The whole segment under another name.
	seg.now = slices.Clone(whole)
	d.names[span{2, 2, 1}.name()] = &simFile{d: d, now: slices.Clone(whole)}
	f := openSim(t, d, o)
	if st := f.Stats(); st.Turns != 2 || st.Damaged != 3 {
		t.Errorf("a copy under another name: %+v", st)
	}
}

func TestKey(t *testing.T) {
	c := storetest.NewClock()
	dir := t.TempDir()
	o := Options{Now: c.Now, alone: true}
	f := openDir(t, dir, o)
	fill(t, f, c, "acme", 3, 100)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, keyName)
	right, err := os.ReadFile(path)
	if err != nil || len(right) != 65 {
		t.Fatalf("the key: %d bytes, %v", len(right), err)
	}
	before := files(t, dir)
	delete(before, keyName)
	refused := func(o Options, words ...string) {
		t.Helper()
		f, err := Open(dir, o)
		if err == nil {
			f.Close()
			t.Fatal("it opens")
		}
		for _, word := range words {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("the error does not say %q: %v", word, err)
			}
		}
		after := files(t, dir)
		delete(after, keyName)
		if !cmp.Equal(before, after) {
			t.Error("files were changed")
		}
	}
	write := func(text string, mode os.FileMode) {
		t.Helper()
		if err := errors.Join(os.WriteFile(path, []byte(text), 0o600), os.Chmod(path, mode)); err != nil {
			t.Fatal(err)
		}
	}
	write(strings.Repeat("0", 64)+"\n", 0o600)
	refused(o, path, "is not the one", "bring that one back")
	write("short", 0o600)
	refused(o, path, "holds no key", "64 hexadecimal digits")
	write(string(right), 0o604)
	refused(o, path, "everybody may use", "0604", "chmod 600")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	refused(o, path, "missing", "bring it back")

	elsewhere := o
	elsewhere.KeyFile = filepath.Join(t.TempDir(), "a.key")
	refused(elsewhere, elsewhere.KeyFile, "missing")
	if err := os.WriteFile(elsewhere.KeyFile, right, 0o440); err != nil {
		t.Fatal(err)
	}
	f = openDir(t, dir, elsewhere)
	if st := f.Stats(); st.Turns != 3 {
		t.Errorf("with the key elsewhere: %+v", st)
	}
}

func TestOneProcess(t *testing.T) {
	dir := t.TempDir()
	f := openDir(t, dir, Options{})
	if g, err := Open(dir, Options{}); !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), dir) {
		t.Fatalf("a second one: %v, %v", g, err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Error("a second Close:", err)
	}
	openDir(t, dir, Options{})
	if err := f.Put(storetest.NewClock().Turn("acme", "1", 100*365*24*time.Hour)); err == nil {
		t.Error("a closed one keeps")
	}
	if _, ok := f.Get("acme", "1"); ok || f.Delete("acme", "1") {
		t.Error("a closed one has something")
	}
}
