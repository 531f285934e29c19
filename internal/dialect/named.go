package dialect

import (
	"bytes"
	"errors"

	"weir/internal/fault"
	"weir/internal/llm"
	"weir/internal/rawjson"
	"weir/internal/splice"
)

// named governs the one member by which calls are routed that neither stream nor generate.
var named = splice.NewSpec("model")

// Unreadable is the fault of a body that a scan refused.
func Unreadable(err error) *fault.Fault {
	f := &fault.Fault{Kind: fault.Malformed, Message: "the body cannot be read: " + err.Error(), Cause: err}
	if e, ok := errors.AsType[*splice.Error](err); ok {
		f.Param = e.Member
	}
	return f
}

// PeekModel is Peek of a dialect whose calls name the model in the body and have nothing else to decide by.
func PeekModel(c *Call) (llm.Head, error) {
	ix, err := named.Scan(c.Body)
	if err != nil {
		return llm.Head{}, Unreadable(err)
	}
	c.Index = ix
	model, ok := rawjson.String(ix.Get(c.Body, 0))
	if !ok || model == "" {
		return llm.Head{}, &fault.Fault{Kind: fault.Malformed, Param: "model", Message: "model is missing or no string: name the model to ask"}
	}
	return llm.Head{Model: model}, nil
}

// EditModel is Edit to PeekModel's Peek.
func EditModel(dst []byte, c Call, e Edit) (Call, error) {
	var room [64]byte
	var changes [1]splice.Change
	n := 0
	if e.Model != "" {
		changes[0] = splice.Change{Member: 0, Value: rawjson.AppendString(room[:0], e.Model)}
		n++
	}
	start := len(dst)
	dst = named.Apply(dst, c.Body, &c.Index, changes[:n]...)
	c.Body, c.Index = dst[start:len(dst):len(dst)], splice.Index{} // an index belongs to the body it was made from
	return c, nil
}

// endMost is how much of either end of a body is looked at before all of it, in bytes.
const endMost = 4 << 10

// Near returns the value of the first member of a name in an answer that is megabytes of numbers with a few words before
// or after them: it looks near both ends before it looks through all of it, and parses no number. The name comes with its
// quotes. No client's text may stand in the answer. It is nil where there is none.
func Near(body []byte, name string) []byte {
	needle := []byte(name)
	if len(body) > 2*endMost {
		at := len(body) - endMost
		if v := valueAt(body, bytes.LastIndex(body[at:], needle)+at, at, needle); v != nil {
			return v
		}
		if v := valueAt(body, bytes.Index(body[:endMost], needle), 0, needle); v != nil {
			return v
		}
	}
	return valueAt(body, bytes.Index(body, needle), 0, needle)
}

// valueAt returns the value of the member whose name stands at offset at; nil if at lies before from or holds no member.
func valueAt(body []byte, at, from int, needle []byte) []byte {
	if at < from {
		return nil
	}
	i := rawjson.Space(body, at+len(needle))
	if i >= len(body) || body[i] != ':' {
		return nil
	}
	i = rawjson.Space(body, i+1)
	stop, err := rawjson.Skip(body, i)
	if err != nil {
		return nil
	}
	return body[i:stop]
}
