package telemetry

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"weir/internal/gateway"
)

func unpricedExchange(rule, model, why string, alert bool) *gateway.Exchange {
	return &gateway.Exchange{
		ID: "x", Plan: gateway.Plan{Rule: rule}, Ending: gateway.Done, Status: 200, Unpriced: why, Alert: alert,
		Attempts: []gateway.Attempt{{Target: gateway.Target{Provider: "gpu", Model: model}, Status: 200}},
	}
}

// TestUnpricedIsTold writes one line a minute at most, which tells how many answers it stands for.
func TestUnpricedIsTold(t *testing.T) {
	var out bytes.Buffer
	now := time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)
	u := NewUnpriced(slog.New(slog.NewTextHandler(&out, nil)))
	u.now = func() time.Time { return now }
	for i := range 10 {
		u.End(unpricedExchange("assistant", "qwen", "no price is known of this model", true))
		u.End(unpricedExchange("assistant", "qwen", "no price is known of this model", false)) // nobody wants to be told
		now = now.Add(6 * time.Second)
		if got := strings.Count(out.String(), "\n"); got != 1 {
			t.Fatalf("%d lines after %d answers:\n%s", got, i+1, out.String())
		}
	}
	if !strings.Contains(out.String(), "answers=1 target=gpu/qwen rule=assistant") || !strings.Contains(out.String(), "providers.gpu.prices") || !strings.Contains(out.String(), "level=WARN") {
		t.Error(out.String())
	}
	out.Reset()
	u.End(unpricedExchange("assistant", "qwen", "no price is known of this model", true))
	if !strings.Contains(out.String(), "answers=10 ") {
		t.Errorf("the nine answers since the first line and this one: %s", out.String())
	}
}

func TestUnpricedIsCounted(t *testing.T) {
	m := NewMetrics(MetricsOptions{Sets: 5})
	for i := range 20 {
		m.End(unpricedExchange("gpu/*", fmt.Sprintf("made-up-%d", i), "no price is known of this model", i%2 == 0))
	}
	m.End(unpricedExchange("gpu/*", "made-up-0", "no price is known of this model", false))
	m.End(unpricedExchange("gpu/*", "made-up-0", "", false))
	text := strings.Join(scrape(t, m), "\n")
	for _, want := range []string{
		`weir_unpriced_total{model="made-up-0",provider="gpu",rule="gpu/*"} 2`,
		`weir_unpriced_total{model="other",provider="other",rule="other"} 15`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in:\n%s", want, text)
		}
	}
}
