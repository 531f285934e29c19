package count

import (
	"bytes"
	"errors"
	"net/http"
	"strings"
	"testing"

	"weir/internal/dialect"
	"weir/internal/dialect/anthropic"
	"weir/internal/dialect/converse"
	"weir/internal/dialect/dialecttest"
	"weir/internal/dialect/gemini"
	"weir/internal/dialect/openaichat"
	"weir/internal/dialect/openairesponses"
	"weir/internal/dialect/tokenize"
	"weir/internal/fault"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// counting are the calls that ask how many tokens a small conversation has.
var counting = map[string]struct {
	face       *Face
	path, body string
	model      string
	answer     string
}{
	"messages": {
		New(anthropic.New()), "/v1/messages/count_tokens",
		`{"model":"the-model","system":"Be brief.","messages":[{"role":"user","content":"Hello"}]}`, "the-model", `{"input_tokens":14}`,
	},
	"responses": {
		New(openairesponses.New()), "/v1/responses/input_tokens",
		`{"model":"the-model","instructions":"Be brief.","input":"Hello"}`, "the-model", `{"object":"response.input_tokens","input_tokens":14}`,
	},
	"gemini": {
		New(gemini.New()), "/v1beta/models/the-model:countTokens",
		`{"contents":[{"role":"user","parts":[{"text":"Hello"}]}]}`, "the-model", `{"totalTokens":14}`,
	},
	"gemini wrapped": {
		New(gemini.New()), "/v1beta/models/the-model:countTokens",
		`{"generateContentRequest":{"model":"models/the-model","systemInstruction":{"parts":[{"text":"Be brief."}]},"contents":[{"role":"user","parts":[{"text":"Hello"}]}]}}`, "the-model", `{"totalTokens":14}`,
	},
	"converse": {
		New(converse.New()), "/model/the-model/count-tokens",
		`{"input":{"converse":{"system":[{"text":"Be brief."}],"messages":[{"role":"user","content":[{"text":"Hello"}]}]}}}`, "the-model", `{"inputTokens":14}`,
	},
	"vllm": {
		New(tokenize.New(openaichat.New())), "/tokenize",
		`{"model":"the-model","messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"Hello"}]}`, "the-model", `{"count":14}`,
	},
}

func TestNew(t *testing.T) {
	if New(openaichat.New()) != nil || New(nil) != nil {
		t.Error("a dialect counts that cannot")
	}
	for name, c := range counting {
		if c.face == nil || c.face.Codec() != nil {
			t.Errorf("%s: %v", name, c.face)
		}
	}
	if name := New(tokenize.New(openaichat.New())).Name(); name != llm.VLLMTokenize {
		t.Errorf("the face of vLLM is called %s", name)
	}
}

func TestPeekAndEdit(t *testing.T) {
	for name, c := range counting {
		t.Run(name, func(t *testing.T) {
			call := dialect.Call{Op: llm.OpCount, Path: c.path, Body: []byte(c.body)}
			head, err := c.face.Peek(&call)
			if err != nil || head != (llm.Head{Model: c.model}) {
				t.Fatalf("Peek: %+v, %v", head, err)
			}
			same, err := c.face.Edit(nil, call, dialect.Edit{MaxOutput: 5, WantUsage: true})
			if err != nil || string(same.Body) != c.body || same.Path != c.path {
				t.Errorf("unasked it became %s %s, %v", same.Path, same.Body, err)
			}
			dst := []byte("before")
			got, err := c.face.Edit(dst, call, dialect.Edit{Model: "b"})
			want := strings.ReplaceAll(c.body, "the-model", "b")
			if err != nil || string(got.Body) != want || got.Path != strings.Replace(c.path, "the-model", "b", 1) || string(dst) != "before" {
				t.Errorf("%s %s, %v; want %s", got.Path, got.Body, err, want)
			}
			if again, err := c.face.Peek(&got); err != nil || again.Model != "b" {
				t.Errorf("then it is read as %+v, %v", again, err)
			}
			if string(call.Body) != c.body || call.Path != c.path {
				t.Error("the call was changed in place")
			}
		})
	}
}

// What a conversation would be generated with is nothing to a count.
func TestHeadIsTheModel(t *testing.T) {
	call := dialect.Call{Path: "/v1beta/models/m:countTokens", Body: []byte(`{"contents":[],"generationConfig":{"maxOutputTokens":7,"candidateCount":2}}`)}
	if head, err := counting["gemini"].face.Peek(&call); err != nil || head != (llm.Head{Model: "m"}) {
		t.Errorf("%+v, %v", head, err)
	}
}

func TestPeekRefuses(t *testing.T) {
	const path = "/v1beta/models/m:countTokens"
	for _, c := range []struct {
		name, path, body, param string
	}{
		{"messages", "", `{"messages":[]}`, "model"},
		{"messages", "", `{"model":7}`, "model"},
		{"messages", "", `{"model":"a","Model":"b"}`, "model"},
		{"responses", "", `{"model":"a","model":"b"}`, "model"},
		{"responses", "", `{"model":"a"`, ""},
		{"gemini", path, `{"generateContentRequest":{"model":"models/other"}}`, "generateContentRequest.model"},
		{"gemini", path, `{"generateContentRequest":{"model":7}}`, "generateContentRequest.model"},
		{"gemini", path, `{"generateContentRequest":{"model":"m","Model":"m"}}`, "generateContentRequest"},
		{"gemini", path, `{"generateContentRequest":{},"GenerateContentRequest":{}}`, "generateContentRequest"},
		{"gemini", path, `{"generateContentRequest":["m"]}`, "generateContentRequest"},
		{"gemini", "/v1beta/models/:countTokens", `{}`, "model"},
		{"converse", "/model//count-tokens", `{}`, "modelId"},
		{"vllm", "", `{"messages":[]}`, "model"},
	} {
		call := dialect.Call{Op: llm.OpCount, Path: c.path, Body: []byte(c.body)}
		if call.Path == "" {
			call.Path = counting[c.name].path
		}
		head, err := counting[c.name].face.Peek(&call)
		if f, ok := errors.AsType[*fault.Fault](err); !ok || f.Kind != fault.Malformed || f.Param != c.param {
			t.Errorf("%s %s: %+v, %+v, want Malformed of %q", c.path, c.body, head, err, c.param)
		}
	}
}

func TestAllocations(t *testing.T) {
	for name, most := range map[string]float64{
		"messages": 1, "responses": 1, // the model's name
		"gemini": 3, "gemini wrapped": 4, "converse": 4, // and the path as the conversation has it
		"vllm": 2,
	} {
		c := counting[name]
		call := dialect.Call{Op: llm.OpCount, Path: c.path, Body: []byte(c.body)}
		got := testing.AllocsPerRun(100, func() {
			if _, err := c.face.Peek(&call); err != nil {
				t.Fatal(err)
			}
		})
		if got > most {
			t.Errorf("%s: Peek costs %v allocations, at most %v are allowed", name, got, most)
		}
	}
}

// TestTranslate asks every face what a client of every other asks.
func TestTranslate(t *testing.T) {
	for name, c := range counting {
		call := dialect.Call{Op: llm.OpCount, Path: c.path, Body: []byte(c.body)}
		req, _, err := c.face.Decode(call)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for to, up := range counting {
			t.Run(name+" to "+to, func(t *testing.T) {
				out, losses, err := up.face.Encode(req, llm.Facts{Model: "the-model", MaxOutput: 100})
				if err != nil || len(losses) > 0 || out.Path != up.path {
					t.Fatalf("%s %s, lost %v, %v", out.Path, out.Body, losses, err)
				}
				if err := rawjson.Check(out.Body); err != nil || bytes.Contains(out.Body, []byte("max")) {
					t.Errorf("%v: %s", err, out.Body)
				}
				if _, err := up.face.Peek(&out); err != nil {
					t.Fatalf("%s is refused: %v", out.Body, err)
				}
				back, _, err := up.face.Decode(out)
				if err != nil {
					t.Fatal(err)
				}
				if diff := dialecttest.Same(said(req), said(back)); diff != "" {
					t.Errorf("%s: %s", out.Body, diff)
				}
			})
		}
	}
}

// said are the texts of a conversation.
func said(r *llm.Request) []string {
	var all []string
	for i := range r.Messages {
		for j := range r.Messages[i].Parts {
			all = append(all, r.Messages[i].Parts[j].Text)
		}
	}
	return all
}

func TestDecodeSaysWhere(t *testing.T) {
	for name, want := range map[string]string{"messages": "", "gemini": "", "gemini wrapped": "generateContentRequest", "converse": "input.converse"} {
		c := counting[name]
		if _, within, err := c.face.Decode(dialect.Call{Path: c.path, Body: []byte(c.body)}); err != nil || within != want {
			t.Errorf("%s: within %q, %v; want %q", name, within, err, want)
		}
	}
	for name, c := range map[string]struct{ body, param string }{
		"converse":  {`{"input":{"invokeModel":{"body":"AAAA"}}}`, "input"},
		"responses": {`{"model":"m","input":"a","previous_response_id":"resp_1"}`, "previous_response_id"},
	} {
		_, _, err := counting[name].face.Decode(dialect.Call{Path: counting[name].path, Body: []byte(c.body)})
		if f, ok := errors.AsType[*fault.Fault](err); !ok || f.Kind != fault.Unsupported || f.Param != c.param {
			t.Errorf("%s: %+v", c.body, err)
		}
	}
}

// Vertex AI takes a conversation without its wrapping.
func TestVertexIsBare(t *testing.T) {
	req, _, err := counting["messages"].face.Decode(dialect.Call{Path: "/v1/messages/count_tokens", Body: []byte(counting["messages"].body)})
	if err != nil {
		t.Fatal(err)
	}
	out, _, err := counting["gemini"].face.Encode(req, llm.Facts{Model: "m", Provider: "vertex"})
	if err != nil || rawjson.Get(out.Body, "contents") == nil || rawjson.Get(out.Body, "systemInstruction") == nil || bytes.Contains(out.Body, []byte("generateContentRequest")) {
		t.Errorf("%s, %v", out.Body, err)
	}
}

func TestNumbers(t *testing.T) {
	for name, c := range counting {
		if got := c.face.Write(14); string(got) != c.answer {
			t.Errorf("%s: %s, want %s", name, got, c.answer)
		}
		if n, err := c.face.Read([]byte(c.answer)); n != 14 || err != nil {
			t.Errorf("%s: %s is read as %d, %v", name, c.answer, n, err)
		}
		for _, bad := range []string{`{}`, `{"tokens":14}`, strings.Replace(c.answer, "14", "-1", 1), strings.Replace(c.answer, "14", `"14"`, 1), strings.Replace(c.answer, "14", "1.5", 1)} {
			_, err := c.face.Read([]byte(bad))
			if f, ok := errors.AsType[*fault.Fault](err); !ok || f.Kind != fault.Upstream || f.Origin != fault.There {
				t.Errorf("%s: %s: %v", name, bad, err)
			}
		}
		m := c.face.Meter()
		if m.Body([]byte(c.answer)); m.Read().Usage != nil || !m.Read().Ended {
			t.Errorf("%s: what was counted is used: %+v", name, m.Read())
		}
	}
}

func TestFaults(t *testing.T) {
	f := fault.New(fault.NotFound, "no such model")
	for name, c := range counting {
		whole := c.face.Fault(nil, f, dialect.Whole)
		h := http.Header{}
		c.face.FaultHeader(h, f)
		if name == "converse" && h.Get("X-Amzn-Errortype") == "" {
			t.Errorf("%s: the head names no error: %v", name, h)
		}
		if back := c.face.ReadFault(404, h, whole); back.Kind != fault.NotFound || back.Message != f.Message {
			t.Errorf("%s: %s is read as %+v", name, whole, back)
		}
	}
}

func FuzzPeek(f *testing.F) {
	for _, c := range counting {
		f.Add([]byte(c.body))
	}
	f.Add([]byte(`{"generateContentRequest":{"model":"the-model","Model":"b"}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		for name, c := range counting {
			call := dialect.Call{Op: llm.OpCount, Path: c.path, Body: bytes.Clone(body)}
			if _, err := c.face.Peek(&call); err != nil {
				if f, ok := errors.AsType[*fault.Fault](err); !ok || f.Kind != fault.Malformed {
					t.Fatalf("%s: refused with %v", name, err)
				}
				continue
			}
			edited, err := c.face.Edit(nil, call, dialect.Edit{Model: "target"})
			if err != nil || !bytes.Equal(call.Body, body) {
				t.Fatalf("%s: Edit: %v; the body is now %q", name, err, call.Body)
			}
			if again, err := c.face.Peek(&edited); err != nil || again.Model != "target" {
				t.Fatalf("%s: %q became %q: %+v, %v", name, body, edited.Body, again, err)
			}
			req, _, err := c.face.Decode(call)
			if err != nil {
				if f, ok := errors.AsType[*fault.Fault](err); !ok || f.Kind != fault.Malformed && f.Kind != fault.Unsupported {
					t.Fatalf("%s: %q: %v", name, body, err)
				}
				continue
			}
			if out, _, err := c.face.Encode(req, llm.Facts{Model: "m"}); err == nil && rawjson.Check(out.Body) != nil {
				t.Fatalf("%s: no JSON: %q", name, out.Body)
			}
		}
		_, _ = counting["messages"].face.Read(body)
	})
}
