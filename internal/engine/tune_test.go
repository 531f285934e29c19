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

const tuneDocument = `version: 1
providers:
  tunes: { base_url: "http://@SIM@/v1", speaks: [openai-chat, openai-files, openai-fine-tuning], api_key: sim }
  other: { base_url: "http://@SIM@/v1", speaks: [openai-chat, openai-fine-tuning], api_key: sim }
models:
  small: { targets: [{ provider: other, model: sim-1 }, { provider: tunes, model: sim-1 }] }
  far: { targets: [{ provider: other, model: sim-1 }] }
  closed: { targets: [{ provider: tunes, model: sim-1 }] }
keys:
  - { name: test, key: ` + gatewaytest.Key + `, models: [small, far, "tunes/ft:*"] }
  - { name: other, key: ` + otherKey + `, models: ["*"] }
`

const jobsPath = "/v1/fine_tuning/jobs"

func trainingFile(t *testing.T, g *gatewaytest.Gateway) string {
	t.Helper()
	a := send(t, g, gatewaytest.Key, "train.jsonl", `{"messages":[]}`, "purpose", "fine-tune")
	if a.status != http.StatusOK {
		t.Fatalf("%d %s", a.status, a.body)
	}
	return a.text("id")
}

func makeJob(t *testing.T, g *gatewaytest.Gateway, body string) reply {
	t.Helper()
	return ask(t, g, gatewaytest.Key, http.MethodPost, jobsPath, "application/json", body)
}

// TestTuning has a job made, watched, and its model used.
func TestTuning(t *testing.T) {
	leaks(t)
	g := (&gatewaytest.Gateway{Document: tuneDocument}).Start(t)
	file := trainingFile(t, g)
	a := makeJob(t, g, `{ "model":"small", "training_file":"`+file+`","validation_file":"`+file+`", "suffix":"mine" }`)
	id := a.text("id")
	if a.status != http.StatusOK || !strings.HasPrefix(id, "ftjob-"+llm.ThingTag) || a.text("training_file") != file || a.text("validation_file") != file || a.header.Get("X-Weir-Target") != "tunes/sim-1" {
		t.Fatalf("%d %s %v", a.status, a.body, a.header)
	}
	calls := g.Sim.Calls()
	native := g.Sim.Files()[0]
	if sent := string(calls[len(calls)-1].Body); sent != `{ "model":"sim-1", "training_file":"`+native+`","validation_file":"`+native+`", "suffix":"mine" }` {
		t.Errorf("sent %s", sent)
	}
	x := g.Wait(t, 2)[1]
	if x.Op != llm.OpTune || x.Head.Model != "small" || x.Unpriced == "" || len(x.Plan.PassedOver) != 1 {
		t.Errorf("%+v", x)
	}
	for _, verb := range []string{"/pause", "/resume"} {
		if a := ask(t, g, gatewaytest.Key, http.MethodPost, jobsPath+"/"+id+verb, "", ""); a.status != http.StatusOK || a.text("id") != id {
			t.Errorf("%s: %d %s", verb, a.status, a.body)
		}
	}
	for range 3 {
		a = ask(t, g, gatewaytest.Key, http.MethodGet, jobsPath+"/"+id, "", "")
	}
	var results []string
	for _, one := range rawjson.Elems(rawjson.Get([]byte(a.body), "result_files")) {
		results = append(results, rawjson.Text(one))
	}
	model := a.text("fine_tuned_model")
	if a.text("status") != "succeeded" || len(results) != 1 || !strings.HasPrefix(results[0], "file-wr1_") || !strings.HasPrefix(model, "ft:sim-1:") {
		t.Fatalf("%s", a.body)
	}
	if got := ask(t, g, gatewaytest.Key, http.MethodGet, "/v1/files/"+results[0]+"/content", "", ""); !strings.HasPrefix(got.body, "step,") {
		t.Errorf("%d %s", got.status, got.body)
	}
	if got := ask(t, g, gatewaytest.Key, http.MethodGet, jobsPath, "", ""); !strings.Contains(got.body, a.body) || strings.Contains(got.body, native) {
		t.Errorf("listed %s", got.body)
	}
	if got := ask(t, g, gatewaytest.Key, http.MethodGet, jobsPath+"/"+id+"/events", "", ""); got.status != http.StatusOK || !strings.Contains(got.body, `"id":"ftevent-`) || strings.Contains(got.body, llm.ThingTag) {
		t.Errorf("%d %s", got.status, got.body)
	}
	got := ask(t, g, gatewaytest.Key, http.MethodGet, jobsPath+"/"+id+"/checkpoints", "", "")
	if got.status != http.StatusOK || !strings.Contains(got.body, `"fine_tuning_job_id":"`+id+`"`) || !strings.Contains(got.body, `"id":"ftckpt_`) {
		t.Errorf("%d %s", got.status, got.body)
	}
	if got := ask(t, g, gatewaytest.Key, http.MethodPost, "/v1/chat/completions", "application/json", `{"model":"tunes/`+model+`","messages":[{"role":"user","content":"hi"}]}`); got.status != http.StatusOK {
		t.Errorf("its model: %d %s", got.status, got.body)
	}
	// What the provider refuses passes, with the id that the client knows.
	if got := ask(t, g, gatewaytest.Key, http.MethodPost, jobsPath+"/"+id+"/cancel", "", ""); got.status != http.StatusBadRequest {
		t.Errorf("%d %s", got.status, got.body)
	}
}

