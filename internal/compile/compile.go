// Package compile turns the document and the catalog into the engine's snapshot: one immutable value with every name
// resolved. What only shows when the parts are put together is refused here, at the line it was written in.
package compile

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"weir/internal/catalog"
	"weir/internal/config"
	"weir/internal/dialect"
	"weir/internal/dialect/anthropic"
	"weir/internal/dialect/anthropicbatches"
	"weir/internal/dialect/anthropicfiles"
	"weir/internal/dialect/bedrockembed"
	"weir/internal/dialect/bedrockimages"
	"weir/internal/dialect/bedrockinvoke"
	"weir/internal/dialect/classify"
	"weir/internal/dialect/cohere"
	"weir/internal/dialect/cohereembed"
	"weir/internal/dialect/converse"
	"weir/internal/dialect/count"
	"weir/internal/dialect/gemini"
	"weir/internal/dialect/geminibatches"
	"weir/internal/dialect/geminiembeddings"
	"weir/internal/dialect/geminifiles"
	"weir/internal/dialect/geminiimages"
	"weir/internal/dialect/geminiinteractions"
	"weir/internal/dialect/geminilive"
	"weir/internal/dialect/mistralbatches"
	"weir/internal/dialect/mistralocr"
	"weir/internal/dialect/ollama"
	"weir/internal/dialect/ollamaembed"
	"weir/internal/dialect/openaiaudio"
	"weir/internal/dialect/openaibatches"
	"weir/internal/dialect/openaichat"
	"weir/internal/dialect/openaicompletions"
	"weir/internal/dialect/openaiembeddings"
	"weir/internal/dialect/openaifiles"
	"weir/internal/dialect/openaifinetuning"
	"weir/internal/dialect/openaiimages"
	"weir/internal/dialect/openaimoderations"
	"weir/internal/dialect/openairealtime"
	"weir/internal/dialect/openairesponses"
	"weir/internal/dialect/rerank"
	"weir/internal/dialect/tokenize"
	"weir/internal/engine"
	"weir/internal/gateway"
	"weir/internal/llm"
	"weir/internal/policy/budget"
	"weir/internal/price"
	"weir/internal/route"
)

// operations says which operations each dialect of this build has words for.
var operations = map[llm.Dialect][]llm.Op{
	llm.OpenAIChat:         {llm.OpChat},
	llm.OpenAIResponses:    {llm.OpChat, llm.OpCompact, llm.OpCount},
	llm.OpenAICompletions:  {llm.OpChat},
	llm.AnthropicMessages:  {llm.OpChat, llm.OpCount},
	llm.GeminiGenerate:     {llm.OpChat, llm.OpCount},
	llm.GeminiInteractions: {llm.OpChat},
	llm.BedrockConverse:    {llm.OpChat, llm.OpCount},
	llm.BedrockInvoke:      {llm.OpInvoke},
	llm.CohereChat:         {llm.OpChat},
	llm.OllamaChat:         {llm.OpChat},
	llm.OpenAIEmbeddings:   {llm.OpEmbeddings},
	llm.GeminiEmbeddings:   {llm.OpEmbeddings},
	llm.GeminiLive:         {llm.OpRealtime},
	llm.CohereEmbed:        {llm.OpEmbeddings},
	llm.OllamaEmbed:        {llm.OpEmbeddings},
	llm.BedrockEmbeddings:  {llm.OpEmbeddings},
	llm.OpenAIRerank:       {llm.OpRerank},
	llm.CohereRerank:       {llm.OpRerank},
	llm.OpenAIModerations:  {llm.OpModeration},
	llm.OpenAIImages:       {llm.OpImage, llm.OpImageEdit},
	llm.GeminiImages:       {llm.OpImage, llm.OpImageEdit},
	llm.BedrockImages:      {llm.OpImage, llm.OpImageEdit},
	llm.OpenAIAudio:        {llm.OpSpeech, llm.OpTranscription},
	llm.OpenAIRealtime:     {llm.OpRealtime},
	llm.VLLMClassify:       {llm.OpClassify},
	llm.TEIClassify:        {llm.OpClassify},
	llm.OIPInfer:           {llm.OpClassify, llm.OpModels},
	llm.MistralOCR:         {llm.OpOCR},
	llm.VLLMTokenize:       {llm.OpTokenize, llm.OpCount},
	llm.OpenAIFiles:        {llm.OpFile},
	llm.AnthropicFiles:     {llm.OpFile},
	llm.GeminiFiles:        {llm.OpFile},
	llm.OpenAIFineTuning:   {llm.OpTune},
	llm.OpenAIBatches:      {llm.OpBatch},
	llm.AnthropicBatches:   {llm.OpBatch},
	llm.GeminiBatches:      {llm.OpBatch},
	llm.MistralBatches:     {llm.OpBatch},
}

