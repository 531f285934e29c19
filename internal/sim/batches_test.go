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
