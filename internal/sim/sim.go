// Package sim is a simulated provider: an http.Handler that speaks OpenAI's Chat Completions, Responses, Completions,
// Embeddings, images and audio, Anthropic's Messages, Gemini's generateContent, Bedrock's Converse, Cohere's v2 chat and
// Ollama's chat as the real ones do, without a model behind it. Beside them it classifies texts as vLLM, Text Embeddings Inference and
// the Open Inference Protocol do, reads documents as Mistral does, and tells tokens as vLLM does.
// It draws where OpenAI, Gemini, Imagen and two makers of Bedrock's are asked for images.
// It keeps files as OpenAI and Anthropic do, and has jobs of fine-tuning go through their states.
//
// Each face (chat.go, responses.go, messages.go, gemini.go, …) reads and judges a request as strictly as the real
// provider and brings it into one form, question. answer (answer.go) decides what to answer: a plain text that says it
// is simulated and what was asked, calls of the tools at hand with arguments that their schemas accept (schema.go), a
// structured answer, a chain of thought. The face writes that answer whole or as a stream at a human pace, framed as its
// dialect frames streams (stream.go). Models whose names say so fail in the ways real providers fail (failure.go).
//
// The same request under the same Seed gets the same answer; only what a provider keeps between requests (prompt
// cache, stored responses, request ids, the clock) differs. The same question gets the same thought, text and calls in
// every dialect, and counts the same tokens; what differs is manners, such as the sentence that some say before a call.
// The package shares no code with Weir's own codecs, so that each can be the judge of the other.
package sim

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"weir/internal/rawjson"
)

const (
	defaultPace = 30 * time.Millisecond
	defaultSlow = 30 * time.Second
	maxBody     = 64 << 20 // bytes of a request
	maxCalls    = 1024     // requests remembered
	maxCallBody = 32 << 20 // bytes of the bodies remembered, together
)

// Provider is the simulated provider. The zero value works; fields are set before the first request. Its methods are
// safe for concurrent use.
type Provider struct {
	Clock func() time.Time // stamps answers and ages the prompt cache; nil = time.Now
	Pace  time.Duration    // between the events of a stream; 0 = 30 ms, negative = none
	Slow  time.Duration    // how long sim-slow waits before it answers; 0 = 30 s, negative = not at all
	Batch time.Duration    // how long a batch takes; 0 = 100 ms, negative = no time
	Seed  uint64           // another seed, other ids and arguments; signatures are good under their own seed only
	Key   string           // credential demanded of every request, or the secret of AWS's signatures; "" = none

	Script Script // decides which tools are called; nil = the questions do

	open    atomic.Int64
	serial  atomic.Uint64
	cache   promptCache
	stored  responseStore
	jobs    jobStore
	files   fileStore
	uploads uploadStore
	batches batchStore

	mu    sync.Mutex // guards calls and kept, which grow at each request's begin and are read whole by Calls
	calls []*Call
	kept  int // bytes of bodies in calls
}

// Call is what the provider saw of one request.
type Call struct {
	Method, Path, Query string
	Header              http.Header // as received; shared, not to be changed
	Body                []byte      // as received; shared, not to be changed
	Model               string      // the model asked for, as far as it could be read
	Status              int         // what was answered; 0 = nothing yet
	Left                bool        // the client was gone before the answer was complete
	Done                bool        // the handler has returned
}

// Open returns the number of requests that are being served now.
func (p *Provider) Open() int { return int(p.open.Load()) }

// Calls returns the requests seen, oldest first: the last 1024 of them, fewer where their bodies exceed 32 MiB.
func (p *Provider) Calls() []Call {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := make([]Call, len(p.calls))
	for i, c := range p.calls {
		out[i] = *c
	}
	return out
}

// exchange is one request being served.
type exchange struct {
	p       *Provider
	w       http.ResponseWriter
	r       *http.Request
	face    *face
	framing *framing // of a stream
	id      string   // request id
	body    []byte
	call    *Call
	seed    uint64 // of the provider's seed and the body
	now     time.Time
	trip    breakage // how the answer is to break off
}

// refusal is an error answer; the face puts it into its dialect's shape.
type refusal struct {
	status             int
	kind, code, param  string // code and param: "" = null
	message            string
	details            []byte // JSON
	retryAfter, header string // header: value of x-should-retry
}

// Error implements error.
func (f *refusal) Error() string { return f.message }

var (
	errLeft   = errors.New("the client left")
	errBroken = errors.New("the answer broke off, as the model's name says")
)

