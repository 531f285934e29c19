package engine_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"weir/internal/gatewaytest"
	"weir/internal/llm"
)

// refsDocument is a provider that keeps files and speaks several dialects, one that does not keep any, and a second that
// keeps files of its own.
const refsDocument = `version: 1
providers:
  keeps: { base_url: "http://@SIM@/v1", speaks: [openai-chat, openai-files], api_key: sim }
  plain: { base_url: "http://@SIM@/v1", speaks: [openai-chat], api_key: sim }
  other: { base_url: "http://@SIM@/v1", speaks: [openai-responses, openai-files], api_key: sim }
models:
  chat: { targets: [{ provider: keeps, model: sim-1 }] }
  both: { targets: [{ provider: plain, model: sim-1 }, { provider: keeps, model: sim-1 }] }
  elsewhere: { targets: [{ provider: plain, model: sim-1 }] }
  responses: { targets: [{ provider: other, model: sim-1 }] }
keys:
  - { name: test, key: ` + gatewaytest.Key + `, models: ["*"] }
  - { name: other, key: ` + otherKey + `, models: ["*"] }
defaults: { openai-files: @FILES@ }
`

func refsAt(provider string) string { return strings.ReplaceAll(refsDocument, "@FILES@", provider) }

// named are calls that name a file, in each dialect that has a place for one.
var named = map[string]struct{ path, body, param string }{
	"chat": {
		"/v1/chat/completions",
		`{"model":"@MODEL@", "messages":[{"role":"user","content":[{"type":"text","text":"read"},{"type":"file","file":{ "file_id" : "@ID@" }}]}]}`,
		"messages[0].content[1].file.file_id",
	},
	"responses": {
		"/v1/responses",
		`{"model":"@MODEL@","store":false,"input":[{"role":"user","content":[{"type":"input_text","text":"read"},{"type":"input_file","file_id":"@ID@"}]}]}`,
		"input[0].content[1].file_id",
	},
	"messages": {
		"/v1/messages",
		`{"model":"@MODEL@","max_tokens":100,"messages":[{"role":"user","content":[{"type":"text","text":"read"},{"type":"document","source":{"type":"file","file_id":"@ID@"}}]}]}`,
		"messages[0].content[1].source.file_id",
	},
	"gemini": {
		"/v1beta/models/@MODEL@:generateContent",
		`{"contents":[{"role":"user","parts":[{"text":"read"},{"fileData":{"mimeType":"application/pdf","fileUri":"@ID@"}}]}]}`,
		"contents[0].parts[1].fileData.fileUri",
	},
}

func nameFile(t *testing.T, g *gatewaytest.Gateway, key, call, model, id string) reply {
	t.Helper()
	c := named[call]
	return ask(t, g, key, http.MethodPost, strings.ReplaceAll(c.path, "@MODEL@", model), "application/json",
		strings.NewReplacer("@MODEL@", model, "@ID@", id).Replace(c.body))
}

// TestReferences has calls in each dialect name a file: it is asked of the provider that keeps it, under its name there.
func TestReferences(t *testing.T) {
	leaks(t)
	for call := range named {
		for _, provider := range []string{"keeps", "other"} {
			t.Run(call+" at "+provider, func(t *testing.T) {
				g := (&gatewaytest.Gateway{Document: refsAt(provider)}).Start(t)
				id := uploaded(t, g, gatewaytest.Key, "a.pdf", "data")
				model := map[string]string{"keeps": "both", "other": "responses"}[provider]
				a := nameFile(t, g, gatewaytest.Key, call, model, id)
				if a.status != http.StatusOK || a.header.Get("X-Weir-Target") != provider+"/sim-1" {
					t.Fatalf("%d %s %v", a.status, a.body, a.header)
				}
				calls := g.Sim.Calls()
				sent := string(calls[len(calls)-1].Body)
				if strings.Contains(sent, llm.ThingTag) || !strings.Contains(sent, `"`+g.Sim.Files()[0]+`"`) {
					t.Errorf("sent: %s", sent)
				}
				if call == "chat" && provider == "keeps" { // passed: nothing else changes
					if want := strings.NewReplacer("@MODEL@", "sim-1", "@ID@", g.Sim.Files()[0]).Replace(named[call].body); sent != want {
						t.Errorf("sent %s, want %s", sent, want)
					}
				}
				x := g.Wait(t, 2)[1]
				if len(x.Attempts) != 1 {
					t.Errorf("%d attempts", len(x.Attempts))
				}
				if provider == "keeps" && (len(x.Plan.PassedOver) != 1 || !strings.Contains(x.Plan.PassedOver[0].Why, "keeps the file")) {
					t.Errorf("passed over: %v", x.Plan.PassedOver)
				}
			})
		}
	}
}