var languages = map[llm.Dialect]dialect.Dialect{
	llm.OpenAIChat:         openaichat.New(),
	llm.OpenAIResponses:    openairesponses.New(),
	llm.OpenAICompletions:  openaicompletions.New(),
	llm.AnthropicMessages:  anthropic.New(),
	llm.GeminiGenerate:     gemini.New(),
	llm.CohereChat:         cohere.New(),
	llm.OllamaChat:         ollama.New(),
	llm.BedrockConverse:    converse.New(),
	llm.BedrockInvoke:      bedrockinvoke.New(),
	llm.OpenAIEmbeddings:   openaiembeddings.New(),
	llm.GeminiEmbeddings:   geminiembeddings.New(),
	llm.GeminiLive:         geminilive.New(),
	llm.GeminiInteractions: geminiinteractions.New(),
	llm.CohereEmbed:        cohereembed.New(),
	llm.OllamaEmbed:        ollamaembed.New(),
	llm.BedrockEmbeddings:  bedrockembed.New(),
	llm.OpenAIRerank:       rerank.New(llm.OpenAIRerank, openaichat.New()),
	llm.CohereRerank:       rerank.New(llm.CohereRerank, cohere.New()),
	llm.OpenAIModerations:  openaimoderations.New(),
	llm.OpenAIImages:       openaiimages.New(),
	llm.GeminiImages:       geminiimages.New(),
	llm.BedrockImages:      bedrockimages.New(),
	llm.OpenAIAudio:        openaiaudio.New(),
	llm.OpenAIRealtime:     openairealtime.New(),
	llm.VLLMClassify:       classify.New(),
	llm.TEIClassify:        classify.NewTEI(),
	llm.OIPInfer:           classify.NewOIP(),
	llm.MistralOCR:         mistralocr.New(),
	llm.VLLMTokenize:       tokenize.New(openaichat.New()),
	llm.OpenAIFiles:        openaifiles.New(),
	llm.AnthropicFiles:     anthropicfiles.New(anthropic.New()),
	llm.GeminiFiles:        geminifiles.New(gemini.New()),
	llm.OpenAIFineTuning:   openaifinetuning.New(),
	llm.OpenAIBatches:      openaibatches.New(openaichat.New()),
	llm.AnthropicBatches:   anthropicbatches.New(anthropic.New()),
	llm.GeminiBatches:      geminibatches.New(gemini.New()),
	llm.MistralBatches:     mistralbatches.New(openaichat.New()),
}

// Dialects lists the wire languages of this build.
func Dialects() []string {
	var out []string
	for _, name := range [...]llm.Dialect{
		llm.OpenAIChat, llm.OpenAIResponses, llm.OpenAICompletions, llm.OpenAIEmbeddings, llm.AnthropicMessages, llm.GeminiGenerate,
		llm.GeminiEmbeddings, llm.GeminiLive, llm.GeminiInteractions, llm.BedrockConverse, llm.BedrockInvoke, llm.BedrockEmbeddings, llm.CohereChat, llm.CohereEmbed, llm.CohereRerank, llm.OllamaChat, llm.OllamaEmbed,
		llm.OpenAIRerank, llm.OpenAIModerations, llm.OpenAIImages, llm.GeminiImages, llm.BedrockImages, llm.OpenAIAudio, llm.OpenAIRealtime, llm.VLLMClassify, llm.TEIClassify, llm.OIPInfer, llm.MistralOCR, llm.VLLMTokenize,
		llm.OpenAIFiles, llm.AnthropicFiles, llm.GeminiFiles, llm.OpenAIFineTuning,
		llm.OpenAIBatches, llm.AnthropicBatches, llm.GeminiBatches, llm.MistralBatches,
	} {
		if languages[name] != nil {
			out = append(out, string(name))
		}
	}
	return out
}

// Dialect returns a wire language of this build, nil for another.
func Dialect(name llm.Dialect) dialect.Dialect { return languages[name] }

// Compiler makes snapshots. It keeps what outlives a revision: the connections to providers. It is safe for concurrent use.
type Compiler struct {
	catalog *catalog.Catalog
	table   atomic.Pointer[price.Table] // nil: the built-in prices
	mu      sync.Mutex                  // guards transports; taken once a provider and revision
	pools   map[way]*upstream
	pots    gateway.Pots // nil: no limits, no budgets
	lines   *budget.Lines
}

// New returns a compiler over a catalog.
func New(c *catalog.Catalog) *Compiler {
	return &Compiler{catalog: c, pools: map[way]*upstream{}}
}

// Options are what reading a document needs to know of this build.
func (c *Compiler) Options(env func(string) (string, bool)) config.Options {
	return config.Options{Env: env, Dialects: Dialects(), Catalog: func(name string) bool { _, ok := c.catalog.Entry(name); return ok }}
}

