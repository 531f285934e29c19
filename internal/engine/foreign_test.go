package engine_test

import (
	"net/http"
	"strings"
	"testing"

	"weir/internal/gateway"
	"weir/internal/gatewaytest"
	"weir/internal/sim"
)

// foreignDocument is refsDocument with a provider that lets any file be named.
func foreignDocument() string {
	s := strings.Replace(refsAt("keeps"), "  plain:", `  open: { base_url: "http://@SIM@/v1", speaks: [openai-chat, openai-files], api_key: sim, files: any }
  talks: { base_url: "http://@SIM@", speaks: [anthropic-messages, anthropic-files], api_key: sim }
  google: { base_url: "http://@SIM@", speaks: [gemini-generate, gemini-files], api_key: sim }
  plain:`, 1)
	return strings.Replace(s, "models:\n", `models:
  open: { targets: [{ provider: open, model: sim-1 }] }
  closedfirst: { targets: [{ provider: keeps, model: sim-1 }, { provider: open, model: sim-1 }] }
  messages: { targets: [{ provider: talks, model: sim-1 }] }
  gemini: { targets: [{ provider: google, model: sim-1 }] }
  geminifirst: { targets: [{ provider: google, model: sim-1 }, { provider: open, model: sim-1 }] }
`, 1)
}

