package price

import (
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// ownRow is what holds for all models of a provider and no collection states of each of them.
type ownRow struct {
	provider string
	source   string // published, or the collection that states it once for all models
	date     string // of what is published: since when it is so
	row      string // as it stands in the file
	why      string // as it stands above it
}

var own = []ownRow{
	{"anthropic", published, "2025-09-10", "batch *0.5", "The Message Batches API is charged at half the standard price, caching included. Neither collection states it of Anthropic; of Claude on Vertex AI LiteLLM does, and that is half."},
	{"anthropic", published, "2025-09-10", "search 0.01", "A search is ten dollars per thousand, whatever the model. LiteLLM states that of most models; this is for the rest."},
	{"anthropic", published, "2025-09-10", "fetch 0", "Fetching a page costs no more than its tokens. Neither collection speaks of it."},
	{"gemini", published, "2025-07-07", "batch *0.5", "Batch mode is charged at half the price of the same model. LiteLLM states that of some models; this is for the rest."},
	{"openai", published, "2025-08-26", "search 0.01", "A call of the web search tool is ten dollars per thousand. LiteLLM states dearer ones of models that search by themselves, and nothing of the others."},
	{"openai", liteLLM, "", "session 0.03", "A container of the code interpreter, which LiteLLM lists as openai/container."},
	{"azure", liteLLM, "", "session 0.03", "A container of the code interpreter, which LiteLLM lists as azure/container."},
}

// first reports whether the row is the first of its provider that is published.
func (o ownRow) first(all []ownRow) bool {
	return o.source == published && o == all[slices.IndexFunc(all, func(other ownRow) bool {
		return other.provider == o.provider && other.source == published
	})]
}

// TestOwnRows holds what the rows and their reasons say against the collections: what is said to be stated there is, and
// nothing there contradicts a row.
func TestOwnRows(t *testing.T) {
	dir := os.Getenv("WEIR_SPECS")
	if dir == "" {
		t.Skip("WEIR_SPECS is not set: what holds for all models of a provider is NOT checked against the collections")
	}
	var lite map[string]map[string]any
	decode(t, filepath.Join(dir, "prices", "litellm_model_prices_and_context_window.json"), &lite)
	for _, provider := range []string{"openai", "azure"} {
		if v := rat(t, lite[provider+"/container"]["code_interpreter_cost_per_session"], 0); v.RatString() != "3/100" {
			t.Errorf("LiteLLM's %s/container costs %s a session, not 0.03", provider, v.RatString())
		}
	}
	halves := func(name string, wanted func(key string, entry map[string]any) bool) {
		stated, less := 0, 0
		for key, entry := range lite {
			if !wanted(key, entry) {
				continue
			}
			for _, side := range []string{"input", "output"} {
				batch, plain := entry[side+"_cost_per_token_batches"], entry[side+"_cost_per_token"]
				if batch == nil || plain == nil {
					less++
					continue
				}
				if stated++; rat(t, plain, 0).Cmp(new(big.Rat).Mul(rat(t, batch, 0), big.NewRat(2, 1))) != 0 {
					t.Errorf("%s: a batch is not half of what %s costs", key, side)
				}
			}
		}
		if stated == 0 || less == 0 {
			t.Errorf("%s: %d prices of batches are stated, %d are not: the row is needed no more, or was never proved", name, stated, less)
		}
	}
	halves("gemini", func(_ string, e map[string]any) bool { return e["litellm_provider"] == "gemini" })
	halves("claude on vertex", func(key string, _ map[string]any) bool { return strings.HasPrefix(key, "vertex_ai/claude") })
	for _, c := range []struct {
		provider string
		most     bool // whether most are stated
	}{{"anthropic", true}, {"openai", false}} {
		stated, all := 0, 0
		for key, entry := range lite {
			if entry["litellm_provider"] != c.provider {
				continue
			}
			all++
			by, _ := entry["search_context_cost_per_query"].(map[string]any)
			if by == nil {
				continue
			}
			stated++
			for size, v := range by {
				if cost := rat(t, v, 0); c.most && cost.RatString() != "1/100" || !c.most && cost.Cmp(big.NewRat(1, 100)) <= 0 {
					t.Errorf("%s: a search costs %s (%s)", key, cost.RatString(), size)
				}
			}
		}
		if c.most != (stated*2 > all) || stated == 0 || stated == all {
			t.Errorf("%s: LiteLLM states what a search costs of %d models of %d", c.provider, stated, all)
		}
	}
	for key, entry := range lite {
		if entry["litellm_provider"] == "anthropic" && (entry["input_cost_per_token_batches"] != nil || entry["web_fetch_cost_per_query"] != nil) {
			t.Errorf("%s: LiteLLM states what was only published", key)
		}
	}
}
