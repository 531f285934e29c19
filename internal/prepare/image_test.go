package prepare

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"strings"
	"testing"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"

	"weir/internal/fault"
	"weir/internal/llm"
)

// drawn is an image whose left half is red and whose right half is blue, with a green row at the top.
func drawn(w, h int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			c := color.RGBA{255, 0, 0, 255}
			if x >= w/2 {
				c = color.RGBA{0, 0, 255, 255}
			}
			if y < h/8 {
				c = color.RGBA{0, 255, 0, 255}
			}
			img.SetRGBA(x, y, c)
		}
	}
	return img
}

func written(t testing.TB, write func(*bytes.Buffer) error) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func asPNG(t testing.TB, img image.Image) []byte {
	return written(t, func(b *bytes.Buffer) error { return png.Encode(b, img) })
}

func asJPEG(t testing.TB, img image.Image) []byte {
	return written(t, func(b *bytes.Buffer) error { return jpeg.Encode(b, img, nil) })
}

// oriented puts an EXIF orientation into a JPEG.
func oriented(raw []byte, turn byte) []byte {
	exif := append([]byte("Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00"), turn, 0, 0, 0, 0, 0, 0)
	head := []byte{0xFF, 0xD8, 0xFF, 0xE1, 0, 0}
	binary.BigEndian.PutUint16(head[4:], uint16(len(exif)+2))
	return append(append(head, exif...), raw[2:]...)
}

func imagePart(typ string, raw []byte) llm.Part {
	return llm.Part{Kind: llm.PartImage, Media: &llm.Blob{Type: typ, Data: base64.StdEncoding.EncodeToString(raw), Detail: "high"}}
}

var limits = &llm.Media{Images: []string{"image/png", "image/jpeg", "image/gif"}, Still: true, ImageBytes: 60_000, ImageSide: 400, Many: 2, ManySide: 100}

func fitOne(t testing.TB, m *llm.Media, parts ...llm.Part) (llm.Part, Result, error) {
	t.Helper()
	req := asked(parts...)
	got, err := new(Desk).Request(t.Context(), req, llm.ImagesFit, Target{llm.OpenAIChat, llm.Facts{Media: m}})
	if err != nil {
		return llm.Part{}, got, err
	}
	return got.Request.Messages[0].Parts[0], got, nil
}

func TestImagesFit(t *testing.T) {
	noise := image.NewRGBA(image.Rect(0, 0, 300, 300))
	random := rand.New(rand.NewPCG(1, 2))
	for i := range noise.Pix {
		noise.Pix[i] = byte(random.Uint32())
		if i%4 == 3 {
			noise.Pix[i] = 255
		}
	}
	glass := image.NewNRGBA(image.Rect(0, 0, 800, 200))
	for i := range glass.Pix {
		glass.Pix[i] = 128
	}
	for name, c := range map[string]struct {
		typ  string
		raw  []byte
		want string // type and size
		why  string
	}{
		"a wide PNG":               {"image/png", asPNG(t, drawn(900, 600)), "png 400x267", "scaled from 900x600 to 400x267"},
		"a tall JPEG":              {"image/jpeg", asJPEG(t, drawn(300, 1200)), "jpeg 100x400", "scaled from 300x1200 to 100x400"},
		"turned":                   {"image/jpeg", oriented(asJPEG(t, drawn(800, 400)), 6), "jpeg 200x400", "scaled from 400x800 to 200x400, turned upright"},
		"noise of many bytes":      {"image/png", asPNG(t, noise), "jpeg 300x300", "converted from image/png to image/jpeg"},
		"something shines through": {"image/png", asPNG(t, glass), "png 400x100", "scaled from 800x200 to 400x100"},
		"BMP":                      {"image/bmp", written(t, func(b *bytes.Buffer) error { return bmp.Encode(b, drawn(40, 20)) }), "png 40x20", "converted from image/bmp to image/png"},
		"TIFF":                     {"image/tiff", written(t, func(b *bytes.Buffer) error { return tiff.Encode(b, drawn(40, 20), nil) }), "png 40x20", "converted from image/tiff to image/png"},
		"a GIF that moves":         {"image/gif", moving(t, 40, 20), "png 40x20", "converted from image/gif to image/png, only the first picture of the animation"},
		"a JPEG said to be PNG":    {"image/png", asJPEG(t, drawn(40, 20)), "jpeg 40x20", "it is sent as what it is, image/jpeg"},
		"one column":               {"image/png", asPNG(t, drawn(1, 4000)), "png 1x400", "scaled from 1x4000 to 1x400"},
	} {
		p, got, err := fitOne(t, limits, imagePart(c.typ, c.raw))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		raw := unbase64(p.Media.Data)
		config, format, err := image.DecodeConfig(bytes.NewReader(raw))
		if is := fmt.Sprintf("%s %dx%d", format, config.Width, config.Height); err != nil || is != c.want || p.Media.Type != "image/"+format || len(raw) > 60_000 || p.Media.Detail != "high" {
			t.Errorf("%s: %s of %d bytes, said to be %s, %v; want %s", name, is, len(raw), p.Media.Type, err, c.want)
		}
		if len(got.Losses) != 1 || got.Losses[0].Why != c.why || got.Losses[0].Grade != llm.Changed || got.Losses[0].Path != "messages[0].content[0]" {
			t.Errorf("%s: %+v", name, got.Losses)
		}
	}
}

