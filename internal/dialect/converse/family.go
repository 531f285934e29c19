package converse

import (
	"strconv"
	"strings"
)

// family is a line of models that share what they take beside the members all models share.
type family uint8

const (
	familyUnknown family = iota // the name does not tell: a profile, or a name of the gateway's document
	familyClaude
	familyNova  // of the first generation: they do not think
	familyNova2 // they think, and take a level
	familyGPT   // OpenAI's open models
	familyMistral
	familyCohere
	familyDeepSeek
	familyOther
)

// familyWords are looked for in the names of models, in order.
var familyWords = []struct {
	word string
	is   family
}{
	{"claude", familyClaude},
	{"nova-2", familyNova2},
	{"nova-", familyNova},
	{"gpt-oss", familyGPT},
	{"mistral", familyMistral},
	{"mixtral", familyMistral},
	{"pixtral", familyMistral},
	{"devstral", familyMistral},
	{"magistral", familyMistral},
	{"cohere.", familyCohere},
	{"deepseek", familyDeepSeek},
	{"titan", familyOther},
	{"llama", familyOther},
	{"qwen", familyOther},
	{"jamba", familyOther},
	{"palmyra", familyOther},
	{"gemma", familyOther},
	{"minimax", familyOther},
	{"kimi", familyOther},
	{"nemotron", familyOther},
	{"zai.", familyOther},
}

// familyOf finds the family of a model by its name, which may be an ARN or have a region's prefix.
func familyOf(model string) family {
	model = strings.ToLower(model)
	for _, f := range familyWords {
		if strings.Contains(model, f.word) {
			return f.is
		}
	}
	return familyUnknown
}

// own returns the family that an own request is read and written as: where nothing tells, Claude's.
func (f family) own() family {
	if f == familyUnknown {
		return familyClaude
	}
	return f
}

// anyMaker seals where the maker is not known: it goes back to this dialect only.
const anyMaker = "bedrock"

// maker is who seals a family's reasoning.
func (f family) maker() string {
	switch f {
	case familyClaude, familyUnknown:
		return "anthropic"
	case familyNova, familyNova2:
		return "amazon"
	case familyGPT:
		return "openai"
	case familyDeepSeek:
		return "deepseek"
	}
	return anyMaker
}

// neverThinks reports whether a family is known never to think, so that nothing has to be said to have it quiet.
func (f family) neverThinks() bool { return f == familyNova || f == familyCohere }

// caches reports whether a family takes cache points; those of tools only Claude does.
func (f family) caches() bool {
	return f == familyUnknown || f == familyClaude || f == familyNova || f == familyNova2
}

// cites reports whether a family may cite documents that are sent to it.
func (f family) cites() bool { return f == familyUnknown || f == familyClaude }

// versionOf returns the version of a Claude model as major*100+minor, as in 407 for 4.7; 0 if the name tells none and
// newest where it is Claude without a number.
func versionOf(model string) int {
	const newest = 9999
	_, rest, ok := strings.Cut(strings.ToLower(model), "claude")
	if !ok {
		return 0
	}
	version, digits := 0, 0
	for _, word := range strings.FieldsFunc(rest, func(r rune) bool { return strings.ContainsRune("-.@:_", r) }) {
		n, err := strconv.Atoi(strings.TrimPrefix(word, "v"))
		if err != nil || n > 99 || strings.HasPrefix(word, "v") && digits > 0 {
			if digits > 0 {
				break
			}
			continue
		}
		if version, digits = version*100+n, digits+1; digits == 2 {
			return version
		}
	}
	if digits == 1 {
		return version * 100
	}
	return newest
}

// Where the Claude models differ: from thinks on they think with a budget, from extends on a cache may be kept for an
// hour, from adapts on they choose themselves how much to think and take a level, from levels on they know xhigh and take
// no sampling parameters.
const (
	thinks  = 307
	single  = 401 // from here on temperature or top_p, not both
	extends = 405
	adapts  = 406
	levels  = 407
)
