package openai

import (
	"testing"

	"weir/internal/dialect"
	"weir/internal/frame"
)

// TestMade counts the images of an answer, of a stream those that are complete.
func TestMade(t *testing.T) {
	for body, want := range map[string]dialect.Made{
		`{"created":1,"data":[{"url":"a"},{"b64_json":"aGk="}]}`:                 {Images: 2},
		`{"data":[{"url":"a"}],"size":"1024x1536","quality":"low","usage":null}`: {Images: 1, Size: "1024x1536", Quality: "low"},
		`{"text":"hello"}`: {},
		`{"data":[]}`:      {},
	} {
		m := MediaMeter()
		m.Body([]byte(body))
		if got := m.Read().Made; got != want {
			t.Errorf("%s: %+v, want %+v", body, got, want)
		}
	}
	m := MediaMeter()
	for _, data := range []string{
		`{"type":"image_generation.partial_image","b64_json":"aGk=","size":"256x256"}`,
		`{"type":"image_generation.completed","b64_json":"aGk=","size":"1024x1024","quality":"high","usage":{"input_tokens":1,"output_tokens":2,"total_tokens":3}}`,
		`{"type":"image_edit.completed","b64_json":"aGk=","size":"1024x1024","quality":"high"}`,
		`{"type":"speech.audio.done","usage":{"input_tokens":1}}`,
	} {
		m.Frame(frame.Frame{Data: []byte(data)})
	}
	if got := m.Read().Made; got != (dialect.Made{Images: 2, Size: "1024x1024", Quality: "high"}) {
		t.Errorf("%+v", got)
	}
}
