package gateway

import (
	"time"

	"weir/internal/llm"
)

// Thing is what a provider keeps for a key under a name: a file, a batch, a job of fine-tuning. Treat it as immutable.
type Thing struct {
	ID      string // the gateway's own, see Things.Name
	Kind    llm.ThingKind
	Owner   string      // the key's name; nobody else finds the thing
	Dialect llm.Dialect // it was made in
	Target  Target      // who keeps it, and the model it is for; Model "" = none
	Native  string      // the provider's id
	Made    time.Time
	Ends    time.Time // it is forgotten then; zero = when it is deleted
	Object  []byte    // the JSON object that the client was last shown, with the gateway's ids in it

	Purpose string    // of a file, in the dialect's word
	Parent  string    // the thing it was made from: a batch's output has the batch's ID, a batch that of its file; "" = none
	Path    string    // of a batch, or of a file made for one: where its requests go, /v1/chat/completions; of a file of Gemini's: its address there
	Lines   int       // and how many they are
	Asked   []Renamed // and the models they ask for
	Settled bool      // of a batch: it is over, and what each line came to has been recorded
}

// Renamed is a model as a client asked for it and as the target knows it.
type Renamed struct{ Asked, Target string }

// Things keeps whose things are whose and what was last known of them; the things themselves stay with their providers.
// Implementations are bounded: a full one refuses and never forgets in silence. What they keep is not in the clear on any
// disk. They are safe for concurrent use and never block for long.
type Things interface {
	// Name returns the gateway's id for a provider's: always the same for the same arguments, beginning with prefix and
	// llm.ThingTag, and readable by Native alone.
	Name(owner, prefix string, kind llm.ThingKind, provider, native string) string
	// Native reads an id that Name made for this owner; false for any other text.
	Native(owner, id string) (kind llm.ThingKind, provider, native string, ok bool)
	// Put keeps a thing, or replaces the one of that owner and id. The error is a *fault.Fault: Unavailable where there is
	// no room, saying so, Internal where it cannot be written.
	Put(Thing) error
	// Get returns a thing; false if there is none, it has ended, or it is another's.
	Get(owner, id string) (Thing, bool)
	// Delete forgets a thing and reports whether there was one.
	Delete(owner, id string) bool
	// List returns the owner's things of a kind, newest first.
	List(owner string, kind llm.ThingKind) []Thing
	// Unsettled returns the batches of all owners that are not settled.
	Unsettled() []Thing
	// Any reports, at no cost, whether anything is kept at all.
	Any() bool
}

// Roll is implemented by directories that know their keys by name.
type Roll interface {
	Named(key string) (*Grant, bool)
}
