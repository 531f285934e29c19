package openaibatches

import (
	"fmt"
	"strings"
	"testing"

	"weir/internal/dialect"
	"weir/internal/dialect/openaichat"
	"weir/internal/fault"
	"weir/internal/llm"
)

var d = New(openaichat.New())

func request(id, url, body string) string {
	return fmt.Sprintf(`{"custom_id":%q,"method":"POST","url":%q,"body":%s}`, id, url, body)
}

func read1(file string) ([]dialect.Line, error) {
	var out []dialect.Line
	for l, err := range d.Lines(nil, []byte(file)) {
		if err != nil {
			return out, err
		}
		out = append(out, l)
	}
	return out, nil
}

func TestLines(t *testing.T) {
	file := request("a", "/v1/responses", `{"model":"m"}`) + "\r\n  " + request("b\u00e9", "/v1/responses", ` {"input": "x\ny"} `) + "\n\n \n"
	lines, err := read1(file)
	if err != nil || len(lines) != 2 {
		t.Fatalf("%v %v", lines, err)
	}
	for i, want := range []struct{ id, body string }{{"a", `{"model":"m"}`}, {"bé", `{"input": "x\ny"}`}} {
		l := lines[i]
		if l.ID != want.id || file[l.Body.Start:l.Body.End] != want.body || l.Number != i+1 || l.Dialect != llm.OpenAIResponses || l.Op != llm.OpChat || l.Path != "/v1/responses" {
			t.Errorf("%+v: %q", l, file[l.Body.Start:l.Body.End])
		}
	}
	for path, to := range paths {
		if lines, err := read1(request("a", path, `{}`)); err != nil || lines[0].Dialect != to.dialect || lines[0].Op != to.op {
			t.Errorf("%s: %+v %v", path, lines, err)
		}
	}
}

