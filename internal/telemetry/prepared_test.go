package telemetry

import (
	"encoding/json"
	"slices"
	"testing"

	"weir/internal/gateway"
)

// TestPrepared writes what transforms did, bounded.
func TestPrepared(t *testing.T) {
	steps := []string{"documents-to-text messages[0].content[1]", "images-fit messages[0].content[2]"}
	var e encoder
	e.exchange(&gateway.Exchange{Attempts: []gateway.Attempt{{Prepared: steps}, {}, {Prepared: make([]string, maxLosses+3)}}})
	var line struct {
		Attempts []struct {
			Prepared []string
			More     int `json:"prepared_more"`
		}
	}
	if err := json.Unmarshal(e.bytes(), &line); err != nil {
		t.Fatal(err)
	}
	if a := line.Attempts; !slices.Equal(a[0].Prepared, steps) || a[0].More != 0 || a[1].Prepared != nil || len(a[2].Prepared) != maxLosses || a[2].More != 3 {
		t.Errorf("%s", e.bytes())
	}
}
