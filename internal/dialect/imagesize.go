package dialect

import (
	"bytes"
	"encoding/base64"
	"image"
	_ "image/gif"  // that their sizes can be read
	_ "image/jpeg" // so
	_ "image/png"  // so
	"math/bits"
	"strconv"
	"strings"

	"weir/internal/llm"
)

// Pixels reads a size like 1024x1536; false for what is none.
func Pixels(word string) (width, height int64, ok bool) { return pair(word, "x") }

// Ratio reads a shape like 16:9; false for what is none.
func Ratio(word string) (width, height int64, ok bool) {
	a, b, _ := strings.Cut(word, ":")
	if strings.Contains(word, ".") { // xAI's 19.5:9
		a, b = tenfold(a), tenfold(b)
	}
	return pair(a+":"+b, ":")
}

func tenfold(s string) string {
	whole, part, _ := strings.Cut(s, ".")
	if len(part) > 1 {
		return ""
	}
	return whole + (part + "0")[:1]
}

// sideMost bounds what a side is taken for.
const sideMost = 1 << 16

func pair(word, by string) (int64, int64, bool) {
	a, b, ok := strings.Cut(word, by)
	m, err := strconv.ParseUint(a, 10, 32)
	n, err2 := strconv.ParseUint(b, 10, 32)
	if !ok || err != nil || err2 != nil || m < 1 || n < 1 || m > sideMost || n > sideMost {
		return 0, 0, false
	}
	return int64(m), int64(n), true
}

// Shape returns the proportions of a size, false where none are said.
func Shape(s llm.ImageSize) (width, height int64, ok bool) {
	if s.Width > 0 {
		return s.Width, s.Height, true
	}
	return Ratio(s.Aspect)
}

// Nearest returns the one of some shapes (16:9) or sizes (1024x1024) that is nearest to a shape, and whether its
// proportions are the same. Of several that are equally near it is the first.
func Nearest(width, height int64, among []string) (word string, same bool) {
	var best [2]uint64 // how much longer the longer side is, as a fraction
	for _, one := range among {
		w, h, ok := Ratio(one)
		if !ok {
			w, h, ok = Pixels(one)
		}
		if !ok {
			continue
		}
		a, b := uint64(width*h), uint64(w*height)
		if a < b {
			a, b = b, a
		}
		if word == "" || less(a, b, best[0], best[1]) {
			word, best, same = one, [2]uint64{a, b}, a == b
		}
	}
	return word, same
}

// less reports whether a/b < c/d.
func less(a, b, c, d uint64) bool {
	hi, lo := bits.Mul64(a, d)
	hi2, lo2 := bits.Mul64(c, b)
	return hi < hi2 || hi == hi2 && lo < lo2
}

// Side returns about how long the side of a square of a class is: 1K is 1024.
func Side(class string) int64 {
	switch strings.ToUpper(class) {
	case "512", "0.5K":
		return 512
	case "1K":
		return 1024
	case "2K":
		return 2048
	case "4K":
		return 4096
	}
	return 0
}

// Class returns the class that holds a size in pixels: the smallest whose area is not much less.
func Class(width, height int64) string {
	switch area := width * height; {
	case area <= 2048*1024:
		return "1K"
	case area <= 4096*2048:
		return "2K"
	}
	return "4K"
}

// Filled returns the pixels of a size of which only shape or class are said: the largest of the shape whose longer side is
// at most that of the class, 1K where none is, in steps.
func Filled(s llm.ImageSize, step int64) (width, height int64) {
	if s.Width > 0 {
		return s.Width, s.Height
	}
	side := Side(s.Class)
	if side == 0 {
		side = 1024
	}
	w, h, ok := Ratio(s.Aspect)
	if !ok {
		return side, side
	}
	for a, b := w, h; ; { // the smallest numbers of the shape
		if b == 0 {
			w, h = w/a, h/a
			break
		}
		a, b = b, a%b
	}
	if n := side / (max(w, h) * step); n > 0 {
		return w * n * step, h * n * step
	}
	long, short := max(w, h), min(w, h)
	width, height = side, max(side*short/long/step*step, step)
	if h > w {
		width, height = height, width
	}
	return width, height
}

// headMost is how much of an image is read to find its size.
const headMost = 64 << 10

// SizeOf returns the size of an image in base64, by its first bytes; "" where they do not tell it.
func SizeOf(data string) string {
	data = data[:min(len(data), headMost)]
	data = data[:len(data)/4*4]
	raw, err := base64.StdEncoding.DecodeString(data)
	if err != nil {
		return ""
	}
	c, _, err := image.DecodeConfig(bytes.NewReader(raw))
	if err != nil {
		return ""
	}
	return strconv.Itoa(c.Width) + "x" + strconv.Itoa(c.Height)
}
