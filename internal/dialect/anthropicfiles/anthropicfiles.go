// Package anthropicfiles is Anthropic's files: POST /v1/files as a form, GET /v1/files and, by id, GET, DELETE and
// GET …/content, all with the header anthropic-version, which tells them from OpenAI's. They are passed to the provider that
// keeps them; the ids in calls and answers are the gateway's own.
package anthropicfiles

import (
	"net/url"
	"strconv"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/form"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// Root is where the dialect is spoken.
const Root = "/v1/files"

type files struct {
	dialect.Dialect // tells and reads errors
}

// New returns the dialect, which holds no state and is safe for concurrent use. Errors are told and read as words does.
func New(words dialect.Dialect) dialect.Dialect { return files{words} }

// Name implements dialect.Dialect.
func (files) Name() llm.Dialect { return llm.AnthropicFiles }

// Forms implements dialect.Former.
func (files) Forms(llm.Op) bool { return true }

// Thing implements dialect.Holder.
func (files) Thing() llm.ThingKind { return llm.ThingFile }

// Asks implements dialect.Holder.
func (files) Asks(method, path string) (dialect.ThingVerb, string, bool) {
	return dialect.AsksFile(method, path, Root)
}

var members = []dialect.ThingMember{{Name: "id", Kind: llm.ThingFile, Prefix: "file_"}}

// Members implements dialect.Holder.
func (files) Members() []dialect.ThingMember { return members }

// Page implements dialect.Holder.
func (files) Page(q url.Values) (dialect.Page, error) {
	p := dialect.Page{After: q.Get("after_id"), Before: q.Get("before_id"), Limit: 20}
	if text := q.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 1000 {
			return p, &fault.Fault{Kind: fault.Malformed, Param: "limit", Message: "limit is a number from 1 to 1000"}
		}
		p.Limit = n
	}
	return p, nil
}

// List implements dialect.Holder.
func (files) List(dst []byte, objects [][]byte, more bool) []byte {
	w := rawjson.Writer{Buf: dst}
	w.Open('{').Name("data").Open('[')
	for _, one := range objects {
		w.Raw(one)
	}
	w.Close(']').Name("has_more").Bool(more)
	for i, name := range [...]string{"first_id", "last_id"} {
		if len(objects) == 0 {
			w.Name(name).Null()
			continue
		}
		w.Name(name).Raw(rawjson.Get(objects[i*(len(objects)-1)], "id"))
	}
	return w.Close('}').Buf
}

// governed is what OpenAI's uploads say; here it means nothing.
var governed = form.NewSpec("purpose")

// Upload implements dialect.Uploader. There are no purposes here.
func (files) Upload(c *dialect.Call) (dialect.Upload, error) {
	u, err := dialect.ReadUpload(c, governed)
	u.Purpose = ""
	return u, err
}

// Refill implements dialect.Uploader.
func (files) Refill(dst []byte, c *dialect.Call, u dialect.Upload, file []byte) ([]byte, error) {
	return dialect.RefillUpload(dst, c, u, file)
}

// Peek implements dialect.Dialect. An upload is a form with one file and names no model.
func (d files) Peek(c *dialect.Call) (llm.Head, error) {
	_, err := d.Upload(c)
	return llm.Head{}, err
}

// Edit implements dialect.Dialect.
func (files) Edit(dst []byte, c dialect.Call, _ dialect.Edit) (dialect.Call, error) {
	start := len(dst)
	dst = append(dst, c.Body...)
	c.Body = dst[start:len(dst):len(dst)]
	return c, nil
}

// Meter implements dialect.Dialect.
func (files) Meter() dialect.Meter { return dialect.ThingMeter() }

// Codec implements dialect.Dialect.
func (files) Codec() dialect.Codec { return nil }

var (
	_ dialect.Holder   = files{}
	_ dialect.Uploader = files{}
)
