package engine_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"weir/internal/gateway"
	"weir/internal/gatewaytest"
	"weir/internal/llm"
	"weir/internal/sim"
)

const geminiBatches = `version: 1
providers:
  one: { base_url: "http://@SIM@", speaks: [gemini-generate, gemini-embeddings, gemini-batches], api_key: sim, prices: { "sim-*": { input: $2, output: $10, batch input: $1, batch output: $5 } } }
  other: { base_url: "http://@SIM@", speaks: [gemini-generate], api_key: sim }
models:
  small: { targets: [{ provider: other, model: sim-1 }, { provider: one, model: sim-1 }], max_output: 50 }
  alone: { targets: [{ provider: other, model: sim-1 }] }
  slow: { targets: [{ provider: one, model: sim-slow }] }
  failing: { targets: [{ provider: one, model: sim-429 }] }
  vectors: { targets: [{ provider: one, model: theirs }] }
keys:
  - { name: test, key: ` + gatewaytest.Key + `, models: [small, alone, slow, failing, vectors] }
  - { name: another, key: other-` + gatewaytest.Key + `, models: ["*"] }
`

// contents is a request of generateContent, in a list of them.
func contents(key, text string) string {
	return fmt.Sprintf(`{"request": {"contents":[{"role":"user","parts":[{"text":%q}]}]}, "metadata":{"key":%q}}`, text, key)
}

// geminiBatch makes a batch of such requests.
func geminiBatch(t *testing.T, g *gatewaytest.Gateway, model string, requests ...string) (int, map[string]any, string) {
	t.Helper()
	return askBatch(t, g, "POST", "/v1beta/models/"+model+":batchGenerateContent",
		`{"batch":{"displayName":"a test","inputConfig":{"requests":{"requests":[`+strings.Join(requests, " ,\n")+`]}}}}`)
}

