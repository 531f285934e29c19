package engine_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"weir/internal/fault"
	"weir/internal/gateway"
	"weir/internal/gatewaytest"
	"weir/internal/llm"
	"weir/internal/rawjson"
	"weir/internal/sim"
)

// talkDocument has a provider with prices, one that always fails, and keys with rights of their own.
const talkDocument = `version: 1
providers:
  sim:
    base_url: "http://@SIM@/v1"
    speaks: [openai-realtime]
    api_key: sim
    prices:
      sim-realtime: { input: "$4", cached: "$0.4", audio_input: "$32", cached_audio: "$0.5", output: "$16", audio_output: "$64" }
      ears: { input: "$1.25", audio_input: "$6", output: "$5" }
      whisper-1: { second: "$0.0001" }
  other: { base_url: "http://@SIM@/v1", speaks: [openai-realtime], api_key: sim }
  quick: { base_url: "http://@SIM@/v1", speaks: [openai-realtime], api_key: sim, timeouts: { total: 300ms } }
models:
  talk: { targets: [{ provider: sim, model: sim-realtime }] }
  listener: { targets: [{ provider: sim, model: ears }] }
  safe: { targets: [{ provider: other, model: sim-429 }, { provider: other, model: sim-error-first }, { provider: sim, model: sim-realtime }] }
  brief: { targets: [{ provider: quick, model: sim-realtime }] }
keys:
  - { name: test, key: ` + gatewaytest.Key + `, models: ["*"] }
  - { name: narrow, key: narrow-` + gatewaytest.Key + `, models: [talk] }
`

// side is the client's side of a session.
type side struct {
	*websocket.Conn
	t *testing.T
}

func dialTalk(t *testing.T, url, query string, header http.Header, protocols ...string) (*websocket.Conn, *http.Response, error) {
	t.Helper()
	if header == nil {
		header = http.Header{"Authorization": {"Bearer " + gatewaytest.Key}}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	conn, resp, err := websocket.Dial(ctx, url+"/v1/realtime?"+query, &websocket.DialOptions{HTTPHeader: header, Subprotocols: protocols})
	if err == nil {
		conn.SetReadLimit(-1)
		t.Cleanup(func() { _ = conn.CloseNow() })
	}
	return conn, resp, err
}

func talkTo(t *testing.T, url, model string) side {
	t.Helper()
	conn, _, err := dialTalk(t, url, "model="+model, nil)
	if err != nil {
		t.Fatal(err)
	}
	return side{conn, t}
}

func (s side) say(events ...string) {
	s.t.Helper()
	for _, e := range events {
		if err := s.Write(s.t.Context(), websocket.MessageText, []byte(e)); err != nil {
			s.t.Fatal(err)
		}
	}
}

// until reads events up to one of a type, and returns all of them.
func (s side) until(kind string) (all []string) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 20*time.Second)
	defer cancel()
	for {
		_, event, err := s.Read(ctx)
		if err != nil {
			s.t.Fatalf("%v after %v", err, all)
		}
		all = append(all, string(event))
		if rawjson.Text(rawjson.Get(event, "type")) == kind {
			return all
		}
	}
}

// end reads to the end, and returns the last event and the code it closed with.
func (s side) end() (last string, code websocket.StatusCode) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 20*time.Second)
	defer cancel()
	for {
		_, event, err := s.Read(ctx)
		if err != nil {
			return last, websocket.CloseStatus(err)
		}
		last = string(event)
	}
}

const (
	written  = `{"type":"session.update","session":{"type":"realtime","output_modalities":["text"]}}`
	question = `{"type":"conversation.item.create","item":{"type":"message","role":"user","content":[{"type":"input_text","text":"How deep is the river?"}]}}`
	goOn     = `{"type":"response.create"}`
)

// soundOf is a second of silence.
var soundOf = `{"type":"input_audio_buffer.append","audio":"` + base64.StdEncoding.EncodeToString(make([]byte, 48000)) + `"}`

func last(all []string) string { return all[len(all)-1] }

