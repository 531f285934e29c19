package journal

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"
)

// children are what this program does instead of its tests when a test has started it with WEIR_JOURNAL_CHILD set.
var children = map[string]func(args []string) error{}

func TestMain(m *testing.M) {
	if child := children[os.Getenv("WEIR_JOURNAL_CHILD")]; child != nil {
		if err := child(os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func openDir(t testing.TB, dir string, o Options) *Journal {
	t.Helper()
	j, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
	return j
}

// texts returns all records, and how many bytes between them are damaged.
func texts(t testing.TB, j *Journal) (all []string, damaged int64) {
	t.Helper()
	last := Position{}
	to, err := j.Read(Position{}, j.End(), func(r Record) bool {
		damaged += r.Skipped
		if r.At.Compare(last) < 0 || r.End.Compare(r.At) < 0 {
			t.Errorf("a record from %v to %v behind %v", r.At, r.End, last)
		}
		last = r.End
		if r.Bytes != nil {
			all = append(all, string(r.Bytes))
		}
		return true
	})
	if err != nil || to != j.End() {
		t.Fatalf("reading came to %v of %v: %v", to, j.End(), err)
	}
	return all, damaged
}

func same(t testing.TB, j *Journal, want ...string) {
	t.Helper()
	if got, damaged := texts(t, j); !slices.Equal(got, want) || damaged != 0 {
		t.Fatalf("the journal has %.200q with %d damaged bytes, want %.200q", got, damaged, want)
	}
}

func put(t testing.TB, j *Journal, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if _, err := j.Append([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
}

func lazy(t testing.TB, j *Journal, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if err := j.AppendLazy([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
}

func closeIt(t testing.TB, j *Journal) {
	t.Helper()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

func wantErr(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("the error is %v, want %v", err, want)
	}
}
