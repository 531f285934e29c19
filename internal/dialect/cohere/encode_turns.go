package cohere

import (
	"slices"

	"weir/internal/dialect"
	"weir/internal/llm"
)

// turns returns the messages to write. A request of this dialect keeps its own. Of another one,
//
//   - what says nothing is left out, for an empty message is refused;
//   - the results of calls follow them at once, each as a message of its own, before what else is said until the
//     assistant speaks again; the media in them follow in a message of the user;
//   - a result without its call becomes a text of the user's, and a call without its result gets one.
func (e *requestEncoder) turns() []turn {
	if e.own {
		return e.ownTurns()
	}
	var turns []turn
	messages := dialect.Distinct(e.req.Messages)
	for i := 0; i < len(messages); {
		m := &messages[i]
		next := i + 1
		if m.Role == llm.Assistant {
			for next < len(messages) && messages[next].Role != llm.Assistant {
				next++
			}
			turns = e.exchange(turns, m, messages[i+1:next])
		} else {
			for next < len(messages) && messages[next].Role != llm.Assistant {
				next++
			}
			turns = e.others(turns, messages[i:next], &waiting{})
		}
		i = next
	}
	return e.asked(turns)
}

// ownTurns are the turns of a request of this dialect.
func (e *requestEncoder) ownTurns() []turn {
	turns := make([]turn, 0, len(e.req.Messages))
	for i := range e.req.Messages {
		m := &e.req.Messages[i]
		t := turn{role: string(m.Role), extra: m.Extra}
		switch {
		case m.Role == llm.Assistant:
			t.spread(m.Parts)
		case len(m.Parts) == 1 && m.Parts[0].Kind == llm.PartResult:
			t.role, t.id, t.content = "tool", m.Parts[0].ID, m.Parts[0].Result
		default:
			t.content = m.Parts
		}
		turns = append(turns, t)
	}
	return turns
}

// asked makes sure that somebody asks: where only the system speaks, its last turn becomes the user's.
func (e *requestEncoder) asked(turns []turn) []turn {
	if len(turns) == 0 {
		e.refuse(e.word("messages"), "nothing is said that the target could answer")
		return nil
	}
	last := &turns[len(turns)-1]
	if last.role == string(llm.System) && !slices.ContainsFunc(turns, func(t turn) bool { return t.role != string(llm.System) }) {
		last.role = string(llm.User)
		for i := range last.content {
			e.lose(last.content[i].Path, "said by the user: the system alone cannot ask", llm.Changed)
		}
	}
	return turns
}

// exchange adds an assistant's turn and what follows it.
func (e *requestEncoder) exchange(turns []turn, m *llm.Message, following []llm.Message) []turn {
	dialect.LoseMessage(m, e.lose)
	var parts []llm.Part
	called := waiting{}
	said := false
	for i := range m.Parts {
		p, ok := e.assistantPart(&m.Parts[i])
		if !ok {
			continue
		}
		if p.Kind == llm.PartCall {
			called.ids = append(called.ids, p.ID)
		} else if len(called.ids) > 0 && !said {
			said = true
			e.lose(m.Path, "thoughts and texts stand before calls here", llm.Changed)
		}
		parts = append(parts, p)
	}
	t := turn{role: string(llm.Assistant)}
	t.spread(parts)
	if !slices.ContainsFunc(parts, func(p llm.Part) bool { return p.Kind != llm.PartReasoning }) {
		for i := range parts {
			e.lose(parts[i].Path, "thoughts alone are no turn here", llm.Dropped)
		}
		t = turn{}
	}
	if !t.silent() {
		turns = append(turns, t)
	}
	return e.others(turns, following, &called)
}

// waiting are the ids of calls that have no result yet.
type waiting struct{ ids []string }

// takes reports whether a call of that id waits, and ends its waiting: each has one result.
func (w *waiting) takes(id string) bool {
	i := slices.Index(w.ids, id)
	if i >= 0 {
		w.ids = slices.Delete(w.ids, i, i+1)
	}
	return i >= 0
}

// The texts that stand for a result that is missing or says nothing, where every call must have one that does.
const (
	noResult    = "(There is no result.)"
	emptyResult = "(empty)"
)

// others adds turns that are not the assistant's, the results of the calls that wait for theirs first.
func (e *requestEncoder) others(turns []turn, messages []llm.Message, called *waiting) []turn {
	var media []llm.Part
	stray := map[*llm.Part]bool{}
	for i := range messages {
		for j := range messages[i].Parts {
			p := &messages[i].Parts[j]
			if p.Kind != llm.PartResult || p.By != llm.ByClient {
				continue
			}
			if !called.takes(p.ID) {
				stray[p] = true
				continue
			}
			e.beside(p)
			texts, seen := e.result(p)
			media = append(media, seen...)
			turns = append(turns, turn{role: "tool", id: p.ID, content: texts})
		}
	}
	for _, id := range called.ids {
		e.lose(e.word("messages"), "a call's result is missing, and every call must have one", llm.Filled)
		turns = append(turns, turn{role: "tool", id: id, content: []llm.Part{{Kind: llm.PartText, Text: noResult}}})
	}
	if len(media) > 0 {
		turns = append(turns, turn{role: string(llm.User), content: media})
	}
	for i := range messages {
		turns = e.other(turns, &messages[i], stray)
	}
	return turns
}

// other adds what a message says beside its results.
func (e *requestEncoder) other(turns []turn, m *llm.Message, stray map[*llm.Part]bool) []turn {
	dialect.LoseMessage(m, e.lose)
	t := turn{role: string(llm.User)}
	if m.Role == llm.System || m.Role == llm.Developer {
		t.role = string(llm.System)
	}
	for i := range m.Parts {
		p := &m.Parts[i]
		switch {
		case p.Kind != llm.PartResult || p.By != llm.ByClient:
			if q, ok := e.userPart(p, m.Role); ok {
				t.content = append(t.content, q)
			}
		case stray[p]:
			e.beside(p)
			e.lose(p.Path, "a result without its call is said by the user", llm.Changed)
			texts, media := e.result(p)
			texts = append(texts, media...)
			for j := range texts {
				if texts[j].Kind == llm.PartJSON {
					texts[j].Kind = llm.PartText
				}
			}
			t.content = append(t.content, texts...)
		}
	}
	if t.silent() {
		return turns
	}
	return append(turns, t)
}
