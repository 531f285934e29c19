package openairealtime

import (
	"errors"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/rawjson"
	"weir/internal/splice"
)

// object is one in which a model can be named, or that holds such objects.
type object struct {
	names  []string  // of the members looked at
	inner  []*object // what each holds; nil = a value
	spec   *splice.Spec
	beside bool // the model named is another than the one that answers
}

func newObject(beside bool, members ...member) *object {
	o := &object{beside: beside}
	for _, m := range members {
		o.names, o.inner = append(o.names, m.name), append(o.inner, m.holds)
	}
	o.spec = splice.NewSpec(o.names...)
	return o
}

type member struct {
	name  string
	holds *object
}

// events is where a client's event can name a model: that of the session, that of an answer, and the one that transcribes
// what is said, which the beta had in another place.
var events = func() *object {
	model := member{"model", nil}
	transcription := newObject(true, model)
	input := newObject(false, member{"transcription", transcription})
	audio := newObject(false, member{"input", input})
	session := newObject(false, model, member{"audio", audio}, member{"input_audio_transcription", transcription})
	return newObject(false, model, member{"type", nil}, member{"event_id", nil}, member{"session", session}, member{"response", session})
}()

// FromClient implements dialect.Session. An event is an object of clean JSON; one on whose members readers could disagree
// where a model can be named is refused.
func (s *session) FromClient(message []byte, govern dialect.Govern) ([]byte, error) {
	changed, err := events.govern(message, "", govern)
	if err != nil {
		return nil, err
	}
	if changed == nil {
		return message, nil
	}
	return changed, nil
}

// govern asks for every model that v names, which stands under a path. It returns v anew where a name changes, nil where
// none does.
func (o *object) govern(v []byte, path string, govern dialect.Govern) ([]byte, error) {
	ix, err := o.spec.Scan(v)
	if err != nil {
		return nil, unreadable(err, path)
	}
	var changes []splice.Change
	for i, name := range o.names {
		value := ix.Get(v, i)
		var changed []byte
		switch {
		case o.inner[i] != nil && rawjson.Kind(value) == '{':
			changed, err = o.inner[i].govern(value, path+name+".", govern)
		case name == "model" && !rawjson.IsNull(value):
			changed, err = rename(value, path+name, o.beside, govern)
		}
		if err != nil {
			return nil, err
		}
		if changed != nil {
			changes = append(changes, splice.Change{Member: i, Value: changed})
		}
	}
	if changes == nil {
		return nil, nil
	}
	return o.spec.Apply(nil, v, &ix, changes...), nil
}

// rename returns the name that goes up in place of one, nil where it is the same.
func rename(value []byte, path string, beside bool, govern dialect.Govern) ([]byte, error) {
	name, ok := rawjson.String(value)
	if !ok {
		return nil, refused(path, path+" must be a string")
	}
	other, err := govern(name, beside)
	if err != nil {
		f := *fault.Of(err)
		f.Param = path
		return nil, &f
	}
	if other == name {
		return nil, nil
	}
	return rawjson.AppendString(nil, other), nil
}

func unreadable(err error, path string) error {
	f := &fault.Fault{Kind: fault.Malformed, Code: "invalid_event", Message: "the event cannot be read: " + err.Error(), Cause: err}
	if e, ok := errors.AsType[*splice.Error](err); ok && e.Member != "" {
		f.Param = path + e.Member
	}
	return f
}

// idMost bounds an event's id that an error event names.
const idMost = 512

// Refusal implements dialect.Session.
func (s *session) Refusal(dst, message []byte, f *fault.Fault) []byte {
	id := ""
	if rawjson.Check(message) == nil {
		id = rawjson.Text(rawjson.Get(message, "event_id"))
	}
	if len(id) > idMost {
		id = ""
	}
	return event(dst, f, id)
}
