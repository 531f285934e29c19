package sim

import (
	"net/http"
	"strconv"
	"strings"

	"weir/internal/rawjson"
)

// gemini returns what answers a path under /v1beta/models, nil where nothing does.
func (x *exchange) gemini(method, rest string) func() error {
	if rest == "" && method == http.MethodGet {
		return x.geminiModels
	}
	name, one := strings.CutPrefix(rest, "/")
	at := strings.LastIndexByte(name, ':')
	switch {
	case !one:
	case at < 0 && method == http.MethodGet:
		return func() error { return x.geminiModel(name) }
	case at < 0 || method != http.MethodPost:
	default:
		model, verb := name[:at], name[at+1:]
		x.asks(model)
		switch verb {
		case "generateContent":
			if drawsGemini(x.body) {
				return func() error { return x.drawGemini(model) }
			}
			return func() error { return x.generate(model, false) }
		case "predict":
			return func() error { return x.predictImages(model) }
		case "streamGenerateContent":
			if x.r.URL.Query().Get("alt") != "sse" {
				x.framing = &geminiArray
			}
			return func() error { return x.generate(model, true) }
		case "batchGenerateContent":
			return func() error { return x.makeGeminiBatch(model, "generateContent") }
		case "countTokens":
			return func() error { return x.geminiCount(model) }
		}
	}
	return nil
}

func noGeminiModel(name, verb string) *refusal {
	return &refusal{
		status:  http.StatusNotFound,
		message: "models/" + name + " is not found for API version v1beta, or is not supported for " + verb + ". Call ModelService.ListModels to see the list of available models and their supported methods.",
	}
}

// readGemini reads a request; body is what of it is a request for content.
func (x *exchange) readGemini(model, verb string, body []byte) (*geminiReader, error) {
	m, known := findModel(model)
	if !known || m.Embeds {
		return nil, noGeminiModel(model, verb)
	}
	g := &geminiReader{body: body, seal: sealer{x.p.Seed}, media: map[string]int64{}, kept: x.p.files.get}
	g.q.model, g.q.seed, g.q.same, g.q.script = m, x.seed, x.p.Seed, x.p.Script
	g.read()
	if g.bad != nil {
		return nil, g.bad
	}
	return g, nil
}

// generate answers generateContent and streamGenerateContent.
func (x *exchange) generate(model string, stream bool) error {
	if err := x.object(); err != nil {
		return err
	}
	g, err := x.readGemini(model, "generateContent", x.body)
	if err != nil {
		return err
	}
	g.q.stream = stream
	if err := x.readable(&g.q); err != nil {
		return err
	}
	if done, err := x.misbehave(model, stream); done || err != nil {
		return err
	}
	w := &geminiWriter{geminiReader: g, x: x, id: "sim" + ident(x.seed, 20), cached: x.readCached(&g.q)}
	for i := range g.q.n {
		w.answers = append(w.answers, g.q.answer(i))
	}
	if stream {
		return w.stream()
	}
	j := &rawjson.Writer{}
	j.Open('{').Name("candidates").Open('[')
	for i := range w.answers {
		w.candidate(j, i, w.parts(&w.answers[i]), true)
	}
	w.tail(j.Close(']'), true)
	x.write(http.StatusOK, "application/json; charset=UTF-8", j.Close('}').Buf)
	return nil
}

// geminiCount answers countTokens.
func (x *exchange) geminiCount(model string) error {
	if err := x.object(); err != nil {
		return err
	}
	if f := geminiShapes.misfit(x.body, "CountTokensRequest", nil); f != nil {
		return geminiMisfit(f)
	}
	g := &geminiReader{}
	body := x.body
	if inner := g.get(x.body, "generateContentRequest"); inner != nil {
		body = inner
	}
	g, err := x.readGemini(model, "countTokens", body)
	if err != nil {
		return err
	}
	j := &rawjson.Writer{}
	j.Open('{').Name("totalTokens").Int(g.q.input)
	(&geminiWriter{geminiReader: g}).modalities(j)
	x.write(http.StatusOK, "application/json; charset=UTF-8", j.Close('}').Buf)
	return nil
}

// geminiWriter writes answers as candidates.
type geminiWriter struct {
	*geminiReader
	x       *exchange
	id      string
	cached  int64 // tokens read from the cache
	answers []answer
}

// geminiPart is one part of an answer, or of a chunk.
type geminiPart struct {
	kind      string // thought, text, call
	text      string
	call      call
	signature string
}

