//go:build !race

package prepare

import (
	"image"
	"runtime"
	"testing"
	"time"

	"weir/internal/llm"
)

// TestLargeImage tells what the largest images cost.
func TestLargeImage(t *testing.T) {
	raw := asJPEG(t, image.NewGray(image.Rect(0, 0, 10_000, 9_000)))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	p, got, err := fitOne(t, &llm.Media{Images: []string{"image/jpeg"}, ImageSide: 8000}, imagePart("image/jpeg", raw))
	runtime.ReadMemStats(&after)
	t.Logf("90 megapixels, %d bytes: %v, %d MB allocated, %v", len(raw), time.Since(start).Round(time.Millisecond), (after.TotalAlloc-before.TotalAlloc)>>20, got.Losses)
	if err != nil || p.Media.Type != "image/jpeg" {
		t.Errorf("%s %v", p.Media.Type, err)
	}
}
