package journal

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func init() { children["tmpfs"] = fillTmpfs }

// fillTmpfs fills a small file system that only this process sees, mends it, and makes it read-only.
func fillTmpfs(args []string) error {
	dir := args[0]
	if err := syscall.Mount("none", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("mount: %w", err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"); err != nil {
		return fmt.Errorf("mount: %w", err)
	}
	dir = filepath.Join(dir, "journal")
	j, err := Open(dir, Options{Segment: 200 << 10})
	if err != nil {
		return err
	}
	n := 0
	add := func() error {
		if _, err := j.Append(fmt.Appendf(nil, "%d %3000d", n, 0)); err != nil {
			return err
		}
		n++
		return nil
	}
	count := func(where string) error {
		got, next := 0, 0
		if _, err := j.Read(Position{}, j.End(), func(r Record) bool {
			if _, err := fmt.Sscanf(string(r.Bytes), "%d", &next); err != nil || next != got || r.Skipped != 0 {
				return false
			}
			got++
			return true
		}); err != nil || got != n {
			return fmt.Errorf("%s: %d of %d records are there, then %d: %w", where, got, n, next, err)
		}
		return nil
	}
	for err == nil {
		err = add()
	}
	fmt.Printf("%d: %v\n", n, err)
	if err := count("full"); err != nil {
		return err
	}
	if err := j.AppendLazy(fmt.Appendf(nil, "%d %9000d", n, 0)); err != nil {
		return err
	}
	fmt.Println("syncing:", j.Sync())
	if err := syscall.Mount("tmpfs", args[0], "tmpfs", syscall.MS_REMOUNT, "size=2m"); err != nil {
		return fmt.Errorf("mount: %w", err)
	}
	n++
	if err := add(); err != nil {
		return err
	}
	if err := errors.Join(count("larger"), j.Close()); err != nil {
		return err
	}
	if j, err = Open(dir, Options{Segment: 200 << 10}); err != nil {
		return err
	}
	if err := errors.Join(count("opened again"), add(), count("opened again"), j.Close()); err != nil {
		return err
	}
	if err := syscall.Mount("tmpfs", args[0], "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, "size=2m"); err != nil {
		return fmt.Errorf("mount: %w", err)
	}
	_, err = Open(dir, Options{})
	fmt.Println("read-only:", err)
	got := 0
	if _, err := Visit(dir, func(Record) bool { got++; return true }); err != nil || got != n {
		return fmt.Errorf("visited %d: %w", got, err)
	}
	return nil
}

// A disk that is full, on a real file system, where this is allowed.
func TestTmpfsFull(t *testing.T) {
	cmd := exec.Command(os.Args[0], t.TempDir())
	cmd.Env = append(os.Environ(), "WEIR_JOURNAL_CHILD=tmpfs")
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
	for _, words := range []string{"writing the journal: ", "no space left on device", "syncing: 9", "read-only file system"} {
		if !strings.Contains(string(said), words) {
			t.Errorf("the child does not say %q:\n%s", words, said)
		}
	}
	t.Logf("%s", said)
}
