package engine_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"weir/internal/fault"
	"weir/internal/gateway"
	"weir/internal/gatewaytest"
	"weir/internal/rawjson"
)

const liveDocument = `version: 1
providers:
  sim:
    base_url: "http://@SIM@"
    speaks: [gemini-live]
    api_key: sim
    prices:
      sim-realtime: { input: "$0.5", audio_input: "$3", output: "$2", audio_output: "$12" }
models:
  talk: { targets: [{ provider: sim, model: sim-realtime }] }
  safe: { targets: [{ provider: sim, model: sim-503 }, { provider: sim, model: sim-realtime }] }
keys:
  - { name: test, key: ` + gatewaytest.Key + `, models: ["*"] }
  - { name: narrow, key: narrow-` + gatewaytest.Key + `, models: [talk] }
`

const livePath = "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"

func dialLive(t *testing.T, url, key string) (side, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	conn, resp, err := websocket.Dial(ctx, url+livePath+"?key="+key, nil)
	if err != nil {
		if resp != nil && resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("%v", resp)
		}
		return side{}, err
	}
	t.Cleanup(func() { _ = conn.CloseNow() })
	return side{conn, t}, nil
}

// next reads messages up to one with a member.
func (s side) next(member ...string) string {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 20*time.Second)
	defer cancel()
	for {
		_, message, err := s.Read(ctx)
		if err != nil {
			s.t.Fatal(err)
		}
		if rawjson.Get(message, member...) != nil {
			return string(message)
		}
	}
}

func (s side) reason() (websocket.StatusCode, string) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 20*time.Second)
	defer cancel()
	for {
		if _, _, err := s.Read(ctx); err != nil {
			return websocket.CloseStatus(err), err.Error()
		}
	}
}

const (
	liveSetup = `{"setup":{"model":"models/talk","generationConfig":{"responseModalities":["AUDIO"]}}}`
	liveTurn  = `{"clientContent":{"turns":[{"role":"user","parts":[{"text":"How deep is the river?"}]}],"turnComplete":true}}`
)

// TestLive holds a session of two turns whose model its first message names.
func TestLive(t *testing.T) {
	leaks(t)
	g := (&gatewaytest.Gateway{Document: liveDocument}).Start(t)
	s, err := dialLive(t, g.URL, gatewaytest.Key)
	if err != nil {
		t.Fatal(err)
	}
	s.say(liveSetup)
	s.next("setupComplete")
	var input, output, cost int64
	for range 2 {
		s.say(liveTurn)
		u := []byte(s.next("usageMetadata"))
		in, _ := rawjson.Int(rawjson.Get(u, "usageMetadata", "promptTokenCount"))
		out, _ := rawjson.Int(rawjson.Get(u, "usageMetadata", "responseTokenCount"))
		sound := int64(0)
		for _, d := range rawjson.Elems(rawjson.Get(u, "usageMetadata", "promptTokensDetails")) {
			if rawjson.Text(rawjson.Get(d, "modality")) == "AUDIO" {
				sound, _ = rawjson.Int(rawjson.Get(d, "tokenCount"))
			}
		}
		input, output = input+in, output+out
		cost += (in-sound)*500 + sound*3000 + out*12000
	}
	_ = s.Close(websocket.StatusNormalClosure, "")
	x := g.Wait(t, 1)[0]
	if x.Ending != gateway.Done || x.Answers != 2 || x.Usage == nil || x.Usage.Input != input || x.Usage.Output != output || x.Usage.OutputAudio != output || x.Unpriced != "" || int64(x.Cost) != cost {
		t.Errorf("%+v %+v, want %d in, %d out at %d", x, x.Usage, input, output, cost)
	}
	if x.Head.Model != "talk" || x.Attempts[0].Target.Model != "sim-realtime" || x.FirstEvent == 0 {
		t.Errorf("%+v", x)
	}
	call := g.Sim.Calls()[0]
	if call.Model != "sim-realtime" || call.Query != "" || call.Header.Get("X-Goog-Api-Key") != "sim" {
		t.Errorf("%+v", call)
	}
}