func TestLinesRefused(t *testing.T) {
	ok := request("a", "/v1/embeddings", `{}`) + "\n"
	for name, c := range map[string]struct{ file, says string }{
		"empty":        {"", "the file is empty"},
		"spaces":       {" \n\n", "the file is empty"},
		"not JSON":     {ok + `{"custom_id":"b"`, "line 2: invalid JSON"},
		"an array":     {ok + `[]`, "line 2"},
		"a BOM":        {"\xef\xbb\xbf" + ok, "line 1"},
		"more behind":  {strings.TrimSpace(ok) + "{}", "line 1"},
		"no id":        {`{"method":"POST","url":"/v1/embeddings","body":{}}`, "line 1: custom_id"},
		"a number":     {`{"custom_id":1,"method":"POST","url":"/v1/embeddings","body":{}}`, "line 1: custom_id"},
		"a long id":    {request(strings.Repeat("x", MaxID+1), "/v1/embeddings", `{}`), "line 1: custom_id"},
		"same id":      {ok + request(`a`, "/v1/embeddings", `{}`), "line 2: another line"},
		"escaped same": {ok + `{"custom_id":"\u0061","method":"POST","url":"/v1/embeddings","body":{}}`, "line 2: another line"},
		"two ids":      {`{"custom_id":"a","custom_id":"b","method":"POST","url":"/v1/embeddings","body":{}}`, "line 1"},
		"case":         {`{"custom_id":"a","method":"POST","URL":"/v1/files","url":"/v1/embeddings","body":{}}`, "line 1"},
		"two bodies":   {`{"custom_id":"a","method":"POST","url":"/v1/embeddings","body":{},"body":{"model":"x"}}`, "line 1"},
		"no method":    {`{"custom_id":"a","url":"/v1/embeddings","body":{}}`, "line 1: method"},
		"a query":      {request("a", "/v1/embeddings?x", `{}`), "line 1: url"},
		"two urls":     {ok + request("b", "/v1/responses", `{}`), "line 2: its url"},
		"a text":       {request("a", "/v1/embeddings", `"{}"`), "line 1: body"},
		"empty line":   {ok + "\n" + ok, "line 2: it is empty"},
	} {
		_, err := read1(c.file)
		f := fault.Of(err)
		if f == nil || f.Kind != fault.Malformed || !strings.Contains(f.Message, c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	var long strings.Builder
	for i := range MaxLines + 1 {
		long.WriteString(request(fmt.Sprint(i), "/v1/embeddings", `{}`) + "\n")
	}
	if lines, err := read1(long.String()); err == nil || len(lines) != MaxLines {
		t.Errorf("%d lines, %v", len(lines), err)
	}
}

// TestLinesCost: a line costs its id and a place in a set.
func TestLinesCost(t *testing.T) {
	var b strings.Builder
	for i := range 1000 {
		b.WriteString(request(fmt.Sprint("request-", i), "/v1/chat/completions", `{"model":"m","messages":[{"role":"user","content":"hello"}]}`) + "\n")
	}
	file := []byte(b.String())
	if n := testing.AllocsPerRun(5, func() {
		for range d.Lines(nil, file) {
		}
	}); n > 4100 {
		t.Errorf("%v allocations for 1000 lines", n)
	}
}

func TestObject(t *testing.T) {
	body := []byte(`{ "id": "batch_1", "object":"batch", "input_file_id" : "file-1", "output_file_id":null,"error_file_id":"file-3","status":"completed", "endpoint":"/v1/embeddings","metadata":{"id":"batch_1"} }`)
	b, err := d.Batch(body)
	if want := (dialect.Batch{ID: "batch_1", Input: "file-1", Error: "file-3", Path: "/v1/embeddings", Ended: true}); err != nil || b != want {
		t.Errorf("%+v %v", b, err)
	}
	got, err := d.Shown([]byte("x"), body, dialect.Batch{ID: "ours", Input: `in"`, Output: "out", Error: "err"})
	want := `x{ "id": "ours", "object":"batch", "input_file_id" : "in\"", "output_file_id":null,"error_file_id":"err","status":"completed", "endpoint":"/v1/embeddings","metadata":{"id":"batch_1"} }`
	if err != nil || string(got) != want {
		t.Errorf("%s %v", got, err)
	}
	for status, ended := range map[string]bool{"validating": false, "in_progress": false, "finalizing": false, "cancelling": false, "failed": true, "expired": true, "cancelled": true, "unheard": false} {
		if b, err := d.Batch([]byte(`{"id":"b","status":"` + status + `"}`)); err != nil || b.Ended != ended {
			t.Errorf("%s: %+v %v", status, b, err)
		}
	}
	for _, bad := range []string{``, `[]`, `{"id":"a","id":"b"}`, `{"status":"completed"}`} {
		if _, err := d.Batch([]byte(bad)); err == nil {
			t.Errorf("%s is a batch", bad)
		}
	}
	page := string(d.List(nil, [][]byte{[]byte(`{"id":"a"}`), []byte(`{"id":"b"}`)}, 2, true))
	if page != `{"object":"list","data":[{"id":"a"},{"id":"b"}],"first_id":"a","last_id":"b","has_more":true}` {
		t.Error(page)
	}
	if page := string(d.List(nil, nil, 0, false)); page != `{"object":"list","data":[],"first_id":null,"last_id":null,"has_more":false}` {
		t.Error(page)
	}
}

func TestResult(t *testing.T) {
	r, err := d.Result([]byte(`{"id":"batch_req_1","custom_id":"a","response":{"status_code":200,"request_id":"r","body":{"usage":1}},"error":null}`))
	if err != nil || r.ID != "a" || r.Status != 200 || r.Upstream != "r" || string(r.Body) != `{"usage":1}` || r.Fault != nil {
		t.Errorf("%+v %v", r, err)
	}
	for text, kind := range map[string]fault.Kind{
		`{"custom_id":"a","response":null,"error":{"code":"batch_expired","message":"too late"}}`: fault.Timeout,
		`{"custom_id":"a","error":{"code":"batch_cancelled"}}`:                                    fault.ClientGone,
		`{"custom_id":"a","response":{"status_code":7},"error":{"code":"x"}}`:                     fault.Upstream,
		`{"custom_id":"a"}`: fault.Upstream,
	} {
		if r, err := d.Result([]byte(text)); err != nil || r.Fault == nil || r.Fault.Kind != kind || r.Fault.Message == "" || r.Status != 0 {
			t.Errorf("%s: %+v %v", text, r, err)
		}
	}
	for _, bad := range []string{``, `[]`, `{}`, `{"custom_id":1}`, `{"custom_id":"a"`} {
		if _, err := d.Result([]byte(bad)); err == nil {
			t.Errorf("%s is a result", bad)
		}
	}
}

func TestCall(t *testing.T) {
	c := dialect.Call{Body: []byte(`{ "input_file_id":"file-1","completion_window":"24h", "endpoint":"/v1/responses"}`)}
	if _, err := d.Peek(&c); err != nil {
		t.Fatal(err)
	}
	if input, path := d.Asked(c); input != "file-1" || path != "/v1/responses" {
		t.Error(input, path)
	}
	if got := string(d.From(nil, c, "file-2")); got != `{ "input_file_id":"file-2","completion_window":"24h", "endpoint":"/v1/responses"}` {
		t.Error(got)
	}
	for _, bad := range []string{`{}`, `{"input_file_id":"a"}`, `{"input_file_id":"a","endpoint":null}`, `{"input_file_id":"a","Input_File_ID":"b","endpoint":"/v1/responses"}`, `[]`} {
		c := dialect.Call{Body: []byte(bad)}
		if _, err := d.Peek(&c); fault.Of(err) == nil || fault.Of(err).Kind != fault.Malformed {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

// FuzzLines: whatever a file holds, what is read of it stands where it says, and is what its own reader would see.
func FuzzLines(f *testing.F) {
	f.Add([]byte(request("a", "/v1/responses", `{"model":"m"}`) + "\n" + request("b", "/v1/responses", `{"x":[1,{"y":"\u0041"}]}`)))
	f.Add([]byte("{}\n\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		n := 0
		for l, err := range d.Lines(nil, file) {
			if err != nil {
				if fault.Of(err).Kind != fault.Malformed {
					t.Error(err)
				}
				continue
			}
			if n++; l.Number != n || l.ID == "" || file[l.Body.Start] != '{' || file[l.Body.End-1] != '}' || strings.Contains(string(file[l.Body.Start:l.Body.End]), "\n") {
				t.Errorf("%+v", l)
			}
		}
	})
}

// FuzzResult: whatever stands in a line of results, it is read or refused.
func FuzzResult(f *testing.F) {
	f.Add([]byte(`{"custom_id":"a","response":{"status_code":200,"request_id":"r","body":{"usage":1}},"error":null}`))
	f.Add([]byte(`{"custom_id":"a","error":{"code":"batch_expired"}}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		if r, err := d.Result(line); err == nil && (r.ID == "" || (r.Status == 0) == (r.Fault == nil)) {
			t.Errorf("%+v", r)
		}
		if b, err := d.Batch(line); err == nil {
			out, err := d.Shown(nil, line, dialect.Batch{ID: "ours", Input: "in", Output: "out", Error: "err"})
			again, wrong := d.Batch(out)
			if err != nil || wrong != nil || again.ID != "ours" || b.Output != "" && again.Output != "out" || b.Ended != again.Ended {
				t.Errorf("%s: %v %v", out, err, wrong)
			}
		}
	})
}
