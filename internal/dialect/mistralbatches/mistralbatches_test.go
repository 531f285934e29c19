package mistralbatches

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"weir/internal/dialect"
	"weir/internal/dialect/openaichat"
	"weir/internal/fault"
	"weir/internal/llm"
)

var d = New(openaichat.New())

func lines(job, file string) ([]dialect.Line, error) {
	c := dialect.Call{Body: []byte(job)}
	if job != "" {
		if _, err := d.Peek(&c); err != nil {
			return nil, err
		}
	}
	var held []byte
	if file != "" {
		held = []byte(file)
	}
	var out []dialect.Line
	for l, err := range d.Lines(&c, held) {
		if err != nil {
			return out, err
		}
		out = append(out, l)
	}
	return out, nil
}

const (
	fileJob = `{"input_files":["f1"],"endpoint":"/v1/embeddings","model":"m"}`
	twoOf   = `{"custom_id":"a","body":{"x":"]}"}}` + "\n" + ` {"body" : {} ,"custom_id":"b\u00e9"} ` + "\n"
)

func TestLines(t *testing.T) {
	job := `{ "endpoint":"/v1/ocr", "requests" : [` + strings.Replace(twoOf, "\n", ",", 1) + `] }`
	for _, c := range []struct {
		job, file, model, where string
		dialect                 llm.Dialect
		op                      llm.Op
	}{
		{job, "", "", "requests[1]", llm.MistralOCR, llm.OpOCR},
		{fileJob, twoOf, "m", "line 2", llm.OpenAIEmbeddings, llm.OpEmbeddings},
		{"", twoOf, "", "line 2", "", ""},
	} {
		got, err := lines(c.job, c.file)
		if err != nil || len(got) != 2 {
			t.Errorf("%s: %v %v", c.job, got, err)
			continue
		}
		text := c.file + c.job
		if c.file != "" {
			text = c.file
		}
		for i, want := range []struct{ id, body string }{{"a", `{"x":"]}"}`}, {"bé", `{}`}} {
			l := got[i]
			if l.ID != want.id || text[l.Body.Start:l.Body.End] != want.body || l.Model != c.model || l.Dialect != c.dialect || l.Op != c.op || l.Number != i+1 {
				t.Errorf("%+v", l)
			}
		}
		if got[1].Where() != c.where {
			t.Error(got[1].Where())
		}
	}
	for path, to := range endpoints {
		if dialect, op := d.Asks(path); dialect != to.dialect || op != to.op {
			t.Errorf("%s: %s %s", path, dialect, op)
		}
	}
}

func TestRefused(t *testing.T) {
	within := func(requests string) string {
		return `{"endpoint":"/v1/embeddings","model":"m","requests":[` + requests + `]}`
	}
	const ok = `{"custom_id":"a","body":{}}`
	for _, c := range []struct{ job, file, says string }{
		{`{`, "", "invalid JSON"},
		{`[]`, "", "not an object"},
		{`{}`, "", "endpoint must be"},
		{`{"endpoint":"/v1/fim/completions","requests":[]}`, "", "endpoint must be"},
		{`{"endpoint":"/v1/embeddings","endpoint":"/v1/ocr"}`, "", "more than once"},
		{`{"endpoint":"/v1/embeddings","Requests":[]}`, "", "another case"},
		{`{"endpoint":"/v1/embeddings","model":""}`, "", "model must be"},
		{`{"endpoint":"/v1/embeddings","model":7}`, "", "model must be"},
		{`{"endpoint":"/v1/embeddings","agent_id":"a"}`, "", "agents"},
		{`{"endpoint":"/v1/embeddings","requests":{}}`, "", "must be a list"},
		{`{"endpoint":"/v1/embeddings","requests":[],"input_files":["a"]}`, "", "one of them"},
		{`{"endpoint":"/v1/embeddings","requests":null,"input_files":null}`, "", "one file"},
		{`{"endpoint":"/v1/embeddings","input_files":[]}`, "", "one file"},
		{`{"endpoint":"/v1/embeddings","input_files":["a","b"]}`, "", "one file"},
		{`{"endpoint":"/v1/embeddings","input_files":[1]}`, "", "one file"},
		{within(``), "", "requests is empty"},
		{within(ok + `,1`), "", "requests[1]"},
		{within(ok + `,` + ok), "", "requests[1]: another request"},
		{within(ok + `,{"custom_id":"b"}`), "", "requests[1]: body must be"},
		{within(ok + `,{"custom_id":"b","body":{},"Body":{}}`), "", "requests[1]"},
		{within(ok + `,{"body":{}}`), "", "requests[1]: custom_id"},
		{within(`{"custom_id":"` + strings.Repeat("x", MaxID+1) + `","body":{}}`), "", "requests[0]: custom_id"},
		{fileJob, "\n", "the file is empty"},
		{fileJob, ok + "\n" + ok, "line 2: another line"},
		{fileJob, ok + "\n\n" + ok, "line 2: it is empty"},
		{fileJob, ok + "\n{", "line 2: invalid JSON"},
	} {
		_, err := lines(c.job, c.file)
		f := fault.Of(err)
		if f == nil || f.Kind != fault.Malformed && f.Kind != fault.Unsupported || !strings.Contains(f.Message, c.says) {
			t.Errorf("%s %s: %v", c.job, c.file, err)
		}
	}
	var long strings.Builder
	for i := range MaxRequests + 1 {
		fmt.Fprintf(&long, `{"custom_id":"%d","body":{}},`, i)
	}
	if got, err := lines(within(strings.TrimSuffix(long.String(), ",")), ""); err == nil || len(got) != MaxRequests {
		t.Errorf("%d requests, %v", len(got), err)
	}
}

