package engine_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"weir/internal/fault"
	"weir/internal/gateway"
	"weir/internal/gatewaytest"
	"weir/internal/llm"
	"weir/internal/sim"
	"weir/internal/thing"
)

const chatBatches = `version: 1
providers:
  one: { base_url: "http://@SIM@/v1", speaks: [openai-chat, openai-embeddings, openai-responses, openai-files, openai-batches], api_key: sim, prices: { "sim-*": { input: $2, output: $10, batch input: $1, batch output: $5 } } }
  two: { base_url: "http://@SIM@/v1", speaks: [openai-chat, openai-files, openai-batches], api_key: sim }
  plain: { base_url: "http://@SIM@/v1", speaks: [openai-chat], api_key: sim }
models:
  small: { targets: [{ provider: plain, model: sim-1 }, { provider: one, model: sim-1 }, { provider: two, model: sim-1 }] }
  large: { targets: [{ provider: one, model: sim-tools }], max_output: 50 }
  twos: { targets: [{ provider: two, model: sim-1 }] }
  plains: { targets: [{ provider: plain, model: sim-1 }] }
  slow: { targets: [{ provider: one, model: sim-slow }] }
  failing: { targets: [{ provider: one, model: sim-429 }] }
  vectors: { targets: [{ provider: one, model: sim-embed }] }
keys:
  - { name: test, key: ` + gatewaytest.Key + `, models: [small, large, twos, plains, slow, failing, vectors] }
  - { name: another, key: other-` + gatewaytest.Key + `, models: ["*"] }
`

// chatLine is a request of a file.
func chatLine(id, model, text string) string {
	return fmt.Sprintf(`{"custom_id": %q, "method": "POST", "url": "/v1/chat/completions", "body": {"model": %q, "max_tokens": 60, "messages":[{"role":"user","content":%q}]}}`, id, model, text)
}

// sendFile uploads a file for a batch.
func sendFile(t *testing.T, g *gatewaytest.Gateway, file string) (int, map[string]any, string) {
	t.Helper()
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	_ = form.WriteField("purpose", "batch")
	part, err := form.CreateFormFile("file", "requests.jsonl")
	if err == nil {
		_, err = io.WriteString(part, file)
	}
	if err != nil || form.Close() != nil {
		t.Fatal(err)
	}
	return askBatch(t, g, "POST", "/v1/files", b.String(), "Content-Type", form.FormDataContentType())
}

// makeBatch uploads a file and makes a batch of it.
func makeBatch(t *testing.T, g *gatewaytest.Gateway, path string, lines ...string) (batch, file string) {
	t.Helper()
	status, m, raw := sendFile(t, g, strings.Join(lines, "\n")+"\n")
	file, _ = m["id"].(string)
	if status != 200 || !strings.HasPrefix(file, "file-"+llm.ThingTag) {
		t.Fatalf("%d %s", status, raw)
	}
	status, m, raw = askBatch(t, g, "POST", "/v1/batches", `{"input_file_id":"`+file+`", "endpoint":"`+path+`","completion_window":"24h","metadata":{"of":"a test"}}`)
	batch, _ = m["id"].(string)
	if status != 200 || !strings.HasPrefix(batch, "batch_"+llm.ThingTag) || m["input_file_id"] != file {
		t.Fatalf("%d %s", status, raw)
	}
	return batch, file
}

