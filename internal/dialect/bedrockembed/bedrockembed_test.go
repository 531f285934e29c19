package bedrockembed

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"weir/internal/dialect"
	"weir/internal/dialect/dialecttest"
	"weir/internal/fault"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

func codec() dialect.Embedder { return New().(dialect.Embedder) }

func text(s, path string) llm.EmbedInput {
	return llm.EmbedInput{Parts: []llm.Part{{Kind: llm.PartText, Text: s, Path: path}}, Path: path}
}

// png begins as such a file does.
const png = "iVBORw0KGgoAAAA="

func picture(path string) llm.Part {
	return llm.Part{Kind: llm.PartImage, Media: &llm.Blob{Data: png}, Path: path}
}

// TestEncodeEmbed writes one request for each family, from another dialect and with all that can be said.
func TestEncodeEmbed(t *testing.T) {
	said := llm.Embed{
		From: llm.OpenAIEmbeddings, Model: "alias", Inputs: []llm.EmbedInput{text("a \"text\"", "input")}, Dimensions: 256,
		Task: llm.EmbedQuery, Native: "query", Truncate: "end", Types: []string{"base64"}, User: "u", Extra: llm.Extra{"odd": []byte("1")},
	}
	plain := llm.Embed{From: llm.OpenAIEmbeddings, Inputs: []llm.EmbedInput{text("a", "input")}}
	two := llm.Embed{From: llm.OpenAIEmbeddings, Inputs: []llm.EmbedInput{text("a", "input[0]"), text("b", "input[1]")}}
	both := llm.Embed{From: llm.CohereEmbed, Inputs: []llm.EmbedInput{{Path: "inputs[0]", Parts: []llm.Part{text("a", "inputs[0].content[0]").Parts[0], picture("inputs[0].content[1]")}}}}
	image := llm.Embed{From: llm.CohereEmbed, Task: llm.EmbedImage, Native: "image", Inputs: []llm.EmbedInput{{Path: "images[0]", Parts: []llm.Part{picture("images[0]")}}}}
	first := said
	first.Dimensions = 1536
	binary := plain
	binary.Types = []string{"float", "binary", "int8"}
	auto := plain
	auto.Truncate = "auto"
	for _, c := range []struct {
		name, model string
		e           llm.Embed
		path, body  string
		lost        string
	}{
		{"titan, first", "amazon.titan-embed-text-v1", first, "/model/amazon.titan-embed-text-v1/invoke", `{"inputText":"a \"text\""}`, "input_type odd truncation user"},
		{"titan", "amazon.titan-embed-text-v2:0", said, "/model/amazon.titan-embed-text-v2%3A0/invoke", `{"inputText":"a \"text\"","dimensions":256}`, "input_type odd truncation user"},
		{"titan, plain", "amazon.titan-embed-text-v2:0", plain, "/model/amazon.titan-embed-text-v2%3A0/invoke", `{"inputText":"a"}`, ""},
		{"titan, forms", "amazon.titan-embed-text-v2:0", binary, "/model/amazon.titan-embed-text-v2%3A0/invoke", `{"inputText":"a","embeddingTypes":["float","binary"]}`, "encoding_format"},
		{"titan, image", "amazon.titan-embed-image-v1", both, "/model/amazon.titan-embed-image-v1/invoke", `{"inputText":"a","inputImage":"` + png + `"}`, ""},
		{"titan, image of a length", "amazon.titan-embed-image-v1", said, "/model/amazon.titan-embed-image-v1/invoke", `{"inputText":"a \"text\"","embeddingConfig":{"outputEmbeddingLength":256}}`, "input_type odd truncation user"},
		{
			"nova", "amazon.nova-2-multimodal-embeddings-v1:0", said, "/model/amazon.nova-2-multimodal-embeddings-v1%3A0/invoke",
			`{"taskType":"SINGLE_EMBEDDING","singleEmbeddingParams":{"embeddingPurpose":"TEXT_RETRIEVAL","embeddingDimension":256,"text":{"truncationMode":"END","value":"a \"text\""}}}`, "odd user",
		},
		{
			"nova, plain", "us.amazon.nova-2-multimodal-embeddings-v1:0", plain, "/model/us.amazon.nova-2-multimodal-embeddings-v1%3A0/invoke",
			`{"taskType":"SINGLE_EMBEDDING","singleEmbeddingParams":{"embeddingPurpose":"GENERIC_INDEX","text":{"truncationMode":"NONE","value":"a"}}}`, "embeddingPurpose",
		},
		{
			"nova, image", "amazon.nova-2-multimodal-embeddings-v1:0", image, "/model/amazon.nova-2-multimodal-embeddings-v1%3A0/invoke",
			`{"taskType":"SINGLE_EMBEDDING","singleEmbeddingParams":{"embeddingPurpose":"IMAGE_RETRIEVAL","image":{"format":"png","source":{"bytes":"` + png + `"}}}}`, "",
		},
		{"cohere 3", "cohere.embed-english-v3", two, "/model/cohere.embed-english-v3/invoke", `{"texts":["a","b"],"input_type":"search_document"}`, "input_type"},
		{"cohere 3, cut", "cohere.embed-multilingual-v3", auto, "/model/cohere.embed-multilingual-v3/invoke", `{"texts":["a"],"input_type":"search_document","truncate":"END"}`, "input_type"},
		{"cohere 3, image", "cohere.embed-english-v3", image, "/model/cohere.embed-english-v3/invoke", `{"images":["data:image/png;base64,` + png + `"],"input_type":"image"}`, ""},
		{"cohere 4", "us.cohere.embed-v4:0", said, "/model/us.cohere.embed-v4%3A0/invoke", `{"texts":["a \"text\""],"input_type":"search_query","output_dimension":256,"truncate":"RIGHT"}`, "odd user"},
		{"cohere 4, forms", "cohere.embed-v4:0", binary, "/model/cohere.embed-v4%3A0/invoke", `{"texts":["a"],"input_type":"search_document","embedding_types":["float","binary","int8"]}`, "input_type"},
		{
			"cohere 4, both", "cohere.embed-v4:0", both, "/model/cohere.embed-v4%3A0/invoke",
			`{"inputs":[{"content":[{"type":"text","text":"a"},{"type":"image_url","image_url":"data:image/png;base64,` + png + `"}]}],"input_type":"search_document"}`, "input_type",
		},
		{
			"an ARN", "arn:aws:bedrock:us-east-1::foundation-model/amazon.titan-embed-text-v2:0", plain,
			"/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A%3Afoundation-model%2Famazon.titan-embed-text-v2%3A0/invoke", `{"inputText":"a"}`, "",
		},
	} {
		call, losses, err := codec().EncodeEmbed(&c.e, llm.Facts{Model: c.model})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		var lost []string
		for _, l := range losses {
			lost = append(lost, l.Path)
		}
		slices.Sort(lost)
		if call.Path != c.path || string(call.Body) != c.body || strings.Join(lost, " ") != c.lost || rawjson.Check(call.Body) != nil {
			t.Errorf("%s: %s\n%s\nlost %s, want %s\n%s\nlost %s", c.name, call.Path, call.Body, lost, c.path, c.body, c.lost)
		}
		if _, err := New().Peek(&call); err != nil {
			t.Errorf("%s: it does not pass its own door: %v", c.name, err)
		}
		back, err := codec().DecodeEmbed(call)
		if err != nil || back.Model != c.model || len(back.Inputs) != len(c.e.Inputs) {
			t.Errorf("%s: read again as %+v, %v", c.name, back, err)
			continue
		}
		again, losses, err := codec().EncodeEmbed(back, llm.Facts{Model: c.model})
		if err != nil || losses != nil {
			t.Errorf("%s: written again: %v, lost %v", c.name, err, losses)
		} else if v, _ := codec().DecodeEmbed(again); len(dialecttest.Same(back, v)) > 0 {
			t.Errorf("%s became %s: %s", call.Body, again.Body, dialecttest.Same(back, v))
		}
	}
}

