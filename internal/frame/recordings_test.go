package frame

import (
	"encoding/json"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Every recorded SSE stream comes out byte for byte and in the same frames, whatever sizes it is read in.
func TestRecordedStreams(t *testing.T) {
	root := os.Getenv("WEIR_RECORDINGS")
	if root == "" {
		t.Skip("WEIR_RECORDINGS is not set: no recorded stream is read")
	}
	streams, frames, tails := 0, 0, 0
	rng := rand.New(rand.NewPCG(1, 1))
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".json" {
			return err
		}
		text, ok := recordedSSE(t, path)
		if !ok {
			return nil
		}
		streams++
		want, err := collect(t, strings.NewReader(text), 1<<24)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			return nil
		}
		frames += len(want)
		var raw strings.Builder
		for _, k := range want {
			raw.WriteString(k.Raw)
			if k.Tail {
				tails++
			}
			if !k.NoData && k.Data != "" && !k.Tail && k.Data != "[DONE]" && !json.Valid([]byte(k.Data)) {
				t.Logf("%s: data that is not JSON: %.100q", path, k.Data)
			}
		}
		if raw.String() != text {
			t.Errorf("%s: the frames are not the stream", path)
		}
		for size := 1; size <= 65; size++ {
			next := always(size)
			if size == 65 {
				next = func() int { return 1 + rng.IntN(2000) }
			}
			got, err := collect(t, &chunks{text: text, size: next}, 1<<24)
			if err != nil || !cmp.Equal(want, got) {
				t.Errorf("%s: other frames at read size %d, %v", path, size, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if streams == 0 {
		t.Fatalf("no SSE stream under %s", root)
	}
	t.Logf("%d streams, %d frames, %d tails", streams, frames, tails)
}

func recordedSSE(t *testing.T, path string) (text string, ok bool) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var rec struct {
		StreamFormat string `json:"stream_format"`
		Response     struct {
			Body json.RawMessage
		}
	}
	if json.Unmarshal(b, &rec) != nil || rec.StreamFormat != "sse" {
		return "", false
	}
	return text, json.Unmarshal(rec.Response.Body, &text) == nil && text != ""
}
