package sim_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"weir/internal/sim"
)

// method makes a request with a method of its own and returns the decoded answer.
func (r *rig) method(method, path string) (int, map[string]any) {
	r.Helper()
	req := r.request(r.Context(), path, "")
	req.Method = method
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		r.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		r.Fatal(err)
	}
	return res.StatusCode, decode(r.T, string(b))
}

// TestStoredResponses: a response is kept unless it says no, can be gone on from, and can be deleted.
func TestStoredResponses(t *testing.T) {
	r := start(t, &sim.Provider{})
	first := r.ok(responsesPath, `{"model":"sim-think","instructions":"Be brief.","input":"one"}`)
	id := text(first, "id")
	if got := r.ok(responsesPath+"/"+id, ""); args(got) != args(first) {
		t.Errorf("kept as %v, answered %v", got, first)
	}
	second := r.ok(responsesPath, fmt.Sprintf(`{"model":"sim-1","input":"two","previous_response_id":%q}`, id))
	said := text(second, "output", 0, "content", 0, "text")
	if !strings.Contains(said, "You asked: “two” That is message 2 of our conversation.") || strings.Contains(said, "instructions") {
		t.Errorf("%q", said) // instructions do not go on
	}
	third := r.ok(responsesPath, fmt.Sprintf(`{"model":"sim-1","input":[{"role":"user","content":"three"}],"previous_response_id":%q}`, text(second, "id")))
	items := r.ok(responsesPath+"/"+text(third, "id")+"/input_items?limit=3", "")
	if data := list(items, "data"); len(data) != 3 || text(data, 0, "content", 0, "text") != "three" || text(data, 1, "role") != "assistant" || items["has_more"] != true {
		t.Errorf("%v", items)
	}
	rest := r.ok(responsesPath+"/"+text(third, "id")+"/input_items?after="+text(items, "last_id"), "")
	if data := list(rest, "data"); len(data) != 3 || text(data, 2, "content", 0, "text") != "one" || rest["has_more"] != false {
		t.Errorf("%v", rest)
	}
	// What is kept can be referred to, a thought without its cipher too.
	refers := fmt.Sprintf(`{"model":"sim-1","input":[{"role":"user","content":"one"},{"type":"reasoning","id":%q,"summary":[]},{"type":"item_reference","id":%q},{"role":"user","content":"so?"}]}`,
		text(first, "output", 0, "id"), text(first, "output", 1, "id"))
	r.ok(responsesPath, refers)

	if code, v := r.method(http.MethodDelete, responsesPath+"/"+id); code != 200 || v["deleted"] != true {
		t.Errorf("%d %v", code, v)
	}
	for _, gone := range []string{id, text(r.ok(responsesPath, `{"model":"sim-1","input":"x","store":false}`), "id"), "resp_none"} {
		for _, m := range []string{http.MethodGet, http.MethodDelete} {
			if code, v := r.method(m, responsesPath+"/"+gone); code != 404 || text(v, "error", "message") != "Response with id '"+gone+"' not found." {
				t.Errorf("%d %v", code, v)
			}
		}
	}
	lone := r.ok(responsesPath, `{"model":"sim-1","input":"alone"}`)
	r.method(http.MethodDelete, responsesPath+"/"+text(lone, "id"))
	refers = fmt.Sprintf(`{"model":"sim-1","input":[{"role":"user","content":"alone"},{"type":"item_reference","id":%q}]}`, text(lone, "output", 0, "id"))
	if res, got, _ := r.do(responsesPath, refers); res.StatusCode != 404 || !strings.Contains(got, "not found") {
		t.Errorf("%d %s", res.StatusCode, got)
	}
	if n := num(r.ok(responsesPath+"/input_tokens", `{"model":"sim-1","input":"12345678"}`), "input_tokens"); n != 10 {
		t.Errorf("input_tokens %v", n)
	}
}

