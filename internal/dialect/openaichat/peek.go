package openaichat

import (
	"strconv"

	"weir/internal/dialect"
	"weir/internal/dialect/openai"
	"weir/internal/llm"
	"weir/internal/rawjson"
	"weir/internal/splice"
)

// The governed members by position.
const (
	atModel = iota
	atStream
	atMaxTokens
	atMaxCompletion
	atN
	atOptions
)

var governed = splice.NewSpec("model", "stream", "max_tokens", "max_completion_tokens", "n", "stream_options")

// Peek implements dialect.Dialect.
func (chat) Peek(c *dialect.Call) (llm.Head, error) {
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
	if h.N, err = whole(ix.Get(c.Body, atN), "n", 1); err != nil {
		return h, err
	}
	if h.MaxOutput, err = maxOutput(ix.Get(c.Body, atMaxCompletion), ix.Get(c.Body, atMaxTokens)); err != nil {
		return h, err
	}
	h.WantUsage, err = openai.WantUsage(ix.Get(c.Body, atOptions))
	return h, err
}

// whole reads a whole number that is not below least; 0 where there is none.
func whole(raw []byte, name string, least int64) (int64, error) {
	if rawjson.IsNull(raw) {
		return 0, nil
	}
	n, ok := rawjson.Int(raw)
	if !ok || n < least {
		return 0, malformed(name, "%s must be a whole number, at least %d", name, least)
	}
	return n, nil
}

// maxOutput reads the limit on the output, which has two names. OpenAI refuses both at once; others take the one they
// know, so that two different values would mean two different limits.
func maxOutput(completion, tokens []byte) (int64, error) {
	a, err := whole(completion, "max_completion_tokens", 0)
	if err != nil {
		return 0, err
	}
	b, err := whole(tokens, "max_tokens", 0)
	if err != nil {
		return 0, err
	}
	if rawjson.IsNull(completion) {
		return b, nil
	}
	if !rawjson.IsNull(tokens) && a != b {
		return 0, malformed("max_tokens", "max_tokens and max_completion_tokens differ; give one of them")
	}
	return a, nil
}

// Edit implements dialect.Dialect. A call without a limit gets one as max_completion_tokens, unless e.MaxName says
// otherwise. Usage is asked for only where the call streams: OpenAI refuses stream_options elsewhere. The call returned
// has no Index.
func (chat) Edit(dst []byte, c dialect.Call, e dialect.Edit) (dialect.Call, error) {
	var changes [5]splice.Change
	var numbers, name [64]byte
	n := 0
	change := func(member int, value []byte) {
		changes[n] = splice.Change{Member: member, Value: value}
		n++
	}
	if e.Model != "" {
		change(atModel, rawjson.AppendString(name[:0], e.Model))
	}
	if e.MaxOutput > 0 {
		limit := strconv.AppendInt(numbers[:0], e.MaxOutput, 10)
		said := false
		for _, member := range [...]int{atMaxCompletion, atMaxTokens} {
			raw := c.Index.Get(c.Body, member)
			if rawjson.IsNull(raw) {
				continue
			}
			said = true
			if now, _ := rawjson.Int(raw); now == 0 || now > e.MaxOutput {
				change(member, limit)
			}
		}
		if !said {
			member := atMaxCompletion
			if e.MaxName == "max_tokens" {
				member = atMaxTokens
			}
			change(member, limit)
		}
	}
	if e.WantUsage {
		if on, _ := rawjson.Bool(c.Index.Get(c.Body, atStream)); on {
			value, err := openai.AskUsage(c.Index.Get(c.Body, atOptions))
			if err != nil {
				return c, err
			}
			if value != nil {
				change(atOptions, value)
			}
		}
	}
	out := governed.Apply(dst, c.Body, &c.Index, changes[:n]...)
	c.Body, c.Index = out[len(dst):], splice.Index{} // an index belongs to the body it was made from
	return c, nil
}
