package openaichat

import (
	"encoding/base64"
	"hash/fnv"
	"slices"
	"strings"
	"unicode/utf8"

	"weir/internal/dialect"
	"weir/internal/dialect/openai"
	"weir/internal/fault"
	"weir/internal/llm"
)

func (e *requestEncoder) messages() error {
	all, err := e.turns()
	if err != nil {
		return err
	}
	e.w.Name("messages").Open('[')
	note := e.note()
	for i := range all {
		m := &all[i]
		e.last = i == len(all)-1
		if note != "" && m.Role != llm.System && m.Role != llm.Developer {
			e.system(note)
			note = ""
		}
		if !e.own {
			e.foreign(m.Extra, m.Path)
		}
		switch m.Role {
		case llm.Assistant:
			err = e.assistant(m)
		case llm.User:
			err = e.user(m)
		default:
			role := m.Role
			if role == llm.Developer && e.has(llm.NoDeveloper) {
				role = llm.System
			}
			err = e.message(m, string(role), m.Parts)
		}
		if err != nil {
			return err
		}
	}
	if note != "" {
		e.system(note)
	}
	e.w.Close(']')
	return nil
}

func (e *requestEncoder) system(text string) {
	e.w.Open('{').Name("role").String("system").Name("content").String(text).Close('}')
}

// name writes the name of who speaks.
func (e *requestEncoder) name(m *llm.Message) {
	name := m.Name
	if !e.own {
		name = m.Participant()
	}
	switch {
	case name == "":
	case e.has(llm.NoNames):
		e.lose(m.Path+".name", "the target takes no names", llm.Dropped)
	default:
		e.w.Name("name").String(name)
	}
}

// user writes the results of a turn, each as a message of its own, and then what else the turn says. Media of results
// have no place in them and follow in the user's message.
func (e *requestEncoder) user(m *llm.Message) error {
	var rest []llm.Part
	results := 0
	for i := range m.Parts {
		if p := &m.Parts[i]; p.Kind == llm.PartResult && p.By == llm.ByClient {
			results++
		}
	}
	extra := m
	for i := range m.Parts {
		p := &m.Parts[i]
		if p.Kind != llm.PartResult || p.By != llm.ByClient {
			continue
		}
		media, err := e.result(p, extra, results == len(m.Parts))
		if err != nil {
			return err
		}
		extra = nil
		rest = append(rest, media...)
	}
	for i := range m.Parts {
		if p := &m.Parts[i]; p.Kind != llm.PartResult || p.By != llm.ByClient {
			rest = append(rest, *p)
		}
	}
	if results > 0 && len(rest) == 0 {
		return nil
	}
	return e.message(m, "user", rest)
}

// message writes a message of text and media. One of another dialect of which nothing can be said is left out.
func (e *requestEncoder) message(m *llm.Message, role string, parts []llm.Part) error {
	parts, err := e.sayables(parts)
	if err != nil {
		return err
	}
	if len(parts) == 0 && !e.own {
		return nil
	}
	w := &e.w
	w.Open('{').Name("role").String(role)
	e.name(m)
	w.Name("content")
	e.content(parts)
	if e.own {
		openai.WriteExtra(w, m.Extra)
	}
	w.Close('}')
	return nil
}

// result writes the result of a call. What it returns must follow in a message of the user. Where the turn holds
// nothing but results, the first carries what the message says beside its parts.
func (e *requestEncoder) result(p *llm.Part, m *llm.Message, alone bool) ([]llm.Part, error) {
	w := &e.w
	inside, media := p.Result, []llm.Part(nil)
	if !e.own {
		e.beside(p)
		if p.Failed {
			e.lose(p.Path+".is_error", "chat has no mark for a failed call; its result begins with \"Error: \"", llm.Changed)
		}
		var err error
		if inside, media, err = e.resultParts(p); err != nil {
			return nil, err
		}
	}
	function := e.own && legacy(p.Raw)
	w.Open('{').Name("role")
	if function {
		w.String("function").Name("name").String(p.Name)
	} else {
		w.String("tool").Name("tool_call_id").String(e.id(p.ID))
		if e.own && p.Name != "" && p.Name != e.called(p.ID) {
			w.Name("name").String(p.Name)
		}
	}
	w.Name("content")
	e.content(inside)
	if e.own && alone && m != nil {
		openai.WriteExtra(w, m.Extra)
	}
	w.Close('}')
	return media, nil
}

