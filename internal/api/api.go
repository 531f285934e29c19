// Package api is the data plane's URL table: which path is which operation in which dialect, and the few answers that
// need no model. Every unknown path is a JSON error in the dialect of its path.
package api

import (
	"net/http"
	"slices"
	"strings"

	"weir/internal/dialect"
	"weir/internal/dialect/count"
	"weir/internal/dialect/geminibatches"
	"weir/internal/dialect/geminifiles"
	"weir/internal/dialect/geminilive"
	"weir/internal/engine"
	"weir/internal/fault"
	"weir/internal/gateway"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// Options is what the table needs. Metrics may be nil: then there is no such path.
type Options struct {
	Engine  *engine.Engine
	Dialect func(llm.Dialect) dialect.Dialect
	Metrics http.Handler // served to loopback only
	Version string
}

// New returns the data plane.
func New(o Options) http.Handler {
	a := &api{o: o, carries: readCarries(carries)}
	mux := http.NewServeMux()
	for _, e := range slices.Concat(a.table(), a.vertexTable(), a.batchTable()) {
		if e.h == nil {
			continue // the dialect is not in this build
		}
		methods := strings.Split(e.takes, ", ")
		mux.HandleFunc(e.path, func(w http.ResponseWriter, r *http.Request) {
			method := r.Method
			if method == http.MethodHead {
				method = http.MethodGet
			}
			if !slices.Contains(methods, method) {
				w.Header().Set("Allow", e.takes)
				f := fault.New(fault.MethodNotAllowed, "%s takes %s, not %s", e.path, e.takes, bounded(r.Method))
				if r.Header.Get("Upgrade") != "" {
					// Clients that would rather speak WebSocket, as Codex does, go on over HTTP at once when told so.
					f.Message, f.HTTPStatus = e.path+" does not speak WebSocket; "+e.takes+" it", http.StatusUpgradeRequired
				}
				a.refuse(w, r, f)
				return
			}
			e.h(w, r)
		})
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		a.refuse(w, r, fault.New(fault.NotFound, "there is nothing at %s", bounded(r.URL.Path)))
	})
	return clean(mux)
}

// clean keeps ServeMux from redirecting unclean paths: a client's SDK would follow with a changed method.
func clean(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p := r.URL.Path; len(p) > 1 && strings.HasPrefix(p, "/v1/") && p[len(p)-1] == '/' {
			r.URL.Path = strings.TrimRight(p, "/")
		}
		if p := r.URL.Path; strings.HasPrefix(p, "//ws/google") { // as Google's SDK writes it behind a base URL
			r.URL.Path, r.URL.RawPath = p[1:], strings.TrimPrefix(r.URL.RawPath, "/")
		}
		next.ServeHTTP(w, r)
	})
}

type api struct {
	o       Options
	carries carrying
}

// entry is one path: which method it takes and who answers.
type entry struct {
	path  string
	takes string // methods
	h     http.HandlerFunc
}

