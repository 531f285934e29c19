package replay_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"weir/internal/compile"
	"weir/internal/dialect"
	"weir/internal/dialect/dialecttest"
	"weir/internal/frame"
	"weir/internal/gateway"
	"weir/internal/gatewaytest"
	"weir/internal/llm"
	"weir/internal/replay"
)

var background = regexp.MustCompile(`"background":\s*true`)

// broken are recordings that hold what cannot be carried, with the reason.
var broken = map[string]string{
	"openai-responses-a2f197ed99": "the recorder cut the picture's base64 in the middle, so that it is none",
}

// spoken is a dialect of this build.
func spoken(d llm.Dialect) dialect.Dialect { return compile.Dialect(d) }

// pairs calls f for every two dialects; under the race detector, where each play costs ten times as much, for the first
// two only.
func pairs(t *testing.T, f func(t *testing.T, client, up llm.Dialect)) {
	all := conversing()
	if raced {
		all = all[:2]
	}
	for _, up := range all {
		for _, client := range all {
			if client != up {
				t.Run(fmt.Sprintf("%s client, %s provider", client, up), func(t *testing.T) { f(t, client, up) })
			}
		}
	}
}

// TestCross plays every recording to a client of another dialect: what it asks reaches the provider, what the provider
// answers reaches the client, and what does not is in x-weir-lost. Strict clients are refused exactly what would be lost.
func TestCross(t *testing.T) {
	pairs(t, func(t *testing.T, client, up llm.Dialect) {
		counts := map[string]int{}
		for _, r := range replay.Load(t, string(up)) {
			if r.Method == http.MethodDelete { // what it answers is no answer of a model
				continue
			}
			t.Run(r.ID, func(t *testing.T) {
				c := newCrossing(t, r, spoken(client), spoken(up))
				c.play(counts)
				c.strict(counts)
			})
		}
		t.Logf("%v", counts)
	})
}