// TestFileBatch sends a file, makes a batch of it, reads its results, and wants every line metered once at the price of
// batches. The provider is one that all lines can go to, and gets its own names of the models.
func TestFileBatch(t *testing.T) {
	g := (&gatewaytest.Gateway{Document: chatBatches}).Start(t)
	lines := []string{chatLine("a", "small", "Good morning"), chatLine("b", "large", "Is anybody there?"), chatLine("c", "failing", "x"), chatLine("d", "slow", "x")}
	id, file := makeBatch(t, g, "/v1/chat/completions", lines...)
	want := strings.NewReplacer(`"small"`, `"sim-1"`, `"large"`, `"sim-tools"`, `"failing"`, `"sim-429"`, `"slow"`, `"sim-slow"`).Replace(strings.Join(lines, "\n") + "\n")
	before, after, _ := strings.Cut(want, `"sim-tools", "max_tokens": 60`)
	want = before + `"sim-tools", "max_tokens": 50` + after
	for _, c := range g.Sim.Calls() {
		if c.Path == "/v1/files" && !strings.Contains(string(c.Body), want) {
			t.Errorf("sent\n%s\nwant in it\n%s", c.Body, want)
		}
		if strings.Contains(string(c.Body), llm.ThingTag) {
			t.Errorf("the provider was sent an id of the gateway's: %s", c.Body)
		}
	}
	done := until(t, g, "/v1/batches/"+id, "status", "expired")
	if done["id"] != id || done["input_file_id"] != file {
		t.Errorf("the batch: %v", done)
	}
	results := ""
	for _, name := range []string{"output_file_id", "error_file_id"} {
		of, _ := done[name].(string)
		if status, m, raw := askBatch(t, g, "GET", "/v1/files/"+of, ""); status != 200 || m["id"] != of || m["purpose"] != "batch_output" {
			t.Errorf("%s: %d %s", name, status, raw)
		}
		if status, _, _ := askBatch(t, g, "GET", "/v1/files/"+of+"/content", "", "Authorization", "Bearer other-"+gatewaytest.Key); status != 404 {
			t.Errorf("another reads the results: %d", status)
		}
		status, _, raw := askBatch(t, g, "GET", "/v1/files/"+of+"/content", "")
		if status != 200 {
			t.Errorf("%s: %d %s", name, status, raw)
		}
		results += raw
	}
	var in, out, seen int64
	for line := range strings.Lines(results) {
		var r struct {
			ID       string `json:"custom_id"`
			Response struct {
				Body struct {
					Usage struct {
						In  int64 `json:"prompt_tokens"`
						Out int64 `json:"completion_tokens"`
					} `json:"usage"`
				} `json:"body"`
			} `json:"response"`
		}
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		in, out, seen = in+r.Response.Body.Usage.In, out+r.Response.Body.Usage.Out, seen+1
	}
	wantRecords(t, g, id, 4, in, out)
	for range 100 {
		if len(g.Things.Unsettled()) == 0 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	_, list, raw := askBatch(t, g, "GET", "/v1/files?purpose=batch_output", "")
	data, _ := list["data"].([]any)
	if len(data) != 2 {
		t.Fatalf("files: %s", raw)
	}
	for _, one := range data {
		if m := one.(map[string]any); m["bytes"] == float64(0) || m["id"] != done["output_file_id"] && m["id"] != done["error_file_id"] {
			t.Errorf("a file of results: %v", m)
		}
	}
	if seen != 4 {
		t.Errorf("%d results", seen)
	}
}

// wantRecords wants n requests of a batch recorded, with usage of so much together and the cost of that.
func wantRecords(t *testing.T, g *gatewaytest.Gateway, batch string, n int, in, out int64) {
	t.Helper()
	var sumIn, sumOut int64
	var cost gateway.Money
	ids := map[string]bool{}
	for _, x := range lineRecords(t, g, n) {
		ids[x.ID] = true
		if x.Batch != batch || x.Grant.Key != "test" || x.Op != llm.OpChat || x.Dialect != llm.OpenAIChat || x.Answered().Provider != "one" || x.Unpriced != "" {
			t.Errorf("recorded: %+v", x)
		}
		if x.Head.Model == "" || x.Plan.Rule != x.Head.Model || x.Status == 429 && x.Head.Model != "failing" {
			t.Errorf("it is not known what it asked for: %+v", x)
		}
		if x.Usage != nil {
			sumIn, sumOut, cost = sumIn+x.Usage.Input, sumOut+x.Usage.Output, cost+x.Cost
			if x.Head.Model != "small" && x.Head.Model != "large" {
				t.Errorf("the model asked for is %q", x.Head.Model)
			}
		}
	}
	if sumIn != in || sumOut != out || in == 0 || out == 0 || cost != gateway.Money(in*1000+out*5000) || len(ids) != n {
		t.Errorf("metered %d and %d tokens for %v, the results say %d and %d; %d ids", sumIn, sumOut, cost, in, out, len(ids))
	}
}

// TestFileBatchRefused: a line that is not allowed, cannot be read or goes elsewhere refuses the file by its number, and
// nothing is sent.
func TestFileBatchRefused(t *testing.T) {
	g := (&gatewaytest.Gateway{Document: chatBatches}).Start(t)
	ok := chatLine("a", "small", "Hello") + "\n" + chatLine("b", "small", "Hello") + "\n"
	for name, c := range map[string]struct {
		file   string
		status int
		says   string
	}{
		"forbidden":    {ok + chatLine("c", "one/sim-1", "x") + "\n" + chatLine("d", "small", "x"), 403, "line 3: the key test may not use the model one/sim-1"},
		"unknown":      {ok + chatLine("c", "nowhere", "x"), 404, "line 3"},
		"no batches":   {chatLine("c", "plains", "x"), 404, "line 1: no provider of the model plains takes batches: it must speak openai-batches, openai-files and openai-chat"},
		"disagreement": {ok + chatLine("c", "large", "x") + "\n" + chatLine("d", "twos", "x"), 400, "line 4: the model twos is served by two and those before it by one"},
		"stream":       {strings.Replace(ok, `"max_tokens"`, `"stream": true, "max_tokens"`, 1), 400, "line 1"},
		"twice":        {ok + chatLine("a", "small", "x"), 400, "line 3: another line has its custom_id"},
		"no JSON":      {ok + "nothing", 400, "line 3"},
		"empty line":   {ok + "\n" + ok, 400, "line 3"},
		"a method":     {strings.Replace(ok, "POST", "GET", 1), 400, "line 1: method must be POST"},
		"a url":        {ok + strings.Replace(chatLine("c", "small", "x"), "chat/completions", "images/generations", 1), 400, "line 3: url must be"},
		"two urls":     {ok + strings.Replace(chatLine("c", "vectors", "x"), "chat/completions", "embeddings", 1), 400, "line 3: its url is /v1/embeddings"},
		"two models":   {ok + `{"custom_id":"c","method":"POST","url":"/v1/chat/completions","body":{"model":"small","model":"large"}}`, 400, "line 3"},
		"two bodies":   {ok + `{"custom_id":"c","method":"POST","url":"/v1/chat/completions","body":{"model":"small"},"BODY":{"model":"large"}}`, 400, "line 3"},
		"nothing":      {"\n", 400, "the file is empty"},
		"a kept turn":  {`{"custom_id":"c","method":"POST","url":"/v1/responses","body":{"model":"vectors","input":"x","previous_response_id":"resp_1"}}`, 400, "line 1: a request of a batch goes on from nothing"},
	} {
		before := len(g.Sim.Calls())
		status, m, raw := sendFile(t, g, c.file)
		if status != c.status || !strings.Contains(raw, c.says) || m["error"] == nil {
			t.Errorf("%s: %d %s", name, status, raw)
		}
		if len(g.Sim.Calls()) != before {
			t.Errorf("%s: something was sent", name)
		}
	}
	_, m, raw := sendFile(t, g, ok)
	file, _ := m["id"].(string)
	if file == "" {
		t.Fatal(raw)
	}
	before := len(g.Sim.Calls())
	for name, c := range map[string]struct {
		body, key string
		status    int
		says      string
	}{
		"another's file": {`{"input_file_id":"` + file + `","endpoint":"/v1/chat/completions","completion_window":"24h"}`, "other-" + gatewaytest.Key, 404, "input_file_id"},
		"a native id":    {`{"input_file_id":"` + g.Sim.Files()[0] + `","endpoint":"/v1/chat/completions","completion_window":"24h"}`, gatewaytest.Key, 404, "input_file_id"},
		"elsewhere":      {`{"input_file_id":"` + file + `","endpoint":"/v1/embeddings","completion_window":"24h"}`, gatewaytest.Key, 400, "endpoint"},
		"two files":      {`{"input_file_id":"` + file + `","endpoint":"/v1/chat/completions","input_file_id":"x"}`, gatewaytest.Key, 400, "input_file_id"},
		"no file":        {`{"endpoint":"/v1/chat/completions"}`, gatewaytest.Key, 400, "input_file_id"},
	} {
		if status, _, raw := askBatch(t, g, "POST", "/v1/batches", c.body, "Authorization", "Bearer "+c.key); status != c.status || !strings.Contains(raw, c.says) {
			t.Errorf("%s: %d %s", name, status, raw)
		}
	}
	if len(g.Sim.Calls()) != before {
		t.Error("something was sent")
	}
}

// TestFileBatchOfAnother: another key finds neither the batch nor its files.
func TestFileBatchOfAnother(t *testing.T) {
	g := (&gatewaytest.Gateway{Document: chatBatches}).Start(t)
	id, _ := makeBatch(t, g, "/v1/chat/completions", chatLine("a", "small", "Hello"))
	for _, verb := range []string{"GET /v1/batches/" + id, "POST /v1/batches/" + id + "/cancel"} {
		method, path, _ := strings.Cut(verb, " ")
		if status, _, raw := askBatch(t, g, method, path, "", "Authorization", "Bearer other-"+gatewaytest.Key); status != 404 || strings.Contains(raw, "sim") {
			t.Errorf("%s: %d %s", verb, status, raw)
		}
	}
	for i := range 3 {
		makeBatch(t, g, "/v1/chat/completions", chatLine(fmt.Sprint(i), "small", "Hello"))
	}
	_, list, raw := askBatch(t, g, "GET", "/v1/batches?limit=3", "")
	data, _ := list["data"].([]any)
	if len(data) != 3 || list["has_more"] != true {
		t.Fatalf("list: %s", raw)
	}
	_, list, raw = askBatch(t, g, "GET", "/v1/batches?after="+list["last_id"].(string), "")
	if data, _ := list["data"].([]any); len(data) != 1 || list["has_more"] != false || data[0].(map[string]any)["id"] != id {
		t.Errorf("the rest of the list: %s", raw)
	}
	if status, _, _ := askBatch(t, g, "GET", "/v1/batches?limit=0", ""); status != 400 {
		t.Errorf("limit=0: %d", status)
	}
}

// TestFileBatchOf10000: a large file is judged line by line, and metered line by line, in bounded memory.
func TestFileBatchOf10000(t *testing.T) {
	g := (&gatewaytest.Gateway{Document: strings.Replace(chatBatches, "keys:", "limits: { body: 20MB }\nkeys:", 1)}).Start(t)
	lines := make([]string, 10000)
	for i := range lines {
		lines[i] = chatLine(fmt.Sprintf("request-%d", i), "small", "Hello")
	}
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	id, _ := makeBatch(t, g, "/v1/chat/completions", lines...)
	runtime.GC()
	runtime.ReadMemStats(&after)
	// The test, the simulator and the record of its calls hold the file too.
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 48<<20 {
		t.Errorf("%d MB are held", grown>>20)
	}
	until(t, g, "/v1/batches/"+id, "status", "completed")
	if n := len(lineRecords(t, g, len(lines))); n != len(lines) {
		t.Errorf("%d are recorded", n)
	}
}

// TestFileBatchMeteredOnce: a provider that dies while its results are read is asked again, and then each line counts once.
func TestFileBatchMeteredOnce(t *testing.T) {
	back := &sim.Provider{Pace: -1}
	var broken atomic.Int32
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/content") && broken.Add(1) < 3 {
			whole := httptest.NewRecorder()
			back.ServeHTTP(whole, r)
			first, second, _ := strings.Cut(whole.Body.String(), "\n")
			w.Header().Set("Content-Length", "100000")
			_, _ = io.WriteString(w, first+"\n"+second[:len(second)/2])
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}
		back.ServeHTTP(w, r)
	}))
	defer front.Close()
	store := thing.NewMemory(thing.Options{})
	document := strings.ReplaceAll(chatBatches, "@SIM@", strings.TrimPrefix(front.URL, "http://"))
	g := (&gatewaytest.Gateway{Document: document, Watch: 20 * time.Millisecond, Things: store, Sim: back}).Start(t)
	id, _ := makeBatch(t, g, "/v1/chat/completions", chatLine("a", "small", "Hello"), chatLine("b", "small", "Hello"))
	lineRecords(t, g, 2)
	time.Sleep(150 * time.Millisecond)
	records := lineRecords(t, g, 2)
	if broken.Load() < 3 || records[0].ID == records[1].ID || len(store.Unsettled()) != 0 {
		t.Errorf("after %d readings: %+v %+v", broken.Load(), records[0], records[1])
	}
	if kept, _ := store.Get("test", id); !kept.Settled {
		t.Error("the batch is not settled")
	}
}

