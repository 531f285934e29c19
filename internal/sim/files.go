package sim

import (
	"encoding/base64"
	"encoding/binary"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"weir/internal/rawjson"
)

const (
	maxFiles     = 512       // files
	maxFilesSize = 128 << 20 // bytes of them together
)

// fileStore keeps files, the newest within its bounds. The zero value is ready.
type fileStore struct {
	mu   sync.Mutex // held for look-ups and while one is put in
	all  []*filed   // oldest first
	size int
	last uint64 // that was put in
}

// filed is a file that is kept. It does not change.
type filed struct {
	id, name, purpose, mime string
	visibility              string
	data                    []byte
	made, ends              time.Time // ends zero = never
}

// put keeps a file under a new id that begins with prefix.
func (s *fileStore) put(prefix string, seed uint64, f filed) *filed {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last++
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], mix(seed, s.last))
	binary.BigEndian.PutUint64(b[8:], mix(mix(seed, s.last), s.last))
	f.id = prefix + strings.NewReplacer("-", "0", "_", "1").Replace(base64.RawURLEncoding.EncodeToString(b[:]))
	s.all = append(s.all, &f)
	s.size += len(f.data)
	for len(s.all) > maxFiles || s.size > maxFilesSize && len(s.all) > 1 {
		s.size -= len(s.all[0].data)
		s.all = slices.Delete(s.all, 0, 1)
	}
	return &f
}

func (s *fileStore) get(id string) (*filed, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.all, func(f *filed) bool { return f.id == id })
	if i < 0 {
		return nil, false
	}
	return s.all[i], true
}

func (s *fileStore) drop(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.all, func(f *filed) bool { return f.id == id })
	if i >= 0 {
		s.size -= len(s.all[i].data)
		s.all = slices.Delete(s.all, i, i+1)
	}
}

// list returns the files whose ids begin so, the newest first.
func (s *fileStore) list(prefix string) []*filed {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []*filed
	for _, f := range slices.Backward(s.all) {
		if strings.HasPrefix(f.id, prefix) {
			out = append(out, f)
		}
	}
	return out
}

// Files returns the ids of the files that are kept, the newest first.
func (p *Provider) Files() []string {
	var out []string
	for _, f := range p.files.list("") {
		out = append(out, f.id)
	}
	return out
}

// Forget drops a file, as a provider does whose time for it is over.
func (p *Provider) Forget(id string) { p.files.drop(id) }

// Prefixes of ids, in OpenAI's way and in Anthropic's.
const (
	chatFile     = "file-"
	messagesFile = "file_01"
)

// filesOf returns what answers a request for files, nil for a path that is none.
func (x *exchange) filesOf(method, rest string) func() error {
	rest = strings.TrimPrefix(rest, "/")
	id, more, deep := strings.Cut(rest, "/")
	prefix := chatFile
	if x.face == messagesFace {
		prefix = messagesFile
	}
	if id == "" && !deep {
		switch method {
		case http.MethodPost:
			return x.upload
		case http.MethodGet:
			return func() error { return x.listFiles(prefix) }
		}
		return nil
	}
	f, found := x.p.files.get(id)
	var h func() error
	switch method + " " + more {
	case "GET ":
		h = func() error { return x.json(x.fileObject(f)) }
	case "DELETE ":
		h = func() error { return x.deleteFile(id) }
	case "GET content":
		h = func() error { return x.fileContent(f) }
	default:
		return nil
	}
	if !found || !strings.HasPrefix(id, prefix) {
		return func() error { return x.noFile("id", id) }
	}
	return h
}

// json sends an object.
func (x *exchange) json(body []byte) error {
	x.write(http.StatusOK, "application/json", body)
	return nil
}

// noFile is what is said of a file that is not kept.
func (x *exchange) noFile(param, id string) *refusal {
	if x.face == messagesFace {
		return &refusal{status: http.StatusNotFound, kind: "not_found_error", message: "File not found: " + cut(id, 200)}
	}
	return &refusal{status: http.StatusNotFound, kind: "invalid_request_error", param: param, message: "No such File object: " + cut(id, 200)}
}

var (
	chatUpload = map[string]mediaField{
		"purpose":                {kind: "string", need: true, words: []string{"assistants", "batch", "fine-tune", "vision", "user_data", "evals"}},
		"file":                   {kind: "file", need: true},
		"visibility":             {kind: "string", words: []string{"workspace", "user"}}, // Mistral's alone
		"expires_after[anchor]":  {kind: "string", words: []string{"created_at"}},
		"expires_after[seconds]": {kind: "int", lo: 3600, hi: 2592000},
	}
	messagesUpload = map[string]mediaField{"file": {kind: "file", need: true}}
)

