package llm

import (
	"bytes"
	"fmt"
	"iter"
	"maps"
	"slices"

	"weir/internal/fault"
)

// MaxChoices is how many choices one answer may have.
const MaxChoices = 128

// Clone returns e with memory of its own: it may be kept after the next event is asked for.
func (e Event) Clone() Event {
	e.Part = e.Part.clone()
	e.Stop.Raw = bytes.Clone(e.Stop.Raw)
	e.Extra = e.Extra.clone()
	e.Raw = bytes.Clone(e.Raw)
	if e.Usage != nil {
		u := e.Usage.clone()
		e.Usage = &u
	}
	return e
}

func (p Part) clone() Part {
	if p.Media != nil {
		m := *p.Media
		p.Media = &m
	}
	if p.Result != nil {
		p.Result = slices.Clone(p.Result)
		for i := range p.Result {
			p.Result[i] = p.Result[i].clone()
		}
	}
	if p.Cites != nil {
		p.Cites = slices.Clone(p.Cites)
		for i := range p.Cites {
			p.Cites[i].Extra = p.Cites[i].Extra.clone()
		}
	}
	p.Logprobs = cloneLogprobs(p.Logprobs)
	p.Raw = bytes.Clone(p.Raw)
	p.Extra = p.Extra.clone()
	return p
}

func cloneLogprobs(in []Logprob) []Logprob {
	out := slices.Clone(in)
	for i := range out {
		out[i].Bytes = bytes.Clone(out[i].Bytes)
		out[i].Top = cloneLogprobs(out[i].Top)
		out[i].Extra = out[i].Extra.clone()
	}
	return out
}

func (x Extra) clone() Extra {
	out := maps.Clone(x)
	for name, raw := range out {
		out[name] = bytes.Clone(raw)
	}
	return out
}

func (u Usage) clone() Usage {
	u.Extra = u.Extra.clone()
	u.Rounds = slices.Clone(u.Rounds)
	for i := range u.Rounds {
		u.Rounds[i] = u.Rounds[i].clone()
	}
	return u
}

// Grammar returns a checker of one canonical stream: called with each event in turn, its error names the rule of Event
// that was broken. An event without a kind asks whether the stream has come to its end.
func Grammar() func(Event) error {
	g := &grammar{choices: map[int]*grammarChoice{}}
	return g.check
}

type grammar struct {
	started, ended bool
	choices        map[int]*grammarChoice
}

type grammarChoice struct {
	opened  int
	open    map[int]bool
	stopped bool
}

func (g *grammar) check(e Event) error {
	if e.Kind == 0 {
		if !g.ended {
			return fmt.Errorf("the stream has neither End nor Fault")
		}
		return nil
	}
	if g.ended {
		return fmt.Errorf("event %d after the end", e.Kind)
	}
	switch e.Kind {
	case EventStart:
		if g.started {
			return fmt.Errorf("a second Start")
		}
		g.started = true
		return nil
	case EventFault:
		g.ended = true
		if e.Fault == nil {
			return fmt.Errorf("a Fault event without a fault")
		}
		return nil
	}
	if !g.started {
		return fmt.Errorf("event %d before Start", e.Kind)
	}
	switch e.Kind {
	case EventUsage:
		if e.Usage == nil {
			return fmt.Errorf("a Usage event without usage")
		}
	case EventPing, EventNote:
	case EventEnd:
		g.ended = true
		for n, c := range g.choices {
			if len(c.open) > 0 {
				return fmt.Errorf("the stream ends while parts of choice %d are open", n)
			}
		}
	default:
		return g.part(e)
	}
	return nil
}

