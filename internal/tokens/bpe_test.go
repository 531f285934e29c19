package tokens

import "testing"

// TestVocabularies finds every token of a vocabulary under its own rank.
func TestVocabularies(t *testing.T) {
	for e, want := range map[*encoding]int{o200k: 199_998, cl100k: 100_256} {
		e.once.Do(e.load)
		if len(e.ends) != want {
			t.Errorf("%s has %d tokens, want %d", e.name, len(e.ends), want)
		}
		from := uint32(0)
		for rank, end := range e.ends {
			token := e.bytes[from:end]
			if got := e.rank(token); got != uint32(rank) && len(token) > 1 {
				t.Fatalf("%s: %q is %d, want %d", e.name, token, got, rank)
			}
			if len(token) < 2 && e.piece(token) != 1 {
				t.Errorf("%s: %q is not one token", e.name, token)
			}
			from = end
		}
		if e.rank("no such token at all") != none {
			t.Errorf("%s finds what is none", e.name)
		}
	}
}
