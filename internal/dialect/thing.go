package dialect

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"weir/internal/fault"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// ThingVerb is what is asked of a thing that a provider keeps.
type ThingVerb uint8

// The verbs.
const (
	ThingCreate  ThingVerb = iota + 1
	ThingList              // those there are
	ThingGet               // its object
	ThingContent           // what is in it, bytes of any kind
	ThingChange            // something happens to it (cancel, pause); the answer is its object
	ThingDetail            // what the provider tells of it and is not kept, such as its events
	ThingDelete
)

// ThingMember is a member of a thing's object that holds an id, or several.
type ThingMember struct {
	Name   string
	Kind   llm.ThingKind
	Prefix string // that an id of the gateway's begins with, as the provider's own do
	Detail bool   // it stands in what ThingDetail is answered with, not in the object
}

// Holder is implemented by dialects about things that providers keep: files, batches, jobs.
type Holder interface {
	// Thing is what kind of thing the dialect is about.
	Thing() llm.ThingKind
	// Asks reads what a method and a path, which is not escaped, ask for, and of which id; false where the dialect has no such call.
	Asks(method, path string) (verb ThingVerb, id string, ok bool)
	// Members are those of the dialect's objects that hold ids; the thing's own comes first.
	Members() []ThingMember
	// Page reads the query of a list. The error is a *fault.Fault (Malformed) with Param.
	Page(url.Values) (Page, error)
	// List appends a list of objects as the dialect has it; more says that there are further ones.
	List(dst []byte, objects [][]byte, more bool) []byte
}

// Page is which part of a list is asked for.
type Page struct {
	After, Before string // ids that it begins after, or ends before
	Limit         int
	Ascending     bool   // the oldest first
	Purpose       string // of files; "" = any
	AfterWord     string // what the query calls After; "" = after
	Skip          int    // of batches: so many before it
}

// RenameThings appends the answer to a verb to dst in which the ids that the members hold are replaced by what rename
// returns for them, in the object itself and in those of its data where it is a list. Every other byte stays. Where rename returns ""
// the id stays too. The answer is JSON.
func RenameThings(dst, answer []byte, verb ThingVerb, members []ThingMember, rename func(m *ThingMember, id string) string) []byte {
	r := renaming{answer: answer, detail: verb == ThingDetail, members: members, rename: rename}
	r.object(answer)
	for name, v := range rawjson.Members(answer) {
		switch string(name) {
		case "data":
			for _, one := range rawjson.Elems(v) {
				r.object(one)
			}
		case "first_id", "last_id":
			if !r.detail {
				r.value(&members[0], v)
			}
		}
	}
	slices.SortFunc(r.edits, func(a, b renamed) int { return cmp.Compare(a.at.Start, b.at.Start) })
	from := 0
	for _, e := range r.edits {
		dst = rawjson.AppendString(append(dst, answer[from:e.at.Start]...), e.id)
		from = e.at.End
	}
	return append(dst, answer[from:]...)
}

// renaming is an answer whose ids are being renamed.
type renaming struct {
	answer  []byte
	detail  bool
	members []ThingMember
	rename  func(m *ThingMember, id string) string
	edits   []renamed
}

type renamed struct {
	at llm.Span
	id string
}

func (r *renaming) object(v []byte) {
	for name, value := range rawjson.Members(v) {
		for i := range r.members {
			if m := &r.members[i]; m.Name == string(name) && m.Detail == r.detail {
				r.value(m, value)
			}
		}
	}
}

// value renames an id, or those of an array.
func (r *renaming) value(m *ThingMember, v []byte) {
	if rawjson.Kind(v) == '[' {
		for _, one := range rawjson.Elems(v) {
			if rawjson.Kind(one) == '"' {
				r.value(m, one)
			}
		}
		return
	}
	id, ok := rawjson.String(v)
	if !ok || id == "" {
		return
	}
	if own := r.rename(m, id); own != "" {
		r.edits = append(r.edits, renamed{SpanOf(r.answer, v), own})
	}
}

// ThingPath reads a path of a dialect's things, which is not escaped: what stands after its root is an id and at most one
// word more.
func ThingPath(path, root string) (id, word string, ok bool) {
	rest, under := strings.CutPrefix(path, root)
	if !under {
		return "", "", false
	}
	if rest == "" {
		return "", "", true
	}
	if rest[0] != '/' {
		return "", "", false
	}
	id, word, more := strings.Cut(rest[1:], "/")
	if id == "" || more && word == "" || strings.Contains(word, "/") {
		return "", "", false
	}
	return id, word, true
}

// PageOf reads a page's limit, which is from 1 to most and byDefault where the query does not say.
func PageOf(query url.Values, byDefault, most int) (Page, error) {
	p := Page{After: query.Get("after"), Limit: byDefault}
	if text := query.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > most {
			return p, &fault.Fault{Kind: fault.Malformed, Param: "limit", Message: "limit is a number from 1 to " + strconv.Itoa(most)}
		}
		p.Limit = n
	}
	switch order := query.Get("order"); order {
	case "", "desc":
	case "asc":
		p.Ascending = true
	default:
		return p, &fault.Fault{Kind: fault.Malformed, Param: "order", Message: "order is asc or desc"}
	}
	return p, nil
}

// Upload is what an upload of a file says.
type Upload struct {
	Purpose string
	File    llm.Span // where the file's bytes stand in the body
}

// Uploader is implemented by dialects in which files are uploaded.
type Uploader interface {
	// Upload reads an upload. The error is a *fault.Fault (Malformed or MediaType).
	Upload(*Call) (Upload, error)
	// Refill appends an upload's body to dst with other bytes in the place of its file's.
	Refill(dst []byte, c *Call, u Upload, file []byte) ([]byte, error)
}

// AsksFile is Asks of a dialect of files whose root is this.
func AsksFile(method, path, root string) (ThingVerb, string, bool) {
	id, word, ok := ThingPath(path, root)
	switch {
	case !ok:
	case id == "" && method == http.MethodPost:
		return ThingCreate, "", true
	case id == "" && method == http.MethodGet:
		return ThingList, "", true
	case id == "":
	case word == "" && method == http.MethodGet:
		return ThingGet, id, true
	case word == "" && method == http.MethodDelete:
		return ThingDelete, id, true
	case word == "content" && method == http.MethodGet:
		return ThingContent, id, true
	}
	return 0, "", false
}

// Orderer is implemented by dialects in which a thing is made of files that are there already.
type Orderer interface {
	// Files are those that a call names, which passed Peek.
	Files(*Call) []Named
}

// Named is an id in a call and the member it stands in.
type Named struct{ Param, ID string }
