// Package prepare makes a request fit a target that would not take it as it is: documents become their text, images are
// made smaller or of another format, and what the system says is moved. It knows the canonical request and the facts of
// the target, and fetches nothing.
//
// A Desk serves one exchange. For each target it walks the request, does what the model's declared transforms allow and
// the target needs, and returns a changed copy with a Loss (Changed) for everything that is no longer as the client sent
// it. Where the target takes everything the request comes back as it went in. What cannot be prepared rightly, such as a
// scanned or encrypted PDF, is refused with the path of the part and what to do: an unread document is a wrong answer.
//
// Documents and images come from strangers. PDF files are read by PDFium inside a WebAssembly sandbox with bounded
// memory; the other formats by the standard library's readers. Each has a bound on time, size, pages and pixels.
package prepare

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"weir/internal/fault"
	"weir/internal/llm"
)

// Target is what is known of where a request goes.
type Target struct {
	Dialect llm.Dialect
	Facts   llm.Facts
}

// Result is a prepared request.
type Result struct {
	Request *llm.Request // the one that was given where nothing had to be done
	Losses  []llm.Loss
	Steps   []string // what was done, as TRANSFORM PATH
}

// Desk prepares the requests of one exchange, for one target after the other. What was read is kept for the next one. The
// zero value is ready; one goroutine uses it.
type Desk struct {
	texts   map[*llm.Blob]reading
	images  map[fitted]picture
	reading time.Duration // spent on documents
	drawing time.Duration // and on images
	said    int           // bytes of text read
}

// Request returns req as the target takes it, as far as the transforms do something about it. The error is a
// *fault.Fault; req is never changed.
func (d *Desk) Request(ctx context.Context, req *llm.Request, transforms llm.Transform, t Target) (Result, error) {
	w := &work{ctx: ctx, desk: d, target: &t, transforms: transforms, out: req}
	if transforms.Has(llm.ImagesFit) {
		w.count(req)
	}
	if transforms.Has(llm.DocumentsToText) || transforms.Has(llm.ImagesFit) {
		if err := w.messages(); err != nil {
			return Result{}, err
		}
	}
	w.system()
	return Result{Request: w.out, Losses: w.losses, Steps: w.steps}, nil
}

// work is one walk over a request.
type work struct {
	ctx        context.Context
	desk       *Desk
	target     *Target
	transforms llm.Transform
	images     int // in the request, those that are sent as data
	out        *llm.Request
	losses     []llm.Loss
	steps      []string
}

func (w *work) lose(path, why string, grade llm.Grade) {
	w.losses = append(w.losses, llm.Loss{Path: path, Why: why, Grade: grade})
}

// did notes that a transform changed what stands at a path.
func (w *work) did(t llm.Transform, path, why string) {
	w.lose(path, why, llm.Changed)
	w.steps = append(w.steps, t.String()+" "+path)
}

// refuse is the fault of a part that cannot be prepared.
func refuse(path, format string, args ...any) error {
	f := fault.New(fault.Unsupported, "%s %s", path, fmt.Sprintf(format, args...))
	f.Param = path
	return f
}

// messages prepares what stands in turns, results of tools included.
func (w *work) messages() error {
	for i := range w.out.Messages {
		m := &w.out.Messages[i]
		if m.Role == llm.Assistant {
			continue
		}
		parts, err := w.parts(m.Parts, m.Path)
		if err != nil {
			return err
		}
		if parts != nil {
			w.own()
			w.out.Messages[i].Parts = parts
		}
	}
	return nil
}

// own makes the request and its list of messages this walk's, once.
func (w *work) own() {
	own := *w.out
	own.Messages = slices.Clone(own.Messages)
	w.out = &own
}

// parts returns the prepared parts, nil where none had to be changed.
func (w *work) parts(parts []llm.Part, above string) ([]llm.Part, error) {
	var out []llm.Part // nil until something changes
	for i := range parts {
		p := &parts[i]
		path := p.Path
		if path == "" {
			path = above
		}
		made, err := w.part(p, path)
		if err != nil {
			return nil, err
		}
		if made != nil && out == nil {
			out = slices.Clone(parts[:i:i])
		}
		switch {
		case made != nil:
			out = append(out, *made)
		case out != nil:
			out = append(out, *p)
		}
	}
	return out, nil
}

// part returns what a part becomes, nil where it stays.
func (w *work) part(p *llm.Part, path string) (*llm.Part, error) {
	switch {
	case p.By != llm.ByClient || p.Kind != llm.PartResult && p.Media == nil:
		return nil, nil
	case p.Kind == llm.PartResult:
		inner, err := w.parts(p.Result, path)
		if err != nil || inner == nil {
			return nil, err
		}
		own := *p
		own.Result = inner
		return &own, nil
	case p.Kind == llm.PartFile && w.transforms.Has(llm.DocumentsToText):
		return w.document(p, path)
	case p.Kind == llm.PartImage && w.transforms.Has(llm.ImagesFit):
		return w.image(p, path)
	}
	return nil, nil
}

// count counts the images that are sent as data.
func (w *work) count(req *llm.Request) {
	var walk func([]llm.Part)
	walk = func(parts []llm.Part) {
		for i := range parts {
			p := &parts[i]
			if p.Kind == llm.PartImage && p.Media != nil && p.Media.Data != "" {
				w.images++
			}
			walk(p.Result)
		}
	}
	for i := range req.Messages {
		walk(req.Messages[i].Parts)
	}
}

// Concerns reports whether a body, in whichever dialect, may hold what the transforms are about. It looks for words and
// decodes nothing; a body without them is left alone.
func Concerns(transforms llm.Transform, body []byte) bool {
	for i := range signs {
		s := &signs[i]
		if transforms&s.of != 0 && bytes.Contains(body, s.word) {
			return true
		}
	}
	return false
}

const system = llm.SystemFirst | llm.SystemToUser

// signs are the words by which the dialects name documents, images and the system.
var signs = [...]struct {
	of   llm.Transform
	word []byte
}{
	{llm.DocumentsToText, []byte(`"file`)},                   // openai-chat, gemini-generate; openai-responses beside its type
	{llm.DocumentsToText, []byte(`"input_file"`)},            // openai-responses
	{llm.DocumentsToText, []byte(`"document"`)},              // anthropic-messages, bedrock-converse, cohere-chat
	{llm.DocumentsToText | llm.ImagesFit, []byte(`"inline`)}, // gemini-generate, in both spellings
	{llm.ImagesFit, []byte(`"image`)},                        // all the others
	{llm.ImagesFit, []byte(`"input_image"`)},                 // openai-responses
	{system, []byte(`"system`)},                              // a role, a member, systemInstruction
	{system, []byte(`"developer"`)},                          // a role of OpenAI's
	{system, []byte(`"instructions"`)},                       // openai-responses
}
