package api_test

import (
	"encoding/json"
	"strings"
	"testing"

	"weir/internal/gatewaytest"
)

// TestCapabilitiesTransforms tells what may be done to a model's requests.
func TestCapabilitiesTransforms(t *testing.T) {
	document := strings.Replace(gatewaytest.Default, "  chat: { targets: [{ provider: sim, model: sim-1 }] }", "  chat: { targets: [{ provider: sim, model: sim-1 }], transforms: [images-fit, documents-to-text] }", 1)
	g := (&gatewaytest.Gateway{Document: document}).Start(t)
	_, _, m := get(t, g.URL+"/v1/capabilities?dialect=none", "Authorization", "Bearer "+gatewaytest.Key)
	text, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"transforms":["documents-to-text","images-fit"]`, `"transforms":[]`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
}
