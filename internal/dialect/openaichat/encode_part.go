package openaichat

import (
	"strings"
	"unicode/utf8"

	"weir/internal/dialect/openai"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// content writes the value of a content: a string where that says it all, else a list.
func (e *requestEncoder) content(parts []llm.Part) {
	if len(parts) == 0 {
		e.w.String("")
		return
	}
	if len(parts) == 1 && plainText(&parts[0]) {
		e.w.String(parts[0].Text)
		return
	}
	writeItems(&e.w, parts)
}

// plainText reports whether a part is a text and nothing else.
func plainText(p *llm.Part) bool {
	hung := p.Text != "" || p.Cites != nil || p.Logprobs != nil // else an empty string would be no part
	return p.Kind == llm.PartText && hung && p.Cache == nil && p.Extra == nil
}

func writeItems(w *rawjson.Writer, parts []llm.Part) {
	w.Open('[')
	for i := range parts {
		writeItem(w, &parts[i])
	}
	w.Close(']')
}

// writeItem writes a part as an item of a content list.
func writeItem(w *rawjson.Writer, p *llm.Part) {
	nested := ""
	if p.Kind == llm.PartOpaque {
		w.Raw(p.Raw)
		return
	}
	w.Open('{').Name("type")
	switch p.Kind {
	case llm.PartRefusal:
		w.String("refusal").Name("refusal").String(p.Text)
	case llm.PartReasoning:
		w.String("thinking").Name("thinking").Open('[').Open('{')
		w.Name("type").String("text").Name("text").String(p.Text)
		w.Close('}').Close(']')
	case llm.PartImage, llm.PartVideo:
		if nested = "image_url"; p.Kind == llm.PartVideo {
			nested = "video_url"
		}
		w.String(nested).Name(nested).Open('{').Name("url").String(urlOf(p.Media))
		if p.Media.Detail != "" {
			w.Name("detail").String(p.Media.Detail)
		}
		openai.WriteNested(w, p.Extra, nested)
		w.Close('}')
	case llm.PartAudio:
		nested = "input_audio"
		w.String(nested).Name(nested)
		writeAudio(w, p)
	case llm.PartFile:
		nested = "file"
		w.String(nested).Name(nested).Open('{')
		switch b := p.Media; {
		case b.FileID != "":
			w.Name("file_id").String(b.FileID)
		case b.Data != "" && b.Type == "":
			w.Name("file_data").String(b.Data)
		default:
			w.Name("file_data").String(urlOf(b))
		}
		if p.Media.Name != "" {
			w.Name("filename").String(p.Media.Name)
		}
		openai.WriteNested(w, p.Extra, nested)
		w.Close('}')
	default: // Text, JSON
		w.String("text").Name("text").String(p.Text)
	}
	if p.Cache != nil {
		writeCache(w, p.Cache)
	}
	openai.WriteExtra(w, p.Extra, nested)
	w.Close('}')
}

func urlOf(b *llm.Blob) string {
	if b.Data != "" {
		return "data:" + b.Type + ";base64," + b.Data
	}
	return b.URL
}

// writeAudio writes an input_audio; without a type it is the short form some speakers take.
func writeAudio(w *rawjson.Writer, p *llm.Part) {
	b := p.Media
	if b.URL != "" {
		w.String(b.URL)
		return
	}
	if b.Type == "" {
		w.String(b.Data)
		return
	}
	format := strings.TrimPrefix(b.Type, "audio/")
	switch format {
	case "mpeg":
		format = "mp3"
	case "x-wav", "wave":
		format = "wav"
	}
	w.Open('{').Name("data").String(b.Data).Name("format").String(format)
	openai.WriteNested(w, p.Extra, "input_audio")
	w.Close('}')
}

// writeCall writes an element of tool_calls without its number.
func writeCall(w *rawjson.Writer, p *llm.Part, id string, own bool) {
	inner, args := "function", "arguments"
	if p.Free {
		inner, args = "custom", "input"
	}
	extra := p.Extra
	if !own {
		extra = nil
	}
	text := p.Args
	if text == "" && !p.Free && !own {
		text = "{}"
	}
	w.Name("id").String(id).Name("type").String(inner)
	w.Name(inner).Open('{').Name("name").String(p.Name).Name(args).String(text)
	openai.WriteNested(w, extra, inner)
	w.Close('}')
	if p.Cache != nil && own {
		writeCache(w, p.Cache)
	}
	openai.WriteExtra(w, extra, inner)
}

func writeGoogleSeal(w *rawjson.Writer, seal *llm.Seal) {
	w.Name("extra_content").Open('{').Name("google").Open('{')
	w.Name("thought_signature").String(seal.Data)
	w.Close('}').Close('}')
}

// writeDetail writes an element of reasoning_details.
func writeDetail(w *rawjson.Writer, p *llm.Part, n int) {
	if p.Kind == llm.PartOpaque {
		w.Raw(p.Raw)
		return
	}
	w.Open('{')
	writeDetailHead(w, detailKind(p), n)
	switch detailKind(p) {
	case "reasoning.encrypted":
		w.Name("data").String(p.Seal.Data)
	case "reasoning.summary":
		w.Name("summary").String(p.Text)
	default:
		w.Name("text").String(p.Text)
		if p.Seal.Data != "" {
			w.Name("signature").String(p.Seal.Data)
		}
	}
	if p.Item != "" {
		w.Name("id").String(p.Item)
	}
	if p.Extra["format"] == nil {
		w.Name("format").String(formatOf(p.Seal.By))
	}
	openai.WriteExtra(w, p.Extra)
	w.Close('}')
}

func writeDetailHead(w *rawjson.Writer, kind string, n int) {
	w.Name("type").String(kind).Name("index").Int(int64(n))
}

func detailKind(p *llm.Part) string {
	switch {
	case p.Seal.Form == llm.SealEncrypted:
		return "reasoning.encrypted"
	case p.Summary:
		return "reasoning.summary"
	}
	return "reasoning.text"
}

func formatOf(maker string) string {
	for _, m := range makers {
		if m.maker == maker {
			return m.format
		}
	}
	return "unknown"
}

// writeCitation writes an annotation that spans the characters from and to.
func writeCitation(w *rawjson.Writer, c *llm.Cite, from, to int64) {
	w.Open('{').Name("type")
	if c.Kind != "url" {
		w.String(c.Kind)
		openai.WriteExtra(w, c.Extra)
		w.Close('}')
		return
	}
	w.String("url_citation").Name("url_citation").Open('{')
	if c.Extra["url_citation.start_index"] == nil {
		w.Name("start_index").Int(from)
		w.Name("end_index").Int(to)
	}
	w.Name("url").String(c.URL)
	w.Name("title").String(c.Title)
	if c.Quote != "" {
		w.Name("content").String(c.Quote)
	}
	openai.WriteNested(w, c.Extra, "url_citation")
	w.Close('}')
	openai.WriteExtra(w, c.Extra, "url_citation")
	w.Close('}')
}

// charsAt returns how many characters stand before byte n of s.
func charsAt(s string, n int64) int64 {
	n = max(0, min(n, int64(len(s))))
	return int64(utf8.RuneCountInString(s[:n]))
}

// writeCitations writes the annotations of the texts among parts, which are joined on the wire. A citation of a whole
// part of another dialect gets the part's own span.
func writeCitations(w *rawjson.Writer, parts []llm.Part, own bool) {
	w.Open('[')
	before := int64(0)
	for i := range parts {
		p := &parts[i]
		if p.Kind != llm.PartText {
			continue
		}
		for j := range p.Cites {
			c := &p.Cites[j]
			if c.Kind != "url" && !own {
				continue
			}
			from, to := before+charsAt(p.Text, c.Start), before+charsAt(p.Text, c.End)
			if c.Start == 0 && c.End == 0 {
				if from, to = before, before+int64(utf8.RuneCountInString(p.Text)); own {
					from, to = 0, 0
				}
			}
			if !own && c.Extra != nil {
				plain := *c
				plain.Extra = nil
				c = &plain
			}
			writeCitation(w, c, from, to)
		}
		before += int64(utf8.RuneCountInString(p.Text))
	}
	w.Close(']')
}

// writeLogprobs writes a list of tokens.
func writeLogprobs(w *rawjson.Writer, all []llm.Logprob, own bool) {
	w.Open('[')
	for i := range all {
		l := &all[i]
		w.Open('{').Name("token").String(l.Token).Name("logprob")
		if l.Logprob == "" {
			w.Null()
		} else {
			w.Num(string(l.Logprob))
		}
		w.Name("bytes").Raw(l.Bytes)
		w.Name("top_logprobs")
		writeTop(w, l.Top, own)
		if own {
			openai.WriteExtra(w, l.Extra)
		}
		w.Close('}')
	}
	w.Close(']')
}

func writeTop(w *rawjson.Writer, all []llm.Logprob, own bool) {
	w.Open('[')
	for i := range all {
		l := &all[i]
		w.Open('{').Name("token").String(l.Token).Name("logprob")
		if l.Logprob == "" {
			w.Null()
		} else {
			w.Num(string(l.Logprob))
		}
		w.Name("bytes").Raw(l.Bytes)
		if len(l.Top) > 0 {
			w.Name("top_logprobs")
			writeTop(w, l.Top, own)
		}
		if own {
			openai.WriteExtra(w, l.Extra)
		}
		w.Close('}')
	}
	w.Close(']')
}