func TestLater(t *testing.T) {
	for file, want := range map[string]bool{
		twoOf: true, `{"custom_id":"a","body":{}}`: true, `{"body":{}}`: true,
		`{"custom_id":"a","method":"POST","url":"/v1/embeddings","body":{}}`: false, `{"custom_id":"a","method":"POST","body":{}}`: false,
		``: false, "\n": false, `{"prompt":"x"}`: false, `{"body":{},"body":{}}`: false, `nothing`: false,
	} {
		if got := d.(dialect.Later).Later([]byte(file)); got != want {
			t.Errorf("%s: %v", file, got)
		}
	}
}

func TestCall(t *testing.T) {
	c := dialect.Call{Body: []byte(`{ "input_files" : [ "f1" ], "endpoint":"/v1/ocr","model":"m" }`)}
	if _, err := d.Peek(&c); err != nil {
		t.Fatal(err)
	}
	if input, path := d.Asked(c); input != "f1" || path != "/v1/ocr" {
		t.Error(input, path)
	}
	if got := string(d.From(nil, c, `f"2`)); got != `{ "input_files" : ["f\"2"], "endpoint":"/v1/ocr","model":"m" }` {
		t.Error(got)
	}
	if out, err := d.Named(c, "other"); err != nil || string(out.Body) != `{ "input_files" : [ "f1" ], "endpoint":"/v1/ocr","model":"other" }` {
		t.Errorf("%s %v", out.Body, err)
	}
	c = dialect.Call{Body: []byte(`{"requests":[],"endpoint":"/v1/ocr","input_files":null}`)}
	if _, err := d.Peek(&c); err != nil {
		t.Fatal(err)
	}
	if input, path := d.Asked(c); input != "" || path != "" {
		t.Error(input, path)
	}
	if out, err := d.Named(c, "other"); err != nil || string(out.Body) != string(c.Body) {
		t.Errorf("%s %v", out.Body, err)
	}
}

func TestObject(t *testing.T) {
	body := []byte(`{ "id": "n1","input_files" : [ "f1" ],"output_file":"f2", "error_file":null,"endpoint":"/v1/ocr","status":"SUCCESS","outputs":[{"id":"n1"}],"metadata":{"id":"n1"} }`)
	b, err := d.Batch(body)
	if want := (dialect.Batch{ID: "n1", Input: "f1", Output: "f2", Path: "/v1/ocr", Ended: true}); err != nil || b != want {
		t.Errorf("%+v %v", b, err)
	}
	got, err := d.Shown([]byte("x"), body, dialect.Batch{ID: "o", Input: "i", Output: `u"`, Error: "e"})
	if want := `x{ "id": "o","input_files" : ["i"],"output_file":"u\"", "error_file":null,"endpoint":"/v1/ocr","status":"SUCCESS","outputs":[{"id":"n1"}],"metadata":{"id":"n1"} }`; err != nil || string(got) != want {
		t.Errorf("%s %v", got, err)
	}
	if got, err := d.Shown(nil, []byte(`{"id":"n1","input_files":["f1"]}`), dialect.Batch{ID: "o"}); err != nil || string(got) != `{"id":"o","input_files":[]}` {
		t.Errorf("%s %v", got, err)
	}
	if got := string(d.Kept(nil, body)); !strings.Contains(got, `"outputs":null`) {
		t.Error(got)
	}
	if got := string(d.Kept(nil, []byte(`{"id":"n1","outputs":null}`))); got != `{"id":"n1","outputs":null}` {
		t.Error(got)
	}
	for status, ended := range map[string]bool{"QUEUED": false, "RUNNING": false, "CANCELLATION_REQUESTED": false, "SUCCESS": true, "FAILED": true, "TIMEOUT_EXCEEDED": true, "CANCELLED": true, "UNHEARD": false} {
		if b, err := d.Batch([]byte(`{"id":"b","status":"` + status + `"}`)); err != nil || b.Ended != ended {
			t.Errorf("%s: %+v %v", status, b, err)
		}
	}
	for _, bad := range []string{``, `[]`, `{"id":"a","id":"b"}`, `{"status":"SUCCESS"}`} {
		if _, err := d.Batch([]byte(bad)); err == nil {
			t.Errorf("%s is a batch", bad)
		}
	}
	if from := d.Results(&dialect.Batch{ID: "n1", Output: "f/2", Error: "f3"}); len(from) != 2 || from[0].Path != "/v1/files/f%2F2/content" || from[0].Listed || from[1].Dialect != llm.OpenAIFiles {
		t.Errorf("%+v", from)
	}
	if from := d.Results(&dialect.Batch{ID: "n1"}); len(from) != 1 || from[0].Path != Root+"/n1" || from[0].Query != "inline=true" || !from[0].Listed {
		t.Errorf("%+v", from)
	}
	if r, err := d.Result([]byte(`{"custom_id":"a","response":null,"error":"it failed"}`)); err != nil || r.Fault == nil || r.Fault.Message != "it failed" {
		t.Errorf("%+v %v", r, err)
	}
}

