package dialecttest_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"weir/internal/dialect"
	"weir/internal/dialect/anthropic"
	"weir/internal/dialect/dialecttest"
	"weir/internal/dialect/gemini"
	"weir/internal/dialect/openaichat"
	"weir/internal/dialect/openairesponses"
	"weir/internal/llm"
)

// spoken is a dialect and a small exchange in it, as long as its provider would write it.
type spoken struct {
	d                      dialect.Dialect
	request, answer        string
	begins, delta, endings string // of a stream; %d in delta counts
}

const saying = "summarise the document for"

var bigFour = map[string]spoken{
	"chat": {
		d:       openaichat.New(),
		request: `{"model":"m","messages":[{"role":"system","content":"You are a helpful assistant."},{"role":"user","content":"List three risks with evidence, then propose the smallest change."}],"temperature":0.7,"max_tokens":1024,"stream":%t,"stream_options":{"include_usage":true}}`,
		answer:  `{"id":"chatcmpl-1","object":"chat.completion","created":1760000000,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"` + saying + `","refusal":null,"annotations":[]},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":30,"completion_tokens":31,"total_tokens":61,"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}},"service_tier":"default","system_fingerprint":"fp"}`,
		begins:  "data: {" + chatHead + `"choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}],"usage":null}` + "\n\n",
		delta:   "data: {" + chatHead + `"choices":[{"index":0,"delta":{"content":"` + saying + ` %d"},"logprobs":null,"finish_reason":null}],"usage":null}` + "\n\n",
		endings: "data: {" + chatHead + `"choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}],"usage":null}` + "\n\n" +
			"data: {" + chatHead + `"choices":[],"usage":{"prompt_tokens":30,"completion_tokens":31,"total_tokens":61}}` + "\n\ndata: [DONE]\n\n",
	},
	"responses": {
		d:       openairesponses.New(),
		request: `{"model":"m","instructions":"You are a helpful assistant.","input":[{"role":"user","content":"List three risks with evidence, then propose the smallest change."}],"max_output_tokens":1024,"store":false,"stream":%t}`,
		answer:  `{` + respHead + `"status":"completed","output":[{"type":"message","id":"msg_1","status":"completed","role":"assistant","content":[{"type":"output_text","text":"` + saying + `","annotations":[],"logprobs":[]}]}],` + respUsage + `}`,
		begins: "event: response.created\ndata: {\"type\":\"response.created\",\"sequence_number\":0,\"response\":{" + respHead + "\"status\":\"in_progress\",\"output\":[]}}\n\n" +
			"event: response.output_item.added\ndata: {\"type\":\"response.output_item.added\",\"sequence_number\":1,\"output_index\":0,\"item\":{\"type\":\"message\",\"id\":\"msg_1\",\"status\":\"in_progress\",\"role\":\"assistant\",\"content\":[]}}\n\n" +
			"event: response.content_part.added\ndata: {\"type\":\"response.content_part.added\",\"sequence_number\":2,\"item_id\":\"msg_1\",\"output_index\":0,\"content_index\":0,\"part\":{\"type\":\"output_text\",\"text\":\"\",\"annotations\":[]}}\n\n",
		delta: "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"sequence_number\":4,\"item_id\":\"msg_0123456789abcdef\",\"output_index\":0,\"content_index\":0,\"delta\":\"" + saying + " %d\",\"logprobs\":[]}\n\n",
		endings: "event: response.output_text.done\ndata: {\"type\":\"response.output_text.done\",\"sequence_number\":8,\"item_id\":\"msg_1\",\"output_index\":0,\"content_index\":0,\"text\":\"x\",\"logprobs\":[]}\n\n" +
			"event: response.completed\ndata: {\"type\":\"response.completed\",\"sequence_number\":9,\"response\":{" + respHead + "\"status\":\"completed\",\"output\":[]," + respUsage + "}}\n\n",
	},
	"messages": {
		d:       anthropic.New(),
		request: `{"model":"m","max_tokens":1024,"system":"You are a helpful assistant.","messages":[{"role":"user","content":"List three risks with evidence, then propose the smallest change."}],"stream":%t}`,
		answer:  `{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[{"type":"text","text":"` + saying + `"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":30,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":31,"service_tier":"standard"}}`,
		begins: "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"m\",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,\"usage\":{\"input_tokens\":30,\"output_tokens\":1}}}\n\n" +
			"event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n",
		delta: "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"" + saying + " %d\"}}\n\n",
		endings: "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n" +
			"event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":31}}\n\n" +
			"event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
	},
	"gemini": {
		d:       gemini.New(),
		request: `{"systemInstruction":{"parts":[{"text":"You are a helpful assistant."}]},"contents":[{"role":"user","parts":[{"text":"List three risks with evidence, then propose the smallest change."}]}],"generationConfig":{"maxOutputTokens":1024,"temperature":0.7}}`,
		answer:  `{"candidates":[{"content":{"parts":[{"text":"` + saying + `"}],"role":"model"},"finishReason":"STOP","index":0}],` + geminiUsage + `,"modelVersion":"m","responseId":"r1"}`,
		delta:   `data: {"candidates":[{"content":{"parts":[{"text":"` + saying + ` %d"}],"role":"model"},"index":0}],` + geminiUsage + `,"modelVersion":"m"}` + "\r\n\r\n",
		endings: `data: {"candidates":[{"content":{"parts":[{"text":""}],"role":"model"},"finishReason":"STOP","index":0}],` + geminiUsage + `,"modelVersion":"m"}` + "\r\n\r\n",
	},
}

