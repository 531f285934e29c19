package price

import (
	"bytes"
	"encoding/json"
	"math/big"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The two collections that the embedded files are made from, and their dates.
const (
	liteLLM   = "litellm"
	modelsDev = "models.dev"
	published = "published" // what providers say themselves and neither collection has of all models: see own_test.go
)

var sourceDates = map[string]string{liteLLM: "2026-08-06", modelsDev: "2026-07-02"}

// place is where a price stands: of which model, under which condition, of what.
type place struct {
	provider, model string
	condition
	component Component // components for a factor
}

// quote is one price in a collection.
type quote struct {
	place
	amount *big.Rat // billionths of a dollar per million units; of a factor, thousandths
	source string
	key    string // the entry's name in the collection
	field  string
	mode   string // what LiteLLM says it does
	entry  map[string]any
	aside  string // the rule that sets the quote aside; "" = it counts
}

// fact is what a collection says of a model beside its price.
type fact struct {
	Facts
	source string
}

// collected is everything the collections say of our providers.
type collected struct {
	quotes []*quote
	facts  map[place]map[string]*fact // by provider and model, then source
}

// collect reads both collections. Without WEIR_SPECS it skips the test.
func collect(t *testing.T) *collected {
	t.Helper()
	dir := os.Getenv("WEIR_SPECS")
	if dir == "" {
		t.Skip("WEIR_SPECS is not set: the embedded prices are NOT checked against the collections they are made from")
	}
	c := &collected{facts: map[place]map[string]*fact{}}
	var lite map[string]map[string]any
	decode(t, filepath.Join(dir, "prices", "litellm_model_prices_and_context_window.json"), &lite)
	for _, key := range sortedKeys(lite) {
		if key != "sample_spec" && key != "fallback_generalizations" {
			c.liteEntry(t, key, lite[key])
		}
	}
	var dev struct {
		Providers map[string]struct {
			Models map[string]map[string]any
		}
		Models map[string]map[string]any
	}
	decode(t, filepath.Join(dir, "prices", "models_dev.json"), &dev)
	for _, p := range providers {
		for _, id := range p.modelsDev {
			models := dev.Providers[id].Models
			if models == nil {
				t.Errorf("models.dev has no provider %s", id)
			}
			for _, key := range sortedKeys(models) {
				entry := models[key]
				if base, ok := entry["base_model"].(string); ok {
					whole := map[string]any{}
					for k, v := range dev.Models[base] {
						whole[k] = v
					}
					for k, v := range entry {
						whole[k] = v
					}
					entry = whole
				}
				c.devEntry(t, p.name, key, entry)
			}
		}
	}
	c.settle()
	return c
}

func decode(t *testing.T, file string, to any) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber() // prices do not go through floats
	if err := d.Decode(to); err != nil {
		t.Fatal(err)
	}
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// rat reads a number exactly and multiplies it with a power of ten.
func rat(t *testing.T, v any, tens int64) *big.Rat {
	t.Helper()
	n, ok := v.(json.Number)
	if !ok {
		t.Fatalf("%v is no number", v)
	}
	r, ok := new(big.Rat).SetString(n.String())
	if !ok {
		t.Fatalf("%v is no number", v)
	}
	return r.Mul(r, new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(tens), nil)))
}

// Fields of LiteLLM that are not prices of ours, by pattern, and why.
var notPrices = map[string]string{
	"input_dbu_cost_per_token":  "Databricks' own unit, of which the dollars beside it were calculated",
	"output_dbu_cost_per_token": "Databricks' own unit, of which the dollars beside it were calculated",
	"ocr_cost_per_credit":       "a provider's credits",
}

var (
	aboveTokens = regexp.MustCompile(`_above_(\d+)k_tokens`)
	sized       = regexp.MustCompile(`^(?:(low|medium|high|standard|hd)/)?(\d+|max)-x-(\d+|max)/(?:((?:\d+|max)-steps)/)?(?:bedrock/)?(.+)$`)
	intervals   = regexp.MustCompile(`_above_(\d+)s_interval`)
)

