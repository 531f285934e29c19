package sim_test

import (
	"slices"
	"strings"
	"testing"

	"weir/internal/sim"
)

// TestScript: a script says what is called, by what has come of the calls before, and not what the question says.
func TestScript(t *testing.T) {
	var scenes []sim.Scene
	r := start(t, &sim.Provider{Script: func(s sim.Scene) []sim.ScriptCall {
		scenes = append(scenes, s)
		if len(s.Results) > 0 {
			return nil
		}
		return []sim.ScriptCall{{Tool: "g", Args: `{"a b":"\n"}`}, {Tool: "free", Args: "let x"}, {Tool: "nowhere", Args: "{}"}}
	}})
	const tools = `,"tools":[{"type":"function","name":"f","parameters":{"type":"object"}},{"type":"function","name":"g","parameters":{"type":"object","required":["a b"]}},{"type":"custom","name":"free"}]`
	const ask = `{"role":"user","content":"Use f."}`
	v := r.ok("/v1/responses", `{"model":"sim-1","input":[`+ask+`]`+tools+`}`)
	calls := at(v, "output").([]any)
	if len(calls) != 2 || text(calls, 0, "name") != "g" || text(calls, 0, "arguments") != `{"a b":"\n"}` || text(calls, 1, "type") != "custom_tool_call" || text(calls, 1, "input") != "let x" {
		t.Errorf("called %v", calls)
	}
	if s := scenes[0]; s.Model != "sim-1" || s.Asked != "Use f." || len(s.Tools) != 3 || !s.Tools[2].Free || !strings.Contains(string(s.Tools[1].Schema), "a b") {
		t.Errorf("told %+v", s)
	}
	results := `,{"type":"function_call","call_id":"c1","name":"g","arguments":"{}"},{"type":"function_call_output","call_id":"c1","output":"well"}`
	v = r.ok("/v1/responses", `{"model":"sim-1","input":[`+ask+results+`]`+tools+`}`)
	if text(v, "output", 0, "type") != "message" {
		t.Errorf("answered %v", at(v, "output"))
	}
	if !slices.Equal(scenes[1].Results, []sim.ScriptResult{{Tool: "g", Text: "well"}}) {
		t.Errorf("told %+v", scenes[1].Results)
	}
	r.ok("/v1/messages", messagesBody("sim-1", "Use f.", `,"tools":[{"name":"f","input_schema":{"type":"object"}}],"tool_choice":{"type":"none"}`))
	if len(scenes) != 2 {
		t.Error("asked though no call is allowed")
	}
}

// TestLaterSystem: Anthropic's newer models take instructions within the conversation, right after the user's turn.
func TestLaterSystem(t *testing.T) {
	r := start(t, &sim.Provider{})
	const user, system, assistant = `{"role":"user","content":"hi"}`, `{"role":"system","content":[{"type":"text","text":"Be very brief."}]}`, `{"role":"assistant","content":"x"}`
	body := func(messages ...string) string {
		return `{"model":"sim-1","max_tokens":4096,"messages":[` + strings.Join(messages, ",") + `]}`
	}
	if v := r.ok("/v1/messages", body(user, system, assistant, user, system)); !strings.Contains(text(v, "content", 0, "text"), "6 words") {
		t.Errorf("not read: %v", at(v, "content"))
	}
	for _, messages := range [][]string{{system, user}, {user, assistant, system}, {user, system, system}, {user, `{"role":"system","content":[{"type":"image"}]}`}} {
		if res, got, _ := r.do("/v1/messages", body(messages...)); res.StatusCode != 400 {
			t.Errorf("%s: %d %s", messages, res.StatusCode, got)
		}
	}
}
