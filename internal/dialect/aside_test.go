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
