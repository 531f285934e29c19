package openai

import (
	"net/http"
	"strings"
	"testing"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/frame"
	"weir/internal/llm"
)

const formType = "multipart/form-data; boundary=b0undary"

func formBody(lines ...string) string {
	return strings.ReplaceAll(strings.Join(lines, "\r\n"), "@", "--b0undary")
}

func field(name, value string) string {
	return "@\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value
}

const sound = "@\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\nContent-Type: audio/wav\r\n\r\nRIFF\x00\xff"

func formedCall(contentType, body string) dialect.Call {
	return dialect.Call{Header: http.Header{"Content-Type": {contentType}}, Body: []byte(body)}
}

func TestPeekFormed(t *testing.T) {
	for _, c := range []struct {
		name, ct, body string
		want           llm.Head
	}{
		{"json", "application/json", `{"model":"m","prompt":"p","n":2,"stream":true}`, llm.Head{Model: "m", Stream: true, N: 2}},
		{"json, nothing said of it", "", `{"model":"m","stream":null}`, llm.Head{Model: "m"}},
		{"speech as events", "application/json", `{"model":"m","stream_format":"sse"}`, llm.Head{Model: "m", Stream: true}},
		{"speech as sound", "application/json", `{"model":"m","stream_format":"audio"}`, llm.Head{Model: "m"}},
		{"form", formType, formBody(sound, field("model", "m"), field("n", "3"), "@--", ""), llm.Head{Model: "m", N: 3}},
		{"form as events", formType, formBody(field("stream", "True"), sound, field("model", "m"), "@--", ""), llm.Head{Model: "m", Stream: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			call := formedCall(c.ct, c.body)
			if got, err := PeekFormed(&call, true); err != nil || got != c.want {
				t.Errorf("%+v, %v, want %+v", got, err, c.want)
			}
		})
	}
}

