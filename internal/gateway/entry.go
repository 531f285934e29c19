package gateway

import (
	"time"

	"weir/internal/llm"
)

// Account names whom an exchange belongs to, from the whole down to the key. Names are those of the document; "" = none.
type Account struct{ Organisation, Team, Project, User, Key string }

// Payer says whose money an entry is.
type Payer string

// The payers: whoever called, and the house itself for what it does of its own accord.
const (
	Caller Payer = "caller"
	House  Payer = "weir"
)

// EntryState says how an entry ended, and how far its amount is known.
type EntryState string

// The states of an entry. Opened stands in a journal alone.
const (
	EntryOpened    EntryState = "opened"    // the hold is written, and the attempt may have been sent
	EntryDone      EntryState = "done"      // the answer came whole, and its provider stated the usage
	EntryEstimated EntryState = "estimated" // it came whole, and the usage was counted here
	EntryPartial   EntryState = "partial"   // the answer broke off
	EntryCancelled EntryState = "cancelled" // the client left
	EntryFailed    EntryState = "failed"    // nothing was answered, and it is billed all the same
	EntryUnknown   EntryState = "unknown"   // nobody knows: the hold is charged until it is reconciled
	EntryCached    EntryState = "cached"    // answered from a cache: it costs nothing
	EntryShadow    EntryState = "shadow"    // of the house's own accord, beside an exchange
	EntryCorrected EntryState = "corrected" // it changes what another entry says; its amounts are differences
)

// Entry is what the ledger keeps of one billable thing. What is not known of it is zero. Treat it as immutable once it was
// given to a Ledger.
type Entry struct {
	ID       string // of the gateway's own making: a UUID, the same however often the entry is written
	Exchange string // the exchange's ID
	Attempt  int    // which of the exchange's, from 0
	Node     string
	Revision string    // of the document it was admitted under
	At       time.Time // admission: the window it is charged to and the price it is charged at
	Ended    time.Time
	State    EntryState
	// Estimated tells that some of the usage was counted here, whatever the state.
	Estimated bool

	Payer Payer
	Account
	EndUser string   // as the client names its own user
	Session string   // as the client names what belongs together
	Tags    []string // NAME=VALUE, sorted

	Op         llm.Op
	Dialect    llm.Dialect // the client's
	Spoken     llm.Dialect // with the provider
	Rule       string      // the document's name that matched
	Asked      string      // the model, as the client asked for it
	Target     Target
	Model      string // the answering model's own name
	UpstreamID string // the provider's id of the request; known to nobody else, and never what an entry is found by
	AnswerID   string
	Batch      string // the batch it was a request of

	Usage    *llm.Usage // as the provider stated it
	Items    []EntryItem
	Cost     Money
	Held     Money  // what was set aside for it
	Saved    Money  // what it would have cost, had it not been cached
	Price    string // whose price it is: PROVIDER/MODEL as the table has it, and the table's version
	Unpriced string // why Cost is not the whole cost; "" = it is

	Charges  []Charge // the budgets it is charged to
	Corrects string   // the ID of the entry that it changes
	Reason   string   // of a correction
}

// EntryItem is a line of a cost: so many units of one component at a price.
type EntryItem struct {
	Component string // in the price table's words
	At        string // whose price was taken; "" = its own
	Units     int64  // tokens, characters, pieces; of seconds, thousandths
	Price     int64  // billionths of a dollar per million units
}

// Charge says which window of which budget an entry is charged to.
type Charge struct {
	Pot    string // its Name
	Window int64  // when the window, or of a rolling one the slot, begins: seconds since 1970
}

// Tokens returns what an entry counts as input and output; corrections have differences.
func (e *Entry) Tokens() (input, output int64) { return e.Usage.Billable() }

// Ledger writes down what attempts may cost before they are sent, and what they came to after. Implementations are safe
// for concurrent use.
type Ledger interface {
	// Open writes an entry whose Held and Charges are set, before its attempt is sent. What it wrote survives the end of the
	// process: an entry that is never closed becomes EntryUnknown, charged with what was held, at the next start. The error is
	// a *fault.Fault of the kind Unavailable: then nothing may be sent.
	Open(e *Entry) error
	// Close writes what an opened entry came to. An entry in the state EntryOpened came to nothing and leaves no trace. Close
	// never fails: what cannot be written is kept until it can be, and what was acknowledged is not lost.
	Close(e *Entry)
	// Book writes an entry that was never opened. One whose ID is booked already changes nothing.
	Book(e *Entry) error
}
