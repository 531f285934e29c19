package engine

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/gateway"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// reference is an id of the gateway's own in a body, or the address that it has here: of a file that a provider keeps.
type reference struct {
	said             string // as it stands there
	native, provider string // native is what stands there for the provider
	at               int    // where it stands first
}

// refer looks for ids of the gateway's own in the body. One that is not this key's is not found; all others must name what
// one provider keeps, since only that one can be asked.
func (c *call) refer() error {
	var err error
	c.refs, err = c.e.references(c.x.Grant.Key, c.in.Body)
	return err
}

// references returns what a body refers to. The error is a *fault.Fault.
func (e *Engine) references(owner string, body []byte) ([]reference, error) {
	if e.things == nil || !e.things.Any() || !bytes.Contains(body, []byte(llm.ThingTag)) || rawjson.Kind(body) != '{' {
		return nil, nil
	}
	var refs []reference
	var p places
	for written, at := range ownIDs(body) {
		said := unslashed(written)
		if slices.ContainsFunc(refs, func(r reference) bool { return r.said == said }) {
			continue
		}
		id := idOf(said)
		_, provider, native, ok := e.things.Native(owner, id)
		if ok {
			var t gateway.Thing
			if t, ok = e.things.Get(owner, id); t.Dialect == llm.GeminiFiles && t.Path != "" {
				native = t.Path // a file of Gemini's goes by its address
			}
		}
		if p.speech(body, at) {
			continue // somebody talks about it
		}
		switch {
		case !ok:
			f := fault.New(fault.NotFound, "no such file here for this key: %s", bounded(id, 200))
			f.Param, f.Code = pathAt(body, at), "not_found"
			return nil, f
		case len(refs) == refsMost:
			return nil, refusal(pathAt(body, at), "the request refers to more than "+strconv.Itoa(refsMost)+" files; send fewer at a time")
		}
		if len(refs) > 0 && refs[0].provider != provider {
			return nil, refusal(pathAt(body, at), "the request refers to files that different providers keep ("+refs[0].provider+" and "+provider+"); no provider can see both")
		}
		refs = append(refs, reference{said, native, provider, at})
	}
	return refs, nil
}

// pinFiles leaves only the targets of the provider that keeps what the call refers to.
func (c *call) pinFiles() error {
	if len(c.refs) == 0 {
		return nil
	}
	keeper := c.refs[0].provider
	plan := &c.x.Plan
	var left []gateway.Target
	for _, t := range plan.Targets {
		if t.Provider == keeper {
			left = append(left, t)
			continue
		}
		plan.PassedOver = append(plan.PassedOver, gateway.Candidate{Target: t, Why: "the provider " + keeper + " keeps the file"})
	}
	if left == nil {
		f := fault.New(fault.Unsupported, "the file %s is kept by the provider %s, and the model %s is not asked there: ask a model of %s, or send the file itself",
			bounded(c.refs[0].said, 200), keeper, bounded(c.x.Head.Model, 100), keeper)
		f.Param = pathAt(c.in.Body, c.refs[0].at)
		return f
	}
	plan.Targets, plan.Tries = left, min(max(plan.Tries, 1), len(left))
	return nil
}

// referTo puts the provider's ids in the place of the gateway's own in the body that is sent, whatever dialect it is in.
func (c *call) referTo(t *try) {
	if len(c.refs) == 0 {
		return
	}
	buf := newBuffer()
	buf.b = referred(buf.b, t.call.Body, c.refs)
	t.buf.release()
	t.call.Body, t.buf = buf.b, buf
}

// referred appends a body to dst with the provider's ids in it.
func referred(dst, body []byte, refs []reference) []byte {
	var p places
	from := 0
	for written, at := range ownIDs(body) {
		said := unslashed(written)
		i := slices.IndexFunc(refs, func(r reference) bool { return r.said == said })
		if i < 0 || p.speech(body, at) {
			continue
		}
		dst = rawjson.AppendString(append(dst, body[from:at]...), refs[i].native)
		from = at + len(written) + 2
	}
	return append(dst, body[from:]...)
}

// unslashed is a string without the backslash that some writers of JSON put before slashes.
func unslashed(written string) string { return strings.ReplaceAll(written, `\/`, "/") }

// filesPath is where files of Gemini have their addresses here, of either version.
var filesPath = [...]string{"/v1beta/files/", "/v1alpha/files/"}

// idOf returns the id that is said as itself or as the address of a file here.
func idOf(said string) string {
	for _, path := range filesPath {
		if at := strings.Index(said, path); at >= 0 {
			return said[at+len(path)-len("files/"):]
		}
	}
	return said
}

const (
	refsMost   = 100  // files that a body may refer to
	listsMost  = 20   // ids in lists whose place is looked for from the beginning of the body
	idMost     = 1024 // bytes of an id
	prefixMost = 16   // of what stands before the tag
)

