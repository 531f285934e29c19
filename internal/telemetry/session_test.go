package telemetry

import (
	"encoding/json"
	"testing"

	"weir/internal/gateway"
	"weir/internal/llm"
)

// TestSessionLine: a session's line tells how many answers were given and what was used beside; no other line does.
func TestSessionLine(t *testing.T) {
	x := &gateway.Exchange{Op: llm.OpRealtime, Answers: 3, Beside: []gateway.Beside{
		{Model: "ears", Usage: llm.Usage{Said: llm.SaidInput | llm.SaidHeard, Input: 21, Heard: 2500}, Cost: 126_000},
		{Usage: llm.Usage{Said: llm.SaidOutput, Output: 4}},
	}}
	var enc encoder
	enc.exchange(x)
	var line struct {
		Answers int
		Beside  []map[string]any
	}
	if err := json.Unmarshal(enc.bytes(), &line); err != nil {
		t.Fatalf("%v: %s", err, enc.bytes())
	}
	if line.Answers != 3 || len(line.Beside) != 2 || line.Beside[0]["model"] != "ears" || line.Beside[0]["gen_ai.usage.input_tokens"] != 21.0 || line.Beside[0]["cost_usd"] != 0.000126 {
		t.Errorf("%s", enc.bytes())
	}
	var other encoder
	other.exchange(&gateway.Exchange{Op: llm.OpChat})
	var members map[string]any
	if err := json.Unmarshal(other.bytes(), &members); err != nil || members["answers"] != nil || members["beside"] != nil {
		t.Errorf("%v: %s", err, other.bytes())
	}
}
