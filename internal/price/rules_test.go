package price

import (
	"encoding/json"
	"math/big"
	"strings"

	"weir/internal/gateway"
)

// asideRules say which figures of the collections are not prices in the table, and why.
var asideRules = map[string]string{
	"reserved":          "capacity bought by the month is not paid by the request",
	"another way there": "the same model by another operation at the same price",
	"trial endpoint":    "Codestral's own endpoint was free while it was tried; the models are priced at Mistral's",
	"size class":        "a price for all models of a size, of which no request has the name",
	"not a model":       "what a tool's session costs stands among the models",
	"nothing":           "a collection writes 0 for what it does not know, too; only what freeRules names is free, and the wider class's price is taken",
	"free":              "it is known to be free, which the table says in a word",
	"never made":        "what makes no text has no price of text made",
	"twice":             "the entry states the same price under two names",
	"once":              "a second of audio is paid for when it is heard, not when it is written down again",
	"in the tokens":     "it is an estimate of tokens that are in the input and charged there",
	"above nothing":     "there is no price of this for short prompts, so there is none for long ones",
	"not an image":      "a piece of music stands as an image, its tokens as nothing",
	"same":              "reasoning at the price of the output, which it has without saying so",
	"not a write":       "a write to a cache costs about what the input costs; what is far from that is the storing, by the hour",
	"wrong scale":       "LiteLLM's prices of W&B are a hundred thousand times what W&B and models.dev say",
	"euros":             "LiteLLM states OVHcloud's prices in euros; models.dev's are in dollars",
	"one list":          "where the collections disagree about a model, all its prices are taken from one",
	"as prices":         "a factor that the other collection states as prices, which come to the same",
	"stale":             "another entry of the same collection for the same model is newer; staleKeys names them",
}

// freeRules name the models that cost nothing, by provider and pattern. What they cost is what the collections say.
var freeRules = []struct{ provider, model, why string }{
	{"openai", "*-moderation-*", "OpenAI's moderation models are free"},
	{"openrouter", "*:free", "OpenRouter's free variants"},
	{"openrouter", "openrouter/free", "routes to free variants only"},
	{"zai", "glm-4.5-flash", "Z.ai's free model"},
	{"zai", "glm-4.7-flash", "Z.ai's free model"},
	{"zhipu", "glm-4.5-flash", "Zhipu's free model"},
	{"zhipu", "glm-4.7-flash", "Zhipu's free model"},
	{"together", "*-Free", "Together's free variants"},
	{"gemini", "gemma-*", "Google gives Gemma away on its own API"},
	{"publicai", "*", "Public AI is free"},
	{"zenmux", "*-free", "ZenMux's free variants"},
}

// staleKeys are entries of LiteLLM beside a newer one for the same model.
var staleKeys = map[string]string{
	"azure/mistral-large-latest":                  "of Mistral Large 2402; the name means its successors",
	"bedrock/moonshotai.kimi-k2.5":                "differs by a rounding from the entry without a region",
	"bedrock_mantle/openai.gpt-oss-safeguard-20b": "differs from the entry of the same model at Bedrock, with which models.dev agrees",
	"gemini/gemini-flash-latest":                  "its cached price is from before that of the model it points to was lowered",
	"gemini/gemini-flash-lite-latest":             "its cached price is from before that of the model it points to was lowered",
}