// TestSession holds a conversation in sound and in text. Its record has what all its answers used and cost together.
func TestSession(t *testing.T) {
	leaks(t)
	g := (&gatewaytest.Gateway{Document: talkDocument}).Start(t)
	s := talkTo(t, g.URL, "talk")
	if created := last(s.until("session.created")); !strings.Contains(created, `"model":"sim-realtime"`) {
		t.Error(created)
	}
	s.say(`{"type":"session.update","session":{"type":"realtime","audio":{"input":{"transcription":{"model":"listener"}}}}}`)
	if updated := last(s.until("session.updated")); !strings.Contains(updated, `"transcription":{"model":"ears"}`) {
		t.Errorf("the declared name did not go up as the target's: %s", updated)
	}
	s.say(soundOf, soundOf, `{"type":"input_audio_buffer.commit"}`, goOn)
	spoken := s.until("response.done")
	if !strings.Contains(strings.Join(spoken, "\n"), `"response.output_audio.delta"`) {
		t.Error("no sound came")
	}
	s.say(written, question, goOn)
	text := s.until("response.done")
	if !strings.Contains(last(text), "How deep is the river?") {
		t.Error(last(text))
	}
	if err := s.Close(websocket.StatusNormalClosure, "bye"); err != nil {
		t.Error(err)
	}
	x := g.Wait(t, 1)[0]
	if x.Ending != gateway.Done || x.Op != llm.OpRealtime || x.Status != 101 || x.Answers != 2 || x.Fault != nil || x.Grant.Key != "test" {
		t.Errorf("%+v", x)
	}
	if x.FirstEvent == 0 || x.FirstByte == 0 || x.BytesIn < 120000 || x.BytesOut < 10000 || x.Model != "sim-realtime" || !strings.HasPrefix(x.AnswerID, "sess_") || x.Stop.Reason != llm.StopEnd {
		t.Errorf("%+v", x)
	}
	var sum llm.Usage
	var cost int64
	for _, done := range []string{last(spoken), last(text)} {
		u := usageOf(t, done)
		sum.Input, sum.Output, sum.InputAudio, sum.OutputAudio, sum.CacheRead = sum.Input+u.Input, sum.Output+u.Output, sum.InputAudio+u.Details.Audio, sum.OutputAudio+u.Out.Audio, sum.CacheRead+u.Details.Cached
		// In millionths of a cent, times ten: the prices of the document by the tokens of each kind.
		kept := u.Details.Kept
		cost += (u.Details.Text-kept.Text)*4000 + kept.Text*400 + (u.Details.Audio-kept.Audio)*32000 + kept.Audio*500 + u.Out.Text*16000 + u.Out.Audio*64000
	}
	if u := x.Usage; u == nil || u.Input != sum.Input || u.Output != sum.Output || u.InputAudio != sum.InputAudio || u.OutputAudio != sum.OutputAudio || u.CacheRead != sum.CacheRead || u.CacheRead == 0 || u.InputAudio == 0 {
		t.Errorf("got %+v, want %+v", x.Usage, sum)
	}
	if len(x.Beside) != 1 || x.Beside[0].Model != "ears" || x.Beside[0].Usage.InputAudio != 21 {
		t.Fatalf("%+v", x.Beside)
	}
	b := x.Beside[0]
	if want := 21*6000 + b.Usage.Output*5000; int64(b.Cost) != want {
		t.Errorf("what transcribes cost %d, want %d", b.Cost, want)
	}
	if int64(x.Cost) != cost+int64(b.Cost) || x.Unpriced != "" || !strings.HasPrefix(x.Price, "sim/sim-realtime of ") {
		t.Errorf("it cost %d (%q, %q), want %d", x.Cost, x.Unpriced, x.Price, cost+int64(b.Cost))
	}
	calls := g.Sim.Calls()
	for end := time.Now().Add(5 * time.Second); !calls[0].Done && time.Now().Before(end); calls = g.Sim.Calls() {
		time.Sleep(time.Millisecond) // the provider's side ends on its own
	}
	if h := calls[0].Header; h.Get("Authorization") != "Bearer sim" || calls[0].Query != "model=sim-realtime" || !calls[0].Done {
		t.Errorf("%+v", calls[0])
	}
}

