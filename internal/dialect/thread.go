package dialect

import (
	"weir/internal/frame"
	"weir/internal/llm"
)

// Thread is what a call says of the conversation it belongs to, and of keeping its answer.
type Thread struct {
	Previous   string   // it goes on from the answer of this id; "" = from none
	Member     string   // the member that says so
	Store      *bool    // whether the answer shall be kept; nil = not said, which is the dialect's default: it is
	Background bool     // the client does not wait for the answer
	Elsewhere  string   // a member that names what its provider alone keeps (conversation, prompt); "" = none
	References []string // ids of kept items that the input stands for
}

// Threaded is implemented by dialects in which an answer may be kept, asked for again and gone on from. Where a dialect is
// no Keeper too, only providers keep its answers.
type Threaded interface {
	// Thread reads a call that passed Peek.
	Thread(c Call) (Thread, error)
	// Whole returns the whole answer that the last event of a stream holds, nil for any other frame.
	Whole(f frame.Frame) []byte
	// ItemIDs returns the ids of a whole answer's items.
	ItemIDs(answer []byte) []string
}

// Keeper is a Threaded dialect whose conversations the gateway can keep itself. Items are raw JSON values, as they stand in
// an array, with commas between them.
type Keeper interface {
	Threaded
	// Input appends the items of the call's own input.
	Input(dst []byte, c Call) []byte
	// Resume appends a body to dst in which before stands in front of the call's own input, every reference to an item
	// is replaced by what item returns for it, and the answer that the call goes on from is not named any more. The call
	// returned has passed Peek. Where item returns nil the reference stays.
	Resume(dst []byte, c Call, before []byte, item func(id string) []byte) (Call, error)
	// Output appends the items of a whole answer.
	Output(dst, answer []byte) []byte
	// Item returns the item of this id among items, nil if it is not there.
	Item(items []byte, id string) []byte
	// Continues appends a whole answer that says it goes on from the answer previous.
	Continues(dst, answer []byte, previous string) []byte
	// ContinuesFrame returns a frame of a stream whose answer, where it holds one, says so.
	ContinuesFrame(f frame.Frame, previous string) frame.Frame
	// Waiting appends an answer of which nothing is there yet: with the state of one that runs in the background.
	Waiting(dst []byte, req *llm.Request, id, model, created string) []byte
	// Ended appends a waiting answer with the state of one that was cancelled, or failed with a fault body of this
	// dialect.
	Ended(dst, waiting []byte, cancelled bool, faultBody []byte) []byte
	// List appends one page of items as the dialect lists them: newest first unless ascending, after the item of that id,
	// at most limit. Items without an id get one made of prefix and their place.
	List(dst, items []byte, prefix, after string, limit int, ascending bool) []byte
	// Deleted appends what tells that an answer was deleted.
	Deleted(dst []byte, id string) []byte
}
