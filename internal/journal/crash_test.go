package journal

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

func init() { children["append"] = appendForEver }

// appendForEver appends records from several goroutines and says so, until it is killed.
func appendForEver(args []string) error {
	j, err := Open(args[0], Options{Segment: 64 << 10, Every: 5 * time.Millisecond, Lazy: time.Millisecond})
	if err != nil {
		return err
	}
	var all sync.WaitGroup
	for c := range 4 {
		all.Go(func() {
			for i := 0; ; i++ {
				record := fmt.Appendf(nil, "%s %d %d %s", args[1], c, i, strings.Repeat("x", rand.IntN(3000)))
				if i%7 == 6 {
					err = j.AppendLazy(record)
				} else if _, err = j.Append(record); err == nil {
					fmt.Printf("%d %d\n", c, i)
				}
				if err != nil {
					panic(err)
				}
			}
		})
	}
	all.Wait()
	return nil
}

// Whenever the process is killed, what was appended is there, once and in order.
func TestKilled(t *testing.T) {
	times := 200
	if testing.Short() {
		times = 10
	}
	dir := t.TempDir()
	total, torn := 0, int64(0)
	for run := range times {
		cmd := exec.Command(os.Args[0], dir, fmt.Sprint(run))
		cmd.Env = append(os.Environ(), "WEIR_JOURNAL_CHILD=append")
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		first := make([]byte, 1)
		if _, err := io.ReadFull(out, first); err != nil { // it has opened
			t.Fatalf("the child says nothing: %v", err)
		}
		killed := time.AfterFunc(time.Duration(rand.IntN(30_000))*time.Microsecond, func() { _ = cmd.Process.Kill() })
		said, err := io.ReadAll(out)
		if err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		killed.Stop()
		acknowledged := map[int]int{} // the last of each goroutine
		for line := range strings.Lines(string(first) + string(said)) {
			var c, i int
			if _, err := fmt.Sscanf(line, "%d %d\n", &c, &i); err == nil {
				acknowledged[c] = i
			}
		}
		j := openDir(t, dir, Options{})
		torn += j.Stats().Torn
		next := map[int]int{}
		got, damaged := texts(t, j)
		for _, text := range got {
			var r, c, i int
			if _, err := fmt.Sscanf(text, "%d %d %d", &r, &c, &i); err != nil {
				t.Fatal(err)
			}
			if r != run || next[c] != i {
				t.Fatalf("run %d: record %d of goroutine %d of run %d comes where %d should", run, i, c, r, next[c])
			}
			next[c]++
		}
		for c, i := range acknowledged {
			if next[c] <= i {
				t.Fatalf("run %d: of goroutine %d there are %d records, and %d was acknowledged", run, c, next[c], i)
			}
		}
		if damaged != 0 {
			t.Fatalf("%d bytes are damaged", damaged)
		}
		total += len(got)
		if err := j.Mark(j.End()); err != nil {
			t.Fatal(err)
		}
		for {
			if removed, err := j.RemoveFirst(); err != nil {
				t.Fatal(err)
			} else if !removed {
				break
			}
		}
		closeIt(t, j)
	}
	t.Logf("killed %d times in %d records; %d bytes were torn", times, total, torn)
	if total < times {
		t.Error("the test does not try enough")
	}
}
