package sim

import (
	"fmt"
	"net/http"
	"time"

	"weir/internal/rawjson"
)

// ollama answers POST /api/chat.
func (x *exchange) ollama() error {
	if err := x.object(); err != nil {
		return err
	}
	o := &ollamaReader{body: x.body}
	o.q.seed, o.q.same, o.q.script = x.seed, x.p.Seed, x.p.Script
	o.read()
	if o.bad != nil {
		return o.bad
	}
	q := &o.q
	if err := x.readable(q); err != nil {
		return err
	}
	if done, err := x.misbehave(q.model.ID, q.stream); done || err != nil {
		return err
	}
	w := &ollamaWriter{ollamaReader: o, x: x}
	if !o.empty {
		w.a = q.answer(0)
	}
	if q.stream {
		return w.stream()
	}
	j := &rawjson.Writer{}
	w.message(j, w.a.text, w.a.thought, w.a.calls, 0)
	w.last(j)
	x.write(http.StatusOK, "application/json; charset=utf-8", j.Close('}').Buf)
	return nil
}

// ollamaWriter writes an answer as Ollama's.
type ollamaWriter struct {
	*ollamaReader
	x *exchange
	a answer
}

// message begins an answer, or a chunk of one, with calls whose places count from index.
func (w *ollamaWriter) message(j *rawjson.Writer, content, thinking string, calls []call, index int) {
	j.Open('{').Name("model").String(w.name).Name("created_at").String(w.x.now.UTC().Format(time.RFC3339Nano))
	j.Name("message").Open('{').Name("role").String("assistant").Name("content").String(content)
	if thinking != "" {
		j.Name("thinking").String(thinking)
	}
	if len(calls) > 0 {
		j.Name("tool_calls").Open('[')
		for i, c := range calls {
			j.Open('{').Name("id").String("call_" + c.id[:8]).Name("function").Open('{').Name("index").Int(int64(index + i))
			j.Name("name").String(c.name).Name("arguments").Raw([]byte(c.args)).Close('}').Close('}')
		}
		j.Close(']')
	}
	j.Close('}')
}

// last writes what the last chunk has besides: why it ended, how long it took and what was counted.
func (w *ollamaWriter) last(j *rawjson.Writer) {
	reason := "stop"
	switch {
	case w.empty:
		reason = "load"
	case w.a.stop == stopLength:
		reason = "length"
	}
	j.Name("done").Bool(true).Name("done_reason").String(reason)
	if w.empty {
		return
	}
	in, out := w.q.input, w.a.output
	load, read, write := int64(40_000_000), in*100_000, out*10_000_000
	j.Name("total_duration").Int(load + read + write).Name("load_duration").Int(load)
	j.Name("prompt_eval_count").Int(in).Name("prompt_eval_duration").Int(read)
	j.Name("eval_count").Int(out).Name("eval_duration").Int(write)
}

// stream sends the answer's chunks, a line each; a call is whole.
func (w *ollamaWriter) stream() error {
	s := w.x.stream()
	send := func(content, thinking string, calls []call, index int) error {
		j := &rawjson.Writer{}
		w.message(j, content, thinking, calls, index)
		return s.send("", j.Name("done").Bool(false).Close('}').Buf)
	}
	for _, p := range pieces(w.a.thought) {
		if err := send("", p, nil, 0); err != nil {
			return err
		}
	}
	for _, p := range pieces(w.a.text) {
		if err := send(p, "", nil, 0); err != nil {
			return err
		}
	}
	for i := range w.a.calls {
		if err := send("", "", w.a.calls[i:i+1], i); err != nil {
			return err
		}
	}
	if err := s.ending(); err != nil {
		return err
	}
	j := &rawjson.Writer{}
	w.message(j, "", "", nil, 0)
	w.last(j)
	return s.send("", j.Close('}').Buf)
}

// ollamaTags lists the models.
func (x *exchange) ollamaTags() error {
	j := &rawjson.Writer{}
	j.Open('{').Name("models").Open('[')
	for _, m := range models {
		name := m.ID + ":latest"
		j.Open('{').Name("name").String(name).Name("model").String(name).Name("modified_at").String(made.Format(time.RFC3339))
		j.Name("size").Int(1 << 20).Name("digest").String(fmt.Sprintf("%016x%048d", mix(0, uint64(len(m.ID))), 0))
		ollamaDetails(j)
		j.Close('}')
	}
	x.write(http.StatusOK, "application/json; charset=utf-8", j.Close(']').Close('}').Buf)
	return nil
}

func ollamaDetails(j *rawjson.Writer) {
	j.Name("details").Open('{').Name("parent_model").String("").Name("format").String("gguf").Name("family").String("sim")
	j.Name("families").Open('[').String("sim").Close(']').Name("parameter_size").String("0").Name("quantization_level").String("F16").Close('}')
}

// ollamaShow describes a model.
func (x *exchange) ollamaShow() error {
	if err := x.object(); err != nil {
		return err
	}
	name := rawjson.Text(rawjson.Get(x.body, "model"))
	if name == "" {
		if name = rawjson.Text(rawjson.Get(x.body, "name")); name == "" {
			return ollamaInvalid("model is required")
		}
	}
	m, known := modelNamed(name)
	if !known {
		return noOllamaModel(name)
	}
	j := &rawjson.Writer{}
	j.Open('{').Name("modelfile").String("# " + m.About).Name("parameters").String("").Name("template").String("{{ .Prompt }}")
	ollamaDetails(j)
	j.Name("model_info").Open('{').Name("general.architecture").String("sim").Name("sim.context_length").Int(m.Context).Close('}')
	j.Name("capabilities").Open('[')
	if m.Embeds {
		j.String("embedding")
	} else {
		j.String("completion").String("tools").String("vision").String("thinking")
	}
	j.Close(']').Name("modified_at").String(made.Format(time.RFC3339))
	x.write(http.StatusOK, "application/json; charset=utf-8", j.Close('}').Buf)
	return nil
}

func (x *exchange) ollamaVersion() error {
	j := &rawjson.Writer{}
	x.write(http.StatusOK, "application/json; charset=utf-8", j.Open('{').Name("version").String("0.12.6").Close('}').Buf)
	return nil
}
