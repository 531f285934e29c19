package sim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"
)

// judge compiles a schema with an independent validator, formats asserted.
func judge(t interface{ Fatalf(string, ...any) }, schema []byte) *jsonschema.Schema {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema))
	if err != nil {
		t.Fatalf("schema is not JSON: %v\n%s", err, schema)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("schema.json", doc); err != nil {
		t.Fatalf("AddResource: %v\n%s", err, schema)
	}
	s, err := c.Compile("schema.json")
	if err != nil {
		t.Fatalf("Compile: %v\n%s", err, schema)
	}
	return s
}

func mustAccept(t interface{ Fatalf(string, ...any) }, schema, value []byte) {
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(value))
	if err != nil {
		t.Fatalf("value is not JSON: %v\n%s", err, value)
	}
	if err := judge(t, schema).Validate(v); err != nil {
		t.Fatalf("schema %s\nvalue  %s\n%v", schema, value, err)
	}
}

func TestGenerate(t *testing.T) {
	for _, schema := range []string{
		`{}`,
		`true`,
		`{"type":"object","properties":{"city":{"type":"string"},"days":{"type":"integer","minimum":1,"maximum":14}},"required":["city"]}`,
		`{"type":"object","properties":{"a":{"type":"string"}},"required":["a","b"],"additionalProperties":{"type":"integer"}}`,
		`{"type":"object","required":["x-1"],"patternProperties":{"^x-":{"type":"boolean"}},"additionalProperties":false}`,
		`{"type":"object","minProperties":3,"additionalProperties":{"type":"null"}}`,
		`{"type":"object","properties":{"a":{},"b":{},"c":{}},"maxProperties":1}`,
		`{"enum":["red","green",3,null,{"a":[1]}]}`,
		`{"const":{"deep":[1,2,{"x":null}]}}`,
		`{"type":"integer","exclusiveMinimum":3,"exclusiveMaximum":5}`,
		`{"type":"number","minimum":0.1,"maximum":0.2}`,
		`{"type":"number","exclusiveMinimum":0,"exclusiveMaximum":1}`,
		`{"type":"integer","minimum":-20,"maximum":-10,"multipleOf":7}`,
		`{"type":"number","multipleOf":0.25,"minimum":1000000.1}`,
		`{"type":"integer","minimum":123456789012345678901234567890}`,
		`{"type":"string","minLength":30,"maxLength":31}`,
		`{"type":"string","maxLength":0}`,
		`{"type":"string","pattern":"^[A-Z]{2}-\\d{4}$"}`,
		`{"type":"string","pattern":"^(foo|bar)+x?$","minLength":8}`,
		`{"type":"string","pattern":"b","minLength":5,"maxLength":6}`,
		`{"type":"string","format":"date-time"}`, `{"type":"string","format":"date"}`, `{"type":"string","format":"time"}`,
		`{"type":"string","format":"email"}`, `{"type":"string","format":"uri"}`, `{"type":"string","format":"uuid"}`,
		`{"type":"string","format":"ipv4"}`, `{"type":"string","format":"ipv6"}`, `{"type":"string","format":"hostname"}`,
		`{"type":"string","format":"duration"}`, `{"type":"string","format":"regex"}`, `{"type":"string","format":"json-pointer"}`,
		`{"type":["null","string"]}`,
		`{"type":"array","items":{"type":"integer","minimum":1,"maximum":3},"minItems":3,"uniqueItems":true}`,
		`{"type":"array","items":{"type":"boolean"},"minItems":2,"uniqueItems":true}`,
		`{"type":"array","items":{"enum":["a","b","c","d"]},"minItems":4,"uniqueItems":true}`,
		`{"type":"array","prefixItems":[{"type":"string"},{"type":"integer"}],"items":false,"minItems":2}`,
		`{"type":"array","maxItems":0,"items":{"type":"string"}}`,
		`{"type":"array","contains":{"const":7},"items":{"type":"integer"}}`,
		`{"anyOf":[{"type":"string","maxLength":2,"minLength":3},{"type":"boolean"}]}`,
		`{"oneOf":[{"type":"integer"},{"type":"number"}]}`,
		`{"oneOf":[{"type":"object","properties":{"k":{"const":"a"}},"required":["k"]},{"type":"object","properties":{"k":{"const":"b"}},"required":["k"]}]}`,
		`{"allOf":[{"type":"object","properties":{"a":{"type":"string"}},"required":["a"]},{"properties":{"a":{"minLength":40},"b":{"type":"null"}},"required":["b"]}]}`,
		`{"type":"string","not":{"const":"simulated"}}`,
		`{"type":"object","properties":{"kind":{"enum":["x","y"]}},"required":["kind"],"if":{"properties":{"kind":{"const":"x"}}},"then":{"required":["ex"]},"else":{"required":["why"]}}`,
		`{"$defs":{"node":{"type":"object","properties":{"value":{"type":"integer"},"next":{"anyOf":[{"$ref":"#/$defs/node"},{"type":"null"}]}},"required":["value","next"],"additionalProperties":false}},"$ref":"#/$defs/node"}`,
		`{"$defs":{"tree":{"type":"object","properties":{"kids":{"type":"array","items":{"$ref":"#/$defs/tree"}}},"required":["kids"]}},"$ref":"#/$defs/tree"}`,
		`{"definitions":{"a/b":{"type":"integer"}},"type":"object","properties":{"x":{"$ref":"#/definitions/a~1b"}},"required":["x"]}`,
		`{"type":"object","properties":{"ключ":{"type":"string","maxLength":3},"\"q\"":{"type":"integer"}},"required":["ключ","\"q\""]}`,
		`{"type":"object","properties":{"a":{"type":"integer"}},"propertyNames":{"maxLength":3}}`,
		`{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"string"}},"required":["a"],"dependentRequired":{"a":["b"]}}`,
	} {
		for seed := range uint64(3) {
			mustAccept(t, []byte(schema), generate([]byte(schema), seed, nil))
		}
	}
}