func TestEncodeEmbedRefuses(t *testing.T) {
	one := func(change func(*llm.Embed)) llm.Embed {
		e := llm.Embed{From: llm.OpenAIEmbeddings, Inputs: []llm.EmbedInput{text("a", "input")}}
		change(&e)
		return e
	}
	for _, c := range []struct {
		model, param string
		e            llm.Embed
	}{
		{"anthropic.claude-3", "model", one(func(*llm.Embed) {})},
		{"amazon.titan-embed-text-v2:0", "input[1]", one(func(e *llm.Embed) { e.Inputs = append(e.Inputs, text("b", "input[1]")) })},
		{"amazon.titan-embed-text-v2:0", "dimensions", one(func(e *llm.Embed) { e.Dimensions = 300 })},
		{"amazon.titan-embed-text-v1", "dimensions", one(func(e *llm.Embed) { e.Dimensions = 256 })},
		{"amazon.titan-embed-image-v1", "dimensions", one(func(e *llm.Embed) { e.Dimensions = 512 })},
		{"cohere.embed-english-v3", "dimensions", one(func(e *llm.Embed) { e.Dimensions = 256 })},
		{"cohere.embed-v4:0", "dimensions", one(func(e *llm.Embed) { e.Dimensions = 300 })},
		{"amazon.nova-2-multimodal-embeddings-v1:0", "dimensions", one(func(e *llm.Embed) { e.Dimensions = 512 })},
		{"amazon.titan-embed-text-v2:0", "encoding_format", one(func(e *llm.Embed) { e.Types = []string{"int8"} })},
		{"amazon.titan-embed-text-v2:0", "input", one(func(e *llm.Embed) { e.Inputs[0] = llm.EmbedInput{Tokens: []byte("[1]"), Path: "input"} })},
		{"cohere.embed-v4:0", "input", one(func(e *llm.Embed) { e.Inputs[0] = llm.EmbedInput{Tokens: []byte("[1]"), Path: "input"} })},
		{"amazon.titan-embed-text-v2:0", "images[0]", one(func(e *llm.Embed) { e.Inputs[0].Parts = []llm.Part{picture("images[0]")} })},
		{"amazon.titan-embed-image-v1", "u", one(func(e *llm.Embed) {
			e.Inputs[0].Parts = []llm.Part{{Kind: llm.PartImage, Path: "u", Media: &llm.Blob{URL: "https://example.com/a.png"}}}
		})},
		{"cohere.embed-english-v3", "input", one(func(e *llm.Embed) { e.Inputs[0].Parts = append(e.Inputs[0].Parts, picture("x")) })},
		{"amazon.nova-2-multimodal-embeddings-v1:0", "input", one(func(e *llm.Embed) { e.Inputs[0].Parts = append(e.Inputs[0].Parts, picture("x")) })},
	} {
		_, _, err := codec().EncodeEmbed(&c.e, llm.Facts{Model: c.model})
		if f := fault.Of(err); err == nil || f.Kind != fault.Unsupported || f.Param != c.param {
			t.Errorf("%s: %v, want a refusal of %s", c.model, err, c.param)
		}
	}
}

