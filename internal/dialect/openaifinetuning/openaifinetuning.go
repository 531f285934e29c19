// Package openaifinetuning is OpenAI's jobs of fine-tuning: POST /v1/fine_tuning/jobs, GET of it and of a job, POST …/cancel,
// …/pause and …/resume, GET …/events and …/checkpoints. A job's model is governed like any other call's; its files are the
// gateway's own ids of files that the same provider keeps. The model that a finished job has made goes by the provider's
// name.
package openaifinetuning

import (
	"net/http"
	"net/url"

	"weir/internal/dialect"
	"weir/internal/dialect/openai"
	"weir/internal/fault"
	"weir/internal/llm"
	"weir/internal/rawjson"
	"weir/internal/splice"
)

// Root is where the dialect is spoken.
const Root = "/v1/fine_tuning/jobs"

type jobs struct{}

// New returns the dialect. It holds no state and is safe for concurrent use.
func New() dialect.Dialect { return jobs{} }

// Name implements dialect.Dialect.
func (jobs) Name() llm.Dialect { return llm.OpenAIFineTuning }

// Thing implements dialect.Holder.
func (jobs) Thing() llm.ThingKind { return llm.ThingJob }

// Asks implements dialect.Holder.
func (jobs) Asks(method, path string) (dialect.ThingVerb, string, bool) {
	id, word, ok := dialect.ThingPath(path, Root)
	if !ok {
		return 0, "", false
	}
	if id == "" {
		switch method {
		case http.MethodPost:
			return dialect.ThingCreate, "", true
		case http.MethodGet:
			return dialect.ThingList, "", true
		}
		return 0, "", false
	}
	switch method + " " + word {
	case "GET ":
		return dialect.ThingGet, id, true
	case "POST cancel", "POST pause", "POST resume":
		return dialect.ThingChange, id, true
	case "GET events", "GET checkpoints":
		return dialect.ThingDetail, id, true
	}
	return 0, "", false
}

var members = []dialect.ThingMember{
	{Name: "id", Kind: llm.ThingJob, Prefix: "ftjob-"},
	{Name: "training_file", Kind: llm.ThingFile, Prefix: "file-"},
	{Name: "validation_file", Kind: llm.ThingFile, Prefix: "file-"},
	{Name: "result_files", Kind: llm.ThingFile, Prefix: "file-"},
	{Name: "fine_tuning_job_id", Kind: llm.ThingJob, Prefix: "ftjob-", Detail: true},
}

// Members implements dialect.Holder.
func (jobs) Members() []dialect.ThingMember { return members }

// Page implements dialect.Holder.
func (jobs) Page(q url.Values) (dialect.Page, error) { return dialect.PageOf(q, 20, 100) }

// List implements dialect.Holder.
func (jobs) List(dst []byte, objects [][]byte, more bool) []byte {
	return openai.AppendList(dst, objects, more)
}

// The governed members by position.
const (
	atModel = iota
	atTraining
	atValidation
)

var governed = splice.NewSpec("model", "training_file", "validation_file")

// Peek implements dialect.Dialect.
func (jobs) Peek(c *dialect.Call) (llm.Head, error) {
	ix, err := governed.Scan(c.Body)
	if err != nil {
		return llm.Head{}, openai.Refused(err)
	}
	c.Index = ix
	model, err := openai.Model(ix.Get(c.Body, atModel))
	if err != nil {
		return llm.Head{}, err
	}
	if id, ok := rawjson.String(ix.Get(c.Body, atTraining)); !ok || id == "" {
		return llm.Head{}, &fault.Fault{Kind: fault.Malformed, Param: "training_file", Message: "training_file is missing: name a file that was uploaded with the purpose fine-tune"}
	}
	if v := ix.Get(c.Body, atValidation); !rawjson.IsNull(v) && rawjson.Kind(v) != '"' {
		return llm.Head{}, &fault.Fault{Kind: fault.Malformed, Param: "validation_file", Message: "validation_file is the id of a file"}
	}
	return llm.Head{Model: model}, nil
}

// Files implements dialect.Orderer.
func (jobs) Files(c *dialect.Call) []dialect.Named {
	out := []dialect.Named{{Param: "training_file", ID: rawjson.Text(c.Index.Get(c.Body, atTraining))}}
	if id := rawjson.Text(c.Index.Get(c.Body, atValidation)); id != "" {
		out = append(out, dialect.Named{Param: "validation_file", ID: id})
	}
	return out
}

// Edit implements dialect.Dialect.
func (jobs) Edit(dst []byte, c dialect.Call, e dialect.Edit) (dialect.Call, error) {
	start := len(dst)
	if e.Model == "" {
		dst = append(dst, c.Body...)
	} else {
		dst = governed.Apply(dst, c.Body, &c.Index, splice.Change{Member: atModel, Value: rawjson.AppendString(nil, e.Model)})
	}
	c.Body, c.Index = dst[start:len(dst):len(dst)], splice.Index{} // an index belongs to the body it was made from
	return c, nil
}

// Meter implements dialect.Dialect.
func (jobs) Meter() dialect.Meter { return dialect.ThingMeter() }

// Fault implements dialect.Dialect.
func (jobs) Fault(dst []byte, f *fault.Fault, form dialect.Form) []byte {
	return openai.AppendFault(dst, f, form)
}

// ReadFault implements dialect.Dialect.
func (jobs) ReadFault(status int, h http.Header, body []byte) *fault.Fault {
	return openai.ReadFault(status, h, body)
}

// Codec implements dialect.Dialect.
func (jobs) Codec() dialect.Codec { return nil }

var (
	_ dialect.Holder  = jobs{}
	_ dialect.Orderer = jobs{}
)
