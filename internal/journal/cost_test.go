//go:build !race

package journal

import (
	"bytes"
	"testing"
)

var typical = bytes.Repeat([]byte("x"), 500)

func TestAllocations(t *testing.T) {
	j := openDir(t, t.TempDir(), Options{})
	if n := testing.AllocsPerRun(2000, func() {
		if _, err := j.Append(typical); err != nil {
			t.Fatal(err)
		}
		if err := j.AppendLazy(typical); err != nil {
			t.Fatal(err)
		}
	}); n > 0 {
		t.Errorf("%v allocations a record", n)
	}
}

func BenchmarkAppend(b *testing.B) {
	for _, where := range []struct {
		name string
		o    Options
	}{{"groups", Options{}}, {"each", Options{Sync: SyncEach}}} {
		for _, callers := range []struct {
			name string
			n    int
		}{{"alone", 0}, {"64 callers", 32}} { // times two processors
			b.Run(where.name+"/"+callers.name, func(b *testing.B) {
				where.o.Bytes = 100 << 30
				j := openDir(b, b.TempDir(), where.o)
				b.ReportAllocs()
				if callers.n == 0 {
					for b.Loop() {
						if _, err := j.Append(typical); err != nil {
							b.Fatal(err)
						}
					}
					return
				}
				b.SetParallelism(callers.n)
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						if _, err := j.Append(typical); err != nil {
							b.Error(err)
						}
					}
				})
				b.ReportMetric(float64(j.Stats().Appended)/float64(j.Stats().Writes), "records/write")
			})
		}
	}
}

func BenchmarkAppendLazy(b *testing.B) {
	j := openDir(b, b.TempDir(), Options{Bytes: 100 << 30})
	b.ReportAllocs()
	for b.Loop() {
		if err := j.AppendLazy(typical); err != nil {
			b.Fatal(err)
		}
	}
}
