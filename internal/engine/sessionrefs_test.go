package engine_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"weir/internal/gateway"
	"weir/internal/gatewaytest"
	"weir/internal/llm"
)

// TestSessionReferences has files named in a session: the provider gets its own addresses, and another's are refused.
func TestSessionReferences(t *testing.T) {
	leaks(t)
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer func() { _ = conn.CloseNow() }()
		for n := 0; ; n++ {
			_, message, err := conn.Read(r.Context())
			if err != nil {
				return
			}
			if err := conn.Write(r.Context(), websocket.MessageText, []byte(`{"setupComplete":{},"told":`+string(message)+`}`)); err != nil {
				return
			}
		}
	}))
	defer up.Close()
	g := (&gatewaytest.Gateway{Document: `version: 1
providers:
  google: { base_url: "` + up.URL + `", speaks: [gemini-live, gemini-files], api_key: k }
  other: { base_url: "` + up.URL + `", speaks: [gemini-files], api_key: k }
models:
  talk: { targets: [{ provider: google, model: live }] }
keys: [{ name: test, key: ` + gatewaytest.Key + ` }]
`}).Start(t)
	kept := func(provider, native string) string {
		id := g.Things.Name("test", "files/", llm.ThingFile, provider, native)
		if err := g.Things.Put(gateway.Thing{
			ID: id, Kind: llm.ThingFile, Owner: "test", Dialect: llm.GeminiFiles, Target: gateway.Target{Provider: provider}, Native: native,
			Path: "https://generativelanguage.googleapis.com/v1beta/" + native, Made: time.Now(), Object: []byte(`{}`),
		}); err != nil {
			t.Fatal(err)
		}
		return g.URL + "/v1beta/" + id
	}
	own, far := kept("google", "files/mine"), kept("other", "files/far")
	turn := func(uri string) string {
		return `{"clientContent":{"turns":[{"role":"user","parts":[{"fileData":{"mimeType":"application/pdf","fileUri":"` + uri + `"}}]}],"turnComplete":true}}`
	}
	open := func() side {
		s, err := dialLive(t, g.URL, gatewaytest.Key)
		if err != nil {
			t.Fatal(err)
		}
		s.say(strings.Replace(liveSetup, `"setup":{`, `"setup":{"systemInstruction":{"parts":[{"fileData":{"fileUri":"`+own+`"}}]},`, 1))
		if told := s.next("told"); strings.Contains(told, llm.ThingTag) || !strings.Contains(told, `"https://generativelanguage.googleapis.com/v1beta/files/mine"`) {
			t.Errorf("told: %s", told)
		}
		return s
	}
	s := open()
	s.say(turn(own))
	if told := s.next("told"); !strings.Contains(told, turn("https://generativelanguage.googleapis.com/v1beta/files/mine")) {
		t.Errorf("told: %s", told)
	}
	s.say(turn("https://example.org/a.pdf"))
	if told := s.next("told"); !strings.Contains(told, turn("https://example.org/a.pdf")) {
		t.Errorf("told: %s", told)
	}
	_ = s.Close(websocket.StatusNormalClosure, "")
	for uri, words := range map[string]string{
		"https://generativelanguage.googleapis.com/v1beta/files/theirs": "no such file",
		g.URL + "/v1beta/files/wr1_AAAA":                                "no such file",
		far:                                                             "the provider other keeps the file",
	} {
		s := open()
		s.say(turn(uri))
		if code, reason := s.reason(); code == -1 || !strings.Contains(reason, words) {
			t.Errorf("%s: %d %s", uri, code, reason)
		}
	}
}
