package thread

import (
	"fmt"
	"os"
	"testing"
	"time"

	"weir/internal/storetest"
)

// children are what this program does instead of its tests when a test has started it with WEIR_THREAD_CHILD set.
var children = map[string]func(args []string) error{}

// Main runs this process as such a child, if it is one, and the tests otherwise.
func Main(_ *testing.M, tests func()) {
	if child := children[os.Getenv("WEIR_THREAD_CHILD")]; child != nil {
		if err := child(os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	tests()
}

func openDir(t testing.TB, dir string, o Options) *File {
	t.Helper()
	f, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

// fill puts n turns of an owner, named by number.
func fill(t testing.TB, f *File, c *storetest.Clock, owner string, n, size int) {
	t.Helper()
	for i := range n {
		if err := f.Put(c.Big(owner, fmt.Sprint(i), size)); err != nil {
			t.Fatal(err)
		}
	}
}

func tidyAll(t testing.TB, f *File) {
	t.Helper()
	for range 1000 {
		more, err := f.tidy()
		if err != nil {
			t.Fatal(err)
		}
		if !more {
			check(t, f)
			return
		}
	}
	t.Fatal("it does not end")
}

// eventually waits for the goroutines of a File to have done something.
func eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	for late := time.Now().Add(10 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(late) {
			t.Fatal("it does not come to it that " + what)
		}
	}
}