func TestDecodeEmbedRefuses(t *testing.T) {
	for body, param := range map[string]string{
		`{}`:                                 "inputText",
		`{"inputText":5}`:                    "inputText",
		`{"texts":["a",1]}`:                  "texts[1]",
		`{"images":["https://example.com"]}`: "images[0]",
		`{"inputs":[{"content":[{"type":"sound"}]}]}`:                                     "inputs[0]",
		`{"singleEmbeddingParams":{},"taskType":"SEGMENTED_EMBEDDING"}`:                   "taskType",
		`{"singleEmbeddingParams":{"video":{}},"taskType":"SINGLE_EMBEDDING"}`:            "singleEmbeddingParams.video",
		`{"singleEmbeddingParams":{"text":{"source":{}}},"taskType":"SINGLE_EMBEDDING"}`:  "singleEmbeddingParams.text",
		`{"singleEmbeddingParams":{"image":{"source":{}}},"taskType":"SINGLE_EMBEDDING"}`: "singleEmbeddingParams.image",
		`{"texts":["a"],"input_type":"search_document","truncate":"MIDDLE"}`:              "truncate",
		`{"texts":["a"],"input_type":"search_document","output_dimension":"many"}`:        "output_dimension",
	} {
		_, err := codec().DecodeEmbed(dialect.Call{Path: "/model/m/invoke", Body: []byte(body)})
		if f := fault.Of(err); err == nil || f.Param != param {
			t.Errorf("%s: %v, want a refusal of %s", body, err, param)
		}
	}
}

