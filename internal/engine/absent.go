package engine

import (
	"iter"
	"slices"

	"weir/internal/llm"
)

// absent stands where a dialect has a seal on every thought, and the model that thought gave none. A history that holds it
// is not passed to a provider as it is, which would refuse the unsealed thought: it is written anew, without it.
var absent = llm.Seal{By: "absent", Form: llm.SealSignature, Data: "-"}

// sealing are the dialects whose providers refuse a thought without a seal of theirs.
var sealing = []llm.Dialect{llm.AnthropicMessages, llm.OpenAIResponses, llm.BedrockConverse, llm.BedrockInvoke}

// thought is reasoning of a stream that is under way.
type thought struct {
	choice, index int
	said, sealed  bool
}

// vouch puts absent on thoughts that end without a seal, for clients that send them back where one must be.
func (p *witness) vouch(e *llm.Event) {
	if p.t.up.Name() == p.c.d.Name() || !slices.Contains(sealing, p.c.d.Name()) {
		return
	}
	if e.Kind == llm.EventOpen && e.Part.Kind == llm.PartReasoning {
		p.thoughts = append(p.thoughts, thought{e.Choice, e.Index, e.Part.Text != "", e.Part.Seal.Data != ""})
		return
	}
	at := slices.IndexFunc(p.thoughts, func(t thought) bool { return t.choice == e.Choice && t.index == e.Index })
	if at < 0 {
		return
	}
	t := &p.thoughts[at]
	switch e.Kind {
	case llm.EventDelta:
		t.said = t.said || e.Text != ""
	case llm.EventSeal:
		t.sealed = true
	case llm.EventClose:
		if t.said && !t.sealed && e.Part.Seal.Data == "" {
			e.Part.Seal = absent
		}
		p.thoughts = slices.Delete(p.thoughts, at, at+1)
	}
}

// opening are the dialects whose providers, while they think, refuse a turn with calls that has no thought.
var opening = []llm.Dialect{llm.AnthropicMessages, llm.BedrockConverse, llm.BedrockInvoke}

// demandsThought reports whether a turn with calls must have a thought when it comes back: a client that has its models
// think may put such a question to another one next, in the middle of the turn.
func (c *call) demandsThought(t *try) bool {
	if t.up.Name() == c.d.Name() || !slices.Contains(opening, c.d.Name()) || c.request == nil {
		return false
	}
	r := &c.request.Reasoning
	return r.Mode == "on" || r.Mode == "adaptive" || r.Mode == "" && r.Budget != ""
}

// isCall reports whether a part is a call of a tool of the client's.
func isCall(p *llm.Part) bool { return p.Kind == llm.PartCall && p.By == llm.ByClient }

// thoughtful puts an empty thought with absent before the first call of an answer that has no thought.
func (p *witness) thoughtful(in iter.Seq2[llm.Event, error]) iter.Seq2[llm.Event, error] {
	if !p.c.demandsThought(p.t) {
		return in
	}
	return func(yield func(llm.Event, error) bool) {
		type shift struct{ choice, from int }
		var thinks []int // choices with a thought
		var shifts []shift
		for e, err := range in {
			if err == nil && e.Kind == llm.EventOpen && !slices.Contains(thinks, e.Choice) {
				if e.Part.Kind == llm.PartReasoning {
					thinks = append(thinks, e.Choice)
				} else if isCall(&e.Part) {
					thinks = append(thinks, e.Choice)
					shifts = append(shifts, shift{e.Choice, e.Index})
					added := llm.Event{Kind: llm.EventOpen, Choice: e.Choice, Index: e.Index, Part: llm.Part{Kind: llm.PartReasoning}, From: e.From}
					if !yield(added, nil) {
						return
					}
					added.Kind, added.Part = llm.EventClose, llm.Part{Seal: absent}
					if !yield(added, nil) {
						return
					}
				}
			}
			if err == nil && slices.ContainsFunc(shifts, func(s shift) bool { return s.choice == e.Choice && e.Index >= s.from }) {
				e.Index++
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

// vouchWhole does for a whole answer what vouch and thoughtful do for a stream.
func (c *call) vouchWhole(t *try, whole *llm.Response) {
	if t.up.Name() == c.d.Name() || !slices.Contains(sealing, c.d.Name()) {
		return
	}
	for i := range whole.Choices {
		parts := whole.Choices[i].Parts
		thinks := !c.demandsThought(t)
		for j := range parts {
			if p := &parts[j]; p.Kind == llm.PartReasoning {
				thinks = true
				if p.Text != "" && p.Seal.Data == "" {
					p.Seal = absent
				}
			}
		}
		if at := slices.IndexFunc(parts, func(p llm.Part) bool { return isCall(&p) }); !thinks && at >= 0 {
			whole.Choices[i].Parts = slices.Insert(slices.Clone(parts), at, llm.Part{Kind: llm.PartReasoning, Seal: absent})
		}
	}
}

// unvouched returns a request without the marks, for a target of another dialect than the client's: it judges thoughts
// without a seal by itself. The request is not changed; the result is a copy where there was one.
func unvouched(req *llm.Request) *llm.Request {
	out := req
	for i := range req.Messages {
		parts := req.Messages[i].Parts
		if !slices.ContainsFunc(parts, func(p llm.Part) bool { return p.Seal == absent }) {
			continue
		}
		if out == req {
			own := *req
			own.Messages = slices.Clone(req.Messages)
			out = &own
		}
		parts = slices.Clone(parts)
		for j := range parts {
			if parts[j].Seal == absent {
				parts[j].Seal = llm.Seal{}
			}
		}
		out.Messages[i].Parts = parts
	}
	return out
}
