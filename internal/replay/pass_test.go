package replay_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"weir/internal/gateway"
	"weir/internal/gatewaytest"
	"weir/internal/replay"
)

const document = `version: 1
providers:
  chat: { base_url: "http://127.0.0.1:9/v1", speaks: [openai-chat, openai-embeddings], api_key: upstream-key }
  messages: { base_url: "http://127.0.0.1:9", speaks: [anthropic-messages], api_key: upstream-key }
models:
%s
keys: [{ name: test, key: ` + gatewaytest.Key + `, models: ["*"] }, { name: strict, key: strict-` + gatewaytest.Key + `, models: ["*"], strict: true }]
`

// path of a dialect's calls.
var path = map[string]string{
	"openai-chat": "/v1/chat/completions", "anthropic-messages": "/v1/messages", "openai-embeddings": "/v1/embeddings",
}

// provider of the document that speaks a dialect.
var speaker = map[string]string{"openai-chat": "chat", "anthropic-messages": "messages", "openai-embeddings": "chat"}

// question returns a request that belongs to a recording, with the name of the model replaced. Answers that were stored
// without their request get a small one.
func question(r *replay.Recording, dialect, alias string) (sent, want []byte) {
	if r.Request == nil || len(r.Request.Body) == 0 || r.Request.Body[0] != '{' {
		stream := ""
		if r.Streaming {
			stream = `,"stream":true`
		}
		extra := `,"messages":[{"role":"user","content":"hello"}]`
		switch dialect {
		case "openai-embeddings":
			extra = `,"input":"hello"`
		case "anthropic-messages":
			extra += `,"max_tokens":1000`
		}
		body := `{"model":%q` + extra + stream + `}`
		return fmt.Appendf(nil, body, alias), fmt.Appendf(nil, body, "real-model")
	}
	want = r.Request.Body
	var m struct {
		Model json.RawMessage `json:"model"`
	}
	if json.Unmarshal(want, &m) != nil || m.Model == nil {
		// Endpoints that carry the model in their path: it is put where our clients must say it.
		want = append([]byte(`{"model":"real-model",`), bytes.TrimLeft(want[1:], " \n")...)
		m.Model = json.RawMessage(`"real-model"`)
	}
	at := modelAt(want)
	sent = append(append(append([]byte{}, want[:at]...), fmt.Sprintf("%q", alias)...), want[at+len(m.Model):]...)
	return sent, want
}

// modelAt finds the offset of the value of the top-level member model.
func modelAt(body []byte) int {
	dec := json.NewDecoder(bytes.NewReader(body))
	depth, name := 0, true
	for {
		tok, err := dec.Token()
		if err != nil {
			return -1
		}
		switch v := tok.(type) {
		case json.Delim:
			if v == '{' || v == '[' {
				depth++
			} else {
				depth--
			}
			name = depth == 1
			continue
		case string:
			if depth == 1 && name && v == "model" {
				at := int(dec.InputOffset())
				return at + bytes.IndexByte(body[at:], '"')
			}
		}
		if depth == 1 {
			name = !name
		}
	}
}

// modelAsked is the model of want.
func modelAsked(want []byte) string {
	var m struct{ Model string }
	_ = json.Unmarshal(want, &m)
	return m.Model
}

// statedUsage finds the usage an answer states: the last value of each token count, in whichever event it stands.
func statedUsage(r *replay.Recording) map[string]int64 {
	out := map[string]int64{}
	take := func(raw []byte) {
		var m struct {
			Usage   map[string]json.RawMessage `json:"usage"`
			Message struct {
				Usage map[string]json.RawMessage `json:"usage"`
			} `json:"message"`
			Groq struct {
				Usage map[string]json.RawMessage `json:"usage"`
			} `json:"x_groq"`
		}
		if json.Unmarshal(raw, &m) != nil {
			return
		}
		for _, u := range []map[string]json.RawMessage{m.Groq.Usage, m.Message.Usage, m.Usage} {
			for k, v := range u {
				var n int64
				if json.Unmarshal(v, &n) == nil && string(v) != "null" {
					out[k] = n
				}
			}
		}
	}
	if !r.Streaming {
		take(r.Answer())
		return out
	}
	for _, line := range strings.FieldsFunc(string(r.Answer()), func(c rune) bool { return c == '\n' || c == '\r' }) {
		if data, ok := strings.CutPrefix(line, "data:"); ok {
			take([]byte(strings.TrimSpace(data)))
		}
	}
	return out
}

