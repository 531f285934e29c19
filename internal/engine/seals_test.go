package engine_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"weir/internal/gatewaytest"
)

// TestSealedTurn lets a chat client continue a tool call of a provider that demands its own sealed reasoning back,
// streamed and not: the gateway has kept the seal and puts it back. Another key's history finds nothing.
func TestSealedTurn(t *testing.T) {
	g := (&gatewaytest.Gateway{}).Start(t)
	const tools = `"tools":[{"type":"function","function":{"name":"weather","parameters":{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}}}]`
	ask := func(stream bool, key, messages string) (int, http.Header, []byte) {
		body := fmt.Sprintf(`{"model":"sim-messages/sim-think","stream":%t,"reasoning_effort":"low","max_tokens":20000,%s,"messages":[%s]}`, stream, tools, messages)
		resp := g.Post(t, "/v1/chat/completions", body, "Authorization", "Bearer "+key)
		defer func() { _ = resp.Body.Close() }()
		out, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, resp.Header, out
	}
	const user = `{"role":"user","content":"What is the weather? Use the weather tool for city=Oslo."}`
	for _, stream := range []bool{false, true} {
		status, h, out := ask(stream, gatewaytest.Key, user)
		if status != 200 {
			t.Fatalf("%d %s", status, out)
		}
		if !strings.Contains(h.Get("X-Weir-Lost"), "answer.reasoning.signature") {
			t.Errorf("stream %t: the seal is not named lost: %q", stream, h.Get("X-Weir-Lost"))
		}
		id, args, reasoning := firstCall(t, out, stream)
		if reasoning == "" || !strings.Contains(args, "Oslo") {
			t.Errorf("stream %t: reasoning %q, arguments %q", stream, reasoning, args)
		}
		history := fmt.Sprintf(`%s,{"role":"assistant","content":null,"tool_calls":[{"id":%q,"type":"function","function":{"name":"weather","arguments":%q}}]},{"role":"tool","tool_call_id":%q,"content":"rain"}`, user, id, args, id)
		if status, _, out = ask(stream, gatewaytest.Key, history); status != 200 {
			t.Errorf("stream %t: the continuation is refused: %d %s", stream, status, out)
		}
		calls := g.Sim.Calls()
		last := string(calls[len(calls)-1].Body)
		if !strings.Contains(last, `"signature":"`) || !strings.Contains(last, `"thinking":{`) {
			t.Errorf("stream %t: the provider got no sealed thinking back: %s", stream, last)
		}
		// Somebody else with the same history: nothing is found, thinking is off, and the conversation goes on.
		status, h, out = ask(stream, "strict-"+gatewaytest.Key, history)
		if status != http.StatusBadRequest || !strings.Contains(string(out), "strict") {
			t.Errorf("stream %t: a strict key without the seal: %d %s %s", stream, status, h.Get("X-Weir-Lost"), out)
		}
		calls = g.Sim.Calls()
		if got := string(calls[len(calls)-1].Body); got != last {
			t.Errorf("stream %t: something was sent for the strict key: %s", stream, got)
		}
	}
}

// firstCall reads the first tool call of a chat answer.
func firstCall(t *testing.T, out []byte, stream bool) (id, args, reasoning string) {
	t.Helper()
	type message struct {
		Reasoning string `json:"reasoning_content"`
		Calls     []struct {
			ID       string
			Function struct{ Arguments string }
		} `json:"tool_calls"`
	}
	type chunk struct {
		Choices []struct{ Message, Delta message }
	}
	take := func(raw string) {
		var c chunk
		if err := json.Unmarshal([]byte(raw), &c); err != nil {
			t.Fatalf("%v in %s", err, raw)
		}
		for _, choice := range c.Choices {
			for _, m := range []message{choice.Message, choice.Delta} {
				reasoning += m.Reasoning
				for _, call := range m.Calls {
					id += call.ID
					args += call.Function.Arguments
				}
			}
		}
	}
	if !stream {
		take(string(out))
		return id, args, reasoning
	}
	for line := range strings.Lines(string(out)) {
		if data, ok := strings.CutPrefix(strings.TrimSpace(line), "data: "); ok && data != "[DONE]" {
			take(data)
		}
	}
	return id, args, reasoning
}