// ServeHTTP implements http.Handler. It returns soon after the client has left.
func (p *Provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.open.Add(1)
	defer p.open.Add(-1)
	x := &exchange{p: p, w: w, r: r, face: faceOf(r), now: p.now()}
	x.framing = &x.face.framing
	x.id = fmt.Sprintf("req_sim%012d", p.serial.Add(1))
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	x.body = body
	x.call = p.note(r, body)
	defer x.settle()
	h := fnv.New64a()
	h.Write(body)
	x.seed = mix(p.Seed, h.Sum64())
	w.Header().Set(x.face.idHeader, x.id)
	if err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			x.refuse(&refusal{status: http.StatusRequestEntityTooLarge, kind: "request_too_large", message: "Request exceeds the maximum size"})
		} else {
			x.left()
		}
		return
	}
	if err := x.serve(); err != nil {
		if no, ok := errors.AsType[*refusal](err); ok {
			x.refuse(no)
		}
	}
}

// serve routes the request. It returns a *refusal, errLeft or errBroken.
func (x *exchange) serve() error {
	if want := x.p.Key; want != "" && x.face == bedrockFace && strings.HasPrefix(x.r.Header.Get("Authorization"), awsSigned) {
		if !signedFor(x.r, x.body, want) {
			return badSignature
		}
	} else if want != "" {
		if got := x.face.key(x.r); subtle.ConstantTimeCompare([]byte(got), []byte(want)) != 1 {
			return x.face.noKey(got != "", got)
		}
	}
	if x.r.Header.Get("Content-Encoding") != "" {
		return &refusal{status: http.StatusUnsupportedMediaType, kind: "invalid_request_error", message: "Compressed request bodies are not supported."}
	}
	path, method := x.r.URL.Path, x.r.Method
	if h := x.route(method, path); h != nil {
		switch path {
		case "/v1/chat/completions", "/v1/responses", "/v1/messages":
			if err := x.namesFiles(); err != nil {
				return err
			}
		}
		return h()
	}
	return x.face.noPath(method, path)
}

// route returns what answers a path, nil where nothing does.
func (x *exchange) route(method, path string) func() error {
	if strings.HasPrefix(path, "/ws/google.ai.generativelanguage.") && strings.HasSuffix(path, ".GenerativeService.BidiGenerateContent") && method == http.MethodGet {
		return x.bidi
	}
	if x.face == geminiFace {
		if path == "/upload/v1beta/files" && method == http.MethodPost {
			return x.geminiUpload
		}
		if rest, one := strings.CutPrefix(path, "/v1beta/files"); one && (rest == "" || rest[0] == '/') {
			return x.geminiFiles(method, rest)
		}
		if rest, one := strings.CutPrefix(path, "/v1beta/batches"); one && (rest == "" || rest[0] == '/') {
			return x.geminiBatches(method, rest)
		}
		_, rest, found := strings.Cut(path, "/models")
		if !found {
			return nil
		}
		return x.gemini(method, rest)
	}
	switch method + " " + path {
	case "GET /v1/models":
		return x.models
	case "POST /v1/chat/completions":
		return x.chat
	case "POST /v1/completions":
		return x.complete
	case "POST /v1/responses":
		return x.respond
	case "POST /v1/responses/input_tokens":
		return x.countInput
	case "POST /v1/embeddings":
		return x.embed
	case "POST /v1/images/generations":
		return x.draw
	case "POST /v1/images/edits":
		return x.redraw
	case "POST /v1/images/variations":
		return x.vary
	case "POST /v1/audio/speech":
		return x.speak
	case "POST /v1/audio/transcriptions":
		return x.hear
	case "POST /v1/audio/translations":
		return x.translate
	case "GET /v1/realtime":
		return x.realtime
	case "POST /v1/messages":
		return x.messages
	case "POST /v1/messages/count_tokens":
		return x.countTokens
	case "POST /v2/chat":
		return x.cohere
	case "POST /classify":
		return x.classify
	case "POST /predict":
		return x.predict
	case "POST /v1/ocr":
		return x.ocr
	case "POST /tokenize":
		return x.tokenize
	case "POST /detokenize":
		return x.detokenize
	case "POST /api/chat":
		return x.ollama
	case "GET /api/tags":
		return x.ollamaTags
	case "POST /api/show":
		return x.ollamaShow
	case "GET /api/version":
		return x.ollamaVersion
	}
	return x.routeUnder(method, path)
}

