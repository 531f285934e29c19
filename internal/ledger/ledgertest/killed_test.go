package ledgertest

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"weir/internal/gateway"
	"weir/internal/journal"
	"weir/internal/ledger"
	"weir/internal/sqlite"
)

// TestMain runs the tests, or, where one of them has started it, the child that is killed.
func TestMain(m *testing.M) {
	if os.Getenv("WEIR_LEDGER_CHILD") != "" {
		if err := spendForEver(os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func openBoth(dir string) (*ledger.Ledger, *sqlite.Store, error) {
	s, err := sqlite.Open(context.Background(), filepath.Join(dir, "weir.db"), sqlite.Options{})
	if err != nil {
		return nil, nil, err
	}
	l, err := ledger.Open(filepath.Join(dir, "journal"), ledger.Options{
		Books: s, Gather: 2 * time.Millisecond,
		Journal: journal.Options{Segment: 64 << 10, Bytes: 64 << 20, Every: 5 * time.Millisecond, Lazy: time.Millisecond},
	})
	return l, s, err
}

const held = 1_000_000

func entry(id string, state gateway.EntryState, cost gateway.Money) *gateway.Entry {
	return &gateway.Entry{
		ID: id, Exchange: id, Node: "n", At: time.Now().UTC(), State: state, Payer: gateway.Caller, Account: gateway.Account{Team: "shop"},
		Target: gateway.Target{Provider: "p", Model: "m"}, Op: "chat", Cost: cost, Held: held, Tags: []string{"filling=" + strings.Repeat("x", 300)},
		Charges: []gateway.Charge{{Pot: "budget/shop"}},
	}
}

// spendForEver opens and closes entries and says so, until it is killed.
func spendForEver(args []string) error {
	l, _, err := openBoth(args[0])
	if err != nil {
		return err
	}
	var all sync.WaitGroup
	for c := range 4 {
		all.Go(func() {
			for i := 0; ; i++ {
				id := fmt.Sprintf("%s-%d-%d", args[1], c, i)
				fmt.Println("opening", id)
				if err := l.Open(entry(id, gateway.EntryOpened, 0)); err != nil {
					panic(err)
				}
				fmt.Println("opened", id)
				switch rand.IntN(10) {
				case 0: // it stays open
				case 1:
					fmt.Println("dropping", id)
					l.Close(entry(id, gateway.EntryOpened, 0))
				default:
					cost := gateway.Money(rand.IntN(held))
					fmt.Println("closing", id, int64(cost))
					l.Close(entry(id, gateway.EntryDone, cost))
					if i%20 == 0 {
						if err := l.Flush(context.Background()); err != nil {
							panic(err)
						}
						fmt.Println("flushed", id, int64(cost))
					}
				}
			}
		})
	}
	all.Wait()
	return nil
}

// Whenever the process is killed, what was opened and closed is in a real store, once, with its amount; and what was not
// closed is there with what was held.
func TestKilled(t *testing.T) {
	times := 200
	if testing.Short() {
		times = 10
	}
	dir := t.TempDir()
	last := map[string][]string{} // the last that was said of each entry
	for run := range times {
		said := killedRun(t, dir, run)
		for line := range strings.Lines(said) {
			words := strings.Fields(line)
			if len(words) >= 2 && strings.HasSuffix(line, "\n") {
				last[words[1]] = words
			}
		}
	}
	l, s, err := openBoth(dir)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := l.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	n, sum := map[gateway.EntryState]int{}, gateway.Money(0)
	for e, err := range s.Entries(ctx, gateway.EntryQuery{}) {
		if err != nil {
			t.Fatal(err)
		}
		words := last[e.ID]
		delete(last, e.ID)
		n[e.State]++
		sum += e.Cost
		unknown := e.State == gateway.EntryUnknown && e.Cost == held
		var ok bool
		if words != nil {
			switch words[0] {
			case "opening", "opened", "dropping":
				ok = unknown
			case "closing":
				ok = unknown || e.State == gateway.EntryDone && fmt.Sprint(int64(e.Cost)) == words[2]
			case "flushed":
				ok = e.State == gateway.EntryDone && fmt.Sprint(int64(e.Cost)) == words[2]
			}
		}
		if !ok {
			t.Errorf("entry %s is %s with %v, and the last of it was %q", e.ID, e.State, e.Cost, words)
		}
	}
	for id, words := range last {
		if words[0] != "opening" && words[0] != "dropping" {
			t.Errorf("entry %s is not in the books, and the last of it was %q", id, words)
		}
	}
	spent := gateway.Money(0)
	for p, err := range s.Spent(ctx, time.Time{}) {
		if err != nil {
			t.Fatal(err)
		}
		spent += p.Spent
	}
	if spent != sum {
		t.Errorf("%v are charged to the budget, and %v were spent", spent, sum)
	}
	report, err := ledger.Verify(ctx, filepath.Join(dir, "journal"), s)
	if err != nil || !report.Agree() || report.Waiting > 0 || report.Holds > 0 {
		t.Errorf("%+v, %v", report, err)
	}
	if err := l.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	t.Logf("killed %d times: %v", times, n)
	if n[gateway.EntryDone] < times || n[gateway.EntryUnknown] < times/4 {
		t.Error("the test does not try enough")
	}
}

func killedRun(t *testing.T, dir string, run int) string {
	cmd := exec.Command(os.Args[0], dir, fmt.Sprint(run))
	cmd.Env = append(os.Environ(), "WEIR_LEDGER_CHILD=spend")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	first := make([]byte, 1)
	n, err := io.ReadFull(out, first) // it has opened
	if err != nil {
		t.Fatalf("the child says nothing: %v", err)
	}
	killed := time.AfterFunc(time.Duration(rand.IntN(30_000))*time.Microsecond, func() { _ = cmd.Process.Kill() })
	said, err := io.ReadAll(out)
	if err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	killed.Stop()
	return string(first[:n]) + string(said)
}
