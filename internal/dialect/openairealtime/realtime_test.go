package openairealtime

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/frame"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

func TestPeek(t *testing.T) {
	for query, want := range map[string]struct{ model, param string }{
		"model=talker":               {"talker", ""},
		"intent=x&model=a%2Fb":       {"a/b", ""},
		"":                           {"", "model"},
		"model=":                     {"", "model"},
		"model=a&model=b":            {"", "model"},
		"Model=a":                    {"", "model"},
		"model=a&MODEL=b":            {"", "model"},
		"model=a&deployment=b":       {"", "deployment"},
		"call_id=rtc_1":              {"", "call_id"},
		"model=a&call_id=rtc_1":      {"", "call_id"},
		"intent=transcription":       {"", "model"},
		"model=a;b":                  {"", ""},
		"model=%zz":                  {"", ""},
		"model=caf%C3%A9&voice=alto": {"café", ""},
	} {
		h, err := New().Peek(&dialect.Call{Query: query})
		if want.model != "" {
			if err != nil || h.Model != want.model {
				t.Errorf("%s: %q, %v", query, h.Model, err)
			}
			continue
		}
		if f := fault.Of(err); err == nil || f.Kind != fault.Malformed || f.Param != want.param {
			t.Errorf("%s: %v", query, err)
		}
	}
}

func TestEdit(t *testing.T) {
	for query, want := range map[string]string{"model=a": "model=gpt%2F1+x", "model=a&b=%C3%A9": "b=%C3%A9&model=gpt%2F1+x"} {
		c, err := New().Edit(nil, dialect.Call{Query: query}, dialect.Edit{Model: "gpt/1 x"})
		if err != nil || c.Query != want {
			t.Errorf("%s: %s %v", query, c.Query, err)
		}
	}
	if c, err := New().Edit(nil, dialect.Call{Query: "model=a"}, dialect.Edit{}); err != nil || c.Query != "model=a" {
		t.Errorf("%s %v", c.Query, err)
	}
}

// rights knows what may be named: the session's model own, and a model that listens.
func rights(name string, beside bool) (string, error) {
	switch {
	case !beside && (name == "own" || name == "alias"):
		return "own", nil
	case beside && name == "ears":
		return "whisper-9", nil
	}
	return "", fault.New(fault.Forbidden, "not %s", name)
}

