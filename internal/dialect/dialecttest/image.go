package dialecttest

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// FuzzImage decodes calls of any bytes: what is read is written again for a target of the same dialect and reads the same.
// A body that begins with two dashes is a form.
func FuzzImage(f *testing.F, d dialect.Dialect, paths, seeds []string) {
	codec := d.(dialect.Imager)
	for _, s := range seeds {
		for i := range paths {
			f.Add(i, []byte(s))
		}
	}
	f.Fuzz(func(t *testing.T, at int, body []byte) {
		call := dialect.Call{Op: llm.OpImageEdit, Path: paths[uint(at)%uint(len(paths))], Body: bytes.Clone(body), Header: http.Header{}}
		if rest, ok := strings.CutPrefix(string(body), "--"); ok {
			boundary, _, _ := strings.Cut(rest, "\r")
			call.Header.Set("Content-Type", "multipart/form-data; boundary="+boundary)
		}
		if _, err := d.Peek(&call); err != nil {
			if f := fault.Of(err); f.Kind == fault.Internal {
				t.Fatal(err)
			}
			return
		}
		q, err := codec.DecodeImage(call)
		if err != nil {
			refusal(t, err, fault.Malformed, fault.Unsupported)
			return
		}
		out, losses, err := codec.EncodeImage(q, llm.Facts{Model: q.Model})
		if err != nil {
			refusal(t, err, fault.Unsupported)
			return
		}
		if len(losses) > 0 {
			t.Fatalf("lost in its own dialect: %+v", losses)
		}
		if !bytes.Equal(call.Body, body) {
			t.Fatalf("the body was changed: %q", call.Body)
		}
		if out.Header == nil {
			if err := rawjson.Check(out.Body); err != nil {
				t.Fatalf("%v\n%s", err, out.Body)
			}
		}
		if _, err := d.Peek(&out); err != nil {
			t.Fatalf("what was written is refused: %v\n%s", err, out.Body)
		}
		y, err := codec.DecodeImage(out)
		if err != nil {
			t.Fatalf("%v\n%s", err, out.Body)
		}
		x := *q
		x.Form, y.Form = "", ""
		if diff := Same(&x, y); diff != "" {
			t.Fatalf("%s\n%s", diff, out.Body)
		}
	})
}

// FuzzImages decodes answers of any bytes: what is read is written again for a request and reads the same.
func FuzzImages(f *testing.F, d dialect.Dialect, q *llm.ImageRequest, seeds ...string) {
	codec := d.(dialect.Imager)
	fuzzAnswer(f, seeds, func(t *testing.T, body []byte) ([]byte, func([]byte) string) {
		m := d.Meter()
		m.Body(body)
		a, err := codec.DecodeImages(body)
		if err != nil {
			if f := fault.Of(err); f.Kind != fault.ContentPolicy {
				refusal(t, err, fault.Upstream)
			}
			return nil, nil
		}
		out, _, err := codec.EncodeImages(q, a)
		if err != nil {
			refusal(t, err, fault.Upstream)
			return nil, nil
		}
		return out, func(out []byte) string {
			y, err := codec.DecodeImages(out)
			if err != nil {
				return err.Error()
			}
			if a.From != q.From {
				return ""
			}
			return Same(a.Images, y.Images) + Same(a.Extra, y.Extra)
		}
	})
}

// ImageCarried returns what a request for images said and what was written for a target does not say, without a loss that
// names it: one word each, as dialect.ImageWord has them.
func ImageCarried(q, back *llm.ImageRequest, losses []llm.Loss) (missing []string) {
	named := func(name string) bool {
		l := dialect.ImageLosses{Of: q}
		for i := range losses {
			if losses[i].Path == l.Word(name) {
				return true
			}
		}
		return false
	}
	say := func(name string, same bool) {
		if !same && !named(name) {
			missing = append(missing, name)
		}
	}
	say("prompt", q.Prompt == back.Prompt)
	say("n", max(q.Count, 1) == max(back.Count, 1))
	say("negative_prompt", q.Negative == back.Negative)
	if q.Size.Said() {
		w, h, _ := dialect.Shape(q.Size)
		w2, h2, ok := dialect.Shape(back.Size)
		say("size", ok && w*h2 == h*w2)
	}
	say("quality", q.Quality == back.Quality || q.Quality == "auto")
	say("style", q.Style == back.Style)
	say("background", q.Background == back.Background || q.Background != "transparent")
	say("output_format", q.Format == back.Format || q.Format == "png" && back.Format == "")
	say("output_compression", q.Compression == back.Compression)
	say("input_fidelity", q.Fidelity == back.Fidelity)
	say("moderation", q.Moderation == back.Moderation || q.Moderation == "auto")
	say("seed", q.Seed == back.Seed)
	say("guidance_scale", q.Guidance == back.Guidance)
	say("user", q.User == back.User)
	say("mask", (q.Mask == nil) == (back.Mask == nil))
	say("image", len(q.Images) == len(back.Images))
	for i := range min(len(q.Images), len(back.Images)) {
		if q.Images[i].Media.Data != back.Images[i].Media.Data {
			missing = append(missing, "image")
		}
	}
	for _, name := range dialect.Names(q.Extra) {
		if q.From != back.From && !strings.Contains(pathsOf(losses), name) {
			missing = append(missing, name)
		}
	}
	return missing
}

func pathsOf(losses []llm.Loss) string {
	var b strings.Builder
	for i := range losses {
		b.WriteString(losses[i].Path + " ")
	}
	return b.String()
}

// Refusal fails the test unless err refuses a request, with the place at fault, for what a target cannot do.
func Refusal(t *testing.T, name string, err error) {
	t.Helper()
	if f := fault.Of(err); f.Kind != fault.Unsupported || f.Param == "" {
		t.Errorf("%s: refused with %+v", name, f)
	}
}
