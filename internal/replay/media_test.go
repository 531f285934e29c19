package replay_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"weir/internal/form"
	"weir/internal/gatewaytest"
	"weir/internal/llm"
	"weir/internal/rawjson"
	"weir/internal/replay"
)

// TestPassMedia does for images and sound what TestPass does: forms reach the provider with nothing changed but the
// model's name, sound reaches the client to the byte, and the meter reads what is stated.
func TestPassMedia(t *testing.T) {
	for _, d := range []llm.Dialect{llm.OpenAIImages, llm.OpenAIAudio} {
		t.Run(string(d), func(t *testing.T) {
			all := replay.Load(t, string(d))
			played, forms, sound := 0, 0, 0
			for _, r := range all {
				sent, want := mediaCall(t, r, alias), mediaCall(t, r, "real-model")
				if sent == nil {
					continue // it was stored without the request, or that names no model
				}
				played++
				if form.Is(r.Request.Headers["content-type"]) {
					forms++
				}
				if strings.HasPrefix(r.Response.Headers["content-type"], "audio/") {
					sound++
				}
				passMedia(t, r, d, sent, want)
			}
			t.Logf("%d recordings, %d played at 65 read sizes, of them %d forms and %d answered with sound", len(all), played, forms, sound)
			if played == 0 || d == llm.OpenAIAudio && sound == 0 || forms == 0 {
				t.Error("the recordings show too little")
			}
		})
	}
}

// mediaCall returns a recorded body that asks for another model. Forms that the recorder cut get an end.
func mediaCall(t *testing.T, r *replay.Recording, model string) []byte {
	t.Helper()
	if r.Request == nil {
		return nil
	}
	ct := r.Request.Headers["content-type"]
	if !form.Is(ct) {
		return named(r.Body(), model)
	}
	body := bytes.Clone(r.Request.Base64)
	boundary, err := form.Boundary(ct)
	if err != nil || len(body) == 0 {
		return nil
	}
	if !bytes.HasSuffix(bytes.TrimSpace(body), []byte("--"+boundary+"--")) {
		body = append(body, "\r\n--"+boundary+"--\r\n"...)
	}
	before, rest, ok := bytes.Cut(body, []byte("name=\"model\"\r\n\r\n"))
	_, after, whole := bytes.Cut(rest, []byte("\r\n"))
	if !ok || !whole {
		return nil
	}
	return bytes.Join([][]byte{before, []byte("name=\"model\"\r\n\r\n"), []byte(model), []byte("\r\n"), after}, nil)
}

func passMedia(t *testing.T, r *replay.Recording, d llm.Dialect, sent, want []byte) {
	t.Helper()
	path := r.Endpoint.Path[strings.Index(r.Endpoint.Path, "/v1/"):]
	ct := r.Request.Headers["content-type"]
	up := replay.For(r)
	g := (&gatewaytest.Gateway{Upstream: up, Document: "version: 1\nproviders:\n  up: { base_url: \"http://127.0.0.1:9/v1\", speaks: [" + string(d) + "], api_key: upstream-key }\n" +
		"models:\n  " + alias + ": { targets: [{ provider: up, model: real-model }] }\nkeys: [{ name: test, key: " + gatewaytest.Key + `, models: ["*"] }]` + "\n"}).Start(t)
	for size := range 65 {
		up.Read, up.Seed = size, uint64(size)
		req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, bytes.NewReader(sent))
		req.Header = http.Header{"Authorization": {"Bearer " + gatewaytest.Key}, "Content-Type": {ct}, "Cookie": {"a=b"}}
		w := httptest.NewRecorder()
		g.Handler.ServeHTTP(w, req)
		seen := up.Last()
		if !bytes.Equal(seen.Body, want) || !strings.HasSuffix(seen.URL, path) || seen.Header.Get("Content-Type") != ct {
			t.Fatalf("%s: the provider got %s %s\n%.500q\nwant\n%.500q", r.ID, seen.URL, seen.Header.Get("Content-Type"), seen.Body, want)
		}
		if s := fmt.Sprint(seen.Header); strings.Contains(s, gatewaytest.Key) || seen.Header.Get("Cookie") != "" {
			t.Fatalf("%s: headers went up that must not: %v", r.ID, seen.Header)
		}
		answer, kind := up.Body, r.Response.Headers["content-type"]
		if r.Provider == "mistral" && r.Operation == "speech" { // its JSON is the sound that was asked for in OpenAI's words
			answer, _ = base64.StdEncoding.DecodeString(rawjson.Text(rawjson.Get(up.Body, "audio_data")))
			kind = "audio/mpeg"
		}
		if w.Code != up.Status || !bytes.Equal(w.Body.Bytes(), answer) || w.Header().Get("Content-Type") != kind {
			t.Fatalf("%s, read size %d: status %d, want %d; %s; the answer differs:\n%.500q\nwant\n%.500q", r.ID, size, w.Code, up.Status, w.Header().Get("Content-Type"), w.Body, up.Body)
		}
	}
	checkMeter(t, r, g.Records())
}