// Snapshot compiles a document. The error is that of config: with file, line and path.
func (c *Compiler) Snapshot(d *config.Document, revision string) (*engine.Snapshot, error) {
	s := &engine.Snapshot{Revision: revision, Places: map[string]*engine.Place{}, Dialect: Dialect, MaxBody: int64(d.Limits.Body), Unpriced: unpriced(d)}
	var problems []error
	for i := range d.Providers {
		place, err := c.place(d, &d.Providers[i])
		if err != nil {
			problems = append(problems, err)
			continue
		}
		if place.Prices, err = c.prices(d, &d.Providers[i], revision); err != nil {
			problems = append(problems, err)
		}
		s.Places[d.Providers[i].Name] = place
	}
	table := &route.Table{Models: map[string]route.Model{}, Providers: map[string]bool{}, Fit: fit(s.Places)}
	for name := range s.Places {
		table.Providers[name] = true
	}
	for i := range d.Models {
		m := &d.Models[i]
		targets := make([]gateway.Target, len(m.Targets))
		for j, t := range m.Targets {
			targets[j] = gateway.Target{Provider: t.Provider, Model: t.Model}
		}
		table.Models[m.Name] = route.Model{Targets: targets, MaxOutput: m.MaxOutput, Transforms: transforms(m)}
		s.Models = append(s.Models, m.Name)
	}
	s.Router = table
	var err error
	if s.Defaults, err = defaults(d, s.Places); err != nil {
		problems = append(problems, err)
	}
	dir, err := directory(d)
	if err != nil {
		problems = append(problems, err)
	}
	s.Directory = dir
	if err := c.govern(d, s); err != nil {
		problems = append(problems, err)
	}
	return s, errors.Join(problems...)
}

// fit says why a provider cannot carry an operation for a client's dialect.
func fit(places map[string]*engine.Place) route.Fit {
	return func(t gateway.Target, op llm.Op, client llm.Dialect) string {
		place := places[t.Provider]
		if place == nil {
			return "the provider " + t.Provider + " is not in the document"
		}
		speaks := place.Provider.Speaks(op)
		if op == llm.OpCount && len(speaks) == 0 && count.New(languages[client]) != nil && len(place.Provider.Speaks(llm.OpChat)) > 0 {
			return "" // what it does not count is estimated
		}
		if len(speaks) == 0 {
			return "the provider " + t.Provider + " serves no " + string(op)
		}
		if slices.Contains(speaks, client) {
			return ""
		}
		for _, d := range speaks {
			if dialect.Carries(op, languages[client], languages[d]) || op == llm.OpCount && count.New(languages[client]) != nil && count.New(languages[d]) != nil {
				return ""
			}
		}
		return "the provider " + t.Provider + " does not speak " + string(client) + " and cannot be translated to"
	}
}

// grants finds keys by their SHA-256. The keys themselves are not kept.
type grants map[[sha256.Size]byte]*granted

type granted struct {
	hash  [sha256.Size]byte
	grant gateway.Grant
}

// Grant implements gateway.Directory. The look-up is by hash, which tells nothing of how much of a key was right; the
// hash found is compared whole once more, in constant time.
func (g grants) Grant(credential string) (*gateway.Grant, bool) {
	hash := sha256.Sum256([]byte(credential))
	k, ok := g[hash]
	if !ok || subtle.ConstantTimeCompare(hash[:], k.hash[:]) != 1 {
		return nil, false
	}
	return &k.grant, true
}

// Named implements gateway.Roll.
func (g grants) Named(key string) (*gateway.Grant, bool) {
	for _, k := range g {
		if k.grant.Key == key {
			return &k.grant, true
		}
	}
	return nil, false
}

func directory(d *config.Document) (grants, error) {
	out := make(grants, len(d.Keys))
	account := d.Accounts()
	models := make(map[string][]string, len(d.Teams))
	for i := range d.Teams {
		models[d.Teams[i].Name] = d.Teams[i].Models
	}
	for i := range d.Keys {
		k := &d.Keys[i]
		a, err := account(i)
		if err != nil {
			return nil, err
		}
		g := &granted{grant: gateway.Grant{Account: a, Models: k.Models, Shared: models[a.Team], Strict: k.Strict, Expires: k.Expires}}
		if k.Hash != "" {
			raw, err := hex.DecodeString(strings.TrimPrefix(k.Hash, "sha256:"))
			if err != nil || len(raw) != sha256.Size {
				return nil, d.Problem(fmt.Sprintf("keys[%d].hash", i), "this is not sha256: and 64 hexadecimal digits", "")
			}
			copy(g.hash[:], raw)
		} else {
			g.hash = sha256.Sum256([]byte(k.Key.Reveal()))
		}
		out[g.hash] = g
	}
	return out, nil
}