func moving(t testing.TB, w, h int) []byte {
	g := &gif.GIF{}
	for range 2 {
		g.Image = append(g.Image, image.NewPaletted(image.Rect(0, 0, w, h), color.Palette{color.White, color.Black}))
		g.Delay = append(g.Delay, 10)
	}
	return written(t, func(b *bytes.Buffer) error { return gif.EncodeAll(b, g) })
}

// TestImagesStay leaves alone what fits, and what cannot be judged here.
func TestImagesStay(t *testing.T) {
	still := written(t, func(b *bytes.Buffer) error { return gif.Encode(b, drawn(40, 20), nil) })
	for name, p := range map[string]llm.Part{
		"small":         imagePart("image/png", asPNG(t, drawn(400, 400))),
		"a still GIF":   imagePart("image/gif", still),
		"not base64":    {Kind: llm.PartImage, Media: &llm.Blob{Type: "image/png", Data: "%%"}},
		"no image":      imagePart("image/png", []byte("hello")),
		"an address":    {Kind: llm.PartImage, Media: &llm.Blob{URL: "https://example.org/a.png"}},
		"cut off":       imagePart("image/png", asPNG(t, drawn(400, 400))[:20]),
		"its own shape": {Kind: llm.PartImage, Media: &llm.Blob{Data: base64.StdEncoding.EncodeToString(asPNG(t, drawn(900, 9)))}, Raw: []byte("{}")},
		"turned, small": imagePart("image/jpeg", oriented(asJPEG(t, drawn(80, 40)), 6)),
	} {
		req := asked(p)
		got, err := new(Desk).Request(t.Context(), req, llm.ImagesFit, Target{llm.OpenAIChat, llm.Facts{Media: limits}})
		if err != nil || got.Request != req || got.Losses != nil {
			t.Errorf("%s: %+v %v", name, got, err)
		}
	}
}

// TestManyImages holds images to a smaller size where there are many.
func TestManyImages(t *testing.T) {
	raw := asPNG(t, drawn(300, 300))
	p, _, err := fitOne(t, limits, imagePart("image/png", raw), imagePart("image/png", raw))
	if err != nil || p.Media.Data != base64.StdEncoding.EncodeToString(raw) {
		t.Errorf("two of three: %v", err)
	}
	_, got, err := fitOne(t, limits, imagePart("image/png", raw), imagePart("image/png", raw), imagePart("image/png", raw))
	if err != nil || len(got.Losses) != 3 || got.Losses[2].Why != "scaled from 300x300 to 100x100" {
		t.Errorf("%+v %v", got.Losses, err)
	}
}

// TestImagesTogether bounds the work on all images of a request.
func TestImagesTogether(t *testing.T) {
	part := imagePart("image/png", asPNG(t, drawn(900, 600)))
	d := &Desk{}
	if _, err := d.Request(t.Context(), asked(part), llm.ImagesFit, Target{llm.OpenAIChat, llm.Facts{Media: limits}}); err != nil || d.drawing <= 0 {
		t.Errorf("%v %v", err, d.drawing)
	}
	d = &Desk{drawing: imagesTime + 1}
	if _, err := d.Request(t.Context(), asked(part), llm.ImagesFit, Target{llm.OpenAIChat, llm.Facts{Media: limits}}); err == nil || !strings.Contains(err.Error(), "one image too many") {
		t.Errorf("%v", err)
	}
}

