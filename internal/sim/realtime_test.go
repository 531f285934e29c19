package sim

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"weir/internal/rawjson"
)

// hear opens a session and returns what says an event and reads on up to one of a type.
func hear(t *testing.T, url string, header http.Header) (say func(string), until func(string) string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	conn, _, err := websocket.Dial(ctx, url, &websocket.DialOptions{HTTPHeader: header})
	if err != nil {
		t.Fatal(err)
	}
	conn.SetReadLimit(-1)
	t.Cleanup(func() { _ = conn.CloseNow() })
	say = func(event string) {
		t.Helper()
		if err := conn.Write(ctx, websocket.MessageText, []byte(event)); err != nil {
			t.Fatal(err)
		}
	}
	until = func(kind string) string {
		t.Helper()
		for {
			_, event, err := conn.Read(ctx)
			if err != nil {
				t.Fatalf("%s did not come: %v", kind, err)
			}
			if rawjson.Text(rawjson.Get(event, "type")) == kind {
				return string(event)
			}
		}
	}
	return say, until
}

func TestRealtime(t *testing.T) {
	s := httptest.NewServer(&Provider{Pace: 5 * time.Millisecond})
	defer s.Close()
	for _, beta := range []bool{false, true} {
		header := http.Header{}
		text, delta := `{"type":"session.update","session":{"type":"realtime","output_modalities":["text"]}}`, "response.output_text.delta"
		if beta {
			header.Set("OpenAI-Beta", "realtime=v1")
			text, delta = `{"type":"session.update","session":{"modalities":["text"]}}`, "response.text.delta"
		}
		say, until := hear(t, s.URL+"/v1/realtime?model="+RealtimeModel, header)
		until("session.created")
		say(`{"type":"no.such","event_id":"e1"}`)
		if bad := until("error"); !strings.Contains(bad, `"event_id":"e1"`) || !strings.Contains(bad, `"param":"type"`) {
			t.Error(bad)
		}
		say(`{"type":"session.update","event_id":"e2","session":{"type":"realtime","model":"other"}}`)
		if bad := until("error"); !strings.Contains(bad, "cannot_update_model") {
			t.Error(bad)
		}
		say(text)
		until("session.updated")
		say(`{"type":"conversation.item.create","item":{"type":"message","role":"user","content":[{"type":"input_text","text":"Speak slowly, please."}]}}`)
		say(`{"type":"response.create"}`)
		until(delta)
		say(`{"type":"response.cancel"}`)
		say(`{"type":"response.create"}`) // comes while the other one is cancelled, and is not lost
		if done := until("response.done"); !strings.Contains(done, `"status":"cancelled"`) {
			t.Error(done)
		}
		done := []byte(until("response.done"))
		usage := rawjson.Get(done, "response", "usage")
		count := func(path ...string) int64 { n, _ := rawjson.Int(rawjson.Get(usage, path...)); return n }
		if rawjson.Text(rawjson.Get(done, "response", "status")) != "completed" || count("total_tokens") != count("input_tokens")+count("output_tokens") ||
			count("input_token_details", "cached_tokens") == 0 || count("input_token_details", "cached_tokens") != count("input_token_details", "cached_tokens_details", "text_tokens") {
			t.Errorf("%s", done)
		}
		say(`{"type":"response.cancel"}`)
		if bad := until("error"); !strings.Contains(bad, "response_cancel_not_active") {
			t.Error(bad)
		}
		say(`{"type":"input_audio_buffer.commit"}`)
		if bad := until("error"); !strings.Contains(bad, "commit_empty") {
			t.Error(bad)
		}
	}
}

func TestRealtimeRefusals(t *testing.T) {
	s := httptest.NewServer(&Provider{Key: "k", Pace: -1})
	defer s.Close()
	for query, status := range map[string]int{"": 400, "model=sim-1": 404, "model=sim-429": 429, "model=sim-503": 503, "model=sim-realtime": 400} {
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/v1/realtime?"+query, nil)
		req.Header.Set("Authorization", "Bearer k")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != status {
			t.Errorf("%s: %d", query, resp.StatusCode)
		}
	}
	if _, resp, err := websocket.Dial(t.Context(), s.URL+"/v1/realtime?model=sim-realtime", nil); err == nil || resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("%v", err)
	}
}
