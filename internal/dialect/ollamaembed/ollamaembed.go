// Package ollamaembed is the dialect ollama-embed: embeddings in Ollama's own API (POST /api/embed).
//
// A request has one text or several; an answer the vectors in their order. What is too long is cut off at its end unless
// truncate is false. Options of the model and how long it stays loaded are kept in Extra.
//
// Everything here is without state and safe for concurrent use, except Meters, which belong to one answer.
//
// Specification: https://docs.ollama.com/api/embed.
package ollamaembed

import (
	"cmp"
	"strconv"

	"weir/internal/dialect"
	"weir/internal/dialect/ollama"
	"weir/internal/fault"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// Path is where the dialect is spoken.
const Path = "/api/embed"

// single is the Form of a request whose input is one text, not a list.
const single = "single"

type embed struct {
	dialect.Brief
	dialect.FaultsOf
}

// New returns the dialect.
func New() dialect.Dialect { return embed{FaultsOf: dialect.FaultsOf{Other: ollama.New()}} }

var _ dialect.Embedder = embed{}

// Name implements dialect.Dialect.
func (embed) Name() llm.Dialect { return llm.OllamaEmbed }

// Peek implements dialect.Dialect.
func (embed) Peek(c *dialect.Call) (llm.Head, error) { return dialect.PeekModel(c) }

// Meter implements dialect.Dialect.
func (embed) Meter() dialect.Meter { return dialect.WholeMeter(readAnswer) }

// readAnswer notes what an answer says for the record.
func readAnswer(r *dialect.Reading, body []byte) {
	r.Model = rawjson.Text(dialect.Near(body, `"model"`))
	r.Usage = usageOf(dialect.Near(body, `"prompt_eval_count"`))
}

func usageOf(count []byte) *llm.Usage {
	n, ok := rawjson.Int(count)
	if !ok || n < 0 {
		return nil
	}
	return &llm.Usage{Said: llm.SaidInput, Input: n}
}

func malformed(param, message string) *fault.Fault {
	return &fault.Fault{Kind: fault.Malformed, Param: param, Message: message}
}

// DecodeEmbed implements dialect.Embedder.
func (embed) DecodeEmbed(c dialect.Call) (*llm.Embed, error) {
	var o dialect.Object
	o.Read(c.Body)
	e := &llm.Embed{From: llm.OllamaEmbed, Model: o.String("model"), Dimensions: o.Int("dimensions")}
	if cut := o.Bool("truncate"); cut != nil {
		e.Truncate = "none"
		if *cut {
			e.Truncate = "end"
		}
	}
	input := o.Take("input")
	if o.Bad != nil {
		return nil, malformed(o.Bad.Member, o.Bad.Member+" must be "+o.Bad.Want)
	}
	e.Extra = o.Rest()
	add := func(text, path string) {
		e.Inputs = append(e.Inputs, llm.EmbedInput{Parts: []llm.Part{{Kind: llm.PartText, Text: text, Path: path}}, Path: path})
	}
	if s, ok := rawjson.String(input); ok {
		e.Form = single
		add(s, "input")
		return e, nil
	}
	for i, v := range rawjson.Elems(input) {
		path := "input[" + strconv.Itoa(i) + "]"
		s, ok := rawjson.String(v)
		if !ok {
			return nil, malformed(path, path+" must be a text")
		}
		add(s, path)
	}
	if len(e.Inputs) == 0 {
		return nil, malformed("input", "input must be a text or a list of texts, and not empty")
	}
	return e, nil
}

// EncodeEmbed implements dialect.Embedder.
func (embed) EncodeEmbed(e *llm.Embed, facts llm.Facts) (dialect.Call, []llm.Loss, error) {
	own := e.From == llm.OllamaEmbed
	l := &dialect.EmbedLosses{Of: e}
	var w rawjson.Writer
	w.Open('{').Name("model").String(facts.Model).Name("input")
	list := !own || e.Form != single
	if list {
		w.Open('[')
	}
	for i := range e.Inputs {
		text, err := dialect.EmbedText(&e.Inputs[i], l)
		if err != nil {
			return dialect.Call{}, nil, err
		}
		w.String(text)
	}
	if list {
		w.Close(']')
	}
	if e.Dimensions > 0 {
		w.Name("dimensions").Int(e.Dimensions)
	}
	switch e.Truncate {
	case "":
		if e.From == llm.OpenAIEmbeddings { // where what is too long is refused unless it says otherwise
			w.Name("truncate").Bool(false)
		}
	case "start":
		l.Drop("truncate", "what is too long is cut off at its end here")
	default:
		w.Name("truncate").Bool(e.Truncate != "none")
	}
	if e.Task != "" || e.Native != "" {
		l.Drop("task", "what embeddings are for cannot be said here")
	}
	if e.User != "" {
		l.Drop("user", "there is no user here")
	}
	if err := l.EmbedTypes(); err != nil {
		return dialect.Call{}, nil, err
	}
	if own {
		dialect.WriteExtra(&w, e.Extra)
	}
	l.Rest(llm.OllamaEmbed)
	w.Close('}')
	return dialect.Call{Op: llm.OpEmbeddings, Path: Path, Body: w.Buf}, l.List, nil
}

// DecodeEmbedding implements dialect.Embedder.
func (embed) DecodeEmbedding(body []byte) (*llm.Embeddings, error) {
	var o dialect.Object
	o.Read(body)
	a := &llm.Embeddings{From: llm.OllamaEmbed, Model: o.String("model"), Usage: usageOf(o.Take("prompt_eval_count"))}
	all := o.Take("embeddings")
	if rawjson.Kind(all) != '[' {
		return nil, dialect.Garbage("the provider's answer has no embeddings", nil)
	}
	for i, v := range rawjson.Elems(all) {
		if rawjson.Kind(v) != '[' {
			return nil, dialect.Garbage("an embedding of the provider's answer is no array", nil)
		}
		a.Vectors = append(a.Vectors, llm.Vector{Index: int64(i), Array: v})
	}
	a.Extra = o.Rest()
	return a, nil
}

// EncodeEmbedding implements dialect.Embedder.
func (embed) EncodeEmbedding(_ *llm.Embed, a *llm.Embeddings) ([]byte, []llm.Loss, error) {
	var l dialect.Losses
	var w rawjson.Writer
	w.Open('{').Name("model").String(cmp.Or(a.Model, a.Else.Model)).Name("embeddings").Open('[')
	for i := range a.Vectors {
		text, err := a.Vectors[i].AppendArray(nil)
		if err != nil {
			return nil, nil, dialect.Garbage("an embedding of the provider's answer cannot be read", err)
		}
		w.Raw(text)
	}
	w.Close(']')
	if u := a.Usage; u != nil {
		w.Name("prompt_eval_count").Int(u.Input)
		dialect.LoseEmbedUsage(u, &l)
	}
	if a.From == llm.OllamaEmbed {
		dialect.WriteExtra(&w, a.Extra)
	} else if a.ID != "" {
		l.Add("answer.id", "an answer has no id here", llm.Dropped)
	}
	w.Close('}')
	return w.Buf, append(l.List, dialect.LoseEmbedding(a, llm.OllamaEmbed)...), nil
}
