package replay

import (
	"bytes"
	"io"
	"net/http"
	"path"
	"strings"
	"testing"
	"time"

	"weir/internal/gateway"
	"weir/internal/gatewaytest"
	"weir/internal/llm"
	"weir/internal/rawjson"
	"weir/internal/thing"
)

// recordedBy answers each path as it was recorded.
type recordedBy map[string]*Recording

// RoundTrip implements http.RoundTripper.
func (a recordedBy) RoundTrip(req *http.Request) (*http.Response, error) {
	r := a[req.URL.Path]
	if r == nil {
		return &http.Response{StatusCode: http.StatusNotFound, ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, Body: http.NoBody, Request: req}, nil
	}
	return For(r).RoundTrip(req)
}

// TestBatches asks after every batch that was recorded: it passes with its ids and addresses changed alone, and where its
// results were recorded too, what is metered of its requests is what the provider says they used together.
func TestBatches(t *testing.T) {
	all := append(append(Load(t, "openai-batches"), Load(t, "anthropic-batches")...), Load(t, "mistral-batches")...)
	contents := recordedBy{}
	for _, r := range Load(t, "openai-files") {
		if path.Base(r.Endpoint.Path) == "content" && r.Response.Status == http.StatusOK {
			contents[r.Endpoint.Path] = r
		}
	}
	passed, metered := 0, 0
	for _, r := range all {
		if r.Response.Status != http.StatusOK || r.Request == nil || rawjson.Get(r.Answer(), "request_counts") == nil && rawjson.Get(r.Answer(), "total_requests") == nil {
			continue
		}
		t.Run(r.ID, func(t *testing.T) {
			upstream := recordedBy{r.Endpoint.Path: r}
			for at, content := range contents {
				upstream[at] = content
			}
			if batchPasses(t, r, upstream) {
				metered++
			}
			passed++
		})
	}
	t.Logf("%d batches passed, of %d the results were metered", passed, metered)
	if passed == 0 || metered == 0 {
		t.Error("nothing was checked")
	}
}

func batchPasses(t *testing.T, r *Recording, upstream recordedBy) (metered bool) {
	native := path.Base(r.Endpoint.Path)
	batch := gateway.Thing{
		Kind: llm.ThingBatch, Owner: "test", Dialect: llm.OpenAIBatches, Target: gateway.Target{Provider: "one"}, Native: native,
		Made: time.Now(), Path: "/v1/responses", Lines: 2, Asked: []gateway.Renamed{{Asked: "mine", Target: "theirs"}}, Parent: "file-mine",
	}
	prefix, root, base := "batch_", "/v1/batches/", `https://api.example/v1`
	speaks := "openai-responses, openai-files, openai-batches"
	switch r.Folder {
	case "mistral-other":
		batch.Dialect, batch.Path = llm.MistralBatches, "/v1/chat/completions"
		prefix, root, speaks = "", "/v1/batch/jobs/", "openai-chat, openai-files, mistral-batches"
	case "anthropic-other":
		batch.Dialect, batch.Path, batch.Parent = llm.AnthropicBatches, "/v1/messages", ""
		prefix, root, base, speaks = "msgbatch_", "/v1/messages/batches/", `https://api.example`, "anthropic-messages, anthropic-batches"
	}
	store := thing.NewMemory(thing.Options{})
	batch.ID = store.Name("test", prefix, llm.ThingBatch, "one", native)
	if err := store.Put(batch); err != nil {
		t.Fatal(err)
	}
	g := (&gatewaytest.Gateway{Things: store, Upstream: upstream, Document: `version: 1
providers: { one: { base_url: "` + base + `", speaks: [` + speaks + `], api_key: sim } }
keys: [{ name: test, key: ` + gatewaytest.Key + ` }]
`}).Start(t)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, g.URL+root+batch.ID, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+gatewaytest.Key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%d %s %v", resp.StatusCode, got, err)
	}
	want := r.Answer()
	change := func(name, to string) {
		if was, ok := rawjson.String(rawjson.Get(want, name)); ok {
			want = bytes.ReplaceAll(want, []byte(`"`+was+`"`), []byte(`"`+to+`"`))
		}
	}
	for _, input := range rawjson.Elems(rawjson.Get(want, "input_files")) {
		want = bytes.Replace(want, input, rawjson.AppendString(nil, batch.Parent), 1)
	}
	output := rawjson.Text(rawjson.Get(want, "output_file_id"))
	change("id", batch.ID)
	change("input_file_id", batch.Parent)
	change("results_url", g.URL+root+batch.ID+"/results")
	change("output_file_id", store.Name("test", "file-", llm.ThingFile, "one", output))
	if !bytes.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if output == "" || upstream["/v1/files/"+output+"/content"] == nil {
		return false
	}
	n := strings.Count(string(upstream["/v1/files/"+output+"/content"].Answer()), `"custom_id"`)
	var in, out int64
	for _, x := range g.Wait(t, n+1) {
		if x.Op == llm.OpChat && x.Usage != nil && x.Head.Model == "mine" && x.Answered() == (gateway.Target{Provider: "one", Model: "theirs"}) {
			in, out = in+x.Usage.Input, out+x.Usage.Output
		}
	}
	wantIn, _ := rawjson.Int(rawjson.Get(want, "usage", "input_tokens"))
	wantOut, _ := rawjson.Int(rawjson.Get(want, "usage", "output_tokens"))
	if in != wantIn || out != wantOut || in == 0 {
		t.Errorf("metered %d and %d tokens, the provider says %d and %d", in, out, wantIn, wantOut)
	}
	return true
}