// resultParts splits a result of another dialect into texts and media.
func (e *requestEncoder) resultParts(p *llm.Part) (texts, media []llm.Part, err error) {
	inside, err := e.sayables(p.Result)
	if err != nil {
		return nil, nil, err
	}
	for i := range inside {
		q := inside[i]
		if q.Kind == llm.PartText || q.Kind == llm.PartJSON {
			texts = append(texts, q)
			continue
		}
		if media == nil {
			media = append(media, llm.Part{Kind: llm.PartText, Text: "From the result of tool call " + e.id(p.ID) + ":"})
		}
		e.lose(q.Path, "media of a result follow in a message of the user", llm.Changed)
		media = append(media, q)
	}
	if p.Failed {
		first := "Error: "
		if len(texts) > 0 {
			first += texts[0].Text
			texts = texts[1:]
		}
		texts = append([]llm.Part{{Kind: llm.PartText, Text: first}}, texts...)
	}
	return texts, media, nil
}

// called returns the name of the tool that a call went to.
func (e *requestEncoder) called(id string) string {
	for _, v := range slices.Backward(e.calls) {
		if v.id == id {
			return v.name
		}
	}
	return ""
}

// idMost is the longest id of a call that OpenAI takes.
const idMost = 40

// id returns an id that the target takes, the same for a call and its result.
func (e *requestEncoder) id(id string) string {
	if e.facts.Quirks.Has(llm.NineIDs) && !nineLetters(id) {
		h := fnv.New64a()
		_, _ = h.Write([]byte(id))
		const letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		var out [9]byte
		n := h.Sum64()
		for i := range out {
			out[i] = letters[n%uint64(len(letters))]
			n /= uint64(len(letters))
		}
		return string(out[:])
	}
	if !e.own && len(id) > idMost {
		return derive(id, 0)
	}
	return id
}

// nineLetters is what Mistral demands of an id.
func nineLetters(id string) bool {
	for i := range len(id) {
		c := id[i]
		if !(c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z') {
			return false
		}
	}
	return len(id) == 9
}

// beside names what hangs on a part of another dialect and has no place here.
func (e *requestEncoder) beside(p *llm.Part) {
	if p.Path == "" {
		return
	}
	e.foreign(p.Extra, p.Path)
	if p.Cache != nil {
		e.lose(p.Path+".cache_control", noPlace, llm.Dropped)
	}
	if len(p.Cites) > 0 {
		e.lose(p.Path+"."+e.word("annotations"), noPlace, llm.Dropped)
	}
	if p.Phase != "" {
		e.lose(dialect.MemberPath(p.Path, dialect.ItemLevel+"phase"), noPlace, llm.Dropped)
	}
	if p.Seal.Data != "" && !e.sealed(p) {
		e.lose(dialect.SealPath(e.req.From, p.Path), "seals go back to their maker only", llm.Dropped)
	}
}

// sealed reports whether a part's seal can be written: with a call that Google made, and with reasoning details of the
// target's maker.
func (e *requestEncoder) sealed(p *llm.Part) bool {
	if p.Kind == llm.PartReasoning && p.Name == wordDetails {
		return p.Seal.Data != "" && p.Seal.By == e.facts.SealBy
	}
	return p.Kind == llm.PartCall && p.Seal.By == "google" && (e.own || e.facts.SealBy == "google")
}

