package config

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/fsnotify/fsnotify"
)

// WatchPath is Watch for a file or a folder. Of a folder those files count that are right in it and whose names end in
// suffix; the folder may be a link, and another one may take its place.
func WatchPath(ctx context.Context, path, suffix string, notify func()) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("watch %s: %w", path, err)
	}
	if !info.IsDir() {
		return Watch(ctx, path, notify)
	}
	path, err = filepath.Abs(path)
	if err != nil {
		return fmt.Errorf("watch %s: %w", path, err)
	}
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return fmt.Errorf("watch %s: %w", path, err)
	}
	defer w.Close()
	above := filepath.Dir(path)
	if err := w.Add(above); err != nil {
		return fmt.Errorf("watch %s: %w", above, err)
	}
	within := ""
	follow := func() {
		real, err := filepath.EvalSymlinks(path)
		if err != nil {
			return // it is missing; what is above tells when it is back
		}
		if within != "" && within != real && within != above {
			_ = w.Remove(within) // it may be gone, which is what is wanted
		}
		if w.Add(real) == nil { // again too: a folder that was removed and made anew is no longer watched
			within = real
		}
	}
	follow()
	last := folderStamp(path, suffix)
	return settled(ctx, w, above, func() {
		follow()
		if now := folderStamp(path, suffix); now != (stamp{}) && now != last {
			last = now
			notify()
		}
	})
}

// folderStamp tells one state of a folder's files from another; the zero stamp where it cannot be read.
func folderStamp(path, suffix string) stamp {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return stamp{}
	}
	entries, err := os.ReadDir(real)
	if err != nil {
		return stamp{}
	}
	h := sha256.New()
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), suffix) && !e.IsDir() {
			s := stampOf(filepath.Join(real, e.Name()))
			fmt.Fprintf(h, "%q %x\n", e.Name(), s.sum)
		}
	}
	return stamp{real, [sha256.Size]byte(h.Sum(nil))}
}
