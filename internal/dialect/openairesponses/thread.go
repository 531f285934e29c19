package openairesponses

import (
	"bytes"
	"encoding/json"

	"weir/internal/dialect"
	"weir/internal/rawjson"
	"weir/internal/splice"
)

// InputItems returns the items of a request's input, in order and as they are written; a text is one message of the
// user. They share memory with the body. The error is a *fault.Fault (Malformed).
func InputItems(body []byte) ([]json.RawMessage, error) {
	if err := rawjson.Check(body); err != nil {
		f := malformed("", "the body cannot be read as JSON")
		f.Cause = err
		return nil, f
	}
	v := rawjson.Get(body, "input")
	switch rawjson.Kind(v) {
	case ' ', 'n':
		return nil, nil
	case '"':
		var w rawjson.Writer
		w.Open('{').Name("type").String("message").Name("role").String("user").Name("content").Raw(bytes.TrimSpace(v)).Close('}')
		return []json.RawMessage{w.Buf}, nil
	case '[':
		return elements(v), nil
	}
	return nil, malformed("input", "input must be a string or a list of items")
}

// OutputItems returns the items of a whole answer, in order and as they are written. A later request can hold them in
// its input. They share memory with the answer. The error is a *fault.Fault (Upstream).
func OutputItems(answer []byte) ([]json.RawMessage, error) {
	if err := rawjson.Check(answer); err != nil || rawjson.Kind(answer) != '{' {
		return nil, dialect.Garbage("the provider's answer is not a JSON object", err)
	}
	return elements(rawjson.Get(answer, "output")), nil
}

func elements(v []byte) []json.RawMessage {
	var all []json.RawMessage
	for _, e := range rawjson.Elems(v) {
		all = append(all, e)
	}
	return all
}

// EditInput returns c with a body appended to dst whose input is the given items and which names no previous response:
// the conversation as a whole. Every other byte stays, and c.Body is left alone. The call must have passed Peek; the
// one returned has no Index.
func EditInput(dst []byte, c dialect.Call, items []json.RawMessage) dialect.Call {
	var w rawjson.Writer
	w.Open('[')
	for _, item := range items {
		w.Raw(item)
	}
	w.Close(']')
	start := len(dst)
	dst = governed.Apply(dst, c.Body, &c.Index, splice.Change{Member: atInput, Value: w.Buf}, splice.Change{Member: atPrevious})
	c.Body, c.Index = dst[start:len(dst):len(dst)], splice.Index{}
	return c
}
