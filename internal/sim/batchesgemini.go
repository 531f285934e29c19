package sim

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"weir/internal/rawjson"
)

const geminiBatchType = "type.googleapis.com/google.ai.generativelanguage.v1main."

// geminiBatches returns what answers a path of Google's batches, nil for one that is none.
func (x *exchange) geminiBatches(method, rest string) func() error {
	if rest == "" && method == http.MethodGet {
		return x.listGeminiBatches
	}
	id, verb, _ := strings.Cut(strings.TrimPrefix(rest, "/"), ":")
	switch method + " " + verb {
	case "GET ", "DELETE ", "POST cancel":
	default:
		return nil
	}
	b := x.p.batches.get("batches/" + id)
	if b == nil {
		return func() error {
			return &refusal{status: http.StatusNotFound, message: "Requested entity was not found."}
		}
	}
	return func() error {
		switch {
		case verb != "":
			x.cancelBatch(b)
		case method == http.MethodDelete:
			x.p.batches.drop(b.id)
		default:
			x.look(b)
			return x.json(x.geminiBatch(b, true))
		}
		return x.json([]byte("{}"))
	}
}

// makeGeminiBatch makes a batch of requests that each would be answered by a verb.
func (x *exchange) makeGeminiBatch(model, verb string) error {
	if err := x.object(); err != nil {
		return err
	}
	if m, known := findModel(model); !known || m.Embeds != (verb == "embedContent") {
		return noGeminiModel(model, "batchGenerateContent")
	}
	g := geminiReader{body: x.body}
	b := &batched{id: fmt.Sprintf("batches/sim%032d", x.p.serial.Add(1)), made: x.now, path: "models/" + model}
	batch := g.get(x.body, "batch")
	if b.name = g.text(batch, "displayName"); b.name == "" {
		return geminiInvalid("* GenerateContentBatch.display_name: display_name is required\n")
	}
	if name := g.text(batch, "model"); name != "" && name != b.path {
		return geminiInvalid("The model of the batch and that of the path differ.")
	}
	for i, one := range g.each(g.get(g.get(batch, "inputConfig"), "requests"), "requests") {
		r := batchRequest{path: "/v1beta/models/" + model + ":" + verb, body: g.get(one, "request"), model: model, said: g.get(one, "metadata")}
		if rawjson.Kind(r.body) != '{' {
			return geminiInvalid("* GenerateContentBatch.input_config.requests.requests[%d].request: request is not specified\n", i)
		}
		if name := g.text(r.body, "model"); name != "" && name != b.path {
			return geminiInvalid("* GenerateContentBatch.input_config.requests.requests[%d].request.model: the model differs from that of the batch\n", i)
		}
		b.requests = append(b.requests, r)
	}
	if g.bad != nil {
		return g.bad
	}
	if len(b.requests) == 0 {
		return geminiInvalid("* GenerateContentBatch.input_config: input_config is not specified\n")
	}
	x.p.batches.put(b)
	return x.json(x.geminiBatch(b, false))
}

func (x *exchange) listGeminiBatches() error {
	w := &rawjson.Writer{}
	w.Open('{').Name("operations").Open('[')
	for _, b := range x.p.batches.list("batches/") {
		x.look(b)
		w.Raw(x.geminiBatch(b, false))
	}
	return x.json(w.Close(']').Close('}').Buf)
}

// geminiBatch writes the operation that a batch is; with its results, where it has ended, if they are asked for.
func (x *exchange) geminiBatch(b *batched, results bool) []byte {
	x.p.batches.mu.Lock()
	defer x.p.batches.mu.Unlock()
	good, bad, cancelled, expired := b.counts()
	over := !b.ended.IsZero()
	state := "BATCH_STATE_PENDING"
	switch {
	case over && !b.cancelled.IsZero():
		state = "BATCH_STATE_CANCELLED"
	case over && expired == int64(len(b.requests)):
		state = "BATCH_STATE_EXPIRED"
	case over:
		state = "BATCH_STATE_SUCCEEDED"
	}
	var output []byte
	if over && results && good+bad > 0 {
		output = b.geminiResults()
	}
	stamp := func(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
	w := &rawjson.Writer{}
	w.Open('{').Name("name").String(b.id).Name("metadata").Open('{').Name("@type").String(geminiBatchType + "GenerateContentBatch")
	w.Name("model").String(b.path).Name("displayName").String(b.name)
	if output != nil {
		w.Name("output").Raw(output)
	}
	w.Name("createTime").String(stamp(b.made))
	if over {
		w.Name("endTime").String(stamp(b.ended))
	}
	w.Name("updateTime").String(stamp(x.now)).Name("batchStats").Open('{').Name("requestCount").String(strconv.Itoa(len(b.requests)))
	for _, c := range [...]struct {
		name string
		n    int64
	}{{"successfulRequestCount", good}, {"failedRequestCount", bad + expired}, {"pendingRequestCount", int64(len(b.requests)) - good - bad - expired - cancelled}} {
		if c.n > 0 {
			w.Name(c.name).String(strconv.FormatInt(c.n, 10))
		}
	}
	w.Close('}').Name("state").String(state).Name("name").String(b.id).Close('}')
	if over {
		w.Name("done").Bool(true)
	}
	if state == "BATCH_STATE_CANCELLED" {
		w.Name("error").Open('{').Name("code").Int(1).Name("message").String("The operation was cancelled.").Close('}')
	}
	if output != nil {
		w.Name("response").Raw(append([]byte(`{"@type":"`+geminiBatchType+`GenerateContentBatchOutput",`), output[1:]...))
	}
	return w.Close('}').Buf
}

// geminiResults writes the results of what was answered.
func (b *batched) geminiResults() []byte {
	w := &rawjson.Writer{}
	w.Open('{').Name("inlinedResponses").Open('{').Name("inlinedResponses").Open('[')
	for i := range b.results {
		r := &b.results[i]
		if r.word != "" {
			continue
		}
		w.Open('{')
		if r.status < 400 {
			w.Name("response").Raw(r.body)
		} else {
			of := rawjson.Get(r.body, "error")
			w.Name("error").Open('{').Name("code").Int(rpcCodes[r.status]).Name("message").Raw(rawjson.Get(of, "message")).Close('}')
		}
		if said := b.requests[i].said; said != nil {
			w.Name("metadata").Raw(said)
		}
		w.Close('}')
	}
	return w.Close(']').Close('}').Close('}').Buf
}

// rpcCodes are the codes of google.rpc for those of HTTP.
var rpcCodes = map[int]int64{400: 3, 401: 16, 403: 7, 404: 5, 429: 8, 500: 13, 503: 14, 504: 4}
