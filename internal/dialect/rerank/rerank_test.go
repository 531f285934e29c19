package rerank

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"weir/internal/dialect"
	"weir/internal/dialect/cohere"
	"weir/internal/dialect/dialecttest"
	"weir/internal/dialect/openaichat"
	"weir/internal/fault"
	"weir/internal/llm"
)

var (
	ofCohere = New(llm.CohereRerank, cohere.New())
	ofOpenAI = New(llm.OpenAIRerank, openaichat.New())
)

const call = `{"query":"\u0022model",  "documents": ["a", "b"],"model":"the-model" , "top_n":1, "odd": 1e400}`

func TestFace(t *testing.T) {
	for _, d := range []dialect.Dialect{ofCohere, ofOpenAI} {
		t.Run(string(d.Name()), dialecttest.Named{Dialect: d, Body: call}.Face)
	}
}

func FuzzPeek(f *testing.F) { dialecttest.Named{Dialect: ofOpenAI, Body: call}.Fuzz(f) }

func TestReadFault(t *testing.T) {
	if f := ofCohere.ReadFault(400, nil, []byte(`{"message":"too many tokens"}`)); f.Kind != fault.ContextLength {
		t.Errorf("Cohere's: %+v", f)
	}
	if f := ofOpenAI.ReadFault(404, nil, []byte(`{"error":{"message":"no such model","code":"model_not_found","param":"model"}}`)); f.Kind != fault.NotFound || f.Param != "model" {
		t.Errorf("OpenAI's: %+v", f)
	}
}

func TestMeter(t *testing.T) {
	for body, want := range map[string]*llm.Usage{
		`{"id":"r1","results":[{"index":0,"relevance_score":0.5,"document":{"usage":{"total_tokens":9}}}],"usage":{"total_tokens":4},"model":"m"}`: {
			Said: llm.SaidInput | llm.SaidTotal, Input: 4, Total: 4,
		},
		`{"id":"r1","model":"m","usage":{"prompt_tokens":3,"total_tokens":3,"cost":0.5}}`: {Said: llm.SaidInput | llm.SaidTotal, Input: 3, Total: 3, Cost: "0.5"},
		`{"meta":{"billed_units":{"search_units":2},"tokens":{"input_tokens":7}},"id":"r1","model":"m"}`: {
			Said: llm.SaidInput | llm.SaidSearches, Input: 7, Searches: 2,
		},
		`{"id":"r1","model":"m","meta":{"api_version":{"version":"2"}}}`: nil,
		`{"id":"r1","model":"m","usage":{"total_tokens":-4}}`:            nil,
		`{"id":"r1","model":"m","usage":"none"}`:                         nil,
	} {
		m := ofOpenAI.Meter()
		m.Body([]byte(body))
		got := m.Read()
		if diff := cmp.Diff(want, got.Usage); diff != "" || got.ID != "r1" || got.Model != "m" || !got.Began || !got.Ended {
			t.Errorf("%s: %+v\n%s", body, got, diff)
		}
	}
}

func codec(d dialect.Dialect) dialect.Reranker { return d.(dialect.Reranker) }

func doc(s, path string) llm.RerankDocument { return llm.RerankDocument{Text: s, Path: path} }

func TestDecodeRerank(t *testing.T) {
	for _, test := range []struct {
		d          dialect.Dialect
		body, back string // back: written again, "" = the same
		want       llm.Rerank
	}{
		{
			ofCohere, `{"model":"m","query":"q","documents":["a","b"],"top_n":1,"max_tokens_per_doc":100,"priority":3}`, "",
			llm.Rerank{Documents: []llm.RerankDocument{doc("a", "documents[0]"), doc("b", "documents[1]")}, Top: 1, Most: 100, Extra: llm.Extra{"priority": []byte("3")}},
		},
		{
			ofOpenAI, `{"model":"m","query":"q","documents":["a",{"text":"b","n": 1},{"image":"c"}],"return_documents":true}`, "",
			llm.Rerank{
				Return:    new(true),
				Documents: []llm.RerankDocument{doc("a", "documents[0]"), {Text: "b", Raw: []byte(`{"text":"b","n": 1}`), Path: "documents[1]"}, {Raw: []byte(`{"image":"c"}`), Path: "documents[2]"}},
			},
		},
		{
			ofOpenAI, `{"model":"m","query":"q","documents":["a"],"top_k":2}`, `{"model":"m","query":"q","documents":["a"],"top_n":2}`,
			llm.Rerank{Documents: []llm.RerankDocument{doc("a", "documents[0]")}, Top: 2},
		},
	} {
		got, err := codec(test.d).DecodeRerank(dialect.Call{Body: []byte(test.body)})
		if err != nil {
			t.Errorf("%s: %v", test.body, err)
			continue
		}
		test.want.From, test.want.Model, test.want.Query = test.d.Name(), "m", "q"
		if diff := cmp.Diff(&test.want, got); diff != "" {
			t.Errorf("%s\n%s", test.body, diff)
		}
		if test.back == "" {
			test.back = test.body
		}
		again, losses, err := codec(test.d).EncodeRerank(got, llm.Facts{Model: "m"})
		if err != nil || losses != nil || string(again.Body) != test.back {
			t.Errorf("encoded again: %s, %v, lost %v; want %s", again.Body, err, losses, test.back)
		}
	}
}