// liteFields maps what is left of a field's name, without tier and length, to a component.
var liteFields = map[string]Component{
	"input_cost_per_token":                      Input,
	"input_cost_per_token_cache_hit":            Cached,
	"cache_read_input_token_cost":               Cached,
	"cache_creation_input_token_cost":           CacheWrite,
	"cache_creation_input_token_cost_above_1hr": CacheWrite1h,
	"input_cost_per_audio_token":                AudioInput,
	"cache_read_input_audio_token_cost":         CachedAudio,
	"cache_creation_input_audio_token_cost":     CachedAudio,
	"input_cost_per_image_token":                ImageInput,
	"output_cost_per_token":                     Output,
	"output_cost_per_reasoning_token":           Reasoning,
	"output_cost_per_audio_token":               AudioOutput,
	"output_cost_per_image_token":               ImageOutput,
	"output_cost_per_video_token":               VideoOutput,
	"citation_cost_per_token":                   Citation,
	"input_cost_per_character":                  Character,
	"output_cost_per_character":                 CharacterOutput,
	"input_cost_per_pixel":                      Pixel,
	"output_cost_per_pixel":                     Pixel,
	"input_cost_per_request":                    Request,
	"input_cost_per_query":                      Search,
	"input_cost_per_image":                      ImageRead,
	"output_cost_per_image":                     Image,
	"input_cost_per_second":                     Second,
	"input_cost_per_audio_per_second":           Second,
	"output_cost_per_second":                    SecondOutput,
	"output_cost_per_second_1080p":              VideoSecond,
	"output_cost_per_video_per_second":          VideoSecond,
	"input_cost_per_video_per_second":           VideoSecondInput,
	"ocr_cost_per_page":                         Page,
	"annotation_cost_per_page":                  AnnotatedPage,
	"code_interpreter_cost_per_session":         Session,
	"regional_processing_uplift_multiplier_eu":  components,
	"regional_processing_uplift_multiplier_us":  components,
	"provider_specific_entry":                   components,
	"search_context_cost_per_query":             Search,
	"tiered_pricing":                            Input,
}

func (c *collected) liteEntry(t *testing.T, key string, entry map[string]any) {
	theirs, _ := entry["litellm_provider"].(string)
	p := liteProvider(theirs)
	if p == nil {
		return
	}
	mode, _ := entry["mode"].(string)
	at, aside := liteName(p, key)
	if aside == "" {
		c.fact(place{provider: p.name, model: at.model}, liteFacts(t, key, entry))
	}
	for _, field := range sortedKeys(entry) {
		name := field
		_, known := liteFields[name]
		if _, not := notPrices[name]; not || !known && !strings.Contains(name, "cost") {
			continue
		}
		q := quote{place: at, source: liteLLM, key: key, field: field, mode: mode, entry: entry, aside: aside}
		name = q.readConditions(t, name)
		component, ok := liteFields[name]
		if !ok {
			t.Errorf("LiteLLM's field %s (of %s) is neither a price we know nor set aside", field, key)
			continue
		}
		q.component = component
		switch field {
		case "search_context_cost_per_query":
			c.searches(t, q, entry)
		case "tiered_pricing":
			c.tiers(t, q, entry[field].([]any))
		case "provider_specific_entry":
			for what, v := range entry[field].(map[string]any) {
				f := q
				f.field = field + "." + what
				switch what {
				case "us":
					f.region = "us"
				case "fast":
					f.tier = Fast
				default:
					continue // a word, not a factor
				}
				f.amount = rat(t, v, 3)
				c.quotes = append(c.quotes, &f)
			}
		case "regional_processing_uplift_multiplier_eu", "regional_processing_uplift_multiplier_us":
			q.region, q.amount = field[len(field)-2:], rat(t, entry[field], 3)
			c.quotes = append(c.quotes, &q)
		default:
			q.amount = rat(t, entry[field], 15)
			q.fit()
			c.quotes = append(c.quotes, &q)
		}
	}
}

