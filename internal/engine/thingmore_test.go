package engine_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"weir/internal/gatewaytest"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// anthropicDocument has files in both dialects at the same paths.
const anthropicDocument = `version: 1
providers:
  claude: { base_url: "http://@SIM@", speaks: [anthropic-messages, anthropic-files], api_key: sim }
  keeps: { base_url: "http://@SIM@/v1", speaks: [openai-chat, openai-files], api_key: sim }
models:
  messages: { targets: [{ provider: claude, model: sim-1 }] }
keys:
  - { name: test, key: ` + gatewaytest.Key + `, models: ["*"] }
  - { name: other, key: ` + otherKey + `, models: ["*"] }
`

var anthropicHeaders = []string{"Anthropic-Version", "2023-06-01", "Anthropic-Beta", "files-api-2025-04-14"}

func TestAnthropicFiles(t *testing.T) {
	leaks(t)
	g := (&gatewaytest.Gateway{Document: anthropicDocument}).Start(t)
	uploaded(t, g, gatewaytest.Key, "openai.txt", "data") // which is not listed here
	var ids []string
	for i := range 3 {
		ct, body := uploadForm(fmt.Sprint(i, ".pdf"), "%PDF-")
		a := ask(t, g, gatewaytest.Key, http.MethodPost, "/v1/files?beta=true", ct, body, anthropicHeaders...)
		if a.status != http.StatusOK || !strings.HasPrefix(a.text("id"), "file_"+llm.ThingTag) || a.text("type") != "file" || a.header.Get("Request-Id") == "" {
			t.Fatalf("%d %s %v", a.status, a.body, a.header)
		}
		ids = append(ids, a.text("id"))
	}
	calls := g.Sim.Calls()
	if last := calls[len(calls)-1]; last.Header.Get("Anthropic-Beta") == "" || last.Header.Get("X-Api-Key") != "sim" || last.Query != "beta=true" {
		t.Errorf("%v %s", last.Header, last.Query)
	}
	for query, want := range map[string]string{
		"": "2.pdf 1.pdf 0.pdf", "?limit=2": "2.pdf 1.pdf …", "?limit=2&after_id=" + ids[1]: "0.pdf", "?limit=1&before_id=" + ids[0]: "1.pdf …",
		"?before_id=" + ids[1]: "2.pdf", "?limit=2000": "400", "?before_id=file_x": "400",
	} {
		a := ask(t, g, gatewaytest.Key, http.MethodGet, "/v1/files"+query, "", "", anthropicHeaders...)
		var got []string
		for _, one := range rawjson.Elems(rawjson.Get([]byte(a.body), "data")) {
			got = append(got, rawjson.Text(rawjson.Get(one, "filename")))
		}
		if strings.Contains(a.body, `"has_more":true`) {
			got = append(got, "…")
		}
		if a.status != http.StatusOK {
			if a.text("type") != "error" {
				t.Errorf("%s", a.body)
			}
			got = []string{fmt.Sprint(a.status)}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %v, want %s: %s", query, got, want, a.body)
		}
	}
	id := ids[0]
	if a := ask(t, g, gatewaytest.Key, http.MethodGet, "/v1/files/"+id, "", "", anthropicHeaders...); a.status != http.StatusOK || a.text("id") != id {
		t.Errorf("%d %s", a.status, a.body)
	}
	// The provider's own error, with the id that the client knows.
	if a := ask(t, g, gatewaytest.Key, http.MethodGet, "/v1/files/"+id+"/content", "", "", anthropicHeaders...); a.status != http.StatusBadRequest || a.text("error", "message") != "File '"+id+"' is not downloadable" {
		t.Errorf("%d %s", a.status, a.body)
	}
	for _, wrong := range []struct {
		key     string
		headers []string
	}{{otherKey, anthropicHeaders}, {gatewaytest.Key, nil}} { // another key; the same in the other dialect
		if a := ask(t, g, wrong.key, http.MethodGet, "/v1/files/"+id, "", "", wrong.headers...); a.status != http.StatusNotFound {
			t.Errorf("%d %s", a.status, a.body)
		}
	}
	question := `{"model":"messages","max_tokens":100,"messages":[{"role":"user","content":[{"type":"document","source":{"type":"file","file_id":"` + id + `"}}]}]}`
	if a := ask(t, g, gatewaytest.Key, http.MethodPost, "/v1/messages", "application/json", question, anthropicHeaders...); a.status != http.StatusOK {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := ask(t, g, otherKey, http.MethodPost, "/v1/messages", "application/json", question, anthropicHeaders...); a.status != http.StatusNotFound {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := ask(t, g, gatewaytest.Key, http.MethodDelete, "/v1/files/"+id, "", "", anthropicHeaders...); a.status != http.StatusOK || a.text("type") != "file_deleted" || a.text("id") != id {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := ask(t, g, gatewaytest.Key, http.MethodPost, "/v1/messages", "application/json", question, anthropicHeaders...); a.status != http.StatusNotFound || !strings.Contains(a.body, "no such file") {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// TestBatchFile has a file of requests go to the provider with the models by its names, and one that asks too much be
// refused before anything is sent.
func TestBatchFile(t *testing.T) {
	g := (&gatewaytest.Gateway{Document: strings.Replace(filesDocument, "openai-files", "openai-files, openai-batches", 1)}).Start(t)
	line := func(id, model string) string {
		return `{"custom_id":"` + id + `","method":"POST","url":"/v1/chat/completions","body":{"model":"` + model + `","messages":[{"role":"user","content":"hi"}]}}` + "\n"
	}
	a := send(t, g, gatewaytest.Key, "b.jsonl", line("1", "chat")+line("2", "both"), "purpose", "batch")
	if a.status != http.StatusOK {
		t.Fatalf("%d %s", a.status, a.body)
	}
	calls := g.Sim.Calls()
	if sent := string(calls[0].Body); !strings.Contains(sent, "\r\n\r\n"+line("1", "sim-1")+line("2", "sim-1")+"\r\n--") {
		t.Errorf("sent %s", sent)
	}
	kept, ok := g.Things.Get("test", a.text("id"))
	if !ok || kept.Lines != 2 || kept.Path != "/v1/chat/completions" || kept.Purpose != "batch" || fmt.Sprint(kept.Asked) != "[{chat sim-1} {both sim-1}]" {
		t.Errorf("%+v", kept)
	}
	for body, words := range map[string]string{
		line("1", "chat") + line("2", "elsewhere"): "line 2",
		line("1", "chat") + line("1", "chat"):      "line 2",
		"no json":                                  "line 1",
	} {
		if a := send(t, g, gatewaytest.Key, "b.jsonl", body, "purpose", "batch"); a.status < 400 || a.status > 404 || !strings.Contains(a.body, words) {
			t.Errorf("%d %s", a.status, a.body)
		}
	}
	if n := len(g.Sim.Calls()); n != 1 {
		t.Errorf("%d calls went up", n)
	}
}
