package llm

// Fields is a set of usage fields.
type Fields uint32

// The fields of Usage, for Usage.Said.
const (
	SaidInput Fields = 1 << iota
	SaidCacheRead
	SaidCacheWrite
	SaidCacheWrite1h
	SaidOutput
	SaidReasoning
	SaidInputAudio
	SaidInputImage
	SaidOutputAudio
	SaidOutputImage
	SaidToolInput
	SaidTotal
	SaidBilledInput
	SaidBilledOutput
	SaidSearches
	SaidFetches
	SaidPages
	SaidAnnotatedPages
	SaidHeard

	// Corrected notes that Profile.Correct has been here.
	Corrected Fields = 1 << 31
)

// Usage counts tokens. Said tells which fields the provider stated: zero and unknown differ.
//
// The inclusions are fixed here, whatever a provider does: Input is all that was read and includes CacheRead,
// CacheWrite, ToolInput, InputAudio and InputImage; CacheWrite includes CacheWrite1h; Output is all that was generated
// and includes Reasoning, OutputAudio, OutputImage and rejected predictions.
type Usage struct {
	Said                                Fields
	Estimated                           Fields // of Said, what nobody stated: it was counted here
	Input                               int64
	CacheRead, CacheWrite, CacheWrite1h int64
	Output                              int64
	Reasoning                           int64
	InputAudio, InputImage              int64
	OutputAudio, OutputImage            int64
	ToolInput                           int64
	Total                               int64   // as stated; what exceeds Input+Output is booked as Output by Billable
	BilledInput, BilledOutput           int64   // Cohere billed_units
	Searches, Fetches                   int64   // provider-run, priced each
	Pages, AnnotatedPages               int64   // of documents read; Pages includes AnnotatedPages
	Heard                               int64   // milliseconds of sound that was listened to, where it is counted so
	Rounds                              []Usage // Anthropic iterations: if present, the bill is their sum
	Cost                                Num     // dollars, if stated
	Tier                                string
	Extra                               Extra
}

// Has reports whether all fields of f were stated.
func (u *Usage) Has(f Fields) bool { return u != nil && u.Said&f == f }

// Merge takes over from v every field v states; the last stated value wins. Values are running totals, not differences.
func (u *Usage) Merge(v *Usage) {
	if v == nil {
		return
	}
	for i := range usageFields {
		if v.Said&(1<<i) != 0 {
			*usageFields[i](u) = *usageFields[i](v)
		}
	}
	u.Said = u.Said&^Corrected | v.Said // what was corrected is partly overwritten by what may not be
	if v.Rounds != nil {
		u.Rounds = v.Rounds
	}
	if v.Cost != "" {
		u.Cost = v.Cost
	}
	if v.Tier != "" {
		u.Tier = v.Tier
	}
	for k, raw := range v.Extra {
		if u.Extra == nil {
			u.Extra = Extra{}
		}
		u.Extra[k] = raw
	}
}

// Billable returns what a bill counts: input and output tokens, where rounds are present their sum, and output includes
// what a stated total exceeds input and output by.
func (u *Usage) Billable() (input, output int64) {
	if u == nil {
		return 0, 0
	}
	if len(u.Rounds) > 0 {
		for i := range u.Rounds {
			in, out := u.Rounds[i].Billable()
			input, output = input+in, output+out
		}
		return input, output
	}
	input, output = u.Input, u.Output
	if rest := u.Total - input - output; u.Has(SaidTotal|SaidInput) && rest > 0 {
		output += rest
	}
	return input, output
}

// usageFields is in the order of the Said bits.
var usageFields = [...]func(*Usage) *int64{
	func(u *Usage) *int64 { return &u.Input },
	func(u *Usage) *int64 { return &u.CacheRead },
	func(u *Usage) *int64 { return &u.CacheWrite },
	func(u *Usage) *int64 { return &u.CacheWrite1h },
	func(u *Usage) *int64 { return &u.Output },
	func(u *Usage) *int64 { return &u.Reasoning },
	func(u *Usage) *int64 { return &u.InputAudio },
	func(u *Usage) *int64 { return &u.InputImage },
	func(u *Usage) *int64 { return &u.OutputAudio },
	func(u *Usage) *int64 { return &u.OutputImage },
	func(u *Usage) *int64 { return &u.ToolInput },
	func(u *Usage) *int64 { return &u.Total },
	func(u *Usage) *int64 { return &u.BilledInput },
	func(u *Usage) *int64 { return &u.BilledOutput },
	func(u *Usage) *int64 { return &u.Searches },
	func(u *Usage) *int64 { return &u.Fetches },
	func(u *Usage) *int64 { return &u.Pages },
	func(u *Usage) *int64 { return &u.AnnotatedPages },
	func(u *Usage) *int64 { return &u.Heard },
}