// staleFields are single figures that cannot be right, by collection, provider, model and field.
var staleFields = []struct{ source, provider, model, field, why string }{
	{liteLLM, "*", "gemini-3.5-flash", "input_cost_per_audio_token*", "audio for less than text: the figure of Gemini 3 Flash"},
	{liteLLM, "anthropic", "claude-3-haiku-*", "cache_creation_input_token_cost_above_1hr", "the figure of Sonnet"},
	{liteLLM, "anthropic", "claude-3-opus-*", "cache_creation_input_token_cost_above_1hr", "the figure of Sonnet"},
	{modelsDev, "cloudflare-ai-gateway", "openai/gpt-3.5-turbo", "cost.cache_read", "more than the input"},
	{modelsDev, "vertex", "claude-opus-4-*@default", "cost.tiers.*", "Anthropic's models charge long prompts as short ones from 4.6 on; LiteLLM has it so, and so has models.dev at Anthropic"},
	{modelsDev, "vertex", "claude-sonnet-4-6@default", "cost.tiers.*", "the same"},
	{modelsDev, "azure", "claude-opus-4-*", "cost.tiers.*", "the same"},
	{liteLLM, "vertex", "gemini-3.1-pro-preview*", "output_cost_per_image", "a price per token of an image, of which the model makes none"},
	{liteLLM, "azure", "jais-30b-chat", "*", "per thousand instead of per token"},
	{liteLLM, "watsonx", "bigscience/mt0-xxl-13b", "*", "per thousand instead of per token"},
	{liteLLM, "watsonx", "core42/jais-13b-chat", "*", "per thousand instead of per token"},
	{liteLLM, "cohere", "embed-multilingual-light-v3.0", "input_cost_per_token", "per thousand instead of per token"},
	{liteLLM, "openai", "gpt-5-nano", "input_cost_per_token_priority", "fifty times the price: the figure of GPT-5"},
	{liteLLM, "openai", "ft:gpt-4o-2024-11-20*", "cache_creation_input_token_cost", "OpenAI's GPT-4o pays for reading the cache, not for writing it"},
}

// winner says which collection's price is taken where both state one and they differ. The first rule that fits counts.
type winner struct {
	name            string
	provider, model string // with * for any run
	only            Set    // of these components; 0 = all
	take            string
	why             string
}

var winners = []winner{
	{"own list", "openrouter", "*", 0, modelsDev, "models.dev's figures are OpenRouter's own list; LiteLLM's are kept by hand"},
	{"own list", "vercel", "*", 0, modelsDev, "models.dev's figures are Vercel's own list; LiteLLM's end in 2025"},
	{"checked later", "nebius", "*", 0, modelsDev, "models.dev's were checked in February 2026, LiteLLM's are of 2025"},
	{"checked later", "deepinfra", "*", 0, modelsDev, "LiteLLM's list ends in October 2025"},
	{"checked later", "vertex", "*-maas", 0, modelsDev, "LiteLLM has the prices of the launch, which Google has lowered since"},
	{"checked later", "vertex", "claude-3-5-haiku@20241022", 0, modelsDev, "LiteLLM has the price of the launch"},
	{"what it means now", "deepseek", "deepseek-chat", 0, modelsDev, "the name means V4 Flash, which LiteLLM has under its own name at models.dev's price"},
	{"what it means now", "deepseek", "deepseek-reasoner", 0, modelsDev, "the name means V4 Flash, which LiteLLM has under its own name at models.dev's price"},
	{"what it means now", "mistral", "mistral-small-latest", 0, modelsDev, "LiteLLM has the price of Small 3"},
	{"what it means now", "mistral", "codestral-latest", 0, modelsDev, "LiteLLM has the price of Codestral 2405"},
	{"what it means now", "mistral", "open-mistral-nemo", 0, modelsDev, "LiteLLM has the price of the launch"},
	{"lowered", "xai", "grok-4.20*", 0, modelsDev, "LiteLLM has the price of the preview; every reseller has models.dev's"},
	{"slip", "together", "Qwen/Qwen3-235B-A22B-Instruct-2507-tput", 0, modelsDev, "LiteLLM's decimal point has slipped"},
	{"slip", "bedrock", "au.anthropic.claude-opus-4-6-v1", 0, liteLLM, "models.dev has three times the price"},
	{"slip", "azure", "gpt-4", 0, liteLLM, "models.dev has the price of the 32k model"},
	{"slip", "azure", "gpt-5.2", 0, liteLLM, "models.dev has the cached price of gpt-5"},
	{"slip", "novita", "xiaomimimo/mimo-v2-flash", 0, liteLLM, "models.dev has what the output costs as the cached price"},
	{"regional tenth", "bedrock", "eu.anthropic.claude-opus-4-5-*", 0, modelsDev, "regional profiles cost a tenth more than global ones; LiteLLM forgot it here"},
	{"regional tenth", "bedrock", "*.anthropic.*", 0, liteLLM, "regional profiles cost a tenth more than global ones; models.dev has the global price"},
	{"makers' prices", "databricks", "databricks-gpt-oss-*", 0, liteLLM, "models.dev's are other hosts'"},
	{"makers' prices", "databricks", "*", 0, modelsDev, "LiteLLM's were calculated from Databricks' unit and are off by its rounding"},
	{"rounded", "digitalocean", "llama3-8b-instruct", 0, modelsDev, "LiteLLM rounds to cents"},
	{"rounded", "azure", "gpt-5*", 0, liteLLM, "models.dev rounds cached prices to cents"},
	{"global", "azure", "gpt-4o-mini", 0, modelsDev, "LiteLLM has the regional price under the plain name and the global one apart; other plain names have the global one"},
	{"global", "azure", "o1-mini", 0, modelsDev, "LiteLLM has the regional price under the plain name"},
	{"speech", "gemini", "*-tts", 0, modelsDev, "LiteLLM has the prices of the text model"},
	{"dearer", "openai", "gpt-5.5", 0, modelsDev, "they differ about priority only; what is held must not be too little"},
	{"dearer", "gemini", "gemini-3.1-flash-image*", 1 << Input, modelsDev, "resellers have models.dev's price of the input, too"},
	{"newer", "*", "*", 0, liteLLM, "LiteLLM's file is five weeks younger"},
}

