package tokens

import (
	"regexp"
	"strings"
)

// Family is a set of models that count alike: one vocabulary, one form of turns and tools.
type Family struct {
	Name string

	e *encoding
	// What is read: tokens of the vocabulary times a ratio, and a number for each turn, tool, call; then what is there
	// once: in every conversation, where there are tools, where the model is to think, where the answer has a form.
	prose, args, schema, form     float64
	turn, tool, call              float64
	alone, tools, thinking, forms float64
	// What is generated: the same, and a number for each call and each answer.
	outProse, outArgs, outCall, outAlone float64
	// A request's tools are not shown to the model when it may call none.
	hidesTools bool
	// It is no model but something that searches and asks models by itself: what those read is counted too.
	agent bool
	// What a picture comes to, by the maker's published formula; nil: there is none.
	picture func(picture) float64
}

// Families are all that are told apart; the first whose pattern is in a model's name is its own, the last is for the rest.
var families = []struct {
	pattern *regexp.Regexp
	Family
}{
	{match(`gpt-oss`), Family{Name: "gpt-oss", e: o200k, prose: 1, args: 0.97, schema: 0.67, form: 0.59, turn: 7.9, tool: 8.3, call: 5.1, alone: 54, tools: 5, forms: 43, outProse: 1.09, outArgs: 1.27, outCall: 9.2, outAlone: 2}},
	{match(`gpt-4o|gpt-4\.[15]|gpt-5|chatgpt|(^|[^a-z0-9])o[134]($|[^a-z0-9])|computer-use|codex`), Family{Name: "gpt", e: o200k, prose: 1.01, args: 1.04, schema: 0.31, form: 0.43, turn: 3.45, tool: 3.8, call: 9.6, alone: 3.2, tools: 15.1, forms: 1.5, outProse: 1.01, outArgs: 0.87, outCall: 14, outAlone: 1.1, picture: tiles}},
	{match(`gpt-4|gpt-3\.?5|text-embedding|davinci|babbage`), Family{Name: "gpt-4", e: cl100k, prose: 1.01, args: 1.01, schema: 0.59, form: 0.2, turn: 3.4, tool: 9.8, call: 6, alone: 3.4, outProse: 1, outArgs: 0.78, outCall: 7, outAlone: 1.7, picture: tiles}},
	{match(`claude.*(opus-4[-.][78]|(sonnet|opus|haiku)-5|fable|mythos)`), Family{Name: "claude-5", e: o200k, prose: 1.27, args: 1.18, schema: 1.3, form: 1, turn: 7.4, tool: 8, call: 11.7, alone: 13, tools: 400, thinking: 28, forms: 120, outProse: 1.26, outArgs: 1.18, outCall: 29, outAlone: 4.2, picture: area}},
	{match(`claude.*4[-.][56]`), Family{Name: "claude-4.5", e: o200k, prose: 1.04, args: 1.08, schema: 1, form: 1, turn: 4.1, tool: 9, call: 9.9, alone: 1.2, tools: 515, thinking: 31, forms: 121, outProse: 1.13, outArgs: 1.36, outCall: 26.4, outAlone: 2.7, picture: area}},
	{match(`claude`), Family{Name: "claude", e: o200k, prose: 1, args: 1.06, schema: 0.76, form: 0.2, turn: 3.4, tool: 7.8, call: 11.1, alone: 3.4, tools: 331, thinking: 28.9, outProse: 1.09, outArgs: 1.3, outCall: 28.7, outAlone: 3.6, picture: area}},
	{match(`gemini-(3|flash-latest|pro-latest)`), Family{Name: "gemini-3", e: o200k, prose: 0.95, args: 1.05, schema: 0.81, form: 0.06, tool: 6.3, call: 8, alone: 1.1, outProse: 1.1, outArgs: 1.24, outCall: 5.7, outAlone: 0.3, picture: fixed(1100)}},
	{match(`gemini`), Family{Name: "gemini", e: o200k, prose: 1.01, args: 1.08, schema: 0.57, form: 0.01, turn: 0.6, tool: 6.5, call: 11.8, forms: 1.1, outProse: 1.01, outArgs: 1.22, outCall: 5.7, outAlone: 0.2, picture: fixed(258)}},
	{match(`gemma`), Family{Name: "gemma", e: o200k, prose: 1, args: 1.05, schema: 0.9, form: 0.17, turn: 4.2, tool: 8, call: 8, alone: 4.7, tools: 20, outProse: 1.01, outArgs: 1.1, outCall: 8, outAlone: 2.8, picture: fixed(258)}},
	{match(`llama-?3[.-][123]`), Family{Name: "llama-3.1", e: o200k, hidesTools: true, prose: 1.06, args: 0.76, schema: 0.7, form: 0.53, turn: 3.7, tool: 7.8, alone: 30.4, tools: 100, forms: 90, outProse: 0.99, outArgs: 1.14, outCall: 13.7, outAlone: 1.2}},
	{match(`llama`), Family{Name: "llama", e: o200k, hidesTools: true, prose: 0.99, args: 1.05, schema: 1, form: 0.2, turn: 4.4, tool: 9.6, call: 8, alone: 5.9, tools: 300, outProse: 1.02, outArgs: 1.29, outCall: 18, outAlone: 1.2}},
	{match(`mistral|mixtral|ministral|magistral|codestral|devstral|pixtral|voxtral`), Family{Name: "mistral", e: o200k, hidesTools: true, prose: 0.96, args: 1.05, schema: 0.82, form: 0.09, turn: 5.2, tool: 10.7, call: 5.9, alone: 0.5, tools: 8.3, outProse: 1.03, outArgs: 1.11, outCall: 2.5, outAlone: 1.1}},
	{match(`deepseek`), Family{Name: "deepseek", e: o200k, hidesTools: true, prose: 1.01, args: 1.09, schema: 0.58, form: 0.2, turn: 4, tool: 8.2, call: 10, tools: 309, outProse: 1.03, outArgs: 1.5, outCall: 15.4, outAlone: 0.5}},
	{match(`qwen|qwq`), Family{Name: "qwen", e: o200k, prose: 1.02, args: 1.04, schema: 0.92, form: 0.2, turn: 4.4, tool: 9.9, call: 7.6, alone: 3.6, tools: 73, outProse: 1.02, outArgs: 1.04, outCall: 13.2, outAlone: 1.1}},
	{match(`command|(^|[^a-z])aya|c4ai`), Family{Name: "cohere", e: o200k, prose: 1.04, args: 1.19, schema: 0.54, form: 0.2, call: 8.5, tools: 4.3, outProse: 1, outArgs: 1.07, outCall: 0.4, outAlone: 0.1}},
	{match(`nova-2`), Family{Name: "nova-2", e: o200k, prose: 1.44, args: 1.06, schema: 1.2, form: 0.2, turn: 9.7, tool: 9, call: 9, alone: 18, tools: 716, outProse: 1.05, outArgs: 1.15, outCall: 8, outAlone: 2}},
	{match(`nova-`), Family{Name: "nova", e: o200k, prose: 1.02, args: 1.1, schema: 0.95, form: 0.2, turn: 4, tool: 8.6, call: 10, tools: 333, outProse: 1.03, outArgs: 0.92, outCall: 11.8}},
	{match(`grok-4[-.][1-9]`), Family{Name: "grok-4.1", e: o200k, prose: 1.08, args: 1.04, schema: 0.61, form: 0.33, turn: 2.3, tool: 12.7, call: 7, alone: 5, tools: 169, forms: 43, outProse: 0.95, outArgs: 1.05, outCall: 14, outAlone: 1}},
	{match(`grok`), Family{Name: "grok", e: o200k, prose: 1.04, args: 1.17, schema: 1.35, form: 0.2, turn: 9.6, tool: 14, call: 15, alone: 3.3, tools: 134, outProse: 0.95, outArgs: 1.05, outCall: 14, outAlone: 1}},
	{match(`kimi|moonshot`), Family{Name: "kimi", e: o200k, prose: 0.93, args: 1.1, schema: 0.92, form: 0.2, turn: 6, tool: 8, call: 12.3, alone: 0.6, outProse: 0.94, outArgs: 1.15, outCall: 7.9, outAlone: 2.8}},
	{match(`glm-`), Family{Name: "glm", e: o200k, prose: 1.13, args: 0.94, schema: 0.71, form: 0.17, turn: 2.4, tool: 9.7, call: 1.4, alone: 8.3, tools: 97, outProse: 1.05, outArgs: 1.03, outCall: 3, outAlone: 0.9}},
	{match(`sonar`), Family{Name: "sonar", e: o200k, prose: 0.99, args: 1.05, schema: 0.9, form: 0.2, turn: 0.6, tool: 8, call: 8, alone: 0.4, outProse: 1.01, outArgs: 1.1, outCall: 8}},
	{match(`compound|search|deep-research`), Family{Name: "other", agent: true, e: o200k, prose: 1.05, args: 1.05, schema: 0.9, form: 0.2, turn: 4, tool: 8, call: 8, alone: 3, tools: 100, outProse: 1.05, outArgs: 1.15, outCall: 8, outAlone: 2}},
	{match(``), Family{Name: "other", e: o200k, prose: 1.05, args: 1.05, schema: 0.9, form: 0.2, turn: 4, tool: 8, call: 8, alone: 3, tools: 100, outProse: 1.05, outArgs: 1.15, outCall: 8, outAlone: 2}},
}