type stated struct {
	Input   int64 `json:"input_tokens"`
	Output  int64 `json:"output_tokens"`
	Details struct {
		Text   int64                       `json:"text_tokens"`
		Audio  int64                       `json:"audio_tokens"`
		Cached int64                       `json:"cached_tokens"`
		Kept   struct{ Text, Audio int64 } `json:"-"`
		Raw    json.RawMessage             `json:"cached_tokens_details"`
	} `json:"input_token_details"`
	Out struct {
		Text  int64 `json:"text_tokens"`
		Audio int64 `json:"audio_tokens"`
	} `json:"output_token_details"`
}

func usageOf(t *testing.T, done string) (u stated) {
	t.Helper()
	if err := json.Unmarshal(rawjson.Get([]byte(done), "response", "usage"), &u); err != nil {
		t.Fatal(err)
	}
	u.Details.Kept.Text, _ = rawjson.Int(rawjson.Get(u.Details.Raw, "text_tokens"))
	u.Details.Kept.Audio, _ = rawjson.Int(rawjson.Get(u.Details.Raw, "audio_tokens"))
	return u
}

// TestSessionKeys: the key may stand where a browser puts it. It is neither agreed on nor sent up.
func TestSessionKeys(t *testing.T) {
	leaks(t)
	g := (&gatewaytest.Gateway{Document: talkDocument}).Start(t)
	conn, resp, err := dialTalk(t, g.URL, "model=talk", http.Header{}, "realtime", "openai-insecure-api-key."+gatewaytest.Key, "openai-beta.realtime-v1")
	if err != nil {
		t.Fatal(err)
	}
	if got := resp.Header.Get("Sec-Websocket-Protocol"); got != "realtime" || resp.Header.Get("X-Weir-Id") == "" || resp.Header.Get("X-Weir-Target") != "sim/sim-realtime" {
		t.Errorf("%q %v", got, resp.Header)
	}
	if created := last(side{conn, t}.until("session.created")); !strings.Contains(created, `"modalities"`) {
		t.Errorf("the beta was not asked for: %s", created)
	}
	_ = conn.Close(websocket.StatusNormalClosure, "")
	g.Wait(t, 1)
	for _, c := range g.Sim.Calls() {
		for name, values := range c.Header {
			if strings.Contains(strings.Join(values, " "), gatewaytest.Key) || name == "Sec-Websocket-Protocol" {
				t.Errorf("%s went up: %v", name, values)
			}
		}
	}
	for name, c := range map[string]struct {
		query  string
		header http.Header
		words  []string
		status int
	}{
		"no key":           {"model=talk", http.Header{}, nil, 401},
		"a wrong key":      {"model=talk", http.Header{"Authorization": {"Bearer wr-wrong-0123456789abcdef"}}, nil, 401},
		"a wrong protocol": {"model=talk", http.Header{}, []string{"realtime", "openai-insecure-api-key.wr-wrong-0123456789abcdef"}, 401},
		"two that differ":  {"model=talk", nil, []string{"openai-insecure-api-key.wr-wrong-0123456789abcdef"}, 401},
		"in the query":     {"model=talk&key=" + gatewaytest.Key, http.Header{}, nil, 401},
		"not its model":    {"model=safe", http.Header{"Api-Key": {"narrow-" + gatewaytest.Key}}, nil, 403},
		"a direct name":    {"model=sim/sim-realtime", http.Header{"Api-Key": {"narrow-" + gatewaytest.Key}}, nil, 403},
		"no such model":    {"model=nonesuch", nil, nil, 404},
		"no model":         {"", nil, nil, 400},
		"a call":           {"model=talk&call_id=rtc_1", nil, nil, 400},
	} {
		_, resp, err := dialTalk(t, g.URL, c.query, c.header, c.words...)
		if err == nil || resp == nil || resp.StatusCode != c.status || resp.Header.Get("X-Weir-Fault") == "" {
			t.Errorf("%s: %v %v", name, err, resp)
		}
	}
	if n := len(g.Sim.Calls()); n != 1 {
		t.Errorf("%d sessions were asked of the provider, want one", n)
	}
	for _, x := range g.Wait(t, 11)[1:] {
		if x.Ending != gateway.Refused || x.Fault == nil {
			t.Errorf("%+v", x)
		}
	}
}

