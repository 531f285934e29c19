// Package replay plays recorded exchanges with real providers back: it reads the recordings from the folder that
// WEIR_RECORDINGS names, and is the strict upstream that answers with their very bytes, cut into reads of any size.
//
// Recordings are read in place and are no part of the project; a test that misses them skips and says so.
package replay

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"weir/internal/llm"
)

// Recording is one exchange.
type Recording struct {
	ID        string   `json:"id"`
	Folder    string   `json:"-"`
	Dialect   string   `json:"dialect"`
	Provider  string   `json:"provider"`
	Operation string   `json:"operation"`
	Model     string   `json:"model"`
	Method    string   `json:"method"`
	Endpoint  Endpoint `json:"endpoint"`
	Streaming bool     `json:"streaming"`
	Features  []string `json:"features"`
	Notes     any      `json:"notes"`
	Error     any      `json:"error"`
	Request   *struct {
		Headers map[string]string `json:"headers"`
		Body    json.RawMessage   `json:"body"`
		Text    string            `json:"body_text"`   // of a body that is no JSON
		Base64  []byte            `json:"body_base64"` // the same, where it is no text
	} `json:"request"`
	Response struct {
		Status   int               `json:"status"`
		Headers  map[string]string `json:"headers"`
		Encoding string            `json:"body_encoding"`
		Body     string            `json:"body"`
	} `json:"response"`
	Source struct {
		Repo string `json:"repo"`
	} `json:"source"`
}

// Endpoint is where a recording was asked for.
type Endpoint struct{ Host, Path, Query string }

// Answer returns the bytes of the answer.
func (r *Recording) Answer() []byte {
	if r.Response.Encoding == "base64" {
		b, err := base64.StdEncoding.DecodeString(r.Response.Body)
		if err == nil {
			return b
		}
	}
	return []byte(r.Response.Body)
}

// Body returns the request's JSON, nil where it has none. One that names no model, since its endpoint does, gets one
// where its dialect demands it.
func (r *Recording) Body() []byte {
	if r.Request == nil || len(r.Request.Body) == 0 || r.Request.Body[0] != '{' {
		return nil
	}
	b := []byte(r.Request.Body)
	switch r.Speaks() {
	case "gemini-generate", "gemini-embeddings", "gemini-interactions", "bedrock-converse", "bedrock-invoke":
		return b
	}
	var m struct {
		Model json.RawMessage `json:"model"`
	}
	if json.Unmarshal(b, &m) != nil || m.Model == nil {
		b = append([]byte(`{"model":"real-model",`), bytes.TrimLeft(b[1:], " \n")...)
	}
	return b
}

// PathOf returns path and query of the call as a client of the dialect asks, "" where they are the same for all calls.
// What a provider puts in front (Vertex: the project) is left out.
func (r *Recording) PathOf(d llm.Dialect) (path, query string) {
	at := r.Endpoint.Path
	switch d {
	case llm.GeminiGenerate, llm.GeminiEmbeddings:
		if i := strings.LastIndex(at, "/models/"); i >= 0 {
			return "/v1beta" + at[i:], withoutKey(r.Endpoint.Query)
		}
	case llm.BedrockConverse, llm.BedrockInvoke:
		if i := strings.LastIndex(at, "/model/"); i >= 0 {
			return at[i:], r.Endpoint.Query
		}
	}
	return "", ""
}

// withoutKey takes the recorder's own key out of a query.
func withoutKey(query string) string {
	parts := slices.DeleteFunc(strings.Split(query, "&"), func(part string) bool { return strings.HasPrefix(part, "key=") })
	return strings.Join(parts, "&")
}

// Has reports whether the recording shows a feature.
func (r *Recording) Has(feature string) bool {
	return slices.Contains(r.Features, feature)
}

// Speaks returns the name of the wire language a folder of recordings is in, "" for one this build does not speak.
func (r *Recording) Speaks() string {
	switch {
	case r.Operation == "messages" && (r.Folder == "anthropic-messages" || r.Folder == "vertex-anthropic"):
		return "anthropic-messages"
	case r.Operation == "chat" && r.Folder == "cohere-chat":
		if r.Endpoint.Path == "/v1/chat" {
			return "" // an earlier version, another language
		}
		return "cohere-chat"
	case r.Operation == "chat" && r.Folder == "ollama":
		return "ollama-chat"
	case r.Operation == "chat":
		return "openai-chat"
	case r.Operation == "responses":
		return "openai-responses"
	case r.Operation == "completions":
		return "openai-completions"
	case r.Operation == "generate" && (r.Folder == "gemini-generate" || r.Folder == "vertex-gemini"):
		return "gemini-generate"
	case r.Operation == "interactions":
		return "gemini-interactions"
	case r.Operation == "converse" && r.Folder == "bedrock-converse":
		return "bedrock-converse"
	case r.Operation == "invoke" && r.Folder == "bedrock-invoke":
		return "bedrock-invoke"
	case r.Operation == "embeddings" || r.Operation == "embed" || r.Operation == "embedContent":
		return r.embeds()
	case r.Operation == "rerank" && r.Folder == "cohere-rerank":
		return "cohere-rerank"
	case r.Operation == "rerank":
		return "openai-rerank"
	case r.Operation == "ocr" && r.Folder == "mistral-other":
		return "mistral-ocr"
	case r.Operation == "images":
		return "openai-images"
	case (r.Operation == "speech" || r.Operation == "transcription") && (strings.HasPrefix(r.Endpoint.Path, "/v1/audio/") || strings.HasPrefix(r.Endpoint.Path, "/api/v1/audio/") || r.Endpoint.Path == "" && r.Folder != "xai-other"):
		return "openai-audio"
	case r.Operation == "batches" && r.Folder == "openai-other":
		return "openai-batches"
	case r.Operation == "batches" && r.Folder == "anthropic-other":
		return "anthropic-batches"
	case r.Operation == "batches" && r.Folder == "mistral-other":
		return "mistral-batches"
	case r.Operation == "files" && r.Folder == "openai-other" && (r.Endpoint.Path == "" || strings.HasPrefix(r.Endpoint.Path, "/v1/files")):
		return "openai-files"
	case r.Operation == "moderations" && !strings.Contains(r.Endpoint.Path, "/organization/"):
		return "openai-moderations"
	}
	return ""
}

