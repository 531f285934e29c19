package sim_test

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
	"testing"
)

// question is what is asked in every dialect.
type question struct {
	model, system, text string
	tools               bool
	demand              bool // a call is demanded
	think               int  // 1 to 3; 0 = nothing is said of it
	schema              string
	stop                string
	room                int
	stream              bool
}

// says is what an answer says, in no dialect's words.
type says struct {
	Thought, Text              string
	Calls                      []string // name and arguments
	Stop                       string   // end, stop, length, calls
	In, Out, Reasoning, Cached float64
}

// speaker is how a dialect is spoken in these tests.
type speaker struct {
	name     string
	path     func(q question) string
	body     func(q question) string
	whole    func(t *testing.T, v map[string]any) says
	streamed func(t *testing.T, raw string) says // and holds the stream against its grammar
	chunks   func(t *testing.T, raw string) []string
}

const (
	weatherSchema = `{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}`
	timeSchema    = `{"type":"object","properties":{"zone":{"type":"string","enum":["UTC","CET"]}},"required":["zone"]}`
)

// members joins members of a JSON object, leaving out what is empty.
func members(all ...string) string {
	return "{" + strings.Join(slices.DeleteFunc(all, func(s string) bool { return s == "" }), ",") + "}"
}

func quoted(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

// when returns the text if it is to be there; %s and the like are filled in.
func when(cond bool, format string, args ...any) string {
	if !cond {
		return ""
	}
	return fmt.Sprintf(format, args...)
}

func fixed(path string) func(question) string { return func(question) string { return path } }

var efforts = []string{"", "low", "medium", "high"}

var budgets = []int{0, 500, 2000, 9000}

var speakers = []speaker{
	{
		name: "openai-chat", path: fixed(chatPath), whole: wholeChat, streamed: streamedChat, chunks: chunksSSE,
		body: func(q question) string {
			return members(`"model":`+quoted(q.model), `"messages":[`+when(q.system != "", `{"role":"system","content":%s},`, quoted(q.system))+`{"role":"user","content":`+quoted(q.text)+`}]`,
				when(q.tools, `"tools":[{"type":"function","function":{"name":"get_weather","parameters":%s}},{"type":"function","function":{"name":"get_time","parameters":%s}}]`, weatherSchema, timeSchema),
				when(q.demand, `"tool_choice":"required"`), when(q.think > 0, `"reasoning_effort":%q`, efforts[q.think]),
				when(q.schema != "", `"response_format":{"type":"json_schema","json_schema":{"name":"n","schema":%s}}`, q.schema),
				when(q.stop != "", `"stop":%s`, quoted(q.stop)), when(q.room > 0, `"max_completion_tokens":%d`, q.room),
				when(q.stream, `"stream":true,"stream_options":{"include_usage":true}`))
		},
	},
	{
		name: "openai-responses", path: fixed(responsesPath), whole: wholeResponse, streamed: streamedResponse, chunks: chunksSSE,
		body: func(q question) string {
			return members(`"model":`+quoted(q.model), `"input":`+quoted(q.text), when(q.system != "", `"instructions":%s`, quoted(q.system)),
				when(q.tools, `"tools":[{"type":"function","name":"get_weather","parameters":%s},{"type":"function","name":"get_time","parameters":%s}]`, weatherSchema, timeSchema),
				when(q.demand, `"tool_choice":"required"`), `"reasoning":{"summary":"auto"`+when(q.think > 0, `,"effort":%q`, efforts[q.think])+`}`,
				when(q.schema != "", `"text":{"format":{"type":"json_schema","name":"n","schema":%s}}`, q.schema),
				when(q.room > 0, `"max_output_tokens":%d`, q.room), when(q.stream, `"stream":true`))
		},
	},
	{
		name: "anthropic-messages", path: fixed(messagesPath), whole: wholeMessage, chunks: chunksSSE,
		streamed: func(t *testing.T, raw string) says { return wholeMessage(t, collectMessage(t, raw)) },
		body: func(q question) string {
			room := 60000
			if q.room > 0 {
				room = q.room
			}
			return members(`"model":`+quoted(q.model), `"messages":[{"role":"user","content":`+quoted(q.text)+`}]`, when(q.system != "", `"system":%s`, quoted(q.system)),
				fmt.Sprintf(`"max_tokens":%d`, room),
				when(q.tools, `"tools":[{"name":"get_weather","input_schema":%s},{"name":"get_time","input_schema":%s}]`, weatherSchema, timeSchema),
				when(q.demand, `"tool_choice":{"type":"any"}`), when(q.think > 1, `"thinking":{"type":"enabled","budget_tokens":%d}`, budgets[q.think]),
				when(q.think == 1, `"thinking":{"type":"adaptive"}`),
				when(q.schema != "", `"output_config":{"format":{"type":"json_schema","schema":%s}}`, q.schema),
				when(q.stop != "", `"stop_sequences":[%s]`, quoted(q.stop)), when(q.stream, `"stream":true`))
		},
	},
	{
		name: "gemini", whole: wholeGemini, streamed: streamedGemini, chunks: chunksSSE,
		path: func(q question) string {
			if q.stream {
				return "/v1beta/models/" + q.model + ":streamGenerateContent?alt=sse"
			}
			return "/v1beta/models/" + q.model + ":generateContent"
		},
		body: geminiBody,
	},
	{
		name: "gemini array", whole: wholeGemini, chunks: chunksArray,
		streamed: func(t *testing.T, raw string) says { return joinGemini(t, chunksArray(t, raw)) },
		path: func(q question) string {
			if q.stream {
				return "/v1beta/models/" + q.model + ":streamGenerateContent"
			}
			return "/v1beta/models/" + q.model + ":generateContent"
		},
		body: geminiBody,
	},
	{
		name: "bedrock", whole: wholeConverse, streamed: streamedConverse, chunks: chunksAWS,
		path: func(q question) string {
			if q.stream {
				return "/model/" + q.model + "/converse-stream"
			}
			return "/model/" + q.model + "/converse"
		},
		body: func(q question) string {
			return members(`"messages":[{"role":"user","content":[{"text":`+quoted(q.text)+`}]}]`, when(q.system != "", `"system":[{"text":%s}]`, quoted(q.system)),
				when(q.tools, `"toolConfig":{"tools":[{"toolSpec":{"name":"get_weather","inputSchema":{"json":%s}}},{"toolSpec":{"name":"get_time","inputSchema":{"json":%s}}}]%s}`,
					weatherSchema, timeSchema, when(q.demand, `,"toolChoice":{"any":{}}`)),
				when(q.think > 1, `"additionalModelRequestFields":{"thinking":{"type":"enabled","budget_tokens":%d}}`, budgets[q.think]),
				when(q.think == 1, `"additionalModelRequestFields":{"thinking":{"type":"adaptive"}}`),
				when(q.schema != "", `"outputConfig":{"textFormat":{"type":"json_schema","structure":{"jsonSchema":{"schema":%s}}}}`, quoted(q.schema)),
				when(q.stop != "" || q.room > 0, `"inferenceConfig":%s`, members(when(q.stop != "", `"stopSequences":[%s]`, quoted(q.stop)), when(q.room > 0, `"maxTokens":%d`, q.room))))
		},
	},
	{
		name: "cohere", path: fixed("/v2/chat"), whole: wholeCohere, streamed: streamedCohere, chunks: chunksSSE,
		body: func(q question) string {
			return members(`"model":`+quoted(q.model), `"messages":[`+when(q.system != "", `{"role":"system","content":%s},`, quoted(q.system))+`{"role":"user","content":`+quoted(q.text)+`}]`,
				when(q.tools, `"tools":[{"type":"function","function":{"name":"get_weather","parameters":%s}},{"type":"function","function":{"name":"get_time","parameters":%s}}]`, weatherSchema, timeSchema),
				when(q.demand, `"tool_choice":"REQUIRED"`), when(q.think > 0, `"thinking":{"type":"enabled","token_budget":%d}`, budgets[q.think]),
				when(q.schema != "", `"response_format":{"type":"json_object","json_schema":%s}`, q.schema),
				when(q.stop != "", `"stop_sequences":[%s]`, quoted(q.stop)), when(q.room > 0, `"max_tokens":%d`, q.room), when(q.stream, `"stream":true`))
		},
	},
	{
		name: "ollama", path: fixed("/api/chat"), whole: wholeOllama, streamed: streamedOllama, chunks: chunksLines,
		body: func(q question) string {
			return members(`"model":`+quoted(q.model), `"messages":[`+when(q.system != "", `{"role":"system","content":%s},`, quoted(q.system))+`{"role":"user","content":`+quoted(q.text)+`}]`,
				when(q.tools, `"tools":[{"type":"function","function":{"name":"get_weather","parameters":%s}},{"type":"function","function":{"name":"get_time","parameters":%s}}]`, weatherSchema, timeSchema),
				when(q.think > 0, `"think":%q`, efforts[q.think]), when(q.schema != "", `"format":%s`, q.schema),
				when(q.stop != "" || q.room > 0, `"options":%s`, members(when(q.stop != "", `"stop":[%s]`, quoted(q.stop)), when(q.room > 0, `"num_predict":%d`, q.room))),
				when(!q.stream, `"stream":false`))
		},
	},
}

func geminiBody(q question) string {
	config := members(when(q.think > 0, `"thinkingConfig":{"includeThoughts":true,"thinkingLevel":%q}`, strings.ToUpper(efforts[q.think])),
		when(q.think == 0, `"thinkingConfig":{"includeThoughts":%t}`, q.model == "sim-think"),
		when(q.schema != "", `"responseMimeType":"application/json","responseJsonSchema":%s`, q.schema),
		when(q.stop != "", `"stopSequences":[%s]`, quoted(q.stop)), when(q.room > 0, `"maxOutputTokens":%d`, q.room))
	return members(`"contents":[{"role":"user","parts":[{"text":`+quoted(q.text)+`}]}]`, when(q.system != "", `"systemInstruction":{"parts":[{"text":%s}]}`, quoted(q.system)),
		when(q.tools, `"tools":[{"functionDeclarations":[{"name":"get_weather","parametersJsonSchema":%s},{"name":"get_time","parametersJsonSchema":%s}]}]`, weatherSchema, timeSchema),
		when(q.demand, `"toolConfig":{"functionCallingConfig":{"mode":"ANY"}}`), `"generationConfig":`+config)
}

// num returns a number of a decoded answer, 0 where there is none.
func num(v any, path ...any) float64 { f, _ := at(v, path...).(float64); return f }

func list(v any, path ...any) []any { a, _ := at(v, path...).([]any); return a }

// args writes arguments again, so that texts and objects compare.
func args(v any) string {
	if s, is := v.(string); is {
		var decoded any
		if json.Unmarshal([]byte(s), &decoded) != nil {
			return s
		}
		v = decoded
	}
	b, _ := json.Marshal(v)
	return string(b)
}

func wholeChat(_ *testing.T, v map[string]any) says {
	m := at(v, "choices", 0, "message")
	s := says{
		Thought: text(m, "reasoning_content"), Text: text(m, "content") + text(m, "refusal"), In: num(v, "usage", "prompt_tokens"), Out: num(v, "usage", "completion_tokens"),
		Reasoning: num(v, "usage", "completion_tokens_details", "reasoning_tokens"), Cached: num(v, "usage", "prompt_tokens_details", "cached_tokens"),
		Stop: map[string]string{"stop": "end", "length": "length", "tool_calls": "calls"}[text(v, "choices", 0, "finish_reason")],
	}
	for _, c := range list(m, "tool_calls") {
		s.Calls = append(s.Calls, text(c, "function", "name")+args(text(c, "function", "arguments")))
	}
	return s
}

func streamedChat(t *testing.T, raw string) says {
	choices, usage := collectChat(t, raw)
	c := choices[0]
	s := wholeChat(t, map[string]any{"usage": usage, "choices": []any{map[string]any{"finish_reason": c["finish"], "message": map[string]any{
		"content": c["content"], "refusal": c["refusal"], "reasoning_content": c["reasoning_content"],
	}}}})
	for i := 0; c[fmt.Sprintf("call%d.name", i)] != ""; i++ {
		s.Calls = append(s.Calls, c[fmt.Sprintf("call%d.name", i)]+args(c[fmt.Sprintf("call%d.args", i)]))
	}
	return s
}

func wholeResponse(t *testing.T, v map[string]any) says {
	s := says{
		In: num(v, "usage", "input_tokens"), Out: num(v, "usage", "output_tokens"), Reasoning: num(v, "usage", "output_tokens_details", "reasoning_tokens"),
		Cached: num(v, "usage", "input_tokens_details", "cached_tokens"),
		Stop:   map[string]string{"completed": "end", "incomplete": "length"}[text(v, "status")],
	}
	if s.In+s.Out != num(v, "usage", "total_tokens") {
		t.Errorf("the sum is wrong in %v", v["usage"])
	}
	for _, it := range list(v, "output") {
		switch text(it, "type") {
		case "reasoning":
			for _, p := range list(it, "summary") {
				s.Thought += text(p, "text")
			}
		case "message":
			for _, p := range list(it, "content") {
				s.Text += text(p, "text") + text(p, "refusal")
			}
		case "function_call":
			s.Calls = append(s.Calls, text(it, "name")+args(text(it, "arguments")))
			s.Stop = "calls"
		}
	}
	return s
}

func wholeMessage(_ *testing.T, v map[string]any) says {
	u := v["usage"]
	s := says{
		In: num(u, "input_tokens") + num(u, "cache_read_input_tokens") + num(u, "cache_creation_input_tokens"), Out: num(u, "output_tokens"),
		Reasoning: num(u, "output_tokens_details", "thinking_tokens"), Cached: num(u, "cache_read_input_tokens"),
		Stop: map[string]string{"end_turn": "end", "stop_sequence": "stop", "max_tokens": "length", "tool_use": "calls", "refusal": "end"}[text(v, "stop_reason")],
	}
	for _, b := range list(v, "content") {
		s.Thought += text(b, "thinking")
		s.Text += text(b, "text")
		if text(b, "type") == "tool_use" {
			s.Calls = append(s.Calls, text(b, "name")+args(at(b, "input")))
		}
	}
	return s
}

func wholeGemini(t *testing.T, v map[string]any) says {
	u := v["usageMetadata"]
	s := says{
		In: num(u, "promptTokenCount"), Out: num(u, "candidatesTokenCount") + num(u, "thoughtsTokenCount"), Reasoning: num(u, "thoughtsTokenCount"),
		Cached: num(u, "cachedContentTokenCount"),
		Stop:   map[string]string{"STOP": "end", "MAX_TOKENS": "length", "SAFETY": "end"}[text(v, "candidates", 0, "finishReason")],
	}
	if s.In+s.Out != num(u, "totalTokenCount") {
		t.Errorf("the sum is wrong in %v", u)
	}
	sum := 0.0
	for _, d := range list(u, "promptTokensDetails") {
		sum += num(d, "tokenCount")
	}
	if sum != s.In {
		t.Errorf("the modalities do not add up in %v", u)
	}
	for _, p := range list(v, "candidates", 0, "content", "parts") {
		switch {
		case at(p, "functionCall") != nil:
			s.Calls = append(s.Calls, text(p, "functionCall", "name")+args(at(p, "functionCall", "args")))
			s.Stop = "calls"
		case at(p, "thought") == true:
			s.Thought += text(p, "text")
		default:
			s.Text += text(p, "text")
		}
	}
	return s
}

func wholeConverse(t *testing.T, v map[string]any) says {
	u := v["usage"]
	s := says{
		In: num(u, "inputTokens") + num(u, "cacheReadInputTokens") + num(u, "cacheWriteInputTokens"), Out: num(u, "outputTokens"), Cached: num(u, "cacheReadInputTokens"),
		Stop: map[string]string{"end_turn": "end", "stop_sequence": "stop", "max_tokens": "length", "tool_use": "calls", "content_filtered": "end"}[text(v, "stopReason")],
	}
	if s.In+s.Out != num(u, "totalTokens") {
		t.Errorf("the sum is wrong in %v", u)
	}
	for _, b := range list(v, "output", "message", "content") {
		s.Text += text(b, "text")
		s.Thought += text(b, "reasoningContent", "reasoningText", "text")
		if c := at(b, "toolUse"); c != nil {
			s.Calls = append(s.Calls, text(c, "name")+args(at(c, "input")))
		}
	}
	return s
}

func wholeCohere(_ *testing.T, v map[string]any) says {
	u := v["usage"]
	s := says{
		In: num(u, "tokens", "input_tokens"), Out: num(u, "tokens", "output_tokens"), Reasoning: num(u, "tokens", "reasoning_tokens"), Cached: num(u, "cached_tokens"),
		Stop: map[string]string{"COMPLETE": "end", "STOP_SEQUENCE": "stop", "MAX_TOKENS": "length", "TOOL_CALL": "calls"}[text(v, "finish_reason")],
		Text: text(v, "message", "tool_plan"),
	}
	for _, p := range list(v, "message", "content") {
		s.Thought += text(p, "thinking")
		s.Text += text(p, "text")
	}
	for _, c := range list(v, "message", "tool_calls") {
		s.Calls = append(s.Calls, text(c, "function", "name")+args(text(c, "function", "arguments")))
	}
	return s
}

func wholeOllama(t *testing.T, v map[string]any) says {
	s := says{
		In: num(v, "prompt_eval_count"), Out: num(v, "eval_count"), Thought: text(v, "message", "thinking"), Text: text(v, "message", "content"),
		Stop: map[string]string{"stop": "end", "length": "length"}[text(v, "done_reason")],
	}
	for i, c := range list(v, "message", "tool_calls") {
		s.Calls = append(s.Calls, text(c, "function", "name")+args(at(c, "function", "arguments")))
		if s.Stop = "calls"; int(num(c, "function", "index")) != i {
			t.Errorf("call %d: %v", i, c)
		}
	}
	return s
}

func chunksSSE(t *testing.T, raw string) []string {
	var out []string
	if raw == "" {
		return nil
	}
	for _, e := range events(t, raw) {
		out = append(out, e.data)
	}
	return out
}

func chunksLines(_ *testing.T, raw string) []string {
	return strings.Split(strings.TrimSuffix(raw, "\n"), "\n")
}

// chunksArray cuts an array into its elements, which come one by one; the array may be cut short.
func chunksArray(t *testing.T, raw string) []string {
	d := json.NewDecoder(strings.NewReader(raw))
	if _, err := d.Token(); err != nil {
		t.Fatalf("%v in %q", err, raw)
	}
	var out []string
	for d.More() {
		var v json.RawMessage
		if err := d.Decode(&v); err != nil {
			return out
		}
		out = append(out, string(v))
	}
	return out
}

// chunksAWS cuts an event stream into its messages, checking lengths and sums: the name of the event or the exception
// stands in each under "::".
func chunksAWS(t *testing.T, raw string) []string {
	var out []string
	for b := []byte(raw); len(b) > 0; {
		if len(b) < 16 || len(b) < int(binary.BigEndian.Uint32(b)) {
			break // cut short
		}
		total, head := binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])
		if crc32.ChecksumIEEE(b[:8]) != binary.BigEndian.Uint32(b[8:]) || crc32.ChecksumIEEE(b[:total-4]) != binary.BigEndian.Uint32(b[total-4:]) {
			t.Fatalf("a checksum is wrong in %x", b[:total])
		}
		headers := map[string]string{}
		for h := b[12 : 12+head]; len(h) > 0; {
			n := int(h[0])
			name := string(h[1 : 1+n])
			if h[1+n] != 7 {
				t.Fatalf("header %s is of type %d", name, h[1+n])
			}
			size := int(binary.BigEndian.Uint16(h[2+n:]))
			headers[name] = string(h[4+n : 4+n+size])
			h = h[4+n+size:]
		}
		v := decode(t, string(b[12+head:total-4]))
		v["::"] = headers[":event-type"] + headers[":exception-type"]
		if kind := headers[":message-type"]; kind != "event" && kind != "exception" || headers[":content-type"] != "application/json" {
			t.Errorf("headers %v", headers)
		}
		one, _ := json.Marshal(v)
		out = append(out, string(one))
		b = b[total:]
	}
	return out
}

