package engine

import (
	"bytes"

	"weir/internal/rawjson"
)

// naming is how a member names a file that a provider keeps.
type naming uint8

const (
	namesNothing naming = iota
	namesID             // by an id, or several
	namesFile           // by an address where files alone have one: Gemini's fileUri
	namesWeb            // by an address that may be anywhere in the web
)

// nameMost bounds a member's name with all its letters written as escapes.
const nameMost = 24 * 6

// namingOf tells what a member of this name, which is written without its quotes, names. Neither case nor underscores nor
// escapes matter, for they do not to every provider.
func namingOf(name []byte) naming {
	var room [24]byte
	folded, ok := fold(room[:0], name)
	if !ok {
		return namesNothing
	}
	switch string(folded) {
	case "fileid", "fileids", "inputfileid", "vectorstoreid", "vectorstoreids", "filesearchstorenames", "libraryids", "collectionids":
		return namesID
	case "fileuri":
		return namesFile
	case "uri", "url", "imageurl", "fileurl":
		return namesWeb
	}
	return namesNothing
}

// fold appends a name in small letters without underscores; false where it has no room there.
func fold(dst, name []byte) ([]byte, bool) {
	if bytes.IndexByte(name, '\\') >= 0 {
		quoted := append(append([]byte{'"'}, name...), '"')
		name = []byte(rawjson.Text(quoted))
	}
	for _, b := range name {
		if b == '_' {
			continue
		}
		if len(dst) == cap(dst) {
			return dst, false
		}
		if b >= 'A' && b <= 'Z' {
			b |= 0x20
		}
		dst = append(dst, b)
	}
	return dst, true
}

// mentionsAny reports whether a JSON text has members that name files; web says that addresses count. Nothing is read
// but what stands before colons: within a string a quote has a backslash before it, so that nothing there looks like a name.
func mentionsAny(body []byte, web bool) bool {
	for from := 0; ; {
		i := bytes.IndexByte(body[from:], ':')
		if i < 0 {
			return false
		}
		name := nameBefore(body, from+i)
		from += i + 1
		if name == nil {
			continue
		}
		kind := namingOf(name)
		if kind == namesNothing || kind == namesWeb && !web {
			continue
		}
		at := rawjson.Space(body, from)
		switch {
		case at == len(body):
		case body[at] == '[', body[at] == '"' && !(kind != namesID && bytes.HasPrefix(body[at:], []byte(`"data:`))):
			return true
		}
	}
}

// nameBefore returns the name that a colon at an offset follows, as it is written, nil where none of those looked for does.
func nameBefore(body []byte, colon int) []byte {
	end := colon
	for end > 0 && body[end-1] <= ' ' {
		end--
	}
	if end < 2 || body[end-1] != '"' {
		return nil
	}
	end--
	switch body[end-1] | 0x20 {
	case 'd', 's', 'i', 'l': // what the names end in
	default:
		if last := body[end-1]; last < '0' || last > '9' && last|0x20 < 'a' || last|0x20 > 'f' { // and what an escape does
			return nil
		}
	}
	start := end
	for start > 0 && end-start <= nameMost && body[start-1] != '"' {
		start--
	}
	if start == 0 || body[start-1] != '"' {
		return nil
	}
	return body[start:end]
}

// walker finds the members of a JSON text that name files, where what they say is meant so. The text is valid.
type walker struct {
	body []byte
	i    int
	in   []within

	// What was found.
	kind naming
	id   string
	at   int // its quote

	ready []spotted
}

// spotted is a member that was found.
type spotted struct {
	kind naming
	id   string
	at   int
}

// within is an object or a list that the walker is in.
type within struct {
	list  bool
	value bool      // the member's value comes next
	free  bool      // what is said in here means nothing: it is the client's own, or a provider made it
	tight bool      // names in here are the client's own, and what they hold means something
	made  bool      // the object is of a type that providers make
	plain bool      // and of another one, for whoever reads it so
	typed bool      // its type comes next
	kind  naming    // of the member at hand, or of the list
	name  string    // of the member at hand, folded; of a list the one that it is the value of
	held  []spotted // until the object's type is known
}

// next finds the next one.
func (w *walker) next() bool {
	for {
		if len(w.ready) > 0 {
			w.kind, w.id, w.at = w.ready[0].kind, w.ready[0].id, w.ready[0].at
			w.ready = w.ready[1:]
			return true
		}
		if w.i >= len(w.body) {
			return false
		}
		switch b := w.body[w.i]; b {
		case '{', '[':
			w.open(b == '[')
			w.i++
		case '}', ']':
			w.close()
			w.i++
		case '"':
			end, err := rawjson.SkipString(w.body, w.i)
			if err != nil {
				return false
			}
			w.text(end)
			w.i = end
		case ',':
			if n := len(w.in); n > 0 {
				w.in[n-1].value = false
			}
			w.i++
		default:
			w.i++
		}
	}
}

func (w *walker) open(list bool) {
	one := within{list: list}
	if n := len(w.in); n > 0 {
		up := &w.in[n-1]
		one.free = up.free || !up.list && w.means(up)
		one.tight = up.tight && up.list || !up.list && up.name == "variables"
		if list {
			one.kind, one.name = up.kind, up.name
		}
	}
	w.in = append(w.in, one)
}

// means reports whether the value of the member at hand is free: its names are the client's own, or a provider made it.
func (w *walker) means(at *within) bool {
	if at.tight {
		return false
	}
	switch at.name {
	case "metadata", "annotations", "results", "citations", "args", "arguments", "properties", "default":
		return true
	case "input":
		return w.above() == "content" || w.above() == "tooluse"
	case "json":
		return w.above() == "content"
	case "data":
		return w.above() == "documents"
	case "response":
		return w.above() == "functionresponse" || w.above() == "functionresponses"
	}
	return false
}

// above is the name of the member that holds the object at hand, itself or in a list.
func (w *walker) above() string {
	if len(w.in) < 2 {
		return ""
	}
	return w.in[len(w.in)-2].name
}

func (w *walker) close() {
	n := len(w.in)
	if n == 0 {
		return
	}
	if one := &w.in[n-1]; !one.made || one.plain {
		w.ready = append(w.ready, one.held...)
	}
	w.in = w.in[:n-1]
}

// text takes a string that ends at an offset.
func (w *walker) text(end int) {
	n := len(w.in)
	if n == 0 {
		return
	}
	at := &w.in[n-1]
	quoted := w.body[w.i:end]
	if !at.list && !at.value {
		at.value, at.name, at.typed = true, "", false
		var room [24]byte
		name := quoted[1 : len(quoted)-1]
		if folded, ok := fold(room[:0], name); ok {
			at.name = string(folded)
		}
		at.kind, at.typed = namingOf(name), at.name == "type"
		return
	}
	switch {
	case at.typed:
		// Of the parts of an answer these hold files that the provider's own tools made: they are told, not read.
		word := rawjson.Text(quoted)
		if word == "code_execution_output" || word == "bash_code_execution_output" {
			at.made = true
		} else {
			at.plain = true
		}
	case at.kind != namesNothing && !at.free && !at.tight:
		at.held = append(at.held, spotted{at.kind, rawjson.Text(quoted), w.i})
	}
}
