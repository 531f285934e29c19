package ollama

import (
	"errors"
	"strconv"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/llm"
	"weir/internal/rawjson"
	"weir/internal/splice"
)

// governed are the members of a request that decisions are taken by; the limit on the output is inside of options.
var (
	governed = splice.NewSpec("model", "stream", "options")
	limits   = splice.NewSpec("num_predict")
)

const (
	memberModel = iota
	memberStream
	memberOptions
)

// Peek implements dialect.Dialect. A call that does not say whether to stream wants a stream.
func (chat) Peek(c *dialect.Call) (llm.Head, error) {
	h := llm.Head{Stream: true, Framing: llm.NDJSON}
	ix, err := governed.Scan(c.Body)
	if err != nil {
		return llm.Head{}, refuse(err, "")
	}
	c.Index = ix
	model, ok := rawjson.String(ix.Get(c.Body, memberModel))
	if !ok || model == "" {
		return llm.Head{}, malformed("model", "model is missing or no string: name the model to ask")
	}
	h.Model = model
	if v := ix.Get(c.Body, memberStream); !rawjson.IsNull(v) {
		if h.Stream, ok = rawjson.Bool(v); !ok {
			return llm.Head{}, malformed("stream", "stream must be true or false")
		}
	}
	if v := ix.Get(c.Body, memberOptions); !rawjson.IsNull(v) {
		if h.MaxOutput, err = limit(v); err != nil {
			return llm.Head{}, err
		}
	}
	return h, nil
}

// limit reads the limit on the output in options, 0 where there is none. Below one it is none.
func limit(options []byte) (int64, error) {
	if rawjson.Kind(options) != '{' {
		return 0, malformed("options", "options must be an object")
	}
	ix, err := limits.Scan(options)
	if err != nil {
		return 0, refuse(err, "options")
	}
	v := ix.Get(options, 0)
	if rawjson.IsNull(v) {
		return 0, nil
	}
	n, ok := rawjson.Int(v)
	if !ok {
		return 0, malformed("options.num_predict", "options.num_predict must be a whole number")
	}
	return max(0, n), nil
}

// refuse turns a refusal of the scan into what the client reads.
func refuse(err error, within string) error {
	e, ok := errors.AsType[*splice.Error](err)
	if !ok {
		return &fault.Fault{Kind: fault.Malformed, Param: within, Message: "the body cannot be read as JSON", Cause: err}
	}
	param := e.Member
	if within != "" && param != "" {
		param = within + "." + param
	}
	return &fault.Fault{Kind: fault.Malformed, Param: param, Message: e.Error()}
}

// Edit implements dialect.Dialect. A limit on the output only ever lowers num_predict, of which what is below one is
// none. Usage is always in the stream.
func (chat) Edit(dst []byte, c dialect.Call, e dialect.Edit) (dialect.Call, error) {
	var room [256]byte
	var changes [2]splice.Change
	n := 0
	value := room[:0]
	if e.Model != "" {
		value = rawjson.AppendString(value, e.Model)
		changes[n] = splice.Change{Member: memberModel, Value: value}
		n++
	}
	if e.MaxOutput > 0 {
		options := c.Index.Get(c.Body, memberOptions)
		switch now, err := limitOf(options); {
		case err != nil:
			return c, err
		case now == 0 || now > e.MaxOutput:
			changes[n] = splice.Change{Member: memberOptions, Value: lower(value[len(value):], options, e.MaxOutput)}
			n++
		}
	}
	start := len(dst)
	dst = governed.Apply(dst, c.Body, &c.Index, changes[:n]...)
	c.Body, c.Index = dst[start:len(dst):len(dst)], splice.Index{} // an index belongs to the body it was made from
	return c, nil
}

func limitOf(options []byte) (int64, error) {
	if rawjson.IsNull(options) {
		return 0, nil
	}
	return limit(options)
}

// lower appends options with a limit.
func lower(dst, options []byte, most int64) []byte {
	var digits [20]byte
	number := strconv.AppendInt(digits[:0], most, 10)
	if rawjson.IsNull(options) {
		dst = append(dst, `{"num_predict":`...)
		return append(append(dst, number...), '}')
	}
	ix, err := limits.Scan(options)
	if err != nil { // it passed Peek
		return append(dst, options...)
	}
	return limits.Apply(dst, options, &ix, splice.Change{Member: 0, Value: number})
}