// embeds returns the language of a recording of embeddings.
func (r *Recording) embeds() string {
	switch r.Folder {
	case "openai-embeddings":
		if strings.Contains(r.Endpoint.Path, "/organization/") {
			return "" // what was used, not embeddings
		}
	case "gemini-embeddings", "vertex-other":
		return "gemini-embeddings"
	case "cohere-embed":
		if r.Endpoint.Path != "" && r.Endpoint.Path != "/v2/embed" {
			return "" // an earlier version, another language
		}
		return "cohere-embed"
	case "ollama":
		if r.Endpoint.Path != "" && r.Endpoint.Path != "/api/embed" {
			return ""
		}
		return "ollama-embed"
	}
	return "openai-embeddings"
}

// Load reads every recording in a wire language, sorted by id. The test is skipped, loudly, where there are none.
func Load(t testing.TB, dialect string) []*Recording {
	t.Helper()
	dir := os.Getenv("WEIR_RECORDINGS")
	if dir == "" {
		t.Skip("WEIR_RECORDINGS is not set: recorded traffic is not replayed")
	}
	f, err := os.Open(filepath.Join(dir, "MANIFEST.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	var out []*Recording
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var entry struct{ File, Operation string }
		if err := json.Unmarshal(lines.Bytes(), &entry); err != nil {
			t.Fatal(err)
		}
		probe := Recording{Folder: filepath.Dir(entry.File), Operation: entry.Operation}
		if probe.Speaks() != dialect {
			continue
		}
		raw, err := os.ReadFile(filepath.Join(dir, entry.File))
		if err != nil {
			t.Fatal(err)
		}
		r := &Recording{Folder: probe.Folder}
		if err := json.Unmarshal(raw, r); err != nil {
			t.Fatalf("%s: %v", entry.File, err)
		}
		if r.Speaks() != dialect {
			continue
		}
		out = append(out, r)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	if len(out) == 0 {
		t.Fatalf("no recording in %s speaks %s", dir, dialect)
	}
	return out
}

// Upstream is a strict provider that answers every request with one answer. It is an http.RoundTripper, so that the
// sizes in which the answer is read are exact. Set fields before use.
type Upstream struct {
	Status int
	Header map[string]string
	Body   []byte
	Read   int // bytes a read; 0 = random sizes from Seed
	Seed   uint64
	Cut    int   // the connection breaks after so many bytes; 0 = not
	Err    error // instead of an answer

	mu    sync.Mutex // guards Calls
	Calls []Seen
}

// Seen is one request as it came.
type Seen struct {
	Method, URL string
	Header      http.Header
	Body        []byte
}

// For returns the upstream of a recording.
func For(r *Recording) *Upstream {
	return &Upstream{Status: r.Response.Status, Header: r.Response.Headers, Body: r.Answer()}
}

// RoundTrip implements http.RoundTripper.
func (u *Upstream) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		var err error
		if body, err = io.ReadAll(req.Body); err != nil {
			return nil, err
		}
		if err := req.Body.Close(); err != nil {
			return nil, err
		}
	}
	u.mu.Lock()
	u.Calls = append(u.Calls, Seen{req.Method, req.URL.String(), req.Header.Clone(), body})
	u.mu.Unlock()
	if u.Err != nil {
		return nil, u.Err
	}
	if req.ContentLength != int64(len(body)) {
		return nil, fmt.Errorf("the request says %d bytes and has %d", req.ContentLength, len(body))
	}
	h := http.Header{}
	for name, value := range u.Header {
		h.Set(name, value)
	}
	h.Del("Content-Length")
	h.Del("Content-Encoding")
	h.Del("Transfer-Encoding")
	resp := &http.Response{
		Status: strconv.Itoa(u.Status) + " " + http.StatusText(u.Status), StatusCode: u.Status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: h, ContentLength: -1, Request: req,
		TransferEncoding: []string{"chunked"},
	}
	resp.Body = &sized{r: bytes.NewReader(u.Body), u: u, rand: rand.New(rand.NewPCG(u.Seed, 1)), left: u.Cut, ctx: req}
	return resp, nil
}

// Last returns the last request seen.
func (u *Upstream) Last() Seen {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.Calls) == 0 {
		return Seen{}
	}
	return u.Calls[len(u.Calls)-1]
}

// sized delivers an answer in reads of given sizes.
type sized struct {
	r    *bytes.Reader
	u    *Upstream
	rand *rand.Rand
	left int
	ctx  *http.Request
}

// Read implements io.Reader.
func (s *sized) Read(p []byte) (int, error) {
	if err := s.ctx.Context().Err(); err != nil {
		return 0, err
	}
	n := s.u.Read
	if n == 0 {
		n = 1 + s.rand.IntN(200)
	}
	n = min(n, len(p))
	if s.u.Cut > 0 {
		if s.left == 0 {
			return 0, io.ErrUnexpectedEOF
		}
		n = min(n, s.left)
	}
	n, err := s.r.Read(p[:n])
	s.left -= n
	return n, err
}

// Close implements io.Closer.
func (s *sized) Close() error { return nil }
