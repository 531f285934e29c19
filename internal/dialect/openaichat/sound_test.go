package openaichat

import (
	"bytes"
	"testing"

	"weir/internal/llm"
	"weir/internal/rawjson"
)

// TestSoundHasAnID gives the sound of another dialect's answer an id, whole and streamed the same, by which clients tell
// sounds apart.
func TestSoundHasAnID(t *testing.T) {
	answer := &llm.Response{ID: "r1", Model: "m", From: llm.GeminiGenerate, Choices: []llm.Choice{
		{Parts: []llm.Part{{Kind: llm.PartAudio, Media: &llm.Blob{Data: "AAAA"}}}, Stop: llm.Stop{Reason: llm.StopEnd}},
		{Parts: []llm.Part{{Kind: llm.PartAudio, Media: &llm.Blob{Data: "BBBB"}}}, Stop: llm.Stop{Reason: llm.StopEnd}},
	}}
	whole, _, err := codec{}.EncodeResponse(&llm.Request{From: llm.OpenAIChat}, answer)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, c := range rawjson.Elems(rawjson.Get(whole, "choices")) {
		want := []string{"audio_r1", "audio_r1_1"}[n]
		if id := rawjson.Text(rawjson.Get(c, "message", "audio", "id")); id != want {
			t.Errorf("choice %d has the sound %q, want %q", n, id, want)
		}
		n++
	}
	var streamed []byte
	for f, err := range (codec{}).EncodeStream(&llm.Request{From: llm.OpenAIChat, Stream: true}, llm.Replay(answer), func(llm.Loss) {}) {
		if err != nil {
			t.Fatal(err)
		}
		streamed = append(streamed, f.Raw...)
	}
	for _, want := range []string{`"audio":{"id":"audio_r1"}`, `"audio":{"id":"audio_r1_1"}`} {
		if n != 2 || bytes.Count(streamed, []byte(want)) != 1 {
			t.Errorf("no %s in %s", want, streamed)
		}
	}
}