// TestForeignFiles has a key name a file by the provider's own id, which another key uploaded.
func TestForeignFiles(t *testing.T) {
	leaks(t)
	g := (&gatewaytest.Gateway{Document: foreignDocument()}).Start(t)
	uploaded(t, g, gatewaytest.Key, "a.pdf", "data")
	native := g.Sim.Files()[0]
	before := len(g.Sim.Calls())
	for call, c := range named {
		for _, key := range []string{gatewaytest.Key, otherKey} {
			a := nameFile(t, g, key, call, "chat", native)
			if key == gatewaytest.Key { // its own, whatever it is called
				if call == "chat" {
					before++
				}
				if a.status == http.StatusNotFound || call == "chat" && a.status != http.StatusOK { // it is in no words of another maker's
					t.Errorf("%s: %d %s", call, a.status, a.body)
				}
				continue
			}
			if a.status != http.StatusNotFound || !strings.Contains(a.body, "providers.keeps") {
				t.Errorf("%s: %d %s", call, a.status, a.body)
			}
			if x := g.Records()[len(g.Records())-1]; x.Fault == nil || x.Fault.Param != c.param || len(x.Attempts) != 0 || x.Ending != gateway.Refused {
				t.Errorf("%s: %+v %v", call, x.Fault, x.Ending)
			}
		}
	}
	if n := len(g.Sim.Calls()); n != before {
		t.Errorf("%d calls went up", n-before)
	}

	// Where any may be named it is, and a target that may not is passed over.
	for _, model := range []string{"open", "closedfirst"} {
		if a := nameFile(t, g, otherKey, "chat", model, native); a.status != http.StatusOK || a.header.Get("X-Weir-Target") != "open/sim-1" {
			t.Errorf("%s: %d %s %v", model, a.status, a.body, a.header)
		}
	}
	all := g.Records()
	if over := all[len(all)-1].Plan.PassedOver; len(over) != 1 || over[0].Target.Provider != "keeps" || !strings.Contains(over[0].Why, "not one that the key uploaded") {
		t.Errorf("passed over: %v", over)
	}
	// A provider that keeps no files for anybody here is asked what the client wants to ask.
	if a := nameFile(t, g, otherKey, "chat", "elsewhere", native); a.status != http.StatusOK {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// TestForeignWays has files named in every way that a provider would read one, each refused before anything is sent.
func TestForeignWays(t *testing.T) {
	g := (&gatewaytest.Gateway{Document: foreignDocument(), Sim: &sim.Provider{Pace: -1}}).Start(t)
	for what, c := range map[string]struct{ path, body, param string }{
		"images":           {"/v1/responses", `{"model":"chat","input":[{"role":"user","content":[{"type":"input_image","file_id":"file-X"}]}]}`, "input[0].content[0].file_id"},
		"interpreter":      {"/v1/responses", `{"model":"chat","input":"hi","tools":[{"type":"code_interpreter","container":{"type":"auto","file_ids":["file-X"]}}]}`, "tools[0].container.file_ids[0]"},
		"a store":          {"/v1/responses", `{"model":"chat","input":"hi","tools":[{"type":"file_search","vector_store_ids":["vs_X"]}]}`, "tools[0].vector_store_ids[0]"},
		"escaped":          {"/v1/chat/completions", `{"model":"chat","messages":[{"role":"user","content":[{"type":"file","file":{"file\u005fid":"file-X"}}]}]}`, `messages[0].content[0].file.file_id`},
		"a container":      {"/v1/messages", `{"model":"messages","max_tokens":9,"messages":[{"role":"user","content":[{"type":"container_upload","file_id":"file_X"}]}]}`, "messages[0].content[0].file_id"},
		"google's address": {"/v1beta/models/gemini:generateContent", `{"contents":[{"parts":[{"file_data":{"file_uri":"https://generativelanguage.googleapis.com/v1beta/files/x"}}]}]}`, "contents[0].parts[0].file_data.file_uri"},
		"its address":      {"/v1beta/models/gemini:generateContent", `{"contents":[{"parts":[{"fileData":{"fileUri":"http://@SIM@/v1beta/files/x"}}]}]}`, "contents[0].parts[0].fileData.fileUri"},
		"its name":         {"/v1beta/models/gemini:countTokens", `{"contents":[{"parts":[{"fileData":{"fileUri":"files/x"}}]}]}`, "contents[0].parts[0].fileData.fileUri"},
		"an image":         {"/v1/chat/completions", `{"model":"gemini","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://generativelanguage.googleapis.com/v1beta/files/x"}}]}]}`, "messages[0].content[0].image_url.url"},
		"a document":       {"/v1/messages", `{"model":"gemini","max_tokens":9,"messages":[{"role":"user","content":[{"type":"document","source":{"type":"url","url":"https://generativelanguage.googleapis.com/v1beta/files/x"}}]}]}`, "messages[0].content[0].source.url"},
		"an invented one":  {"/v1/chat/completions", `{"model":"chat","messages":[{"role":"user","content":[{"type":"file","file":{"file_id":"file-wr1_AAAA"}}]}]}`, "messages[0].content[0].file.file_id"},
	} {
		host, _, _ := strings.Cut(g.Host(), ":")
		a := ask(t, g, gatewaytest.Key, http.MethodPost, c.path, "application/json", strings.ReplaceAll(c.body, "@SIM@", host))
		x := g.Wait(t, 1)[len(g.Records())-1]
		if a.status != http.StatusNotFound || x.Fault == nil || x.Fault.Param != c.param {
			t.Errorf("%s: %d %s %+v", what, a.status, a.body, x.Fault)
		}
	}
	if n := len(g.Sim.Calls()); n != 0 {
		t.Errorf("%d calls went up", n)
	}
}

// TestForeignPasses has what only looks so go on as it always did.
func TestForeignPasses(t *testing.T) {
	g := (&gatewaytest.Gateway{Document: foreignDocument()}).Start(t)
	for what, c := range map[string]struct{ path, body string }{
		"speech":           {"/v1/chat/completions", `{"model":"chat","messages":[{"role":"user","content":"{\"file_id\": \"file-X\"}"}]}`},
		"metadata":         {"/v1/chat/completions", `{"model":"chat","messages":[{"role":"user","content":"hi"}],"metadata":{"file_id":"file-X"},"store":true}`},
		"a tool's input":   {"/v1/messages", `{"model":"messages","max_tokens":9,"tools":[{"name":"n","input_schema":{"type":"object","properties":{"file_id":{"type":"string"}}}}],"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":[{"type":"tool_use","id":"toolu_1","name":"n","input":{"file_id":"file_X"}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_1","content":"ok"}]}]}`},
		"a function's":     {"/v1beta/models/gemini:generateContent", `{"contents":[{"role":"user","parts":[{"text":"hi"}]},{"role":"model","parts":[{"functionCall":{"name":"n","args":{"file_id":"X","uri":"files/x"}}}]},{"role":"user","parts":[{"functionResponse":{"name":"n","response":{"file_id":"X"}}}]}],"tools":[{"functionDeclarations":[{"name":"n"}]}]}`},
		"what it is cited": {"/v1/responses", `{"model":"responses","input":[{"role":"user","content":"hi"},{"type":"message","id":"msg_1","role":"assistant","status":"completed","content":[{"type":"output_text","text":"t","annotations":[{"type":"file_citation","index":0,"file_id":"file-X","filename":"a"}]}]},{"role":"user","content":"go on"}]}`},
	} {
		before := len(g.Sim.Calls())
		if a := ask(t, g, gatewaytest.Key, http.MethodPost, c.path, "application/json", c.body); len(g.Sim.Calls()) != before+1 {
			t.Errorf("%s: %d %s", what, a.status, a.body)
		}
	}
}

// TestForeignInBatch refuses a batch whose requests name another's file.
func TestForeignInBatch(t *testing.T) {
	g := (&gatewaytest.Gateway{Document: strings.Replace(filesDocument, "openai-files", "openai-files, openai-batches", 1)}).Start(t)
	line := `{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":{"model":"chat","messages":[{"role":"user","content":[{"type":"file","file":{"file_id":"file-X"}}]}]}}` + "\n"
	a := send(t, g, gatewaytest.Key, "a.jsonl", line, "purpose", "batch")
	if a.status != http.StatusNotFound || !strings.Contains(a.body, "line 1") || !strings.Contains(a.body, "file-X") || len(g.Sim.Calls()) != 0 {
		t.Errorf("%d %s, %d calls", a.status, a.body, len(g.Sim.Calls()))
	}
}
