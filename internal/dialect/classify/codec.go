package classify

import (
	"cmp"
	"strconv"
	"strings"

	"weir/internal/dialect"
	"weir/internal/dialect/openai"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// DecodeClassify implements dialect.Classifier.
func (vllm) DecodeClassify(c dialect.Call) (*llm.Classify, error) {
	var o dialect.Object
	o.Read(c.Body)
	r := &llm.Classify{From: llm.VLLMClassify, Model: o.String("model")}
	if o.Take("messages") != nil {
		return nil, dialect.Unsaid("messages", "a conversation is classified by targets that speak classify; send its text as input")
	}
	if v := o.Int("truncate_prompt_tokens"); v != 0 {
		cut := true
		r.Truncate, r.Most = &cut, max(v, 0) // -1 is what the model takes
	}
	if v := o.Bool("use_activation"); v != nil {
		raw := !*v
		r.Raw = &raw
	}
	input := o.Take("input")
	if o.Bad != nil {
		return nil, malformed(o.Bad.Member, o.Bad.Member+" must be "+o.Bad.Want)
	}
	if err := readInput(r, input); err != nil {
		return nil, err
	}
	r.Extra = o.Rest()
	return r, nil
}

// readInput reads a text, the tokens of one, or a list of either.
func readInput(r *llm.Classify, v []byte) error {
	const want = "input must be a text, a list of texts, or tokens"
	if s, ok := rawjson.String(v); ok {
		r.Single, r.Inputs = true, []llm.ClassifyInput{{Text: s, Path: "input"}}
		return nil
	}
	if rawjson.Kind(v) != '[' {
		return malformed("input", want)
	}
	for i, e := range rawjson.Elems(v) {
		in := llm.ClassifyInput{Path: at("input", i)}
		switch rawjson.Kind(e) {
		case '"':
			in.Text = rawjson.Text(e)
		case '[':
			in.Tokens = e
		case '0':
			r.Single, r.Inputs = true, []llm.ClassifyInput{{Tokens: v, Path: "input"}}
			return nil
		default:
			return malformed(in.Path, want)
		}
		r.Inputs = append(r.Inputs, in)
	}
	if len(r.Inputs) == 0 {
		return malformed("input", "input must not be empty")
	}
	return nil
}

// EncodeClassify implements dialect.Classifier.
func (vllm) EncodeClassify(r *llm.Classify, facts llm.Facts) (dialect.Call, []llm.Loss, error) {
	var l dialect.Losses
	var w rawjson.Writer
	w.Open('{').Name("model").String(facts.Model).Name("input")
	if !r.Single {
		w.Open('[')
	}
	for i := range r.Inputs {
		switch in := &r.Inputs[i]; {
		case in.Pair != nil:
			return dialect.Call{}, nil, dialect.Unsaid(in.Path, "this target classifies texts, not pairs of them")
		case in.Tokens != nil:
			w.Raw(in.Tokens)
		default:
			w.String(in.Text)
		}
	}
	if !r.Single {
		w.Close(']')
	}
	if r.Truncate != nil && *r.Truncate {
		w.Name("truncate_prompt_tokens").Int(cmp.Or(r.Most, -1))
	}
	if r.Raw != nil {
		w.Name("use_activation").Bool(!*r.Raw)
	}
	rest(&w, r, llm.VLLMClassify, &l)
	w.Close('}')
	return dialect.Call{Op: llm.OpClassify, Path: Path, Body: w.Buf}, l.List, nil
}

// rest writes the members without a field into their own dialect, and notes them lost for another.
func rest(w *rawjson.Writer, r *llm.Classify, own llm.Dialect, l *dialect.Losses) {
	if r.From == own {
		dialect.WriteExtra(w, r.Extra)
		return
	}
	for _, name := range dialect.Names(r.Extra) {
		l.Add(name, "there is no such member here", llm.Dropped)
	}
}

// DecodeClasses implements dialect.Classifier.
func (vllm) DecodeClasses(body []byte) (*llm.Classes, error) {
	if rawjson.Check(body) != nil {
		return nil, dialect.Garbage("the provider's answer is not JSON", nil)
	}
	var o dialect.Object
	o.Read(body)
	a := &llm.Classes{From: llm.VLLMClassify, ID: o.String("id"), Model: o.String("model"), Created: o.Num("created")}
	a.Usage = openai.DecodeUsage(o.Take("usage"))
	o.Take("object")
	data := o.Take("data")
	if rawjson.Kind(data) != '[' {
		return nil, dialect.Garbage("the provider's answer has no data", nil)
	}
	for _, v := range rawjson.Elems(data) {
		var in dialect.Object
		in.Read(v)
		one := llm.Classified{Index: in.Int("index"), Label: in.String("label")}
		in.Take("num_classes")
		for _, p := range rawjson.Elems(in.Take("probs")) {
			one.Scores = append(one.Scores, llm.Score{Value: llm.Num(rawjson.Num(p))})
		}
		best := likeliest(one.Scores)
		if in.Bad != nil || best < 0 {
			return nil, dialect.Garbage("a result of the provider's answer cannot be read", nil)
		}
		one.Scores[best].Label = one.Label
		one.Extra = in.Rest()
		a.Results = append(a.Results, one)
	}
	a.Extra = o.Rest()
	return a, nil
}

// likeliest returns the position of the highest score, the first of several; -1 where there is none or one is no number.
func likeliest(scores []llm.Score) int {
	best, most := -1, 0.0
	for i := range scores {
		n, err := strconv.ParseFloat(string(scores[i].Value), 64) // to compare; what is written is the text
		if err != nil {
			return -1
		}
		if best < 0 || n > most {
			best, most = i, n
		}
	}
	return best
}

// EncodeClasses implements dialect.Classifier.
func (vllm) EncodeClasses(_ *llm.Classify, a *llm.Classes) ([]byte, []llm.Loss, error) {
	own := a.From == llm.VLLMClassify
	var l dialect.Losses
	var w rawjson.Writer
	w.Open('{').Name("id").String(cmp.Or(a.ID, a.Else.ID)).Name("object").String("list")
	w.Name("created").Num(string(cmp.Or(a.Created, a.Else.Created, "0"))).Name("model").String(cmp.Or(a.Model, a.Else.Model))
	w.Name("data").Open('[')
	for i := range a.Results {
		one := &a.Results[i]
		w.Open('{').Name("index").Int(one.Index).Name("label").String(one.Label).Name("probs").Open('[')
		for _, s := range inClassOrder(one, &l) {
			w.Num(string(s.Value))
		}
		w.Close(']').Name("num_classes").Int(int64(len(one.Scores)))
		if own {
			dialect.WriteExtra(&w, one.Extra)
		} else {
			dialect.LoseExtra(one.Extra, &l)
		}
		w.Close('}')
	}
	w.Close(']')
	if u := a.Usage; u.Has(llm.SaidInput) {
		w.Name("usage").Open('{').Name("prompt_tokens").Int(u.Input).Name("total_tokens").Int(max(u.Total, u.Input))
		w.Name("completion_tokens").Int(u.Output).Close('}')
	}
	if own {
		dialect.WriteExtra(&w, a.Extra)
	} else {
		dialect.LoseExtra(a.Extra, &l)
	}
	w.Close('}')
	return w.Buf, l.List, nil
}

// inClassOrder returns scores as vLLM gives them, in the order of the model's classes: where the answer has them by size,
// their names tell it if they are those of classes without a name (LABEL_0 …). Names other than the first are lost.
func inClassOrder(one *llm.Classified, l *dialect.Losses) []llm.Score {
	if !one.Ranked {
		return one.Scores
	}
	if len(one.Scores) > 1 {
		l.Add("answer.labels", "only the likeliest class has its name here", llm.Dropped)
	}
	out := make([]llm.Score, len(one.Scores))
	for _, s := range one.Scores {
		n, err := strconv.Atoi(strings.TrimPrefix(s.Label, "LABEL_"))
		if err != nil || n < 0 || n >= len(out) || out[n].Value != "" || !strings.HasPrefix(s.Label, "LABEL_") {
			l.Add("answer.probs", "the order of the classes is not known: the likeliest stands first", llm.Changed)
			return one.Scores
		}
		out[n] = s
	}
	return out
}