func streamedGemini(t *testing.T, raw string) says { return joinGemini(t, chunksSSE(t, raw)) }

// joinGemini puts chunks together: only the last has a reason to end.
func joinGemini(t *testing.T, chunks []string) says {
	var parts []any
	var last map[string]any
	for i, c := range chunks {
		last = decode(t, c)
		parts = append(parts, list(last, "candidates", 0, "content", "parts")...)
		if end := text(last, "candidates", 0, "finishReason") != ""; end != (i == len(chunks)-1) {
			t.Errorf("chunk %d of %d: %s", i, len(chunks), c)
		}
		if text(last, "responseId") == "" || text(last, "modelVersion") == "" || num(last, "usageMetadata", "promptTokenCount") == 0 {
			t.Errorf("chunk %d: %s", i, c)
		}
	}
	last["candidates"].([]any)[0].(map[string]any)["content"] = map[string]any{"parts": parts}
	return wholeGemini(t, last)
}

// streamedConverse puts events together: blocks are one after another, and only calls have a beginning.
func streamedConverse(t *testing.T, raw string) says {
	v := map[string]any{}
	var blocks []any
	state, open, input := "", -1, ""
	for i, c := range chunksAWS(t, raw) {
		e := decode(t, c)
		kind, index := text(e, "::"), int(num(e, "contentBlockIndex"))
		if (i == 0) != (kind == "messageStart") || state == "metadata" {
			t.Fatalf("event %d is %s after %s", i, kind, state)
		}
		switch kind {
		case "contentBlockStart":
			blocks, open, input = append(blocks, map[string]any{"toolUse": at(e, "start", "toolUse")}), index, ""
		case "contentBlockDelta":
			if open != index {
				blocks, open = append(blocks, map[string]any{}), index
			}
			if len(blocks) != index+1 {
				t.Fatalf("block %d comes as the %d", index, len(blocks))
			}
			b := blocks[index].(map[string]any)
			if s, is := at(e, "delta", "text").(string); is {
				b["text"] = text(b, "text") + s
			}
			input += text(e, "delta", "toolUse", "input")
			if s, is := at(e, "delta", "reasoningContent", "text").(string); is {
				b["reasoningContent"] = map[string]any{"reasoningText": map[string]any{"text": text(b, "reasoningContent", "reasoningText", "text") + s}}
			}
		case "contentBlockStop":
			if open != index {
				t.Fatalf("block %d ends, %d is open", index, open)
			}
			if b := blocks[index].(map[string]any); b["toolUse"] != nil {
				b["toolUse"].(map[string]any)["input"] = decode(t, input)
			}
			open = -1
		case "messageStop":
			v["stopReason"] = e["stopReason"]
		case "metadata":
			v["usage"] = e["usage"]
			if state != "messageStop" || at(e, "metrics", "latencyMs") == nil {
				t.Errorf("metadata after %s: %s", state, c)
			}
		}
		state = kind
	}
	if state != "metadata" || open >= 0 {
		t.Errorf("the stream ends with %s", state)
	}
	v["output"] = map[string]any{"message": map[string]any{"content": blocks}}
	return wholeConverse(t, v)
}

