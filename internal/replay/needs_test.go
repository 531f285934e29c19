package replay_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"weir/internal/gateway"
	"weir/internal/llm"
	"weir/internal/replay"
)

// wants is a policy that holds everything and remembers what was needed.
type wants struct{ need *gateway.Need }

func (*wants) Name() string { return "wants" }

func (w *wants) Hold(_ context.Context, _ *gateway.Exchange, n *gateway.Need, _ *gateway.Holding) error {
	own := *n
	w.need = &own
	return nil
}

func (*wants) Settle(*gateway.Exchange, *gateway.Holding, gateway.Used) {}

// TestRecordedNeeds plays recorded calls and holds what was to be set aside for each against what it came to: never less,
// except where the call was said to have no bound.
func TestRecordedNeeds(t *testing.T) {
	bounded, unbounded := 0, map[string]int{}
	var held, cost float64
	for _, d := range append(passing(), llm.OpenAIImages, llm.OpenAIAudio) {
		for _, r := range replay.Load(t, string(d)) {
			if strings.Contains(fmt.Sprint(r.Notes), "request was cut") {
				continue
			}
			w := &wants{}
			x := costOf(t, r, d, w)
			if x == nil || x.Ending != gateway.Done || x.Status != http.StatusOK || w.need == nil {
				continue
			}
			n := w.need
			if n.Unbounded != "" {
				unbounded[n.Unbounded]++
				continue
			}
			bounded++
			in, out := x.Usage.Billable()
			if in > n.Input {
				t.Errorf("%s: %s read %d tokens, and %d were the most", r.ID, x.Answered(), in, n.Input)
			}
			if out > n.Output && x.Op == llm.OpChat {
				t.Errorf("%s: %s wrote %d tokens, and %d were the most", r.ID, x.Answered(), out, n.Output)
			}
			if n.Unpriced == "" && x.Unpriced == "" && x.Cost > n.Cost {
				t.Errorf("%s: %s cost %s, and %s was the most", r.ID, x.Answered(), x.Cost, n.Cost)
			}
			held, cost = held+float64(n.Cost), cost+float64(x.Cost)
		}
	}
	t.Logf("%d bounded; held %.1f times of what they cost", bounded, held/cost)
	for _, why := range slices.Sorted(maps.Keys(unbounded)) {
		t.Logf("%d without a bound: %s", unbounded[why], why)
	}
	if bounded == 0 {
		t.Error("no recording was played")
	}
}
