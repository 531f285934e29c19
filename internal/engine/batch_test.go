package engine_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"weir/internal/engine"
	"weir/internal/gateway"
	"weir/internal/gatewaytest"
	"weir/internal/llm"
	"weir/internal/sim"
	"weir/internal/thing"
)

const messageBatches = `version: 1
providers:
  one: { base_url: "http://@SIM@", speaks: [anthropic-messages, anthropic-batches], api_key: sim, prices: { "sim-*": { input: $2, output: $10, batch input: $1, batch output: $5 } } }
  other: { base_url: "http://@SIM@", speaks: [anthropic-messages], api_key: sim }
models:
  small: { targets: [{ provider: one, model: sim-1 }] }
  large: { targets: [{ provider: other, model: sim-1 }, { provider: one, model: sim-tools }], max_output: 50 }
  alone: { targets: [{ provider: other, model: sim-1 }] }
  slow: { targets: [{ provider: one, model: sim-slow }] }
  failing: { targets: [{ provider: one, model: sim-429 }] }
keys:
  - { name: test, key: ` + gatewaytest.Key + `, models: [small, large, alone, slow, failing] }
  - { name: another, key: other-` + gatewaytest.Key + `, models: ["*"] }
`

// params is a request of Messages.
func params(id, model, text string) string {
	return fmt.Sprintf(`{"custom_id":%q, "params": {"model": %q,"max_tokens":200, "messages":[{"role":"user","content":%q}]}}`, id, model, text)
}

func askBatch(t *testing.T, g *gatewaytest.Gateway, method, url, body string, headers ...string) (int, map[string]any, string) {
	t.Helper()
	if strings.HasPrefix(url, "/") {
		url = g.URL + url
	}
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+gatewaytest.Key)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	_ = json.Unmarshal(raw, &m)
	return resp.StatusCode, m, string(raw)
}

