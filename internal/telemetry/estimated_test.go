package telemetry

import (
	"strings"
	"testing"

	"weir/internal/llm"
)

// TestEstimatedMarked marks what nobody stated in the line, and counts it apart.
func TestEstimatedMarked(t *testing.T) {
	x := plain()
	x.Usage = &llm.Usage{Said: llm.SaidInput | llm.SaidOutput, Estimated: llm.SaidOutput, Input: 7, Output: 30}
	if line := encode(x); !strings.Contains(line, `"gen_ai.usage.output_tokens":30,"usage.estimated":true`) {
		t.Error(line)
	}
	if line := encode(plain()); strings.Contains(line, "usage.estimated") {
		t.Error(line)
	}
	m := NewMetrics(MetricsOptions{})
	m.Begin(x)
	m.End(x)
	got := strings.Join(scrape(t, m), "\n")
	for _, want := range []string{
		`weir_estimated_tokens_total{type="input"} 0`, `weir_estimated_tokens_total{type="output"} 30`,
		`weir_tokens_total{key="team-a",rule="fast",type="input"} 7`, `weir_tokens_total{key="team-a",rule="fast",type="output"} 0`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
}
