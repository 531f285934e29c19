package seal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"weir/internal/llm"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clock is a clock that stands until it is set.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func newClock() *clock { return &clock{now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)} }

// turn is what an Anthropic answer with two thoughts, one of them hidden, and a Gemini call leave.
func turn() []llm.Part {
	return []llm.Part{
		{Kind: llm.PartReasoning, Text: "The user wants the weather.", Seal: llm.Seal{By: "anthropic", Form: llm.SealSignature, Data: "EqQBCgIYAhIM1gbcDa9GJwZA2b3h"}},
		{Kind: llm.PartReasoning, Seal: llm.Seal{By: "anthropic", Form: llm.SealEncrypted, Data: strings.Repeat("EmwKAhgBEgy3va3p", 800)}},
		{Kind: llm.PartReasoning, Text: "In short", Summary: true, Extra: llm.Extra{"b": json.RawMessage(`[1, 2]`), "a": json.RawMessage(`1e400`)}},
		{Kind: llm.PartCall, ID: "call_1", Seal: llm.Seal{By: "google", Form: llm.SealSignature, Data: "AdwB"}},
	}
}

func small(text string) []llm.Part { return []llm.Part{{Kind: llm.PartReasoning, Text: text}} }

func TestKeepsParts(t *testing.T) {
	s := New(Options{})
	in := turn()
	s.Put("acme", "anthropic", "toolu_1", in)
	in[0].Text = "changed after"
	for range 2 {
		got := s.Get("acme", "anthropic", "toolu_1")
		if diff := cmp.Diff(turn(), got); diff != "" {
			t.Fatalf("what came back (-want +got):\n%s", diff)
		}
		got[0].Seal.Data = "changed by the caller"
		got[2].Extra["a"][0] = 'x'
	}
	s.Put("acme", "anthropic", "toolu_1", small("second"))
	if got := s.Get("acme", "anthropic", "toolu_1"); len(got) != 1 || got[0].Text != "second" {
		t.Errorf("after a second Put: %v", got)
	}
	if st := s.Stats(); st.Entries != 1 || st.Full != 0 || st.Expired != 0 {
		t.Errorf("stats %+v", st)
	}
}

// Members that only mean something where they stood are left behind.
func TestKeepsNothingElse(t *testing.T) {
	s := New(Options{})
	p := turn()[:1]
	p[0].Name, p[0].Args, p[0].Raw, p[0].Path, p[0].Item = "n", "a", json.RawMessage(`1`), "p", "i"
	p[0].Result, p[0].Media, p[0].Cache = small("r"), &llm.Blob{}, &llm.CacheMark{}
	s.Put("t", "p", "c", p)
	if diff := cmp.Diff(turn()[:1], s.Get("t", "p", "c")); diff != "" {
		t.Errorf("what came back (-want +got):\n%s", diff)
	}
}

func TestNobodyElseReads(t *testing.T) {
	s := New(Options{})
	s.Put("acme", "anthropic", "toolu_1", turn())
	for _, other := range [][3]string{
		{"evil", "anthropic", "toolu_1"},
		{"", "anthropic", "toolu_1"},
		{"acme", "bedrock", "toolu_1"},
		{"acme", "anthropic", "toolu_2"},
		{"acmea", "nthropic", "toolu_1"},
		{"acme\tanthropic", "", "toolu_1"},
		{"acme", "anthropict", "oolu_1"},
		{"acme", "anthropic", ""},
	} {
		if got := s.Get(other[0], other[1], other[2]); got != nil {
			t.Errorf("Get(%q) returned %v", other, got)
		}
	}
	s.Put("evil", "anthropic", "toolu_1", small("mine"))
	if diff := cmp.Diff(turn(), s.Get("acme", "anthropic", "toolu_1")); diff != "" {
		t.Errorf("another tenant's Put changed it (-want +got):\n%s", diff)
	}
}

func TestNothingToKeep(t *testing.T) {
	s := New(Options{})
	s.Put("t", "p", "", turn())
	s.Put("t", "p", "c", nil)
	if st := s.Stats(); st != (Stats{}) {
		t.Errorf("stats %+v, want none", st)
	}
}