func TestFromClient(t *testing.T) {
	for _, c := range []struct{ name, in, out, param string }{
		{"sound", `{"type":"input_audio_buffer.append","audio":"UklGRg=="}`, "", ""},
		{"settings without a model", `{"type":"session.update", "session":{"instructions":"{\"model\":\"x\"}","tools":[{"name":"f","parameters":{"properties":{"model":{}}}}]}}`, "", ""},
		{"its own model", `{"type":"session.update","session":{"model":"own"}}`, "", ""},
		{"by its alias", `{"type":"session.update", "session" : {"model": "alias","n":1.50}}`, `{"type":"session.update", "session" : {"model": "own","n":1.50}}`, ""},
		{"another one", `{"type":"session.update","session":{"model":"gpt-gold"}}`, "", "session.model"},
		{"escaped", `{"type":"session.update","session":{"mod\u0065l":"gpt-gold"}}`, "", "session."},
		{"twice", `{"type":"session.update","session":{"model":"own","model":"gpt-gold"}}`, "", "session.model"},
		{"in another case", `{"type":"session.update","session":{"Model":"gpt-gold"}}`, "", "session.model"},
		{"two sessions", `{"type":"session.update","session":{},"session":{"model":"gpt-gold"}}`, "", "session"},
		{"no text", `{"type":"session.update","session":{"model":["gpt-gold"]}}`, "", "session.model"},
		{"null", `{"type":"session.update","session":{"model":null,"audio":null}}`, "", ""},
		{"of an answer", `{"type":"response.create","response":{"model":"gpt-gold"}}`, "", "response.model"},
		{"on top", `{"type":"response.create","model":"gpt-gold"}`, "", "model"},
		{
			"ears", `{"type":"session.update","session":{"audio":{"input":{"transcription":{"language":"de","model":"ears"}}}}}`,
			`{"type":"session.update","session":{"audio":{"input":{"transcription":{"language":"de","model":"whisper-9"}}}}}`, "",
		},
		{
			"the beta's", `{"type":"transcription_session.update","session":{"input_audio_transcription":{"model":"ears"},"model":"alias"}}`,
			`{"type":"transcription_session.update","session":{"input_audio_transcription":{"model":"whisper-9"},"model":"own"}}`, "",
		},
		{"ears that may not be used", `{"type":"session.update","session":{"audio":{"input":{"transcription":{"model":"own"}}}}}`, "", "session.audio.input.transcription.model"},
		{"two ears", `{"type":"session.update","session":{"audio":{"input":{"transcription":{"model":"ears"}},"input":{"transcription":{"model":"gold"}}}}}`, "", "session.audio.input"},
		{"no object", `["session.update"]`, "", "?"},
		{"no JSON", `{"type":"session.update"`, "", "?"},
		{"more after it", `{"type":"x"}{"session":{"model":"gpt-gold"}}`, "", "?"},
		{"bytes", "\xff\x00", "", "?"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := realtime{}.Session()
			out, err := s.FromClient([]byte(c.in), rights)
			if c.param != "" {
				if f := fault.Of(err); err == nil || c.param != "?" && !strings.HasPrefix(f.Param, strings.TrimSuffix(c.param, ".")) && f.Code != "invalid_event" {
					t.Errorf("%s, %v", out, err)
				}
				return
			}
			if c.out == "" {
				c.out = c.in
			}
			if err != nil || string(out) != c.out {
				t.Errorf("%s, %v\nwant %s", out, err, c.out)
			}
		})
	}
}

func TestRefusal(t *testing.T) {
	f := &fault.Fault{Kind: fault.Forbidden, Message: "no \"such\"", Param: "session.model", Code: "model_not_allowed", ID: "0198"}
	for message, id := range map[string]string{
		`{"type":"session.update","event_id":"mine-1"}`:   `"mine-1"`,
		`{"type":"session.update"}`:                       `null`,
		`no json`:                                         `null`,
		`{"event_id":"` + strings.Repeat("x", 600) + `"}`: `null`,
	} {
		got := realtime{}.Session().Refusal(nil, []byte(message), f)
		want := `{"type":"error","event_id":"event_weir_0198","error":{"message":"no \"such\"","type":"permission_error","param":"session.model","code":"model_not_allowed","event_id":` + id + `}}`
		if string(got) != want {
			t.Errorf("%s", got)
		}
	}
	if whole := New().Fault(nil, f, dialect.Whole); rawjson.Get(whole, "error", "code") == nil || rawjson.Get(whole, "type") != nil {
		t.Errorf("before a session an error is a body: %s", whole)
	}
	if event := New().Fault(nil, f, dialect.Stream); rawjson.Text(rawjson.Get(event, "type")) != "error" {
		t.Errorf("%s", event)
	}
}

const answer = `{"type":"response.done","event_id":"e9","response":{"object":"realtime.response","id":"resp_1","status":"completed","output":[],
"usage":{"total_tokens":1200,"input_tokens":1000,"output_tokens":200,
"input_token_details":{"text_tokens":290,"audio_tokens":700,"image_tokens":10,"cached_tokens":600,"cached_tokens_details":{"text_tokens":100,"audio_tokens":495,"image_tokens":5}},
"output_token_details":{"text_tokens":40,"audio_tokens":160}}}}`

