package dialect

import (
	"slices"
	"strings"

	"weir/internal/llm"
	"weir/internal/rawjson"
)

// freeInput is the schema that stands for the free text of a custom tool.
const freeInput = `{"type":"object","properties":{"input":{"type":"string"}},"required":["input"]}`

// NoSchema is the schema of a function without parameters.
const NoSchema = `{"type":"object","properties":{}}`

// Functions returns the tools of another dialect's request for one that knows functions only: custom tools as functions
// of one string, groups as their members. Where only is not nil, tools it does not list are left out and not reported;
// the choice says why. What has no place is handed to lose.
func Functions(req *llm.Request, only []string, lose func(path, why string, grade llm.Grade)) []llm.Tool {
	return functions(nil, req.Tools, req.From, only, lose)
}

func functions(out, in []llm.Tool, from llm.Dialect, only []string, lose func(string, string, llm.Grade)) []llm.Tool {
	const none = "there is no such member here"
	for _, t := range in {
		if only != nil && t.Kind != llm.ToolGroup && !slices.Contains(only, t.Name) {
			continue
		}
		switch t.Kind {
		case llm.ToolServer:
			lose(t.Path, WhyNotTool(&t), llm.Dropped)
			continue
		case llm.ToolGroup:
			lose(t.Path, "its members are sent as single tools", llm.Changed)
			out = functions(out, t.Tools, from, only, lose)
			continue
		case llm.ToolCustom:
			lose(t.Path, "free text becomes the one argument of a function", llm.Changed)
			if t.Grammar != nil {
				lose(t.Path+"."+Word(from, "custom.format"), "free text cannot be held to a grammar here", llm.Dropped)
			}
			t.Schema = []byte(freeInput)
		}
		for _, name := range Names(t.Extra) {
			lose(t.Path+"."+name, none, llm.Dropped)
		}
		if t.Cache != nil {
			lose(t.Path+".cache_control", none, llm.Dropped)
		}
		if t.Defer {
			lose(t.Path+".defer_loading", none, llm.Dropped)
		}
		t.Extra, t.Cache, t.Defer, t.Raw = nil, nil, false, nil
		if t.Schema == nil {
			t.Schema = []byte(NoSchema)
		}
		out = append(out, t)
	}
	return out
}

// ObjectArgs returns the arguments of a call as a JSON object, verbatim where they are one. Free text is the one argument
// of the function that stands for its tool (see Functions). exact is false where the text had to be wrapped.
func ObjectArgs(args string, free bool) (object string, exact bool) {
	if free {
		return wrapped("input", args), false
	}
	if strings.TrimSpace(args) == "" {
		return "{}", true
	}
	if b := []byte(args); rawjson.Kind(b) == '{' && rawjson.Check(b) == nil {
		return args, true
	}
	return wrapped("arguments", args), false
}

func wrapped(name, text string) string {
	var w rawjson.Writer
	w.Open('{').Name(name).String(text).Close('}')
	return string(w.Buf)
}
