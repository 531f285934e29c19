package form

import (
	"bytes"
	"errors"
	"io"
	"mime/multipart"
	"strings"
	"testing"

	"weir/internal/splice"
)

var spec = NewSpec("model", "stream")

const boundary = "----b0undary"

// body joins lines as a client writes them; @ stands for the boundary with its dashes.
func body(lines ...string) string {
	return strings.ReplaceAll(strings.Join(lines, "\r\n"), "@", "--"+boundary)
}

const (
	named  = `Content-Disposition: form-data; name="model"`
	stream = `Content-Disposition: form-data; name="stream"`
	file   = `Content-Disposition: form-data; name="file"; filename="a b.wav"`
)

func TestScan(t *testing.T) {
	for _, c := range []struct{ name, body, model, stream string }{
		{"usual", body("@", named, "", "m-1", "@", file, "Content-Type: audio/wav", "", "RIFF\r\n\x00--x\r\n", "@--", ""), "m-1", ""},
		{"file first", body("@", file, "", "\r\r\n\n--", "@", stream, "", "true", "@", named, "", "m", "@--"), "m", "true"},
		{"no quotes", body("@", "content-disposition:form-data;name=model", "", "m", "@--", ""), "m", ""},
		{"headers of others", body("@", named, "Content-Type: text/plain; charset=utf-8", "Content-Length: 1", "Content-Transfer-Encoding: binary", "", "m", "@--", ""), "m", ""},
		{"empty value", body("@", named, "", "", "@--", ""), "", ""},
		{"boundary in the middle of a line", body("@", file, "", "x @ y", "@", named, "", "a@", "@--", ""), "a--" + boundary, ""},
		{"several files of a name", body("@", file, "", "1", "@", file, "", "2", "@", named, "", "ä/m", "@--", ""), "ä/m", ""},
		{"a file's name in UTF-8 too", body("@", `Content-Disposition: form-data; name="file"; filename="a.wav"; filename*=UTF-8''%C3%A4.wav`, "", "1", "@", named, "", "m", "@--"), "m", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			ix, err := spec.Scan([]byte(c.body), boundary)
			if err != nil {
				t.Fatal(err)
			}
			if got := string(ix.Get([]byte(c.body), 0)); got != c.model {
				t.Errorf("model %q, want %q", got, c.model)
			}
			if got := string(ix.Get([]byte(c.body), 1)); got != c.stream {
				t.Errorf("stream %q, want %q", got, c.stream)
			}
		})
	}
}

func TestRefused(t *testing.T) {
	many := strings.Repeat(body("@", file, "", "1", ""), MaxParts+1) + body("@--", "")
	for _, c := range []struct{ name, body, field, what string }{
		{"empty", "", "", "does not begin"},
		{"other boundary", "--other\r\n\r\n--other--", "", "does not begin"},
		{"preamble", body("", "@", named, "", "m", "@--"), "", "does not begin"},
		{"twice", body("@", named, "", "a", "@", named, "", "b", "@--"), "model", "more than once"},
		{"another case", body("@", named, "", "a", "@", `Content-Disposition: form-data; name="Model"`, "", "b", "@--"), "model", "another way"},
		{"a space", body("@", named, "", "a", "@", `Content-Disposition: form-data; name="model "`, "", "b", "@--"), "model", "another way"},
		{"a file", body("@", `Content-Disposition: form-data; name="model"; filename="m"`, "", "a", "@--"), "model", "is a file"},
		{"encoded", body("@", named, "Content-Transfer-Encoding: base64", "", "bQ==", "@--"), "model", "encoded"},
		{"charset", body("@", named, "Content-Type: text/plain; charset=utf-16", "", "m", "@--"), "model", "encoded"},
		{"two lines", body("@", named, "", "a\r\nb", "@--"), "model", "one line"},
		{"not UTF-8", body("@", named, "", "a\xff", "@--"), "model", "one line"},
		{"two dispositions", body("@", named, file, "", "m", "@--"), "", "two Content-Dispositions"},
		{"two names", body("@", `Content-Disposition: form-data; name="x"; name="model"`, "", "m", "@--"), "", "two names"},
		{"encoded name", body("@", `Content-Disposition: form-data; name*=UTF-8''model`, "", "m", "@--"), "", "encoded"},
		{"escaped name", body("@", `Content-Disposition: form-data; name="mode%6c"`, "", "m", "@--"), "", "escaped"},
		{"escaped quote", body("@", `Content-Disposition: form-data; name="file"; filename="\"; name="model"`, "", "m", "@--"), "", "backslash"},
		{"no name", body("@", "Content-Disposition: form-data", "", "m", "@--"), "", "no name"},
		{"no disposition", body("@", "Content-Type: text/plain", "", "m", "@--"), "", "no Content-Disposition"},
		{"folded", body("@", "Content-Disposition: form-data;", ` name="model"`, "", "m", "@--"), "", "no name"},
		{"space before the colon", body("@", `Content-Disposition : form-data; name="model"`, "", "m", "@--"), "", "folded"},
		{"a name of other bytes", body("@", `Content-Disposition: form-data; name="model"`, "Content-T\xebpe: audio/wav", "", "m", "@--"), "", "plain letters"},
		{"bare newlines", strings.ReplaceAll(body("@", named, "", "m", "@--"), "\r\n", "\n"), "", "goes on"},
		{"bare newline before a boundary", body("@", file, "", "x\n@", named, "", "m", "@--"), "", "CRLF"},
		{"bare newline in a header", body("@", file+"\n"+named, "", "m", "@--"), "", "control"},
		{"boundary at once", body("@", named, "", "@--"), "", "begins with the boundary"},
		{"longer boundary", body("@", named, "", "m", "@x", "@--"), "", "goes on"},
		{"broken off", body("@", named, "", "m"), "", "last boundary"},
		{"broken off in headers", body("@", named), "", "within the headers"},
		{"broken off after a boundary", body("@", named, "", "m", "@"), "", "breaks off"},
		{"epilogue", body("@", named, "", "m", "@--", "", "x"), "", "after the last"},
		{"many parts", many, "", "more than 128"},
		{"long headers", body("@", "X: "+strings.Repeat("y", MaxHeader), "", "@--"), "", "too long"},
		{"many headers", body("@", strings.Repeat("X: y\r\n", 40)+named, "", "m", "@--"), "", "too many"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := spec.Scan([]byte(c.body), boundary)
			var e *Error
			if !errors.As(err, &e) || e.Field != c.field || !strings.Contains(e.What, c.what) {
				t.Errorf("%v, want one about %q that says %q", err, c.field, c.what)
			}
		})
	}
}

