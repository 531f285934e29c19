package cohere

import (
	"errors"
	"strconv"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/llm"
	"weir/internal/rawjson"
	"weir/internal/splice"
)

// governed are the members of a request that decisions are taken by.
var governed = splice.NewSpec("model", "stream", "max_tokens")

const (
	memberModel = iota
	memberStream
	memberMaxTokens
)

// Peek implements dialect.Dialect.
func (chat) Peek(c *dialect.Call) (llm.Head, error) {
	var h llm.Head
	ix, err := governed.Scan(c.Body)
	if err != nil {
		return h, refuse(err)
	}
	c.Index = ix
	model, ok := rawjson.String(ix.Get(c.Body, memberModel))
	if !ok || model == "" {
		return h, malformed("model", "model is missing or no string: name the model to ask")
	}
	h.Model = model
	if v := ix.Get(c.Body, memberStream); !rawjson.IsNull(v) {
		if h.Stream, ok = rawjson.Bool(v); !ok {
			return h, malformed("stream", "stream must be true or false")
		}
	}
	if v := ix.Get(c.Body, memberMaxTokens); !rawjson.IsNull(v) {
		if h.MaxOutput, ok = rawjson.Int(v); !ok || h.MaxOutput < 0 {
			return h, malformed("max_tokens", "max_tokens must be a whole number, 0 or more")
		}
	}
	return h, nil
}

// refuse turns a refusal of the scan into what the client reads.
func refuse(err error) error {
	if e, ok := errors.AsType[*splice.Error](err); ok {
		return malformed(e.Member, e.Error())
	}
	return &fault.Fault{Kind: fault.Malformed, Message: "the body cannot be read as JSON", Cause: err}
}

// Edit implements dialect.Dialect. A limit on the output only ever lowers max_tokens; 0 is none. Usage is always in the
// stream.
func (chat) Edit(dst []byte, c dialect.Call, e dialect.Edit) (dialect.Call, error) {
	var room [64]byte
	var changes [2]splice.Change
	n := 0
	value := room[:0]
	if e.Model != "" {
		value = rawjson.AppendString(value, e.Model)
		changes[n] = splice.Change{Member: memberModel, Value: value}
		n++
	}
	if e.MaxOutput > 0 {
		if now, ok := rawjson.Int(c.Index.Get(c.Body, memberMaxTokens)); !ok || now <= 0 || now > e.MaxOutput {
			changes[n] = splice.Change{Member: memberMaxTokens, Value: strconv.AppendInt(value[len(value):], e.MaxOutput, 10)}
			n++
		}
	}
	start := len(dst)
	dst = governed.Apply(dst, c.Body, &c.Index, changes[:n]...)
	c.Body, c.Index = dst[start:len(dst):len(dst)], splice.Index{} // an index belongs to the body it was made from
	return c, nil
}
