package engine_test

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http/httptest"
	"testing"

	"github.com/coder/websocket"

	"weir/internal/gateway"
	"weir/internal/gatewaytest"
	"weir/internal/sim"
)

// TestSessionTLS opens a session at a provider behind TLS that would rather speak HTTP/2, which has no upgrade.
func TestSessionTLS(t *testing.T) {
	leaks(t)
	provider := &sim.Provider{Pace: -1, Key: "sim"}
	back := httptest.NewUnstartedServer(provider)
	back.EnableHTTP2 = true
	back.StartTLS()
	defer back.Close()
	ca, err := json.Marshal(string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: back.Certificate().Raw})))
	if err != nil {
		t.Fatal(err)
	}
	g := (&gatewaytest.Gateway{Document: fmt.Sprintf(`version: 1
providers:
  far: { base_url: "%s/v1", speaks: [openai-realtime], api_key: sim, egress: { ca: %s } }
models:
  talk: { targets: [{ provider: far, model: sim-realtime }] }
keys: [{ name: test, key: %s }]
`, back.URL, ca, gatewaytest.Key)}).Start(t)
	s := talkTo(t, g.URL, "talk")
	s.say(written, question, goOn)
	s.until("response.done")
	_ = s.Close(websocket.StatusNormalClosure, "")
	if x := g.Wait(t, 1)[0]; x.Ending != gateway.Done || x.Answers != 1 || x.Unpriced == "" {
		t.Errorf("%+v", x)
	}
}
