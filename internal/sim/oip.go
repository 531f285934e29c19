package sim

import (
	"encoding/binary"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"

	"weir/internal/rawjson"
)

// oipFace is that of the Open Inference Protocol.
var oipFace = &face{
	name: "oip-infer", idHeader: "X-Request-Id", key: bearer,
	refuse: func(f *refusal, _ string) []byte {
		w := rawjson.Writer{}
		return w.Open('{').Name("error").String(f.message).Close('}').Buf
	},
	noKey:   func(bool, string) *refusal { return &refusal{status: http.StatusUnauthorized, message: "Unauthorized"} },
	notJSON: func(err error) *refusal { return oipInvalid("failed to parse the request JSON buffer: %v", err) },
	noPath: func(_, _ string) *refusal {
		return &refusal{status: http.StatusNotFound, message: "Not Found"}
	},
}

func oipInvalid(format string, args ...any) *refusal {
	return &refusal{status: http.StatusBadRequest, message: fmt.Sprintf(format, args...)}
}

// oip answers what stands under /v2/models: sim-classify takes one tensor of texts and gives two, of classes and of how
// likely each is.
func (x *exchange) oip(rest string) func() error {
	rest, found := strings.CutSuffix(rest, "/infer")
	model, version, _ := strings.Cut(rest, "/versions/")
	if !found || strings.Contains(model, "/") {
		return nil
	}
	return func() error {
		x.asks(model)
		if model != ClassifyModel || version != "" && version != "1" {
			return &refusal{status: http.StatusNotFound, message: "Request for unknown model: '" + model + "' is not found"}
		}
		tail, err := x.split()
		if err != nil {
			return err
		}
		if err := x.object(); err != nil {
			return err
		}
		return x.inferMood(tail)
	}
}

