// Package openaiaudio passes OpenAI's sound: POST /v1/audio/speech, which is asked for in JSON and answered with sound or
// with a stream of events that hold it, and POST /v1/audio/transcriptions and /v1/audio/translations, which bring the
// sound in a form and are answered with JSON, plain text or a stream of events. It has the cheap face only.
package openaiaudio

import (
	"strings"

	"weir/internal/dialect"
	"weir/internal/dialect/openai"
	"weir/internal/llm"
)

// Where the dialect is spoken.
const (
	Speech         = "/v1/audio/speech"
	Transcriptions = "/v1/audio/transcriptions"
	Translations   = "/v1/audio/translations"
)

type audio struct{ openai.Faults }

// New returns the dialect. It holds no state and is safe for concurrent use.
func New() dialect.Dialect { return audio{} }

// Name implements dialect.Dialect.
func (audio) Name() llm.Dialect { return llm.OpenAIAudio }

// Forms implements dialect.Former.
func (audio) Forms(op llm.Op) bool { return op == llm.OpTranscription }

// Opaque implements dialect.Opaquer: speech is sound, and a transcript may be plain text or subtitles. A web page is
// no answer.
func (audio) Opaque(op llm.Op, contentType string) bool {
	typ, _, _ := strings.Cut(strings.ToLower(contentType), ";")
	switch typ = strings.TrimSpace(typ); {
	case op == llm.OpSpeech:
		return strings.HasPrefix(typ, "audio/") || strings.HasPrefix(typ, "video/") || typ == "application/octet-stream" || typ == "application/ogg"
	case op == llm.OpTranscription:
		return strings.HasPrefix(typ, "text/") && typ != "text/html" && typ != "text/event-stream" || typ == "application/x-subrip"
	}
	return false
}

// Peek implements dialect.Dialect.
func (d audio) Peek(c *dialect.Call) (llm.Head, error) { return openai.PeekFormed(c, d.Forms(c.Op)) }

// Edit implements dialect.Dialect.
func (audio) Edit(dst []byte, c dialect.Call, e dialect.Edit) (dialect.Call, error) {
	return openai.EditFormed(dst, c, e)
}

// Meter implements dialect.Dialect.
func (audio) Meter() dialect.Meter { return openai.MediaMeter() }

// Codec implements dialect.Dialect.
func (audio) Codec() dialect.Codec { return nil }