func TestNothingInTheClear(t *testing.T) {
	s := New(Options{})
	s.Put("acme-tenant", "anthropic-provider", "toolu_call", turn())
	s.Put("acme-tenant", "anthropic-provider", "toolu_other", turn())
	var sealed [][]byte
	for id, at := range s.byID {
		e := at.Value.(*entry)
		sealed = append(sealed, e.sealed)
		for _, word := range []string{"weather", "EqQBCgIYAhIM", "anthropic", "acme-tenant", "toolu_"} {
			if bytes.Contains(e.sealed, []byte(word)) || bytes.Contains(id[:], []byte(word)) {
				t.Errorf("%q stands in the clear", word)
			}
		}
	}
	if bytes.Equal(sealed[0], sealed[1]) || bytes.Equal(sealed[0][:12], sealed[1][:12]) {
		t.Error("equal turns are encrypted alike")
	}
	if a, b := New(Options{}), New(Options{}); a.id("t", "p", "c") == b.id("t", "p", "c") {
		t.Error("two stores hash alike")
	}
}

func TestTampering(t *testing.T) {
	s := New(Options{})
	s.Put("acme", "p", "1", small("one"))
	s.Put("acme", "p", "2", small("two"))
	one, two := s.byID[s.id("acme", "p", "1")].Value.(*entry), s.byID[s.id("acme", "p", "2")].Value.(*entry)
	whole := bytes.Clone(one.sealed)
	for i := range whole {
		one.sealed = bytes.Clone(whole)
		one.sealed[i] ^= 1
		if got := s.Get("acme", "p", "1"); got != nil {
			t.Fatalf("byte %d was changed and Get returned %v", i, got)
		}
	}
	for n := range whole {
		one.sealed = whole[:n]
		if got := s.Get("acme", "p", "1"); got != nil {
			t.Fatalf("cut to %d bytes, Get returned %v", n, got)
		}
	}
	one.sealed = two.sealed // right key, wrong place
	if got := s.Get("acme", "p", "1"); got != nil {
		t.Errorf("another entry's ciphertext was opened: %v", got)
	}
	one.sealed = whole
	if got := s.Get("acme", "p", "1"); len(got) != 1 || got[0].Text != "one" {
		t.Errorf("untouched again: %v", got)
	}
}

func TestExpiry(t *testing.T) {
	c := newClock()
	s := New(Options{Now: c.Now})
	s.Put("t", "p", "1", small("one"))
	c.pass(DefaultTTL / 2)
	s.Put("t", "p", "2", small("two"))
	c.pass(DefaultTTL/2 - 1)
	if s.Get("t", "p", "1") == nil {
		t.Error("gone before its time")
	}
	c.pass(1)
	if s.Get("t", "p", "1") != nil || s.Get("t", "p", "2") == nil {
		t.Error("after its time it is still there, or the younger one is not")
	}
	if st := s.Stats(); st.Entries != 1 || st.Expired != 1 || st.Full != 0 {
		t.Errorf("stats %+v", st)
	}
	s.Put("t", "p", "2", small("again")) // starts anew
	c.pass(DefaultTTL - 1)
	if s.Get("t", "p", "2") == nil {
		t.Error("a second Put did not prolong it")
	}
	c.pass(1)
	if st := s.Stats(); st != (Stats{Expired: 2}) {
		t.Errorf("stats at the end %+v", st)
	}
}

func TestBoundOfEntries(t *testing.T) {
	s := New(Options{Entries: 3})
	for i := range 5 {
		s.Put("t", "p", fmt.Sprint(i), small("x"))
		if i == 3 {
			s.Put("t", "p", "1", small("young again"))
		}
	}
	var left []string
	for i := range 5 {
		if s.Get("t", "p", fmt.Sprint(i)) != nil {
			left = append(left, fmt.Sprint(i))
		}
	}
	if diff := cmp.Diff([]string{"1", "3", "4"}, left); diff != "" {
		t.Errorf("what is left (-want +got):\n%s", diff)
	}
	if st := s.Stats(); st.Entries != 3 || st.Full != 2 {
		t.Errorf("stats %+v", st)
	}
}

