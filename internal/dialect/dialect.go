// Package dialect says what a wire language is.
//
// A dialect has a cheap face over bytes, which every request uses (Peek, Edit, Meter, Fault), and a full face over the
// canonical model (Codec), which only translation uses. A dialect may ship its cheap face first: it can be passed, not
// translated. Implementations live in the packages below this one; they hold no state and are safe for concurrent use.
package dialect

import (
	"iter"
	"net/http"

	"weir/internal/fault"
	"weir/internal/frame"
	"weir/internal/llm"
	"weir/internal/splice"
)

// Call is a request as it came in or goes out. Body is immutable; the model may be in body, path or query.
type Call struct {
	Op          llm.Op
	Path, Query string // Path is escaped as on the wire and begins with the dialect's own root: /v1/chat/completions
	Header      http.Header
	Body        []byte
	Index       splice.Index // where Peek found the governed members of Body
	Model       string       // the name the target knows it by, for addresses that hold it; "" = look into Body
}

// Edit is what the gateway may change in a call of the same dialect. Zero fields are left alone.
type Edit struct {
	Model     string // the target's name for the model
	MaxOutput int64  // a lower limit on the output
	MaxName   string // chat: the member a limit is inserted as where the call has none; "" = the dialect's own
	WantUsage bool   // ask for usage in the stream
}

// UsageFramer is a dialect in whose streams usage comes only when it was asked for, in a frame of its own.
type UsageFramer interface {
	// UsageFrame reports whether a frame's data states usage and holds nothing else for the client.
	UsageFrame(data []byte) bool
}

// Dialect is one wire language.
type Dialect interface {
	// Name is the word of the document.
	Name() llm.Dialect
	// Peek validates the body, reads the head of a call without decoding it and notes in c.Index where it stands. The
	// error is a *fault.Fault (Malformed) that names the member at fault; bodies on whose governed members readers
	// could disagree are refused.
	Peek(c *Call) (llm.Head, error)
	// Edit returns c with a body appended to dst in which every byte not asked about stays. It never changes c.Body.
	// The call must have passed Peek.
	Edit(dst []byte, c Call, e Edit) (Call, error)
	// Meter returns a reader for one answer.
	Meter() Meter
	// Fault appends a refusal in the words the dialect's SDKs parse: a JSON body, or, where Stream, a whole frame to be
	// written in mid-stream.
	Fault(dst []byte, f *fault.Fault, form Form) []byte
	// ReadFault reads a provider's error answer (status ≥ 400, or an error payload in mid-stream with status 0).
	ReadFault(status int, h http.Header, body []byte) *fault.Fault
	// Codec returns the full face, nil where there is none.
	Codec() Codec
}

// Form is the shape a fault is written in.
type Form uint8

// A JSON body before the answer began, a frame within a stream, or an element of a streamed JSON array, whose others
// stand before it.
const (
	Whole Form = iota
	Stream
	Element
)

// FormIn returns the form of a fault within a stream of the given framing.
func FormIn(kind llm.Framing) Form {
	if kind == llm.Array {
		return Element
	}
	return Stream
}

// FaultHeader is implemented by dialects that name a fault in the head of a whole error answer too.
type FaultHeader interface {
	FaultHeader(h http.Header, f *fault.Fault)
}

// FaultStatus is implemented by dialects that have a status of their own for some fault; the others go by Fault.Status.
type FaultStatus interface {
	FaultStatus(f *fault.Fault) int
}

// Reading is what a meter has seen of an answer so far.
type Reading struct {
	Usage *llm.Usage   // nil = none stated
	Model string       // the model that answered, as it calls itself
	ID    string       // the answer's id
	Stop  llm.Stop     // of the first choice
	Began bool         // something of substance came: from here on no other target may answer
	Ended bool         // the dialect's end mark came
	Fault *fault.Fault // an error came in band
	Tier  string       // the service that was given, where it stands beside the usage
	Made  Made
}

// Made is what an answer holds that is paid for apiece, as far as the answer tells.
type Made struct {
	Images        int64
	Size, Quality string // of the images, in the provider's words
}

// Meter reads one answer as it passes and changes nothing. It is used by one goroutine. It must not keep the bytes.
type Meter interface {
	// Frame takes one frame of a stream. It looks for needles and parses only on a hit.
	Frame(frame.Frame)
	// Body takes a whole answer.
	Body([]byte)
	// Read returns what was seen so far; the pointer stays valid and is updated by later frames.
	Read() *Reading
}

// HeadMeter is implemented by meters to whom an answer's head says something too. Head comes before the rest.
type HeadMeter interface{ Head(http.Header) }

// Codec is a dialect's full face. An answer is encoded for the request it answers (the client's own, decoded), a
// request for the facts of its target model. Encoders never change what they are given. Every loss goes to the losses
// returned or to lose; each names a path that was there and did not arrive as it was.
type Codec interface {
	// DecodeRequest reads a call that passed Peek. The error is a *fault.Fault (Malformed) with Param.
	DecodeRequest(Call) (*llm.Request, error)
	EncodeRequest(*llm.Request, llm.Facts) (Call, []llm.Loss, error)
	DecodeResponse([]byte) (*llm.Response, error)
	EncodeResponse(*llm.Request, *llm.Response) ([]byte, []llm.Loss, error)
	// DecodeStream yields the canonical stream of one answer. Frames that break the grammar are mended as canonical
	// rules allow; an error payload becomes EventFault; an error of the frames is passed on and ends the stream; input
	// that ends without the dialect's end mark and without a stop yields EventFault (Cut).
	DecodeStream(frame.Seq) iter.Seq2[llm.Event, error]
	// EncodeStream yields the frames of a canonical stream. EventFault becomes the dialect's error frame, and no end
	// mark follows. An error of the input is passed on and ends the stream. Data of a frame is not set; Raw is the
	// whole frame to write, valid until the next is asked for. Several events may share a frame or have none.
	EncodeStream(req *llm.Request, in iter.Seq2[llm.Event, error], lose func(llm.Loss)) frame.Seq
	// Cannot lists what the answer to this request may hold and this dialect has no place for (answer paths): what the
	// head of a stream must name before it is known. from is the dialect the answer will come in.
	Cannot(req *llm.Request, from llm.Dialect) []llm.Loss
}
