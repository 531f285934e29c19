package dialect

import (
	"bytes"
	"encoding/base64"
	"image"
	"image/color"
	"image/png"
	"testing"

	"weir/internal/fault"
	"weir/internal/llm"
)

func TestNearest(t *testing.T) {
	shapes := []string{"1:1", "3:2", "2:3", "16:9", "9:16"}
	for _, c := range []struct {
		w, h int64
		word string
		same bool
	}{
		{1024, 1024, "1:1", true}, {1536, 1024, "3:2", true}, {1792, 1024, "16:9", false}, {1024, 1792, "9:16", false}, {500, 499, "1:1", false}, {1 << 16, 1, "16:9", false},
	} {
		if word, same := Nearest(c.w, c.h, shapes); word != c.word || same != c.same {
			t.Errorf("%dx%d: %s %v", c.w, c.h, word, same)
		}
	}
	if word, _ := Nearest(700, 400, []string{"1024x1024", "1792x1024"}); word != "1792x1024" {
		t.Error(word)
	}
}

func TestFilled(t *testing.T) {
	for _, c := range []struct {
		s    llm.ImageSize
		w, h int64
	}{
		{llm.ImageSize{}, 1024, 1024},
		{llm.ImageSize{Class: "2K"}, 2048, 2048},
		{llm.ImageSize{Aspect: "16:9"}, 1024, 576},
		{llm.ImageSize{Aspect: "9:16", Class: "2k"}, 1152, 2048},
		{llm.ImageSize{Aspect: "21:9"}, 1008, 432},
		{llm.ImageSize{Aspect: "19.5:9"}, 832, 384},
		{llm.ImageSize{Aspect: "2000:1"}, 1024, 16},
		{llm.ImageSize{Width: 7, Height: 9}, 7, 9},
	} {
		if w, h := Filled(c.s, 16); w != c.w || h != c.h {
			t.Errorf("%+v: %dx%d", c.s, w, h)
		}
	}
}

func TestPair(t *testing.T) {
	for word, want := range map[string]bool{"16:9": true, "19.5:9": true, "1:1": true, "0:1": false, "1": false, "a:b": false, "1:": false, "1.5.5:2": false, "70000:1": false} {
		if _, _, ok := Ratio(word); ok != want {
			t.Errorf("%s: %v", word, ok)
		}
	}
}

// TestMaskAs marks a mask in each way anew and reads where it marks.
func TestMaskAs(t *testing.T) {
	p := image.NewNRGBA(image.Rect(0, 0, 2, 1))
	p.Set(0, 0, color.NRGBA{R: 200, A: 255})
	var b bytes.Buffer
	if err := png.Encode(&b, p); err != nil {
		t.Fatal(err)
	}
	mask := &llm.ImageMask{Part: llm.Part{Path: "mask", Media: &llm.Blob{Data: base64.StdEncoding.EncodeToString(b.Bytes())}}, Marks: llm.MarkClear}
	for _, marks := range []llm.MaskMark{llm.MarkClear, llm.MarkBlack, llm.MarkWhite, llm.MarkClear} {
		data, err := MaskAs(mask, marks)
		if err != nil {
			t.Fatal(err)
		}
		raw, _ := base64.StdEncoding.DecodeString(data)
		got, err := png.Decode(bytes.NewReader(raw))
		if err != nil || marked(got.At(0, 0), marks) || !marked(got.At(1, 0), marks) || got.Bounds().Dx() != 2 {
			t.Errorf("%s: %v %v %v", marks, got.At(0, 0), got.At(1, 0), err)
		}
		mask = &llm.ImageMask{Part: llm.Part{Path: "mask", Media: &llm.Blob{Data: data}}, Marks: marks}
	}
	for _, data := range []string{"", "no base64", "AA=="} {
		_, err := MaskAs(&llm.ImageMask{Part: llm.Part{Path: "mask", Media: &llm.Blob{Data: data}}, Marks: llm.MarkClear}, llm.MarkBlack)
		if f := fault.Of(err); f == nil || f.Kind != fault.Unsupported || f.Param != "mask" {
			t.Errorf("%q: %v", data, err)
		}
	}
	if SizeOf(mask.Media.Data) != "2x1" || SizeOf("AA==") != "" || SizeOf("no") != "" {
		t.Error("the size of an image")
	}
}
