package openaiimages

import (
	"cmp"
	"strings"

	"weir/internal/dialect"
	"weir/internal/dialect/openai"
	"weir/internal/fault"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// DecodeImages implements dialect.Imager.
func (images) DecodeImages(body []byte) (*llm.ImageResponse, error) {
	var o dialect.Object
	o.Read(body)
	a := &llm.ImageResponse{
		From: llm.OpenAIImages, ID: o.String("id"), Model: o.String("model"), Created: o.Num("created"),
		Size: o.String("size"), Quality: o.String("quality"), Format: o.String("output_format"), Background: o.String("background"),
	}
	a.Usage = openai.DecodeMediaUsage(o.Take("usage"))
	data := o.Take("data")
	if rawjson.Kind(data) != '[' {
		return nil, dialect.Garbage("the provider's answer has no images", nil)
	}
	for _, v := range rawjson.Elems(data) {
		var in dialect.Object
		in.Read(v)
		in.Take("index")
		one := llm.Image{Data: in.String("b64_json"), URL: in.String("url"), Type: in.String("mime_type"), Revised: in.String("revised_prompt")}
		if typ, data, ok := dialect.DataURL(one.URL); ok && one.Data == "" {
			one.Type, one.Data, one.URL = typ, data, ""
		}
		if one.Data == "" && one.URL == "" {
			return nil, dialect.Garbage("an image of the provider's answer is empty", nil)
		}
		if one.Type == "" && one.Data != "" {
			one.Type = dialect.ImageType(one.Data)
		}
		if one.Extra = in.Rest(); one.Data != "" && one.URL != "" {
			one.Extra, one.URL = dialect.With(one.Extra, "url", rawjson.AppendString(nil, one.URL)), ""
		}
		a.Images = append(a.Images, one)
	}
	if len(a.Images) == 0 {
		return nil, dialect.Garbage("the provider's answer has no images", nil)
	}
	a.Extra = o.Rest()
	return a, nil
}

// EncodeImages implements dialect.Imager.
func (images) EncodeImages(q *llm.ImageRequest, a *llm.ImageResponse) ([]byte, []llm.Loss, error) {
	var l dialect.Losses
	dialect.LoseImages(a, llm.OpenAIImages, &l)
	own := a.From == llm.OpenAIImages
	if a.Usage != nil && !own {
		u := *a.Usage
		u.Total, u.Cost = 0, "" // they have a place
		dialect.LoseCounts(&u, llm.SaidInputImage|llm.SaidOutputImage|llm.SaidCacheRead, l.Add)
	}
	if q.Stream {
		out, err := events(q, a)
		return out, l.List, err
	}
	var w rawjson.Writer
	w.Open('{').Name("created").Num(string(cmp.Or(a.Created, a.Else.Created, "0")))
	about(&w, q, a, false)
	w.Name("data").Open('[')
	for i := range a.Images {
		one := &a.Images[i]
		w.Open('{')
		switch {
		case one.URL != "":
			w.Name("url").String(one.URL)
		case q.Return == llm.ReturnURL:
			w.Name("url").String(address(&llm.Blob{Type: one.Type, Data: one.Data}))
		default:
			w.Name("b64_json").String(one.Data)
		}
		if one.Revised != "" {
			w.Name("revised_prompt").String(one.Revised)
		}
		if own {
			dialect.WriteExtra(&w, one.Extra)
		}
		w.Close('}')
	}
	w.Close(']')
	if a.Model != "" {
		w.Name("model").String(a.Model)
	}
	if a.ID != "" {
		w.Name("id").String(a.ID)
	}
	writeUsage(&w, a.Usage, own)
	if own {
		dialect.WriteExtra(&w, a.Extra)
	}
	return w.Close('}').Buf, l.List, nil
}

// about writes what the images are, as far as it is known; an event demands all of it.
func about(w *rawjson.Writer, q *llm.ImageRequest, a *llm.ImageResponse, demanded bool) {
	size, format := a.Size, a.Format
	if len(a.Images) > 0 && a.Images[0].Data != "" && (demanded || a.From != llm.OpenAIImages) {
		if size == "" {
			size = dialect.SizeOf(a.Images[0].Data)
		}
		if format == "" {
			format = strings.TrimPrefix(a.Images[0].Type, "image/")
		}
	}
	background, quality := a.Background, a.Quality
	if demanded {
		background, quality = cmp.Or(background, "auto"), cmp.Or(quality, q.Quality, "auto")
		size, format = cmp.Or(size, "auto"), cmp.Or(format, "png")
	}
	for _, m := range [...]struct{ name, value string }{{"background", background}, {"output_format", format}, {"quality", quality}, {"size", size}} {
		if m.value != "" {
			w.Name(m.name).String(m.value)
		}
	}
}

// events writes an answer as the stream a client wants: each image is finished.
func events(q *llm.ImageRequest, a *llm.ImageResponse) ([]byte, error) {
	typ := "image_generation.completed"
	if q.Kind != llm.ImageMade {
		typ = "image_edit.completed"
	}
	var out []byte
	for i := range a.Images {
		one := &a.Images[i]
		if one.Data == "" {
			return nil, &fault.Fault{Kind: fault.Upstream, Origin: fault.There, Message: "the provider answered where its image is, and a stream has no place for that; send without stream"}
		}
		w := rawjson.Writer{Buf: append(out, "event: "+typ+"\ndata: "...)}
		w.Open('{').Name("type").String(typ).Name("b64_json").String(one.Data).Name("created_at").Num(string(cmp.Or(a.Created, a.Else.Created, "0")))
		about(&w, q, a, true)
		usage := &llm.Usage{}
		if i == len(a.Images)-1 {
			usage = cmp.Or(a.Usage, usage) // that of all stands in the last
		}
		writeUsage(&w, usage, false)
		out = append(w.Close('}').Buf, '\n', '\n')
	}
	return out, nil
}

// writeUsage writes the counts, nothing where none is stated.
func writeUsage(w *rawjson.Writer, u *llm.Usage, own bool) {
	if u == nil {
		return
	}
	total := u.Input + u.Output
	if u.Has(llm.SaidTotal) {
		total = u.Total
	}
	w.Name("usage").Open('{').Name("input_tokens").Int(u.Input).Name("output_tokens").Int(u.Output).Name("total_tokens").Int(total)
	w.Name("input_tokens_details").Open('{').Name("text_tokens").Int(max(u.Input-u.InputImage, 0)).Name("image_tokens").Int(u.InputImage)
	if u.Has(llm.SaidCacheRead) {
		w.Name("cached_tokens").Int(u.CacheRead)
	}
	w.Close('}')
	if u.Has(llm.SaidOutputImage) {
		w.Name("output_tokens_details").Open('{').Name("text_tokens").Int(max(u.Output-u.OutputImage, 0)).Name("image_tokens").Int(u.OutputImage).Close('}')
	}
	if u.Cost != "" {
		w.Name("cost").Num(string(u.Cost))
	}
	if own {
		dialect.WriteExtra(w, u.Extra)
	}
	w.Close('}')
}

var (
	_ dialect.Imager = images{}
	_ dialect.Fitter = images{}
)
