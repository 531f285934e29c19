package openaiaudio

import (
	"net/http"
	"testing"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/llm"
)

func TestOpaque(t *testing.T) {
	d, _ := New().(dialect.Opaquer)
	for _, c := range []struct {
		op   llm.Op
		ct   string
		want bool
	}{
		{llm.OpSpeech, "audio/mpeg", true},
		{llm.OpSpeech, "Audio/PCM; rate=24000", true},
		{llm.OpSpeech, "application/octet-stream", true},
		{llm.OpSpeech, "text/html", false},
		{llm.OpSpeech, "text/plain", false},
		{llm.OpSpeech, "application/json", false},
		{llm.OpTranscription, "text/plain; charset=utf-8", true},
		{llm.OpTranscription, "text/vtt", true},
		{llm.OpTranscription, "application/x-subrip", true},
		{llm.OpTranscription, "text/html; charset=utf-8", false},
		{llm.OpTranscription, "application/json", false},
		{llm.OpTranscription, "audio/mpeg", false},
	} {
		if got := d.Opaque(c.op, c.ct); got != c.want {
			t.Errorf("%s %s: %v", c.op, c.ct, got)
		}
	}
}

func TestForms(t *testing.T) {
	body := "--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nm\r\n--b--\r\n"
	for op, want := range map[llm.Op]fault.Kind{llm.OpSpeech: fault.MediaType, llm.OpTranscription: 0} {
		c := dialect.Call{Op: op, Header: http.Header{"Content-Type": {"multipart/form-data; boundary=b"}}, Body: []byte(body)}
		h, err := New().Peek(&c)
		if want == 0 && (err != nil || h.Model != "m") || want != 0 && fault.Of(err).Kind != want {
			t.Errorf("%s: %+v, %v", op, h, err)
		}
	}
}
