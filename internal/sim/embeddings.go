package sim

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math"
	"net/http"
	"strconv"
	"strings"
	"unicode"

	"weir/internal/rawjson"
)

const (
	maxDimensions = 1536
	maxInputs     = 2048
)

// embedding is a request for embeddings.
type embedding struct {
	chatReader
	inputs     [][]string // the words of each input
	dimensions int
	base64     bool
}

// embed answers POST /v1/embeddings.
func (x *exchange) embed() error {
	if err := x.object(); err != nil {
		return err
	}
	e := &embedding{chatReader: chatReader{body: x.body}, dimensions: maxDimensions}
	id := e.readEmbedding()
	if e.bad != nil {
		return e.bad
	}
	if done, err := x.misbehave(id, false); done || err != nil {
		return err
	}
	x.write(http.StatusOK, "application/json", e.answer(id, x.p.Seed))
	return nil
}

func (e *embedding) readEmbedding() (model string) {
	e.only(e.body, "", "model", "input", "dimensions", "encoding_format", "user")
	id := rawjson.Text(e.get("model"))
	if id == "" {
		e.fail("model", "missing_required_parameter", "you must provide a model parameter")
	}
	// A model that fails does so here too; one that only talks makes no embeddings.
	m, known := findModel(id)
	fails := chatFailures[id] != nil || breakages[id] != breakNot || id == "sim-slow" || id == "sim-hang" || id == "sim-garbage"
	if e.bad == nil && (!known || !m.Embeds && !fails) {
		e.bad = noChatModel(id)
	}
	if v := e.get("dimensions"); v != nil {
		isCount("dimensions", 1, maxDimensions)(&e.chatReader, v)
		n, _ := rawjson.Int(v)
		e.dimensions = int(n)
	}
	if v := e.get("encoding_format"); v != nil {
		e.base64 = e.oneOf(v, "encoding_format", "float", "base64") == "base64"
	}
	if v := e.get("user"); v != nil {
		e.text(v, "user")
	}
	e.readInput(e.get("input"))
	return id
}

// readInput reads one text, several, one array of tokens, or several.
func (e *embedding) readInput(v []byte) {
	switch rawjson.Kind(v) {
	case ' ':
		e.fail("input", "missing_required_parameter", "Missing required parameter: 'input'.")
	case '"':
		e.input(v, "input")
	case '[':
		switch n := length(v); {
		case n == 0:
			e.fail("input", "empty_array", "Invalid 'input': empty array. Expected an array with minimum length 1, but got an empty array instead.")
		case n > maxInputs && rawjson.Kind(element(v, 0)) != '0':
			e.fail("input", "array_above_max_length", "Invalid 'input': array too long. Expected an array with maximum length %d, but got an array with length %d instead.", maxInputs, n)
		}
		if rawjson.Kind(element(v, 0)) == '0' {
			e.input(v, "input")
			return
		}
		for i, in := range rawjson.Elems(v) {
			if e.input(in, fmt.Sprintf("input[%d]", i)); e.bad != nil {
				return
			}
		}
	default:
		e.wrongType("input", "one of a string or an array", v)
	}
}

// input reads one text or one array of tokens.
func (e *embedding) input(v []byte, at string) {
	var words []string
	n := int64(0)
	switch rawjson.Kind(v) {
	case '"':
		s := rawjson.Text(v)
		if s == "" {
			e.fail(at, "invalid_value", "Invalid '%s': input cannot be an empty string.", at)
		}
		words = strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
		if len(words) == 0 {
			words = []string{s}
		}
		n = tokens(len(s))
	case '[':
		for _, t := range rawjson.Elems(v) {
			if !whole(t) {
				e.wrongType(at, "an array of integers", t)
				return
			}
			words = append(words, "token "+rawjson.Num(t))
			n++
		}
		if n == 0 {
			e.fail(at, "empty_array", "Invalid '%s': empty array. Expected an array with minimum length 1, but got an empty array instead.", at)
		}
	default:
		e.wrongType(at, "one of a string or an array of integers", v)
	}
	if limit, _ := findModel("sim-embed"); n > limit.Context {
		e.fail(at, "", "This model's maximum context length is %d tokens, however you requested %d tokens. Please reduce your prompt.", limit.Context, n)
	}
	e.q.input += n
	e.inputs = append(e.inputs, words)
}

func (e *embedding) answer(model string, seed uint64) []byte {
	w := &rawjson.Writer{}
	w.Open('{').Name("object").String("list").Name("data").Open('[')
	for i, words := range e.inputs {
		w.Open('{').Name("object").String("embedding").Name("index").Int(int64(i)).Name("embedding")
		v := vector(words, e.dimensions, seed)
		if e.base64 {
			raw := make([]byte, 0, 4*len(v))
			for _, f := range v {
				raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(f))
			}
			w.String(base64.StdEncoding.EncodeToString(raw))
		} else {
			w.Open('[')
			for _, f := range v {
				w.Num(strconv.FormatFloat(float64(f), 'g', -1, 32))
			}
			w.Close(']')
		}
		w.Close('}')
	}
	w.Close(']').Name("model").String(model)
	w.Name("usage").Open('{').Name("prompt_tokens").Int(e.q.input).Name("total_tokens").Int(e.q.input).Close('}')
	return w.Close('}').Buf
}

// vector adds up a random direction for each word, and scales the sum to length one.
func vector(words []string, n int, seed uint64) []float32 {
	sum := make([]float64, n)
	for _, word := range words {
		h := fnv.New64a()
		h.Write([]byte(word))
		at := mix(seed, h.Sum64())
		for i := range sum {
			sum[i] += float64(int64(mix(at, uint64(i)))) / (1 << 63)
		}
	}
	var square float64
	for _, f := range sum {
		square += f * f
	}
	out := make([]float32, n)
	if square == 0 {
		out[0] = 1
		return out
	}
	for i, f := range sum {
		out[i] = float32(f / math.Sqrt(square))
	}
	return out
}
