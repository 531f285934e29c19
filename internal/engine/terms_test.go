package engine_test

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"weir/internal/gatewaytest"
	"weir/internal/replay"
)

const (
	chatAnswer = `{"id":"x","object":"chat.completion","created":1,"model":"m",@"choices":[{"index":0,"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}],` +
		`"usage":{"prompt_tokens":1000,"completion_tokens":100,"total_tokens":1100}}`
	messagesAnswer  = `{"id":"x","type":"message","role":"assistant","model":"m","content":[{"type":"text","text":"Hi"}],"stop_reason":"end_turn","usage":{"input_tokens":1000,"output_tokens":100@}}`
	responsesAnswer = `{"id":"resp_x","object":"response","status":"completed","model":"m",@"output":[{"type":"message","id":"m","role":"assistant","status":"completed","content":[{"type":"output_text","text":"Hi","annotations":[]}]}],` +
		`"usage":{"input_tokens":1000,"output_tokens":100,"total_tokens":1100}}`
)

// told puts what an answer tells beside the rest of it.
func told(answer, what string) string { return strings.Replace(answer, "@", what, 1) }

// searched is an answer that two searches were run for.
func searched(more string) string {
	return strings.Replace(told(chatAnswer, ""), `"total_tokens":1100`, `"total_tokens":1100,"server_tool_use_details":{"web_search_requests":2}`+more, 1)
}

// termsDocument has prices that depend on all that prices can depend on.
const termsDocument = `version: 1
providers:
  mine:
    base_url: "http://127.0.0.1:9/v1"
    speaks: [openai-chat, openai-responses, openai-images, openai-audio, openai-embeddings]
    api_key: k
    prices:
      m: { input: $2, output: $10, priority input: $4, priority output: $20, flex input: $1, flex output: $5, search_low: $0.01, search_high: $0.05, search: $0.02 }
      draw: { image: $0.04, variant=hd/1024x1792 image: $0.12, variant=256x256 image: $0.01 }
      say: { character: $15 }
      hear: { second: $0.0001 }
      plain: { input: $2 }
      deep: { input: $2, output: $8, citation: $2, search: $0.005 }
  regional:
    base_url: "http://127.0.0.1:9/v1"
    speaks: [openai-chat]
    api_key: k
    region: eu
    prices: { m: { input: $2, output: $10, region=eu input: $2.20, region=eu output: $11 } }
  messages:
    base_url: "http://127.0.0.1:9"
    speaks: [anthropic-messages]
    api_key: k
    prices: { m: { input: $2, output: $10, fast input: $12, fast output: $60, region=us input: $2.20, region=us output: $11, priority input: $3, priority output: $15 } }
  gemini:
    base_url: "http://127.0.0.1:9"
    speaks: [gemini-generate]
    api_key: k
    prices: { m: { input: $2, output: $10, priority input: $4, priority output: $20, flex input: $1, flex output: $5 } }
  embed: { base_url: "http://127.0.0.1:9", speaks: [gemini-embeddings], api_key: k, prices: { m: { input: $2 } } }
  aws:
    base_url: "http://127.0.0.1:9"
    speaks: [bedrock-converse, bedrock-invoke]
    api_key: k
    prices: { m: { input: $2, output: $10, priority input: $4, priority output: $20 }, draw: { image: $0.04 }, see: { input: $1, image_read: $0.00006 } }
  xai: { base_url: "http://127.0.0.1:9/v1", speaks: [openai-images], api_key: k }
  openai: { base_url: "http://127.0.0.1:9/v1", speaks: [openai-images, openai-audio], api_key: k }
keys: [{ name: test, key: ` + gatewaytest.Key + `, models: ["*"] }]
`

