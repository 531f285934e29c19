package bedrockembed

import (
	"slices"

	"weir/internal/dialect"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// DecodeEmbedding implements dialect.Embedder. The answer tells by its words whose they are.
func (embed) DecodeEmbedding(body []byte) (*llm.Embeddings, error) {
	var o dialect.Object
	o.Read(body)
	a := &llm.Embeddings{From: llm.BedrockEmbeddings, ID: o.String("id")}
	if n, ok := rawjson.Int(o.Take("inputTextTokenCount")); ok && n >= 0 {
		a.Usage = &llm.Usage{Said: llm.SaidInput, Input: n}
	}
	one, byType, many := o.Take("embedding"), o.Take("embeddingsByType"), o.Take("embeddings")
	ok := true
	switch {
	case rawjson.Kind(byType) == '{': // Titan's, which repeats the floats beside it
		for form, v := range rawjson.Members(byType) {
			ok = add(a, 0, string(form), v) && ok
		}
	case rawjson.Kind(one) == '[':
		ok = add(a, 0, llm.FormFloat, one)
	case rawjson.Kind(many) == '{': // Cohere's by their forms
		for form, list := range rawjson.Members(many) {
			for i, v := range rawjson.Elems(list) {
				ok = add(a, int64(i), string(form), v) && ok
			}
		}
	default: // Nova's, which are objects, and Cohere's floats
		for i, v := range rawjson.Elems(many) {
			if rawjson.Kind(v) == '{' {
				v = rawjson.Get(v, "embedding")
			}
			ok = add(a, int64(i), llm.FormFloat, v) && ok
		}
	}
	if !ok {
		return nil, dialect.Garbage("an embedding of the provider's answer is no array", nil)
	}
	if len(a.Vectors) == 0 {
		return nil, dialect.Garbage("the provider's answer has no embeddings", nil)
	}
	for _, name := range [...]string{"texts", "images", "inputs", "response_type"} { // what the request said, again
		o.Take(name)
	}
	a.Extra = o.Rest()
	return a, nil
}

// add takes over a vector in a form; false if it is no array.
func add(a *llm.Embeddings, i int64, form string, v []byte) bool {
	if form == llm.FormFloat {
		form = ""
	}
	a.Vectors = append(a.Vectors, llm.Vector{Index: i, Type: form, Array: v})
	return rawjson.Kind(v) == '['
}

// EncodeEmbedding implements dialect.Embedder, in the words of the request it answers.
func (embed) EncodeEmbedding(e *llm.Embed, a *llm.Embeddings) ([]byte, []llm.Loss, error) {
	var l dialect.Losses
	var w rawjson.Writer
	w.Open('{')
	kind := family(e.Form)
	var err error
	switch kind {
	case cohere3, cohere4:
		id := a.ID
		if id == "" {
			id = a.Else.ID
		}
		w.Name("id").String(id).Name("response_type")
		err = writeCohere(&w, e, a)
	case nova:
		err = writeNova(&w, e, a)
	default:
		err = writeTitan(&w, e, a)
	}
	if err != nil {
		return nil, nil, err
	}
	if u := a.Usage; u != nil {
		if kind != cohere3 && kind != cohere4 && kind != nova {
			w.Name("inputTextTokenCount").Int(u.Input)
		} else {
			l.Add("answer.usage.input", "a count stands in the head of an answer here", llm.Dropped)
		}
		dialect.LoseEmbedUsage(u, &l)
	}
	if a.From == llm.BedrockEmbeddings {
		dialect.WriteExtra(&w, a.Extra)
	} else {
		if a.Model != "" {
			l.Add("answer.model", "an answer does not name its model here", llm.Dropped)
		}
		if a.ID != "" && kind != cohere3 && kind != cohere4 {
			l.Add("answer.id", "an answer has no id here", llm.Dropped)
		}
	}
	w.Close('}')
	return w.Buf, append(l.List, dialect.LoseEmbedding(a, llm.BedrockEmbeddings)...), nil
}

// array returns a vector as the array it is written as.
func array(v *llm.Vector) ([]byte, error) {
	if v.Type != "" && v.Array != nil {
		return v.Array, nil
	}
	text, err := v.AppendArray(nil)
	if err != nil || len(text) == 0 {
		return nil, dialect.Garbage("an embedding of the provider's answer cannot be read", err)
	}
	return text, nil
}

// formOf is the word for a vector's form.
func formOf(v *llm.Vector) string {
	if v.Type == "" {
		return llm.FormFloat
	}
	return v.Type
}

func writeTitan(w *rawjson.Writer, e *llm.Embed, a *llm.Embeddings) error {
	for i := range a.Vectors {
		if a.Vectors[i].Type == "" {
			text, err := array(&a.Vectors[i])
			if err != nil {
				return err
			}
			w.Name("embedding").Raw(text)
			break
		}
	}
	if family(e.Form) != titanText {
		return nil
	}
	w.Name("embeddingsByType").Open('{')
	for i := range a.Vectors {
		text, err := array(&a.Vectors[i])
		if err != nil {
			return err
		}
		w.Name(formOf(&a.Vectors[i])).Raw(text)
	}
	w.Close('}')
	return nil
}

func writeNova(w *rawjson.Writer, e *llm.Embed, a *llm.Embeddings) error {
	word := "TEXT"
	for i := range e.Inputs {
		for j := range e.Inputs[i].Parts {
			if e.Inputs[i].Parts[j].Kind == llm.PartImage {
				word = "IMAGE"
			}
		}
	}
	w.Name("embeddings").Open('[')
	for i := range a.Vectors {
		text, err := array(&a.Vectors[i])
		if err != nil {
			return err
		}
		w.Open('{').Name("embeddingType").String(word).Name("embedding").Raw(text).Close('}')
	}
	w.Close(']')
	return nil
}

// writeCohere writes vectors as a list where no forms were asked for, else by their forms.
func writeCohere(w *rawjson.Writer, e *llm.Embed, a *llm.Embeddings) error {
	if len(e.Types) == 0 {
		w.String("embeddings_floats").Name("embeddings")
		return writeForm(w, a, llm.FormFloat)
	}
	w.String("embeddings_by_type").Name("embeddings").Open('{')
	var done []string
	for i := range a.Vectors {
		form := formOf(&a.Vectors[i])
		if slices.Contains(done, form) {
			continue
		}
		done = append(done, form)
		w.Name(form)
		if err := writeForm(w, a, form); err != nil {
			return err
		}
	}
	w.Close('}')
	return nil
}

func writeForm(w *rawjson.Writer, a *llm.Embeddings, form string) error {
	w.Open('[')
	for i := range a.Vectors {
		if formOf(&a.Vectors[i]) != form {
			continue
		}
		text, err := array(&a.Vectors[i])
		if err != nil {
			return err
		}
		w.Raw(text)
	}
	w.Close(']')
	return nil
}