func TestImagesRefused(t *testing.T) {
	heic := []byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00heic")
	for name, c := range map[string]struct {
		part llm.Part
		says string
	}{
		"HEIC":      {imagePart("image/heic", heic), "image/heic that the target does not take"},
		"SVG":       {imagePart("image/svg+xml", []byte("<svg/>")), "image/svg+xml, which the target does not take"},
		"a bomb":    {imagePart("image/png", hugePNG(60_000, 60_000)), "60000x60000 pixels"},
		"truncated": {imagePart("image/png", asPNG(t, drawn(900, 900))[:300]), "damaged"},
	} {
		_, _, err := fitOne(t, limits, c.part)
		f, ok := errors.AsType[*fault.Fault](err)
		if !ok || f.Kind != fault.Unsupported || f.Param != "messages[0].content[0]" || !strings.Contains(f.Message, c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if p, got, err := fitOne(t, &llm.Media{Images: []string{"image/heic"}}, imagePart("image/heic", heic)); err != nil || got.Losses != nil {
		t.Errorf("%+v %v", p, err)
	}
}

// hugePNG is the head of a PNG that says to be of a size, and data for none of it.
func hugePNG(w, h uint32) []byte {
	b := []byte("\x89PNG\r\n\x1a\n")
	head := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32([]byte("IHDR"), w), h)
	head = append(head, 8, 2, 0, 0, 0)
	b = binary.BigEndian.AppendUint32(b, uint32(len(head)-4))
	b = append(b, head...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(head))
}

// TestTurned turns an image by each orientation: the green row stays on top.
func TestTurned(t *testing.T) {
	upright := drawn(16, 8)
	for turn := 1; turn <= 8; turn++ {
		// What a camera stores is the upright image, turned back.
		back := map[int]int{1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 8, 7: 7, 8: 6}[turn]
		got := turned(turned(upright, back), turn)
		if !bytes.Equal(got.Pix, upright.Pix) || got.Rect != upright.Rect {
			t.Errorf("orientation %d", turn)
		}
	}
	// The sixth: the first column of what is stored is the top row.
	stored := image.NewRGBA(image.Rect(0, 0, 2, 1))
	stored.SetRGBA(0, 0, color.RGBA{1, 1, 1, 255})
	stored.SetRGBA(1, 0, color.RGBA{2, 2, 2, 255})
	if got := turned(stored, 6); got.Rect.Dy() != 2 || got.RGBAAt(0, 0).R != 1 || got.RGBAAt(0, 1).R != 2 {
		t.Errorf("%v", got.Pix)
	}
	two := image.NewRGBA(image.Rect(0, 0, 1, 2))
	two.SetRGBA(0, 0, color.RGBA{1, 1, 1, 255})
	two.SetRGBA(0, 1, color.RGBA{2, 2, 2, 255})
	if got := turned(two, 6); got.RGBAAt(0, 0).R != 2 || got.RGBAAt(1, 0).R != 1 {
		t.Errorf("%v", got.Pix)
	}
}

func TestScaled(t *testing.T) {
	got := scaled(t.Context(), drawn(1000, 800), 100, 80)
	for at, want := range map[image.Point]color.RGBA{{10, 40}: {255, 0, 0, 255}, {90, 40}: {0, 0, 255, 255}, {50, 2}: {0, 255, 0, 255}} {
		if is := got.RGBAAt(at.X, at.Y); is != want {
			t.Errorf("%v: %v", at, is)
		}
	}
	// Grey stays grey, however it is scaled, and a see-through edge gets no dark seam.
	grey := image.NewGray(image.Rect(5, 5, 105, 85))
	for i := range grey.Pix {
		grey.Pix[i] = 77
	}
	for _, size := range [][2]int{{1, 1}, {3, 50}, {99, 79}, {200, 300}} {
		out := scaled(t.Context(), grey, size[0], size[1])
		for i := 0; i < len(out.Pix); i += 4 {
			if out.Pix[i] != 77 || out.Pix[i+3] != 255 {
				t.Fatalf("%v: %v", size, out.Pix[i:i+4])
			}
		}
	}
}
