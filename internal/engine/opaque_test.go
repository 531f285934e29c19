package engine_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"weir/internal/fault"
	"weir/internal/gateway"
	"weir/internal/gatewaytest"
)

// soundDocument is two providers that speak openai-audio and openai-images, and a model at the first or both of them.
const soundDocument = `version: 1
providers:
  one: { base_url: "%s/one/v1", speaks: [openai-audio, openai-images], api_key: k, timeouts: { idle: 300ms } }
  two: { base_url: "%s/two/v1", speaks: [openai-audio, openai-images], api_key: k }
models:
  voice: { targets: [{ provider: one, model: tts }] }
  both: { targets: [{ provider: one, model: tts }, { provider: two, model: tts }] }
keys:
  - { name: test, key: ` + gatewaytest.Key + `, models: ["*"] }
`

func soundGateway(t *testing.T, h http.HandlerFunc) *gatewaytest.Gateway {
	t.Helper()
	up := httptest.NewServer(h)
	t.Cleanup(up.Close)
	return (&gatewaytest.Gateway{Document: fmt.Sprintf(soundDocument, up.URL, up.URL)}).Start(t)
}

const speech = "/v1/audio/speech"

// TestSoundPasses has sound go through as it comes: a piece arrives while the next is not there yet.
func TestSoundPasses(t *testing.T) {
	leaks(t)
	more := make(chan struct{})
	piece := bytes.Repeat([]byte{0xff, 0, '\r', '\n', '{'}, 20000)
	g := soundGateway(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if string(body) != `{"model":"tts","input":"hello"}` || r.URL.Path != "/one/v1/audio/speech" {
			t.Errorf("%s got %s", r.URL.Path, body)
		}
		w.Header().Set("Content-Type", "audio/mpeg")
		_, _ = w.Write(piece)
		w.(http.Flusher).Flush()
		<-more
		_, _ = w.Write(piece)
	})
	resp := g.Post(t, speech, `{"model":"voice","input":"hello"}`)
	defer func() { _ = resp.Body.Close() }()
	first := make([]byte, len(piece))
	if _, err := io.ReadFull(resp.Body, first); err != nil || !bytes.Equal(first, piece) {
		t.Fatalf("the first piece: %v", err)
	}
	close(more)
	rest, err := io.ReadAll(resp.Body)
	if err != nil || !bytes.Equal(rest, piece) || resp.Header.Get("Content-Type") != "audio/mpeg" || resp.Header.Get("X-Weir-Target") != "one/tts" {
		t.Fatalf("%d %v, %d bytes, %v", resp.StatusCode, err, len(rest), resp.Header)
	}
	x := g.Wait(t, 1)[0]
	if x.Ending != gateway.Done || x.Usage != nil || x.Op != "speech" || x.BytesOut != int64(2*len(piece)) || x.FirstEvent == 0 || x.Unpriced != "no prices are known of this provider" {
		t.Errorf("%+v", x)
	}
}

// TestSoundBreaksOff has answers end too early: the client sees it, whatever the framing, and the record says so.
func TestSoundBreaksOff(t *testing.T) {
	leaks(t)
	for _, c := range []struct {
		name string
		h    http.HandlerFunc
		kind fault.Kind
	}{
		{"in chunks", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "audio/mpeg")
			_, _ = w.Write([]byte("half"))
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}, fault.Cut},
		{"of a length", func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Content-Type"], w.Header()["Content-Length"] = []string{"audio/mpeg"}, []string{"8"}
			_, _ = w.Write([]byte("half"))
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}, fault.Cut},
		{"silence", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "audio/mpeg")
			_, _ = w.Write([]byte("half"))
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}, fault.Timeout},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := soundGateway(t, c.h)
			resp := g.Post(t, speech, `{"model":"both","input":"hello"}`)
			got, err := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			if !errors.Is(err, io.ErrUnexpectedEOF) || string(got) != "half" || resp.StatusCode != 200 {
				t.Errorf("%d %q, %v: the client cannot tell that half is missing", resp.StatusCode, got, err)
			}
			x := g.Wait(t, 1)[0]
			if x.Ending != gateway.Cut || x.Fault == nil || x.Fault.Kind != c.kind || len(x.Attempts) != 1 || x.Attempts[0].Fault == nil {
				t.Errorf("%v %+v, %d attempts", x.Ending, x.Fault, len(x.Attempts))
			}
		})
	}
}

