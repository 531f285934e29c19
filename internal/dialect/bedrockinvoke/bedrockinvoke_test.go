package bedrockinvoke

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"net/http"
	"testing"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/frame"
	"weir/internal/llm"
)

func TestPeekAndEdit(t *testing.T) {
	for _, c := range []struct {
		path, body string
		head       llm.Head
		edit       dialect.Edit
		wantPath   string
		want       string
		kind       fault.Kind
	}{
		{"/model/amazon.titan-text-v1%3A0/invoke", `{"inputText": "a"}`, llm.Head{Model: "amazon.titan-text-v1:0"}, dialect.Edit{Model: "x/y:1"}, "/model/x%2Fy%3A1/invoke", `{"inputText": "a"}`, 0},
		{
			"/model/m/invoke-with-response-stream", `{"max_tokens":50,"maxTokens": 9}`,
			llm.Head{Model: "m", Stream: true, Framing: llm.EventStream, MaxOutput: 50},
			dialect.Edit{Model: "n", MaxOutput: 20},
			"/model/n/invoke-with-response-stream", `{"max_tokens":20,"maxTokens": 9}`, 0,
		},
		{"/model/m/invoke", `{"max_tokens":50}`, llm.Head{Model: "m", MaxOutput: 50}, dialect.Edit{MaxOutput: 60}, "/model/m/invoke", `{"max_tokens":50}`, 0},
		{"/model/m/invoke", `{"a":1}`, llm.Head{Model: "m"}, dialect.Edit{MaxOutput: 60}, "", "", fault.Unsupported},
		{"/model/m/invoke", `{"max_tokens":1,"Max_Tokens":9}`, llm.Head{}, dialect.Edit{}, "", "", fault.Malformed},
		{"/model//invoke", `{}`, llm.Head{}, dialect.Edit{}, "", "", fault.Malformed},
		{"/model/a/b/invoke", `{}`, llm.Head{}, dialect.Edit{}, "", "", fault.Malformed},
		{"/model/%zz/invoke", `{}`, llm.Head{}, dialect.Edit{}, "", "", fault.Malformed},
		{"/model/m/converse", `{}`, llm.Head{}, dialect.Edit{}, "", "", fault.Malformed},
	} {
		call := dialect.Call{Path: c.path, Body: []byte(c.body)}
		h, err := New().Peek(&call)
		if err == nil && h != c.head {
			t.Errorf("%s %s: %+v", c.path, c.body, h)
		}
		if err == nil {
			call, err = New().Edit(nil, call, c.edit)
		}
		if err != nil {
			if c.want != "" || fault.Of(err).Kind != c.kind {
				t.Errorf("%s %s: %v", c.path, c.body, err)
			}
			continue
		}
		if call.Path != c.wantPath || string(call.Body) != c.want {
			t.Errorf("%s %s: %s %s", c.path, c.body, call.Path, call.Body)
		}
	}
}

func chunk(inner string) []byte {
	return frame.AppendAWS(nil, "chunk", false, fmt.Appendf(nil, `{"bytes":%q,"p":"abc"}`, base64.StdEncoding.EncodeToString([]byte(inner))))
}

