package replay_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"weir/internal/compile"
	"weir/internal/dialect"
	"weir/internal/gateway"
	"weir/internal/gatewaytest"
	"weir/internal/llm"
	"weir/internal/replay"
)

// TestPass plays every recording to a client of its own dialect: the request reaches the provider with nothing changed
// but the model's name, the answer reaches the client to the byte at every read size, and the meter reads what it states.
func TestPass(t *testing.T) {
	for _, d := range passing() {
		t.Run(string(d), func(t *testing.T) {
			all := replay.Load(t, string(d))
			plays := 0
			for _, r := range all {
				if !refusedByAll(r, d) {
					plays += pass(t, r, d)
				}
			}
			t.Logf("%d recordings, %d plays, all to the byte", len(all), plays)
		})
	}
}

// passing are the dialects whose recordings pass as bytes.
func passing() []llm.Dialect {
	more := slices.DeleteFunc(append(slices.Clone(embedding), llm.BedrockInvoke, llm.GeminiInteractions, llm.CohereRerank, llm.OpenAIRerank, llm.OpenAIModerations, llm.MistralOCR), func(d llm.Dialect) bool { return compile.Dialect(d) == nil })
	return append(conversing(), more...)
}

// embedding are the dialects in which embeddings are asked for.
var embedding = []llm.Dialect{llm.OpenAIEmbeddings, llm.GeminiEmbeddings, llm.CohereEmbed, llm.OllamaEmbed}

// refusedByAll reports whether a request cannot be read here, and its provider refused it too.
func refusedByAll(r *replay.Recording, d llm.Dialect) bool {
	call := question(r, d, alias).call()
	_, err := compile.Dialect(d).Peek(&call)
	return err != nil && r.Response.Status == 400
}

// known makes the provider one that keeps answers, and what a request goes on from or refers to one of them.
func known(t *testing.T, g *gatewaytest.Gateway, sent asked, d llm.Dialect) {
	t.Helper()
	k, ok := compile.Dialect(d).(dialect.Threaded)
	if !ok {
		return
	}
	g.Engine.Snapshot().Places[string(d)].Keeps = true
	call := sent.call()
	if _, err := compile.Dialect(d).Peek(&call); err != nil {
		return
	}
	th, err := k.Thread(call)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range append([]string{th.Previous}, th.References...) {
		turn := gateway.Turn{
			ID: id, Owner: "test", Dialect: d, Native: true, State: gateway.TurnDone, Target: gateway.Target{Provider: string(d), Model: "real-model"},
			Items: []string{id}, Ends: time.Now().Add(time.Hour),
		}
		if err := g.Threads.Put(turn); err != nil {
			t.Fatal(err)
		}
	}
}

const alias = "alias-of-the-model"

func pass(t *testing.T, r *replay.Recording, d llm.Dialect) (plays int) {
	t.Helper()
	sent, want := question(r, d, alias), question(r, d, "real-model")
	up := replay.For(r)
	g := (&gatewaytest.Gateway{Upstream: up, Document: document(fmt.Sprintf("  %s: { targets: [{ provider: %s, model: real-model }] }", alias, d))}).Start(t)
	known(t, g, sent, d)
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
		w := sent.post(t, g.Handler, "Cookie", "a=b", "X-Forwarded-For", "10.0.0.1")
		seen := up.Last()
		if !bytes.Equal(seen.Body, want.body) || !strings.HasSuffix(seen.URL, want.target()) {
			t.Fatalf("%s: the provider got %s\n%s\nwant %s\n%s", r.ID, seen.URL, seen.Body, want.target(), want.body)
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
	return plays
}

// severalAnswers are recordings of which the meter reads the first answer only, with the reason.
var severalAnswers = map[string]string{
	"azure-openai-4f1296c5d5": "the recorder wrote several streams, one after the other, as one",
}

// checkMeter compares the usage in the records with what the answer states.
func checkMeter(t *testing.T, r *replay.Recording, records []*gateway.Exchange) {
	t.Helper()
	if why := severalAnswers[r.ID]; why != "" {
		return
	}
	input, output, stated := statedUsage(r)
	for _, x := range records {
		switch in, out := counted(x.Usage); {
		case !stated && (in != 0 || out != 0):
			t.Errorf("%s: usage %+v read where none is stated", r.ID, x.Usage)
			return
		case stated && (in != input || out != output):
			t.Errorf("%s: the meter reads %+v, the answer states %d and %d", r.ID, x.Usage, input, output)
			return
		}
	}
}

// counted is what the provider counted of a usage, without what is an estimate.
func counted(u *llm.Usage) (input, output int64) {
	if u == nil {
		return 0, 0
	}
	if u.Estimated&llm.SaidInput == 0 {
		input = u.Input
	}
	if u.Estimated&llm.SaidOutput == 0 {
		output = u.Output
	}
	return input, output
}

// TestPassOverSockets plays every recording once over real connections, both sides.
func TestPassOverSockets(t *testing.T) {
	for _, d := range conversing() {
		t.Run(string(d), func(t *testing.T) {
			for _, r := range replay.Load(t, string(d)) {
				if refusedByAll(r, d) {
					continue
				}
				sent := question(r, d, alias)
				up := replay.For(r)
				g := (&gatewaytest.Gateway{Upstream: up, Document: document(fmt.Sprintf("  %s: { targets: [{ provider: %s, model: real-model }] }", alias, d))}).Start(t)
				known(t, g, sent, d)
				resp := g.Post(t, sent.target(), string(sent.body))
				got, err := io.ReadAll(resp.Body)
				_ = resp.Body.Close()
				if err != nil || resp.StatusCode != up.Status || !bytes.Equal(got, up.Body) {
					t.Errorf("%s: %d %v, the answer differs", r.ID, resp.StatusCode, err)
				}
			}
		})
	}
}

// TestPagesCounted reads of every recorded answer how many pages were read, and takes nothing else for usage.
func TestPagesCounted(t *testing.T) {
	for _, r := range replay.Load(t, string(llm.MistralOCR)) {
		var answer struct {
			Usage struct {
				Pages int64 `json:"pages_processed"`
			} `json:"usage_info"`
		}
		if err := json.Unmarshal(r.Answer(), &answer); err != nil {
			t.Fatal(err)
		}
		m := compile.Dialect(llm.MistralOCR).Meter()
		m.Body(r.Answer())
		if u := m.Read().Usage; u == nil || u.Said != llm.SaidPages || u.Pages != answer.Usage.Pages || u.Pages == 0 {
			t.Errorf("%s: %+v, %d pages", r.ID, u, answer.Usage.Pages)
		}
	}
}