// streamedCohere puts events together.
func streamedCohere(t *testing.T, raw string) says {
	var content, calls, citations []any
	plan, ended, open := "", false, ""
	v := map[string]any{}
	all := events(t, raw)
	if all[0].event != "message-start" || all[len(all)-1].data != "[DONE]" {
		t.Fatalf("the stream begins with %v and ends with %v", all[0], all[len(all)-1])
	}
	for _, e := range all[:len(all)-1] {
		d := decode(t, e.data)
		m, index := at(d, "delta", "message"), int(num(d, "index"))
		if text(d, "type") != e.event || ended {
			t.Fatalf("event %q with %s", e.event, e.data)
		}
		switch e.event {
		case "content-start", "tool-call-start":
			if open != "" {
				t.Fatalf("%s while %s", e.event, open)
			}
			open = e.event
			if e.event == "content-start" {
				content = append(content, at(m, "content"))
			} else {
				calls = append(calls, at(m, "tool_calls"))
			}
			if index != max(len(content), len(calls))-1 && len(calls) == 0 {
				t.Errorf("content %d comes as the %d", index, len(content))
			}
		case "content-delta":
			for _, k := range []string{"text", "thinking"} {
				if s, is := at(m, "content", k).(string); is {
					c := content[index].(map[string]any)
					c[k] = text(c, k) + s
				}
			}
		case "tool-call-delta":
			f := at(calls[index], "function").(map[string]any)
			f["arguments"] = text(f, "arguments") + text(m, "tool_calls", "function", "arguments")
		case "content-end", "tool-call-end":
			open = ""
		case "tool-plan-delta":
			plan += text(m, "tool_plan")
		case "citation-start":
			citations = append(citations, at(m, "citations"))
		case "message-end":
			ended = true
			v["finish_reason"], v["usage"] = at(d, "delta", "finish_reason"), at(d, "delta", "usage")
		}
	}
	if !ended || open != "" {
		t.Error("the stream does not end")
	}
	v["message"] = map[string]any{"content": content, "tool_calls": calls, "tool_plan": plan, "citations": citations}
	return wholeCohere(t, v)
}

