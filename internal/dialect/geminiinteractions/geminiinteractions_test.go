package geminiinteractions

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/frame"
	"weir/internal/llm"
)

func TestPeekAndEdit(t *testing.T) {
	for _, tc := range []struct {
		name, body string
		head       llm.Head
		edit       dialect.Edit
		want       string
	}{
		{
			"a model", `{"model": "asked","input":"hi"}`,
			llm.Head{Model: "asked"},
			dialect.Edit{Model: "real"},
			`{"model": "real","input":"hi"}`,
		},
		{
			"an agent", `{"input":"hi", "agent":"deep","background":true}`,
			llm.Head{Model: "deep"},
			dialect.Edit{Model: "deeper"},
			`{"input":"hi", "agent":"deeper","background":true}`,
		},
		{
			"an agent and no model", `{"model":null,"agent":"deep"}`,
			llm.Head{Model: "deep"},
			dialect.Edit{Model: "deeper"},
			`{"model":null,"agent":"deeper"}`,
		},
		{
			"a stream with a limit", `{"model":"m","stream":true,"generation_config": {"temperature":1.0, "max_output_tokens":500}}`,
			llm.Head{Model: "m", Stream: true, MaxOutput: 500},
			dialect.Edit{MaxOutput: 100},
			`{"model":"m","stream":true,"generation_config": {"temperature":1.0, "max_output_tokens":100}}`,
		},
		{
			"a lower limit stays", `{"model":"m","generation_config":{"max_output_tokens":50}}`,
			llm.Head{Model: "m", MaxOutput: 50},
			dialect.Edit{MaxOutput: 100},
			`{"model":"m","generation_config":{"max_output_tokens":50}}`,
		},
		{
			"a limit where none is", `{"model":"m","generation_config":{"seed":1}}`,
			llm.Head{Model: "m"},
			dialect.Edit{MaxOutput: 100},
			`{"model":"m","generation_config":{"max_output_tokens":100,"seed":1}}`,
		},
		{
			"a limit and no config", `{"model":"m"}`,
			llm.Head{Model: "m"},
			dialect.Edit{MaxOutput: 7},
			`{"generation_config":{"max_output_tokens":7},"model":"m"}`,
		},
	} {
		c := dialect.Call{Path: Path, Body: []byte(tc.body)}
		head, err := New().Peek(&c)
		if err != nil || head != tc.head {
			t.Errorf("%s: %+v, %v", tc.name, head, err)
			continue
		}
		out, err := New().Edit(nil, c, tc.edit)
		if err != nil || string(out.Body) != tc.want || string(c.Body) != tc.body {
			t.Errorf("%s: %s, %v\nwant %s", tc.name, out.Body, err, tc.want)
		}
	}
}

