package openaicompletions_test

import (
	"bytes"
	"fmt"
	"testing"

	"weir/internal/dialect"
	"weir/internal/dialect/anthropic"
	"weir/internal/dialect/dialecttest"
	"weir/internal/dialect/openaichat"
	"weir/internal/dialect/openaicompletions"
	"weir/internal/fault"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// chunk is a frame of a stream.
func chunk(rest string) string {
	return `data: {"id":"cmpl-1","object":"text_completion","created":1700000000,"choices":[` + rest + `],"model":"m"}` + "\n\n"
}

func TestConformance(t *testing.T) {
	dialecttest.Run(t, openaicompletions.New(), dialecttest.Sample{
		Requests: []string{
			`{"model":"m","prompt":"Say hello"}`,
			`{"model":"m","prompt":["Say hello"],"max_tokens":7,"n":2,"best_of":3,"stop":"\n"}`,
			`{"model":"m","prompt":"","max_tokens":0,"echo":true,"logprobs":0}`,
			`{"model":"m","suffix":"\nend","user":"u","prompt":"def f():","logprobs":3,"stop":["a","b"],"temperature":0.20,"top_p":1,"seed":7,"logit_bias":{"50256": -100},
			"frequency_penalty":0.5,"presence_penalty":-1,"stream":true,"stream_options":{"include_usage":true,"odd":1},"min_p":0.05,"top_k":40,"odd":{"a": [1, 2]}}`,
			`{"model":"m"}`,
		},
		Answers: []string{
			`{"id":"cmpl-1","object":"text_completion","created":1700000000,"model":"m","choices":[{"text":" there","index":0,"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":1,"total_tokens":4}}`,
			`{"id":"cmpl-2","object":"text_completion","created":1700000000,"model":"m","system_fingerprint":"fp","choices":[` +
				`{"text":"ab","index":1,"logprobs":{"tokens":["a","b"],"token_logprobs":[null,-0.50],"top_logprobs":[null,{"b":-0.50,"c":-2}],"text_offset":[3,4]},"finish_reason":"length"},` +
				`{"text":"","index":0,"logprobs":null,"finish_reason":"content_filter","content_filter_results":{"hate":{"filtered":true}}}]}`,
			`{"choices":[{"text":"bare","log_probs":null}],"model":"m"}`,
		},
		Streams: []string{
			chunk(`{"text":"Grü","index":0,"logprobs":null,"finish_reason":null}`) + chunk(`{"text":"ße","index":0,"logprobs":null,"finish_reason":null}`) +
				chunk(`{"text":"","index":0,"logprobs":null,"finish_reason":"stop"}`) +
				`data: {"id":"cmpl-1","object":"text_completion","created":1700000000,"model":"m","usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5},"choices":[]}` + "\n\ndata: [DONE]\n\n",
			chunk(`{"text":"a","index":0,"logprobs":{"tokens":["a"],"token_logprobs":[-1],"top_logprobs":[{"a":-1}],"text_offset":[3]},"finish_reason":null}`) +
				chunk(`{"text":"x","index":1,"logprobs":null,"finish_reason":null}`) +
				chunk(`{"text":"b","index":0,"logprobs":{"tokens":["b"],"token_logprobs":[-2],"top_logprobs":[{"b":-2}],"text_offset":[4]},"finish_reason":"length"}`) +
				chunk(`{"text":"","index":1,"logprobs":null,"finish_reason":"stop","stop_reason":"END"}`) + "data: [DONE]\n\n",
			"data: {\"value\":\"pieces \"}\n\ndata: {\"value\":\"alone\"}\n\n",
		},
		Faults: map[string]fault.Kind{
			`{"error":{"message":"This model's maximum context length is 4097 tokens","type":"invalid_request_error","param":null,"code":null}}`: fault.ContextLength,
			`{"error":{"message":"no such thing","type":"invalid_request_error","param":"prompt","code":null}}`:                                  fault.Malformed,
		},
		WellFormed: wellFormed,
	})
}

// wellFormed checks what OpenAI's SDKs rely on in a stream: every chunk is a whole completion, an end mark comes last,
// and each choice says once why it ended, after its text.
func wellFormed(stream []byte) error {
	ended := false
	stopped := map[int64]bool{}
	for f, err := range dialecttest.Frames(llm.OpenAICompletions, stream) {
		if err != nil {
			return err
		}
		if ended {
			return fmt.Errorf("a frame after the end mark: %s", f.Raw)
		}
		if ended = bytes.Equal(f.Data, []byte("[DONE]")); ended {
			continue
		}
		if err := rawjson.Check(f.Data); err != nil {
			return err
		}
		for _, name := range []string{"id", "object", "created", "model", "choices"} {
			if rawjson.IsNull(rawjson.Get(f.Data, name)) {
				return fmt.Errorf("a chunk without %s: %s", name, f.Data)
			}
		}
		if rawjson.Text(rawjson.Get(f.Data, "object")) != "text_completion" {
			return fmt.Errorf("object: %s", f.Data)
		}
		for _, c := range rawjson.Elems(rawjson.Get(f.Data, "choices")) {
			n, ok := rawjson.Int(rawjson.Get(c, "index"))
			if _, text := rawjson.String(rawjson.Get(c, "text")); !ok || !text {
				return fmt.Errorf("a choice without index or text: %s", c)
			}
			if stopped[n] {
				return fmt.Errorf("more of choice %d after its end: %s", n, c)
			}
			stopped[n] = !rawjson.IsNull(rawjson.Get(c, "finish_reason"))
		}
	}
	if !ended {
		return fmt.Errorf("no end mark")
	}
	for n, done := range stopped {
		if !done {
			return fmt.Errorf("choice %d does not say why it ended", n)
		}
	}
	return nil
}

func TestRecordedIdentity(t *testing.T) { dialecttest.RecordedIdentity(t, openaicompletions.New()) }

func TestRecordedTranslation(t *testing.T) {
	var table dialecttest.Rows
	for _, other := range []dialect.Dialect{openaichat.New(), anthropic.New()} {
		for _, way := range [][2]dialect.Dialect{{openaicompletions.New(), other}, {other, openaicompletions.New()}} {
			t.Run(string(way[0].Name()+" to "+way[1].Name()), func(t *testing.T) {
				table = append(table, dialecttest.RecordedTranslation(t, way[0], way[1])...)
			})
		}
	}
	t.Logf("what comes through:\n%s", dialecttest.Table(table))
}
