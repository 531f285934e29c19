package llm

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Embed asks for embeddings: a vector for each input. Encoders never change it.
type Embed struct {
	From       Dialect // the dialect it was decoded from; its Extra belongs there
	Model      string
	Inputs     []EmbedInput
	Form       string   // where its own dialect has the inputs: a single one and a list of one differ there, and nowhere else
	Dimensions int64    // 0 = not said
	Types      []string // forms each vector is wanted in: float base64 int8 uint8 binary ubinary; nil = not said, which is float
	Task       EmbedTask
	Native     string // the task in the client's own word
	Truncate   string // what to do with inputs that are too long: "" none (refuse) start end (cut off there) auto
	User       string
	Extra      Extra
}

// EmbedTask is what embeddings are for. Those of queries and of documents go together, and no others.
type EmbedTask string

// The tasks.
const (
	EmbedQuery      EmbedTask = "query"
	EmbedDocument   EmbedTask = "document"
	EmbedSimilarity EmbedTask = "similarity"
	EmbedClassify   EmbedTask = "classification"
	EmbedCluster    EmbedTask = "clustering"
	EmbedQuestion   EmbedTask = "question"
	EmbedFact       EmbedTask = "fact"
	EmbedCode       EmbedTask = "code" // a query for code
	EmbedImage      EmbedTask = "image"
)

// EmbedInput is what one vector is asked of: parts (texts and images), or tokens of the model's own.
type EmbedInput struct {
	Parts  []Part
	Tokens json.RawMessage // an array of numbers
	Title  string          // of a document
	Path   string          // where it stood in the client's document
	Extra  Extra
}

// Text returns the text of an input that is one text and nothing else.
func (in *EmbedInput) Text() (string, bool) {
	if in.Tokens != nil || len(in.Parts) != 1 || in.Parts[0].Kind != PartText {
		return "", false
	}
	return in.Parts[0].Text, true
}

// Wants reports whether vectors are wanted in a form.
func (e *Embed) Wants(form string) bool {
	if len(e.Types) == 0 {
		return form == FormFloat
	}
	return slices.Contains(e.Types, form)
}

// Forms of a vector that every dialect's floats can be brought into.
const (
	FormFloat  = "float"
	FormBase64 = "base64"
)

// Embeddings is the answer to Embed.
type Embeddings struct {
	From      Dialect // its Extra belongs there
	ID, Model string
	Vectors   []Vector
	Else      Else // written where the answer states none and the client's dialect demands one
	Usage     *Usage
	Extra     Extra
}

// Vector is the embedding of one input in one form. Floats come as an array or as base64 of little-endian float32;
// whichever it was is kept as it was written.
type Vector struct {
	Index  int64           // of the input
	Type   string          // "" = floats; int8 uint8 binary ubinary
	Array  json.RawMessage // numbers; nil where Base64 is set
	Base64 string
	Extra  Extra
}

// AppendArray appends the vector as an array of numbers: as it was written, or each float32 in the fewest digits that
// read back as the same float32.
func (v *Vector) AppendArray(dst []byte) ([]byte, error) {
	if v.Array != nil {
		return append(dst, v.Array...), nil
	}
	raw, err := base64.StdEncoding.DecodeString(v.Base64)
	if err != nil {
		return dst, fmt.Errorf("an embedding is no base64: %w", err)
	}
	if len(raw)%4 != 0 {
		return dst, errors.New("an embedding in base64 is cut off within a number")
	}
	dst = append(dst, '[')
	for i := 0; i < len(raw); i += 4 {
		f := float64(math.Float32frombits(binary.LittleEndian.Uint32(raw[i:])))
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return dst, errors.New("an embedding holds what is no number")
		}
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = strconv.AppendFloat(dst, f, 'g', -1, 32)
	}
	return append(dst, ']'), nil
}

// AppendBase64 appends the vector as base64 of little-endian float32: as it was written, or each number as the float32
// nearest to it.
func (v *Vector) AppendBase64(dst []byte) ([]byte, error) {
	if v.Array == nil {
		return append(dst, v.Base64...), nil
	}
	text := strings.Trim(string(v.Array), "[] \t\r\n")
	raw := make([]byte, 0, len(text)/2)
	for text != "" {
		var one string
		one, text, _ = strings.Cut(text, ",")
		f, err := strconv.ParseFloat(strings.Trim(one, " \t\r\n"), 32)
		if err != nil {
			return dst, errors.New("an embedding holds what is no number of 32 bits")
		}
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(float32(f)))
	}
	return base64.StdEncoding.AppendEncode(dst, raw), nil
}
