package geminifiles

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/rawjson"
)

// The headers of Google's uploads.
const (
	protocol = "X-Goog-Upload-Protocol"
	command  = "X-Goog-Upload-Command"
	offset   = "X-Goog-Upload-Offset"
	length   = "X-Goog-Upload-Header-Content-Length"
	session  = "X-Goog-Upload-Url"
	control  = "X-Goog-Upload-Control-Url"
)

// idName is the member of an upload's address that holds its id.
const idName = "upload_id"

// Upload implements dialect.Uploader: a file that comes whole is the body, or the second part of it.
func (files) Upload(c *dialect.Call) (dialect.Upload, error) {
	how := strings.ToLower(c.Header.Get(protocol))
	if how == "" {
		how = strings.ToLower(query(c.Query).Get("uploadType"))
	}
	switch how {
	case "raw", "media":
		return dialect.Upload{}, nil
	case "multipart":
		return dialect.Upload{}, related(c)
	}
	return dialect.Upload{}, &fault.Fault{
		Kind: fault.Malformed, Param: protocol,
		Message: "a file is uploaded with the header " + protocol + ": resumable with " + command + ": start, raw or multipart",
	}
}

// Refill implements dialect.Uploader. No file of Gemini's is rewritten.
func (files) Refill(dst []byte, _ *dialect.Call, _ dialect.Upload, _ []byte) ([]byte, error) {
	return dst, fault.New(fault.Internal, "a file of Gemini's is not written anew")
}

func query(text string) url.Values {
	v, _ := url.ParseQuery(text) // what cannot be read says nothing
	return v
}

// related reads what a body of two parts says of its file.
func related(c *dialect.Call) error {
	kind, params, err := mime.ParseMediaType(c.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/related" || params["boundary"] == "" {
		return fault.New(fault.MediaType, "a file that comes with what is said of it is sent as multipart/related, not as %.60q", c.Header.Get("Content-Type"))
	}
	r := multipart.NewReader(bytes.NewReader(c.Body), params["boundary"])
	first, err := r.NextRawPart()
	if err != nil {
		return &fault.Fault{Kind: fault.Malformed, Message: "the body cannot be read as multipart/related", Cause: err}
	}
	said, err := io.ReadAll(first)
	if err != nil {
		return &fault.Fault{Kind: fault.Malformed, Message: "the body cannot be read as multipart/related", Cause: err}
	}
	return nameless(said)
}

// nameless refuses what wants to choose the file's name: all keys would share the names there are.
func nameless(said []byte) error {
	if len(bytes.TrimSpace(said)) == 0 {
		return nil
	}
	if err := rawjson.Check(said); err != nil || rawjson.Kind(said) != '{' {
		return &fault.Fault{Kind: fault.Malformed, Message: "what is said of the file is no JSON object", Cause: err}
	}
	for name, v := range rawjson.Members(said) {
		if !is(name, "file") {
			continue
		}
		for inner, one := range rawjson.Members(v) {
			if is(inner, "name") && !rawjson.IsNull(one) && rawjson.Text(one) != "" {
				return &fault.Fault{Kind: fault.Malformed, Param: "file.name", Message: "names of files are given out here: leave out file.name, and take the one of the answer; file.displayName is yours"}
			}
		}
	}
	return nil
}

// is reports whether a member, as it is written, may be read as one of this name.
func is(written []byte, name string) bool {
	text := string(written)
	if strings.Contains(text, `\`) {
		text = rawjson.Text([]byte(`"` + text + `"`))
	}
	return strings.EqualFold(text, name)
}

// Begins implements dialect.Resumer.
func (files) Begins(h http.Header) bool {
	return strings.EqualFold(h.Get(protocol), "resumable") && hasWord(h.Get(command), "start")
}

// Begin implements dialect.Resumer.
func (files) Begin(c *dialect.Call) (size int64, err error) {
	if hasWord(c.Header.Get(command), "upload") || hasWord(c.Header.Get(command), "finalize") {
		return 0, &fault.Fault{Kind: fault.Malformed, Param: command, Message: "an upload is begun with " + command + ": start alone; its bytes go to the address that the answer tells"}
	}
	size = -1
	if text := c.Header.Get(length); text != "" {
		if size, err = strconv.ParseInt(text, 10, 64); err != nil || size < 0 {
			return 0, &fault.Fault{Kind: fault.Malformed, Param: length, Message: length + " is a number of bytes"}
		}
	}
	return size, nameless(c.Body)
}

// Part implements dialect.Resumer.
func (files) Part(h http.Header) (from int64, err error) {
	switch words := h.Get(command); {
	case hasWord(words, "upload"):
		from, err = strconv.ParseInt(h.Get(offset), 10, 64)
		if err != nil || from < 0 {
			return 0, &fault.Fault{Kind: fault.Malformed, Param: offset, Message: offset + " says how many bytes were sent before"}
		}
		return from, nil
	case hasWord(words, "finalize"), hasWord(words, "query"), hasWord(words, "cancel"):
		return -1, nil
	}
	return 0, &fault.Fault{Kind: fault.Malformed, Param: command, Message: command + " is upload, finalize, both, query or cancel"}
}

func hasWord(words, word string) bool {
	for w := range strings.SplitSeq(words, ",") {
		if strings.EqualFold(strings.TrimSpace(w), word) {
			return true
		}
	}
	return false
}

// Session implements dialect.Resumer.
func (files) Session(h http.Header) string { return h.Get(session) }

// Resumed implements dialect.Resumer.
func (files) Resumed(q url.Values) (id string, ok bool) { return q.Get(idName), q.Has(idName) }

// Readdress implements dialect.Resumer.
func (files) Readdress(h http.Header, host, id string) {
	own := host + Upload + "?" + idName + "=" + url.QueryEscape(id) + "&upload_protocol=resumable"
	for _, name := range [...]string{session, control} {
		if h.Get(name) != "" {
			h.Set(name, own)
		}
	}
	h.Del("Location")
}

// Made implements dialect.Resumer.
func (files) Made(h http.Header) bool {
	return strings.EqualFold(h.Get("X-Goog-Upload-Status"), "final")
}

var errSession = errors.New("no address of a session")

// Where implements dialect.Resumer.
func (files) Where(session string) (path, query string, err error) {
	u, err := url.Parse(session)
	if err != nil || u.RawQuery == "" {
		return "", "", errSession
	}
	at := strings.Index(u.EscapedPath(), "/upload/") // what stands before it is the base URL's
	if at < 0 {
		return "", "", errSession
	}
	return u.EscapedPath()[at:], u.RawQuery, nil
}
