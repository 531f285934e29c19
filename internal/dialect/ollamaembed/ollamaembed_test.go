package ollamaembed

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"weir/internal/dialect"
	"weir/internal/dialect/dialecttest"
	"weir/internal/fault"
	"weir/internal/llm"
)

var named = dialecttest.Named{Dialect: New(), Body: `{"input" : ["a\u0022model", "b"],"options":{"model":"x", "n": 1e400},  "model":"the-model" }`}

func TestFace(t *testing.T)   { named.Face(t) }
func FuzzPeek(f *testing.F)   { named.Fuzz(f) }
func codec() dialect.Embedder { return New().(dialect.Embedder) }

func TestReadFault(t *testing.T) {
	for _, test := range []struct {
		status int
		body   string
		kind   fault.Kind
	}{
		{404, `{"error":"model \"m\" not found, try pulling it first"}`, fault.NotFound},
		{400, `{"error":"the input length exceeds the context length"}`, fault.ContextLength},
		{400, `{"error":"invalid input type"}`, fault.Malformed},
		{503, `{"error":"server busy, please try again.  maximum pending requests exceeded"}`, fault.Overloaded},
	} {
		if f := New().ReadFault(test.status, nil, []byte(test.body)); f.Kind != test.kind || f.Message == "" {
			t.Errorf("%d %s: %+v, want %s", test.status, test.body, f, test.kind)
		}
	}
}

func TestMeter(t *testing.T) {
	numbers := "[[" + strings.Repeat("0.0123456789,", 2_000) + "1]]"
	for body, want := range map[string]*llm.Usage{
		`{"model":"m","embeddings":` + numbers + `,"total_duration":14,"prompt_eval_count":8}`: {Said: llm.SaidInput, Input: 8},
		`{"prompt_eval_count":7,"model":"m","embeddings":` + numbers + `}`:                     {Said: llm.SaidInput, Input: 7},
		`{"model":"m","embeddings":[[1]]}`:                                                     nil,
		`{"model":"m","prompt_eval_count":-1}`:                                                 nil,
		`{"model":"m","prompt_eval_count":"8"}`:                                                nil,
	} {
		m := New().Meter()
		m.Body([]byte(body))
		got := m.Read()
		if diff := cmp.Diff(want, got.Usage); diff != "" || got.Model != "m" || !got.Began || !got.Ended {
			t.Errorf("%.80s: %+v\n%s", body, got, diff)
		}
	}
}

func text(s, path string) llm.EmbedInput {
	return llm.EmbedInput{Parts: []llm.Part{{Kind: llm.PartText, Text: s, Path: path}}, Path: path}
}

func TestDecodeEmbed(t *testing.T) {
	for _, test := range []struct {
		body string
		want llm.Embed
	}{
		{`{"model":"m","input":"a"}`, llm.Embed{Model: "m", Form: "single", Inputs: []llm.EmbedInput{text("a", "input")}}},
		{
			`{"model":"m","input":["a","b"],"dimensions":256,"truncate":false,"keep_alive":"5m"}`,
			llm.Embed{Model: "m", Inputs: []llm.EmbedInput{text("a", "input[0]"), text("b", "input[1]")}, Dimensions: 256, Truncate: "none", Extra: llm.Extra{"keep_alive": []byte(`"5m"`)}},
		},
		{`{"model":"m","input":["a"],"truncate":true}`, llm.Embed{Model: "m", Inputs: []llm.EmbedInput{text("a", "input[0]")}, Truncate: "end"}},
	} {
		got, err := codec().DecodeEmbed(dialect.Call{Body: []byte(test.body)})
		if err != nil {
			t.Errorf("%s: %v", test.body, err)
			continue
		}
		test.want.From = llm.OllamaEmbed
		if diff := cmp.Diff(&test.want, got); diff != "" {
			t.Errorf("%s\n%s", test.body, diff)
		}
		again, losses, err := codec().EncodeEmbed(got, llm.Facts{Model: "m"})
		if err != nil || losses != nil || again.Path != Path || string(again.Body) != test.body {
			t.Errorf("encoded again: %s, %v, lost %v; want %s", again.Body, err, losses, test.body)
		}
	}
}

func TestDecodeEmbedRefuses(t *testing.T) {
	for body, param := range map[string]string{
		`{"model":"m"}`:                                "input",
		`{"model":"m","input":null}`:                   "input",
		`{"model":"m","input":[]}`:                     "input",
		`{"model":"m","input":{"text":"a"}}`:           "input",
		`{"model":"m","input":["a",1]}`:                "input[1]",
		`{"model":"m","input":"a","truncate":"end"}`:   "truncate",
		`{"model":"m","input":"a","dimensions":"big"}`: "dimensions",
	} {
		_, err := codec().DecodeEmbed(dialect.Call{Body: []byte(body)})
		if f, ok := errors.AsType[*fault.Fault](err); !ok || f.Kind != fault.Malformed || f.Param != param {
			t.Errorf("%s: %+v, want Malformed of %q", body, err, param)
		}
	}
}

// lost names what was lost and how much.
func lost(losses []llm.Loss) string {
	var all []string
	for _, l := range losses {
		all = append(all, l.Path+" "+l.Grade.String())
	}
	return strings.Join(all, ", ")
}