// TestLiveRefusals: what a session is refused for is told by closing it; without a key there is none.
func TestLiveRefusals(t *testing.T) {
	leaks(t)
	g := (&gatewaytest.Gateway{Document: liveDocument}).Start(t)
	if _, err := dialLive(t, g.URL, "wr-wrong-0123456789abcdef"); err == nil {
		t.Error("a wrong key opened a session")
	}
	for first, want := range map[string]struct {
		code   websocket.StatusCode
		reason string
	}{
		`{"setup":{"model":"models/safe"}}`:     {websocket.StatusPolicyViolation, "may not use the model"},
		`{"setup":{"model":"models/nonesuch"}}`: {websocket.StatusInvalidFramePayloadData, "is not known here"},
		`{"realtimeInput":{}}`:                  {websocket.StatusInvalidFramePayloadData, "must set it up"},
		`no json`:                               {websocket.StatusInvalidFramePayloadData, "cannot be read"},
	} {
		s, err := dialLive(t, g.URL, "narrow-"+gatewaytest.Key)
		if err != nil {
			t.Fatal(err)
		}
		s.say(first)
		if code, reason := s.reason(); code != want.code || !strings.Contains(reason, want.reason) {
			t.Errorf("%s: %d %s", first, code, reason)
		}
	}
	if n := len(g.Sim.Calls()); n != 0 {
		t.Errorf("%d requests went up", n)
	}
	for _, x := range g.Wait(t, 5) {
		if x.Ending != gateway.Refused || x.Fault == nil {
			t.Errorf("%+v", x)
		}
	}
	s, err := dialLive(t, g.URL, gatewaytest.Key)
	if err != nil {
		t.Fatal(err)
	}
	s.say(liveSetup)
	s.next("setupComplete")
	s.say(`{"setup":{"model":"models/gemini-gold"}}`)
	if code, reason := s.reason(); code != websocket.StatusInvalidFramePayloadData || !strings.Contains(reason, "set up already") {
		t.Errorf("%d %s", code, reason)
	}
}

// TestLiveSetup: a session that nobody sets up does not stay open, nor does one whose client leaves before.
func TestLiveSetup(t *testing.T) {
	leaks(t)
	g := (&gatewaytest.Gateway{Document: liveDocument}).Start(t)
	g.Engine.Patience(200*time.Millisecond, time.Second)
	s, err := dialLive(t, g.URL, gatewaytest.Key)
	if err != nil {
		t.Fatal(err)
	}
	if code, reason := s.reason(); code != websocket.StatusPolicyViolation || !strings.Contains(reason, "no message came") {
		t.Errorf("%d %s", code, reason)
	}
	if x := g.Wait(t, 1)[0]; x.Ending != gateway.Refused || x.Fault.Kind != fault.SlowBody || x.Took > 5*time.Second {
		t.Errorf("%+v %v", x, x.Fault)
	}
	if s, err = dialLive(t, g.URL, gatewaytest.Key); err != nil {
		t.Fatal(err)
	}
	_ = s.CloseNow()
	if x := g.Wait(t, 2)[1]; x.Ending != gateway.ClientGone || x.Fault == nil || x.Fault.Kind != fault.ClientGone || len(x.Attempts) != 0 {
		t.Errorf("%+v %v", x, x.Fault)
	}
}

// TestLiveFailover: a target that closes the session before it is set up gives way to the next; where there is none, the
// client is told why.
func TestLiveFailover(t *testing.T) {
	leaks(t)
	g := (&gatewaytest.Gateway{Document: liveDocument}).Start(t)
	s, err := dialLive(t, g.URL, gatewaytest.Key)
	if err != nil {
		t.Fatal(err)
	}
	s.say(strings.Replace(liveSetup, "talk", "safe", 1))
	s.next("setupComplete")
	s.say(liveTurn)
	s.next("usageMetadata")
	_ = s.Close(websocket.StatusNormalClosure, "")
	if x := g.Wait(t, 1)[0]; len(x.Attempts) != 2 || x.Attempts[0].Fault == nil || x.Attempts[1].Fault != nil || x.Ending != gateway.Done {
		t.Errorf("%+v", x)
	}
	for model, want := range map[string]string{"sim/sim-503": "unavailable", "sim/sim-cut": "broke off", "sim/sim-error-in-stream": "Internal error"} {
		s, err := dialLive(t, g.URL, gatewaytest.Key)
		if err != nil {
			t.Fatal(err)
		}
		s.say(strings.Replace(liveSetup, "talk", model, 1), liveTurn)
		if code, reason := s.reason(); code != websocket.StatusInternalError || !strings.Contains(reason, want) {
			t.Errorf("%s: %d %s", model, code, reason)
		}
	}
	for _, x := range g.Wait(t, 4)[1:] {
		if x.Fault == nil || x.Fault.Origin != fault.There {
			t.Errorf("%+v", x)
		}
	}
}
