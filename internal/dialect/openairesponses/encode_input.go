package openairesponses

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"weir/internal/dialect"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// instructions writes the system turn that stood in the member of that name. It is the first of its name only.
func (e *requestEncoder) instructions() {
	for i := range e.req.Messages {
		if m := &e.req.Messages[i]; e.isMember(m, i) {
			e.w.Name(instructions).String(allText(m))
		}
	}
}

// allText returns the texts of a turn, joined.
func allText(m *llm.Message) string {
	var b strings.Builder
	for i := range m.Parts {
		b.WriteString(m.Parts[i].Text)
	}
	return b.String()
}

// isMember reports whether message i of the conversation is written as instructions.
func (e *requestEncoder) isMember(m *llm.Message, i int) bool {
	return e.own && i == 0 && isInstructions(m)
}

// customCalls returns the ids of the calls of custom tools, whose results are items of another type.
func customCalls(messages []llm.Message) map[string]bool {
	var out map[string]bool
	for i := range messages {
		for j := range messages[i].Parts {
			if p := &messages[i].Parts[j]; p.Kind == llm.PartCall && p.By == llm.ByClient && p.Free {
				if out == nil {
					out = map[string]bool{}
				}
				out[p.ID] = true
			}
		}
	}
	return out
}

// input writes the conversation as items.
func (e *requestEncoder) input() {
	w, messages := &e.w, e.req.Messages
	if !e.own {
		messages = dialect.Settle(messages, dialect.Settling{Kept: e.req.Thread.Previous != ""}, e.lose)
	}
	e.custom = customCalls(messages)
	if e.own {
		rest := messages
		if len(rest) > 0 && e.isMember(&rest[0], 0) {
			rest = rest[1:]
		}
		switch {
		case len(rest) == 0:
			return
		case len(rest) == 1 && rest[0].Path == "input" && rest[0].Role == llm.User && rest[0].Extra == nil && plain(rest[0].Parts):
			writeText(w.Name("input"), rest[0].Parts)
			return
		}
	}
	w.Name("input").Open('[')
	documents := e.req.Documents
	for i := range messages {
		m := &messages[i]
		if e.isMember(m, i) {
			continue
		}
		if m.Role != llm.System && m.Role != llm.Developer {
			e.documents(documents)
			documents = nil
		}
		e.message(m)
	}
	e.documents(documents)
	w.Close(']')
}

// documents writes what the whole question is about as a message of the user.
func (e *requestEncoder) documents(list []llm.Part) {
	if len(list) == 0 {
		return
	}
	e.lose(e.word("documents"), "documents are a message of the user here", llm.Changed)
	e.content(&llm.Message{Role: llm.User, Path: "documents"}, list)
}

// message writes the items of a turn. Results come first: the turn before it asked for them.
func (e *requestEncoder) message(m *llm.Message) {
	if !e.own {
		e.foreign(m.Extra, m.Path)
		if m.Participant() != "" {
			e.lose(m.Path+".name", "participants have no names here", llm.Dropped)
		}
	}
	if m.Role == llm.Assistant {
		e.assistant(m)
		return
	}
	var rest []llm.Part
	for i := range m.Parts {
		switch p := &m.Parts[i]; {
		case p.Kind == llm.PartResult && p.By == llm.ByClient:
			e.result(p)
		case e.own && p.Kind == llm.PartOpaque && !within(p):
			e.w.Raw(p.Raw)
		default:
			rest = append(rest, *p)
		}
	}
	if len(rest) > 0 || len(m.Parts) == 0 && e.own {
		e.content(m, rest)
	}
}

// content writes a message of texts and media. One of another dialect of which nothing can be said is left out.
func (e *requestEncoder) content(m *llm.Message, parts []llm.Part) {
	parts = e.sayables(parts, m)
	if len(parts) == 0 && !e.own {
		return
	}
	w := &e.w
	w.Open('{').Name("type").String("message").Name("role").String(string(m.Role))
	if e.own && len(parts) > 0 && parts[0].Item != "" {
		w.Name("id").String(parts[0].Item)
	}
	writeContents(w.Name("content"), parts, "input_text", e.own)
	if e.own {
		dialect.WriteExtra(w, m.Extra)
	}
	w.Close('}')
}

// result writes the result of a call.
func (e *requestEncoder) result(p *llm.Part) {
	inside := p.Result
	if !e.own {
		e.beside(p)
		inside = e.sayables(p.Result, &llm.Message{Role: llm.User, Path: p.Path})
		if p.Failed {
			e.lose(p.Path+".is_error", "there is no mark for a failed call; its result begins with \"Error: \"", llm.Changed)
			inside = failed(inside)
		}
	}
	w := &e.w
	typ := "function_call_output"
	if e.custom[p.ID] || e.own && string(p.Raw) == markCustom {
		typ = "custom_tool_call_output"
	}
	w.Open('{').Name("type").String(typ)
	if e.own && p.Item != "" {
		w.Name("id").String(p.Item)
	}
	w.Name("call_id").String(e.id(p.ID))
	writeContents(w.Name("output"), inside, "input_text", e.own)
	if e.own {
		dialect.WriteExtra(w, p.Extra)
	}
	w.Close('}')
}

// failed marks a result as that of a call that failed.
func failed(parts []llm.Part) []llm.Part {
	first := llm.Part{Kind: llm.PartText, Text: "Error: "}
	if len(parts) > 0 && parts[0].Kind == llm.PartText {
		first.Text += parts[0].Text
		parts = parts[1:]
	}
	return append([]llm.Part{first}, parts...)
}

// idMost is the longest id of a call that is taken.
const idMost = 64

