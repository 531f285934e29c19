package cohereembed

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

var named = dialecttest.Named{
	Dialect: New(),
	Body:    `{"texts": ["a\u0022model", "b"],  "model":"the-model" , "input_type":"search_query", "odd": 1e400}`,
}

func TestFace(t *testing.T)   { named.Face(t) }
func FuzzPeek(f *testing.F)   { named.Fuzz(f) }
func codec() dialect.Embedder { return New().(dialect.Embedder) }

func TestReadFault(t *testing.T) {
	for _, test := range []struct {
		status int
		body   string
		kind   fault.Kind
	}{
		{400, `{"message":"invalid request: texts must not be empty"}`, fault.Malformed},
		{401, `{"message":"invalid api token"}`, fault.UpstreamAuth},
		{404, `{"message":"model 'm' not found"}`, fault.NotFound},
		{429, `{"message":"You are using a Trial key, which is limited to 1000 API calls / month."}`, fault.Quota},
		{400, `{"message":"too many tokens: the limit is 512"}`, fault.ContextLength},
	} {
		if f := New().ReadFault(test.status, nil, []byte(test.body)); f.Kind != test.kind || f.Message == "" {
			t.Errorf("%d %s: %+v, want %s", test.status, test.body, f, test.kind)
		}
	}
}