// TestReferencesRefused has files named that are another's, are kept elsewhere or are gone.
func TestReferencesRefused(t *testing.T) {
	g := (&gatewaytest.Gateway{Document: refsAt("keeps")}).Start(t)
	id := uploaded(t, g, gatewaytest.Key, "a.pdf", "data")
	if err := g.Use(refsAt("other")); err != nil {
		t.Fatal(err)
	}
	far := uploaded(t, g, gatewaytest.Key, "b.pdf", "data")
	gone := uploaded(t, g, gatewaytest.Key, "c.pdf", "data")
	ask(t, g, gatewaytest.Key, http.MethodDelete, "/v1/files/"+gone, "", "")
	seen := len(g.Sim.Calls())
	for call, c := range named {
		for what, test := range map[string]struct {
			key, model, id string
			status         int
			words          string
		}{
			"another's":      {otherKey, "chat", id, http.StatusNotFound, "no such file"},
			"changed":        {gatewaytest.Key, "chat", id[:len(id)-2] + "AA", http.StatusNotFound, "no such file"},
			"gone":           {gatewaytest.Key, "responses", gone, http.StatusNotFound, "no such file"},
			"kept elsewhere": {gatewaytest.Key, "chat", far, http.StatusBadRequest, "kept by the provider other"},
			"not kept there": {gatewaytest.Key, "elsewhere", id, http.StatusBadRequest, "kept by the provider keeps"},
		} {
			a := nameFile(t, g, test.key, call, test.model, test.id)
			if a.status != test.status || !strings.Contains(a.body, test.words) {
				t.Errorf("%s, %s: %d %s", call, what, a.status, a.body)
			}
			if x := g.Records()[len(g.Records())-1]; x.Fault == nil || x.Fault.Param != c.param {
				t.Errorf("%s, %s: %+v", call, what, x.Fault)
			}
		}
	}
	two := `{"model":"chat","messages":[{"role":"user","content":[{"type":"file","file":{"file_id":"` + id + `"}},{"type":"file","file":{"file_id":"` + far + `"}}]}]}`
	if a := ask(t, g, gatewaytest.Key, http.MethodPost, "/v1/chat/completions", "application/json", two); a.status != http.StatusBadRequest || !strings.Contains(a.body, "keeps and other") {
		t.Errorf("%d %s", a.status, a.body)
	}
	if n := len(g.Sim.Calls()); n != seen {
		t.Errorf("%d calls went up", n-seen)
	}
}

// TestReferencesInSpeech has people talk about ids: nothing is looked up and nothing changes.
func TestReferencesInSpeech(t *testing.T) {
	g := (&gatewaytest.Gateway{Document: refsAt("keeps")}).Start(t)
	id := uploaded(t, g, gatewaytest.Key, "a.pdf", "data")
	for _, key := range []string{gatewaytest.Key, otherKey} {
		body := `{"model":"chat","messages":[{"role":"user","content":"` + id + `"},{"role":"assistant","content":"the \"` + id + `\" of yours"},{"role":"user","content":[{"type":"text","text":"` + id + `"}]}]}`
		a := ask(t, g, key, http.MethodPost, "/v1/chat/completions", "application/json", body)
		calls := g.Sim.Calls()
		if sent := string(calls[len(calls)-1].Body); a.status != http.StatusOK || sent != strings.Replace(body, `"chat"`, `"sim-1"`, 1) {
			t.Errorf("%d %s\nsent %s", a.status, a.body, sent)
		}
	}
}

