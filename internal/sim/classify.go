package sim

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"weir/internal/rawjson"
)

// Models that do not generate. They are served beside those that are listed.
const (
	ClassifyModel = "sim-classify" // says how a text sounds
	OCRModel      = "sim-ocr"      // reads documents
)

const (
	classifyMost = 512 // tokens of a text that sim-classify reads
	batchMost    = 32  // texts at once, for Text Embeddings Inference
)

// moods are the classes of sim-classify, in its order, with words that speak for each.
var moods = []struct{ name, words string }{
	{"negative", " bad awful terrible sad hate angry poor wrong "},
	{"neutral", " is the it "},
	{"positive", " good great lovely happy love fine best right "},
}

// mood is how likely each class is, in thousandths that sum up to a thousand; weights are what it is made of.
func mood(text string) (likely, weights []int64) {
	weights = []int64{20, 30, 20}
	for _, word := range strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) }) {
		for i := range moods {
			if strings.Contains(moods[i].words, " "+word+" ") {
				weights[i] += 100
			}
		}
	}
	sum, left := int64(0), int64(1000)
	for _, w := range weights {
		sum += w
	}
	likely = make([]int64, len(weights))
	for i, w := range weights {
		likely[i] = w * 1000 / sum
		left -= likely[i]
	}
	likely[1] += left
	return likely, weights
}

// thousandth writes a number of thousandths.
func thousandth(n int64) string { return strconv.FormatFloat(float64(n)/1000, 'f', -1, 64) }

// best returns the position of the highest number, the first of several.
func best(n []int64) int { return slices.Index(n, slices.Max(n)) }

// special reads which model is asked for that does not generate; models that fail do so here too.
func (c *chatReader) special(id, only string) {
	fails := chatFailures[id] != nil || breakages[id] != breakNot || id == "sim-slow" || id == "sim-hang" || id == "sim-garbage"
	if id != only && !fails && c.bad == nil {
		c.bad = noChatModel(id)
	}
}

var classifyMembers = map[string]func(*chatReader, []byte){
	"model": nil, "input": nil, "user": isText("user"), "truncate_prompt_tokens": isCount("truncate_prompt_tokens", -1, 1<<31),
	"use_activation": isBool("use_activation"), "add_special_tokens": isBool("add_special_tokens"), "priority": isCount("priority", -1<<31, 1<<31),
}

// classify answers POST /classify as vLLM does.
func (x *exchange) classify() error {
	if err := x.object(); err != nil {
		return err
	}
	c := &chatReader{body: x.body}
	c.members(classifyMembers)
	id := cmp.Or(rawjson.Text(c.get("model")), ClassifyModel)
	c.special(id, ClassifyModel)
	texts := c.classifyInput(c.get("input"))
	cut := c.get("truncate_prompt_tokens") != nil
	raw := false
	if v := c.get("use_activation"); v != nil {
		on, _ := rawjson.Bool(v)
		raw = !on
	}
	read := int64(0)
	for _, text := range texts {
		n := tokens(len(text))
		if n > classifyMost && !cut {
			c.fail("input", "", "This model's maximum context length is %d tokens. However, you requested %d tokens.", classifyMost, n)
		}
		read += min(n, classifyMost)
	}
	if c.bad != nil {
		return c.bad
	}
	if done, err := x.misbehave(id, false); done || err != nil {
		return err
	}
	w := &rawjson.Writer{}
	w.Open('{').Name("id").String("classify-sim" + ident(x.seed, 22)).Name("object").String("list").Name("created").Int(x.now.Unix())
	w.Name("model").String(id).Name("data").Open('[')
	for i, text := range texts {
		likely, weights := mood(text)
		w.Open('{').Name("index").Int(int64(i)).Name("label").String(moods[best(likely)].name).Name("probs").Open('[')
		if raw {
			likely = weights
		}
		for _, n := range likely {
			w.Num(thousandth(n))
		}
		w.Close(']').Name("num_classes").Int(int64(len(moods))).Close('}')
	}
	w.Close(']').Name("usage").Open('{').Name("prompt_tokens").Int(read).Name("total_tokens").Int(read)
	w.Name("completion_tokens").Int(0).Name("prompt_tokens_details").Null().Close('}').Close('}')
	x.write(http.StatusOK, "application/json", w.Buf)
	return nil
}

// classifyInput reads a text or several; tokens are those of a tokenizer that sim-classify does not have.
func (c *chatReader) classifyInput(v []byte) (texts []string) {
	switch rawjson.Kind(v) {
	case '"':
		return []string{rawjson.Text(v)}
	case '[':
		for i, e := range rawjson.Elems(v) {
			texts = append(texts, c.text(e, fmt.Sprintf("input[%d]", i)))
		}
		if len(texts) > 0 {
			return texts
		}
	}
	c.fail("input", "", "input must be a string or a list of strings that is not empty")
	return nil
}

