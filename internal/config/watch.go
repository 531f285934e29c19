package config

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
)

// A change counts once the folder was quiet for settle, or mostSettle after it began where it never is.
const (
	settle     = 100 * time.Millisecond
	mostSettle = time.Second
	maxWatched = 64 << 20 // bytes of a file that are compared
)

// Watch calls notify each time the content of a file has changed, until ctx ends; it returns nil then. It watches
// folders, not the file, so that it sees an editor's rename and the swapped link of a mounted ConfigMap; where the file
// is a link, the folder it leads to is watched too. Changes within 100 ms are one. notify runs in Watch's goroutine,
// after the change is complete as far as can be told, and not while the file is missing. An error means that watching
// is not possible or no longer so.
func Watch(ctx context.Context, file string, notify func()) error {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return fmt.Errorf("watch %s: %w", file, err)
	}
	defer w.Close()
	folder := filepath.Dir(file)
	if err := w.Add(folder); err != nil {
		return fmt.Errorf("watch %s: %w", folder, err)
	}
	last := stampOf(file)
	followed := followLink(w, file, folder, "")
	return settled(ctx, w, folder, func() {
		followed = followLink(w, file, folder, followed)
		if now := stampOf(file); now != (stamp{}) && now != last {
			last = now
			notify()
		}
	})
}

// settled calls look each time that something changed in a watched folder and is complete as far as can be told. It
// ends with an error when the folder is gone.
func settled(ctx context.Context, w *fsnotify.Watcher, folder string, look func()) error {
	timer := time.NewTimer(time.Hour)
	timer.Stop()
	var began time.Time // of the change that is settling; zero = none is
	for {
		select {
		case <-ctx.Done():
			return nil
		case e, ok := <-w.Events:
			if !ok {
				return fmt.Errorf("watch %s: the watcher ended", folder)
			}
			if e.Name == folder && e.Has(fsnotify.Remove|fsnotify.Rename) {
				return fmt.Errorf("watch %s: the folder is gone", folder)
			}
			now := time.Now()
			if began.IsZero() {
				began = now
			}
			timer.Reset(min(settle, max(0, mostSettle-now.Sub(began))))
		case err, ok := <-w.Errors:
			if !ok || !errors.Is(err, fsnotify.ErrEventOverflow) {
				return fmt.Errorf("watch %s: %w", folder, err)
			}
			timer.Reset(settle)
		case <-timer.C:
			began = time.Time{}
			look()
		}
	}
}

// stamp tells one state of a file from another.
type stamp struct {
	path string // where links lead: a swapped link may have changed the files of secrets beside it
	sum  [sha256.Size]byte
}

// stampOf returns the zero stamp for a file that cannot be read.
func stampOf(file string) stamp {
	path, err := filepath.EvalSymlinks(file)
	if err != nil {
		return stamp{}
	}
	f, err := os.Open(path)
	if err != nil {
		return stamp{}
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, io.LimitReader(f, maxWatched)); err != nil {
		return stamp{}
	}
	return stamp{path, [sha256.Size]byte(h.Sum(nil))}
}

// followLink watches the folder that the file's link leads to, and no longer the one it led to before. A folder that
// cannot be watched is seen again at the next change of the link's own.
func followLink(w *fsnotify.Watcher, file, folder, before string) string {
	path, err := filepath.EvalSymlinks(file)
	if err != nil {
		return before
	}
	now := filepath.Dir(path)
	if real, err := filepath.EvalSymlinks(folder); err == nil && real == now {
		now = ""
	}
	if now == before {
		return before
	}
	if before != "" {
		_ = w.Remove(before) // it may be gone, which is what is wanted
	}
	if now != "" && w.Add(now) != nil {
		return ""
	}
	return now
}
