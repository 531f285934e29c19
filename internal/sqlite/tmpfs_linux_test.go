package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"weir/internal/gateway"
	"weir/internal/sqlite"
)

func init() { children["tmpfs"] = fillTmpfs }

// fillTmpfs fills a small file system that only this process sees, gives it room again, and makes it read-only.
func fillTmpfs(args []string) error {
	ctx := context.Background()
	if err := syscall.Mount("none", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("mount: %w", err)
	}
	if err := syscall.Mount("tmpfs", args[0], "tmpfs", 0, "size=3m"); err != nil {
		return fmt.Errorf("mount: %w", err)
	}
	path := filepath.Join(args[0], "weir.db")
	s, err := sqlite.Open(ctx, path, sqlite.Options{})
	if err != nil {
		return err
	}
	n := 0
	for ; err == nil; n++ {
		_, err = s.Append(ctx, some(50, fmt.Sprint("b", n, "-")))
	}
	n--
	fmt.Printf("full after %d: temporary %v: %v\n", n, temporary(err), err)
	if err := holds(ctx, s, n*50); err != nil {
		return err
	}
	if err := syscall.Mount("tmpfs", args[0], "tmpfs", syscall.MS_REMOUNT, "size=8m"); err != nil {
		return fmt.Errorf("mount: %w", err)
	}
	if _, err := s.Append(ctx, some(50, fmt.Sprint("b", n, "-"))); err != nil {
		return fmt.Errorf("with room again: %w", err)
	}
	if err := holds(ctx, s, n*50+50); err != nil {
		return err
	}
	if err := s.Close(); err != nil {
		return err
	}
	if err := sqlite.Check(ctx, path); err != nil {
		return err
	}
	if err := syscall.Mount("tmpfs", args[0], "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, "size=8m"); err != nil {
		return fmt.Errorf("mount: %w", err)
	}
	_, err = sqlite.Open(ctx, path, sqlite.Options{})
	fmt.Printf("read-only: %v\n", err)
	return nil
}

func holds(ctx context.Context, s *sqlite.Store, want int) error {
	rows, err := s.Spend(ctx, gateway.SpendQuery{})
	if err != nil {
		return err
	}
	if len(rows) != 1 || rows[0].Entries != int64(want) {
		return fmt.Errorf("%v, want %d entries", rows, want)
	}
	return nil
}

// A disk that is full, on a real file system, where this is allowed.
func TestTmpfsFull(t *testing.T) {
	cmd := child(t, "tmpfs", t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
	}
	said, err := cmd.CombinedOutput()
	if errors.Is(err, syscall.EPERM) || strings.Contains(string(said), "mount: ") {
		t.Skipf("this system does not let us mount: %v %s", err, said)
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	for _, words := range []string{"temporary true: append to ", "full", "read-only file system"} {
		if !strings.Contains(string(said), words) {
			t.Errorf("the child does not say %q:\n%s", words, said)
		}
	}
	t.Logf("%s", said)
}