// parts cuts an answer into its parts. What was thought is sealed on the first call, else on the text.
func (w *geminiWriter) parts(a *answer) []geminiPart {
	var out []geminiPart
	if a.thought != "" && w.show {
		out = append(out, geminiPart{kind: "thought", text: a.thought})
	}
	sign := func(kind string) string {
		if w.q.think == 0 || a.stop == stopRefusal {
			return ""
		}
		return w.seal.sign(w.q.seed, "gemini", kind)
	}
	switch {
	case a.stop == stopRefusal:
		return nil
	case a.text != "" && len(a.calls) == 0:
		out = append(out, geminiPart{kind: "text", text: a.text, signature: sign("text")})
	case a.text != "":
		out = append(out, geminiPart{kind: "text", text: a.text})
	}
	for i, c := range a.calls {
		p := geminiPart{kind: "call", call: c}
		if i == 0 {
			p.signature = sign("call " + c.name)
		}
		out = append(out, p)
	}
	return out
}

func (w *geminiWriter) writePart(j *rawjson.Writer, p geminiPart) {
	j.Open('{')
	switch p.kind {
	case "thought":
		j.Name("text").String(p.text).Name("thought").Bool(true)
	case "text":
		j.Name("text").String(p.text)
	case "call":
		j.Name("functionCall").Open('{').Name("name").String(p.call.name).Name("args").Raw([]byte(p.call.args))
		if w.ids {
			j.Name("id").String(p.call.id[:8])
		}
		j.Close('}')
	}
	if p.signature != "" {
		j.Name("thoughtSignature").String(p.signature)
	}
	j.Close('}')
}

// candidate writes a candidate, or what a chunk adds to it.
func (w *geminiWriter) candidate(j *rawjson.Writer, i int, parts []geminiPart, final bool) {
	a := &w.answers[i]
	j.Open('{')
	if len(parts) > 0 {
		j.Name("content").Open('{').Name("parts").Open('[')
		for _, p := range parts {
			w.writePart(j, p)
		}
		j.Close(']').Name("role").String("model").Close('}')
	} else if a.stop != stopRefusal {
		j.Name("content").Open('{').Name("role").String("model").Close('}')
	}
	if final {
		reason := map[stop]string{stopLength: "MAX_TOKENS", stopRefusal: "SAFETY"}[a.stop]
		if reason == "" {
			reason = "STOP"
		}
		j.Name("finishReason").String(reason)
	}
	if final && a.stop == stopRefusal {
		j.Name("safetyRatings").Open('[').Open('{').Name("category").String("HARM_CATEGORY_DANGEROUS_CONTENT")
		j.Name("probability").String("HIGH").Name("blocked").Bool(true).Close('}').Close(']')
	}
	j.Name("index").Int(int64(i))
	if w.logprobs && final {
		w.writeLogprobs(j, pieces(a.text))
	}
	j.Close('}')
}

// writeLogprobs writes how likely each piece of the text was.
func (w *geminiWriter) writeLogprobs(j *rawjson.Writer, text []string) {
	one := func(token string, other uint64) {
		h := mix(w.q.seed, uint64(len(token)))%900 + other
		digits := strconv.FormatUint(h%10000, 10)
		j.Open('{').Name("token").String(token).Name("tokenId").Int(int64(h))
		j.Name("logProbability").Num("-" + strconv.FormatUint(h/10000, 10) + "." + strings.Repeat("0", 4-len(digits)) + digits).Close('}')
	}
	j.Name("logprobsResult").Open('{').Name("topCandidates").Open('[')
	for _, t := range text {
		j.Open('{').Name("candidates").Open('[')
		for i := range uint64(w.topTokens) {
			if i == 0 {
				one(t, 0)
			} else {
				one(" other"+strconv.FormatUint(i, 10), 30000+i*5000)
			}
		}
		j.Close(']').Close('}')
	}
	j.Close(']').Name("chosenCandidates").Open('[')
	for _, t := range text {
		one(t, 0)
	}
	j.Close(']').Close('}')
}

// tail writes what comes with every chunk: the usage so far, the model, the id.
func (w *geminiWriter) tail(j *rawjson.Writer, final bool) {
	var out, thinking int64
	for _, a := range w.answers {
		out, thinking = out+a.output-a.thinking, thinking+a.thinking
		if a.stop == stopRefusal {
			out -= a.output - a.thinking
		}
	}
	if !final {
		out = min(out, 1)
	}
	j.Name("usageMetadata").Open('{').Name("promptTokenCount").Int(w.q.input)
	if out > 0 {
		j.Name("candidatesTokenCount").Int(out)
	}
	j.Name("totalTokenCount").Int(w.q.input + out + thinking)
	if w.cached > 0 {
		j.Name("cachedContentTokenCount").Int(w.cached)
	}
	w.modalities(j)
	if thinking > 0 {
		j.Name("thoughtsTokenCount").Int(thinking)
	}
	j.Close('}').Name("modelVersion").String(w.q.model.ID).Name("responseId").String(w.id)
}

