package openai

import (
	"errors"
	"strings"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/form"
	"weir/internal/llm"
	"weir/internal/rawjson"
	"weir/internal/splice"
)

// What is read of a call for images or sound, by position. It is the same whether it is JSON or a form.
const (
	atModel = iota
	atStream
	atN
	atStreamFormat
)

var (
	ofJSON = splice.NewSpec("model", "stream", "n", "stream_format")
	ofForm = form.NewSpec("model", "stream", "n", "stream_format")
)

// PeekFormed is Peek of a dialect whose calls are JSON or, where forms says so, a form with files in it.
func PeekFormed(c *dialect.Call, forms bool) (llm.Head, error) {
	ct := c.Header.Get("Content-Type")
	if !form.Is(ct) {
		if strings.HasPrefix(strings.ToLower(ct), "multipart/") {
			return llm.Head{}, fault.New(fault.MediaType, "this path takes application/json or multipart/form-data, not %.60q", ct)
		}
		return peekJSON(c)
	}
	if !forms {
		return llm.Head{}, fault.New(fault.MediaType, "this path takes application/json, not a form")
	}
	boundary, err := form.Boundary(ct)
	if err != nil {
		return llm.Head{}, RefusedForm(err)
	}
	ix, err := ofForm.Scan(c.Body, boundary)
	if err != nil {
		return llm.Head{}, RefusedForm(err)
	}
	c.Index = ix
	var h llm.Head
	h.Model = string(ix.Get(c.Body, atModel))
	if h.Model == "" {
		return h, malformed("model", "you must name a model: the field \"model\" is missing or empty")
	}
	switch text := string(ix.Get(c.Body, atStream)); strings.ToLower(text) {
	case "true", "1", "on":
		h.Stream = true
	case "", "false", "0", "off":
	default:
		return h, malformed("stream", "stream must be true or false")
	}
	h.N, _ = rawjson.Int(ix.Get(c.Body, atN))
	return h, nil
}

func peekJSON(c *dialect.Call) (llm.Head, error) {
	var h llm.Head
	ix, err := ofJSON.Scan(c.Body)
	if err != nil {
		return h, Refused(err)
	}
	c.Index = ix
	if h.Model, err = Model(ix.Get(c.Body, atModel)); err != nil {
		return h, err
	}
	if raw := ix.Get(c.Body, atStream); !rawjson.IsNull(raw) {
		on, ok := rawjson.Bool(raw)
		if !ok {
			return h, malformed("stream", "stream must be true or false")
		}
		h.Stream = on
	}
	h.Stream = h.Stream || string(ix.Get(c.Body, atStreamFormat)) == `"sse"`
	h.N, _ = rawjson.Int(ix.Get(c.Body, atN)) // whether it is allowed the provider says
	return h, nil
}

// EditFormed is Edit to PeekFormed's Peek. In a form only the bytes of the model's name change.
func EditFormed(dst []byte, c dialect.Call, e dialect.Edit) (dialect.Call, error) {
	start := len(dst)
	switch ct := c.Header.Get("Content-Type"); {
	case e.Model == "":
		dst = append(dst, c.Body...)
	case form.Is(ct):
		boundary, err := form.Boundary(ct)
		if err == nil {
			dst, err = ofForm.Replace(dst, c.Body, &c.Index, atModel, e.Model, boundary)
		}
		if err != nil {
			return c, RefusedForm(err)
		}
	default:
		var room [64]byte
		change := splice.Change{Member: atModel, Value: rawjson.AppendString(room[:0], e.Model)}
		dst = ofJSON.Apply(dst, c.Body, &c.Index, change)
	}
	c.Body, c.Index = dst[start:len(dst):len(dst)], splice.Index{} // an index belongs to the body it was made from
	return c, nil
}

// RefusedForm is the fault of a form that cannot be read.
func RefusedForm(err error) *fault.Fault {
	f := &fault.Fault{Kind: fault.Malformed, Message: "the body cannot be read: " + err.Error(), Cause: err}
	if e, ok := errors.AsType[*form.Error](err); ok {
		f.Param = e.Field
	}
	return f
}
