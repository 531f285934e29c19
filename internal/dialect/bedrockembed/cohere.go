package bedrockembed

import (
	"slices"

	"weir/internal/dialect"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// inputTypes are Cohere's words for what embeddings are for.
var inputTypes = []struct {
	task llm.EmbedTask
	word string
}{
	{llm.EmbedQuery, "search_query"},
	{llm.EmbedDocument, "search_document"},
	{llm.EmbedClassify, "classification"},
	{llm.EmbedCluster, "clustering"},
	{llm.EmbedImage, "image"},           // of version 3
	{llm.EmbedQuestion, "search_query"}, // towards Cohere only, as are the next
	{llm.EmbedCode, "search_query"},
	{llm.EmbedFact, "search_query"},
	{llm.EmbedSimilarity, "clustering"},
}

// cuts are Cohere's words for where an input that is too long is cut off, by version.
var cuts = map[family]map[string]string{
	cohere3: {"none": "NONE", "start": "START", "end": "END"},
	cohere4: {"none": "NONE", "start": "LEFT", "end": "RIGHT"},
}

// cohere writes a request for one of Cohere's models.
func (r *request) cohere(kind family) error {
	e := r.e
	r.w.Open('{')
	images, err := r.inputs(kind)
	if err != nil {
		return err
	}
	r.w.Name("input_type").String(r.inputType(kind, images))
	if err := r.types("embedding_types", "int8", "uint8", "binary", "ubinary"); err != nil {
		return err
	}
	if kind == cohere4 {
		err = r.oneOf(256, 512, 1024, 1536)
	} else {
		err = r.oneOf(1024)
	}
	if err != nil {
		return err
	}
	if e.Dimensions > 0 && kind == cohere4 {
		r.w.Name("output_dimension").Int(e.Dimensions)
	}
	switch word := cuts[kind][e.Truncate]; {
	case images: // which are cut nowhere
	case word != "":
		r.w.Name("truncate").String(word)
	case e.Truncate == "auto":
		r.w.Name("truncate").String(cuts[kind]["end"])
	}
	return nil
}

// inputType returns Cohere's word for the task, which it demands.
func (r *request) inputType(kind family, images bool) string {
	e := r.e
	if images && kind == cohere3 {
		return "image"
	}
	if r.own && e.Native != "" {
		return e.Native
	}
	for _, t := range inputTypes {
		if t.task != e.Task || e.Task == llm.EmbedImage && kind == cohere4 {
			continue
		}
		switch e.Task {
		case llm.EmbedQuestion, llm.EmbedCode, llm.EmbedFact, llm.EmbedSimilarity:
			r.l.Add(r.l.Word("task"), "the nearest that can be said is "+t.word, llm.Changed)
		}
		return t.word
	}
	if e.Native != "" {
		r.l.Add(r.l.Word("task"), "Cohere has no such word; the embeddings are of documents", llm.Changed)
	} else {
		r.l.Add("input_type", "Cohere demands what the embeddings are for; they are of documents", llm.Filled)
	}
	return "search_document"
}

// inputs writes what embeddings are made of: texts, images, or, of version 4, inputs that mix both. images says that
// they are images alone.
func (r *request) inputs(kind family) (images bool, err error) {
	texts := true
	images = true
	for i := range r.e.Inputs {
		in := &r.e.Inputs[i]
		if in.Tokens != nil {
			return false, dialect.Unsaid(in.Path, "this target takes texts, not the tokens of another model")
		}
		_, text := in.Text()
		texts = texts && text
		images = images && len(in.Parts) == 1 && in.Parts[0].Kind == llm.PartImage
	}
	switch {
	case texts:
		r.w.Name("texts").Open('[')
	case images:
		r.w.Name("images").Open('[')
	case kind == cohere3:
		in := r.e.Inputs[slices.IndexFunc(r.e.Inputs, func(in llm.EmbedInput) bool { _, text := in.Text(); return !text })]
		return false, dialect.Unsaid(in.Path, "this target takes texts or images, not both in one input")
	default:
		r.w.Name("inputs").Open('[')
	}
	for i := range r.e.Inputs {
		in := &r.e.Inputs[i]
		if texts || images {
			if err := bare(&r.w, &in.Parts[0]); err != nil {
				return false, err
			}
			continue
		}
		r.w.Open('{').Name("content").Open('[')
		for j := range in.Parts {
			word := "text"
			if in.Parts[j].Kind != llm.PartText {
				word = "image_url"
			}
			r.w.Open('{').Name("type").String(word).Name(word)
			if err := bare(&r.w, &in.Parts[j]); err != nil {
				return false, err
			}
			r.w.Close('}')
		}
		r.w.Close(']').Close('}')
	}
	r.w.Close(']')
	return images && !texts, nil
}

// bare writes a text, or an image as an address that holds its data.
func bare(w *rawjson.Writer, p *llm.Part) error {
	switch {
	case p.Kind == llm.PartText:
		w.String(p.Text)
	case p.Kind == llm.PartImage && p.Media.Data != "":
		typ := p.Media.Type
		if typ == "" {
			typ = dialect.ImageType(p.Media.Data)
		}
		w.String("data:" + typ + ";base64," + p.Media.Data)
	default:
		return dialect.Unsaid(p.Path, "this target takes texts, and images with their data")
	}
	return nil
}