// TestSoundFromAnother has the first target fail before a byte of sound: the second answers.
func TestSoundFromAnother(t *testing.T) {
	leaks(t)
	for name, bad := range map[string]func(w http.ResponseWriter){
		"cut":     func(w http.ResponseWriter) { w.(http.Flusher).Flush(); panic(http.ErrAbortHandler) },
		"nothing": func(http.ResponseWriter) {},
		"a page": func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = w.Write([]byte("<html>"))
		},
		"an error": func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(500)
			_, _ = w.Write([]byte(`{"error":{"message":"no"}}`))
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := soundGateway(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "audio/wav")
				if strings.HasPrefix(r.URL.Path, "/one") {
					bad(w)
					return
				}
				_, _ = w.Write([]byte("sound"))
			})
			resp := g.Post(t, speech, `{"model":"both","input":"hello"}`)
			got, err := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			if err != nil || string(got) != "sound" || resp.Header.Get("X-Weir-Target") != "two/tts" {
				t.Errorf("%d %q, %v", resp.StatusCode, got, err)
			}
			resp = g.Post(t, speech, `{"model":"voice","input":"hello"}`)
			got, err = io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			if err != nil || resp.StatusCode < 500 || !bytes.Contains(got, []byte(`"error"`)) {
				t.Errorf("alone: %d %q, %v", resp.StatusCode, got, err)
			}
		})
	}
}

// TestSoundWithoutALength is answered by a provider of HTTP/1.0: only the end of the connection ends the answer, and the
// client is told no more than that.
func TestSoundWithoutALength(t *testing.T) {
	leaks(t)
	g := soundGateway(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = conn.Write([]byte("HTTP/1.0 200 OK\r\nContent-Type: audio/wav\r\n\r\nsound"))
		_ = conn.Close()
	})
	conn, err := net.Dial("tcp", strings.TrimPrefix(g.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	const body = `{"model":"voice","input":"hello"}`
	_, _ = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", speech, gatewaytest.Key, len(body), body)
	_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	raw, err := io.ReadAll(conn)
	head, got, _ := strings.Cut(string(raw), "\r\n\r\n")
	if err != nil || got != "sound" || strings.Contains(head, "chunked") || strings.Contains(head, "Content-Length") || !strings.Contains(head, "Connection: close") {
		t.Errorf("%v\n%s", err, raw)
	}
}

// TestFormPasses sends a form: all of it reaches the provider, with the model's name replaced.
func TestFormPasses(t *testing.T) {
	leaks(t)
	form := func(model string) string {
		return "--x'y\r\nContent-Disposition: form-data; name=\"file\"; filename=\"ä.wav\"\r\nContent-Type: audio/wav\r\n\r\nRIFF\x00\xff\r\n\r\n--x'y" +
			"\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\n" + model + "\r\n--x'y--\r\n"
	}
	var got, kind string
	g := soundGateway(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got, kind = string(body), r.Header.Get("Content-Type")
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write([]byte("1\n00:00:00,000 --> 00:00:01,000\nhello\n"))
	})
	const ct = `multipart/form-data; boundary="x'y"`
	for _, path := range []string{"/v1/audio/transcriptions", "/v1/audio/translations"} {
		resp := g.Post(t, path, form("voice"), "Content-Type", ct)
		answer, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode != 200 || !strings.HasSuffix(string(answer), "hello\n") || resp.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
			t.Errorf("%d %s %v", resp.StatusCode, answer, err)
		}
		if got != form("tts") || kind != ct {
			t.Errorf("the provider got %s\n%q", kind, got)
		}
	}
	if x := g.Wait(t, 2)[1]; x.Unpriced == "" || x.Cost != 0 {
		t.Errorf("%+v", x)
	}
	for _, c := range []struct {
		path, ct, body string
		status         int
		says           string
	}{
		{"/v1/audio/speech", ct, form("voice"), 415, "application/json"},
		{"/v1/chat/completions", ct, form("voice"), 415, "application/json"},
		{"/v1/images/generations", ct, form("voice"), 415, "application/json"},
		{"/v1/audio/transcriptions", ct, form(""), 400, "model"},
		{"/v1/audio/transcriptions", ct, strings.Replace(form("voice"), "--x'y--", "--x'y\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nother\r\n--x'y--", 1), 400, "more than once"},
		{"/v1/audio/transcriptions", ct, form("voice")[:60], 400, "breaks off"},
		{"/v1/images/edits", "multipart/form-data; boundary=z", form("voice"), 400, "does not begin"},
		{"/v1/images/edits", ct, form("nobody/x"), 404, "nobody/x"},
	} {
		resp := g.Post(t, c.path, c.body, "Content-Type", c.ct)
		answer, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != c.status || !strings.Contains(string(answer), c.says) || !strings.Contains(string(answer), `"error"`) {
			t.Errorf("%s: %d %s, want %d that says %q", c.path, resp.StatusCode, answer, c.status, c.says)
		}
	}
	req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/audio/transcriptions", strings.NewReader(form("voice")))
	req.Header = http.Header{"Authorization": {"Bearer " + gatewaytest.Key}, "Content-Type": {ct, "multipart/form-data; boundary=z"}}
	w := httptest.NewRecorder()
	if g.Handler.ServeHTTP(w, req); w.Code != 415 {
		t.Errorf("two content types: %d %s", w.Code, w.Body)
	}
}

