package geminibatches

import (
	"iter"
	"strings"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/llm"
	"weir/internal/rawjson"
	"weir/internal/splice"
)

// MaxRequests is how many requests a batch may bring. Google bounds the body, by 20 MB.
const MaxRequests = 100000

// list is where the requests stand, as a client finds them.
const list = "batch.inputConfig.requests.requests"

// span is where something stands in a body; the zero value means absent.
type span splice.Span

// of returns what stands there, nil if nothing does.
func (s span) of(body []byte) []byte {
	if s.End == 0 {
		return nil
	}
	return body[s.Start:s.End:s.End]
}

// The governed members, by position.
const (
	atInput = iota
	atInputSnake
	atModel
	atHook
	atHookSnake
)

var (
	top    = splice.NewSpec("batch")
	batch  = splice.NewSpec("inputConfig", "input_config", "model", "webhookConfig", "webhook_config")
	source = splice.NewSpec("requests", "fileName", "file_name")
	inner  = splice.NewSpec("requests")
	one    = splice.NewSpec("request", "metadata")
)

// contents is where what matters stands in the body of a call.
type contents struct{ requests, model span }

// inside scans an object that stands in a body.
func inside(body []byte, at span, spec *splice.Spec, path string) (splice.Index, error) {
	if rawjson.Kind(at.of(body)) != '{' {
		return splice.Index{}, malformed(path, path+" must be an object")
	}
	ix, err := spec.Scan(at.of(body))
	if err != nil {
		return ix, refuse(err, path)
	}
	return ix, nil
}

// shifted returns where a member of an object that stands in a body stands there.
func shifted(ix *splice.Index, member int, within span) span {
	at := ix.Value[member]
	if at.End == 0 {
		return span{}
	}
	return span{within.Start + at.Start, within.Start + at.End}
}

// read finds what matters in the body of a call.
func read(body []byte) (in contents, err error) {
	ix, err := top.Scan(body)
	if err != nil {
		return in, refuse(err, "")
	}
	at := shifted(&ix, 0, span{})
	if ix, err = inside(body, at, batch, "batch"); err != nil {
		return in, err
	}
	in.model = shifted(&ix, atModel, at)
	if hook := shifted(&ix, atHook, at).of(body); hook != nil || ix.Value[atHookSnake].End != 0 {
		return in, &fault.Fault{
			Kind: fault.Unsupported, Param: "batch.webhookConfig",
			Message: "the provider would call with an id that is not known here: leave out batch.webhookConfig and ask for the batch",
		}
	}
	camel, snake := shifted(&ix, atInput, at), shifted(&ix, atInputSnake, at)
	if camel.End != 0 && snake.End != 0 {
		return in, malformed("batch.inputConfig", "batch.inputConfig is there in both its spellings")
	}
	if at = camel; snake.End != 0 {
		at = snake
	}
	if ix, err = inside(body, at, source, "batch.inputConfig"); err != nil {
		return in, err
	}
	if ix.Value[1].End != 0 || ix.Value[2].End != 0 {
		return in, &fault.Fault{
			Kind: fault.Unsupported, Param: "batch.inputConfig.fileName",
			Message: "requests in a file cannot be read here: send them in the body, in " + list,
		}
	}
	at = shifted(&ix, 0, at)
	if ix, err = inside(body, at, inner, "batch.inputConfig.requests"); err != nil {
		return in, err
	}
	if in.requests = shifted(&ix, 0, at); rawjson.Kind(in.requests.of(body)) != '[' {
		return in, malformed(list, list+" must be a list")
	}
	return in, nil
}

// Lines implements dialect.Batcher. The call has passed Peek.
func (batches) Lines(c *dialect.Call, _ []byte) iter.Seq2[dialect.Line, error] {
	at, ok := cutPath(c.Path)
	in, err := read(c.Body)
	if !ok || err != nil {
		return func(yield func(dialect.Line, error) bool) {
			yield(dialect.Line{}, fault.New(fault.Internal, "a call to read requests in has not passed Peek"))
		}
	}
	a := &actions[at.action]
	first := dialect.Line{Path: models + at.model + ":" + a.alone, Dialect: a.dialect, Op: a.op, List: list, Member: "request"}
	return dialect.Listed(c.Body, splice.Span(in.requests), first, MaxRequests, readOne)
}

// readOne reads the request that stands in body from at to end.
func readOne(l *dialect.Line, body []byte, at, end int) error {
	text := body[at:end]
	ix, err := one.Scan(text)
	if err != nil {
		return l.Wrong(err.Error())
	}
	if rawjson.Kind(ix.Get(text, 0)) != '{' {
		return l.Wrong("request must be an object")
	}
	l.Body = splice.Span{Start: at + ix.Value[0].Start, End: at + ix.Value[0].End}
	return nil
}

// Asks implements dialect.Batcher.
func (batches) Asks(path string) (llm.Dialect, llm.Op) {
	if strings.HasPrefix(path, models) {
		for i := range actions {
			if a := &actions[i]; strings.HasSuffix(path, ":"+a.alone) {
				return a.dialect, a.op
			}
		}
	}
	return "", ""
}
