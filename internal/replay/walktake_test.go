package replay_test

import (
	"bytes"
	"maps"
	"slices"
	"testing"

	"weir/internal/frame"
)

func takeMessage(t *testing.T, answer []byte, stream bool) taken {
	var content array
	if !stream {
		content = list(decoded(t, answer), "content")
	} else {
		var input string
		for _, e := range lines(t, answer) {
			last := len(content) - 1
			switch str(e, "type") {
			case "content_block_start":
				content, input = append(content, maps.Clone(at(e, "content_block").(object))), ""
			case "content_block_delta":
				b := content[last].(object)
				for name, v := range at(e, "delta").(object) {
					switch name {
					case "type":
					case "partial_json":
						input += v.(string)
					default:
						b[name] = grown(b[name], v)
					}
				}
			case "content_block_stop":
				if b := content[last].(object); str(b, "type") == "tool_use" && input != "" {
					b["input"] = decodedArgs(input)
				}
			}
		}
	}
	out := taken{history: array{object{"role": "assistant", "content": content}}}
	for _, b := range content {
		switch str(b, "type") {
		case "text":
			out.text += str(b, "text")
		case "tool_use":
			out.calls = append(out.calls, walkCall{str(b, "id"), str(b, "name"), at(b, "input")})
		}
	}
	return out
}

func takeContent(t *testing.T, answer []byte, stream bool) taken {
	chunks := []object{}
	if stream {
		chunks = lines(t, answer)
	} else {
		chunks = append(chunks, decoded(t, answer))
	}
	var parts array
	for _, c := range chunks {
		for _, p := range list(c, "candidates", 0, "content", "parts") {
			said, text := at(p, "text").(string)
			n := len(parts) - 1
			switch {
			case text && said == "" && at(p, "thoughtSignature") == nil:
			case text && n >= 0 && at(parts, n, "text") != nil && at(parts, n, "thought") == at(p, "thought") && at(parts, n, "thoughtSignature") == nil:
				parts[n] = grown(parts[n], p)
			default:
				parts = append(parts, p)
			}
		}
	}
	out := taken{history: array{object{"role": "model", "parts": parts}}}
	for _, p := range parts {
		switch c := at(p, "functionCall"); {
		case c != nil:
			out.calls = append(out.calls, walkCall{str(c, "id"), str(c, "name"), at(c, "args")})
		case at(p, "thought") != true:
			out.text += str(p, "text")
		}
	}
	return out
}

func takeConverse(t *testing.T, answer []byte, stream bool) taken {
	var content array
	if !stream {
		content = list(decoded(t, answer), "output", "message", "content")
	} else {
		blocks := map[int64]object{}
		inputs := map[int64]string{}
		for f, err := range frame.AWS(bytes.NewReader(answer), nil, 1<<20) {
			if err != nil || f.Failed {
				t.Fatalf("%v %s %s", err, f.Event, f.Data)
			}
			e := decoded(t, f.Data)
			n := whole(e, "contentBlockIndex")
			switch f.Event {
			case "contentBlockStart":
				blocks[n] = object{"toolUse": at(e, "start", "toolUse")}
			case "contentBlockDelta":
				b := blocks[n]
				if b == nil {
					b = object{}
					blocks[n] = b
				}
				d := at(e, "delta")
				inputs[n] += str(d, "toolUse", "input")
				if s, is := at(d, "text").(string); is {
					b["text"] = grown(b["text"], s)
				}
				if r := at(d, "reasoningContent"); r != nil {
					b["reasoningContent"] = grown(b["reasoningContent"], converseThought(r.(object)))
				}
			}
		}
		for _, n := range slices.Sorted(maps.Keys(blocks)) {
			b := blocks[n]
			if c, is := b["toolUse"].(object); is {
				c["input"] = decodedArgs(inputs[n])
			}
			content = append(content, b)
		}
	}
	out := taken{history: array{object{"role": "assistant", "content": content}}}
	for _, b := range content {
		out.text += str(b, "text")
		if c := at(b, "toolUse"); c != nil {
			out.calls = append(out.calls, walkCall{str(c, "toolUseId"), str(c, "name"), at(c, "input")})
		}
	}
	return out
}

// converseThought puts a piece of a thought where it stands in a message.
func converseThought(delta object) object {
	if delta["text"] == nil && delta["signature"] == nil {
		return delta
	}
	return object{"reasoningText": delta}
}

func takeCohere(t *testing.T, answer []byte, stream bool) taken {
	m := object{"role": "assistant"}
	if !stream {
		m = at(decoded(t, answer), "message").(object)
	} else {
		var content, calls array
		for _, e := range lines(t, answer) {
			d := at(e, "delta", "message")
			n := int(whole(e, "index"))
			switch str(e, "type") {
			case "content-start":
				content = append(content, maps.Clone(at(d, "content").(object)))
			case "content-delta":
				content[n] = grown(content[n], at(d, "content"))
			case "tool-plan-delta":
				m["tool_plan"] = grown(m["tool_plan"], at(d, "tool_plan"))
			case "tool-call-start":
				calls = append(calls, at(d, "tool_calls"))
			case "tool-call-delta":
				calls[n] = grown(calls[n], at(d, "tool_calls"))
			}
		}
		if content != nil {
			m["content"] = content
		}
		if calls != nil {
			m["tool_calls"] = calls
		}
	}
	out := taken{history: array{m}}
	for _, p := range list(m, "content") {
		out.text += str(p, "text")
	}
	for _, c := range list(m, "tool_calls") {
		out.calls = append(out.calls, walkCall{str(c, "id"), str(c, "function", "name"), decodedArgs(str(c, "function", "arguments"))})
	}
	return out
}
