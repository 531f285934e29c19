package converse

import (
	"slices"
	"strings"

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

func (t *turn) write(w *rawjson.Writer, b blockWriter) {
	w.Open('{').Name("role").String(string(t.role))
	b.blocks(w.Name("content"), t.parts)
	dialect.WriteExtra(w, t.extra)
	w.Close('}')
}

// turns returns the system prompt and the turns. A request of this dialect keeps its turns. Of another one leading system
// turns are the prompt, later ones become the user's, and neighbours of a role are merged: the results of parallel calls
// must stand in one turn of the user.
func (e *requestEncoder) turns() (system []llm.Part, turns []turn) {
	messages := e.req.Messages
	if !e.own {
		messages = dialect.Distinct(messages)
	}
	hoisted := 0
	for hoisted < len(messages) && (messages[hoisted].Role == llm.System || messages[hoisted].Role == llm.Developer) {
		hoisted++
	}
	if !e.own && hoisted == len(messages) && hoisted > 0 {
		hoisted-- // a conversation without turns is refused
	}
	for i := range messages[:hoisted] {
		m := &messages[i]
		e.loseMessage(m)
		for j := range m.Parts {
			if p, ok := e.systemPart(&m.Parts[j]); ok {
				system = append(system, p)
			}
		}
	}
	for i := range messages[hoisted:] {
		m := &messages[hoisted+i]
		if !e.own {
			turns = e.addTurn(turns, m)
			continue
		}
		role := llm.User
		if m.Role == llm.Assistant {
			role = llm.Assistant
		}
		if parts := e.sealedHere(m.Parts); len(parts) > 0 || len(m.Parts) == 0 {
			turns = append(turns, turn{role: role, parts: parts, extra: m.Extra})
		}
	}
	if !e.own {
		turns = e.finishTurns(turns)
	}
	return system, turns
}

// sealedHere leaves out reasoning that another maker sealed: a target that speaks another dialect answered that turn.
// Without any, it returns the parts as they are.
func (e *requestEncoder) sealedHere(parts []llm.Part) []llm.Part {
	foreign := func(p *llm.Part) bool {
		return p.Seal.Data != "" && p.Seal.By != e.native && p.Seal.By != anyMaker
	}
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

func (e *requestEncoder) systemPart(p *llm.Part) (llm.Part, bool) {
	if e.own {
		return *p, true
	}
	if p.Kind != llm.PartText && p.Kind != llm.PartJSON {
		e.lose(p.Path, "only text in the system prompt", llm.Dropped)
		return llm.Part{}, false
	}
	out, ok := e.part(p, llm.System)
	if len(out.Cites) > 0 {
		e.lose(p.Path+"."+e.word("annotations"), "no citations in the system prompt", llm.Dropped)
		out.Cites = nil
	}
	return out, ok
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
	role := m.Role
	if role != llm.Assistant {
		role = llm.User
	}
	var parts []llm.Part
	for i := range m.Parts {
		if p, ok := e.part(&m.Parts[i], role); ok {
			parts = append(parts, p)
		}
	}
	if len(parts) == 0 {
		return turns
	}
	if m.Role == llm.System || m.Role == llm.Developer {
		e.lose(m.Path, "said by the user: the system speaks at the beginning only", llm.Changed)
	}
	if n := len(turns); n > 0 && turns[n-1].role == role {
		turns[n-1].parts = append(turns[n-1].parts, parts...)
		return turns
	}
	return append(turns, turn{role: role, parts: parts})
}

// What is put in where Bedrock demands a turn or a text and there is none.
const (
	opening = "(The conversation goes on.)"
	seeFile = "(See the document.)"
)

// finishTurns mends what Bedrock would refuse of another dialect's conversation: one that the model begins, calls without
// results and results without calls, and documents that no text goes with.
func (e *requestEncoder) finishTurns(turns []turn) []turn {
	if len(turns) == 0 {
		e.refuse("messages", "nothing that can be said to the model is in it")
		return nil
	}
	if turns[0].role == llm.Assistant {
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
			asked = dialect.Calls(turns[i-1].parts)
		}
		turns[i].parts = dialect.Pair(turns[i].parts, asked, e.lose)
	}
	if last := &turns[len(turns)-1]; last.role == llm.Assistant {
		if asked := dialect.Calls(last.parts); len(asked) > 0 {
			turns = append(turns, turn{role: llm.User, parts: dialect.Pair(nil, asked, e.lose)})
		} else {
			e.trimEnd(last.parts)
		}
	}
	for i := range turns {
		turns[i].parts = e.besideDocuments(turns[i].parts)
	}
	return turns
}

// trimEnd takes the white space off the end of an answer that is begun, which Claude does not take.
func (e *requestEncoder) trimEnd(parts []llm.Part) {
	p := &parts[len(parts)-1]
	if s := strings.TrimRight(p.Text, " \t\r\n"); p.Kind == llm.PartText && s != p.Text {
		e.lose(p.Path, "an answer that is begun must not end in white space", llm.Changed)
		p.Text = s
	}
}

// besideDocuments puts a text beside documents that have none.
func (e *requestEncoder) besideDocuments(parts []llm.Part) []llm.Part {
	documents, text := false, false
	for i := range parts {
		documents = documents || parts[i].Kind == llm.PartFile
		text = text || parts[i].Kind == llm.PartText
	}
	if !documents || text {
		return parts
	}
	e.lose("messages", "a text must go with a document", llm.Filled)
	return append(parts, llm.Part{Kind: llm.PartText, Text: seeFile})
}