const (
	chatHead    = `"id":"chatcmpl-0123456789abcdef","object":"chat.completion.chunk","created":1760000000,"model":"m","service_tier":"default","system_fingerprint":"fp",`
	respHead    = `"id":"resp_1","object":"response","created_at":1760000000,"model":"m","error":null,"incomplete_details":null,"instructions":null,"max_output_tokens":1024,"parallel_tool_calls":true,"previous_response_id":null,"store":false,"temperature":1.0,"text":{"format":{"type":"text"}},"tool_choice":"auto","tools":[],"top_p":1.0,"truncation":"disabled","metadata":{},`
	respUsage   = `"usage":{"input_tokens":30,"input_tokens_details":{"cached_tokens":0},"output_tokens":31,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":61}`
	geminiUsage = `"usageMetadata":{"promptTokenCount":30,"candidatesTokenCount":31,"totalTokenCount":61}`
)

func (s spoken) call(stream bool) dialect.Call {
	body := s.request
	if strings.Contains(body, "%t") {
		body = fmt.Sprintf(body, stream)
	}
	return dialecttest.Call(s.d.Name(), []byte(body), stream)
}

// stream is an answer of n deltas.
func (s spoken) stream(n int) []byte {
	var b strings.Builder
	b.WriteString(s.begins)
	for i := range n {
		fmt.Fprintf(&b, s.delta, i)
	}
	b.WriteString(s.endings)
	return []byte(b.String())
}

