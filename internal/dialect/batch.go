package dialect

import (
	"iter"
	"strconv"

	"weir/internal/fault"
	"weir/internal/frame"
	"weir/internal/llm"
	"weir/internal/splice"
)

// Line is one request of a batch.
type Line struct {
	Number  int    // from 1
	ID      string // the client's own, under which the result comes
	Dialect llm.Dialect
	Op      llm.Op
	Path    string      // where such a request goes alone
	Body    splice.Span // of its own body, in the file or in the body that brings it
	Inline  bool        // it stands in a body's list, not in a file
}

// Where names the line as the client finds it.
func (l *Line) Where() string {
	if l.Inline {
		return "requests[" + strconv.Itoa(l.Number-1) + "]"
	}
	return "line " + strconv.Itoa(l.Number)
}

// Wrong is the fault of a line: what says why, and what to do.
func (l *Line) Wrong(what string) *fault.Fault {
	return l.At(&fault.Fault{Kind: fault.Malformed, Message: what})
}

// At returns a fault of the line's request with the line's place in front.
func (l *Line) At(f *fault.Fault) *fault.Fault {
	own := *f
	own.Message = l.Where() + ": " + f.Message
	own.Param = l.Where()
	if l.Inline && f.Param != "" {
		own.Param += ".params." + f.Param
	}
	return &own
}

// Result is what one request of a batch came to. Its slices share memory with the line it was read from.
type Result struct {
	ID       string // the line's
	Upstream string // the provider's id of the request
	Status   int    // as it would have been answered alone; 0 = it was not answered
	Body     []byte // the answer, or the error answer
	Fault    *fault.Fault
}

// Batch is what a batch's object says of it. Towards the client the same holds what it is shown in place of that.
type Batch struct {
	ID            string
	Input         string // id of the file of requests; "" = they came in the body
	Output, Error string // ids of the files of results, "" = there is none (yet)
	Results       string // where the results are, where no file holds them
	Path          string // where its requests would go alone
	Ended         bool   // nothing more becomes of it
}

// Batcher is implemented by dialects of batches: many requests in one, answered later and together.
type Batcher interface {
	Dialect
	// Root is where batches are made; their ids and what is asked of them follow it in a path.
	Root() string
	// Prefix is how ids of batches begin.
	Prefix() string
	// Files is the dialect in which files of requests and of results are asked for; "" = there are none.
	Files() llm.Dialect
	// Lines yields the requests of a file, or of a body that brings them itself, in order. An error is a *fault.Fault that
	// names the line, and the last that is yielded.
	Lines(file []byte) iter.Seq2[Line, error]
	// Asks tells in which dialect and operation requests go to a path, "" where none of a batch do.
	Asks(path string) (llm.Dialect, llm.Op)
	// Asked returns the file of requests that a call names, which passed Peek, and where it says that they go; both are ""
	// where the call brings them itself.
	Asked(c Call) (input, path string)
	// From appends a body to dst that names another file, and is else the call's.
	From(dst []byte, c Call, input string) []byte
	// Batch reads the object of a batch.
	Batch(object []byte) (Batch, error)
	// Shown appends an object to dst in which every id and address that stands there is what as says; all else stays.
	Shown(dst, object []byte, as Batch) ([]byte, error)
	// Page appends a list of objects, and whether more follow.
	Page(dst []byte, objects [][]byte, more bool) []byte
	// Result reads a line of the results.
	Result(line []byte) (Result, error)
}

// BatchFace is what dialects of batches have in common: they tell and read errors as the dialect within does, and what a
// batch comes to is in its results, so that its object is neither edited nor metered.
type BatchFace struct{ Dialect }

// Edit implements Dialect; there is nothing to edit.
func (BatchFace) Edit(dst []byte, c Call, _ Edit) (Call, error) {
	dst = append(dst, c.Body...)
	c.Body = dst[len(dst)-len(c.Body):]
	return c, nil
}

// Codec implements Dialect: a batch is passed and never translated.
func (BatchFace) Codec() Codec { return nil }

// Meter implements Dialect.
func (BatchFace) Meter() Meter { return new(unmetered) }

type unmetered struct{ r Reading }

func (*unmetered) Frame(frame.Frame) {}
func (*unmetered) Body([]byte)       {}
func (m *unmetered) Read() *Reading  { return &m.r }