// TestSessionHandshake: what is no WebSocket's handshake is told so, and what would go past the gateway is refused.
func TestSessionHandshake(t *testing.T) {
	leaks(t)
	g := (&gatewaytest.Gateway{Document: talkDocument}).Start(t)
	get := func(path string, header http.Header) *http.Response {
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, g.URL+path, nil)
		req.Header = header
		req.Header.Set("Authorization", "Bearer "+gatewaytest.Key)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp
	}
	shake := func(version, key string) http.Header {
		return http.Header{"Connection": {"keep-alive, Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {version}, "Sec-Websocket-Key": {key}}
	}
	const nonce = "dGhlIHNhbXBsZSBub25jZQ=="
	for status, header := range map[int]http.Header{426: {}, 400: shake("12", nonce), 400 + 1000: shake("13", "short")} {
		if resp := get("/v1/realtime?model=talk", header); resp.StatusCode != status%1000 {
			t.Errorf("%d: %v", status, resp)
		}
	}
	for _, path := range []string{"/v1/realtime/client_secrets", "/v1/realtime/sessions", "/v1/realtime/calls", "/v1/realtime/calls/rtc_1/accept"} {
		resp := g.Post(t, path, `{}`)
		var told struct {
			Error struct{ Message, Code string }
		}
		err := json.NewDecoder(resp.Body).Decode(&told)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode != 400 || told.Error.Code != "realtime_websocket_only" || !strings.Contains(told.Error.Message, "/v1/realtime?model=") {
			t.Errorf("%s: %d %+v %v", path, resp.StatusCode, told, err)
		}
	}
	if n := len(g.Sim.Calls()); n != 0 {
		t.Errorf("%d requests went up", n)
	}
}

// TestSessionFailover: a target that refuses the session, be it with its first event, gives way to the next.
func TestSessionFailover(t *testing.T) {
	leaks(t)
	g := (&gatewaytest.Gateway{Document: talkDocument}).Start(t)
	s := talkTo(t, g.URL, "safe")
	s.say(written, question, goOn)
	s.until("response.done")
	_ = s.Close(websocket.StatusNormalClosure, "")
	x := g.Wait(t, 1)[0]
	if len(x.Attempts) != 3 || x.Attempts[0].Status != 429 || x.Attempts[0].Fault.Kind != fault.RateLimit || x.Attempts[1].Fault == nil || x.Attempts[2].Fault != nil || x.Ending != gateway.Done || x.Usage == nil {
		t.Errorf("%+v", x)
	}
	for model, want := range map[string]struct {
		status int
		kind   fault.Kind
	}{"sim-429": {429, fault.RateLimit}, "sim-503": {503, fault.Overloaded}, "sim-auth": {401, fault.UpstreamAuth}, "sim-nonesuch": {404, fault.NotFound}} {
		_, resp, err := dialTalk(t, g.URL, "model=other/"+model, nil)
		if err == nil || resp.StatusCode != want.status || resp.Header.Get("X-Weir-Fault") != want.kind.String() {
			t.Errorf("%s: %v %v", model, err, resp)
		}
	}
	// The last target's own words pass, and so does that it closes.
	s = talkTo(t, g.URL, "other/sim-error-first")
	if said, code := s.end(); !strings.Contains(said, `"type":"error"`) || code != websocket.StatusTryAgainLater {
		t.Errorf("%s, %d", said, code)
	}
}

// TestSessionClientGone: the provider's side is closed within a second, and what was stated stays.
func TestSessionClientGone(t *testing.T) {
	leaks(t)
	g := (&gatewaytest.Gateway{Document: talkDocument, Sim: &sim.Provider{Pace: 50 * time.Millisecond}}).Start(t)
	s := talkTo(t, g.URL, "talk")
	s.say(written, question, goOn)
	s.until("response.done")
	s.say(goOn)
	s.until("response.output_text.delta")
	_ = s.CloseNow()
	gone := time.Now()
	for g.Sim.Open() > 0 && time.Since(gone) < 5*time.Second {
		time.Sleep(5 * time.Millisecond)
	}
	if took := time.Since(gone); took > time.Second {
		t.Errorf("the provider's side was open for %s", took)
	}
	x := g.Wait(t, 1)[0]
	if x.Ending != gateway.ClientGone || x.Usage == nil || x.Answers != 1 || x.Cost == 0 || !strings.Contains(x.Unpriced, "broke off") {
		t.Errorf("%+v", x)
	}
}

// TestSessionProviderGone: the client is told in its dialect.
func TestSessionProviderGone(t *testing.T) {
	leaks(t)
	g := (&gatewaytest.Gateway{Document: talkDocument}).Start(t)
	for model, want := range map[string]string{"sim-cut": "broke off", "sim-big": "more than"} {
		s := talkTo(t, g.URL, "sim/"+model)
		s.say(written, question, goOn)
		said, code := s.end()
		if rawjson.Text(rawjson.Get([]byte(said), "type")) != "error" || !strings.Contains(said, want) || code != websocket.StatusInternalError {
			t.Errorf("%s: %s, %d", model, said, code)
		}
	}
	for _, x := range g.Wait(t, 2) {
		if x.Ending != gateway.Cut || x.Fault == nil || x.Fault.Origin != fault.There || x.Attempts[0].Fault == nil || x.Unpriced == "" {
			t.Errorf("%+v", x)
		}
	}
}

// TestSessionGarbage passes what is no event as it came, text and bytes.
func TestSessionGarbage(t *testing.T) {
	leaks(t)
	g := (&gatewaytest.Gateway{Document: talkDocument}).Start(t)
	s := talkTo(t, g.URL, "sim/sim-garbage")
	s.say(written, question, goOn)
	all := strings.Join(s.until("response.done"), "\n")
	if !strings.Contains(all, "<!DOCTYPE html>") || !strings.Contains(all, "\xff\x00\xfe") {
		t.Error(all)
	}
	_ = s.Close(websocket.StatusNormalClosure, "")
	if x := g.Wait(t, 1)[0]; x.Ending != gateway.Done || x.Answers != 1 {
		t.Errorf("%+v", x)
	}
}

// TestSessionModels: an event that names a model which the session may not use is answered with an error and does not go
// up; the session goes on.
func TestSessionModels(t *testing.T) {
	leaks(t)
	g := (&gatewaytest.Gateway{Document: talkDocument}).Start(t)
	conn, _, err := dialTalk(t, g.URL, "model=talk", http.Header{"Api-Key": {"narrow-" + gatewaytest.Key}})
	if err != nil {
		t.Fatal(err)
	}
	s := side{conn, t}
	s.until("session.created")
	for _, bad := range []string{
		`{"type":"session.update","event_id":"e1","session":{"type":"realtime","model":"gpt-gold"}}`,
		`{"type":"session.update","event_id":"e1","session":{"type":"realtime","audio":{"input":{"transcription":{"model":"listener"}}}}}`,
		`{"type":"session.update","event_id":"e1","session":{"type":"realtime","audio":{"input":{"transcription":{"model":"whisper-1"}}}}}`,
		`{"type":"response.create","event_id":"e1","response":{"model":"gpt-gold"}}`,
	} {
		s.say(bad)
		_, event, err := s.Read(t.Context())
		if err != nil || rawjson.Text(rawjson.Get(event, "error", "event_id")) != "e1" || rawjson.Text(rawjson.Get(event, "error", "code")) != "model_not_allowed" || !strings.HasSuffix(rawjson.Text(rawjson.Get(event, "error", "param")), "model") {
			t.Errorf("%s: %s %v", bad, event, err)
		}
	}
	s.say(`{"type":"session.update","session":{"type":"realtime","model":"talk","output_modalities":["text"]}}`)
	if updated := last(s.until("session.updated")); !strings.Contains(updated, `"transcription":null`) {
		t.Error(updated)
	}
	_ = s.Close(websocket.StatusNormalClosure, "")
}

// TestSessionTranscription: what transcribes is charged at its own price, by tokens or by the second, and is never free in
// silence.
func TestSessionTranscription(t *testing.T) {
	leaks(t)
	g := (&gatewaytest.Gateway{Document: talkDocument}).Start(t)
	for i, c := range []struct {
		model string
		cost  int64 // of a second of sound; -1 = not known
	}{{"whisper-1", 100_000}, {"sim/whisper-1", 100_000}, {"unheard-of", -1}} {
		s := talkTo(t, g.URL, "talk")
		s.say(`{"type":"session.update","session":{"type":"realtime","audio":{"input":{"transcription":{"model":"`+c.model+`"}}}}}`, soundOf, `{"type":"input_audio_buffer.commit"}`)
		s.until("conversation.item.input_audio_transcription.completed")
		_ = s.Close(websocket.StatusNormalClosure, "")
		x := g.Wait(t, i+1)[i]
		if len(x.Beside) != 1 || x.Beside[0].Model != strings.TrimPrefix(c.model, "sim/") || x.Usage != nil || x.Answers != 0 {
			t.Errorf("%s: %+v", c.model, x)
			continue
		}
		switch b := x.Beside[0]; {
		case c.cost < 0:
			if !strings.Contains(x.Unpriced, "unheard-of") || x.Cost != 0 {
				t.Errorf("%s: %d, %q", c.model, x.Cost, x.Unpriced)
			}
		case b.Usage.Heard != 1000 || int64(b.Cost) != c.cost || !strings.HasPrefix(x.Price, "sim/whisper-1 of ") || x.Cost != b.Cost || x.Unpriced != "":
			t.Errorf("%s: %+v, %d, %q", c.model, b, x.Cost, x.Unpriced)
		}
	}
}

// limit is a policy that ends a session when it has cost too much.
type limit struct{ most int64 }

func (limit) Name() string                                   { return "limit" }
func (limit) Admit(context.Context, *gateway.Exchange) error { return nil }

func (l limit) Allow(_ context.Context, x *gateway.Exchange) error {
	if x.Usage != nil && x.Usage.Output > l.most {
		return fault.New(fault.Quota, "the budget of the key %s is used up", x.Grant.Key)
	}
	return nil
}

// TestSessionLimit: a policy that has had enough ends a session under way, in the dialect's words.
func TestSessionLimit(t *testing.T) {
	leaks(t)
	g := (&gatewaytest.Gateway{Document: talkDocument}).Start(t)
	snapshot := *g.Engine.Snapshot()
	snapshot.Admitters = []gateway.Admitter{limit{60}}
	g.Engine.Use(&snapshot)
	s := talkTo(t, g.URL, "talk")
	s.say(written)
	for range 20 {
		if err := s.Write(t.Context(), websocket.MessageText, []byte(question)); err != nil {
			break
		}
		if err := s.Write(t.Context(), websocket.MessageText, []byte(goOn)); err != nil {
			break
		}
	}
	said, heard, before := "", int64(0), int64(0)
	code := websocket.StatusCode(-1)
	for code == -1 {
		_, event, err := s.Read(t.Context())
		if err != nil {
			code = websocket.CloseStatus(err)
			break
		}
		if said = string(event); rawjson.Text(rawjson.Get(event, "type")) == "response.done" {
			before = heard
			heard += usageOf(t, said).Output
		}
	}
	if code != websocket.StatusPolicyViolation || rawjson.Text(rawjson.Get([]byte(said), "error", "code")) != "insufficient_quota" || !strings.Contains(said, "the budget of the key test is used up") {
		t.Errorf("%s %d", said, code)
	}
	if heard <= 60 || before > 60 {
		t.Errorf("it was ended after %d tokens, not after the answer that came after %d", heard, before)
	}
	x := g.Wait(t, 1)[0]
	if x.Ending != gateway.Cut || x.Fault == nil || x.Fault.Kind != fault.Quota || x.Usage.Output < heard {
		t.Errorf("%+v", x)
	}
	for g.Sim.Open() > 0 {
		time.Sleep(time.Millisecond)
	}
}

// TestSessionTotal: a session is no longer than its provider's limit.
func TestSessionTotal(t *testing.T) {
	leaks(t)
	g := (&gatewaytest.Gateway{Document: talkDocument}).Start(t)
	s := talkTo(t, g.URL, "brief")
	said, code := s.end()
	if !strings.Contains(said, "timeouts.total") || code != websocket.StatusGoingAway {
		t.Errorf("%s %d", said, code)
	}
	if x := g.Wait(t, 1)[0]; x.Ending != gateway.Cut || x.Fault.Kind != fault.Timeout || x.Took > 5*time.Second {
		t.Errorf("%+v", x)
	}
}

// TestSessionHostile: peers that break the rules are cut, and nobody else notices.
func TestSessionHostile(t *testing.T) {
	leaks(t)
	document := strings.Replace(talkDocument, "version: 1\n", "version: 1\nlimits: { body: 1MiB }\n", 1)
	g := (&gatewaytest.Gateway{Document: document}).Start(t)
	bystander := talkTo(t, g.URL, "talk")
	bystander.until("session.created")

	s := talkTo(t, g.URL, "talk")
	s.until("session.created")
	go func() { _ = s.Write(t.Context(), websocket.MessageText, make([]byte, 2<<20)) }()
	if said, code := s.end(); code != websocket.StatusMessageTooBig {
		t.Errorf("%s %d", said, code)
	}
	s = talkTo(t, g.URL, "talk")
	s.until("session.created")
	s.say("{\"type\":\"response.create\",\"x\":\"\xff\xfe\"}")
	if said, code := s.end(); code != websocket.StatusInvalidFramePayloadData || !strings.Contains(said, "UTF-8") {
		t.Errorf("%s %d", said, code)
	}
	for name, bytes := range map[string][]byte{
		"an unmasked frame":          {0x81, 0x02, '{', '}'},
		"a fragmented ping":          {0x09, 0x80, 1, 2, 3, 4},
		"a long ping":                {0x89, 0xfe, 0x00, 0x7e, 1, 2, 3, 4},
		"reserved bits":              {0xf1, 0x80, 1, 2, 3, 4},
		"an unknown opcode":          {0x83, 0x80, 1, 2, 3, 4},
		"a continuation of nothing":  {0x80, 0x80, 1, 2, 3, 4},
		"a length below nothing":     {0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4},
		"a close of one byte":        {0x88, 0x81, 1, 2, 3, 4, 9},
		"a close with a wild number": {0x88, 0x82, 0, 0, 0, 0, 0x03, 0xee},
	} {
		raw := rawTalk(t, g.URL)
		if _, err := raw.Write(bytes); err != nil {
			t.Fatal(err)
		}
		_ = raw.SetReadDeadline(time.Now().Add(10 * time.Second))
		var rest [4096]byte
		for {
			if _, err := raw.Read(rest[:]); err != nil {
				if errors.Is(err, context.DeadlineExceeded) || strings.Contains(err.Error(), "timeout") {
					t.Errorf("%s: it was not cut", name)
				}
				break
			}
		}
		_ = raw.Close()
	}
	bystander.say(written, question, goOn)
	bystander.until("response.done")
	_ = bystander.Close(websocket.StatusNormalClosure, "")
	finished := 0
	for _, x := range g.Wait(t, 12) {
		switch x.Ending {
		case gateway.Done:
			finished++
		case gateway.Cut, gateway.ClientGone:
		default:
			t.Errorf("%+v %v", x, x.Fault)
		}
	}
	if finished != 1 {
		t.Errorf("%d sessions ended well, want the bystander's", finished)
	}
}

// TestSessionSlowReader: a client that takes nothing is cut.
func TestSessionSlowReader(t *testing.T) {
	leaks(t)
	g := (&gatewaytest.Gateway{Document: talkDocument}).Start(t)
	g.Engine.Patience(time.Second, 300*time.Millisecond)
	raw := rawTalk(t, g.URL)
	defer func() { _ = raw.Close() }()
	frame := func(event string) []byte { // with a mask of nothing
		return append([]byte{0x81, 0xfe, byte(len(event) >> 8), byte(len(event)), 0, 0, 0, 0}, event...)
	}
	for range 400 {
		if _, err := raw.Write(append(frame(question+strings.Repeat(" ", 200)), frame(goOn+strings.Repeat(" ", 200))...)); err != nil {
			break
		}
	}
	x := g.Wait(t, 1)[0]
	if x.Ending != gateway.ClientGone || x.Fault == nil || !strings.Contains(x.Fault.Message, "took nothing") {
		t.Errorf("%+v %v", x, x.Fault)
	}
}

// TestSessionSilentPeer: a client that does not answer pings is gone, one that does may be silent.
func TestSessionSilentPeer(t *testing.T) {
	leaks(t)
	g := (&gatewaytest.Gateway{Document: talkDocument}).Start(t)
	g.Engine.Pulse(50*time.Millisecond, 200*time.Millisecond)
	there := talkTo(t, g.URL, "talk")
	there.until("session.created")
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _, _ = there.Read(t.Context()) // answers pings meanwhile
	}()
	raw := rawTalk(t, g.URL)
	defer func() { _ = raw.Close() }()
	x := g.Wait(t, 1)[0]
	if x.Ending != gateway.ClientGone || !strings.Contains(x.Fault.Message, "does not answer any more") || x.Took > 5*time.Second {
		t.Errorf("%+v %v", x, x.Fault)
	}
	time.Sleep(300 * time.Millisecond) // the other one has been asked a few times more
	if n := len(g.Records()); n != 1 || g.Engine.Open() != 1 {
		t.Errorf("%d sessions ended", n)
	}
	_ = there.Close(websocket.StatusNormalClosure, "")
	<-ended
	g.Wait(t, 2)
}

