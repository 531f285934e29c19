package sim_test

import (
	"bytes"
	"encoding/json"
	"mime/multipart"
	"strings"
	"testing"
	"time"

	"weir/internal/sim"
)

// batchFile uploads a file for a batch and returns its id.
func (r *rig) batchFile(text string) string {
	r.Helper()
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	_ = form.WriteField("purpose", "batch")
	part, err := form.CreateFormFile("file", "requests.jsonl")
	if err == nil {
		_, err = part.Write([]byte(text))
	}
	if err != nil || form.Close() != nil {
		r.Fatal(err)
	}
	id, _ := r.ok("/v1/files", b.String(), "Content-Type", form.FormDataContentType())["id"].(string)
	return id
}

const batchLines = `{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":{"model":"sim-1","messages":[{"role":"user","content":"Hello"}]}}
{"custom_id":"b","method":"POST","url":"/v1/chat/completions","body":{"model":"sim-1"}}
{"custom_id":"c","method":"POST","url":"/v1/chat/completions","body":{"model":"sim-slow","messages":[{"role":"user","content":"Hello"}]}}
{"custom_id":"d","method":"POST","url":"/v1/chat/completions","body":{"model":"sim-cut","messages":[{"role":"user","content":"Hello"}]}}
`

// TestBatchesFitOpenAPI: what is said of a batch fits what OpenAI publishes, at every stage.
func TestBatchesFitOpenAPI(t *testing.T) {
	schemas := openAPI(t, "openai/openapi.yaml", "Batch", "ListBatchesResponse")
	r := start(t, &sim.Provider{Batch: 50 * time.Millisecond})
	file := r.batchFile(batchLines)
	body := `{"input_file_id":"` + file + `","endpoint":"/v1/chat/completions","completion_window":"24h","metadata":{"a":"b"}}`
	check := func(path, body, schema string) map[string]any {
		_, text, err := r.do(path, body)
		if err != nil {
			t.Fatal(err)
		}
		m := decode(t, text)
		for name, v := range m { // what is not yet is null, whatever is published
			if v == nil && !strings.HasSuffix(name, "_id") || v == nil && strings.HasSuffix(name, "_file_id") {
				delete(m, name)
			}
		}
		if data, is := m["data"].([]any); is {
			for _, one := range data {
				for name, v := range one.(map[string]any) {
					if v == nil {
						delete(one.(map[string]any), name)
					}
				}
			}
		}
		plain, _ := json.Marshal(m)
		valid(t, schemas[schema], path, string(plain))
		return m
	}
	made := check("/v1/batches", body, "Batch")
	path := "/v1/batches/" + made["id"].(string)
	if made["status"] != "in_progress" || made["output_file_id"] != nil {
		t.Errorf("made: %v", made)
	}
	time.Sleep(60 * time.Millisecond)
	done := check(path, "", "Batch")
	if done["status"] != "expired" || done["metadata"].(map[string]any)["a"] != "b" {
		t.Errorf("done: %v", done)
	}
	_, good, _ := r.do("/v1/files/"+done["output_file_id"].(string)+"/content", "")
	_, bad, _ := r.do("/v1/files/"+done["error_file_id"].(string)+"/content", "")
	if strings.Count(good, "\n") != 1 || !strings.Contains(good, `"custom_id":"a","response":{"status_code":200`) {
		t.Errorf("answers: %s", good)
	}
	if strings.Count(bad, "\n") != 3 || !strings.Contains(bad, `"custom_id":"b","response":{"status_code":400`) || strings.Count(bad, `"response":null,"error":{"code":"batch_expired"`) != 2 {
		t.Errorf("errors: %s", bad)
	}
	other := check("/v1/batches", body, "Batch")["id"].(string)
	if m := check("/v1/batches/"+other+"/cancel", "{}", "Batch"); m["status"] != "cancelled" {
		t.Errorf("cancelled: %v", m)
	}
	check("/v1/batches", "", "ListBatchesResponse")
}