// untilDone asks for an operation until it is done.
func untilDone(t *testing.T, g *gatewaytest.Gateway, name string) (map[string]any, string) {
	t.Helper()
	for range 200 {
		if _, m, raw := askBatch(t, g, "GET", "/v1beta/"+name, ""); m["done"] == true {
			return m, raw
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("%s is never done", name)
	return nil, ""
}

// TestGeminiBatch makes a batch, asks after it and reads its results there, and wants every request of it metered once, at the
// price of batches. The provider is the one that takes batches, and gets its own name of the model.
func TestGeminiBatch(t *testing.T) {
	g := (&gatewaytest.Gateway{Document: geminiBatches}).Start(t)
	wrong := `{"request":{"contents":[],"model":"models/small"},"metadata":{"key":"b"}}`
	status, made, raw := geminiBatch(t, g, "small", contents("a", "Good morning"), wrong, contents("a", "Is anybody there?"))
	name, _ := made["name"].(string)
	if status != 200 || !strings.HasPrefix(name, "batches/"+llm.ThingTag) || made["metadata"].(map[string]any)["name"] != name || made["done"] != nil {
		t.Fatalf("%d %s", status, raw)
	}
	sent := g.Sim.Calls()[0]
	if body := string(sent.Body); sent.Path != "/v1beta/models/sim-1:batchGenerateContent" || !strings.Contains(body, `"model":"models/sim-1"`) ||
		strings.Count(body, `"maxOutputTokens":50`) != 3 || sent.Header.Get("X-Goog-Api-Key") != "sim" {
		t.Errorf("sent to %s\n%s", sent.Path, body)
	}
	_, raw = untilDone(t, g, name)
	var done struct {
		Name     string
		Metadata struct{ Name, State string }
		Response struct {
			InlinedResponses struct {
				InlinedResponses []struct {
					Metadata struct{ Key string }
					Error    *struct{ Code int }
					Response struct {
						UsageMetadata struct{ PromptTokenCount, CandidatesTokenCount int64 }
					}
				}
			}
		}
	}
	if err := json.Unmarshal([]byte(raw), &done); err != nil {
		t.Fatal(err)
	}
	results := done.Response.InlinedResponses.InlinedResponses
	if done.Name != name || done.Metadata.Name != name || done.Metadata.State != "BATCH_STATE_SUCCEEDED" || len(results) != 3 || results[1].Error == nil || results[1].Metadata.Key != "b" {
		t.Fatalf("done: %s", raw)
	}
	if strings.Contains(raw, "batches/sim") {
		t.Errorf("the provider's name of it: %s", raw)
	}
	var in, out, sumIn, sumOut int64
	for _, r := range results {
		in, out = in+r.Response.UsageMetadata.PromptTokenCount, out+r.Response.UsageMetadata.CandidatesTokenCount
	}
	ids := map[string]bool{}
	for _, x := range lineRecords(t, g, 3) {
		ids[x.ID] = true
		if x.Batch != strings.TrimPrefix(name, "batches/") || x.Grant.Key != "test" || x.Op != llm.OpChat || x.Dialect != llm.GeminiGenerate || x.Head.Model != "small" ||
			x.Plan.Rule != "small" || x.Answered() != (gateway.Target{Provider: "one", Model: "sim-1"}) || x.Path != "/v1beta/models/small:generateContent" {
			t.Errorf("recorded: %+v", x)
		}
		if x.Usage == nil {
			if x.Status != 400 || x.Fault == nil || x.Ending != gateway.Failed {
				t.Errorf("recorded of the wrong one: %+v", x)
			}
			continue
		}
		sumIn, sumOut = sumIn+x.Usage.Input, sumOut+x.Usage.Output
		if x.Cost != gateway.Money(x.Usage.Input*1000+x.Usage.Output*5000) || x.Unpriced != "" {
			t.Errorf("cost: %v of %d and %d (%s)", x.Cost, x.Usage.Input, x.Usage.Output, x.Unpriced)
		}
	}
	if sumIn != in || sumOut != out || in == 0 || len(ids) != 3 {
		t.Errorf("metered %d and %d tokens, the results say %d and %d", sumIn, sumOut, in, out)
	}
	_, list, raw := askBatch(t, g, "GET", "/v1beta/batches?pageSize=5", "")
	ops, _ := list["operations"].([]any)
	if len(ops) != 1 || ops[0].(map[string]any)["name"] != name || ops[0].(map[string]any)["done"] != true || strings.Contains(raw, "usageMetadata") {
		t.Errorf("list: %s", raw)
	}
	settled(t, g)
	if status, m, raw := askBatch(t, g, "DELETE", "/v1beta/"+name, ""); status != 200 || len(m) != 0 {
		t.Errorf("delete: %d %s", status, raw)
	}
	before := len(g.Sim.Calls())
	if status, m, raw := askBatch(t, g, "GET", "/v1beta/"+name, ""); status != 404 || len(g.Sim.Calls()) != before || m["error"].(map[string]any)["status"] != "NOT_FOUND" {
		t.Errorf("after it was deleted: %d %s", status, raw)
	}
	lineRecords(t, g, 3)
}

// settled waits until every batch is recorded.
func settled(t *testing.T, g *gatewaytest.Gateway) {
	t.Helper()
	for range 300 {
		if len(g.Things.Unsettled()) == 0 {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("%d batches are not recorded", len(g.Things.Unsettled()))
}

// TestGeminiBatchRefused: a request that is not allowed or cannot be read refuses all, by its place, and nothing is sent.
func TestGeminiBatchRefused(t *testing.T) {
	g := (&gatewaytest.Gateway{Document: geminiBatches}).Start(t)
	ok := contents("a", "Hello") + ","
	within := func(requests string) string {
		return `{"batch":{"displayName":"x","inputConfig":{"requests":{"requests":[` + requests + `]}}}}`
	}
	for name, c := range map[string]struct {
		model, body string
		status      int
		says        string
	}{
		"forbidden":       {"one%2Fsim-1", within(ok + contents("b", "x")), 403, "requests[0]: the key test may not use the model one/sim-1"},
		"unknown":         {"nowhere", within(contents("a", "x")), 404, "requests[0]"},
		"no batches":      {"alone", within(contents("a", "x")), 404, "requests[0]: no provider of the model alone takes batches: it must speak gemini-batches and gemini-generate"},
		"another model":   {"small", within(ok + `{"request":{"model":"models/slow","contents":[]}}`), 400, "requests[1]: the body names another model"},
		"no request":      {"small", within(ok + `{"metadata":{"key":"b"}}`), 400, "requests[1]: request must be"},
		"two requests":    {"small", within(ok + `{"request":{},"request":{}}`), 400, "requests[1]"},
		"two configs":     {"small", within(ok + `{"request":{"contents":[],"generationConfig":{},"generation_config":{}}}`), 400, "requests[1]"},
		"a seal":          {"small", within(ok + `{"request":{"contents":[{"role":"model","parts":[{"text":"x","thoughtSignature":"` + llm.SealTag + `x"}]}]}}`), 400, "requests[1]: it holds reasoning"},
		"a file here":     {"small", within(ok + `{"request":{"contents":[{"parts":[{"fileData":{"fileUri":"files/` + llm.ThingTag + `x"}}]}]}}`), 400, "requests[1]: it refers to a file"},
		"nothing":         {"small", within(``), 400, "is empty"},
		"a file":          {"small", `{"batch":{"displayName":"x","inputConfig":{"fileName":"files/abc"}}}`, 400, "requests in a file cannot be read here"},
		"a batch's model": {"small", `{"batch":{"displayName":"x","model":"models/slow","inputConfig":{"requests":{"requests":[` + contents("a", "x") + `]}}}}`, 400, "batch.model"},
	} {
		before := len(g.Sim.Calls())
		if name == "a file here" { // references are looked for where anything is kept
			if err := g.Things.Put(gateway.Thing{ID: "x", Kind: llm.ThingFile, Owner: "test"}); err != nil {
				t.Fatal(err)
			}
		}
		status, m, raw := askBatch(t, g, "POST", "/v1beta/models/"+c.model+":batchGenerateContent", c.body)
		of, _ := m["error"].(map[string]any)
		if status != c.status || !strings.Contains(raw, c.says) || of["status"] == nil {
			t.Errorf("%s: %d %s", name, status, raw)
		}
		if len(g.Sim.Calls()) != before {
			t.Errorf("%s: something was sent", name)
		}
	}
	for _, c := range []string{"POST /v1/models/small:batchGenerateContent", "POST /v1beta/batches/x:undo", "GET /v1beta/batches/x:cancel", "POST /v1beta/batches/x"} {
		method, path, _ := strings.Cut(c, " ")
		if status, m, raw := askBatch(t, g, method, path, ""); status != 404 || m["error"].(map[string]any)["status"] != "NOT_FOUND" {
			t.Errorf("%s: %d %s", c, status, raw)
		}
	}
}

// TestGeminiBatchOfAnother: another key finds neither the batch nor what is in it, and it goes on by pages.
func TestGeminiBatchOfAnother(t *testing.T) {
	g := (&gatewaytest.Gateway{Document: geminiBatches}).Start(t)
	var names []string
	for range 3 {
		_, made, raw := geminiBatch(t, g, "small", contents("a", "Hello"))
		name, _ := made["name"].(string)
		if names = append(names, name); name == "" {
			t.Fatal(raw)
		}
	}
	before := len(g.Sim.Calls())
	altered := strings.Replace(names[0], llm.ThingTag, llm.ThingTag+"A", 1)
	for _, verb := range []string{"GET ", "DELETE ", "POST :cancel"} {
		method, tail, _ := strings.Cut(verb, " ")
		if status, _, raw := askBatch(t, g, method, "/v1beta/"+names[0]+tail, "", "Authorization", "Bearer other-"+gatewaytest.Key); status != 404 || strings.Contains(raw, "sim") {
			t.Errorf("%s: %d %s", verb, status, raw)
		}
		if status, _, _ := askBatch(t, g, method, "/v1beta/"+altered+tail, ""); status != 404 {
			t.Errorf("%s of a name that was altered: %d", verb, status)
		}
	}
	if _, list, raw := askBatch(t, g, "GET", "/v1beta/batches", "", "Authorization", "Bearer other-"+gatewaytest.Key); list["operations"] != nil {
		t.Errorf("another's list: %s", raw)
	}
	_, list, raw := askBatch(t, g, "GET", "/v1beta/batches?pageSize=2", "")
	if ops, _ := list["operations"].([]any); len(ops) != 2 || list["nextPageToken"] == nil {
		t.Fatalf("list: %s", raw)
	}
	_, list, raw = askBatch(t, g, "GET", "/v1beta/batches?pageSize=2&pageToken="+list["nextPageToken"].(string), "")
	if ops, _ := list["operations"].([]any); len(ops) != 1 || list["nextPageToken"] != nil || ops[0].(map[string]any)["name"] != names[0] {
		t.Errorf("the rest of the list: %s", raw)
	}
	if status, _, _ := askBatch(t, g, "GET", "/v1beta/batches?pageToken=x", ""); status != 400 {
		t.Errorf("a token that is none: %d", status)
	}
	if now := len(g.Sim.Calls()); now != before {
		t.Errorf("the provider was asked %d times", now-before)
	}
}

// TestGeminiBatchCancelled: cancelled, a batch meters what was answered and records the rest; it cannot be deleted before.
func TestGeminiBatchCancelled(t *testing.T) {
	g := (&gatewaytest.Gateway{Document: geminiBatches, Watch: 20 * time.Millisecond, Sim: &sim.Provider{Pace: -1, Batch: time.Hour}}).Start(t)
	_, made, _ := geminiBatch(t, g, "small", contents("a", "Hello"), contents("b", "Hello"), contents("c", "Hello"), contents("d", "Hello"))
	name, _ := made["name"].(string)
	if status, _, raw := askBatch(t, g, "DELETE", "/v1beta/"+name, ""); status != 400 || !strings.Contains(raw, "cancel it") {
		t.Errorf("a batch that is under way is deleted: %d %s", status, raw)
	}
	if status, m, raw := askBatch(t, g, "POST", "/v1beta/"+name+":cancel", "{}"); status != 200 || len(m) != 0 {
		t.Fatalf("%d %s", status, raw)
	}
	costs, gone := 0, 0
	for _, x := range lineRecords(t, g, 4) {
		switch {
		case x.Cost > 0:
			costs++
		case x.Fault != nil && x.Fault.Code == "cancelled" && x.Ending == gateway.Failed:
			gone++
		}
	}
	if costs != 2 || gone != 2 {
		t.Errorf("%d requests cost something, %d were cancelled", costs, gone)
	}
	settled(t, g)
	if status, _, raw := askBatch(t, g, "DELETE", "/v1beta/"+name, ""); status != 200 {
		t.Errorf("%d %s", status, raw)
	}
}

// TestGeminiBatchWatched: what a batch comes to is recorded although its client never comes back, its end without results too.
func TestGeminiBatchWatched(t *testing.T) {
	g := (&gatewaytest.Gateway{Document: geminiBatches, Watch: 20 * time.Millisecond}).Start(t)
	for _, model := range []string{"small", "slow", "failing"} {
		if status, _, raw := geminiBatch(t, g, model, contents("a", "Hello"), contents("b", "Hello")); status != 200 {
			t.Fatal(raw)
		}
	}
	seen := map[string]int{}
	for _, x := range lineRecords(t, g, 6) {
		switch {
		case x.Usage != nil && x.Ending == gateway.Done:
			seen["done"]++
		case x.Fault != nil && x.Fault.Code == "expired":
			seen["expired"]++
		case x.Status == 429:
			seen["failed"]++
		}
	}
	if seen["done"] != 2 || seen["expired"] != 2 || seen["failed"] != 2 {
		t.Error(seen)
	}
	settled(t, g)
}

// TestGeminiBatchMeteredOnce: an object that breaks off while its results are read is read again, and each request counts once.
func TestGeminiBatchMeteredOnce(t *testing.T) {
	back := &sim.Provider{Pace: -1}
	var read atomic.Int32
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		whole := httptest.NewRecorder()
		back.ServeHTTP(whole, r)
		w.Header().Set("Content-Type", "application/json")
		body := whole.Body.String()
		if at := strings.LastIndex(body, `"metadata":{"key":"b"}`); r.Method == http.MethodGet && at >= 0 && read.Add(1) < 4 {
			_, _ = io.WriteString(w, body[:at])
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}
		_, _ = io.WriteString(w, body)
	}))
	defer front.Close()
	document := strings.ReplaceAll(geminiBatches, "@SIM@", strings.TrimPrefix(front.URL, "http://"))
	g := (&gatewaytest.Gateway{Document: document, Watch: 20 * time.Millisecond, Sim: back}).Start(t)
	if status, _, raw := geminiBatch(t, g, "small", contents("a", "Hello"), contents("b", "Hello")); status != 200 {
		t.Fatal(raw)
	}
	records := lineRecords(t, g, 2)
	settled(t, g)
	if records = lineRecords(t, g, len(records)); read.Load() < 4 || records[0].ID == records[1].ID {
		t.Errorf("after %d readings: %+v", read.Load(), records)
	}
}

// TestGeminiEmbedBatch: requests for embeddings are a batch too.
func TestGeminiEmbedBatch(t *testing.T) {
	var sent string
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			body, _ := io.ReadAll(r.Body)
			sent = r.URL.Path + " " + string(body)
			_, _ = io.WriteString(w, `{"name":"batches/n1","metadata":{"state":"BATCH_STATE_PENDING"}}`)
			return
		}
		_, _ = io.WriteString(w, `{"name":"batches/n1","metadata":{"state":"BATCH_STATE_SUCCEEDED","output":{"inlinedResponses":{"inlinedResponses":[{"response":{"embedding":{"values":[1]},"usageMetadata":{"promptTokenCount":7}}}]}}},"done":true,`+
			`"response":{"inlinedResponses":{"inlinedResponses":[{"response":{"embedding":{"values":[1]},"usageMetadata":{"promptTokenCount":7}}}]}}}`)
	}))
	defer front.Close()
	g := (&gatewaytest.Gateway{Document: strings.ReplaceAll(geminiBatches, "@SIM@", strings.TrimPrefix(front.URL, "http://")), Watch: 20 * time.Millisecond}).Start(t)
	body := `{"batch":{"displayName":"x","inputConfig":{"requests":{"requests":[{"request":{"model":"models/%s","content":{"parts":[{"text":"Hello"}]}}}]}}}}`
	if status, _, raw := askBatch(t, g, "POST", "/v1beta/models/vectors:asyncBatchEmbedContent", fmt.Sprintf(body, "vectors")); status != 200 {
		t.Fatal(raw)
	}
	if want := "/v1beta/models/theirs:asyncBatchEmbedContent " + fmt.Sprintf(body, "theirs"); sent != want {
		t.Errorf("sent\n%s\nwant\n%s", sent, want)
	}
	if x := lineRecords(t, g, 1)[0]; x.Op != llm.OpEmbeddings || x.Dialect != llm.GeminiEmbeddings || x.Usage == nil || x.Usage.Input != 7 || x.Head.Model != "vectors" {
		t.Errorf("%+v", x)
	}
}
