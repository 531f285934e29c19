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
	{match(`gpt-oss`), Family{Name: "gpt-oss", e: o200k, prose: 1.01, args: 0.98, schema: 0.65, form: 0.59, turn: 5.6, tool: 3.4, call: 7.9, alone: 60.5, tools: 14.6, forms: 41.8, outProse: 1.09, outArgs: 0.73, outCall: 8.7, outAlone: 4.9}},
	{match(`gpt-4o|gpt-4\.[15]|gpt-5|chatgpt|(^|[^a-z0-9])o[134]($|[^a-z0-9])|computer-use|codex`), Family{Name: "gpt", e: o200k, prose: 1, args: 1.02, schema: 0.32, form: 0.46, turn: 4, tool: 3.5, call: 8.6, alone: 2.7, tools: 14.6, forms: 0.01, outProse: 1.02, outArgs: 0.72, outCall: 15.9, outAlone: 1.48, picture: tiles}},
	{match(`gpt-4|gpt-3\.?5|text-embedding|davinci|babbage`), Family{Name: "gpt-4", e: cl100k, prose: 1, args: 1.03, schema: 0.55, form: 0.47, turn: 4, tool: 3.1, call: 9.5, alone: 2.95, tools: 8.3, outProse: 0.99, outArgs: 0.71, outCall: 9, outAlone: 0.97, picture: tiles}},
	{match(`claude.*(opus-4[-.][78]|(sonnet|opus|haiku)-5|fable|mythos)`), Family{Name: "claude-5", e: o200k, prose: 1.18, args: 1.08, schema: 1.2, form: 0.87, turn: 4.9, tool: 8.7, call: 11.4, alone: 26.5, tools: 362.1, thinking: 30.4, forms: 138.8, outProse: 1.33, outArgs: 1.14, outCall: 30.8, outAlone: 3.6, picture: area}},
	{match(`claude.*4[-.][56]`), Family{Name: "claude-4.5", e: o200k, prose: 1.04, args: 1.1, schema: 1.02, form: 0.87, turn: 4.1, tool: 9.8, call: 14.2, alone: 1.75, tools: 502.9, thinking: 30.7, forms: 141.2, outProse: 1.13, outArgs: 1.09, outCall: 40.7, outAlone: 2.87, picture: area}},
	{match(`claude`), Family{Name: "claude", e: o200k, prose: 1.01, args: 1.1, schema: 0.73, form: 0.87, turn: 3.7, tool: 7.9, call: 13.2, alone: 2.36, tools: 337.7, thinking: 29.8, forms: 140.2, outProse: 1.1, outArgs: 1.17, outCall: 38.1, outAlone: 3.3, picture: area}},
	{match(`gemini-(3|flash-latest|pro-latest)`), Family{Name: "gemini-3", e: o200k, prose: 0.98, args: 1.07, schema: 0.75, turn: 0.01, tool: 4.3, call: 10.8, alone: 0.44, outProse: 1.03, outArgs: 1.06, outCall: 5.2, outAlone: 0.54, picture: fixed(1100)}},
	{match(`gemini`), Family{Name: "gemini", e: o200k, prose: 1.01, args: 1.07, schema: 0.58, form: 0.01, turn: 0.04, tool: 4.1, call: 10.8, alone: 0.41, forms: 1.01, outProse: 1.02, outArgs: 1.06, outCall: 6.6, outAlone: 0.24, picture: fixed(258)}},
	{match(`gemma`), Family{Name: "gemma", e: o200k, prose: 1.02, args: 1.06, schema: 0.8, turn: 5, tool: 8.5, call: 8.5, alone: 3.8, tools: 60, outProse: 1.03, outArgs: 1.1, outCall: 10, outAlone: 1.95, picture: fixed(258)}},
	{match(`llama-?3[.-][123]`), Family{Name: "llama-3.1", e: o200k, hidesTools: true, prose: 1.01, args: 1.01, schema: 0.71, form: 0.43, turn: 4.5, tool: 8.6, call: 5.4, alone: 29.8, tools: 96.8, forms: 99.9, outProse: 1, outArgs: 1.13, outCall: 14.2, outAlone: 1.18}},
	{match(`llama`), Family{Name: "llama", e: o200k, hidesTools: true, prose: 1.03, args: 1.01, schema: 0.86, form: 0.43, turn: 4.5, tool: 8.7, call: 5.5, alone: 5.4, tools: 369.3, forms: 98.9, outProse: 1.01, outArgs: 1.18, outCall: 18.9, outAlone: 1.55}},
	{match(`mistral|mixtral|ministral|magistral|codestral|devstral|pixtral|voxtral`), Family{Name: "mistral", e: o200k, hidesTools: true, prose: 1, args: 1.04, schema: 0.85, turn: 2.51, tool: 9.8, call: 6.4, alone: 2.09, tools: 7.9, outProse: 1.02, outArgs: 1.09, outCall: 2.33, outAlone: 1.4}},
	{match(`deepseek`), Family{Name: "deepseek", e: o200k, hidesTools: true, prose: 1.08, args: 1.08, schema: 0.86, form: 0.3, turn: 2.11, tool: 9.4, call: 11.4, alone: 1.12, tools: 233.7, forms: 10, outProse: 1.04, outArgs: 1.34, outCall: 15.8, outAlone: 0.87}},
	{match(`qwen-?3[-.]?[5-9]|qwen-?3-(coder|next)`), Family{Name: "qwen-3.5", e: o200k, prose: 1.16, args: 1.07, schema: 0.87, turn: 5, tool: 9.8, call: 9, alone: 3.3, tools: 210.4, outProse: 0.99, outArgs: 0.98, outCall: 18, outAlone: 1.03}},
	{match(`qwen|qwq`), Family{Name: "qwen", e: o200k, prose: 1.01, args: 1.07, schema: 0.63, form: 0.1, turn: 5, tool: 9.7, call: 8.9, alone: 3.2, tools: 86.1, forms: 3.5, outProse: 1.02, outArgs: 0.97, outCall: 14, outAlone: 1.67}},
	{match(`command|(^|[^a-z])aya|c4ai`), Family{Name: "cohere", e: o200k, prose: 1.02, args: 1.07, schema: 0.36, form: 0.3, tool: 5.7, call: 7, tools: 7, forms: 10, outProse: 1, outArgs: 1.05, outCall: 0.48, outAlone: 0.41}},
	{match(`nova-2`), Family{Name: "nova-2", e: o200k, prose: 1.05, args: 1.07, schema: 0.97, form: 0.3, turn: 5.5, tool: 8.7, call: 9.1, alone: 33.9, tools: 797, forms: 10, outProse: 1.02, outArgs: 1.04, outCall: 10.5, outAlone: 1.2}},
	{match(`nova-`), Family{Name: "nova", e: o200k, prose: 1.03, args: 1.06, schema: 0.88, form: 0.3, turn: 4.8, tool: 8.6, call: 8.7, tools: 333.9, forms: 10, outProse: 1.01, outArgs: 1.04, outCall: 9.3, outAlone: 0.69}},
	{match(`grok-4[-.][1-9]`), Family{Name: "grok-4.1", e: o200k, prose: 1.03, args: 1.08, schema: 1.02, form: 0.34, turn: 4.4, tool: 9.8, call: 9.8, alone: 4, tools: 148.5, forms: 41.4, outProse: 1, outArgs: 1.1, outCall: 11.6, outAlone: 0.1}},
	{match(`grok-(4-fast|code)`), Family{Name: "grok-fast", e: o200k, prose: 1.03, args: 1.08, schema: 0.53, form: 0.34, turn: 4.6, tool: 9.6, call: 9.8, alone: 6.6, tools: 315.5, forms: 41.2, outProse: 1, outArgs: 1.1, outCall: 11.6, outAlone: 0.11}},
	{match(`grok`), Family{Name: "grok", e: o200k, prose: 0.96, args: 1.08, schema: 1.18, form: 0.34, turn: 4.6, tool: 10, call: 9.8, alone: 4.8, tools: 150.3, forms: 40.8, outProse: 0.89, outArgs: 1.1, outCall: 11.6}},
	{match(`kimi|moonshot`), Family{Name: "kimi", e: o200k, prose: 1.01, args: 1.08, schema: 0.89, form: 0.3, turn: 5, tool: 8.2, call: 10.6, alone: 2.21, forms: 10, outProse: 1, outArgs: 1.11, outCall: 8.4, outAlone: 1.75}},
	{match(`glm-`), Family{Name: "glm", e: o200k, prose: 1.05, args: 1.04, schema: 0.72, form: 0.12, turn: 1.97, tool: 8.5, call: 6.6, alone: 4.1, tools: 101.8, outProse: 1.05, outArgs: 1.1, outCall: 10, outAlone: 1.78}},
	{match(`sonar`), Family{Name: "sonar", e: o200k, prose: 0.98, args: 1.06, schema: 0.8, turn: 0.94, tool: 8.5, call: 8.5, tools: 60, outProse: 1.01, outArgs: 1.1, outCall: 10, outAlone: 0.28}},
	{match(`compound|search|deep-research`), Family{Name: "other", agent: true, e: o200k, prose: 1.03, args: 1.06, schema: 0.8, form: 0.3, turn: 4, tool: 8.5, call: 8.5, alone: 3.3, tools: 60, forms: 10, outProse: 1.03, outArgs: 1.1, outCall: 10, outAlone: 1.5}},
	{match(``), Family{Name: "other", e: o200k, prose: 0.99, args: 1.06, schema: 0.8, form: 0.29, turn: 2.08, tool: 8.5, call: 8.9, alone: 1, tools: 17.7, forms: 1.09, outProse: 1.01, outArgs: 1.08, outCall: 10, outAlone: 0.34}},
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