// TestBatchesRefused: what the real providers refuse is refused.
func TestBatchesRefused(t *testing.T) {
	r := start(t, &sim.Provider{})
	file := r.batchFile(batchLines)
	for body, want := range map[string]struct {
		status int
		says   string
	}{
		`{"endpoint":"/v1/chat/completions","completion_window":"24h"}`:                                      {400, "input_file_id"},
		`{"input_file_id":"file-none","endpoint":"/v1/chat/completions","completion_window":"24h"}`:          {404, "No such File"},
		`{"input_file_id":"` + file + `","endpoint":"/v1/nothing","completion_window":"24h"}`:                {400, "endpoint"},
		`{"input_file_id":"` + file + `","endpoint":"/v1/embeddings","completion_window":"24h"}`:             {400, "Line 1"},
		`{"input_file_id":"` + file + `","endpoint":"/v1/chat/completions","completion_window":"1h"}`:        {400, "completion_window"},
		`{"input_file_id":"` + file + `","endpoint":"/v1/chat/completions","completion_window":"24h","x":1}`: {400, "Unknown parameter"},
	} {
		if res, text, _ := r.do("/v1/batches", body); res.StatusCode != want.status || !strings.Contains(text, want.says) {
			t.Errorf("%s: %d %s", body, res.StatusCode, text)
		}
	}
	for body, want := range map[string]string{
		`{"requests":[]}`: "at least 1 item",
		`{"requests":[{"custom_id":"a b","params":{}}]}`:                             "custom_id",
		`{"requests":[{"custom_id":"a"}]}`:                                           "params",
		`{"requests":[{"custom_id":"a","params":{}},{"custom_id":"a","params":{}}]}`: "Duplicate",
		`{"requests":[{"custom_id":"a","params":{"stream":true}}]}`:                  "stream",
		`{"requests":[{"custom_id":"a","params":{}}],"model":"sim-1"}`:               "Extra inputs",
	} {
		if res, text, _ := r.do("/v1/messages/batches", body); res.StatusCode != 400 || !strings.Contains(text, want) {
			t.Errorf("%s: %d %s", body, res.StatusCode, text)
		}
	}
	for _, path := range []string{"/v1/batches/batch_none", "/v1/messages/batches/msgbatch_none", "/v1/messages/batches/msgbatch_none/results"} {
		if res, text, _ := r.do(path, ""); res.StatusCode != 404 || !strings.Contains(text, "none") {
			t.Errorf("%s: %d %s", path, res.StatusCode, text)
		}
	}
}

// TestGeminiBatches: a batch is an operation that holds its results once it is done, and refuses what Google's does.
func TestGeminiBatches(t *testing.T) {
	r := start(t, &sim.Provider{Batch: 50 * time.Millisecond})
	const create = "/v1beta/models/sim-1:batchGenerateContent"
	const one = `{"request":{"contents":[{"parts":[{"text":"Hello"}]}]},"metadata":{"key":"a"}}`
	body := func(requests string) string {
		return `{"batch":{"display_name":"x","input_config":{"requests":{"requests":[` + requests + `]}}}}`
	}
	made := r.ok(create, body(one+`,{"request":{"contents":[]}}`))
	path := "/v1beta/" + text(made, "name")
	if text(made, "metadata", "state") != "BATCH_STATE_PENDING" || text(made, "metadata", "name") != text(made, "name") || made["done"] != nil {
		t.Errorf("made: %v", made)
	}
	time.Sleep(60 * time.Millisecond)
	_, raw, _ := r.do(path, "")
	done := decode(t, raw)
	if text(done, "metadata", "state") != "BATCH_STATE_SUCCEEDED" || done["done"] != true ||
		strings.Count(raw, `"metadata":{"key":"a"}`) != 2 || strings.Count(raw, `"error":{"code":3,"message":"* GenerateContentRequest.contents`) != 2 {
		t.Errorf("done: %s", raw)
	}
	if _, raw, _ := r.do("/v1beta/batches", ""); !strings.Contains(raw, text(made, "name")) || strings.Contains(raw, "usageMetadata") {
		t.Errorf("list: %s", raw)
	}
	other := "/v1beta/" + text(r.ok(create, body(one)), "name")
	if m := r.ok(other+":cancel", "{}"); len(m) != 0 {
		t.Errorf("cancel: %v", m)
	}
	if _, raw, _ := r.do(other, ""); !strings.Contains(raw, "BATCH_STATE_CANCELLED") {
		t.Errorf("cancelled: %s", raw)
	}
	for body, want := range map[string]string{
		`{"batch":{"inputConfig":{"requests":{"requests":[]}}}}`: "display_name is required",
		body(``):                       "input_config is not specified",
		body(one + `,{"metadata":{}}`): "requests[1].request",
		body(`{"request":{"model":"models/sim-2"}}`):                            "the model differs",
		`{"batch":{"displayName":"x","model":"models/sim-2","inputConfig":{}}}`: "differ",
	} {
		if res, text, _ := r.do(create, body); res.StatusCode != 400 || !strings.Contains(text, want) {
			t.Errorf("%s: %d %s", body, res.StatusCode, text)
		}
	}
	for _, path := range []string{"/v1beta/models/sim-none:batchGenerateContent", "/v1beta/batches/none:cancel"} {
		if res, text, _ := r.do(path, body(one)); res.StatusCode != 404 {
			t.Errorf("%s: %d %s", path, res.StatusCode, text)
		}
	}
}

