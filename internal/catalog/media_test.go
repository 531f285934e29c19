package catalog

import (
	"strings"
	"testing"
)

func TestMedia(t *testing.T) {
	c, err := Embedded()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]struct {
		pdf, docx bool
		images    int
		side      int
	}{
		"openai/gpt-5":                       {true, true, 4, 0},
		"openai/gpt-3.5-turbo":               {false, false, 0, 0},
		"anthropic/claude-sonnet-5":          {true, false, 4, 8000},
		"vertex/claude-sonnet-5":             {true, false, 4, 8000},
		"vertex/gemini-3-pro":                {true, false, 5, 0},
		"bedrock/eu.anthropic.claude-x-v1:0": {true, true, 4, 8000},
		"bedrock/amazon.nova-pro-v1:0":       {true, true, 4, 8000},
		"mistral/mistral-large":              {false, false, 4, 0},
	} {
		entry, model, _ := strings.Cut(name, "/")
		e, ok := c.Entry(entry)
		if !ok {
			t.Fatal(entry)
		}
		m := e.Facts(model).Media
		if m == nil {
			t.Errorf("%s: nothing is known", name)
			continue
		}
		docx := m.Reads("application/vnd.openxmlformats-officedocument.wordprocessingml.document")
		if m.Reads("application/pdf; version=1.7") != want.pdf || docx != want.docx || len(m.Images) != want.images || m.Side(1) != want.side {
			t.Errorf("%s: %+v", name, m)
		}
	}
	e, _ := c.Entry("anthropic")
	if m := e.Facts("claude-sonnet-5").Media; m.Side(20) != 8000 || m.Side(21) != 2000 || !m.Sees("image/PNG") || m.Sees("image/bmp") {
		t.Errorf("%+v", m)
	}
	if e, _ := c.Entry("vllm"); e.Facts("x").Media != nil {
		t.Error("something is known of any model at vLLM")
	}
	if f := (*Entry)(nil).Facts("x"); f.Media != nil {
		t.Error("something is known of nothing")
	}
}
