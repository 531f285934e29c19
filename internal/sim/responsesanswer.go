package sim

import (
	"net/http"
	"strings"

	"weir/internal/rawjson"
)

// respond answers POST /v1/responses.
func (x *exchange) respond() error {
	r, err := x.readResponses()
	if err != nil {
		return err
	}
	q := &r.q
	if err := x.readable(q); err != nil {
		return err
	}
	if done, err := x.misbehave(q.model.ID, q.stream); done || err != nil {
		return err
	}
	w := &responsesWriter{r: r, id: "resp_sim" + ident(x.seed, 32), now: x.now.Unix(), a: q.answer(0), cached: x.readCached(q)}
	w.makeItems()
	status := w.final()
	if r.store {
		kept := &stored{id: w.id, input: w.keptInput(), output: w.output(), writer: w, background: r.back}
		x.p.stored.put(kept)
		status = x.p.stored.status(kept, false)
	}
	if q.stream {
		return w.stream(x, -1)
	}
	x.write(http.StatusOK, "application/json", w.response(status))
	return nil
}

// countInput answers POST /v1/responses/input_tokens.
func (x *exchange) countInput() error {
	r, err := x.readResponses()
	if err != nil {
		return err
	}
	w := rawjson.Writer{}
	w.Open('{').Name("object").String("response.input_tokens").Name("input_tokens").Int(r.q.input)
	x.write(http.StatusOK, "application/json", w.Close('}').Buf)
	return nil
}

func (x *exchange) readResponses() (*responsesReader, error) {
	if err := x.object(); err != nil {
		return nil, err
	}
	r := &responsesReader{chatReader: chatReader{body: x.body}, seal: sealer{x.p.Seed}, stored: &x.p.stored}
	r.q.seed, r.q.same, r.q.script = x.seed, x.p.Seed, x.p.Script
	r.read()
	if r.bad != nil {
		return nil, r.bad
	}
	return r, nil
}

// responsesWriter writes an answer as a response. It is not changed once its items are made.
type responsesWriter struct {
	r      *responsesReader
	id     string
	now    int64
	a      answer
	cached int64 // tokens read from the cache
	items  []outputItem
}

// outputItem is one item of an answer: a thought, a message or a call.
type outputItem struct {
	kind    string
	id      string
	summary []string
	cipher  string
	text    string
	call    call
}

// makeItems cuts the answer into items. Those that follow a thought have ids that say so.
func (w *responsesWriter) makeItems() {
	a, mark, tail := &w.a, "N", ident(w.r.q.seed, 20)
	if w.r.q.think > 0 {
		mark = "R"
		it := outputItem{kind: "reasoning", id: "rs_simR" + tail}
		switch {
		case w.r.summary == "" || w.r.q.hidden != showThought:
		case w.r.summary == "detailed":
			first, rest, _ := strings.Cut(a.thought, ". ")
			it.summary = []string{first + ".", rest}
		case a.thought != "":
			it.summary = []string{a.thought}
		}
		if w.r.encrypt {
			it.cipher = w.r.seal.sign(w.r.q.seed, "encrypted", "")
		}
		w.items = append(w.items, it)
	}
	id := func(prefix string, n int) string {
		if n == 0 && len(w.items) <= 1 && mark == "R" {
			return prefix + "_simR" + tail
		}
		return prefix + "_simN" + ident(mix(w.r.q.seed, uint64(n)+7), 20)
	}
	if a.text != "" || len(a.calls) == 0 && a.stop != stopLength {
		w.items = append(w.items, outputItem{kind: "message", id: id("msg", 0), text: a.text})
	}
	for n, c := range a.calls {
		if c.free {
			w.items = append(w.items, outputItem{kind: "custom_tool_call", id: id("ctc", n), call: c})
		} else {
			w.items = append(w.items, outputItem{kind: "function_call", id: id("fc", n), call: c})
		}
	}
}

// final is the status of the response when it is complete.
func (w *responsesWriter) final() string {
	if w.a.stop == stopLength {
		return "incomplete"
	}
	return "completed"
}

