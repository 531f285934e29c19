package ollama_test

import (
	"fmt"
	"testing"
	"time"

	"weir/internal/dialect"
	"weir/internal/dialect/anthropic"
	"weir/internal/dialect/dialecttest"
	"weir/internal/dialect/ollama"
	"weir/internal/dialect/openaichat"
	"weir/internal/fault"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

func TestConformance(t *testing.T) {
	dialecttest.Run(t, ollama.New(), dialecttest.Sample{
		Requests: []string{
			`{"model":"m","messages":[{"role":"user","content":"Hello"}]}`,
			`{"model":"m","stream":false,"format":"json","keep_alive":"5m","think":"high","logprobs":true,"top_logprobs":3,"odd":{"a": [1, 2]},
			"options":{"temperature":0.20,"top_p":0.9,"top_k":40,"seed":7,"num_predict":70,"stop":["END"],"num_ctx":4096,"repeat_penalty":1.10,"frequency_penalty":0.5,"presence_penalty":0.1},
			"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"See","images":["iVBORw0KGgo=","/9j/AAAA"]},
			{"role":"assistant","content":"","thinking":"Hm","tool_calls":[{"function":{"name":"look","arguments":{"at": "sky"}}},{"id":"c2","type":"function","function":{"index":1,"name":"look","arguments":{}}}]},
			{"role":"tool","content":"blue","tool_name":"look"},{"role":"tool","content":"green","tool_call_id":"c2"},{"role":"tool","content":"stray","odd":1}],
			"tools":[{"type":"function","function":{"name":"look","description":"Looks.","parameters":{"type": "object"},"odd":1}},{"type":"web"}]}`,
			`{"model":"m","stream":null,"format":{"type": "object"},"think":false,"options":{"stop":"END","num_predict":-2},"messages":[{"role":"User","content":null}]}`,
			`{"model":"m","format":"","think":true,"options":{"num_predict":-1},"keep_alive":0,"messages":[]}`,
		},
		Answers: []string{
			`{"model":"m","created_at":"2025-01-29T23:37:41.068257Z","message":{"role":"assistant","content":"Hi"},"done_reason":"stop","done":true,"total_duration":4819895166,"load_duration":27509166,"prompt_eval_count":33,"prompt_eval_duration":492000000,"eval_count":57,"eval_duration":4298000000}`,
			`{"model":"m","created_at":"2025-01-29T23:37:41.5-07:00","message":{"role":"assistant","content":"","thinking":"Hm","tool_calls":[{"function":{"name":"look","arguments":{"at": "sky"}}},{"id":"c2","function":{"index":1,"name":"look","arguments":{}}}]},"done_reason":"stop","done":true,"eval_count":5}`,
			`{"model":"m","created_at":"2025-01-29T23:37:41Z","message":{"role":"assistant","content":"Hi","images":["iVBORw0KGgo="]},"done":true,"logprobs":[{"token":"Hi","logprob":-0.10,"bytes":[72,105],"top_logprobs":[{"token":"Hi","logprob":-0.10},{"token":"Ho","logprob":-2.5,"bytes":[72,111]}]}]}`,
			`{"model":"m","created_at":"soon","message":{"role":"assistant","content":""},"done_reason":"load","done":true}`,
		},
		Streams: []string{
			`{"model":"m","created_at":"2025-08-20T13:48:26.432625Z","message":{"role":"assistant","content":"","thinking":"H"},"done":false}` + "\n" +
				`{"model":"m","created_at":"2025-08-20T13:48:26.437779Z","message":{"role":"assistant","content":"","thinking":"m"},"done":false}` + "\n" +
				`{"model":"m","created_at":"2025-08-20T13:48:26.442987Z","message":{"role":"assistant","content":"Gr\u00fc"},"done":false}` + "\n\n" +
				`{"model":"m","created_at":"2025-08-20T13:48:26.448Z","message":{"role":"assistant","content":"ße"},"done":false,"logprobs":[{"token":"ße","logprob":-0.10}]}` + "\r\n" +
				`{"model":"m","created_at":"2025-08-20T13:48:26.45Z","message":{"role":"assistant","content":"","tool_calls":[{"function":{"name":"look","arguments":{"at": "sky"}}},{"function":{"name":"look","arguments":{"at": "sky"}}}]},"done":false}` + "\n" +
				`{"model":"m","created_at":"2025-08-20T13:48:26.708358Z","message":{"role":"assistant","content":""},"done_reason":"stop","done":true,"total_duration":356504000,"prompt_eval_count":20,"eval_count":55}` + "\n",
			`{"created_at":"2025-08-20T13:48:26Z","done": false,"message":{"content":"Hi","role":"assistant"},"model":"m"}` + "\n" +
				`{"created_at":"2025-08-20T13:48:26Z","done": true,"done_reason":"length","message":{"content":" you","role":"assistant","odd":1},"model":"m","eval_count":2}`,
		},
		Faults: map[string]fault.Kind{
			`{"error":"the prompt is too long; it exceeds the context length"}`: fault.ContextLength,
			`{"error":"\"m\" does not support tools"}`:                          fault.Malformed,
			`{"error":{"message":"no"}}`:                                        fault.Malformed,
		},
		WellFormed: wellFormed,
	})
}

// wellFormed checks what the official SDKs rely on: every line is an object with a message that has a role and a content,
// a time and done; calls have a name and an object of arguments; the last line alone is done.
func wellFormed(stream []byte) error {
	done := false
	for f, err := range dialecttest.Frames(llm.OllamaChat, stream) {
		if err != nil || f.Tail || len(f.Data) == 0 {
			return fmt.Errorf("a line that is cut short or empty: %w", err)
		}
		if err := rawjson.Check(f.Data); err != nil {
			return err
		}
		if done {
			return fmt.Errorf("a line after the last: %s", f.Data)
		}
		message := rawjson.Get(f.Data, "message")
		if rawjson.Text(rawjson.Get(message, "role")) != "assistant" || rawjson.Kind(rawjson.Get(message, "content")) != '"' {
			return fmt.Errorf("a line without a message: %s", f.Data)
		}
		if _, err := time.Parse(time.RFC3339, rawjson.Text(rawjson.Get(f.Data, "created_at"))); err != nil {
			return fmt.Errorf("a line without a time: %w", err)
		}
		for _, c := range rawjson.Elems(rawjson.Get(message, "tool_calls")) {
			if rawjson.Text(rawjson.Get(c, "function", "name")) == "" || rawjson.Kind(rawjson.Get(c, "function", "arguments")) != '{' {
				return fmt.Errorf("a call that is none: %s", f.Data)
			}
		}
		var ok bool
		if done, ok = rawjson.Bool(rawjson.Get(f.Data, "done")); !ok {
			return fmt.Errorf("a line that does not say whether it is the last: %s", f.Data)
		}
		if done && rawjson.Text(rawjson.Get(f.Data, "done_reason")) == "" {
			return fmt.Errorf("the last line does not say why: %s", f.Data)
		}
	}
	if !done {
		return fmt.Errorf("the stream has no end")
	}
	return nil
}

func TestRecordedIdentity(t *testing.T) { dialecttest.RecordedIdentity(t, ollama.New()) }

func TestRecordedTranslation(t *testing.T) {
	var table dialecttest.Rows
	ours := ollama.New()
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
