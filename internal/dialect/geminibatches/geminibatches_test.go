package geminibatches

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"weir/internal/dialect"
	"weir/internal/dialect/gemini"
	"weir/internal/fault"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

var d = New(gemini.New())

const path = "/v1beta/models/small:batchGenerateContent"

// with is the body of a call with these requests.
func with(requests string) string {
	return `{"batch": {"displayName":"a batch","inputConfig":{"requests":{"requests":[` + requests + `]}}}}`
}

func lines(path, body string) ([]dialect.Line, error) {
	c := dialect.Call{Path: path, Body: []byte(body)}
	if _, err := d.Peek(&c); err != nil {
		return nil, err
	}
	var out []dialect.Line
	for l, err := range d.Lines(&c, nil) {
		if err != nil {
			return out, err
		}
		out = append(out, l)
	}
	return out, nil
}

func TestLines(t *testing.T) {
	for _, c := range []struct {
		path, body, alone string
		dialect           llm.Dialect
		op                llm.Op
	}{
		{path, with(`{"request":{"a":"]}"},"metadata":{"key":"x"}} , {"metadata":{"key":"x"}, "request" : {} }`), "/v1beta/models/small:generateContent", llm.GeminiGenerate, llm.OpChat},
		{"/v1alpha/models/a%2Fb%3AbatchGenerateContent", `{ "batch":{"input_config": {"requests" : {"requests":[{"request":{"a":"]}"}},{"request":{}}]}},"display_name":"x","model":"models/a/b"}}`, "/v1beta/models/a%2Fb:generateContent", llm.GeminiGenerate, llm.OpChat},
		{"/v1beta/models/e:asyncBatchEmbedContent", with(`{"request":{"a":"]}"}},{"request":{}}`), "/v1beta/models/e:embedContent", llm.GeminiEmbeddings, llm.OpEmbeddings},
	} {
		got, err := lines(c.path, c.body)
		if err != nil || len(got) != 2 {
			t.Errorf("%s: %v %v", c.body, got, err)
			continue
		}
		for i, want := range []string{`{"a":"]}"}`, `{}`} {
			l := got[i]
			if c.body[l.Body.Start:l.Body.End] != want || l.Path != c.alone || l.Dialect != c.dialect || l.Op != c.op || l.Where() != fmt.Sprintf("batch.inputConfig.requests.requests[%d]", i) {
				t.Errorf("%s: %+v", c.body, l)
			}
		}
		if dialect, op := d.Asks(c.alone); dialect != c.dialect || op != c.op {
			t.Errorf("%s goes to %s, %s", c.alone, dialect, op)
		}
	}
	f := (&dialect.Line{Number: 2, List: list, Member: "request"}).At(&fault.Fault{Message: "no", Param: "contents"})
	if f.Param != "batch.inputConfig.requests.requests[1].request.contents" || f.Message != "batch.inputConfig.requests.requests[1]: no" {
		t.Errorf("%+v", f)
	}
	if name, _ := d.Asks("/v1beta/models/small:countTokens"); name != "" {
		t.Error(name)
	}
}

