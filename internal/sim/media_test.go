package sim_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"image"
	_ "image/jpeg" // decodes
	_ "image/png"
	"net/http"
	"strings"
	"testing"

	"weir/internal/sim"
)

const mediaForm = "multipart/form-data; boundary=xyz"

// parts writes a form; a name with a colon is a field's and a file's.
func parts(pairs ...string) string {
	var b strings.Builder
	for i := 0; i < len(pairs); i += 2 {
		name, file, is := strings.Cut(pairs[i], ":")
		b.WriteString("--xyz\r\nContent-Disposition: form-data; name=\"" + name + "\"")
		if is {
			b.WriteString("; filename=\"" + file + "\"\r\nContent-Type: application/octet-stream")
		}
		b.WriteString("\r\n\r\n" + pairs[i+1] + "\r\n")
	}
	return b.String() + "--xyz--\r\n"
}

// picture decodes what an answer holds.
func picture(t *testing.T, b64 any) (format string, size image.Point) {
	t.Helper()
	text, _ := b64.(string)
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	p, format, err := image.Decode(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	return format, p.Bounds().Size()
}

func TestImages(t *testing.T) {
	schemas := openAPI(t, "openai/openapi.yaml", "ImagesResponse", "ImageGenPartialImageEvent", "ImageGenCompletedEvent", "ImageEditCompletedEvent")
	r := start(t, &sim.Provider{})
	const path = "/v1/images/generations"
	_, text, _ := r.do(path, `{"model":"sim-image","prompt":"a cat","n":2,"size":"1024x1536"}`)
	valid(t, schemas["ImagesResponse"], path, text)
	got := decode(t, text)
	if format, size := picture(t, at(got, "data", 1, "b64_json")); format != "png" || size != (image.Point{X: 1024, Y: 1536}) {
		t.Errorf("%s of %v", format, size)
	}
	if at(got, "data", 0, "b64_json") == at(got, "data", 1, "b64_json") || at(got, "usage", "output_tokens") != 500.0 {
		t.Errorf("%v", got["usage"])
	}
	url, _ := at(r.ok(path, `{"model":"sim-image","prompt":"a cat","response_format":"url","output_format":"jpeg"}`), "data", 0, "url").(string)
	if b64, is := strings.CutPrefix(url, "data:image/jpeg;base64,"); !is {
		t.Errorf("%.80s", url)
	} else if format, _ := picture(t, b64); format != "jpeg" {
		t.Error(format)
	}
	_, text, _ = r.do(path, `{"model":"sim-image","prompt":"a cat","stream":true,"partial_images":2}`)
	events := dataOf(text)
	if len(events) != 3 {
		t.Fatalf("%d events in %.300s", len(events), text)
	}
	valid(t, schemas["ImageGenPartialImageEvent"], "partial", events[1])
	valid(t, schemas["ImageGenCompletedEvent"], "completed", events[2])

	raw, err := base64.StdEncoding.DecodeString(at(r.ok(path, `{"model":"sim-image","prompt":"a cat"}`), "data", 0, "b64_json").(string))
	if err != nil {
		t.Fatal(err)
	}
	res, text, _ := r.do("/v1/images/edits", parts("model", "sim-image", "prompt", "hat", "image[]:a.png", string(raw), "image[]:b.png", string(raw), "stream", "true"), "Content-Type", mediaForm)
	if res.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", res.StatusCode, text)
	}
	valid(t, schemas["ImageEditCompletedEvent"], "edited", dataOf(text)[0])
	if n := at(decode(t, dataOf(text)[0]), "usage", "input_tokens_details", "image_tokens"); n != 500.0 {
		t.Errorf("two images count %v", n)
	}
	_, text, _ = r.do("/v1/images/variations", parts("model", "sim-image", "image:a.png", string(raw)), "Content-Type", mediaForm)
	valid(t, schemas["ImagesResponse"], "variation", text)
	_, text, _ = r.do("/v1/images/edits", `{"model":"sim-image","prompt":"hat","images":[{"image_url":"https://x/y.png"}]}`)
	valid(t, schemas["ImagesResponse"], "edit in JSON", text)
}

// dataOf returns the data of a stream's events.
func dataOf(text string) []string {
	var out []string
	for line := range strings.Lines(text) {
		if data, is := strings.CutPrefix(line, "data: "); is {
			out = append(out, strings.TrimSpace(data))
		}
	}
	return out
}

