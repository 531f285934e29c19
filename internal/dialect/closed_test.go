package dialect

import (
	"testing"

	"weir/internal/llm"
)

func TestClose(t *testing.T) {
	for _, c := range []struct {
		name, schema, want string
		lost               bool
	}{
		{"closed", `{"type":"object", "properties":{}, "additionalProperties":false}`, `{"type":"object", "properties":{}, "additionalProperties":false}`, false},
		{"no object", `{"type":"string"}`, `{"type":"string"}`, false},
		{"silent", `{"type":"object","properties":{"a":{"type":"string"}}}`, `{"type":"object","properties":{"a":{"type":"string"}},"additionalProperties":false}`, true},
		{"open", `{"type":"object","additionalProperties":true}`, `{"type":"object","additionalProperties":false}`, true},
		{"open by a schema", `{"type":["object","null"],"additionalProperties":{"type":"string"}}`, `{"type":["object","null"],"additionalProperties":false}`, true},
		{
			"within",
			`{"$defs":{"d":{"properties":{}}},"type":"array","items":{"anyOf":[{"type":"object"},{"type":"null"}]}}`,
			`{"$defs":{"d":{"properties":{},"additionalProperties":false}},"type":"array","items":{"anyOf":[{"type":"object","additionalProperties":false},{"type":"null"}]}}`,
			true,
		},
		{"a member named so", `{"type":"object","properties":{"additionalProperties":{"type":"boolean"}},"additionalProperties":false}`, `{"type":"object","properties":{"additionalProperties":{"type":"boolean"}},"additionalProperties":false}`, false},
		{"broken", `{"type":"object","properties":7,"anyOf":{},"items":true}`, `{"type":"object","properties":7,"anyOf":{},"items":true,"additionalProperties":false}`, true},
	} {
		lost := false
		got := Close([]byte(c.schema), "format.schema", func(path, why string, grade llm.Grade) {
			lost = true
			if path != "format.schema" || why == "" || grade != llm.Changed {
				t.Errorf("%s: %s %q %v", c.name, path, why, grade)
			}
		})
		if string(got) != c.want || lost != c.lost {
			t.Errorf("%s: lost %t\n got %s\nwant %s", c.name, lost, got, c.want)
		}
	}
}