// write writes an item; one that only begins has nothing in it yet.
func (w *responsesWriter) write(j *rawjson.Writer, it *outputItem, begins bool) {
	status := w.final()
	if status == "incomplete" && it != &w.items[len(w.items)-1] {
		status = "completed"
	}
	if begins {
		status = "in_progress"
	}
	full := func(s string) string {
		if begins {
			return ""
		}
		return s
	}
	j.Open('{').Name("id").String(it.id).Name("type").String(it.kind)
	switch it.kind {
	case "reasoning":
		j.Name("summary").Open('[')
		for _, s := range it.summary {
			if !begins {
				j.Open('{').Name("type").String("summary_text").Name("text").String(s).Close('}')
			}
		}
		j.Close(']')
		if it.cipher != "" {
			// What the beginning of an item has of its cipher is not whole.
			cipher := it.cipher
			if begins {
				cipher = cipher[:len(cipher)/2]
			}
			j.Name("encrypted_content").String(cipher)
		}
	case "message":
		j.Name("status").String(status).Name("role").String("assistant").Name("content").Open('[')
		if !begins && it.text != "" {
			w.writePart(j, it, false)
		}
		j.Close(']')
	case "function_call":
		j.Name("status").String(status).Name("call_id").String("call_" + it.call.id)
		j.Name("name").String(it.call.name).Name("arguments").String(full(it.call.args))
	case "custom_tool_call":
		j.Name("status").String(status).Name("call_id").String("call_" + it.call.id)
		j.Name("name").String(it.call.name).Name("input").String(full(it.call.args))
	}
	j.Close('}')
}

// writePart writes the one part of a message.
func (w *responsesWriter) writePart(j *rawjson.Writer, it *outputItem, begins bool) {
	text := it.text
	if begins {
		text = ""
	}
	if w.a.refusal {
		j.Open('{').Name("type").String("refusal").Name("refusal").String(text).Close('}')
		return
	}
	j.Open('{').Name("type").String("output_text").Name("text").String(text).Name("annotations").Open('[').Close(']')
	w.writeLogprobs(j, pieces(text))
	j.Close('}')
}

// writeLogprobs writes the member logprobs: empty where none were asked for.
func (w *responsesWriter) writeLogprobs(j *rawjson.Writer, text []string) {
	j.Name("logprobs").Open('[')
	if w.r.logprobs {
		for _, t := range text {
			w.r.writeToken(j, t)
		}
	}
	j.Close(']')
}

// output returns the items as they are kept.
func (w *responsesWriter) output() [][]byte {
	var out [][]byte
	for i := range w.items {
		j := &rawjson.Writer{}
		w.write(j, &w.items[i], false)
		out = append(out, j.Buf)
	}
	return out
}

// keptInput returns the input's items as they are kept: each has its id, a message its parts.
func (w *responsesWriter) keptInput() [][]byte {
	var out [][]byte
	for i, it := range w.r.items {
		kind := rawjson.Text(rawjson.Get(it, "type"))
		if kind == "item_reference" {
			it, _ = w.r.stored.item(rawjson.Text(rawjson.Get(it, "id")))
			out = append(out, it)
			continue
		}
		if kind == "" {
			kind = "message"
		}
		j := &rawjson.Writer{}
		j.Open('{')
		if rawjson.IsNull(rawjson.Get(it, "id")) {
			prefix := itemKinds[kind].prefix
			if prefix == "" {
				prefix = "it"
			}
			j.Name("id").String(prefix + "_simI" + ident(mix(w.r.q.seed, uint64(i)+1000), 20))
		}
		if rawjson.Get(it, "type") == nil {
			j.Name("type").String(kind)
		}
		if rawjson.Get(it, "status") == nil && kind != "reasoning" {
			j.Name("status").String("completed")
		}
		for n, v := range rawjson.Members(it) {
			if j.Name(string(n)); string(n) == "content" && rawjson.Kind(v) == '"' {
				part := "input_text"
				if rawjson.Text(rawjson.Get(it, "role")) == "assistant" {
					part = "output_text"
				}
				j.Open('[').Open('{').Name("type").String(part).Name("text").Raw(v)
				if part == "output_text" {
					j.Name("annotations").Open('[').Close(']').Name("logprobs").Open('[').Close(']')
				}
				j.Close('}').Close(']')
			} else {
				j.Raw(v)
			}
		}
		out = append(out, j.Close('}').Buf)
	}
	return out
}

