package sim_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"weir/internal/sim"
)

// FuzzRequest: whatever is asked, the provider answers JSON or a stream, or breaks off as a model's name says.
func FuzzRequest(f *testing.F) {
	paths := []string{
		chatPath, messagesPath, "/v1/embeddings", "/v1/messages/count_tokens", responsesPath, "/v1/completions", geminiPath,
		"/v1beta/models/sim-think:streamGenerateContent", "/v1beta/models/sim-1:countTokens", conversePath, "/model/sim-think/converse-stream",
		"/v2/chat", "/api/chat", "/api/show",
	}
	for _, body := range []string{
		chatBody("sim-tools", "get_weather", chatTools), chatBody("sim-1", "hi", `,"stream":true,"logprobs":true,"n":2`),
		messagesBody("sim-think", "hi", messagesTools+`,"stop_sequences":["a"],"cache_control":{"type":"ephemeral"}`),
		`{"model":"sim-1","max_tokens":9,"messages":[{"role":"user","content":[{"type":"text","text":"x"}]},{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AA=="}}]}]}]}`,
		`{"model":"sim-embed","input":[[1,2],"x"],"dimensions":8}`,
		`{"model":"sim-1","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:;base64,"}}]},{"role":"assistant","tool_calls":[{}]}]}`,
		`{"model":"sim-think","input":[{"role":"user","content":[{"type":"input_text","text":"x"}]},{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"AA"},{"type":"function_call","call_id":"c","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"c","output":[{"type":"input_text","text":"y"}]}],"stream":true,"background":true}`,
		`{"contents":[{"parts":{"text":"x"}},{"role":"model","parts":[{"functionCall":{"name":"f","args":{}},"thoughtSignature":"AAAA"}]},{"role":"user","parts":[{"functionResponse":{"name":"f","response":{"a":[1]}}}]}],"tools":[{"functionDeclarations":[{"name":"f","parameters":{"type":"OBJECT","properties":{"a":{"type":"ARRAY","items":{"type":"STRING"}}}}}]}]}`,
		`{"messages":[{"role":"user","content":[{"text":"x"},{"document":{"name":"a","format":"txt","source":{"text":"y"}}},{"cachePoint":{"type":"default"}}]},{"role":"assistant","content":[{"toolUse":{"toolUseId":"t","name":"f","input":{}}}]},{"role":"user","content":[{"toolResult":{"toolUseId":"t","content":[{"json":{}}]}}]}],"toolConfig":{"tools":[{"toolSpec":{"name":"f","inputSchema":{"json":{"type":"object"}}}}]}}`,
		`{"model":"sim-1","messages":[{"role":"user","content":"x","images":["AAAA"]}],"documents":["a. b",{"data":{"text":"c"}}],"think":"high","options":{"num_predict":5,"stop":["a"]}}`,
	} {
		for i := range paths {
			f.Add(uint8(i), []byte(body))
		}
	}
	p := &sim.Provider{Pace: -1, Slow: -1}
	f.Fuzz(func(t *testing.T, which uint8, body []byte) {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		req := httptest.NewRequestWithContext(ctx, http.MethodPost, paths[int(which)%len(paths)], strings.NewReader(string(body)))
		req.Header.Set("Anthropic-Version", "2023-06-01")
		w := httptest.NewRecorder()
		defer func() {
			if r := recover(); r != nil && r != http.ErrAbortHandler {
				panic(r)
			}
		}()
		p.ServeHTTP(w, req)
		whole := strings.HasPrefix(w.Header().Get("Content-Type"), "application/json")
		if cut := strings.Contains(paths[int(which)%len(paths)], "stream") && w.Code == http.StatusOK; whole && !cut && !json.Valid(w.Body.Bytes()) {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	})
}
