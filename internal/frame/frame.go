// Package frame cuts a streamed body into frames: Server-Sent Events, AWS event-stream, newline-delimited JSON and a JSON
// array that comes element by element.
//
// A frame knows its payload and the very bytes it was cut from. The concatenation of Raw over all frames of a stream is
// the stream, byte for byte, whatever sizes it was read in; so a relay that writes Raw changes nothing, and one that
// writes only whole frames can put an error of its own after any of them.
package frame

import "iter"

// Frame is one event of a streamed body. Its slices are valid until the next frame is asked for.
type Frame struct {
	Event string // SSE event name, AWS event or exception type; "" = none given
	Data  []byte // payload: the data lines joined by \n; nil = the frame has none (a comment, a stray blank line)
	Raw   []byte // the bytes it was cut from, its end included; nil for a frame made by an encoder
	More  bool   // another whole frame is already in memory: no need to flush after this one
	Tail  bool   // the stream ended cleanly inside this frame; see below

	Failed bool // AWS: the message is an exception, Event its type
}

// A Tail frame is the last of a stream that ended, without a read error, before the frame's own end: some providers leave
// out the blank line after the last event. Raw is the rest of the stream and is passed on like any other. Data is what
// it would have been had the end come: every data line that is there counts, the last one also when its line end is
// missing. It may thus be cut short, and a reader takes it only where it is whole by itself (where the JSON in it is).

// Seq is a stream of frames. After an error it ends.
type Seq = iter.Seq2[Frame, error]