// upload answers POST /v1/files.
func (x *exchange) upload() error {
	fields, prefix := chatUpload, chatFile
	if x.face == messagesFace {
		fields, prefix = messagesUpload, messagesFile
	}
	m, err := x.readMedia(fields, true)
	if err != nil {
		return err
	}
	one := m.files["file"][0]
	f := filed{name: one.name, purpose: m.values["purpose"], data: one.data, made: x.now}
	if at := strings.LastIndexByte(f.name, '.'); at >= 0 {
		f.mime, _, _ = strings.Cut(mime.TypeByExtension(f.name[at:]), ";")
	}
	if f.mime == "" {
		f.mime = "application/octet-stream"
	}
	f.visibility = m.values["visibility"]
	if n := m.count("expires_after[seconds]", 0); n > 0 {
		f.ends = x.now.Add(time.Duration(n) * time.Second)
	}
	return x.json(x.fileObject(x.p.files.put(prefix, x.p.Seed, f)))
}

// fileObject writes what is said of a file.
func (x *exchange) fileObject(f *filed) []byte {
	w := &rawjson.Writer{}
	if x.face == messagesFace {
		w.Open('{').Name("type").String("file").Name("id").String(f.id).Name("size_bytes").Int(int64(len(f.data)))
		w.Name("created_at").String(f.made.UTC().Format(time.RFC3339)).Name("filename").String(f.name).Name("mime_type").String(f.mime)
		return w.Name("downloadable").Bool(false).Close('}').Buf
	}
	w.Open('{').Name("object").String("file").Name("id").String(f.id).Name("purpose").String(f.purpose).Name("filename").String(f.name)
	w.Name("bytes").Int(int64(len(f.data))).Name("created_at").Int(f.made.Unix())
	if f.visibility != "" {
		w.Name("sample_type").String("batch_request").Name("source").String("upload").Name("visibility").String(f.visibility)
	}
	if w.Name("expires_at"); f.ends.IsZero() {
		w.Null()
	} else {
		w.Int(f.ends.Unix())
	}
	return w.Name("status").String("processed").Name("status_details").Null().Close('}').Buf
}

// listFiles lists everybody's files.
func (x *exchange) listFiles(prefix string) error {
	query := x.r.URL.Query()
	limit, err := strconv.Atoi(query.Get("limit"))
	if err != nil || limit < 1 {
		limit = 10000
	}
	w := &rawjson.Writer{}
	w.Open('{')
	if x.face != messagesFace {
		w.Name("object").String("list")
	}
	w.Name("data").Open('[')
	first, last := "", ""
	for _, f := range x.p.files.list(prefix) {
		if purpose := query.Get("purpose"); purpose != "" && purpose != f.purpose || limit == 0 {
			continue
		}
		if limit--; first == "" {
			first = f.id
		}
		last = f.id
		w.Raw(x.fileObject(f))
	}
	w.Close(']')
	orNull(w, "first_id", first)
	orNull(w, "last_id", last)
	return x.json(w.Name("has_more").Bool(false).Close('}').Buf)
}

func (x *exchange) deleteFile(id string) error {
	x.p.files.drop(id)
	w := &rawjson.Writer{}
	w.Open('{').Name("id").String(id)
	if x.face == messagesFace {
		return x.json(w.Name("type").String("file_deleted").Close('}').Buf)
	}
	return x.json(w.Name("object").String("file").Name("deleted").Bool(true).Close('}').Buf)
}

// fileContent sends a file's bytes. Anthropic gives back what its own tools made alone.
func (x *exchange) fileContent(f *filed) error {
	if x.face == messagesFace {
		return &refusal{status: http.StatusBadRequest, kind: "invalid_request_error", message: "File '" + f.id + "' is not downloadable"}
	}
	x.write(http.StatusOK, "application/octet-stream", f.data)
	return nil
}

// namesFiles refuses a question that names a file that is not kept.
func (x *exchange) namesFiles() error {
	if rawjson.Check(x.body) == nil { // what is wrong with another is said better elsewhere
		return x.fileNamed(x.body, "")
	}
	return nil
}

func (x *exchange) fileNamed(v []byte, at string) error {
	switch rawjson.Kind(v) {
	case '{':
		for name, one := range rawjson.Members(v) {
			path := strings.TrimPrefix(at+"."+string(name), ".")
			if id, is := rawjson.String(one); is && string(name) == "file_id" {
				if f, ok := x.p.files.get(id); !ok || strings.HasPrefix(f.id, messagesFile) != (x.face == messagesFace) {
					return x.noFile(path, id)
				}
				continue
			}
			if err := x.fileNamed(one, path); err != nil {
				return err
			}
		}
	case '[':
		for i, one := range rawjson.Elems(v) {
			if err := x.fileNamed(one, at+"["+strconv.Itoa(i)+"]"); err != nil {
				return err
			}
		}
	}
	return nil
}
