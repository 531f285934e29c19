// Package bedrockinvoke passes Amazon Bedrock's InvokeModel (POST /model/{id}/invoke and …/invoke-with-response-stream).
// A body is in the words of the model's maker, so there is no codec: a call can be routed, metered and refused, not
// translated. Errors and the framing of streams are those of Converse.
//
// Usage is stated in three places: the answer's headers, the maker's own words in its body, and in a stream the metrics
// that Bedrock puts into the last chunk. Where headers or metrics are there, they count.
package bedrockinvoke

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"weir/internal/dialect"
	"weir/internal/dialect/converse"
	"weir/internal/fault"
	"weir/internal/llm"
	"weir/internal/rawjson"
	"weir/internal/splice"
)

const (
	root   = "/model/"
	whole  = "/invoke"
	stream = "/invoke-with-response-stream"
)

// invoke is Converse in all that is not overridden here.
type invoke struct{ dialect.Dialect }

// New returns the dialect. It holds no state and is safe for concurrent use.
func New() dialect.Dialect { return invoke{converse.New()} }

var (
	_ dialect.Dialect     = invoke{}
	_ dialect.FaultHeader = invoke{}
)

// Name implements dialect.Dialect.
func (invoke) Name() llm.Dialect { return llm.BedrockInvoke }

// Codec implements dialect.Dialect: there is none.
func (invoke) Codec() dialect.Codec { return nil }

// Meter implements dialect.Dialect.
func (invoke) Meter() dialect.Meter { return &meter{} }

// FaultHeader implements dialect.FaultHeader.
func (d invoke) FaultHeader(h http.Header, f *fault.Fault) {
	if named, ok := d.Dialect.(dialect.FaultHeader); ok {
		named.FaultHeader(h, f)
	}
}

// governed are the names under which models know a limit on the output. Which of them counts is the model's matter, so
// all are held to it.
var governed = splice.NewSpec("max_tokens", "max_completion_tokens", "max_tokens_to_sample", "max_gen_len", "max_new_tokens", "maxTokens")

const limits = 6

// Peek implements dialect.Dialect. Of several limits on the output the highest is the head's.
func (invoke) Peek(c *dialect.Call) (llm.Head, error) {
	var h llm.Head
	ix, err := governed.Scan(c.Body)
	if err != nil {
		f := &fault.Fault{Kind: fault.Malformed, Message: "the body cannot be read as JSON: " + err.Error(), Cause: err}
		if e, ok := errors.AsType[*splice.Error](err); ok {
			f.Param = e.Member
		}
		return h, f
	}
	c.Index = ix
	if h.Model, h.Stream, err = split(c.Path); err != nil {
		return llm.Head{}, err
	}
	if h.Stream {
		h.Framing = llm.EventStream
	}
	for i := range limits {
		if n, ok := rawjson.Int(ix.Get(c.Body, i)); ok {
			h.MaxOutput = max(h.MaxOutput, n)
		}
	}
	return h, nil
}

func split(path string) (model string, streamed bool, err error) {
	rest, ok := strings.CutPrefix(path, root)
	escaped, plain := strings.CutSuffix(rest, whole)
	if !plain {
		escaped, streamed = strings.CutSuffix(rest, stream)
	}
	if ok && (plain || streamed) && !strings.Contains(escaped, "/") {
		model, err = url.PathUnescape(escaped)
		if err == nil && model != "" && utf8.ValidString(model) && !strings.ContainsFunc(model, unicode.IsControl) {
			return model, streamed, nil
		}
	}
	return "", false, &fault.Fault{Kind: fault.Malformed, Param: "modelId", Message: "the path must be " + root + "MODEL" + whole + " or " + root + "MODEL" + stream}
}

// Edit implements dialect.Dialect. A limit on the output lowers those the body has; a body that has none is refused, for
// which name its model knows cannot be told.
func (d invoke) Edit(dst []byte, c dialect.Call, e dialect.Edit) (dialect.Call, error) {
	if e.Model != "" {
		verb := c.Path[strings.LastIndexByte(c.Path, '/'):]
		c.Path = root + strings.ReplaceAll(url.PathEscape(e.Model), ":", "%3A") + verb
	}
	var changes [limits]splice.Change
	n, said := 0, false
	if e.MaxOutput > 0 {
		for i := range limits {
			now, ok := rawjson.Int(c.Index.Get(c.Body, i))
			said = said || ok
			if ok && now > e.MaxOutput {
				changes[n] = splice.Change{Member: i, Value: strconv.AppendInt(nil, e.MaxOutput, 10)}
				n++
			}
		}
		if !said {
			return c, &fault.Fault{Kind: fault.Unsupported, Param: "max_tokens", Message: "this model's answers are limited here, so the body must say a limit of its own: max_tokens, or the word that its model knows"}
		}
	}
	start := len(dst)
	dst = governed.Apply(dst, c.Body, &c.Index, changes[:n]...)
	c.Body = dst[start:len(dst):len(dst)]
	return c, nil
}