// TestGenerateNullable holds OpenAPI's word for null, which JSON Schema does not know.
func TestGenerateNullable(t *testing.T) {
	g := &generator{steps: maxSteps}
	if s := []byte(`{"type":"string","nullable":true}`); !g.accepts(s, []byte("null"), 0) || string(generate(s, 0, nil))[0] != '"' {
		t.Error("nullable: null must be accepted and a text be written")
	}
}

func TestGenerateHints(t *testing.T) {
	hints := map[string]string{"city": "Oslo", "days": "3", "unit": "Kelvin", "metric": "false", "zip": "no digits"}
	schema := []byte(`{"type":"object","properties":{"city":{"type":"string"},"days":{"type":"integer"},` +
		`"unit":{"enum":["celsius","kelvin"]},"metric":{"type":"boolean"},"zip":{"type":"string","pattern":"^\\d+$"}}}`)
	got := generate(schema, 1, func(n string) string { return hints[n] })
	mustAccept(t, schema, got)
	for _, want := range []string{`"city":"Oslo"`, `"days":3`, `"unit":"kelvin"`, `"metric":false`} {
		if !strings.Contains(string(got), want) {
			t.Errorf("%s is not in %s", want, got)
		}
	}
}

// TestGenerateHostile: schemas that cannot be met, or that blow up, end soon with some JSON.
func TestGenerateHostile(t *testing.T) {
	deep := strings.Repeat(`{"anyOf":[`, 200) + `{}` + strings.Repeat(`]}`, 200)
	wide := `{"anyOf":[` + strings.Repeat(`{"type":"string","maxLength":1,"minLength":2},`, 500) + `false]}`
	both := `{"$defs":{"t":{"type":"object","properties":{"l":{"$ref":"#/$defs/t"},"r":{"$ref":"#/$defs/t"}},"required":["l","r"]}},"$ref":"#/$defs/t"}`
	for _, schema := range []string{
		`false`, `{"$ref":"#"}`, `{"allOf":[{"$ref":"#"}]}`, `{"type":"object","required":["a"],"properties":{"a":{"$ref":"#"}}}`,
		`{"type":"string","minLength":5,"maxLength":2}`, `{"type":"array","minItems":1000000000}`, `{"$ref":"#/nowhere"}`,
		`{"type":"integer","minimum":1e999999999}`, `{"type":"string","pattern":"(((a{30}){30}){30}"}`,
		`{"type":"string","minLength":99999999999}`, deep, wide, both, `{"anyOf":[]}`, `{"enum":[]}`, `7`, `{"type":7}`,
	} {
		start := time.Now()
		v := generate([]byte(schema), 0, nil)
		if !json.Valid(v) {
			t.Errorf("%.80s: %q is not JSON", schema, v)
		}
		if d := time.Since(start); d > 30*time.Second {
			t.Errorf("%.80s took %v", schema, d)
		}
	}
}

