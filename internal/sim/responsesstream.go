package sim

import "weir/internal/rawjson"

// responseEvent is one event of a response's stream.
type responseEvent struct {
	name string
	data []byte
	ends bool // it ends the answer
}

// responseEvents gathers events and numbers them.
type responseEvents struct{ all []responseEvent }

// add appends an event whose members write adds.
func (e *responseEvents) add(name string, write func(j *rawjson.Writer)) {
	j := event(name)
	write(j)
	j.Name("sequence_number").Int(int64(len(e.all)))
	e.all = append(e.all, responseEvent{name: name, data: j.Close('}').Buf})
}

// events are all events of the response.
func (w *responsesWriter) events() []responseEvent {
	var e responseEvents
	whole := func(name, status string) {
		e.add(name, func(j *rawjson.Writer) { w.writeResponse(j.Name("response"), status, nil) })
	}
	if w.r.back {
		whole("response.created", "queued")
		whole("response.queued", "queued")
	} else {
		whole("response.created", "in_progress")
	}
	whole("response.in_progress", "in_progress")
	for i := range w.items {
		it := &w.items[i]
		item := func(name string, begins bool) {
			e.add(name, func(j *rawjson.Writer) {
				w.write(j.Name("output_index").Int(int64(i)).Name("item"), it, begins)
			})
		}
		item("response.output_item.added", true)
		switch it.kind {
		case "reasoning":
			w.reasoningEvents(&e, i, it)
		case "message":
			if it.text != "" {
				w.messageEvents(&e, i, it)
			}
		default:
			w.callEvents(&e, i, it)
		}
		item("response.output_item.done", false)
	}
	whole("response."+w.final(), w.final())
	e.all[len(e.all)-1].ends = true
	return e.all
}

// place writes where in the answer an event belongs.
func place(j *rawjson.Writer, it *outputItem, i int, member string, n int) *rawjson.Writer {
	j.Name("item_id").String(it.id).Name("output_index").Int(int64(i))
	if member != "" {
		j.Name(member).Int(int64(n))
	}
	return j
}

// obfuscate hides the length of a delta, unless the client wants none of it.
func (w *responsesWriter) obfuscate(j *rawjson.Writer, n int) {
	if with, said := rawjson.Bool(rawjson.Get(w.r.get("stream_options"), "include_obfuscation")); with || !said {
		j.Name("obfuscation").String(ident(mix(w.r.q.seed, uint64(n)), 8+n%8))
	}
}

func (w *responsesWriter) reasoningEvents(e *responseEvents, i int, it *outputItem) {
	const base = "response.reasoning_summary_"
	for n, s := range it.summary {
		part := func(name, text string) {
			e.add(base+"part."+name, func(j *rawjson.Writer) {
				place(j, it, i, "summary_index", n).Name("part").Open('{').Name("type").String("summary_text").Name("text").String(text).Close('}')
			})
		}
		part("added", "")
		for _, d := range pieces(s) {
			e.add(base+"text.delta", func(j *rawjson.Writer) {
				place(j, it, i, "summary_index", n).Name("delta").String(d)
				w.obfuscate(j, len(e.all))
			})
		}
		e.add(base+"text.done", func(j *rawjson.Writer) { place(j, it, i, "summary_index", n).Name("text").String(s) })
		part("done", s)
	}
}

func (w *responsesWriter) messageEvents(e *responseEvents, i int, it *outputItem) {
	kind, whole := "output_text", "text"
	if w.a.refusal {
		kind, whole = "refusal", "refusal"
	}
	part := func(name string, begins bool) {
		e.add("response.content_part."+name, func(j *rawjson.Writer) {
			w.writePart(place(j, it, i, "content_index", 0).Name("part"), it, begins)
		})
	}
	logprobs := func(j *rawjson.Writer, text []string) {
		if !w.a.refusal {
			w.writeLogprobs(j, text)
		}
	}
	part("added", true)
	for _, d := range pieces(it.text) {
		e.add("response."+kind+".delta", func(j *rawjson.Writer) {
			place(j, it, i, "content_index", 0).Name("delta").String(d)
			logprobs(j, []string{d})
			w.obfuscate(j, len(e.all))
		})
	}
	e.add("response."+kind+".done", func(j *rawjson.Writer) {
		place(j, it, i, "content_index", 0).Name(whole).String(it.text)
		logprobs(j, pieces(it.text))
	})
	part("done", false)
}

func (w *responsesWriter) callEvents(e *responseEvents, i int, it *outputItem) {
	base, whole := "response.function_call_arguments.", "arguments"
	if it.call.free {
		base, whole = "response.custom_tool_call_input.", "input"
	}
	for _, d := range pieces(it.call.args) {
		e.add(base+"delta", func(j *rawjson.Writer) {
			place(j, it, i, "", 0).Name("delta").String(d)
			w.obfuscate(j, len(e.all))
		})
	}
	e.add(base+"done", func(j *rawjson.Writer) {
		if place(j, it, i, "", 0).Name(whole).String(it.call.args); !it.call.free {
			j.Name("name").String(it.call.name)
		}
	})
}

// stream sends the events after one of them, -1 for all.
func (w *responsesWriter) stream(x *exchange, after int64) error {
	s := x.stream()
	s.fault = func(f *refusal) error { return w.fail(s, f) }
	for i, e := range w.events() {
		if int64(i) <= after {
			continue
		}
		if e.ends {
			if err := s.ending(); err != nil {
				return err
			}
		}
		if err := s.send(e.name, e.data); err != nil {
			return err
		}
	}
	return nil
}

// fail ends a stream as OpenAI does when something breaks: with the error, not quite as it is documented, and with the
// response that failed.
func (w *responsesWriter) fail(s *stream, f *refusal) error {
	j := event("error").Name("sequence_number").Int(int64(s.sent)).Name("error").Open('{').Name("type").String(f.kind)
	code := f.code
	if code == "" {
		code = f.kind
	}
	j.Name("code").String(code).Name("message").String(f.message)
	orNull(j, "param", f.param)
	if err := s.put("error", j.Close('}').Close('}').Buf); err != nil {
		return err
	}
	j = event("response.failed").Name("sequence_number").Int(int64(s.sent))
	w.writeResponse(j.Name("response"), "failed", f)
	return s.put("response.failed", j.Close('}').Buf)
}