// TestSecondsAreCharged has a transcript counted in seconds, at a price by the second.
func TestSecondsAreCharged(t *testing.T) {
	const doc = `version: 1
providers:
  groq: { base_url: "%s/v1", speaks: [openai-audio], api_key: k }
keys: [{ name: test, key: ` + gatewaytest.Key + `, models: ["*"] }]
`
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"text":"a","usage":{"type":"duration","seconds":3600}}`))
	}))
	t.Cleanup(up.Close)
	g := (&gatewaytest.Gateway{Document: fmt.Sprintf(doc, up.URL)}).Start(t)
	resp := g.Post(t, "/v1/audio/transcriptions", `{"model":"groq/whisper-large-v3"}`)
	_ = resp.Body.Close()
	x := g.Wait(t, 1)[0]
	if x.Usage == nil || x.Usage.Heard != 3600*1000 || x.Cost == 0 || x.Unpriced != "" {
		t.Errorf("%+v cost %d, %q", x.Usage, x.Cost, x.Unpriced)
	}
}

// TestClientLeavesSound has the client go in the middle: the provider is let go of, and the record says why.
func TestClientLeavesSound(t *testing.T) {
	leaks(t)
	let := make(chan struct{})
	g := soundGateway(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "audio/mpeg")
		_, _ = w.Write([]byte("half"))
		w.(http.Flusher).Flush()
		<-r.Context().Done()
		close(let)
	})
	resp := g.Post(t, speech, `{"model":"two/tts","input":"hello"}`)
	if _, err := io.ReadFull(resp.Body, make([]byte, 4)); err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	select {
	case <-let:
	case <-time.After(10 * time.Second):
		t.Fatal("the provider is still asked")
	}
	if x := g.Wait(t, 1)[0]; x.Ending != gateway.ClientGone {
		t.Errorf("%v %v", x.Ending, x.Fault)
	}
}

// TestFormsAreBounded has a form over limits.body refused as any other body.
func TestFormsAreBounded(t *testing.T) {
	g := soundGateway(t, func(http.ResponseWriter, *http.Request) { t.Error("it was sent") })
	body := "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n" + strings.Repeat("x", 33<<20) + "\r\n--b--\r\n"
	resp := g.Post(t, "/v1/audio/transcriptions", body, "Content-Type", "multipart/form-data; boundary=b")
	got, _ := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if resp.StatusCode != 413 || !strings.Contains(string(got), "limits.body") {
		t.Errorf("%d %s", resp.StatusCode, got)
	}
}
