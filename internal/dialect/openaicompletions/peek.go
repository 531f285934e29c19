package openaicompletions

import (
	"bytes"
	"math"
	"strconv"

	"weir/internal/dialect"
	"weir/internal/dialect/openai"
	"weir/internal/llm"
	"weir/internal/rawjson"
	"weir/internal/splice"
)

// The governed members by position. The prompt is not among them: nothing is decided by its text.
const (
	atModel = iota
	atStream
	atMaxTokens
	atN
	atBestOf
	atOptions
)

var governed = splice.NewSpec("model", "stream", "max_tokens", "n", "best_of", "stream_options")

// usualMax is the limit on the output where the call names none, by the dialect.
const usualMax = 16

// Peek implements dialect.Dialect. Head.N is what is generated and paid for: the larger of n and best_of for each of the
// prompts.
func (completions) Peek(c *dialect.Call) (llm.Head, error) {
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
	if h.MaxOutput, err = whole(ix.Get(c.Body, atMaxTokens), "max_tokens", 0); err != nil {
		return h, err
	}
	if h.N, err = whole(ix.Get(c.Body, atN), "n", 1); err != nil {
		return h, err
	}
	best, err := whole(ix.Get(c.Body, atBestOf), "best_of", 0)
	if err != nil {
		return h, err
	}
	h.N = max(h.N, best)
	if several := prompts(c.Body); several > 1 {
		each := max(h.N, 1)
		h.N = math.MaxInt64
		if each < math.MaxInt64/several {
			h.N = each * several
		}
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

var prompt = []byte("prompt")

// prompts counts the prompts of a body. Of several members of that name, in whatever case, the longest list counts:
// readers take one or the other.
func prompts(body []byte) int64 {
	most := int64(1)
	for name, v := range rawjson.Members(body) {
		if rawjson.Kind(v) != '[' || len(name) != len(prompt) || !bytes.EqualFold(name, prompt) {
			continue
		}
		n := int64(0)
		for _, e := range rawjson.Elems(v) {
			if k := rawjson.Kind(e); k == '"' || k == '[' {
				n++
			}
		}
		most = max(most, n)
	}
	return most
}

// Edit implements dialect.Dialect. A call without a limit has that of the dialect; it is written out where the model may
// say more by its provider's own default. Usage is asked for only where the call streams. The call returned has no
// Index.
func (completions) Edit(dst []byte, c dialect.Call, e dialect.Edit) (dialect.Call, error) {
	var changes [3]splice.Change
	var number, name [64]byte
	n := 0
	change := func(member int, value []byte) {
		changes[n] = splice.Change{Member: member, Value: value}
		n++
	}
	if e.Model != "" {
		change(atModel, rawjson.AppendString(name[:0], e.Model))
	}
	if e.MaxOutput > 0 {
		now := int64(usualMax)
		raw := c.Index.Get(c.Body, atMaxTokens)
		said := !rawjson.IsNull(raw)
		if said {
			now, _ = rawjson.Int(raw)
		}
		if !said || now > e.MaxOutput {
			change(atMaxTokens, strconv.AppendInt(number[:0], min(now, e.MaxOutput), 10))
		}
	}
	if on, _ := rawjson.Bool(c.Index.Get(c.Body, atStream)); e.WantUsage && on {
		value, err := openai.AskUsage(c.Index.Get(c.Body, atOptions))
		if err != nil {
			return c, err
		}
		if value != nil {
			change(atOptions, value)
		}
	}
	out := governed.Apply(dst, c.Body, &c.Index, changes[:n]...)
	c.Body, c.Index = out[len(dst):], splice.Index{} // an index belongs to the body it was made from
	return c, nil
}