// split takes what stands after the JSON off the body, by the extension for binary data.
func (x *exchange) split() (tail []byte, err error) {
	v := x.r.Header.Get(binaryHead)
	if v == "" {
		return nil, nil
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 0 || n > len(x.body) {
		return nil, oipInvalid("invalid value for '%s': %s", binaryHead, v)
	}
	x.body, tail = x.body[:n], x.body[n:]
	return tail, nil
}

const binaryHead = "Inference-Header-Content-Length"

func (x *exchange) inferMood(tail []byte) error {
	in := rawjson.Get(x.body, "inputs")
	if n := length(in); rawjson.Kind(in) != '[' || n != 1 {
		return oipInvalid("expected 1 input but got %d inputs for model '%s'", n, ClassifyModel)
	}
	tensor := element(in, 0)
	if name := rawjson.Text(rawjson.Get(tensor, "name")); name != "text" {
		return oipInvalid("unexpected inference input '%s' for model '%s'", name, ClassifyModel)
	}
	if kind := rawjson.Text(rawjson.Get(tensor, "datatype")); kind != "BYTES" {
		return oipInvalid("inference input 'text' data-type is '%s', but model '%s' expects 'BYTES'", kind, ClassifyModel)
	}
	texts, err := tensorTexts(tensor, tail)
	if err != nil {
		return err
	}
	shape := rawjson.Get(tensor, "shape")
	if n, ok := rawjson.Int(element(shape, 0)); !ok || length(shape) != 1 || n != int64(len(texts)) || n == 0 {
		return oipInvalid("unable to parse 'data': shape does not match the %d elements of 'text'", len(texts))
	}
	all, _ := rawjson.Bool(rawjson.Get(x.body, "parameters", "binary_data_output"))
	wanted := map[string]bool{"label": all, "probs": all} // true: as bytes
	if out := rawjson.Get(x.body, "outputs"); out != nil {
		clear(wanted)
		for _, e := range rawjson.Elems(out) {
			name := rawjson.Text(rawjson.Get(e, "name"))
			if name != "label" && name != "probs" {
				return oipInvalid("unexpected inference output '%s' for model '%s'", name, ClassifyModel)
			}
			own, said := rawjson.Bool(rawjson.Get(e, "parameters", "binary_data"))
			wanted[name] = said && own || !said && all
		}
	}
	x.inferred(texts, wanted)
	return nil
}

// tensorTexts reads the texts of a tensor: from its data, or, each after its length, from the bytes after the JSON.
func tensorTexts(tensor, tail []byte) (texts []string, err error) {
	size := rawjson.Get(tensor, "parameters", "binary_data_size")
	if size != nil {
		if n, ok := rawjson.Int(size); !ok || n != int64(len(tail)) {
			return nil, oipInvalid("unexpected additional input data for model '%s'", ClassifyModel)
		}
		for len(tail) > 0 {
			if len(tail) < 4 || uint64(len(tail)-4) < uint64(binary.LittleEndian.Uint32(tail)) {
				return nil, oipInvalid("incomplete string data for inference input 'text'")
			}
			n := 4 + int(binary.LittleEndian.Uint32(tail))
			texts, tail = append(texts, string(tail[4:n])), tail[n:]
		}
		return texts, nil
	}
	for _, e := range rawjson.Elems(rawjson.Get(tensor, "data")) {
		s, ok := rawjson.String(e)
		if !ok {
			return nil, oipInvalid("unable to parse 'data': attempt to access JSON non-string as string")
		}
		texts = append(texts, s)
	}
	return texts, nil
}

// inferred writes the tensors that are wanted.
func (x *exchange) inferred(texts []string, wanted map[string]bool) {
	w := &rawjson.Writer{}
	w.Open('{')
	if id := rawjson.Text(rawjson.Get(x.body, "id")); id != "" {
		w.Name("id").String(id)
	}
	w.Name("model_name").String(ClassifyModel).Name("model_version").String("1").Name("outputs").Open('[')
	var tail []byte
	if asBytes, yes := wanted["label"]; yes {
		names := make([]string, len(texts))
		var data []byte
		for i, text := range texts {
			likely, _ := mood(text)
			names[i] = moods[best(likely)].name
			data = append(binary.LittleEndian.AppendUint32(data, uint32(len(names[i]))), names[i]...)
		}
		if !asBytes {
			data = nil
		}
		tensorOf(w, "label", "BYTES", data, len(texts))
		for _, name := range names {
			if !asBytes {
				w.String(name)
			}
		}
		tensorEnd(w, data)
		tail = append(tail, data...)
	}
	if asBytes, yes := wanted["probs"]; yes {
		var data []byte
		var numbers []string
		for _, text := range texts {
			likely, _ := mood(text)
			for _, n := range likely {
				if asBytes {
					data = binary.LittleEndian.AppendUint32(data, math.Float32bits(float32(n)/1000))
				} else {
					numbers = append(numbers, thousandth(n))
				}
			}
		}
		tensorOf(w, "probs", "FP32", data, len(texts), len(moods))
		for _, n := range numbers {
			w.Num(n)
		}
		tensorEnd(w, data)
		tail = append(tail, data...)
	}
	w.Close(']').Close('}')
	kind := "application/json"
	if tail != nil {
		kind = "application/octet-stream"
		x.w.Header().Set(binaryHead, strconv.Itoa(len(w.Buf)))
	}
	x.write(http.StatusOK, kind, append(w.Buf, tail...))
}

// tensorOf begins a tensor, up to its data; it has none where its data are bytes after the JSON.
func tensorOf(w *rawjson.Writer, name, datatype string, data []byte, shape ...int) {
	w.Open('{').Name("name").String(name).Name("datatype").String(datatype).Name("shape").Open('[')
	for _, n := range shape {
		w.Int(int64(n))
	}
	w.Close(']')
	if data != nil {
		w.Name("parameters").Open('{').Name("binary_data_size").Int(int64(len(data))).Close('}')
		return
	}
	w.Name("data").Open('[')
}

func tensorEnd(w *rawjson.Writer, data []byte) {
	if data == nil {
		w.Close(']')
	}
	w.Close('}')
}
