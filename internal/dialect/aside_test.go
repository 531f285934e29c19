package dialect

import (
	"testing"

	"weir/internal/llm"
)

func TestWeigh(t *testing.T) {
	for name, want := range map[string]llm.Grade{
		"system_fingerprint": llm.Aside, "completed_at": llm.Aside, "total_duration": llm.Aside,
		"citations": llm.Dropped, "service_tier": llm.Dropped, "inference_geo": llm.Dropped, "": llm.Dropped,
	} {
		if got := Weigh(name); got != want {
			t.Errorf("%q weighs %s, want %s", name, got, want)
		}
	}
}

func TestWeighTier(t *testing.T) {
	for tier, want := range map[string]llm.Grade{"default": llm.Aside, "standard": llm.Aside, "on_demand": llm.Aside, "priority": llm.Dropped, "flex": llm.Dropped} {
		if got := WeighTier(tier); got != want {
			t.Errorf("the tier %q weighs %s, want %s", tier, got, want)
		}
	}
}