// TestSealOfAnotherMaker brings a Messages history that a target of another maker answered earlier to a provider of the
// client's own dialect: the bytes hold a seal that this provider would refuse, so they do not pass as they are.
func TestSealOfAnotherMaker(t *testing.T) {
	g := (&gatewaytest.Gateway{}).Start(t)
	const history = `"max_tokens":4096,"metadata":{"user_id":"u"},"messages":[{"role":"user","content":"Hello"},{"role":"assistant","content":[%s{"type":"text","text":"Hi"}]},{"role":"user","content":"Go on"}]`
	const sealed = `{"type":"thinking","thinking":"Hm","signature":"wr1.s.google.c2ln"},{"type":"redacted_thinking","data":"wr1.e.openai.ZW5j"},`
	for _, stream := range []bool{false, true} {
		body := fmt.Sprintf(`{"model":"sim-messages/sim-think","stream":%t,"thinking":{"type":"enabled","budget_tokens":1024},`+history+`}`, stream, sealed)
		resp := g.Post(t, "/v1/messages?beta=true", body)
		out, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode != 200 {
			t.Fatalf("stream %t: %d %s %v", stream, resp.StatusCode, out, err)
		}
		if lost := resp.Header.Get("X-Weir-Lost"); lost != "messages[1].content[0], messages[1].content[1]" {
			t.Errorf("stream %t: lost %q", stream, lost)
		}
		calls := g.Sim.Calls()
		last := calls[len(calls)-1]
		if sent := string(last.Body); strings.Contains(sent, "wr1.") || !strings.Contains(sent, `"metadata":{"user_id":"u"}`) || !strings.Contains(sent, "Go on") || last.Query != "beta=true" {
			t.Errorf("stream %t: the provider got %q %s", stream, last.Query, sent)
		}
		if !strings.Contains(string(out), `"signature`) {
			t.Errorf("stream %t: the answer did not pass: %s", stream, out)
		}
	}
	resp := g.Post(t, "/v1/messages", fmt.Sprintf(`{"model":"sim-messages/sim-1",`+history+`}`, sealed), "Authorization", "Bearer strict-"+gatewaytest.Key)
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusBadRequest {
		t.Errorf("a strict key: %d", resp.StatusCode)
	}
}

// TestSealedCall lets clients whose dialects have no place for a seal on a call continue it at a provider that demands
// it: chat's, which loses the thought too, and Messages', which brings the thought back without a seal.
func TestSealedCall(t *testing.T) {
	g := (&gatewaytest.Gateway{Document: `version: 1
providers:
  up: { base_url: "http://@SIM@", speaks: [gemini-generate], api_key: sim }
keys:
  - { name: test, key: ` + gatewaytest.Key + `, models: ["*"] }
`}).Start(t)
	const user = `{"role":"user","content":"What is the weather? Use the weather tool for city=Oslo."}`
	const schema = `{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}`
	ask := func(stream bool, path, rest string) []byte {
		resp := g.Post(t, path, fmt.Sprintf(`{"model":"up/sim-think","stream":%t,"max_tokens":20000,%s}`, stream, rest))
		defer func() { _ = resp.Body.Close() }()
		out, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != 200 {
			t.Errorf("%s, stream %t: %d %s %v", path, stream, resp.StatusCode, out, err)
		}
		return out
	}
	sealed := func(about string) {
		calls := g.Sim.Calls()
		if last := string(calls[len(calls)-1].Body); !strings.Contains(last, `"thoughtSignature":"`) {
			t.Errorf("%s: the provider got its seal not back: %s", about, last)
		}
	}
	for _, stream := range []bool{false, true} {
		const chatTools = `"tools":[{"type":"function","function":{"name":"weather","parameters":` + schema + `}}],"messages":[` + user
		id, args, _ := firstCall(t, ask(stream, "/v1/chat/completions", chatTools+`]`), stream)
		ask(stream, "/v1/chat/completions", chatTools+fmt.Sprintf(`,{"role":"assistant","tool_calls":[{"id":%q,"type":"function","function":{"name":"weather","arguments":%q}}]},{"role":"tool","tool_call_id":%q,"content":"rain"}]`, id, args, id))
		sealed("chat")

		const tools = `"thinking":{"type":"enabled","budget_tokens":1024},"tools":[{"name":"weather","input_schema":` + schema + `}],"messages":[` + user
		id = regexp.MustCompile(`"type":"tool_use","id":"([^"]+)"`).FindStringSubmatch(string(ask(stream, "/v1/messages", tools+`]`)) + `"type":"tool_use","id":"none"`)[1]
		ask(stream, "/v1/messages", tools+fmt.Sprintf(`,{"role":"assistant","content":[{"type":"thinking","thinking":"Hm","signature":""},{"type":"tool_use","id":%q,"name":"weather","input":{"city":"Oslo"}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":%q,"content":"rain"}]}]`, id, id))
		sealed("messages")
	}
}