func (g *grammar) part(e Event) error {
	if e.Choice < 0 || e.Choice >= MaxChoices {
		return fmt.Errorf("choice %d is out of range", e.Choice)
	}
	c := g.choices[e.Choice]
	if c == nil {
		c = &grammarChoice{open: map[int]bool{}}
		g.choices[e.Choice] = c
	}
	at := fmt.Sprintf("choice %d part %d", e.Choice, e.Index)
	switch e.Kind {
	case EventOpen:
		switch {
		case c.stopped:
			return fmt.Errorf("%s opens after the Stop", at)
		case e.Index != c.opened:
			return fmt.Errorf("%s opens where part %d is due", at, c.opened)
		case e.Part.Kind < PartText || e.Part.Kind > PartOpaque:
			return fmt.Errorf("%s opens without a kind", at)
		case e.Part.Text != "" || e.Part.Args != "":
			return fmt.Errorf("%s opens with text", at)
		}
		c.opened++
		c.open[e.Index] = true
	case EventDelta, EventSeal, EventCite, EventProgress, EventEcho, EventClose:
		switch {
		case !c.open[e.Index]:
			return fmt.Errorf("event %d for %s, which is not open", e.Kind, at)
		case e.Kind == EventSeal && e.Part.Seal == Seal{}:
			return fmt.Errorf("a Seal event without a seal for %s", at)
		case e.Kind == EventCite && len(e.Part.Cites) == 0:
			return fmt.Errorf("a Cite event without a citation for %s", at)
		}
		if e.Kind == EventClose {
			delete(c.open, e.Index)
		}
	case EventStop:
		if c.stopped {
			return fmt.Errorf("a second Stop of choice %d", e.Choice)
		}
		if len(c.open) > 0 {
			return fmt.Errorf("Stop of choice %d while parts are open", e.Choice)
		}
		c.stopped = true
	default:
		return fmt.Errorf("unknown event %d", e.Kind)
	}
	return nil
}

// Collect gathers a stream into the answer it tells, which is what DecodeResponse yields for the same answer. Deltas,
// seals, citations and log probabilities grow their part; what Close brings completes it (its Raw and Extra replace);
// usage is merged; Extra of Start and End go to the response, of Stop to its choice. from is the dialect of Extra and
// Raw where Start names none.
//
// A Fault event ends up in Response.Fault and is no error. An error of the stream is returned with what had come.
func Collect(from Dialect, in iter.Seq2[Event, error]) (*Response, error) {
	c := collector{resp: &Response{From: from}}
	for e, err := range in {
		if err == nil {
			err = c.add(e)
		}
		if err != nil {
			return c.finish(), err
		}
	}
	return c.finish(), nil
}

type collector struct {
	resp    *Response
	choices []collectedChoice
}

type collectedChoice struct {
	choice Choice
	texts  [][]byte // of the parts of the same index
	media  [][]byte
}

func (c *collector) add(e Event) error {
	switch e.Kind {
	case EventStart:
		c.resp.ID, c.resp.Model, c.resp.Tier, c.resp.Created = e.ID, e.Model, e.Tier, e.Created
		if e.From != "" {
			c.resp.From = e.From
		}
		c.resp.Extra = c.resp.Extra.merge(e.Extra)
	case EventEnd:
		c.resp.Extra = c.resp.Extra.merge(e.Extra)
		if e.Tier != "" {
			c.resp.Tier = e.Tier
		}
	case EventFault:
		c.resp.Fault = e.Fault
	case EventUsage:
		if e.Usage == nil {
			return nil
		}
		if c.resp.Usage == nil {
			c.resp.Usage = &Usage{}
		}
		u := e.Usage.clone()
		c.resp.Usage.Merge(&u)
	case EventStop:
		ch, err := c.choice(e.Choice)
		if err != nil {
			return err
		}
		ch.choice.Stop = e.Stop
		ch.choice.Stop.Raw = bytes.Clone(e.Stop.Raw)
		ch.choice.Extra = ch.choice.Extra.merge(e.Extra)
	case EventOpen, EventDelta, EventSeal, EventCite, EventClose:
		ch, err := c.choice(e.Choice)
		if err != nil {
			return err
		}
		return ch.part(e)
	}
	return nil
}

func (c *collector) choice(n int) (*collectedChoice, error) {
	if n < 0 || n >= MaxChoices {
		return nil, fault.New(fault.Upstream, "the answer has a choice numbered %d; at most %d choices are read", n, MaxChoices)
	}
	for len(c.choices) <= n {
		c.choices = append(c.choices, collectedChoice{})
	}
	return &c.choices[n], nil
}

func (c *collectedChoice) part(e Event) error {
	if e.Kind == EventOpen {
		if e.Index != len(c.choice.Parts) {
			return fault.New(fault.Internal, "part %d of an answer opens where %d is due", e.Index, len(c.choice.Parts))
		}
		c.choice.Parts = append(c.choice.Parts, e.Part.clone())
		c.texts, c.media = append(c.texts, nil), append(c.media, nil)
		return nil
	}
	if e.Index < 0 || e.Index >= len(c.choice.Parts) {
		return fault.New(fault.Internal, "part %d of an answer grows before it opens", e.Index)
	}
	p := &c.choice.Parts[e.Index]
	switch e.Kind {
	case EventDelta:
		c.texts[e.Index] = append(c.texts[e.Index], e.Text...)
		p.Logprobs = append(p.Logprobs, cloneLogprobs(e.Part.Logprobs)...)
		if e.Part.Media != nil {
			c.media[e.Index] = append(c.media[e.Index], e.Part.Media.Data...)
		}
	case EventSeal:
		p.Seal = e.Part.Seal
	case EventCite:
		p.Cites = append(p.Cites, e.Part.clone().Cites...)
	case EventClose:
		p.complete(e.Part.clone())
	}
	return nil
}

