package ollama

import (
	"strings"
	"testing"

	"weir/internal/fault"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// ask returns a request of a chat client with the given turns.
func ask(messages ...llm.Message) *llm.Request {
	for i := range messages {
		m := &messages[i]
		m.Path = "messages[" + string(rune('0'+i)) + "]"
		for j := range m.Parts {
			m.Parts[j].Path = m.Path + "." + string(rune('a'+j))
		}
	}
	return &llm.Request{From: llm.OpenAIChat, Model: "asked", Messages: messages}
}

func says(role llm.Role, parts ...llm.Part) llm.Message { return llm.Message{Role: role, Parts: parts} }

func said(s string) llm.Part { return llm.Part{Kind: llm.PartText, Text: s} }

func call(id, args string) llm.Part {
	return llm.Part{Kind: llm.PartCall, ID: id, Name: "look", Args: args}
}

func result(id string, parts ...llm.Part) llm.Part {
	return llm.Part{Kind: llm.PartResult, ID: id, Result: parts}
}

func image(b llm.Blob) llm.Part { return llm.Part{Kind: llm.PartImage, Media: &b} }

func TestTurns(t *testing.T) {
	const called = `{"role":"user","content":"a"},{"role":"assistant","content":"","tool_calls":[{"id":"1","function":{"index":0,"name":"look","arguments":{}}}]}`
	tests := []struct {
		name     string
		req      *llm.Request
		messages string
		lost     string
	}{
		{
			"texts are joined, empty ones left out", ask(says(llm.Developer, said("s")), says(llm.User, said("a"), said(""), said("b")), says(llm.Assistant, said(""))),
			`[{"role":"system","content":"s"},{"role":"user","content":"a\n\nb"}]`, "",
		},
		{
			"an image stands before the text", ask(says(llm.User, image(llm.Blob{Type: "image/png", Data: "iVBORw0KGgo="}), said("a"), image(llm.Blob{Data: "/9j/AA=="}))),
			`[{"role":"user","content":"a","images":["iVBORw0KGgo="]},{"role":"user","content":"","images":["/9j/AA=="]}]`, "",
		},
		{
			"results", ask(says(llm.User, said("a")), says(llm.Assistant, call("1", "")), says(llm.User, said("b"), result("1", said("x"), said("y")))),
			`[` + called + `,{"role":"tool","content":"x\n\ny","tool_name":"look","tool_call_id":"1"},{"role":"user","content":"b"}]`, "",
		},
		{
			"a failed result with an image", ask(says(llm.User, said("a")), says(llm.Assistant, call("1", "")), says(llm.User, func() llm.Part {
				in := image(llm.Blob{Data: "iVBORw0KGgo="})
				in.Path = "messages[2].a[1]"
				p := result("1", said("no"), in)
				p.Failed = true
				return p
			}())),
			`[` + called + `,{"role":"tool","content":"Error: no","tool_name":"look","tool_call_id":"1"},{"role":"user","content":"From the result of tool call 1:"},{"role":"user","content":"","images":["iVBORw0KGgo="]}]`,
			"messages[2].a.is_error changed, messages[2].a[1] changed",
		},
		{
			"thoughts, without their seals", ask(says(llm.User, said("a")), says(llm.Assistant, said("b"), llm.Part{Kind: llm.PartReasoning, Text: "Hm", Seal: llm.Seal{By: "anthropic", Form: llm.SealSignature, Data: "x"}}, llm.Part{Kind: llm.PartReasoning, Seal: llm.Seal{By: "anthropic", Form: llm.SealEncrypted, Data: "x"}})),
			`[{"role":"user","content":"a"},{"role":"assistant","content":"b","thinking":"Hm"}]`, "messages[1] changed, messages[1].b.signature dropped, messages[1].c dropped",
		},
		{
			"broken arguments", ask(says(llm.User, said("a")), says(llm.Assistant, call("1", `{"a":`))),
			`[{"role":"user","content":"a"},{"role":"assistant","content":"","tool_calls":[{"id":"1","function":{"index":0,"name":"look","arguments":{"arguments":"{\"a\":"}}}]}]`, "messages[1].a changed",
		},
		{
			"a document of text", ask(says(llm.User, llm.Part{Kind: llm.PartFile, Media: &llm.Blob{Type: "text/plain", Data: "QWxsIGlzIHdlbGwu", Name: "report"}})),
			`[{"role":"user","content":"report\n\nAll is well."}]`, "messages[0].a changed",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			body, losses := encodeRequest(t, tt.req, llm.Facts{Model: "m"})
			if got := string(rawjson.Get([]byte(body), "messages")); got != tt.messages {
				t.Errorf("messages\n%s, want\n%s", got, tt.messages)
			}
			if got := paths(losses); got != tt.lost {
				t.Errorf("lost %s, want %s", got, tt.lost)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	medium := func(kind llm.PartKind, b llm.Blob) *llm.Request {
		return ask(says(llm.User, llm.Part{Kind: kind, Media: &b}))
	}
	for name, tt := range map[string]struct {
		req   *llm.Request
		param string
	}{
		"sound":            {medium(llm.PartAudio, llm.Blob{Type: "audio/wav", Data: "AAAA"}), "messages[0].a"},
		"video":            {medium(llm.PartVideo, llm.Blob{URL: "https://example.org/a.mp4"}), "messages[0].a"},
		"PDF":              {medium(llm.PartFile, llm.Blob{Type: "application/pdf", Data: "AAAA"}), "messages[0].a"},
		"image by address": {medium(llm.PartImage, llm.Blob{URL: "https://example.org/a.png"}), "messages[0].a"},
		"image by id":      {medium(llm.PartImage, llm.Blob{FileID: "f"}), "messages[0].a"},
		"nothing said":     {ask(says(llm.User, said(""))), "messages"},
	} {
		_, _, err := codec{}.EncodeRequest(tt.req, llm.Facts{Model: "m"})
		if f := fault.Of(err); err == nil || f.Kind != fault.Unsupported || f.Param != tt.param {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSettings(t *testing.T) {
	yes, no := true, false
	tool := func(name string) llm.Tool {
		return llm.Tool{Kind: llm.ToolFunction, Name: name, Path: "tools[" + name + "]"}
	}
	offered := func(name string) string {
		return `"tools":[{"type":"function","function":{"name":"` + name + `","parameters":{"type":"object","properties":{}}}}]`
	}
	tests := []struct {
		name, model string
		set         func(*llm.Request)
		want        string // after the messages
		lost        string
	}{
		{"sampling", "m", func(r *llm.Request) {
			r.Sampling = llm.Sampling{Temperature: "1.70", TopP: "0.50", TopK: "7", Seed: "8", Frequency: "0.5", Presence: "-1", TopLogprobs: 2}
			r.MaxOutput, r.Stop, r.Stream = 9, []string{"a", "b"}, true
		}, `"options":{"temperature":1.70,"top_p":0.50,"top_k":7,"seed":8,"frequency_penalty":0.5,"presence_penalty":-1,"num_predict":9,"stop":["a","b"]},"logprobs":true,"top_logprobs":2,"stream":true`, ""},
		{"one tool of many", "m", func(r *llm.Request) {
			r.Tools, r.Choice = []llm.Tool{tool("x"), tool("y")}, llm.ToolChoice{Mode: "one", Name: "y"}
		}, offered("y") + `,"stream":false`, "tool_choice changed, tools[x] dropped"},
		{"some tools of many", "m", func(r *llm.Request) {
			r.Tools, r.Choice = []llm.Tool{tool("x"), tool("y")}, llm.ToolChoice{Mode: "auto", Allowed: []string{"y"}}
		}, offered("y") + `,"stream":false`, "tool_choice changed"},
		{"any tool, one at a time", "m", func(r *llm.Request) {
			r.Tools, r.Choice = []llm.Tool{tool("x")}, llm.ToolChoice{Mode: "any", Parallel: &no}
		}, offered("x") + `,"stream":false`, "parallel_tool_calls dropped, tool_choice dropped"},
		{"no tool", "m", func(r *llm.Request) {
			r.Tools, r.Choice = []llm.Tool{tool("x")}, llm.ToolChoice{Mode: "none"}
		}, `"stream":false`, "tools[x] dropped"},
		{"strict tool", "m", func(r *llm.Request) { r.Tools = []llm.Tool{tool("x")}; r.Tools[0].Strict = &yes }, offered("x") + `,"stream":false`, "tools[x].function.strict dropped"},
		{"schema", "m", func(r *llm.Request) {
			r.Output = llm.Output{Kind: "schema", Name: "n", Description: "d", Strict: &no, Schema: []byte(`{"type": "object"}`)}
		}, `"format":{"type": "object"},"stream":false`, "response_format.json_schema.description dropped, response_format.json_schema.strict changed"},
		{"free JSON", "m", func(r *llm.Request) { r.Output.Kind = "json" }, `"format":"json","stream":false`, ""},
		{"effort where there are levels", "gpt-oss:20b", func(r *llm.Request) { r.Reasoning.Effort = "low" }, `"think":"low","stream":false`, ""},
		{"more than the highest level", "gpt-oss:20b", func(r *llm.Request) { r.Reasoning.Effort = "xhigh" }, `"think":"high","stream":false`, "reasoning_effort changed"},
		{"effort where there is a switch", "hf.co/someone/Qwen3-8B", func(r *llm.Request) { r.Reasoning.Effort = "low" }, `"think":true,"stream":false`, "reasoning_effort changed"},
		{"effort where it is not known", "m", func(r *llm.Request) { r.Reasoning.Effort = "low" }, `"stream":false`, "reasoning_effort changed"},
		{"effort where nothing thinks", "llama3.2", func(r *llm.Request) { r.Reasoning.Effort = "low" }, `"stream":false`, "reasoning_effort dropped"},
		{"on", "qwen3", func(r *llm.Request) { r.Reasoning.Mode = "on" }, `"think":true,"stream":false`, ""},
		{"off", "llama3.2", func(r *llm.Request) { r.Reasoning.Effort = "none" }, `"think":false,"stream":false`, ""},
		{"account", "m", func(r *llm.Request) {
			r.User, r.Tier, r.Answers, r.Extra = "u", "flex", 3, llm.Extra{"odd": []byte("1")}
		}, `"stream":false`, "n dropped, odd dropped, service_tier dropped, user dropped"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			req := ask(says(llm.User, said("a")))
			tt.set(req)
			body, losses := encodeRequest(t, req, llm.Facts{Model: tt.model})
			if want := `{"model":"` + tt.model + `","messages":[{"role":"user","content":"a"}],` + tt.want + `}`; body != want {
				t.Errorf("body %s\nwant %s", body, want)
			}
			if got := paths(losses); got != tt.lost {
				t.Errorf("lost %s, want %s", got, tt.lost)
			}
		})
	}
}

// What another dialect's client would read of an Ollama answer does not say more than it does: an answer with an image is
// told without it, since an SDK would fail on it.
func TestImagesOfAnswers(t *testing.T) {
	resp := &llm.Response{From: llm.GeminiGenerate, Choices: []llm.Choice{{Parts: []llm.Part{said("Look"), image(llm.Blob{Type: "image/png", Data: "iVBORw0KGgo="})}, Stop: llm.Stop{Reason: llm.StopEnd}}}}
	body, losses, err := codec{}.EncodeResponse(nil, resp)
	if err != nil || strings.Contains(string(body), "images") || paths(losses) != "answer.image dropped" {
		t.Errorf("%s, lost %s, %v", body, paths(losses), err)
	}
}

// What hangs on a part that has no place is lost with it, in a stream too.
func TestSealOfAnImage(t *testing.T) {
	resp := &llm.Response{From: llm.GeminiGenerate, ID: "a", Choices: []llm.Choice{{Stop: llm.Stop{Reason: llm.StopEnd}, Parts: []llm.Part{{
		Kind: llm.PartImage, Media: &llm.Blob{Type: "image/png", Data: "iVBORw0KGgo="}, Seal: llm.Seal{By: "google", Form: llm.SealSignature, Data: "x"},
	}}}}}
	const want = "answer.image dropped, answer.reasoning.signature dropped"
	if _, losses, err := (codec{}).EncodeResponse(nil, resp); err != nil || paths(losses) != want {
		t.Errorf("lost %s, %v", paths(losses), err)
	}
	if _, losses := encodeStream(t, llm.Replay(resp)); paths(losses) != want {
		t.Errorf("lost %s in a stream", paths(losses))
	}
}
