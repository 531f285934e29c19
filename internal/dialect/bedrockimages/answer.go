package bedrockimages

import (
	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// DecodeImages implements dialect.Imager. Amazon says in error why images are missing, Stability in finish_reasons.
func (images) DecodeImages(body []byte) (*llm.ImageResponse, error) {
	var o dialect.Object
	o.Read(body)
	a := &llm.ImageResponse{From: llm.BedrockImages}
	list := o.Take("images")
	a.Why = o.String("error")
	var reasons []string
	for _, v := range rawjson.Elems(o.Take("finish_reasons")) {
		reasons = append(reasons, rawjson.Text(v))
	}
	for i, v := range rawjson.Elems(list) {
		data := rawjson.Text(v)
		if i < len(reasons) && reasons[i] != "" {
			data, a.Why, a.Missing = "", reasons[i], a.Missing+1
		}
		if data != "" {
			a.Images = append(a.Images, llm.Image{Data: data, Type: dialect.ImageType(data)})
		}
	}
	if len(a.Images) > 0 {
		if a.Why != "" && a.Missing == 0 {
			a.Missing = 1
		}
		a.Extra = o.Rest()
		return a, nil
	}
	for _, r := range reasons {
		if r != "" {
			a.Why = r
		}
	}
	if a.Why != "" {
		return nil, &fault.Fault{Kind: fault.ContentPolicy, Origin: fault.There, Code: "moderation_blocked", Message: "the provider made no image: " + a.Why}
	}
	return nil, dialect.Garbage("the provider's answer has no images", nil)
}

// EncodeImages implements dialect.Imager.
func (images) EncodeImages(q *llm.ImageRequest, a *llm.ImageResponse) ([]byte, []llm.Loss, error) {
	var l dialect.Losses
	own := a.From == llm.BedrockImages
	byStability := q.Form == formStability
	told := *a
	if !byStability {
		told.Missing = 0 // error says it
	}
	dialect.LoseImages(&told, llm.BedrockImages, &l)
	var w rawjson.Writer
	w.Open('{').Name("images").Open('[')
	for i := range a.Images {
		one := &a.Images[i]
		if one.Data == "" {
			return nil, nil, dialect.Garbage("the provider answered where its image is, and this dialect has the image itself", nil)
		}
		w.String(one.Data)
		if one.Revised != "" {
			l.Add("answer.images.revised_prompt", "there is no such member here", llm.Dropped)
		}
	}
	w.Close(']')
	if byStability {
		if !own || a.Extra["seeds"] == nil {
			w.Name("seeds").Open('[').Close(']')
		}
		w.Name("finish_reasons").Open('[')
		for range a.Images {
			w.Null()
		}
		w.Close(']')
	} else {
		w.Name("error")
		if a.Missing > 0 {
			w.String(a.Why)
		} else {
			w.Null()
		}
	}
	if own {
		dialect.WriteExtra(&w, a.Extra)
		return w.Close('}').Buf, l.List, nil
	}
	const none = "there is no such member here"
	for _, m := range [...]struct{ name, value string }{
		{"id", a.ID}, {"model", a.Model}, {"created", string(a.Created)}, {"quality", a.Quality}, {"background", a.Background},
	} {
		if m.value != "" {
			l.Add("answer."+m.name, none, llm.Dropped)
		}
	}
	if a.Usage != nil {
		l.Add("answer.usage", "nothing is counted here", llm.Dropped)
	}
	return w.Close('}').Buf, l.List, nil
}
