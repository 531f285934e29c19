package openairealtime

import (
	"bytes"

	"weir/internal/dialect"
	"weir/internal/dialect/openai"
	"weir/internal/fault"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// session reads one session. Its state is of the provider's direction alone.
type session struct {
	transcriber string // the model that transcribes what the client says, as the provider knows it
	answering   bool
}

// tellings are the members by which an event that tells something is found; sound and pieces of text have none of them.
var tellings = rawjson.Look("usage", "error", "session", "response")

// FromProvider implements dialect.Session.
func (s *session) FromProvider(message []byte) dialect.Told {
	var t dialect.Told
	if _, at := tellings.Find(message, 0); at == 0 {
		if bytes.Contains(message, deltaName) {
			t.Event, t.Begun = true, s.answering
		}
		return t
	}
	if rawjson.Check(message) != nil {
		return t
	}
	switch typ := string(typeOf(message)); typ {
	case "response.created":
		s.answering = true
		t.Begun = true
	case "response.done":
		s.answering = false
		s.done(&t, rawjson.Get(message, "response"))
	case "conversation.item.input_audio_transcription.completed":
		s.transcribed(&t, message)
	case "session.created", "session.updated", "transcription_session.created", "transcription_session.updated":
		s.settings(&t, rawjson.Get(message, "session"))
	case "error":
		if t.Fault = openai.ReadFault(0, nil, rawjson.Get(message, "error")); t.Fault.Kind == fault.Upstream && t.Fault.NativeType == "invalid_request_error" {
			t.Fault.Kind = fault.Malformed // it has no status to say so
		}
	}
	return t
}

var deltaName = []byte(`.delta"`)

// done reads an answer that is over. One that failed or was broken off states what it used too.
func (s *session) done(t *dialect.Told, response []byte) {
	t.Over, t.Event = true, true
	t.Stop.Native = rawjson.Text(rawjson.Get(response, "status"))
	if why := rawjson.Text(rawjson.Get(response, "status_details", "reason")); why != "" {
		t.Stop.Native = why
	}
	t.Stop.Reason = stops[t.Stop.Native]
	t.Usage = parted(rawjson.Get(response, "usage"))
	t.Unstated = t.Usage == nil
}

var stops = map[string]llm.StopReason{
	"completed": llm.StopEnd, "max_output_tokens": llm.StopLength, "content_filter": llm.StopFilter,
}

// transcribed reads what it took to transcribe a turn of the client's. It is charged by the price of the model that did.
func (s *session) transcribed(t *dialect.Told, message []byte) {
	t.Usage = openai.DecodeMediaUsage(rawjson.Get(message, "usage"))
	t.Beside, t.Model = true, s.transcriber
}

// settings reads the settings in force.
func (s *session) settings(t *dialect.Told, v []byte) {
	t.ID, t.Model = rawjson.Text(rawjson.Get(v, "id")), rawjson.Text(rawjson.Get(v, "model"))
	name := rawjson.Text(rawjson.Get(v, "audio", "input", "transcription", "model"))
	if name == "" {
		name = rawjson.Text(rawjson.Get(v, "input_audio_transcription", "model"))
	}
	if name != "" {
		s.transcriber = name
	}
}

// parted reads the usage of an answer. Where it tells how much of each kind of input was cached, each kind is a round of
// its own, so that none is taken for another when it is charged.
func parted(v []byte) *llm.Usage {
	u := openai.DecodeMediaUsage(v)
	if u == nil {
		return nil
	}
	u.Extra = nil // what is cached is told below
	cached := rawjson.Get(v, "input_token_details", "cached_tokens_details")
	if rawjson.Kind(cached) != '{' || !u.Has(llm.SaidInput|llm.SaidCacheRead) {
		return u
	}
	count := func(name string) int64 {
		n, _ := rawjson.Int(rawjson.Get(cached, name))
		return max(n, 0)
	}
	audio, image := count("audio_tokens"), count("image_tokens")
	text := llm.Usage{
		Said: llm.SaidInput | llm.SaidCacheRead | llm.SaidOutput | llm.SaidOutputAudio, Input: u.Input - u.InputAudio - u.InputImage,
		CacheRead: u.CacheRead - audio - image, Output: u.Output, OutputAudio: u.OutputAudio, OutputImage: u.OutputImage,
	}
	if audio > u.InputAudio || image > u.InputImage || text.Input < 0 || text.CacheRead < 0 || text.CacheRead > text.Input {
		return u // it does not add up
	}
	rounds := []llm.Usage{text}
	for _, kind := range [...]struct{ audio, image, cached int64 }{{audio: u.InputAudio, cached: audio}, {image: u.InputImage, cached: image}} {
		if n := kind.audio + kind.image; n > 0 {
			rounds = append(rounds, llm.Usage{
				Said: llm.SaidInput | llm.SaidCacheRead, Input: n, InputAudio: kind.audio, InputImage: kind.image, CacheRead: kind.cached,
			})
		}
	}
	if len(rounds) > 1 {
		u.Rounds = rounds
	}
	return u
}
