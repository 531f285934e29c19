package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"weir/internal/fault"
	"weir/internal/gateway"
	"weir/internal/journal"
	"weir/internal/ledger"
)

func init() { children["tmpfs"] = fillTmpfs }

// counting are books that only count.
type counting struct {
	gateway.Books

	mu   sync.Mutex
	away bool
	ids  map[string]gateway.EntryState
}

func (c *counting) Append(_ context.Context, entries []gateway.Entry) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.away {
		return 0, errors.New("the store is away")
	}
	for i := range entries {
		if _, ok := c.ids[entries[i].ID]; !ok {
			c.ids[entries[i].ID] = entries[i].State
		}
	}
	return len(entries), nil
}

func (c *counting) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.ids)
}

// fillTmpfs fills a small file system that only this process sees with a ledger's journal, and mends it.
func fillTmpfs(args []string) error {
	if err := syscall.Mount("none", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("mount: %w", err)
	}
	if err := syscall.Mount("tmpfs", args[0], "tmpfs", 0, "size=1m"); err != nil {
		return fmt.Errorf("mount: %w", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	dir := filepath.Join(args[0], "journal")
	books := &counting{away: true, ids: map[string]gateway.EntryState{}}
	o := ledger.Options{Books: books, Gather: time.Millisecond, Wait: 10 * time.Millisecond, Journal: journal.Options{Segment: 64 << 10}}
	l, err := ledger.Open(dir, o)
	if err != nil {
		return err
	}
	n := 0
	for ; err == nil; n++ { // every second one stays open
		id := fmt.Sprint(n)
		if err = l.Open(entry(id, gateway.EntryOpened, 0)); err == nil && n%2 == 0 {
			l.Close(entry(id, gateway.EntryDone, 5))
		}
	}
	n--
	var f *fault.Fault
	if !errors.As(err, &f) || f.Kind != fault.Unavailable || !errors.Is(err, syscall.ENOSPC) {
		return fmt.Errorf("of the %dth: %w", n, err)
	}
	fmt.Println("said:", f.Message)
	// What is open is closed all the same, and what is closed is kept until there is room.
	for i := 1; i < n-100; i += 2 {
		l.Close(entry(fmt.Sprint(i), gateway.EntryDone, 5))
	}
	books.mu.Lock()
	books.away = false
	books.mu.Unlock()
	time.Sleep(20 * time.Millisecond)
	fmt.Println("on the full disk the books have", books.count())
	if err := syscall.Mount("tmpfs", args[0], "tmpfs", syscall.MS_REMOUNT, "size=2m"); err != nil {
		return fmt.Errorf("mount: %w", err)
	}
	for books.count() < n-100 {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("the books have %d of %d: %w", books.count(), n, err)
		}
		time.Sleep(time.Millisecond)
	}
	if err := l.Open(entry("again", gateway.EntryOpened, 0)); err != nil {
		return err
	}
	if err := l.Shutdown(ctx); err != nil {
		return err
	}
	if l, err = ledger.Open(dir, o); err != nil {
		return err
	}
	if err := errors.Join(l.Flush(ctx), l.Shutdown(ctx)); err != nil {
		return err
	}
	unknown := 0
	for _, state := range books.ids {
		if state == gateway.EntryUnknown {
			unknown++
		}
	}
	if want := (n-(n-100)+1)/2 + 1; len(books.ids) != n+1 || unknown < want-1 || unknown > want+1 {
		return fmt.Errorf("the books have %d of %d, and %d are unknown, want %d", len(books.ids), n+1, unknown, want)
	}
	return nil
}

// A disk that is full, on a real file system, where this is allowed.
func TestTmpfsFull(t *testing.T) {
	cmd := exec.Command(os.Args[0], t.TempDir())
	cmd.Env = append(os.Environ(), "WEIR_LEDGER_CHILD=tmpfs")
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
	if !strings.Contains(string(said), "said: the disk of the ledger's journal is full") {
		t.Errorf("the child says:\n%s", said)
	}
	t.Logf("%s", said)
}