// TestBatchAfterRestart: a batch that another process had begun is metered by this one.
func TestBatchAfterRestart(t *testing.T) {
	dir := t.TempDir()
	back := &sim.Provider{Pace: -1, Batch: 300 * time.Millisecond}
	store, err := thing.Open(dir, thing.Options{})
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewServer(back)
	defer front.Close()
	document := strings.ReplaceAll(chatBatches, "@SIM@", strings.TrimPrefix(front.URL, "http://"))
	id := ""
	t.Run("before", func(t *testing.T) {
		g := (&gatewaytest.Gateway{Document: document, Things: store, Sim: back}).Start(t)
		id, _ = makeBatch(t, g, "/v1/chat/completions", chatLine("a", "small", "Hello"))
	})
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if store, err = thing.Open(dir, thing.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Run("after", func(t *testing.T) {
		g := (&gatewaytest.Gateway{Document: document, Things: store, Watch: 20 * time.Millisecond, Sim: back}).Start(t)
		if x := lineRecords(t, g, 1)[0]; x.Batch != id || x.Usage == nil {
			t.Errorf("%+v", x)
		}
	})
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
}

// meek counts requests, lets so many through, and counts what is settled.
type meek struct {
	let, admitted, settled, refused int
}

// Name implements gateway.Policy.
func (*meek) Name() string { return "meek" }

// Admit implements gateway.Admitter.
func (m *meek) Admit(_ context.Context, x *gateway.Exchange) error {
	if x.Op != llm.OpChat {
		return nil
	}
	if m.admitted++; m.admitted > m.let {
		return fault.New(fault.RateLimit, "not so many")
	}
	if x.Head.Model != "small" || x.Plan.Rule != "small" || x.Grant.Key != "test" {
		return fault.New(fault.Internal, "a request that nobody knows: %+v", x)
	}
	return nil
}

// Settle implements gateway.Settler.
func (m *meek) Settle(x *gateway.Exchange) {
	switch {
	case x.Op != llm.OpChat:
	case x.Ending == gateway.Done:
		m.settled++
	default:
		m.refused++
	}
}

// TestLinesCount: every line of a file counts like a request, and a policy may refuse any of them.
func TestLinesCount(t *testing.T) {
	g := (&gatewaytest.Gateway{Document: chatBatches}).Start(t)
	s := *g.Engine.Snapshot()
	m := &meek{let: 5}
	s.Admitters = []gateway.Admitter{m}
	g.Engine.Use(&s)
	var file string
	for i := range 5 {
		file += chatLine(fmt.Sprint(i), "small", "Hello") + "\n"
	}
	if status, _, raw := sendFile(t, g, file); status != 200 || m.admitted != 5 || m.settled != 5 {
		t.Errorf("%d %s: %+v", status, raw, m)
	}
	m.let, m.admitted, m.settled = 3, 0, 0
	before := len(g.Sim.Calls())
	if status, _, raw := sendFile(t, g, file); status != 429 || !strings.Contains(raw, "line 4: not so many") || m.settled != 3 {
		t.Errorf("%d %s: %+v", status, raw, m)
	}
	if status, _, raw := sendFile(t, g, file+"{}"); status != 400 || m.admitted != 4 {
		t.Errorf("a file that cannot be read is counted: %d %s: %+v", status, raw, m)
	}
	if len(g.Sim.Calls()) != before {
		t.Error("something was sent")
	}
}

// TestBatchWithoutRoom: a full store refuses a batch before anything is sent.
func TestBatchWithoutRoom(t *testing.T) {
	g := (&gatewaytest.Gateway{Document: messageBatches, Things: thing.NewMemory(thing.Options{Bytes: 64 << 10, Owner: 8 << 10})}).Start(t)
	body := `{"requests":[` + params("a", "small", "Hello") + `]}`
	for i := range 100 {
		before := len(g.Sim.Calls())
		status, _, raw := askBatch(t, g, "POST", "/v1/messages/batches", body)
		if status == 200 {
			continue
		}
		if status != 503 || i == 0 || len(g.Sim.Calls()) != before || !strings.Contains(raw, "batches") {
			t.Errorf("batch %d: %d %s", i, status, raw)
		}
		return
	}
	t.Error("the store is never full")
}

// TestBatchMadeOnce: where it is not known whether a provider made the batch, no other is asked; where it refused, the next is.
func TestBatchMadeOnce(t *testing.T) {
	var first, second atomic.Int32
	how := ""
	back := &sim.Provider{Pace: -1}
	one := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		first.Add(1)
		if how == "cut" {
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, `{"id":"msgbatch_1"`)
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}
		w.WriteHeader(http.StatusTooManyRequests)
		_, _ = io.WriteString(w, `{"type":"error","error":{"type":"rate_limit_error","message":"slower"}}`)
	}))
	defer one.Close()
	two := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		second.Add(1)
		back.ServeHTTP(w, r)
	}))
	defer two.Close()
	g := (&gatewaytest.Gateway{Document: `version: 1
providers:
  one: { base_url: "` + one.URL + `", speaks: [anthropic-messages, anthropic-batches], api_key: sim }
  two: { base_url: "` + two.URL + `", speaks: [anthropic-messages, anthropic-batches], api_key: sim }
models:
  small: { targets: [{ provider: one, model: a }, { provider: two, model: sim-1 }] }
keys: [{ name: test, key: ` + gatewaytest.Key + ` }]
`}).Start(t)
	body := `{"requests":[` + params("a", "small", "Hello") + `]}`
	status, m, raw := askBatch(t, g, "POST", "/v1/messages/batches", body)
	id, _ := m["id"].(string)
	if status != 200 || first.Load() != 1 || second.Load() != 1 || !bytes.Contains(back.Calls()[0].Body, []byte(`"sim-1"`)) {
		t.Fatalf("%d %s: %d %d", status, raw, first.Load(), second.Load())
	}
	if x := lineRecords(t, g, 0); len(x) != 0 {
		t.Error(x)
	}
	how = "cut"
	if status, _, raw = askBatch(t, g, "POST", "/v1/messages/batches", body); status != 502 || second.Load() != 1 {
		t.Errorf("%d %s: the other was asked %d times", status, raw, second.Load())
	}
	if err := g.Use("version: 1\nproviders: { three: { base_url: \"" + one.URL + "\", speaks: [anthropic-messages], api_key: sim } }\nkeys: [{ name: test, key: " + gatewaytest.Key + " }]\n"); err != nil {
		t.Fatal(err)
	}
	if status, _, raw = askBatch(t, g, "GET", "/v1/messages/batches/"+id, ""); status != 404 || !strings.Contains(raw, "the provider two, which keeps "+id+", is not in the document any more") {
		t.Errorf("%d %s", status, raw)
	}
}