func TestDecodeRerankRefuses(t *testing.T) {
	for body, param := range map[string]string{
		`{"model":"m","documents":["a"]}`:                                     "query",
		`{"model":"m","query":7,"documents":["a"]}`:                           "query",
		`{"model":"m","query":"q"}`:                                           "documents",
		`{"model":"m","query":"q","documents":[]}`:                            "documents",
		`{"model":"m","query":"q","documents":"a"}`:                           "documents",
		`{"model":"m","query":"q","documents":["a",1]}`:                       "documents[1]",
		`{"model":"m","query":"q","documents":["a"],"top_n":"all"}`:           "top_n",
		`{"model":"m","query":"q","documents":["a"],"top_n":-1}`:              "top_n",
		`{"model":"m","query":"q","documents":["a"],"top_k":-1}`:              "top_k",
		`{"model":"m","query":"q","documents":["a"],"return_documents":1}`:    "return_documents",
		`{"model":"m","query":"q","documents":["a"],"max_tokens_per_doc":-5}`: "max_tokens_per_doc",
	} {
		_, err := codec(ofCohere).DecodeRerank(dialect.Call{Body: []byte(body)})
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

func TestEncodeForeignRerank(t *testing.T) {
	asked := llm.Rerank{
		Query: "q", Top: 2, Most: 100, Return: new(true), Extra: llm.Extra{"odd": []byte("1")},
		Documents: []llm.RerankDocument{doc("a", "documents[0]"), {Text: "b", Raw: []byte(`{"text":"b","n":1}`), Path: "documents[1]"}},
	}
	for _, test := range []struct {
		name, path, want, lost string
		from                   llm.Dialect
		to                     dialect.Dialect
		provider               string
	}{
		{
			"towards Cohere", CoherePath, `{"model":"up","query":"q","documents":["a","b"],"top_n":2,"max_tokens_per_doc":100}`, "documents[1].n dropped, odd dropped",
			llm.OpenAIRerank, ofCohere, "cohere",
		},
		{
			"towards others", OpenAIPath, `{"model":"up","query":"q","documents":["a","b"],"top_n":2,"return_documents":true}`, "documents[1].n dropped, max_tokens_per_doc dropped, odd dropped",
			llm.CohereRerank, ofOpenAI, "jina",
		},
		{
			"towards Voyage", OpenAIPath, `{"model":"up","query":"q","documents":["a","b"],"top_k":2,"return_documents":true}`, "documents[1].n dropped, max_tokens_per_doc dropped, odd dropped",
			llm.CohereRerank, ofOpenAI, "voyage",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			asked.From = test.from
			got, losses, err := codec(test.to).EncodeRerank(&asked, llm.Facts{Model: "up", Provider: test.provider})
			if err != nil || got.Path != test.path || string(got.Body) != test.want || lost(losses) != test.lost || got.Op != llm.OpRerank {
				t.Errorf("%s %s, lost %s, %v\nwant %s, lost %s", got.Path, got.Body, lost(losses), err, test.want, test.lost)
			}
		})
	}
	asked.Documents = append(asked.Documents, llm.RerankDocument{Raw: []byte(`{"image":"c"}`), Path: "documents[2]"})
	asked.From = llm.OpenAIRerank
	_, _, err := codec(ofCohere).EncodeRerank(&asked, llm.Facts{Model: "up"})
	if f, ok := errors.AsType[*fault.Fault](err); !ok || f.Kind != fault.Unsupported || f.Param != "documents[2]" {
		t.Errorf("a document without a text: %+v", err)
	}
}

func TestAnswers(t *testing.T) {
	for _, test := range []struct {
		d          dialect.Dialect
		body, back string // back: written again, "" = the same
		want       llm.Ranking
	}{
		{
			ofCohere, `{"id":"r1","results":[{"index":1,"relevance_score":0.90,"odd":{"a": 1}}],"meta":{"api_version":{"version":"2"},"billed_units":{"search_units":1}},"more":2}`, "",
			llm.Ranking{
				ID: "r1", Usage: &llm.Usage{Said: llm.SaidSearches, Searches: 1}, Extra: llm.Extra{"more": []byte("2")},
				Ranked: []llm.Ranked{{Index: 1, Score: "0.90", Extra: llm.Extra{"odd": []byte(`{"a": 1}`)}}},
			},
		},
		{
			ofOpenAI, `{"id":"r1","object":"list","model":"m","results":[{"index":0,"relevance_score":1e-7,"document":{"text": "a"}}],"usage":{"total_tokens":4}}`, "",
			llm.Ranking{
				ID: "r1", Model: "m", Usage: &llm.Usage{Said: llm.SaidInput | llm.SaidTotal, Input: 4, Total: 4},
				Ranked: []llm.Ranked{{Index: 0, Score: "1e-7", Document: []byte(`{"text": "a"}`)}},
			},
		},
		{
			ofOpenAI, `{"object":"list","data":[{"relevance_score":0.5,"index":1,"document":"b"}],"model":"m","usage":{"total_tokens":4}}`,
			`{"object":"list","model":"m","results":[{"index":1,"relevance_score":0.5,"document":"b"}],"usage":{"total_tokens":4}}`,
			llm.Ranking{
				Model: "m", Usage: &llm.Usage{Said: llm.SaidInput | llm.SaidTotal, Input: 4, Total: 4}, Ranked: []llm.Ranked{{Index: 1, Score: "0.5", Document: []byte(`"b"`)}},
			},
		},
	} {
		a, err := codec(test.d).DecodeRanking([]byte(test.body))
		test.want.From = test.d.Name()
		if diff := cmp.Diff(&test.want, a); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", test.body, err, diff)
			continue
		}
		if test.back == "" {
			test.back = test.body
		}
		out, losses, err := codec(test.d).EncodeRanking(&llm.Rerank{From: test.d.Name()}, a)
		if err != nil || len(losses) > 0 || string(out) != test.back {
			t.Errorf("%s, lost %v, %v\nwant %s", out, losses, err, test.back)
		}
	}
	for _, bad := range []string{`{}`, `{"results":{}}`, `{"results":[{"index":0}]}`, `{"results":[{"relevance_score":0.5}]}`, `{"results":[{"index":"a","relevance_score":0.5}]}`, `{"results":[{"index":-1,"relevance_score":0.5}]}`, `{"results":[1]}`, `{"data":"a"}`} {
		_, err := codec(ofCohere).DecodeRanking([]byte(bad))
		if f, ok := errors.AsType[*fault.Fault](err); !ok || f.Kind != fault.Upstream || f.Origin != fault.There {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func TestForeignAnswers(t *testing.T) {
	asked := &llm.Rerank{Return: new(true), Documents: []llm.RerankDocument{doc("a", ""), {Text: "b", Raw: []byte(`{"text":"b","n":1}`)}}}
	ranked := []llm.Ranked{{Index: 1, Score: "0.9", Extra: llm.Extra{"odd": []byte("1")}}, {Index: 0, Score: "0.1"}, {Index: 2, Score: "0"}}
	for _, test := range []struct {
		name, want, lost string
		to               dialect.Dialect
		a                llm.Ranking
	}{
		{
			"towards a client of Cohere's",
			`{"id":"e1","results":[{"index":1,"relevance_score":0.9,"document":{"text":"b","n":1}},{"index":0,"relevance_score":0.1,"document":{"text":"a"}},{"index":2,"relevance_score":0}],` +
				`"meta":{"api_version":{"version":"2"},"tokens":{"input_tokens":3}}}`,
			"answer.model dropped, answer.odd dropped, answer.usage.cost dropped, answer.more dropped", ofCohere,
			llm.Ranking{From: llm.OpenAIRerank, Model: "m", Usage: &llm.Usage{Said: llm.SaidInput | llm.SaidTotal, Input: 3, Total: 3, Cost: "0.5"}, Extra: llm.Extra{"more": []byte("2")}},
		},
		{
			"towards others",
			`{"id":"r1","object":"list","model":"asked","results":[{"index":1,"relevance_score":0.9,"document":{"text":"b","n":1}},{"index":0,"relevance_score":0.1,"document":{"text":"a"}},{"index":2,"relevance_score":0}],"usage":{"total_tokens":5}}`,
			"answer.odd dropped, answer.usage.searches dropped", ofOpenAI,
			llm.Ranking{From: llm.CohereRerank, ID: "r1", Usage: &llm.Usage{Said: llm.SaidInput | llm.SaidTotal | llm.SaidSearches, Input: 3, Total: 5, Searches: 1}},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.a.Ranked = ranked
			test.a.Else.ID, test.a.Else.Model = "e1", "asked"
			out, losses, err := codec(test.to).EncodeRanking(asked, &test.a)
			if err != nil || string(out) != test.want || lost(losses) != test.lost {
				t.Errorf("%s, lost %s, %v\nwant %s, lost %s", out, lost(losses), err, test.want, test.lost)
			}
		})
	}
}

func FuzzDecodeRerank(f *testing.F) {
	dialecttest.FuzzRerank(f, ofOpenAI, call, `{"model":"m","query":"q","documents":["a",{"text":"b"},{"image":"c"}],"top_n":1,"return_documents":false,"max_tokens_per_doc":9,"odd":{}}`)
}

func FuzzDecodeRanking(f *testing.F) {
	dialecttest.FuzzRanking(f, ofOpenAI, &llm.Rerank{From: llm.OpenAIRerank},
		`{"id":"r1","model":"m","results":[{"index":0,"relevance_score":1e-7,"document":{"text":"a"},"odd":1}],"usage":{"total_tokens":4}}`,
		`{"data":[{"index":0,"relevance_score":0.5}]}`)
}
