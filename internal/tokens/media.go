package tokens

import (
	"encoding/base64"
	"encoding/binary"
	"math"
	"strings"

	"weir/internal/llm"
)

// picture is what a picture's price depends on.
type picture struct {
	wide, high int  // pixels, 0 = not known
	low        bool // coarse detail was asked for
}

// headMost is how much of a picture is looked at for its size: a JPEG may have a preview before it.
const headMost = 96 << 10

func (g *gathered) picture(b *llm.Blob) {
	if b == nil {
		return
	}
	p := picture{low: b.Detail == "low"}
	if b.Data != "" {
		p.wide, p.high = dimensions(b.Data)
	}
	if p.wide == 0 && !p.low {
		g.unseen |= UnseenImage
	}
	g.pictures = append(g.pictures, p)
}

// dimensions reads the size of a picture in base64, 0 where it cannot be read.
func dimensions(text string) (wide, high int) {
	text = text[:min(len(text), headMost)&^3]
	raw, _ := base64.StdEncoding.DecodeString(text) // what stands before a damage will do
	be := binary.BigEndian
	switch {
	case len(raw) >= 24 && string(raw[:8]) == "\x89PNG\r\n\x1a\n":
		return bounded(be.Uint32(raw[16:])), bounded(be.Uint32(raw[20:]))
	case len(raw) >= 10 && strings.HasPrefix(string(raw[:6]), "GIF8"):
		return int(binary.LittleEndian.Uint16(raw[6:])), int(binary.LittleEndian.Uint16(raw[8:]))
	case len(raw) >= 30 && string(raw[:4]) == "RIFF" && string(raw[8:12]) == "WEBP":
		return webp(raw)
	case len(raw) >= 4 && raw[0] == 0xff && raw[1] == 0xd8:
		return jpeg(raw)
	}
	return 0, 0
}

func bounded(n uint32) int {
	const sideMost = 1 << 16
	if n > sideMost {
		return 0
	}
	return int(n)
}

func webp(raw []byte) (wide, high int) {
	le := binary.LittleEndian
	switch string(raw[12:16]) {
	case "VP8 ":
		return int(le.Uint16(raw[26:])) & 0x3fff, int(le.Uint16(raw[28:])) & 0x3fff
	case "VP8L":
		bits := le.Uint32(raw[21:])
		return int(bits&0x3fff) + 1, int(bits>>14&0x3fff) + 1
	case "VP8X":
		return int(le.Uint32(raw[24:])&0xffffff) + 1, int(le.Uint32(raw[26:])>>8) + 1
	}
	return 0, 0
}

// jpeg walks the segments to the frame's head.
func jpeg(raw []byte) (wide, high int) {
	for i := 2; i+9 < len(raw) && raw[i] == 0xff; {
		kind, length := raw[i+1], int(binary.BigEndian.Uint16(raw[i+2:]))
		if kind >= 0xc0 && kind <= 0xcf && kind != 0xc4 && kind != 0xc8 && kind != 0xcc {
			return int(binary.BigEndian.Uint16(raw[i+7:])), int(binary.BigEndian.Uint16(raw[i+5:]))
		}
		i += 2 + length
	}
	return 0, 0
}

// pictureUnknown is what a picture is taken to come to where the provider publishes no formula, or its size is not known.
const pictureUnknown = 765

// pictureMost is more than any provider published for one picture.
const pictureMost = 40_000

// fixed is a formula of families whose pictures all come to the same.
func fixed(n float64) func(picture) float64 { return func(picture) float64 { return n } }

// tiles is OpenAI's formula: a base, and a number for each tile of 512 pixels of a picture that was fitted into 2048 and
// then to 768 on its short side. The figures are gpt-4o's; smaller models count more and newer ones by patches, which the
// ratio that is learned makes up for.
func tiles(p picture) float64 {
	const base, tile = 85, 170
	if p.low {
		return base
	}
	if p.wide == 0 || p.high == 0 {
		return pictureUnknown
	}
	w, h := float64(p.wide), float64(p.high)
	if s := 2048 / max(w, h); s < 1 {
		w, h = w*s, h*s
	}
	if s := 768 / min(w, h); s < 1 {
		w, h = w*s, h*s
	}
	return base + tile*math.Ceil(w/512)*math.Ceil(h/512)
}

// area is Anthropic's formula: the area over 750, of a picture that was fitted into 1568 pixels and 1600 tokens.
func area(p picture) float64 {
	const most = 1600
	if p.wide == 0 || p.high == 0 {
		return most
	}
	w, h := float64(p.wide), float64(p.high)
	if s := 1568 / max(w, h); s < 1 {
		w, h = w*s, h*s
	}
	return min(most, math.Ceil(w*h/750))
}
