package classify

import (
	"slices"
	"strings"
	"testing"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/llm"
)

// lost lists what was declared lost.
func lost(losses []llm.Loss) string {
	var out []string
	for _, l := range losses {
		out = append(out, l.Path)
	}
	slices.Sort(out)
	return strings.Join(out, ",")
}

func TestRequests(t *testing.T) {
	v, e := New().(dialect.Classifier), NewTEI().(dialect.Classifier)
	tests := []struct {
		name       string
		from, to   dialect.Classifier
		body       string
		want, lost string
		refused    string // the member at fault
	}{
		{"a text to TEI", v, e, `{"model":"a","input":"x","priority":3,"user":"u"}`, `{"inputs":"x"}`, "priority,user", ""},
		{"texts to TEI", v, e, `{"model":"a","input":["x","y"],"truncate_prompt_tokens":-1,"use_activation":false}`, `{"inputs":[["x"],["y"]],"truncate":true,"raw_scores":true}`, "", ""},
		{"one text in a list to TEI", v, e, `{"model":"a","input":["x"]}`, `{"inputs":[["x"]]}`, "", ""},
		{"cut to a number", v, e, `{"model":"a","input":"x","truncate_prompt_tokens":9}`, `{"inputs":"x","truncate":true}`, "truncate_prompt_tokens", ""},
		{"tokens to TEI", v, e, `{"model":"a","input":[1,2]}`, "", "", "input"},
		{"lists of tokens to TEI", v, e, `{"model":"a","input":["x",[1,2]]}`, "", "", "input[1]"},
		{"a conversation to TEI", v, e, `{"model":"a","messages":[]}`, "", "", "messages"},
		{"nothing", v, e, `{"model":"a"}`, "", "", "input"},
		{"an empty list", v, e, `{"model":"a","input":[]}`, "", "", "input"},
		{"a wrong type", v, e, `{"model":"a","input":["x",true]}`, "", "", "input[1]"},
		{"an object", v, e, `{"model":"a","input":{}}`, "", "", "input"},
		{"a wrong setting", v, e, `{"model":"a","input":"x","use_activation":"yes"}`, "", "", "use_activation"},
		{"a text to vLLM", e, v, `{"inputs":"x","truncate":false,"truncation_direction":"Left"}`, `{"model":"M","input":"x"}`, "truncation_direction", ""},
		{"texts to vLLM", e, v, `{"inputs":[["x"],["y"]],"truncate":true,"raw_scores":false}`, `{"model":"M","input":["x","y"],"truncate_prompt_tokens":-1,"use_activation":true}`, "", ""},
		{"a list of one text to vLLM", e, v, `{"inputs":["x"]}`, `{"model":"M","input":"x"}`, "", ""},
		{"a pair to vLLM", e, v, `{"inputs":["x","y"]}`, "", "", "inputs"},
		{"a pair among texts to vLLM", e, v, `{"inputs":[["x"],["y","z"]]}`, "", "", "inputs[1]"},
		{"three texts", e, v, `{"inputs":["x","y","z"]}`, "", "", "inputs"},
		{"three texts in a list", e, v, `{"inputs":[["x","y","z"]]}`, "", "", "inputs[0]"},
		{"mixed", e, v, `{"inputs":[["x"],"y",1]}`, "", "", "inputs[1]"},
		{"an empty batch", e, v, `{"inputs":[]}`, "", "", "inputs"},
		{"an empty one", e, v, `{"inputs":[[]]}`, "", "", "inputs[0]"},
		{"no inputs", e, v, `{}`, "", "", "inputs"},
		{"raw scores", e, v, `{"inputs":"x","raw_scores":1}`, "", "", "raw_scores"},
		{"vLLM to itself", v, v, `{"model":"a","input":[[1,2],"x"],"truncate_prompt_tokens":5,"priority":1.50}`, `{"model":"M","input":[[1,2],"x"],"truncate_prompt_tokens":5,"priority":1.50}`, "", ""},
		{"TEI to itself", e, e, `{"inputs":[["x"],["y","z"]],"truncation_direction":"Left"}`, `{"inputs":[["x"],["y","z"]],"truncation_direction":"Left"}`, "", ""},
	}
	for _, test := range tests {
		r, err := test.from.DecodeClassify(dialect.Call{Body: []byte(test.body)})
		var call dialect.Call
		var losses []llm.Loss
		if err == nil {
			call, losses, err = test.to.EncodeClassify(r, llm.Facts{Model: "M"})
		}
		if test.refused != "" {
			if f := fault.Of(err); f == nil || f.Param != test.refused || f.Kind != fault.Malformed && f.Kind != fault.Unsupported {
				t.Errorf("%s: %v", test.name, err)
			}
			continue
		}
		if err != nil || string(call.Body) != test.want || lost(losses) != test.lost || call.Op != llm.OpClassify {
			t.Errorf("%s: %v\n%s\nwant %s\nlost %s", test.name, err, call.Body, test.want, lost(losses))
		}
	}
}

