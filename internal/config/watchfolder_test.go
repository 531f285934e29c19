package config

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// watchingPath runs WatchPath and returns what to wait on.
func watchingPath(t *testing.T, path string) <-chan struct{} {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	changes, done := make(chan struct{}, 100), make(chan error, 1)
	go func() { done <- WatchPath(ctx, path, ".txt", func() { changes <- struct{}{} }) }()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("WatchPath: %v", err)
			}
		case <-time.After(5 * time.Second):
			t.Error("WatchPath did not end")
		}
	})
	settleIn()
	return changes
}

func TestWatchFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "prices")
	must(t, os.Mkdir(dir, 0o700))
	a := filepath.Join(dir, "a.txt")
	write(t, a, "1")
	changes := watchingPath(t, dir)

	write(t, filepath.Join(dir, "b.txt"), "2")
	expect(t, changes, "a new file")
	write(t, a, "1")
	write(t, filepath.Join(dir, "README.md"), "x")
	expectNone(t, changes, "the same content, and another sort of file,")
	write(t, filepath.Join(dir, "a.new"), "3")
	must(t, os.Rename(filepath.Join(dir, "a.new"), a))
	expect(t, changes, "a renamed file")
	must(t, os.Remove(filepath.Join(dir, "b.txt")))
	expect(t, changes, "a removed file")

	must(t, os.RemoveAll(dir))
	expectNone(t, changes, "the folder that is gone")
	must(t, os.Mkdir(dir, 0o700))
	write(t, a, "4")
	expect(t, changes, "the folder that is back")
	write(t, a, "5")
	expect(t, changes, "a change in the folder that is back")
}

// TestWatchMountedFolder swaps the link that a mounted ConfigMap's files lead through, and the folder's own link.
func TestWatchMountedFolder(t *testing.T) {
	dir := t.TempDir()
	for _, version := range []string{"1", "2", "3"} {
		must(t, os.Mkdir(filepath.Join(dir, version), 0o700))
		write(t, filepath.Join(dir, version, "a.txt"), version)
	}
	mounted := filepath.Join(dir, "mounted")
	must(t, os.Mkdir(mounted, 0o700))
	must(t, os.Symlink("../1", filepath.Join(mounted, "..data")))
	must(t, os.Symlink("..data/a.txt", filepath.Join(mounted, "a.txt")))
	changes := watchingPath(t, mounted)
	must(t, os.Symlink("../2", filepath.Join(mounted, "..new")))
	must(t, os.Rename(filepath.Join(mounted, "..new"), filepath.Join(mounted, "..data")))
	expect(t, changes, "the swapped link of the mount")

	link := filepath.Join(dir, "link")
	must(t, os.Symlink("1", link))
	changes = watchingPath(t, link)
	must(t, os.Symlink("3", filepath.Join(dir, "new")))
	must(t, os.Rename(filepath.Join(dir, "new"), link))
	expect(t, changes, "the swapped link to the folder")
	write(t, filepath.Join(dir, "3", "a.txt"), "6")
	expect(t, changes, "a change behind the new link")
}

func TestWatchPathOfAFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "prices")
	write(t, file, "1")
	changes := watchingPath(t, file)
	write(t, file, "2")
	expect(t, changes, "a change")
	if err := WatchPath(t.Context(), file+"-not", ".txt", nil); err == nil {
		t.Error("what is not there is watched")
	}
}
