package gemini

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/llm"
	"weir/internal/rawjson"
	"weir/internal/splice"
)

// The governed members of a body by position; both spellings of each.
const (
	atConfig = iota
	atConfigSnake
	atModel
)

// The governed members of the generation config by position.
const (
	atMax = iota
	atMaxSnake
	atCount
	atCountSnake
)

var (
	governed = splice.NewSpec("generationConfig", "generation_config", "model")
	config   = splice.NewSpec("maxOutputTokens", "max_output_tokens", "candidateCount", "candidate_count")
)

// Peek implements dialect.Dialect. The model is named by the path; a body that names one too must name the same.
func (generate) Peek(c *dialect.Call) (llm.Head, error) {
	var h llm.Head
	at, ok := cutPath(c.Path)
	if !ok {
		return h, malformed("model", "the path must name a model and what to do: "+root+"MODEL:"+whole+" or :"+streamed)
	}
	model, err := url.PathUnescape(at.model)
	if err != nil || model == "" || strings.ContainsFunc(model, control) {
		return h, malformed("model", "the model's name in the path cannot be read")
	}
	h.Model = model
	if h.Stream = at.action == streamed; h.Stream {
		h.Framing = framingOf(c.Query)
	}
	ix, err := governed.Scan(c.Body)
	if err != nil {
		return h, refuse(err, "")
	}
	c.Index = ix
	if v := ix.Get(c.Body, atModel); !rawjson.IsNull(v) {
		if name, ok := rawjson.String(v); !ok || bare(name) != model && bare(name) != bare(model) {
			return h, malformed("model", "the body names another model than the path")
		}
	}
	_, raw, err := oneOf(&ix, c.Body, atConfig, atConfigSnake, "generationConfig")
	if err != nil || rawjson.IsNull(raw) {
		return h, err
	}
	if rawjson.Kind(raw) != '{' {
		return h, malformed("generationConfig", "generationConfig must be an object")
	}
	in, err := config.Scan(raw)
	if err != nil {
		return h, refuse(err, "generationConfig")
	}
	if h.MaxOutput, err = count(&in, raw, atMax, atMaxSnake, "generationConfig.maxOutputTokens"); err != nil {
		return h, err
	}
	h.N, err = count(&in, raw, atCount, atCountSnake, "generationConfig.candidateCount")
	return h, err
}

func control(r rune) bool { return r < ' ' || r == 0x7f }

// place is a path taken apart.
type place struct {
	prefix, model string // as they stand; the model still escaped
	colon, action string
}

// cutPath takes a path apart: the model stands between /models/ and the last colon, and may hold slashes. Vertex puts
// project and publisher before it.
func cutPath(path string) (p place, ok bool) {
	from := max(0, strings.Index(path, "/publishers/"))
	i := strings.Index(path[from:], "/models/")
	if i < 0 {
		return p, false
	}
	i += from + len("/models/")
	p.prefix = path[:i]
	rest := path[i:]
	for _, action := range [...]string{streamed, whole} {
		before, ok := strings.CutSuffix(rest, action)
		if !ok {
			continue
		}
		for _, colon := range [...]string{":", "%3A", "%3a"} {
			if model, ok := strings.CutSuffix(before, colon); ok && model != "" {
				p.model, p.colon, p.action = model, colon, action
				return p, true
			}
		}
	}
	return p, false
}

// framingOf tells from a stream's query how it is cut. The system parameter alt may be written $alt, and Google's older
// SDKs say more in it behind a semicolon.
func framingOf(query string) llm.Framing {
	for len(query) > 0 {
		var one string
		one, query, _ = strings.Cut(query, "&")
		name, value, _ := strings.Cut(one, "=")
		if (name == "alt" || name == "$alt" || name == "%24alt") && strings.HasPrefix(value, "sse") {
			return llm.SSE
		}
	}
	return llm.Array
}

// bare takes what a resource's name has before the model's own.
func bare(name string) string {
	if i := strings.LastIndex(name, "/models/"); i >= 0 {
		return name[i+len("/models/"):]
	}
	return strings.TrimPrefix(name, "models/")
}

// oneOf returns which of a member's two spellings is there, and its value; both at once are refused, for readers differ
// in which one counts.
func oneOf(ix *splice.Index, body []byte, camel, snake int, name string) (int, []byte, error) {
	a, b := ix.Get(body, camel), ix.Get(body, snake)
	switch {
	case a != nil && b != nil:
		return camel, nil, malformed(name, name+" is there in both its spellings")
	case b != nil:
		return snake, b, nil
	}
	return camel, a, nil
}

