package geminiimages

import (
	"strings"

	"weir/internal/dialect"
	"weir/internal/dialect/gemini"
	"weir/internal/fault"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// DecodeImages implements dialect.Imager. It reads Imagen's answers and Gemini's.
func (images) DecodeImages(body []byte) (*llm.ImageResponse, error) {
	if rawjson.Get(body, "candidates") != nil || rawjson.Get(body, "promptFeedback") != nil {
		return decodeCandidates(body)
	}
	var o dialect.Object
	o.Read(body)
	a := &llm.ImageResponse{From: llm.GeminiImages}
	predictions := o.Take("predictions")
	for _, v := range rawjson.Elems(predictions) {
		var in dialect.Object
		in.Read(v)
		one := llm.Image{Data: in.String("bytesBase64Encoded"), URL: in.String("gcsUri"), Type: in.String("mimeType"), Revised: in.String("prompt")}
		reason := in.String("raiFilteredReason")
		switch {
		case one.Data != "" || one.URL != "":
			if one.Data != "" {
				one.URL = ""
				if one.Type == "" {
					one.Type = dialect.ImageType(one.Data)
				}
			}
			one.Extra = in.Rest()
			a.Images = append(a.Images, one)
		case reason != "":
			a.Missing, a.Why = a.Missing+1, reason
		}
	}
	if len(a.Images) > 0 {
		a.Extra = o.Rest()
		return a, nil
	}
	if a.Why != "" || predictions == nil && rawjson.Kind(body) == '{' && rawjson.Get(body, "error") == nil {
		return nil, withheld(a.Why)
	}
	return nil, dialect.Garbage("the provider's answer has no images", nil)
}

// withheld is the fault of an answer without an image because of what was asked.
func withheld(why string) *fault.Fault {
	f := &fault.Fault{Kind: fault.ContentPolicy, Origin: fault.There, Code: "moderation_blocked", Message: "the provider made no image"}
	if why != "" {
		f.Message += ": " + why
	}
	return f
}

// decodeCandidates reads an answer of generateContent: images that are no thoughts, and what is said beside them.
func decodeCandidates(body []byte) (*llm.ImageResponse, error) {
	r, err := gemini.New().Codec().DecodeResponse(body)
	if err != nil {
		return nil, err
	}
	if r.Fault != nil {
		return nil, r.Fault
	}
	a := &llm.ImageResponse{From: llm.GeminiGenerate, ID: r.ID, Model: r.Model, Created: r.Created, Usage: r.Usage}
	why, filtered := "", false
	for i := range r.Choices {
		c := &r.Choices[i]
		for j := range c.Parts {
			p := &c.Parts[j]
			switch {
			case p.Kind == llm.PartImage && p.Media != nil && p.Media.Data != "" && !thought(p):
				a.Images = append(a.Images, llm.Image{Data: p.Media.Data, Type: p.Media.Type})
			case p.Kind == llm.PartText:
				a.Text += strings.TrimSpace(p.Text)
			default:
				a.Thoughts = true
			}
		}
		filtered = filtered || c.Stop.Reason == llm.StopFilter || strings.HasPrefix(c.Stop.Native, "IMAGE_") || c.Stop.Native == "NO_IMAGE"
		if c.Stop.Detail != "" {
			why = c.Stop.Detail
		} else if c.Stop.Native != "" && c.Stop.Native != "STOP" && why == "" {
			why = c.Stop.Native
		}
	}
	switch {
	case len(a.Images) > 0:
		return a, nil
	case filtered:
		return nil, withheld(why)
	case a.Text != "":
		f := withheld("it answered in words: " + short(a.Text))
		f.Code = "no_image"
		return nil, f
	}
	return nil, dialect.Garbage("the provider's answer has no image", nil)
}

// thought reports whether an image is a draft that was thought with, not the answer.
func thought(p *llm.Part) bool {
	is, _ := rawjson.Bool(p.Extra["thought"])
	return is
}

// short cuts a text for a message.
func short(s string) string {
	const most = 300
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// EncodeImages implements dialect.Imager: clients are answered as Imagen answers.
func (images) EncodeImages(_ *llm.ImageRequest, a *llm.ImageResponse) ([]byte, []llm.Loss, error) {
	var l dialect.Losses
	own := a.From == llm.GeminiImages
	told := *a
	told.Missing = 0 // they have a place
	dialect.LoseImages(&told, llm.GeminiImages, &l)
	var w rawjson.Writer
	w.Open('{').Name("predictions").Open('[')
	for i := range a.Images {
		one := &a.Images[i]
		w.Open('{')
		if typ := one.Type; typ != "" {
			w.Name("mimeType").String(typ)
		}
		switch {
		case one.Data != "":
			w.Name("bytesBase64Encoded").String(one.Data)
		case strings.HasPrefix(one.URL, "gs://"):
			w.Name("gcsUri").String(one.URL)
		default:
			return nil, nil, dialect.Garbage("the provider answered where its image is, and this dialect has the image itself", nil)
		}
		if one.Revised != "" {
			w.Name("prompt").String(one.Revised)
		}
		if own {
			dialect.WriteExtra(&w, one.Extra)
		}
		w.Close('}')
	}
	for range a.Missing {
		w.Open('{').Name("raiFilteredReason").String(a.Why).Close('}')
	}
	w.Close(']')
	if own {
		dialect.WriteExtra(&w, a.Extra)
		return w.Close('}').Buf, l.List, nil
	}
	const none = "there is no such member here"
	for _, m := range [...]struct{ name, value string }{{"id", a.ID}, {"model", a.Model}, {"created", string(a.Created)}, {"quality", a.Quality}, {"background", a.Background}} {
		if m.value != "" {
			l.Add("answer."+m.name, none, llm.Dropped)
		}
	}
	if a.Usage != nil {
		l.Add("answer.usage", "nothing is counted here", llm.Dropped)
	}
	return w.Close('}').Buf, l.List, nil
}

var (
	_ dialect.Imager = images{}
	_ dialect.Fitter = images{}
)