// table is every path there is but those that stand apart.
func (a *api) table() []entry {
	const get, post = http.MethodGet, http.MethodPost
	return []entry{
		{"/v1/chat/completions", post, a.serve(llm.OpenAIChat, llm.OpChat)},
		{"/v1/responses", post, a.serve(llm.OpenAIResponses, llm.OpChat)},
		{"/v1/responses/compact", post, a.serve(llm.OpenAIResponses, llm.OpCompact)},
		{"/v1/responses/{id}", get + ", " + http.MethodDelete, a.kept(llm.OpenAIResponses, 0)},
		{"/v1/responses/{id}/input_items", get, a.kept(llm.OpenAIResponses, engine.KeptInput)},
		{"/v1/responses/{id}/cancel", post, a.kept(llm.OpenAIResponses, engine.KeptCancel)},
		{"/v1/completions", post, a.serve(llm.OpenAICompletions, llm.OpChat)},
		{"/v1/messages", post, a.serve(llm.AnthropicMessages, llm.OpChat)},
		{"/v1/messages/count_tokens", post, a.count(llm.AnthropicMessages)},
		{"/v1/responses/input_tokens", post, a.count(llm.OpenAIResponses)},
		{"/v1beta/interactions", post, a.serve(llm.GeminiInteractions, llm.OpChat)},
		{"/v1beta/interactions/{id}", get + ", " + http.MethodDelete, a.kept(llm.GeminiInteractions, 0)},
		{"/v1beta/interactions/{id}/cancel", post, a.kept(llm.GeminiInteractions, engine.KeptCancel)},
		{"/v1beta/models", get, a.geminiModels},
		{"/v1beta/models/{call...}", get + ", " + post, a.gemini()},
		{"/v1alpha/models", get, a.geminiModels},
		{"/v1alpha/models/{call...}", get + ", " + post, a.gemini()},
		{"/model/{id}/converse", post, a.serve(llm.BedrockConverse, llm.OpChat)},
		{"/model/{id}/converse-stream", post, a.serve(llm.BedrockConverse, llm.OpChat)},
		{"/model/{id}/count-tokens", post, a.count(llm.BedrockConverse)},
		{"/model/{id}/invoke", post, a.invoke()},
		{"/model/{id}/invoke-with-response-stream", post, a.serve(llm.BedrockInvoke, llm.OpInvoke)},
		{"/v2/chat", post, a.serve(llm.CohereChat, llm.OpChat)},
		{"/v2/embed", post, a.serve(llm.CohereEmbed, llm.OpEmbeddings)},
		{"/api/chat", post, a.serve(llm.OllamaChat, llm.OpChat)},
		{"/api/embed", post, a.serve(llm.OllamaEmbed, llm.OpEmbeddings)},
		{"/api/tags", get, a.ollamaModels},
		{"/v1/embeddings", post, a.serve(llm.OpenAIEmbeddings, llm.OpEmbeddings)},
		{"/v1/rerank", post, a.serve(llm.OpenAIRerank, llm.OpRerank)},
		{"/v2/rerank", post, a.serve(llm.CohereRerank, llm.OpRerank)},
		{"/v1/moderations", post, a.serve(llm.OpenAIModerations, llm.OpModeration)},
		{"/v1/images/generations", post, a.serve(llm.OpenAIImages, llm.OpImage)},
		{"/v1/images/edits", post, a.serve(llm.OpenAIImages, llm.OpImageEdit)},
		{"/v1/images/variations", post, a.serve(llm.OpenAIImages, llm.OpImageEdit)},
		{"/v1/audio/speech", post, a.serve(llm.OpenAIAudio, llm.OpSpeech)},
		{"/v1/audio/transcriptions", post, a.serve(llm.OpenAIAudio, llm.OpTranscription)},
		{"/v1/audio/translations", post, a.serve(llm.OpenAIAudio, llm.OpTranscription)},
		{"/v1/classify", post, a.serve(llm.VLLMClassify, llm.OpClassify)},
		{"/classify", post, a.serve(llm.VLLMClassify, llm.OpClassify)},
		{"/predict", post, a.serve(llm.TEIClassify, llm.OpClassify)},
		{"/v2", get, a.infers(a.inferServer)},
		{"/v2/health/live", get, a.infers(a.inferLive)},
		{"/v2/health/ready", get, a.infers(a.inferReady)},
		{"/v2/models/{call...}", get + ", " + post, a.infer()},
		{"/v1/ocr", post, a.serve(llm.MistralOCR, llm.OpOCR)},
		{"/tokenize", post, a.serve(llm.VLLMTokenize, llm.OpTokenize)},
		{"/detokenize", post, a.serve(llm.VLLMTokenize, llm.OpTokenize)},
		{"/v1/files", get + ", " + post, a.things(llm.OpFile, llm.OpenAIFiles, llm.AnthropicFiles)},
		{"/v1/files/{id}", get + ", " + http.MethodDelete, a.things(llm.OpFile, llm.OpenAIFiles, llm.AnthropicFiles)},
		{"/v1/files/{id}/content", get, a.things(llm.OpFile, llm.OpenAIFiles, llm.AnthropicFiles)},
		{geminifiles.Upload, post, a.upload()},
		{geminifiles.Root, get, a.things(llm.OpFile, llm.GeminiFiles, "")},
		{geminifiles.Root + "/{id}", get + ", " + http.MethodDelete, a.things(llm.OpFile, llm.GeminiFiles, "")},
		{geminifiles.Alpha, get, a.things(llm.OpFile, llm.GeminiFiles, "")},
		{geminifiles.Alpha + "/{id}", get + ", " + http.MethodDelete, a.things(llm.OpFile, llm.GeminiFiles, "")},
		{"/v1/realtime", get, a.session(llm.OpenAIRealtime)},
		{"/v1/realtime/{way...}", get + ", " + post, a.past},
		{geminilive.Path("v1beta"), get, a.session(llm.GeminiLive)},
		{geminilive.Path("v1alpha"), get, a.session(llm.GeminiLive)},
		{"/v1/fine_tuning/jobs", get + ", " + post, a.things(llm.OpTune, llm.OpenAIFineTuning, "")},
		{"/v1/fine_tuning/jobs/{id}", get, a.things(llm.OpTune, llm.OpenAIFineTuning, "")},
		{"/v1/fine_tuning/jobs/{id}/cancel", post, a.things(llm.OpTune, llm.OpenAIFineTuning, "")},
		{"/v1/fine_tuning/jobs/{id}/pause", post, a.things(llm.OpTune, llm.OpenAIFineTuning, "")},
		{"/v1/fine_tuning/jobs/{id}/resume", post, a.things(llm.OpTune, llm.OpenAIFineTuning, "")},
		{"/v1/fine_tuning/jobs/{id}/events", get, a.things(llm.OpTune, llm.OpenAIFineTuning, "")},
		{"/v1/fine_tuning/jobs/{id}/checkpoints", get, a.things(llm.OpTune, llm.OpenAIFineTuning, "")},
		{"/v1/models", get, a.models},
		{"/v1/models/{id...}", get + ", " + post, a.modelOrGemini()},
		{"/v1/capabilities", get, a.capabilities},
		{"/healthz", get, a.health},
		{"/readyz", get, a.ready},
		{"/metrics", get, a.metrics},
		{"/{$}", get, a.root},
	}
}

