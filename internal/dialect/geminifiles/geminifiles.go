// Package geminifiles is Gemini's files: POST /upload/v1beta/files, which brings a file whole or begins an upload in parts,
// GET /v1beta/files and, by name, GET, DELETE and GET …:download. They are passed to the provider that keeps them. Names and
// addresses in calls and answers are the gateway's own: where Google has files/abc at its own host, the client is told
// files/wr1_… at the gateway's.
package geminifiles

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// Where the dialect is spoken.
const (
	Upload = "/upload/v1beta/files"
	Root   = "/v1beta/files"
	Alpha  = "/v1alpha/files"
)

// prefix is how names of files begin.
const prefix = "files/"

type files struct {
	dialect.Dialect // tells and reads errors
}

// New returns the dialect, which holds no state and is safe for concurrent use. Errors are told and read as words does.
func New(words dialect.Dialect) dialect.Dialect { return files{words} }

// Name implements dialect.Dialect.
func (files) Name() llm.Dialect { return llm.GeminiFiles }

// Thing implements dialect.Holder.
func (files) Thing() llm.ThingKind { return llm.ThingFile }

// Asks implements dialect.Holder.
func (files) Asks(method, path string) (dialect.ThingVerb, string, bool) {
	if path == Upload {
		return dialect.ThingCreate, "", method == http.MethodPost
	}
	root := Root
	if strings.HasPrefix(path, Alpha) {
		root = Alpha
	}
	rest, under := strings.CutPrefix(path, root)
	switch {
	case !under:
		return 0, "", false
	case rest == "":
		return dialect.ThingList, "", method == http.MethodGet
	}
	name, slash := strings.CutPrefix(rest, "/")
	name, verb, more := strings.Cut(name, ":")
	if !slash || name == "" || strings.Contains(name, "/") {
		return 0, "", false
	}
	switch {
	case more && verb == "download" && method == http.MethodGet:
		return dialect.ThingContent, prefix + name, true
	case more:
	case method == http.MethodGet:
		return dialect.ThingGet, prefix + name, true
	case method == http.MethodDelete:
		return dialect.ThingDelete, prefix + name, true
	}
	return 0, "", false
}

var members = []dialect.ThingMember{{Name: "name", Kind: llm.ThingFile, Prefix: prefix}}

// Members implements dialect.Holder.
func (files) Members() []dialect.ThingMember { return members }

// Page implements dialect.Holder. A page begins after the file whose name is the token.
func (files) Page(q url.Values) (dialect.Page, error) {
	p := dialect.Page{After: one(q, "pageToken", "page_token"), Limit: 10, AfterWord: "pageToken"}
	if text := one(q, "pageSize", "page_size"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 || n > 100 {
			return p, &fault.Fault{Kind: fault.Malformed, Param: "pageSize", Message: "pageSize is a number from 1 to 100"}
		}
		if n > 0 {
			p.Limit = n
		}
	}
	return p, nil
}

func one(q url.Values, names ...string) string {
	for _, name := range names {
		if v := q.Get(name); v != "" {
			return v
		}
	}
	return ""
}

// List implements dialect.Holder.
func (files) List(dst []byte, objects [][]byte, more bool) []byte {
	w := rawjson.Writer{Buf: dst}
	w.Open('{')
	if len(objects) > 0 {
		w.Name("files").Open('[')
		for _, one := range objects {
			w.Raw(one)
		}
		w.Close(']')
	}
	if more {
		w.Name("nextPageToken").Raw(rawjson.Get(objects[len(objects)-1], "name"))
	}
	return w.Close('}').Buf
}

// Peek implements dialect.Dialect.
func (d files) Peek(c *dialect.Call) (llm.Head, error) {
	_, err := d.Upload(c)
	return llm.Head{}, err
}

// Edit implements dialect.Dialect: there is no model.
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

// PathOf implements dialect.Addressed.
func (files) PathOf(id string) string { return "/v1beta/" + id }

// Object implements dialect.Addressed: what makes a file is answered with its object in a member.
func (files) Object(answer []byte) []byte {
	if v := rawjson.Get(answer, "file"); rawjson.Kind(v) == '{' {
		return v
	}
	return answer
}

// Address implements dialect.Addressed.
func (d files) Address(object []byte) string {
	return rawjson.Text(rawjson.Get(d.Object(object), "uri"))
}

// Rename implements dialect.Addressed.
func (d files) Rename(dst, answer []byte, host string, rename func(m *dialect.ThingMember, id string) string) []byte {
	object := d.Object(answer)
	id := rawjson.Text(rawjson.Get(object, "name"))
	if id == "" {
		return append(dst, answer...)
	}
	own := rename(&members[0], id)
	if own == "" {
		return append(dst, answer...)
	}
	from := 0
	for name, v := range rawjson.Members(object) {
		if rawjson.Kind(v) != '"' {
			continue
		}
		var said string
		switch string(name) {
		case "name":
			said = own
		case "uri":
			said = host + "/v1beta/" + own
		case "downloadUri":
			said = host + "/v1beta/" + own + ":download?alt=media"
		default:
			continue
		}
		at := dialect.SpanOf(answer, v)
		dst = rawjson.AppendString(append(dst, answer[from:at.Start]...), said)
		from = at.End
	}
	return append(dst, answer[from:]...)
}

var (
	_ dialect.Holder    = files{}
	_ dialect.Addressed = files{}
	_ dialect.Uploader  = files{}
	_ dialect.Resumer   = files{}
)
