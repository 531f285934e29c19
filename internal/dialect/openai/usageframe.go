package openai

import (
	"bytes"

	"weir/internal/rawjson"
)

var noChoices = [...][]byte{[]byte(`"choices":[]`), []byte(`"choices": []`)}

// UsageFrame reports whether the data of a frame is the chunk that OpenAI sends at the end of a stream where usage was
// asked for: without choices, and with a usage.
func UsageFrame(data []byte) bool {
	if !bytes.Contains(data, noChoices[0]) && !bytes.Contains(data, noChoices[1]) {
		return false
	}
	for range rawjson.Elems(rawjson.Get(data, "choices")) {
		return false
	}
	return rawjson.Kind(rawjson.Get(data, "choices")) == '[' && rawjson.Kind(rawjson.Get(data, "usage")) == '{'
}
