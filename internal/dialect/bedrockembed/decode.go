package bedrockembed

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"weir/internal/dialect"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// DecodeEmbed implements dialect.Embedder. Whose words a body is in goes by the model it is for or, where that name
// does not tell it, by the words.
func (embed) DecodeEmbed(c dialect.Call) (*llm.Embed, error) {
	e := &llm.Embed{From: llm.BedrockEmbeddings}
	if rest, ok := strings.CutPrefix(c.Path, "/model/"); ok {
		name, _, _ := strings.Cut(rest, "/")
		e.Model, _ = url.PathUnescape(name)
	}
	var o dialect.Object
	o.Read(c.Body)
	kind := familyOf(e.Model)
	if kind == "" {
		kind = spoken(c.Body)
	}
	e.Form = string(kind)
	var err error
	switch kind {
	case cohere3, cohere4:
		err = decodeCohere(e, &o, kind)
	case nova:
		err = decodeNova(e, &o)
	default:
		decodeTitan(e, &o)
	}
	if err != nil {
		return nil, err
	}
	if o.Bad != nil {
		return nil, malformed(o.Bad.Member, o.Bad.Member+" must be "+o.Bad.Want)
	}
	if len(e.Inputs) == 0 {
		return nil, malformed("inputText", "the body says nothing that embeddings could be made of")
	}
	e.Extra = o.Rest()
	return e, nil
}

// spoken tells a family by the words of a body.
func spoken(body []byte) family {
	for name := range rawjson.Members(body) {
		switch string(name) {
		case "singleEmbeddingParams":
			return nova
		case "texts", "images":
			return cohere3
		case "inputs":
			return cohere4
		case "inputImage":
			return titanImage
		}
	}
	return titanText
}

func words(v []byte) (out []string) {
	for _, el := range rawjson.Elems(v) {
		out = append(out, rawjson.Text(el))
	}
	return out
}

func decodeTitan(e *llm.Embed, o *dialect.Object) {
	in := llm.EmbedInput{Path: "inputText"}
	if v := o.Take("inputText"); rawjson.Kind(v) == '"' {
		in.Parts = append(in.Parts, llm.Part{Kind: llm.PartText, Text: rawjson.Text(v), Path: "inputText"})
	} else if v != nil {
		o.Fail("inputText", "a text")
	}
	if data := o.String("inputImage"); data != "" {
		in.Parts = append(in.Parts, llm.Part{Kind: llm.PartImage, Media: &llm.Blob{Type: dialect.ImageType(data), Data: data}, Path: "inputImage"})
	}
	if in.Parts != nil {
		e.Inputs = append(e.Inputs, in)
	}
	e.Dimensions, e.Types = o.Int("dimensions"), words(o.Take("embeddingTypes"))
	if n, ok := rawjson.Int(rawjson.Get(o.Take("embeddingConfig"), "outputEmbeddingLength")); ok {
		e.Dimensions = n
	}
}

func decodeNova(e *llm.Embed, o *dialect.Object) error {
	if word := o.String("taskType"); word != "SINGLE_EMBEDDING" {
		return malformed("taskType", "taskType must be SINGLE_EMBEDDING")
	}
	const at = "singleEmbeddingParams"
	in := llm.EmbedInput{Path: at}
	for name, v := range rawjson.Members(o.Take(at)) {
		switch string(name) {
		case "embeddingPurpose":
			e.Native = rawjson.Text(v)
			for _, p := range purposes {
				if p.word == e.Native {
					e.Task = p.task
					break
				}
			}
		case "embeddingDimension":
			e.Dimensions, _ = rawjson.Int(v)
		case "text":
			if text := rawjson.Get(v, "value"); rawjson.Kind(text) == '"' {
				e.Truncate = strings.ToLower(rawjson.Text(rawjson.Get(v, "truncationMode")))
				in.Parts = append(in.Parts, llm.Part{Kind: llm.PartText, Text: rawjson.Text(text), Path: at + ".text"})
				continue
			}
			return dialect.Unsaid(at+".text", "a text that is kept in S3 can be read by its own provider alone")
		case "image":
			data := rawjson.Text(rawjson.Get(v, "source", "bytes"))
			if data == "" {
				return dialect.Unsaid(at+".image", "an image that is kept in S3 can be read by its own provider alone")
			}
			format := rawjson.Text(rawjson.Get(v, "format"))
			in.Parts = append(in.Parts, llm.Part{Kind: llm.PartImage, Media: &llm.Blob{Type: "image/" + format, Data: data}, Path: at + ".image"})
		default:
			return dialect.Unsaid(at+"."+string(name), "only its own provider can be asked for that")
		}
	}
	if in.Parts != nil {
		e.Inputs = append(e.Inputs, in)
	}
	return nil
}

func decodeCohere(e *llm.Embed, o *dialect.Object, kind family) error {
	e.Native, e.Dimensions, e.Types = o.String("input_type"), o.Int("output_dimension"), words(o.Take("embedding_types"))
	for _, t := range inputTypes {
		if t.word == e.Native {
			e.Task = t.task
			break
		}
	}
	if word := o.String("truncate"); word != "" {
		for t, native := range cuts[kind] {
			if native == word {
				e.Truncate = t
			}
		}
		if e.Truncate == "" {
			o.Fail("truncate", "a word of this model")
		}
	}
	for _, member := range [...]string{"texts", "images", "inputs"} {
		for i, v := range rawjson.Elems(o.Take(member)) {
			path := member + "[" + strconv.Itoa(i) + "]"
			in := llm.EmbedInput{Path: path}
			items := []([]byte){v}
			if member == "inputs" {
				items = slices.Collect(elems(rawjson.Get(v, "content")))
			}
			for j, item := range items {
				part, ok := coherePart(item, member)
				if !ok {
					return malformed(path, path+" must be a text or an image with its data")
				}
				if part.Path = path; member == "inputs" {
					part.Path = path + ".content[" + strconv.Itoa(j) + "]"
				}
				in.Parts = append(in.Parts, part)
			}
			e.Inputs = append(e.Inputs, in)
		}
	}
	return nil
}

// elems yields the elements of a list without their places.
func elems(v []byte) func(yield func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for _, el := range rawjson.Elems(v) {
			if !yield(el) {
				return
			}
		}
	}
}

// coherePart reads a text, or an image from the address that holds it.
func coherePart(v []byte, member string) (llm.Part, bool) {
	if member == "inputs" {
		if address := rawjson.Get(v, "image_url"); address != nil {
			return coherePart(address, "images")
		}
		return coherePart(rawjson.Get(v, "text"), "texts")
	}
	s, ok := rawjson.String(v)
	if !ok {
		return llm.Part{}, false
	}
	if member == "texts" {
		return llm.Part{Kind: llm.PartText, Text: s}, true
	}
	rest, isData := strings.CutPrefix(s, "data:")
	typ, data, is64 := strings.Cut(rest, ";base64,")
	if !isData || !is64 {
		return llm.Part{}, false
	}
	return llm.Part{Kind: llm.PartImage, Media: &llm.Blob{Type: typ, Data: data}}, true
}
