package openaichat

import (
	"hash/fnv"
	"slices"

	"weir/internal/fault"
	"weir/internal/llm"
)

func (e *requestEncoder) messages() error {
	e.w.Name("messages").Open('[')
	for i := range e.req.Messages {
		m := &e.req.Messages[i]
		if !e.own {
			e.foreign(m.Extra, m.Path)
		}
		var err error
		switch m.Role {
		case llm.Assistant:
			err = e.assistant(m)
		case llm.User:
			err = e.user(m)
		default:
			err = e.message(m, string(m.Role), m.Parts)
		}
		if err != nil {
			return err
		}
	}
	e.w.Close(']')
	return nil
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
	if m.Name != "" {
		w.Name("name").String(m.Name)
	}
	w.Name("content")
	e.content(parts)
	if e.own {
		writeExtra(w, m.Extra)
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
		writeExtra(w, m.Extra)
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
	if e.facts.Provider == "mistral" && !nineLetters(id) {
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
		e.lose(p.Path+".citations", noPlace, llm.Dropped)
	}
	if p.Seal.Data != "" && !e.sealed(p) {
		e.lose(p.Path+".signature", "seals go back to their maker only", llm.Dropped)
	}
}

// sealed reports whether a call's seal can be written: Google takes its own back.
func (e *requestEncoder) sealed(p *llm.Part) bool {
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
			if why := unseen(&p); why != "" {
				f := fault.New(fault.Unsupported, "%s cannot be sent to a model that speaks chat: %s", p.Path, why)
				f.Param = p.Path
				return nil, f
			}
			if p.Kind == llm.PartFile {
				e.file(&p)
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
func unseen(p *llm.Part) string {
	b := p.Media
	switch {
	case b.FileID != "":
		return "its file is kept by another provider; send the data"
	case p.Kind == llm.PartVideo:
		return "chat has no video"
	case p.Kind == llm.PartAudio && (b.Data == "" || b.Type == ""):
		return "chat takes audio as data with its type only"
	case p.Kind == llm.PartFile && b.URL != "":
		return "chat takes files as data only"
	case b.Data == "" && b.URL == "" && b.Text == "":
		return "it has no data"
	}
	return ""
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
		e.lose(p.Path+".title", "chat demands a file's name", llm.Filled)
	}
	p.Media = &b
}
