package engine

import (
	"encoding/base64"
	"net/http"

	"weir/internal/fault"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// Mistral answers for speech with JSON that holds the sound in base64, where OpenAI's SDKs read sound. Its own SDK asks
// in other words, and gets the answer as it is.

// soundTypes are the media types of sound by the word for its form.
var soundTypes = map[string]string{
	"": "audio/mpeg", "mp3": "audio/mpeg", "wav": "audio/wav", "flac": "audio/flac", "opus": "audio/ogg", "pcm": "audio/pcm", "aac": "audio/aac",
}

// wantsSound reports whether an answer of JSON is to be one of sound: the client asked in OpenAI's words.
func (c *call) wantsSound(t *try, contentType string) bool {
	if c.x.Op != llm.OpSpeech || t.up.Name() != llm.OpenAIAudio || opaque(t.up, c.x.Op, contentType) {
		return false
	}
	ours := false
	for name, v := range rawjson.Members(t.call.Body) {
		switch string(name) {
		case "voice_id", "ref_audio":
			if !rawjson.IsNull(v) {
				return false
			}
		case "voice":
			ours = true
		}
	}
	return ours
}

// passSound relays an answer of JSON, as sound where it holds some.
func (c *call) passSound(t *try, resp *http.Response) *fault.Fault {
	buf := newBuffer()
	defer buf.release()
	if f := c.readAnswer(t, resp, buf); f != nil {
		return f
	}
	meter := meterFor(t, resp)
	reading := meter.Read()
	defer c.read(t, reading)
	meter.Body(buf.b)
	if reading.Fault != nil {
		return reading.Fault
	}
	sound, err := base64.StdEncoding.DecodeString(rawjson.Text(rawjson.Get(buf.b, "audio_data")))
	if err != nil || len(sound) == 0 {
		return garbage(t)
	}
	format := rawjson.Text(rawjson.Get(t.call.Body, "response_format"))
	typ := soundTypes[format]
	if typ == "" {
		typ = "application/octet-stream"
	}
	resp.Header.Set("Content-Type", typ)
	c.began(t)
	c.passHead(resp, int64(len(sound)), c.lost.add(t.a.Losses))
	c.write(sound)
	if m := c.basis.spoken; m != nil {
		_, _ = m.Write(sound)
	}
	c.done(t, reading)
	return nil
}
