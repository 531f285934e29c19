package dialect

import (
	"bytes"
	"iter"
	"net/http"
	"net/url"
	"strconv"

	"weir/internal/fault"
	"weir/internal/frame"
	"weir/internal/llm"
	"weir/internal/rawjson"
	"weir/internal/splice"
)

// BatchVerb is what is asked of batches.
type BatchVerb uint8

// The verbs.
const (
	BatchCreate BatchVerb = iota + 1
	BatchList
	BatchGet
	BatchCancel
	BatchDelete
	BatchResults
)

// Line is one request of a batch.
type Line struct {
	Number  int    // from 1
	ID      string // the client's own, under which the result comes; "" = it comes by its number
	Dialect llm.Dialect
	Op      llm.Op
	Path    string      // where such a request goes alone
	Model   string      // the batch's, where a body need not name it; "" = body or path do
	Body    splice.Span // of its own body, in the file or in the body that brings it
	List    string      // the list of a body that it stands in, and
	Member  string      // the member there that holds its body; "" = it stands in a file
}

// Where names the line as the client finds it.
func (l *Line) Where() string {
	if l.List != "" {
		return l.List + "[" + strconv.Itoa(l.Number-1) + "]"
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
	if l.Member != "" && f.Param != "" {
		own.Param += "." + l.Member + "." + f.Param
	}
	return &own
}

// Result is what one request of a batch came to. Its slices share memory with the line it was read from.
type Result struct {
	ID       string // the line's; "" = its place among the results tells
	Upstream string // the provider's id of the request
	Status   int    // as it would have been answered alone; 0 = it was not answered
	Body     []byte // the answer, or the error answer
	Fault    *fault.Fault
}

// Batch is what a batch's object says of it. Towards the client the same holds what it is shown in place of that.
type Batch struct {
	ID            string
	Input         string       // id of the file of requests; "" = they came in the body
	Output, Error string       // ids of the files of results, "" = there is none (yet)
	Results       string       // where the results are, where no file holds them
	Path          string       // where its requests would go alone
	Ended         bool         // nothing more becomes of it
	Lacks         *fault.Fault // where results come by number: what became of requests that have none
}

// Source is where results of a batch are.
type Source struct {
	Dialect     llm.Dialect // that it is asked for in
	Op          llm.Op
	Path, Query string
	Listed      bool // they are in lists of the batch's object, see Lists; else each is a line
}

// Batcher is implemented by dialects of batches: many requests in one, answered later and together.
type Batcher interface {
	Dialect
	// Way tells by which method and path a provider is asked about the batch of an id.
	Way(verb BatchVerb, id string) (method, path string)
	// Prefix is how ids of batches begin.
	Prefix() string
	// Files is the dialect in which files of requests and of results are asked for; "" = there are none.
	Files() llm.Dialect
	// Lines yields the requests of a file, or where it is nil those that a call brings itself, which passed Peek, in order.
	// An error is a *fault.Fault that names the line, and the last that is yielded.
	Lines(c *Call, file []byte) iter.Seq2[Line, error]
	// Asks tells in which dialect and operation requests go to a path, "" where none of a batch do.
	Asks(path string) (llm.Dialect, llm.Op)
	// Asked returns the file of requests that a call names, which passed Peek, and where it says that they go; both are ""
	// where the call brings them itself.
	Asked(c Call) (input, path string)
	// From appends a body to dst that names another file, and is else the call's.
	From(dst []byte, c Call, input string) []byte
	// Named returns a call with a model's name wherever the call names it beside the requests. It never changes c.Body.
	Named(c Call, model string) (Call, error)
	// Batch reads the object of a batch.
	Batch(object []byte) (Batch, error)
	// Tells reports whether the object of the batch is what answers a verb.
	Tells(verb BatchVerb) bool
	// Shown appends an object to dst in which every id and address that stands there is what as says; all else stays. It
	// takes what answers a verb that Tells does not too.
	Shown(dst, object []byte, as Batch) ([]byte, error)
	// Kept appends to dst what of an object is kept for lists: all but the results.
	Kept(dst, object []byte) []byte
	// Page reads the query of a list. The error is a *fault.Fault (Malformed) with Param.
	Page(url.Values) (Page, error)
	// Wants reports whether a list that a query asks for holds an object.
	Wants(query url.Values, object []byte) bool
	// List appends a list of objects: of so many in all, and whether more follow.
	List(dst []byte, objects [][]byte, all int, more bool) []byte
	// Results tells where the results of a batch are that is over, as the provider says of it.
	Results(b *Batch) []Source
	// Lists are the lists of results in a batch's object, each as the names of the members that lead to it. Where there are
	// several they are the same.
	Lists() [][]string
	// Result reads a line of the results, or an element of a list of them.
	Result(line []byte) (Result, error)
}

// Later is implemented by dialects of batches in which a file of requests does not say what they are for: they are judged when
// a batch is made of it.
type Later interface {
	// Later reports whether a file is one of the dialect's.
	Later(file []byte) bool
}

// BatchFace is what dialects of batches have in common: they tell and read errors as the dialect within does, and what a
// batch comes to is in its results, so that its object is neither edited nor metered. What it says of batches is right
// where they are asked about below a root, and results are lines.
type BatchFace struct {
	Dialect
	Root string
}

// Way implements Batcher.
func (f BatchFace) Way(verb BatchVerb, id string) (method, path string) {
	path = f.Root + "/" + url.PathEscape(id)
	switch verb {
	case BatchCreate:
		return http.MethodPost, f.Root
	case BatchList:
		return http.MethodGet, f.Root
	case BatchCancel:
		return http.MethodPost, path + "/cancel"
	case BatchDelete:
		return http.MethodDelete, path
	case BatchResults:
		return http.MethodGet, path + "/results"
	}
	return http.MethodGet, path
}

// Asked implements Batcher; the requests are in the call.
func (BatchFace) Asked(Call) (input, path string) { return "", "" }

// From implements Batcher; there is no file.
func (BatchFace) From(dst []byte, c Call, _ string) []byte { return append(dst, c.Body...) }

// Named implements Batcher; the requests name their models.
func (BatchFace) Named(c Call, _ string) (Call, error) { return c, nil }

// Tells implements Batcher.
func (BatchFace) Tells(verb BatchVerb) bool { return verb != BatchDelete }

// Kept implements Batcher; an object is small.
func (BatchFace) Kept(dst, object []byte) []byte { return append(dst, object...) }

// Wants implements Batcher; a list holds all.
func (BatchFace) Wants(url.Values, []byte) bool { return true }

// Lists implements Batcher; there are none.
func (BatchFace) Lists() [][]string { return nil }

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

// FilesOfResults is Results of a dialect whose results are files of another's.
func FilesOfResults(files llm.Dialect, b *Batch) []Source {
	var out []Source
	for _, id := range [...]string{b.Output, b.Error} {
		if id != "" {
			out = append(out, Source{Dialect: files, Op: llm.OpFile, Path: "/v1/files/" + url.PathEscape(id) + "/content"})
		}
	}
	return out
}

// Listed reads the requests that stand in a list of a call's body, which is valid JSON, each with read, which is given its
// place. It sees to their numbers and bounds, and that no two have the same id.
func Listed(body []byte, list splice.Span, first Line, most int, read func(l *Line, body []byte, at, end int) error) iter.Seq2[Line, error] {
	return func(yield func(Line, error) bool) {
		seen := map[string]struct{}{}
		n := 0
		i := rawjson.Space(body, list.Start+1)
		for i < len(body) && body[i] != ']' {
			end, err := rawjson.Skip(body, i)
			l := first
			l.Number = n + 1
			if err != nil {
				yield(l, l.Wrong(err.Error()))
				return
			}
			err = read(&l, body, i, end)
			if _, again := seen[l.ID]; err == nil && again && l.ID != "" {
				err = l.Wrong("another request has its custom_id too; give each its own")
			}
			if err == nil && n == most {
				err = l.Wrong("a batch takes " + strconv.Itoa(most) + " requests; make another batch")
			}
			if err != nil {
				yield(l, err)
				return
			}
			if l.ID != "" {
				seen[l.ID] = struct{}{}
			}
			if !yield(l, nil) {
				return
			}
			n++
			if i = rawjson.Space(body, end); i < len(body) && body[i] == ',' {
				i = rawjson.Space(body, i+1)
			}
		}
		if n == 0 {
			yield(Line{}, &fault.Fault{Kind: fault.Malformed, Param: first.List, Message: first.List + " is empty; a batch has one request at least"})
		}
	}
}

// EachLine reads the requests that stand in a file, one a line, each with read, which is given its place. It sees to their
// numbers and bounds, and that no two have the same id.
func EachLine(file []byte, most, longest int, read func(l *Line, file []byte, at, end int) error) iter.Seq2[Line, error] {
	return func(yield func(Line, error) bool) {
		seen := map[string]struct{}{}
		n, at := 0, 0
		for at < len(file) {
			end := len(file)
			if i := bytes.IndexByte(file[at:], '\n'); i >= 0 {
				end = at + i
			}
			l := Line{Number: n + 1}
			if len(bytes.TrimSpace(file[at:end])) == 0 {
				if len(bytes.TrimSpace(file[end:])) == 0 {
					break // the file ends in a line break, or in several
				}
				yield(l, l.Wrong("it is empty; leave it out"))
				return
			}
			var err error
			switch {
			case end-at > longest:
				err = l.Wrong("it has more than " + strconv.Itoa(longest) + " bytes")
			case n == most:
				err = l.Wrong("a file takes " + strconv.Itoa(most) + " requests; make another file")
			default:
				err = read(&l, file, at, end)
			}
			if _, again := seen[l.ID]; err == nil && again {
				err = l.Wrong("another line has its custom_id too; give each its own")
			}
			if err != nil {
				yield(l, err)
				return
			}
			seen[l.ID] = struct{}{}
			if !yield(l, nil) {
				return
			}
			n, at = n+1, end+1
		}
		if n == 0 {
			yield(Line{}, &fault.Fault{Kind: fault.Malformed, Param: "file", Message: "the file is empty; write a request a line"})
		}
	}
}
