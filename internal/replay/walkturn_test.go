package replay_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"weir/internal/llm"
)

// turn is what an application keeps of a turn: what a user said, what was answered, or what calls came to.
type turn struct {
	user string

	from     llm.Dialect // of the client that was answered
	thoughts []thought
	text     string
	sealed   string // on the text
	calls    []walkCall
	seals    []string // on the calls

	answers  []walkCall
	outcomes []outcome
}

type thought struct {
	text, seal string
	hidden     bool // there is no text, and seal is all there is
	full       bool // Responses: it is no summary
}

var lostSeal = regexp.MustCompile(`(?i)(signature|encrypted|redacted|reasoning|thinking|thought)`)

// keep reads an answer as an application does that wants to go on in any dialect.
func keep(d llm.Dialect, got taken) turn {
	k := turn{from: d, text: got.text, calls: slices.Clone(got.calls), seals: make([]string, len(got.calls))}
	for i := range k.calls {
		if k.calls[i].id == "" {
			k.calls[i].id = fmt.Sprintf("call_%s%d", k.calls[i].name, i)
		}
	}
	switch d {
	case llm.AnthropicMessages:
		for _, b := range list(got.history[0], "content") {
			switch str(b, "type") {
			case "thinking":
				k.thoughts = append(k.thoughts, thought{text: str(b, "thinking"), seal: str(b, "signature")})
			case "redacted_thinking":
				k.thoughts = append(k.thoughts, thought{seal: str(b, "data"), hidden: true})
			}
		}
	case llm.BedrockConverse:
		for _, b := range list(got.history[0], "content") {
			if r := at(b, "reasoningContent"); r == nil {
				continue
			} else if c := str(r, "redactedContent"); c != "" {
				k.thoughts = append(k.thoughts, thought{seal: c, hidden: true})
			} else {
				k.thoughts = append(k.thoughts, thought{text: str(r, "reasoningText", "text"), seal: str(r, "reasoningText", "signature")})
			}
		}
	case llm.OpenAIResponses:
		n, seal := 0, "" // what has no text of its own is the seal of what comes next
		for _, item := range got.history {
			switch str(item, "type") {
			case "message":
				k.sealed, seal = seal, ""
			case "function_call":
				k.seals[n], seal = seal, ""
				n++
			case "reasoning":
				th := thought{seal: str(item, "encrypted_content")}
				for _, s := range list(item, "summary") {
					th.text += str(s, "text")
				}
				for _, s := range list(item, "content") {
					th.text, th.full = th.text+str(s, "text"), true
				}
				if th.text == "" {
					seal = th.seal
				} else {
					k.thoughts = append(k.thoughts, th)
				}
			}
		}
	case llm.GeminiGenerate:
		n := 0
		for _, p := range list(got.history[0], "parts") {
			switch seal := str(p, "thoughtSignature"); {
			case at(p, "functionCall") != nil:
				k.seals[n] = seal
				n++
			case at(p, "thought") == true:
				k.thoughts = append(k.thoughts, thought{text: str(p, "text"), seal: seal})
			case seal != "":
				k.sealed = seal
			}
		}
	}
	return k
}

// may reports whether a seal from one place may stand in another dialect's: it is the same maker's place, or the gateway
// has written on it whose it is.
func (k *turn) may(d llm.Dialect, seal string, hidden bool) bool {
	anthropics := []llm.Dialect{llm.AnthropicMessages, llm.BedrockConverse}
	return k.from == d || strings.HasPrefix(seal, llm.SealTag) || !hidden && slices.Contains(anthropics, k.from) && slices.Contains(anthropics, d)
}

// as writes a turn in a dialect's shape. Without a seal that may stand there, a thought is left out.
func (k *turn) as(d llm.Dialect, seals bool) array {
	c := walkClients[d]
	switch {
	case k.user != "":
		return array{c.say(k.user)}
	case k.answers != nil:
		return c.results(k.answers, k.outcomes)
	}
	own := *k
	own.thoughts, own.seals = nil, make([]string, len(k.calls))
	if seals {
		for _, th := range k.thoughts {
			if th.seal != "" && k.may(d, th.seal, th.hidden) {
				own.thoughts = append(own.thoughts, th)
			}
		}
		for i, s := range k.seals {
			if s != "" && k.may(d, s, false) {
				own.seals[i] = s
			}
		}
		if !k.may(d, k.sealed, false) {
			own.sealed = ""
		}
	} else {
		own.sealed = ""
	}
	return turnsAs[d](&own)
}