// ownIDs yields the whole strings of a JSON text that look like ids of the gateway's own, or addresses here that end in one, and
// where each begins, with its quote, as they are written. Names of members are none.
func ownIDs(body []byte) func(yield func(string, int) bool) {
	return func(yield func(string, int) bool) {
		for from := 0; ; {
			i := bytes.Index(body[from:], []byte(llm.ThingTag))
			if i < 0 {
				return
			}
			start, end := from+i, from+i+len(llm.ThingTag)
			from = end
			for start > 0 && end-start < idMost && inID(body[start-1]) {
				start--
			}
			for end < len(body) && end-start < idMost && inID(body[end]) {
				end++
			}
			if at := from - len(llm.ThingTag); body[max(start, 1)-1] != '"' || !prefix(body[start:at]) {
				if start = addressBefore(body, at); start == 0 {
					continue // by chance, in what is coded in base64
				}
			}
			if start == 0 || body[start-1] != '"' || start > 1 && body[start-2] == '\\' || end == len(body) || body[end] != '"' {
				continue
			}
			if next := rawjson.Space(body, end+1); next < len(body) && body[next] == ':' {
				continue
			}
			from = end
			if !yield(string(body[start:end]), start-1) {
				return
			}
		}
	}
}

// addressMost bounds what stands before the path in an address.
const addressMost = 300

// addressBefore returns where a string begins that makes an address out of the id whose tag is at an offset, or a name that is
// written with backslashes, 0 where none does.
func addressBefore(body []byte, at int) int {
	if at < 2 || body[at-1] != '/' {
		return 0
	}
	start := bytes.LastIndexByte(body[max(0, at-addressMost):at], '"') + 1
	if start == 0 {
		return 0
	}
	start += max(0, at-addressMost)
	text := unslashed(string(body[start:at]))
	if text == "files/" {
		return start
	}
	if !strings.HasPrefix(text, "http://") && !strings.HasPrefix(text, "https://") || strings.Contains(text, `\`) {
		return 0
	}
	if slices.ContainsFunc(filesPath[:], func(path string) bool { return strings.HasSuffix(text, path) }) {
		return start
	}
	return 0
}

// prefix reports whether a text can stand before the tag: a word in small letters and what parts it from the rest.
func prefix(text []byte) bool {
	if len(text) > prefixMost {
		return false
	}
	for i, c := range text {
		if (c < 'a' || c > 'z') && (i != len(text)-1 || c != '-' && c != '_' && c != '/') {
			return false
		}
	}
	return true
}

// inID reports whether a byte may stand in an id; of Google's files a slash does.
func inID(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '/'
}

// places tells where ids stand. It looks from the beginning of a body only so often.
type places struct{ looked int }

// speech reports whether the string at an offset is something that is said. Mostly the member's name stands before it.
func (p *places) speech(body []byte, at int) bool {
	i := at - 1
	for i > 0 && body[i] <= ' ' {
		i--
	}
	if i > 0 && body[i] == ':' {
		for i--; i > 0 && body[i] <= ' '; i-- {
		}
		if i > 0 && body[i] == '"' {
			return speech(string(body[bytes.LastIndexByte(body[:i], '"')+1 : i]))
		}
	}
	p.looked++
	return p.looked <= listsMost && speech(pathAt(body, at))
}

// speech reports whether a path is of what is said, where an id refers to nothing.
func speech(path string) bool {
	last := path[strings.LastIndexByte(path, '.')+1:]
	name, _, _ := strings.Cut(last, "[")
	switch name {
	case "text", "content", "input", "prompt", "instructions", "arguments", "system", "query", "message", "output":
		return true
	}
	return false
}

// pathAt returns the path of the value that begins at an offset: messages[0].content[1].file_id.
func pathAt(v []byte, at int) string {
	path := ""
	body := v
	for range rawjson.MaxDepth {
		within := func(one []byte) bool {
			s := dialect.SpanOf(body, one)
			return s.Start <= at && at < s.End
		}
		var inner []byte
		switch rawjson.Kind(v) {
		case '{':
			for name, one := range rawjson.Members(v) {
				if within(one) {
					if path != "" {
						path += "."
					}
					path, inner = path+string(name), one
					break
				}
			}
		case '[':
			for i, one := range rawjson.Elems(v) {
				if within(one) {
					path, inner = path+"["+strconv.Itoa(i)+"]", one
					break
				}
			}
		}
		if inner == nil {
			return path
		}
		v = inner
	}
	return path
}

// replaceAll puts one text in the place of another wherever it stands.
func replaceAll(b []byte, old, to string) []byte { return bytes.ReplaceAll(b, []byte(old), []byte(to)) }
