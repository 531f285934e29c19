package price

// ownRow is what a provider publishes about all its models and neither collection has.
type ownRow struct {
	provider string
	date     string // since when it is so
	row      string // as it stands in the file
	why      string
}

var own = []ownRow{
	{"anthropic", "2025-09-10", "batch *0.5", "the Message Batches API is charged at half the standard price, caching included"},
	{"anthropic", "2025-09-10", "search 0.01", "a search is ten dollars per thousand, whatever the model"},
	{"anthropic", "2025-09-10", "fetch 0", "fetching a page costs no more than its tokens"},
	{"gemini", "2025-07-07", "batch *0.5", "batch mode is charged at half the price of the same model"},
	{"openai", "2025-08-26", "search 0.01", "a call of the web search tool is ten dollars per thousand, whatever the model"},
	{"openai", "2025-08-26", "session 0.03", "a container of the code interpreter"},
	{"azure", "2025-08-26", "session 0.03", "a container of the code interpreter"},
}

// first reports whether the row is its provider's first.
func (o ownRow) first(all []ownRow) bool {
	for _, other := range all {
		if other.provider == o.provider {
			return other == o
		}
	}
	return false
}
