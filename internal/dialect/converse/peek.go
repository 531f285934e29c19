package converse

import (
	"errors"
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/llm"
	"weir/internal/rawjson"
	"weir/internal/splice"
)

// governed are the members of a request that decisions are taken by: both can limit the output.
var governed = splice.NewSpec("inferenceConfig", requestFields)

const (
	memberInference = iota
	memberFields
)

var (
	inference   = splice.NewSpec("maxTokens")
	fields      = splice.NewSpec(append(fieldLimits[:], inferenceMembers)...)
	fieldsInner = splice.NewSpec(innerLimits[:]...)

	// Models know a limit on the output under names of their own, which stand in additionalModelRequestFields; Nova has
	// it in an inferenceConfig there. Whoever limits by one name and forwards the others limits nothing.
	fieldLimits = [...]string{"max_tokens", "max_completion_tokens", "max_tokens_to_sample", "max_gen_len", "max_new_tokens", "maxTokens", "maxTokenCount"}
	innerLimits = [...]string{"maxTokens", "max_new_tokens"}
)

const (
	fieldCount       = len(fieldLimits) // of fields that are limits; the one after them holds some
	innerCount       = len(innerLimits)
	pathRoot         = "/model/"
	pathWhole        = "/converse"
	pathStream       = "/converse-stream"
	limitMember      = "inferenceConfig.maxTokens"
	inferenceMembers = "inferenceConfig"
)

// split reads the path of a call: the model, unescaped, and whether a stream is wanted.
func split(path string) (model string, stream bool, err error) {
	rest, ok := strings.CutPrefix(path, pathRoot)
	escaped, whole := strings.CutSuffix(rest, pathWhole)
	if !whole {
		escaped, stream = strings.CutSuffix(rest, pathStream)
	}
	if !ok || !whole && !stream || strings.Contains(escaped, "/") {
		return "", false, malformed("modelId", "the path must be "+pathRoot+"MODEL"+pathWhole+" or "+pathRoot+"MODEL"+pathStream)
	}
	model, e := url.PathUnescape(escaped)
	if e != nil || model == "" || !utf8.ValidString(model) || strings.ContainsFunc(model, unicode.IsControl) {
		return "", false, malformed("modelId", "the model in the path is missing or cannot be read")
	}
	return model, stream, nil
}

// join returns the path of a call. As AWS's SDKs do, it escapes all but the unreserved characters.
func join(model string, stream bool) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	b.Grow(len(pathRoot) + 3*len(model) + len(pathStream))
	b.WriteString(pathRoot)
	for i := range len(model) {
		c := model[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-._~", c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(hex[c>>4])
		b.WriteByte(hex[c&15])
	}
	if stream {
		b.WriteString(pathStream)
	} else {
		b.WriteString(pathWhole)
	}
	return b.String()
}

// Peek implements dialect.Dialect. Of several limits on the output the highest is the head's.
func (converse) Peek(c *dialect.Call) (llm.Head, error) {
	var h llm.Head
	ix, err := governed.Scan(c.Body)
	if err != nil {
		return h, refuse(err, "")
	}
	c.Index = ix
	if h.Model, h.Stream, err = split(c.Path); err != nil {
		return llm.Head{}, err
	}
	if h.Stream {
		h.Framing = llm.EventStream
	}
	if _, h.MaxOutput, err = highest(inference, 1, ix.Get(c.Body, memberInference), inferenceMembers, 1); err != nil {
		return h, err
	}
	v := ix.Get(c.Body, memberFields)
	inner, most, err := highest(fields, fieldCount, v, requestFields, 0)
	if err != nil {
		return h, err
	}
	within := int64(0)
	if v = inner.Get(v, fieldCount); rawjson.Kind(v) == '{' {
		if _, within, err = highest(fieldsInner, innerCount, v, requestFields+"."+inferenceMembers, 0); err != nil {
			return h, err
		}
	}
	h.MaxOutput = max(h.MaxOutput, most, within)
	return h, nil
}

// highest returns the highest limit among the first count members of a Spec, 0 if there is none. least is the lowest
// that is taken for one.
func highest(spec *splice.Spec, count int, v []byte, at string, least int64) (ix splice.Index, most int64, err error) {
	if rawjson.IsNull(v) {
		return ix, 0, nil
	}
	if rawjson.Kind(v) != '{' {
		return ix, 0, malformed(at, at+" must be an object")
	}
	if ix, err = spec.Scan(v); err != nil {
		return ix, 0, refuse(err, at)
	}
	for i := range count {
		limit := ix.Get(v, i)
		if rawjson.IsNull(limit) {
			continue
		}
		n, ok := rawjson.Int(limit)
		if !ok || n < least {
			param := at
			if at == inferenceMembers {
				param = limitMember
			}
			return ix, 0, malformed(param, param+": a limit on the output must be a whole number, at least "+strconv.FormatInt(least, 10))
		}
		most = max(most, n)
	}
	return ix, most, nil
}

