package config

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// watching runs Watch and returns what to wait on. The watcher stands when the first probe comes through.
func watching(t *testing.T, file string) <-chan struct{} {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	changes, done := make(chan struct{}, 100), make(chan error, 1)
	go func() { done <- Watch(ctx, file, func() { changes <- struct{}{} }) }()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil && !strings.Contains(t.Name(), "Gone") {
				t.Errorf("Watch: %v", err)
			}
		case <-time.After(5 * time.Second):
			t.Error("Watch did not end")
		}
	})
	return changes
}

// settleIn gives Watch the time to stand before the first change.
func settleIn() { time.Sleep(150 * time.Millisecond) }

func expect(t *testing.T, changes <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-changes:
	case <-time.After(5 * time.Second):
		t.Fatalf("%s was not seen", what)
	}
	select {
	case <-changes:
		t.Fatalf("%s was seen twice", what)
	case <-time.After(3 * settle):
	}
}

func expectNone(t *testing.T, changes <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-changes:
		t.Fatalf("%s counted as a change", what)
	case <-time.After(4 * settle):
	}
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestWatchFile(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "weir.yaml")
	write(t, file, "a")
	changes := watching(t, file)
	settleIn()

	write(t, file, "b")
	expect(t, changes, "a write in place")

	write(t, file+"~", "c")
	must(t, os.Rename(file+"~", file))
	expect(t, changes, "an editor's rename")

	must(t, os.Rename(file, file+".bak"))
	expectNone(t, changes, "a missing file")
	write(t, file, "d")
	expect(t, changes, "a file that came back")

	for range 5 {
		f, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0)
		must(t, err)
		_, err = f.WriteString("more")
		must(t, err)
		must(t, f.Close())
		time.Sleep(settle / 5)
	}
	// On a busy machine a pause within the burst may be longer than it should; most of it is one change all the same.
	time.Sleep(4 * settle)
	if n := len(changes); n < 1 || n > 3 {
		t.Errorf("a burst of 5 writes was seen %d times", n)
	}
	for len(changes) > 0 {
		<-changes
	}

	write(t, filepath.Join(dir, "other.yaml"), "x")
	must(t, os.Chmod(file, 0o644))
	write(t, file, "dmoremoremoremoremore")
	expectNone(t, changes, "another file, a mode and the same content")
}

// A mounted ConfigMap: weir.yaml → ..data/weir.yaml, ..data → ..1, and a change swaps ..data.
func TestWatchConfigMap(t *testing.T) {
	dir := t.TempDir()
	version := func(name, text string) {
		must(t, os.Mkdir(filepath.Join(dir, name), 0o700))
		write(t, filepath.Join(dir, name, "weir.yaml"), text)
		must(t, os.Symlink(name, filepath.Join(dir, "..data_tmp")))
		must(t, os.Rename(filepath.Join(dir, "..data_tmp"), filepath.Join(dir, "..data")))
	}
	version("..1", "a")
	file := filepath.Join(dir, "weir.yaml")
	must(t, os.Symlink(filepath.Join("..data", "weir.yaml"), file))
	changes := watching(t, file)
	settleIn()
	version("..2", "b")
	must(t, os.RemoveAll(filepath.Join(dir, "..1")))
	expect(t, changes, "a swapped link")
	version("..3", "c")
	must(t, os.RemoveAll(filepath.Join(dir, "..2")))
	expect(t, changes, "a second swap")
}

func TestWatchLinkedFile(t *testing.T) {
	dir, away := t.TempDir(), t.TempDir()
	write(t, filepath.Join(away, "real.yaml"), "a")
	file := filepath.Join(dir, "weir.yaml")
	must(t, os.Symlink(filepath.Join(away, "real.yaml"), file))
	changes := watching(t, file)
	settleIn()
	write(t, filepath.Join(away, "real.yaml"), "b")
	expect(t, changes, "a change behind a link")
}

func TestWatchFolderGone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "conf")
	must(t, os.Mkdir(dir, 0o700))
	file := filepath.Join(dir, "weir.yaml")
	write(t, file, "a")
	done := make(chan error, 1)
	go func() { done <- Watch(t.Context(), file, func() {}) }()
	settleIn()
	must(t, os.RemoveAll(dir))
	select {
	case err := <-done:
		if err == nil {
			t.Error("no error for a folder that is gone")
		}
	case <-time.After(5 * time.Second):
		t.Error("Watch goes on without its folder")
	}
	if err := Watch(t.Context(), file, func() {}); err == nil {
		t.Error("no error for a folder that never was")
	}
}