func TestMeter(t *testing.T) {
	for body, want := range map[string]*llm.Usage{
		`{"id":"e1","embeddings":{"float":[[1]]},"texts":["\"meta\":{\"billed_units\":{\"input_tokens\":9}}"],"meta":{"billed_units":{"input_tokens":4}}}`: {
			Said: llm.SaidInput | llm.SaidBilledInput, Input: 4, BilledInput: 4,
		},
		`{"meta":{"billed_units":{"input_tokens":4,"image_tokens":10}},"id":"e1"}`: {
			Said: llm.SaidInput | llm.SaidBilledInput | llm.SaidInputImage, Input: 14, BilledInput: 14, InputImage: 10,
		},
		`{"id":"e1","meta":{"api_version":{"version":"2"}}}`:          nil,
		`{"id":"e1","meta":{"billed_units":{"input_tokens":-4}}}`:     nil,
		`{"id":"e1","meta":{"billed_units":{"input_tokens":"many"}}}`: nil,
		`{"id":"e1","meta":null}`:                                     nil,
	} {
		m := New().Meter()
		m.Body([]byte(body))
		got := m.Read()
		if diff := cmp.Diff(want, got.Usage); diff != "" || got.ID != "e1" || !got.Began || !got.Ended {
			t.Errorf("%s: %+v\n%s", body, got, diff)
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
		{
			`{"model":"m","texts":["a","b"],"input_type":"search_document","embedding_types":["float","int8"],"output_dimension":256,"truncate":"START","priority":3}`,
			llm.Embed{
				Model: "m", Form: "texts", Inputs: []llm.EmbedInput{text("a", "texts[0]"), text("b", "texts[1]")}, Task: llm.EmbedDocument, Native: "search_document",
				Types: []string{"float", "int8"}, Dimensions: 256, Truncate: "start", Extra: llm.Extra{"priority": []byte("3")},
			},
		},
		{
			`{"model":"m","texts":null,"images":["data:image/png;base64,AAAA","https://example.com/a.png"],"input_type":"image","embedding_types":null}`,
			llm.Embed{Model: "m", Form: "images", Task: llm.EmbedImage, Native: "image", Truncate: "end", Inputs: []llm.EmbedInput{
				{Path: "images[0]", Parts: []llm.Part{{Kind: llm.PartImage, Path: "images[0]", Media: &llm.Blob{Type: "image/png", Data: "AAAA"}}}},
				{Path: "images[1]", Parts: []llm.Part{{Kind: llm.PartImage, Path: "images[1]", Media: &llm.Blob{URL: "https://example.com/a.png"}}}},
			}},
		},
		{
			`{"model":"m","inputs":[{"content":[{"type":"text","text":"a"},{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}],"odd":1}],"input_type":"of my own"}`,
			llm.Embed{Model: "m", Form: "inputs", Native: "of my own", Truncate: "end", Inputs: []llm.EmbedInput{{
				Path: "inputs[0]", Extra: llm.Extra{"odd": []byte("1")},
				Parts: []llm.Part{{Kind: llm.PartText, Text: "a", Path: "inputs[0].content[0]"}, {Kind: llm.PartImage, Media: &llm.Blob{Type: "image/png", Data: "AAAA"}, Path: "inputs[0].content[1]"}},
			}}},
		},
	} {
		got, err := codec().DecodeEmbed(dialect.Call{Body: []byte(test.body)})
		if err != nil {
			t.Errorf("%s: %v", test.body, err)
			continue
		}
		test.want.From = llm.CohereEmbed
		if diff := cmp.Diff(&test.want, got); diff != "" {
			t.Errorf("%s\n%s", test.body, diff)
		}
		again, losses, err := codec().EncodeEmbed(got, llm.Facts{Model: "m"})
		if err != nil || losses != nil || again.Path != Path {
			t.Errorf("encoded again: %v, lost %v", err, losses)
		}
		if back, err := codec().DecodeEmbed(again); err != nil || len(dialecttest.Same(got, back)) > 0 {
			t.Errorf("%s became %s: %s", test.body, again.Body, dialecttest.Same(got, back))
		}
	}
}

func TestDecodeEmbedRefuses(t *testing.T) {
	for body, param := range map[string]string{
		`{"model":"m"}`:                                             "texts",
		`{"model":"m","texts":[]}`:                                  "texts",
		`{"model":"m","texts":"a"}`:                                 "texts",
		`{"model":"m","texts":["a",1]}`:                             "texts[1]",
		`{"model":"m","texts":["a"],"images":["b"]}`:                "images",
		`{"model":"m","inputs":[{"content":[]}]}`:                   "inputs[0].content",
		`{"model":"m","inputs":["a"]}`:                              "inputs[0].content",
		`{"model":"m","inputs":[{"content":[{"type":"sound"}]}]}`:   "inputs[0].content[0]",
		`{"model":"m","texts":["a"],"embedding_types":["float",1]}`: "embedding_types[1]",
		`{"model":"m","texts":["a"],"embedding_types":"float"}`:     "embedding_types",
		`{"model":"m","texts":["a"],"output_dimension":"many"}`:     "output_dimension",
		`{"model":"m","texts":["a"],"input_type":7}`:                "input_type",
		`{"model":"m","texts":["a"],"truncate":"MIDDLE"}`:           "truncate",
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
	in := func(s string) []llm.EmbedInput { return []llm.EmbedInput{text(s, "input")} }
	for _, test := range []struct {
		name, want, lost string
		e                llm.Embed
	}{
		{
			"a bare question", `{"model":"up","texts":["a"],"input_type":"search_document","embedding_types":["float"],"truncate":"NONE"}`, "input_type filled",
			llm.Embed{From: llm.OpenAIEmbeddings, Inputs: in("a")},
		},
		{
			"floats once", `{"model":"up","texts":["a"],"input_type":"search_query","embedding_types":["float","int8"],"output_dimension":64,"truncate":"NONE"}`, "user dropped, odd dropped",
			llm.Embed{From: llm.OpenAIEmbeddings, Inputs: in("a"), Types: []string{"base64", "float", "int8"}, Dimensions: 64, Task: llm.EmbedQuery, User: "u", Extra: llm.Extra{"odd": []byte("1")}},
		},
		{
			"the nearest task", `{"model":"up","texts":["a"],"input_type":"clustering","embedding_types":["float"]}`, "input.taskType changed",
			llm.Embed{From: llm.GeminiEmbeddings, Inputs: in("a"), Task: llm.EmbedSimilarity},
		},
		{
			"a word of its own", `{"model":"up","texts":["a"],"input_type":"search_document","embedding_types":["float"],"truncate":"END"}`, "input_type changed",
			llm.Embed{From: llm.OpenAIEmbeddings, Inputs: in("a"), Native: "passage", Truncate: "end"},
		},
		{
			"an image", `{"model":"up","inputs":[{"content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,iVBORw0KGgo"}}]}],"input_type":"image","embedding_types":["float"],"truncate":"NONE"}`, "",
			llm.Embed{From: llm.OpenAIEmbeddings, Task: llm.EmbedImage, Inputs: []llm.EmbedInput{{Parts: []llm.Part{{Kind: llm.PartImage, Media: &llm.Blob{Data: "iVBORw0KGgo"}}}}}},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			call, losses, err := codec().EncodeEmbed(&test.e, llm.Facts{Model: "up"})
			if err != nil || string(call.Body) != test.want || lost(losses) != test.lost || call.Path != Path || call.Op != llm.OpEmbeddings {
				t.Errorf("%s %s, lost %s, %v\nwant %s, lost %s", call.Path, call.Body, lost(losses), err, test.want, test.lost)
			}
		})
	}
	for param, inputs := range map[string][]llm.EmbedInput{
		"input[0]":  {{Path: "input[0]", Tokens: []byte("[1,2]")}},
		"input[1]":  {text("a", "input[0]"), {Path: "input[1]", Parts: []llm.Part{{Kind: llm.PartImage, Path: "input[1]", Media: &llm.Blob{URL: "https://example.com/a.png"}}}}},
		"input[96]": append(make([]llm.EmbedInput, 96), text("a", "input[96]")),
	} {
		_, _, err := codec().EncodeEmbed(&llm.Embed{From: llm.OpenAIEmbeddings, Inputs: inputs}, llm.Facts{Model: "up"})
		if f, ok := errors.AsType[*fault.Fault](err); !ok || f.Kind != fault.Unsupported || f.Param != param {
			t.Errorf("%s: %+v", param, err)
		}
	}
}

func TestAnswers(t *testing.T) {
	const body = `{"id":"e1","embeddings":{"float":[[1,0.50],[2]],"int8":[[1],[-2]],"base64":["AACAPw==","AAAAQA=="]},"texts":["a","b"],"response_type":"embeddings_by_type","meta":{"api_version":{"version":"2"},"billed_units":{"input_tokens":4}},"odd":{"a": 1}}`
	a, err := codec().DecodeEmbedding([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	want := &llm.Embeddings{
		From: llm.CohereEmbed, ID: "e1", Usage: &llm.Usage{Said: llm.SaidInput | llm.SaidBilledInput, Input: 4, BilledInput: 4}, Extra: llm.Extra{"odd": []byte(`{"a": 1}`)},
		Vectors: []llm.Vector{
			{Index: 0, Array: []byte("[1,0.50]")},
			{Index: 1, Array: []byte("[2]")},
			{Index: 0, Type: "int8", Array: []byte("[1]")},
			{Index: 1, Type: "int8", Array: []byte("[-2]")},
			{Index: 0, Base64: "AACAPw=="},
			{Index: 1, Base64: "AAAAQA=="},
		},
	}
	if diff := cmp.Diff(want, a); diff != "" {
		t.Fatal(diff)
	}
	e := &llm.Embed{From: llm.CohereEmbed, Form: "texts", Inputs: []llm.EmbedInput{text("a", ""), text("b", "")}, Types: []string{"float", "int8", "base64", "float"}}
	out, losses, err := codec().EncodeEmbedding(e, a)
	if err != nil || len(losses) > 0 || string(out) != body {
		t.Errorf("%s, lost %v, %v\nwant %s", out, losses, err, body)
	}
	for _, bad := range []string{`{}`, `{"embeddings":[[1]]}`, `{"embeddings":{}}`, `{"embeddings":{"float":[]}}`, `{"embeddings":{"float":["a"]}}`, `{"embeddings":{"base64":[[1]]}}`, `{"embeddings":{"int8":[null]}}`, `{"embeddings":{"float":[[1]],"float":[[2]]}}`} {
		_, err := codec().DecodeEmbedding([]byte(bad))
		if f, ok := errors.AsType[*fault.Fault](err); !ok || f.Kind != fault.Upstream || f.Origin != fault.There {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func TestForeignAnswers(t *testing.T) {
	floats := []llm.Vector{{Index: 0, Array: []byte("[1]")}}
	const head, tail = `{"id":"e1","embeddings":{`, `},"response_type":"embeddings_by_type","meta":{"api_version":{"version":"2"}}}`
	for _, test := range []struct {
		name, want, lost string
		types            []string
		a                llm.Embeddings
	}{
		{"floats", head + `"float":[[1]]` + tail, "answer.model dropped", nil, llm.Embeddings{Model: "m", Vectors: floats}},
		{"base64 of floats", head + `"base64":["AACAPw=="]` + tail, "", []string{"base64"}, llm.Embeddings{Vectors: floats}},
		{"floats of base64", head + `"float":[[1]]` + tail, "", []string{"float"}, llm.Embeddings{Vectors: []llm.Vector{{Base64: "AACAPw=="}}}},
		{"the one form that was asked for", head + `"int8":[[1]]` + tail, "", []string{"int8"}, llm.Embeddings{Vectors: floats}},
		{
			"what it has no place for", head + `"float":[[1]]},"response_type":"embeddings_by_type","meta":{"api_version":{"version":"2"},"billed_units":{"input_tokens":3}}}`,
			"answer.usage.cost dropped, answer.odd dropped", nil,
			llm.Embeddings{Vectors: floats, Usage: &llm.Usage{Said: llm.SaidInput, Input: 3, Cost: "0.1"}, Extra: llm.Extra{"odd": []byte("1")}},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.a.From, test.a.Else.ID = llm.OpenAIEmbeddings, "e1"
			out, losses, err := codec().EncodeEmbedding(&llm.Embed{From: llm.CohereEmbed, Form: "inputs", Types: test.types}, &test.a)
			if err != nil || string(out) != test.want || lost(losses) != test.lost {
				t.Errorf("%s, lost %s, %v\nwant %s, lost %s", out, lost(losses), err, test.want, test.lost)
			}
		})
	}
	_, _, err := codec().EncodeEmbedding(&llm.Embed{Types: []string{"int8", "uint8"}}, &llm.Embeddings{From: llm.OpenAIEmbeddings, Vectors: floats})
	if f, ok := errors.AsType[*fault.Fault](err); !ok || f.Kind != fault.Upstream {
		t.Errorf("an answer without a form that was asked for: %v", err)
	}
	for _, bad := range []llm.Vector{{Base64: "!"}, {Base64: "AAAA"}, {Array: []byte(`["a"]`)}} {
		_, _, err := codec().EncodeEmbedding(&llm.Embed{Types: []string{"float", "base64"}}, &llm.Embeddings{From: llm.OpenAIEmbeddings, Vectors: []llm.Vector{bad}})
		if f, ok := errors.AsType[*fault.Fault](err); !ok || f.Kind != fault.Upstream {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}

func FuzzDecodeEmbed(f *testing.F) {
	dialecttest.FuzzEmbed(f, New(), named.Body,
		`{"model":"m","texts":["a"],"embedding_types":["float","base64"],"truncate":"START","output_dimension":3,"odd":{}}`,
		`{"model":"m","inputs":[{"content":[{"type":"text","text":"a"},{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}]}]}`,
		`{"model":"m","images":["data:;base64,AAAA","data:"]}`)
}

func FuzzDecodeEmbedding(f *testing.F) {
	dialecttest.FuzzEmbedding(f, New(), &llm.Embed{From: llm.CohereEmbed},
		`{"id":"e","embeddings":{"float":[[1,2]],"int8":[[1]],"base64":["AACAPw=="]},"meta":{"billed_units":{"input_tokens":4,"image_tokens":2}},"odd":1}`)
}
