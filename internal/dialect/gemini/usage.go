package gemini

import (
	"bytes"
	"maps"
	"strings"

	"weir/internal/dialect"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// modalities are the words by their numbers.
var modalities = []string{"MODALITY_UNSPECIFIED", "TEXT", "IMAGE", "VIDEO", "AUDIO", "DOCUMENT"}

// counts are the numbers of a usageMetadata as this dialect states them: thoughts beside the candidates, what tools read
// beside the prompt. They are kept over a stream, whose chunks each state some of them as running totals.
type counts struct {
	said                        llm.Fields // Input: prompt stated; Output: candidates stated
	prompt, tools, cached       int64
	candidates, thoughts, total int64
	inAudio, inImage            int64
	outAudio, outImage          int64
	tier                        string
	extra                       llm.Extra
	last                        []byte // the last text that was taken, to know it again
}

// take reads a usageMetadata; what it states replaces what was stated before. It keeps no memory of v. It reports
// whether anything is new.
func (c *counts) take(v []byte) bool {
	if rawjson.Kind(v) != '{' || bytes.Equal(v, c.last) {
		return false
	}
	c.last = append(c.last[:0], v...)
	var promptDetails, candidateDetails []byte
	for name, raw := range rawjson.Members(v) {
		switch string(name) {
		case "promptTokenCount":
			c.count(raw, &c.prompt, llm.SaidInput)
		case "toolUsePromptTokenCount":
			c.count(raw, &c.tools, llm.SaidToolInput)
		case "cachedContentTokenCount":
			c.count(raw, &c.cached, llm.SaidCacheRead)
		case "candidatesTokenCount", "responseTokenCount":
			c.count(raw, &c.candidates, llm.SaidOutput)
		case "thoughtsTokenCount":
			c.count(raw, &c.thoughts, llm.SaidReasoning)
		case "totalTokenCount":
			c.count(raw, &c.total, llm.SaidTotal)
		case "promptTokensDetails":
			promptDetails = raw
		case "candidatesTokensDetails", "responseTokensDetails":
			candidateDetails = raw
		case "serviceTier":
			c.tier = tierWord(raw, c.tier)
		default:
			c.keep(string(name), raw)
		}
	}
	c.details("promptTokensDetails", promptDetails, c.prompt, &c.inAudio, &c.inImage, llm.SaidInputAudio|llm.SaidInputImage)
	c.details("candidatesTokensDetails", candidateDetails, c.candidates, &c.outAudio, &c.outImage, llm.SaidOutputAudio|llm.SaidOutputImage)
	return true
}

func (c *counts) count(raw []byte, to *int64, field llm.Fields) {
	if n, ok := wholeNumber(raw); ok && n >= 0 {
		*to = n
		c.said |= field
	}
}

func (c *counts) keep(name string, raw []byte) {
	if rawjson.IsNull(raw) || bytes.Equal(c.extra[name], raw) {
		return
	}
	extra := llm.Extra{} // usage that was told before holds the other one
	maps.Copy(extra, c.extra)
	extra[name] = bytes.Clone(raw)
	c.extra = extra
}

// details reads the counts by modality. What the canonical counts tell too (sounds, images, and texts as what remains)
// is not kept twice.
func (c *counts) details(name string, v []byte, all int64, audio, image *int64, said llm.Fields) {
	if rawjson.Kind(v) != '[' {
		return
	}
	var a, i, text int64
	plain := true
	for _, e := range rawjson.Elems(v) {
		var n int64
		var word string
		for member, raw := range rawjson.Members(e) {
			switch string(member) {
			case "modality":
				word = modality(raw)
			case "tokenCount":
				if count, ok := wholeNumber(raw); ok {
					n = count
				}
			default:
				plain = false
			}
		}
		switch word {
		case "AUDIO":
			a += n
		case "IMAGE":
			i += n
		case "TEXT":
			text += n
		default:
			plain = false
		}
	}
	if a < 0 || i < 0 {
		c.keep(name, v)
		return
	}
	*audio, *image = a, i
	c.said |= said
	if plain && text+a+i == all && c.extra[name] == nil {
		return
	}
	c.keep(name, v)
}

// modality returns the word of a modality, without allocating for those there are.
func modality(raw []byte) string {
	if len(raw) > 2 && raw[0] == '"' {
		for _, word := range modalities {
			if string(raw[1:len(raw)-1]) == word {
				return word
			}
		}
		return ""
	}
	return enum(raw, modalities)
}

// tierWord reads the tier that served, without allocating where it is the one known already.
func tierWord(raw []byte, known string) string {
	if len(raw) == len(known)+2 && raw[0] == '"' && string(raw[1:len(raw)-1]) == known {
		return known
	}
	return tier(rawjson.Text(raw))
}

// tier returns a tier's word as it is written today: earlier ones came in capitals with a prefix.
func tier(word string) string {
	return strings.TrimPrefix(strings.ToLower(word), "service_tier_")
}

// usage returns the canonical counts.
func (c *counts) usage() llm.Usage {
	u := llm.Usage{
		Said: c.said, Input: c.prompt + c.tools, CacheRead: c.cached, ToolInput: c.tools,
		Output: c.candidates + c.thoughts, Reasoning: c.thoughts, Total: c.total,
		InputAudio: c.inAudio, InputImage: c.inImage, OutputAudio: c.outAudio, OutputImage: c.outImage,
		Tier: c.tier, Extra: c.extra,
	}
	if u.Said&llm.SaidToolInput != 0 {
		u.Said |= llm.SaidInput
	}
	if u.Said&llm.SaidReasoning != 0 {
		u.Said |= llm.SaidOutput
	}
	if len(u.Extra) == 0 {
		u.Extra = nil
	}
	return u
}

// writeUsage writes a usageMetadata.
func writeUsage(w *rawjson.Writer, u *llm.Usage, tier string, own bool) {
	if u == nil {
		u = &llm.Usage{}
	}
	if u.Tier != "" {
		tier = u.Tier
	}
	var extra llm.Extra
	if own {
		extra = u.Extra
	}
	prompt, candidates := max(0, u.Input-u.ToolInput), max(0, u.Output-u.Reasoning)
	w.Open('{')
	if u.Has(llm.SaidInput) {
		w.Name("promptTokenCount").Int(prompt)
	}
	if u.Has(llm.SaidCacheRead) {
		w.Name("cachedContentTokenCount").Int(u.CacheRead)
	}
	if u.Has(llm.SaidOutput) && !(candidates == 0 && u.Has(llm.SaidReasoning)) {
		w.Name("candidatesTokenCount").Int(candidates)
	}
	if u.Has(llm.SaidToolInput) {
		w.Name("toolUsePromptTokenCount").Int(u.ToolInput)
	}
	if u.Has(llm.SaidReasoning) {
		w.Name("thoughtsTokenCount").Int(u.Reasoning)
	}
	switch {
	case u.Has(llm.SaidTotal):
		w.Name("totalTokenCount").Int(u.Total)
	case !own && u.Said&(llm.SaidInput|llm.SaidOutput) != 0:
		w.Name("totalTokenCount").Int(u.Input + u.Output)
	}
	if extra["promptTokensDetails"] == nil && u.Said&(llm.SaidInputAudio|llm.SaidInputImage) != 0 {
		writeDetails(w.Name("promptTokensDetails"), prompt, u.InputAudio, u.InputImage)
	}
	if extra["candidatesTokensDetails"] == nil && u.Said&(llm.SaidOutputAudio|llm.SaidOutputImage) != 0 {
		writeDetails(w.Name("candidatesTokensDetails"), candidates, u.OutputAudio, u.OutputImage)
	}
	if word := answerTier(tier, own); word != "" {
		w.Name("serviceTier").String(word)
	}
	dialect.WriteExtra(w, extra)
	w.Close('}')
}

func writeDetails(w *rawjson.Writer, all, audio, image int64) {
	w.Open('[')
	for _, d := range [...]struct {
		word string
		n    int64
	}{{"TEXT", all - audio - image}, {"IMAGE", image}, {"AUDIO", audio}} {
		if d.n > 0 {
			w.Open('{').Name("modality").String(d.word).Name("tokenCount").Int(d.n).Close('}')
		}
	}
	w.Close(']')
}

// answerTier returns this dialect's word for the tier that served an answer, "" where it has none.
func answerTier(tier string, own bool) string {
	switch {
	case own, tier == "standard", tier == "flex", tier == "priority":
		return tier
	case tier == "default":
		return "standard"
	}
	return ""
}

// loseUsage reports what writeUsage does not say of another dialect's answer.
func loseUsage(l *dialect.Losses, u *llm.Usage, tier string) {
	if u != nil && u.Tier != "" {
		tier = u.Tier
	}
	if tier != "" && answerTier(tier, false) == "" {
		l.Add("answer.tier", "the tier "+tier+" has no word here", dialect.WeighTier(tier))
	}
	if u == nil {
		return
	}
	for _, f := range [...]struct {
		name string
		n    int64
	}{
		{"cache_write", u.CacheWrite},
		{"cache_write_1h", u.CacheWrite1h},
		{"billed_input", u.BilledInput},
		{"billed_output", u.BilledOutput},
		{"searches", u.Searches},
		{"fetches", u.Fetches},
		{"rounds", int64(len(u.Rounds))},
		{"cost", int64(len(u.Cost))},
	} {
		if f.n != 0 {
			l.Add("answer.usage."+f.name, "no such count here", llm.Dropped)
		}
	}
	if u.ToolInput > u.Input {
		l.Add("answer.usage.input", "less than what tools read, which it should include", llm.Changed)
	}
	if u.Reasoning > u.Output {
		l.Add("answer.usage.output", "less than the reasoning it should include", llm.Changed)
	}
	for _, name := range dialect.Names(u.Extra) {
		if dialect.Says(u.Extra[name]) {
			l.Add("answer.usage."+name, "no such member here", dialect.Weigh(name))
		}
	}
}
