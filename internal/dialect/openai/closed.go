package openai

import "weir/internal/rawjson"

// closedDepth bounds how deep a schema is looked into; OpenAI itself takes ten levels.
const closedDepth = 32

// Closed reports whether OpenAI keeps strictly to a schema: every object in it must forbid further members and demand
// all it names, and some keywords are not known there.
func Closed(schema []byte) bool { return closed(schema, 0) }

func closed(schema []byte, depth int) bool {
	if rawjson.Kind(schema) != '{' || depth > closedDepth {
		return false
	}
	object, forbids := false, false
	named, required := map[string]bool{}, 0
	for name, v := range rawjson.Members(schema) {
		switch string(name) {
		case "type":
			object = object || rawjson.Text(v) == "object"
			for _, t := range rawjson.Elems(v) {
				object = object || rawjson.Text(t) == "object"
			}
		case "additionalProperties":
			open, is := rawjson.Bool(v)
			forbids = is && !open
		case "properties":
			object = true
			for p, inner := range rawjson.Members(v) {
				named[string(p)] = true
				if !closed(inner, depth+1) {
					return false
				}
			}
		case "required":
			for range rawjson.Elems(v) {
				required++
			}
		case "$defs", "definitions":
			for _, inner := range rawjson.Members(v) {
				if !closed(inner, depth+1) {
					return false
				}
			}
		case "items":
			if !closed(v, depth+1) {
				return false
			}
		case "anyOf":
			for _, inner := range rawjson.Elems(v) {
				if !closed(inner, depth+1) {
					return false
				}
			}
		case "allOf", "oneOf", "not", "if", "then", "else", "dependentRequired", "dependentSchemas", "patternProperties", "prefixItems":
			return false
		}
	}
	return !object || forbids && required == len(named)
}