// id returns an id that the target takes, the same for a call and its result.
func (e *requestEncoder) id(id string) string {
	if e.own || len(id) <= idMost {
		return id
	}
	sum := sha256.Sum256([]byte(id))
	return "call_" + hex.EncodeToString(sum[:12])
}

// assistant writes what the model said in a turn.
func (e *requestEncoder) assistant(m *llm.Message) {
	parts := e.history(m)
	for len(parts) > 0 {
		n := 1
		for n < len(parts) && joins(&parts[n-1], &parts[n], e.own) {
			n++
		}
		e.spoken(parts[:n])
		parts = parts[n:]
	}
}

// joins reports whether q stands in the item of p, which is before it.
func joins(p, q *llm.Part, own bool) bool {
	same := !own || p.Item == q.Item && p.Phase == q.Phase
	switch {
	case spoken(p) && spoken(q):
		return same
	case p.Kind == llm.PartReasoning && q.Kind == llm.PartReasoning:
		return same && p.Seal.Data == ""
	}
	return false
}

// spoken reports whether a part stands within a message of the model.
func spoken(p *llm.Part) bool {
	switch p.Kind {
	case llm.PartCall, llm.PartResult, llm.PartReasoning:
		return false
	case llm.PartOpaque:
		return within(p)
	case llm.PartImage:
		return p.Raw == nil
	}
	return true
}

// within reports whether an Opaque part stood within a message.
func within(p *llm.Part) bool {
	return len(p.Name) >= len(inContent) && p.Name[:len(inContent)] == inContent
}

// spoken writes an item of the model's. Its parts belong together.
func (e *requestEncoder) spoken(parts []llm.Part) {
	w := &e.w
	p := &parts[0]
	switch {
	case p.Kind == llm.PartReasoning:
		w.Open('{').Name("type").String("reasoning")
		e.itemID(p)
		writeReasoning(w, parts, e.own)
		w.Close('}')
	case p.Kind == llm.PartCall && p.By == llm.ByClient:
		w.Open('{').Name("type")
		args := "arguments"
		if p.Free {
			args = "input"
			w.String("custom_tool_call")
		} else {
			w.String("function_call")
		}
		e.itemID(p)
		text := p.Args
		if text == "" && !p.Free && !e.own {
			text = "{}"
		}
		w.Name("call_id").String(e.id(p.ID)).Name("name").String(p.Name).Name(args).String(text)
		if e.own {
			dialect.WriteExtra(w, p.Extra)
		}
		w.Close('}')
	case !spoken(p):
		if p.Raw != nil {
			w.Raw(p.Raw)
		}
	default:
		e.said(parts)
	}
}

func (e *requestEncoder) itemID(p *llm.Part) {
	if e.own && p.Item != "" {
		e.w.Name("id").String(p.Item)
	}
}

// said writes a message of the model's. One with an id is as it came in an answer, which has a status too.
func (e *requestEncoder) said(parts []llm.Part) {
	w := &e.w
	p, last := &parts[0], &parts[len(parts)-1]
	w.Open('{').Name("type").String("message")
	e.itemID(p)
	w.Name("role").String("assistant")
	rest, extra := splitExtra(last.Extra)
	if e.own && p.Item != "" && rest["status"] == nil {
		w.Name("status").String("completed")
	}
	if p.Phase != "" {
		w.Name("phase").String(p.Phase)
	}
	if !e.own {
		rest, extra = nil, nil
	}
	own := slices.Clone(parts)
	own[len(own)-1].Extra = extra
	w.Name("content")
	if e.own && p.Item != "" {
		w.Open('[')
		for i := range own {
			writeContent(w, &own[i], "output_text", true)
		}
		w.Close(']')
	} else {
		writeContents(w, own, "output_text", e.own)
	}
	dialect.WriteExtra(w, rest)
	w.Close('}')
}

// splitExtra returns the members of a part's item, and those of the part itself.
func splitExtra(x llm.Extra) (item, part llm.Extra) {
	for name, v := range x {
		if len(name) > len(itemLevel) && name[:len(itemLevel)] == itemLevel {
			item = dialect.With(item, name[len(itemLevel):], v)
		} else {
			part = dialect.With(part, name, v)
		}
	}
	return item, part
}

// writeReasoning writes the members of a reasoning item. The chain of another dialect is sent as a summary where it is
// sealed: the chain is in the cipher, and beside it refused.
func writeReasoning(w *rawjson.Writer, parts []llm.Part, own bool) {
	last := &parts[len(parts)-1]
	item, extra := splitExtra(last.Extra)
	chain := own || last.Seal.Data == ""
	said := func(p *llm.Part, summary bool) bool {
		switch {
		case !chain:
			return summary && p.Text != ""
		case p.Summary != summary:
			return false
		}
		return summary || p.Text != "" || len(parts) > 1 // else it stands for an item of nothing but a cipher
	}
	for _, summary := range [...]bool{true, false} {
		if !summary && !slices.ContainsFunc(parts, func(p llm.Part) bool { return said(&p, false) }) {
			break
		}
		name, typ := "summary", "summary_text"
		if !summary {
			name, typ = "content", "reasoning_text"
		}
		w.Name(name).Open('[')
		for i := range parts {
			p := &parts[i]
			if !said(p, summary) {
				continue
			}
			w.Open('{').Name("type").String(typ).Name("text").String(p.Text)
			if own && p == last {
				dialect.WriteExtra(w, extra)
			} else if own {
				dialect.WriteExtra(w, p.Extra)
			}
			w.Close('}')
		}
		w.Close(']')
	}
	if last.Seal.Data != "" {
		w.Name("encrypted_content").String(last.Seal.Data)
	}
	if own {
		if last.Name != "" {
			w.Name("format").String(last.Name)
		}
		dialect.WriteExtra(w, item)
	}
}