func TestRefused(t *testing.T) {
	const one = `{"request":{}}`
	for body, says := range map[string]string{
		``:                                  "empty",
		`{}`:                                "batch must be an object",
		`{"batch":[]}`:                      "batch must be an object",
		`{"batch":{}}`:                      "batch.inputConfig must be an object",
		`{"Batch":{}}`:                      "another case",
		with(one) + `{}`:                    "text after",
		with(``):                            "is empty",
		with(`1`):                           "requests[0]: invalid JSON",
		with(one + `,{}`):                   "requests[1]: request must be",
		with(one + `,null`):                 "requests[1]",
		with(`{"request":{},"request":{}}`): "more than once",
		with(`{"request":{},"REQUEST":{}}`): "another case",
		`{"batch":{"inputConfig":{"fileName":"files/1"}}}`:                                                  "cannot be read here",
		`{"batch":{"inputConfig":{"file_name":"files/1","requests":{"requests":[` + one + `]}}}}`:           "cannot be read here",
		`{"batch":{"inputConfig":{"requests":[]}}}`:                                                         "batch.inputConfig.requests must be an object",
		`{"batch":{"inputConfig":{"requests":{"requests":{}}}}}`:                                            "must be a list",
		`{"batch":{"inputConfig":{"requests":{"requests":[]},"requests":{}}}}`:                              "more than once",
		`{"batch":{"inputConfig":{},"input_config":{}}}`:                                                    "both its spellings",
		`{"batch":{"inputConfig":{},"inputConfig":{}}}`:                                                     "more than once",
		`{"batch":{"webhook_config":{"uris":["x"]},"inputConfig":{"requests":{"requests":[` + one + `]}}}}`: "leave out batch.webhookConfig",
		`{"batch":{"model":"models/large","inputConfig":{"requests":{"requests":[` + one + `]}}}}`:          "another model",
		`{"batch":{"model":1,"inputConfig":{"requests":{"requests":[` + one + `]}}}}`:                       "another model",
	} {
		_, err := lines(path, body)
		f := fault.Of(err)
		if f == nil || f.Kind != fault.Malformed && f.Kind != fault.Unsupported || !strings.Contains(f.Message, says) {
			t.Errorf("%s: %v", body, err)
		}
	}
	for _, path := range []string{"/v1beta/models/:batchGenerateContent", "/v1beta/models/small:generateContent", "/v1beta/small:batchGenerateContent", "/v1beta/models/a%0ab:batchGenerateContent", "/v1beta/models/a%:batchGenerateContent"} {
		if _, err := lines(path, with(one)); fault.Of(err) == nil || fault.Of(err).Param != "model" {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestNamed(t *testing.T) {
	for _, c := range []struct{ path, body, model, wantPath, wantBody string }{
		{path, with(`{"request":{}}`), "a/b", "/v1beta/models/a%2Fb:batchGenerateContent", with(`{"request":{}}`)},
		{"/v1alpha/models/e:asyncBatchEmbedContent", `{"batch":{ "model" : "models/e" ,"inputConfig":{"requests":{"requests":[]}}}}`, "f", "/v1alpha/models/f:asyncBatchEmbedContent", `{"batch":{ "model" : "models/f" ,"inputConfig":{"requests":{"requests":[]}}}}`},
		{path, `{"batch":{"inputConfig":{"requests":{"requests":[]}},"model":"small"}}`, `"`, "/v1beta/models/%22:batchGenerateContent", `{"batch":{"inputConfig":{"requests":{"requests":[]}},"model":"\""}}`},
	} {
		in := dialect.Call{Path: c.path, Body: []byte(c.body)}
		if _, err := d.Peek(&in); err != nil {
			t.Fatal(err)
		}
		out, err := d.Named(in, c.model)
		if err != nil || out.Path != c.wantPath || string(out.Body) != c.wantBody || string(in.Body) != c.body {
			t.Errorf("%s %s %v", out.Path, out.Body, err)
		}
	}
}

const operationOf = `{ "name": "batches/n1","metadata":{"@type":"x.GenerateContentBatch","inputConfig":{"requests":{}},"output":{"inlinedResponses":{"inlinedResponses":[{"response":{"name":"batches/n1"}}]}}, "state":"BATCH_STATE_SUCCEEDED","name" : "batches/n1"},"done":true,"response":{"inlinedResponses":{"inlinedResponses":[]}}}`

func TestObject(t *testing.T) {
	b, err := d.Batch([]byte(operationOf))
	if err != nil || b.ID != "n1" || !b.Ended || b.Lacks == nil {
		t.Errorf("%+v %v", b, err)
	}
	got, err := d.Shown([]byte("x"), []byte(operationOf), dialect.Batch{ID: `o"`})
	want := "x" + strings.NewReplacer(`{ "name": "batches/n1"`, `{ "name": "batches/o\""`, `"name" : "batches/n1"`, `"name" : "batches/o\""`).Replace(operationOf)
	if err != nil || string(got) != want {
		t.Errorf("%s %v", got, err)
	}
	if got := string(d.Kept(nil, []byte(operationOf))); got != `{ "name": "batches/n1","metadata":{"@type":"x.GenerateContentBatch", "state":"BATCH_STATE_SUCCEEDED","name" : "batches/n1"},"done":true}` {
		t.Error(got)
	}
	if got := string(d.Kept(nil, []byte(`{"name":"batches/n1"}`))); got != `{"name":"batches/n1"}` {
		t.Error(got)
	}
	for state, kind := range map[string]fault.Kind{"SUCCEEDED": fault.Upstream, "FAILED": fault.Upstream, "CANCELLED": fault.ClientGone, "EXPIRED": fault.Timeout, "PENDING": 99, "RUNNING": 99, "UNHEARD": 99} {
		for _, prefix := range []string{"BATCH_STATE_", "JOB_STATE_"} {
			b, err := d.Batch([]byte(`{"name":"batches/a","metadata":{"state":"` + prefix + state + `"},"error":{"message":"no"}}`))
			if err != nil || b.Ended != (kind != 99) || b.Ended && (b.Lacks.Kind != kind || b.Lacks.Message == "" || state == "FAILED" && b.Lacks.Message != "no") {
				t.Errorf("%s: %+v %v", state, b, err)
			}
		}
	}
	for _, bad := range []string{``, `[]`, `{}`, `{"name":"batches/"}`, `{"name":"operations/a"}`, `{"name":"batches/a","name":"batches/b"}`, `{"name":"batches/a","metadata":{"state":1,"state":2}}`} {
		if _, err := d.Batch([]byte(bad)); err == nil {
			t.Errorf("%s is a batch", bad)
		}
	}
	if out, err := d.Shown(nil, []byte("{}\n"), dialect.Batch{ID: "ours"}); err != nil || string(out) != "{}\n" {
		t.Errorf("%s %v", out, err)
	}
	for verb, want := range map[dialect.BatchVerb]string{
		dialect.BatchGet: "GET /v1beta/batches/a%2Fb", dialect.BatchCancel: "POST /v1beta/batches/a%2Fb:cancel", dialect.BatchDelete: "DELETE /v1beta/batches/a%2Fb",
	} {
		if method, path := d.Way(verb, "a/b"); method+" "+path != want || d.Tells(verb) != (verb == dialect.BatchGet) {
			t.Errorf("%s %s", method, path)
		}
	}
}

func TestList(t *testing.T) {
	objects := [][]byte{[]byte(`{"name":"batches/a"}`), []byte(`{"name":"batches/b"}`)}
	if got := string(d.List(nil, objects, 5, true)); got != `{"operations":[{"name":"batches/a"},{"name":"batches/b"}],"nextPageToken":"b"}` {
		t.Error(got)
	}
	if got := string(d.List(nil, nil, 0, false)); got != `{}` {
		t.Error(got)
	}
	for query, want := range map[string]dialect.Page{
		"": {Limit: 50}, "pageSize=0": {Limit: 50}, "page_size=3&page_token=b": {Limit: 3, After: "b"}, "pageSize=7&pageToken=a": {Limit: 7, After: "a"}, "pageSize=5000": {Limit: 1000},
	} {
		values, _ := url.ParseQuery(query)
		if p, err := d.Page(values); err != nil || p.Limit != want.Limit || p.After != want.After {
			t.Errorf("%s: %+v %v", query, p, err)
		}
	}
	for _, bad := range []string{"x", "-1", "1.5"} {
		if _, err := d.Page(url.Values{"pageSize": {bad}}); fault.Of(err) == nil || fault.Of(err).Param != "pageSize" {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func TestResults(t *testing.T) {
	from := d.Results(&dialect.Batch{ID: "n1"})
	if len(from) != 1 || from[0].Path != "/v1beta/batches/n1" || !from[0].Listed || from[0].Dialect != llm.GeminiBatches {
		t.Errorf("%+v", from)
	}
	for _, name := range []string{"inlinedResponses", "inlinedEmbedContentResponses"} {
		for _, object := range []string{
			`{"metadata":{"output":{"` + name + `":{"inlinedResponses":[{"a":1},{"b":2}]}}}}`,
			`{"response":{"` + name + `":{"inlinedResponses":[{"a":1},{"b":2}]}}}`,
			`{"response":{"` + name + `":[{"a":1},{"b":2}]}}`,
		} {
			n := 0
			sieve := rawjson.Sieve{Lists: d.Lists(), Most: 100, Rest: 1000}
			_, err := sieve.Read(strings.NewReader(object), func(int, []byte) error { n++; return nil })
			if err != nil || n != 2 {
				t.Errorf("%s: %d results %v", object, n, err)
			}
		}
	}
	r, err := d.Result([]byte(`{"response":{"candidates":[]},"metadata":{"key":"a"}}`))
	if err != nil || r.Status != 200 || string(r.Body) != `{"candidates":[]}` || r.ID != "" {
		t.Errorf("%+v %v", r, err)
	}
	for code, want := range map[int]int{3: 400, 5: 404, 7: 403, 8: 429, 13: 500, 14: 503, 4: 504, 16: 401, 429: 429, 99: 500, 0: 500} {
		r, err := d.Result(fmt.Appendf(nil, `{"error":{"code":%d,"message":"no"},"metadata":{}}`, code))
		if err != nil || r.Status != want {
			t.Errorf("%d: %+v %v", code, r, err)
			continue
		}
		if f := d.ReadFault(r.Status, nil, r.Body); f.Message != "no" || f.Status() < 400 {
			t.Errorf("%d: %+v", code, f)
		}
	}
	if r, err := d.Result([]byte(`{"metadata":{}}`)); err != nil || r.Fault == nil {
		t.Errorf("%+v %v", r, err)
	}
	for _, bad := range []string{``, `[]`, `{"response":`} {
		if _, err := d.Result([]byte(bad)); err == nil {
			t.Errorf("%s is a result", bad)
		}
	}
}

// TestLinesCost: a request costs nothing to find.
func TestLinesCost(t *testing.T) {
	body := with(strings.Repeat(`{"request":{"contents":[{"parts":[{"text":"Hello"}]}]},"metadata":{"key":"a"}},`, 999) + `{"request":{}}`)
	c := dialect.Call{Path: path, Body: []byte(body)}
	if n := testing.AllocsPerRun(10, func() {
		for range d.Lines(&c, nil) {
		}
	}); n > 10 {
		t.Errorf("%v allocations for 1000 requests", n)
	}
}

// FuzzLines: whatever a body holds, what is read of it stands where it says, and it takes another model's name.
func FuzzLines(f *testing.F) {
	f.Add([]byte(with(`{"request":{"model":"models/small"},"metadata":{}},{"request":{}}`)))
	f.Add([]byte(`{"batch":{"model":"small","input_config":{"requests":{"requests":[{"request":{}}]}}}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		c := dialect.Call{Path: path, Body: body}
		if _, err := d.Peek(&c); err != nil {
			return
		}
		n := 0
		for l, err := range d.Lines(&c, nil) {
			if err != nil {
				continue
			}
			if n++; l.Number != n || body[l.Body.Start] != '{' || body[l.Body.End-1] != '}' {
				t.Errorf("%+v", l)
			}
		}
		out, err := d.Named(c, "other")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Peek(&out); err != nil {
			t.Errorf("%s: %v", out.Body, err)
		}
	})
}

// FuzzObject: whatever a provider says of a batch or a result, it is read or refused.
func FuzzObject(f *testing.F) {
	f.Add([]byte(operationOf))
	f.Add([]byte(`{"response":{}}`))
	f.Add([]byte(`{"error":{"code":8}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if r, err := d.Result(text); err == nil && (r.Status == 0) == (r.Fault == nil) {
			t.Errorf("%+v", r)
		}
		if b, err := d.Batch(text); err == nil {
			out, err := d.Shown(nil, text, dialect.Batch{ID: "ours"})
			again, wrong := d.Batch(out)
			if err != nil || wrong != nil || again.ID != "ours" || b.Ended != again.Ended {
				t.Errorf("%s: %v %v", out, err, wrong)
			}
			if kept, err := d.Batch(d.Kept(nil, out)); err != nil || kept.ID != "ours" || kept.Ended != b.Ended {
				t.Errorf("%s: %+v %v", out, kept, err)
			}
		}
	})
}
