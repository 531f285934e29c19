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

// Told is what a frame of a stream states, of what a meter looks for: members with a value that is not null.
type Told struct{ Usage, Finish, Error bool }

var tellings = rawjson.Look("usage", "finish_reason", "error")

// Tells looks a frame through once. It may say that something is stated where it only looks so, as with the names of
// members that are tokens, and never the other way round.
func Tells(data []byte) Told { return tells(data, 0) }

func tells(data []byte, at int) (t Told) {
	for {
		var which int
		if which, at = tellings.Find(data, at); at == 0 {
			return t
		}
		if at == len(data) || data[at] == 'n' {
			continue
		}
		switch which {
		case 0:
			t.Usage = true
		case 1:
			t.Finish = true
		case 2:
			t.Error = true
		}
	}
}

// Teller looks through the frames of one stream. They begin alike, with what names the answer and its model: a beginning
// that states nothing is remembered and not looked through again.
type Teller struct {
	alike [256]byte
	n     int
}

// Tells is the function of that name. The member called first is where frames begin to differ.
func (t *Teller) Tells(data, first []byte) Told {
	if t.n > 0 && bytes.HasPrefix(data, t.alike[:t.n]) {
		return tells(data, t.n)
	}
	told := tells(data, 0)
	if i := bytes.Index(data, first) + len(first); told == (Told{}) && i >= len(first) && i <= len(t.alike) {
		t.n = copy(t.alike[:], data[:i])
	}
	return told
}

// IsError recognises the errors that are not under "error".
func IsError(v []byte) bool {
	return rawjson.Text(rawjson.Get(v, "object")) == "error" ||
		rawjson.Get(v, "message") != nil && (rawjson.Get(v, "type") != nil || rawjson.Get(v, "code") != nil) ||
		rawjson.Get(v, "detail") != nil
}
