package gemini

import (
	"fmt"
	"slices"
	"strings"

	"weir/internal/dialect"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// turn is a turn to write; its parts all have a place here.
type turn struct {
	role  llm.Role
	parts []llm.Part
	extra llm.Extra
}

func (t *turn) write(w *rawjson.Writer, own bool) {
	role := "user"
	if t.role == llm.Assistant {
		role = "model"
	}
	w.Open('{').Name("role").String(role).Name("parts").Open('[')
	for i := range t.parts {
		writePart(w, &t.parts[i], own)
	}
	w.Close(']')
	dialect.WriteExtra(w, t.extra)
	w.Close('}')
}

// turns returns the system instruction, nil if there is none, and the turns. A request of this dialect keeps its turns.
// Of another one leading system turns are the instruction, later ones become the user's, and neighbours of a role are
// merged, as the API demands: as many responses as calls, in the turn after them.
func (e *requestEncoder) turns() (system *llm.Message, turns []turn) {
	messages := e.req.Messages
	if !e.own {
		messages = dialect.Distinct(messages)
	}
	hoisted := 0
	for hoisted < len(messages) && e.hoists(&messages[hoisted], hoisted) {
		hoisted++
	}
	if !e.own && hoisted == len(messages) && hoisted > 0 {
		hoisted-- // a conversation without turns is refused
	}
	for i := range messages[:hoisted] {
		e.instruct(&system, &messages[i])
	}
	if e.own {
		for i := range messages[hoisted:] {
			m := &messages[hoisted+i]
			turns = append(turns, turn{role: m.Role, parts: e.sealedHere(m.Parts), extra: m.Extra})
		}
		e.pass(turns)
		return system, turns
	}
	for i := range messages[hoisted:] {
		turns = e.addTurn(turns, &messages[hoisted+i])
	}
	turns = e.settle(turns)
	if len(turns) == 0 {
		e.refuse(dialect.Word(e.req.From, "messages"), "there is nothing to say in them")
	}
	e.pass(turns)
	return system, turns
}

// hoists reports whether the message at the head of the conversation goes to the system instruction.
func (e *requestEncoder) hoists(m *llm.Message, at int) bool {
	if m.Role != llm.System && m.Role != llm.Developer {
		return false
	}
	return e.own && at == 0 || !e.own && !e.facts.NoSystem
}

// instruct adds a message to the system instruction.
func (e *requestEncoder) instruct(system **llm.Message, m *llm.Message) {
	if e.own {
		own := *m
		own.Parts = e.sealedHere(m.Parts)
		*system = &own
		return
	}
	e.loseMessage(m)
	for i := range m.Parts {
		p := &m.Parts[i]
		if p.Kind != llm.PartText && p.Kind != llm.PartJSON {
			e.lose(p.Path, "only text in the system instruction", llm.Dropped)
			continue
		}
		for _, out := range e.part(p) {
			if *system == nil {
				*system = &llm.Message{}
			}
			(*system).Parts = append((*system).Parts, out)
		}
	}
}

func (e *requestEncoder) loseMessage(m *llm.Message) {
	if m.Name != "" && !(m.Role == llm.System && m.Name == "instructions") { // that only says where it stood
		e.lose(m.Path+".name", "participants have no names here", llm.Dropped)
	}
	e.foreign(m.Extra, m.Path)
}

// addTurn adds another dialect's message to the turns.
func (e *requestEncoder) addTurn(turns []turn, m *llm.Message) []turn {
	e.loseMessage(m)
	var parts []llm.Part
	for i := range m.Parts {
		parts = append(parts, e.part(&m.Parts[i])...)
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

// sealedHere takes seals of other makers off parts of this dialect: a target that speaks another one answered that turn.
// Without any, it returns the parts as they are.
func (e *requestEncoder) sealedHere(parts []llm.Part) []llm.Part {
	foreign := func(p llm.Part) bool { return p.Seal.Data != "" && p.Seal.By != e.sealBy() }
	if !slices.ContainsFunc(parts, foreign) {
		return parts
	}
	out := slices.Clone(parts)
	for i := range out {
		if p := &out[i]; foreign(*p) {
			e.lose(dialect.SealPath(e.req.From, p.Path), "another provider's signature is not taken here", llm.Dropped)
			p.Seal = llm.Seal{}
		}
	}
	return slices.DeleteFunc(out, func(p llm.Part) bool { return p.Kind == llm.PartReasoning && p.Text == "" })
}

// sealBy is the maker whose seals the target takes back.
func (e *requestEncoder) sealBy() string {
	if e.facts.SealBy != "" {
		return e.facts.SealBy
	}
	return maker
}

// settle puts responses where the API wants them: each in the turn after its call, before everything else there, and as
// many as there are calls. What answers no call of the turn before becomes text.
func (e *requestEncoder) settle(turns []turn) []turn {
	if n := len(turns); n > 0 && turns[n-1].role == llm.Assistant && calls(&turns[n-1]) {
		turns = append(turns, turn{role: llm.User}) // for the results that are missing
	}
	for i := range turns {
		t := &turns[i]
		if t.role == llm.Assistant {
			continue
		}
		var open []*llm.Part
		if i > 0 {
			for j := range turns[i-1].parts {
				if p := &turns[i-1].parts[j]; p.Kind == llm.PartCall {
					open = append(open, p)
				}
			}
		}
		var results, rest []llm.Part
		for j := range t.parts {
			p := t.parts[j]
			if p.Kind != llm.PartResult {
				rest = append(rest, p)
				continue
			}
			k := slices.IndexFunc(open, func(call *llm.Part) bool { return call != nil && call.ID == p.ID })
			if k < 0 {
				rest = append(rest, e.tell(&p)...)
				continue
			}
			p.Name = open[k].Name
			open[k] = nil
			if e.version < seals {
				rest = append(rest, e.mediaOf(&p)...)
			}
			results = append(results, p)
		}
		missing := slices.DeleteFunc(open, func(call *llm.Part) bool { return call == nil })
		for _, call := range missing {
			results = append(results, llm.Part{Kind: llm.PartResult, ID: call.ID, Name: call.Name})
		}
		e.order(results, turns, i)
		for k := range results {
			if slices.ContainsFunc(missing, func(call *llm.Part) bool { return call.ID == results[k].ID }) {
				e.filled = append(e.filled, fill{i, k, "every call must have a result here; that of " + results[k].Name + " is empty"})
			}
		}
		t.parts = append(results, rest...)
	}
	if len(turns) > 0 && turns[0].role == llm.Assistant {
		for j := range turns[0].parts {
			if turns[0].parts[j].Kind == llm.PartCall { // nobody asked for what is called
				turns = slices.Insert(turns, 0, turn{role: llm.User, parts: []llm.Part{{Kind: llm.PartText, Text: "…"}}})
				for k := range e.filled {
					e.filled[k].turn++
				}
				e.filled = append(e.filled, fill{0, 0, "the user speaks first here"})
				break
			}
		}
	}
	for _, f := range e.filled {
		e.lose(fmt.Sprintf("contents[%d].parts[%d]", f.turn, f.part), f.why, llm.Filled)
	}
	return turns
}

// fill is a part that was put in because the API demands one. It has no place in the client's document.
type fill struct {
	turn, part int
	why        string
}

// order sorts responses by their calls where some go without an id: then they are told apart by name and order.
func (e *requestEncoder) order(results []llm.Part, turns []turn, at int) {
	if at == 0 || !slices.ContainsFunc(results, func(p llm.Part) bool { return made(p.ID) }) {
		return
	}
	calls := turns[at-1].parts
	place := func(p *llm.Part) int {
		return slices.IndexFunc(calls, func(call llm.Part) bool { return call.Kind == llm.PartCall && call.ID == p.ID })
	}
	if slices.IsSortedFunc(results, func(a, b llm.Part) int { return place(&a) - place(&b) }) {
		return
	}
	slices.SortStableFunc(results, func(a, b llm.Part) int { return place(&a) - place(&b) })
	for i := range results {
		if path, _, ok := strings.Cut(results[i].Path, "."); ok {
			e.lose(path, "results stand in the order of their calls here", llm.Changed)
		}
	}
}

// tell makes text of a result that answers no call.
func (e *requestEncoder) tell(p *llm.Part) []llm.Part {
	e.lose(p.Path, "it answers no call of the turn before, and becomes text", llm.Changed)
	media := e.mediaOf(p)
	var said []string
	for i := range p.Result {
		said = append(said, p.Result[i].Text)
	}
	text := strings.Join(said, "\n")
	if text == "" {
		return media
	}
	return append([]llm.Part{{Kind: llm.PartText, Text: text, Path: p.Path}}, media...)
}

// mediaOf takes the media out of a result and returns them.
func (e *requestEncoder) mediaOf(p *llm.Part) []llm.Part {
	medium := func(r llm.Part) bool { return r.Media != nil }
	if !slices.ContainsFunc(p.Result, medium) {
		return nil
	}
	var out, rest []llm.Part
	for _, r := range p.Result {
		if !medium(r) {
			rest = append(rest, r)
			continue
		}
		e.lose(r.Path, "it stands after the results: this model takes no media within them", llm.Changed)
		out = append(out, r)
	}
	p.Result = rest
	return out
}

// pass puts Google's own value where Gemini 3 demands a signature and there is none: on the first call of each step of
// the turn that is under way.
func (e *requestEncoder) pass(turns []turn) {
	if !e.demandsSeals() || e.sealBy() != maker {
		return
	}
	for i := len(turns) - 1; i >= 0; i-- {
		t := &turns[i]
		if t.role != llm.Assistant {
			if !slices.ContainsFunc(t.parts, func(p llm.Part) bool { return p.Kind == llm.PartResult }) {
				return
			}
			continue
		}
		if e.own && i > 0 && turns[i-1].role == llm.Assistant && calls(&turns[i-1]) {
			continue // a piece of the same step
		}
		first := slices.IndexFunc(t.parts, func(p llm.Part) bool { return p.Kind == llm.PartCall && p.By == llm.ByClient })
		if first < 0 || t.parts[first].Seal.Data != "" {
			continue
		}
		p := t.parts[first]
		p.Seal = llm.Seal{By: maker, Form: llm.SealSignature, Data: skipSeal}
		t.parts = slices.Clone(t.parts)
		t.parts[first] = p
		e.lose(dialect.SealPath(e.req.From, p.Path), "Google's value for calls that its model did not make, for this model demands one", llm.Filled)
	}
}

// demandsSeals reports whether the model refuses calls without signatures. A Gemini whose name tells no version, or a tuned
// one under a number, is taken for one of the newest: without the value its conversation would be refused for ever.
func (e *requestEncoder) demandsSeals() bool {
	name := strings.ToLower(e.model[strings.LastIndexByte(e.model, '/')+1:])
	number := name != "" && strings.Trim(name, "0123456789") == ""
	return e.version >= seals || e.version == 0 && (number || strings.HasPrefix(name, "gemini"))
}

func calls(t *turn) bool {
	return slices.ContainsFunc(t.parts, func(p llm.Part) bool { return p.Kind == llm.PartCall })
}

// part makes another dialect's part sayable; nothing if it is left out.
func (e *requestEncoder) part(in *llm.Part) []llm.Part {
	p := *in
	e.foreign(p.Extra, p.Path)
	p.Extra, p.Raw = nil, nil
	if p.Phase != "" {
		e.lose(dialect.MemberPath(p.Path, dialect.ItemLevel+"phase"), "there are no phases here", llm.Dropped)
	}
	if p.Cache != nil {
		e.lose(p.Path+".cache_control", "parts cannot be marked for the cache here", llm.Dropped)
	}
	sealed := p.Seal.Data != "" && p.Seal.By == e.sealBy() && p.Seal.Form == llm.SealSignature
	if p.Kind == llm.PartReasoning {
		if !sealed {
			if p.Text != "" || p.Seal.Data != "" {
				e.lose(p.Path, "earlier thinking is taken back only with its signature", llm.Dropped)
			}
			return nil
		}
		return []llm.Part{p}
	}
	if !sealed && p.Seal.Data != "" {
		e.lose(dialect.SealPath(e.req.From, p.Path), "another provider's signature is not taken here", llm.Dropped)
		p.Seal = llm.Seal{}
	}
	var ok bool
	switch p.Kind {
	case llm.PartText, llm.PartJSON, llm.PartRefusal:
		ok = e.text(&p)
	case llm.PartImage, llm.PartVideo, llm.PartFile, llm.PartAudio:
		ok = e.medium(&p)
	case llm.PartCall, llm.PartResult:
		ok = e.toolPart(&p)
	default:
		e.lose(p.Path, "only its own dialect understands it", llm.Dropped)
		ok = false
	}
	if !ok {
		return nil
	}
	return []llm.Part{p}
}

func (e *requestEncoder) text(p *llm.Part) bool {
	if p.Kind == llm.PartRefusal && p.Text != "" {
		e.lose(p.Path, "a refusal becomes plain text", llm.Changed)
	}
	if len(p.Cites) > 0 {
		e.lose(p.Path+"."+dialect.Word(e.req.From, "annotations"), "citations are not taken back", llm.Dropped)
	}
	p.Kind, p.Cites, p.Logprobs = llm.PartText, nil, nil
	return p.Text != "" || p.Seal.Data != ""
}

func (e *requestEncoder) toolPart(p *llm.Part) bool {
	if p.By != llm.ByClient {
		e.lose(p.Path, "what its provider ran cannot be told elsewhere", llm.Dropped)
		return false
	}
	if p.Kind == llm.PartCall {
		args, whole := argsObject(p.Args, p.Free)
		if !whole || p.Free {
			e.lose(p.Path, "arguments that are no JSON object are wrapped in one", llm.Changed)
		}
		p.Args, p.Free = args, false
		return true
	}
	var parts []llm.Part
	for i := range p.Result {
		in := p.Result[i]
		if in.Path == "" {
			in.Path = p.Path
		}
		if in.Kind == llm.PartJSON && rawjson.Check([]byte(in.Text)) == nil && len(p.Result) == 1 && in.Seal.Data == "" {
			kept := in // a value stays one
			e.foreign(in.Extra, in.Path)
			kept.Extra, kept.Raw = nil, nil
			parts = append(parts, kept)
			continue
		}
		parts = append(parts, e.part(&in)...)
	}
	p.Result = parts
	return true
}