// teiFace is that of Text Embeddings Inference, whose servers have one model.
var teiFace = &face{
	name: "tei-classify", idHeader: "X-Request-Id", key: bearer,
	refuse: func(f *refusal, _ string) []byte {
		w := rawjson.Writer{}
		return w.Open('{').Name("error").String(f.message).Name("error_type").String(f.kind).Close('}').Buf
	},
	noKey: func(bool, string) *refusal {
		return &refusal{status: http.StatusUnauthorized, kind: "Validation", message: "Unauthorized"}
	},
	notJSON: func(err error) *refusal {
		return teiInvalid(http.StatusBadRequest, "Failed to parse the request body as JSON: %v", err)
	},
	noPath: func(_, path string) *refusal { return teiInvalid(http.StatusNotFound, "Not found: %s", path) },
}

func teiInvalid(status int, format string, args ...any) *refusal {
	return &refusal{status: status, kind: "Validation", message: fmt.Sprintf(format, args...)}
}

// predict answers POST /predict.
func (x *exchange) predict() error {
	if err := x.object(); err != nil {
		return err
	}
	cut, err := teiBool(x.body, "truncate")
	if err != nil {
		return err
	}
	raw, err := teiBool(x.body, "raw_scores")
	if err != nil {
		return err
	}
	texts, batch, err := teiInputs(rawjson.Get(x.body, "inputs"))
	if err != nil {
		return err
	}
	if len(texts) > batchMost {
		return teiInvalid(http.StatusRequestEntityTooLarge, "batch size %d > maximum allowed batch size %d", len(texts), batchMost)
	}
	x.asks(ClassifyModel)
	read, letters := int64(0), 0
	for _, text := range texts {
		n := tokens(len(text))
		if n > classifyMost && !cut {
			return teiInvalid(http.StatusRequestEntityTooLarge, "`inputs` must have less than %d tokens. Given: %d", classifyMost, n)
		}
		read, letters = read+min(n, classifyMost), letters+len([]rune(text))
	}
	x.w.Header().Set("X-Compute-Type", "cpu")
	x.w.Header().Set("X-Compute-Tokens", strconv.FormatInt(read, 10))
	x.w.Header().Set("X-Compute-Characters", strconv.Itoa(letters))
	w := &rawjson.Writer{}
	if batch {
		w.Open('[')
	}
	for _, text := range texts {
		likely, weights := mood(text)
		if raw {
			likely = weights
		}
		order := []int{0, 1, 2}
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(likely[b], likely[a]) })
		w.Open('[')
		for _, i := range order {
			w.Open('{').Name("score").Num(thousandth(likely[i])).Name("label").String(moods[i].name).Close('}')
		}
		w.Close(']')
	}
	if batch {
		w.Close(']')
	}
	x.write(http.StatusOK, "application/json", w.Buf)
	return nil
}

func teiBool(body []byte, name string) (bool, error) {
	v := rawjson.Get(body, name)
	b, ok := rawjson.Bool(v)
	if v != nil && !ok {
		return false, teiInvalid(http.StatusUnprocessableEntity, "Failed to deserialize the JSON body into the target type: %s: invalid type: %s, expected a boolean", name, kindName(v))
	}
	return b, nil
}

// teiInputs reads a text, a pair of texts, or a batch of lists of one or two; a pair is read as one text.
func teiInputs(v []byte) (texts []string, batch bool, err error) {
	wrong := func(why string) ([]string, bool, error) {
		return nil, false, teiInvalid(http.StatusUnprocessableEntity, "Failed to deserialize the JSON body into the target type: inputs: %s, expected a string, a pair of strings [string, string] or a batch of mixed strings and pairs [[string], [string, string], ...]", why)
	}
	sequence := func(v []byte) (string, bool) {
		var parts []string
		for _, e := range rawjson.Elems(v) {
			s, ok := rawjson.String(e)
			if !ok {
				return "", false
			}
			parts = append(parts, s)
		}
		return strings.Join(parts, " "), len(parts) == 1 || len(parts) == 2
	}
	if s, ok := rawjson.String(v); ok {
		return []string{s}, false, nil
	}
	if rawjson.Kind(v) != '[' || length(v) == 0 {
		return wrong("invalid type: " + kindName(v))
	}
	if rawjson.Kind(element(v, 0)) == '"' {
		s, ok := sequence(v)
		if !ok {
			return wrong("invalid length or type")
		}
		return []string{s}, false, nil
	}
	for _, e := range rawjson.Elems(v) {
		s, ok := sequence(e)
		if !ok || rawjson.Kind(e) != '[' {
			return wrong("invalid length or type")
		}
		texts = append(texts, s)
	}
	return texts, true, nil
}
