package sim

import (
	"bytes"
	"slices"
	"sort"

	"weir/internal/rawjson"
)

// tape remembers which choices were made on a way through a schema, so that the next way can be taken.
type tape struct {
	picks, sizes []int
	at           int
}

// choose returns the pick of n at this point of the way.
func (t *tape) choose(n int) int {
	if t.at == len(t.picks) {
		t.picks, t.sizes = append(t.picks, 0), append(t.sizes, n)
	}
	t.at++
	return t.picks[t.at-1]
}

// next turns to the next way and reports whether there is one.
func (t *tape) next() bool {
	for i := len(t.picks) - 1; i >= 0; i-- {
		if t.picks[i]++; t.picks[i] < t.sizes[i] {
			t.picks, t.sizes = t.picks[:i+1], t.sizes[:i+1]
			return true
		}
	}
	return false
}

// inOrder returns the branches of a choice: deep down those first that lead nowhere further.
func inOrder(branches []byte, depth int) [][]byte {
	var out [][]byte
	for _, b := range rawjson.Elems(branches) {
		out = append(out, b)
	}
	if depth >= shallow {
		sort.SliceStable(out, func(i, j int) bool {
			return !bytes.Contains(out[i], []byte(`"$ref"`)) && bytes.Contains(out[j], []byte(`"$ref"`))
		})
	}
	return out
}

// intersect narrows types (nil: all) by a type keyword; null comes last.
func intersect(types []string, arg []byte) []string {
	var named []string
	if rawjson.Kind(arg) == '"' {
		named = []string{rawjson.Text(arg)}
	}
	for _, t := range rawjson.Elems(arg) {
		named = append(named, rawjson.Text(t))
	}
	sort.SliceStable(named, func(i, j int) bool { return named[i] != "null" && named[j] == "null" })
	if types == nil {
		return named
	}
	var both []string
	for _, t := range named {
		switch {
		case slices.Contains(types, t):
			both = append(both, t)
		case t == "number" && slices.Contains(types, "integer"), t == "integer" && slices.Contains(types, "number"):
			both = append(both, "integer")
		}
	}
	return both
}
