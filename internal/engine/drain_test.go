package engine_test

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"weir/internal/gateway"
	"weir/internal/gatewaytest"
	"weir/internal/sim"
)

// TestDrain lets a stream finish while new exchanges are refused.
func TestDrain(t *testing.T) {
	leaks(t)
	g := (&gatewaytest.Gateway{Sim: &sim.Provider{Pace: 10 * time.Millisecond}}).Start(t)
	resp := g.Post(t, "/v1/chat/completions", clients[0].body("chat", true))
	defer func() { _ = resp.Body.Close() }()
	r := bufio.NewReader(resp.Body)
	if _, err := r.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		g.Engine.Drain(t.Context())
		close(ended)
	}()
	for !g.Engine.Draining() {
		time.Sleep(time.Millisecond)
	}
	late := g.Post(t, "/v1/messages", clients[1].body("messages", false))
	body, _ := io.ReadAll(late.Body)
	_ = late.Body.Close()
	if late.StatusCode != http.StatusServiceUnavailable || !strings.Contains(string(body), "shutting down") {
		t.Errorf("a new exchange got %d %s", late.StatusCode, body)
	}
	ready, err := http.Get(g.URL + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	_ = ready.Body.Close()
	if ready.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("readyz says %d while draining", ready.StatusCode)
	}
	rest, err := io.ReadAll(r)
	if err != nil || !strings.Contains(string(rest), "[DONE]") {
		t.Errorf("the stream did not finish: %v %s", err, rest)
	}
	<-ended
	if x := g.Wait(t, 2)[1]; x.Ending != gateway.Done {
		t.Errorf("%+v", x)
	}
}

// TestDrainTooLate cuts what is still open when the time is over: the client is told in its dialect.
func TestDrainTooLate(t *testing.T) {
	leaks(t)
	for _, client := range clients {
		for _, model := range []string{"sim/sim-stall", "sim-messages/sim-stall"} {
			g := (&gatewaytest.Gateway{}).Start(t)
			resp := g.Post(t, client.path, client.body(model, true))
			r := bufio.NewReader(resp.Body)
			if _, err := r.ReadString('\n'); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			g.Engine.Drain(ctx)
			cancel()
			rest, err := io.ReadAll(r)
			_ = resp.Body.Close()
			if err != nil || !strings.Contains(string(rest), "shutting down") || strings.Contains(string(rest), client.endMark) {
				t.Errorf("%s from %s: %v %s", client.name, model, err, rest)
			}
			if x := g.Wait(t, 1)[0]; x.Ending != gateway.Cut {
				t.Errorf("%+v", x)
			}
		}
	}
}

// TestClientGoneDrain reads on for the usage where the provider is declared so.
func TestClientGoneDrain(t *testing.T) {
	leaks(t)
	document := strings.Replace(gatewaytest.Default, "speaks: [anthropic-messages], api_key: sim", "speaks: [anthropic-messages], api_key: sim, client_gone: drain", 1)
	g := (&gatewaytest.Gateway{Document: document, Sim: &sim.Provider{Pace: 5 * time.Millisecond}}).Start(t)
	for _, client := range clients {
		ctx, cancel := context.WithCancel(t.Context())
		req, _ := http.NewRequestWithContext(ctx, http.MethodPost, g.URL+client.path, strings.NewReader(client.body("messages", true)))
		req.Header.Set("Authorization", "Bearer "+gatewaytest.Key)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := bufio.NewReader(resp.Body).ReadString('\n'); err != nil {
			t.Fatal(err)
		}
		cancel()
		_ = resp.Body.Close()
	}
	for _, x := range g.Wait(t, 2) {
		if x.Ending != gateway.ClientGone || x.Usage == nil || x.Usage.Output == 0 {
			t.Errorf("%s: ended as %s with usage %+v", x.Dialect, x.Ending, x.Usage)
		}
	}
	for g.Sim.Open() > 0 { // its handlers return a moment after their last byte was read
		time.Sleep(time.Millisecond)
	}
	for _, c := range g.Sim.Calls() {
		if c.Left || !c.Done {
			t.Errorf("the provider was not read to the end: left %t, done %t", c.Left, c.Done)
		}
	}
}
