package openairesponses

import (
	"fmt"
	"strings"
	"testing"

	"weir/internal/dialect/dialecttest"
	"weir/internal/fault"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// accumulator gathers a stream as the official SDKs do: items are appended at their index, parts within them, deltas
// grow what is there. What the last event says must be what was gathered.
type accumulator struct {
	number int64
	began  bool
	over   bool
	items  []*gathered
}

type gathered struct {
	id, typ    string
	contents   []string
	summaries  []string
	open       map[string]bool
	args       string
	argsDone   bool
	done       string
	annotation int
}

// wellFormed checks what SDKs rely on in a stream.
func wellFormed(stream []byte) error {
	a := &accumulator{}
	for f := range dialecttest.Frames(llm.OpenAIResponses, stream) {
		if err := a.take(f.Event, f.Data); err != nil {
			return fmt.Errorf("event %d: %w: %s", a.number, err, f.Data)
		}
	}
	if !a.over {
		return fmt.Errorf("the stream has no end")
	}
	return nil
}

func (a *accumulator) take(name string, data []byte) error {
	if rawjson.Check(data) != nil {
		return fmt.Errorf("no JSON")
	}
	typ := rawjson.Text(rawjson.Get(data, "type"))
	if name != typ {
		return fmt.Errorf("the event is named %q", name)
	}
	if n, ok := rawjson.Int(rawjson.Get(data, "sequence_number")); !ok || n != a.number {
		return fmt.Errorf("number %d, want %d", n, a.number)
	}
	a.number++
	if a.over {
		return fmt.Errorf("after the end")
	}
	switch typ {
	case "response.created":
		a.began = true
		return response(rawjson.Get(data, "response"), "in_progress")
	case "response.in_progress":
		return response(rawjson.Get(data, "response"), "in_progress")
	case "response.completed", "response.incomplete":
		a.over = true
		return a.compare(rawjson.Get(data, "response"), strings.TrimPrefix(typ, "response."))
	}
	if !a.began {
		return fmt.Errorf("before response.created")
	}
	n, ok := rawjson.Int(rawjson.Get(data, "output_index"))
	if !ok {
		return fmt.Errorf("no output_index")
	}
	if typ == "response.output_item.added" {
		if int(n) != len(a.items) {
			return fmt.Errorf("item %d is added where %d is due", n, len(a.items))
		}
		item := rawjson.Get(data, "item")
		a.items = append(a.items, &gathered{
			id: rawjson.Text(rawjson.Get(item, "id")), typ: rawjson.Text(rawjson.Get(item, "type")), open: map[string]bool{},
		})
		return nil
	}
	if int(n) >= len(a.items) {
		return fmt.Errorf("item %d was not added", n)
	}
	return a.items[n].take(typ, data)
}

func (g *gathered) take(typ string, data []byte) error {
	if g.done != "" {
		return fmt.Errorf("its item is done")
	}
	if typ == "response.output_item.done" {
		item := rawjson.Get(data, "item")
		if id := rawjson.Text(rawjson.Get(item, "id")); id != g.id || rawjson.Text(rawjson.Get(item, "type")) != g.typ {
			return fmt.Errorf("another item than was added")
		}
		if len(g.open) > 0 {
			return fmt.Errorf("parts are open: %v", g.open)
		}
		g.done = string(item)
		return g.check(item)
	}
	if id := rawjson.Text(rawjson.Get(data, "item_id")); id != g.id {
		return fmt.Errorf("item %q at the index of %q", id, g.id)
	}
	text := func(name string) string { return rawjson.Text(rawjson.Get(data, name)) }
	list, index := &g.contents, "content_index"
	if strings.Contains(typ, "summary") {
		list, index = &g.summaries, "summary_index"
	}
	n, _ := rawjson.Int(rawjson.Get(data, index))
	at := fmt.Sprint(index, n)
	switch typ {
	case "response.content_part.added", "response.reasoning_summary_part.added":
		if int(n) != len(*list) {
			return fmt.Errorf("part %d is added where %d is due", n, len(*list))
		}
		*list = append(*list, "")
		g.open[at] = true
		g.annotation = 0
	case "response.output_text.delta", "response.refusal.delta", "response.reasoning_text.delta", "response.reasoning_summary_text.delta":
		if !g.open[at] {
			return fmt.Errorf("its part is not open")
		}
		if typ == "response.output_text.delta" && rawjson.Kind(rawjson.Get(data, "logprobs")) != '[' {
			return fmt.Errorf("no logprobs")
		}
		(*list)[n] += text("delta")
	case "response.output_text.done", "response.refusal.done", "response.reasoning_text.done", "response.reasoning_summary_text.done":
		if said := text("text") + text("refusal"); !g.open[at] || said != (*list)[n] {
			return fmt.Errorf("%q was gathered", *list)
		}
	case "response.output_text.annotation.added":
		if i, _ := rawjson.Int(rawjson.Get(data, "annotation_index")); !g.open[at] || int(i) != g.annotation {
			return fmt.Errorf("annotation %d is due", g.annotation)
		}
		g.annotation++
	case "response.content_part.done", "response.reasoning_summary_part.done":
		part := rawjson.Get(data, "part")
		if said := rawjson.Text(rawjson.Get(part, "text")) + rawjson.Text(rawjson.Get(part, "refusal")); !g.open[at] || said != (*list)[n] {
			return fmt.Errorf("%q was gathered", *list)
		}
		delete(g.open, at)
	case "response.function_call_arguments.delta", "response.custom_tool_call_input.delta":
		g.args += text("delta")
	case "response.function_call_arguments.done", "response.custom_tool_call_input.done":
		if said := text("arguments") + text("input"); said != g.args {
			return fmt.Errorf("%q was gathered", g.args)
		}
		g.argsDone = true
	}
	return nil
}

// check compares an item that is done with what was gathered of it.
func (g *gathered) check(item []byte) error {
	texts := func(list string) (all []string) {
		for _, part := range rawjson.Elems(rawjson.Get(item, list)) {
			all = append(all, rawjson.Text(rawjson.Get(part, "text"))+rawjson.Text(rawjson.Get(part, "refusal")))
			if rawjson.Text(rawjson.Get(part, "type")) == "output_text" &&
				(rawjson.Kind(rawjson.Get(part, "annotations")) != '[' || rawjson.Kind(rawjson.Get(part, "logprobs")) != '[') {
				all = append(all, "no annotations or logprobs")
			}
		}
		return all
	}
	switch g.typ {
	case "message":
		if fmt.Sprint(texts("content")) != fmt.Sprint(g.contents) || rawjson.Text(rawjson.Get(item, "role")) != "assistant" {
			return fmt.Errorf("%q was gathered", g.contents)
		}
	case "reasoning":
		if fmt.Sprint(texts("content")) != fmt.Sprint(g.contents) || fmt.Sprint(texts("summary")) != fmt.Sprint(g.summaries) ||
			rawjson.Kind(rawjson.Get(item, "summary")) != '[' {
			return fmt.Errorf("%q %q was gathered", g.summaries, g.contents)
		}
	case "function_call", "custom_tool_call":
		if args := rawjson.Text(rawjson.Get(item, "arguments")) + rawjson.Text(rawjson.Get(item, "input")); args != g.args || !g.argsDone {
			return fmt.Errorf("%q was gathered", g.args)
		}
		if rawjson.Text(rawjson.Get(item, "call_id")) == "" || rawjson.Text(rawjson.Get(item, "name")) == "" {
			return fmt.Errorf("no call_id or name")
		}
	}
	if g.id == "" || len(g.id) > 64 {
		return fmt.Errorf("the id %q is no id", g.id)
	}
	return nil
}

// compare checks the last event.
func (a *accumulator) compare(v []byte, status string) error {
	n := 0
	for i, item := range rawjson.Elems(rawjson.Get(v, "output")) {
		n++
		if i >= len(a.items) || string(item) != a.items[i].done {
			return fmt.Errorf("item %d is not what was gathered", i)
		}
	}
	if n != len(a.items) {
		return fmt.Errorf("%d items, want %d", n, len(a.items))
	}
	return response(v, status)
}

// response checks the members that SDKs demand of a response.
func response(v []byte, status string) error {
	kinds := map[string]string{
		"id": `"`, "object": `"`, "created_at": "0", "model": `"`, "output": "[", "parallel_tool_calls": "tf", "tool_choice": `"{`, "tools": "[",
		"metadata": "{", "error": "n", "incomplete_details": "n{", "instructions": `n"`, "temperature": "n0", "top_p": "n0", "text": "{", "usage": "n{",
	}
	for name, want := range kinds {
		if got := rawjson.Kind(rawjson.Get(v, name)); !strings.ContainsRune(want, rune(got)) {
			return fmt.Errorf("%s is %q", name, got)
		}
	}
	if said := rawjson.Text(rawjson.Get(v, "status")); said != status || rawjson.Text(rawjson.Get(v, "object")) != "response" {
		return fmt.Errorf("status %q, want %q", said, status)
	}
	if u := rawjson.Get(v, "usage"); rawjson.Kind(u) == '{' {
		for _, path := range [][]string{{"input_tokens"}, {"input_tokens_details", "cached_tokens"}, {"output_tokens"}, {"output_tokens_details", "reasoning_tokens"}, {"total_tokens"}} {
			if rawjson.Kind(rawjson.Get(u, path...)) != '0' {
				return fmt.Errorf("usage.%s is missing", strings.Join(path, "."))
			}
		}
	}
	return nil
}

func TestConformance(t *testing.T) {
	dialecttest.Run(t, New(), dialecttest.Sample{
		Requests: []string{`{"model":"m","input":"Hello"}`, `{"model":"m","input":[{"role":"user","content":"Hello"}],"instructions":""}`, `{"model":"m","prompt":{"id":"p"}}`, everything},
		Answers: []string{
			answered,
			`{"id":"resp_2","object":"response","created_at":1,"model":"m","status":"incomplete","incomplete_details":{"reason":"max_output_tokens"},"output":[{"type":"message","id":"msg_1","role":"assistant","status":"incomplete","content":[{"type":"output_text","text":"It","annotations":[]}]}],"usage":{"input_tokens":3,"output_tokens":1,"total_tokens":4}}`,
			`{"id":"resp_3","object":"response","created_at":1,"model":"m","status":"queued","output":[],"usage":null}`,
			`{"id":"gen_4","object":"response","created_at":1,"model":"m","status":"completed","output":[{"type":"reasoning","id":"rs_1","status":"completed","format":"google-gemini-v1","summary":[],"encrypted_content":"x"},{"type":"reasoning","id":"rs_2","summary":[]},{"type":"message","id":"m1","role":"assistant","content":[]}],"usage":{"input_tokens":3,"output_tokens":1,"total_tokens":4,"cost":0.010}}`,
		},
		Streams: []string{streamed},
		Faults: map[string]fault.Kind{
			`{"error":{"message":"Your input exceeds the context window of this model.","type":"invalid_request_error","param":"input","code":"context_length_exceeded"}}`:  fault.ContextLength,
			`{"error":{"message":"No tool output found for function call call_1.","type":"invalid_request_error","param":"input","code":null}}`:                             fault.Malformed,
			`{"type":"response.failed","response":{"status":"failed","error":{"code":"server_is_overloaded","message":"Our servers are overloaded."}},"sequence_number":3}`: fault.Overloaded,
			`{"type":"error","code":"insufficient_quota","message":"You have no credit left.","param":null,"sequence_number":3}`:                                            fault.Quota,
			`{"error":{"message":"Invalid prompt: flagged by our usage policy","type":"invalid_request_error","param":null,"code":"invalid_prompt"}}`:                       fault.ContentPolicy,
		},
		WellFormed: wellFormed,
	})
}
