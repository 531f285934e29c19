package sim

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"slices"
	"strconv"
	"strings"

	"weir/internal/rawjson"
)

// mediaField says what a member of a call for images or sound may hold, whether it comes as JSON or in a form.
type mediaField struct {
	kind   string   // string, int, number, bool, file, any
	words  []string // of a string; nil = any
	lo, hi int64    // of a number; letters of a string; hi 0 = no bound
	list   bool     // it may stand several times in a form, as name or name[]
	need   bool
}

// upload is a file of a form.
type upload struct {
	name string
	data []byte
}

// media is a call for images or sound as it was read.
type media struct {
	chatReader
	values map[string]string // of single members
	files  map[string][]upload
	lists  map[string]int // how many of a list
}

// readMedia reads the body by the fields allowed. A form is taken where forms says so.
func (x *exchange) readMedia(fields map[string]mediaField, forms bool) (*media, error) {
	m := &media{chatReader: chatReader{body: x.body}, values: map[string]string{}, files: map[string][]upload{}, lists: map[string]int{}}
	typ, params, err := mime.ParseMediaType(x.r.Header.Get("Content-Type"))
	switch {
	case err == nil && typ == "multipart/form-data" && forms:
		m.readForm(params["boundary"], fields)
	case err == nil && typ == "application/json":
		if err := x.object(); err != nil {
			return nil, err
		}
		for name, v := range rawjson.Members(x.body) {
			m.member(string(name), v, fields)
		}
	default:
		return nil, chatError("", "unsupported_content_type", "Unsupported content type: '%s'.", x.r.Header.Get("Content-Type"))
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if f := fields[name]; f.need && m.values[name] == "" && len(m.files[name]) == 0 && m.lists[name] == 0 {
			m.fail(name, "missing_required_parameter", "Missing required parameter: '%s'.", name)
		}
	}
	x.asks(m.values["model"])
	if m.bad != nil {
		return nil, m.bad
	}
	return m, nil
}

// readForm reads a form with the standard library, and refuses what is not whole.
func (m *media) readForm(boundary string, fields map[string]mediaField) {
	r := multipart.NewReader(bytes.NewReader(m.body), boundary)
	for m.bad == nil {
		p, err := r.NextRawPart()
		if errors.Is(err, io.EOF) {
			return
		}
		var data []byte
		if err == nil {
			data, err = io.ReadAll(p)
		}
		if err != nil {
			m.fail("", "", "We could not parse the form of your request. (%v)", err)
			return
		}
		name := p.FormName()
		f, known := fields[name]
		if !known {
			name = strings.TrimSuffix(name, "[]")
			if f, known = fields[name]; !known || !f.list {
				m.fail(p.FormName(), "unknown_parameter", "Unknown parameter: '%s'.", p.FormName())
				return
			}
		}
		if _, again := m.values[name]; (again || len(m.files[name]) > 0) && !f.list {
			m.fail(name, "duplicate_parameter", "Duplicate parameter: '%s'.", name)
		}
		if f.kind == "file" != (p.FileName() != "") {
			m.fail(name, "invalid_type", "Invalid type for '%s': expected %s.", name, f.kind)
		}
		switch {
		case f.kind == "file":
			m.files[name] = append(m.files[name], upload{p.FileName(), data})
		case f.list:
			m.lists[name]++
		case f.kind == "string":
			m.check(name, string(data), f)
		default:
			m.scalar(name, data, f)
		}
	}
}

// member reads a member of a JSON body; null is as good as absent.
func (m *media) member(name string, v []byte, fields map[string]mediaField) {
	f, known := fields[name]
	switch {
	case !known:
		m.fail(name, "unknown_parameter", "Unknown parameter: '%s'.", name)
	case rawjson.IsNull(v):
	case f.list && rawjson.Kind(v) == '[':
		m.lists[name] = length(v)
	case f.kind == "any":
		m.values[name] = string(v)
	case f.kind == "file" || f.list || f.kind == "string" && rawjson.Kind(v) != '"':
		m.wrongType(name, "a "+f.kind, v)
	case f.kind == "string":
		m.check(name, rawjson.Text(v), f)
	default:
		m.scalar(name, v, f)
	}
}

// scalar takes a number or a boolean.
func (m *media) scalar(name string, v []byte, f mediaField) {
	ok := f.kind == "any"
	switch f.kind {
	case "bool":
		ok = string(v) == "true" || string(v) == "false"
	case "int":
		ok = whole(v) && within(v, f.lo, f.hi)
	case "number":
		ok = within(v, f.lo, f.hi)
	}
	if !ok {
		m.fail(name, "invalid_value", "Invalid value for '%s': %s.", name, cut(string(v), 40))
	}
	m.values[name] = string(v)
}

// check takes a string.
func (m *media) check(name, s string, f mediaField) {
	switch n := int64(len([]rune(s))); {
	case f.words != nil && !slices.Contains(f.words, s):
		m.fail(name, "invalid_value", "Invalid value: '%s'. Supported values are: '%s'.", cut(s, 40), strings.Join(f.words, "', '"))
	case s == "" && f.lo > 0:
		m.fail(name, "empty_string", "Invalid '%s': empty string. Expected a string with minimum length 1, but got an empty string instead.", name)
	case f.hi > 0 && n > f.hi:
		m.fail(name, "string_above_max_length", "Invalid '%s': string too long. Expected a string with maximum length %d, but got a string with length %d instead.", name, f.hi, n)
	}
	m.values[name] = s
}

// or returns a value, and what it is where nothing was said.
func (m *media) or(name, otherwise string) string {
	if v := m.values[name]; v != "" && v != "auto" {
		return v
	}
	return otherwise
}

func (m *media) count(name string, otherwise int) int {
	n, err := strconv.Atoi(m.values[name])
	if err != nil {
		return otherwise
	}
	return n
}

// mediaModels make images, speech or transcripts, or talk, and nothing else.
var mediaModels = []Model{
	{ID: "sim-image", About: "Draws: a pattern that its prompt decides, as PNG or JPEG.", Context: 8192},
	{ID: "sim-voice", About: "Speaks: a tone that its text decides, as WAV, PCM or MP3.", Context: 8192},
	{ID: "sim-transcribe", About: "Listens: says how much sound of which kind it was given.", Context: 8192},
	{ID: RealtimeModel, About: "Talks over a WebSocket, in text and sound."},
}

// MediaModels returns the models that make images, speech and transcripts. The caller owns the slice.
func MediaModels() []Model { return slices.Clone(mediaModels) }

// served reports what is wrong with the model asked for: others than the one that does this, and those that fail, are
// not known.
func (x *exchange) served(id, does string) error {
	fails := chatFailures[id] != nil || breakages[id] != breakNot || id == "sim-slow" || id == "sim-hang" || id == "sim-garbage"
	if id != does && !fails {
		return noChatModel(id)
	}
	return nil
}
