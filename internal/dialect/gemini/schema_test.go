package gemini

import "testing"

// Google's own clients write OpenAPI's types into members that hold JSON Schema, and Google takes them.
func TestLowerTypes(t *testing.T) {
	for in, want := range map[string]string{
		``: ``,
		`{"type": "object", "properties": {"a": {"const": "String"}}}`:                            `{"type": "object", "properties": {"a": {"const": "String"}}}`,
		`{"type":"OBJECT","properties":{"a":{"type":"STRING"},"b":{"items":{"type":"INTEGER"}}}}`: `{"type":"object","properties":{"a":{"type":"string"},"b":{"items":{"type":"integer"}}}}`,
		`{"type":"object","properties":{"a":{"enum":["STRING"]}}}`:                                `{"type":"object","properties":{"a":{"enum":["STRING"]}}}`,
	} {
		var v []byte
		if in != "" {
			v = []byte(in)
		}
		if got := lowerTypes(v); string(got) != want {
			t.Errorf("%s\n got %s\nwant %s", in, got, want)
		}
	}
}