// TestAnswers reads the answers of each family and writes them again in the same words.
func TestAnswers(t *testing.T) {
	vec := func(i int64, form, array string) llm.Vector {
		return llm.Vector{Index: i, Type: form, Array: []byte(array)}
	}
	for _, c := range []struct {
		form  family
		types []string
		body  string
		want  []llm.Vector
		usage int64
	}{
		{titanFirst, nil, `{"embedding":[0.5,-1e-3],"inputTextTokenCount":8}`, []llm.Vector{vec(0, "", "[0.5,-1e-3]")}, 8},
		{titanText, []string{"float", "binary"}, `{"embedding":[0.5],"embeddingsByType":{"float":[0.5],"binary":[1]},"inputTextTokenCount":8}`, []llm.Vector{vec(0, "", "[0.5]"), vec(0, "binary", "[1]")}, 8},
		{nova, nil, `{"embeddings":[{"embeddingType":"TEXT","embedding":[0.5]}]}`, []llm.Vector{vec(0, "", "[0.5]")}, 0},
		{cohere3, nil, `{"id":"e1","response_type":"embeddings_floats","embeddings":[[0.5],[1]]}`, []llm.Vector{vec(0, "", "[0.5]"), vec(1, "", "[1]")}, 0},
		{
			cohere4,
			[]string{"float", "int8"},
			`{"id":"e1","response_type":"embeddings_by_type","embeddings":{"float":[[0.5],[1]],"int8":[[5],[6]]}}`,
			[]llm.Vector{vec(0, "", "[0.5]"), vec(1, "", "[1]"), vec(0, "int8", "[5]"), vec(1, "int8", "[6]")},
			0,
		},
	} {
		a, err := codec().DecodeEmbedding([]byte(c.body))
		if err != nil {
			t.Errorf("%s: %v", c.body, err)
			continue
		}
		if diff := cmp.Diff(c.want, a.Vectors); diff != "" {
			t.Errorf("%s\n%s", c.body, diff)
		}
		if n, _ := a.Usage.Billable(); n != c.usage {
			t.Errorf("%s: usage %+v", c.body, a.Usage)
		}
		e := &llm.Embed{From: llm.BedrockEmbeddings, Form: string(c.form), Types: c.types, Inputs: []llm.EmbedInput{text("a", "")}}
		out, losses, err := codec().EncodeEmbedding(e, a)
		if err != nil || string(out) != c.body || losses != nil {
			t.Errorf("%s\nwas written as %s, lost %v, %v", c.body, out, losses, err)
		}
	}
	for _, body := range []string{`{}`, `{"embedding":5}`, `{"embeddings":[]}`, `{"embeddings":["a"]}`, `{"embeddings":{"float":[1]}}`, `{"embeddings":[{"embedding":1}]}`, `[]`} {
		if a, err := codec().DecodeEmbedding([]byte(body)); err == nil {
			t.Errorf("%s is read as %+v", body, a)
		}
	}
}

// TestAnswersOfOthers writes what OpenAI answered, in base64 too, in the words of each family.
func TestAnswersOfOthers(t *testing.T) {
	a := &llm.Embeddings{From: llm.OpenAIEmbeddings, Model: "m", Vectors: []llm.Vector{{Base64: "AAAAPwAAgL8="}}, Usage: &llm.Usage{Said: llm.SaidInput | llm.SaidTotal, Input: 3, Total: 3}}
	for form, want := range map[family]string{
		titanFirst: `{"embedding":[0.5,-1],"inputTextTokenCount":3}`,
		titanText:  `{"embedding":[0.5,-1],"embeddingsByType":{"float":[0.5,-1]},"inputTextTokenCount":3}`,
		nova:       `{"embeddings":[{"embeddingType":"TEXT","embedding":[0.5,-1]}]}`,
		cohere4:    `{"id":"x1","response_type":"embeddings_floats","embeddings":[[0.5,-1]]}`,
	} {
		a.Else.ID = "x1"
		out, losses, err := codec().EncodeEmbedding(&llm.Embed{From: llm.BedrockEmbeddings, Form: string(form), Inputs: []llm.EmbedInput{text("a", "")}}, a)
		if err != nil || string(out) != want || !slices.ContainsFunc(losses, func(l llm.Loss) bool { return l.Path == "answer.model" }) {
			t.Errorf("%s: %s, lost %v, %v", form, out, losses, err)
		}
	}
}

