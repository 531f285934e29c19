package telemetry

import (
	"strings"
	"testing"

	"weir/internal/llm"
)

// TestPagesAreTold writes pages where they were counted and not where they were not.
func TestPagesAreTold(t *testing.T) {
	x := plain()
	if got := encode(x); strings.Contains(got, "pages") {
		t.Error(got)
	}
	x.Usage = &llm.Usage{Said: llm.SaidPages | llm.SaidAnnotatedPages, Pages: 4, AnnotatedPages: 0}
	if got := encode(x); !strings.Contains(got, `"usage.pages":4,"usage.annotated_pages":0,`) {
		t.Error(got)
	}
	x.Usage = &llm.Usage{}
	if got := encode(x); strings.Contains(got, "usage.") {
		t.Errorf("a call of which nothing is counted: %s", got)
	}
}
