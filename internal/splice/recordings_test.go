package splice

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// Every recorded request is taken, and comes out of Apply as it was with nothing but the model changed.
func TestRecordedRequests(t *testing.T) {
	root := os.Getenv("WEIR_RECORDINGS")
	if root == "" {
		t.Skip("WEIR_RECORDINGS is not set: no recorded request is read")
	}
	spec := NewSpec("model", "stream", "stream_options", "max_tokens", "max_completion_tokens", "n", "max_output_tokens", "generationConfig", "inferenceConfig", "user", "contents", "store")
	bodies := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".json" {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var rec struct {
			Request *struct{ Body json.RawMessage }
		}
		if json.Unmarshal(b, &rec) != nil || rec.Request == nil || !bytes.HasPrefix(rec.Request.Body, []byte("{")) {
			return nil
		}
		bodies++
		body := rec.Request.Body
		ix, err := spec.Scan(body)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			return nil
		}
		got := spec.Apply(nil, body, &ix, Change{0, []byte(`"x"`)})
		again, err := spec.Scan(got)
		if err != nil {
			t.Errorf("%s: after Apply: %v", path, err)
			return nil
		}
		var want []byte
		if s := ix.Value[0]; s.End != 0 {
			want = append(append(append(want, body[:s.Start]...), `"x"`...), body[s.End:]...)
		} else {
			want = spec.Apply(nil, got, &again, Change{Member: 0})
			got = body
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s: more than the model changed", path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if bodies == 0 {
		t.Fatalf("no request under %s", root)
	}
	t.Logf("%d requests", bodies)
}
