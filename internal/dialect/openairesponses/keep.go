package openairesponses

import (
	"bytes"
	"encoding/json"
	"strconv"

	"weir/internal/dialect"
	"weir/internal/frame"
	"weir/internal/llm"
	"weir/internal/rawjson"
	"weir/internal/splice"
)

var _ dialect.Keeper = responses{}

// Thread implements dialect.Keeper. The error is a *fault.Fault (Malformed).
func (responses) Thread(c dialect.Call) (dialect.Thread, error) {
	th := dialect.Thread{Member: "previous_response_id"}
	if raw := c.Index.Get(c.Body, atPrevious); !rawjson.IsNull(raw) {
		id, ok := rawjson.String(raw)
		if !ok {
			return th, malformed("previous_response_id", "previous_response_id must be a string")
		}
		th.Previous = id
	}
	for at, name := range map[int]string{atStore: "store", atBackground: "background"} {
		raw := c.Index.Get(c.Body, at)
		if rawjson.IsNull(raw) {
			continue
		}
		on, ok := rawjson.Bool(raw)
		switch {
		case !ok:
			return th, malformed(name, "%s must be true or false", name)
		case at == atStore:
			th.Store = &on
		default:
			th.Background = on
		}
	}
	for _, one := range [...]struct {
		at   int
		name string
	}{{atConversation, "conversation"}, {atPrompt, "prompt"}} {
		if th.Elsewhere == "" && !rawjson.IsNull(c.Index.Get(c.Body, one.at)) {
			th.Elsewhere = one.name
		}
	}
	for _, item := range rawjson.Elems(c.Index.Get(c.Body, atInput)) {
		if id := reference(item); id != "" {
			th.References = append(th.References, id)
		}
	}
	return th, nil
}

// reference returns the id of the item that an item refers to, "" for any other. The type may be left out.
func reference(item []byte) string {
	if rawjson.Kind(item) != '{' {
		return ""
	}
	switch rawjson.Text(rawjson.Get(item, "type")) {
	case "item_reference":
	case "":
		if rawjson.Get(item, "role") != nil || rawjson.Get(item, "content") != nil {
			return ""
		}
	default:
		return ""
	}
	return rawjson.Text(rawjson.Get(item, "id"))
}

// Input implements dialect.Keeper.
func (responses) Input(dst []byte, c dialect.Call) []byte {
	items, err := InputItems(c.Body)
	if err != nil {
		return dst // its provider has refused it
	}
	return joined(dst, items)
}

// Output implements dialect.Keeper.
func (responses) Output(dst, answer []byte) []byte {
	items, err := OutputItems(answer)
	if err != nil {
		return dst
	}
	return joined(dst, items)
}

func joined(dst []byte, items []json.RawMessage) []byte {
	for i, item := range items {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, item...)
	}
	return dst
}

// list returns the items of what joined wrote.
func list(items []byte) []json.RawMessage {
	return elements(append(append([]byte{'['}, items...), ']'))
}

// Resume implements dialect.Keeper.
func (responses) Resume(dst []byte, c dialect.Call, before []byte, item func(id string) []byte) (dialect.Call, error) {
	own, err := InputItems(c.Body)
	if err != nil {
		return c, err
	}
	items := list(before)
	for _, one := range own {
		if id := reference(one); id != "" {
			if kept := item(id); kept != nil {
				one = kept
			}
		}
		items = append(items, one)
	}
	c = EditInput(dst, c, items)
	_, err = responses{}.Peek(&c)
	return c, err
}

// Item implements dialect.Keeper.
func (responses) Item(items []byte, id string) []byte {
	for _, item := range list(items) {
		if rawjson.Text(rawjson.Get(item, "id")) == id {
			return item
		}
	}
	return nil
}

// ItemIDs implements dialect.Keeper.
func (responses) ItemIDs(answer []byte) []string {
	var out []string
	for _, item := range rawjson.Elems(rawjson.Get(answer, "output")) {
		if id := rawjson.Text(rawjson.Get(item, "id")); id != "" {
			out = append(out, id)
		}
	}
	return out
}

var lastEvents = [...][]byte{[]byte("event: response.completed\ndata: "), []byte("event: response.incomplete\ndata: ")}

