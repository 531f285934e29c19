package openairesponses

import (
	"strconv"

	"weir/internal/dialect"
	"weir/internal/dialect/openai"
	"weir/internal/llm"
	"weir/internal/rawjson"
	"weir/internal/splice"
)

// The governed members by position: those decided by now, and those that say where the conversation is kept.
const (
	atModel = iota
	atStream
	atMaxOutput
	atInput
	atPrevious
	atConversation
	atStore
	atBackground
	atPrompt
)

var governed = splice.NewSpec("model", "stream", "max_output_tokens", "input", "previous_response_id", "conversation", "store",
	"background", "prompt")

// Peek implements dialect.Dialect.
func (responses) Peek(c *dialect.Call) (llm.Head, error) {
	var h llm.Head
	ix, err := governed.Scan(c.Body)
	if err != nil {
		return h, openai.Refused(err)
	}
	c.Index = ix
	if h.Model, err = openai.Model(ix.Get(c.Body, atModel)); err != nil {
		return h, err
	}
	if raw := ix.Get(c.Body, atStream); !rawjson.IsNull(raw) {
		on, ok := rawjson.Bool(raw)
		if !ok {
			return h, malformed("stream", "stream must be true or false")
		}
		h.Stream = on
	}
	if raw := ix.Get(c.Body, atMaxOutput); !rawjson.IsNull(raw) {
		n, ok := rawjson.Int(raw)
		if !ok || n < 0 {
			return h, malformed("max_output_tokens", "max_output_tokens must be a whole number, 0 or more")
		}
		h.MaxOutput = n
	}
	return h, nil
}

// Edit implements dialect.Dialect. A limit on the output only ever lowers max_output_tokens. Usage is always in the
// stream. The call returned has no Index.
func (responses) Edit(dst []byte, c dialect.Call, e dialect.Edit) (dialect.Call, error) {
	var room [64]byte
	var changes [2]splice.Change
	n := 0
	value := room[:0]
	if e.Model != "" {
		value = rawjson.AppendString(value, e.Model)
		changes[n] = splice.Change{Member: atModel, Value: value}
		n++
	}
	if e.MaxOutput > 0 {
		if now, ok := rawjson.Int(c.Index.Get(c.Body, atMaxOutput)); !ok || now == 0 || now > e.MaxOutput {
			changes[n] = splice.Change{Member: atMaxOutput, Value: strconv.AppendInt(value[len(value):], e.MaxOutput, 10)}
			n++
		}
	}
	start := len(dst)
	dst = governed.Apply(dst, c.Body, &c.Index, changes[:n]...)
	c.Body, c.Index = dst[start:len(dst):len(dst)], splice.Index{} // an index belongs to the body it was made from
	return c, nil
}
