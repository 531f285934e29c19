package loadgen

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// A bucket's value stands for everything in it to within 0.8 %.
func TestHistPrecision(t *testing.T) {
	for v := int64(0); v < int64(time.Hour); v += v/97 + 1 {
		got := value(bucket(v))
		if diff := float64(got - v); diff > 0.008*float64(v)+1 || diff < -0.008*float64(v)-1 {
			t.Fatalf("value(bucket(%d)) = %d", v, got)
		}
	}
	for v := int64(1); v < 1<<40; v += v/61 + 1 {
		if bucket(v) < bucket(v-1) {
			t.Fatalf("bucket(%d) < bucket(%d)", v, v-1)
		}
	}
}

func TestHistQuantiles(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var whole, left, right Hist
	var all []time.Duration
	var sum time.Duration
	for i := range 50_000 {
		d := time.Duration(r.ExpFloat64() * float64(300*time.Microsecond))
		all = append(all, d)
		sum += d
		whole.Add(d)
		if i%3 == 0 {
			left.Add(d)
		} else {
			right.Add(d)
		}
	}
	slices.Sort(all)
	left.Merge(&right)
	for name, h := range map[string]*Hist{"whole": &whole, "merged": &left} {
		for _, q := range []float64{0, .5, .9, .99, .999, 1} {
			want := all[min(int(q*float64(len(all))), len(all)-1)]
			got := h.Q(q)
			if diff := got - want; diff.Abs() > want/100+1 {
				t.Errorf("%s: Q(%v) = %v, want %v", name, q, got, want)
			}
		}
		if h.N() != uint64(len(all)) || h.Max() != all[len(all)-1] || h.Mean() != sum/time.Duration(len(all)) {
			t.Errorf("%s: n %d max %v mean %v, want %d %v %v", name, h.N(), h.Max(), h.Mean(), len(all), all[len(all)-1], sum/time.Duration(len(all)))
		}
	}
}

func TestHistEmptyAndOne(t *testing.T) {
	var h Hist
	if h.Q(.5) != 0 || h.Mean() != 0 || h.Max() != 0 {
		t.Errorf("an empty histogram says %v %v %v", h.Q(.5), h.Mean(), h.Max())
	}
	h.Add(time.Second)
	if h.Q(0) > time.Second || h.Q(1) < 992*time.Millisecond {
		t.Errorf("one value of 1s: Q(0) %v, Q(1) %v", h.Q(0), h.Q(1))
	}
}
