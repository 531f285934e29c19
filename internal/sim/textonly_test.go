package sim

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestTextOnly shows an image to a model that reads text only, in every dialect that has images.
func TestTextOnly(t *testing.T) {
	const dot = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
	p := &Provider{Pace: -1}
	for path, body := range map[string]string{
		"/v1/chat/completions":             `{"model":"@","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,` + dot + `"}}]}]}`,
		"/v1/responses":                    `{"model":"@","input":[{"role":"user","content":[{"type":"input_image","image_url":"data:image/png;base64,` + dot + `"}]}]}`,
		"/v1/messages":                     `{"model":"@","max_tokens":9,"messages":[{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"` + dot + `"}}]}]}`,
		"/v1beta/models/@:generateContent": `{"contents":[{"parts":[{"inlineData":{"mimeType":"image/png","data":"` + dot + `"}}]}]}`,
		"/model/@/converse":                `{"messages":[{"role":"user","content":[{"image":{"format":"png","source":{"bytes":"` + dot + `"}}}]}]}`,
		"/api/chat":                        `{"model":"@","stream":false,"messages":[{"role":"user","content":"?","images":["` + dot + `"]}]}`,
		"/v2/chat":                         `{"model":"@","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,` + dot + `"}}]}]}`,
	} {
		for model, want := range map[string]int{textModel: http.StatusBadRequest, DefaultModel: http.StatusOK} {
			r := httptest.NewRequest(http.MethodPost, strings.Replace(path, "@", model, 1), strings.NewReader(strings.Replace(body, "@", model, 1)))
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("anthropic-version", "2023-06-01")
			w := httptest.NewRecorder()
			p.ServeHTTP(w, r)
			if w.Code != want || want != http.StatusOK && !strings.Contains(w.Body.String(), "reads text only") {
				t.Errorf("%s, %s: %d %s", path, model, w.Code, w.Body)
			}
		}
	}
}