func (w *winner) fits(p place) bool {
	return gateway.Glob(w.provider, p.provider) && gateway.Glob(w.model, p.model) &&
		(w.only == 0 || p.component < components && w.only.Has(p.component))
}

// settle sets aside what is no price.
func (c *collected) settle() {
	entry := func(q *quote) string { return q.source + " " + q.provider + " " + q.key }
	has := map[string]map[string]*quote{} // the fields of each entry
	priced := map[string]bool{}           // entries with something that is not nothing
	stated := map[place]bool{}            // conditions that models.dev has prices for
	for _, q := range c.quotes {
		if has[entry(q)] == nil {
			has[entry(q)] = map[string]*quote{}
		}
		has[entry(q)][q.field] = q
		if at := q.place; q.source == modelsDev {
			at.component = components
			stated[at] = true
		}
		priced[entry(q)] = priced[entry(q)] || q.amount.Sign() != 0 && q.component != components
	}
	for _, q := range c.quotes {
		if q.aside != "" {
			continue
		}
		other := func(field string) bool { o := has[entry(q)][field]; return o != nil && o.amount.Sign() != 0 }
		zero := q.amount.Sign() == 0
		switch {
		case q.component == components && stated[q.place]:
			q.aside = "as prices"
		case staleKeys[q.key] != "" && q.source == liteLLM:
			q.aside = "stale"
		case q.component == CacheWrite && q.far():
			q.aside = "not a write"
		case strings.Contains(q.model, "lyria"):
			q.aside = "not an image"
		case q.component == Reasoning && q.same():
			q.aside = "same"
		case q.stale():
			q.aside = "stale"
		case q.provider == "wandb" && q.source == liteLLM && q.component <= Output && q.amount.Cmp(big.NewRat(1_000_000_000_000, 1)) > 0:
			q.aside = "wrong scale"
		case q.provider == "ovhcloud" && q.source == liteLLM && q.amount.Sign() != 0:
			q.aside = "euros"
		case !priced[entry(q)] && q.free():
			q.aside = "free"
		case !priced[entry(q)]:
			q.aside = "nothing"
		case zero && q.component == Output && q.makesNoText():
			q.aside = "never made"
		case zero && q.component == Input && (other("input_cost_per_query") || other("output_cost_per_image") || q.mode == "image_generation"):
			q.aside = "nothing"
		case zero && q.component != Input && q.component != Output:
			q.aside = "nothing"
		case q.field == "input_cost_per_image" && q.entry["output_cost_per_image"] == q.entry["input_cost_per_image"]:
			q.aside = "twice"
		case q.field == "input_cost_per_token_cache_hit" && other("cache_read_input_token_cost"):
			q.aside = "twice"
		case q.field == "output_cost_per_second" && q.mode == "audio_transcription" && other("input_cost_per_second"):
			q.aside = "once"
		case q.mode != "embedding" && other("input_cost_per_token") &&
			(q.component == ImageRead || q.component == VideoSecondInput || q.field == "input_cost_per_audio_per_second"):
			q.aside = "in the tokens"
		case q.above > 0 && q.component == CacheWrite && q.source == liteLLM && !other("cache_creation_input_token_cost"):
			q.aside = "above nothing"
		}
	}
}