// TestBatchPriceOfItsDay: what a batch costs is told by the prices of the day it was made on.
func TestBatchPriceOfItsDay(t *testing.T) {
	today := time.Now().UTC().Format(time.DateOnly)
	document := strings.Replace(messageBatches, "batch input: $1, batch output: $5", `batch input: $1, batch output: $5, "from=`+today+` batch input": $100, "from=`+today+` batch output": $500`, 1)
	for days, price := range map[int]int64{2: 1, 0: 100} {
		g := (&gatewaytest.Gateway{Document: document, Sim: &sim.Provider{Pace: -1, Batch: time.Hour}}).Start(t)
		_, made, raw := askBatch(t, g, "POST", "/v1/messages/batches", `{"requests":[`+params("a", "small", "Hello")+`,`+params("b", "small", "Hello")+`]}`)
		id, _ := made["id"].(string)
		kept, ok := g.Things.Get("test", id)
		if !ok {
			t.Fatal(raw)
		}
		kept.Made = kept.Made.Add(-time.Duration(days) * 24 * time.Hour)
		if err := g.Things.Put(kept); err != nil {
			t.Fatal(err)
		}
		askBatch(t, g, "POST", "/v1/messages/batches/"+id+"/cancel", "")
		for _, x := range lineRecords(t, g, 2) {
			if x.Usage != nil && x.Cost != gateway.Money(price*(x.Usage.Input*1000+x.Usage.Output*5000)) {
				t.Errorf("%d days old: %v for %d and %d", days, x.Cost, x.Usage.Input, x.Usage.Output)
			}
		}
	}
}

