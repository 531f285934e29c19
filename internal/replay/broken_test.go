package replay_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"weir/internal/gatewaytest"
	"weir/internal/llm"
)

// calling are the turns of an assistant that makes calls, by dialect; every call is of look.
var calling = map[llm.Dialect]func(ids ...string) array{
	llm.OpenAIChat: func(ids ...string) array {
		var calls array
		for _, id := range ids {
			calls = append(calls, object{"id": id, "type": "function", "function": object{"name": "look", "arguments": `{"city":"Oslo"}`}})
		}
		return array{object{"role": "assistant", "content": nil, "tool_calls": calls}}
	},
	llm.OpenAIResponses: func(ids ...string) array {
		var items array
		for _, id := range ids {
			items = append(items, object{"type": "function_call", "call_id": id, "name": "look", "arguments": `{"city":"Oslo"}`})
		}
		return items
	},
	llm.AnthropicMessages: func(ids ...string) array {
		var blocks array
		for _, id := range ids {
			blocks = append(blocks, object{"type": "tool_use", "id": id, "name": "look", "input": object{"city": "Oslo"}})
		}
		return array{object{"role": "assistant", "content": blocks}}
	},
	llm.GeminiGenerate: func(ids ...string) array {
		var parts array
		for _, id := range ids {
			parts = append(parts, object{"functionCall": object{"id": id, "name": "look", "args": object{"city": "Oslo"}}})
		}
		return array{object{"role": "model", "parts": parts}}
	},
	llm.BedrockConverse: func(ids ...string) array {
		var blocks array
		for _, id := range ids {
			blocks = append(blocks, object{"toolUse": object{"toolUseId": id, "name": "look", "input": object{"city": "Oslo"}}})
		}
		return array{object{"role": "assistant", "content": blocks}}
	},
	llm.CohereChat: func(ids ...string) array {
		var calls array
		for _, id := range ids {
			calls = append(calls, object{"id": id, "type": "function", "function": object{"name": "look", "arguments": `{"city":"Oslo"}`}})
		}
		return array{object{"role": "assistant", "tool_calls": calls}}
	},
}

// TestBrokenHistory sends histories in which calls and results do not belong together, as clients make them after a turn
// that was cut off or a session that was taken up again. In whatever dialect they come, no provider refuses them.
func TestBrokenHistory(t *testing.T) {
	var providers, models strings.Builder
	for _, d := range walking {
		base := walkTo(t, d).url
		if strings.HasPrefix(string(d), "openai-") {
			base += "/v1"
		}
		fmt.Fprintf(&providers, "  %s: { base_url: %q, speaks: [%s], api_key: upstream-key }\n", d, base, d)
		fmt.Fprintf(&models, "  %s: { targets: [{ provider: %s, model: %s }] }\n", walkName(d, false), d, walkModel)
	}
	g := (&gatewaytest.Gateway{Document: "version: 1\nproviders:\n" + providers.String() + "models:\n" + models.String() +
		"keys: [{ name: test, key: " + gatewaytest.Key + `, models: ["*"] }]` + "\n"}).Start(t)
	for client, calls := range calling {
		c := walkClients[client]
		says := func(text string) array { return array{c.say(text)} }
		results := func(ids ...string) array {
			var made []walkCall
			var all []outcome
			for _, id := range ids {
				made, all = append(made, walkCall{id: id, name: "look"}), append(all, outcome{text: "Result of " + id})
			}
			return c.results(made, all)
		}
		for name, history := range map[string][]array{
			"in order":                {says("go"), calls("a", "b"), results("a", "b")},
			"two results":             {says("go"), calls("a"), results("a", "a")},
			"two results apart":       {says("go"), calls("a"), results("a"), says("on"), results("a"), says("and on")},
			"a result without a call": {says("go"), results("a"), says("on")},
			"a call without a result": {says("go"), calls("a", "b"), results("b"), says("on")},
			"a call at the end":       {says("go"), calls("a")},
			"a result first":          {says("go"), results("a"), calls("a"), says("on")},
			"a late result":           {says("go"), calls("a"), says("on"), results("a")},
			"the same id again":       {says("go"), calls("a"), results("a"), calls("a"), results("a")},
			"the same id at once":     {says("go"), calls("a", "a"), results("a", "a")},
			"calls in two turns":      {says("go"), calls("a"), calls("b"), results("a", "b")},
		} {
			for _, up := range walking {
				if up == client {
					continue // its bytes pass
				}
				body := c.body(walkName(up, false), false, slices.Concat(history...))
				path := c.path(walkName(up, false), false)
				if r := (asked{path: path, body: []byte(marshal(body))}).post(t, g.Handler); r.Code != 200 {
					last := g.Records()[len(g.Records())-1]
					t.Errorf("%s, from %s to %s: %d %s\n%q", name, client, up, r.Code, r.Body, last.Losses)
				} else if x := g.Records()[len(g.Records())-1]; name == "two results" && up != llm.OllamaChat && !slices.ContainsFunc(x.Losses, func(l llm.Loss) bool { return l.Grade == llm.Changed }) {
					t.Errorf("%s, from %s to %s: nothing is named lost", name, client, up)
				}
			}
		}
	}
}
