package engine_test

import (
	"io"
	"net/http"
	"testing"

	"weir/internal/gatewaytest"
	"weir/internal/replay"
)

// TestSoundInJSON: who asks for speech in OpenAI's words gets sound from a provider that answers with JSON, and who asks
// in that provider's words gets its answer as it is.
func TestSoundInJSON(t *testing.T) {
	const inJSON = `{"audio_data":"c291bmQ=","usage":{"prompt_tokens":3,"total_tokens":3}}`
	for _, c := range []struct{ body, answer, want, kind string }{
		{`{"model":"mistral/m","input":"Hello","voice":"v"}`, inJSON, "sound", "audio/mpeg"},
		{`{"model":"mistral/m","input":"Hello","voice":"v","response_format":"wav"}`, inJSON, "sound", "audio/wav"},
		{`{"model":"mistral/m","input":"Hello","voice":"v","response_format":"odd"}`, inJSON, "sound", "application/octet-stream"},
		{`{"model":"mistral/m","input":"Hello","voice_id":"v"}`, inJSON, inJSON, "application/json"},
		{`{"model":"mistral/m","input":"Hello","voice":"v","ref_audio":"aGk="}`, inJSON, inJSON, "application/json"},
		{`{"model":"mistral/m","input":"Hello"}`, inJSON, inJSON, "application/json"},
		{`{"model":"mistral/m","input":"Hello","voice":"v"}`, `{"audio_data":"?"}`, "", "application/json"},
		{`{"model":"mistral/m","input":"Hello","voice":"v"}`, `{"odd":1}`, "", "application/json"},
	} {
		up := &replay.Upstream{Status: 200, Header: map[string]string{"content-type": "application/json"}, Body: []byte(c.answer)}
		g := (&gatewaytest.Gateway{Upstream: up, Document: `version: 1
providers: { mistral: { api_key: k } }
keys: [{ name: test, key: ` + gatewaytest.Key + `, models: ["*"] }]
`}).Start(t)
		resp := g.Post(t, "/v1/audio/speech", c.body)
		body, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if kind := resp.Header.Get("Content-Type"); kind != c.kind || c.want != "" && string(body) != c.want || c.want == "" && resp.StatusCode != http.StatusBadGateway {
			t.Errorf("%s: %d %s %s, want %q", c.body, resp.StatusCode, kind, body, c.want)
		}
		if x := g.Wait(t, 1)[0]; c.want != "" && (x.Usage == nil || x.Usage.Input != 3) {
			t.Errorf("%s: usage %+v", c.body, x.Usage)
		}
	}
}
