package engine

import (
	"slices"

	"weir/internal/llm"
)

// sealedMost bounds what is kept of one turn, in bytes; a longer one is not kept and its loss stands.
const sealedMost = 1 << 20

// sealed gathers, from the first choice of an answer, the reasoning with its seals, and the client's calls: their ids and
// the seals that stand on them.
type sealed struct {
	parts   []llm.Part
	calls   []llm.Part // id and seal
	size    int
	thought bool  // reasoning is sealed
	called  bool  // a call is
	index   []int // of parts, in the stream
	indexes []int // of calls
}

func (s *sealed) see(e *llm.Event) {
	if e.Choice != 0 || s.size > sealedMost {
		return
	}
	switch e.Kind {
	case llm.EventOpen:
		switch {
		case e.Part.Kind == llm.PartReasoning:
			part := e.Part
			part.Raw = slices.Clone(part.Raw)
			s.parts, s.index = append(s.parts, part), append(s.index, e.Index)
		case e.Part.Kind == llm.PartCall && e.Part.By == llm.ByClient:
			s.calls = append(s.calls, llm.Part{Kind: llm.PartCall, ID: e.Part.ID})
			s.indexes = append(s.indexes, e.Index)
		}
		s.note(e)
	case llm.EventDelta:
		if at := slices.Index(s.index, e.Index); at >= 0 {
			s.parts[at].Text += e.Text
			s.size += len(e.Text)
		}
	case llm.EventSeal, llm.EventClose:
		s.note(e)
	}
}

// note takes the seal that an event brings.
func (s *sealed) note(e *llm.Event) {
	if e.Part.Seal.Data == "" {
		return
	}
	if at := slices.Index(s.index, e.Index); at >= 0 {
		s.parts[at].Seal, s.thought = e.Part.Seal, true
	} else if at := slices.Index(s.indexes, e.Index); at >= 0 {
		s.calls[at].Seal, s.called = e.Part.Seal, true
	} else {
		return
	}
	s.size += len(e.Part.Seal.Data)
}

// kept is what of the turn goes back with it: reasoning where it is sealed, and the calls that are.
func (s *sealed) kept() []llm.Part {
	var out []llm.Part
	if s.thought {
		out = s.parts
	}
	if s.called {
		for _, p := range s.calls {
			if p.Seal.Data != "" {
				out = append(out, p)
			}
		}
	}
	return out
}

// keep stores the seals of a turn with tool calls where the client's dialect may have no place for them: providers refuse
// a tool's continuation without its seal. They are found again by the call's id.
func (c *call) keep(t *try, p *witness) {
	s := &p.turn
	if c.e.seals == nil || !s.thought && !s.called || s.size > sealedMost || c.d.Name() == t.up.Name() {
		return
	}
	kept := s.kept()
	for i := range s.calls {
		c.e.seals.Put(c.x.Grant.Key, t.a.Target.Provider, s.calls[i].ID, kept)
	}
}

// unseal puts seals back into the turns of a request that they were taken from. The request is shared by attempts
// and not changed; the result is a copy where anything was put back.
func (c *call) unseal(req *llm.Request, t *try) *llm.Request {
	if c.e.seals == nil {
		return req
	}
	out := req
	for i := range req.Messages {
		m := &req.Messages[i]
		if m.Role != llm.Assistant {
			continue
		}
		kept := c.sealedTurn(m, t)
		if kept == nil {
			continue
		}
		if out == req {
			own := *req
			own.Messages = slices.Clone(req.Messages)
			out = &own
		}
		out.Messages[i].Parts = withSeals(m.Parts, kept)
	}
	return out
}

// withSeals returns a turn's parts with what was kept of them: the sealed reasoning in place of the client's, and the
// seals of calls.
func withSeals(parts, kept []llm.Part) []llm.Part {
	at := slices.IndexFunc(kept, func(p llm.Part) bool { return p.Kind == llm.PartCall })
	if at < 0 {
		at = len(kept)
	}
	out, calls := slices.Clone(kept[:at]), kept[at:]
	for _, p := range parts {
		switch p.Kind {
		case llm.PartReasoning:
			if at > 0 {
				continue
			}
		case llm.PartCall:
			if i := slices.IndexFunc(calls, func(c llm.Part) bool { return c.ID == p.ID }); i >= 0 {
				p.Seal = calls[i].Seal
			}
		}
		out = append(out, p)
	}
	return out
}

// sealedTurn returns what was kept of a turn, nil if it carries seals itself or nothing was.
func (c *call) sealedTurn(m *llm.Message, t *try) []llm.Part {
	id := ""
	for i := range m.Parts {
		p := &m.Parts[i]
		if p.Seal.Data != "" {
			return nil
		}
		if id == "" && p.Kind == llm.PartCall && p.By == llm.ByClient {
			id = p.ID
		}
	}
	if id == "" {
		return nil
	}
	return c.e.seals.Get(c.x.Grant.Key, t.a.Target.Provider, id)
}
