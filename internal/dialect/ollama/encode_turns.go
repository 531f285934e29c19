package ollama

import (
	"weir/internal/dialect"
	"weir/internal/llm"
)

// turns returns the messages to write. A request of this dialect keeps its own. Of another one, what says nothing is left
// out, results become messages of their own before what else their turn says, and the media in them follow in a message
// of the user.
func (e *requestEncoder) turns() []turn {
	e.names = map[string]string{}
	var turns []turn
	for i := range e.req.Messages {
		m := &e.req.Messages[i]
		if e.own {
			turns = append(turns, e.ownTurn(m))
			continue
		}
		dialect.LoseMessage(m, e.lose)
		if m.Role == llm.Assistant {
			turns = e.assistant(turns, m)
		} else {
			turns = e.others(turns, m)
		}
	}
	if len(turns) == 0 && !e.own { // it would only load the model
		e.refuse(e.word("messages"), "nothing is said that the target could answer")
	}
	return turns
}

func (e *requestEncoder) ownTurn(m *llm.Message) turn {
	t := turn{role: string(m.Role), extra: m.Extra}
	parts := m.Parts
	if len(parts) == 1 && parts[0].Kind == llm.PartResult {
		t.role, t.id, t.tool = "tool", parts[0].ID, parts[0].Name
		parts = parts[0].Result
	}
	for i := range parts {
		t.add(&parts[i], "")
	}
	return t
}

// assistant adds an assistant's turn: thoughts, a text, calls.
func (e *requestEncoder) assistant(turns []turn, m *llm.Message) []turn {
	t := turn{role: string(llm.Assistant)}
	rank := 0
	for i := range m.Parts {
		p, ok := e.assistantPart(&m.Parts[i])
		if !ok {
			continue
		}
		r := place(p.Kind)
		if r < rank {
			e.lose(m.Path, "thoughts, a text and calls stand one after the other here", llm.Changed)
		}
		rank = max(rank, r)
		if p.Kind == llm.PartCall {
			e.names[p.ID] = p.Name
		}
		t.add(&p, between)
	}
	if t.silent() {
		return turns
	}
	return append(turns, t)
}

// place is where in a turn of the assistant a kind of part stands.
func place(kind llm.PartKind) int {
	switch kind {
	case llm.PartReasoning:
		return 0
	case llm.PartImage:
		return 1
	case llm.PartCall:
		return 3
	}
	return 2
}

func (e *requestEncoder) assistantPart(in *llm.Part) (llm.Part, bool) {
	p := llm.Part{Kind: in.Kind, Text: in.Text, ID: in.ID, Name: in.Name, Args: in.Args, Path: in.Path}
	switch {
	case in.Kind == llm.PartText, in.Kind == llm.PartJSON, in.Kind == llm.PartRefusal:
		return e.text(in)
	case in.Kind == llm.PartReasoning:
		if p.Text == "" {
			if in.Seal.Data != "" {
				e.lose(p.Path, "there is no place for encrypted reasoning here", llm.Dropped)
			}
			return p, false
		}
	case in.Kind == llm.PartAudio && in.Text != "":
		e.lose(p.Path, "a sound becomes its transcript", llm.Changed)
		return llm.Part{Kind: llm.PartText, Text: p.Text, Path: p.Path}, true
	case in.Kind == llm.PartCall && in.By == llm.ByClient:
		args, exact := dialect.ObjectArgs(in.Args, in.Free)
		if !exact {
			e.lose(p.Path, "arguments that are no JSON object are wrapped in one", llm.Changed)
		}
		p.Args = args
	default:
		e.lose(p.Path, "there is no place for it here", llm.Dropped)
		return p, false
	}
	dialect.LoseBeside(in, e.req.From, e.lose)
	return p, true
}

func (e *requestEncoder) text(in *llm.Part) (llm.Part, bool) {
	dialect.LoseBeside(in, e.req.From, e.lose)
	if in.Kind == llm.PartRefusal && in.Text != "" {
		e.lose(in.Path, "a refusal becomes plain text", llm.Changed)
	}
	return llm.Part{Kind: llm.PartText, Text: in.Text, Path: in.Path}, in.Text != ""
}