// asked returns the request of a client, decoded.
func (s spoken) asked(t testing.TB, stream bool) *llm.Request {
	call := s.call(stream)
	if _, err := s.d.Peek(&call); err != nil {
		t.Fatal(err)
	}
	req, err := s.d.Codec().DecodeRequest(call)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

// pair is a client and a provider of two dialects.
type pair struct{ client, up spoken }

func (p pair) request(t testing.TB) {
	if _, _, err := p.up.d.Codec().EncodeRequest(p.client.asked(t, false), llm.Facts{Model: "m", MaxOutput: 4096}); err != nil {
		t.Fatal(err)
	}
}

func (p pair) answer(t testing.TB, req *llm.Request, body []byte) {
	resp, err := p.up.d.Codec().DecodeResponse(body)
	if err != nil {
		t.Fatal(err)
	}
	out, _, err := p.client.d.Codec().EncodeResponse(req, resp)
	if err != nil || !bytes.Contains(out, []byte(saying)) {
		t.Fatalf("%s, %v", out, err)
	}
}

// stream carries a streamed answer and returns how many frames tell of a delta.
func (p pair) stream(t testing.TB, req *llm.Request, body []byte) (told int) {
	events := p.up.d.Codec().DecodeStream(dialecttest.Frames(p.up.d.Name(), body))
	for f, err := range p.client.d.Codec().EncodeStream(req, events, func(llm.Loss) {}) {
		if err != nil {
			t.Fatal(err)
		}
		if len(f.Raw) < 2_000 && bytes.Contains(f.Raw, []byte(saying)) {
			told++
		}
	}
	return told
}

// most are the allocations that a pair may cost: of a request decoded and encoded, of a small answer, of a stream of ten
// deltas, and of each further delta. They are what the codecs need today and a little air: three for what is whole,
// five for a stream. Lower them when the codecs need less.
var most = map[string]struct{ request, answer, stream, delta float64 }{
	"chat-responses":     {43, 37, 81, 1.1},
	"chat-messages":      {44, 26, 66, 1.1},
	"chat-gemini":        {51, 30, 54, 1.1},
	"responses-chat":     {33, 67, 84, 1.1},
	"responses-messages": {37, 38, 79, 1.1},
	"responses-gemini":   {42, 42, 67, 1.1},
	"messages-chat":      {27, 43, 74, 1.1},
	"messages-responses": {28, 32, 81, 1.1},
	"messages-gemini":    {36, 24, 54, 1.1},
	"gemini-chat":        {57, 49, 80, 1.1},
	"gemini-responses":   {59, 37, 90, 1.1},
	"gemini-messages":    {60, 26, 75, 1.1},
}

func pairs(f func(name string, p pair)) {
	names := []string{"chat", "responses", "messages", "gemini"}
	for _, client := range names {
		for _, up := range names {
			if client != up {
				f(client+"-"+up, pair{bigFour[client], bigFour[up]})
			}
		}
	}
}

// TestPairCosts holds every pair of the four dialects most spoken to its allocations, which are the same on any machine.
func TestPairCosts(t *testing.T) {
	const more = 500
	pairs(func(name string, p pair) {
		t.Run(name, func(t *testing.T) {
			whole, streamed := p.client.asked(t, false), p.client.asked(t, true)
			few, many := p.up.stream(10), p.up.stream(10+more)
			if told := p.stream(t, streamed, few); told < 10 {
				t.Fatalf("%d of 10 deltas arrived", told)
			}
			answer := []byte(p.up.answer)
			request := testing.AllocsPerRun(50, func() { p.request(t) })
			small := testing.AllocsPerRun(50, func() { p.answer(t, whole, answer) })
			count := func(body []byte) float64 { return testing.AllocsPerRun(10, func() { p.stream(t, streamed, body) }) }
			stream := count(few)
			delta := (count(many) - stream) / more
			t.Logf("%q: {%.0f, %.0f, %.0f, %.2f},", name, request, small, stream, delta)
			limit := most[name]
			for _, c := range []struct {
				what      string
				got, most float64
			}{{"a request", request, limit.request}, {"a small answer", small, limit.answer}, {"a short stream", stream, limit.stream}, {"a delta", delta, limit.delta}} {
				if c.got > c.most {
					t.Errorf("%s costs %.2f allocations, at most %.1f are allowed", c.what, c.got, c.most)
				}
			}
		})
	})
}

func BenchmarkPair(b *testing.B) {
	const deltas = 200
	pairs(func(name string, p pair) {
		whole, streamed := p.client.asked(b, false), p.client.asked(b, true)
		body, answer := p.up.stream(deltas), []byte(p.up.answer)
		b.Run(name+"/request", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p.request(b)
			}
		})
		b.Run(name+"/answer", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p.answer(b, whole, answer)
			}
		})
		b.Run(name+"/stream", func(b *testing.B) {
			for b.Loop() {
				p.stream(b, streamed, body)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/deltas, "ns/delta")
		})
	})
}
