//go:build !race

package thread

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"runtime"
	"testing"
	"time"

	"weir/internal/gateway"
	"weir/internal/storetest"
)

// native is a native turn with ids as they come.
func native(c *storetest.Clock, i int) gateway.Turn {
	id := func(prefix string) string {
		b := make([]byte, 24)
		rand.Read(b)
		return prefix + hex.EncodeToString(b)
	}
	t := c.Native(fmt.Sprint("key ", i%10), id("resp_"), 30*24*time.Hour)
	t.Items = []string{id("rs_"), id("msg_")}
	return t
}

func heapBytes() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// The bounds hold only if what is counted of a turn is about what it takes.
func TestMemoryOfTurns(t *testing.T) {
	const n = 20_000
	c := storetest.NewClock()
	measure := func(name string, put func(gateway.Turn) error, counted func() int64, most int64) {
		before := heapBytes()
		for i := range n {
			if err := put(native(c, i)); err != nil {
				t.Fatal(err)
			}
		}
		took, says := (heapBytes()-before)/n, counted()/n
		t.Logf("%s: a native turn with two items takes %d bytes of memory and is counted as %d", name, took, says)
		if took > most || took > says*5/4 || took < says/2 {
			t.Errorf("%s: a turn takes %d bytes (%d at most) and is counted as %d", name, took, most, says)
		}
	}
	m := NewMemory(Options{Now: c.Now})
	measure("memory", m.Put, func() int64 { return m.Stats().Bytes }, 700)
	f := openDir(t, t.TempDir(), Options{Now: c.Now})
	measure("file", f.Put, func() int64 { f.mu.Lock(); defer f.mu.Unlock(); return f.index.memory }, 500)
	t.Logf("file: on the disk it takes %d bytes", f.Stats().Disk/n)
	runtime.KeepAlive(m)
}

// An idle process that keeps nothing pays nothing, and a call allocates a handful of things.
func TestAllocations(t *testing.T) {
	c := storetest.NewClock()
	turn := c.Big("acme", "1", 10<<10)
	m := NewMemory(Options{Now: c.Now})
	f := openSim(t, newSimDisk(), Options{Now: c.Now, alone: true})
	for _, s := range []struct {
		name     string
		th       gateway.Threads
		put, get float64
	}{{"memory", m, 24, 14}, {"file", f, 75, 60}} {
		put := testing.AllocsPerRun(100, func() { _ = s.th.Put(turn) })
		get := testing.AllocsPerRun(100, func() { s.th.Get("acme", "1") })
		t.Logf("%s: Put %v, Get %v", s.name, put, get)
		if put > s.put || get > s.get {
			t.Errorf("%s: Put allocates %v times (%v at most), Get %v (%v)", s.name, put, s.put, get, s.get)
		}
	}
}

func BenchmarkThreads(b *testing.B) {
	c := storetest.NewClock()
	for _, s := range []struct {
		name string
		th   gateway.Threads
	}{{"memory", NewMemory(Options{Now: c.Now})}, {"file", openDir(b, b.TempDir(), Options{Now: c.Now})}} {
		for _, size := range []int{0, 10 << 10, 100 << 10} {
			turn := c.Big("acme", "", size)
			if size == 0 {
				turn = native(c, 0)
				turn.Owner = "acme"
			}
			ids := make([]string, 100)
			for i := range ids {
				ids[i] = fmt.Sprint(size, "-", i)
			}
			b.Run(fmt.Sprintf("%s/put/%d", s.name, size), func(b *testing.B) {
				b.ReportAllocs()
				i := 0
				for b.Loop() {
					turn.ID = ids[i%len(ids)]
					i++
					if err := s.th.Put(turn); err != nil {
						b.Fatal(err)
					}
				}
			})
			b.Run(fmt.Sprintf("%s/get/%d", s.name, size), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, ok := s.th.Get("acme", ids[0]); !ok {
						b.Fatal("nothing")
					}
				}
			})
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	c := storetest.NewClock()
	for _, size := range []int{0, 10 << 10} {
		b.Run(fmt.Sprintf("100000 turns of %d", size), func(b *testing.B) {
			dir := b.TempDir()
			o := Options{Now: c.Now, every: time.Second}
			f := openDir(b, dir, o)
			for i := range 100_000 {
				turn := native(c, i)
				if size > 0 {
					turn.Native, turn.Before = false, make([]byte, size)
				}
				if err := f.Put(turn); err != nil {
					b.Fatal(err)
				}
			}
			if err := f.Close(); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				f, err := Open(dir, o)
				if err != nil || f.Stats().Turns != 100_000 {
					b.Fatal(err, f.Stats())
				}
				if err := f.Close(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/start")
		})
	}
}
