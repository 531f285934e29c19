package openaiimages

import (
	"bytes"
	"encoding/base64"
	"hash/fnv"
	"strconv"
	"strings"

	"weir/internal/llm"
	"weir/internal/rawjson"
)

// fields writes a call: a JSON object or a form.
type fields struct {
	form bool
	json rawjson.Writer
	list []field
}

// field is one of a form.
type field struct {
	name, file, typ string
	value           []byte
}

func (f *fields) begin() {
	if !f.form {
		f.json.Open('{')
	}
}

func (f *fields) text(name, value string) {
	if f.form {
		f.list = append(f.list, field{name: name, value: []byte(value)})
		return
	}
	f.json.Name(name).String(value)
}

// raw writes a JSON value; a form has texts as they are.
func (f *fields) raw(name string, v []byte) {
	if !f.form {
		f.json.Name(name).Raw(v)
		return
	}
	if s, ok := rawjson.String(v); ok {
		v = []byte(s)
	}
	f.list = append(f.list, field{name: name, value: v})
}

// file writes a file of a form.
func (f *fields) file(name string, b *llm.Blob) error {
	raw, err := base64.StdEncoding.DecodeString(b.Data)
	if err != nil {
		return err
	}
	file := b.Name
	if file == "" || strings.ContainsAny(file, "\"\\\r\n") {
		file = fileName(b.Type)
	}
	f.list = append(f.list, field{name, file, b.Type, raw})
	return nil
}

// fileName names a file of a media type.
func fileName(typ string) string {
	ext, ok := strings.CutPrefix(typ, "image/")
	if !ok || len(ext) > 8 || strings.ContainsAny(ext, "\"\\ ;%") {
		ext = "png"
	}
	return "image." + ext
}

// end returns the body and, of a form, its content type.
func (f *fields) end() (body []byte, contentType string) {
	if !f.form {
		return f.json.Close('}').Buf, ""
	}
	boundary := f.boundary()
	var b bytes.Buffer
	for _, one := range f.list {
		b.WriteString("--" + boundary + "\r\nContent-Disposition: form-data; name=\"" + one.name + "\"")
		if one.file != "" {
			b.WriteString("; filename=\"" + one.file + "\"\r\nContent-Type: " + one.typ)
		}
		b.WriteString("\r\n\r\n")
		b.Write(one.value)
		b.WriteString("\r\n")
	}
	b.WriteString("--" + boundary + "--\r\n")
	return b.Bytes(), "multipart/form-data; boundary=" + boundary
}

// boundary returns one that no value holds. It is the same for the same call.
func (f *fields) boundary() string {
	h := fnv.New64a()
	for _, one := range f.list {
		_, _ = h.Write(one.value) // it never fails
	}
	for n := h.Sum64(); ; n++ {
		b := "weir" + strconv.FormatUint(n, 36)
		held := false
		for _, one := range f.list {
			held = held || bytes.Contains(one.value, []byte("--"+b))
		}
		if !held {
			return b
		}
	}
}