// serve answers an operation in a dialect, nil where the build lacks it.
func (a *api) serve(name llm.Dialect, op llm.Op) http.HandlerFunc {
	d := a.o.Dialect(name)
	if d == nil {
		return nil
	}
	return func(w http.ResponseWriter, r *http.Request) { a.o.Engine.Serve(w, r, d, op) }
}

// count answers calls that count tokens, nil where the build lacks the dialect.
func (a *api) count(name llm.Dialect) http.HandlerFunc {
	d := count.New(a.o.Dialect(name))
	if d == nil {
		return nil
	}
	return func(w http.ResponseWriter, r *http.Request) { a.o.Engine.Serve(w, r, d, llm.OpCount) }
}

// kept answers requests about an answer that is kept; verb 0 goes by the method.
func (a *api) kept(name llm.Dialect, verb engine.Verb) http.HandlerFunc {
	d := a.o.Dialect(name)
	if d == nil {
		return nil
	}
	return func(w http.ResponseWriter, r *http.Request) {
		v := verb
		switch {
		case v != 0:
		case r.Method == http.MethodDelete:
			v = engine.KeptDelete
		default:
			v = engine.KeptGet
		}
		a.o.Engine.ServeKept(w, r, d, v, r.PathValue("id"))
	}
}

// gemini answers the paths whose last word stands after the model's name and a colon.
func (a *api) gemini() http.HandlerFunc {
	generate, embed := a.serve(llm.GeminiGenerate, llm.OpChat), a.serve(llm.GeminiEmbeddings, llm.OpEmbeddings)
	counts, images := a.count(llm.GeminiGenerate), a.serve(llm.GeminiImages, llm.OpImage)
	batch := a.batches(llm.GeminiBatches, dialect.BatchCreate)
	if generate == nil {
		return nil
	}
	return func(w http.ResponseWriter, r *http.Request) {
		p := r.URL.Path
		if r.Method != http.MethodPost {
			a.geminiModel(w, r)
			return
		}
		verb := p[strings.LastIndexByte(p, ':')+1:]
		if batch != nil && geminibatches.Makes(verb) && !strings.HasPrefix(p, "/v1/") { // where OpenAI's batches are
			batch(w, r)
			return
		}
		switch verb {
		case "generateContent", "streamGenerateContent":
			generate(w, r)
		case "countTokens":
			counts(w, r)
		case "embedContent", "batchEmbedContents":
			embed(w, r)
		case "predict":
			images(w, r)
		default:
			a.refuse(w, r, fault.New(fault.NotFound, "there is nothing at %s", bounded(p)))
		}
	}
}

