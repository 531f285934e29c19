package gemini

import (
	"encoding/base64"
	"strings"

	"weir/internal/dialect"
	"weir/internal/llm"
)

// medium makes another dialect's medium sayable and reports whether it goes.
func (e *requestEncoder) medium(p *llm.Part) bool {
	if p.Kind == llm.PartAudio && p.Text != "" { // what was spoken in an earlier answer
		e.lose(p.Path, "a sound becomes its transcript", llm.Changed)
		*p = llm.Part{Kind: llm.PartText, Text: p.Text, Path: p.Path, Seal: p.Seal}
		return true
	}
	if p.Media == nil || *p.Media == (llm.Blob{}) {
		e.lose(p.Path, "a medium that is kept elsewhere", llm.Dropped)
		return false
	}
	b := *p.Media
	p.Media = &b
	if p.ID != "" {
		e.lose(p.Path, "its id is of another provider", llm.Changed)
		p.ID = ""
	}
	if b.Detail != "" && b.Detail != "auto" {
		e.lose(p.Path+"."+dialect.Word(e.req.From, "image_url.detail"), none, llm.Dropped)
	}
	if b.Name != "" {
		e.lose(p.Path+"."+dialect.Word(e.req.From, "file.filename"), "a file has no name here", llm.Dropped)
	}
	if b.Source != "" {
		e.lose(p.Path+".source", none, llm.Dropped)
	}
	if b.Cite {
		e.lose(p.Path+".citations", "citations cannot be asked for here", llm.Dropped)
	}
	name := b.Name
	b.Name, b.Detail, b.Source, b.Cite = "", "", "", false
	switch {
	case b.URL != "":
		if keptByGoogle(b.URL) || llm.OwnID(b.URL) {
			b.URL, b.FileID = "", b.URL
		} else if !youTube(b.URL) {
			e.refuse(p.Path, "the target does not read addresses; send the data itself")
			return false
		}
	case b.FileID != "":
		if !keptByGoogle(b.FileID) && !llm.OwnID(b.FileID) {
			e.refuse(p.Path, "a file kept at another provider; send the data itself")
			return false
		}
	default:
		return e.inline(p, &b, name)
	}
	return true
}

// inline finds the type of a medium that is there, which the API demands, and sees that it is one it reads.
func (e *requestEncoder) inline(p *llm.Part, b *llm.Blob, name string) bool {
	if b.Text != "" {
		b.Data, b.Text = base64.StdEncoding.EncodeToString([]byte(b.Text)), ""
		if b.Type == "" {
			e.lose(p.Path, "its type is taken to be text/plain", llm.Changed)
			b.Type = "text/plain"
		}
	}
	if b.Type == "" {
		b.Type = typeOf(p.Kind, b.Data, name)
		e.lose(p.Path, "its type is taken to be "+b.Type, llm.Changed)
	}
	if p.Kind != llm.PartFile {
		return true
	}
	typ, _, _ := strings.Cut(strings.ToLower(b.Type), ";")
	switch {
	case typ == "application/pdf" || strings.HasPrefix(typ, "text/"):
	case strings.HasPrefix(typ, "image/") || strings.HasPrefix(typ, "audio/") || strings.HasPrefix(typ, "video/"):
		e.lose(p.Path, "a file here is what its type says", llm.Changed)
		p.Kind = kindOf(typ)
	case typ == "application/json" || typ == "application/xml" || typ == "application/x-javascript" || typ == "application/x-python":
		e.lose(p.Path, "read as plain text, not as "+typ, llm.Changed)
		b.Type = "text/plain"
	default:
		e.refuse(p.Path, "the target reads PDF, text, images, sound and video, not "+typ)
		return false
	}
	return true
}

// typeOf finds a media type by how base64 begins, or by the kind.
func typeOf(kind llm.PartKind, data, name string) string {
	for _, m := range [...]struct{ begins, typ string }{
		{"/9j/", "image/jpeg"},
		{"R0lGOD", "image/gif"},
		{"iVBOR", "image/png"},
		{"JVBERi", "application/pdf"},
		{"SUQz", "audio/mpeg"},
		{"T2dn", "audio/ogg"},
		{"ZkxhQ", "audio/flac"},
	} {
		if strings.HasPrefix(data, m.begins) {
			return m.typ
		}
	}
	switch kind {
	case llm.PartImage:
		if strings.HasPrefix(data, "UklGR") {
			return "image/webp"
		}
		return "image/png"
	case llm.PartAudio:
		return "audio/wav"
	case llm.PartVideo:
		return "video/mp4"
	}
	if strings.HasSuffix(strings.ToLower(name), ".txt") {
		return "text/plain"
	}
	return "application/pdf"
}
