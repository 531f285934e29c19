package provider

import "testing"

// TestHandshakeStaysHere: a browser's key may stand among the subprotocols it offers, so no document can send them up.
func TestHandshakeStaysHere(t *testing.T) {
	for _, name := range []string{"Sec-WebSocket-Protocol", "sec-websocket-key", "Upgrade", "Connection"} {
		if !Closed(name) {
			t.Errorf("%s may be passed up", name)
		}
	}
}