func TestReplace(t *testing.T) {
	in := body("@", file, "", "\x00\xff", "@", named, "", "old", "@--", "")
	ix, err := spec.Scan([]byte(in), boundary)
	if err != nil {
		t.Fatal(err)
	}
	got, err := spec.Replace([]byte("kept"), []byte(in), &ix, 0, "new/model", boundary)
	if want := "kept" + strings.Replace(in, "old", "new/model", 1); err != nil || string(got) != want {
		t.Errorf("%v\n%q, want\n%q", err, got, want)
	}
	for _, bad := range []string{"--" + boundary, "a\r\nb", "\xff"} {
		if _, err := spec.Replace(nil, []byte(in), &ix, 0, bad, boundary); err == nil {
			t.Errorf("%q was put in", bad)
		}
	}
}

func TestBoundary(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"multipart/form-data; boundary=abc", "abc"},
		{`Multipart/Form-Data; boundary="a'(b)"`, "a'(b)"},
		{"multipart/form-data", ""},
		{"multipart/form-data; boundary=a; boundary=b", ""},
		{"multipart/form-data; boundary*=utf-8''abc", ""},
		{`multipart/form-data; boundary="a b"`, ""},
		{"multipart/form-data; boundary=" + strings.Repeat("x", 71), ""},
		{"multipart/mixed; boundary=abc", ""},
	} {
		got, err := Boundary(c.in)
		if got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%s: %q, %v", c.in, got, err)
		}
	}
}

func TestAllocations(t *testing.T) {
	in := []byte(body("@", named, "", "m-1", "@", file, "Content-Type: audio/wav", "", strings.Repeat("x", 1<<16), "@--", ""))
	var ix splice.Index
	if n := testing.AllocsPerRun(100, func() { ix, _ = spec.Scan(in, boundary) }); n > 16 {
		t.Errorf("%v allocations for two parts", n)
	}
	_ = ix
}

// FuzzScan holds the scanner against the standard library's reader: what Scan takes, that reads too, and finds the same
// values.
func FuzzScan(f *testing.F) {
	f.Add(body("@", named, "", "m-1", "@", file, "Content-Type: audio/wav", "", "RIFF", "@--", ""), boundary)
	f.Add(body("@", stream, "", "true", "@", named, "", "", "@--"), boundary)
	f.Add("--x\r\nContent-Disposition: form-data; name=model\r\n\r\na\r\n--x--", "x")
	f.Fuzz(func(t *testing.T, in, boundary string) {
		if _, err := Boundary(`multipart/form-data; boundary="` + boundary + `"`); err != nil {
			return
		}
		ix, err := spec.Scan([]byte(in), boundary)
		if err != nil {
			return
		}
		seen := [2]string{}
		r := multipart.NewReader(strings.NewReader(in), boundary)
		for {
			p, err := r.NextRawPart()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("the standard library does not read it: %v", err)
			}
			value, err := io.ReadAll(p)
			if err != nil {
				t.Fatal(err)
			}
			for i, name := range spec.names {
				if p.FormName() == name {
					seen[i] += string(value) + "\n"
				}
			}
		}
		for i := range seen {
			if v := ix.Get([]byte(in), i); v != nil && seen[i] != string(v)+"\n" || v == nil && seen[i] != "" {
				t.Fatalf("field %d: %q here, %q there", i, v, seen[i])
			}
		}
		if ix.Value[0].End == 0 {
			return
		}
		out, err := spec.Replace(nil, []byte(in), &ix, 0, "other", boundary)
		if err != nil {
			return // the boundary is in the name
		}
		again, err := spec.Scan(out, boundary)
		if err != nil || string(again.Get(out, 0)) != "other" || !bytes.Equal(again.Get(out, 1), ix.Get([]byte(in), 1)) {
			t.Fatalf("after the edit: %v, %q", err, out)
		}
	})
}