func match(pattern string) *regexp.Regexp { return regexp.MustCompile(pattern) }

// FamilyOf returns the family of a model by its name as any provider writes it.
func FamilyOf(model string) *Family {
	const nameMost = 200
	model = strings.ToLower(model[:min(len(model), nameMost)])
	for i := range families {
		if families[i].pattern.MatchString(model) {
			return &families[i].Family
		}
	}
	return &families[len(families)-1].Family
}

// input returns what of a conversation grows with it, and what is there once.
func (f *Family) input(g *gathered) (grows, once float64, tools bool) {
	n := g.count(f.e)
	tools = g.tools > 0 && !(f.hidesTools && g.noTools)
	grows = n[prose]*f.prose + n[args]*f.args + n[form]*f.form + float64(g.messages+g.results)*f.turn + float64(g.calls)*f.call
	for _, p := range g.pictures {
		grows += f.look(p)
	}
	once = f.alone
	if tools {
		grows += n[schema]*f.schema + float64(g.tools)*f.tool
		once += f.tools
	}
	if g.thinking {
		once += f.thinking
	}
	if g.forms > 0 {
		once += f.forms
	}
	return grows, once, tools
}

// output returns what an answer comes to.
func (f *Family) output(g *gathered) float64 {
	n := g.count(f.e)
	return n[prose]*f.outProse + n[args]*f.outArgs + float64(g.calls)*f.outCall + f.outAlone
}

func (f *Family) look(p picture) float64 {
	if f.picture == nil {
		return pictureUnknown
	}
	return f.picture(p)
}
