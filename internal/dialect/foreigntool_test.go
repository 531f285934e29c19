package dialect

import (
	"strings"
	"testing"

	"weir/internal/llm"
)

func TestWhyNotTool(t *testing.T) {
	for raw, client := range map[string]bool{
		`{"type":"tool_search","execution":"client","parameters":{}}`: true,
		`{"type":"tool_search","execution":"server"}`:                 false,
		`{"type":"tool_search"}`:                                      false,
		`{"type":"computer_use_preview","environment":"mac"}`:         true,
		`{"type":"text_editor_20250728","name":"edit"}`:               true,
		`{"type":"web_search"}`:                                       false,
		`{"googleSearch":{}}`:                                         false,
		``:                                                            false,
	} {
		if got := WhyNotTool(&llm.Tool{Kind: llm.ToolServer, Raw: []byte(raw)}); strings.HasPrefix(got, "the client runs") != client {
			t.Errorf("%s: %s", raw, got)
		}
	}
}
