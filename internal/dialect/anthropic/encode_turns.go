package anthropic

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"
	"unicode/utf8"

	"weir/internal/dialect"

	"weir/internal/llm"
	"weir/internal/rawjson"
)

// turn is a message to write; its parts all have a place here.
type turn struct {
	role  llm.Role
	parts []llm.Part
	extra llm.Extra
}

func (t *turn) write(w *rawjson.Writer, own bool) {
	w.Open('{').Name("role").String(string(t.role))
	writeContent(w.Name("content"), t.parts, own)
	dialect.WriteExtra(w, t.extra)
	w.Close('}')
}

// turns returns the system prompt, nil if there is none, and the turns. A request of this dialect keeps its turns. Of
// another one leading system turns are the prompt, later ones become the user's, and neighbours of a role are merged:
// the results of parallel calls must stand in one turn of the user, first.
func (e *requestEncoder) turns() (system []llm.Part, turns []turn) {
	messages := e.req.Messages
	if !e.own {
		messages = dialect.Distinct(messages)
	}
	hoisted := 0
	for hoisted < len(messages) && e.hoists(&messages[hoisted]) {
		hoisted++
	}
	if !e.own && hoisted == len(messages) && hoisted > 0 {
		hoisted-- // a conversation without turns is refused
	}
	for i := range messages[:hoisted] {
		m := &messages[i]
		e.loseMessage(m)
		if system == nil {
			system = []llm.Part{}
		}
		for j := range m.Parts {
			if p, ok := e.systemPart(&m.Parts[j]); ok {
				system = append(system, p)
			}
		}
	}
	if len(system) == 0 && !e.own {
		system = nil
	}
	for i := range messages[hoisted:] {
		m := &messages[hoisted+i]
		if e.own {
			role := m.Role
			if role == llm.Developer {
				role = llm.System
			}
			if parts := e.sealedHere(m.Parts); len(parts) > 0 || len(m.Parts) == 0 {
				turns = append(turns, turn{role: role, parts: parts, extra: m.Extra})
			}
			continue
		}
		turns = e.addTurn(turns, m)
	}
	if !e.own {
		turns = e.finishTurns(turns)
	}
	return system, turns
}

// sealedHere leaves out reasoning that another maker sealed: a target that speaks another dialect answered that turn.
// Without any, it returns the parts as they are.
func (e *requestEncoder) sealedHere(parts []llm.Part) []llm.Part {
	foreign := func(p *llm.Part) bool { return p.Seal.Data != "" && p.Seal.By != e.sealBy() }
	if !slices.ContainsFunc(parts, func(p llm.Part) bool { return foreign(&p) }) {
		return parts
	}
	e.unsealed = true
	var out []llm.Part
	for i := range parts {
		if foreign(&parts[i]) {
			if parts[i].Path != "" { // else it is the gateway's mark that there is no thought
				e.lose(parts[i].Path, "another provider's thinking is not taken back here", llm.Dropped)
			}
			continue
		}
		out = append(out, parts[i])
	}
	return out
}

// sealBy is the maker whose seals the target takes back.
func (e *requestEncoder) sealBy() string {
	if e.facts.SealBy != "" {
		return e.facts.SealBy
	}
	return maker
}

// hoists reports whether a message at the head of the conversation goes to the system prompt.
func (e *requestEncoder) hoists(m *llm.Message) bool {
	if m.Role != llm.System && m.Role != llm.Developer {
		return false
	}
	return !e.own || !strings.HasPrefix(m.Path, "messages[") // one that stood among the turns goes back there
}

func (e *requestEncoder) systemPart(p *llm.Part) (llm.Part, bool) {
	if e.own {
		return *p, true
	}
	if p.Kind != llm.PartText && p.Kind != llm.PartJSON {
		e.lose(p.Path, "only text in the system prompt", llm.Dropped)
		return llm.Part{}, false
	}
	return e.part(p)
}

func (e *requestEncoder) loseMessage(m *llm.Message) {
	if m.Participant() != "" {
		e.lose(m.Path+".name", "participants have no names here", llm.Dropped)
	}
	if e.own {
		return
	}
	for _, name := range dialect.Names(m.Extra) {
		e.lose(m.Path+"."+name, "no such member here", llm.Dropped)
	}
}

// addTurn adds another dialect's message to the turns.
func (e *requestEncoder) addTurn(turns []turn, m *llm.Message) []turn {
	e.loseMessage(m)
	var parts []llm.Part
	for i := range m.Parts {
		if p, ok := e.part(&m.Parts[i]); ok {
			parts = append(parts, p)
		}
	}
	if len(parts) == 0 {
		return turns
	}
	role := m.Role
	if role == llm.System || role == llm.Developer {
		e.lose(m.Path, "said by the user: the system speaks at the beginning only", llm.Changed)
		role = llm.User
	}
	if n := len(turns); n > 0 && turns[n-1].role == role {
		turns[n-1].parts = append(turns[n-1].parts, parts...)
		return turns
	}
	return append(turns, turn{role: role, parts: parts})
}