// TestTerms prices answers whose price depends on more than their tokens. The sums were made by hand.
func TestTerms(t *testing.T) {
	const hello = `"messages":[{"role":"user","content":"Hello"}]`
	const contents = `{"contents":[{"role":"user","parts":[{"text":"Hello"}]}]@}`
	geminiAnswer := `{"candidates":[{"content":{"role":"model","parts":[{"text":"Hi"}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":1000,"candidatesTokenCount":100,"totalTokenCount":1100@}}`
	converseAnswer := `{"output":{"message":{"role":"assistant","content":[{"text":"Hi"}]}},"stopReason":"end_turn","usage":{"inputTokens":1000,"outputTokens":100,"totalTokens":1100}@}`
	for _, c := range []struct {
		name, path, body, answer, cost, unpriced string
	}{
		{"a tier that was asked for", "/v1/chat/completions", `{"model":"mine/m","service_tier":"flex",` + hello + `}`, told(chatAnswer, ""), "$0.0015", ""},
		{"a tier that was given goes first", "/v1/chat/completions", `{"model":"mine/m","service_tier":"priority",` + hello + `}`, told(chatAnswer, `"service_tier":"default",`), "$0.003", ""},
		{"a tier the provider chose", "/v1/chat/completions", `{"model":"mine/m","service_tier":"auto",` + hello + `}`, told(chatAnswer, `"service_tier":"priority",`), "$0.006", ""},
		{"a tier's name in what is said", "/v1/chat/completions", `{"model":"mine/m","messages":[{"role":"user","content":"\"service_tier\":\"flex\""}]}`, told(chatAnswer, ""), "$0.003", ""},
		{"a price that depends on nothing", "/v1/chat/completions", `{"model":"mine/plain","service_tier":"flex",` + hello + `}`, told(chatAnswer, ""), "$0.002", "no price is known of output"},
		{"a tier of responses", "/v1/responses", `{"model":"mine/m","service_tier":"flex","store":false,"input":"Hello"}`, told(responsesAnswer, `"service_tier":"flex",`), "$0.0015", ""},
		{"a tier of a translated request", "/v1/messages", `{"model":"mine/m","max_tokens":10,"service_tier":"auto",` + hello + `}`, told(chatAnswer, `"service_tier":"priority",`), "$0.006", ""},
		{"a region", "/v1/chat/completions", `{"model":"regional/m",` + hello + `}`, told(chatAnswer, ""), "$0.0033", ""},
		{"a speed", "/v1/messages", `{"model":"messages/m","max_tokens":10,"speed":"fast",` + hello + `}`, told(messagesAnswer, `,"service_tier":"standard"`), "$0.018", ""},
		{"a speed that was not given", "/v1/messages", `{"model":"messages/m","max_tokens":10,"speed":"fast",` + hello + `}`, told(messagesAnswer, `,"service_tier":"standard","speed":"standard"`), "$0.003", ""},
		{"priority of messages", "/v1/messages", `{"model":"messages/m","max_tokens":10,"service_tier":"auto",` + hello + `}`, told(messagesAnswer, `,"service_tier":"priority"`), "$0.0045", ""},
		{"a place that was asked for", "/v1/messages", `{"model":"messages/m","max_tokens":10,"inference_geo":"us",` + hello + `}`, told(messagesAnswer, ""), "$0.0033", ""},
		{"a place that is stated", "/v1/messages", `{"model":"messages/m","max_tokens":10,"inference_geo":"us",` + hello + `}`, told(messagesAnswer, `,"inference_geo":"global"`), "$0.003", ""},
		{"a tier of generateContent", "/v1beta/models/gemini%2Fm:generateContent", told(contents, `,"serviceTier":"flex"`), told(geminiAnswer, ""), "$0.0015", ""},
		{"a tier that it states", "/v1beta/models/gemini%2Fm:generateContent", told(contents, ""), told(geminiAnswer, `,"serviceTier":"priority"`), "$0.006", ""},
		{"traffic of Vertex AI", "/v1beta/models/gemini%2Fm:generateContent", told(contents, ""), told(geminiAnswer, `,"trafficType":"ON_DEMAND_FLEX"`), "$0.0015", ""},
		{"traffic on demand", "/v1beta/models/gemini%2Fm:generateContent", told(contents, `,"serviceTier":"flex"`), told(geminiAnswer, `,"trafficType":"ON_DEMAND"`), "$0.003", ""},
		{"a tier of Converse", "/model/aws%2Fm/converse", `{"messages":[{"role":"user","content":[{"text":"Hello"}]}],"serviceTier":{"type":"priority"}}`, told(converseAnswer, ""), "$0.006", ""},
		{"a tier that Converse states", "/model/aws%2Fm/converse", `{"messages":[{"role":"user","content":[{"text":"Hello"}]}],"serviceTier":{"type":"priority"}}`, told(converseAnswer, `,"serviceTier":{"type":"default"}`), "$0.003", ""},

		{"searches in a small context", "/v1/chat/completions", `{"model":"mine/m","web_search_options":{"search_context_size":"low"},` + hello + `}`, searched(""), "$0.023", ""},
		{"searches in a context that is stated", "/v1/chat/completions", `{"model":"mine/m","web_search_options":{"search_context_size":"low"},` + hello + `}`, searched(`,"search_context_size":"high"`), "$0.103", ""},
		{
			"searches of responses", "/v1/responses", `{"model":"mine/m","store":false,"input":"Hello","tools":[{"type":"web_search","search_context_size":"high"}]}`,
			strings.Replace(told(responsesAnswer, `"tool_usage":{"web_search":{"num_requests":1}},`), "Hi", "Found", 1), "$0.053", "",
		},
		{"research", "/v1/chat/completions", `{"model":"mine/deep",` + hello + `}`, strings.Replace(told(chatAnswer, ""), `"total_tokens":1100`, `"total_tokens":1100,"citation_tokens":500,"num_search_queries":4`, 1), "$0.0238", ""},

		{"images apiece", "/v1/images/generations", `{"model":"mine/draw","prompt":"p","n":2}`, `{"created":1,"data":[{"url":"u"},{"url":"v"}]}`, "$0.08", ""},
		{"images by quality and size", "/v1/images/generations", `{"model":"mine/draw","prompt":"p","quality":"hd","size":"1024x1792"}`, `{"created":1,"data":[{"url":"u"}]}`, "$0.12", ""},
		{"an image that is the answer", "/v1/images/generations", `{"model":"mine/draw","prompt":"p","size":"256x256"}`, "picture", "$0.01", ""},
		{"images by size", "/v1/images/generations", `{"model":"mine/draw","prompt":"p","size":"256x256"}`, `{"created":1,"data":[{"url":"u"}]}`, "$0.01", ""},
		{"images as the answer says they are", "/v1/images/generations", `{"model":"mine/draw","prompt":"p","size":"auto"}`, `{"created":1,"size":"256x256","quality":"low","data":[{"b64_json":"aGk="}]}`, "$0.01", ""},
		{"images of another model", "/v1/images/generations", `{"model":"openai/dall-e-3","prompt":"p","quality":"hd","size":"1024x1792","n":1}`, `{"created":1,"data":[{"url":"u"}]}`, "$0.12", ""},
		{
			"images that are priced in tokens", "/v1/images/generations", `{"model":"openai/gpt-image-1","prompt":"p","quality":"low","size":"1024x1024"}`,
			`{"created":1,"data":[{"b64_json":"aGk="}],"usage":{"input_tokens":10,"output_tokens":272,"total_tokens":282,"output_tokens_details":{"image_tokens":272,"text_tokens":0}}}`, "$0.01093", "",
		},
		{"images whose tokens nobody counted", "/v1/images/generations", `{"model":"openai/gpt-image-1","prompt":"p","quality":"low"}`, `{"created":1,"data":[{"b64_json":"aGk="}]}`, "$0.011", ""},
		{"what the answer itself states", "/v1/images/generations", `{"model":"xai/grok-imagine-image","prompt":"p"}`, `{"data":[{"url":"u"}],"usage":{"cost_in_usd_ticks":700000000}}`, "$0.07", ""},
		{"images of invoke", "/model/aws%2Fdraw/invoke", `{"taskType":"TEXT_IMAGE"}`, `{"images":["aGk=","aGk="],"error":null}`, "$0.08", ""},
		{"an image that is read", "/model/aws%2Fsee/invoke", `{"inputText":"a","inputImage":"aGk="}`, `{"embedding":[1],"inputTextTokenCount":1000}`, "$0.00106", ""},

		{"embeddings that nobody counted", "/v1beta/models/embed%2Fm:embedContent", `{"content":{"parts":[{"text":"hello hello hello hello"}]}}`, `{"embedding":{"values":[0.5]}}`, "$0.000008", ""},
		{
			"embeddings of an image that nobody counted", "/v1beta/models/embed%2Fm:embedContent", `{"content":{"parts":[{"inlineData":{"mimeType":"image/png","data":"aGk="}}]}}`, `{"embedding":{"values":[0.5]}}`,
			"$0.00", "priced by input, and nothing of that was counted",
		},
		{"embeddings that were counted", "/v1/embeddings", `{"model":"mine/plain","input":"hello"}`, `{"object":"list","model":"m","data":[{"object":"embedding","index":0,"embedding":[0.5]}],"usage":{"prompt_tokens":1000,"total_tokens":1000}}`, "$0.002", ""},

		{"characters spoken", "/v1/audio/speech", `{"model":"mine/say","input":"Grüße, 世界!","voice":"v"}`, "sound", "$0.00015", ""},
		{"characters of another model", "/v1/audio/speech", `{"model":"openai/tts-1-hd","input":"ten \"chars\"","voice":"v"}`, "sound", "$0.00033", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			kind := "application/json"
			switch c.answer {
			case "sound":
				kind = "audio/mpeg"
			case "picture":
				kind = "image/png"
			}
			up := &replay.Upstream{Status: 200, Header: map[string]string{"content-type": kind}, Body: []byte(c.answer)}
			g := (&gatewaytest.Gateway{Upstream: up, Document: termsDocument}).Start(t)
			resp := g.Post(t, c.path, c.body)
			_ = resp.Body.Close()
			x := g.Wait(t, 1)[0]
			if x.Cost.String() != c.cost || x.Unpriced != c.unpriced || resp.StatusCode != http.StatusOK {
				t.Errorf("%d: %s, unpriced %q, want %s, %q; price %s", resp.StatusCode, x.Cost, x.Unpriced, c.cost, c.unpriced, x.Price)
			}
		})
	}
}

