package prepare

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"math"

	"weir/internal/llm"
)

// large is the number of pixels from which images are worked on one at a time, so that their memory does not add up.
const large = 12_000_000

var (
	working      = make(chan struct{}, 4)
	workingLarge = make(chan struct{}, 1)
)

// turnOf waits for the right to work on an image and returns how to give it back.
func turnOf(ctx context.Context, pixels int64) (func(), error) {
	seat := working
	if pixels >= large {
		seat = workingLarge
	}
	select {
	case seat <- struct{}{}:
		return func() { <-seat }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// remake decodes an image and writes it again as the target takes it.
func remake(ctx context.Context, raw []byte, l *looks, m *llm.Media, side int) (made picture) {
	outer := ctx
	ctx, cancel := context.WithTimeout(ctx, imageTime)
	defer cancel()
	defer func() {
		switch p := recover(); {
		case p != nil:
			made = picture{err: problem("is a damaged image; send another copy of it")}
		case outer.Err() != nil:
			made = picture{err: outer.Err()}
		case ctx.Err() != nil:
			made = picture{err: problem("takes more than " + imageTime.String() + " to make smaller; send a smaller image")}
		}
	}()
	leave, err := turnOf(ctx, int64(l.width)*int64(l.height))
	if err != nil {
		return picture{}
	}
	defer leave()
	src, _, err := image.Decode(&patient{ctx: ctx, r: bytes.NewReader(raw)})
	if err != nil {
		return picture{err: problem("is a damaged image; send another copy of it")}
	}
	if b := src.Bounds(); b.Empty() || int64(b.Dx())*int64(b.Dy()) > mostPixels {
		return picture{err: problem("is a damaged image; send another copy of it")}
	}
	width, height := src.Bounds().Dx(), src.Bounds().Dy()
	w, h := within(width, height, side)
	out := turned(scaled(ctx, src, w, h), l.turn)
	e := encode(ctx, out, l, m)
	made = e.picture
	if made.err != nil || ctx.Err() != nil {
		return made
	}
	if fw, fh := l.size(); fw != e.width || fh != e.height {
		made.did = append(made.did, fmt.Sprintf("scaled from %dx%d to %dx%d", fw, fh, e.width, e.height))
	}
	if made.typ != l.format {
		made.did = append(made.did, "converted from "+l.format+" to "+made.typ)
	}
	if l.moves {
		made.did = append(made.did, "only the first picture of the animation")
	}
	if l.turn > 1 {
		made.did = append(made.did, "turned upright")
	}
	if made.did == nil {
		made.did = []string{fmt.Sprintf("written again in %d instead of %d bytes", e.bytes, len(raw))}
	}
	return made
}

// within returns the size of an image whose sides are at most side; 0 = as it is.
func within(w, h, side int) (int, int) {
	if side <= 0 || max(w, h) <= side {
		return w, h
	}
	f := float64(side) / float64(max(w, h))
	return max(1, min(side, int(math.Round(float64(w)*f)))), max(1, min(side, int(math.Round(float64(h)*f))))
}

// encode writes an image so that it has at most the target's bytes: as PNG where something shines through or where it was
// drawn rather than photographed and is small, else as JPEG; the quality first, then the size gives way.
func encode(ctx context.Context, img *image.RGBA, l *looks, m *llm.Media) (out encoded) {
	const tries, drawnMost = 10, 4_000_000
	drawn := l.format != "image/jpeg" && l.format != "image/webp"
	only := !m.Sees("image/jpeg")
	asPNG := only || m.Sees("image/png") && (!img.Opaque() || drawn && img.Rect.Dx()*img.Rect.Dy() <= drawnMost)
	for quality, n := 90, 0; n < tries && ctx.Err() == nil; n++ {
		var b bytes.Buffer
		var err error
		out = encoded{width: img.Rect.Dx(), height: img.Rect.Dy()}
		if asPNG {
			out.typ, err = "image/png", png.Encode(&b, img)
		} else {
			out.typ, err = "image/jpeg", jpeg.Encode(&b, img, &jpeg.Options{Quality: quality})
		}
		if err != nil {
			out.err = fmt.Errorf("an image could not be written: %w", err)
			return out
		}
		if out.bytes = b.Len(); m.ImageBytes <= 0 || int64(out.bytes) <= m.ImageBytes {
			out.data = base64.StdEncoding.EncodeToString(b.Bytes())
			return out
		}
		switch {
		case asPNG && img.Opaque() && !only:
			asPNG = false
		case !asPNG && quality > 70:
			quality -= 10
		default:
			f := min(0.9, 0.95*math.Sqrt(float64(m.ImageBytes)/float64(out.bytes)))
			img = scaled(ctx, img, max(1, int(float64(out.width)*f)), max(1, int(float64(out.height)*f)))
		}
	}
	out.err = problem("is an image that cannot be made small enough for the target; send a smaller one")
	return out
}

// encoded is an image that was written again.
type encoded struct {
	picture
	width, height, bytes int
}

// patient reads until a context ends, which ends a decoder too.
type patient struct {
	ctx context.Context
	r   *bytes.Reader
}

var errLate = errors.New("out of time")

// Read implements io.Reader.
func (p *patient) Read(b []byte) (int, error) {
	if p.ctx.Err() != nil {
		return 0, errLate
	}
	return p.r.Read(b)
}