// opening is what the user says where the model would begin the conversation, which is refused.
const opening = "(The conversation goes on.)"

// finishTurns mends what is refused of another dialect's conversation: one that the model begins, results that are not
// those of the calls in the turn before, and first, and white space at the end of an answer that is begun.
func (e *requestEncoder) finishTurns(turns []turn) []turn {
	if len(turns) > 0 && turns[0].role == llm.Assistant {
		e.lose("messages", "the user must begin", llm.Filled)
		turns = slices.Insert(turns, 0, turn{role: llm.User, parts: []llm.Part{{Kind: llm.PartText, Text: opening}}})
	}
	for i := range turns {
		if turns[i].role != llm.User {
			turns[i].parts = dialect.Unanswering(turns[i].parts, e.lose)
			continue
		}
		var asked []llm.Part
		if i > 0 {
			asked = e.asked(turns[i-1].parts)
		}
		turns[i].parts = dialect.Pair(turns[i].parts, asked, e.lose)
	}
	if n := len(turns); n > 0 && turns[n-1].role == llm.Assistant {
		if asked := e.asked(turns[n-1].parts); len(asked) > 0 {
			turns = append(turns, turn{role: llm.User, parts: dialect.Pair(nil, asked, e.lose)})
		}
	}
	if n := len(turns); n > 0 && turns[n-1].role == llm.Assistant {
		parts := turns[n-1].parts
		if p := &parts[len(parts)-1]; p.Kind == llm.PartText {
			if s := strings.TrimRight(p.Text, " \t\r\n"); s != p.Text {
				e.lose(p.Path, "an answer that is begun must not end in white space", llm.Changed)
				p.Text = s
			}
		}
	}
	return turns
}

// asked are the calls that the next turn must answer.
func (e *requestEncoder) asked(parts []llm.Part) []llm.Part {
	return slices.DeleteFunc(dialect.Calls(parts), func(p llm.Part) bool { return p.By != llm.ByClient })
}

// part makes another dialect's part sayable; false if it is left out.
func (e *requestEncoder) part(in *llm.Part) (llm.Part, bool) {
	p := *in
	for _, name := range dialect.Names(p.Extra) {
		e.lose(dialect.MemberPath(p.Path, name), "no such member here", llm.Dropped)
	}
	p.Extra, p.Raw = nil, nil
	if p.Phase != "" {
		e.lose(dialect.MemberPath(p.Path, dialect.ItemLevel+"phase"), "there are no phases here", llm.Dropped)
	}
	if p.Kind != llm.PartReasoning && p.Seal != (llm.Seal{}) {
		e.lose(p.Path, "the seal on it has no place here", llm.Changed)
	}
	switch p.Kind {
	case llm.PartText, llm.PartJSON, llm.PartRefusal:
		return e.text(p)
	case llm.PartReasoning:
		return e.reasoning(p)
	case llm.PartImage:
		return e.image(p)
	case llm.PartFile:
		return e.file(p)
	case llm.PartAudio:
		if p.Text != "" { // what was spoken in an earlier answer
			e.lose(p.Path, "a sound becomes its transcript", llm.Changed)
			return llm.Part{Kind: llm.PartText, Text: p.Text, Path: p.Path}, true
		}
		if p.Media == nil || p.Media.Data == "" && p.Media.URL == "" {
			e.lose(p.Path, "a sound that is kept elsewhere", llm.Dropped)
			return p, false
		}
		e.refuse(p.Path, "the target does not hear; send text instead of sound")
	case llm.PartVideo:
		e.refuse(p.Path, "the target does not see moving pictures")
	case llm.PartCall:
		return e.call(p)
	case llm.PartResult:
		return e.result(p)
	default:
		e.lose(p.Path, "only its own dialect understands it", llm.Dropped)
	}
	return p, false
}

func (e *requestEncoder) text(p llm.Part) (llm.Part, bool) {
	if strings.TrimSpace(p.Text) == "" {
		switch {
		case p.Text != "":
			e.lose(p.Path, "a text of white space is not taken here", llm.Dropped)
		case p.Cache != nil:
			e.lose(p.Path+".cache_control", "a text that is empty is not sent", llm.Dropped)
		}
		return p, false
	}
	if p.Kind == llm.PartRefusal {
		e.lose(p.Path, "a refusal becomes plain text", llm.Changed)
	}
	p.Kind = llm.PartText
	var cites []llm.Cite
	for i := range p.Cites {
		if citeSayable(&p.Cites[i], false) {
			cites = append(cites, p.Cites[i])
		} else {
			e.lose(p.Path+"."+dialect.Word(e.req.From, "annotations"), "a citation without its place in the source", llm.Dropped)
		}
	}
	p.Cites = cites
	return p, true
}

