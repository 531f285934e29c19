package classify

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"weir/internal/dialect"
	"weir/internal/dialect/openai"
	"weir/internal/fault"
	"weir/internal/frame"
	"weir/internal/llm"
	"weir/internal/rawjson"
	"weir/internal/splice"
)

// TEIPath is where tei-classify is spoken.
const TEIPath = "/predict"

type tei struct{}

// NewTEI returns the dialect tei-classify.
func NewTEI() dialect.Dialect { return tei{} }

var _ dialect.Classifier = tei{}

var inputs = splice.NewSpec("inputs")

// Name implements dialect.Dialect.
func (tei) Name() llm.Dialect { return llm.TEIClassify }

// Peek implements dialect.Dialect. The model is in the query if it is anywhere, and is taken out of it: the provider knows
// of none.
func (tei) Peek(c *dialect.Call) (llm.Head, error) {
	ix, err := inputs.Scan(c.Body)
	if err != nil {
		return llm.Head{}, openai.Refused(err)
	}
	c.Index = ix
	if c.Query == "" {
		return llm.Head{}, nil
	}
	var model string
	var left []string
	for part := range strings.SplitSeq(c.Query, "&") {
		name, value, _ := strings.Cut(part, "=")
		if name, err := url.QueryUnescape(name); err != nil || name != "model" {
			left = append(left, part)
			continue
		}
		value, err := url.QueryUnescape(value)
		if err != nil || model != "" || !plain(value) {
			return llm.Head{}, malformed("model", "the model must stand in the query once: "+TEIPath+"?model=NAME")
		}
		model = value
	}
	c.Query = strings.Join(left, "&")
	return llm.Head{Model: model}, nil
}

// Edit implements dialect.Dialect. There is nothing in the body to change.
func (tei) Edit(dst []byte, c dialect.Call, _ dialect.Edit) (dialect.Call, error) {
	start := len(dst)
	dst = append(dst, c.Body...)
	c.Body, c.Index = dst[start:len(dst):len(dst)], splice.Index{}
	return c, nil
}

// Fault implements dialect.Dialect.
func (tei) Fault(dst []byte, f *fault.Fault, _ dialect.Form) []byte {
	word := "Backend"
	switch f.Kind {
	case fault.RateLimit, fault.Quota, fault.Overloaded:
		word = "Overloaded"
	case fault.Unavailable:
		word = "Unhealthy"
	case fault.Malformed, fault.Unsupported, fault.MediaType, fault.TooLarge, fault.ContextLength, fault.MethodNotAllowed, fault.NotFound, fault.SlowBody,
		fault.Unauthorized, fault.Forbidden, fault.ContentPolicy:
		word = "Validation"
	}
	w := rawjson.Writer{Buf: dst}
	return w.Open('{').Name("error").String(f.Message).Name("error_type").String(word).Close('}').Buf
}

// ReadFault implements dialect.Dialect.
func (tei) ReadFault(status int, h http.Header, body []byte) *fault.Fault {
	f := dialect.ReadError(status, h, body)
	switch strings.ToLower(f.NativeType) {
	case "overloaded":
		f.Kind = fault.Overloaded
	case "unhealthy":
		f.Kind = fault.Unavailable
	case "backend":
		f.Kind = fault.Upstream
	case "tokenizer", "empty":
		f.Kind = fault.Malformed
	case "validation":
		if f.Kind = fault.Malformed; strings.Contains(f.Message, "less than") && strings.Contains(f.Message, "tokens") {
			f.Kind = fault.ContextLength
		}
	}
	return f
}

// Codec implements dialect.Dialect. There is no conversation here; see DecodeClassify.
func (tei) Codec() dialect.Codec { return nil }

// Meter implements dialect.Dialect.
func (tei) Meter() dialect.Meter { return &teiMeter{} }

type teiMeter struct {
	r dialect.Reading
	u llm.Usage
}

// Head implements dialect.HeadMeter: how many tokens were read is in the head alone.
func (m *teiMeter) Head(h http.Header) {
	if n, err := strconv.ParseInt(h.Get("X-Compute-Tokens"), 10, 64); err == nil && n >= 0 {
		m.u.Input, m.u.Said = n, llm.SaidInput
	}
}

// Read implements dialect.Meter.
func (m *teiMeter) Read() *dialect.Reading { return &m.r }

// Frame implements dialect.Meter. Classes do not stream.
func (m *teiMeter) Frame(frame.Frame) {}

// Body implements dialect.Meter.
func (m *teiMeter) Body([]byte) { m.r.Began, m.r.Ended, m.r.Usage = true, true, &m.u }

// DecodeClassify implements dialect.Classifier. The model stands in no body: the caller knows it.
func (tei) DecodeClassify(c dialect.Call) (*llm.Classify, error) {
	var o dialect.Object
	o.Read(c.Body)
	r := &llm.Classify{From: llm.TEIClassify, Truncate: o.Bool("truncate"), Raw: o.Bool("raw_scores")}
	v := o.Take("inputs")
	if o.Bad != nil {
		return nil, malformed(o.Bad.Member, o.Bad.Member+" must be "+o.Bad.Want)
	}
	if err := readInputs(r, v); err != nil {
		return nil, err
	}
	r.Extra = o.Rest()
	return r, nil
}

const wantInputs = "inputs must be a text, a pair of texts [text, text], or a list of [text] and [text, text]"

