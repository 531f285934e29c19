package bedrockembed

import (
	"slices"
	"strconv"
	"strings"

	"weir/internal/dialect"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// EncodeEmbed implements dialect.Embedder.
func (d embed) EncodeEmbed(e *llm.Embed, facts llm.Facts) (dialect.Call, []llm.Loss, error) {
	kind := familyOf(facts.Model)
	if kind == "" {
		f := dialect.Unsaid("model", "the name of this model does not tell whose words it takes; Amazon's and Cohere's models for embeddings are known")
		return dialect.Call{}, nil, f
	}
	if len(e.Inputs) == 0 {
		return dialect.Call{}, nil, dialect.Unsaid("input", "there is nothing that embeddings could be made of")
	}
	if most := d.Together(e, facts); len(e.Inputs) > most {
		return dialect.Call{}, nil, dialect.Unsaid(e.Inputs[most].Path, "this target takes at most "+strconv.Itoa(most)+" inputs at once")
	}
	r := request{e: e, l: &dialect.EmbedLosses{Of: e}, own: e.From == llm.BedrockEmbeddings}
	var err error
	switch kind {
	case cohere3, cohere4:
		err = r.cohere(kind)
	case nova:
		err = r.nova()
	default:
		err = r.titan(kind)
	}
	if err != nil {
		return dialect.Call{}, nil, err
	}
	if e.User != "" {
		r.l.Drop("user", "there is no user here")
	}
	if r.own {
		dialect.WriteExtra(&r.w, e.Extra)
	}
	r.l.Rest(llm.BedrockEmbeddings)
	r.w.Close('}')
	return dialect.Call{Op: llm.OpEmbeddings, Path: path(facts.Model), Body: r.w.Buf, Model: facts.Model}, r.l.List, nil
}

// request is a body in the making.
type request struct {
	e   *llm.Embed
	l   *dialect.EmbedLosses
	w   rawjson.Writer
	own bool
}

// oneOf refuses a length of vectors that a model does not make.
func (r *request) oneOf(lengths ...int64) error {
	if r.e.Dimensions == 0 || slices.Contains(lengths, r.e.Dimensions) {
		return nil
	}
	words := make([]string, len(lengths))
	for i, n := range lengths {
		words[i] = strconv.FormatInt(n, 10)
	}
	return dialect.Unsaid(r.l.Word("dimensions"), "this target makes vectors of "+strings.Join(words, ", ")+" numbers")
}

// untold notes the settings that Titan has no words for.
func (r *request) untold() {
	if r.e.Task != "" || r.e.Native != "" {
		r.l.Drop("task", "what embeddings are for cannot be said here")
	}
	if t := r.e.Truncate; t != "" && t != "none" {
		r.l.Drop("truncate", "what is too long is refused here")
	}
}

// titan writes a request for one of Amazon's Titan models.
func (r *request) titan(kind family) error {
	r.w.Open('{')
	r.untold()
	in := &r.e.Inputs[0]
	if kind == titanImage {
		return r.titanImage(in)
	}
	text, err := dialect.EmbedText(in, r.l)
	if err != nil {
		return err
	}
	r.w.Name("inputText").String(text)
	if kind == titanFirst {
		if err := r.oneOf(1536); err != nil {
			return err
		}
		return r.l.EmbedTypes()
	}
	if err := r.oneOf(256, 512, 1024); err != nil {
		return err
	}
	if r.e.Dimensions > 0 {
		r.w.Name("dimensions").Int(r.e.Dimensions)
	}
	return r.types("embeddingTypes", "binary")
}

// types writes the forms that vectors are wanted in, of a model that makes floats and some others.
func (r *request) types(member string, others ...string) error {
	if len(r.e.Types) == 0 {
		return nil
	}
	var forms []string
	for _, t := range r.e.Types {
		if t == llm.FormBase64 {
			t = llm.FormFloat
		}
		switch {
		case t != llm.FormFloat && !slices.Contains(others, t):
			r.l.Add(r.l.Word("types"), "this target does not give "+t, llm.Dropped)
		case !slices.Contains(forms, t):
			forms = append(forms, t)
		}
	}
	if len(forms) == 0 {
		return dialect.Unsaid(r.l.Word("types"), "this target gives "+strings.Join(append([]string{llm.FormFloat}, others...), ", ")+", not "+strings.Join(r.e.Types, ", "))
	}
	if len(forms) == 1 && forms[0] == llm.FormFloat && !r.own {
		return nil
	}
	r.w.Name(member).Open('[')
	for _, form := range forms {
		r.w.String(form)
	}
	r.w.Close(']')
	return nil
}

// titanImage writes a text, an image, or both of them together.
func (r *request) titanImage(in *llm.EmbedInput) error {
	if err := r.oneOf(256, 384, 1024); err != nil {
		return err
	}
	text, image, err := r.both(in)
	if err != nil {
		return err
	}
	if text != nil {
		r.w.Name("inputText").String(*text)
	}
	if image != nil {
		r.w.Name("inputImage").String(image.Data)
	}
	if r.e.Dimensions > 0 {
		r.w.Name("embeddingConfig").Open('{').Name("outputEmbeddingLength").Int(r.e.Dimensions).Close('}')
	}
	return r.l.EmbedTypes()
}

// both takes an input apart into at most one text and one image, whose data must be there.
func (r *request) both(in *llm.EmbedInput) (text *string, image *llm.Blob, err error) {
	if in.Tokens != nil {
		return nil, nil, dialect.Unsaid(in.Path, "this target takes texts, not the tokens of another model")
	}
	for i := range in.Parts {
		p := &in.Parts[i]
		switch {
		case p.Kind == llm.PartText && text == nil:
			text = &p.Text
		case p.Kind == llm.PartText:
			r.l.Add(in.Path, "an input is one text here", llm.Changed)
			joined := *text + "\n" + p.Text
			text = &joined
		case p.Kind == llm.PartImage && p.Media.Data != "" && image == nil:
			image = p.Media
		case p.Kind == llm.PartImage && image != nil:
			return nil, nil, dialect.Unsaid(p.Path, "this target takes one image an input")
		default:
			return nil, nil, dialect.Unsaid(p.Path, "this target takes texts, and images with their data")
		}
	}
	return text, image, nil
}

// purposes are Nova's words for what embeddings are for. An index holds documents; what looks into it is of retrieval.
var purposes = []struct {
	task llm.EmbedTask
	word string
}{
	{llm.EmbedDocument, "GENERIC_INDEX"},
	{llm.EmbedQuery, "TEXT_RETRIEVAL"},
	{llm.EmbedImage, "IMAGE_RETRIEVAL"},
	{llm.EmbedClassify, "CLASSIFICATION"},
	{llm.EmbedCluster, "CLUSTERING"},
	{llm.EmbedQuestion, "TEXT_RETRIEVAL"}, // towards Nova only, as are the next
	{llm.EmbedFact, "TEXT_RETRIEVAL"},
	{llm.EmbedCode, "TEXT_RETRIEVAL"},
	{llm.EmbedSimilarity, "CLUSTERING"},
}

// nova writes a request for one of Amazon's Nova models, which take a text or an image.
func (r *request) nova() error {
	if err := r.oneOf(256, 384, 1024, 3072); err != nil {
		return err
	}
	in := &r.e.Inputs[0]
	text, image, err := r.both(in)
	if err != nil {
		return err
	}
	if text != nil && image != nil {
		return dialect.Unsaid(in.Path, "this target takes a text or an image, not both in one input")
	}
	r.w.Open('{').Name("taskType").String("SINGLE_EMBEDDING").Name("singleEmbeddingParams").Open('{')
	r.w.Name("embeddingPurpose").String(r.purpose())
	if r.e.Dimensions > 0 {
		r.w.Name("embeddingDimension").Int(r.e.Dimensions)
	}
	if text != nil {
		mode := strings.ToUpper(r.e.Truncate)
		if mode != "START" && mode != "END" {
			if r.e.Truncate == "auto" {
				mode = "END"
			} else {
				mode = "NONE"
			}
		}
		r.w.Name("text").Open('{').Name("truncationMode").String(mode).Name("value").String(*text).Close('}')
	} else if image != nil {
		typ := image.Type
		if typ == "" {
			typ = dialect.ImageType(image.Data)
		}
		_, format, _ := strings.Cut(typ, "/")
		if format == "jpg" {
			format = "jpeg"
		}
		if !slices.Contains([]string{"png", "jpeg", "gif", "webp"}, format) {
			return dialect.Unsaid(in.Path, "this target takes images that are png, jpeg, gif or webp")
		}
		r.w.Name("image").Open('{').Name("format").String(format).Name("source").Open('{').Name("bytes").String(image.Data).Close('}').Close('}')
	}
	r.w.Close('}')
	return r.l.EmbedTypes()
}

// purpose returns Nova's word for the task, which it demands.
func (r *request) purpose() string {
	if r.own && r.e.Native != "" {
		return r.e.Native
	}
	for _, p := range purposes {
		if p.task != r.e.Task {
			continue
		}
		switch p.task {
		case llm.EmbedQuestion, llm.EmbedFact, llm.EmbedCode, llm.EmbedSimilarity:
			r.l.Add(r.l.Word("task"), "the nearest that can be said is "+p.word, llm.Changed)
		}
		return p.word
	}
	if r.e.Native != "" {
		r.l.Add(r.l.Word("task"), "Nova has no such word; the embeddings are for an index", llm.Changed)
	} else {
		r.l.Add("embeddingPurpose", "Nova demands what the embeddings are for; they are for an index", llm.Filled)
	}
	return "GENERIC_INDEX"
}
