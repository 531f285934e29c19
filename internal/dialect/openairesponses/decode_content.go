package openairesponses

import (
	"strings"

	"weir/internal/dialect"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// contents reads what stands where texts and media may: a string, or a list of them. What it cannot read of a list
// becomes Opaque. A part's place is under at. bad is what v should be, "" if it is that.
func contents(body, v []byte, at string) (parts []llm.Part, bad string) {
	switch rawjson.Kind(v) {
	case ' ', 'n':
		return nil, ""
	case '"':
		if s := rawjson.Text(v); s != "" {
			parts = append(parts, llm.Part{Kind: llm.PartText, Text: s, Span: dialect.SpanOf(body, v), Path: at})
		}
		return parts, ""
	case '[':
	default:
		return nil, "a string or a list of its parts"
	}
	for i, e := range rawjson.Elems(v) {
		p := content(body, e, element(at, i))
		if p.Kind == llm.PartReasoning { // it has items of its own
			p = llm.Part{Kind: llm.PartOpaque, Name: inContent + "reasoning", Raw: e, Path: p.Path}
		}
		parts = append(parts, p)
	}
	return parts, ""
}

// content reads an element of a list of contents.
func content(body, v []byte, path string) llm.Part {
	var o dialect.Object
	o.Read(v)
	typ := o.String("type")
	p := llm.Part{Path: path}
	ok := false
	switch typ {
	case "input_text", "output_text", "text":
		p.Kind, p.Span = llm.PartText, dialect.SpanOf(body, o.Take("text"))
		p.Text, ok = o.String("text"), true
		hang(&o, &p)
	case "refusal":
		p.Kind, p.Span = llm.PartRefusal, dialect.SpanOf(body, o.Take("refusal"))
		p.Text, ok = o.String("refusal"), true
	case "reasoning_text", "summary_text":
		p.Kind, p.Summary, p.Span = llm.PartReasoning, typ == "summary_text", dialect.SpanOf(body, o.Take("text"))
		p.Text, ok = o.String("text"), true
	case "input_image":
		ok = image(&o, &p)
	case "input_file":
		ok = file(&o, &p)
	case "input_audio":
		ok = audio(&o, &p)
	}
	if v := o.Take("prompt_cache_breakpoint"); v != nil {
		if p.Cache = cacheMark(v); p.Cache == nil {
			o.Leave("prompt_cache_breakpoint")
		}
	}
	if !ok || o.Bad != nil {
		return llm.Part{Kind: llm.PartOpaque, Name: inContent + typ, Raw: v, Path: path}
	}
	p.Extra = o.Rest()
	return p
}

// hang reads what hangs on a text: annotations and probabilities.
func hang(o *dialect.Object, p *llm.Part) {
	cites, ok := decodeCites(o.Take("annotations"), p.Text)
	if p.Cites = cites; !ok {
		o.Leave("annotations")
	}
	if v := o.Take("logprobs"); rawjson.Kind(v) == '[' {
		p.Logprobs = decodeLogprobs(v)
	} else if v != nil {
		o.Leave("logprobs")
	}
}

// cacheMark reads a breakpoint of the prompt's cache, nil if it says more than a mark can hold.
func cacheMark(v []byte) *llm.CacheMark {
	var o dialect.Object
	o.Read(v)
	if o.String("mode") != "explicit" || o.Rest() != nil {
		return nil
	}
	return &llm.CacheMark{}
}

func image(o *dialect.Object, p *llm.Part) bool {
	b := &llm.Blob{Detail: o.String("detail")}
	p.Kind, p.Media = llm.PartImage, b
	url, id := o.String("image_url"), o.String("file_id")
	if url != "" {
		setURL(b, url)
	} else {
		b.FileID = id
	}
	return (url == "") != (id == "")
}

func file(o *dialect.Object, p *llm.Part) bool {
	b := &llm.Blob{Name: o.String("filename")}
	p.Kind, p.Media = llm.PartFile, b
	data, url, id := o.String("file_data"), o.String("file_url"), o.String("file_id")
	said := 0
	for _, s := range [...]string{data, url, id} {
		if s != "" {
			said++
		}
	}
	switch {
	case strings.HasPrefix(data, "data:"):
		setURL(b, data)
		if b.URL != "" { // no base64
			return false
		}
	case data != "":
		b.Data = data
	case url != "":
		b.URL = url
	default:
		b.FileID = id
	}
	return said == 1
}

func audio(o *dialect.Object, p *llm.Part) bool {
	var in dialect.Object
	in.Read(o.Take("input_audio"))
	data, format := in.String("data"), in.String("format")
	p.Kind, p.Media = llm.PartAudio, &llm.Blob{Data: data, Type: "audio/" + format}
	if format == "mp3" {
		p.Media.Type = "audio/mpeg"
	}
	return data != "" && format != "" && format != "mpeg" && in.Bad == nil && in.Rest() == nil
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

func urlOf(b *llm.Blob) string {
	if b.Data != "" {
		return "data:" + b.Type + ";base64," + b.Data
	}
	return b.URL
}