var turnsAs = map[llm.Dialect]func(*turn) array{
	llm.OpenAIChat: func(k *turn) array {
		m := object{"role": "assistant", "content": nil}
		if k.text != "" {
			m["content"] = k.text
		}
		if k.calls != nil {
			m["tool_calls"] = k.functions(true)
		}
		return array{m}
	},
	llm.OpenAIResponses: func(k *turn) array {
		var items array
		for _, th := range k.thoughts {
			item := object{"type": "reasoning", "summary": array{}, "encrypted_content": th.seal}
			switch {
			case th.full:
				item["content"] = array{object{"type": "reasoning_text", "text": th.text}}
			case th.text != "":
				item["summary"] = array{object{"type": "summary_text", "text": th.text}}
			}
			items = append(items, item)
		}
		seal := func(s string) {
			if s != "" {
				items = append(items, object{"type": "reasoning", "summary": array{}, "encrypted_content": s})
			}
		}
		if k.text != "" {
			seal(k.sealed)
			items = append(items, object{"type": "message", "role": "assistant", "content": k.text})
		}
		for i, c := range k.calls {
			seal(k.seals[i])
			items = append(items, object{"type": "function_call", "call_id": c.id, "name": c.name, "arguments": marshal(c.args)})
		}
		return items
	},
	llm.AnthropicMessages: func(k *turn) array {
		var blocks array
		for _, th := range k.thoughts {
			if th.hidden {
				blocks = append(blocks, object{"type": "redacted_thinking", "data": th.seal})
			} else {
				blocks = append(blocks, object{"type": "thinking", "thinking": th.text, "signature": th.seal})
			}
		}
		if k.text != "" {
			blocks = append(blocks, object{"type": "text", "text": k.text})
		}
		for _, c := range k.calls {
			blocks = append(blocks, object{"type": "tool_use", "id": c.id, "name": c.name, "input": c.args})
		}
		return array{object{"role": "assistant", "content": blocks}}
	},
	llm.GeminiGenerate: func(k *turn) array {
		var parts array
		part := func(p object, seal string) {
			if seal != "" {
				p["thoughtSignature"] = seal
			}
			parts = append(parts, p)
		}
		for _, th := range k.thoughts {
			part(object{"text": th.text, "thought": true}, th.seal)
		}
		if k.text != "" {
			part(object{"text": k.text}, k.sealed)
		}
		for i, c := range k.calls {
			part(object{"functionCall": object{"id": c.id, "name": c.name, "args": c.args}}, k.seals[i])
		}
		return array{object{"role": "model", "parts": parts}}
	},
	llm.BedrockConverse: func(k *turn) array {
		var blocks array
		for _, th := range k.thoughts {
			r := object{"reasoningText": object{"text": th.text, "signature": th.seal}}
			if th.hidden {
				r = object{"redactedContent": th.seal}
			}
			blocks = append(blocks, object{"reasoningContent": r})
		}
		if k.text != "" {
			blocks = append(blocks, object{"text": k.text})
		}
		for _, c := range k.calls {
			blocks = append(blocks, object{"toolUse": object{"toolUseId": c.id, "name": c.name, "input": c.args}})
		}
		return array{object{"role": "assistant", "content": blocks}}
	},
	llm.CohereChat: func(k *turn) array {
		m := object{"role": "assistant"}
		if k.text != "" {
			m["content"] = array{object{"type": "text", "text": k.text}}
		}
		if k.calls != nil {
			m["tool_calls"] = k.functions(true)
		}
		return array{m}
	},
	llm.OllamaChat: func(k *turn) array {
		m := object{"role": "assistant", "content": k.text}
		if k.calls != nil {
			m["tool_calls"] = k.functions(false)
		}
		return array{m}
	},
}

// functions are the calls as OpenAI has them, or as Ollama does, whose arguments are no string.
func (k *turn) functions(asText bool) array {
	var out array
	for _, c := range k.calls {
		f := object{"name": c.name, "arguments": c.args}
		call := object{"id": c.id, "function": f}
		if asText {
			f["arguments"], call["type"] = marshal(c.args), "function"
		}
		out = append(out, call)
	}
	return out
}
