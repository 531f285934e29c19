package engine

import (
	"slices"

	"weir/internal/llm"
)

// sealedMost bounds what is kept of one turn, in bytes; a longer one is not kept and its loss stands.
const sealedMost = 1 << 20

// sealed gathers, from the first choice of an answer, the reasoning with its seals and the ids of the client's calls.
type sealed struct {
	parts []llm.Part
	index []int // of parts, in the stream
	calls []string
	size  int
	any   bool // a seal was seen
}

func (s *sealed) see(e *llm.Event) {
	if e.Choice != 0 || s.size > sealedMost {
		return
	}
	switch e.Kind {
	case llm.EventOpen:
		switch e.Part.Kind {
		case llm.PartReasoning:
			part := e.Part
			part.Raw = slices.Clone(part.Raw)
			s.parts, s.index = append(s.parts, part), append(s.index, e.Index)
			s.note(e.Part.Seal)
		case llm.PartCall:
			if e.Part.By == llm.ByClient {
				s.calls = append(s.calls, e.Part.ID)
			}
		}
	case llm.EventDelta:
		if at := slices.Index(s.index, e.Index); at >= 0 {
			s.parts[at].Text += e.Text
			s.size += len(e.Text)
		}
	case llm.EventSeal, llm.EventClose:
		if at := slices.Index(s.index, e.Index); at >= 0 && e.Part.Seal.Data != "" {
			s.parts[at].Seal = e.Part.Seal
			s.note(e.Part.Seal)
		}
	}
}

func (s *sealed) note(seal llm.Seal) {
	s.any = s.any || seal.Data != ""
	s.size += len(seal.Data)
}

// keep stores the sealed reasoning of a turn with tool calls where the client's dialect has no place for it: providers
// refuse a tool's continuation without its seal. It is found again by the call's id.
func (c *call) keep(t *try, p *witness) {
	s := &p.turn
	if c.e.seals == nil || !s.any || s.size > sealedMost || c.d.Name() == t.up.Name() {
		return
	}
	for _, id := range s.calls {
		c.e.seals.Put(c.x.Grant.Key, t.a.Target.Provider, id, s.parts)
	}
}

// unseal puts sealed reasoning back into the turns of a request it was taken from. The request is shared by attempts
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
		parts := c.sealedTurn(m, t)
		if parts == nil {
			continue
		}
		if out == req {
			own := *req
			own.Messages = slices.Clone(req.Messages)
			out = &own
		}
		for _, p := range m.Parts {
			if p.Kind != llm.PartReasoning {
				parts = append(parts, p)
			}
		}
		out.Messages[i].Parts = parts
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