// TestReferencesByChance has what only looks like an id pass.
func TestReferencesByChance(t *testing.T) {
	g := (&gatewaytest.Gateway{Document: refsAt("keeps")}).Start(t)
	id := uploaded(t, g, gatewaytest.Key, "a.pdf", "data")
	for _, value := range []string{
		"gAAAAABwr1_" + strings.Repeat("A", 100), strings.Repeat("a", 20) + "wr1_AA", "x y file-wr1_AA", "file-wr1_AA.pdf", "FILE-wr1_AA",
		strings.Repeat("a", 2000) + "wr1_" + strings.Repeat("a", 2000),
	} {
		body := `{"model":"chat","messages":[{"role":"user","content":"hi"}],"metadata":{"k":"` + value + `"},"store":true}`
		ask(t, g, gatewaytest.Key, http.MethodPost, "/v1/chat/completions", "application/json", body)
		calls := g.Sim.Calls()
		if sent := string(calls[len(calls)-1].Body); sent != strings.Replace(body, `"chat"`, `"sim-1"`, 1) {
			t.Errorf("%.40s: sent %s", value, sent)
		}
	}
	// As a name it is none; what a form says is no JSON.
	body := `{"model":"chat","messages":[{"role":"user","content":"hi"}],"metadata":{"` + id + `":"v"},"store":true}`
	ask(t, g, gatewaytest.Key, http.MethodPost, "/v1/chat/completions", "application/json", body)
	calls := g.Sim.Calls()
	if sent := string(calls[len(calls)-1].Body); sent != strings.Replace(body, `"chat"`, `"sim-1"`, 1) {
		t.Errorf("sent %s", sent)
	}
}

// TestReferencesMany has a body with very many of them be answered in time.
func TestReferencesMany(t *testing.T) {
	g := (&gatewaytest.Gateway{Document: refsAt("keeps")}).Start(t)
	id := uploaded(t, g, gatewaytest.Key, "a.pdf", "data")
	part := `{"type":"text","text":"` + id + `"},`
	body := `{"model":"chat","messages":[{"role":"user","content":[` + strings.Repeat(part, 5000) + `{"type":"file","file":{"file_id":"` + id + `"}}]}]}`
	start := time.Now()
	a := ask(t, g, gatewaytest.Key, http.MethodPost, "/v1/chat/completions", "application/json", body)
	if took := time.Since(start); took > 5*time.Second || a.status != http.StatusOK {
		t.Errorf("%v: %d %s", took, a.status, a.body)
	}
}

// TestReferencesAgain has a conversation that the gateway keeps go on: the file in it is still asked of its provider.
func TestReferencesAgain(t *testing.T) {
	g := (&gatewaytest.Gateway{Document: refsAt("keeps")}).Start(t)
	id := uploaded(t, g, gatewaytest.Key, "a.pdf", "data")
	first := strings.Replace(strings.NewReplacer("@MODEL@", "both", "@ID@", id).Replace(named["responses"].body), `"store":false,`, "", 1)
	a := ask(t, g, gatewaytest.Key, http.MethodPost, "/v1/responses", "application/json", first)
	if a.status != http.StatusOK {
		t.Fatalf("%d %s", a.status, a.body)
	}
	a = ask(t, g, gatewaytest.Key, http.MethodPost, "/v1/responses", "application/json", `{"model":"both","previous_response_id":"`+a.text("id")+`","input":"and now?"}`)
	if a.status != http.StatusOK || a.header.Get("X-Weir-Target") != "keeps/sim-1" {
		t.Fatalf("%d %s %v", a.status, a.body, a.header)
	}
	calls := g.Sim.Calls()
	if sent := string(calls[len(calls)-1].Body); strings.Contains(sent, llm.ThingTag) || !strings.Contains(sent, g.Sim.Files()[0]) {
		t.Errorf("sent: %s", sent)
	}
}