// refuse turns a refusal of a scan into what the client reads; within is the member that was scanned, "" = the body.
func refuse(err error, within string) error {
	e, ok := errors.AsType[*splice.Error](err)
	if !ok {
		return &fault.Fault{Kind: fault.Malformed, Message: "the body cannot be read as JSON", Cause: err}
	}
	f := &fault.Fault{Kind: fault.Malformed, Param: e.Member, Message: e.Error()}
	if within != "" {
		f.Message = within + ": " + f.Message
		f.Param = within
		if e.Member != "" {
			f.Param += "." + e.Member
		}
	}
	return f
}

func malformed(param, message string) *fault.Fault {
	return &fault.Fault{Kind: fault.Malformed, Param: param, Message: message}
}

// Edit implements dialect.Dialect. The model is in the path. A limit on the output only ever lowers those there are;
// a call that has none gets inferenceConfig.maxTokens. Usage is always in the stream. The call returned has no Index
// where its body has changed.
func (converse) Edit(dst []byte, c dialect.Call, e dialect.Edit) (dialect.Call, error) {
	if e.Model != "" {
		c.Path = join(e.Model, strings.HasSuffix(c.Path, pathStream))
	}
	var changes [2]splice.Change
	n := 0
	if e.MaxOutput > 0 {
		stated := false
		change := func(member int, v []byte) {
			changes[n] = splice.Change{Member: member, Value: v}
			n++
		}
		if v := c.Index.Get(c.Body, memberFields); !rawjson.IsNull(v) {
			lower, said, err := lowerFields(v, e.MaxOutput)
			if err != nil {
				return c, err
			}
			if stated = said; lower != nil {
				change(memberFields, lower)
			}
		}
		switch v := c.Index.Get(c.Body, memberInference); {
		case rawjson.IsNull(v) && !stated:
			change(memberInference, append(strconv.AppendInt([]byte(`{"maxTokens":`), e.MaxOutput, 10), '}'))
		case !rawjson.IsNull(v):
			lower, _, err := lowered(inference, 1, v, e.MaxOutput, !stated)
			if err != nil {
				return c, err
			}
			if lower != nil {
				change(memberInference, lower)
			}
		}
	}
	start := len(dst)
	dst = governed.Apply(dst, c.Body, &c.Index, changes[:n]...)
	c.Body = dst[start:len(dst):len(dst)]
	if n > 0 {
		c.Index = splice.Index{} // an index belongs to the body it was made from
	}
	return c, nil
}

// lowered returns v with each of the first count members of a Spec lowered to most, nil if nothing changes. Where none
// is there and insert is set, the first is put in. said tells whether a limit is there.
func lowered(spec *splice.Spec, count int, v []byte, most int64, insert bool) (out []byte, said bool, err error) {
	ix, err := spec.Scan(v)
	if err != nil {
		return nil, false, refuse(err, "")
	}
	limit := strconv.AppendInt(nil, most, 10)
	var changes []splice.Change
	for i := range count {
		now := ix.Get(v, i)
		if rawjson.IsNull(now) {
			continue
		}
		said = true
		if n, ok := rawjson.Int(now); !ok || n > most {
			changes = append(changes, splice.Change{Member: i, Value: limit})
		}
	}
	if !said && insert {
		changes = append(changes, splice.Change{Member: 0, Value: limit})
	}
	if changes == nil {
		return nil, said, nil
	}
	return spec.Apply(nil, v, &ix, changes...), said, nil
}

// lowerFields lowers what limits the output in additionalModelRequestFields.
func lowerFields(v []byte, most int64) (out []byte, said bool, err error) {
	ix, err := fields.Scan(v)
	if err != nil {
		return nil, false, refuse(err, requestFields)
	}
	if inner := ix.Get(v, fieldCount); rawjson.Kind(inner) == '{' {
		lower, inside, err := lowered(fieldsInner, innerCount, inner, most, false)
		if err != nil {
			return nil, false, err
		}
		said = inside
		if lower != nil {
			v = fields.Apply(nil, v, &ix, splice.Change{Member: fieldCount, Value: lower})
			out = v
		}
	}
	lower, outside, err := lowered(fields, fieldCount, v, most, false)
	if lower != nil {
		out = lower
	}
	return out, said || outside, err
}
