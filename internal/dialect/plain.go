package dialect

import (
	"encoding/base64"
	"strings"
	"unicode/utf8"

	"weir/internal/llm"
)

// What stands here is for dialects that say texts, thoughts and calls of functions and little else.

// PlainPart makes a part of another dialect's answer one of these; false if it has no place. What that costs is noted.
// Seals, citations and log probabilities of a part that has a place are left to the caller.
func PlainPart(in *llm.Part, l *Losses) (llm.Part, bool) {
	p, ok := plainPart(in, l)
	if !ok {
		LoseHung(in, l)
	}
	return p, ok
}

// LoseHung notes what hangs on a part of an answer that has no place.
func LoseHung(p *llm.Part, l *Losses) {
	LoseSeal(p.Seal, l)
	if len(p.Cites) > 0 {
		l.Add("answer.citations", "what they are about has no place here", llm.Dropped)
	}
	if len(p.Logprobs) > 0 {
		l.Add("answer.logprobs", "what they are of has no place here", llm.Dropped)
	}
}

func plainPart(in *llm.Part, l *Losses) (llm.Part, bool) {
	p := *in
	p.Extra, p.Raw, p.Item, p.Phase = nil, nil, "", ""
	if p.Kind != llm.PartCall {
		p.Name = "" // a word of another dialect for reasoning
	}
	switch p.Kind {
	case llm.PartText, llm.PartReasoning, llm.PartCall:
	case llm.PartJSON:
		p.Kind = llm.PartText
	case llm.PartRefusal:
		l.Add("answer.refusal", "a refusal becomes plain text", llm.Changed)
		p.Kind = llm.PartText
	case llm.PartAudio:
		l.Add("answer.audio", "there is no sound here, only its transcript", llm.Dropped)
		p.Kind, p.Media, p.ID = llm.PartText, nil, ""
	case llm.PartImage, llm.PartVideo, llm.PartFile:
		l.Add("answer.image", "answers are text only here", llm.Dropped)
		return p, false
	case llm.PartResult:
		l.Add("answer.server_tools", "only their own dialect can tell of tools its provider ran", llm.Dropped)
		return p, false
	default:
		l.Add("answer.opaque", "only its own dialect understands it", llm.Dropped)
		return p, false
	}
	if p.By != llm.ByClient {
		l.Add("answer.server_tools", "only their own dialect can tell of tools its provider ran", llm.Dropped)
		return p, false
	}
	LoseExtra(in.Extra, l)
	if in.Phase != "" {
		l.Add("answer.phase", "there are no phases here", llm.Dropped)
	}
	return p, true
}

// LoseExtra notes the members of another dialect's answer that say something.
func LoseExtra(x llm.Extra, l *Losses) {
	for _, name := range Names(x) {
		if Says(x[name]) {
			l.Add("answer."+name, "there is no such member here", Weigh(name))
		}
	}
}

// LoseSeal notes the seal of a part of an answer where there is no place for any.
func LoseSeal(s llm.Seal, l *Losses) {
	switch {
	case s.Data == "":
	case s.Form == llm.SealEncrypted:
		l.Add("answer.reasoning.redacted", "there is no place for encrypted reasoning here", llm.Dropped)
	default:
		l.Add("answer.reasoning.signature", "reasoning has no seals here", llm.Dropped)
	}
}

// LoseBeside hands to lose what hangs on a part of another dialect's request, from being that dialect.
func LoseBeside(p *llm.Part, from llm.Dialect, lose func(path, why string, grade llm.Grade)) {
	const none = "there is no place for it here"
	for _, name := range Names(p.Extra) {
		lose(MemberPath(p.Path, name), "there is no such member here", llm.Dropped)
	}
	if p.Cache != nil {
		lose(p.Path+".cache_control", none, llm.Dropped)
	}
	if p.Phase != "" {
		lose(MemberPath(p.Path, ItemLevel+"phase"), none, llm.Dropped)
	}
	if p.Seal.Data != "" {
		lose(SealPath(from, p.Path), "reasoning has no seals here", llm.Dropped)
	}
	if len(p.Cites) > 0 {
		lose(p.Path+"."+Word(from, "annotations"), none, llm.Dropped)
	}
}

// LoseMessage hands to lose what a message of another dialect says beside its parts.
func LoseMessage(m *llm.Message, lose func(path, why string, grade llm.Grade)) {
	if m.Participant() != "" {
		lose(m.Path+".name", "participants have no names here", llm.Dropped)
	}
	for _, name := range Names(m.Extra) {
		lose(m.Path+"."+name, "there is no such member here", llm.Dropped)
	}
}

// FileText returns the text of a document, which may be sent as base64 of text; false for any other.
func FileText(b *llm.Blob) (string, bool) {
	if b.Text != "" {
		return b.Text, true
	}
	typ, _, _ := strings.Cut(strings.ToLower(b.Type), ";")
	if b.Data == "" || !strings.HasPrefix(typ, "text/") && typ != "application/json" {
		return "", false
	}
	text, err := base64.StdEncoding.DecodeString(b.Data)
	return string(text), err == nil && len(text) > 0 && utf8.Valid(text)
}

// ImageType finds an image's media type by how its base64 begins.
func ImageType(data string) string {
	for _, m := range [...]struct{ begins, typ string }{
		{"/9j/", "image/jpeg"}, {"R0lGOD", "image/gif"}, {"UklGR", "image/webp"},
	} {
		if strings.HasPrefix(data, m.begins) {
			return m.typ
		}
	}
	return "image/png"
}

// InBucket reports whether an address is in a cloud provider's storage, where only its own models look.
func InBucket(url string) bool {
	return strings.HasPrefix(url, "s3://") || strings.HasPrefix(url, "gs://")
}
