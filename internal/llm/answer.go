package llm

import (
	"encoding/json"

	"weir/internal/fault"
)

// StopReason is why a choice ended.
type StopReason string

// The stop reasons.
const (
	StopEnd       StopReason = "end"
	StopSequence  StopReason = "stop"
	StopCalls     StopReason = "calls"
	StopLength    StopReason = "length"
	StopContext   StopReason = "context"
	StopFilter    StopReason = "filter"
	StopRefusal   StopReason = "refusal"
	StopPause     StopReason = "pause"
	StopMalformed StopReason = "malformed"
	StopError     StopReason = "error"
)

// Stop says why a choice ended; the zero value means that it was not said.
type Stop struct {
	Reason   StopReason
	Native   string // the provider's word
	Sequence string // the stop sequence that was met
	Detail   string
	Raw      json.RawMessage
}

// Choice is one of the answers.
type Choice struct {
	Parts []Part
	Stop  Stop
	Extra Extra
}

// Response is a whole answer.
type Response struct {
	From            Dialect // its Extra and Raw belong there
	ID, Model, Tier string
	Created         Num
	Choices         []Choice
	Usage           *Usage
	Fault           *fault.Fault
	Extra           Extra
}

// EventKind says what an event of the canonical stream is.
type EventKind uint8

// The kinds of events. See the grammar at Event.
const (
	EventStart EventKind = iota + 1
	EventOpen
	EventDelta
	EventSeal
	EventCite
	EventProgress
	EventEcho
	EventClose
	EventStop
	EventUsage
	EventPing
	EventNote
	EventEnd
	EventFault
)

// Event is one step of the canonical stream:
//
//	stream = Start { part | Stop | Usage | Ping | Note } ( End | Fault )
//	part   = Open { Delta | Seal | Cite | Progress | Echo } Close
//
// Start comes first, once (or Fault alone); End or Fault comes last, once. Delta, Seal, Cite, Progress, Echo and Close
// name an open part by Choice and Index. A part opens and closes once, before its choice's Stop. Parts of a choice may
// be open together. There is one Stop per choice. Usage may come several times: Merge takes the last stated value.
//
// An event is valid until the next one is asked for: its strings may be kept, its Raw and From may not.
type Event struct {
	Kind          EventKind
	Choice, Index int     // Index: parts of a choice from 0, in order of Open
	Part          Part    // Open: head without Text, Args. Seal, Cite, Close: what became known. Delta: Logprobs, Media.Data (more of it)
	Text          string  // Delta: grows Text (Args for a Call); Progress: the word
	From          Dialect // Start: the dialect of Extra and Raw
	ID, Model     string  // Start
	Tier          string  // Start
	Created       Num     // Start
	Stop          Stop
	Usage         *Usage // a running total, not a difference
	Fault         *fault.Fault
	Extra         Extra           // Start, Stop, End: members of the answer and of the choice
	Raw           json.RawMessage // Note; Delta of an Opaque part: the dialect's own
	Amended       bool            // changed by a filter
}

// Grade says how grave a loss is.
type Grade uint8

// Grades of losses, rising. Strict requests are refused from Changed up.
const (
	Aside   Grade = iota + 1 // of the provider's own running, no part of what was answered: records have it, x-weir-lost has not
	Filled                   // a default was invented where the target demands a value
	Changed                  // said in another way, not quite the same
	Dropped                  // not said at all
)

// String returns the grade's word in records.
func (g Grade) String() string {
	switch g {
	case Aside:
		return "aside"
	case Filled:
		return "filled"
	case Changed:
		return "changed"
	case Dropped:
		return "dropped"
	}
	return "none"
}

// Loss is something one dialect said that another cannot. Path is in the client's document (tools[0].cache_control);
// losses of an answer begin with "answer." and name canonical members (answer.reasoning.signature).
type Loss struct {
	Path  string
	Why   string
	Grade Grade
}