func (q *quote) free() bool {
	for _, f := range freeRules {
		if f.provider == q.provider && gateway.Glob(f.model, q.model) {
			return true
		}
	}
	return false
}

// far reports whether a price of a plain write is no more than four fifths or at least twice and a bit of the input's.
func (q *quote) far() bool {
	input := q.entry["input_cost_per_token"]
	if q.source == modelsDev {
		costs, _ := q.entry["cost"].(map[string]any)
		input = costs["input"]
	}
	n, ok := input.(json.Number)
	if !ok || q.condition != (condition{}) {
		return false
	}
	in, _ := new(big.Rat).SetString(n.String())
	tens := int64(9)
	if q.source == liteLLM {
		tens = 15
	}
	in.Mul(in, new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(tens), nil)))
	low, high := new(big.Rat).Mul(in, big.NewRat(4, 5)), new(big.Rat).Mul(in, big.NewRat(21, 10))
	return q.amount.Cmp(low) < 0 || q.amount.Cmp(high) > 0
}

// same reports whether a price of reasoning is that of the output under the same condition.
func (q *quote) same() bool {
	field := map[string]string{liteLLM: "output_cost_per_token", modelsDev: "output"}[q.source]
	costs := q.entry
	if q.source == modelsDev {
		costs, _ = q.entry["cost"].(map[string]any)
	}
	own := map[string]string{liteLLM: "output_cost_per_reasoning_token", modelsDev: "reasoning"}[q.source]
	return q.condition == condition{} && costs[own] != nil && costs[own] == costs[field]
}

func (q *quote) stale() bool {
	for _, f := range staleFields {
		if q.fits(f.source, f.provider, f.model, f.field) {
			return true
		}
	}
	return false
}

func (q *quote) fits(source, provider, model, field string) bool {
	return q.source == source && gateway.Glob(provider, q.provider) && gateway.Glob(model, q.model) && gateway.Glob(field, q.field)
}

func (q *quote) makesNoText() bool {
	switch q.mode {
	case "embedding", "rerank", "search", "ocr", "image_generation", "image_edit", "video_generation", "audio_speech", "moderation", "audio_transcription":
		return true
	}
	return strings.Contains(strings.ToLower(q.model), "embed") || strings.Contains(q.model, "rerank")
}

// choice is the price the table takes for a place.
type choice struct {
	amount int64
	source string
	rule   string // of winners; "" = the collections agree, or one has none
}