// complete takes over what became known when the part closed.
func (p *Part) complete(q Part) {
	set := func(dst *string, src string) {
		if src != "" {
			*dst = src
		}
	}
	set(&p.ID, q.ID)
	set(&p.Name, q.Name)
	set(&p.Item, q.Item)
	set(&p.Phase, q.Phase)
	if q.Media != nil {
		p.Media = q.Media
	}
	if q.Result != nil {
		p.Result = q.Result
	}
	if q.Seal != (Seal{}) {
		p.Seal = q.Seal
	}
	if q.Cache != nil {
		p.Cache = q.Cache
	}
	if q.Raw != nil {
		p.Raw = q.Raw
	}
	p.Failed = p.Failed || q.Failed
	p.Cites = append(p.Cites, q.Cites...)
	p.Logprobs = append(p.Logprobs, q.Logprobs...)
	p.Extra = p.Extra.merge(q.Extra)
}

func (x Extra) merge(y Extra) Extra {
	for name, raw := range y {
		if x == nil {
			x = Extra{}
		}
		x[name] = bytes.Clone(raw)
	}
	return x
}

func (c *collector) finish() *Response {
	for _, ch := range c.choices {
		for i := range ch.choice.Parts {
			p := &ch.choice.Parts[i]
			if p.Kind == PartCall {
				p.Args = string(ch.texts[i])
			} else {
				p.Text = string(ch.texts[i])
			}
			if len(ch.media[i]) > 0 && p.Media != nil {
				p.Media.Data += string(ch.media[i])
			}
		}
		c.resp.Choices = append(c.resp.Choices, ch.choice)
	}
	return c.resp
}

// Replay yields the stream that tells an answer: Collect of it is the answer again. A part's text comes in one delta.
// The events share memory with r.
func Replay(r *Response) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		send := func(e Event) bool { return yield(e, nil) }
		if !send(Event{Kind: EventStart, From: r.From, ID: r.ID, Model: r.Model, Tier: r.Tier, Created: r.Created, Extra: r.Extra}) {
			return
		}
		for n := range r.Choices {
			c := &r.Choices[n]
			for i := range c.Parts {
				if !replayPart(n, i, c.Parts[i], send) {
					return
				}
			}
			if !send(Event{Kind: EventStop, Choice: n, Stop: c.Stop, Extra: c.Extra}) {
				return
			}
		}
		if r.Usage != nil && !send(Event{Kind: EventUsage, Usage: r.Usage}) {
			return
		}
		if r.Fault != nil {
			send(Event{Kind: EventFault, Fault: r.Fault})
			return
		}
		send(Event{Kind: EventEnd})
	}
}

func replayPart(choice, index int, p Part, send func(Event) bool) bool {
	e := Event{Choice: choice, Index: index}
	text, cites, logprobs, seal := p.Text, p.Cites, p.Logprobs, p.Seal
	if p.Kind == PartCall {
		text = p.Args
	}
	p.Text, p.Args, p.Cites, p.Logprobs, p.Seal = "", "", nil, nil, Seal{}
	e.Kind, e.Part = EventOpen, p
	if !send(e) {
		return false
	}
	e.Part = Part{}
	if text != "" || logprobs != nil {
		e.Kind, e.Text, e.Part.Logprobs = EventDelta, text, logprobs
		if !send(e) {
			return false
		}
		e.Text, e.Part.Logprobs = "", nil
	}
	for i := range cites {
		e.Kind, e.Part.Cites = EventCite, cites[i:i+1:i+1]
		if !send(e) {
			return false
		}
	}
	e.Part.Cites = nil
	if seal != (Seal{}) {
		e.Kind, e.Part.Seal = EventSeal, seal
		if !send(e) {
			return false
		}
		e.Part.Seal = Seal{}
	}
	e.Kind = EventClose
	return send(e)
}
