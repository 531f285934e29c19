package sim

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"weir/internal/rawjson"
)

// maxJobs bounds the jobs that are kept.
const maxJobs = 256

// jobStore keeps jobs of fine-tuning, the newest within its bound. The zero value is ready.
type jobStore struct {
	mu  sync.Mutex // guards all and the jobs in it
	all []*job     // oldest first
}

// job is one of fine-tuning. It gets further each time it is asked after.
type job struct {
	id, model, training, validation, suffix string
	made                                    time.Time
	polls                                   int
	state                                   string // paused, cancelled; "" = it goes by polls
	result                                  string // the file of results, once there is one
}

// jobStates are how far a job is, by how often it was asked after.
var jobStates = []string{"validating_files", "queued", "running", "succeeded"}

func (j *job) status() string {
	if j.state != "" {
		return j.state
	}
	return jobStates[min(j.polls, len(jobStates)-1)]
}

// tuned is the model that a finished job has made.
func (j *job) tuned() string {
	return "ft:" + j.model + ":sim:" + j.suffix + ":" + strings.TrimPrefix(j.id, "ftjob-")[:8]
}

func (s *jobStore) get(id string) *job {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.all, func(j *job) bool { return j.id == id })
	if i < 0 {
		return nil
	}
	return s.all[i]
}

// tuning returns what answers a request for jobs, nil for a path that is none.
func (x *exchange) tuning(method, rest string) func() error {
	rest = strings.TrimPrefix(rest, "/")
	if rest == "" {
		switch method {
		case http.MethodPost:
			return x.makeJob
		case http.MethodGet:
			return x.listJobs
		}
		return nil
	}
	id, word, _ := strings.Cut(rest, "/")
	j := x.p.jobs.get(id)
	var h func() error
	switch method + " " + word {
	case "GET ":
		h = func() error { return x.showJob(j, "", true) }
	case "POST cancel":
		h = func() error { return x.showJob(j, "cancelled", false) }
	case "POST pause":
		h = func() error { return x.showJob(j, "paused", false) }
	case "POST resume":
		h = func() error { return x.showJob(j, "resumed", false) }
	case "GET events":
		h = func() error { return x.jobEvents(j) }
	case "GET checkpoints":
		h = func() error { return x.jobCheckpoints(j) }
	default:
		return nil
	}
	if j == nil {
		return func() error {
			return &refusal{status: http.StatusNotFound, kind: "invalid_request_error", code: "fine_tune_not_found", param: "fine_tune_id", message: "Could not find fine tune: " + cut(id, 200)}
		}
	}
	return h
}

var jobMembers = []string{"model", "training_file", "validation_file", "suffix", "seed", "method", "metadata", "hyperparameters", "integrations"}

// makeJob answers POST /v1/fine_tuning/jobs.
func (x *exchange) makeJob() error {
	if err := x.object(); err != nil {
		return err
	}
	c := chatReader{body: x.body}
	j := &job{made: x.now}
	for name, v := range rawjson.Members(x.body) {
		switch n := string(name); n {
		case "model":
			j.model = c.text(v, n)
		case "training_file":
			j.training = c.text(v, n)
		case "validation_file":
			if !rawjson.IsNull(v) {
				j.validation = c.text(v, n)
			}
		case "suffix":
			if !rawjson.IsNull(v) {
				j.suffix = c.text(v, n)
			}
		default:
			if !slices.Contains(jobMembers, n) {
				c.fail(n, "unknown_parameter", "Unknown parameter: '%s'.", n)
			}
		}
	}
	if c.bad != nil {
		return c.bad
	}
	if !known(j.model) {
		return noChatModel(j.model)
	}
	for param, id := range map[string]string{"training_file": j.training, "validation_file": j.validation} {
		if id == "" && param == "validation_file" {
			continue
		}
		f, ok := x.p.files.get(id)
		if !ok {
			return &refusal{status: http.StatusBadRequest, kind: "invalid_request_error", param: param, code: "file_not_found", message: "invalid " + param + ": " + cut(id, 200)}
		}
		if f.purpose != "fine-tune" {
			return chatError(param, "invalid_file_purpose", "The file '%s' was not uploaded with the purpose 'fine-tune'.", cut(id, 200))
		}
	}
	s := &x.p.jobs
	s.mu.Lock()
	j.id = "ftjob-" + strconv.FormatUint(mix(x.seed, uint64(len(s.all)+1)), 36) + strconv.FormatUint(x.p.serial.Add(1), 36)
	s.all = append(s.all, j)
	s.all = slices.Delete(s.all, 0, max(0, len(s.all)-maxJobs))
	s.mu.Unlock()
	return x.showJob(j, "", false)
}