func streamedOllama(t *testing.T, raw string) says {
	var last map[string]any
	var calls []any
	content, thinking := "", ""
	lines := chunksLines(t, raw)
	for i, l := range lines {
		last = decode(t, l)
		content, thinking = content+text(last, "message", "content"), thinking+text(last, "message", "thinking")
		calls = append(calls, list(last, "message", "tool_calls")...)
		if last["done"] != (i == len(lines)-1) {
			t.Errorf("line %d of %d: %s", i, len(lines), l)
		}
	}
	last["message"] = map[string]any{"content": content, "thinking": thinking, "tool_calls": calls}
	return wholeOllama(t, last)
}

// streamedResponse holds a response's stream against its grammar, and every event's echo against what came before.
func streamedResponse(t *testing.T, raw string) says {
	g := &responseGrammar{T: t, items: map[int]map[string]any{}, parts: map[string]string{}}
	for i, e := range events(t, raw) {
		v := decode(t, e.data)
		if text(v, "type") != e.event || int(num(v, "sequence_number")) != i || g.final != nil {
			t.Fatalf("event %d is %q: %s", i, e.event, e.data)
		}
		g.event(i, v)
	}
	if g.final == nil {
		t.Fatalf("the stream does not end: %s", raw)
	}
	if got := list(g.final, "output"); len(got) != len(g.items) {
		t.Errorf("%d items were sent, the end has %d", len(g.items), len(got))
	} else {
		for i, it := range got {
			if args(it) != args(g.items[i]) {
				t.Errorf("item %d is %s at its end and %s at the end of all", i, args(g.items[i]), args(it))
			}
		}
	}
	return wholeResponse(t, g.final)
}

