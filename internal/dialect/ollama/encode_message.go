package ollama

import (
	"strings"

	"weir/internal/dialect"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// turn is a message to write.
type turn struct {
	role     string
	id, tool string // of the call that a message of the role tool answers
	thinking string
	images   []string // base64
	content  string
	calls    []llm.Part
	extra    llm.Extra
}

// between stands between the texts of one message; the models are shown as much between messages of one role.
const between = "\n\n"

// add puts what a part says into the message; sep stands between texts.
func (t *turn) add(p *llm.Part, sep string) {
	join := func(to *string) {
		if *to != "" && p.Text != "" {
			*to += sep
		}
		*to += p.Text
	}
	switch p.Kind {
	case llm.PartCall:
		t.calls = append(t.calls, *p)
	case llm.PartReasoning:
		join(&t.thinking)
	case llm.PartImage:
		t.images = append(t.images, p.Media.Data)
	default:
		join(&t.content)
	}
}

func (t *turn) silent() bool {
	return t.thinking == "" && len(t.images) == 0 && t.content == "" && len(t.calls) == 0
}

func (t *turn) write(w *rawjson.Writer, own bool) {
	w.Open('{').Name("role").String(t.role)
	w.Name("content").String(t.content)
	t.writeRest(w, own)
	if t.tool != "" {
		w.Name("tool_name").String(t.tool)
	}
	if t.id != "" {
		w.Name("tool_call_id").String(t.id)
	}
	if own {
		dialect.WriteExtra(w, t.extra)
	}
	w.Close('}')
}

// writeRest writes what stands beside the text.
func (t *turn) writeRest(w *rawjson.Writer, own bool) {
	if t.thinking != "" {
		w.Name("thinking").String(t.thinking)
	}
	if len(t.images) > 0 {
		w.Name("images").Open('[')
		for _, data := range t.images {
			w.String(data)
		}
		w.Close(']')
	}
	if len(t.calls) > 0 {
		w.Name("tool_calls").Open('[')
		for i := range t.calls {
			writeCall(w, &t.calls[i], i, own)
		}
		w.Close(']')
	}
}

func writeCall(w *rawjson.Writer, p *llm.Part, n int, own bool) {
	var extra llm.Extra
	if own {
		extra = p.Extra
	}
	w.Open('{').Name("id").String(p.ID)
	w.Name("function").Open('{').Name("index").Int(int64(n)).Name("name").String(p.Name).Name("arguments").Raw(object(p.Args))
	for name, raw := range rawjson.Members(extra["function"]) {
		if string(name) != "index" {
			w.Name(string(name)).Raw(raw)
		}
	}
	w.Close('}')
	dialect.WriteExtra(w, extra, "function")
	w.Close('}')
}

// object returns arguments as a value. Those of another dialect are an object by now.
func object(args string) []byte {
	if b := []byte(args); strings.TrimSpace(args) != "" && rawjson.Check(b) == nil {
		return b
	}
	wrapped, _ := dialect.ObjectArgs(args, false)
	return []byte(wrapped)
}
