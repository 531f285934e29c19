package openaichat

import (
	"bytes"
	"encoding/json"
	"hash/fnv"
	"strconv"
	"strings"

	"weir/internal/dialect/openai"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// contentPart decodes an item of a content list. What it cannot read becomes Opaque, so that it never fails. Spans are
// noted where body is given.
func contentPart(body, v []byte, path string) llm.Part {
	kind := rawjson.Text(rawjson.Get(v, "type"))
	p := llm.Part{Path: path}
	ok := false
	inner := rawjson.Get(v, kind)
	switch kind {
	case "text", "refusal":
		ok = textPart(&p, kind, body, inner)
	case "image_url", "video_url":
		ok = mediaURL(&p, kind, inner)
	case "input_audio":
		ok = inputAudio(&p, inner)
	case "file":
		ok = filePart(&p, inner)
	case "thinking":
		ok = thinking(&p, inner)
	}
	if !ok {
		return llm.Part{Kind: llm.PartOpaque, Name: kind, Raw: v, Path: path}
	}
	for name, val := range rawjson.Members(v) {
		switch string(name) {
		case "type", kind:
		case "cache_control":
			if p.Cache = cacheMark(val); p.Cache == nil {
				openai.Keep(&p.Extra, "cache_control", val)
			}
		case "closed": // of a thinking item, true unless it goes on
			if on, _ := rawjson.Bool(val); !on || kind != "thinking" {
				openai.Keep(&p.Extra, "closed", val)
			}
		default:
			openai.Keep(&p.Extra, string(name), val)
		}
	}
	return p
}

func textPart(p *llm.Part, kind string, body, v []byte) bool {
	p.Kind = llm.PartText
	if kind == "refusal" {
		p.Kind = llm.PartRefusal
	}
	s, ok := rawjson.String(v)
	p.Text = s
	if ok {
		p.Span = spanOf(body, v)
	}
	return ok || rawjson.IsNull(v)
}

// mediaURL decodes image_url and video_url: an object, or with some speakers the URL alone.
func mediaURL(p *llm.Part, kind string, v []byte) bool {
	p.Kind, p.Media = llm.PartImage, &llm.Blob{}
	if kind == "video_url" {
		p.Kind = llm.PartVideo
	}
	url, ok := rawjson.String(v)
	if !ok {
		if url, ok = rawjson.String(rawjson.Get(v, "url")); !ok {
			return false
		}
		for name, val := range rawjson.Members(v) {
			s, isString := rawjson.String(val)
			switch {
			case string(name) == "url":
			case string(name) == "detail" && isString && kind == "image_url":
				p.Media.Detail = s
			default:
				openai.Keep(&p.Extra, kind+"."+string(name), val)
			}
		}
	}
	setURL(p.Media, url)
	return true
}

// setURL takes a URL apart if it is a data URL in base64.
func setURL(b *llm.Blob, url string) {
	if rest, ok := strings.CutPrefix(url, "data:"); ok {
		if head, data, ok := strings.Cut(rest, ","); ok {
			if typ, ok := strings.CutSuffix(head, ";base64"); ok && typ != "" && data != "" {
				b.Type, b.Data = typ, data
				return
			}
		}
	}
	b.URL = url
}

func isURL(s string) bool {
	return strings.HasPrefix(s, "http://") || strings.HasPrefix(s, "https://") || strings.HasPrefix(s, "data:")
}

// inputAudio decodes input_audio: an object with data and format, or with some speakers data or a URL alone.
func inputAudio(p *llm.Part, v []byte) bool {
	p.Kind, p.Media = llm.PartAudio, &llm.Blob{}
	if s, ok := rawjson.String(v); ok {
		if isURL(s) {
			p.Media.URL = s
		} else {
			p.Media.Data = s
		}
		return s != ""
	}
	data, ok := rawjson.String(rawjson.Get(v, "data"))
	format, ok2 := rawjson.String(rawjson.Get(v, "format"))
	if !ok || !ok2 || data == "" || format == "" {
		return false
	}
	p.Media.Data, p.Media.Type = data, "audio/"+format
	if format == "mp3" {
		p.Media.Type = "audio/mpeg"
	}
	openai.KeepRest(&p.Extra, "input_audio", v, "data", "format")
	return true
}

// filePart decodes a file by its data (a data URL, base64 alone, or with some speakers a URL) or its id.
func filePart(p *llm.Part, v []byte) bool {
	p.Kind, p.Media = llm.PartFile, &llm.Blob{}
	id := rawjson.Text(rawjson.Get(v, "file_id"))
	data := rawjson.Text(rawjson.Get(v, "file_data"))
	known := []string{"file_id", "file_data", "filename"}
	switch {
	case isURL(data):
		setURL(p.Media, data)
	case data != "":
		p.Media.Data = data
	case id != "":
		p.Media.FileID = id
	default:
		return false
	}
	if data != "" && id != "" {
		known = known[1:]
	}
	p.Media.Name = rawjson.Text(rawjson.Get(v, "filename"))
	openai.KeepRest(&p.Extra, "file", v, known...)
	return true
}

// thinking decodes Mistral's reasoning: a list of text items.
func thinking(p *llm.Part, v []byte) bool {
	if rawjson.Kind(v) != '[' {
		return false
	}
	p.Kind, p.Name = llm.PartReasoning, wordThinking
	var text strings.Builder
	for _, e := range rawjson.Elems(v) {
		for name, val := range rawjson.Members(e) {
			switch string(name) {
			case "type":
				if rawjson.Text(val) != "text" {
					return false
				}
			case "text":
				text.WriteString(rawjson.Text(val))
			default:
				return false
			}
		}
	}
	p.Text = text.String()
	return true
}

// derive makes an id for a call that came without one: the same for the same place, different elsewhere.
func derive(seed string, n int) string {
	h := fnv.New128a()
	_, _ = h.Write([]byte(seed))
	_, _ = h.Write([]byte{0})
	_, _ = h.Write(strconv.AppendInt(nil, int64(n), 10))
	const digits = "0123456789abcdef"
	id := append(make([]byte, 0, 29), "call_"...)
	for _, b := range h.Sum(nil)[:12] {
		id = append(id, digits[b>>4], digits[b&15])
	}
	return string(id)
}

// toolCall decodes an element of tool_calls; the id is derived from seed where there is none.
func toolCall(body, v []byte, path, seed string, n int) llm.Part {
	p := llm.Part{Kind: llm.PartCall, Path: path, ID: word(rawjson.Get(v, "id"))}
	if p.ID == "" {
		p.ID = derive(seed, n)
	}
	kind := rawjson.Text(rawjson.Get(v, "type"))
	function, custom := rawjson.Get(v, "function"), rawjson.Get(v, "custom")
	inner := "function"
	switch {
	case rawjson.Kind(custom) == '{' && (kind == "custom" || rawjson.Kind(function) != '{'):
		inner = "custom"
		p.Free, p.Name = true, rawjson.Text(rawjson.Get(custom, "name"))
		p.Args, p.Span = arguments(body, rawjson.Get(custom, "input"))
		openai.KeepRest(&p.Extra, inner, custom, "name", "input")
	case rawjson.Kind(function) == '{':
		p.Name = rawjson.Text(rawjson.Get(function, "name"))
		p.Args, p.Span = arguments(body, rawjson.Get(function, "arguments"))
		openai.KeepRest(&p.Extra, inner, function, "name", "arguments")
	case kind != "" && kind != "function" && kind != "custom":
		p.By, p.Name, p.Raw = llm.ByServer, kind, v
		return p
	}
	for name, val := range rawjson.Members(v) {
		switch string(name) {
		case "id", "type", "index", inner:
		case "cache_control":
			if p.Cache = cacheMark(val); p.Cache == nil {
				openai.Keep(&p.Extra, "cache_control", val)
			}
		case "extra_content":
			if p.Seal = googleSeal(val); p.Seal.Data == "" {
				openai.Keep(&p.Extra, "extra_content", val)
			}
		case "function", "custom": // the other one, empty
			if !openai.Nothing(val) {
				openai.Keep(&p.Extra, string(name), val)
			}
		default:
			openai.Keep(&p.Extra, string(name), val)
		}
	}
	return p
}

// arguments reads the arguments of a call as the model wrote them; some speakers send an object in place of its text.
func arguments(body, v []byte) (string, llm.Span) {
	if s, ok := rawjson.String(v); ok {
		return s, spanOf(body, v)
	}
	if rawjson.IsNull(v) {
		return "", llm.Span{}
	}
	return string(v), llm.Span{}
}

// googleSeal reads {"google":{"thought_signature":S}}; anything else is no seal.
func googleSeal(v []byte) llm.Seal {
	var seal llm.Seal
	for name, val := range rawjson.Members(v) {
		if string(name) != "google" {
			return llm.Seal{}
		}
		for inner, s := range rawjson.Members(val) {
			if string(inner) != "thought_signature" {
				return llm.Seal{}
			}
			seal = llm.Seal{By: "google", Form: llm.SealSignature, Data: rawjson.Text(s)}
		}
	}
	return seal
}

// word reads a string, or a number where some speakers send one.
func word(v []byte) string {
	if s, ok := rawjson.String(v); ok {
		return s
	}
	return rawjson.Num(v)
}

// logprobs decodes a list of tokens with their probabilities.
func logprobs(v []byte, refusal bool) []llm.Logprob {
	var all []llm.Logprob
	for _, e := range rawjson.Elems(v) {
		l := llm.Logprob{Refusal: refusal}
		for name, val := range rawjson.Members(e) {
			switch string(name) {
			case "token":
				l.Token = rawjson.Text(val)
			case "logprob":
				l.Logprob = llm.Num(rawjson.Num(val))
			case "bytes":
				if !rawjson.IsNull(val) {
					l.Bytes = json.RawMessage(val)
				}
			case "top_logprobs":
				l.Top = logprobs(val, refusal)
			default:
				openai.Keep(&l.Extra, string(name), val)
			}
		}
		all = append(all, l)
	}
	return all
}

// makers names the maker of a seal by the format of a reasoning detail.
var makers = [...]struct{ format, maker string }{
	{"anthropic-claude-v1", "anthropic"},
	{"openai-responses-v1", "openai"},
	{"google-gemini-v1", "google"},
	{"xai-responses-v1", "xai"},
}

// detail decodes an element of reasoning_details. The maker is of the seal, so a format without one is kept apart.
func detail(v []byte, path string) llm.Part {
	p := llm.Part{Kind: llm.PartReasoning, Name: wordDetails, Path: path}
	kind := rawjson.Text(rawjson.Get(v, "type"))
	switch kind {
	case "reasoning.text":
	case "reasoning.summary":
		p.Summary = true
	case "reasoning.encrypted":
		p.Seal.Form = llm.SealEncrypted
	default:
		return llm.Part{Kind: llm.PartOpaque, Name: wordDetails, Raw: v, Path: path}
	}
	format := ""
	for name, val := range rawjson.Members(v) {
		s, isString := rawjson.String(val)
		switch name := string(name); {
		case name == "type" || name == "index":
		case name == "text" && kind == "reasoning.text" && isString,
			name == "summary" && kind == "reasoning.summary" && isString:
			p.Text = s
		case name == "data" && kind == "reasoning.encrypted" && isString:
			p.Seal.Data = s
		case name == "signature" && kind == "reasoning.text" && isString && s != "":
			p.Seal.Form, p.Seal.Data = llm.SealSignature, s
		case name == "id" && isString && s != "":
			p.Item = s
		case name == "format" && isString:
			format = s
		default:
			openai.Keep(&p.Extra, name, val)
		}
	}
	if p.Seal.Data == "" {
		p.Seal = llm.Seal{}
	}
	if format != "" && format != "unknown" {
		for _, m := range makers {
			if m.format == format && p.Seal.Data != "" {
				p.Seal.By = m.maker
			}
		}
		if p.Seal.By == "" {
			openai.Keep(&p.Extra, "format", rawjson.AppendString(nil, format))
		}
	}
	return p
}

// empty reports whether v is an empty list or nothing.
func empty(v []byte) bool {
	return rawjson.IsNull(v) || bytes.Equal(bytes.TrimSpace(v), []byte("[]"))
}