// TestGenerateAny lets rapid invent schemas that can be met.
func TestGenerateAny(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		schema, err := json.Marshal(drawSchema(t, 3))
		if err != nil {
			t.Fatal(err)
		}
		mustAccept(t, schema, generate(schema, rapid.Uint64().Draw(t, "seed"), nil))
	})
}

func drawSchema(t *rapid.T, depth int) map[string]any {
	kinds := []string{"string", "pattern", "format", "integer", "number", "boolean", "enum", "null"}
	if depth > 0 {
		kinds = append(kinds, "object", "object", "array", "anyOf", "oneOf", "allOf", "nullable")
	}
	switch kind := rapid.SampledFrom(kinds).Draw(t, "kind"); kind {
	case "string":
		lo := rapid.IntRange(0, 40).Draw(t, "minLength")
		return map[string]any{"type": "string", "minLength": lo, "maxLength": lo + rapid.IntRange(0, 20).Draw(t, "room")}
	case "pattern":
		return map[string]any{"type": "string", "pattern": rapid.SampledFrom([]string{
			`^[a-z]+$`, `^\d{3}-\d{2}$`, `x|y`, `^(GET|POST) /`, `[^a-z]$`, `^.{5,9}$`, `^\w+@\w+\.\w+$`,
		}).Draw(t, "pattern")}
	case "format":
		return map[string]any{"type": "string", "format": rapid.SampledFrom([]string{
			"date-time", "date", "time", "email", "uri", "uuid", "ipv4", "ipv6", "hostname",
		}).Draw(t, "format")}
	case "integer", "number":
		lo := rapid.IntRange(-1000, 1000).Draw(t, "minimum")
		step := rapid.IntRange(1, 9).Draw(t, "multipleOf")
		return map[string]any{"type": kind, "minimum": lo, "maximum": lo + step, "multipleOf": step}
	case "enum":
		return map[string]any{"enum": rapid.SliceOfNDistinct(rapid.IntRange(0, 99), 1, 5, rapid.ID[int]).Draw(t, "enum")}
	case "object":
		props, required := map[string]any{}, []string{}
		for i := range rapid.IntRange(0, 4).Draw(t, "members") {
			name := fmt.Sprintf("m%d", i)
			props[name] = drawSchema(t, depth-1)
			if rapid.Bool().Draw(t, "required") {
				required = append(required, name)
			}
		}
		return map[string]any{"type": "object", "properties": props, "required": required, "additionalProperties": rapid.Bool().Draw(t, "open")}
	case "array":
		lo := rapid.IntRange(0, 4).Draw(t, "minItems")
		return map[string]any{"type": "array", "items": drawSchema(t, depth-1), "minItems": lo, "maxItems": lo + 2}
	case "anyOf":
		return map[string]any{"anyOf": []any{drawSchema(t, depth-1), drawSchema(t, depth-1)}}
	case "oneOf":
		return map[string]any{"oneOf": []any{
			map[string]any{"type": "object", "properties": map[string]any{"k": map[string]any{"const": 1}, "v": drawSchema(t, depth-1)}, "required": []string{"k"}},
			map[string]any{"type": "object", "properties": map[string]any{"k": map[string]any{"const": 2}, "v": drawSchema(t, depth-1)}, "required": []string{"k", "v"}},
		}}
	case "allOf":
		return map[string]any{"allOf": []any{
			map[string]any{"type": "object", "properties": map[string]any{"a": drawSchema(t, depth-1)}, "required": []string{"a"}},
			map[string]any{"type": "object", "properties": map[string]any{"b": drawSchema(t, depth-1)}, "required": []string{"b"}},
		}}
	case "nullable":
		s := drawSchema(t, 0)
		if kind, is := s["type"].(string); is && kind != "null" {
			s["type"] = []string{kind, "null"}
		}
		return s
	default:
		return map[string]any{"type": kind}
	}
}
