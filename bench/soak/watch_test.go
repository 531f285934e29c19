package main

import (
	"strings"
	"testing"
)

func TestVerdict(t *testing.T) {
	flat := func(int) sample { return sample{memory: 60, goroutines: 16, files: 20} }
	for _, tc := range []struct {
		name string
		at   func(i int) sample
		want string
	}{
		{"flat", flat, ""},
		{"warming up", func(i int) sample { x := flat(i); x.memory = 60 - 40/float64(i+1); return x }, ""},
		{"one peak", func(i int) sample {
			x := flat(i)
			if i == 19 {
				x.memory, x.goroutines = 400, 900
			}
			return x
		}, ""},
		{"memory", func(i int) sample { x := flat(i); x.memory += 3 * float64(i); return x }, "MiB of memory grow"},
		{"goroutines", func(i int) sample { x := flat(i); x.goroutines += 2 * float64(i); return x }, "goroutines grow"},
		{"files", func(i int) sample { x := flat(i); x.files += 4 * float64(i); return x }, "files grow"},
	} {
		w := &watch{left: 1, cut: 1}
		for i := range 20 {
			w.samples = append(w.samples, tc.at(i))
		}
		got := strings.Join(w.verdict(), "; ")
		if tc.want == "" && got != "" || !strings.HasPrefix(got, tc.want) {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
	if w := (&watch{samples: make([]sample, 8)}); len(w.verdict()) == 0 {
		t.Error("a load in which nobody walked out and nothing broke off passes")
	}
}
