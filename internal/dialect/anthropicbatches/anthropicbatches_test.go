package anthropicbatches

import (
	"strings"
	"testing"

	"weir/internal/dialect"
	"weir/internal/dialect/anthropic"
	"weir/internal/fault"
	"weir/internal/llm"
)

var d = New(anthropic.New())

func lines(body string) ([]dialect.Line, error) {
	c := dialect.Call{Body: []byte(body)}
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
	body := `{ "requests" : [ {"custom_id":"a","params":{"model":"m"}} , {"params": {"x":[1,"]"]} ,"custom_id":"b-\u0062"} ] }`
	got, err := lines(body)
	if err != nil || len(got) != 2 {
		t.Fatalf("%v %v", got, err)
	}
	for i, want := range []struct{ id, params, where string }{{"a", `{"model":"m"}`, "requests[0]"}, {"b-b", `{"x":[1,"]"]}`, "requests[1]"}} {
		l := got[i]
		if l.ID != want.id || body[l.Body.Start:l.Body.End] != want.params || l.Where() != want.where || l.Dialect != llm.AnthropicMessages || l.Path != Messages {
			t.Errorf("%+v", l)
		}
	}
}

func TestLinesRefused(t *testing.T) {
	const ok = `{"custom_id":"a","params":{}}`
	for body, says := range map[string]string{
		``:                "empty",
		`{}`:              "requests must be a list",
		`{"requests":{}}`: "requests must be a list",
		`{"requests":[]}`: "requests is empty",
		`{"requests":[` + ok + `],"Requests":[]}`:                                         "requests",
		`{"requests":[` + ok + `,1]}`:                                                     "requests[1]",
		`{"requests":[` + ok + `,` + ok + `]}`:                                            "requests[1]: another request",
		`{"requests":[` + ok + `,{"params":{}}]}`:                                         "requests[1]: custom_id",
		`{"requests":[{"custom_id":"a"}]}`:                                                "requests[0]: params",
		`{"requests":[{"custom_id":"` + strings.Repeat("x", MaxID+1) + `","params":{}}]}`: "requests[0]: custom_id",
		`{"requests":[{"custom_id":"a","params":{},"PARAMS":{}}]}`:                        "requests[0]",
		`{"requests":[` + ok + `]`:                                                        "the text ends",
	} {
		_, err := lines(body)
		if f := fault.Of(err); f == nil || f.Kind != fault.Malformed || !strings.Contains(f.Message, says) {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestObject(t *testing.T) {
	body := []byte(`{"id": "msgbatch_1","type":"message_batch","processing_status":"ended","results_url": "https:\/\/api.example\/v1"}`)
	b, err := d.Batch(body)
	if want := (dialect.Batch{ID: "msgbatch_1", Results: "https://api.example/v1", Path: Messages, Ended: true}); err != nil || b != want {
		t.Errorf("%+v %v", b, err)
	}
	got, err := d.Shown(nil, body, dialect.Batch{ID: "ours", Results: "http://here/x"})
	if err != nil || string(got) != `{"id": "ours","type":"message_batch","processing_status":"ended","results_url": "http://here/x"}` {
		t.Errorf("%s %v", got, err)
	}
	got, err = d.Shown(nil, []byte(`{"id":"a","results_url":null}`), dialect.Batch{ID: "ours", Results: "x"})
	if err != nil || string(got) != `{"id":"ours","results_url":null}` {
		t.Errorf("%s %v", got, err)
	}
	if page := string(d.List(nil, [][]byte{[]byte(`{"id":"a"}`)}, 1, true)); page != `{"data":[{"id":"a"}],"has_more":true,"first_id":"a","last_id":"a"}` {
		t.Error(page)
	}
}

func TestResult(t *testing.T) {
	r, err := d.Result([]byte(`{"custom_id":"a","result":{"type":"succeeded","message":{"id":"msg_1"}}}`))
	if err != nil || r.ID != "a" || r.Status != 200 || string(r.Body) != `{"id":"msg_1"}` || r.Fault != nil {
		t.Errorf("%+v %v", r, err)
	}
	for typ, want := range map[string]int{"invalid_request_error": 400, "rate_limit_error": 429, "overloaded_error": 529, "unheard": 500} {
		r, err := d.Result([]byte(`{"custom_id":"a","result":{"type":"errored","error":{"type":"error","error":{"type":"` + typ + `","message":"no"}}}}`))
		if err != nil || r.Status != want {
			t.Errorf("%s: %+v %v", typ, r, err)
			continue
		}
		if f := d.ReadFault(r.Status, nil, r.Body); f.Message != "no" || f.NativeType != typ {
			t.Errorf("%s: %+v", typ, f)
		}
	}
	for word, kind := range map[string]fault.Kind{"canceled": fault.ClientGone, "expired": fault.Timeout, "unheard": fault.Upstream} {
		if r, err := d.Result([]byte(`{"custom_id":"a","result":{"type":"` + word + `"}}`)); err != nil || r.Fault == nil || r.Fault.Kind != kind || r.Status != 0 {
			t.Errorf("%s: %+v %v", word, r, err)
		}
	}
}

// FuzzLines: whatever a body holds, what is read of it stands where it says.
func FuzzLines(f *testing.F) {
	f.Add([]byte(`{"requests":[{"custom_id":"a","params":{"model":"m"}},{"custom_id":"b","params":{}}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		c := dialect.Call{Body: body}
		if _, err := d.Peek(&c); err != nil {
			return
		}
		n := 0
		for l, err := range d.Lines(&c, nil) {
			if err != nil {
				continue
			}
			if n++; l.Number != n || l.ID == "" || body[l.Body.Start] != '{' || body[l.Body.End-1] != '}' {
				t.Errorf("%+v", l)
			}
		}
	})
}

// FuzzResult: whatever stands in a line of results or an object, it is read or refused.
func FuzzResult(f *testing.F) {
	f.Add([]byte(`{"custom_id":"a","result":{"type":"succeeded","message":{"id":"msg_1"}}}`))
	f.Add([]byte(`{"id":"msgbatch_1","processing_status":"ended","results_url":"x"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if r, err := d.Result(text); err == nil && (r.ID == "" || (r.Status == 0) == (r.Fault == nil)) {
			t.Errorf("%+v", r)
		}
		if _, err := d.Batch(text); err == nil {
			out, err := d.Shown(nil, text, dialect.Batch{ID: "ours", Results: "here"})
			if again, wrong := d.Batch(out); err != nil || wrong != nil || again.ID != "ours" {
				t.Errorf("%s: %v %v", out, err, wrong)
			}
		}
	})
}