// routeUnder is route for paths that go on in what they are about.
func (x *exchange) routeUnder(method, path string) func() error {
	if id, one := strings.CutPrefix(path, "/v1/models/"); one && method == http.MethodGet {
		return func() error { return x.model(id) }
	}
	if rest, one := strings.CutPrefix(path, "/v1/files"); one && (rest == "" || rest[0] == '/') {
		return x.filesOf(method, rest)
	}
	if rest, one := strings.CutPrefix(path, "/v1/fine_tuning/jobs"); one && (rest == "" || rest[0] == '/') {
		return x.tuning(method, rest)
	}
	if rest, one := strings.CutPrefix(path, "/v1/responses/"); one {
		return x.storedResponse(method, rest)
	}
	if rest, one := strings.CutPrefix(path, "/v1/batches"); one && (rest == "" || rest[0] == '/') {
		return x.chatBatches(method, rest)
	}
	if rest, one := strings.CutPrefix(path, "/v1/batch/jobs"); one && (rest == "" || rest[0] == '/') {
		return x.mistralBatches(method, rest)
	}
	if rest, one := strings.CutPrefix(path, "/v1/messages/batches"); one && (rest == "" || rest[0] == '/') {
		return x.messageBatches(method, rest)
	}
	if rest, one := strings.CutPrefix(path, "/v2/models/"); one && method == http.MethodPost {
		return x.oip(rest)
	}
	if rest, one := strings.CutPrefix(path, "/model/"); one && method == http.MethodPost {
		return x.bedrock(rest)
	}
	return nil
}

// object checks that the body is a JSON object.
func (x *exchange) object() error {
	if err := rawjson.Check(x.body); err != nil {
		return x.face.notJSON(err)
	}
	if rawjson.Kind(x.body) != '{' {
		return x.face.notJSON(errors.New("the body is not an object"))
	}
	if x.call.Model == "" {
		x.asks(rawjson.Text(rawjson.Get(x.body, "model")))
	}
	return nil
}

// asks notes the model that the request is for.
func (x *exchange) asks(model string) {
	x.p.mu.Lock()
	x.call.Model = model
	x.p.mu.Unlock()
}

// refuse answers with an error.
func (x *exchange) refuse(f *refusal) {
	if x.face.header != nil {
		x.face.header(x.w.Header(), f)
	}
	if f.retryAfter != "" {
		x.w.Header().Set("Retry-After", f.retryAfter)
	}
	if f.header != "" {
		x.w.Header().Set("X-Should-Retry", f.header)
	}
	body := x.face.refuse(f, x.id)
	if x.framing.array {
		body = append(append([]byte{'['}, body...), ']')
	}
	x.write(f.status, "application/json", body)
}

// write sends a whole answer; a breakage leaves it half sent.
func (x *exchange) write(status int, contentType string, body []byte) {
	x.w.Header().Set("Content-Type", contentType)
	x.w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	x.w.WriteHeader(status)
	x.status(status)
	if x.trip == breakCut || x.trip == breakStall {
		_, _ = x.w.Write(body[:len(body)/2])
		_ = http.NewResponseController(x.w).Flush()
		x.abort()
		return
	}
	if _, err := x.w.Write(body); err != nil {
		x.left()
	}
}

// abort ends the connection under the answer, for a stall not before the client has left.
func (x *exchange) abort() {
	if x.trip == breakStall {
		<-x.r.Context().Done()
	}
	panic(http.ErrAbortHandler)
}

// wait lets d pass; it returns errLeft when the client leaves first.
func (x *exchange) wait(d time.Duration) error {
	ctx := x.r.Context()
	if d > 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-ctx.Done():
		case <-t.C:
		}
	}
	if ctx.Err() != nil {
		x.left()
		return errLeft
	}
	return nil
}

func (p *Provider) now() time.Time {
	if p.Clock != nil {
		return p.Clock()
	}
	return time.Now()
}

// note remembers a request and forgets the oldest ones beyond the bounds.
func (p *Provider) note(r *http.Request, body []byte) *Call {
	c := &Call{Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery, Header: r.Header, Body: body}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls = append(p.calls, c)
	p.kept += len(body)
	drop := 0
	for len(p.calls)-drop > maxCalls || p.kept > maxCallBody && drop < len(p.calls)-1 {
		p.kept -= len(p.calls[drop].Body)
		drop++
	}
	p.calls = slices.Delete(p.calls, 0, drop)
	return c
}

func (x *exchange) status(code int) {
	x.p.mu.Lock()
	defer x.p.mu.Unlock()
	x.call.Status = code
}

func (x *exchange) left() {
	x.p.mu.Lock()
	defer x.p.mu.Unlock()
	x.call.Left = true
}

// settle closes the account of a request, a panic's too.
func (x *exchange) settle() {
	x.p.mu.Lock()
	defer x.p.mu.Unlock()
	x.call.Done = true
	if errors.Is(x.r.Context().Err(), context.Canceled) {
		x.call.Left = true
	}
}
