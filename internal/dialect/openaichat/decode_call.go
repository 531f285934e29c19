package openaichat

import (
	"bytes"
	"strings"

	"weir/internal/dialect/openai"
	"weir/internal/fault"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// callDecoder is one tool call of a choice that streams.
type callDecoder struct {
	c              *choiceDecoder
	wire           int64 // its number on the wire
	index          int   // of its part
	id, name       string
	free           bool
	opened, closed bool
	head           llm.Part
	args           strings.Builder // what came before the name
	scan           objectScanner
}

// call decodes an element of tool_calls.
func (c *choiceDecoder) call(v []byte) {
	var id, name, args, kind string
	var free, numbered, other bool
	var wire int64
	var function, custom []byte
	for member, val := range rawjson.Members(v) {
		switch string(member) {
		case "index":
			wire, numbered = rawjson.Int(val)
		case "id":
			id = word(val)
		case "type":
			kind = rawjson.Text(val)
		case "function":
			function = val
		case "custom":
			custom = val
		default:
			other = other || !rawjson.IsNull(val)
		}
	}
	switch {
	case rawjson.Kind(custom) == '{' && (kind == "custom" || rawjson.Kind(function) != '{'):
		free = true
		name = rawjson.Text(rawjson.Get(custom, "name"))
		args, _ = arguments(nil, rawjson.Get(custom, "input"))
	case rawjson.Kind(function) == '{' || kind == "" || kind == "function" || kind == "custom":
		for member, val := range rawjson.Members(function) {
			switch string(member) {
			case "name":
				name = rawjson.Text(val)
			case "arguments":
				args, _ = arguments(nil, val)
			}
		}
	default:
		c.providers(v)
		return
	}
	call := c.find(id, name, wire, numbered)
	if call == nil {
		if id == "" && name == "" && args == "" {
			return
		}
		if !numbered {
			wire = int64(len(c.calls))
		}
		call = c.newCall(v, id, wire, free)
		other = false
	}
	if other {
		call.rest(v)
	}
	call.grow(name, args)
}

// find returns the call a piece belongs to, nil where it begins a new one. Some speakers give every call the number 0,
// some give none, some repeat id and name in every piece.
func (c *choiceDecoder) find(id, name string, wire int64, numbered bool) *callDecoder {
	var call *callDecoder
	for i := len(c.calls) - 1; i >= 0 && call == nil; i-- {
		if k := c.calls[i]; k.wire >= 0 && (numbered && k.wire == wire || !numbered && (id == "" || k.id == id)) {
			call = k
		}
	}
	switch {
	case call == nil:
		return nil
	case name == "":
		return call
	case id != "" && id != call.id && call.name != "", id == "" && call.closed:
		call.close()
		return nil
	}
	return call
}

func (c *choiceDecoder) newCall(v []byte, id string, wire int64, free bool) *callDecoder {
	call := &callDecoder{c: c, wire: wire, id: id, free: free}
	if id == "" {
		call.id = derive(choiceSeed(c.d.id, c.n), len(c.calls))
	}
	call.head = llm.Part{Kind: llm.PartCall, ID: call.id, Free: free}
	c.calls = append(c.calls, call)
	c.called = true
	call.rest(v)
	return call
}

// rest notes what stands beside the function.
func (k *callDecoder) rest(v []byte) {
	p := toolCall(nil, v, "", "", 0)
	if p.Cache != nil {
		k.head.Cache = p.Cache
	}
	if p.Seal.Data != "" {
		k.head.Seal = p.Seal
	}
	for name, val := range p.Extra {
		if k.c.d.hold(len(val)) {
			openai.Keep(&k.head.Extra, name, bytes.Clone(val))
		}
	}
}

// providers tells a call that the provider runs.
func (c *choiceDecoder) providers(v []byte) {
	p := toolCall(nil, v, "", choiceSeed(c.d.id, c.n), len(c.calls))
	c.calls = append(c.calls, &callDecoder{c: c, wire: int64(len(c.calls)), id: p.ID, opened: true, closed: true})
	c.whole(p)
}

func (c *choiceDecoder) functionCall(v []byte) {
	name := rawjson.Text(rawjson.Get(v, "name"))
	args, _ := arguments(nil, rawjson.Get(v, "arguments"))
	var call *callDecoder
	for _, k := range c.calls {
		if k.wire == legacySlot {
			call = k
		}
	}
	if call == nil {
		call = &callDecoder{c: c, wire: legacySlot, id: derive(choiceSeed(c.d.id, c.n), legacySlot)}
		call.head = llm.Part{Kind: llm.PartCall, ID: call.id, Raw: mark}
		openai.KeepRest(&call.head.Extra, "function_call", v, "name", "arguments")
		for n, val := range call.head.Extra {
			call.head.Extra[n] = bytes.Clone(val)
		}
		c.calls = append(c.calls, call)
		c.called = true
	}
	call.grow(name, args)
}

// grow opens the call when its name is known and adds to its arguments.
func (k *callDecoder) grow(name, args string) {
	if k.name == "" {
		k.name = name
	}
	if k.closed {
		if strings.TrimSpace(args) != "" && name == "" {
			f := fault.New(fault.Upstream, "the provider went on with a tool call that was complete")
			f.Origin = fault.There
			k.c.d.fail(f)
		}
		return
	}
	if !k.opened && k.name == "" {
		if k.c.d.hold(len(args)) {
			k.args.WriteString(args)
		}
		return
	}
	k.open()
	k.add(args)
}

func (k *callDecoder) open() {
	if k.opened {
		return
	}
	k.c.close()
	k.opened, k.index = true, k.c.next
	k.c.next++
	k.head.Name = k.name
	k.c.emit(llm.EventOpen, k.index, "", k.head)
	k.head = llm.Part{}
	k.add(k.args.String())
}

func (k *callDecoder) add(args string) {
	if args == "" {
		return
	}
	k.c.emit(llm.EventDelta, k.index, args, llm.Part{})
	if !k.free && k.scan.feed(args) {
		k.close()
	}
}

func (k *callDecoder) close() {
	if k.closed {
		return
	}
	k.open()
	if k.closed { // its arguments were complete
		return
	}
	k.closed = true
	known := k.head
	known.ID, known.Kind = "", 0
	k.c.emit(llm.EventClose, k.index, "", known)
}

// objectScanner finds out when a text that comes in pieces is a whole JSON object. It does not validate.
type objectScanner struct {
	depth           int
	inString, slash bool
	begun, off      bool // off: no object, or something after it
}

// feed reports whether the object is complete and nothing but space follows in s.
func (o *objectScanner) feed(s string) bool {
	if o.off {
		return false
	}
	for i := range len(s) {
		c := s[i]
		switch {
		case o.inString:
			switch {
			case o.slash:
				o.slash = false
			case c == '\\':
				o.slash = true
			case c == '"':
				o.inString = false
			}
		case !o.begun:
			switch c {
			case ' ', '\n', '\t', '\r':
			case '{':
				o.begun, o.depth = true, 1
			default:
				o.off = true
				return false
			}
		case o.depth == 0:
			if c > ' ' {
				o.off = true
				return false
			}
		case c == '"':
			o.inString = true
		case c == '{' || c == '[':
			o.depth++
		case c == '}' || c == ']':
			o.depth--
		}
	}
	return o.begun && o.depth == 0
}
