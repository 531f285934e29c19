package llm

import (
	"iter"
	"slices"

	"weir/internal/fault"
)

// heldEvent is what an event that waits costs beside its texts.
const heldEvent = 512

// Sequential puts the parts of each choice one after the other: the lowest open part flows, what belongs to later ones
// waits until it closes. Everything else passes at once. Where more than limit bytes would wait, a Fault ends the
// stream; a Fault of the stream itself discards what waits. It holds nothing while parts do not overlap.
func Sequential(in iter.Seq2[Event, error], limit int) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		s := sequencer{}
		for e, err := range in {
			if err != nil {
				yield(Event{}, err)
				return
			}
			switch e.Kind {
			case EventOpen, EventDelta, EventSeal, EventCite, EventProgress, EventEcho, EventClose:
				if !s.take(e, yield) {
					return
				}
				if s.size > limit {
					yield(Event{Kind: EventFault, Fault: fault.New(fault.Upstream,
						"the answer's parts overlap by more than %d bytes; this client must have them one after the other", limit)}, nil)
					return
				}
			default:
				if !yield(e, nil) {
					return
				}
			}
		}
	}
}

type sequencer struct {
	lanes []lane
	size  int
}

// lane is one choice: which of its parts flows, and the later ones in order.
type lane struct {
	choice, flowing int
	busy            bool
	held            []heldPart
}

type heldPart struct {
	index  int
	size   int
	closed bool
	events []Event
}

func (s *sequencer) take(e Event, yield func(Event, error) bool) bool {
	l := s.lane(e.Choice)
	if !l.busy && e.Kind == EventOpen {
		l.busy, l.flowing = true, e.Index
	}
	if l.busy && e.Index != l.flowing {
		s.hold(l, e)
		return true
	}
	if !yield(e, nil) {
		return false
	}
	if e.Kind == EventClose {
		return s.release(l, yield)
	}
	return true
}

func (s *sequencer) lane(choice int) *lane {
	for i := range s.lanes {
		if s.lanes[i].choice == choice {
			return &s.lanes[i]
		}
	}
	s.lanes = append(s.lanes, lane{choice: choice})
	return &s.lanes[len(s.lanes)-1]
}

func (s *sequencer) hold(l *lane, e Event) {
	i := slices.IndexFunc(l.held, func(h heldPart) bool { return h.index == e.Index })
	if i < 0 {
		i = len(l.held)
		l.held = append(l.held, heldPart{index: e.Index})
	}
	h := &l.held[i]
	e = e.Clone()
	size := heldEvent + e.Part.size() + len(e.Text) + len(e.Raw) + e.Extra.size()
	h.size += size
	s.size += size
	h.closed = h.closed || e.Kind == EventClose
	h.events = append(h.events, e)
}

// release lets go what waited for the part that just closed.
func (s *sequencer) release(l *lane, yield func(Event, error) bool) bool {
	l.busy = false
	for len(l.held) > 0 {
		next := l.held[0]
		l.held = l.held[1:]
		s.size -= next.size
		for _, e := range next.events {
			if !yield(e, nil) {
				return false
			}
		}
		if !next.closed {
			l.busy, l.flowing = true, next.index
			return true
		}
	}
	return true
}

func (p *Part) size() int {
	n := len(p.Text) + len(p.Args) + len(p.Seal.Data) + len(p.Raw) + p.Extra.size() + heldEvent*(len(p.Cites)+len(p.Logprobs))
	if p.Media != nil {
		n += len(p.Media.Data) + len(p.Media.Text) + len(p.Media.URL)
	}
	for i := range p.Result {
		n += p.Result[i].size()
	}
	return n
}

func (x Extra) size() int {
	n := 0
	for name, raw := range x {
		n += len(name) + len(raw)
	}
	return n
}
