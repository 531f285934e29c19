package openairesponses

import (
	"bytes"

	"weir/internal/frame"
	"weir/internal/rawjson"
	"weir/internal/splice"
)

// A provider that keeps nothing is sent the whole conversation and answers that it goes on from nothing. The client
// reads what it asked for: the same bytes otherwise.

var echoed = splice.NewSpec("previous_response_id")

// Continues implements dialect.Keeper.
func (responses) Continues(dst, answer []byte, previous string) []byte {
	ix, err := echoed.Scan(answer)
	if err != nil || rawjson.Get(answer, "output") == nil { // an error says nothing of it
		return append(dst, answer...)
	}
	var w rawjson.Writer
	w.String(previous)
	return echoed.Apply(dst, answer, &ix, splice.Change{Member: 0, Value: w.Buf})
}

// ContinuesFrame implements dialect.Keeper.
func (r responses) ContinuesFrame(f frame.Frame, previous string) frame.Frame {
	answer := rawjson.Get(f.Data, "response")
	if rawjson.Kind(answer) != '{' {
		return f
	}
	at, data := bytes.Index(f.Data, answer), bytes.Index(f.Raw, f.Data)
	if at < 0 || data < 0 { // several lines of data: never seen
		return f
	}
	own := r.Continues(nil, answer, previous)
	end := data + at + len(answer)
	f.Raw = bytes.Join([][]byte{f.Raw[:data+at], own, f.Raw[end:]}, nil)
	f.Data = f.Raw[data : data+len(f.Data)+len(own)-len(answer)]
	return f
}