func TestTogether(t *testing.T) {
	texts := &llm.Embed{Inputs: []llm.EmbedInput{text("a", ""), text("b", "")}}
	mixed := &llm.Embed{Inputs: []llm.EmbedInput{text("a", ""), {Parts: []llm.Part{picture("")}}}}
	for _, c := range []struct {
		model string
		e     *llm.Embed
		want  int
	}{
		{"amazon.titan-embed-text-v2:0", texts, 1},
		{"amazon.nova-2-multimodal-embeddings-v1:0", texts, 1},
		{"cohere.embed-english-v3", texts, 96},
		{"cohere.embed-english-v3", mixed, 1},
		{"eu.cohere.embed-v4:0", mixed, 96},
		{"unknown", texts, 1},
	} {
		if got := New().(dialect.Together).Together(c.e, llm.Facts{Model: c.model}); got != c.want {
			t.Errorf("%s: %d, want %d", c.model, got, c.want)
		}
	}
}

func TestFace(t *testing.T) {
	c := dialect.Call{Path: "/model/amazon.titan-embed-text-v2%3A0/invoke", Body: []byte(`{"inputText":"a"}`)}
	h, err := New().Peek(&c)
	if err != nil || h != (llm.Head{Model: "amazon.titan-embed-text-v2:0"}) {
		t.Errorf("%+v, %v", h, err)
	}
	if out, err := New().Edit(nil, c, dialect.Edit{Model: "x:1"}); err != nil || out.Path != "/model/x%3A1/invoke" || string(out.Body) != string(c.Body) {
		t.Errorf("%+v, %v", out, err)
	}
	c.Path = "/model/m/invoke-with-response-stream"
	if _, err := New().Peek(&c); err == nil {
		t.Error("embeddings stream")
	}
	m := New().Meter()
	m.(dialect.HeadMeter).Head(http.Header{"X-Amzn-Bedrock-Input-Token-Count": {"12"}})
	m.Body([]byte(`{"embeddings":[[1]]}`))
	if r := m.Read(); r.Usage == nil || r.Usage.Input != 12 || !r.Ended {
		t.Errorf("%+v", r)
	}
	m = New().Meter()
	m.Body([]byte(`{"embedding":[1],"inputTextTokenCount":8}`))
	if r := m.Read(); r.Usage == nil || r.Usage.Input != 8 {
		t.Errorf("%+v", r)
	}
}

func FuzzDecodeEmbed(f *testing.F) {
	for _, s := range []string{
		`{"inputText":"a","inputImage":"aGk=","embeddingConfig":{"outputEmbeddingLength":256}}`, `{"texts":["a"],"input_type":"image","truncate":"END"}`,
		`{"inputs":[{"content":[{"type":"text","text":"a"},{"image_url":"data:image/png;base64,AA"}]}]}`,
		`{"taskType":"SINGLE_EMBEDDING","singleEmbeddingParams":{"text":{"value":"a"},"image":{"source":{"bytes":"AA"}}}}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		c := dialect.Call{Path: "/model/m/invoke", Body: body}
		if _, err := New().Peek(&c); err != nil {
			return
		}
		e, err := codec().DecodeEmbed(c)
		if err != nil {
			return
		}
		for _, model := range []string{"amazon.titan-embed-text-v2:0", "amazon.titan-embed-image-v1", "amazon.nova-2-multimodal-embeddings-v1:0", "cohere.embed-english-v3", "cohere.embed-v4:0"} {
			if call, _, err := codec().EncodeEmbed(e, llm.Facts{Model: model}); err == nil && rawjson.Check(call.Body) != nil {
				t.Errorf("%s: %q became %q", model, body, call.Body)
			}
		}
	})
}

func FuzzDecodeEmbedding(f *testing.F) {
	for _, s := range []string{`{"embedding":[1],"embeddingsByType":{"binary":[1]}}`, `{"embeddings":[[1]],"id":"a"}`, `{"embeddings":{"float":[[1]]}}`, `{"embeddings":[{"embedding":[1]}]}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if rawjson.Check(body) != nil {
			return
		}
		a, err := codec().DecodeEmbedding(body)
		if err != nil {
			return
		}
		for _, form := range []family{titanText, nova, cohere3, cohere4} {
			e := &llm.Embed{From: llm.BedrockEmbeddings, Form: string(form), Inputs: []llm.EmbedInput{text("a", "")}}
			if out, _, err := codec().EncodeEmbedding(e, a); err == nil && rawjson.Check(out) != nil {
				t.Errorf("%q became %q", body, out)
			}
		}
	})
}