// infer answers the paths that end in a word after the model's name, which may hold slashes.
func (a *api) infer() http.HandlerFunc {
	serve := a.serve(llm.OIPInfer, llm.OpClassify)
	if serve == nil {
		return nil
	}
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			a.inferModel(w, r)
			return
		}
		if !strings.HasSuffix(r.URL.Path, "/infer") {
			a.refuse(w, r, fault.New(fault.NotFound, "there is nothing at %s", bounded(r.URL.Path)))
			return
		}
		serve(w, r)
	}
}

// speaker is the dialect an error on a path is told in.
func (a *api) speaker(r *http.Request) dialect.Dialect {
	name := llm.OpenAIChat
	if r.Header.Get("Anthropic-Version") != "" {
		name = llm.AnthropicMessages
	}
	if geminiCall(r) {
		name = llm.GeminiGenerate
	}
	for _, root := range roots {
		if strings.HasPrefix(r.URL.Path, root.prefix) {
			name = root.speaks
		}
	}
	if d := a.o.Dialect(name); d != nil {
		return d
	}
	return a.o.Dialect(llm.OpenAIChat)
}

// roots are where paths begin that belong to one dialect's SDKs; under /v1 OpenAI's and Anthropic's live together.
var roots = []struct {
	prefix string
	speaks llm.Dialect
}{
	{"/v1/messages", llm.AnthropicMessages},
	{"/v1/realtime", llm.OpenAIRealtime},
	{"/v1beta/", llm.GeminiGenerate},
	{"/upload/", llm.GeminiGenerate},
	{"/ws/google", llm.GeminiLive},
	{"/v1alpha/", llm.GeminiGenerate},
	{"/v1beta1/", llm.GeminiGenerate},
	{"/v1/projects/", llm.GeminiGenerate},
	{"/model/", llm.BedrockConverse},
	{"/v2/", llm.CohereChat},
	{"/v2/models/", llm.OIPInfer},
	{"/predict", llm.TEIClassify},
	{"/api/", llm.OllamaChat},
}

// refuse answers what is not served.
func (a *api) refuse(w http.ResponseWriter, r *http.Request, f *fault.Fault) {
	a.o.Engine.Refuse(w, r, a.speaker(r), llm.OpUnserved, f)
}

// deny answers who may not ask for the models, or not for this one.
func (a *api) deny(w http.ResponseWriter, r *http.Request, err error) {
	a.o.Engine.Refuse(w, r, a.speaker(r), llm.OpModels, fault.Of(err))
}

func send(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that left needs no answer
}

// grant identifies the caller of a path that needs no model.
func (a *api) grant(r *http.Request) (*engine.Snapshot, *gateway.Grant, error) {
	s := a.o.Engine.Snapshot()
	if s == nil {
		return nil, nil, fault.New(fault.Unavailable, "the gateway has no configuration yet")
	}
	g, err := s.Identify(r)
	return s, g, err
}

func (a *api) health(w http.ResponseWriter, _ *http.Request) {
	send(w, http.StatusOK, []byte(`{"status":"ok"}`))
}

// ready is 503 only before the first good document and while draining; nothing a provider does ejects a node.
func (a *api) ready(w http.ResponseWriter, _ *http.Request) {
	var j rawjson.Writer
	status, word := http.StatusOK, "ready"
	s := a.o.Engine.Snapshot()
	switch {
	case a.o.Engine.Draining():
		status, word = http.StatusServiceUnavailable, "draining"
	case s == nil:
		status, word = http.StatusServiceUnavailable, "no configuration"
	}
	j.Open('{').Name("status").String(word).Name("open").Int(int64(a.o.Engine.Open()))
	if s != nil {
		j.Name("revision").String(s.Revision)
	}
	j.Close('}')
	send(w, status, j.Buf)
}

func (a *api) metrics(w http.ResponseWriter, r *http.Request) {
	if a.o.Metrics == nil || !engine.Loopback(r) {
		a.refuse(w, r, fault.New(fault.Forbidden, "metrics are for loopback; open them with node.listen.metrics"))
		return
	}
	a.o.Metrics.ServeHTTP(w, r)
}

func (a *api) root(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte("Weir " + a.o.Version + " · AI gateway · point an OpenAI client at /v1, an Anthropic client at /\n"))
}

// bounded cuts a client's text for a message.
func bounded(s string) string {
	if len(s) > 100 {
		return s[:100] + "…"
	}
	return s
}
