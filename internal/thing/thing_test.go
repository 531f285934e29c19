package thing

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"weir/internal/fault"
	"weir/internal/gateway"
	"weir/internal/llm"
)

// both runs a test over a store in memory and over one in a folder.
func both(t *testing.T, o Options, test func(t *testing.T, s *Store)) {
	t.Run("memory", func(t *testing.T) { test(t, NewMemory(o)) })
	t.Run("file", func(t *testing.T) { test(t, open(t, t.TempDir(), o)) })
}

func open(t *testing.T, dir string, o Options) *Store {
	t.Helper()
	s, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func file(owner, id string, made int64) gateway.Thing {
	return gateway.Thing{
		ID: id, Kind: llm.ThingFile, Owner: owner, Dialect: llm.OpenAIFiles, Target: gateway.Target{Provider: "openai"}, Native: "file-abc",
		Made: time.Unix(made, 0).UTC(), Object: []byte(`{"id":"` + id + `"}`), Purpose: "user_data",
	}
}

func TestKeeps(t *testing.T) {
	both(t, Options{}, func(t *testing.T, s *Store) {
		if s.Any() {
			t.Error("something is kept before anything was")
		}
		all := file("acme", "file-1", 5)
		all.Ends, all.Parent, all.Lines = time.Unix(1<<33, 0).UTC(), "batch_1", 3
		all.Path = "/v1/responses"
		all.Asked = []gateway.Renamed{{Asked: "fast", Target: "gpt"}, {Asked: "", Target: "x"}}
		for _, one := range []gateway.Thing{all, file("acme", "file-2", 9), file("other", "file-1", 7)} {
			if err := s.Put(one); err != nil {
				t.Fatal(err)
			}
		}
		if !s.Any() {
			t.Error("nothing is kept after something was")
		}
		got, ok := s.Get("acme", "file-1")
		if diff := cmp.Diff(all, got); diff != "" || !ok {
			t.Errorf("%v %s", ok, diff)
		}
		if _, ok := s.Get("other", "file-2"); ok {
			t.Error("another's thing is found")
		}
		if got := ids(s.List("acme", llm.ThingFile)); got != "file-2 file-1" {
			t.Errorf("listed: %s", got)
		}
		if got := s.List("acme", llm.ThingBatch); len(got) != 0 {
			t.Errorf("batches: %v", got)
		}
		if !s.Delete("acme", "file-1") || s.Delete("acme", "file-1") {
			t.Error("Delete does not tell whether there was one")
		}
		if got := ids(s.List("acme", llm.ThingFile)); got != "file-2" {
			t.Errorf("listed after one was deleted: %s", got)
		}
		s.Delete("acme", "file-2")
		s.Delete("other", "file-1")
		if s.Any() {
			t.Error("something is kept after all was deleted")
		}
	})
}

func ids(all []gateway.Thing) string {
	var out []string
	for _, t := range all {
		out = append(out, t.ID)
	}
	return strings.Join(out, " ")
}

func TestUnsettled(t *testing.T) {
	both(t, Options{}, func(t *testing.T, s *Store) {
		for i, settled := range []bool{false, true, false} {
			b := file(fmt.Sprint("owner", i), fmt.Sprint("batch_", i), 1)
			b.Kind, b.Settled = llm.ThingBatch, settled
			if err := s.Put(b); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Put(file("owner0", "file-1", 1)); err != nil {
			t.Fatal(err)
		}
		if got := s.Unsettled(); len(got) != 2 {
			t.Errorf("unsettled: %s", ids(got))
		}
		b, _ := s.Get("owner0", "batch_0")
		b.Settled = true
		if err := s.Put(b); err != nil {
			t.Fatal(err)
		}
		if got := s.Unsettled(); ids(got) != "batch_2" {
			t.Errorf("unsettled: %s", ids(got))
		}
	})
}

// TestEnds has a thing leave when its time is over, and one without stay.
func TestEnds(t *testing.T) {
	var now atomic.Int64
	both(t, Options{Now: func() time.Time { return time.Unix(now.Load(), 0) }}, func(t *testing.T, s *Store) {
		now.Store(1000)
		soon := file("acme", "file-soon", 1)
		soon.Ends = time.Unix(2000, 0).UTC()
		if err := errors.Join(s.Put(soon), s.Put(file("acme", "file-stays", 1))); err != nil {
			t.Fatal(err)
		}
		now.Store(2000 + 200*365*24*3600)
		if got := ids(s.List("acme", llm.ThingFile)); got != "file-stays" {
			t.Errorf("listed: %s", got)
		}
	})
}

// TestAgain has a folder opened once more: what was kept is there, and ids that were given out are read.
func TestAgain(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	id := s.Name("acme", "file-", llm.ThingFile, "openai", "file-abc")
	if err := s.Put(file("acme", id, 1)); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir, Options{})
	if _, ok := s.Get("acme", id); !ok || !s.Any() {
		t.Error("it is forgotten")
	}
	if _, provider, native, ok := s.Native("acme", id); !ok || provider != "openai" || native != "file-abc" {
		t.Errorf("its id reads %s %s %v", provider, native, ok)
	}
	if again := s.Name("acme", "file-", llm.ThingFile, "openai", "file-abc"); again != id {
		t.Errorf("%s is %s after a restart", id, again)
	}
}

func TestFull(t *testing.T) {
	both(t, Options{Bytes: 1 << 20}, func(t *testing.T, s *Store) {
		for i := range 10000 {
			one := file("acme", fmt.Sprint("file-", i), 1)
			one.Object = make([]byte, 1000)
			err := s.Put(one)
			if err == nil {
				continue
			}
			var f *fault.Fault
			if !errors.As(err, &f) || f.Kind != fault.Unavailable || !strings.Contains(f.Message, "files") || !strings.Contains(f.Message, "delete files") ||
				strings.Contains(f.Message, "response") || strings.Contains(f.Message, "wait until") {
				t.Errorf("%v", err)
			}
			if i < 50 {
				t.Errorf("%d fit", i)
			}
			return
		}
		t.Error("it is never full")
	})
}

func TestNames(t *testing.T) {
	s, other := NewMemory(Options{}), NewMemory(Options{})
	id := s.Name("acme", "file-", llm.ThingFile, "openai", "file-abc")
	if !strings.HasPrefix(id, "file-"+llm.ThingTag) {
		t.Fatalf("the id is %s", id)
	}
	if again := s.Name("acme", "file-", llm.ThingFile, "openai", "file-abc"); again != id {
		t.Errorf("%s and %s name the same", id, again)
	}
	kind, provider, native, ok := s.Native("acme", id)
	if !ok || kind != llm.ThingFile || provider != "openai" || native != "file-abc" {
		t.Errorf("%s %s %s %v", kind, provider, native, ok)
	}
	for _, differs := range []string{
		s.Name("acm", "file-", llm.ThingFile, "openai", "file-abc"), s.Name("acme", "batch_", llm.ThingFile, "openai", "file-abc"),
		s.Name("acme", "file-", llm.ThingBatch, "openai", "file-abc"), s.Name("acme", "file-", llm.ThingFile, "openai2", "file-abc"),
		s.Name("acme", "file-", llm.ThingFile, "openai", "file-abd"),
	} {
		if differs == id {
			t.Errorf("two things are named %s", id)
		}
	}
	if _, _, _, ok := s.Native("acm", id); ok {
		t.Error("it opens for another owner")
	}
	if _, _, _, ok := other.Native("acme", id); ok {
		t.Error("it opens under another key")
	}
	for i := range id {
		for _, c := range []byte("A_b\x00\n=") {
			changed := []byte(id)
			if changed[i] = c; string(changed) == id {
				continue
			}
			if _, _, _, ok := s.Native("acme", string(changed)); ok {
				t.Errorf("it opens with byte %d changed to %q", i, c)
			}
		}
	}
	for _, longer := range []string{id + "\n", id + "A", id + "=", "x" + id, id[:len(id)-1], id[:30] + "\n" + id[30:], ""} {
		if _, _, _, ok := s.Native("acme", longer); ok {
			t.Errorf("%q opens", longer)
		}
	}
}

func FuzzNative(f *testing.F) {
	s := NewMemory(Options{})
	f.Add("acme", s.Name("acme", "file-", llm.ThingFile, "openai", "file-abc"))
	f.Add("acme", "file-wr1_")
	f.Add("", "wr1_AAAA")
	f.Fuzz(func(t *testing.T, owner, id string) {
		kind, provider, native, ok := s.Native(owner, id)
		if !ok {
			return
		}
		prefix, _, _ := strings.Cut(id, llm.ThingTag)
		if again := s.Name(owner, prefix, kind, provider, native); again != id {
			t.Fatalf("%q opens and is named %q", id, again)
		}
	})
}

func FuzzName(f *testing.F) {
	s := NewMemory(Options{})
	f.Add("acme", "openai", "file-abc")
	f.Fuzz(func(t *testing.T, owner, provider, native string) {
		if strings.Contains(provider, "\x00") || len(provider)+len(native) > 1000 {
			return
		}
		id := s.Name(owner, "file-", llm.ThingFile, provider, native)
		if kind, p, n, ok := s.Native(owner, id); !ok || kind != llm.ThingFile || p != provider || n != native {
			t.Fatalf("%q: %s %q %q %v", id, kind, p, n, ok)
		}
		if _, _, _, ok := s.Native(owner+"x", id); ok {
			t.Fatal("another owner opens it")
		}
	})
}

func FuzzRest(f *testing.F) {
	one := file("a", "b", 1)
	one.Asked = []gateway.Renamed{{Asked: "a", Target: "b"}}
	f.Add(appendRest(nil, &one))
	f.Fuzz(func(t *testing.T, b []byte) {
		var got gateway.Thing
		if !readRest(b, &got) {
			return
		}
		var again gateway.Thing
		if !readRest(appendRest(nil, &got), &again) || cmp.Diff(got, again) != "" {
			t.Fatal(cmp.Diff(got, again))
		}
	})
}