// response writes the whole response as it is at a status.
func (w *responsesWriter) response(status string) []byte {
	j := &rawjson.Writer{}
	w.writeResponse(j, status, nil)
	return j.Buf
}

func (w *responsesWriter) writeResponse(j *rawjson.Writer, status string, failed *refusal) {
	done := status == w.final()
	j.Open('{').Name("id").String(w.id).Name("object").String("response").Name("created_at").Int(w.now)
	j.Name("status").String(status).Name("background").Bool(w.r.back).Name("completed_at")
	if status == "completed" {
		j.Int(w.now)
	} else {
		j.Null()
	}
	if j.Name("error"); failed != nil {
		code := failed.code
		if code == "" {
			code = failed.kind
		}
		j.Open('{').Name("code").String(code).Name("message").String(failed.message).Close('}')
	} else {
		j.Null()
	}
	if j.Name("incomplete_details"); status == "incomplete" {
		j.Open('{').Name("reason").String("max_output_tokens").Close('}')
	} else {
		j.Null()
	}
	w.echo(j)
	j.Name("output").Open('[')
	for i := range w.items {
		if done {
			w.write(j, &w.items[i], false)
		}
	}
	j.Close(']').Name("usage")
	if !done {
		j.Null().Close('}')
		return
	}
	in, out := w.r.q.input, w.a.output
	j.Open('{').Name("input_tokens").Int(in)
	j.Name("input_tokens_details").Open('{').Name("cached_tokens").Int(w.cached).Name("cache_write_tokens").Int(0).Close('}')
	j.Name("output_tokens").Int(out)
	j.Name("output_tokens_details").Open('{').Name("reasoning_tokens").Int(w.a.thinking).Close('}')
	j.Name("total_tokens").Int(in + out).Close('}').Close('}')
}

// echo repeats what the request said, or what counts where it said nothing.
func (w *responsesWriter) echo(j *rawjson.Writer) {
	said := func(name, otherwise string) {
		v := w.r.get(name)
		if v == nil {
			v = []byte(otherwise)
		}
		j.Name(name).Raw(v)
	}
	said("instructions", "null")
	said("max_output_tokens", "null")
	said("max_tool_calls", "null")
	j.Name("model").String(w.r.q.model.ID)
	said("parallel_tool_calls", "true")
	said("previous_response_id", "null")
	said("prompt_cache_key", "null")
	j.Name("reasoning").Open('{').Name("effort")
	if e := rawjson.Get(w.r.get("reasoning"), "effort"); e != nil || w.r.q.think == 0 {
		j.Raw(e)
	} else {
		j.String("medium")
	}
	j.Name("summary").Raw(rawjson.Get(w.r.get("reasoning"), "summary")).Close('}')
	said("safety_identifier", "null")
	j.Name("service_tier").String("default")
	j.Name("store").Bool(w.r.store)
	said("temperature", "1.0")
	j.Name("text").Open('{').Name("format")
	if f := rawjson.Get(w.r.get("text"), "format"); f != nil {
		j.Raw(f)
	} else {
		j.Open('{').Name("type").String("text").Close('}')
	}
	j.Name("verbosity")
	if v := rawjson.Get(w.r.get("text"), "verbosity"); v != nil {
		j.Raw(v)
	} else {
		j.String("medium")
	}
	j.Close('}')
	said("tool_choice", `"auto"`)
	j.Name("tools").Open('[')
	for _, t := range rawjson.Elems(w.r.get("tools")) {
		w.echoTool(j, t)
	}
	j.Close(']')
	said("top_logprobs", "0")
	said("top_p", "1.0")
	said("truncation", `"disabled"`)
	said("user", "null")
	said("metadata", "{}")
}

// echoTool repeats a tool with what OpenAI adds to a function.
func (w *responsesWriter) echoTool(j *rawjson.Writer, t []byte) {
	j.Open('{')
	for n, v := range rawjson.Members(t) {
		j.Name(string(n)).Raw(v)
	}
	if rawjson.Text(rawjson.Get(t, "type")) == "function" {
		for _, n := range []string{"description", "parameters"} {
			if rawjson.Get(t, n) == nil {
				j.Name(n).Null()
			}
		}
		if rawjson.Get(t, "strict") == nil {
			j.Name("strict").Bool(false)
		}
	}
	j.Close('}')
}
