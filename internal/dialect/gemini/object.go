package gemini

import (
	"bytes"
	"strings"

	"weir/internal/dialect"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// snakes gives the second spelling of the members that have one.
var snakes = func(names ...string) map[string]string {
	out := make(map[string]string, len(names))
	for _, name := range names {
		out[name] = snake(name)
	}
	return out
}(
	"allowedFunctionNames", "cachedContent", "candidateCount", "codeExecutionResult", "displayName", "executableCode",
	"fileData", "fileUri", "frequencyPenalty", "functionCall", "functionCallingConfig", "functionDeclarations",
	"functionResponse", "generationConfig", "includeThoughts", "inlineData", "maxOutputTokens", "mimeType",
	"parametersJsonSchema", "prebuiltVoiceConfig", "presencePenalty", "responseJsonSchema", "responseLogprobs",
	"responseMimeType", "responseModalities", "responseSchema", "safetySettings", "serviceTier", "speechConfig",
	"stopSequences", "systemInstruction", "thinkingBudget", "thinkingConfig", "thinkingLevel", "thoughtSignature",
	"toolCall", "toolConfig", "toolResponse", "toolType", "topK", "topP", "voiceConfig", "voiceName",
)

// snake returns a lower camel case name in snake case.
func snake(camel string) string {
	var b strings.Builder
	for _, c := range []byte(camel) {
		if c >= 'A' && c <= 'Z' {
			b.WriteByte('_')
			c |= 0x20
		}
		b.WriteByte(c)
	}
	return b.String()
}

// object is an object being taken apart whose members are found in either spelling. Where both are there, the first
// counts and the other is left.
type object struct{ dialect.Object }

// spelled returns the spelling of a member that is there, the first if none is.
func (o *object) spelled(name string) string {
	other := snakes[name]
	if other == "" || o.Object.Take(name) != nil {
		return name
	}
	if o.Object.Take(other) != nil {
		return other
	}
	return name
}

func (o *object) take(name string) []byte   { return o.Take(o.spelled(name)) }
func (o *object) leave(name string)         { o.Leave(o.spelled(name)) }
func (o *object) string(name string) string { return o.String(o.spelled(name)) }
func (o *object) bool(name string) *bool    { return o.Bool(o.spelled(name)) }

// count takes a whole number that may be written as a string, 0 where there is none.
func (o *object) count(name string) int64 {
	v := o.take(name)
	if v == nil {
		return 0
	}
	n, ok := wholeNumber(v)
	if !ok {
		o.Fail(name, "a whole number")
	}
	return n
}

// num takes a number as it is written, be it in a string, "" where there is none.
func (o *object) num(name string) llm.Num {
	v := o.take(name)
	if v == nil {
		return ""
	}
	if s, ok := rawjson.String(v); ok && rawjson.Kind([]byte(s)) == '0' && rawjson.Check([]byte(s)) == nil {
		return llm.Num(strings.TrimSpace(s))
	}
	if rawjson.Kind(v) != '0' {
		o.Fail(name, "a number")
	}
	return llm.Num(rawjson.Num(v))
}

// within takes what is inside the member name and is an object apart by read. What read leaves goes to x under dotted
// names. dotted is the member's own path.
func (o *object) within(x *llm.Extra, name, dotted string, read func(*object)) {
	v := o.take(name)
	if v == nil {
		return
	}
	if rawjson.Kind(v) != '{' {
		o.Fail(name, "an object")
		return
	}
	var in object
	in.Read(v)
	read(&in)
	if in.Bad != nil {
		o.Fail(name+"."+in.Bad.Member, in.Bad.Want)
	}
	for member, raw := range in.Rest() {
		*x = dialect.With(*x, dotted+member, raw)
	}
}

// elems yields the elements of a list; the API takes one alone for a list of one.
func elems(v []byte) func(func(int, []byte) bool) {
	if rawjson.Kind(v) == '[' {
		return rawjson.Elems(v)
	}
	return func(yield func(int, []byte) bool) {
		if v != nil {
			yield(0, v)
		}
	}
}

// list reports whether v is a list of objects, or one alone.
func list(v []byte) bool { k := rawjson.Kind(v); return k == '[' || k == '{' }

// enum reads a word of an enum: as it is, or as the number the words are listed by.
func enum(v []byte, words []string) string {
	if s, ok := rawjson.String(v); ok {
		return s
	}
	if n, ok := rawjson.Int(v); ok && n >= 0 && n < int64(len(words)) {
		return words[n]
	}
	return ""
}

// trimmed returns raw JSON as text, as it is written.
func trimmed(v []byte) string { return string(bytes.TrimSpace(v)) }

// tight returns raw JSON of an answer as text, without the line breaks and indentation that Google's servers put in for
// people.
func tight(v []byte) string {
	v = bytes.TrimSpace(v)
	if bytes.IndexByte(v, '\n') < 0 && bytes.IndexByte(v, '\r') < 0 {
		return string(v)
	}
	return string(appendTight(nil, v))
}

// appendTight appends valid JSON without white space between its tokens.
func appendTight(dst, v []byte) []byte {
	for i := 0; i < len(v); {
		switch c := v[i]; {
		case c == '"':
			end, err := rawjson.SkipString(v, i)
			if err != nil {
				return append(dst, v[i:]...)
			}
			dst = append(dst, v[i:end]...)
			i = end
		case c <= ' ':
			i++
		default:
			dst = append(dst, c)
			i++
		}
	}
	return dst
}

// writeNested writes the members of x that belong into the nested object.
func writeNested(w *rawjson.Writer, x llm.Extra, prefix string) {
	for _, name := range dialect.Names(x) {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			w.Name(rest).Raw(x[name])
		}
	}
}

// hasNested reports whether writeNested would write anything.
func hasNested(x llm.Extra, prefix string) bool {
	for name := range x {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// nested are the objects whose members stand under dotted names in a request's Extra.
var nested = []string{"generationConfig.", "toolConfig."}

// writeRest writes the members of x that belong into no nested object.
func writeRest(w *rawjson.Writer, x llm.Extra) {
	for _, name := range dialect.Names(x) {
		inside := false
		for _, prefix := range nested {
			inside = inside || strings.HasPrefix(name, prefix)
		}
		if !inside {
			w.Name(name).Raw(x[name])
		}
	}
}
