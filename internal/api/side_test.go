package api_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"weir/internal/gatewaytest"
)

// TestSidePaths wants errors in the words of the path where something else than a conversation is asked for.
func TestSidePaths(t *testing.T) {
	g := new(gatewaytest.Gateway).Start(t)
	for _, test := range []struct {
		method, path string
		status       int
		begins       string
	}{
		{"GET", "/predict", 405, `{"error":"/predict takes POST, not GET","error_type":"Validation"}`},
		{"GET", "/v2/models/m", 404, `{"error":"`},
		{"POST", "/v2/models/m/explain", 404, `{"error":"there is nothing at`},
		{"POST", "/v2/nothing", 404, `{"`},
		{"GET", "/v1/ocr", 405, `{"error":{"message":"/v1/ocr takes POST, not GET"`},
		{"GET", "/tokenize", 405, `{"error":{"message":`},
		{"POST", "/classify", 400, `{"error":{"message":`},
		{"POST", "/v1/classify/", 400, `{"error":{"message":`},
	} {
		req, err := http.NewRequestWithContext(t.Context(), test.method, g.URL+test.path, strings.NewReader(""))
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
		if err != nil || resp.StatusCode != test.status || !strings.HasPrefix(string(got), test.begins) || resp.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s %s: %d %s %v", test.method, test.path, resp.StatusCode, got, err)
		}
	}
}
