package price

import (
	"strings"
	"testing"

	"weir/internal/gateway"
	"weir/internal/llm"
)

// TestPagesOfUsage charges the pages that a usage tells of, those with annotations at their own price.
func TestPagesOfUsage(t *testing.T) {
	table, err := Load(strings.NewReader("prices 1\n\n[p]\n source page 2026-01-01\nocr op=ocr\n page 0.001 annotated_page 0.003\nplain op=ocr\n page 0.002\nsort op=classification\n request 0.00001\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, model string
		usage       llm.Usage
		want        gateway.Money
		known       bool
	}{
		{"4 × 1000000", "ocr", llm.Usage{Said: llm.SaidPages, Pages: 4}, 4_000_000, true},
		{"all with annotations", "ocr", llm.Usage{Said: llm.SaidPages | llm.SaidAnnotatedPages, Pages: 4, AnnotatedPages: 4}, 12_000_000, true},
		{"one with annotations", "ocr", llm.Usage{Said: llm.SaidPages | llm.SaidAnnotatedPages, Pages: 4, AnnotatedPages: 1}, 6_000_000, true},
		{"no price of annotations: the page's", "plain", llm.Usage{Said: llm.SaidPages | llm.SaidAnnotatedPages, Pages: 4, AnnotatedPages: 4}, 8_000_000, true},
		{"fewer than none", "ocr", llm.Usage{Pages: -4, AnnotatedPages: -5}, 0, false},
		{"nothing counted", "ocr", llm.Usage{}, 0, false},
		{"a call of which nothing is counted", "sort", llm.Usage{}, 10_000, true},
	} {
		p, ok := table.Price("p", test.model, zeroTime)
		if !ok {
			t.Fatal("no such model")
		}
		if c := p.Cost(&test.usage, nil, nil); c.Amount != test.want || c.Known() != test.known {
			t.Errorf("%s: costs %d, by hand %d; %s", test.name, c.Amount, test.want, c.Why())
		}
	}
}