// modalities writes what kinds of tokens the prompt has.
func (w *geminiWriter) modalities(j *rawjson.Writer) {
	text := w.q.input
	for _, n := range w.media {
		text -= n
	}
	j.Name("promptTokensDetails").Open('[').Open('{').Name("modality").String("TEXT").Name("tokenCount").Int(text).Close('}')
	for _, m := range []string{"IMAGE", "VIDEO", "AUDIO", "DOCUMENT"} {
		if n := w.media[m]; n > 0 {
			j.Open('{').Name("modality").String(m).Name("tokenCount").Int(n).Close('}')
		}
	}
	j.Close(']')
}

// steps cuts an answer into what its chunks add; what seals a text comes alone after it.
func (w *geminiWriter) steps(a *answer) []geminiPart {
	var out []geminiPart
	for _, p := range w.parts(a) {
		if p.kind == "call" {
			out = append(out, p)
			continue
		}
		for _, s := range pieces(p.text) {
			out = append(out, geminiPart{kind: p.kind, text: s})
		}
		if p.signature != "" {
			out = append(out, geminiPart{kind: "text", signature: p.signature})
		}
	}
	return out
}

// stream sends the candidates' chunks, the candidates taking turns; the last chunk of each says why it ended.
func (w *geminiWriter) stream() error {
	s := w.x.stream()
	left := make([][]geminiPart, len(w.answers))
	longest := 0
	for i := range w.answers {
		left[i] = w.steps(&w.answers[i])
		if n := len(left[i]); w.answers[i].stop != stopRefusal && (n == 0 || left[i][n-1].signature == "" || left[i][n-1].kind == "call") {
			left[i] = append(left[i], geminiPart{kind: "text"})
		}
		longest = max(longest, len(left[i]), 1)
	}
	for step := range longest {
		for i := range left {
			last := max(len(left[i])-1, 0)
			if step > last {
				continue
			}
			if step == last && i == len(left)-1 {
				if err := s.ending(); err != nil {
					return err
				}
			}
			j := &rawjson.Writer{}
			var parts []geminiPart
			if step < len(left[i]) {
				parts = left[i][step : step+1]
			}
			w.candidate(j.Open('{').Name("candidates").Open('['), i, parts, step == last)
			w.tail(j.Close(']'), step == last)
			if err := s.send("", j.Close('}').Buf); err != nil {
				return err
			}
		}
	}
	return s.end()
}

// geminiModels lists the models, page by page.
func (x *exchange) geminiModels() error {
	query := x.r.URL.Query()
	size, from := 50, 0
	if n, err := strconv.Atoi(query.Get("pageSize")); err == nil && n > 0 {
		size = min(n, 1000)
	}
	if n, err := strconv.Atoi(query.Get("pageToken")); err == nil {
		from = min(max(n, 0), len(models))
	}
	all := Models()
	to := min(from+size, len(all))
	j := &rawjson.Writer{}
	j.Open('{').Name("models").Open('[')
	for _, m := range all[from:to] {
		writeGeminiModel(j, m)
	}
	if j.Close(']'); to < len(all) {
		j.Name("nextPageToken").String(strconv.Itoa(to))
	}
	x.write(http.StatusOK, "application/json; charset=UTF-8", j.Close('}').Buf)
	return nil
}

func (x *exchange) geminiModel(name string) error {
	m, known := findModel(name)
	if !known {
		return noGeminiModel(name, "generateContent")
	}
	j := &rawjson.Writer{}
	writeGeminiModel(j, m)
	x.write(http.StatusOK, "application/json; charset=UTF-8", j.Buf)
	return nil
}

func writeGeminiModel(j *rawjson.Writer, m Model) {
	j.Open('{').Name("name").String("models/" + m.ID).Name("version").String("001").Name("displayName").String(m.ID)
	j.Name("description").String(m.About).Name("inputTokenLimit").Int(m.Context).Name("outputTokenLimit").Int(m.MaxOutput)
	j.Name("supportedGenerationMethods").Open('[')
	if m.Embeds {
		j.String("embedContent")
	} else {
		j.String("generateContent").String("countTokens")
	}
	j.Close(']').Name("temperature").Int(1).Name("topP").Num("0.95").Name("topK").Int(64).Name("maxTemperature").Int(2)
	if m.thinks() > 0 {
		j.Name("thinking").Bool(true)
	}
	j.Close('}')
}
