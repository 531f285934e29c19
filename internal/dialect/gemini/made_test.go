package gemini

import (
	"testing"

	"weir/internal/frame"
)

// TestMade counts the images of an answer, whole and streamed.
func TestMade(t *testing.T) {
	const (
		image = `{"inlineData":{"mimeType":"image/png","data":"AA=="}}`
		draft = `{"thought":true,"inlineData":{"mimeType":"image/png","data":"AA=="}}`
		sound = `{"inlineData":{"mimeType":"audio/wav","data":"AA=="}}`
		said  = `{"text":"\"inlineData\""}`
	)
	chunk := func(parts string) string { return `{"candidates":[{"content":{"parts":[` + parts + `]},"index":0}]}` }
	m := New().Meter()
	m.Body([]byte(chunk(said + "," + draft + "," + image + "," + sound + "," + image)))
	if n := m.Read().Made.Images; n != 2 {
		t.Errorf("%d images in a whole answer", n)
	}
	m = New().Meter()
	for _, parts := range []string{said, draft, image, sound, image} {
		m.Frame(frame.Frame{Data: []byte(chunk(parts))})
	}
	if n := m.Read().Made.Images; n != 2 {
		t.Errorf("%d images in a stream", n)
	}
}