// sayables returns the parts that can be said in a content, in another form where need be, and names the others lost.
// A medium that the target would not see is refused: an unseen image is a wrong answer.
func (e *requestEncoder) sayables(parts []llm.Part) ([]llm.Part, error) {
	if e.own {
		return parts, nil
	}
	var out []llm.Part
	for i := range parts {
		p := parts[i]
		switch p.Kind {
		case llm.PartText, llm.PartJSON, llm.PartRefusal:
			if p.Text == "" {
				e.beside(&p)
				continue
			}
		case llm.PartImage, llm.PartAudio, llm.PartVideo, llm.PartFile:
			if p.Kind == llm.PartFile && (e.has(llm.TextOnly) || e.has(llm.NoFiles)) {
				readable(&p)
			}
			if why := e.unseen(&p); why != "" {
				f := fault.New(fault.Unsupported, "%s cannot be sent to a model that speaks chat: %s", p.Path, why)
				f.Param = p.Path
				return nil, f
			}
			switch {
			case p.Kind == llm.PartFile:
				e.file(&p)
			case p.Kind == llm.PartAudio && e.has(llm.PlainAudio):
				e.lose(p.Path, "the target takes sound without its format", llm.Changed)
				p.Media = &llm.Blob{Data: p.Media.Data}
			}
		default: // Opaque, what the provider ran, what has no place in this role
			e.lose(p.Path, noPlace, llm.Dropped)
			continue
		}
		e.beside(&p)
		p.Cache, p.Extra, p.Cites = nil, nil, nil
		out = append(out, p)
	}
	return out, nil
}

// unseen says why a medium of another dialect cannot be sent, "" if it can.
func (e *requestEncoder) unseen(p *llm.Part) string {
	b := p.Media
	switch {
	case b.Text != "" && p.Kind == llm.PartFile: // sent as text
	case e.has(llm.TextOnly):
		return "the target reads text only"
	case p.Kind == llm.PartFile && e.has(llm.NoFiles):
		return "the target reads no files but text"
	case p.Kind == llm.PartImage && b.URL != "" && e.has(llm.NoImageURLs):
		return "the target takes images as data only"
	case llm.OwnID(b.FileID) && p.Kind == llm.PartFile:
		return ""
	case llm.OwnID(b.FileID):
		return "chat takes images as data or by address, and none from a file that is kept"
	case b.FileID != "":
		return "its file is kept by another provider; send the data"
	case p.Kind == llm.PartVideo:
		return "chat has no video"
	case p.Kind == llm.PartAudio && (b.Data == "" || b.Type == ""):
		return "chat takes audio as data with its type only"
	case p.Kind == llm.PartFile && b.URL != "":
		return "chat takes files as data only"
	case strings.HasPrefix(b.URL, "s3://") || strings.HasPrefix(b.URL, "gs://"):
		return "its address is in a cloud provider's storage; send the data"
	case b.Data == "" && b.URL == "" && b.Text == "":
		return "it has no data"
	}
	return ""
}

// readable makes a text of a document that is sent as base64 of text.
func readable(p *llm.Part) {
	b := *p.Media
	if b.Text != "" || !strings.HasPrefix(b.Type, "text/") && b.Type != "application/json" {
		return
	}
	if text, err := base64.StdEncoding.DecodeString(b.Data); err == nil && utf8.Valid(text) {
		b.Text, b.Data = string(text), ""
		p.Media = &b
	}
}

// file fits a document of another dialect: its text becomes a text part, data gets the name that chat demands.
func (e *requestEncoder) file(p *llm.Part) {
	b := *p.Media
	if b.Cite {
		e.lose(p.Path+".citations", noPlace, llm.Dropped)
	}
	if b.Text != "" {
		text := b.Text
		if b.Name != "" {
			text = b.Name + "\n\n" + text
		}
		e.lose(p.Path, "the document is sent as text", llm.Changed)
		*p = llm.Part{Kind: llm.PartText, Text: text, Path: p.Path, Cache: p.Cache, Extra: p.Extra}
		return
	}
	if b.Name == "" {
		b.Name = "document"
		if b.Type == "application/pdf" {
			b.Name = "document.pdf"
		}
		e.lose(p.Path+"."+e.word("file.filename"), "chat demands a file's name", llm.Filled)
	}
	p.Media = &b
}
