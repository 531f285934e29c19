package openairesponses

import (
	"slices"
	"strings"

	"weir/internal/dialect"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// history returns what of the model's turn can be said here, and names the rest lost.
func (e *requestEncoder) history(m *llm.Message) []llm.Part {
	if e.own {
		return e.think(m.Parts)
	}
	var out []llm.Part
	for i := range m.Parts {
		p := m.Parts[i]
		switch {
		case p.Kind == llm.PartReasoning:
		case p.Kind == llm.PartText, p.Kind == llm.PartRefusal, p.Kind == llm.PartJSON:
			if p.Text == "" {
				e.beside(&p)
				continue
			}
		case p.Kind == llm.PartCall && p.By == llm.ByClient:
			p.Raw = nil
		case p.Kind == llm.PartAudio && p.Text != "":
			e.lose(p.Path, "a sound becomes its transcript", llm.Changed)
			p = llm.Part{Kind: llm.PartText, Text: p.Text, Path: p.Path}
		default:
			e.lose(p.Path, "there is no place for it here", llm.Dropped)
			continue
		}
		e.beside(&p)
		p.Extra, p.Cache, p.Cites, p.Logprobs = nil, nil, nil, nil
		out = append(out, p)
	}
	return e.think(out)
}

// takes reports whether the target takes a reasoning part back: it made the seal on it. What came in this dialect with
// the seal's format named came from the target.
func (e *requestEncoder) takes(p *llm.Part) bool {
	by := e.facts.SealBy
	if by == "" {
		by = maker
	}
	if _, no := e.thinks(); no && !e.own {
		return false
	}
	return p.Seal.Form == llm.SealEncrypted && (p.Seal.By == by || e.own && p.Name != "")
}

// think leaves out the reasoning that the target would not take back, item by item: what is sealed by someone else, and
// of another dialect also what has no seal, unless the target takes that, and what nothing follows. A turn of which some
// was made elsewhere has no ids that the provider knows.
func (e *requestEncoder) think(parts []llm.Part) []llm.Part {
	var out []llm.Part
	elsewhere := false
	for i := 0; i < len(parts); {
		n := 1
		for i+n < len(parts) && joins(&parts[i+n-1], &parts[i+n], e.own) {
			n++
		}
		item := parts[i : i+n]
		i += n
		if item[0].Kind != llm.PartReasoning {
			out = append(out, item...)
			for j := range item {
				if e.own && item[j].Seal.Data != "" {
					e.lose(dialect.SealPath(e.req.From, item[j].Path), "seals go back to their maker only", llm.Dropped)
					elsewhere = true
				}
			}
			continue
		}
		last := &item[n-1]
		followed := e.own || slices.ContainsFunc(parts[i:], func(p llm.Part) bool { return p.Kind != llm.PartReasoning })
		switch {
		case e.own && last.Seal.Data == "", followed && e.takes(last):
			e.sealed = e.sealed || last.Seal.Data != ""
			out = append(out, item...)
		case followed && e.facts.ReasoningBack && last.Text != "":
			out = append(out, item...)
			if last.Seal.Data != "" {
				e.lose(dialect.SealPath(e.req.From, last.Path), "seals go back to their maker only", llm.Dropped)
				out[len(out)-1].Seal = llm.Seal{}
			}
		default:
			elsewhere = elsewhere || last.Seal.Data != ""
			for j := range item {
				if p := &item[j]; p.Text != "" || p.Seal.Data != "" {
					e.lose(p.Path, "reasoning is taken back only with its maker's seal, before what it led to", llm.Dropped)
				}
			}
		}
	}
	if elsewhere {
		for i := range out {
			out[i].Item = ""
		}
	}
	return out
}

// sayables returns the parts that can be said in a message or a result, in another form where need be, and names the
// others lost. A medium that the target would not see is refused: an unseen image is a wrong answer.
func (e *requestEncoder) sayables(parts []llm.Part, m *llm.Message) []llm.Part {
	if e.own {
		return parts
	}
	var out []llm.Part
	for i := range parts {
		p := parts[i]
		if p.Path == "" {
			p.Path = m.Path
		}
		e.beside(&p)
		switch p.Kind {
		case llm.PartText, llm.PartJSON, llm.PartRefusal:
			if p.Text == "" {
				continue
			}
			if p.Kind == llm.PartRefusal {
				e.lose(p.Path, "a refusal of someone else is plain text", llm.Changed)
			}
			p.Kind = llm.PartText
		case llm.PartImage, llm.PartAudio, llm.PartVideo, llm.PartFile:
			if why := unseen(&p); why != "" {
				e.refuse(p.Path, why)
				continue
			}
			if p.Kind == llm.PartFile {
				e.file(&p)
			}
		default: // Opaque, what the provider ran, what has no place in this role
			e.lose(p.Path, "there is no place for it here", llm.Dropped)
			continue
		}
		p.Cache, p.Extra, p.Cites, p.Logprobs, p.Item = nil, nil, nil, nil, ""
		out = append(out, p)
	}
	return out
}

// beside names what hangs on a part of another dialect and has no place here.
func (e *requestEncoder) beside(p *llm.Part) {
	if p.Path == "" {
		return
	}
	e.foreign(p.Extra, p.Path)
	if p.Cache != nil {
		e.lose(p.Path+".cache_control", "not every model takes breakpoints", llm.Dropped)
	}
	if len(p.Cites) > 0 {
		e.lose(p.Path+"."+e.word("annotations"), "citations of earlier answers are not taken back", llm.Dropped)
	}
	if len(p.Logprobs) > 0 {
		e.lose(p.Path+".logprobs", "probabilities of earlier answers are not taken back", llm.Dropped)
	}
	if p.Seal.Data != "" && p.Kind != llm.PartReasoning {
		e.lose(dialect.SealPath(e.req.From, p.Path), "seals go back to their maker only", llm.Dropped)
	}
}

// unseen says why a medium of another dialect cannot be sent, "" if it can.
func unseen(p *llm.Part) string {
	b := p.Media
	switch {
	case p.Kind == llm.PartVideo:
		return "the target does not see moving pictures"
	case p.Kind == llm.PartAudio:
		return "the target does not hear; send text instead of sound"
	case llm.OwnID(b.FileID):
		return ""
	case b.FileID != "":
		return "its file is kept by another provider; send the data"
	case b.Data == "" && b.URL == "" && b.Text == "":
		return "it has no data"
	case strings.HasPrefix(b.URL, "s3://") || strings.HasPrefix(b.URL, "gs://"):
		return "its address is one that only its own provider reads; send the data"
	}
	return ""
}

// file fits a document of another dialect: its text becomes a text, data gets the name that is demanded.
func (e *requestEncoder) file(p *llm.Part) {
	b := *p.Media
	if b.Cite {
		e.lose(p.Path+".citations", noSetting, llm.Dropped)
	}
	if b.Text != "" {
		text := b.Text
		if b.Name != "" {
			text = b.Name + "\n\n" + text
		}
		e.lose(p.Path, "the document is sent as text", llm.Changed)
		*p = llm.Part{Kind: llm.PartText, Text: text, Path: p.Path}
		return
	}
	if b.Data != "" && b.Name == "" {
		b.Name = "document"
		if b.Type == "application/pdf" {
			b.Name = "document.pdf"
		}
		e.lose(p.Path+"."+e.word("file.filename"), "a file must have a name", llm.Filled)
	}
	p.Media = &b
}

// plain reports whether parts are one text and nothing else, or nothing at all.
func plain(parts []llm.Part) bool {
	if len(parts) == 0 {
		return true
	}
	p := &parts[0]
	return len(parts) == 1 && p.Kind == llm.PartText && p.Text != "" && p.Cache == nil && p.Cites == nil && p.Logprobs == nil && p.Extra == nil
}

func writeText(w *rawjson.Writer, parts []llm.Part) {
	text := ""
	if len(parts) > 0 {
		text = parts[0].Text
	}
	w.String(text)
}

// writeContents writes a string where that says it all, else a list. typ is the type of a text.
func writeContents(w *rawjson.Writer, parts []llm.Part, typ string, own bool) {
	if plain(parts) {
		writeText(w, parts)
		return
	}
	w.Open('[')
	for i := range parts {
		writeContent(w, &parts[i], typ, own)
	}
	w.Close(']')
}

// writeContent writes an element of a message's or a result's content.
func writeContent(w *rawjson.Writer, p *llm.Part, typ string, own bool) {
	if p.Kind == llm.PartOpaque {
		w.Raw(p.Raw)
		return
	}
	w.Open('{').Name("type")
	switch p.Kind {
	case llm.PartRefusal:
		w.String("refusal").Name("refusal").String(p.Text)
	case llm.PartImage:
		w.String("input_image")
		if p.Media.FileID != "" {
			w.Name("file_id").String(p.Media.FileID)
		} else {
			w.Name("image_url").String(imageURL(p.Media))
		}
		if p.Media.Detail != "" {
			w.Name("detail").String(p.Media.Detail)
		}
	case llm.PartFile:
		writeFile(w, p.Media)
	case llm.PartAudio:
		format := strings.TrimPrefix(p.Media.Type, "audio/")
		if format == "mpeg" {
			format = "mp3"
		}
		w.String("input_audio").Name("input_audio").Open('{')
		w.Name("data").String(p.Media.Data).Name("format").String(format).Close('}')
	default:
		w.String(typ).Name("text").String(p.Text)
		if typ == "output_text" && own || len(p.Cites) > 0 {
			w.Name("annotations").Open('[')
			for i := range p.Cites {
				writeCite(w, &p.Cites[i], p.Text, own)
			}
			w.Close(']')
		}
		if len(p.Logprobs) > 0 {
			w.Name("logprobs").Open('[')
			appendLogprobs(w, p.Logprobs, own, true)
			w.Close(']')
		}
	}
	if p.Cache != nil {
		w.Name("prompt_cache_breakpoint").Open('{').Name("mode").String("explicit").Close('}')
	}
	if own {
		dialect.WriteExtra(w, p.Extra)
	}
	w.Close('}')
}

func writeFile(w *rawjson.Writer, b *llm.Blob) {
	w.String("input_file")
	switch {
	case b.FileID != "":
		w.Name("file_id").String(b.FileID)
	case b.URL != "":
		w.Name("file_url").String(b.URL)
	case b.Type == "":
		w.Name("file_data").String(b.Data)
	default:
		w.Name("file_data").String(urlOf(b))
	}
	if b.Name != "" {
		w.Name("filename").String(b.Name)
	}
}

// imageURL is the address of an image, or its data as one.
func imageURL(b *llm.Blob) string {
	if b.Data == "" || b.Type != "" {
		return urlOf(b)
	}
	typed := *b
	typed.Type = imageType(b.Data)
	return urlOf(&typed)
}

// imageType finds an image's media type by how its base64 begins.
func imageType(data string) string {
	for _, m := range [...]struct{ begins, typ string }{
		{"/9j/", "image/jpeg"}, {"R0lGOD", "image/gif"}, {"UklGR", "image/webp"},
	} {
		if strings.HasPrefix(data, m.begins) {
			return m.typ
		}
	}
	return "image/png"
}