// readInputs reads a text, a pair, or a list of lists of one or two texts. A list of texts is one text or a pair.
func readInputs(r *llm.Classify, v []byte) error {
	if s, ok := rawjson.String(v); ok {
		r.Single, r.Inputs = true, []llm.ClassifyInput{{Text: s, Path: "inputs"}}
		return nil
	}
	if rawjson.Kind(v) != '[' {
		return malformed("inputs", wantInputs)
	}
	for i, e := range rawjson.Elems(v) {
		if i == 0 && rawjson.Kind(e) == '"' {
			in, err := sequence(v, "inputs")
			r.Single, r.Inputs = true, []llm.ClassifyInput{in}
			return err
		}
		in, err := sequence(e, at("inputs", i))
		if err != nil {
			return err
		}
		r.Inputs = append(r.Inputs, in)
	}
	if len(r.Inputs) == 0 {
		return malformed("inputs", "inputs must not be empty")
	}
	return nil
}

// sequence reads a list of one or two texts.
func sequence(v []byte, path string) (llm.ClassifyInput, error) {
	in := llm.ClassifyInput{Path: path}
	n := 0
	for i, e := range rawjson.Elems(v) {
		s, ok := rawjson.String(e)
		if !ok || i > 1 {
			return in, malformed(path, wantInputs)
		}
		if n++; i == 0 {
			in.Text = s
		} else {
			in.Pair = &s
		}
	}
	if n == 0 {
		return in, malformed(path, wantInputs)
	}
	return in, nil
}

// EncodeClassify implements dialect.Classifier.
func (tei) EncodeClassify(r *llm.Classify, _ llm.Facts) (dialect.Call, []llm.Loss, error) {
	var l dialect.Losses
	var w rawjson.Writer
	w.Open('{').Name("inputs")
	if !r.Single {
		w.Open('[')
	}
	for i := range r.Inputs {
		in := &r.Inputs[i]
		switch {
		case in.Tokens != nil:
			return dialect.Call{}, nil, dialect.Unsaid(in.Path, "this target takes texts, not the tokens of another model")
		case in.Pair != nil:
			w.Open('[').String(in.Text).String(*in.Pair).Close(']')
		case r.Single:
			w.String(in.Text)
		default:
			w.Open('[').String(in.Text).Close(']')
		}
	}
	if !r.Single {
		w.Close(']')
	}
	if r.Truncate != nil {
		w.Name("truncate").Bool(*r.Truncate)
	}
	if r.Most > 0 {
		l.Add("truncate_prompt_tokens", "what is too long is cut to what the model takes, not to a number", llm.Changed)
	}
	if r.Raw != nil {
		w.Name("raw_scores").Bool(*r.Raw)
	}
	rest(&w, r, llm.TEIClassify, &l)
	w.Close('}')
	return dialect.Call{Op: llm.OpClassify, Path: TEIPath, Body: w.Buf}, l.List, nil
}

// DecodeClasses implements dialect.Classifier.
func (tei) DecodeClasses(body []byte) (*llm.Classes, error) {
	a := &llm.Classes{From: llm.TEIClassify}
	if rawjson.Check(body) != nil || rawjson.Kind(body) != '[' {
		return nil, dialect.Garbage("the provider's answer is no list of classes", nil)
	}
	for i, v := range rawjson.Elems(body) {
		list := v
		if i == 0 && rawjson.Kind(v) == '{' {
			list = body
		}
		one := llm.Classified{Index: int64(i), Ranked: true}
		for _, e := range rawjson.Elems(list) {
			var in dialect.Object
			in.Read(e)
			one.Scores = append(one.Scores, llm.Score{Label: in.String("label"), Value: in.Num("score")})
			if in.Bad != nil {
				return nil, dialect.Garbage("a class of the provider's answer cannot be read", nil)
			}
		}
		best := likeliest(one.Scores)
		if best < 0 {
			return nil, dialect.Garbage("a class of the provider's answer has no score", nil)
		}
		one.Label = one.Scores[best].Label
		a.Results = append(a.Results, one)
		if rawjson.Kind(v) == '{' {
			break
		}
	}
	if len(a.Results) == 0 {
		return nil, dialect.Garbage("the provider's answer has no classes", nil)
	}
	return a, nil
}

// EncodeClasses implements dialect.Classifier. Classes without a name have no place.
func (tei) EncodeClasses(r *llm.Classify, a *llm.Classes) ([]byte, []llm.Loss, error) {
	if r.Single && len(a.Results) != 1 {
		return nil, nil, dialect.Garbage("the provider's answer has not one result for the one input", nil)
	}
	var l dialect.Losses
	var w rawjson.Writer
	if !r.Single {
		w.Open('[')
	}
	for i := range a.Results {
		one := &a.Results[i]
		if !one.Ranked && one.Label == "" {
			return nil, nil, dialect.Garbage("the provider's answer names no class", nil)
		}
		w.Open('[')
		for _, s := range one.Scores {
			if s.Label == "" && !one.Ranked {
				l.Add("answer.probs", "a class has its name here, and the provider names the likeliest alone", llm.Dropped)
				continue
			}
			w.Open('{').Name("score").Num(string(s.Value)).Name("label").String(s.Label).Close('}')
		}
		w.Close(']')
		dialect.LoseExtra(one.Extra, &l)
	}
	if !r.Single {
		w.Close(']')
	}
	if a.From != llm.TEIClassify {
		for _, lost := range [...]struct {
			name string
			said bool
		}{{"id", a.ID != ""}, {"model", a.Model != ""}, {"created", a.Created != ""}, {"usage", a.Usage != nil && a.Usage.Said != 0}} {
			if lost.said {
				l.Add("answer."+lost.name, "an answer is its classes and nothing else here", llm.Dropped)
			}
		}
		dialect.LoseExtra(a.Extra, &l)
	}
	return w.Buf, l.List, nil
}
