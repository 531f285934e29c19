package cohereembed

import (
	"strconv"
	"strings"

	"weir/internal/dialect"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// The members that inputs stand in: the Form of a request.
const (
	inTexts  = "texts"
	inImages = "images"
	inInputs = "inputs"
)

// mostInputs is how many inputs a call may have.
const mostInputs = 96

// tasks are Cohere's words for what embeddings are for.
var tasks = []struct {
	task llm.EmbedTask
	word string
}{
	{llm.EmbedQuery, "search_query"},
	{llm.EmbedDocument, "search_document"},
	{llm.EmbedClassify, "classification"},
	{llm.EmbedCluster, "clustering"},
	{llm.EmbedImage, "image"},
	{llm.EmbedQuestion, "search_query"}, // towards Cohere only, as are the next
	{llm.EmbedCode, "search_query"},
	{llm.EmbedFact, "search_query"},
	{llm.EmbedSimilarity, "clustering"},
}

// DecodeEmbed implements dialect.Embedder.
func (embed) DecodeEmbed(c dialect.Call) (*llm.Embed, error) {
	var o dialect.Object
	o.Read(c.Body)
	e := &llm.Embed{From: llm.CohereEmbed, Model: o.String("model"), Dimensions: o.Int("output_dimension"), Native: o.String("input_type")}
	for _, t := range tasks {
		if t.word == e.Native {
			e.Task = t.task
			break
		}
	}
	e.Truncate = "end" // what Cohere does where it is not told
	if word := o.String("truncate"); word != "" {
		e.Truncate = strings.ToLower(word)
	}
	if t := e.Truncate; t != "none" && t != "start" && t != "end" {
		o.Fail("truncate", "NONE, START or END")
	}
	types := o.Take("embedding_types")
	if types != nil && rawjson.Kind(types) != '[' {
		o.Fail("embedding_types", "a list of words")
	}
	for i, v := range rawjson.Elems(types) {
		s, ok := rawjson.String(v)
		if !ok {
			return nil, malformed("embedding_types["+strconv.Itoa(i)+"]", "embedding_types must be words")
		}
		e.Types = append(e.Types, s)
	}
	for _, form := range [...]string{inTexts, inImages, inInputs} {
		v := o.Take(form)
		if v == nil {
			continue
		}
		if e.Form != "" {
			return nil, malformed(form, "a request has one of texts, images and inputs")
		}
		e.Form = form
		for i, el := range rawjson.Elems(v) {
			if err := readInput(e, el, form+"["+strconv.Itoa(i)+"]"); err != nil {
				return nil, err
			}
		}
	}
	if o.Bad != nil {
		return nil, malformed(o.Bad.Member, o.Bad.Member+" must be "+o.Bad.Want)
	}
	if len(e.Inputs) == 0 {
		return nil, malformed("texts", "texts, images or inputs must be a list that is not empty")
	}
	e.Extra = o.Rest()
	return e, nil
}

func readInput(e *llm.Embed, v []byte, path string) error {
	in := llm.EmbedInput{Path: path}
	if e.Form != inInputs {
		s, ok := rawjson.String(v)
		if !ok {
			return malformed(path, path+" must be a text")
		}
		part := llm.Part{Kind: llm.PartText, Text: s, Path: path}
		if e.Form == inImages {
			part = llm.Part{Kind: llm.PartImage, Media: image(s), Path: path}
		}
		in.Parts = []llm.Part{part}
		e.Inputs = append(e.Inputs, in)
		return nil
	}
	var o dialect.Object
	o.Read(v)
	for i, item := range rawjson.Elems(o.Take("content")) {
		at := path + ".content[" + strconv.Itoa(i) + "]"
		switch text, url := rawjson.Get(item, "text"), rawjson.Get(item, "image_url", "url"); {
		case rawjson.Kind(text) == '"':
			in.Parts = append(in.Parts, llm.Part{Kind: llm.PartText, Text: rawjson.Text(text), Path: at})
		case rawjson.Kind(url) == '"':
			in.Parts = append(in.Parts, llm.Part{Kind: llm.PartImage, Media: image(rawjson.Text(url)), Path: at})
		default:
			return malformed(at, at+" must be a text or an image")
		}
	}
	if len(in.Parts) == 0 {
		return malformed(path+".content", path+".content must be a list that is not empty")
	}
	in.Extra = o.Rest()
	e.Inputs = append(e.Inputs, in)
	return nil
}

// image reads an address, which may hold the data itself.
func image(url string) *llm.Blob {
	if rest, ok := strings.CutPrefix(url, "data:"); ok {
		if typ, data, ok := strings.Cut(rest, ";base64,"); ok {
			return &llm.Blob{Type: typ, Data: data}
		}
	}
	return &llm.Blob{URL: url}
}

// EncodeEmbed implements dialect.Embedder. Floats are asked for as arrays whatever form the client wants them in.
func (embed) EncodeEmbed(e *llm.Embed, facts llm.Facts) (dialect.Call, []llm.Loss, error) {
	own := e.From == llm.CohereEmbed
	l := &dialect.EmbedLosses{Of: e}
	var w rawjson.Writer
	w.Open('{').Name("model").String(facts.Model)
	if len(e.Inputs) > mostInputs {
		return dialect.Call{}, nil, dialect.Unsaid(e.Inputs[mostInputs].Path, "this target takes at most "+strconv.Itoa(mostInputs)+" inputs at once")
	}
	if err := writeInputs(&w, e); err != nil {
		return dialect.Call{}, nil, err
	}
	writeTask(&w, e, l, own)
	writeTypes(&w, e.Types, own)
	if e.Dimensions > 0 {
		w.Name("output_dimension").Int(e.Dimensions)
	}
	switch {
	case e.Truncate == "start" || e.Truncate == "end" || e.Truncate == "none":
		w.Name("truncate").String(strings.ToUpper(e.Truncate))
	case e.Truncate == "" && e.From == llm.OpenAIEmbeddings: // where what is too long is refused unless it says otherwise
		w.Name("truncate").String("NONE")
	}
	if e.User != "" {
		l.Drop("user", "there is no user here")
	}
	if own {
		dialect.WriteExtra(&w, e.Extra)
	}
	l.Rest(llm.CohereEmbed)
	w.Close('}')
	return dialect.Call{Op: llm.OpEmbeddings, Path: Path, Body: w.Buf}, l.List, nil
}

// writeTypes writes the forms that vectors are wanted in.
func writeTypes(w *rawjson.Writer, types []string, own bool) {
	if own && len(types) == 0 {
		return
	}
	w.Name("embedding_types").Open('[')
	floats := false
	for _, t := range types {
		if float := t == llm.FormFloat || t == llm.FormBase64; !own && float {
			if floats {
				continue
			}
			floats, t = true, llm.FormFloat
		}
		w.String(t)
	}
	if len(types) == 0 {
		w.String(llm.FormFloat)
	}
	w.Close(']')
}

// writeTask writes what the embeddings are for, which Cohere demands.
func writeTask(w *rawjson.Writer, e *llm.Embed, l *dialect.EmbedLosses, own bool) {
	if own {
		if e.Native != "" {
			w.Name("input_type").String(e.Native)
		}
		return
	}
	w.Name("input_type")
	for _, t := range tasks {
		if t.task != e.Task {
			continue
		}
		switch e.Task {
		case llm.EmbedQuestion, llm.EmbedCode, llm.EmbedFact, llm.EmbedSimilarity:
			l.Add(l.Word("task"), "the nearest that can be said is "+t.word, llm.Changed)
		}
		w.String(t.word)
		return
	}
	w.String("search_document")
	if e.Native != "" {
		l.Add(l.Word("task"), "Cohere has no such word; the embeddings are of documents", llm.Changed)
		return
	}
	l.Add("input_type", "Cohere demands what the embeddings are for; they are of documents", llm.Filled)
}

func writeInputs(w *rawjson.Writer, e *llm.Embed) error {
	form := e.Form
	if e.From != llm.CohereEmbed {
		form = inTexts
		for i := range e.Inputs {
			if _, ok := e.Inputs[i].Text(); !ok {
				form = inInputs
			}
		}
	}
	w.Name(form).Open('[')
	for i := range e.Inputs {
		in := &e.Inputs[i]
		if in.Tokens != nil {
			return dialect.Unsaid(in.Path, "this target takes texts, not the tokens of another model")
		}
		if form != inInputs {
			for j := range in.Parts {
				writeBare(w, &in.Parts[j], e.From)
			}
			continue
		}
		w.Open('{').Name("content").Open('[')
		for j := range in.Parts {
			p := &in.Parts[j]
			switch {
			case p.Kind == llm.PartText:
				w.Open('{').Name("type").String("text").Name("text")
				writeBare(w, p, e.From)
				w.Close('}')
			case p.Kind == llm.PartImage && (p.Media.Data != "" || e.From == llm.CohereEmbed):
				w.Open('{').Name("type").String("image_url").Name("image_url").Open('{').Name("url")
				writeBare(w, p, e.From)
				w.Close('}').Close('}')
			default:
				return dialect.Unsaid(p.Path, "this target takes texts, and images with their data")
			}
		}
		w.Close(']')
		if e.From == llm.CohereEmbed {
			dialect.WriteExtra(w, in.Extra)
		}
		w.Close('}')
	}
	w.Close(']')
	return nil
}

// writeBare writes a text or an address, which tells what its data are where another dialect does not.
func writeBare(w *rawjson.Writer, p *llm.Part, from llm.Dialect) {
	switch {
	case p.Kind == llm.PartText:
		w.String(p.Text)
	case p.Media.Data != "":
		typ := p.Media.Type
		if typ == "" && from != llm.CohereEmbed {
			typ = dialect.ImageType(p.Media.Data)
		}
		w.String("data:" + typ + ";base64," + p.Media.Data)
	default:
		w.String(p.Media.URL)
	}
}
