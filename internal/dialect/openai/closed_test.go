package openai

import "testing"

func TestClosed(t *testing.T) {
	for schema, want := range map[string]bool{
		`{"type":"string"}`: true,
		`{"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false}`:                                   true,
		`{"type":"object","properties":{"a":{"type":"string"}},"required":["a"]}`:                                                                false,
		`{"type":"object","properties":{"a":{"type":"string"},"b":{}},"required":["a"],"additionalProperties":false}`:                            false,
		`{"type":"object","properties":{"a":{"type":"object"}},"required":["a"],"additionalProperties":false}`:                                   false,
		`{"type":["object","null"],"additionalProperties":true}`:                                                                                 false,
		`{"type":"array","items":{"anyOf":[{"type":"null"},{"$ref":"#/$defs/x"}]},"$defs":{"x":{"type":"object","additionalProperties":false}}}`: true,
		`{"type":"array","items":{"type":"object"}}`:                                                                                             false,
		`{"allOf":[{"type":"string"}]}`: false,
		`true`:                          false,
	} {
		if got := Closed([]byte(schema)); got != want {
			t.Errorf("%s: %t", schema, got)
		}
	}
}