// Whole implements dialect.Keeper. Frames of our own have no Data yet and may hold several events.
func (responses) Whole(f frame.Frame) []byte {
	data := f.Data
	if data == nil {
		for _, begins := range lastEvents {
			if i := bytes.LastIndex(f.Raw, begins); i >= 0 {
				data, _, _ = bytes.Cut(f.Raw[i+len(begins):], []byte("\n"))
			}
		}
	} else if kind := eventType(f); kind != evCompleted && kind != evIncomplete {
		return nil
	}
	if len(data) == 0 || rawjson.Check(data) != nil {
		return nil
	}
	return rawjson.Get(data, "response")
}

// state are the members of an answer that tell how far it is.
var state = splice.NewSpec("status", "background", "error", "completed_at")

const (
	stateStatus = iota
	stateBackground
	stateError
)

// Waiting implements dialect.Keeper.
func (responses) Waiting(dst []byte, req *llm.Request, id, model, created string) []byte {
	body, _, err := codec{}.EncodeResponse(req, &llm.Response{
		ID: id, Model: model, Created: llm.Num(created), Choices: []llm.Choice{{Stop: llm.Stop{Reason: llm.StopEnd}}},
	})
	if err != nil {
		return dst
	}
	return set(dst, body, splice.Change{Member: stateStatus, Value: []byte(`"in_progress"`)}, splice.Change{Member: stateBackground, Value: []byte("true")})
}

// Ended implements dialect.Keeper.
func (responses) Ended(dst, waiting []byte, cancelled bool, faultBody []byte) []byte {
	if cancelled {
		return set(dst, waiting, splice.Change{Member: stateStatus, Value: []byte(`"cancelled"`)})
	}
	failure := rawjson.Get(faultBody, "error")
	var w rawjson.Writer
	w.Open('{').Name("code").String("server_error").Name("message").String(rawjson.Text(rawjson.Get(failure, "message"))).Close('}')
	return set(dst, waiting, splice.Change{Member: stateStatus, Value: []byte(`"failed"`)}, splice.Change{Member: stateError, Value: w.Buf})
}

func set(dst, answer []byte, changes ...splice.Change) []byte {
	ix, err := state.Scan(answer)
	if err != nil {
		return append(dst, answer...)
	}
	return state.Apply(dst, answer, &ix, changes...)
}

// List implements dialect.Keeper.
func (responses) List(dst, items []byte, prefix, after string, limit int, ascending bool) []byte {
	all := list(items)
	for i, item := range all {
		if rawjson.Get(item, "id") == nil {
			all[i] = withID(item, prefix+"_"+strconv.Itoa(i))
		}
	}
	if !ascending {
		for i, j := 0, len(all)-1; i < j; i, j = i+1, j-1 {
			all[i], all[j] = all[j], all[i]
		}
	}
	if after != "" {
		for i, item := range all {
			if rawjson.Text(rawjson.Get(item, "id")) == after {
				all = all[i+1:]
				break
			}
		}
	}
	more := len(all) > limit
	all = all[:min(limit, len(all))]
	w := rawjson.Writer{Buf: dst}
	w.Open('{').Name("object").String("list").Name("data").Open('[')
	for _, item := range all {
		w.Raw(item)
	}
	w.Close(']')
	for i, name := range [...]string{"first_id", "last_id"} {
		w.Name(name)
		if len(all) == 0 {
			w.Null()
			continue
		}
		w.Raw(bytes.TrimSpace(rawjson.Get(all[i*(len(all)-1)], "id")))
	}
	w.Name("has_more").Bool(more).Close('}')
	return w.Buf
}

func withID(item []byte, id string) []byte {
	if rawjson.Kind(item) != '{' {
		return item
	}
	var w rawjson.Writer
	w.Open('{').Name("id").String(id)
	for name, v := range rawjson.Members(item) {
		w.Name(string(name)).Raw(v)
	}
	w.Close('}')
	return w.Buf
}

// Deleted implements dialect.Keeper.
func (responses) Deleted(dst []byte, id string) []byte {
	w := rawjson.Writer{Buf: dst}
	w.Open('{').Name("id").String(id).Name("object").String("response").Name("deleted").Bool(true).Close('}')
	return w.Buf
}