// TestMistralBatches: what is said of a batch fits what Mistral publishes, at every stage, and what it refuses is refused.
func TestMistralBatches(t *testing.T) {
	schemas := openAPI(t, "mistral/openapi.yaml", "BatchJobOut", "BatchJobsOut")
	r := start(t, &sim.Provider{Batch: 50 * time.Millisecond})
	check := func(path, body, schema string) map[string]any {
		_, text, err := r.do(path, body)
		if err != nil {
			t.Fatal(err)
		}
		valid(t, schemas[schema], path, text)
		return decode(t, text)
	}
	const one = `{"custom_id":"a","body":{"messages":[{"role":"user","content":"Hello"}]}}`
	made := check("/v1/batch/jobs", `{"requests":[`+one+`,{"custom_id":"b","body":{"model":"sim-1"}}],"endpoint":"/v1/chat/completions","model":"sim-1","metadata":{"a":"b"}}`, "BatchJobOut")
	path := "/v1/batch/jobs/" + made["id"].(string)
	if made["status"] != "RUNNING" || made["outputs"] != nil {
		t.Errorf("made: %v", made)
	}
	time.Sleep(60 * time.Millisecond)
	if done := check(path, "", "BatchJobOut"); done["status"] != "SUCCESS" || done["succeeded_requests"] != 1.0 || done["failed_requests"] != 1.0 || done["outputs"] != nil {
		t.Errorf("done: %v", done)
	}
	if outputs, _ := check(path+"?inline=true", "", "BatchJobOut")["outputs"].([]any); len(outputs) != 2 {
		t.Errorf("outputs: %v", outputs)
	}
	file := r.batchFile(one + "\n" + strings.Replace(one, `"a"`, `"b"`, 1) + "\n")
	job := check("/v1/batch/jobs", `{"input_files":["`+file+`"],"endpoint":"/v1/chat/completions","model":"sim-slow"}`, "BatchJobOut")
	if cancelled := check("/v1/batch/jobs/"+job["id"].(string)+"/cancel", "{}", "BatchJobOut"); cancelled["status"] != "CANCELLED" || cancelled["error_file"] == nil {
		t.Errorf("cancelled: %v", cancelled)
	}
	if list := check("/v1/batch/jobs", "", "BatchJobsOut"); list["total"] != 2.0 {
		t.Errorf("list: %v", list)
	}
	for body, want := range map[string]string{
		`{"requests":[` + one + `],"endpoint":"/v1/files","model":"sim-1"}`:                                           "Input should be",
		`{"requests":[` + one + `],"endpoint":"/v1/chat/completions"}`:                                                "names no model",
		`{"requests":[{"custom_id":"a","body":{"model":"sim-2"}}],"endpoint":"/v1/chat/completions","model":"sim-1"}`: "another than the job",
		`{"requests":[{"custom_id":"a"}],"endpoint":"/v1/chat/completions","model":"sim-1"}`:                          "body is missing",
		`{"endpoint":"/v1/chat/completions","model":"sim-1"}`:                                                         "at least",
		`{"requests":[` + one + `],"endpoint":"/v1/chat/completions","model":"sim-1","x":1}`:                          "Extra inputs",
	} {
		if res, text, _ := r.do("/v1/batch/jobs", body); res.StatusCode != 400 || !strings.Contains(text, want) {
			t.Errorf("%s: %d %s", body, res.StatusCode, text)
		}
	}
	for _, path := range []string{"/v1/batch/jobs/none", "/v1/batch/jobs/none/cancel"} {
		if res, text, _ := r.do(path, "{}"); res.StatusCode != 404 {
			t.Errorf("%s: %d %s", path, res.StatusCode, text)
		}
	}
}
