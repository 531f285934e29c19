package openaicompletions

import (
	"encoding/base64"
	"strings"
	"unicode/utf8"

	"weir/internal/dialect"
	"weir/internal/llm"
)

// apart stands between what was said by one and by the next.
const apart = "\n\n"

// paragraph is what one turn says.
type paragraph struct {
	m    *llm.Message
	text string
}

// prompt writes the conversation as one text: see the package comment.
func (e *requestEncoder) prompt() {
	var all []paragraph
	dialogue := false
	for i := range e.req.Documents {
		all = append(all, paragraph{&llm.Message{Role: llm.User}, e.document(&e.req.Documents[i], "documents")})
	}
	for i := range e.req.Messages {
		m := &e.req.Messages[i]
		e.foreign(m.Extra, m.Path)
		text, sayable := e.turn(m)
		if !sayable {
			continue
		}
		all = append(all, paragraph{m, text})
		dialogue = dialogue || m.Role == llm.Assistant
	}
	if len(all) == 0 {
		if !e.own {
			e.refuse("messages", "messages: nothing in them can be written as a prompt")
		}
		return
	}
	var b strings.Builder
	for i, p := range all {
		if i > 0 {
			b.WriteString(apart)
		}
		if dialogue {
			b.WriteString(speaker(p.m))
			b.WriteString(": ")
		}
		b.WriteString(p.text)
		e.role(p.m, dialogue)
	}
	if dialogue && all[len(all)-1].m.Role != llm.Assistant {
		b.WriteString(apart + "Assistant:")
	}
	e.w.Name("prompt").String(b.String())
}

// speaker is the name of who says a turn, in a transcript.
func speaker(m *llm.Message) string {
	switch {
	case m.Participant() != "" && m.Role != llm.System:
		return m.Participant()
	case m.Role == llm.Assistant:
		return "Assistant"
	case m.Role == llm.User:
		return "User"
	}
	return "System"
}

// role names it lost who says a turn.
func (e *requestEncoder) role(m *llm.Message, dialogue bool) {
	var why string
	switch m.Role {
	case llm.System, llm.Developer:
		why = "a prompt has no turns; what the system says is a paragraph of it"
	case llm.Assistant:
		why = "a prompt has no turns; the conversation is written as a transcript"
	default:
		switch {
		case m.Participant() == "":
		case dialogue:
			e.lose(m.Path+".name", "it stands before what is said", llm.Changed)
		default:
			e.lose(m.Path+".name", "a prompt has no names", llm.Dropped)
		}
		return
	}
	e.lose(m.Path, why, llm.Changed)
	for i := range m.Parts { // a turn that is several items of its client has a path for each
		if p := &m.Parts[i]; p.Kind == llm.PartText && p.Text != "" && !strings.HasPrefix(p.Path, m.Path) {
			e.lose(p.Path, why, llm.Changed)
		}
	}
}

// turn returns what a turn says as text; false where that is nothing.
func (e *requestEncoder) turn(m *llm.Message) (text string, sayable bool) {
	between := apart
	if m.Role == llm.Assistant {
		between = "" // citations split the texts of an answer
	}
	var b strings.Builder
	for i := range m.Parts {
		p := &m.Parts[i]
		e.beside(p)
		said := e.part(p)
		if said == "" {
			sayable = sayable || e.own
			continue
		}
		if b.Len() > 0 {
			if p.Kind == llm.PartCall {
				b.WriteString(apart)
			} else {
				b.WriteString(between)
			}
		}
		b.WriteString(said)
	}
	return b.String(), sayable || b.Len() > 0
}

