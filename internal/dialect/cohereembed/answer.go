package cohereembed

import (
	"cmp"
	"slices"

	"weir/internal/dialect"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// DecodeEmbedding implements dialect.Embedder. A vector in several forms is several vectors of one index.
func (embed) DecodeEmbedding(body []byte) (*llm.Embeddings, error) {
	var o dialect.Object
	o.Read(body)
	a := &llm.Embeddings{From: llm.CohereEmbed, ID: o.String("id"), Usage: usageOf(o.Take("meta"))}
	all := o.Take("embeddings")
	if rawjson.Kind(all) != '{' {
		return nil, dialect.Garbage("the provider's answer has no embeddings by their form", nil)
	}
	var forms []string
	for form, list := range rawjson.Members(all) {
		if slices.Contains(forms, string(form)) {
			return nil, dialect.Garbage("the provider's answer has a form of embeddings twice", nil)
		}
		forms = append(forms, string(form))
		for i, v := range rawjson.Elems(list) {
			vec := llm.Vector{Index: int64(i)}
			switch word := string(form); word {
			case llm.FormFloat:
				vec.Array = v
			case llm.FormBase64:
				vec.Base64 = rawjson.Text(v)
			default:
				vec.Type, vec.Array = word, v
			}
			if vec.Base64 == "" && rawjson.Kind(vec.Array) != '[' {
				return nil, dialect.Garbage("an embedding of the provider's answer cannot be read", nil)
			}
			a.Vectors = append(a.Vectors, vec)
		}
	}
	if len(a.Vectors) == 0 {
		return nil, dialect.Garbage("the provider's answer has no embeddings", nil)
	}
	for _, name := range [...]string{"texts", "images", "response_type"} { // what the request said, again
		o.Take(name)
	}
	a.Extra = o.Rest()
	return a, nil
}

// EncodeEmbedding implements dialect.Embedder. A vector whose form the answer does not tell is in the one that was asked
// for.
func (embed) EncodeEmbedding(e *llm.Embed, a *llm.Embeddings) ([]byte, []llm.Loss, error) {
	var l dialect.Losses
	var w rawjson.Writer
	w.Open('{').Name("id").String(cmp.Or(a.ID, a.Else.ID)).Name("embeddings").Open('{')
	forms := wanted(e, a)
	only := ""
	if len(forms) == 1 {
		only = forms[0]
	}
	before := len(w.Buf)
	for _, form := range forms {
		if err := writeForm(&w, a, form, only); err != nil {
			return nil, nil, err
		}
	}
	if len(w.Buf) == before {
		return nil, nil, dialect.Garbage("the provider's answer has no embeddings of the forms that were asked for", nil)
	}
	w.Close('}')
	if e.Form == inTexts {
		w.Name("texts").Open('[')
		for i := range e.Inputs {
			text, _ := e.Inputs[i].Text()
			w.String(text)
		}
		w.Close(']')
	}
	w.Name("response_type").String("embeddings_by_type")
	w.Name("meta").Open('{').Name("api_version").Open('{').Name("version").String("2").Close('}')
	if u := a.Usage; u != nil {
		w.Name("billed_units").Open('{').Name("input_tokens").Int(u.Input - u.InputImage)
		if u.Has(llm.SaidInputImage) {
			w.Name("image_tokens").Int(u.InputImage)
		}
		w.Close('}')
		rest := *u
		rest.InputImage = 0
		dialect.LoseEmbedUsage(&rest, &l)
	}
	w.Close('}')
	if a.From == llm.CohereEmbed {
		dialect.WriteExtra(&w, a.Extra)
	}
	w.Close('}')
	if a.Model != "" && a.From != llm.CohereEmbed {
		l.Add("answer.model", "an answer does not name its model here", llm.Dropped)
	}
	return w.Buf, append(l.List, dialect.LoseEmbedding(a, llm.CohereEmbed)...), nil
}

// wanted returns the forms to write, each once: those of the request or, of an answer in this dialect, those it is in.
func wanted(e *llm.Embed, a *llm.Embeddings) []string {
	var forms []string
	add := func(form string) {
		if !slices.Contains(forms, form) {
			forms = append(forms, form)
		}
	}
	switch {
	case a.From == llm.CohereEmbed:
		for i := range a.Vectors {
			v := &a.Vectors[i]
			switch {
			case v.Type != "":
				add(v.Type)
			case v.Array == nil:
				add(llm.FormBase64)
			default:
				add(llm.FormFloat)
			}
		}
	case len(e.Types) == 0:
		add(llm.FormFloat)
	default:
		for _, form := range e.Types {
			add(form)
		}
	}
	return forms
}

// writeForm writes the vectors of one form, as far as there are any.
func writeForm(w *rawjson.Writer, a *llm.Embeddings, form, only string) error {
	floats := form == llm.FormFloat || form == llm.FormBase64
	var list [][]byte
	native := false // floats in this very form are there
	for i := range a.Vectors {
		v := &a.Vectors[i]
		native = native || v.Type == "" && (v.Array == nil) == (form == llm.FormBase64)
	}
	for i := range a.Vectors {
		v := &a.Vectors[i]
		if floats && native && (v.Array == nil) != (form == llm.FormBase64) {
			continue
		}
		if floats != (v.Type == "") && !(v.Type == "" && form == only) || v.Type != "" && v.Type != form {
			continue
		}
		text := []byte(v.Array)
		var err error
		switch form {
		case llm.FormBase64:
			if text, err = v.AppendBase64(nil); err == nil {
				text = rawjson.AppendString(nil, string(text))
			}
		case llm.FormFloat:
			text, err = v.AppendArray(nil)
		}
		if err != nil || len(text) == 0 {
			return dialect.Garbage("an embedding of the provider's answer cannot be read", err)
		}
		list = append(list, text)
	}
	if len(list) == 0 {
		return nil
	}
	w.Name(form).Open('[')
	for _, text := range list {
		w.Raw(text)
	}
	w.Close(']')
	return nil
}