// known reports whether a model generates text.
func known(id string) bool {
	return slices.ContainsFunc(Models(), func(m Model) bool { return m.ID == id })
}

// showJob answers with a job, once it was put into a state or asked after.
func (x *exchange) showJob(j *job, state string, poll bool) error {
	s := &x.p.jobs
	s.mu.Lock()
	switch over := j.status() == "succeeded" || j.state == "cancelled"; {
	case state == "":
	case over, state == "resumed" && j.state != "paused":
		s.mu.Unlock()
		return chatError("", "invalid_state", "The job is %s and cannot be %s.", j.status(), state)
	case state == "resumed":
		j.state = ""
	default:
		j.state = state
	}
	if poll && j.state == "" {
		j.polls++
	}
	if j.status() == "succeeded" && j.result == "" {
		j.result = x.p.files.put(chatFile, x.p.Seed, filed{name: "step_metrics.csv", purpose: "fine-tune-results", mime: "text/csv", data: []byte("step,train_loss\n1,0.5\n"), made: x.now}).id
	}
	body := j.object()
	s.mu.Unlock()
	return x.json(body)
}

// object writes what is said of a job; the store's lock is held.
func (j *job) object() []byte {
	w := &rawjson.Writer{}
	w.Open('{').Name("object").String("fine_tuning.job").Name("id").String(j.id).Name("model").String(j.model).Name("created_at").Int(j.made.Unix())
	w.Name("status").String(j.status()).Name("training_file").String(j.training)
	orNull(w, "validation_file", j.validation)
	done := j.status() == "succeeded"
	w.Name("result_files").Open('[')
	if j.result != "" {
		w.String(j.result)
	}
	w.Close(']')
	if done {
		w.Name("fine_tuned_model").String(j.tuned()).Name("finished_at").Int(j.made.Unix() + 1).Name("trained_tokens").Int(1000)
	} else {
		w.Name("fine_tuned_model").Null().Name("finished_at").Null().Name("trained_tokens").Null()
	}
	return w.Name("organization_id").String("org-sim").Name("seed").Int(1).Name("error").Null().Close('}').Buf
}

func (x *exchange) listJobs() error {
	w := &rawjson.Writer{}
	w.Open('{').Name("object").String("list").Name("data").Open('[')
	s := &x.p.jobs
	s.mu.Lock()
	for _, j := range slices.Backward(s.all) {
		w.Raw(j.object())
	}
	s.mu.Unlock()
	return x.json(w.Close(']').Name("has_more").Bool(false).Close('}').Buf)
}

func (x *exchange) jobEvents(j *job) error {
	w := &rawjson.Writer{}
	w.Open('{').Name("object").String("list").Name("data").Open('[')
	w.Open('{').Name("object").String("fine_tuning.job.event").Name("id").String("ftevent-" + j.id[6:]).Name("created_at").Int(j.made.Unix())
	w.Name("level").String("info").Name("message").String("Created fine-tuning job").Name("type").String("message").Name("data").Null().Close('}')
	return x.json(w.Close(']').Name("has_more").Bool(false).Close('}').Buf)
}

func (x *exchange) jobCheckpoints(j *job) error {
	w := &rawjson.Writer{}
	w.Open('{').Name("object").String("list").Name("data").Open('[')
	id := "ftckpt_" + j.id[6:]
	w.Open('{').Name("object").String("fine_tuning.job.checkpoint").Name("id").String(id).Name("created_at").Int(j.made.Unix())
	w.Name("fine_tuned_model_checkpoint").String(j.tuned() + ":ckpt-step-1").Name("step_number").Int(1)
	w.Name("metrics").Open('{').Name("step").Int(1).Close('}').Name("fine_tuning_job_id").String(j.id).Close('}')
	w.Close(']').Name("first_id").String(id).Name("last_id").String(id)
	return x.json(w.Name("has_more").Bool(false).Close('}').Buf)
}
