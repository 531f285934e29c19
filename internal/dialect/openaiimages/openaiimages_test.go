package openaiimages

import (
	"net/http"
	"testing"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/llm"
)

func TestForms(t *testing.T) {
	body := "--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nm\r\n--b--\r\n"
	for op, want := range map[llm.Op]fault.Kind{llm.OpImage: fault.MediaType, llm.OpImageEdit: 0} {
		c := dialect.Call{Op: op, Header: http.Header{"Content-Type": {"multipart/form-data; boundary=b"}}, Body: []byte(body)}
		h, err := New().Peek(&c)
		if want == 0 && (err != nil || h.Model != "m") || want != 0 && fault.Of(err).Kind != want {
			t.Errorf("%s: %+v, %v", op, h, err)
		}
	}
}

func TestJSON(t *testing.T) {
	for _, op := range []llm.Op{llm.OpImage, llm.OpImageEdit} {
		c := dialect.Call{Op: op, Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte(`{"model":"alias","images":[{"file_id":"f"}],"prompt":"p","stream":true}`)}
		h, err := New().Peek(&c)
		if err != nil || h != (llm.Head{Model: "alias", Stream: true}) {
			t.Fatalf("%s: %+v, %v", op, h, err)
		}
		got, err := New().Edit(nil, c, dialect.Edit{Model: "m"})
		if want := `{"model":"m","images":[{"file_id":"f"}],"prompt":"p","stream":true}`; err != nil || string(got.Body) != want {
			t.Errorf("%s: %s, %v", op, got.Body, err)
		}
	}
}

func TestOpaque(t *testing.T) {
	d, _ := New().(dialect.Opaquer)
	for ct, want := range map[string]bool{"image/png": true, "Image/WebP; a=b": true, "application/json": false, "text/html": false, "audio/mpeg": false} {
		if d.Opaque(llm.OpImage, ct) != want {
			t.Errorf("%s: %v", ct, !want)
		}
	}
}
