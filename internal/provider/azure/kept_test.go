package azure

import (
	"testing"

	"weir/internal/dialect"
	"weir/internal/llm"
)

// TestKept: what Azure keeps (files, batches of them) is asked for without a model.
func TestKept(t *testing.T) {
	r := &Resource{APIVersion: "2025-04-01-preview", Key: "k"}
	for path, d := range map[string]llm.Dialect{"/v1/files/file-1": llm.OpenAIFiles, "/v1/batches": llm.OpenAIBatches} {
		c, err := r.Address(d, dialect.Call{Path: path})
		if err != nil || c.Path != path || c.Query != "api-version=2025-04-01-preview" {
			t.Errorf("%s?%s %v", c.Path, c.Query, err)
		}
	}
}