// others adds a turn of the user or of the system.
func (e *requestEncoder) others(turns []turn, m *llm.Message) []turn {
	var said []llm.Part
	for i := range m.Parts {
		p := &m.Parts[i]
		if p.Kind != llm.PartResult || p.By != llm.ByClient {
			continue
		}
		dialect.LoseBeside(p, e.req.From, e.lose)
		t := turn{role: "tool", id: p.ID, tool: p.Name}
		if t.tool == "" {
			t.tool = e.names[p.ID]
		}
		said = append(said, e.result(&t, p)...)
		turns = append(turns, t)
	}
	for i := range m.Parts {
		if p := &m.Parts[i]; p.Kind != llm.PartResult || p.By != llm.ByClient {
			if q, ok := e.userPart(p, m.Role); ok {
				said = append(said, q)
			}
		}
	}
	role := string(m.Role)
	if m.Role == llm.Developer {
		role = string(llm.System)
	}
	// Images stand in front of the text: one that follows it begins another message.
	t := turn{role: role}
	for i := range said {
		if said[i].Kind == llm.PartImage && t.content != "" {
			turns = append(turns, t)
			t = turn{role: role}
		}
		t.add(&said[i], between)
	}
	if t.silent() {
		return turns
	}
	return append(turns, t)
}

// result puts what a result of another dialect says into a message; what it returns must follow in one of the user. There
// is no mark for a failed call; its result says so.
func (e *requestEncoder) result(t *turn, p *llm.Part) (media []llm.Part) {
	if p.Failed {
		e.lose(p.Path+".is_error", "there is no mark for a failed call here; its result begins with \"Error: \"", llm.Changed)
		t.content = "Error: "
	}
	sep := ""
	for i := range p.Result {
		in := p.Result[i]
		if in.Path == "" {
			in.Path = p.Path
		}
		q, ok := e.userPart(&in, llm.User)
		switch {
		case !ok:
		case q.Kind == llm.PartImage:
			if media == nil {
				media = append(media, llm.Part{Kind: llm.PartText, Text: "From the result of tool call " + p.ID + ":"})
			}
			e.lose(q.Path, "media of a result follow in a message of the user", llm.Changed)
			media = append(media, q)
		default:
			t.add(&q, sep)
			sep = between
		}
	}
	return media
}

// userPart makes a part of a turn of the user or of the system sayable; false if it is left out.
func (e *requestEncoder) userPart(in *llm.Part, role llm.Role) (llm.Part, bool) {
	p := llm.Part{Kind: in.Kind, Text: in.Text, Media: in.Media, Path: in.Path}
	switch in.Kind {
	case llm.PartText, llm.PartJSON, llm.PartRefusal:
		return e.text(in)
	case llm.PartImage:
		if role != llm.User {
			e.lose(p.Path, "only the user shows images here", llm.Dropped)
			return p, false
		}
		e.image(&p)
	case llm.PartFile:
		text, ok := dialect.FileText(in.Media)
		if !ok {
			e.refuse(p.Path, "the target reads no files; send their text")
			return p, false
		}
		e.lose(p.Path, "the document is sent as text", llm.Changed)
		if in.Media.Name != "" {
			text = in.Media.Name + between + text
		}
		p = llm.Part{Kind: llm.PartText, Text: text, Path: p.Path}
	case llm.PartAudio:
		if in.Text != "" && (in.Media == nil || in.Media.Data == "") {
			e.lose(p.Path, "a sound becomes its transcript", llm.Changed)
			return llm.Part{Kind: llm.PartText, Text: p.Text, Path: p.Path}, true
		}
		e.refuse(p.Path, "the target does not hear; send text instead of sound")
	case llm.PartVideo:
		e.refuse(p.Path, "the target does not see moving pictures")
	default:
		e.lose(p.Path, "there is no place for it here", llm.Dropped)
		return p, false
	}
	dialect.LoseBeside(in, e.req.From, e.lose)
	return p, true
}

// image fits an image, which must be sent itself.
func (e *requestEncoder) image(p *llm.Part) {
	b := p.Media
	if b.Data == "" {
		e.refuse(p.Path, "the target fetches no images; send the image itself as base64")
		return
	}
	if b.Detail != "" && b.Detail != "auto" {
		e.lose(p.Path+"."+e.word("image_url.detail"), "there is no such setting here", llm.Dropped)
	}
	if b.Type != "" && b.Type != dialect.ImageType(b.Data) {
		e.lose(p.Path, "its type is told by its first bytes", llm.Changed)
	}
}