func TestAnswers(t *testing.T) {
	v, e := New().(dialect.Classifier), NewTEI().(dialect.Classifier)
	one, two := &llm.Classify{Single: true, Inputs: make([]llm.ClassifyInput, 1)}, &llm.Classify{Inputs: make([]llm.ClassifyInput, 2)}
	tests := []struct {
		name       string
		from, to   dialect.Classifier
		of         *llm.Classify
		body       string
		want, lost string // want "": garbage
	}{
		{
			"vLLM for TEI", v, e, one,
			`{"id":"c","object":"list","created":5,"model":"m","data":[{"index":0,"label":"joy","probs":[0.10,0.900],"num_classes":2}],"usage":{"prompt_tokens":3,"total_tokens":3}}`,
			`[{"score":0.900,"label":"joy"}]`, "answer.created,answer.id,answer.model,answer.probs,answer.usage",
		},
		{
			"several of vLLM for TEI", v, e, two,
			`{"data":[{"index":0,"label":"a","probs":[1e0]},{"index":1,"label":"b","probs":[0.2,1E-7]}]}`,
			`[[{"score":1e0,"label":"a"}],[{"score":0.2,"label":"b"}]]`, "answer.probs",
		},
		{
			"TEI for vLLM", e, v, one, `[{"score":0.8,"label":"joy"},{"score":0.2,"label":"fear"}]`,
			`{"id":"I","object":"list","created":9,"model":"M","data":[{"index":0,"label":"joy","probs":[0.8,0.2],"num_classes":2}]}`, "answer.labels,answer.probs",
		},
		{
			"classes without names", e, v, two, `[[{"score":0.8,"label":"LABEL_1"},{"score":0.2,"label":"LABEL_0"}],[{"score":1.0,"label":"LABEL_0"}]]`,
			`{"id":"I","object":"list","created":9,"model":"M","data":[{"index":0,"label":"LABEL_1","probs":[0.2,0.8],"num_classes":2},{"index":1,"label":"LABEL_0","probs":[1.0],"num_classes":1}]}`,
			"answer.labels",
		},
		{
			"a name twice", e, v, one, `[{"score":0.8,"label":"LABEL_0"},{"score":0.2,"label":"LABEL_0"}]`,
			`{"id":"I","object":"list","created":9,"model":"M","data":[{"index":0,"label":"LABEL_0","probs":[0.8,0.2],"num_classes":2}]}`, "answer.labels,answer.probs",
		},
		{
			"vLLM to itself", v, v, two,
			`{"id":"c","object":"list","created":5,"model":"m","data":[{"index":0,"label":"a","probs":[0.50],"num_classes":1,"x":1}],"usage":{"prompt_tokens":3,"total_tokens":3,"completion_tokens":0},"y":[]}`,
			`{"id":"c","object":"list","created":5,"model":"m","data":[{"index":0,"label":"a","probs":[0.50],"num_classes":1,"x":1}],"usage":{"prompt_tokens":3,"total_tokens":3,"completion_tokens":0},"y":[]}`, "",
		},
		{"TEI to itself", e, e, two, `[[{"score":0.10,"label":""}],[{"score":1,"label":"b"}]]`, `[[{"score":0.10,"label":""}],[{"score":1,"label":"b"}]]`, ""},
		{"no label", v, e, one, `{"data":[{"index":0,"label":null,"probs":[1.0]}]}`, "", ""},
		{"two for one", v, e, one, `{"data":[{"index":0,"label":"a","probs":[1.0]},{"index":1,"label":"a","probs":[1.0]}]}`, "", ""},
		{"no data", v, v, one, `{"id":"x"}`, "", ""},
		{"no probabilities", v, v, one, `{"data":[{"label":"a","probs":[]}]}`, "", ""},
		{"no numbers", v, v, one, `{"data":[{"label":"a","probs":["1"]}]}`, "", ""},
		{"no JSON", v, v, one, `{"data":`, "", ""},
		{"no list", e, v, one, `{"error":"x"}`, "", ""},
		{"an empty list", e, v, one, `[]`, "", ""},
		{"no score", e, v, one, `[{"label":"a"}]`, "", ""},
		{"a wrong label", e, v, one, `[{"label":1,"score":1}]`, "", ""},
		{"an empty result", e, v, two, `[[]]`, "", ""},
	}
	for _, test := range tests {
		a, err := test.from.DecodeClasses([]byte(test.body))
		var got []byte
		var losses []llm.Loss
		if err == nil {
			a.Else.ID, a.Else.Model, a.Else.Created = "I", "M", "9"
			got, losses, err = test.to.EncodeClasses(test.of, a)
		}
		if test.want == "" {
			if f := fault.Of(err); f == nil || f.Kind != fault.Upstream {
				t.Errorf("%s: %v %s", test.name, err, got)
			}
			continue
		}
		if err != nil || string(got) != test.want || lost(losses) != test.lost {
			t.Errorf("%s: %v\n%s\nwant\n%s\nlost %s", test.name, err, got, test.want, lost(losses))
		}
	}
}