// smallAnswer is what a provider says where a recording has no answer in its words.
func smallAnswer(t *testing.T, up dialect.Dialect, stream bool) []byte {
	t.Helper()
	whole := &llm.Response{
		From: up.Name(), ID: "a1", Model: "real-model", Created: "1700000000",
		Choices: []llm.Choice{{Parts: []llm.Part{{Kind: llm.PartText, Text: "Hi"}}, Stop: llm.Stop{Reason: llm.StopEnd}}},
		Usage:   &llm.Usage{Said: llm.SaidInput | llm.SaidOutput, Input: 3, Output: 1},
	}
	req := &llm.Request{From: up.Name(), Stream: stream, WantUsage: true}
	if !stream {
		body, _, err := up.Codec().EncodeResponse(req, whole)
		if err != nil {
			t.Fatal(err)
		}
		return body
	}
	var losses []llm.Loss
	body, err := dialecttest.WriteStream(up.Codec(), req, llm.Replay(whole), &losses)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// TestCrossRequests sends every recorded request to a provider of another dialect.
func TestCrossRequests(t *testing.T) {
	pairs(t, func(t *testing.T, client, up llm.Dialect) {
		counts := map[string]int{}
		for _, r := range replay.Load(t, string(client)) {
			if r.Body() == nil {
				continue
			}
			sent := question(r, client, "alias")
			if _, err := spoken(client).Codec().DecodeRequest(sent.call()); err != nil {
				continue // recorded because it is refused
			}
			if client == llm.OpenAIResponses && background.Match(sent.body) {
				continue // nobody waits for the answer
			}
			t.Run(r.ID, func(t *testing.T) {
				there := &replay.Recording{ID: r.ID}
				call := sent.call()
				h, err := spoken(client).Peek(&call)
				if err != nil {
					t.Fatal(err)
				}
				there.Streaming, there.Response.Status = h.Stream, 200
				there.Response.Headers = map[string]string{"content-type": "application/json"}
				if h.Stream {
					there.Response.Headers["content-type"] = frame.ContentType(up.Framing())
				}
				there.Response.Body = string(smallAnswer(t, spoken(up), h.Stream))
				c := newCrossing(t, there, spoken(client), spoken(up))
				c.sent = sent
				c.play(counts)
				c.strict(counts)
			})
		}
		t.Logf("%v", counts)
	})
}

// crossing is one recording played to a client of another dialect.
type crossing struct {
	t          *testing.T
	r          *replay.Recording
	client, up dialect.Dialect
	sent       asked
	upstream   *replay.Upstream
	gateway    *gatewaytest.Gateway
	losses     []llm.Loss // of the request
	refused    bool       // by the codec, whatever strict says
}

func newCrossing(t *testing.T, r *replay.Recording, client, up dialect.Dialect) *crossing {
	c := &crossing{t: t, r: r, client: client, up: up, upstream: replay.For(r)}
	c.sent = c.question()
	c.gateway = (&gatewaytest.Gateway{Upstream: c.upstream, Document: document(
		fmt.Sprintf("  alias: { targets: [{ provider: %s, model: real-model }] }", up.Name()))}).Start(t)
	return c
}

// question is the recording's own request in the client's words, or a small one where that cannot be said.
func (c *crossing) question() asked {
	mine := c.client.Name()
	fallback := question(&replay.Recording{Streaming: c.r.Streaming}, mine, "alias")
	x, err := c.up.Codec().DecodeRequest(question(c.r, c.up.Name(), "alias").call())
	if err != nil {
		return fallback
	}
	x.Stream, x.WantUsage = c.r.Streaming, true
	call, _, err := c.client.Codec().EncodeRequest(x, llm.Facts{Model: "alias"})
	if err != nil {
		return fallback
	}
	return asked{call.Path, call.Query, call.Body}
}

func (c *crossing) ask(header ...string) *httptest.ResponseRecorder {
	return c.sent.post(c.t, c.gateway.Handler, header...)
}

func (c *crossing) play(counts map[string]int) {
	c.t.Helper()
	w := c.ask()
	x := c.gateway.Wait(c.t, 1)[0]
	if len(c.upstream.Calls) == 0 {
		c.refused = true
		counts["refused"]++
		// What a request goes on from is kept for those alone who said it.
		elsewhere := w.Code == 404 && bytes.Contains(c.sent.body, []byte(`"previous_response_id"`))
		if f := c.client.ReadFault(w.Code, w.Header(), w.Body.Bytes()); w.Code != 400 && !elsewhere || f.Message == "" {
			c.t.Errorf("nothing was sent, and the client reads %d %+v", w.Code, f)
		}
		return
	}
	a := &x.Attempts[len(x.Attempts)-1]
	var answered []llm.Loss
	for _, l := range a.Losses {
		if strings.HasPrefix(l.Path, "answer.") {
			answered = append(answered, l)
		} else {
			c.losses = append(c.losses, l)
		}
	}
	c.checkRequest()
	if c.r.Response.Status >= 300 {
		counts["errors"]++
		c.checkError(w)
		return
	}
	c.checkAnswer(w, x, answered, counts)
}

// checkRequest compares what the client sent with what the provider got.
func (c *crossing) checkRequest() {
	c.t.Helper()
	sent, err := c.client.Codec().DecodeRequest(c.sent.call())
	if err != nil {
		c.t.Fatal(err)
	}
	call := received(c.upstream.Last())
	if h, err := c.up.Peek(&call); err != nil || h.Model != "real-model" {
		c.t.Fatalf("the provider got a request that cannot be read: %v, model %q", err, h.Model)
	}
	got, err := c.up.Codec().DecodeRequest(call)
	if err != nil {
		c.t.Fatalf("the provider got a request that cannot be read: %v\n%s", err, call.Body)
	}
	for _, p := range dialecttest.Problems(sent, got, c.losses) {
		c.t.Errorf("request: %s", p)
	}
}

// received is the call that the provider got.
func received(seen replay.Seen) dialect.Call {
	call := dialect.Call{Op: llm.OpChat, Body: seen.Body}
	if u, err := url.Parse(seen.URL); err == nil {
		call.Path, call.Query = u.EscapedPath(), u.RawQuery
	}
	return call
}

// checkError compares what the provider refused with with what the client reads.
func (c *crossing) checkError(w *httptest.ResponseRecorder) {
	c.t.Helper()
	said := c.up.ReadFault(c.r.Response.Status, nil, c.r.Answer())
	read := c.client.ReadFault(w.Code, w.Header(), w.Body.Bytes())
	if w.Code/100 != c.r.Response.Status/100 && c.r.Response.Status != 401 && c.r.Response.Status != 403 {
		c.t.Errorf("the provider answers %d, the client reads %d", c.r.Response.Status, w.Code)
	}
	if !strings.Contains(read.Message, said.Message) && c.r.Response.Status != 401 && c.r.Response.Status != 403 {
		c.t.Errorf("the provider says %q, the client reads %q", said.Message, read.Message)
	}
}

func (c *crossing) checkAnswer(w *httptest.ResponseRecorder, x *gateway.Exchange, losses []llm.Loss, counts map[string]int) {
	c.t.Helper()
	said, notes := c.decode(c.up, c.r.Answer())
	if said.Fault != nil {
		counts["in-band errors"]++
		if w.Code < 400 {
			if read, _ := c.decode(c.client, w.Body.Bytes()); read.Fault == nil {
				c.t.Errorf("the provider failed (%v), the client reads none of it", said.Fault)
			}
		}
		return
	}
	if w.Code != 200 {
		c.t.Fatalf("status %d: %.1000s", w.Code, w.Body)
	}
	read, _ := c.decode(c.client, w.Body.Bytes())
	if read.Fault != nil {
		c.t.Fatalf("the client reads a failure: %v", read.Fault)
	}
	sent, _ := c.client.Codec().DecodeRequest(c.sent.call())
	possible := []llm.Loss(nil)
	if c.r.Streaming { // the head names what may be lost; what was is told by the encoder
		possible = c.client.Codec().Cannot(sent, c.up.Name())
		losses = minus(losses, possible, dialecttest.DiffAnswer(said, read))
	}
	if !c.r.Streaming || sent.WantUsage || c.client.Name() != llm.OpenAIChat && c.client.Name() != llm.OpenAICompletions {
		for _, p := range dialecttest.StreamProblems(said, read, notes, losses) {
			if c.client.Name() == llm.OpenAIResponses && strings.Contains(p, "answer.id (id)") {
				continue // a kept answer has the gateway's own id
			}
			if broken[c.r.ID] != "" && strings.Contains(p, "answer.image") {
				continue
			}
			c.t.Errorf("answer: %s", p)
		}
	}
	c.checkHeader(w, append(slices.Concat(c.losses, losses), possible...))
	if in, out := counted(x.Usage); said.Usage != nil && (in != said.Usage.Input || out != said.Usage.Output) {
		u := said.Usage
		c.t.Errorf("the answer states %+v, the record has %+v", u, x.Usage)
	}
	if slices.ContainsFunc(slices.Concat(c.losses, losses), func(l llm.Loss) bool { return l.Grade > llm.Filled }) {
		counts["lossy"]++
	} else {
		counts["carried"]++
	}
}

// minus returns losses without those that were only possible and did not happen.
func minus(losses, possible []llm.Loss, missing []dialecttest.Missing) []llm.Loss {
	var out []llm.Loss
	for _, l := range losses {
		same := func(o llm.Loss) bool { return o.Path == l.Path }
		happened := func(m dialecttest.Missing) bool { return strings.HasPrefix(m.Path, l.Path) }
		if slices.ContainsFunc(out, same) || slices.ContainsFunc(possible, same) && !slices.ContainsFunc(missing, happened) {
			continue
		}
		out = append(out, l)
	}
	return out
}

// checkHeader compares x-weir-lost, in head and trailer, with the losses in the record.
func (c *crossing) checkHeader(w *httptest.ResponseRecorder, losses []llm.Loss) {
	c.t.Helper()
	var want []string
	for _, l := range losses {
		if l.Grade != llm.Aside { // in the record alone
			want = append(want, l.Path)
		}
	}
	slices.Sort(want)
	want = slices.Compact(want)
	var got []string
	resp := w.Result()
	_ = resp.Body.Close()
	for _, h := range []http.Header{resp.Header, resp.Trailer} {
		if v := h.Get("X-Weir-Lost"); v != "" {
			got = append(got, strings.Split(v, ", ")...)
		}
	}
	if slices.ContainsFunc(got, func(p string) bool { return strings.HasPrefix(p, "+") }) {
		return // cut at 4 KiB
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		c.t.Errorf("x-weir-lost names %q, the record %q", got, want)
	}
}

// decode reads an answer, whole or streamed; notes tells whether it held events that no part holds.
func (c *crossing) decode(d dialect.Dialect, answer []byte) (resp *llm.Response, notes bool) {
	c.t.Helper()
	var err error
	if c.r.Streaming {
		var broken []string
		events := dialecttest.Checked(d.Codec().DecodeStream(dialecttest.Frames(d.Name(), answer)), &broken)
		resp, err = llm.Collect(d.Name(), func(yield func(llm.Event, error) bool) {
			for e, err := range events {
				notes = notes || e.Kind == llm.EventNote
				if !yield(e, err) {
					return
				}
			}
		})
		for _, b := range broken {
			c.t.Errorf("%s: %s", d.Name(), b)
		}
	} else {
		resp, err = d.Codec().DecodeResponse(answer)
	}
	if err != nil {
		c.t.Fatalf("%s: %v in\n%.2000s", d.Name(), err, answer)
	}
	return resp, notes
}

// strict asks again, strictly: what would be lost is refused before anything is sent, everything else goes.
func (c *crossing) strict(counts map[string]int) {
	c.t.Helper()
	if c.refused {
		return
	}
	lossy := slices.ContainsFunc(c.losses, func(l llm.Loss) bool { return l.Grade > llm.Filled })
	before := len(c.upstream.Calls)
	w := c.ask("X-Weir-Strict", "true")
	sent := len(c.upstream.Calls) > before
	switch {
	case lossy && (sent || w.Code != 400):
		c.t.Errorf("strict: %v would be lost, and the answer is %d, sent: %v", c.losses, w.Code, sent)
	case !lossy && !sent:
		c.t.Errorf("strict: nothing would be lost, and it is refused: %s", w.Body)
	case lossy:
		counts["strict refusals"]++
		f := c.client.ReadFault(w.Code, w.Header(), w.Body.Bytes())
		for _, l := range c.losses {
			if l.Grade > llm.Filled && !strings.Contains(f.Message, l.Path) && len(f.Message) < 900 {
				c.t.Errorf("strict: the refusal does not name %s: %s", l.Path, f.Message)
			}
		}
	}
}
