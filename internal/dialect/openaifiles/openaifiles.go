// Package openaifiles is OpenAI's files: POST /v1/files as a form, GET /v1/files and, by id, GET, DELETE and
// GET …/content. They are passed to the provider that keeps them; the ids in calls and answers are the gateway's own.
package openaifiles

import (
	"net/http"
	"net/url"

	"weir/internal/dialect"
	"weir/internal/dialect/openai"
	"weir/internal/fault"
	"weir/internal/form"
	"weir/internal/llm"
)

// Root is where the dialect is spoken.
const Root = "/v1/files"

type files struct{}

// New returns the dialect. It holds no state and is safe for concurrent use.
func New() dialect.Dialect { return files{} }

// Name implements dialect.Dialect.
func (files) Name() llm.Dialect { return llm.OpenAIFiles }

// Forms implements dialect.Former.
func (files) Forms(llm.Op) bool { return true }

// Thing implements dialect.Holder.
func (files) Thing() llm.ThingKind { return llm.ThingFile }

// Asks implements dialect.Holder.
func (files) Asks(method, path string) (dialect.ThingVerb, string, bool) {
	return dialect.AsksFile(method, path, Root)
}

var members = []dialect.ThingMember{{Name: "id", Kind: llm.ThingFile, Prefix: "file-"}}

// Members implements dialect.Holder.
func (files) Members() []dialect.ThingMember { return members }

// Page implements dialect.Holder.
func (files) Page(q url.Values) (dialect.Page, error) {
	p, err := dialect.PageOf(q, 10000, 10000)
	p.Purpose = q.Get("purpose")
	return p, err
}

// List implements dialect.Holder.
func (files) List(dst []byte, objects [][]byte, more bool) []byte {
	return openai.AppendList(dst, objects, more)
}

// governed is what is read of an upload.
var governed = form.NewSpec("purpose")

// Peek implements dialect.Dialect. An upload is a form with one file.
func (d files) Peek(c *dialect.Call) (llm.Head, error) {
	_, err := d.Upload(c)
	return llm.Head{}, err
}

// Upload implements dialect.Uploader.
func (files) Upload(c *dialect.Call) (dialect.Upload, error) {
	u, err := dialect.ReadUpload(c, governed)
	if err == nil && u.Purpose == "" {
		err = &fault.Fault{Kind: fault.Malformed, Param: "purpose", Message: "purpose is missing: say what the file is for, such as user_data, batch or fine-tune"}
	}
	return u, err
}

// Refill implements dialect.Uploader.
func (files) Refill(dst []byte, c *dialect.Call, u dialect.Upload, file []byte) ([]byte, error) {
	return dialect.RefillUpload(dst, c, u, file)
}

// Edit implements dialect.Dialect: an upload names no model.
func (files) Edit(dst []byte, c dialect.Call, _ dialect.Edit) (dialect.Call, error) {
	start := len(dst)
	dst = append(dst, c.Body...)
	c.Body = dst[start:len(dst):len(dst)]
	return c, nil
}

// Meter implements dialect.Dialect.
func (files) Meter() dialect.Meter { return dialect.ThingMeter() }

// Fault implements dialect.Dialect.
func (files) Fault(dst []byte, f *fault.Fault, form dialect.Form) []byte {
	return openai.AppendFault(dst, f, form)
}

// ReadFault implements dialect.Dialect.
func (files) ReadFault(status int, h http.Header, body []byte) *fault.Fault {
	return openai.ReadFault(status, h, body)
}

// Codec implements dialect.Dialect.
func (files) Codec() dialect.Codec { return nil }

var (
	_ dialect.Holder   = files{}
	_ dialect.Uploader = files{}
)