func (e *requestEncoder) reasoning(p llm.Part) (llm.Part, bool) {
	if p.Seal.Data == "" || p.Seal.By != e.sealBy() {
		if p.Text != "" || p.Seal.Data != "" {
			e.lose(p.Path, "earlier thinking is taken back only with its signature", llm.Dropped)
		}
		return p, false
	}
	return p, true
}

func (e *requestEncoder) image(p llm.Part) (llm.Part, bool) {
	b := *p.Media
	if b.FileID != "" && !llm.OwnID(b.FileID) {
		e.refuse(p.Path, "a file kept at another provider; send the image itself")
		return p, false
	}
	if bucket(b.URL) {
		e.refuse(p.Path, "the target fetches nothing from a provider's storage; send the image itself")
		return p, false
	}
	if b.Detail != "" && b.Detail != "auto" {
		e.lose(p.Path+"."+dialect.Word(e.req.From, "image_url.detail"), "there is no such setting here", llm.Dropped)
	}
	if b.Data != "" && b.Type == "" {
		b.Type = imageType(b.Data)
	}
	p.Media = &b
	return p, true
}

// bucket reports whether an address is in a cloud provider's storage, where only its own models look.
func bucket(url string) bool {
	return strings.HasPrefix(url, "s3://") || strings.HasPrefix(url, "gs://")
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

func (e *requestEncoder) file(p llm.Part) (llm.Part, bool) {
	b := *p.Media
	p.Media = &b
	typ, _, _ := strings.Cut(strings.ToLower(b.Type), ";")
	if typ == "" && strings.HasSuffix(strings.ToLower(b.Name), ".pdf") {
		typ = "application/pdf"
	}
	switch {
	case b.Text != "":
		b.Type = "text/plain"
		b.Source = ""
	case llm.OwnID(b.FileID):
	case b.FileID != "":
		e.refuse(p.Path, "a file kept at another provider; send the file itself")
	case bucket(b.URL):
		e.refuse(p.Path, "the target fetches nothing from a provider's storage; send the file itself")
	case b.URL != "":
	case typ == "" || typ == "application/pdf":
		b.Type = "application/pdf"
	case strings.HasPrefix(typ, "text/") || typ == "application/json":
		text, err := base64.StdEncoding.DecodeString(b.Data)
		if err != nil || !utf8.Valid(text) || len(text) == 0 {
			e.refuse(p.Path, "the file's data is not base64 of UTF-8 text")
			break
		}
		b.Type, b.Text, b.Data = "text/plain", string(text), ""
		if typ != "text/plain" {
			e.lose(p.Path, "read as plain text, not as "+typ, llm.Changed)
		}
	default:
		e.refuse(p.Path, "the target reads PDF and text, not "+typ)
	}
	return p, true
}

func (e *requestEncoder) call(p llm.Part) (llm.Part, bool) {
	if p.By != llm.ByClient {
		e.lose(p.Path, "a call that its provider ran cannot be told elsewhere", llm.Dropped)
		return p, false
	}
	p.ID = fitID(p.ID)
	args, whole := inputObject(p.Args, p.Free)
	if !whole || p.Free {
		e.lose(p.Path, "arguments that are no JSON object are wrapped in one", llm.Changed)
	}
	p.Args = args
	return p, true
}

func (e *requestEncoder) result(p llm.Part) (llm.Part, bool) {
	if p.By != llm.ByClient {
		e.lose(p.Path, "a result of its provider's own tool cannot be told elsewhere", llm.Dropped)
		return p, false
	}
	p.ID = fitID(p.ID)
	var parts []llm.Part
	for i := range p.Result {
		in := p.Result[i]
		if in.Path == "" {
			in.Path = p.Path
		}
		if out, ok := e.part(&in); ok {
			parts = append(parts, out)
		}
	}
	p.Result = parts
	return p, true
}

// inputObject returns arguments as the object this dialect demands, verbatim where they are one. Free text is the one
// argument of the function that stands for its tool. The second result is false where the text had to be wrapped.
func inputObject(args string, free bool) (string, bool) {
	if free {
		return wrap("input", args), true
	}
	if strings.TrimSpace(args) == "" {
		return "{}", true
	}
	if b := []byte(args); rawjson.Kind(b) == '{' && rawjson.Check(b) == nil {
		return args, true
	}
	return wrap("arguments", args), false
}

func wrap(name, text string) string {
	var w rawjson.Writer
	w.Open('{').Name(name).String(text).Close('}')
	return string(w.Buf)
}

// fitID returns an id as the API takes it, the same for a call and its result.
func fitID(id string) string {
	for i := range len(id) {
		c := id[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-' {
			continue
		}
		sum := sha256.Sum256([]byte(id))
		return "toolu_" + hex.EncodeToString(sum[:12])
	}
	return id
}