// choose decides for each place.
func (c *collected) choose(problem func(format string, args ...any)) map[place]choice {
	by := map[place]map[string][]*quote{}
	for _, q := range c.quotes {
		if q.aside == "" {
			if by[q.place] == nil {
				by[q.place] = map[string][]*quote{}
			}
			by[q.place][q.source] = append(by[q.place][q.source], q)
		}
	}
	pairs := map[place][2]*quote{}
	for at, sources := range by {
		var pair [2]*quote
		for i, source := range [...]string{liteLLM, modelsDev} {
			for _, q := range sources[source] {
				if pair[i] != nil && !near(pair[i].amount, q.amount) {
					problem("%s contradicts itself about %s: %s has %s, %s has %s", source, at.String(), pair[i].key, dollars(pair[i]), q.key, dollars(q))
				}
				pair[i] = q
			}
		}
		pairs[at] = pair
	}
	// Where they disagree about what a plain token costs, one of them is out of date and counts for nothing.
	out := map[place]string{} // by provider and model, the collection that counts
	for at, pair := range pairs {
		plain := at.condition == condition{} && (at.component == Input || at.component == Output)
		if w := winnerOf(at, pair); w != nil && w.only == 0 && plain {
			out[place{provider: at.provider, model: at.model}] = w.take
		}
	}
	for at, sources := range by {
		take := out[place{provider: at.provider, model: at.model}]
		for source, quotes := range sources {
			if take != "" && source != take {
				for _, q := range quotes {
					if sources[take] == nil {
						q.aside = "one list"
					}
				}
			}
		}
	}

	chosen := map[place]choice{}
	for at, pair := range pairs {
		lite, dev := pair[0], pair[1]
		if lite != nil && lite.aside != "" || dev != nil && dev.aside != "" {
			continue
		}
		switch w := winnerOf(at, pair); {
		case w != nil && w.take == modelsDev:
			chosen[at] = choice{whole64(dev.amount), modelsDev, w.name}
		case w != nil:
			chosen[at] = choice{whole64(lite.amount), liteLLM, w.name}
		case dev == nil:
			chosen[at] = choice{whole64(lite.amount), liteLLM, ""}
		case lite == nil:
			chosen[at] = choice{whole64(dev.amount), modelsDev, ""}
		default:
			chosen[at] = choice{whole64(simpler(lite.amount, dev.amount)), liteLLM, ""}
		}
	}
	return chosen
}

// winnerOf returns the rule that decides between two that differ; nil if they do not.
func winnerOf(at place, pair [2]*quote) *winner {
	if pair[0] == nil || pair[1] == nil || near(pair[0].amount, pair[1].amount) {
		return nil
	}
	for i := range winners {
		if winners[i].fits(at) {
			return &winners[i]
		}
	}
	return nil
}

// near reports whether two amounts are one, but for what floating point leaves behind.
func near(a, b *big.Rat) bool {
	if a.Cmp(b) == 0 {
		return true
	}
	off := new(big.Rat).Sub(a, b)
	off.Abs(off)
	return off.Cmp(new(big.Rat).Mul(new(big.Rat).Abs(a), big.NewRat(1, 1_000_000_000))) <= 0 || off.Cmp(big.NewRat(1, 1)) <= 0
}

// simpler returns the one of two near amounts that has fewer digits.
func simpler(a, b *big.Rat) *big.Rat {
	if a.IsInt() && (!b.IsInt() || len(strings.TrimRight(a.RatString(), "0")) <= len(strings.TrimRight(b.RatString(), "0"))) {
		return a
	}
	return b
}

// whole64 returns the nearest whole amount: floating point noise goes, and so does what is finer than a billionth. An
// amount within a millionth of a rounder one is that.
func whole64(r *big.Rat) int64 {
	n := rounded(r)
	if n.IsInt64() {
		return denoise(n.Int64())
	}
	return -1
}

// denoise restores 4286000000 where floating point made 4285999999 of it.
func denoise(v int64) int64 {
	for unit := int64(1_000_000); unit >= 10; unit /= 10 {
		near := (v + unit/2) / unit * unit
		if d := near - v; v > unit*1000 && (d > -3 && d < 3) {
			return near
		}
	}
	return v
}

func dollars(q *quote) string {
	if q.component == components {
		return "*" + string(appendAmount(nil, rounded(q.amount).Int64(), 3))
	}
	return string(appendAmount(nil, rounded(q.amount).Int64(), q.component.fraction()))
}