type responseGrammar struct {
	*testing.T
	items map[int]map[string]any // as they ended
	open  map[string]any         // the item that is open
	parts map[string]string      // by place, what its deltas say
	added map[string]bool
	final map[string]any
}

func (g *responseGrammar) event(i int, v map[string]any) {
	kind := strings.TrimPrefix(text(v, "type"), "response.")
	index := int(num(v, "output_index"))
	place := fmt.Sprintf("%v %v %v", v["output_index"], v["content_index"], v["summary_index"])
	if id, has := v["item_id"]; has && (g.open == nil || id != g.open["id"] || index != len(g.items)) {
		g.Fatalf("%s is for item %v, open is %v", kind, id, g.open)
	}
	switch kind {
	case "created", "queued", "in_progress":
		if len(g.items) > 0 || g.open != nil || (i == 0) != (kind == "created") || len(list(v, "response", "output")) > 0 || at(v, "response", "usage") != nil {
			g.Fatalf("%s as event %d: %v", kind, i, v)
		}
	case "output_item.added":
		if g.open != nil || index != len(g.items) {
			g.Fatalf("item %d is added while %v is open", index, g.open)
		}
		g.open, g.added = v["item"].(map[string]any), map[string]bool{}
	case "content_part.added", "reasoning_summary_part.added":
		g.added[place] = true
	case "output_text.delta", "refusal.delta", "reasoning_summary_text.delta", "function_call_arguments.delta", "custom_tool_call_input.delta":
		if !strings.Contains(kind, "call") && !g.added[place] {
			g.Fatalf("%s before its part", kind)
		}
		g.parts[place] += text(v, "delta")
	case "output_text.done", "refusal.done", "reasoning_summary_text.done", "function_call_arguments.done", "custom_tool_call_input.done":
		if whole := text(v, "text") + text(v, "refusal") + text(v, "arguments") + text(v, "input"); whole != g.parts[place] {
			g.Errorf("%s says %q, its deltas %q", kind, whole, g.parts[place])
		}
	case "content_part.done", "reasoning_summary_part.done":
		if whole := text(v, "part", "text") + text(v, "part", "refusal"); whole != g.parts[place] || !g.added[place] {
			g.Errorf("%s says %q, its deltas %q", kind, whole, g.parts[place])
		}
	case "output_item.done":
		it := v["item"].(map[string]any)
		if g.open == nil || it["id"] != g.open["id"] {
			g.Fatalf("%v ends, %v is open", it, g.open)
		}
		g.items[index], g.open = it, nil
	case "completed", "incomplete", "failed":
		if g.open != nil || text(v, "response", "status") != kind {
			g.Errorf("%s while %v is open: %v", kind, g.open, v)
		}
		g.final = v["response"].(map[string]any)
	default:
		g.Fatalf("event %q", kind)
	}
}
