//go:build !race

package engine_test

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"weir/internal/gateway"
	"weir/internal/gatewaytest"
	"weir/internal/llm"
)

// TestPrepared asks a model that reads text only, in every dialect, with a document of every client dialect.
func TestPrepared(t *testing.T) {
	g := (&gatewaytest.Gateway{Document: preparing}).Start(t)
	n := 0
	for _, a := range askers {
		for _, to := range []string{"chat", "responses", "messages", "gemini", "converse", "ollama"} {
			resp := g.Post(t, fillIn(a.path, "to-"+to), fillIn(a.body, "to-"+to))
			answer, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			n++
			x := g.Wait(t, n)[n-1]
			if resp.StatusCode != http.StatusOK {
				t.Errorf("%s to %s: %d %s", a.name, to, resp.StatusCode, answer)
				continue
			}
			calls := g.Sim.Calls()
			if sent := string(calls[len(calls)-1].Body); !strings.Contains(sent, `[Page 1]\nThe answer is 42.`) || !strings.Contains(sent, "What does it say?") {
				t.Errorf("%s to %s: sent %s", a.name, to, sent)
			}
			if got := x.Attempts[0].Prepared; !slices.Equal(got, []string{"documents-to-text " + a.at}) {
				t.Errorf("%s to %s: the record says %q", a.name, to, got)
			}
			if !strings.Contains(resp.Header.Get("x-weir-lost"), a.at) {
				t.Errorf("%s to %s: x-weir-lost is %q", a.name, to, resp.Header.Get("x-weir-lost"))
			}
			own := strings.HasSuffix(a.name, map[string]string{"chat": "chat", "responses": "responses", "messages": "messages", "gemini": "generate", "converse": "converse"}[to]) && to != "ollama"
			if want := map[bool]gateway.Mode{true: gateway.Passed, false: gateway.Translated}[own]; x.Attempts[0].Mode != want {
				t.Errorf("%s to %s: %s", a.name, to, x.Attempts[0].Mode)
			}
		}
	}
}

// TestPreparedNot: what is not declared is not done, and what cannot be done rightly is refused.
func TestPreparedNot(t *testing.T) {
	g := (&gatewaytest.Gateway{Document: preparing}).Start(t)
	chat := askers[0]
	resp := g.Post(t, chat.path, fillIn(chat.body, "plain"))
	body, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	if resp.StatusCode != http.StatusBadRequest || !strings.Contains(string(body), "reads text only") {
		t.Errorf("the simulator took it: %d %s", resp.StatusCode, body)
	}
	scan := strings.ReplaceAll(strings.Replace(chat.body, "@MODEL@", "to-chat", 1), "@PDF@", pdf(""))
	resp = g.Post(t, chat.path, scan)
	body, _ = io.ReadAll(resp.Body)
	resp.Body.Close()
	var refusal struct {
		Error struct{ Message, Param string }
	}
	if err := json.Unmarshal(body, &refusal); err != nil || resp.StatusCode != http.StatusBadRequest || refusal.Error.Param != chat.at || !strings.Contains(refusal.Error.Message, "PDF without text") {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	resp = g.Post(t, chat.path, fillIn(chat.body, "to-chat"), "Authorization", "Bearer strict-"+gatewaytest.Key)
	body, _ = io.ReadAll(resp.Body)
	resp.Body.Close()
	if resp.StatusCode != http.StatusBadRequest || !strings.Contains(string(body), chat.at) {
		t.Errorf("strict: %d %s", resp.StatusCode, body)
	}
	if n := len(g.Sim.Calls()); n != 1 {
		t.Errorf("the provider was asked %d times", n)
	}
}

// TestPreparedAgain: each target gets what it takes, and a document is read once.
func TestPreparedAgain(t *testing.T) {
	g := (&gatewaytest.Gateway{Document: preparing}).Start(t)
	resp := g.Post(t, askers[0].path, fillIn(askers[0].body, "both"))
	io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	x := g.Wait(t, 1)[0]
	if resp.StatusCode != http.StatusOK || len(x.Attempts) != 2 || x.Attempts[0].Prepared == nil || x.Attempts[1].Prepared == nil || x.Attempts[1].Dialect != llm.OllamaChat {
		t.Errorf("%d %+v", resp.StatusCode, x.Attempts)
	}
}

// TestPreparedStream keeps what a stream's request was decoded from until the stream ends.
func TestPreparedStream(t *testing.T) {
	g := (&gatewaytest.Gateway{Document: preparing}).Start(t)
	for i := range 4 {
		body := strings.Replace(fillIn(askers[0].body, "to-chat"), `"model"`, `"stream":true,"tools":[{"type":"function","function":{"name":"look","parameters":{"type":"object","properties":{"a":{"type":"string"}}}}}],"model"`, 1)
		resp := g.Post(t, askers[0].path, body)
		answer, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		x := g.Wait(t, i+1)[i]
		if resp.StatusCode != http.StatusOK || !strings.HasSuffix(string(answer), "data: [DONE]\n\n") || x.Ending != gateway.Done || resp.Header.Get("x-weir-lost") != askers[0].at {
			t.Errorf("%d %s %s", resp.StatusCode, x.Ending, answer)
		}
	}
}

// TestPreparedCount counts what would be sent.
func TestPreparedCount(t *testing.T) {
	g := (&gatewaytest.Gateway{Document: preparing}).Start(t)
	body := strings.Replace(fillIn(askers[2].body, "to-gemini"), `"max_tokens":99,`, "", 1)
	resp := g.Post(t, "/v1/messages/count_tokens", body)
	answer, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	calls := g.Sim.Calls()
	if resp.StatusCode != http.StatusOK || !strings.Contains(string(calls[len(calls)-1].Body), "The answer is 42.") || resp.Header.Get("x-weir-lost") != askers[2].at {
		t.Errorf("%d %s %v", resp.StatusCode, answer, resp.Header)
	}
}
