package sqlite_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"weir/internal/gateway"
	"weir/internal/sqlite"
	"weir/internal/storetest"
)

// children are what a process of its own does, by name.
var children = map[string]func(args []string) error{"append": appendUntilKilled}

func TestMain(m *testing.M) {
	if name := os.Getenv("WEIR_SQLITE_CHILD"); name != "" {
		if err := children[name](os.Args[1:]); err != nil {
			fmt.Println("failed:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// child prepares a process of its own.
func child(t testing.TB, name string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), "WEIR_SQLITE_CHILD="+name)
	return cmd
}

// appendUntilKilled appends batches and says which are in the books.
func appendUntilKilled(args []string) error {
	ctx := context.Background()
	s, err := sqlite.Open(ctx, args[0], sqlite.Options{})
	if err != nil {
		return err
	}
	for i := 0; ; i++ {
		var batch []gateway.Entry
		for j := range 1 + i%40 {
			e := storetest.Booked(fmt.Sprintf("%s-%d-%d", args[1], i, j), at.Add(time.Duration(i)*time.Minute), 3)
			e.Charges = []gateway.Charge{{Pot: "p", Window: int64(i / 10)}}
			batch = append(batch, e)
		}
		if _, err := s.Append(ctx, batch); err != nil {
			return err
		}
		fmt.Println(i)
	}
}

// A process that is killed leaves every batch that it was told of, and of the next one all or nothing.
func TestKilled(t *testing.T) {
	path := t.TempDir() + "/weir.db"
	want := map[string]int{} // batches by round
	for round := range 6 {
		name := fmt.Sprint("r", round)
		cmd := child(t, "append", path, name)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		var said strings.Builder
		buf := make([]byte, 4096)
		for said.Len() < 20+120*round { // at different points
			n, err := out.Read(buf)
			said.Write(buf[:n])
			if err != nil {
				t.Fatalf("%v: %s", err, said.String())
			}
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for {
			n, err := out.Read(buf)
			said.Write(buf[:n])
			if err != nil {
				break
			}
		}
		_ = cmd.Wait()
		want[name] = strings.Count(said.String(), "\n")
	}
	s := open(t, path, sqlite.Options{})
	got := map[string]map[int]int{}
	for e, err := range s.Entries(t.Context(), gateway.EntryQuery{}) {
		if err != nil {
			t.Fatal(err)
		}
		var name string
		var batch, place int
		if _, err := fmt.Sscanf(strings.ReplaceAll(e.ID, "-", " "), "%s %d %d", &name, &batch, &place); err != nil {
			t.Fatal(err)
		}
		if got[name] == nil {
			got[name] = map[int]int{}
		}
		got[name][batch]++
	}
	for name, n := range want {
		if have := len(got[name]); have != n && have != n+1 {
			t.Errorf("%s: %d batches, %d were told of", name, have, n)
		}
		for batch, entries := range got[name] {
			if entries != 1+batch%40 {
				t.Errorf("%s: batch %d has %d entries", name, batch, entries)
			}
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := sqlite.Check(t.Context(), path); err != nil {
		t.Error(err)
	}
	open(t, path, sqlite.Options{}) // closed once more at the end
}
