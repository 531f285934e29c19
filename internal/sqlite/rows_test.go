//go:build !race

package sqlite_test

import (
	"os"
	"path/filepath"
	"testing"

	"weir/internal/sqlite"
	"weir/internal/storetest"
)

func TestRows(t *testing.T) {
	path := filepath.Join(t.TempDir(), "weir.db")
	s := open(t, path, sqlite.Options{})
	storetest.MeasureBooks(t, s)
	if info, err := os.Stat(path); err == nil {
		t.Logf("the file has %d MiB", info.Size()>>20)
	}
}
