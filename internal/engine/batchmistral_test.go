package engine_test

import (
	"encoding/json"
	"fmt"
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

const mistralBatches = `version: 1
providers:
  one: { base_url: "http://@SIM@/v1", speaks: [openai-chat, openai-embeddings, openai-files, mistral-batches], api_key: sim, prices: { "sim-*": { input: $2, output: $10, batch input: $1, batch output: $5 } } }
  other: { base_url: "http://@SIM@/v1", speaks: [openai-chat, openai-files, openai-batches], api_key: sim }
models:
  small: { targets: [{ provider: other, model: sim-1 }, { provider: one, model: sim-1 }] }
  limited: { targets: [{ provider: one, model: sim-1 }], max_output: 50 }
  alone: { targets: [{ provider: other, model: sim-1 }] }
  vectors: { targets: [{ provider: one, model: sim-embed }] }
  failing: { targets: [{ provider: one, model: sim-429 }] }
  slow: { targets: [{ provider: one, model: sim-slow }] }
keys:
  - { name: test, key: ` + gatewaytest.Key + `, models: [small, limited, alone, vectors, failing, slow] }
  - { name: another, key: other-` + gatewaytest.Key + `, models: ["*"] }
`

// asks is a request of a job; more stands before its messages.
func asks(id, more, text string) string {
	return fmt.Sprintf(`{"custom_id": %q, "body": {%s"messages":[{"role":"user","content":%q}]}}`, id, more, text)
}

// mistralJob makes a batch of requests for chat.
func mistralJob(t *testing.T, g *gatewaytest.Gateway, model string, requests ...string) (int, map[string]any, string) {
	t.Helper()
	return askBatch(t, g, "POST", "/v1/batch/jobs", `{"requests":[`+strings.Join(requests, ",\n")+`], "endpoint":"/v1/chat/completions", "model": `+model+`,"metadata":{"of":"a test"}}`)
}

// untilOver asks for a job until its status is one.
func untilOver(t *testing.T, g *gatewaytest.Gateway, id, want string) map[string]any {
	t.Helper()
	return until(t, g, "/v1/batch/jobs/"+id, "status", want)
}

// tokensIn sums up what results say was used.
func tokensIn(t *testing.T, results []json.RawMessage) (in, out int64) {
	t.Helper()
	for _, one := range results {
		var r struct {
			Response struct {
				Body struct {
					Usage struct {
						In  int64 `json:"prompt_tokens"`
						Out int64 `json:"completion_tokens"`
					}
				}
			}
		}
		if err := json.Unmarshal(one, &r); err != nil {
			t.Fatal(err)
		}
		in, out = in+r.Response.Body.Usage.In, out+r.Response.Body.Usage.Out
	}
	return in, out
}

// TestMistralBatch makes a job of requests in its body, whose model stands in the job or in them, and wants every request
// metered once, at the price of batches.
func TestMistralBatch(t *testing.T) {
	for name, c := range map[string]struct{ model, within, sent string }{
		"in the job":    {`"small"`, ``, `"model": "sim-1"`},
		"in both":       {`"small"`, `"model":"small",`, `"body": {"model":"sim-1",`},
		"in each":       {`null`, `"model":"small",`, `"body": {"model":"sim-1",`},
		"with a limit":  {`"limited"`, ``, `"body": {"max_tokens":50,`},
		"beyond limits": {`"limited"`, `"max_tokens":60,`, `"body": {"model":"sim-1","max_tokens":50,`},
	} {
		t.Run(name, func(t *testing.T) {
			g := (&gatewaytest.Gateway{Document: mistralBatches}).Start(t)
			status, made, raw := mistralJob(t, g, c.model, asks("a", c.within, "Good morning"), asks("b", c.within, "Is anybody there?"))
			id, _ := made["id"].(string)
			if status != 200 || !strings.HasPrefix(id, llm.ThingTag) || made["status"] != "RUNNING" || made["metadata"].(map[string]any)["of"] != "a test" {
				t.Fatalf("%d %s", status, raw)
			}
			sent := g.Sim.Calls()[0]
			if body := string(sent.Body); sent.Path != "/v1/batch/jobs" || !strings.Contains(body, c.sent) || strings.Contains(body, "small") || strings.Contains(body, "limited") {
				t.Errorf("sent to %s\n%s", sent.Path, sent.Body)
			}
			untilOver(t, g, id, "SUCCESS")
			_, _, raw = askBatch(t, g, "GET", "/v1/batch/jobs/"+id+"?inline=true", "")
			var done struct {
				ID      string
				Outputs []json.RawMessage
			}
			if err := json.Unmarshal([]byte(raw), &done); err != nil || done.ID != id || len(done.Outputs) != 2 {
				t.Fatalf("%v: %s", err, raw)
			}
			in, out := tokensIn(t, done.Outputs)
			var sumIn, sumOut int64
			for _, x := range lineRecords(t, g, 2) {
				if x.Batch != id || x.Op != llm.OpChat || x.Dialect != llm.OpenAIChat || x.Head.Model == "" || x.Answered() != (gateway.Target{Provider: "one", Model: "sim-1"}) || x.Usage == nil {
					t.Fatalf("recorded: %+v", x)
				}
				sumIn, sumOut = sumIn+x.Usage.Input, sumOut+x.Usage.Output
				if x.Cost != gateway.Money(x.Usage.Input*1000+x.Usage.Output*5000) {
					t.Errorf("cost: %v", x.Cost)
				}
			}
			if sumIn != in || sumOut != out || in == 0 {
				t.Errorf("metered %d and %d tokens, the results say %d and %d", sumIn, sumOut, in, out)
			}
			_, list, raw := askBatch(t, g, "GET", "/v1/batch/jobs?status=SUCCESS&status=FAILED", "")
			if data, _ := list["data"].([]any); len(data) != 1 || list["total"] != 1.0 || data[0].(map[string]any)["id"] != id || data[0].(map[string]any)["outputs"] != nil {
				t.Errorf("list: %s", raw)
			}
			if _, list, raw = askBatch(t, g, "GET", "/v1/batch/jobs?status=RUNNING", ""); list["total"] != 0.0 {
				t.Errorf("list of others: %s", raw)
			}
		})
	}
}

// TestMistralFileBatch makes a job of a file, whose requests are judged when the job names it.
func TestMistralFileBatch(t *testing.T) {
	g := (&gatewaytest.Gateway{Document: mistralBatches}).Start(t)
	lines := asks("a", "", "Good morning") + "\n" + asks("b", "", "Is anybody there?") + "\n"
	status, m, raw := sendFile(t, g, lines)
	file, _ := m["id"].(string)
	if status != 200 || !strings.HasPrefix(file, "file-"+llm.ThingTag) || !strings.Contains(string(g.Sim.Calls()[0].Body), lines) {
		t.Fatalf("%d %s", status, raw)
	}
	job := func(file, model string) (int, map[string]any, string) {
		return askBatch(t, g, "POST", "/v1/batch/jobs", `{"input_files":["`+file+`"],"endpoint":"/v1/chat/completions","model":"`+model+`"}`)
	}
	status, made, raw := job(file, "small")
	id, _ := made["id"].(string)
	if inputs, _ := made["input_files"].([]any); status != 200 || len(inputs) != 1 || inputs[0] != file || strings.Contains(raw, g.Sim.Files()[0]) {
		t.Fatalf("%d %s", status, raw)
	}
	done := untilOver(t, g, id, "SUCCESS")
	output, _ := done["output_file"].(string)
	if status, _, raw = askBatch(t, g, "GET", "/v1/files/"+output+"/content", ""); status != 200 || strings.Count(raw, `"custom_id"`) != 2 {
		t.Errorf("results: %d %s", status, raw)
	}
	var results []json.RawMessage
	for line := range strings.Lines(raw) {
		results = append(results, json.RawMessage(line))
	}
	in, out := tokensIn(t, results)
	wantRecords(t, g, id, 2, in, out)
	before := len(g.Sim.Calls())
	for name, c := range map[string]struct {
		file, model string
		status      int
		says        string
	}{
		"another's":   {file, "other", 404, "input_files"},
		"a native id": {g.Sim.Files()[0], "small", 404, "input_files"},
		"forbidden":   {file, "one/sim-1", 403, "line 1: the key test may not use the model one/sim-1"},
		"elsewhere":   {file, "alone", 404, "line 1: no provider of the model alone takes batches"},
		"limited":     {file, "limited", 400, "line 1: the provider calls its model otherwise, or its output is limited here"},
	} {
		var status int
		var raw string
		if c.model == "other" {
			status, _, raw = askBatch(t, g, "POST", "/v1/batch/jobs", `{"input_files":["`+file+`"],"endpoint":"/v1/chat/completions","model":"small"}`, "Authorization", "Bearer other-"+gatewaytest.Key)
		} else {
			status, _, raw = job(c.file, c.model)
		}
		if status != c.status || !strings.Contains(raw, c.says) {
			t.Errorf("%s: %d %s", name, status, raw)
		}
	}
	_, m, _ = sendFile(t, g, asks("a", "", "x")+"\n"+asks("b", `"model":"small",`, "x")+"\n")
	named, _ := m["id"].(string)
	if status, _, raw = job(named, "small"); status != 400 || !strings.Contains(raw, "line 2: the provider calls its model otherwise") {
		t.Errorf("%d %s", status, raw)
	}
	for _, c := range g.Sim.Calls()[before:] {
		if c.Method == http.MethodPost && c.Path == "/v1/batch/jobs" {
			t.Errorf("sent: %s", c.Body)
		}
	}
	if status, _, raw := askBatch(t, g, "POST", "/v1/batches", `{"input_file_id":"`+file+`","endpoint":"/v1/chat/completions","completion_window":"24h"}`); status != 400 || !strings.Contains(raw, "not sent for such a batch") {
		t.Errorf("in another dialect: %d %s", status, raw)
	}
}

// TestMistralBatchRefused: a request that is not allowed or cannot be read refuses all, by its place, and nothing is sent.
func TestMistralBatchRefused(t *testing.T) {
	g := (&gatewaytest.Gateway{Document: mistralBatches}).Start(t)
	ok := asks("a", "", "Hello")
	for name, c := range map[string]struct {
		body   string
		status int
		says   string
	}{
		"forbidden":     {`{"requests":[` + ok + `],"endpoint":"/v1/chat/completions","model":"one/sim-1"}`, 403, "requests[0]: the key test may not use"},
		"unknown":       {`{"requests":[` + ok + `],"endpoint":"/v1/chat/completions","model":"nowhere"}`, 404, "requests[0]"},
		"no batches":    {`{"requests":[` + ok + `],"endpoint":"/v1/chat/completions","model":"alone"}`, 404, "it must speak mistral-batches, openai-files and openai-chat"},
		"no model":      {`{"requests":[` + ok + `],"endpoint":"/v1/chat/completions"}`, 400, "requests[0]: you must name a model"},
		"another model": {`{"requests":[` + ok + `,` + asks("b", `"model":"slow",`, "x") + `],"endpoint":"/v1/chat/completions","model":"small"}`, 400, "requests[1]: it names another model than the batch"},
		"stream":        {`{"requests":[` + asks("b", `"stream":true,`, "x") + `],"endpoint":"/v1/chat/completions","model":"small"}`, 400, "requests[0]: there is no stream"},
		"twice":         {`{"requests":[` + ok + `,` + ok + `],"endpoint":"/v1/chat/completions","model":"small"}`, 400, "requests[1]: another request"},
		"an endpoint":   {`{"requests":[` + ok + `],"endpoint":"/v1/fim/completions","model":"small"}`, 400, "endpoint must be"},
		"an agent":      {`{"requests":[` + ok + `],"endpoint":"/v1/chat/completions","agent_id":"ag_1"}`, 400, "agents are not known here"},
		"both":          {`{"requests":[` + ok + `],"input_files":["x"],"endpoint":"/v1/chat/completions"}`, 400, "both there"},
		"neither":       {`{"endpoint":"/v1/chat/completions"}`, 400, "input_files"},
		"two files":     {`{"input_files":["x","y"],"endpoint":"/v1/chat/completions"}`, 400, "one file"},
	} {
		before := len(g.Sim.Calls())
		status, m, raw := askBatch(t, g, "POST", "/v1/batch/jobs", c.body)
		if status != c.status || !strings.Contains(raw, c.says) || m["error"] == nil {
			t.Errorf("%s: %d %s", name, status, raw)
		}
		if len(g.Sim.Calls()) != before {
			t.Errorf("%s: something was sent", name)
		}
	}
	for file, says := range map[string]string{
		ok + "\n" + ok:                   "line 2: another line",
		ok + "\n" + `{"custom_id":"b"}`:  "line 2: body must be",
		ok + "\n" + `{"body":{}}`:        "line 2: custom_id",
		ok + "\n\n" + asks("b", "", "x"): "line 2: it is empty",
	} {
		if status, _, raw := sendFile(t, g, file); status != 400 || !strings.Contains(raw, says) {
			t.Errorf("%s: %d %s", file, status, raw)
		}
	}
	if len(g.Sim.Calls()) != 0 {
		t.Error("something was sent")
	}
}

// TestMistralBatchWatched: what a batch comes to is recorded although its client never comes back, in every ending.
func TestMistralBatchWatched(t *testing.T) {
	g := (&gatewaytest.Gateway{Document: mistralBatches, Watch: 20 * time.Millisecond}).Start(t)
	for _, model := range []string{`"small"`, `"failing"`, `"slow"`} {
		if status, _, raw := mistralJob(t, g, model, asks("a", "", "Hello")); status != 200 {
			t.Fatal(raw)
		}
	}
	if status, _, raw := askBatch(t, g, "POST", "/v1/batch/jobs", `{"requests":[{"custom_id":"a","body":{"input":["Hello"]}}],"endpoint":"/v1/embeddings","model":"vectors"}`); status != 200 {
		t.Fatal(raw)
	}
	seen := map[string]int{}
	for _, x := range lineRecords(t, g, 4) {
		switch {
		case x.Op == llm.OpEmbeddings && x.Usage != nil && x.Cost > 0:
			seen["vectors"]++
		case x.Usage != nil && x.Ending == gateway.Done:
			seen["done"]++
		case x.Fault != nil && x.Fault.Code == "batch_expired":
			seen["expired"]++
		case x.Status == 429:
			seen["failed"]++
		}
	}
	if seen["done"] != 1 || seen["expired"] != 1 || seen["failed"] != 1 || seen["vectors"] != 1 {
		t.Error(seen)
	}
	settled(t, g)
}

// TestMistralBatchCancelled: what a cancelled batch has answered is metered; another key finds nothing of it.
func TestMistralBatchCancelled(t *testing.T) {
	g := (&gatewaytest.Gateway{Document: mistralBatches, Sim: &sim.Provider{Pace: -1, Batch: time.Hour}}).Start(t)
	_, made, _ := mistralJob(t, g, `"small"`, asks("a", "", "Hello"), asks("b", "", "Hello"))
	id, _ := made["id"].(string)
	for _, verb := range []string{"GET ", "POST /cancel"} {
		method, tail, _ := strings.Cut(verb, " ")
		if status, _, raw := askBatch(t, g, method, "/v1/batch/jobs/"+id+tail, "", "Authorization", "Bearer other-"+gatewaytest.Key); status != 404 || strings.Contains(raw, "51e5ba7c") {
			t.Errorf("%s: %d %s", verb, status, raw)
		}
	}
	for _, path := range []string{"/v1/batches/" + id, "/v1beta/batches/" + id, "/v1/messages/batches/" + id} {
		if status, _, raw := askBatch(t, g, "GET", path, ""); status != 404 {
			t.Errorf("%s: %d %s", path, status, raw)
		}
	}
	if status, m, raw := askBatch(t, g, "POST", "/v1/batch/jobs/"+id+"/cancel", ""); status != 200 || m["id"] != id || m["status"] != "CANCELLED" {
		t.Fatalf("%d %s", status, raw)
	}
	costs := 0
	for _, x := range lineRecords(t, g, 2) {
		if x.Cost > 0 {
			costs++
		}
	}
	if costs != 1 {
		t.Errorf("%d requests cost something", costs)
	}
	settled(t, g)
	if status, m, raw := askBatch(t, g, "DELETE", "/v1/batch/jobs/"+id, ""); status != 200 || m["id"] != id || m["deleted"] != true {
		t.Errorf("delete: %d %s", status, raw)
	}
	if status, _, raw := askBatch(t, g, "GET", "/v1/batch/jobs/"+id, ""); status != 404 {
		t.Errorf("after it was deleted: %d %s", status, raw)
	}
}

// TestMistralFileUnread: a file that cannot be read back makes no batch.
func TestMistralFileUnread(t *testing.T) {
	back := &sim.Provider{Pace: -1}
	var jobs atomic.Int32
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/content") {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		if strings.HasSuffix(r.URL.Path, "/jobs") {
			jobs.Add(1)
		}
		back.ServeHTTP(w, r)
	}))
	defer front.Close()
	g := (&gatewaytest.Gateway{Document: strings.ReplaceAll(mistralBatches, "@SIM@", strings.TrimPrefix(front.URL, "http://")), Sim: back}).Start(t)
	_, m, _ := sendFile(t, g, asks("a", "", "Hello"))
	status, _, raw := askBatch(t, g, "POST", "/v1/batch/jobs", fmt.Sprintf(`{"input_files":[%q],"endpoint":"/v1/chat/completions","model":"small"}`, m["id"]))
	if status != 503 || jobs.Load() != 0 || !strings.Contains(raw, "cannot be read back") {
		t.Errorf("%d %s", status, raw)
	}
}