func TestBoundOfBytes(t *testing.T) {
	const bound = 16 << 10
	s := New(Options{Bytes: bound})
	for i := range 100 {
		s.Put("t", "p", fmt.Sprint(i), small(strings.Repeat("x", 1000+37*i%500)))
		if st := s.Stats(); st.Bytes > bound || st.Entries == 0 {
			t.Fatalf("after %d: %+v", i, st)
		}
	}
	st := s.Stats()
	if st.Full != uint64(100-st.Entries) || st.Entries < 8 {
		t.Errorf("stats %+v", st)
	}
	s.Put("t", "p", "99", small(strings.Repeat("x", bound))) // too large: not kept, and the one it replaces is stale
	if s.Get("t", "p", "99") != nil {
		t.Error("a turn beyond the bound, or the one before it, is there")
	}
	if now := s.Stats(); now.Entries != st.Entries-1 || now.Full != st.Full+1 {
		t.Errorf("one too large changed %+v to %+v", st, now)
	}
}

// The store against a plain map: whatever is put, replaced, passed over and pushed out.
func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const entries, ttl = 4, time.Hour
		type kept struct {
			call string
			text string
			at   time.Time
		}
		c := newClock()
		s := New(Options{Entries: entries, TTL: ttl, Now: c.Now})
		var model []kept // oldest first
		drop := func(call string) {
			for i := range model {
				if model[i].call == call {
					model = append(model[:i], model[i+1:]...)
					return
				}
			}
		}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			for len(model) > 0 && c.Now().Sub(model[0].at) >= ttl {
				model = model[1:]
			}
			call := fmt.Sprint(rapid.IntRange(0, 6).Draw(t, "call"))
			switch rapid.IntRange(0, 2).Draw(t, "op") {
			case 0:
				text := rapid.String().Draw(t, "text")
				s.Put("t", "p", call, small(text))
				drop(call)
				if len(model) == entries {
					model = model[1:]
				}
				model = append(model, kept{call, text, c.Now()})
			case 1:
				var want []llm.Part
				for _, k := range model {
					if k.call == call {
						want = small(k.text)
					}
				}
				if diff := cmp.Diff(want, s.Get("t", "p", call)); diff != "" {
					t.Fatalf("Get %s (-want +got):\n%s", call, diff)
				}
			case 2:
				c.pass(time.Duration(rapid.IntRange(0, 40).Draw(t, "minutes")) * time.Minute)
			}
		}
	})
}

func TestConcurrent(t *testing.T) {
	c := newClock()
	s := New(Options{Entries: 50, Bytes: 64 << 10, TTL: time.Minute, Now: c.Now})
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			tenant := fmt.Sprint(g)
			for i := range 300 {
				call := fmt.Sprint(i % 20)
				s.Put(tenant, "p", call, small(tenant+"/"+call))
				for _, p := range s.Get(tenant, "p", call) {
					if p.Text != tenant+"/"+call {
						t.Errorf("tenant %s got %q for call %s", tenant, p.Text, call)
					}
				}
				if i%50 == 0 {
					c.pass(10 * time.Second)
				}
				if st := s.Stats(); st.Entries > 50 || st.Bytes > 64<<10 {
					t.Errorf("beyond the bounds: %+v", st)
				}
			}
		})
	}
	wg.Wait()
	c.pass(time.Hour)
	if st := s.Stats(); st.Entries != 0 || st.Bytes != 0 {
		t.Errorf("after everything expired: %+v", st)
	}
}

func FuzzUnmarshal(f *testing.F) {
	f.Add(marshal(turn()))
	f.Add([]byte{3, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Add([]byte{3, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f})
	f.Fuzz(func(t *testing.T, b []byte) {
		parts := unmarshal(b)
		if parts == nil {
			return
		}
		if diff := cmp.Diff(parts, unmarshal(marshal(parts))); diff != "" {
			t.Errorf("parts changed on the way (-first +second):\n%s", diff)
		}
	})
}

func BenchmarkPutGet(b *testing.B) {
	s, parts := New(Options{}), turn()
	b.Run("put", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			s.Put("acme", "anthropic", "toolu_1", parts)
		}
	})
	b.Run("get", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if s.Get("acme", "anthropic", "toolu_1") == nil {
				b.Fatal("nothing")
			}
		}
	})
}