// readConditions takes tier and length out of a field's name.
func (q *quote) readConditions(t *testing.T, name string) string {
	for suffix, tier := range map[string]Tier{"_priority": Priority, "_flex": Flex, "_batches": Batch} {
		if rest, ok := strings.CutSuffix(name, suffix); ok {
			name, q.tier = rest, tier
		}
	}
	if m := aboveTokens.FindStringSubmatch(name); m != nil {
		k, err := strconv.ParseInt(m[1], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		name, q.above = strings.Replace(name, m[0], "", 1), k*1000
	}
	if m := intervals.FindStringSubmatch(name); m != nil {
		name, q.variant = strings.Replace(name, m[0], "", 1), "interval>"+m[1]+"s"
	}
	return name
}

// searches reads what a search costs by how much context it brings.
func (c *collected) searches(t *testing.T, q quote, entry map[string]any) {
	prices := entry["search_context_cost_per_query"].(map[string]any)
	low, medium, high := prices["search_context_size_low"], prices["search_context_size_medium"], prices["search_context_size_high"]
	put := func(component Component, v any) {
		s := q
		s.component, s.amount = component, rat(t, v, 15)
		c.quotes = append(c.quotes, &s)
	}
	if low == medium && medium == high {
		component := Search
		if google := q.provider == "gemini" || q.provider == "vertex"; google && entry["web_search_billing_unit"] != "per_query" &&
			!strings.Contains(q.model, "claude") {
			component = Grounding // before Gemini 3 a grounded prompt is charged, not its searches
		}
		put(component, low)
		return
	}
	put(SearchLow, low)
	put(SearchMedium, medium)
	put(SearchHigh, high)
	if q.provider == "perplexity" {
		put(Search, low) // its default
	} else {
		put(Search, medium)
	}
}

// tiers reads prices by ranges of the input.
func (c *collected) tiers(t *testing.T, q quote, ranges []any) {
	for _, r := range ranges {
		r := r.(map[string]any)
		from, err := r["range"].([]any)[0].(json.Number).Float64() // a count, written 32000.0
		if err != nil {
			t.Fatal(err)
		}
		for _, field := range sortedKeys(r) {
			if field == "range" {
				continue
			}
			component, ok := liteFields[field]
			if !ok {
				t.Errorf("LiteLLM's field tiered_pricing.%s (of %s) is not known", field, q.key)
			}
			s := q
			s.component, s.above, s.amount, s.field = component, int64(from), rat(t, r[field], 15), "tiered_pricing."+field
			s.fit()
			c.quotes = append(c.quotes, &s)
		}
	}
}

// fit gives the quote the component that its field means for this sort of model.
func (q *quote) fit() {
	small := q.amount.Cmp(big.NewRat(100_000_000_000, 1)) < 0 // of a piece: less than a hundredth of a cent
	image := (q.mode == "image_generation" || q.mode == "image_edit") && q.entry["output_cost_per_image"] == nil && q.entry["input_cost_per_token"] == nil
	switch {
	case q.component == Pixel && q.variant != "":
		q.component, q.amount = Image, perImage(q.variant, q.amount)
	case q.component == ImageRead && image:
		q.component = Image
	case q.component == ImageRead && small && q.mode != "embedding":
		q.component = ImageInput // per token, whatever the field is called
	case q.component == SecondOutput && q.mode == "audio_transcription":
		q.component = Second
	case q.component == SecondOutput && q.mode == "video_generation":
		q.component = VideoSecond
	case q.component == Reasoning && q.provider == "alibaba":
		q.component = Thinking // all output of the thinking mode
	}
	if strings.HasSuffix(q.field, "_1080p") {
		q.variant = "1080p"
	}
}

// drawsImages reports whether the model is one of a maker's for images.
func (q *quote) drawsImages() bool {
	return strings.Contains(q.model, "image") && slices.Contains([]string{"openai", "azure", "gemini", "vertex"}, q.provider)
}

// perImage makes a price per pixel of a named size one per image. It was made from one in thousandths of a dollar by
// division and rounding; where that shows, it is restored.
func perImage(variant string, perPixel *big.Rat) *big.Rat {
	size := variant[strings.LastIndexByte(variant, '/')+1:]
	w, h, _ := strings.Cut(size, "x")
	width, _ := strconv.ParseInt(w, 10, 64)
	height, _ := strconv.ParseInt(h, 10, 64)
	exact := new(big.Rat).Mul(perPixel, big.NewRat(width*height, 1))
	mill := big.NewRat(1_000_000_000_000, 1)
	n := rounded(new(big.Rat).Quo(exact, mill))
	restored := new(big.Rat).Mul(new(big.Rat).SetInt(n), mill)
	off := new(big.Rat).Sub(restored, exact)
	if off.Abs(off).Cmp(new(big.Rat).Mul(exact, big.NewRat(1, 200))) <= 0 {
		return restored
	}
	return exact
}

// rounded returns the nearest whole number.
func rounded(r *big.Rat) *big.Int {
	twice := new(big.Int).Add(new(big.Int).Lsh(r.Num(), 1), r.Denom())
	return twice.Div(twice, new(big.Int).Lsh(r.Denom(), 1))
}

// devFields maps the names of costs at models.dev to components.
var devFields = map[string]Component{
	"input": Input, "output": Output, "reasoning": Reasoning, "input_audio": AudioInput, "output_audio": AudioOutput,
	"cache_read": Cached, "cache_input": Cached, "cached_input": Cached, "cache_write": CacheWrite, "cached_write": CacheWrite,
	"citation": Citation, "request": Request, "image": ImageOutput,
}

func (c *collected) devEntry(t *testing.T, provider, key string, entry map[string]any) {
	at := place{provider: provider, model: key}
	c.fact(at, devFacts(t, entry))
	c.devCosts(t, at, key, entry, entry["cost"], "cost")
	experimental, _ := entry["experimental"].(map[string]any)
	modes, _ := experimental["modes"].(map[string]any)
	for mode, v := range modes {
		v := v.(map[string]any)
		how, _ := v["provider"].(map[string]any)
		body, _ := how["body"].(map[string]any)
		at := at
		switch {
		case body["service_tier"] == "priority":
			at.tier = Priority
		case body["speed"] == "fast":
			at.tier = Fast
		default:
			t.Errorf("models.dev's mode %s of %s/%s is not known", mode, provider, key)
		}
		c.devCosts(t, at, key, entry, v["cost"], "modes."+mode)
	}
}

func (c *collected) devCosts(t *testing.T, at place, key string, entry map[string]any, costs any, path string) {
	m, _ := costs.(map[string]any)
	for _, field := range sortedKeys(m) {
		if field == "tier" {
			continue
		}
		if field == "tiers" {
			for _, tier := range m[field].([]any) {
				tier := tier.(map[string]any)
				size, err := tier["tier"].(map[string]any)["size"].(json.Number).Int64()
				if err != nil {
					t.Fatal(err)
				}
				at := at
				at.above = size
				c.devCosts(t, at, key, entry, tier, path+".tiers")
			}
			continue
		}
		component, ok := devFields[field]
		if !ok {
			t.Errorf("models.dev's %s.%s of %s/%s is not known", path, field, at.provider, key)
			continue
		}
		q := &quote{place: at, amount: rat(t, m[field], 9), source: modelsDev, key: key, field: path + "." + field, entry: entry}
		q.component = component
		if q.component == Request {
			q.component, q.amount = Search, q.amount.Mul(q.amount, big.NewRat(1000, 1)) // per thousand, and what it charges is the search
		}
		if q.component == Reasoning && q.provider == "alibaba" {
			q.component = Thinking
		}
		if q.component == Output && q.drawsImages() {
			q.component = ImageOutput // the one price it has for what such a model makes is that of its images
		}
		c.quotes = append(c.quotes, q)
	}
}

func (c *collected) fact(at place, f *fact) {
	if c.facts[at] == nil {
		c.facts[at] = map[string]*fact{}
	}
	if old := c.facts[at][f.source]; old != nil {
		f = old.merge(f)
	}
	c.facts[at][f.source] = f
}