// TestResultsStayUntilRead: neither a batch nor its results can be deleted before they are recorded.
func TestResultsStayUntilRead(t *testing.T) {
	back := &sim.Provider{Pace: -1}
	free := make(chan struct{})
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/content") || strings.HasSuffix(r.URL.Path, "/results") {
			select {
			case <-free:
			case <-r.Context().Done():
			}
		}
		back.ServeHTTP(w, r)
	}))
	defer front.Close()
	at := strings.TrimPrefix(front.URL, "http://")
	files := (&gatewaytest.Gateway{Document: strings.ReplaceAll(chatBatches, "@SIM@", at), Sim: back}).Start(t)
	messages := (&gatewaytest.Gateway{Document: strings.ReplaceAll(messageBatches, "@SIM@", at), Sim: back}).Start(t)
	id, _ := makeBatch(t, files, "/v1/chat/completions", chatLine("a", "small", "Hello"))
	output, _ := until(t, files, "/v1/batches/"+id, "status", "completed")["output_file_id"].(string)
	_, made, _ := askBatch(t, messages, "POST", "/v1/messages/batches", `{"requests":[`+params("a", "small", "Hello")+`]}`)
	url := "/v1/messages/batches/" + made["id"].(string)
	until(t, messages, url, "processing_status", "ended")
	if status, _, raw := askBatch(t, files, "DELETE", "/v1/files/"+output, ""); status != 503 {
		t.Errorf("results that are not read are deleted: %d %s", status, raw)
	}
	if status, _, raw := askBatch(t, messages, "DELETE", url, ""); status != 503 {
		t.Errorf("a batch that is not read is deleted: %d %s", status, raw)
	}
	close(free)
	lineRecords(t, files, 1)
	lineRecords(t, messages, 1)
	for range 200 {
		if len(files.Things.Unsettled())+len(messages.Things.Unsettled()) == 0 {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	if status, _, raw := askBatch(t, files, "DELETE", "/v1/files/"+output, ""); status != 200 {
		t.Errorf("results that were read: %d %s", status, raw)
	}
	if m := until(t, files, "/v1/batches/"+id, "status", "completed"); m["output_file_id"] != output {
		t.Errorf("the batch: %v", m)
	}
	if _, back := files.Things.Get("test", output); back {
		t.Error("the file came back")
	}
	if status, _, raw := askBatch(t, messages, "DELETE", url, ""); status != 200 {
		t.Errorf("a batch that was read: %d %s", status, raw)
	}
}

// TestBatchPaths: requests of every dialect that batches take are metered as their own dialect states.
func TestBatchPaths(t *testing.T) {
	g := (&gatewaytest.Gateway{Document: strings.Replace(chatBatches, "openai-responses,", "openai-responses, openai-completions,", 1)}).Start(t)
	n := 0
	for path, c := range map[string]struct {
		body    string
		op      llm.Op
		dialect llm.Dialect
	}{
		"/v1/responses":   {`{"model":"failing","input":"Hello"}`, llm.OpChat, llm.OpenAIResponses},
		"/v1/embeddings":  {`{"model":"vectors","input":["Hello"]}`, llm.OpEmbeddings, llm.OpenAIEmbeddings},
		"/v1/completions": {`{"model":"large","prompt":"Hello","max_tokens":9}`, llm.OpChat, llm.OpenAICompletions},
	} {
		id, _ := makeBatch(t, g, path, `{"custom_id":"a","method":"POST","url":"`+path+`","body":`+c.body+`}`)
		until(t, g, "/v1/batches/"+id, "status", "completed")
		n++
		records := lineRecords(t, g, n)
		x := records[n-1]
		if x.Batch != id || x.Op != c.op || x.Dialect != c.dialect || x.Path != path || x.Usage == nil && x.Status == 200 || x.Cost == 0 && x.Status == 200 || x.Answered().Model == "" {
			t.Errorf("%s: %+v", path, x)
		}
	}
}

// TestLineWithoutPrice: where requests without a price are refused, a line is too.
func TestLineWithoutPrice(t *testing.T) {
	g := (&gatewaytest.Gateway{Document: chatBatches + "defaults: { unpriced: refuse }\n"}).Start(t)
	if status, _, raw := sendFile(t, g, chatLine("a", "small", "x")); status != 200 {
		t.Errorf("a line with a price: %d %s", status, raw) // it goes to the one provider of three that has a price
	}
	if status, _, raw := sendFile(t, g, chatLine("a", "small", "x")+"\n"+chatLine("b", "twos", "x")); status != 403 || !strings.Contains(raw, "line 2: no price is known") {
		t.Errorf("%d %s", status, raw)
	}
}

// TestLineAsItIs: a line that its target would take only after a transform is refused, and one that needs none is not.
func TestLineAsItIs(t *testing.T) {
	g := (&gatewaytest.Gateway{Document: strings.Replace(chatBatches, "max_output: 50", "max_output: 50, transforms: [system-first]", 1)}).Start(t)
	needs := strings.Replace(chatLine("b", "large", "x"), `}]}}`, `},{"role":"system","content":"Be brief."}]}}`, 1)
	if status, _, raw := sendFile(t, g, chatLine("a", "large", "x")); status != 200 {
		t.Errorf("%d %s", status, raw)
	}
	if status, _, raw := sendFile(t, g, chatLine("a", "large", "x")+"\n"+needs); status != 400 || !strings.Contains(raw, "line 2: the target one/sim-tools would take it only after a transform") {
		t.Errorf("%d %s", status, raw)
	}
	if status, _, raw := sendFile(t, g, strings.Replace(needs, `"large"`, `"small"`, 1)); status != 200 {
		t.Errorf("a model without transforms: %d %s", status, raw)
	}
}

// TestBatchOfWhoLeft: a batch is made and known although its client left meanwhile: somebody pays for it.
func TestBatchOfWhoLeft(t *testing.T) {
	back := &sim.Provider{Pace: -1}
	began, free := make(chan struct{}), make(chan struct{})
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			close(began)
			<-free
		}
		back.ServeHTTP(w, r)
	}))
	defer front.Close()
	g := (&gatewaytest.Gateway{Document: strings.ReplaceAll(messageBatches, "@SIM@", strings.TrimPrefix(front.URL, "http://")), Watch: 20 * time.Millisecond, Sim: back}).Start(t)
	ctx, leave := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, g.URL+"/v1/messages/batches", strings.NewReader(`{"requests":[`+params("a", "small", "Hello")+`]}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Api-Key", gatewaytest.Key)
	left := make(chan error, 1)
	go func() {
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			_ = resp.Body.Close()
		}
		left <- err
	}()
	<-began
	leave()
	if err := <-left; err == nil {
		t.Error("the client did not leave")
	}
	time.Sleep(20 * time.Millisecond)
	close(free)
	if x := lineRecords(t, g, 1)[0]; x.Usage == nil || x.Grant.Key != "test" {
		t.Errorf("%+v", x)
	}
}
