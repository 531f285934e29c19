package sim

import (
	"fmt"
	"testing"
)

// TestStoreIsBounded: the newest responses are kept, within their number and their size.
func TestStoreIsBounded(t *testing.T) {
	var s responseStore
	kept := func(n int) (out int) {
		for i := range n {
			if _, ok := s.get(fmt.Sprint(i)); ok {
				out++
			}
		}
		return out
	}
	for i := range maxStored + 8 {
		s.put(&stored{id: fmt.Sprint(i), input: [][]byte{[]byte(`{"id":"x"}`)}})
	}
	if _, old := s.get("7"); old || kept(maxStored+8) != maxStored || s.size != maxStored*len(`{"id":"x"}`) {
		t.Errorf("%d are kept, of %d bytes; the eighth: %v", kept(maxStored+8), s.size, old)
	}
	half := make([]byte, 500_000)
	for i := range 40 {
		s.put(&stored{id: fmt.Sprint(i), output: [][]byte{half}})
	}
	if n := kept(maxStored + 8); n != 33 || s.size != 33*len(half) {
		t.Errorf("%d of half a megabyte each are kept, %d bytes", n, s.size)
	}
	s.put(&stored{id: "39", output: [][]byte{make([]byte, maxStoredSize+1)}})
	if n := kept(maxStored + 8); n != 1 {
		t.Errorf("beside one that is larger than all may be: %d", n-1)
	}
}
