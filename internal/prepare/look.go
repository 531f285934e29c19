package prepare

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	_ "image/gif" // readers of the formats
	_ "image/jpeg"
	_ "image/png"
	"slices"
	"strings"

	_ "golang.org/x/image/bmp" // and of those the standard library lacks
	_ "golang.org/x/image/tiff"
	_ "golang.org/x/image/webp"
)

// Bounds of an image that is decoded: its pixels, and the memory it takes when it is.
const (
	mostPixels = 100_000_000
	mostMemory = 512 << 20
)

// looks is what an image says of itself before it is decoded.
type looks struct {
	format        string // media type, by its bytes; "" = none that is known
	width, height int    // as stored; 0 = not known
	turn          int    // EXIF orientation, 1 to 8; 0 = none
	moves         bool   // more than one picture (GIF)
	pixel         int    // bytes that a pixel takes while it is decoded; 0 = it cannot be
}

// look reads the head of an image. Nothing is unpacked.
func look(raw []byte) looks {
	l := looks{format: formatOf(raw)}
	switch l.format {
	case "", "image/heic", "image/avif":
		return l
	}
	c, _, err := image.DecodeConfig(bytes.NewReader(raw))
	if err != nil {
		return l
	}
	l.width, l.height, l.pixel = c.Width, c.Height, 4
	switch c.ColorModel {
	case color.NRGBA64Model, color.RGBA64Model:
		l.pixel = 8
	case color.YCbCrModel, color.GrayModel:
		l.pixel = 3
	}
	switch l.format {
	case "image/jpeg":
		var progressive bool
		if l.turn, progressive = jpegHead(raw); progressive {
			l.pixel += 12 // its coefficients are kept until all have come
		}
	case "image/gif":
		l.moves = gifMoves(raw)
	}
	return l
}

// readable reports whether the image can be decoded.
func (l *looks) readable() bool { return l.pixel > 0 && l.width > 0 && l.height > 0 }

// excess says why an image is too large to be decoded, "" if it is not.
func (l *looks) excess() string {
	pixels := int64(l.width) * int64(l.height)
	if pixels > mostPixels || pixels*int64(l.pixel) > mostMemory {
		return fmt.Sprintf("is an image of %dx%d pixels, too many to be made smaller here; send a smaller one", l.width, l.height)
	}
	return ""
}

// size returns width and height as the image is to be seen.
func (l *looks) size() (int, int) {
	if l.turn >= 5 {
		return l.height, l.width
	}
	return l.width, l.height
}

// formatOf finds an image's media type by its first bytes, "" if it is none that is known.
func formatOf(raw []byte) string {
	head := string(raw[:min(len(raw), 32)])
	switch {
	case strings.HasPrefix(head, "\x89PNG\r\n\x1a\n"):
		return "image/png"
	case strings.HasPrefix(head, "\xff\xd8\xff"):
		return "image/jpeg"
	case strings.HasPrefix(head, "GIF87a"), strings.HasPrefix(head, "GIF89a"):
		return "image/gif"
	case strings.HasPrefix(head, "RIFF") && len(head) >= 12 && head[8:12] == "WEBP":
		return "image/webp"
	case strings.HasPrefix(head, "BM") && len(head) >= 18:
		return "image/bmp"
	case strings.HasPrefix(head, "II*\x00"), strings.HasPrefix(head, "MM\x00*"):
		return "image/tiff"
	case len(head) >= 12 && head[4:8] == "ftyp":
		switch brand := head[8:12]; {
		case brand == "avif" || brand == "avis":
			return "image/avif"
		case slices.Contains([]string{"heic", "heix", "hevc", "heim", "heis", "mif1", "msf1"}, brand):
			return "image/heic"
		}
	}
	return ""
}

// jpegHead walks the segments before a JPEG's first scan and returns its EXIF orientation and whether it is progressive.
func jpegHead(raw []byte) (turn int, progressive bool) {
	for at := 2; at+4 <= len(raw) && raw[at] == 0xFF; {
		kind, size := raw[at+1], int(binary.BigEndian.Uint16(raw[at+2:]))
		if kind == 0xFF { // filling
			at++
			continue
		}
		if kind == 0xDA || size < 2 || at+2+size > len(raw) {
			break
		}
		body := raw[at+4 : at+2+size]
		switch {
		case kind == 0xC2:
			progressive = true
		case kind == 0xE1 && turn == 0:
			if tiff, ok := bytes.CutPrefix(body, []byte("Exif\x00\x00")); ok {
				turn = orientation(tiff)
			}
		}
		at += 2 + size
	}
	return turn, progressive
}

// orientation returns the orientation of EXIF data, 0 where it has none.
func orientation(tiff []byte) int {
	const tag, entry = 0x0112, 12
	if len(tiff) < 8 {
		return 0
	}
	var order binary.ByteOrder = binary.BigEndian
	if tiff[0] == 'I' {
		order = binary.LittleEndian
	}
	at := int64(order.Uint32(tiff[4:]))
	if at+2 > int64(len(tiff)) {
		return 0
	}
	count := int(order.Uint16(tiff[at:]))
	rest := tiff[at+2:]
	for range count {
		if len(rest) < entry {
			return 0
		}
		if order.Uint16(rest) == tag {
			if n := int(order.Uint16(rest[8:])); n >= 1 && n <= 8 {
				return n
			}
			return 0
		}
		rest = rest[entry:]
	}
	return 0
}

// gifMoves reports whether a GIF holds more than one picture. It walks the blocks without unpacking them.
func gifMoves(raw []byte) bool {
	if len(raw) < 13 {
		return false
	}
	at := 13 + palette(raw[10])
	for pictures := 0; at < len(raw); {
		switch raw[at] {
		case 0x21: // an extension
			at = blocks(raw, at+2)
		case 0x2C:
			if pictures++; pictures > 1 {
				return true
			}
			if at+10 > len(raw) {
				return false
			}
			at = blocks(raw, at+11+palette(raw[at+9]))
		default:
			return false
		}
	}
	return false
}

func palette(flags byte) int {
	if flags&0x80 == 0 {
		return 0
	}
	return 3 << (flags&7 + 1)
}

// blocks returns where a chain of sub-blocks ends.
func blocks(raw []byte, at int) int {
	for at < len(raw) && raw[at] != 0 {
		at += 1 + int(raw[at])
	}
	return at + 1
}
