package thread

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"weir/internal/storetest"
)

func init() { children["tmpfs"] = fillTmpfs }

// fillTmpfs fills a small file system that only this process sees, makes it read-only, and mends it again.
func fillTmpfs(args []string) error {
	dir := args[0]
	if err := syscall.Mount("none", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("mount: %w", err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"); err != nil {
		return fmt.Errorf("mount: %w", err)
	}
	dir = filepath.Join(dir, "threads")
	c := storetest.NewClock()
	f, err := Open(dir, Options{Now: c.Now})
	if err != nil {
		return err
	}
	n := 0
	for ; err == nil; n++ {
		err = f.Put(c.Big("acme", fmt.Sprint(n), 5000))
	}
	n--
	fmt.Printf("%d: %v\n", n, err)
	for i := range n {
		if i%2 > 0 && !f.Delete("acme", fmt.Sprint(i)) {
			return fmt.Errorf("turn %d cannot be deleted", i)
		}
	}
	for i := range n {
		if _, ok := f.Get("acme", fmt.Sprint(i)); ok != (i%2 == 0) {
			return fmt.Errorf("turn %d: %v", i, ok)
		}
	}
	if err := f.Close(); err != nil {
		fmt.Println("closing:", err)
	}
	if err := syscall.Mount("tmpfs", args[0], "tmpfs", syscall.MS_REMOUNT, "size=2m"); err != nil {
		return fmt.Errorf("mount: %w", err)
	}
	if f, err = Open(dir, Options{Now: c.Now}); err != nil {
		return err
	}
	for i := range n {
		if _, ok := f.Get("acme", fmt.Sprint(i)); !ok && i%2 == 0 {
			return fmt.Errorf("after a start turn %d is lost", i)
		}
	}
	if err := f.Put(c.Big("acme", "new", 5000)); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := syscall.Mount("tmpfs", args[0], "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, "size=2m"); err != nil {
		return fmt.Errorf("mount: %w", err)
	}
	_, err = Open(dir, Options{Now: c.Now})
	fmt.Println("read-only:", err)
	return nil
}

// The same on a real file system, where this is allowed.
func TestTmpfsFull(t *testing.T) {
	cmd := exec.Command(os.Args[0], t.TempDir())
	cmd.Env = append(os.Environ(), "WEIR_THREAD_CHILD=tmpfs")
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
	for _, words := range []string{"unavailable: the disk that responses are kept on is full", "no space left on device", "read-only file system"} {
		if !strings.Contains(string(said), words) {
			t.Errorf("the child does not say %q:\n%s", words, said)
		}
	}
	t.Logf("%s", said)
}
