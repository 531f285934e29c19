package engine_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"weir/internal/gateway"
	"weir/internal/gatewaytest"
	"weir/internal/llm"
	"weir/internal/rawjson"
	"weir/internal/replay"
)

// titan is a provider that makes a vector of one text, whose only number is the text's own.
type titan struct {
	calls, now, most atomic.Int64
	fails            string       // the text it refuses
	path             atomic.Value // string
}

func (u *titan) RoundTrip(r *http.Request) (*http.Response, error) {
	u.calls.Add(1)
	now := u.now.Add(1)
	defer u.now.Add(-1)
	for most := u.most.Load(); now > most && !u.most.CompareAndSwap(most, now); most = u.most.Load() {
	}
	time.Sleep(time.Millisecond)
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	_ = r.Body.Close()
	text := rawjson.Text(rawjson.Get(body, "inputText"))
	status, answer := http.StatusOK, fmt.Sprintf(`{"embedding":[%s],"inputTextTokenCount":2}`, text)
	if text == u.fails {
		status, answer = http.StatusTooManyRequests, `{"message":"Too many requests, please wait before trying again."}`
	}
	if u.path.Store(r.URL.EscapedPath()); r.Header.Get("Authorization") != "Bearer k" {
		status = http.StatusForbidden
	}
	h := http.Header{"Content-Type": {"application/json"}, "X-Amzn-Bedrock-Input-Token-Count": {"2"}}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(bytes.NewReader([]byte(answer))), ContentLength: int64(len(answer)), ProtoMajor: 1, ProtoMinor: 1}, nil
}

const titanDocument = `version: 1
providers:
  aws: { base_url: "http://127.0.0.1:9", speaks: [bedrock-embeddings], api_key: k, catalog: bedrock }
  other: { base_url: "http://127.0.0.1:9", speaks: [bedrock-embeddings], api_key: k, catalog: bedrock }
models:
  embed: { targets: [{ provider: aws, model: "amazon.titan-embed-text-v2:0" }] }
  either: { targets: [{ provider: aws, model: "amazon.titan-embed-text-v2:0" }, { provider: other, model: "amazon.titan-embed-text-v1" }] }
keys: [{ name: test, key: ` + gatewaytest.Key + `, models: ["*"] }, { name: strict, key: strict-` + gatewaytest.Key + `, models: ["*"], strict: true }]
`