// TestBackground: a response in the background is queued, in progress, complete; or cancelled.
func TestBackground(t *testing.T) {
	r := start(t, &sim.Provider{})
	const body = `{"model":"sim-1","input":"hi","background":true}`
	a := r.ok(responsesPath, body)
	path := responsesPath + "/" + text(a, "id")
	states := []string{text(a, "status")}
	for range 3 {
		a = r.ok(path, "")
		states = append(states, text(a, "status"))
	}
	if fmt.Sprint(states) != "[queued in_progress completed completed]" || len(list(a, "output")) != 1 || num(a, "usage", "input_tokens") != 9 {
		t.Errorf("%v %v", states, a)
	}
	if code, v := r.method(http.MethodPost, path+"/cancel"); code != 200 || v["status"] != "completed" {
		t.Errorf("cancelled when complete: %d %v", code, v)
	}
	b := r.ok(responsesPath, strings.Replace(body, `"hi"`, `"ho"`, 1))
	if code, v := r.method(http.MethodPost, responsesPath+"/"+text(b, "id")+"/cancel"); code != 200 || v["status"] != "cancelled" {
		t.Errorf("%d %v", code, v)
	}
	if v := r.ok(responsesPath+"/"+text(b, "id"), ""); v["status"] != "cancelled" || len(list(v, "output")) != 0 {
		t.Errorf("%v", v)
	}
	if code, v := r.method(http.MethodPost, responsesPath+"/"+text(r.ok(responsesPath, `{"model":"sim-1","input":"hi"}`), "id")+"/cancel"); code != 400 || !strings.Contains(text(v, "error", "message"), "synchronous") {
		t.Errorf("%d %v", code, v)
	}
	// A stream in the background can be taken up again after any of its events.
	_, raw, _ := r.do(responsesPath, strings.Replace(body, `"hi"`, `"hu"`, 1)[:len(body)-1]+`,"stream":true}`)
	all := events(t, raw)
	if all[0].event != "response.created" || all[1].event != "response.queued" || all[2].event != "response.in_progress" {
		t.Errorf("%v", all[:3])
	}
	streamedResponse(t, raw)
	id := text(decode(t, all[0].data), "response", "id")
	_, rest, _ := r.do(responsesPath+"/"+id+"?stream=true&starting_after=4", "")
	if again := events(t, rest); len(again) != len(all)-5 || again[0] != all[5] {
		t.Errorf("%d events of %d, the first %v", len(again), len(all), again[0])
	}
}

// TestResponsesForms: custom tools, refusals, parts of a summary and logarithms, whole and streamed.
func TestResponsesForms(t *testing.T) {
	r := start(t, &sim.Provider{})
	custom := r.ok(responsesPath, `{"model":"sim-tools","input":"go","tools":[{"type":"custom","name":"shell"}]}`)
	it := at(custom, "output", 0)
	if text(it, "type") != "custom_tool_call" || text(it, "input") != "simulated input" || !strings.HasPrefix(text(it, "id"), "ctc_") {
		t.Fatalf("%v", custom)
	}
	r.ok(responsesPath, fmt.Sprintf(`{"model":"sim-1","input":[{"role":"user","content":"go"},%s,{"type":"custom_tool_call_output","call_id":%q,"output":"x"}]}`, args(it), text(it, "call_id")))
	refusal := r.ok(responsesPath, `{"model":"sim-refusal","input":"hi"}`)
	if p := at(refusal, "output", 0, "content", 0); text(p, "type") != "refusal" || text(p, "refusal") == "" {
		t.Errorf("%v", refusal)
	}
	log := r.ok(responsesPath, `{"model":"sim-1","input":"hi","include":["message.output_text.logprobs"],"top_logprobs":2}`)
	if p := list(log, "output", 0, "content", 0, "logprobs"); len(p) == 0 || len(list(p, 0, "top_logprobs")) != 2 {
		t.Errorf("%v", log)
	}
	for _, body := range []string{
		`{"model":"sim-tools","input":"go","tools":[{"type":"custom","name":"shell"}],"stream":true}`,
		`{"model":"sim-refusal","input":"hi","stream":true}`,
		`{"model":"sim-think","input":"hi","stream":true,"reasoning":{"summary":"detailed","effort":"high"}}`,
		`{"model":"sim-1","input":"hi","stream":true,"include":["message.output_text.logprobs"],"stream_options":{"include_obfuscation":false}}`,
		`{"model":"sim-1","input":"hi","stream":true,"background":true}`,
	} {
		_, raw, _ := r.do(responsesPath, body)
		streamedResponse(t, raw)
		if hides := strings.Contains(raw, `"obfuscation"`); hides == strings.Contains(body, "include_obfuscation") {
			t.Errorf("%s hides lengths: %v", body, hides)
		}
	}
}