func TestEncodeForeignEmbed(t *testing.T) {
	one := []llm.EmbedInput{text("a", "texts[0]")}
	for _, test := range []struct {
		name, want, lost string
		e                llm.Embed
	}{
		{"what is too long is refused", `{"model":"up","input":["a"],"truncate":false}`, "", llm.Embed{From: llm.OpenAIEmbeddings, Inputs: one}},
		{"what is too long is cut", `{"model":"up","input":["a"],"dimensions":8,"truncate":true}`, "", llm.Embed{From: llm.CohereEmbed, Inputs: one, Dimensions: 8, Truncate: "end"}},
		{
			"what has no place", `{"model":"up","input":["a"]}`, "truncate dropped, input_type dropped, embedding_types dropped, odd dropped",
			llm.Embed{From: llm.CohereEmbed, Inputs: one, Truncate: "start", Task: llm.EmbedQuery, Types: []string{"float", "int8"}, Extra: llm.Extra{"odd": []byte("1")}},
		},
		{
			"a user", `{"model":"up","input":["a"],"truncate":false}`, "user dropped",
			llm.Embed{From: llm.OpenAIEmbeddings, Inputs: one, User: "u"},
		},
		{
			"several texts", `{"model":"up","input":["a\nb"]}`, "content changed, content.title dropped",
			llm.Embed{From: llm.GeminiEmbeddings, Inputs: []llm.EmbedInput{{Path: "content", Title: "t", Parts: []llm.Part{{Kind: llm.PartText, Text: "a"}, {Kind: llm.PartText, Text: "b"}}}}},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			call, losses, err := codec().EncodeEmbed(&test.e, llm.Facts{Model: "up"})
			if err != nil || string(call.Body) != test.want || lost(losses) != test.lost || call.Path != Path || call.Op != llm.OpEmbeddings {
				t.Errorf("%s %s, lost %s, %v\nwant %s, lost %s", call.Path, call.Body, lost(losses), err, test.want, test.lost)
			}
		})
	}
	for param, e := range map[string]llm.Embed{
		"input[0]":        {From: llm.OpenAIEmbeddings, Inputs: []llm.EmbedInput{{Path: "input[0]", Tokens: []byte("[1]")}}},
		"images[0]":       {From: llm.CohereEmbed, Inputs: []llm.EmbedInput{{Parts: []llm.Part{{Kind: llm.PartImage, Path: "images[0]", Media: &llm.Blob{Data: "AAAA"}}}}}},
		"embedding_types": {From: llm.CohereEmbed, Inputs: one, Types: []string{"int8"}},
	} {
		_, _, err := codec().EncodeEmbed(&e, llm.Facts{Model: "up"})
		if f, ok := errors.AsType[*fault.Fault](err); !ok || f.Kind != fault.Unsupported || f.Param != param {
			t.Errorf("%s: %+v", param, err)
		}
	}
}

func TestAnswers(t *testing.T) {
	const body = `{"model":"m","embeddings":[[1,0.50],[2]],"prompt_eval_count":4,"total_duration":14}`
	a, err := codec().DecodeEmbedding([]byte(body))
	want := &llm.Embeddings{
		From: llm.OllamaEmbed, Model: "m", Usage: &llm.Usage{Said: llm.SaidInput, Input: 4}, Extra: llm.Extra{"total_duration": []byte("14")},
		Vectors: []llm.Vector{{Index: 0, Array: []byte("[1,0.50]")}, {Index: 1, Array: []byte("[2]")}},
	}
	if diff := cmp.Diff(want, a); err != nil || diff != "" {
		t.Fatal(err, diff)
	}
	out, losses, err := codec().EncodeEmbedding(&llm.Embed{}, a)
	if err != nil || len(losses) > 0 || string(out) != body {
		t.Errorf("%s, lost %v, %v\nwant %s", out, losses, err, body)
	}
	for _, bad := range []string{`{}`, `{"embeddings":{}}`, `{"embeddings":["AACAPw=="]}`, `{"embeddings":[1]}`} {
		_, err := codec().DecodeEmbedding([]byte(bad))
		if f, ok := errors.AsType[*fault.Fault](err); !ok || f.Kind != fault.Upstream || f.Origin != fault.There {
			t.Errorf("%s: %v", bad, err)
		}
	}

	foreign := &llm.Embeddings{
		From: llm.OpenAIEmbeddings, ID: "e1", Vectors: []llm.Vector{{Base64: "AACAPw=="}}, Extra: llm.Extra{"odd": []byte("1")},
		Usage: &llm.Usage{Said: llm.SaidInput | llm.SaidInputImage, Input: 3, InputImage: 2},
	}
	foreign.Else.Model = "asked"
	out, losses, err = codec().EncodeEmbedding(&llm.Embed{}, foreign)
	const told, gone = `{"model":"asked","embeddings":[[1]],"prompt_eval_count":3}`, "answer.usage.input_image dropped, answer.id dropped, answer.odd dropped"
	if err != nil || string(out) != told || lost(losses) != gone {
		t.Errorf("%s, lost %s, %v\nwant %s, lost %s", out, lost(losses), err, told, gone)
	}
	if _, _, err := codec().EncodeEmbedding(&llm.Embed{}, &llm.Embeddings{Vectors: []llm.Vector{{Base64: "!"}}}); err == nil {
		t.Error("what is no base64 became a vector")
	}
}

func FuzzDecodeEmbed(f *testing.F) {
	dialecttest.FuzzEmbed(f, New(), named.Body, `{"model":"m","input":"a","truncate":true,"dimensions":3,"odd":{}}`, `{"model":"m","input":["a",""],"truncate":false}`)
}

func FuzzDecodeEmbedding(f *testing.F) {
	dialecttest.FuzzEmbedding(f, New(), &llm.Embed{From: llm.OllamaEmbed}, `{"model":"m","embeddings":[[1,2],[]],"prompt_eval_count":4,"odd":1}`)
}