// TestTermsOfAForm reads the size of images out of a form.
func TestTermsOfAForm(t *testing.T) {
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for name, value := range map[string]string{"model": "mine/draw", "prompt": "p", "size": "256x256"} {
		if err := w.WriteField(name, value); err != nil {
			t.Fatal(err)
		}
	}
	file, err := w.CreateFormFile("image", "a.png")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = file.Write([]byte("picture"))
	_ = w.Close()
	up := &replay.Upstream{Status: 200, Header: map[string]string{"content-type": "application/json"}, Body: []byte(`{"created":1,"data":[{"url":"u"},{"url":"v"}]}`)}
	g := (&gatewaytest.Gateway{Upstream: up, Document: termsDocument}).Start(t)
	req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/images/edits", &body)
	req.Header = http.Header{"Authorization": {"Bearer " + gatewaytest.Key}, "Content-Type": {w.FormDataContentType()}}
	g.Handler.ServeHTTP(httptest.NewRecorder(), req)
	if x := g.Wait(t, 1)[0]; x.Cost.String() != "$0.02" || x.Unpriced != "" {
		t.Errorf("%d: %s, unpriced %q", x.Status, x.Cost, x.Unpriced)
	}
}

// TestSecondsOfSound prices sound by how long it is where nobody states it: what was spoken, and what was listened to.
func TestSecondsOfSound(t *testing.T) {
	var wav bytes.Buffer // two seconds of one channel of 8 bits at 8 kHz
	wav.WriteString("RIFF\x00\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x40\x1f\x00\x00\x40\x1f\x00\x00\x01\x00\x08\x00data\x80\x3e\x00\x00")
	wav.Write(make([]byte, 16000))
	for _, c := range []struct {
		name, path, format, answer, kind, cost, unpriced string
		body                                             []byte
	}{
		{"spoken", "/v1/audio/speech", "wav", wav.String(), "audio/wav", "$0.0006", "", nil},
		{"spoken as samples", "/v1/audio/speech", "pcm", string(make([]byte, 24000)), "audio/pcm", "$0.00015", "", nil},
		{"spoken in what is not known", "/v1/audio/speech", "mp3", "sound", "audio/mpeg", "$0.00", "priced by second, second_output, and nothing of that was counted", nil},
		{"heard", "/v1/audio/transcriptions", "", `{"text":"Hello"}`, "application/json", "$0.0002", "", wav.Bytes()},
		{"heard, and told in words alone", "/v1/audio/transcriptions", "", "Hello", "text/plain", "$0.0002", "", wav.Bytes()},
		{"heard as it is stated", "/v1/audio/transcriptions", "", `{"text":"Hello","usage":{"type":"duration","seconds":3}}`, "application/json", "$0.0003", "", wav.Bytes()},
		{"heard in what is not known", "/v1/audio/transcriptions", "", `{"text":"Hello"}`, "application/json", "$0.00", "priced by second, second_output, and nothing of that was counted", []byte("sound")},
	} {
		up := &replay.Upstream{Status: 200, Header: map[string]string{"content-type": c.kind}, Body: []byte(c.answer)}
		g := (&gatewaytest.Gateway{Upstream: up, Document: `version: 1
providers: { mine: { base_url: "http://127.0.0.1:9/v1", speaks: [openai-audio], api_key: k, prices: { m: { second: $0.0001, second_output: $0.0003 } } } }
keys: [{ name: test, key: ` + gatewaytest.Key + `, models: ["*"] }]
`}).Start(t)
		body, kind := bytes.NewBufferString(`{"model":"mine/m","input":"Hello","voice":"v","response_format":"`+c.format+`"}`), "application/json"
		if c.body != nil {
			body = &bytes.Buffer{}
			w := multipart.NewWriter(body)
			_ = w.WriteField("model", "mine/m")
			file, err := w.CreateFormFile("file", "a.wav")
			if err != nil {
				t.Fatal(err)
			}
			_, _ = file.Write(c.body)
			_ = w.Close()
			kind = w.FormDataContentType()
		}
		req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, c.path, body)
		req.Header = http.Header{"Authorization": {"Bearer " + gatewaytest.Key}, "Content-Type": {kind}}
		g.Handler.ServeHTTP(httptest.NewRecorder(), req)
		if x := g.Wait(t, 1)[0]; x.Cost.String() != c.cost || x.Unpriced != c.unpriced || x.Status != http.StatusOK {
			t.Errorf("%s: %d %s, unpriced %q, want %s, %q", c.name, x.Status, x.Cost, x.Unpriced, c.cost, c.unpriced)
		}
	}
}

// TestNoCostWithoutAnAnswer: what is paid for by what was asked costs nothing where it was refused.
func TestNoCostWithoutAnAnswer(t *testing.T) {
	up := &replay.Upstream{Status: 400, Header: map[string]string{"content-type": "application/json"}, Body: []byte(`{"error":{"message":"no such voice"}}`)}
	g := (&gatewaytest.Gateway{Upstream: up, Document: termsDocument}).Start(t)
	resp := g.Post(t, "/v1/audio/speech", `{"model":"mine/say","input":"Hello","voice":"v"}`)
	_ = resp.Body.Close()
	if x := g.Wait(t, 1)[0]; x.Cost != 0 || x.Unpriced != "" || x.Status != 400 {
		t.Errorf("%d: %s, unpriced %q", x.Status, x.Cost, x.Unpriced)
	}
}
