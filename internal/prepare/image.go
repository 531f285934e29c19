package prepare

import (
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"weir/internal/llm"
)

// imageTime bounds the work on one image, imagesTime that on all of a request.
const (
	imageTime  = 15 * time.Second
	imagesTime = 60 * time.Second
)

// fitted is what an image was fitted to.
type fitted struct {
	blob   *llm.Blob
	target *llm.Media
	side   int
}

// picture is what became of an image.
type picture struct {
	typ, data string   // data is base64; "" = it stays
	did       []string // in words
	err       error
}

// image returns what an image becomes, nil where it stays.
func (w *work) image(p *llm.Part, at string) (*llm.Part, error) {
	b := p.Media
	if b.Data == "" || p.Raw != nil {
		return nil, nil // an address is the target's to fetch, and what a provider made itself goes back as it is
	}
	m := w.target.sees()
	key := fitted{b, m, m.Side(w.images)}
	made, ok := w.desk.images[key]
	if !ok {
		made = w.fit(b, m, key.side)
		if w.desk.images == nil {
			w.desk.images = map[fitted]picture{}
		}
		if w.ctx.Err() == nil {
			w.desk.images[key] = made
		}
	}
	switch why, ok := made.err.(problem); { //nolint:errorlint // fit returns it as it is
	case ok:
		return nil, refuse(at, "%s", why)
	case made.err != nil:
		return nil, made.err
	case made.did == nil:
		return nil, nil
	}
	w.did(llm.ImagesFit, at, strings.Join(made.did, ", "))
	own, blob := *p, *b
	blob.Type, own.Media = made.typ, &blob
	if made.data != "" {
		blob.Data = made.data
	}
	return &own, nil
}

// fit makes an image fit a target.
func (w *work) fit(b *llm.Blob, m *llm.Media, side int) picture {
	raw, err := base64.StdEncoding.DecodeString(b.Data)
	if err != nil {
		return picture{} // the target says better what is wrong with it
	}
	l := look(raw)
	if l.format == "" {
		if typ := mediaType(b.Type); typ != "" && !m.Sees(typ) {
			return picture{err: problem("is an image of the type " + typ + ", which the target does not take and which cannot be converted; send PNG or JPEG")}
		}
		return picture{}
	}
	need := needs{
		format: !m.Sees(l.format) || m.Still && l.moves,
		side:   side > 0 && max(l.width, l.height) > side,
		bytes:  m.ImageBytes > 0 && int64(len(raw)) > m.ImageBytes,
	}
	if need == (needs{}) {
		if said := mediaType(b.Type); said != "" && said != l.format && said != "image/jpg" && m.Sees(l.format) {
			return picture{typ: l.format, did: []string{"it is sent as what it is, " + l.format}}
		}
		return picture{}
	}
	if !l.readable() {
		return picture{err: problem(fmt.Sprintf("is an image of the type %s that %s, and it cannot be converted; send PNG or JPEG", l.format, need.words(m, side)))}
	}
	if why := l.excess(); why != "" {
		return picture{err: problem(why)}
	}
	if w.desk.drawing > imagesTime {
		return picture{err: problem(fmt.Sprintf("is one image too many: all of a request take at most %s to make smaller; send smaller ones", imagesTime))}
	}
	start := time.Now()
	defer func() { w.desk.drawing += time.Since(start) }()
	return remake(w.ctx, raw, &l, m, side)
}

// needs says in which ways an image does not fit.
type needs struct{ format, side, bytes bool }

func (n needs) words(m *llm.Media, side int) string {
	switch {
	case n.format:
		return "the target does not take"
	case n.side:
		return fmt.Sprintf("has sides of more than %d pixels", side)
	default:
		return fmt.Sprintf("has more than %d bytes", m.ImageBytes)
	}
}

// mediaType is a media type without its parameters, in lower case.
func mediaType(s string) string {
	s, _, _ = strings.Cut(strings.ToLower(s), ";")
	return strings.TrimSpace(s)
}
