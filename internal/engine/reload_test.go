package engine_test

import (
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"weak"

	"weir/internal/engine"
	"weir/internal/gateway"
	"weir/internal/gatewaytest"
	"weir/internal/sim"
)

// TestReload changes the document 100 times under 64 clients, every tenth time to a bad one: no exchange fails, a
// stream finishes under the revision it began with, and old snapshots are collected.
func TestReload(t *testing.T) {
	leaks(t)
	provider := &sim.Provider{Pace: time.Millisecond}
	g := (&gatewaytest.Gateway{Sim: provider}).Start(t)
	var old []weak.Pointer[engine.Snapshot]
	var failed, served atomic.Int64
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			client := clients[i%len(clients)]
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, g.URL+client.path, strings.NewReader(client.body([]string{"chat", "messages"}[n%2], n%3 == 0)))
				req.Header.Set("Authorization", "Bearer "+gatewaytest.Key)
				resp, err := http.DefaultClient.Do(req)
				if err != nil {
					failed.Add(1)
					return
				}
				body, err := io.ReadAll(resp.Body)
				_ = resp.Body.Close()
				served.Add(1)
				if err != nil || resp.StatusCode != http.StatusOK || n%3 == 0 && !strings.Contains(string(body), client.endMark) {
					failed.Add(1)
				}
			}
		}()
	}
	refused := 0
	for i := range 100 {
		old = append(old, weak.Make(g.Engine.Snapshot()))
		document := strings.Replace(gatewaytest.Default, "keys:", fmt.Sprintf("  extra-%d: { targets: [{ provider: sim, model: sim-1 }] }\nkeys:", i), 1)
		if i%10 == 9 {
			document = strings.Replace(document, "targets", "tragets", 1)
		}
		before := g.Engine.Snapshot()
		if err := g.Use(document); err != nil {
			refused++
			if g.Engine.Snapshot() != before {
				t.Error("a bad document changed the snapshot")
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
	close(stop)
	wg.Wait()
	if refused != 10 {
		t.Errorf("%d documents were refused, want 10", refused)
	}
	if failed.Load() != 0 {
		t.Errorf("%d of %d exchanges failed", failed.Load(), served.Load())
	}
	revisions := map[string]bool{}
	for _, x := range g.Wait(t, int(served.Load())) {
		revisions[x.Revision] = true
		if x.Ending != gateway.Done {
			t.Errorf("an exchange ended as %s: %v", x.Ending, x.Fault)
		}
	}
	// What served an exchange may still be on its way out when its record is written.
	left := len(old)
	for late := time.Now().Add(20 * time.Second); left > 0 && time.Now().Before(late); time.Sleep(10 * time.Millisecond) {
		runtime.GC()
		left = 0
		for _, p := range old {
			if s := p.Value(); s != nil && s != g.Engine.Snapshot() {
				left++
			}
		}
	}
	if left > 0 {
		t.Errorf("%d old snapshots are still in memory", left)
	}
	t.Logf("%d exchanges under %d revisions, 0 failed", served.Load(), len(revisions))
}

// TestStreamOutlivesItsRevision takes a stream's model out of the document while it runs: it finishes under the revision
// it began with, and the next request finds the model gone.
func TestStreamOutlivesItsRevision(t *testing.T) {
	leaks(t)
	g := (&gatewaytest.Gateway{Sim: &sim.Provider{Pace: 5 * time.Millisecond}}).Start(t)
	began := g.Engine.Snapshot().Revision
	resp := g.Post(t, "/v1/messages", clients[1].body("chat", true))
	defer func() { _ = resp.Body.Close() }()
	first := make([]byte, 1)
	if _, err := io.ReadFull(resp.Body, first); err != nil {
		t.Fatal(err)
	}
	if err := g.Use(strings.Replace(gatewaytest.Default, "  chat: {", "  renamed: {", 1)); err != nil {
		t.Fatal(err)
	}
	if n := len(g.Records()); n != 0 {
		t.Fatalf("the stream was over before the document changed: %d records", n)
	}
	gone := g.Post(t, "/v1/messages", clients[1].body("chat", true))
	_ = gone.Body.Close()
	if gone.StatusCode != http.StatusNotFound {
		t.Errorf("the model that was taken out answers %d", gone.StatusCode)
	}
	rest, err := io.ReadAll(resp.Body)
	if err != nil || !strings.Contains(string(rest), "message_stop") {
		t.Errorf("the stream did not finish: %v %s", err, rest)
	}
	for _, x := range g.Wait(t, 2) {
		if streamed := x.Status == http.StatusOK; streamed && (x.Revision != began || x.Ending != gateway.Done) || !streamed && x.Revision == began {
			t.Errorf("status %d under revision %s, the stream began under %s, ended as %s", x.Status, x.Revision, began, x.Ending)
		}
	}
}
