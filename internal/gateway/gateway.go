// Package gateway is the domain: what an exchange is, who may do what, where a request can go and what is written down
// of it. It holds values and interfaces and does no I/O.
package gateway

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"time"

	"weir/internal/fault"
	"weir/internal/llm"
)

// Target is one place a request can be sent to: a provider's name in the document and the model's name there.
type Target struct{ Provider, Model string }

// String returns PROVIDER/MODEL, of a target without a model PROVIDER.
func (t Target) String() string {
	if t.Model == "" {
		return t.Provider
	}
	return t.Provider + "/" + t.Model
}

// Grant is what a key may do. It is immutable and shared by all exchanges of the key.
type Grant struct {
	Account           // whose key it is; Key is its name, never the key
	Models  []string  // names it may use, exact or with *; nil = what its team may, or every declared name
	Shared  []string  // names that all keys of its team may use at most; nil = any
	Strict  bool      // refuse losses from Changed up
	Expires time.Time // zero = never
}

// May reports whether the grant allows a model name: both lists must. declared says that the name stands under the
// document's models; a grant without a list allows those and no PROVIDER/MODEL.
func (g *Grant) May(model string, declared bool) bool {
	if g.Models == nil && g.Shared == nil {
		return declared
	}
	return among(g.Models, model) && among(g.Shared, model)
}

// among reports whether a list, if there is one, has a model.
func among(list []string, model string) bool {
	return list == nil || slices.ContainsFunc(list, func(pattern string) bool { return Glob(pattern, model) })
}

// Glob reports whether name matches a pattern in which * stands for any run of bytes. Its time is linear in
// len(pattern)·len(name) at worst.
func Glob(pattern, name string) bool {
	head, rest, star := strings.Cut(pattern, "*")
	if !star {
		return pattern == name
	}
	if !strings.HasPrefix(name, head) {
		return false
	}
	name = name[len(head):]
	for {
		piece, more, again := strings.Cut(rest, "*")
		if !again {
			return strings.HasSuffix(name, piece)
		}
		i := strings.Index(name, piece)
		if i < 0 {
			return false
		}
		name, rest = name[i+len(piece):], more
	}
}

// Candidate is a target that was looked at when a plan was made, or when its turn came.
type Candidate struct {
	Target Target
	Why    string // why it was passed over; "" = it was not
}

// Plan says where a request may go, in order. It is made before anything is sent and not changed after.
type Plan struct {
	Rule       string        // the document's name that matched
	Targets    []Target      // in the order of tries
	Tries      int           // at most so many are tried
	MaxOutput  int64         // the model's limit on output; 0 = none
	Transforms llm.Transform // what may be done to a request that a target would not take as it is
	PassedOver []Candidate
}

// Router finds the rule for an exchange and plans it. It is a pure function over values and safe for concurrent use.
type Router interface {
	// Match returns the rule for the model asked for and whether the document declares it by name; the fault is NotFound.
	Match(x *Exchange) (rule string, declared bool, err error)
	Plan(rule string, x *Exchange) (Plan, error)
}

// Directory finds the grant of a presented credential. Implementations keep hashes only and compare them whole.
type Directory interface {
	Grant(credential string) (*Grant, bool)
}

// Policy has a name for records.
type Policy interface{ Name() string }

// Admitter is a policy that allows, amends or refuses (*fault.Fault) before anything is sent.
type Admitter interface {
	Policy
	Admit(context.Context, *Exchange) error
}

// Settler is a policy that has something to finish when the exchange ends, however it ends.
type Settler interface {
	Policy
	Settle(*Exchange)
}

// Watcher is a policy that is asked while a session lasts, whenever its provider has stated what something came to: the
// exchange's usage and cost are those so far. The error is a *fault.Fault; the client is told, and the session ends.
type Watcher interface {
	Policy
	Allow(context.Context, *Exchange) error
}

// Observer sees every exchange begin and end. End takes over the exchange: nobody changes it after.
type Observer interface {
	Begin(*Exchange)
	End(*Exchange)
}

// Seals keeps sealed reasoning for clients whose dialect has no place for it, so that it can be put back when the
// conversation returns. Implementations are bounded and expiring, keep nothing in the clear, and are safe for
// concurrent use.
type Seals interface {
	// Put keeps the sealed parts of the turn that made the tool call.
	Put(tenant, provider, callID string, parts []llm.Part)
	// Get returns what was kept, nil if nothing is.
	Get(tenant, provider, callID string) []llm.Part
}

// Turn is what is kept of one answer, so that a conversation can go on from it and the answer can be asked for again.
// Treat it as immutable.
type Turn struct {
	ID      string      // as the client knows it
	Owner   string      // the key's name; nobody else finds the turn
	Dialect llm.Dialect // of Before and Answer
	Model   string      // as the client asked for it
	Target  Target      // who answered
	Native  bool        // the provider keeps the conversation itself: here is only whose it is and where
	State   TurnState
	Made    time.Time
	Ends    time.Time // it is forgotten then
	Before  []byte    // JSON array: all items of the conversation up to the answer; nil where Native
	Answer  []byte    // the answer as the client got it; nil where Native or not there yet
	Items   []string  // ids of the answer's items, which may be referred to
}

