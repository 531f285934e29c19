package thread

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"weir/internal/gateway"
	"weir/internal/storetest"
)

// walker is what both stores have beside gateway.Threads.
type walker interface {
	gateway.Threads
	All(owner, item string) []gateway.Turn
	Everybodys(item string) []gateway.Turn
	Key(purpose string) []byte
}

func ids(turns []gateway.Turn) string {
	var out []string
	for _, t := range turns {
		out = append(out, t.Owner+"/"+t.ID)
	}
	return strings.Join(out, " ")
}

func TestWalk(t *testing.T) {
	c := storetest.NewClock()
	for name, s := range map[string]walker{
		"memory": NewMemory(Options{Now: c.Now}), "file": openSim(t, newSimDisk(), Options{Now: c.Now, alone: true, segment: 20_000}),
	} {
		t.Run(name, func(t *testing.T) {
			for i := range 4 {
				turn := c.Big("acme", fmt.Sprint(i), 1000)
				turn.Items = []string{"all", fmt.Sprint("half ", i%2)}
				other := c.Turn("other", fmt.Sprint(i), time.Duration(i+1)*time.Minute)
				other.Items = []string{"half 0"}
				for _, one := range []gateway.Turn{turn, other} {
					if err := s.Put(one); err != nil {
						t.Fatal(err)
					}
				}
			}
			s.Delete("acme", "2")
			if got := ids(s.All("acme", "all")); got != "acme/3 acme/1 acme/0" {
				t.Errorf("all: %s", got)
			}
			if got := ids(s.All("acme", "half 0")); got != "acme/0" {
				t.Errorf("half of them: %s", got)
			}
			if got := s.All("acme", "half 0")[0]; !bytes.Equal(got.Before, c.Big("acme", "0", 1000).Before) {
				t.Error("another turn was read")
			}
			if got := s.All("nobody", "all"); len(got) != 0 {
				t.Errorf("nobody's: %s", ids(got))
			}
			if got := s.Everybodys("half 0"); len(got) != 5 {
				t.Errorf("everybody's: %s", ids(got))
			}
			if bytes.Equal(s.Key("a"), s.Key("b")) || !bytes.Equal(s.Key("a"), s.Key("a")) || len(s.Key("a")) != 32 {
				t.Error("keys are not one for each purpose")
			}
		})
	}
}

// TestWords has a store say what it keeps.
func TestWords(t *testing.T) {
	c := storetest.NewClock()
	words := Words{Many: "files", One: "this file", Smaller: "send less", Fewer: "delete files", Else: "try again"}
	m := NewMemory(Options{Now: c.Now, Bytes: 10_000, Words: words})
	var err error
	for i := 0; err == nil && i < 100; i++ {
		turn := c.Big("acme", fmt.Sprint(i), 500)
		turn.Ends = time.Unix(1<<40, 0) // never
		err = m.Put(turn)
	}
	if err == nil || !strings.Contains(err.Error(), "the room for files kept for this key is full") || !strings.Contains(err.Error(), "delete files") || strings.Contains(err.Error(), "wait until") {
		t.Errorf("%v", err)
	}
	if err := m.Put(c.Big("acme", "large", 20_000)); err == nil || !strings.Contains(err.Error(), "this file take") || !strings.Contains(err.Error(), "send less") {
		t.Errorf("%v", err)
	}
}
