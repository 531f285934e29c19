package dialecttest_test

import (
	"slices"
	"strings"
	"testing"

	"weir/internal/dialect"
	"weir/internal/dialect/dialecttest"
	"weir/internal/llm"
)

// What hangs on an item of Responses, and not on the parts in it, is named where the client said it; and a tool that the
// client runs is not said to be the provider's.
func TestItemPaths(t *testing.T) {
	const body = `{"model":"m","input":[
	 {"type":"message","role":"user","content":[{"type":"input_text","text":"a"},{"type":"input_text","text":"b"}]},
	 {"type":"message","role":"assistant","phase":"commentary","inner":{"a":1},"content":[{"type":"output_text","text":"c"},{"type":"output_text","text":"d"}]},
	 {"role":"user","content":"e","inner":true}],
	 "tools":[{"type":"tool_search","execution":"client","parameters":{"type":"object"}}]}`
	from := conversing[slices.IndexFunc(conversing, func(d dialect.Dialect) bool { return d.Name() == llm.OpenAIResponses })]
	for _, to := range conversing {
		if to.Name() == from.Name() {
			continue
		}
		t.Run(string(to.Name()), func(t *testing.T) {
			req, err := from.Codec().DecodeRequest(dialecttest.Call(from.Name(), []byte(body), false))
			if err != nil {
				t.Fatal(err)
			}
			_, losses, err := to.Codec().EncodeRequest(req, llm.Facts{Model: "m"})
			if err != nil {
				t.Fatal(err)
			}
			why := map[string]string{}
			for _, l := range losses {
				why[l.Path] = l.Why
				if strings.Contains(l.Path, "item.") || strings.Contains(l.Path, "].content[1].phase") {
					t.Errorf("%s is no path of the request", l.Path)
				}
			}
			for _, path := range []string{"input[1].inner", "input[1].phase", "input[2].inner"} {
				if why[path] == "" {
					t.Errorf("%s is not named lost: %v", path, losses)
				}
			}
			if said := why["tools[0]"]; strings.Contains(said, "provider runs") {
				t.Errorf("tools[0] is lost since %s", said)
			}
		})
	}
}
