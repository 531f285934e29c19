package openaichat

import (
	"slices"
	"strings"

	"weir/internal/dialect"
	"weir/internal/dialect/openai"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// spoken is an assistant's turn, sorted by where its parts go on the wire.
type spoken struct {
	thoughts []llm.Part // reasoning beside the content
	content  []llm.Part // texts, and what else a content list can hold
	refusal  string     // beside the content
	refused  bool
	audio    *llm.Part
	images   []llm.Part
	calls    []llm.Part
	function *llm.Part // a legacy call
}

// sort sorts parts that can all be said.
func sort(parts []llm.Part) spoken {
	var s spoken
	refusals := 0
	for i := range parts {
		p := parts[i]
		switch {
		case p.Kind == llm.PartReasoning && p.Name != wordThinking, p.Kind == llm.PartOpaque && p.Name == wordDetails:
			s.thoughts = append(s.thoughts, p)
		case p.Kind == llm.PartAudio && s.audio == nil && p.Name != wordInContent:
			s.audio = &p
		case p.Kind == llm.PartImage && p.Name != wordInContent:
			s.images = append(s.images, p)
		case p.Kind == llm.PartCall && legacy(p.Raw) && s.function == nil:
			s.function = &p
		case p.Kind == llm.PartCall:
			s.calls = append(s.calls, p)
		case p.Kind == llm.PartRefusal:
			refusals++
			s.content = append(s.content, p)
		case p.Kind != llm.PartResult:
			s.content = append(s.content, p)
		}
	}
	if n := len(s.content); refusals == 1 && s.content[n-1].Kind == llm.PartRefusal {
		if last := &s.content[n-1]; last.Cache == nil && last.Extra == nil && last.Text != "" {
			s.refusal, s.refused = last.Text, true
			s.content = s.content[:n-1]
		}
	}
	return s
}

// silent reports whether nothing at all is said.
func (s *spoken) silent() bool {
	return len(s.thoughts)+len(s.content)+len(s.images)+len(s.calls) == 0 && !s.refused && s.audio == nil && s.function == nil
}

// writeThoughts writes reasoning beside the content, under the words it came under. An answer repeats the text of
// details as reasoning.
func (s *spoken) writeThoughts(w *rawjson.Writer, answer bool) {
	var content, reasoning, said strings.Builder
	details := 0
	for i := range s.thoughts {
		switch p := &s.thoughts[i]; {
		case p.Name == wordDetails:
			details++
			if p.Kind == llm.PartReasoning {
				said.WriteString(p.Text)
			}
		case p.Name == wordReasoning:
			reasoning.WriteString(p.Text)
		default:
			content.WriteString(p.Text)
		}
	}
	if content.Len() > 0 {
		w.Name("reasoning_content").String(content.String())
	}
	switch {
	case reasoning.Len() > 0:
		w.Name("reasoning").String(reasoning.String())
	case said.Len() > 0 && answer:
		w.Name("reasoning").String(said.String())
	}
	if details > 0 {
		w.Name("reasoning_details").Open('[')
		for i := range s.thoughts {
			if p := &s.thoughts[i]; p.Name == wordDetails {
				writeDetail(w, p, i)
			}
		}
		w.Close(']')
	}
}

// writeContent writes the content of an assistant: null where there is none but something else, a string where that
// says it all, else a list.
func (s *spoken) writeContent(w *rawjson.Writer, own bool) {
	w.Name("content")
	switch {
	case len(s.content) == 0 && s.silent():
		w.String("")
	case len(s.content) == 0:
		w.Null()
	case len(s.content) == 1 && plainText(&s.content[0]):
		w.String(s.content[0].Text)
	case len(s.content) == 1 && s.content[0].Kind == llm.PartJSON && own:
		w.Raw([]byte(s.content[0].Text))
	case !own && !slices.ContainsFunc(s.content, func(p llm.Part) bool { return p.Kind == llm.PartReasoning }):
		var all strings.Builder
		for i := range s.content {
			all.WriteString(s.content[i].Text)
		}
		w.String(all.String())
	default:
		writeItems(w, s.content)
	}
}

func cited(parts []llm.Part) bool {
	for i := range parts {
		if parts[i].Kind == llm.PartText && len(parts[i].Cites) > 0 {
			return true
		}
	}
	return false
}

// assistant writes an assistant's turn of the history.
func (e *requestEncoder) assistant(m *llm.Message) error {
	parts := m.Parts
	if !e.own {
		parts = e.history(m)
	}
	s := sort(parts)
	if s.silent() && !e.own {
		return nil
	}
	w := &e.w
	w.Open('{').Name("role").String("assistant")
	e.name(m)
	s.writeContent(w, e.own)
	if s.refused {
		w.Name("refusal").String(s.refusal)
	}
	s.writeThoughts(w, false)
	if s.audio != nil {
		w.Name("audio").Open('{').Name("id").String(s.audio.ID)
		if s.audio.Media.Data != "" {
			w.Name("data").String(s.audio.Media.Data)
		}
		if s.audio.Text != "" {
			w.Name("transcript").String(s.audio.Text)
		}
		openai.WriteExtra(w, s.audio.Extra)
		w.Close('}')
	}
	if len(s.images) > 0 {
		w.Name("images")
		writeItems(w, s.images)
	}
	e.turnCalls(&s)
	if e.last && e.has(llm.MarkBegun) && len(s.calls) == 0 {
		w.Name("prefix").Bool(true)
	}
	if e.own {
		if cited(s.content) {
			w.Name("annotations")
			writeCitations(w, s.content, true)
		}
		openai.WriteExtra(w, m.Extra)
	}
	w.Close('}')
	return nil
}

func (e *requestEncoder) turnCalls(s *spoken) {
	w := &e.w
	if len(s.calls) > 0 {
		w.Name("tool_calls").Open('[')
		for i := range s.calls {
			p := &s.calls[i]
			e.calls = append(e.calls, calledTool{id: p.ID, name: p.Name})
			if p.By != llm.ByClient && p.Raw != nil {
				w.Raw(p.Raw)
				continue
			}
			w.Open('{')
			writeCall(w, p, e.id(p.ID), e.own)
			if e.sealed(p) {
				writeGoogleSeal(w, &p.Seal)
			}
			w.Close('}')
		}
		w.Close(']')
	}
	if p := s.function; p != nil {
		w.Name("function_call").Open('{').Name("name").String(p.Name).Name("arguments").String(p.Args)
		openai.WriteNested(w, p.Extra, "function_call")
		w.Close('}')
	}
}

// history returns what of a turn of another dialect can be said here, and names the rest lost.
func (e *requestEncoder) history(m *llm.Message) []llm.Part {
	var out []llm.Part
	for i := range m.Parts {
		p := m.Parts[i]
		switch {
		case p.Kind == llm.PartReasoning:
			if !e.thought(&p) {
				continue
			}
		case p.Kind == llm.PartText, p.Kind == llm.PartRefusal, p.Kind == llm.PartJSON:
			if p.Text == "" {
				e.beside(&p)
				continue
			}
			if p.Kind == llm.PartRefusal && e.has(llm.NoRefusals) {
				p.Kind = llm.PartText
				e.lose(p.Path, "a refusal becomes plain text", llm.Changed)
			}
		case p.Kind == llm.PartCall && p.By == llm.ByClient:
			p.Raw = nil
			if p.Free && e.has(llm.FunctionsOnly) {
				p.Args, _ = dialect.ObjectArgs(p.Args, true)
				p.Free = false
				e.lose(p.Path, "free text becomes the one argument of a function", llm.Changed)
			}
		default:
			e.lose(p.Path, noPlace, llm.Dropped)
			continue
		}
		e.beside(&p)
		p.Cache, p.Extra, p.Cites, p.Summary = nil, nil, nil, false
		out = append(out, p)
	}
	if regrouped(out, false) {
		e.lose(m.Path, otherOrder, llm.Changed)
		sortByPlace(out)
	}
	return joinRefusals(out)
}

// thought fits reasoning of the history to the word in which the target takes it back; false if it takes none.
func (e *requestEncoder) thought(p *llm.Part) bool {
	q := e.facts.Quirks
	switch {
	case q.Has(llm.ReasoningDetails):
		p.Name = wordDetails
	case q.Has(llm.ReasoningItems):
		p.Name = wordThinking
	case q.Has(llm.ReasoningText):
		p.Name = wordReasoning
	case q.Has(llm.ReasoningContent) || e.facts.ReasoningBack:
		p.Name = wordContent
	default:
		e.lose(p.Path, "chat takes no reasoning back", llm.Dropped)
		return false
	}
	if p.Text == "" && !e.sealed(p) {
		e.lose(p.Path, "the target takes back what it can read", llm.Dropped)
		return false
	}
	if !e.sealed(p) && p.Seal.Data != "" {
		e.lose(dialect.SealPath(e.req.From, p.Path), "seals go back to their maker only", llm.Dropped)
		p.Seal = llm.Seal{}
	}
	return true
}
