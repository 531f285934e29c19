package cohere_test

import (
	"fmt"
	"strings"
	"testing"

	"weir/internal/dialect"
	"weir/internal/dialect/anthropic"
	"weir/internal/dialect/cohere"
	"weir/internal/dialect/dialecttest"
	"weir/internal/dialect/openaichat"
	"weir/internal/fault"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

func TestConformance(t *testing.T) {
	dialecttest.Run(t, cohere.New(), dialecttest.Sample{
		Requests: []string{
			`{"model":"m","messages":[{"role":"user","content":"Hello"}]}`,
			`{"model":"m","max_tokens":70,"temperature":0.20,"p":0.9,"k":40,"seed":7,"frequency_penalty":0.5,"presence_penalty":0.1,"stop_sequences":["END"],"stream":true,
			"logprobs":true,"safety_mode":"STRICT","priority":3,"strict_tools":true,"tool_choice":"REQUIRED","citation_options":{"mode":"FAST"},"odd":{"a": [1, 2]},
			"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":[{"type":"text","text":"See"},{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA","detail":"low","odd":1}}]},
			{"role":"assistant","content":[{"type":"thinking","thinking":"Hm"},{"type":"text","text":""}],"tool_plan":"I look.","tool_calls":[{"id":"c1","type":"function","function":{"name":"look","arguments":"{\"a\": 1}"}}]},
			{"role":"tool","tool_call_id":"c1","content":[{"type":"document","document":{"id":"d1","data":{"sky": "blue"}}},{"type":"document","document":{"data":"{\"sea\": 1.50}"}},{"type":"text","text":"clear"}]}],
			"tools":[{"type":"function","function":{"name":"look","description":"Looks.","parameters":{"type": "object","properties":{"a":{"type":"integer"}},"required":["a"]}}}]}`,
			`{"model":"m","messages":[{"role":"user","content":"Who?"},{"role":"assistant","content":[{"type":"text","text":"Grüße von Ada."}],
			"citations":[{"start":10,"end":13,"text":"Ada","type":"TEXT_CONTENT","sources":[{"type":"document","id":"doc:0","document":{"id":"doc:0","text":"Ada wrote it."}}]},
			{"start":0,"end":5,"text":"Grüße","type":"TEXT_CONTENT","sources":[{"type":"document","id":"doc:1","document":{"title":"A","url":"https://example.org","snippet":"so"}}]}]},
			{"role":"user","content":"Sure?"}],"documents":["All is well.",{"id":"d","data":{"title":"Report","text":"All is well."}},{"data":{"rows":[1,2]}}],
			"response_format":{"type":"json_object","json_schema":{"type":"object","required":["a"]}},"thinking":{"type":"enabled","token_budget":500}}`,
			`{"model":"m","max_tokens":0,"tool_choice":"MAYBE","messages":[{"role":"tool","tool_call_id":"x","content":"blue"},{"role":"assistant","tool_calls":[]}],"response_format":{"type":"text"},"thinking":{"type":"disabled"},"strict_tools":false}`,
			`{"model":"m","messages":[{"role":"user","content":[{"type":"odd","x":1}]}],"tools":[{"type":"web","x":1}],"response_format":{"type":"grammar","g":1}}`,
		},
		Answers: []string{
			`{"id":"a1","message":{"role":"assistant","content":[{"type":"text","text":"Hi"}]},"finish_reason":"COMPLETE","usage":{"billed_units":{"input_tokens":3,"output_tokens":1},"tokens":{"input_tokens":70,"output_tokens":2},"cached_tokens":64}}`,
			`{"id":"a2","message":{"role":"assistant","tool_plan":"I look.","tool_calls":[{"id":"c1","type":"function","function":{"name":"look","arguments":"{\"a\": 1}"}}]},"finish_reason":"TOOL_CALL","usage":{"billed_units":{"input_tokens":3,"output_tokens":1,"search_units":1,"classifications":0},"tokens":{"input_tokens":70,"output_tokens":20,"reasoning_tokens":4,"image_tokens":5}}}`,
			`{"id":"a3","message":{"role":"assistant","content":[{"type":"thinking","thinking":"Hm"},{"type":"text","text":"Grüße von Ada."}],
			"citations":[{"start":10,"end":13,"text":"Ada","content_index":1,"type":"TEXT_CONTENT","sources":[{"type":"tool","id":"c1:0","tool_output":{"a":1}},{"type":"document","id":"d"}]},{"start":90,"end":99,"text":"else","content_index":1,"type":"TEXT_CONTENT","sources":[]},{"start":0,"end":1,"content_index":7,"type":"TEXT_CONTENT"}]},
			"finish_reason":"MAX_TOKENS","logprobs":[{"text":"Grüße","token_ids":[1,2],"logprobs":[-0.10,-0.2]},{"text":" von","token_ids":[3],"logprobs":[-1]}]}`,
			`{"id":"a4","message":{"role":"assistant","content":[]},"finish_reason":"COMPLETE","odd":1}`,
		},
		Streams: []string{thought, planned},
		Faults: map[string]fault.Kind{
			`{"id":"1","message":"too many tokens: size limit exceeded by 5 tokens."}`:               fault.ContextLength,
			`{"error_type":"TOO_MANY_TOKENS","message":"it does not fit"}`:                           fault.ContextLength,
			`{"id":"2","message":"invalid request: message must be at least 1 token long"}`:          fault.Malformed,
			`{"type":"message-end","delta":{"error":"it took too long","finish_reason":"TIMEOUT"}}`:  fault.Timeout,
			`{"type":"message-end","delta":{"error":"the model fell over","finish_reason":"ERROR"}}`: fault.Malformed,
			`{"message":{"detail":"not a text"}}`:                                                    fault.Malformed,
		},
		WellFormed: wellFormed,
	})
}

const thought = `event: message-start
data: {"id":"a1","type":"message-start","delta":{"message":{"role":"assistant","content":[],"tool_plan":"","tool_calls":[],"citations":[]}}}

event: content-start
data: {"type":"content-start","index":0,"delta":{"message":{"content":{"type":"thinking","thinking":""}}}}

event: content-delta
data: {"type":"content-delta","index":0,"delta":{"message":{"content":{"thinking":"Let me see."}}}}

event: content-end
data: {"type":"content-end","index":0}

event: content-start
data: {"type":"content-start","index":1,"delta":{"message":{"content":{"type":"text","text":""}}}}

event: content-delta
data: {"type":"content-delta","index":1,"delta":{"message":{"content":{"text":"Gr\u00fc\u00dfe "}}}}

event: content-delta
data: {"type":"content-delta","index":1,"delta":{"message":{"content":{"text":"von Ada."}}},"logprobs":{"text":"von Ada.","token_ids":[1,2],"logprobs":[-0.10,-2]}}

event: citation-start
data: {"type":"citation-start","index":0,"delta":{"message":{"citations":{"start":10,"end":13,"text":"Ada","sources":[{"type":"document","id":"doc:0","document":{"id":"doc:0","text":"Ada wrote it."}}],"type":"TEXT_CONTENT","content_index":1}}}}

event: citation-end
data: {"type":"citation-end","index":0}

event: content-end
data: {"type":"content-end","index":1}

event: citation-start
data: {"type":"citation-start","index":1,"delta":{"message":{"citations":{"start":0,"end":5,"text":"Grüße","sources":[],"content_index":1}}}}

event: citation-end
data: {"type":"citation-end","index":1}

event: message-end
data: {"type":"message-end","delta":{"finish_reason":"COMPLETE","usage":{"billed_units":{"input_tokens":3,"output_tokens":9},"tokens":{"input_tokens":70,"output_tokens":12,"reasoning_tokens":4},"cached_tokens":64}}}

data: [DONE]

`

const planned = `event: message-start
data: {"delta":{"message":{"role":"assistant"}},"id":"a2","type":"message-start"}

event: tool-plan-delta
data: {"delta":{"message":{"tool_plan":"I "}},"type":"tool-plan-delta"}

event: tool-plan-delta
data: {"delta":{"message":{"tool_plan":"look."}},"type":"tool-plan-delta"}

event: tool-call-start
data: {"delta":{"message":{"tool_calls":{"function":{"arguments":"","name":"look"},"id":"c1","type":"function"}}},"index":0,"type":"tool-call-start"}

event: tool-call-delta
data: {"delta":{"message":{"tool_calls":{"function":{"arguments":"{\"a\": "}}}},"index":0,"type":"tool-call-delta"}

event: tool-call-delta
data: {"delta":{"message":{"tool_calls":{"function":{"arguments":"1}"}}}},"index":0,"type":"tool-call-delta"}

event: tool-call-end
data: {"index":0,"type":"tool-call-end"}

event: tool-call-start
data: {"delta":{"message":{"tool_calls":{"function":{"arguments":"","name":"now"},"id":"c2","type":"function"}}},"index":1,"type":"tool-call-start"}

event: tool-call-end
data: {"index":1,"type":"tool-call-end"}

event: message-end
data: {"delta":{"finish_reason":"TOOL_CALL","usage":{"billed_units":{"input_tokens":3,"output_tokens":9},"tokens":{"input_tokens":70,"output_tokens":12}}},"type":"message-end"}

`

// wellFormed checks what the official SDKs rely on: the name of each event is its type; a message-start with an id comes
// first; contents and calls begin and end, one at a time, numbered from 0 without gaps; a delta is of what is open, and a
// text grows by texts; calls have an id, a name and arguments that are JSON; message-end has a finish reason and is
// followed by [DONE] alone.
func wellFormed(stream []byte) error {
	const none = -1
	contents, calls, content, call := 0, 0, none, none
	typ, args := "", ""
	started, ended, done := false, false, false
	for f, err := range dialecttest.Frames(llm.CohereChat, stream) {
		if err != nil || f.Tail {
			return fmt.Errorf("a frame that is cut short: %w", err)
		}
		if string(f.Data) == "[DONE]" {
			if !ended || done {
				return fmt.Errorf("[DONE] out of place")
			}
			done = true
			continue
		}
		if err := rawjson.Check(f.Data); err != nil {
			return err
		}
		get := func(path ...string) []byte { return rawjson.Get(f.Data, path...) }
		kind := rawjson.Text(get("type"))
		index, numbered := rawjson.Int(get("index"))
		switch {
		case kind != f.Event:
			return fmt.Errorf("an event %q of the type %q", f.Event, kind)
		case started == (kind == "message-start"), ended:
			return fmt.Errorf("%s out of place", kind)
		case !numbered && !strings.HasPrefix(kind, "message-") && kind != "tool-plan-delta":
			return fmt.Errorf("%s without a number", kind)
		}
		message := func(path ...string) []byte { return get(append([]string{"delta", "message"}, path...)...) }
		switch kind {
		case "message-start":
			started = true
			if rawjson.Text(get("id")) == "" || rawjson.Text(message("role")) != "assistant" {
				return fmt.Errorf("message-start says %s", f.Data)
			}
		case "content-start":
			typ = rawjson.Text(message("content", "type"))
			if content != none || call != none || int(index) != contents || rawjson.Kind(message("content", member(typ))) != '"' {
				return fmt.Errorf("content-start out of place: %s", f.Data)
			}
			content = contents
			contents++
		case "content-delta":
			if int(index) != content || rawjson.Kind(message("content", member(typ))) != '"' {
				return fmt.Errorf("content-delta out of place: %s", f.Data)
			}
			if v := get("logprobs"); v != nil && rawjson.Kind(rawjson.Get(v, "token_ids")) != '[' {
				return fmt.Errorf("log probabilities without token_ids: %s", f.Data)
			}
		case "content-end":
			if int(index) != content {
				return fmt.Errorf("content-end out of place: %s", f.Data)
			}
			content = none
		case "tool-plan-delta":
			if rawjson.Kind(message("tool_plan")) != '"' || call != none {
				return fmt.Errorf("tool-plan-delta says %s", f.Data)
			}
		case "tool-call-start":
			if content != none || call != none || int(index) != calls || rawjson.Text(message("tool_calls", "id")) == "" ||
				rawjson.Text(message("tool_calls", "type")) != "function" || rawjson.Text(message("tool_calls", "function", "name")) == "" {
				return fmt.Errorf("tool-call-start out of place: %s", f.Data)
			}
			call, args = calls, ""
			calls++
		case "tool-call-delta":
			if int(index) != call {
				return fmt.Errorf("tool-call-delta out of place: %s", f.Data)
			}
			args += rawjson.Text(message("tool_calls", "function", "arguments"))
		case "tool-call-end":
			if int(index) != call || args == "" {
				return fmt.Errorf("tool-call-end out of place: %s", f.Data)
			}
			call = none
		case "citation-start", "citation-end":
		case "message-end":
			ended = true
			if content != none || call != none || rawjson.Text(get("delta", "finish_reason")) == "" {
				return fmt.Errorf("message-end out of place: %s", f.Data)
			}
		default:
			return fmt.Errorf("an unknown event %s", f.Data)
		}
	}
	if !done {
		return fmt.Errorf("the stream has no end")
	}
	return nil
}

func member(typ string) string {
	if typ == "thinking" {
		return "thinking"
	}
	return "text"
}

func TestRecordedIdentity(t *testing.T) { dialecttest.RecordedIdentity(t, cohere.New()) }

func TestRecordedTranslation(t *testing.T) {
	var table dialecttest.Rows
	ours := cohere.New()
	for _, other := range []dialect.Dialect{openaichat.New(), anthropic.New()} {
		t.Run("to "+string(other.Name()), func(t *testing.T) {
			table = append(table, dialecttest.RecordedTranslation(t, ours, other)...)
		})
		t.Run("from "+string(other.Name()), func(t *testing.T) {
			table = append(table, dialecttest.RecordedTranslation(t, other, ours)...)
		})
	}
	t.Logf("what comes through:\n%s", dialecttest.Table(table))
}