// numbers are texts "0", "1", … as a JSON list.
func numbers(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"%d"`, i)
	}
	return "[" + b.String()[1:] + "]"
}

// TestSeveralCalls asks a model that takes one text a call for many: the vectors come in order, the usage is of all.
func TestSeveralCalls(t *testing.T) {
	for _, n := range []int{1, 2, 40} {
		up := &titan{fails: "none"}
		g := (&gatewaytest.Gateway{Upstream: up, Document: titanDocument}).Start(t)
		resp := g.Post(t, "/v1/embeddings", `{"model":"embed","input":`+numbers(n)+`}`)
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%d: %d %s", n, resp.StatusCode, body)
		}
		count := 0
		for i, v := range rawjson.Elems(rawjson.Get(body, "data")) {
			if index, _ := rawjson.Int(rawjson.Get(v, "index")); int(index) != i || string(rawjson.Get(v, "embedding")) != fmt.Sprintf("[%d]", i) {
				t.Errorf("%d: %s", i, v)
			}
			count++
		}
		x := g.Wait(t, 1)[0]
		// n × 2 tokens at $0.02 per million
		if want := gateway.Money(40 * n); count != n || up.calls.Load() != int64(n) || x.Usage.Input != int64(2*n) || x.Cost != want || x.Unpriced != "" || x.Ending != gateway.Done {
			t.Errorf("%d: %d vectors of %d calls, usage %+v, cost %s, want %s", n, count, up.calls.Load(), x.Usage, x.Cost, want)
		}
		if most := up.most.Load(); most > 8 || n == 40 && most < 2 {
			t.Errorf("%d: %d calls at a time", n, most)
		}
		if used, _ := rawjson.Int(rawjson.Get(body, "usage", "prompt_tokens")); used != int64(2*n) || up.path.Load() != "/model/amazon.titan-embed-text-v2%3A0/invoke" {
			t.Errorf("%d: the client reads of %d tokens, %s", n, used, up.path)
		}
	}
}

// TestSeveralCallsAndOneFails: another target is asked for all of it, and what the first one answered is not passed off
// as free.
func TestSeveralCallsAndOneFails(t *testing.T) {
	up := &titan{fails: "7"}
	g := (&gatewaytest.Gateway{Upstream: up, Document: titanDocument}).Start(t)
	resp := g.Post(t, "/v1/embeddings", `{"model":"embed","input":`+numbers(20)+`}`)
	body, _ := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	x := g.Wait(t, 1)[0]
	if resp.StatusCode != http.StatusTooManyRequests || x.Ending != gateway.Failed || x.Usage == nil || x.Usage.Input < 2 || x.Usage.Input > 38 || x.Cost != gateway.Money(20*x.Usage.Input) {
		t.Errorf("%d %s: %+v, cost %s", resp.StatusCode, body, x.Usage, x.Cost)
	}
	resp = g.Post(t, "/v1/embeddings", `{"model":"either","input":["0","7"]}`)
	_ = resp.Body.Close()
	if x := g.Wait(t, 2)[1]; len(x.Attempts) != 2 || x.Attempts[0].Fault == nil {
		t.Errorf("%+v", x.Attempts)
	}
}

// TestSeveralCallsOfOtherClients asks in the other dialects of embeddings.
func TestSeveralCallsOfOtherClients(t *testing.T) {
	for _, c := range []struct{ path, body, want string }{
		{"/v2/embed", `{"model":"embed","input_type":"search_query","embedding_types":["float"],"texts":["0","1"],"truncate":"NONE"}`, `"float":[[0],[1]]`},
		{"/api/embed", `{"model":"embed","input":["0","1"]}`, `"embeddings":[[0],[1]]`},
		{"/v1beta/models/embed:batchEmbedContents", `{"requests":[{"model":"models/embed","content":{"parts":[{"text":"0"}]}},{"model":"models/embed","content":{"parts":[{"text":"1"}]}}]}`, `{"values":[1]}`},
	} {
		g := (&gatewaytest.Gateway{Upstream: &titan{fails: "none"}, Document: titanDocument}).Start(t)
		resp := g.Post(t, c.path, c.body)
		body, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusOK || !strings.Contains(string(body), c.want) {
			t.Errorf("%s: %d %s, want %s", c.path, resp.StatusCode, body, c.want)
		}
		if lost := resp.Header.Get("X-Weir-Lost"); strings.Count(lost, "truncate") > 1 {
			t.Errorf("%s: lost %s", c.path, lost)
		}
	}
}

// TestSeveralCallsRefused: what cannot be said is refused before anything is sent.
func TestSeveralCallsRefused(t *testing.T) {
	up := &titan{fails: "none"}
	g := (&gatewaytest.Gateway{Upstream: up, Document: titanDocument}).Start(t)
	for body, param := range map[string]string{
		`{"model":"embed","input":` + numbers(2049) + `}`:           "input[2048]",
		`{"model":"embed","input":["a","b"],"dimensions":300}`:      "dimensions",
		`{"model":"embed","input":[[1,2],[3]]}`:                     "input[0]",
		`{"model":"embed","input":["a"],"user":"u","dimensions":1}`: "dimensions",
	} {
		resp := g.Post(t, "/v1/embeddings", body)
		answer, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if got := rawjson.Text(rawjson.Get(answer, "error", "param")); resp.StatusCode != http.StatusBadRequest || got != param {
			t.Errorf("%.60s: %d %s, want %s", body, resp.StatusCode, answer, param)
		}
	}
	if up.calls.Load() != 0 {
		t.Errorf("%d calls were sent", up.calls.Load())
	}
}

// TestInvokedEmbeddings: who asks for the embeddings of a model by Bedrock's name for it gets them from wherever the
// name leads to, in the words of that model; at a provider of that dialect the bytes pass.
func TestInvokedEmbeddings(t *testing.T) {
	up := &replay.Upstream{Status: 200, Header: map[string]string{"content-type": "application/json"}, Body: []byte(
		`{"object":"list","model":"m","data":[{"object":"embedding","index":0,"embedding":[0.5,-1]}],"usage":{"prompt_tokens":3,"total_tokens":3}}`)}
	g := (&gatewaytest.Gateway{Upstream: up, Document: `version: 1
providers:
  openai: { base_url: "http://127.0.0.1:9/v1", speaks: [openai-embeddings], api_key: k }
  aws: { base_url: "http://127.0.0.1:9", speaks: [bedrock-invoke], api_key: k }
models:
  "amazon.titan-embed-text-v2:0": { targets: [{ provider: openai, model: text-embedding-3-small }] }
  "amazon.titan-embed-text-v1": { targets: [{ provider: aws, model: "amazon.titan-embed-text-v1" }] }
keys: [{ name: test, key: ` + gatewaytest.Key + `, models: ["*"] }]
`}).Start(t)
	resp := g.Post(t, "/model/amazon.titan-embed-text-v2%3A0/invoke", `{"inputText":"a","dimensions":512,"normalize":true}`)
	body, _ := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK || string(body) != `{"embedding":[0.5,-1],"embeddingsByType":{"float":[0.5,-1]},"inputTextTokenCount":3}` || resp.Header.Get("X-Weir-Lost") != "answer.model, normalize" {
		t.Errorf("%d %s, lost %s", resp.StatusCode, body, resp.Header.Get("X-Weir-Lost"))
	}
	if seen := up.Last(); !strings.Contains(string(seen.Body), `"input":["a"]`) || !strings.Contains(string(seen.Body), `"dimensions":512`) {
		t.Errorf("the provider got %s", seen.Body)
	}
	sent := `{"inputText": "a"}`
	up.Body = []byte(`{"embedding":[1], "inputTextTokenCount":5}`)
	resp = g.Post(t, "/model/amazon.titan-embed-text-v1/invoke", sent)
	body, _ = io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if seen := up.Last(); string(seen.Body) != sent || string(body) != string(up.Body) || !strings.HasSuffix(seen.URL, "/model/amazon.titan-embed-text-v1/invoke") {
		t.Errorf("%s %s became %s", seen.URL, seen.Body, body)
	}
	if x := g.Wait(t, 2)[1]; x.Op != llm.OpEmbeddings || x.Attempts[0].Mode != gateway.Passed || x.Usage == nil || x.Usage.Input != 5 {
		t.Errorf("%+v", x)
	}
}
