package telemetry

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"weir/internal/gateway"
	"weir/internal/llm"
)

// TestBatch: the record of a batch's request names the batch, and its duration is none.
func TestBatch(t *testing.T) {
	x := &gateway.Exchange{ID: "i", Start: time.Unix(1, 0), Op: llm.OpChat, Batch: "batch_1", Ending: gateway.Done, Status: 200}
	var e encoder
	e.exchange(x)
	if line := string(e.bytes()); !strings.Contains(line, `"batch":"batch_1"`) {
		t.Error(line)
	}
	m := NewMetrics(MetricsOptions{Version: "test"})
	m.Begin(x)
	m.End(x)
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", http.NoBody))
	if text := w.Body.String(); !strings.Contains(text, `weir_exchange_duration_seconds_count{operation="chat",rule=""} 0`) || !strings.Contains(text, "weir_exchanges_total{") {
		t.Error(text)
	}
	e.reset()
	x.Batch = ""
	e.exchange(x)
	if line := string(e.bytes()); strings.Contains(line, `"batch"`) {
		t.Error(line)
	}
}
