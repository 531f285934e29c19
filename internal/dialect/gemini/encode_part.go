package gemini

import (
	"bytes"
	"encoding/base64"
	"strings"

	"weir/internal/dialect"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// writePart writes a part that has its place here. own says that its Extra and Raw belong to this dialect.
func writePart(w *rawjson.Writer, p *llm.Part, own bool) {
	if own && p.Raw != nil && (p.Kind == llm.PartOpaque || p.By != llm.ByClient) {
		w.Raw(p.Raw)
		return
	}
	var extra llm.Extra
	if own {
		extra = p.Extra
	}
	w.Open('{')
	switch p.Kind {
	case llm.PartReasoning:
		w.Name("text").String(p.Text).Name("thought").Bool(true)
	case llm.PartImage, llm.PartAudio, llm.PartVideo, llm.PartFile:
		writeMedium(w, p.Media, extra)
	case llm.PartCall:
		w.Name("functionCall").Open('{')
		writeID(w, p.ID)
		w.Name("name").String(p.Name)
		if p.Args != "" || !own {
			args, _ := argsObject(p.Args, p.Free)
			w.Name("args").Raw([]byte(args))
		}
		writeNested(w, extra, "functionCall.")
		w.Close('}')
	case llm.PartResult:
		w.Name("functionResponse").Open('{')
		writeID(w, p.ID)
		w.Name("name").String(p.Name)
		writeResponse(w, p, own)
		writeNested(w, extra, "functionResponse.")
		w.Close('}')
	default:
		w.Name("text").String(p.Text)
	}
	writeSeal(w, p.Seal)
	writePlain(w, extra)
	w.Close('}')
}

// partNested are the objects whose members stand under dotted names in a part's Extra.
var partNested = []string{"functionCall.", "functionResponse.", "inlineData.", "fileData."}

// writePlain writes the members of a part's Extra that belong into no nested object.
func writePlain(w *rawjson.Writer, x llm.Extra) {
	if len(x) == 0 {
		return
	}
	for _, name := range dialect.Names(x) {
		inside := false
		for _, prefix := range partNested {
			inside = inside || strings.HasPrefix(name, prefix)
		}
		if !inside {
			w.Name(name).Raw(x[name])
		}
	}
}

func writeID(w *rawjson.Writer, id string) {
	if id != "" && !made(id) {
		w.Name("id").String(id)
	}
}

func writeMedium(w *rawjson.Writer, b *llm.Blob, extra llm.Extra) {
	uri := b.FileID
	if uri == "" {
		uri = b.URL
	}
	if uri != "" {
		w.Name("fileData").Open('{')
		if b.Type != "" {
			w.Name("mimeType").String(b.Type)
		}
		w.Name("fileUri").String(uri)
	} else {
		data := b.Data
		if b.Text != "" {
			data = base64.StdEncoding.EncodeToString([]byte(b.Text))
		}
		w.Name("inlineData").Open('{')
		if b.Type != "" {
			w.Name("mimeType").String(b.Type)
		}
		w.Name("data").String(data)
	}
	if b.Name != "" {
		w.Name("displayName").String(b.Name)
	}
	if uri != "" {
		writeNested(w, extra, "fileData.")
	} else {
		writeNested(w, extra, "inlineData.")
	}
	w.Close('}')
}

// writeResponse writes what a function responded, as an object, and the media among it.
func writeResponse(w *rawjson.Writer, p *llm.Part, own bool) {
	var said []string
	values, media := 0, 0
	for i := range p.Result {
		switch r := &p.Result[i]; r.Kind {
		case llm.PartText, llm.PartRefusal, llm.PartReasoning:
			said = append(said, r.Text)
		case llm.PartJSON:
			values++
			said = append(said, r.Text)
		default:
			media++
		}
	}
	w.Name("response")
	switch {
	case len(said) == 1 && values == 1 && rawjson.Check([]byte(said[0])) == nil:
		writeValue(w, []byte(said[0]), p.Failed)
	case len(said) == 0 && !p.Failed:
		w.Open('{').Close('}')
	default:
		w.Open('{').Name(responseWord(p.Failed)).String(strings.Join(said, "\n")).Close('}')
	}
	if media == 0 {
		return
	}
	w.Name("parts").Open('[')
	for i := range p.Result {
		switch r := &p.Result[i]; r.Kind {
		case llm.PartText, llm.PartRefusal, llm.PartReasoning, llm.PartJSON:
		default:
			writePart(w, r, own)
		}
	}
	w.Close(']')
}

func responseWord(failed bool) string {
	if failed {
		return "error"
	}
	return "output"
}

// writeValue writes a JSON value as a response: an object that reads back as it is stands for itself.
func writeValue(w *rawjson.Writer, v []byte, failed bool) {
	if rawjson.Kind(v) == '{' {
		back, parts := readResponse(v)
		if back == failed && len(parts) == 1 && parts[0].Kind == llm.PartJSON && parts[0].Text == trimmed(v) {
			w.Raw(bytes.TrimSpace(v))
			return
		}
	}
	w.Open('{').Name(responseWord(failed)).Raw(bytes.TrimSpace(v)).Close('}')
}

// argsObject returns arguments as the object this dialect demands, verbatim where they are one. Free text is the one
// argument of the function that stands for its tool. The second result is false where the text had to be wrapped.
func argsObject(args string, free bool) (string, bool) {
	if free {
		return wrap("input", args), true
	}
	if strings.TrimSpace(args) == "" {
		return "{}", true
	}
	if b := []byte(args); rawjson.Kind(b) == '{' && rawjson.Check(b) == nil {
		return args, true
	}
	return wrap("arguments", args), false
}

func wrap(name, text string) string {
	var w rawjson.Writer
	w.Open('{').Name(name).String(text).Close('}')
	return string(w.Buf)
}
