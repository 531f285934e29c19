package dialect

import (
	"weir/internal/fault"
	"weir/internal/llm"
)

// Live is implemented by dialects that are spoken over a WebSocket, in which messages go both ways until a side closes.
// Peek reads the head of the call that opens a session, and Edit changes it.
type Live interface {
	Dialect
	// Session returns what reads the messages of one session.
	Session() Session
	// First reports whether the client's first message names the model: it is the body of the call. Else the call has
	// none, and the query names it.
	First() bool
}

// Session reads the messages of one session. FromClient and FromProvider may run at the same time, each in a goroutine
// of its own; neither keeps the bytes.
type Session interface {
	// FromClient reads a message before it goes up. It returns what to send: the message itself, or a copy in which only
	// names of models differ. The error is a *fault.Fault; the message does not go up then.
	FromClient(message []byte, govern Govern) ([]byte, error)
	// FromProvider reads a message as it passes to the client, and parses it only where it may tell something.
	FromProvider(message []byte) Told
	// Refusal appends what the client is told of a message of its that was refused, while the session goes on; nothing
	// where the dialect has no words for that.
	Refusal(dst, message []byte, f *fault.Fault) []byte
}

// Govern says which name goes up where a client's message names a model; beside says that it is another than the one
// that answers, such as one that transcribes what the client says. The error is a *fault.Fault.
type Govern func(name string, beside bool) (string, error)

// Told is what a message of a provider's tells of its session.
type Told struct {
	Usage  *llm.Usage // of one answer, or of one piece of work beside it; nil = none
	Beside bool       // the usage is that of the model Model, not of the one that answers
	Model  string     // who answers, or whose usage it is; "" = not told
	ID     string     // of the session
	Stop   llm.Stop   // of an answer
	Begun  bool       // an answer begins, or goes on
	Over   bool       // it is over
	Event  bool       // something of substance came

	Unstated bool // what the answer that is over used is not told
	Fault    *fault.Fault
}
