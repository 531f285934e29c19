package cohere

import (
	"strings"

	"weir/internal/dialect"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// turn is a message to write; its parts all have a place here.
type turn struct {
	role    string
	id      string     // of the call that a message of the role tool answers
	content []llm.Part // texts, thoughts, images; of a result texts and documents
	plan    []llm.Part
	calls   []llm.Part
	extra   llm.Extra
}

// spread puts the parts of an assistant's turn into its members.
func (t *turn) spread(parts []llm.Part) {
	for _, p := range parts {
		switch {
		case p.Kind == llm.PartCall:
			t.calls = append(t.calls, p)
		case p.Kind == llm.PartReasoning && p.Name == wordPlan:
			t.plan = append(t.plan, p)
		default:
			t.content = append(t.content, p)
		}
	}
}

// silent reports whether nothing is said.
func (t *turn) silent() bool { return len(t.content)+len(t.plan)+len(t.calls) == 0 }

func (t *turn) write(w *rawjson.Writer, own bool) {
	w.Open('{').Name("role").String(t.role)
	if t.role == "tool" {
		w.Name("tool_call_id").String(t.id)
	}
	if len(t.content) > 0 || t.role != "assistant" {
		writeContent(w.Name("content"), t.content, own)
	}
	t.writeRest(w, own)
	w.Close('}')
}

// writeRest writes what stands beside the content.
func (t *turn) writeRest(w *rawjson.Writer, own bool) {
	if len(t.plan) > 0 {
		said := ""
		var saidSb52 strings.Builder
		for i := range t.plan {
			saidSb52.WriteString(t.plan[i].Text)
		}
		said += saidSb52.String()
		w.Name(wordPlan).String(said)
	}
	if len(t.calls) > 0 {
		w.Name("tool_calls").Open('[')
		for i := range t.calls {
			writeCall(w, &t.calls[i], t.calls[i].Args, own)
		}
		w.Close(']')
	}
	t.writeCites(w, own)
	if own {
		dialect.WriteExtra(w, t.extra, "citations")
	}
}

func (t *turn) writeCites(w *rawjson.Writer, own bool) {
	var left []byte
	if own {
		left = t.extra["citations"]
	}
	any := left != nil
	for i := range t.content {
		any = any || len(t.content[i].Cites) > 0
	}
	for i := range t.plan {
		any = any || len(t.plan[i].Cites) > 0
	}
	if !any {
		return
	}
	w.Name("citations").Open('[')
	for i := range t.content {
		p := &t.content[i]
		for j := range p.Cites {
			writeCite(w, &p.Cites[j], p.Kind, p.Text, i, own)
		}
	}
	for i := range t.plan {
		p := &t.plan[i]
		for j := range p.Cites {
			writeCite(w, &p.Cites[j], p.Kind, p.Text, -1, own)
		}
	}
	for _, e := range rawjson.Elems(left) {
		w.Raw(e)
	}
	w.Close(']')
}

// writeContent writes the value of a content: a text where that says it all, else a list.
func writeContent(w *rawjson.Writer, parts []llm.Part, own bool) {
	if len(parts) == 0 {
		w.String("")
		return
	}
	if p := &parts[0]; len(parts) == 1 && p.Kind == llm.PartText && p.Text != "" && (!own || p.Extra == nil && p.Name == "") {
		w.String(p.Text)
		return
	}
	writeItems(w, parts, own)
}

func writeItems(w *rawjson.Writer, parts []llm.Part, own bool) {
	w.Open('[')
	for i := range parts {
		writeItem(w, &parts[i], own)
	}
	w.Close(']')
}

// writeItem writes a part as an item of a content.
func writeItem(w *rawjson.Writer, p *llm.Part, own bool) {
	if p.Kind == llm.PartOpaque {
		w.Raw(p.Raw)
		return
	}
	var extra llm.Extra
	if own {
		extra = p.Extra
	}
	nested := ""
	w.Open('{').Name("type")
	switch p.Kind {
	case llm.PartReasoning:
		w.String("thinking").Name("thinking").String(p.Text)
	case llm.PartImage:
		nested = "image_url"
		w.String(nested).Name(nested).Open('{').Name("url").String(urlOf(p.Media))
		if p.Media.Detail != "" {
			w.Name("detail").String(p.Media.Detail)
		}
		writeInner(w, extra, nested)
		w.Close('}')
	case llm.PartJSON:
		nested = "document"
		w.String(nested).Name(nested).Open('{').Name("data").Raw([]byte(p.Text))
		writeInner(w, extra, nested)
		w.Close('}')
	default:
		if own && p.Name == "document" { // its data are a text
			nested = p.Name
			w.String(nested).Name(nested).Open('{').Name("data").String(p.Text)
			writeInner(w, extra, nested)
			w.Close('}')
			break
		}
		w.String("text").Name("text").String(p.Text)
	}
	dialect.WriteExtra(w, extra, nested)
	w.Close('}')
}

// writeInner writes what is left of a nested object.
func writeInner(w *rawjson.Writer, extra llm.Extra, nested string) {
	for name, raw := range rawjson.Members(extra[nested]) {
		w.Name(string(name)).Raw(raw)
	}
}

func urlOf(b *llm.Blob) string {
	if b.Data != "" {
		return "data:" + b.Type + ";base64," + b.Data
	}
	return b.URL
}

// writeCall writes a call with arguments that may be given otherwise.
func writeCall(w *rawjson.Writer, p *llm.Part, args string, own bool) {
	if own && p.By != llm.ByClient && p.Raw != nil {
		w.Raw(p.Raw)
		return
	}
	var extra llm.Extra
	if own {
		extra = p.Extra
	}
	w.Open('{').Name("id").String(p.ID).Name("type").String("function")
	w.Name("function").Open('{').Name("name").String(p.Name).Name("arguments").String(args)
	writeInner(w, extra, "function")
	w.Close('}')
	dialect.WriteExtra(w, extra, "function")
	w.Close('}')
}
