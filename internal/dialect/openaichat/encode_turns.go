package openaichat

import (
	"slices"
	"strings"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/llm"
)

// note is what must be told the model in words, "" = nothing: the form of the answer, where the target has no setting
// for it, or where its rules want the word JSON to be said.
func (e *requestEncoder) note() string {
	o := &e.req.Output
	if e.own {
		return ""
	}
	const note = "Answer with one JSON object and nothing else."
	switch {
	case o.Schema != nil && e.has(llm.NoJSONSchema):
		return note + " It must keep to this JSON schema:\n" + string(o.Schema)
	case o.Kind == "schema" && o.Schema == nil && e.has(llm.NoJSONSchema), o.Kind == "json" && e.has(llm.NoJSONObject):
		return note
	case o.Kind == "json" && o.Schema == nil && !e.speaksOfJSON():
		return note
	}
	return ""
}

// speaksOfJSON reports whether the word JSON occurs in the conversation.
func (e *requestEncoder) speaksOfJSON() bool {
	for i := range e.req.Messages {
		for j := range e.req.Messages[i].Parts {
			text := e.req.Messages[i].Parts[j].Text
			for {
				at := strings.IndexAny(text, "jJ")
				if at < 0 || len(text)-at < 4 {
					break
				}
				if strings.EqualFold(text[at:at+4], "json") {
					return true
				}
				text = text[at+1:]
			}
		}
	}
	return false
}

// turns returns the turns as the target takes them: as they are or, where they must alternate, with neighbours of a role
// merged and what the system says later said by the user.
func (e *requestEncoder) turns() ([]llm.Message, error) {
	messages := e.req.Messages
	if !e.own { // tool messages follow the calls that they answer, one each
		messages = dialect.Settle(messages, dialect.Settling{Close: true}, e.lose)
	}
	if !e.has(llm.Alternating) {
		return messages, nil
	}
	var out []llm.Message
	first := 0 // of those who speak in turns
	for i := range messages {
		m := messages[i]
		if !e.speaks(&m) {
			e.silent(&m)
			continue
		}
		if m.Role == llm.System || m.Role == llm.Developer {
			if len(out) == first {
				first++
				out = append(out, m)
				continue
			}
			e.lose(m.Path, "said by the user: the system speaks at the beginning only", llm.Changed)
			m.Role = llm.User
		}
		n := len(out) - 1
		if n < first || out[n].Role != m.Role {
			out = append(out, m)
			continue
		}
		e.foreign(m.Extra, m.Path)
		if name := m.Participant(); name != "" && name != out[n].Participant() {
			e.lose(m.Path+".name", "turns of a role are merged", llm.Dropped)
		}
		out[n].Parts = append(slices.Clip(out[n].Parts), m.Parts...)
	}
	if len(out) == first && first > 0 { // somebody must ask
		first--
		e.lose(out[first].Path, "said by the user: the system alone asks nothing", llm.Changed)
		out[first].Role = llm.User
	}
	for _, at := range [...]int{first, len(out) - 1} {
		if at >= 0 && at < len(out) && out[at].Role != llm.User {
			f := fault.New(fault.Unsupported, "%s: the target answers a question of the user; it does not go on from an answer", out[at].Path)
			f.Param = out[at].Path
			return nil, f
		}
	}
	return out, nil
}

// speaks reports whether anything of a turn will be sent.
func (e *requestEncoder) speaks(m *llm.Message) bool {
	return slices.ContainsFunc(m.Parts, func(p llm.Part) bool {
		switch p.Kind {
		case llm.PartText, llm.PartRefusal, llm.PartJSON:
			return p.Text != ""
		case llm.PartCall, llm.PartResult:
			return p.By == llm.ByClient
		case llm.PartReasoning:
			return e.facts.ReasoningBack || e.facts.Quirks.TakesReasoning()
		case llm.PartOpaque:
			return false
		}
		return true
	})
}

// silent names what a turn loses that is left out.
func (e *requestEncoder) silent(m *llm.Message) {
	e.foreign(m.Extra, m.Path)
	if m.Participant() != "" {
		e.lose(m.Path+".name", "the turn says nothing here", llm.Dropped)
	}
	if m.Role == llm.Assistant {
		e.history(m)
		return
	}
	_, _ = e.sayables(m.Parts) // none of them is a medium that could be refused
}
