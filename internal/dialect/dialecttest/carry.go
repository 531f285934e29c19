package dialecttest

import (
	"strings"
	"testing"

	"weir/internal/dialect"
	"weir/internal/llm"
)

// Carry asks a dialect to carry every feature of a request to a target of these facts, alone and in combinations, from
// every other client.
func Carry(t *testing.T, d dialect.Dialect, facts llm.Facts) {
	t.Helper()
	try := func(name string, x *llm.Request) {
		for client := range clients {
			if client == d.Name() {
				continue
			}
			x.From = client
			if problems := carryRequest(d, x, facts); len(problems) > 0 {
				t.Errorf("%s from %s: %s", name, client, strings.Join(problems, "\n"))
			}
		}
	}
	for _, f := range Features() {
		if f.Request != nil {
			try(f.Name, f.Request)
		}
	}
	for seed := range uint64(combinations / 25) {
		try(combination(seed))
	}
}
