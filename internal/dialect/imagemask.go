package dialect

import (
	"bytes"
	"encoding/base64"
	"image"
	"image/color"
	"image/png"

	"weir/internal/llm"
)

// maskMost bounds the pixels of a mask that is marked anew.
const maskMost = 1 << 24

// MaskAs returns a mask in base64 whose marks are as a target knows them: as it came, or drawn anew as PNG. What is half
// marked is not.
func MaskAs(m *llm.ImageMask, marks llm.MaskMark) (string, error) {
	data, _, err := ImageData(&m.Part)
	if err != nil || m.Marks == marks {
		return data, err
	}
	raw, err := base64.StdEncoding.DecodeString(data)
	if err != nil {
		return "", Unsaid(m.Path, "the mask is not base64")
	}
	c, _, err := image.DecodeConfig(bytes.NewReader(raw))
	if err != nil || c.Width < 1 || c.Height < 1 || int64(c.Width)*int64(c.Height) > maskMost {
		return "", Unsaid(m.Path, "this target wants masks in another form, and this one cannot be read: send it as PNG of at most 16 megapixels")
	}
	from, _, err := image.Decode(bytes.NewReader(raw))
	if err != nil {
		return "", Unsaid(m.Path, "the mask cannot be read as an image")
	}
	at := from.Bounds()
	to := image.NewPaletted(image.Rect(0, 0, at.Dx(), at.Dy()), palettes[marks])
	for y := range at.Dy() {
		for x := range at.Dx() {
			if marked(from.At(at.Min.X+x, at.Min.Y+y), m.Marks) {
				to.SetColorIndex(x, y, 1)
			}
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, to); err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(b.Bytes()), nil
}

// palettes are the colours of what stays and of what is changed.
var palettes = map[llm.MaskMark]color.Palette{
	llm.MarkClear: {color.NRGBA{A: 0xff}, color.NRGBA{}},
	llm.MarkBlack: {color.Gray{Y: 0xff}, color.Gray{}},
	llm.MarkWhite: {color.Gray{}, color.Gray{Y: 0xff}},
}

// marked reports whether a pixel says that the image is changed there.
func marked(c color.Color, marks llm.MaskMark) bool {
	r, g, b, a := c.RGBA()
	switch marks {
	case llm.MarkBlack:
		return a > 0x7fff && r+g+b < 3*0x7fff
	case llm.MarkWhite:
		return a > 0x7fff && r+g+b > 3*0x7fff
	}
	return a == 0
}
