package dialect

import (
	"slices"
	"strconv"

	"weir/internal/llm"
)

// Settling is what a provider demands of calls and their results beyond each having the other.
type Settling struct {
	Close bool // results stand right after the turn of their calls, before anything else
	Kept  bool // the provider keeps turns that are not in the request: calls and results may be among them
}

// Settle returns a conversation in which no two calls share an id, every call has one result, which stands after it, and
// every result has its call. Clients send others: a result twice, the result of a call that was cut off, calls that were
// interrupted. A result too many is told as the user's words, a missing one is filled in; both are declared, as is a
// result that had to move. A call whose id is taken gets another, always the same. The messages given are not changed;
// they are what is returned where nothing is wrong with them.
func Settle(messages []llm.Message, s Settling, lose func(path, why string, grade llm.Grade)) []llm.Message {
	if !slices.ContainsFunc(messages, toolTurn) {
		return messages
	}
	messages = Distinct(messages)
	answers, claimed := matched(messages)
	if s.settled(messages, answers, claimed) {
		return messages
	}
	follow := map[int][]llm.Part{} // by the turn of their calls
	moved := map[spot]bool{}
	for at, p := range clientParts(messages, llm.PartCall) {
		r, answered := answers[at]
		switch {
		case answered && s.stays(messages, at, r), !answered && s.Kept:
		case answered:
			q := messages[r.message].Parts[r.part]
			lose(q.Path, "the result stands right after its call here", llm.Changed)
			follow[at.message] = append(follow[at.message], q)
			moved[r] = true
		default:
			lose(p.Path, "the call's result is missing, and every call must have one", llm.Filled)
			follow[at.message] = append(follow[at.message], llm.Part{
				Kind: llm.PartResult, ID: p.ID, Name: p.Name, Result: []llm.Part{{Kind: llm.PartText, Text: noResult}},
			})
		}
	}
	out := make([]llm.Message, 0, len(messages)+len(follow))
	for i, m := range messages {
		var parts []llm.Part
		for j := range m.Parts {
			p := &m.Parts[j]
			at := spot{i, j}
			switch {
			case moved[at]:
			case p.Kind == llm.PartResult && p.By == llm.ByClient && !claimed[at] && !s.Kept:
				parts = append(parts, told(p, lose)...)
			default:
				parts = append(parts, *p)
			}
		}
		m.Parts = parts
		out = append(out, m)
		if len(follow[i]) > 0 {
			out = append(out, llm.Message{Role: llm.User, Parts: follow[i]})
		}
	}
	return out
}

// toolTurn reports whether a turn has a call or a result of the client's own tools.
func toolTurn(m llm.Message) bool {
	return slices.ContainsFunc(m.Parts, func(p llm.Part) bool {
		return (p.Kind == llm.PartCall || p.Kind == llm.PartResult) && p.By == llm.ByClient
	})
}

// spot is where a part stands in a conversation.
type spot struct{ message, part int }

func (a spot) before(b spot) bool {
	return a.message < b.message || a.message == b.message && a.part < b.part
}

// clientParts are the calls, or the results, of the client's own tools.
func clientParts(messages []llm.Message, kind llm.PartKind) func(yield func(spot, *llm.Part) bool) {
	return func(yield func(spot, *llm.Part) bool) {
		for i := range messages {
			for j := range messages[i].Parts {
				if p := &messages[i].Parts[j]; p.Kind == kind && p.By == llm.ByClient && !yield(spot{i, j}, p) {
					return
				}
			}
		}
	}
}

// matched finds the result of each call: the first of its id that comes after it, else the first that comes before.
func matched(messages []llm.Message) (answers map[spot]spot, claimed map[spot]bool) {
	results := map[string][]spot{}
	for at, p := range clientParts(messages, llm.PartResult) {
		results[p.ID] = append(results[p.ID], at)
	}
	answers, claimed = map[spot]spot{}, map[spot]bool{}
	for at, p := range clientParts(messages, llm.PartCall) {
		list := results[p.ID]
		if len(list) == 0 {
			continue
		}
		n := max(0, slices.IndexFunc(list, at.before))
		answers[at], claimed[list[n]] = list[n], true
	}
	return answers, claimed
}

// stays reports whether a result can stand where it does: after its call and, where they must be close, with nothing but
// results between the two.
func (s Settling) stays(messages []llm.Message, call, result spot) bool {
	if !call.before(result) || !s.Close {
		return call.before(result)
	}
	for i := call.message + 1; i < result.message; i++ {
		if messages[i].Role == llm.Assistant || slices.ContainsFunc(messages[i].Parts, func(p llm.Part) bool {
			return p.Kind != llm.PartResult || p.By != llm.ByClient
		}) {
			return false
		}
	}
	return messages[result.message].Role != llm.Assistant
}

// settled reports whether a conversation is as it must be.
func (s Settling) settled(messages []llm.Message, answers map[spot]spot, claimed map[spot]bool) bool {
	for at := range clientParts(messages, llm.PartCall) {
		if r, answered := answers[at]; answered && !s.stays(messages, at, r) || !answered && !s.Kept {
			return false
		}
	}
	for at := range clientParts(messages, llm.PartResult) {
		if !claimed[at] && !s.Kept {
			return false
		}
	}
	return true
}

// Distinct gives every call of a conversation an id of its own, and its result with it: providers that count their calls
// anew in every answer repeat them. The messages given are not changed; they are returned where no id is taken twice.
func Distinct(messages []llm.Message) []llm.Message {
	if !slices.ContainsFunc(messages, toolTurn) {
		return messages
	}
	taken := map[string]bool{}
	twice := false
	for _, p := range clientParts(messages, llm.PartCall) {
		twice = twice || taken[p.ID]
		taken[p.ID] = true
	}
	if !twice {
		return messages
	}
	out := slices.Clone(messages)
	seen := map[string]bool{}
	open := map[string][]string{} // new ids of calls without a result, by the id they came with
	for i := range out {
		parts := slices.Clone(out[i].Parts)
		out[i].Parts = parts
		for j := range parts {
			p := &parts[j]
			if p.By != llm.ByClient {
				continue
			}
			switch id := p.ID; p.Kind {
			case llm.PartCall:
				if seen[id] {
					for n := 2; taken[p.ID]; n++ {
						p.ID = id + "_" + strconv.Itoa(n)
					}
					taken[p.ID] = true
				}
				seen[id] = true
				open[id] = append(open[id], p.ID)
			case llm.PartResult:
				if list := open[id]; len(list) > 0 {
					// One that was left without its result gets none: the answer to a later call is not its own.
					n := 0
					for n < len(list)-1 && !together(out[:i], list[n], list[len(list)-1]) {
						n++
					}
					p.ID, open[id] = list[n], list[n+1:]
				}
			}
		}
	}
	return out
}

// together reports whether two calls were made in one turn, the last that has either.
func together(messages []llm.Message, a, b string) bool {
	for i := range slices.Backward(messages) {
		has := func(id string) bool {
			return slices.ContainsFunc(messages[i].Parts, func(p llm.Part) bool { return p.Kind == llm.PartCall && p.ID == id })
		}
		if has(a) || has(b) {
			return has(a) && has(b)
		}
	}
	return false
}