// count reads a whole number of the generation config, which JSON of protocol buffers may write as a string; 0 where
// there is none.
func count(ix *splice.Index, raw []byte, camel, snake int, name string) (int64, error) {
	_, v, err := oneOf(ix, raw, camel, snake, name)
	if err != nil || rawjson.IsNull(v) {
		return 0, err
	}
	n, ok := wholeNumber(v)
	if !ok || n < 0 {
		return 0, malformed(name, name+" must be a whole number, 0 or more")
	}
	return n, nil
}

// wholeNumber reads a whole number that may be written as a string.
func wholeNumber(v []byte) (int64, bool) {
	if s, ok := rawjson.String(v); ok {
		n, err := strconv.ParseInt(s, 10, 64)
		return n, err == nil
	}
	return rawjson.Int(v)
}

// refuse turns a refusal of the scan into what the client reads.
func refuse(err error, within string) error {
	f := &fault.Fault{Kind: fault.Malformed, Message: "the body cannot be read as JSON", Cause: err}
	if e, ok := errors.AsType[*splice.Error](err); ok {
		f.Param, f.Message, f.Cause = e.Member, e.Error(), nil
		if within != "" {
			f.Param, f.Message = within, within+": "+e.Error()
		}
	}
	return f
}

func malformed(param, message string) *fault.Fault {
	return &fault.Fault{Kind: fault.Malformed, Param: param, Message: message}
}

// Edit implements dialect.Dialect. The model's name is changed in the path, and in a body that repeats it. A limit on
// the output only ever lowers generationConfig.maxOutputTokens. Usage is always in the stream. The call returned has no
// Index.
func (generate) Edit(dst []byte, c dialect.Call, e dialect.Edit) (dialect.Call, error) {
	body, ix := c.Body, c.Index
	if e.Model != "" {
		at, ok := cutPath(c.Path)
		if !ok {
			return c, fault.New(fault.Internal, "a call to edit has not passed Peek")
		}
		c.Path = at.prefix + escape(e.Model) + at.colon + at.action
		if v := ix.Get(body, atModel); !rawjson.IsNull(v) {
			name := e.Model
			if strings.HasPrefix(rawjson.Text(v), "models/") {
				name = "models/" + bare(name)
			}
			body = governed.Apply(nil, body, &ix, splice.Change{Member: atModel, Value: rawjson.AppendString(nil, name)})
			var err error
			if ix, err = governed.Scan(body); err != nil {
				return c, fmt.Errorf("gemini: scanning an edited body: %w", err)
			}
		}
	}
	start := len(dst)
	dst, err := limit(dst, body, &ix, e.MaxOutput)
	if err != nil {
		return c, err
	}
	c.Body, c.Index = dst[start:len(dst):len(dst)], splice.Index{}
	return c, nil
}

// limit appends body to dst with a limit on the output that is not above most, 0 = as it is.
func limit(dst, body []byte, ix *splice.Index, most int64) ([]byte, error) {
	if most <= 0 {
		return append(dst, body...), nil
	}
	var room [96]byte
	number := strconv.AppendInt(room[:0], most, 10)
	at, raw, err := oneOf(ix, body, atConfig, atConfigSnake, "generationConfig")
	if err != nil {
		return dst, err
	}
	if rawjson.IsNull(raw) {
		value := append(append(append(room[24:24], `{"maxOutputTokens":`...), number...), '}')
		return governed.Apply(dst, body, ix, splice.Change{Member: at, Value: value}), nil
	}
	in, err := config.Scan(raw)
	if err != nil {
		return dst, refuse(err, "generationConfig")
	}
	member, v, err := oneOf(&in, raw, atMax, atMaxSnake, "generationConfig.maxOutputTokens")
	if err != nil {
		return dst, err
	}
	if now, ok := wholeNumber(v); ok && now > 0 && now <= most {
		return append(dst, body...), nil
	}
	span := ix.Value[at]
	dst = append(dst, body[:span.Start]...)
	dst = config.Apply(dst, raw, &in, splice.Change{Member: member, Value: number})
	return append(dst, body[span.End:]...), nil
}

// escape writes a model's name as a segment of a path. A colon in it needs no escape, and the one before the action is
// the last.
func escape(model string) string { return url.PathEscape(strings.TrimPrefix(model, "models/")) }
