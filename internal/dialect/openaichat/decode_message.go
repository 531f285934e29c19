package openaichat

import (
	"strconv"

	"weir/internal/dialect/openai"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

func (d *requestDecoder) message(v []byte, path string) {
	if rawjson.Kind(v) != '{' {
		d.fail(path, "%s must be an object", path)
		return
	}
	m := llm.Message{Path: path}
	role := rawjson.Text(rawjson.Get(v, "role"))
	switch role {
	case "system", "developer", "user":
		m.Role = llm.Role(role)
		d.plain(&m, v)
	case "assistant":
		m.Role = llm.Assistant
		d.assistant(&m, v)
	case "tool", "function":
		m.Role = llm.User
		d.result(&m, v, role == "function")
	default:
		d.fail(path+".role", "%s.role must be system, developer, user, assistant or tool", path)
		return
	}
	d.req.Messages = append(d.req.Messages, m)
}

// common reads the members that every message may have; false for any other.
func (d *requestDecoder) common(m *llm.Message, name string, v []byte) bool {
	switch {
	case name == "role" || rawjson.IsNull(v):
		return true
	case name == "name":
		m.Name = d.str(m.Path+".name", v)
		return true
	}
	return false
}

func (d *requestDecoder) plain(m *llm.Message, v []byte) {
	for name, val := range rawjson.Members(v) {
		switch {
		case d.common(m, string(name), val):
		case string(name) == "content":
			m.Parts = d.content(val, m.Path+".content")
		default:
			openai.Keep(&m.Extra, string(name), val)
		}
	}
}

// content decodes the content of a message: a string or a list of parts. Empty content is no part.
func (d *requestDecoder) content(v []byte, path string) []llm.Part {
	switch rawjson.Kind(v) {
	case '"':
		if s := rawjson.Text(v); s != "" {
			return []llm.Part{{Kind: llm.PartText, Text: s, Span: spanOf(d.body, v), Path: path}}
		}
	case '[':
		var parts []llm.Part
		for i, e := range rawjson.Elems(v) {
			at := path + "[" + strconv.Itoa(i) + "]"
			if rawjson.Kind(e) != '{' {
				d.fail(at, "%s must be an object with a type", at)
				return nil
			}
			parts = append(parts, contentPart(d.body, e, at))
		}
		return parts
	case 'n':
	default:
		d.fail(path, "%s must be a string or a list of parts", path)
	}
	return nil
}

func (d *requestDecoder) assistant(m *llm.Message, v []byte) {
	t := turn{body: d.body, path: m.Path, seed: m.Path, legacyID: d.legacyID}
	for name, val := range rawjson.Members(v) {
		if !d.common(m, string(name), val) && !t.take(string(name), val) {
			openai.Keep(&m.Extra, string(name), val)
		}
	}
	m.Parts = t.decode()
	for i := range m.Parts {
		if p := &m.Parts[i]; p.Kind == llm.PartCall {
			d.calls = append(d.calls, calledTool{id: p.ID, name: p.Name, legacy: legacy(p.Raw)})
		}
	}
}

// legacyID numbers the calls of the conversation that came as function_call: a history that grows keeps the ids.
func (d *requestDecoder) legacyID(name string) string {
	n := 0
	for i := range d.calls {
		if d.calls[i].legacy {
			n++
		}
	}
	return derive("function_call "+name, n)
}

// result decodes a message of role tool or function. The tool's name is that of the call it answers.
func (d *requestDecoder) result(m *llm.Message, v []byte, function bool) {
	p := llm.Part{Kind: llm.PartResult, Path: m.Path}
	if function {
		p.Raw = mark
	}
	name := ""
	for member, val := range rawjson.Members(v) {
		switch string(member) {
		case "role":
		case "content":
			p.Result = d.content(val, m.Path+".content")
		case "name":
			if !rawjson.IsNull(val) {
				name = d.str(m.Path+".name", val)
			}
		case "tool_call_id":
			if !rawjson.IsNull(val) {
				p.ID = d.str(m.Path+".tool_call_id", val)
			}
		default:
			openai.Keep(&m.Extra, string(member), val)
		}
	}
	call := d.answered(p.ID, name, function)
	switch {
	case call != nil:
		call.answered = true
		p.ID, p.Name = call.id, call.name
	case p.ID == "" && function:
		p.ID = derive("function "+name, len(d.req.Messages))
	case p.ID == "":
		d.fail(m.Path+".tool_call_id", "%s.tool_call_id is missing: it says which call this is the result of", m.Path)
	}
	if name != "" {
		p.Name = name
	}
	m.Parts = []llm.Part{p}
}

// answered finds the call a result belongs to: by its id or, without one, the first that waits for an answer, of that
// name where one is given.
func (d *requestDecoder) answered(id, name string, function bool) *calledTool {
	for i := len(d.calls) - 1; i >= 0 && id != ""; i-- {
		if d.calls[i].id == id {
			return &d.calls[i]
		}
	}
	for i := range d.calls {
		if c := &d.calls[i]; id == "" && !c.answered && c.legacy == function && (name == "" || c.name == name) {
			return c
		}
	}
	return nil
}