// TestPass plays every recording to a client of its own dialect: the request reaches the provider with nothing changed
// but the model's name, the answer reaches the client to the byte at every read size, and the meter reads what it states.
func TestPass(t *testing.T) {
	for _, dialect := range []string{"openai-chat", "anthropic-messages", "openai-embeddings"} {
		t.Run(dialect, func(t *testing.T) {
			all := replay.Load(t, dialect)
			plays := 0
			for _, r := range all {
				sent, want := question(r, dialect, "alias-of-the-model")
				model := modelAsked(want)
				up := replay.For(r)
				g := (&gatewaytest.Gateway{Upstream: up, Document: fmt.Sprintf(document, fmt.Sprintf("  alias-of-the-model: { targets: [{ provider: %s, model: %q }] }", speaker[dialect], model))}).Start(t)
				sizes := []int{0}
				for n := 1; n <= 64; n++ {
					sizes = append(sizes, n)
				}
				if len(up.Body) > 64<<10 && testing.Short() {
					sizes = []int{0, 1, 64}
				}
				for _, size := range sizes {
					up.Read, up.Seed = size, uint64(size)
					plays++
					req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path[dialect], bytes.NewReader(sent))
					req.Header.Set("Authorization", "Bearer "+gatewaytest.Key)
					req.Header.Set("Cookie", "a=b")
					req.Header.Set("X-Forwarded-For", "10.0.0.1")
					w := httptest.NewRecorder()
					g.Handler.ServeHTTP(w, req)
					seen := up.Last()
					if !bytes.Equal(seen.Body, want) {
						t.Fatalf("%s: the provider got\n%s\nwant\n%s", r.ID, seen.Body, want)
					}
					if s := fmt.Sprint(seen.Header); strings.Contains(s, gatewaytest.Key) || seen.Header.Get("Cookie") != "" || seen.Header.Get("X-Forwarded-For") != "" {
						t.Fatalf("%s: headers went up that must not: %v", r.ID, seen.Header)
					}
					if w.Code != up.Status || !bytes.Equal(w.Body.Bytes(), up.Body) {
						t.Fatalf("%s, read size %d: status %d, want %d; the answer differs:\n%.2000s\nwant\n%.2000s", r.ID, size, w.Code, up.Status, w.Body, up.Body)
					}
					if got, want := w.Header().Get("Content-Type"), r.Response.Headers["content-type"]; want != "" && got != want {
						t.Fatalf("%s: content type %q, want %q", r.ID, got, want)
					}
				}
				checkMeter(t, r, g.Records())
			}
			t.Logf("%d recordings, %d plays, all to the byte", len(all), plays)
		})
	}
}

// checkMeter compares the usage in the records with what the answer states.
func checkMeter(t *testing.T, r *replay.Recording, records []*gateway.Exchange) {
	t.Helper()
	stated := statedUsage(r)
	for _, x := range records {
		u := x.Usage
		if len(stated) == 0 {
			if u != nil && (u.Input != 0 || u.Output != 0) {
				t.Errorf("%s: usage %+v read where none is stated", r.ID, u)
			}
			continue
		}
		input, output := stated["prompt_tokens"], stated["completion_tokens"]
		if _, ok := stated["input_tokens"]; ok && stated["prompt_tokens"] == 0 {
			input = stated["input_tokens"] + stated["cache_read_input_tokens"] + stated["cache_creation_input_tokens"]
			output = stated["output_tokens"]
		}
		if u == nil || u.Input != input || u.Output != output {
			t.Errorf("%s: the meter reads %+v, the answer states %v", r.ID, u, stated)
			return
		}
	}
}

// TestPassOverSockets plays every recording once over real connections, both sides.
func TestPassOverSockets(t *testing.T) {
	for _, dialect := range []string{"openai-chat", "anthropic-messages"} {
		t.Run(dialect, func(t *testing.T) {
			for _, r := range replay.Load(t, dialect) {
				sent, want := question(r, dialect, "alias")
				up := replay.For(r)
				g := (&gatewaytest.Gateway{Upstream: up, Document: fmt.Sprintf(document, fmt.Sprintf("  alias: { targets: [{ provider: %s, model: %q }] }", speaker[dialect], modelAsked(want)))}).Start(t)
				resp := g.Post(t, path[dialect], string(sent))
				got, err := io.ReadAll(resp.Body)
				_ = resp.Body.Close()
				if err != nil || resp.StatusCode != up.Status || !bytes.Equal(got, up.Body) {
					t.Errorf("%s: %d %v, the answer differs", r.ID, resp.StatusCode, err)
				}
			}
		})
	}
}
