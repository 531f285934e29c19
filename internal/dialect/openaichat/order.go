package openaichat

import (
	"slices"

	"weir/internal/llm"
)

// rank is the place of a part in the order chat says them, negative where it has none of its own. A refusal of our own
// can stand among the texts; another dialect's goes beside them.
func rank(p *llm.Part, own bool) int {
	switch p.Kind {
	case llm.PartReasoning:
		if p.Name != wordThinking {
			return 1
		}
	case llm.PartText, llm.PartJSON:
		return 2
	case llm.PartRefusal:
		if own {
			return 2
		}
		return 3
	case llm.PartAudio:
		if p.Name != wordInContent {
			return 4
		}
	case llm.PartImage:
		if p.Name != wordInContent {
			return 5
		}
	case llm.PartCall:
		if p.By == llm.ByClient {
			return 6
		}
	}
	return -1
}

// regrouped reports whether parts do not come in the order chat says them.
func regrouped(parts []llm.Part, own bool) bool {
	most := 0
	for i := range parts {
		r := rank(&parts[i], own)
		if r >= 0 && r < most {
			return true
		}
		most = max(most, r)
	}
	return false
}

// otherOrder is why an order is lost.
const otherOrder = "chat says reasoning, text and calls one after the other"

// sortByPlace puts another dialect's parts in the order chat says them.
func sortByPlace(parts []llm.Part) {
	slices.SortStableFunc(parts, func(a, b llm.Part) int { return rank(&a, false) - rank(&b, false) })
}

// joinRefusals makes one refusal of several: there is one member for them.
func joinRefusals(parts []llm.Part) []llm.Part {
	first := -1
	for i := 0; i < len(parts); i++ {
		switch {
		case parts[i].Kind != llm.PartRefusal:
		case first < 0:
			first = i
		default:
			parts[first].Text += parts[i].Text
			parts[first].Logprobs = append(slices.Clip(parts[first].Logprobs), parts[i].Logprobs...)
			parts = slices.Delete(parts, i, i+1)
			i--
		}
	}
	return parts
}