func TestList(t *testing.T) {
	if got := string(d.List(nil, [][]byte{[]byte(`{"id":"a"}`)}, 7, true)); got != `{"data":[{"id":"a"}],"object":"list","total":7}` {
		t.Error(got)
	}
	for query, want := range map[string]dialect.Page{
		"": {Limit: 100}, "page=2&page_size=30": {Limit: 30, Skip: 60}, "order_by=created": {Limit: 100, Ascending: true}, "order_by=-created": {Limit: 100},
	} {
		values, _ := url.ParseQuery(query)
		if p, err := d.Page(values); err != nil || p != want {
			t.Errorf("%s: %+v %v", query, p, err)
		}
	}
	for _, bad := range []string{"page=x", "page=-1", "page_size=0", "page_size=1001", "order_by=name", "created_after=monday", "metadata=x", "agent_id=x"} {
		values, _ := url.ParseQuery(bad)
		name, _, _ := strings.Cut(bad, "=")
		if _, err := d.Page(values); fault.Of(err) == nil || fault.Of(err).Param != name {
			t.Errorf("%s: %v", bad, err)
		}
	}
	object := []byte(`{"id":"a","model":"m","status":"RUNNING","created_at":1790000000}`)
	for query, want := range map[string]bool{
		"": true, "model=m": true, "model=n": false, "status=RUNNING": true, "status=SUCCESS": false, "status=SUCCESS&status=RUNNING": true,
		"created_after=2026-01-01T00:00:00Z": true, "created_after=2027-01-01T00:00:00Z": false, "model=m&status=FAILED": false,
	} {
		values, _ := url.ParseQuery(query)
		if got := d.Wants(values, object); got != want {
			t.Errorf("%s: %v", query, got)
		}
	}
}

// FuzzLines: whatever a job or a file holds, what is read of it stands where it says.
func FuzzLines(f *testing.F) {
	f.Add([]byte(`{"endpoint":"/v1/ocr","requests":[{"custom_id":"a","body":{}}]}`), []byte(nil))
	f.Add([]byte(fileJob), []byte(twoOf))
	f.Fuzz(func(t *testing.T, job, file []byte) {
		c := dialect.Call{Body: job}
		if _, err := d.Peek(&c); err != nil {
			return
		}
		if input, _ := d.Asked(c); (input == "") == (len(file) > 0) {
			return
		}
		text := job
		if len(file) > 0 {
			text = file
		} else {
			file = nil
		}
		n := 0
		for l, err := range d.Lines(&c, file) {
			if err != nil {
				continue
			}
			if n++; l.Number != n || l.ID == "" || text[l.Body.Start] != '{' || text[l.Body.End-1] != '}' {
				t.Errorf("%+v", l)
			}
		}
		if out, err := d.Named(c, "other"); err != nil {
			t.Error(err)
		} else if _, err := d.Peek(&out); err != nil {
			t.Errorf("%s: %v", out.Body, err)
		}
	})
}

// FuzzObject: whatever a provider says of a batch, it is read or refused.
func FuzzObject(f *testing.F) {
	f.Add([]byte(`{"id":"a","input_files":["b"],"output_file":"c","status":"SUCCESS","outputs":[{}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		b, err := d.Batch(text)
		if err != nil {
			return
		}
		out, err := d.Shown(nil, text, dialect.Batch{ID: "ours", Input: "in", Output: "out", Error: "err"})
		again, wrong := d.Batch(out)
		if err != nil || wrong != nil || again.ID != "ours" || b.Output != "" && again.Output != "out" || b.Ended != again.Ended {
			t.Errorf("%s: %v %v", out, err, wrong)
		}
		if kept, err := d.Batch(d.Kept(nil, out)); err != nil || kept != again {
			t.Errorf("%s: %+v %v", out, kept, err)
		}
	})
}
