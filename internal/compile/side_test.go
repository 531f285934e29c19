package compile

import (
	"net/http"
	"testing"

	"weir/internal/catalog"
	"weir/internal/config"
	"weir/internal/dialect"
	"weir/internal/llm"
	"weir/internal/provider"
)

// TestSideAddresses finds where the catalog's providers are asked for what is no conversation.
func TestSideAddresses(t *testing.T) {
	entries, err := catalog.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	c := New(entries)
	defer c.Close()
	d, err := config.Parse("weir.yaml", []byte(`version: 1
providers:
  vllm: {}
  tei: {}
  triton: {}
  mistral: { api_key: k }
`), c.Options(func(string) (string, bool) { return "", false }))
	if err != nil {
		t.Fatal(err)
	}
	s, err := c.Snapshot(d, "r1")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		provider string
		op       llm.Op
		speaks   llm.Dialect
		path     string
		want     string
	}{
		{"vllm", llm.OpClassify, llm.VLLMClassify, "/classify", "http://127.0.0.1:8000/classify"},
		{"vllm", llm.OpTokenize, llm.VLLMTokenize, "/tokenize", "http://127.0.0.1:8000/tokenize"},
		{"tei", llm.OpClassify, llm.TEIClassify, "/predict", "http://127.0.0.1:8080/predict"},
		{"triton", llm.OpClassify, llm.OIPInfer, "/v2/models/a%2Fb/infer", "http://127.0.0.1:8000/v2/models/a%2Fb/infer"},
		{"mistral", llm.OpOCR, llm.MistralOCR, "/v1/ocr", "https://api.mistral.ai/v1/ocr"},
	} {
		p := s.Places[test.provider].Provider
		if speaks := p.Speaks(test.op); len(speaks) != 1 || speaks[0] != test.speaks {
			t.Fatalf("%s speaks %v for %s", test.provider, speaks, test.op)
		}
		req, err := p.Request(t.Context(), provider.Shot{Dialect: test.speaks, Call: dialect.Call{Path: test.path}, Body: http.NoBody})
		if err != nil || req.URL.String() != test.want {
			t.Errorf("%s: %v %v, want %s", test.provider, req.URL, err, test.want)
		}
	}
}