// TurnState says how far a kept answer is.
type TurnState string

// The states of a turn.
const (
	TurnRunning   TurnState = "running" // in the background
	TurnDone      TurnState = "done"
	TurnFailed    TurnState = "failed"
	TurnCancelled TurnState = "cancelled"
)

// Threads keeps turns. Implementations are bounded: a full one refuses and never forgets in silence. What they keep is
// not in the clear on any disk. They are safe for concurrent use and never block for long.
type Threads interface {
	// Put keeps a turn, or replaces the one of that owner and id. The error is a *fault.Fault: Unavailable where there is
	// no room, saying so, Internal where it cannot be written.
	Put(Turn) error
	// Get returns a turn; false if there is none, it has ended, or it is another's.
	Get(owner, id string) (Turn, bool)
	// Delete forgets a turn and reports whether there was one.
	Delete(owner, id string) bool
	// Holding returns the owner's turn that has an item of this id in its answer; false if there is none.
	Holding(owner, item string) (Turn, bool)
}

// Ending is how an exchange ended.
type Ending string

// The endings.
const (
	Done       Ending = "done"        // the answer was delivered whole
	Refused    Ending = "refused"     // by us, before anything was sent
	Failed     Ending = "failed"      // no target answered; the client got an error
	Cut        Ending = "cut"         // the answer broke off; the client was told
	ClientGone Ending = "client_gone" // the client left
)

// Mode is how an attempt carried the request.
type Mode string

// The modes: bytes passed, translated between dialects, or nothing sent because the answer is an estimate of ours.
const (
	Passed     Mode = "passed"
	Translated Mode = "translated"
	Estimated  Mode = "estimated"
)

// Attempt is one try of one target. Durations count from the attempt's start; zero means that it did not come to it.
type Attempt struct {
	Target     Target
	Dialect    llm.Dialect // spoken with the provider
	Mode       Mode
	Start      time.Duration // from the exchange's start
	Head       time.Duration // until the answer's head
	FirstEvent time.Duration // until something of substance came
	Took       time.Duration
	Status     int    // the provider's, 0 = no head came
	UpstreamID string // the provider's request id
	Fault      *fault.Fault
	Losses     []llm.Loss
	Prepared   []string // what the model's transforms did to the request, as TRANSFORM PATH

	State EntryState // of its entry in the ledger; "" = it has none
	Held  Money      // what was set aside for it
	Usage *llm.Usage
	Cost  Money
}

// Exchange is one request and its answer: the record of everything that was decided and done. One goroutine owns it
// until Observer.End.
type Exchange struct {
	ID       string // UUIDv7
	Start    time.Time
	Revision string // of the configuration it ran under
	Method   string
	Path     string // without query
	Client   netip.Addr
	Agent    string // User-Agent, bounded
	Dialect  llm.Dialect
	Op       llm.Op
	Grant    *Grant // nil = not identified
	Head     llm.Head
	Strict   bool
	Batch    string   // the batch it is about, or a request of; "" = none
	EndUser  string   // as the client names its own user; "" = it does not
	Session  string   // as the client names what belongs together
	Tags     []string // NAME=VALUE, sorted, as the client gave them

	Drawn     []Drawn    // what admitting it has taken out of pots; the policy that took it settles it
	Standings []Standing // of the limits it was let in by, for what the client is told of them

	Plan     Plan
	Attempts []Attempt

	Status     int // what the client got; 499 = it left before
	Ending     Ending
	Fault      *fault.Fault // the one the client was shown or that ended the exchange
	Losses     []llm.Loss   // of request and answer, for the target that answered
	Usage      *llm.Usage
	Cost       Money    // of all its attempts, at the prices in force when the exchange began; where Unpriced, what could be priced of it
	Overrun    Money    // what attempts cost beyond what was held for them
	Capped     int64    // the limit on output that a policy has set; 0 = none
	CappedBy   string   // and which
	Price      string   // whose price it is: PROVIDER/MODEL as the table has it, and the table's version; "" = none
	Unpriced   string   // why Cost is not the whole cost; "" = it is
	Answers    int64    // of a session: how many were given
	Beside     []Beside // of a session: what other models used in it; their cost is in Cost
	Alert      bool     // where Unpriced: the document wants to be told
	Stop       llm.Stop
	Model      string // the answering model's own name
	AnswerID   string
	BytesIn    int64         // request body as received
	BytesOut   int64         // answer body as sent
	FirstByte  time.Duration // until the first byte went to the client
	FirstEvent time.Duration // until the first event of substance went to the client
	Took       time.Duration
	Unkept     *fault.Fault // why the answer is not kept although it was to be
}

// Beside is what another model than the one that answers used in a session, such as one that transcribes what is said.
type Beside struct {
	Model string // as the provider knows it; "" = not told
	Usage llm.Usage
	Cost  Money
}

// Answered returns the target that answered, or the last one tried; the zero Target if none was.
func (x *Exchange) Answered() Target {
	if len(x.Attempts) == 0 {
		return Target{}
	}
	return x.Attempts[len(x.Attempts)-1].Target
}
