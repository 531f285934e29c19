package openaiembeddings

import (
	"cmp"
	"fmt"
	"strconv"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// single is the Form of a request whose input is one text or one array of tokens, not a list.
const single = "single"

func malformed(param, message string) *fault.Fault {
	return &fault.Fault{Kind: fault.Malformed, Param: param, Message: message}
}

// DecodeEmbed implements dialect.Embedder. It knows the members of Mistral and Voyage too: output_dimension, output_dtype,
// input_type and truncation.
func (embeddings) DecodeEmbed(c dialect.Call) (*llm.Embed, error) {
	var o dialect.Object
	o.Read(c.Body)
	e := &llm.Embed{From: llm.OpenAIEmbeddings, Model: o.String("model"), Dimensions: o.Int("dimensions"), User: o.String("user")}
	if n := o.Int("output_dimension"); e.Dimensions == 0 {
		e.Dimensions = n
	}
	switch format := o.String("encoding_format"); format {
	case "":
	case llm.FormFloat, llm.FormBase64:
		e.Types = []string{format}
	default:
		return nil, malformed("encoding_format", "encoding_format must be float or base64")
	}
	if kind := o.String("output_dtype"); kind != "" && kind != llm.FormFloat {
		e.Types = []string{kind}
		if format := rawjson.Get(c.Body, "encoding_format"); !rawjson.IsNull(format) {
			e.Extra = llm.Extra{"encoding_format": format}
		}
	}
	switch e.Native = o.String("input_type"); e.Native {
	case "query":
		e.Task = llm.EmbedQuery
	case "document", "passage":
		e.Task = llm.EmbedDocument
	}
	if cut := o.Bool("truncation"); cut != nil {
		e.Truncate = "none"
		if *cut {
			e.Truncate = "end"
		}
	}
	input := o.Take("input")
	if o.Bad != nil {
		return nil, malformed(o.Bad.Member, o.Bad.Member+" must be "+o.Bad.Want)
	}
	for name, v := range o.Rest() {
		e.Extra = dialect.With(e.Extra, name, v)
	}
	return e, readInput(e, input)
}

// readInput reads one text, several, one array of tokens, or several.
func readInput(e *llm.Embed, v []byte) error {
	switch rawjson.Kind(v) {
	case '"':
		e.Form = single
		return one(e, v, "input")
	case '[':
		for _, first := range rawjson.Elems(v) {
			if rawjson.Kind(first) == '0' {
				e.Form = single
				return one(e, v, "input")
			}
			break
		}
		for i, el := range rawjson.Elems(v) {
			if err := one(e, el, "input["+strconv.Itoa(i)+"]"); err != nil {
				return err
			}
		}
		if len(e.Inputs) > 0 {
			return nil
		}
	}
	return malformed("input", "input must be a text, a list of texts, an array of tokens or a list of these, and not empty")
}

func one(e *llm.Embed, v []byte, path string) error {
	if s, ok := rawjson.String(v); ok {
		e.Inputs = append(e.Inputs, llm.EmbedInput{Parts: []llm.Part{{Kind: llm.PartText, Text: s, Path: path}}, Path: path})
		return nil
	}
	if rawjson.Kind(v) != '[' {
		return malformed(path, path+" must be a text or an array of tokens")
	}
	for _, token := range rawjson.Elems(v) {
		if _, ok := rawjson.Int(token); !ok {
			return malformed(path, path+" must hold whole numbers")
		}
	}
	e.Inputs = append(e.Inputs, llm.EmbedInput{Tokens: v, Path: path})
	return nil
}

// tongue is how a provider's words differ.
type tongue struct {
	dimensions  string
	kinds       bool // output_dtype
	task, cut   bool // input_type, truncation
	formatNever bool // no encoding_format "float": null says that
}

func tongueOf(provider string) tongue {
	switch provider {
	case "mistral":
		return tongue{dimensions: "output_dimension", kinds: true}
	case "voyage":
		return tongue{dimensions: "output_dimension", kinds: true, task: true, cut: true, formatNever: true}
	}
	return tongue{dimensions: "dimensions"}
}

// EncodeEmbed implements dialect.Embedder. Vectors of a request from elsewhere are asked for as arrays, which every
// speaker of the dialect gives.
func (embeddings) EncodeEmbed(e *llm.Embed, facts llm.Facts) (dialect.Call, []llm.Loss, error) {
	l := &dialect.EmbedLosses{Of: e}
	own := e.From == llm.OpenAIEmbeddings
	t := tongueOf(facts.Provider)
	w := rawjson.Writer{}
	w.Open('{').Name("model").String(facts.Model)
	if err := writeInput(&w, e, l, own); err != nil {
		return dialect.Call{}, nil, err
	}
	if e.Dimensions > 0 {
		w.Name(t.dimensions).Int(e.Dimensions)
	}
	if err := writeTypes(&w, e, l, t, own); err != nil {
		return dialect.Call{}, nil, err
	}
	switch {
	case e.Task == "" && e.Native == "":
	case own:
		w.Name("input_type").String(e.Native)
	case t.task && (e.Task == llm.EmbedQuery || e.Task == llm.EmbedDocument):
		w.Name("input_type").String(string(e.Task))
	default:
		l.Drop("task", "what embeddings are for cannot be said here")
	}
	switch {
	case e.Truncate == "":
	case own || t.cut && (e.Truncate == "none" || e.Truncate == "end"):
		w.Name("truncation").Bool(e.Truncate != "none")
	case e.Truncate != "none": // inputs that are too long are refused without a word
		l.Drop("truncate", "inputs that are too long are refused here")
	}
	if e.User != "" {
		if own || facts.Provider == "openai" || facts.Provider == "azure" {
			w.Name("user").String(e.User)
		} else {
			l.Drop("user", "there is no user here")
		}
	}
	if own {
		dialect.WriteExtra(&w, e.Extra)
	}
	l.Rest(llm.OpenAIEmbeddings)
	w.Close('}')
	return dialect.Call{Op: llm.OpEmbeddings, Path: Path, Body: w.Buf}, l.List, nil
}

func writeInput(w *rawjson.Writer, e *llm.Embed, l *dialect.EmbedLosses, own bool) error {
	w.Name("input")
	list := !own || e.Form != single
	if list {
		w.Open('[')
	}
	for i := range e.Inputs {
		in := &e.Inputs[i]
		if in.Tokens != nil {
			w.Raw(in.Tokens)
			continue
		}
		text, err := dialect.EmbedText(in, l)
		if err != nil {
			return err
		}
		w.String(text)
	}
	if list {
		w.Close(']')
	}
	return nil
}

func writeTypes(w *rawjson.Writer, e *llm.Embed, l *dialect.EmbedLosses, t tongue, own bool) error {
	floats := e.Wants(llm.FormFloat) || e.Wants(llm.FormBase64)
	if !floats && (own || t.kinds && len(e.Types) == 1) {
		w.Name("output_dtype").String(e.Types[0])
		return nil
	}
	if own && len(e.Types) == 1 && (e.Types[0] == llm.FormBase64 || !t.formatNever) {
		w.Name("encoding_format").String(e.Types[0])
	}
	return l.EmbedTypes()
}

// DecodeEmbedding implements dialect.Embedder.
func (embeddings) DecodeEmbedding(body []byte) (*llm.Embeddings, error) {
	var o dialect.Object
	o.Read(body)
	a := &llm.Embeddings{From: llm.OpenAIEmbeddings, ID: o.String("id"), Model: o.String("model")}
	o.Take("object")
	if v := o.Take("usage"); rawjson.Kind(v) == '{' {
		a.Usage = usageOf(v)
	}
	data := o.Take("data")
	if rawjson.Kind(data) != '[' {
		return nil, dialect.Garbage("the provider's answer has no embeddings", nil)
	}
	for i, v := range rawjson.Elems(data) {
		var in dialect.Object
		in.Read(v)
		in.Take("object")
		vec := llm.Vector{Index: int64(i)}
		if at := in.Take("index"); at != nil {
			vec.Index, _ = rawjson.Int(at)
		}
		switch e := in.Take("embedding"); rawjson.Kind(e) {
		case '[':
			vec.Array = e
		case '"':
			vec.Base64 = rawjson.Text(e)
		default:
			return nil, dialect.Garbage(fmt.Sprintf("embedding %d of the provider's answer cannot be read", i), nil)
		}
		vec.Extra = in.Rest()
		a.Vectors = append(a.Vectors, vec)
	}
	a.Extra = o.Rest()
	return a, nil
}

// EncodeEmbedding implements dialect.Embedder. The official SDKs read usage always; where none is known it is zero.
func (embeddings) EncodeEmbedding(e *llm.Embed, a *llm.Embeddings) ([]byte, []llm.Loss, error) {
	own := a.From == llm.OpenAIEmbeddings
	var w rawjson.Writer
	w.Open('{').Name("object").String("list").Name("data").Open('[')
	for i := range a.Vectors {
		v := &a.Vectors[i]
		if v.Type != "" && (e.Wants(llm.FormFloat) || e.Wants(llm.FormBase64)) {
			continue // one of several forms; this dialect has one
		}
		w.Open('{').Name("object").String("embedding").Name("index").Int(v.Index).Name("embedding")
		if err := writeVector(&w, v, e); err != nil {
			return nil, nil, err
		}
		if own {
			dialect.WriteExtra(&w, v.Extra)
		}
		w.Close('}')
	}
	w.Close(']').Name("model").String(cmp.Or(a.Model, a.Else.Model))
	if a.ID != "" {
		w.Name("id").String(a.ID)
	}
	var l dialect.Losses
	writeUsage(&w, a.Usage, &l)
	if own {
		dialect.WriteExtra(&w, a.Extra)
	}
	w.Close('}')
	return w.Buf, append(l.List, dialect.LoseEmbedding(a, llm.OpenAIEmbeddings)...), nil
}

func writeVector(w *rawjson.Writer, v *llm.Vector, e *llm.Embed) error {
	if v.Type != "" || v.Array != nil && !e.Wants(llm.FormBase64) {
		if v.Array != nil {
			w.Raw(v.Array)
		} else {
			w.String(v.Base64)
		}
		return nil
	}
	if e.Wants(llm.FormBase64) {
		text, err := v.AppendBase64(nil)
		if err != nil {
			return dialect.Garbage("an embedding of the provider's answer cannot be read", err)
		}
		w.String(string(text))
		return nil
	}
	text, err := v.AppendArray(nil)
	if err != nil {
		return dialect.Garbage("an embedding of the provider's answer cannot be read", err)
	}
	w.Raw(text)
	return nil
}

func writeUsage(w *rawjson.Writer, u *llm.Usage, l *dialect.Losses) {
	w.Name("usage").Open('{')
	if u == nil {
		l.Add("answer.usage", "the provider states none, and this dialect's SDKs read it always", llm.Filled)
		u = &llm.Usage{}
	}
	total := u.Input
	if u.Has(llm.SaidTotal) {
		total = u.Total
	}
	w.Name("prompt_tokens").Int(u.Input).Name("total_tokens").Int(total)
	if u.Cost != "" {
		w.Name("cost").Num(string(u.Cost))
	}
	if u.InputImage > 0 {
		l.Add("answer.usage.input_image", "tokens of images are not told apart here", llm.Dropped)
	}
	w.Close('}')
}

var _ dialect.Embedder = embeddings{}
