package sim

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"weir/internal/rawjson"
)

// geminiFile begins the names of Gemini's files, and geminiURI their addresses.
const (
	geminiFile = "files/"
	geminiURI  = "https://generativelanguage.googleapis.com/v1beta/"
)

const (
	maxUploads   = 64                     // under way
	uploadGrain  = 256 << 10              // every part but the last is a multiple of it
	geminiKept   = 48 * time.Hour         // then a file is forgotten
	geminiMaking = 100 * time.Millisecond // how long a film is worked on
)

// uploadStore keeps uploads that are under way. The zero value is ready.
type uploadStore struct {
	mu  sync.Mutex // held while a part is taken
	all []*uploading
}

type uploading struct {
	id    string
	f     filed
	size  int64 // -1 = not said
	final *filed
}

func (s *uploadStore) get(id string) *uploading {
	i := slices.IndexFunc(s.all, func(u *uploading) bool { return u.id == id })
	if i < 0 {
		return nil
	}
	return s.all[i]
}

// geminiUpload answers POST /upload/v1beta/files.
func (x *exchange) geminiUpload() error {
	query := x.r.URL.Query()
	if query.Has("upload_id") {
		return x.geminiPart(query.Get("upload_id"))
	}
	said, f, err := x.geminiWhole()
	if err != nil {
		return err
	}
	if len(said) > 0 {
		if rawjson.Check(said) != nil || rawjson.Kind(said) != '{' {
			return geminiInvalid("Invalid JSON payload received.")
		}
		about := rawjson.Get(said, "file")
		f.name = rawjson.Text(rawjson.Get(about, "displayName"))
		if own := rawjson.Text(rawjson.Get(about, "mimeType")); own != "" {
			f.mime = own
		}
	}
	if x.r.Header.Get("X-Goog-Upload-Protocol") != "resumable" {
		return x.json(fileAnswer(x.p.files.put(geminiFile, x.p.Seed, f), x.now))
	}
	u := &uploading{f: f, size: -1}
	if f.mime == "" {
		u.f.mime = x.r.Header.Get("X-Goog-Upload-Header-Content-Type")
	}
	if text := x.r.Header.Get("X-Goog-Upload-Header-Content-Length"); text != "" {
		if u.size, err = strconv.ParseInt(text, 10, 64); err != nil {
			return geminiInvalid("Invalid X-Goog-Upload-Header-Content-Length.")
		}
	}
	x.p.uploads.mu.Lock()
	u.id = "AB" + hex.EncodeToString([]byte(x.id))
	x.p.uploads.all = append(x.p.uploads.all, u)
	if n := len(x.p.uploads.all); n > maxUploads {
		x.p.uploads.all = slices.Delete(x.p.uploads.all, 0, n-maxUploads)
	}
	x.p.uploads.mu.Unlock()
	h := x.w.Header()
	h.Set("X-Goog-Upload-Url", "http://"+x.r.Host+"/upload/v1beta/files?upload_id="+url.QueryEscape(u.id)+"&upload_protocol=resumable")
	h.Set("X-Goog-Upload-Control-Url", h.Get("X-Goog-Upload-Url"))
	h.Set("X-Goog-Upload-Status", "active")
	h.Set("X-Goog-Upload-Chunk-Granularity", strconv.Itoa(uploadGrain))
	h.Set("X-Guploader-Uploadid", u.id)
	x.write(http.StatusOK, "text/plain; charset=utf-8", nil)
	return nil
}

// geminiWhole reads a file that comes at once, and what is said of it; of an upload in parts there is only that.
func (x *exchange) geminiWhole() (said []byte, f filed, err error) {
	f.made, f.ends = x.now, x.now.Add(geminiKept)
	kind, params, _ := mime.ParseMediaType(x.r.Header.Get("Content-Type"))
	switch x.r.Header.Get("X-Goog-Upload-Protocol") {
	case "resumable":
		if x.r.Header.Get("X-Goog-Upload-Command") != "start" {
			return nil, f, geminiInvalid("Invalid X-Goog-Upload-Command.")
		}
		return x.body, f, nil
	case "raw":
		f.mime, f.data = kind, x.body
		return nil, f, nil
	case "multipart":
		r := multipart.NewReader(bytes.NewReader(x.body), params["boundary"])
		for i := range 2 {
			part, err := r.NextRawPart()
			if err != nil {
				return nil, f, geminiInvalid("Malformed multipart body.")
			}
			b, err := io.ReadAll(part)
			if err != nil {
				return nil, f, geminiInvalid("Malformed multipart body.")
			}
			if i == 0 {
				said = b
			} else {
				f.data, f.mime = b, part.Header.Get("Content-Type")
			}
		}
		return said, f, nil
	}
	return nil, f, geminiInvalid("Missing or invalid X-Goog-Upload-Protocol.")
}