func TestMeter(t *testing.T) {
	m := New().Meter()
	var began []bool
	stream := bytes.Join([][]byte{
		chunk(`{"type":"message_start","message":{}}`), chunk(`{"type":"content_block_delta","delta":{"text":"Hi"}}`),
		chunk(`{"type":"message_stop","amazon-bedrock-invocationMetrics":{"inputTokenCount":4,"outputTokenCount":10,"invocationLatency":1,"cacheReadInputTokenCount":5,"cacheWriteInputTokenCount":6}}`),
	}, nil)
	for f, err := range frame.AWS(bytes.NewReader(stream), nil, 1<<20) {
		if err != nil {
			t.Fatal(err)
		}
		m.Frame(f)
		began = append(began, m.Read().Began)
	}
	if r := m.Read(); fmt.Sprint(began) != "[false true true]" || !r.Ended || r.Usage.Input != 15 || r.Usage.Output != 10 || r.Usage.CacheRead != 5 || r.Usage.CacheWrite != 6 {
		t.Errorf("%v %+v %+v", began, r, r.Usage)
	}
	for kind, broken := range map[fault.Kind][]byte{
		fault.RateLimit:    frame.AppendAWS(nil, "throttlingException", true, []byte(`{"message":"slow down"}`)),
		fault.Upstream:     frame.AppendAWS(nil, "modelStreamErrorException", true, []byte(`{"message":"slow down","originalStatusCode":500}`)),
		fault.UpstreamAuth: frame.AppendAWSError(nil, "ExpiredTokenException", "slow down"),
	} {
		m = New().Meter()
		for f := range frame.AWS(bytes.NewReader(broken), nil, 1<<20) {
			m.Frame(f)
		}
		if r := m.Read(); r.Fault == nil || r.Fault.Message != "slow down" || r.Fault.Kind != kind {
			t.Errorf("%s: %+v", kind, r.Fault)
		}
	}
	for _, c := range []struct {
		header        http.Header
		body          string
		input, output int64
	}{
		{http.Header{"X-Amzn-Bedrock-Input-Token-Count": {"4"}, "X-Amzn-Bedrock-Output-Token-Count": {"10"}, "X-Amzn-Bedrock-Cache-Read-Input-Token-Count": {"3"}}, `{"usage":{"input_tokens":99}}`, 7, 10},
		{nil, `{"usage":{"input_tokens":4,"cache_read_input_tokens":3,"output_tokens":10}}`, 7, 10},
		{nil, `{"usage":{"prompt_tokens":4,"completion_tokens":10}}`, 4, 10},
		{nil, `{"inputTextTokenCount":5,"embedding":[1]}`, 5, 0},
		{nil, `{"inputTextTokenCount":5,"results":[{"tokenCount":10,"outputText":"a"},{"tokenCount":2}]}`, 5, 12},
	} {
		m := New().Meter()
		m.(dialect.HeadMeter).Head(c.header)
		m.Body([]byte(c.body))
		if u := m.Read().Usage; u == nil || u.Input != c.input || u.Output != c.output {
			t.Errorf("%v %s: %+v", c.header, c.body, u)
		}
	}
}

// TestMeterOfTitan reads what Titan counts itself where Bedrock's counts are missing; where they come they win.
func TestMeterOfTitan(t *testing.T) {
	first := chunk(`{"outputText":"Hi","index":0.0,"totalOutputTextTokenCount":3.0,"inputTextTokenCount":6.0}`)
	metrics := chunk(`{"outputText":"","amazon-bedrock-invocationMetrics":{"inputTokenCount":7,"outputTokenCount":9},"inputTextTokenCount":6.0}`)
	for _, c := range []struct {
		stream        []byte
		input, output int64
	}{{first, 6, 3}, {append(bytes.Clone(first), metrics...), 7, 9}, {chunk(`{"outputText":"\"inputTextTokenCount\":6"}`), 0, 0}} {
		m := New().Meter()
		for f, err := range frame.AWS(bytes.NewReader(c.stream), nil, 1<<20) {
			if err != nil {
				t.Fatal(err)
			}
			m.Frame(f)
		}
		var got llm.Usage
		if u := m.Read().Usage; u != nil {
			got = *u
		}
		if got.Input != c.input || got.Output != c.output {
			t.Errorf("%+v, want %d and %d", got, c.input, c.output)
		}
	}
}

func FuzzPeek(f *testing.F) {
	f.Add("/model/a/invoke", []byte(`{"max_tokens":5}`), "b", int64(3))
	f.Fuzz(func(t *testing.T, path string, body []byte, model string, most int64) {
		call := dialect.Call{Path: path, Body: bytes.Clone(body)}
		if _, err := New().Peek(&call); err != nil {
			return
		}
		edited, err := New().Edit(nil, call, dialect.Edit{Model: model, MaxOutput: most})
		if err != nil {
			return
		}
		if h, err := New().Peek(&edited); err == nil && (model != "" && h.Model != model || most > 0 && h.MaxOutput > most) {
			t.Fatalf("%+v of %s %s", h, edited.Path, edited.Body)
		}
	})
}

func FuzzMeter(f *testing.F) {
	f.Add(chunk(`{"amazon-bedrock-invocationMetrics":{"inputTokenCount":4}}`))
	f.Fuzz(func(_ *testing.T, in []byte) {
		m := New().Meter()
		for f, err := range frame.AWS(bytes.NewReader(in), nil, 1<<20) {
			if err == nil {
				m.Frame(f)
			}
		}
		m.Body(in)
	})
}
