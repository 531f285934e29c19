package openai

import (
	"bytes"

	"weir/internal/rawjson"
)

var done = []byte("[DONE]")

// IsDone reports whether a frame's data is the end mark of a stream.
func IsDone(data []byte) bool {
	return len(data) < 16 && bytes.Equal(bytes.TrimSpace(data), done)
}

// Stated reports whether a member of that name occurs with a value that is not null.
func Stated(data, needle []byte) bool {
	for {
		i := bytes.Index(data, needle)
		if i < 0 {
			return false
		}
		data = data[i+len(needle):]
		i = rawjson.Space(data, 0)
		if i >= len(data) || data[i] != ':' {
			continue
		}
		if i = rawjson.Space(data, i+1); i < len(data) && data[i] != 'n' {
			return true
		}
	}
}

// IsError recognises the errors that are not under "error".
func IsError(v []byte) bool {
	return rawjson.Text(rawjson.Get(v, "object")) == "error" ||
		rawjson.Get(v, "message") != nil && (rawjson.Get(v, "type") != nil || rawjson.Get(v, "code") != nil) ||
		rawjson.Get(v, "detail") != nil
}
