package cohere

import (
	"weir/internal/dialect"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

const noPlace = "there is no place for it here"

// beside reports what hangs on a part of another dialect and has no place here.
func (e *requestEncoder) beside(p *llm.Part) { dialect.LoseBeside(p, e.req.From, e.lose) }

// plain returns a part without what hangs on it.
func plain(p *llm.Part) llm.Part {
	return llm.Part{Kind: p.Kind, Text: p.Text, Media: p.Media, ID: p.ID, Name: p.Name, Args: p.Args, Path: p.Path}
}

// assistantPart makes a part of an assistant's turn sayable; false if it is left out.
func (e *requestEncoder) assistantPart(in *llm.Part) (llm.Part, bool) {
	p := plain(in)
	switch {
	case in.Kind == llm.PartText, in.Kind == llm.PartJSON, in.Kind == llm.PartRefusal:
		return e.text(in)
	case in.Kind == llm.PartReasoning:
		if p.Text == "" || !e.replaysThoughts() {
			if p.Text != "" || in.Seal.Data != "" {
				e.lose(p.Path, "earlier thoughts are not taken back here", llm.Dropped)
			}
			return p, false
		}
		p.Name = ""
	case in.Kind == llm.PartAudio && in.Text != "":
		e.lose(p.Path, "a sound becomes its transcript", llm.Changed)
		return llm.Part{Kind: llm.PartText, Text: p.Text, Path: p.Path}, true
	case in.Kind == llm.PartCall && in.By == llm.ByClient:
		args, exact := dialect.ObjectArgs(in.Args, in.Free)
		if !exact {
			e.lose(p.Path, "arguments that are no JSON object are wrapped in one", llm.Changed)
		}
		p.Args = args
	default:
		e.lose(p.Path, noPlace, llm.Dropped)
		return p, false
	}
	e.beside(in)
	return p, true
}

func (e *requestEncoder) text(in *llm.Part) (llm.Part, bool) {
	e.beside(in)
	if in.Kind == llm.PartRefusal && in.Text != "" {
		e.lose(in.Path, "a refusal becomes plain text", llm.Changed)
	}
	return llm.Part{Kind: llm.PartText, Text: in.Text, Path: in.Path}, in.Text != ""
}

// userPart makes a part of a turn of the user or of the system sayable; false if it is left out.
func (e *requestEncoder) userPart(in *llm.Part, role llm.Role) (llm.Part, bool) {
	p := plain(in)
	switch in.Kind {
	case llm.PartText, llm.PartJSON, llm.PartRefusal:
		return e.text(in)
	case llm.PartImage:
		if role != llm.User {
			e.lose(p.Path, "only the user shows images here", llm.Dropped)
			return p, false
		}
		e.image(&p)
	case llm.PartFile:
		return e.file(in, role)
	case llm.PartAudio:
		if in.Text != "" && (in.Media == nil || in.Media.Data == "") {
			e.lose(p.Path, "a sound becomes its transcript", llm.Changed)
			return llm.Part{Kind: llm.PartText, Text: p.Text, Path: p.Path}, true
		}
		e.refuse(p.Path, "the target does not hear; send text instead of sound")
	case llm.PartVideo:
		e.refuse(p.Path, "the target does not see moving pictures")
	default:
		e.lose(p.Path, noPlace, llm.Dropped)
		return p, false
	}
	e.beside(in)
	return p, true
}

// image fits an image; one that is kept at another provider cannot be seen.
func (e *requestEncoder) image(p *llm.Part) {
	b := *p.Media
	switch {
	case b.FileID != "":
		e.refuse(p.Path, "a file kept at another provider; send the image itself")
	case dialect.InBucket(b.URL):
		e.refuse(p.Path, "the target fetches nothing from a provider's storage; send the image itself")
	case b.Data == "" && b.URL == "":
		e.refuse(p.Path, "an image without data or address")
	}
	if b.Data != "" && b.Type == "" {
		b.Type = dialect.ImageType(b.Data)
	}
	if b.Detail != "" && b.Detail != "auto" && b.Detail != "low" && b.Detail != "high" {
		e.lose(p.Path+"."+e.word("image_url.detail"), "there is no such detail here", llm.Dropped)
		b.Detail = ""
	}
	p.Media = &b
}

// file makes a document of text sayable: beside the conversation where citations of it are asked for, else in its place,
// after its name. Any other cannot be read here.
func (e *requestEncoder) file(in *llm.Part, role llm.Role) (llm.Part, bool) {
	b := *in.Media
	var ok bool
	if b.Text, ok = dialect.FileText(&b); !ok {
		e.refuse(in.Path, "the target reads no files; send their text")
		return *in, false
	}
	e.beside(in)
	if b.Cite && role == llm.User && (e.req.Output.Kind == "" || e.req.Output.Kind == "text") {
		e.lose(in.Path, "the document stands beside the conversation", llm.Changed)
		e.documents = append(e.documents, llm.Part{Kind: llm.PartFile, Media: &llm.Blob{Text: b.Text, Name: b.Name}})
		return *in, false
	}
	e.lose(in.Path, "the document is sent as text", llm.Changed)
	text := b.Text
	if b.Name != "" {
		text = b.Name + "\n\n" + text
	}
	return llm.Part{Kind: llm.PartText, Text: text, Path: in.Path}, true
}

// result returns what a result of another dialect says: texts and documents, and media, which have no place in it. There
// is no mark for a failed call; its result says so.
func (e *requestEncoder) result(p *llm.Part) (texts, media []llm.Part) {
	for i := range p.Result {
		in := p.Result[i]
		if in.Path == "" {
			in.Path = p.Path
		}
		if in.Kind == llm.PartJSON && rawjson.Kind([]byte(in.Text)) == '{' && rawjson.Check([]byte(in.Text)) == nil {
			e.beside(&in)
			texts = append(texts, llm.Part{Kind: llm.PartJSON, Text: in.Text, Path: in.Path})
			continue
		}
		q, ok := e.userPart(&in, llm.User)
		switch {
		case !ok:
		case q.Kind == llm.PartText:
			texts = append(texts, q)
		default:
			if media == nil {
				media = append(media, llm.Part{Kind: llm.PartText, Text: "From the result of tool call " + p.ID + ":"})
			}
			e.lose(q.Path, "media of a result follow in a message of the user", llm.Changed)
			media = append(media, q)
		}
	}
	if p.Failed {
		e.lose(p.Path+".is_error", "there is no mark for a failed call here; its result begins with \"Error: \"", llm.Changed)
		if len(texts) > 0 && texts[0].Kind == llm.PartText {
			texts[0].Text = "Error: " + texts[0].Text
		} else {
			texts = append([]llm.Part{{Kind: llm.PartText, Text: "Error:"}}, texts...)
		}
	}
	if len(texts) == 0 {
		e.lose(p.Path+".content", "a result that is empty is not taken here", llm.Filled)
		texts = []llm.Part{{Kind: llm.PartText, Text: emptyResult}}
	}
	return texts, media
}