// geminiPart takes a part of a file, or says how much of it there is.
func (x *exchange) geminiPart(id string) error {
	x.p.uploads.mu.Lock()
	defer x.p.uploads.mu.Unlock()
	u := x.p.uploads.get(id)
	if u == nil {
		return &refusal{status: http.StatusNotFound, message: "The upload does not exist."}
	}
	words := strings.ReplaceAll(x.r.Header.Get("X-Goog-Upload-Command"), " ", "")
	h := x.w.Header()
	h.Set("X-Guploader-Uploadid", id)
	from, err := strconv.ParseInt(x.r.Header.Get("X-Goog-Upload-Offset"), 10, 64)
	switch words {
	case "query":
		h.Set("X-Goog-Upload-Size-Received", strconv.Itoa(len(u.f.data)))
	case "cancel":
		x.p.uploads.all = slices.DeleteFunc(x.p.uploads.all, func(o *uploading) bool { return o == u })
		h.Set("X-Goog-Upload-Status", "cancelled")
		x.write(http.StatusOK, "text/plain; charset=utf-8", nil)
		return nil
	case "upload", "upload,finalize", "finalize":
		switch {
		case u.final != nil:
			return geminiInvalid("The upload is final.")
		case words != "finalize" && (err != nil || from != int64(len(u.f.data))):
			return geminiInvalid("Invalid X-Goog-Upload-Offset.")
		case words == "upload" && len(x.body)%uploadGrain != 0:
			return geminiInvalid("The part is no multiple of %d bytes.", uploadGrain)
		case u.size >= 0 && int64(len(u.f.data)+len(x.body)) > u.size:
			return geminiInvalid("More bytes than were declared.")
		}
		u.f.data = append(u.f.data, x.body...)
		if words != "upload" {
			if u.size >= 0 && int64(len(u.f.data)) != u.size {
				return geminiInvalid("Fewer bytes than were declared.")
			}
			u.final = x.p.files.put(geminiFile, x.p.Seed, u.f)
		}
	default:
		return geminiInvalid("Invalid X-Goog-Upload-Command.")
	}
	h.Set("X-Goog-Upload-Status", "active")
	if u.final == nil {
		x.write(http.StatusOK, "text/plain; charset=utf-8", nil)
		return nil
	}
	h.Set("X-Goog-Upload-Status", "final")
	return x.json(fileAnswer(u.final, x.now))
}

// geminiFiles returns what answers a request for files, nil for a path that is none.
func (x *exchange) geminiFiles(method, rest string) func() error {
	if rest == "" {
		if method != http.MethodGet {
			return nil
		}
		return x.listGemini
	}
	name, verb, _ := strings.Cut(rest[1:], ":")
	f, found := x.p.files.get(geminiFile + name)
	if !found || x.now.After(f.ends) {
		return func() error { return noGeminiFile(name) }
	}
	switch method + " " + verb {
	case "GET ":
		return func() error { return x.json(geminiObject(f, x.now)) }
	case "GET download":
		return func() error { return geminiInvalid("Only files that were generated can be downloaded.") }
	case "DELETE ":
		return func() error {
			x.p.files.drop(f.id)
			return x.json([]byte("{}\n"))
		}
	}
	return nil
}

func noGeminiFile(name string) *refusal {
	return &refusal{status: http.StatusForbidden, message: "You do not have permission to access the File " + cut(name, 200) + " or it may not exist."}
}

func (x *exchange) listGemini() error {
	w := &rawjson.Writer{}
	w.Open('{').Name("files").Open('[')
	for _, f := range x.p.files.list(geminiFile) {
		w.Raw(geminiObject(f, x.now))
	}
	return x.json(w.Close(']').Close('}').Buf)
}

func fileAnswer(f *filed, now time.Time) []byte {
	w := &rawjson.Writer{}
	return w.Open('{').Name("file").Raw(geminiObject(f, now)).Close('}').Buf
}

// geminiObject writes what is said of a file. A film is worked on for a moment.
func geminiObject(f *filed, now time.Time) []byte {
	w := &rawjson.Writer{}
	w.Open('{').Name("name").String(f.id)
	if f.name != "" {
		w.Name("displayName").String(f.name)
	}
	sum := sha256.Sum256(f.data)
	stamp := func(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z") }
	w.Name("mimeType").String(f.mime).Name("sizeBytes").String(strconv.Itoa(len(f.data)))
	w.Name("createTime").String(stamp(f.made)).Name("updateTime").String(stamp(f.made)).Name("expirationTime").String(stamp(f.ends))
	w.Name("sha256Hash").String(base64.StdEncoding.EncodeToString([]byte(hex.EncodeToString(sum[:])))).Name("uri").String(geminiURI + f.id)
	state := "ACTIVE"
	if strings.HasPrefix(f.mime, "video/") && now.Sub(f.made) < geminiMaking {
		state = "PROCESSING"
	}
	return w.Name("state").String(state).Name("source").String("UPLOADED").Close('}').Buf
}
