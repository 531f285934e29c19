package llm

import (
	"fmt"
	"strconv"
	"strings"
)

// Profile is a set of ways in which a provider's openai-chat states usage other than Usage's inclusions are. The zero
// value is one that keeps to them. Codecs read usage as it is stated; whoever books or translates it corrects it.
type Profile uint8

// The profiles; ProfileTable says what each is and who has it.
const (
	ReasoningApart Profile = 1 << iota
	ReasoningBeside
	AudioApart
	ThoughtsInTotal
	CostInTicks
)

// ProfileTable lists the profiles in the order of their bits, with their names in the catalog.
var ProfileTable = []struct {
	Name    string
	Profile Profile
	Doc     string
}{
	{"reasoning_apart", ReasoningApart, "Reasoning is stated apart from the output; the total has both (xAI)."},
	{"reasoning_beside", ReasoningBeside, "Reasoning is neither in the output nor in the total, and is billed (Vercel AI Gateway)."},
	{"audio_apart", AudioApart, "Sound that was heard is stated apart from the input; the total has both (Mistral)."},
	{"thoughts_in_total", ThoughtsInTotal, "Thoughts are in the total alone (Gemini's openai-chat)."},
	{"cost_in_ticks", CostInTicks, "What it cost is stated in ten-billionths of a dollar (xAI)."},
}

// Has reports whether p holds all of other.
func (p Profile) Has(other Profile) bool { return p&other == other }

// String lists the names, in the order of the table.
func (p Profile) String() string {
	var names []string
	for i := range ProfileTable {
		if p.Has(ProfileTable[i].Profile) {
			names = append(names, ProfileTable[i].Name)
		}
	}
	return strings.Join(names, " ")
}

// ParseProfile returns the set of the named profiles.
func ParseProfile(names []string) (Profile, error) {
	var p Profile
next:
	for _, name := range names {
		for i := range ProfileTable {
			if ProfileTable[i].Name == name {
				p |= ProfileTable[i].Profile
				continue next
			}
		}
		return p, fmt.Errorf("there is no usage profile %q", name)
	}
	return p, nil
}

// Correct makes a usage keep to the inclusions, in place. It is called when the usage is all there: what is merged into
// it later is as the provider states it. A usage that was corrected is left alone. Whatever the profile, no part
// exceeds what it is part of. nil is left alone.
func (p Profile) Correct(u *Usage) {
	if u == nil || u.Said&Corrected != 0 {
		return
	}
	u.Said |= Corrected
	rest := int64(0) // of the total, beyond input and output
	if u.Has(SaidTotal | SaidInput | SaidOutput) {
		rest = u.Total - u.Input - u.Output
	}
	if p.Has(AudioApart) && u.InputAudio > 0 && rest >= u.InputAudio {
		u.Input += u.InputAudio
		rest -= u.InputAudio
	}
	if p.Has(ReasoningApart) && u.Reasoning > 0 && rest >= u.Reasoning {
		u.Output += u.Reasoning
		rest -= u.Reasoning
	}
	if p.Has(ReasoningBeside) && u.Has(SaidOutput) {
		u.Output += u.Reasoning
		if u.Has(SaidTotal) {
			u.Total += u.Reasoning
		}
	}
	if p.Has(ThoughtsInTotal) && rest > 0 {
		u.Output += rest
		if !u.Has(SaidReasoning) {
			u.Reasoning = rest
			u.Said |= SaidReasoning
		}
	}
	if p.Has(CostInTicks) && u.Cost == "" {
		u.Cost = ticks(string(u.Extra["cost_in_usd_ticks"]))
	}
	u.clamp()
}

// ticks returns ten-billionths as a decimal number of dollars, "" of what is no whole number.
func ticks(s string) Num {
	n, err := strconv.ParseUint(s, 10, 63)
	if err != nil {
		return ""
	}
	const digits = 10
	text := fmt.Sprintf("%0*d", digits+1, n)
	whole, part := text[:len(text)-digits], strings.TrimRight(text[len(text)-digits:], "0")
	if part == "" {
		return Num(whole)
	}
	return Num(whole + "." + part)
}

// clamp cuts what is stated larger than what it is part of.
func (u *Usage) clamp() {
	if u.Has(SaidOutput) {
		for _, part := range [...]*int64{&u.Reasoning, &u.OutputAudio, &u.OutputImage} {
			*part = min(*part, u.Output)
		}
	}
	if u.Has(SaidInput) {
		for _, part := range [...]*int64{&u.CacheRead, &u.CacheWrite, &u.InputAudio, &u.InputImage, &u.ToolInput} {
			*part = min(*part, u.Input)
		}
	}
	u.CacheWrite1h = min(u.CacheWrite1h, max(u.CacheWrite, 0))
}