// until asks again until a member says what is wanted.
func until(t *testing.T, g *gatewaytest.Gateway, url, member, want string) map[string]any {
	t.Helper()
	for range 200 {
		if _, m, _ := askBatch(t, g, "GET", url, ""); m[member] == want {
			return m
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("%s of %s does not become %s", member, url, want)
	return nil
}

// lines returns the records of requests of batches, once there are n.
func lineRecords(t *testing.T, g *gatewaytest.Gateway, n int) []*gateway.Exchange {
	t.Helper()
	var out []*gateway.Exchange
	for range 500 {
		out = nil
		for _, x := range g.Records() {
			if x.Batch != "" && x.Op != llm.OpBatch {
				out = append(out, x)
			}
		}
		if len(out) >= n {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if len(out) != n {
		t.Fatalf("%d requests of batches are recorded, want %d", len(out), n)
	}
	return out
}

// TestMessageBatch makes a batch, asks after it, reads its results by the address that is told, and wants every request of
// it metered once, at the price of batches.
func TestMessageBatch(t *testing.T) {
	g := (&gatewaytest.Gateway{Document: messageBatches}).Start(t)
	body := `{"requests": [` + params("a", "small", "Good morning") + " ,\n" + params("b", "large", "Is anybody there?") + "," + params("c", "failing", "x") + `]}`
	status, made, raw := askBatch(t, g, "POST", "/v1/messages/batches", body)
	id, _ := made["id"].(string)
	if status != 200 || !strings.HasPrefix(id, "msgbatch_"+llm.ThingTag) || made["processing_status"] != "in_progress" {
		t.Fatalf("%d %s", status, raw)
	}
	var sent sim.Call
	for _, c := range g.Sim.Calls() {
		if c.Path == "/v1/messages/batches" {
			sent = c
		}
	}
	want := strings.NewReplacer(`"small"`, `"sim-1"`, `"large"`, `"sim-tools"`, `"failing"`, `"sim-429"`).Replace(body)
	before, after, _ := strings.Cut(want, `"sim-tools","max_tokens":200`)
	if want = before + `"sim-tools","max_tokens":50` + after; string(sent.Body) != want {
		t.Errorf("sent\n%s\nwant\n%s", sent.Body, want)
	}
	url := "/v1/messages/batches/" + id
	ended := until(t, g, url, "processing_status", "ended")
	results, _ := ended["results_url"].(string)
	if results != g.URL+url+"/results" {
		t.Errorf("results_url is %s", results)
	}
	_, _, text := askBatch(t, g, "GET", results, "")
	answers := map[string]map[string]any{}
	var in, out float64
	for s := bufio.NewScanner(strings.NewReader(text)); s.Scan(); {
		var line struct {
			ID     string         `json:"custom_id"`
			Result map[string]any `json:"result"`
		}
		if err := json.Unmarshal(s.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		answers[line.ID] = line.Result
		if m, ok := line.Result["message"].(map[string]any); ok {
			u := m["usage"].(map[string]any)
			in += u["input_tokens"].(float64)
			out += u["output_tokens"].(float64)
		}
	}
	if len(answers) != 3 || answers["a"]["type"] != "succeeded" || answers["c"]["type"] != "errored" {
		t.Errorf("results: %s", text)
	}
	var sumIn, sumOut int64
	ids := map[string]bool{}
	for _, x := range lineRecords(t, g, 3) {
		ids[x.ID] = true
		if x.Batch != id || x.Grant.Key != "test" || x.Op != llm.OpChat || x.Dialect != llm.AnthropicMessages || x.Answered().Provider != "one" {
			t.Errorf("recorded: %+v", x)
		}
		if x.Usage == nil {
			if x.Status != 429 || x.Fault == nil || x.Ending != gateway.Failed {
				t.Errorf("recorded of the failing one: %+v", x)
			}
			continue
		}
		sumIn += x.Usage.Input
		sumOut += x.Usage.Output
		if cost := gateway.Money((x.Usage.Input*1000 + x.Usage.Output*5000)); x.Cost != cost || x.Unpriced != "" {
			t.Errorf("cost of %s is %v, want %v (%s)", x.Head.Model, x.Cost, cost, x.Unpriced)
		}
		if x.Head.Model != "small" && x.Head.Model != "large" {
			t.Errorf("the model asked for is %q", x.Head.Model)
		}
	}
	if float64(sumIn) != in || float64(sumOut) != out || len(ids) != 3 {
		t.Errorf("metered %d and %d tokens, the results say %v and %v", sumIn, sumOut, in, out)
	}
	_, list, raw := askBatch(t, g, "GET", "/v1/messages/batches", "")
	if data, _ := list["data"].([]any); len(data) != 1 || data[0].(map[string]any)["id"] != id || list["has_more"] != false || data[0].(map[string]any)["results_url"] != results {
		t.Errorf("list: %s", raw)
	}
	settled(t, g)
	if status, m, raw := askBatch(t, g, "DELETE", url, ""); status != 200 || m["id"] != id {
		t.Errorf("delete: %d %s", status, raw)
	}
	before = fmt.Sprint(len(g.Sim.Calls()))
	if status, _, raw := askBatch(t, g, "GET", url, ""); status != 404 || fmt.Sprint(len(g.Sim.Calls())) != before {
		t.Errorf("after it was deleted: %d %s", status, raw)
	}
	lineRecords(t, g, 3)
}

// TestBatchOfAnother: another key does not find a batch, whatever it asks.
func TestBatchOfAnother(t *testing.T) {
	g := (&gatewaytest.Gateway{Document: messageBatches}).Start(t)
	_, made, raw := askBatch(t, g, "POST", "/v1/messages/batches", `{"requests":[`+params("a", "small", "Hello")+`]}`)
	id, _ := made["id"].(string)
	if id == "" {
		t.Fatal(raw)
	}
	if status, _, raw := askBatch(t, g, "GET", "/v1/messages/batches/"+id+"/results", ""); status != 404 || !strings.Contains(raw, id) || strings.Contains(raw, "msgbatch_sim") {
		t.Errorf("results that are not there yet: %d %s", status, raw)
	}
	altered := strings.Replace(id, llm.ThingTag, llm.ThingTag+"A", 1)
	before := len(g.Sim.Calls())
	for _, verb := range []string{"GET ", "DELETE ", "POST /cancel", "GET /results"} {
		method, tail, _ := strings.Cut(verb, " ")
		status, m, raw := askBatch(t, g, method, "/v1/messages/batches/"+id+tail, "", "Authorization", "Bearer other-"+gatewaytest.Key)
		if status != 404 || m["type"] != "error" {
			t.Errorf("%s: %d %s", verb, status, raw)
		}
		if status, _, _ = askBatch(t, g, method, "/v1/messages/batches/"+altered+tail, ""); status != 404 {
			t.Errorf("%s of an id that was altered: %d", verb, status)
		}
	}
	if _, list, _ := askBatch(t, g, "GET", "/v1/messages/batches", "", "Authorization", "Bearer other-"+gatewaytest.Key); len(list["data"].([]any)) != 0 {
		t.Errorf("another's list: %v", list)
	}
	if now := len(g.Sim.Calls()); now != before {
		t.Errorf("the provider was asked %d times", now-before)
	}
}

// TestMessageBatchRefused: one request that is not allowed or cannot be read refuses all, by its place, and nothing is sent.
func TestMessageBatchRefused(t *testing.T) {
	g := (&gatewaytest.Gateway{Document: messageBatches}).Start(t)
	ok := params("a", "small", "Hello") + ","
	for name, c := range map[string]struct {
		body   string
		status int
		says   string
	}{
		"forbidden":   {ok + params("b", "small", "x") + "," + params("c", "one/sim-1", "x"), 403, "requests[2]"},
		"unknown":     {ok + params("b", "nowhere", "x"), 404, "requests[1]"},
		"no batches":  {params("b", "alone", "x"), 404, "anthropic-batches"},
		"stream":      {ok + `{"custom_id":"b","params":{"model":"small","max_tokens":9,"stream":true,"messages":[]}}`, 400, "requests[1]"},
		"twice":       {ok + params("a", "small", "x"), 400, "custom_id"},
		"no id":       {`{"params":{"model":"small"}}`, 400, "requests[0]"},
		"two models":  {`{"custom_id":"b","params":{"model":"small","model":"large"}}`, 400, "requests[0]"},
		"two params":  {`{"custom_id":"b","params":{"model":"small"},"params":{"model":"large"}}`, 400, "requests[0]"},
		"no list":     {``, 400, "requests is empty"},
		"half a seal": {`{"custom_id":"b","params":{"model":"small","max_tokens":9,"messages":[{"role":"assistant","content":[{"type":"thinking","thinking":"x","signature":"` + llm.SealTag + `x"}]}]}}`, 400, "sealed"},
	} {
		before := len(g.Sim.Calls())
		status, m, raw := askBatch(t, g, "POST", "/v1/messages/batches", `{"requests":[`+c.body+`]}`)
		if status != c.status || !strings.Contains(raw, c.says) || m["type"] != "error" {
			t.Errorf("%s: %d %s", name, status, raw)
		}
		if len(g.Sim.Calls()) != before {
			t.Errorf("%s: something was sent", name)
		}
	}
}

// TestBatchWatched: what a batch comes to is recorded although its client never comes back.
func TestBatchWatched(t *testing.T) {
	g := (&gatewaytest.Gateway{Document: messageBatches, Watch: 20 * time.Millisecond}).Start(t)
	_, made, raw := askBatch(t, g, "POST", "/v1/messages/batches", `{"requests":[`+params("a", "small", "Hello")+`,`+params("b", "slow", "Hello")+`]}`)
	if made["id"] == nil {
		t.Fatal(raw)
	}
	var expired, done int
	for _, x := range lineRecords(t, g, 2) {
		switch {
		case x.Usage != nil && x.Ending == gateway.Done:
			done++
		case x.Fault != nil && x.Fault.Code == "expired" && x.Cost == 0:
			expired++
		}
	}
	if done != 1 || expired != 1 {
		t.Errorf("%d done, %d expired", done, expired)
	}
	if left := g.Things.Unsettled(); len(left) != 0 {
		t.Errorf("not settled: %v", left)
	}
}

// TestBatchCancelled: the answers that a cancelled batch has are metered.
func TestBatchCancelled(t *testing.T) {
	g := (&gatewaytest.Gateway{Document: messageBatches, Sim: &sim.Provider{Pace: -1, Batch: time.Hour}}).Start(t)
	_, made, _ := askBatch(t, g, "POST", "/v1/messages/batches", `{"requests":[`+params("a", "small", "Hello")+`,`+params("b", "small", "Hello")+`]}`)
	id, _ := made["id"].(string)
	if status, m, raw := askBatch(t, g, "POST", "/v1/messages/batches/"+id+"/cancel", ""); status != 200 || m["id"] != id {
		t.Fatalf("%d %s", status, raw)
	}
	var costs int
	for _, x := range lineRecords(t, g, 2) {
		if x.Cost > 0 {
			costs++
		}
	}
	if costs != 1 {
		t.Errorf("%d requests cost something, want 1", costs)
	}
}

// TestWatcherEnds: what looks after batches ends with the engine, whatever it is about.
func TestWatcherEnds(t *testing.T) {
	before := goleak.IgnoreCurrent()
	store := thing.NewMemory(thing.Options{})
	if err := store.Put(gateway.Thing{ID: "batch_1", Kind: llm.ThingBatch, Owner: "test", Dialect: llm.OpenAIBatches, Native: "b", Made: time.Now()}); err != nil {
		t.Fatal(err)
	}
	e := engine.New(nil, nil)
	e.Watching(time.Millisecond, time.Millisecond)
	e.Things(store)
	for range 1000 {
		if e.Unsettled() == 1 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	if e.Unsettled() != 1 {
		t.Error("the batch of the process before is not looked after")
	}
	e.Close()
	goleak.VerifyNone(t, before)
}