func TestPeekRefuses(t *testing.T) {
	for name, test := range map[string]struct{ body, param string }{
		"neither":           {`{"input":"hi"}`, "model"},
		"both":              {`{"model":"m","agent":"a"}`, "agent"},
		"an empty agent":    {`{"agent":""}`, "agent"},
		"two models":        {`{"model":"a","model":"b"}`, "model"},
		"another spelling":  {`{"Model":"a"}`, "model"},
		"a word for a flag": {`{"model":"m","stream":"yes"}`, "stream"},
		"a negative limit":  {`{"model":"m","generation_config":{"max_output_tokens":-1}}`, "generation_config.max_output_tokens"},
		"camels":            {`{"model":"m","previousInteractionId":"v1_a"}`, "previous_interaction_id"},
		"camels within":     {`{"model":"m","generation_config":{"maxOutputTokens":1}}`, "generation_config.max_output_tokens"},
		"no JSON":           {`{"model":"m"`, ""},
	} {
		_, err := New().Peek(&dialect.Call{Path: Path, Body: []byte(test.body)})
		if f := fault.Of(err); f == nil || f.Kind != fault.Malformed || f.Param != test.param {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestThread(t *testing.T) {
	no := false
	for body, want := range map[string]dialect.Thread{
		`{"model":"m"}`: {Member: "previous_interaction_id"},
		`{"model":"m","store":false,"background":true,"previous_interaction_id":"v1_a"}`: {Member: "previous_interaction_id", Store: &no, Background: true, Previous: "v1_a"},
	} {
		c := dialect.Call{Body: []byte(body)}
		if _, err := New().Peek(&c); err != nil {
			t.Fatal(err)
		}
		got, err := New().(dialect.Threaded).Thread(c)
		if d := cmp.Diff(want, got); err != nil || d != "" {
			t.Errorf("%s: %v\n%s", body, err, d)
		}
	}
	for _, body := range []string{`{"model":"m","store":1}`, `{"model":"m","background":"x"}`, `{"model":"m","previous_interaction_id":7}`} {
		c := dialect.Call{Body: []byte(body)}
		if _, err := New().Peek(&c); err != nil {
			t.Fatal(err)
		}
		if _, err := New().(dialect.Threaded).Thread(c); fault.Of(err) == nil {
			t.Errorf("%s is taken", body)
		}
	}
}

const (
	begun = `{"interaction":{"id":"v1_1","status":"in_progress","model":"m-1"},"event_type":"interaction.created","metadata":{"usage":{"total_tokens":11,"total_input_tokens":11,"total_output_tokens":0}}}`
	delta = `{"index":0,"delta":{"text":"hi \"metadata\"","type":"text"},"event_type":"step.delta"}`
	so    = `{"index":0,"delta":{"text":"x","type":"text"},"event_type":"step.delta","metadata":{"usage":{"total_input_tokens":11,"total_output_tokens":2,"total_thought_tokens":5}}}`
	ended = `{"interaction":{"id":"v1_1","status":"requires_action","service_tier":"flex","model":"m-1","usage":{"total_tokens":40,"total_input_tokens":11,"input_tokens_by_modality":[{"modality":"text","tokens":4},{"modality":"image","tokens":7}],"total_cached_tokens":3,"total_output_tokens":9,"total_thought_tokens":5,"total_tool_use_tokens":15,"grounding_tool_count":[{"type":"google_search","count":2}]}},"event_type":"interaction.completed"}`
)

func TestMeter(t *testing.T) {
	whole := &llm.Usage{
		Said:  llm.SaidInput | llm.SaidCacheRead | llm.SaidOutput | llm.SaidReasoning | llm.SaidToolInput | llm.SaidTotal | llm.SaidInputAudio | llm.SaidInputImage | llm.SaidSearches,
		Input: 26, CacheRead: 3, InputImage: 7, ToolInput: 15, Output: 14, Reasoning: 5, Total: 40, Searches: 2,
	}
	m := New().Meter()
	feed := func(event, data string) { m.Frame(frame.Frame{Event: event, Data: []byte(data)}) }
	feed("interaction.created", begun)
	if r := m.Read(); r.Began || r.ID != "v1_1" || r.Model != "m-1" || r.Usage.Input != 11 {
		t.Errorf("after the first event: %+v", r)
	}
	feed("step.delta", delta)
	feed("", so) // some leave the event's name to the payload
	if r := m.Read(); !r.Began || r.Usage.Output != 7 || r.Stop.Native != "" {
		t.Errorf("in the middle: %+v %+v", r, r.Usage)
	}
	feed("interaction.completed", ended)
	feed("done", "[DONE]")
	r := m.Read()
	if d := cmp.Diff(whole, r.Usage); d != "" || !r.Ended || r.Fault != nil || r.Stop.Reason != llm.StopCalls || r.Stop.Native != "requires_action" || r.Tier != "flex" {
		t.Errorf("at the end: %+v\n%s", r, d)
	}
	m = New().Meter()
	m.Body([]byte(strings.TrimSuffix(strings.TrimPrefix(ended, `{"interaction":`), `,"event_type":"interaction.completed"}`)))
	if d := cmp.Diff(whole, m.Read().Usage); d != "" || !m.Read().Ended || m.Read().ID != "v1_1" {
		t.Errorf("a whole answer: %+v\n%s", m.Read(), d)
	}
	for _, data := range []string{`{"error":{"message":"too many","code":"resource_exhausted"},"event_type":"error"}`, `{"event_type":"interaction.status_update","status":"failed","error":{"code":429,"message":"too many"}}`} {
		m = New().Meter()
		m.Frame(frame.Frame{Data: []byte(data)})
		if f := m.Read().Fault; f == nil || f.Kind != fault.RateLimit || f.Message != "too many" {
			t.Errorf("%s: %+v", data, f)
		}
	}
	m = New().Meter()
	m.Frame(frame.Frame{Event: "interaction.completed", Data: []byte(ended)})
	m.Frame(frame.Frame{Event: "done", Data: []byte("[DONE]")})
	text := frame.Frame{Event: "step.delta", Data: []byte(delta)}
	m = New().Meter()
	if n := testing.AllocsPerRun(100, func() { m.Frame(text) }); n > 0 {
		t.Errorf("%.0f allocations a delta", n)
	}
}

// A fault that is written is read again as the same kind.
func TestFaults(t *testing.T) {
	for _, kind := range []fault.Kind{fault.Malformed, fault.RateLimit, fault.Overloaded, fault.NotFound, fault.Timeout, fault.Upstream} {
		f := fault.New(kind, "it did not work")
		got := New().ReadFault(f.Status(), http.Header{}, New().Fault(nil, f, dialect.Whole))
		if got.Kind != kind || got.Message != f.Message {
			t.Errorf("%s comes back as %s: %s", kind, got.Kind, got.Message)
		}
		raw := string(New().Fault(nil, f, dialect.Stream))
		data, ok := strings.CutPrefix(raw, "event: error\ndata: ")
		if !ok || !strings.HasSuffix(data, "\n\n") {
			t.Errorf("no event: %q", raw)
		}
		if got := New().ReadFault(0, nil, []byte(data)); got.Kind != kind || got.Message != f.Message {
			t.Errorf("%s in a stream comes back as %s: %s", kind, got.Kind, got.Message)
		}
	}
}

func FuzzMeter(f *testing.F) {
	for _, s := range []string{begun, delta, so, ended, `{"error":{"code":"x"}}`, `[DONE]`} {
		f.Add("", []byte(s))
		f.Add("interaction.completed", []byte(s))
	}
	f.Fuzz(func(t *testing.T, event string, data []byte) {
		m := New().Meter()
		m.Frame(frame.Frame{Event: event, Data: data})
		m.Body(data)
		if u := m.Read().Usage; u != nil && (u.Input < 0 || u.Output < 0) {
			t.Fatalf("%+v", u)
		}
	})
}

func FuzzPeek(f *testing.F) {
	f.Add([]byte(`{"model":"m","generation_config":{"max_output_tokens":5},"stream":true}`))
	f.Add([]byte(`{"agent":"a","store":false}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		c := dialect.Call{Path: Path, Body: body}
		if _, err := New().Peek(&c); err != nil {
			return
		}
		out, err := New().Edit(nil, c, dialect.Edit{Model: "real", MaxOutput: 3})
		if err != nil {
			t.Fatal(err)
		}
		again := dialect.Call{Path: Path, Body: out.Body}
		if h, err := New().Peek(&again); err != nil || h.Model != "real" || h.MaxOutput < 1 || h.MaxOutput > 3 {
			t.Fatalf("%q became %q: %+v, %v", body, out.Body, h, err)
		}
	})
}
