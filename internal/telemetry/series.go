package telemetry

import (
	"maps"
	"sync"
	"sync/atomic"
)

// series finds what belongs to a set of labels without a lock and without allocating. The table is copied when a set is
// new, which is rare and bounded: it holds at most limit sets and those that fold leads to.
type series[K comparable, V any] struct {
	limit int
	open  func(K) *V   // makes the series of a new set
	own   func(K) K    // copies the strings that came with a request, so that the table does not keep it alive
	fold  func(K) K    // replaces what is not fixed by the program with "other"
	long  func(K) bool // whether a value is over maxLabel

	table atomic.Pointer[map[K]*V]
	mu    sync.Mutex // taken for a new set only
}

// other stands for label values beyond a bound.
const other = "other"

// maxLabel is how many bytes a label value may have; longer ones count as other.
const maxLabel = 128

// get returns the series of k, of its folded set if k is beyond the bounds.
func (s *series[K, V]) get(k K) *V {
	if t := s.table.Load(); t != nil {
		if v := (*t)[k]; v != nil {
			return v
		}
	}
	return s.miss(k)
}

func (s *series[K, V]) miss(k K) *V {
	if t := s.table.Load(); s.long(k) || t != nil && len(*t) >= s.limit {
		k = s.fold(k)
		if t != nil {
			if v := (*t)[k]; v != nil { // no lock for those who come beyond the bound
				return v
			}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.table.Load()
	if t == nil {
		t = new(map[K]*V)
	}
	if v := (*t)[k]; v != nil {
		return v
	}
	if len(*t) >= s.limit {
		k = s.fold(k)
		if v := (*t)[k]; v != nil {
			return v
		}
	}
	k = s.own(k)
	next := make(map[K]*V, len(*t)+1)
	maps.Copy(next, *t)
	v := s.open(k)
	next[k] = v
	s.table.Store(&next)
	return v
}
