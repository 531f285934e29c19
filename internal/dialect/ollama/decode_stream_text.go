package ollama

import (
	"bytes"

	"weir/internal/rawjson"
)

var (
	lineCreated = []byte(`,"created_at":`)
	lineMessage = []byte(`,"message":{"role":"assistant","content":`)
	lineEnds    = []byte(`},"done":false}`)
	modelFirst  = []byte(`{"model":`)
)

// remember notes how a line begins, which is the model's name, to know others like it.
func (d *streamDecoder) remember(data []byte) {
	if d.head != nil {
		return
	}
	rest, ok := bytes.CutPrefix(data, modelFirst)
	if !ok || len(rest) == 0 || rest[0] != '"' {
		return
	}
	if end, err := rawjson.SkipString(rest, 0); err == nil {
		d.head = bytes.Clone(data[:len(modelFirst)+end])
	}
}

// plainText reads the commonest line in the form its provider writes it: like the first in all but the time and the
// text. ok is false for any other.
func (d *streamDecoder) plainText(data []byte) (text string, ok bool) {
	if d.head == nil {
		return "", false
	}
	rest, ok := bytes.CutPrefix(data, d.head)
	if !ok {
		return "", false
	}
	if rest, ok = skipText(rest, lineCreated); !ok {
		return "", false
	}
	before := rest
	if rest, ok = skipText(rest, lineMessage); !ok || !bytes.Equal(rest, lineEnds) {
		return "", false
	}
	text = rawjson.Text(before[len(lineMessage) : len(before)-len(rest)])
	return text, text != ""
}

// skipText returns what follows a member that is a text.
func skipText(data, member []byte) (rest []byte, ok bool) {
	rest, ok = bytes.CutPrefix(data, member)
	if !ok || len(rest) == 0 || rest[0] != '"' {
		return nil, false
	}
	end, err := rawjson.SkipString(rest, 0)
	if err != nil {
		return nil, false
	}
	return rest[end:], true
}