func TestFromProvider(t *testing.T) {
	s := realtime{}.Session()
	for _, quiet := range []string{
		`{"type":"rate_limits.updated","rate_limits":[{"name":"tokens"}]}`,
		`{"type":"conversation.item.added","item":{"content":[{"text":"\"usage\":{\"input_tokens\":5}"}]}}`,
		`<html>`, "\xff\xfe", ``, `{"type":"response.done","response":{"usage":`,
	} {
		if got := s.FromProvider([]byte(quiet)); !cmp.Equal(got, dialect.Told{}) {
			t.Errorf("%s: %+v", quiet, got)
		}
	}
	if got := s.FromProvider([]byte(`{"type":"session.created","session":{"id":"sess_1","model":"gpt-talk-1"}}`)); got.ID != "sess_1" || got.Model != "gpt-talk-1" || got.Event {
		t.Errorf("%+v", got)
	}
	if got := s.FromProvider([]byte(`{"type":"response.created","response":{"id":"r","usage":null}}`)); !got.Begun || got.Over {
		t.Errorf("%+v", got)
	}
	if got := s.FromProvider([]byte(`{"type":"response.output_audio.delta","delta":"AAAA"}`)); !got.Event || !got.Begun {
		t.Errorf("%+v", got)
	}
	got := s.FromProvider([]byte(answer))
	read, write := llm.SaidInput|llm.SaidCacheRead, llm.SaidOutput|llm.SaidOutputAudio
	want := dialect.Told{Over: true, Event: true, Stop: llm.Stop{Reason: llm.StopEnd, Native: "completed"}, Usage: &llm.Usage{
		Said:  read | write | llm.SaidTotal | llm.SaidInputAudio | llm.SaidInputImage,
		Input: 1000, InputAudio: 700, InputImage: 10, CacheRead: 600, Output: 200, OutputAudio: 160, Total: 1200,
		Rounds: []llm.Usage{
			{Said: read | write, Input: 290, CacheRead: 100, Output: 200, OutputAudio: 160},
			{Said: read, Input: 700, InputAudio: 700, CacheRead: 495},
			{Said: read, Input: 10, InputImage: 10, CacheRead: 5},
		},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got := s.FromProvider([]byte(`{"type":"response.done","response":{"status":"cancelled","status_details":{"reason":"turn_detected"},"usage":{"input_tokens":5,"output_tokens":0}}}`)); got.Stop.Native != "turn_detected" || got.Usage.Input != 5 || !got.Over {
		t.Errorf("%+v", got)
	}
	if got := s.FromProvider([]byte(`{"type":"error","event_id":"e","error":{"type":"invalid_request_error","code":"invalid_value","message":"Invalid value.","param":"type"}}`)); got.Fault == nil || got.Fault.Kind != fault.Malformed || got.Fault.Param != "type" {
		t.Errorf("%+v", got.Fault)
	}
}

// TestTranscription: what it took is charged to the model that the session's settings name.
func TestTranscription(t *testing.T) {
	const done = `{"type":"conversation.item.input_audio_transcription.completed","transcript":"Hi","usage":`
	for settings, model := range map[string]string{
		`{"type":"session.updated","session":{"audio":{"input":{"transcription":{"model":"ears-1"}}}}}`:                "ears-1",
		`{"type":"transcription_session.updated","session":{"input_audio_transcription":{"model":"whisper-1"}}}`:       "whisper-1",
		`{"type":"session.updated","session":{"model":"talk","audio":{"input":{"transcription":null,"format":null}}}}`: "",
	} {
		s := realtime{}.Session()
		s.FromProvider([]byte(settings))
		got := s.FromProvider([]byte(done + `{"type":"tokens","total_tokens":22,"input_tokens":13,"input_token_details":{"text_tokens":0,"audio_tokens":13},"output_tokens":9}}`))
		if !got.Beside || got.Model != model || got.Usage == nil || got.Usage.InputAudio != 13 || got.Usage.Output != 9 {
			t.Errorf("%s: %+v %+v", settings, got, got.Usage)
		}
		got = s.FromProvider([]byte(done + `{"type":"duration","seconds":2.5}}`))
		if !got.Beside || got.Usage == nil || got.Usage.Heard != 2500 {
			t.Errorf("%s: %+v %+v", settings, got, got.Usage)
		}
	}
}

func TestMeter(t *testing.T) {
	m := New().Meter()
	for range 3 {
		m.Frame(frame.Frame{Data: []byte(answer)})
	}
	m.Frame(frame.Frame{Data: []byte(`{"type":"conversation.item.input_audio_transcription.completed","usage":{"type":"tokens","input_tokens":13,"output_tokens":9}}`)})
	if u := m.Read().Usage; u.Input != 3000 || u.InputAudio != 2100 || u.Output != 600 || u.Rounds != nil {
		t.Errorf("%+v", u)
	}
}

func TestAllocations(t *testing.T) {
	s := realtime{}.Session()
	sound := []byte(`{"type":"response.output_audio.delta","event_id":"event_1","response_id":"resp_1","item_id":"item_1","output_index":0,"content_index":0,"delta":"` + strings.Repeat("UklGRg==", 500) + `"}`)
	if n := testing.AllocsPerRun(100, func() { s.FromProvider(sound) }); n > 0 {
		t.Errorf("a piece of sound from the provider costs %v allocations", n)
	}
	up := []byte(`{"type":"input_audio_buffer.append","event_id":"event_1","audio":"` + strings.Repeat("UklGRg==", 500) + `"}`)
	if n := testing.AllocsPerRun(100, func() { _, _ = s.FromClient(up, rights) }); n > 0 {
		t.Errorf("a piece of sound from the client costs %v allocations", n)
	}
}

func FuzzFromProvider(f *testing.F) {
	f.Add([]byte(answer))
	f.Add([]byte(`{"type":"session.updated","session":{"audio":{"input":{"transcription":{"model":"ears"}}}}}`))
	f.Add([]byte(`{"type":"conversation.item.input_audio_transcription.completed","usage":{"type":"duration","seconds":1e9}}`))
	f.Add([]byte(`{"type":"error","error":{"message":"m"}}`))
	f.Fuzz(func(t *testing.T, message []byte) {
		whole := string(message)
		told := realtime{}.Session().FromProvider(message)
		if string(message) != whole {
			t.Fatal("the message was changed")
		}
		if u := told.Usage; u != nil {
			var in int64
			for _, r := range u.Rounds {
				if r.Input < 0 || r.CacheRead < 0 || r.CacheRead > r.Input {
					t.Fatalf("a round that cannot be: %+v", r)
				}
				in += r.Input
			}
			if u.Rounds != nil && in != u.Input {
				t.Fatalf("the rounds have %d of %d tokens", in, u.Input)
			}
		}
	})
}

// FuzzFromClient: whatever goes up names no model that was not asked about, as readers of JSON see it.
func FuzzFromClient(f *testing.F) {
	f.Add([]byte(`{"type":"session.update","session":{"model":"own","audio":{"input":{"transcription":{"model":"ears"}}}}}`))
	f.Add([]byte(`{"type":"response.create","response":{"model":"alias"}}`))
	f.Add([]byte(`{"session":{"input_audio_transcription":{"model":"ears"}},"model":null}`))
	f.Fuzz(func(t *testing.T, message []byte) {
		out, err := realtime{}.Session().FromClient(message, rights)
		if err != nil {
			return
		}
		if rawjson.Check(out) != nil {
			t.Fatalf("no JSON went up: %s", out)
		}
		for _, path := range [][]string{{"model"}, {"session", "model"}, {"response", "model"}} {
			if name, ok := rawjson.String(rawjson.Get(out, path...)); ok && name != "own" {
				t.Fatalf("%s went up at %v", name, path)
			}
		}
		for _, path := range [][]string{{"session", "audio", "input", "transcription", "model"}, {"session", "input_audio_transcription", "model"}} {
			if name, ok := rawjson.String(rawjson.Get(out, path...)); ok && name != "whisper-9" {
				t.Fatalf("%s went up at %v", name, path)
			}
		}
	})
}