func TestAudio(t *testing.T) {
	schemas := openAPI(t, "openai/openapi.yaml", "SpeechAudioDeltaEvent", "SpeechAudioDoneEvent", "TranscriptTextDeltaEvent", "TranscriptTextDoneEvent",
		"CreateTranscriptionResponseJson", "CreateTranscriptionResponseVerboseJson")
	r := start(t, &sim.Provider{})
	const path = "/v1/audio/speech"
	const say = `{"model":"sim-voice","voice":"alloy","input":"How do you do? I am simulated."`
	res, wav, _ := r.do(path, say+`,"response_format":"wav"}`)
	if n := binary.LittleEndian.Uint32([]byte(wav[40:44])); res.Header.Get("Content-Type") != "audio/wav" || !strings.HasPrefix(wav, "RIFF") || int(n) != len(wav)-44 {
		t.Errorf("%s, %d bytes that say %d", res.Header.Get("Content-Type"), len(wav), n)
	}
	res, mp3, _ := r.do(path, say+`}`)
	if res.Header.Get("Content-Type") != "audio/mpeg" || len(mp3)%417 != 0 || !strings.HasPrefix(mp3[417:], "\xff\xfb\x90\x64") {
		t.Errorf("%s, %d bytes", res.Header.Get("Content-Type"), len(mp3))
	}
	_, text, _ := r.do(path, say+`,"stream_format":"sse"}`)
	events := dataOf(text)
	valid(t, schemas["SpeechAudioDeltaEvent"], "delta", events[0])
	valid(t, schemas["SpeechAudioDoneEvent"], "done", events[len(events)-1])
	if _, half, err := r.do(path, strings.Replace(say, "sim-voice", "sim-cut", 1)+`}`); err == nil || len(half) == 0 || len(half) >= len(mp3) {
		t.Errorf("%d of %d bytes, %v", len(half), len(mp3), err)
	}

	const hear = "/v1/audio/transcriptions"
	for format, want := range map[string]string{"json": `{"text":"A simulated transcript of a.wav: `, "text": "A simulated", "srt": "1\n00:00:00,000 --> 00:00:0", "vtt": "WEBVTT\n\n00:", "verbose_json": `{"task":"transcribe"`} {
		res, text, _ := r.do(hear, parts("model", "sim-transcribe", "response_format", format, "file:a.wav", wav), "Content-Type", mediaForm)
		if res.StatusCode != http.StatusOK || !strings.HasPrefix(text, want) {
			t.Errorf("%s: %d %s", format, res.StatusCode, text)
		}
		if format == "json" {
			valid(t, schemas["CreateTranscriptionResponseJson"], format, text)
		}
		if format == "verbose_json" {
			valid(t, schemas["CreateTranscriptionResponseVerboseJson"], format, text)
		}
	}
	_, text, _ = r.do(hear, parts("model", "sim-transcribe", "stream", "true", "file:a.wav", wav), "Content-Type", mediaForm)
	events = dataOf(text)
	valid(t, schemas["TranscriptTextDeltaEvent"], "delta", events[0])
	valid(t, schemas["TranscriptTextDoneEvent"], "done", events[len(events)-2])
	if events[len(events)-1] != "[DONE]" {
		t.Error(events[len(events)-1])
	}
}

// TestStrictMedia: what OpenAI refuses is refused, naming the place.
func TestStrictMedia(t *testing.T) {
	r := start(t, &sim.Provider{})
	const wav = "RIFF0000WAVEfmt 00000000000000000000000000000000000000"
	for _, c := range []struct{ path, body, want string }{
		{"images/generations", `{"model":"sim-image"}`, "Missing required parameter: 'prompt'"},
		{"images/generations", `{"model":"sim-image","prompt":""}`, "empty string"},
		{"images/generations", `{"model":"sim-image","prompt":"a","size":"3x3"}`, "Invalid value: '3x3'"},
		{"images/generations", `{"model":"sim-image","prompt":"a","n":11}`, "Invalid value for 'n'"},
		{"images/generations", `{"model":"sim-image","prompt":"a","foo":1}`, "Unknown parameter: 'foo'"},
		{"images/generations", `{"model":"sim-image","prompt":"a","stream":"true"}`, "'stream'"},
		{"images/generations", `{"model":"sim-image","prompt":"a","partial_images":1}`, "streams only"},
		{"images/generations", `{"model":"sim-1","prompt":"a"}`, "does not exist"},
		{"images/generations", parts("model", "sim-image", "prompt", "a"), "Unsupported content type"},
		{"images/edits", parts("model", "sim-image", "prompt", "a"), "Missing required parameter: 'image'"},
		{"images/edits", parts("model", "sim-image", "prompt", "a", "image:a.png", "no image"), "Invalid image file"},
		{"images/edits", parts("model", "sim-image", "prompt", "a", "image", "no file"), "Invalid type for 'image'"},
		{"images/variations", parts("model", "sim-image", "prompt", "a", "image:a.png", "x"), "Unknown parameter: 'prompt'"},
		{"audio/speech", `{"model":"sim-voice","input":"a"}`, "Missing required parameter: 'voice'"},
		{"audio/speech", `{"model":"sim-voice","input":"a","voice":5}`, "Invalid type for 'voice'"},
		{"audio/speech", `{"model":"sim-voice","voice":"alloy","input":"` + strings.Repeat("a", 4097) + `"}`, "string too long"},
		{"audio/speech", `{"model":"sim-voice","voice":"alloy","input":"a","speed":5}`, "Invalid value for 'speed'"},
		{"audio/transcriptions", parts("model", "sim-transcribe"), "Missing required parameter: 'file'"},
		{"audio/transcriptions", parts("file:a.wav", wav), "Missing required parameter: 'model'"},
		{"audio/transcriptions", parts("model", "sim-transcribe", "file:a.txt", wav), "Unrecognized file format"},
		{"audio/transcriptions", parts("model", "sim-transcribe", "file:a.wav", "no sound"), "could not be decoded"},
		{"audio/transcriptions", parts("model", "sim-transcribe", "model", "sim-transcribe", "file:a.wav", wav), "Duplicate parameter: 'model'"},
		{"audio/transcriptions", parts("model", "sim-transcribe", "file:a.wav", wav)[:90], "could not parse the form"},
		{"audio/transcriptions", parts("model", "sim-500", "file:a.wav", wav), "had an error"},
		{"audio/translations", parts("model", "sim-transcribe", "stream", "true", "file:a.wav", wav), "Unknown parameter: 'stream'"},
	} {
		ct := "application/json"
		if strings.HasPrefix(c.body, "--") {
			ct = mediaForm
		}
		res, text, _ := r.do("/v1/"+c.path, c.body, "Content-Type", ct)
		if res.StatusCode < 400 || !strings.Contains(text, c.want) || !strings.Contains(text, `"error"`) {
			t.Errorf("%s %.100s: %d %s, want %q", c.path, c.body, res.StatusCode, text, c.want)
		}
	}
}