func TestPeekFormedRefuses(t *testing.T) {
	for _, c := range []struct {
		name, ct, body string
		forms          bool
		kind           fault.Kind
		param          string
	}{
		{"no form here", formType, formBody(field("model", "m"), "@--"), false, fault.MediaType, ""},
		{"another multipart", "multipart/mixed; boundary=b0undary", formBody(field("model", "m"), "@--"), true, fault.MediaType, ""},
		{"no boundary", "multipart/form-data", formBody(field("model", "m"), "@--"), true, fault.Malformed, ""},
		{"no model", formType, formBody(sound, "@--"), true, fault.Malformed, "model"},
		{"two models", formType, formBody(field("model", "a"), field("model", "b"), "@--"), true, fault.Malformed, "model"},
		{"stream", formType, formBody(field("model", "a"), field("stream", "perhaps"), "@--"), true, fault.Malformed, "stream"},
		{"broken off", formType, formBody(field("model", "a")), true, fault.Malformed, ""},
		{"json without a model", "application/json", `{"prompt":"p"}`, true, fault.Malformed, "model"},
		{"json with two", "application/json", `{"model":"a","model":"b"}`, true, fault.Malformed, "model"},
		{"json, stream", "application/json", `{"model":"a","stream":"yes"}`, true, fault.Malformed, "stream"},
	} {
		t.Run(c.name, func(t *testing.T) {
			call := formedCall(c.ct, c.body)
			_, err := PeekFormed(&call, c.forms)
			if f := fault.Of(err); f == nil || f.Kind != c.kind || f.Param != c.param {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestEditFormed(t *testing.T) {
	for _, c := range []struct{ ct, body, old string }{
		{formType, formBody(sound, field("model", "alias"), field("prompt", "alias"), "@--", ""), "\r\n\r\nalias\r\n--b0undary\r\nContent-Disposition: form-data; name=\"prompt\""},
		{"application/json", `{ "model" : "alias", "prompt":"alias" }`, `"alias", "prompt"`},
	} {
		call := formedCall(c.ct, c.body)
		if _, err := PeekFormed(&call, true); err != nil {
			t.Fatal(err)
		}
		got, err := EditFormed(nil, call, dialect.Edit{Model: "the/target"})
		want := strings.Replace(c.body, c.old, strings.Replace(c.old, "alias", "the/target", 1), 1)
		if err != nil || string(got.Body) != want {
			t.Errorf("%v\n%q, want\n%q", err, got.Body, want)
		}
		same, err := EditFormed(nil, call, dialect.Edit{})
		if err != nil || string(same.Body) != c.body {
			t.Errorf("%v: a call that need not change did", err)
		}
	}
	call := formedCall(formType, formBody(field("model", "a"), "@--"))
	if _, err := PeekFormed(&call, true); err != nil {
		t.Fatal(err)
	}
	if _, err := EditFormed(nil, call, dialect.Edit{Model: "x--b0undary"}); fault.Of(err) == nil {
		t.Error("a model's name broke the form")
	}
}

func TestMediaMeter(t *testing.T) {
	type usage = llm.Usage
	for _, c := range []struct {
		name   string
		body   string
		frames []string
		want   *usage
	}{
		{
			name: "image", body: `{"created":1,"data":[{"b64_json":"AA=="}],"usage":{"input_tokens":60,"input_tokens_details":{"image_tokens":50,"text_tokens":10},"output_tokens":272,"output_tokens_details":{"image_tokens":270,"text_tokens":2},"total_tokens":332}}`,
			want: &usage{Said: llm.SaidInput | llm.SaidInputImage | llm.SaidOutput | llm.SaidOutputImage | llm.SaidTotal, Input: 60, InputImage: 50, Output: 272, OutputImage: 270, Total: 332},
		},
		{name: "image, nothing counted", body: `{"created":1,"data":[{"url":"https://i/1"}]}`},
		{
			name: "transcript", body: `{"text":"\"usage\":{\"input_tokens\":9}","usage":{"type":"tokens","input_tokens":37,"input_token_details":{"text_tokens":2,"audio_tokens":35},"output_tokens":12,"total_tokens":49}}`,
			want: &usage{Said: llm.SaidInput | llm.SaidInputAudio | llm.SaidOutput | llm.SaidTotal, Input: 37, InputAudio: 35, Output: 12, Total: 49},
		},
		{name: "transcript by duration", body: `{"text":"a","usage":{"type":"duration","seconds":4}}`, want: &usage{Said: llm.SaidHeard, Heard: 4000}},
		{name: "transcript in full", body: `{"text":"a","duration":3.7001,"segments":[]}`, want: &usage{Said: llm.SaidHeard, Heard: 3701}},
		{
			name: "counted beside the rest", body: `{"text":"a","usage":{"prompt_audio_seconds":3,"prompt_tokens":5,"completion_tokens":20,"total_tokens":400,"prompt_tokens_details":{"audio_tokens":375}}}`,
			want: &usage{Said: llm.SaidInput | llm.SaidInputAudio | llm.SaidOutput | llm.SaidTotal | llm.SaidHeard, Input: 380, InputAudio: 375, Output: 20, Total: 400, Heard: 3000},
		},
		{
			name: "image as events", frames: []string{`{"type":"image_generation.partial_image","b64_json":"AA=="}`, `{"type":"image_generation.completed","b64_json":"AA==","usage":{"input_tokens":1,"output_tokens":2,"total_tokens":3}}`},
			want: &usage{Said: llm.SaidInput | llm.SaidOutput | llm.SaidTotal, Input: 1, Output: 2, Total: 3},
		},
		{
			name: "speech as events", frames: []string{`{"audio":"AA==","type":"speech.audio.delta"}`, `{"type": "speech.audio.done", "usage": {"input_tokens":1,"output_tokens":2,"total_tokens":3}}`},
			want: &usage{Said: llm.SaidInput | llm.SaidOutput | llm.SaidTotal, Input: 1, Output: 2, Total: 3},
		},
		{
			name: "transcript as events", frames: []string{`{"type":"transcript.text.delta","delta":"a"}`, `{"type":"transcript.text.done","text":"a","usage":{"type":"duration","seconds":0.5}}`, `[DONE]`},
			want: &usage{Said: llm.SaidHeard, Heard: 500},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := MediaMeter()
			if c.body != "" {
				m.Body([]byte(c.body))
			}
			for i, data := range c.frames {
				m.Frame(frame.Frame{Data: []byte(data)})
				if !m.Read().Began || i == 0 && m.Read().Ended {
					t.Errorf("after %d events: %+v", i+1, m.Read())
				}
			}
			r := m.Read()
			if !r.Began || !r.Ended || r.Fault != nil {
				t.Errorf("%+v", r)
			}
			if got, want := r.Usage, c.want; (got == nil) != (want == nil) || got != nil && !sameCounts(got, want) {
				t.Errorf("%+v, want %+v", got, want)
			}
		})
	}
}

func sameCounts(a, b *llm.Usage) bool {
	return a.Said == b.Said && a.Input == b.Input && a.InputImage == b.InputImage && a.InputAudio == b.InputAudio &&
		a.Output == b.Output && a.OutputImage == b.OutputImage && a.Total == b.Total && a.Heard == b.Heard && len(a.Extra) == len(b.Extra)
}

func TestMediaMeterFaults(t *testing.T) {
	m := MediaMeter()
	m.Frame(frame.Frame{Event: "error", Data: []byte(`{"type":"error","error":{"type":"server_error","code":null,"message":"no","param":null}}`)})
	if r := m.Read(); r.Fault == nil || r.Began {
		t.Errorf("%+v", r)
	}
	m = MediaMeter()
	m.Body([]byte(`{"error":{"message":"no","type":"server_error"}}`))
	if m.Read().Fault == nil {
		t.Error("an error in the body was not seen")
	}
}

func TestMediaMeterAllocations(t *testing.T) {
	m := MediaMeter()
	f := frame.Frame{Data: []byte(`{"type":"speech.audio.delta","audio":"` + strings.Repeat("A", 4096) + `"}`)}
	if n := testing.AllocsPerRun(100, func() { m.Frame(f) }); n > 0 {
		t.Errorf("a piece of sound costs %v allocations", n)
	}
}

func TestFormedAllocations(t *testing.T) {
	form := formedCall(formType, formBody(sound, field("model", "alias"), "@--", ""))
	json := formedCall("application/json", `{"model":"alias","prompt":"a cat","n":1}`)
	buf := make([]byte, 0, 4096)
	for name, c := range map[string]struct {
		call dialect.Call
		most float64
	}{"json": {json, 1}, "form": {form, 24}} { // the model's name; a form's boundary and headers too
		if n := testing.AllocsPerRun(100, func() {
			if _, err := PeekFormed(&c.call, true); err != nil {
				t.Fatal(err)
			}
			if _, err := EditFormed(buf, c.call, dialect.Edit{Model: "other"}); err != nil {
				t.Fatal(err)
			}
		}); n > c.most {
			t.Errorf("%s: %v allocations, at most %v are allowed", name, n, c.most)
		}
	}
}

func TestMilliseconds(t *testing.T) {
	for in, want := range map[string]int64{"4": 4000, "0.5": 500, "3.7001": 3701, "3.1499999999999995": 3150, "12.250": 12250, "-1": -1, "1e3": -1, `"4"`: -1, "": -1} {
		if got, ok := milliseconds([]byte(in)); ok != (want >= 0) || ok && got != want {
			t.Errorf("%s: %d, %v", in, got, ok)
		}
	}
}

func FuzzPeekFormed(f *testing.F) {
	f.Add(formType, formBody(sound, field("model", "m"), field("stream", "true"), "@--", ""))
	f.Add("application/json", `{"model":"m","stream":true,"n":1}`)
	f.Fuzz(func(t *testing.T, ct, body string) {
		call := formedCall(ct, body)
		h, err := PeekFormed(&call, true)
		if err != nil {
			if f := fault.Of(err); f.Kind == fault.Internal {
				t.Fatal(err)
			}
			return
		}
		got, err := EditFormed(nil, call, dialect.Edit{Model: "another"})
		if err != nil {
			return
		}
		again := formedCall(ct, string(got.Body))
		h2, err := PeekFormed(&again, true)
		h.Model = "another"
		if err != nil || h2 != h {
			t.Fatalf("after the edit %+v, %v, want %+v", h2, err, h)
		}
	})
}

func FuzzMediaMeter(f *testing.F) {
	f.Add(`{"type":"image_generation.completed","usage":{"input_tokens":1,"input_tokens_details":{"image_tokens":1}}}`)
	f.Add(`{"text":"a","usage":{"type":"duration","seconds":4.25}}`)
	f.Add(`{"text":0,"usage":{"seconds":00!`)
	f.Fuzz(func(t *testing.T, data string) {
		m := MediaMeter()
		m.Frame(frame.Frame{Data: []byte(data)})
		m.Body([]byte(data))
		if u := m.Read().Usage; u != nil && (u.Input < 0 || u.Output < 0 || u.Heard < 0) {
			t.Fatalf("%+v", u)
		}
	})
}
