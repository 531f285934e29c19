package prepare

import (
	"context"
	"image"
	"image/draw"
	"math"
)

// An image is scaled row by row: each row of the source is scaled in width once and kept only as long as a row of the
// result needs it. So the memory is that of the result and a few rows, whatever the size of the source.

// tap is what one pixel of a result takes of the source: weights from a first pixel on, which sum up to 1.
type tap struct {
	first   int
	weights []float32
}

// taps returns those of each of n pixels of a result, made from size pixels, with the Catmull-Rom kernel. Where the result
// is smaller the kernel is as much wider, so that every pixel of the source counts.
func taps(n, size int) []tap {
	out := make([]tap, n)
	ratio := float64(size) / float64(n)
	wide := max(ratio, 1)
	for i := range out {
		centre := (float64(i)+0.5)*ratio - 0.5
		first, last := int(math.Ceil(centre-2*wide)), int(math.Floor(centre+2*wide))
		first, last = max(first, 0), min(last, size-1)
		weights, sum := make([]float32, 0, last-first+1), 0.0
		for j := first; j <= last; j++ {
			v := catmullRom(math.Abs(float64(j)-centre) / wide)
			weights = append(weights, float32(v))
			sum += v
		}
		for j := range weights {
			weights[j] /= float32(sum)
		}
		out[i] = tap{first, weights}
	}
	return out
}

func catmullRom(x float64) float64 {
	switch {
	case x < 1:
		return (1.5*x-2.5)*x*x + 1
	case x < 2:
		return ((-0.5*x+2.5)*x-4)*x + 2
	}
	return 0
}

// scaled returns an image in another size. Where ctx ends on the way the rest stays empty.
func scaled(ctx context.Context, src image.Image, width, height int) *image.RGBA {
	b := src.Bounds()
	out := image.NewRGBA(image.Rect(0, 0, width, height))
	if b.Dx() == width && b.Dy() == height {
		draw.Draw(out, out.Rect, src, b.Min, draw.Src)
		return out
	}
	across, down := taps(width, b.Dx()), taps(height, b.Dy())
	line := image.NewRGBA(image.Rect(0, 0, b.Dx(), 1))
	var kept [][]float32 // rows of the source, scaled in width, from row number base on
	var free [][]float32
	base := 0
	sum := make([]float32, width*4)
	for y := range height {
		if ctx.Err() != nil {
			return out
		}
		t := &down[y]
		for base < t.first && len(kept) > 0 {
			free, kept, base = append(free, kept[0]), kept[1:], base+1
		}
		if len(kept) == 0 {
			base = t.first
		}
		for base+len(kept) < t.first+len(t.weights) {
			var row []float32
			if n := len(free); n > 0 {
				row, free = free[n-1], free[:n-1]
			} else {
				row = make([]float32, width*4)
			}
			draw.Draw(line, line.Rect, src, image.Pt(b.Min.X, b.Min.Y+base+len(kept)), draw.Src)
			narrow(row, line.Pix, across)
			kept = append(kept, row)
		}
		clear(sum)
		for i, weight := range t.weights {
			row := kept[t.first-base+i]
			for x := range sum {
				sum[x] += weight * row[x]
			}
		}
		write(out.Pix[y*out.Stride:], sum)
	}
	return out
}

// narrow scales one row in width.
func narrow(out []float32, pix []byte, across []tap) {
	for x := range across {
		t := &across[x]
		var r, g, b, a float32
		from := pix[t.first*4:]
		for i, weight := range t.weights {
			p := from[i*4 : i*4+4 : i*4+4]
			r += weight * float32(p[0])
			g += weight * float32(p[1])
			b += weight * float32(p[2])
			a += weight * float32(p[3])
		}
		o := out[x*4 : x*4+4 : x*4+4]
		o[0], o[1], o[2], o[3] = r, g, b, a
	}
}

// write rounds a row; no colour exceeds its opacity, as it is multiplied by it.
func write(pix []byte, sum []float32) {
	for x := 0; x < len(sum); x += 4 {
		a := clamp(sum[x+3], 255)
		pix[x+3] = byte(a + 0.5)
		for c := range 3 {
			pix[x+c] = byte(clamp(sum[x+c], a) + 0.5)
		}
	}
}

func clamp(v, most float32) float32 { return min(max(v, 0), most) }

// turned returns an image upright that an EXIF orientation says to turn.
func turned(src *image.RGBA, turn int) *image.RGBA {
	w, h := src.Rect.Dx(), src.Rect.Dy()
	if turn < 2 || turn > 8 {
		return src
	}
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	if turn >= 5 {
		out = image.NewRGBA(image.Rect(0, 0, h, w))
	}
	for y := range h {
		for x := range w {
			dx, dy := x, y
			switch turn {
			case 2:
				dx = w - 1 - x
			case 3:
				dx, dy = w-1-x, h-1-y
			case 4:
				dy = h - 1 - y
			case 5:
				dx, dy = y, x
			case 6:
				dx, dy = h-1-y, x
			case 7:
				dx, dy = h-1-y, w-1-x
			case 8:
				dx, dy = y, w-1-x
			}
			copy(out.Pix[dy*out.Stride+dx*4:][:4], src.Pix[y*src.Stride+x*4:][:4])
		}
	}
	return out
}