// TestSessionDrain: sessions are told when the gateway shuts down, those within an answer when it is over.
func TestSessionDrain(t *testing.T) {
	leaks(t)
	g := (&gatewaytest.Gateway{Document: talkDocument, Sim: &sim.Provider{Pace: 5 * time.Millisecond}}).Start(t)
	const sessions = 50
	var open []side
	for i := range sessions {
		s := talkTo(t, g.URL, "talk")
		s.until("session.created")
		if i%2 == 0 {
			s.say(written, question, goOn)
			s.until("response.output_text.delta")
		}
		open = append(open, s)
	}
	var all sync.WaitGroup
	for i, s := range open {
		all.Go(func() {
			finished := false
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			said := ""
			for {
				_, event, err := s.Read(ctx)
				if err != nil {
					if code := websocket.CloseStatus(err); code != websocket.StatusGoingAway || !strings.Contains(said, "shutting down") || finished != (i%2 == 0) {
						t.Errorf("%d: %v, finished %t: %s", i, err, finished, said)
					}
					return
				}
				said = string(event)
				finished = finished || strings.Contains(said, `"response.done"`)
			}
		})
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	g.Engine.Drain(ctx)
	if ctx.Err() != nil {
		t.Error("draining took too long")
	}
	all.Wait()
	for _, x := range g.Wait(t, sessions) {
		if x.Ending != gateway.Cut || x.Fault.Kind != fault.Unavailable {
			t.Errorf("%+v", x)
		}
	}
	if _, resp, err := dialTalk(t, g.URL, "model=talk", nil); err == nil || resp.StatusCode != 503 {
		t.Errorf("%v %v", resp, err)
	}
}

// TestSessionDrainTooLate: an answer that does not end is cut with the rest.
func TestSessionDrainTooLate(t *testing.T) {
	leaks(t)
	g := (&gatewaytest.Gateway{Document: talkDocument}).Start(t)
	s := talkTo(t, g.URL, "sim/sim-stall")
	s.say(written, question, goOn)
	s.until("response.output_text.delta")
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	go g.Engine.Drain(ctx)
	if said, code := s.end(); !strings.Contains(said, "shutting down") || code != websocket.StatusGoingAway {
		t.Errorf("%s %d", said, code)
	}
	g.Wait(t, 1)
}