func TestTuningRefused(t *testing.T) {
	g := (&gatewaytest.Gateway{Document: tuneDocument}).Start(t)
	file := trainingFile(t, g)
	job := makeJob(t, g, `{"model":"small","training_file":"`+file+`"}`).text("id")
	seen := len(g.Sim.Calls())
	for body, want := range map[string]string{
		`{"model":"closed","training_file":"` + file + `"}`:                           "403 model",
		`{"model":"nobody","training_file":"` + file + `"}`:                           "404 model",
		`{"model":"far","training_file":"` + file + `"}`:                              "400 training_file",
		`{"model":"small","training_file":"` + g.Sim.Files()[0] + `"}`:                "404 training_file",
		`{"model":"small","training_file":"` + file + `","validation_file":"file-x"}`: "404 validation_file",
		`{"model":"small"}`:                "400 training_file",
		`{"training_file":"` + file + `"}`: "400 model",
		`{"model":"small","training_file":"` + file + `","training_file":"` + file + `"}`: "400 training_file",
	} {
		if a := makeJob(t, g, body); a.header.Get("X-Weir-Id") == "" || http.StatusText(a.status) == "" || want != strings.Join([]string{fmt.Sprint(a.status), a.text("error", "param")}, " ") {
			t.Errorf("%s: %d %s, want %s", body, a.status, a.body, want)
		}
	}
	for _, verb := range []struct{ method, tail string }{{"GET", ""}, {"POST", "/cancel"}, {"POST", "/pause"}, {"POST", "/resume"}, {"GET", "/events"}, {"GET", "/checkpoints"}} {
		if a := ask(t, g, otherKey, verb.method, jobsPath+"/"+job+verb.tail, "", ""); a.status != http.StatusNotFound {
			t.Errorf("%s %s: %d %s", verb.method, verb.tail, a.status, a.body)
		}
		if a := ask(t, g, gatewaytest.Key, verb.method, jobsPath+"/"+file+verb.tail, "", ""); a.status != http.StatusNotFound {
			t.Errorf("a file as a job: %d %s", a.status, a.body)
		}
	}
	if n := len(g.Sim.Calls()); n != seen {
		t.Errorf("%d calls went up", n-seen)
	}
	if err := g.Use(tuneDocument + "defaults: { unpriced: refuse }\n"); err != nil {
		t.Fatal(err)
	}
	if a := makeJob(t, g, `{"model":"small","training_file":"`+file+`"}`); a.status != http.StatusForbidden || a.text("error", "code") != "model_unpriced" {
		t.Errorf("%d %s", a.status, a.body)
	}
}