// part returns a part as text. What is more than text is named, refused or left out.
func (e *requestEncoder) part(p *llm.Part) string {
	switch p.Kind {
	case llm.PartText, llm.PartJSON:
		return p.Text
	case llm.PartRefusal:
		if p.Text != "" {
			e.lose(p.Path, "a refusal becomes plain text", llm.Changed)
		}
		return p.Text
	case llm.PartFile:
		return e.document(p, p.Path)
	case llm.PartAudio:
		if p.Text != "" { // what was spoken in an earlier answer
			e.lose(p.Path, "a sound becomes its transcript", llm.Changed)
			return p.Text
		}
		e.refuse(p.Path, "%s: a model that writes completions does not hear", p.Path)
	case llm.PartImage, llm.PartVideo:
		e.refuse(p.Path, "%s: a model that writes completions does not see", p.Path)
	case llm.PartCall:
		if p.By == llm.ByClient {
			e.lose(p.Path, "a call is told in words", llm.Changed)
			return "[calls " + p.Name + " with " + p.Args + "]"
		}
		e.lose(p.Path, "a call that its provider ran cannot be told elsewhere", llm.Dropped)
	case llm.PartResult:
		if p.By == llm.ByClient {
			return e.result(p)
		}
		e.lose(p.Path, "a result of its provider's own tool cannot be told elsewhere", llm.Dropped)
	case llm.PartReasoning:
		if p.Text != "" || p.Seal.Data != "" {
			e.lose(p.Path, "completions take no reasoning back", llm.Dropped)
		}
	default:
		e.lose(p.Path, "only its own dialect understands it", llm.Dropped)
	}
	return ""
}

// result tells the result of a call in words.
func (e *requestEncoder) result(p *llm.Part) string {
	e.lose(p.Path, "a result is told in words", llm.Changed)
	name := p.Name
	if name == "" {
		name = "a tool"
	}
	said := " returned: "
	if p.Failed {
		said = " failed: "
	}
	var b strings.Builder
	b.WriteString("[" + name + said)
	for i := range p.Result {
		q := p.Result[i]
		if q.Path == "" {
			q.Path = p.Path
		}
		e.beside(&q)
		if !strings.HasPrefix(q.Path, p.Path) {
			e.lose(q.Path, "a result is told in words", llm.Changed)
		}
		if text := e.part(&q); text != "" {
			if i > 0 {
				b.WriteByte('\n')
			}
			b.WriteString(text)
		}
	}
	b.WriteByte(']')
	return b.String()
}

// document returns the text of a document; one that is none is refused.
func (e *requestEncoder) document(p *llm.Part, path string) string {
	if p.Path != "" {
		path = p.Path
	}
	b := p.Media
	text := b.Text
	if text == "" && b.Data != "" && (strings.HasPrefix(b.Type, "text/") || b.Type == "application/json") {
		if plain, err := base64.StdEncoding.DecodeString(b.Data); err == nil && utf8.Valid(plain) {
			text = string(plain)
		}
	}
	if text == "" {
		e.refuse(path, "%s: a model that writes completions reads documents of text only, sent as text", path)
		return ""
	}
	e.lose(path, "the document is a paragraph of the prompt", llm.Changed)
	if b.Name != "" {
		return b.Name + apart + text
	}
	return text
}

// beside names what hangs on a part and has no place here.
func (e *requestEncoder) beside(p *llm.Part) {
	if e.own || p.Path == "" {
		return
	}
	e.foreign(p.Extra, p.Path)
	if p.Cache != nil {
		e.lose(p.Path+".cache_control", noSetting, llm.Dropped)
	}
	if len(p.Cites) > 0 {
		e.lose(p.Path+"."+dialect.Word(e.req.From, "annotations"), "a prompt cites nothing", llm.Dropped)
	}
	if p.Seal.Data != "" && p.Kind != llm.PartReasoning {
		e.lose(dialect.SealPath(e.req.From, p.Path), "a prompt has no place for seals", llm.Dropped)
	}
	if p.Phase != "" {
		e.lose(dialect.MemberPath(p.Path, dialect.ItemLevel+"phase"), "a prompt has no phases", llm.Dropped)
	}
	if p.Logprobs != nil {
		e.lose(p.Path+".logprobs", "a prompt has no place for it", llm.Dropped)
	}
}
