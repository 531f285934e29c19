package price

import (
	"strings"
	"testing"
)

// provider is one of ours, with its names in the collections.
type provider struct {
	name      string   // as in the catalog
	lite      []string // LiteLLM's litellm_provider; with * for any end
	strip     []string // what LiteLLM puts before the names of its models
	modelsDev []string // models.dev's ids
}

// providers is every provider that the embedded table has.
var providers = []provider{
	{"openai", []string{"openai", "text-completion-openai"}, []string{"openai/"}, []string{"openai"}},
	{"anthropic", []string{"anthropic"}, nil, []string{"anthropic"}},
	{"gemini", []string{"gemini"}, []string{"gemini/"}, []string{"google"}},
	{"vertex", []string{"vertex_ai*"}, []string{"vertex_ai/"}, []string{"google-vertex", "google-vertex-anthropic"}},
	{"bedrock", []string{"bedrock", "bedrock_converse", "bedrock_mantle"}, []string{"bedrock/", "bedrock_mantle/"}, []string{"amazon-bedrock"}},
	{"azure", []string{"azure", "azure_text", "azure_ai"}, []string{"azure/", "azure_ai/"}, []string{"azure", "azure-cognitive-services"}},
	{"cohere", []string{"cohere", "cohere_chat"}, []string{"cohere/"}, []string{"cohere"}},
	{"mistral", []string{"mistral", "codestral", "text-completion-codestral"}, []string{"mistral/", "codestral/", "text-completion-codestral/"}, []string{"mistral"}},
	{"together", []string{"together_ai"}, []string{"together_ai/"}, []string{"togetherai"}},
	{"fireworks", []string{"fireworks_ai", "fireworks_ai-embedding-models"}, []string{"fireworks_ai/"}, []string{"fireworks-ai"}},
	{"moonshot", []string{"moonshot"}, []string{"moonshot/"}, []string{"moonshotai"}},
	{"alibaba", []string{"dashscope"}, []string{"dashscope/"}, []string{"alibaba"}},
	{"novita", []string{"novita"}, []string{"novita/"}, []string{"novita-ai"}},
	{"snowflake", []string{"snowflake"}, []string{"snowflake/"}, []string{"snowflake-cortex"}},
	{"cloudflare", []string{"cloudflare"}, []string{"cloudflare/"}, []string{"cloudflare-workers-ai"}},
	{"nvidia", []string{"nvidia_nim"}, []string{"nvidia_nim/"}, []string{"nvidia"}},
	{"vercel", []string{"vercel_ai_gateway"}, []string{"vercel_ai_gateway/"}, []string{"vercel"}},
	{"friendli", []string{"friendliai"}, []string{"friendliai/"}, []string{"friendli"}},
	{"llama", []string{"meta_llama"}, []string{"meta_llama/"}, []string{"llama"}},
	{"digitalocean", []string{"gradient_ai"}, []string{"gradient_ai/"}, []string{"digitalocean"}},
	{"gmicloud", []string{"gmi"}, []string{"gmi/"}, []string{"gmicloud"}},
	{"jina", []string{"jina_ai"}, []string{"jina_ai/"}, nil},
	{"lambda", []string{"lambda_ai"}, []string{"lambda_ai/"}, nil},
	{"featherless", []string{"featherless_ai"}, []string{"featherless_ai/"}, nil},
	{"blackforestlabs", []string{"black_forest_labs"}, []string{"black_forest_labs/"}, nil},
	{"inception", []string{"inception", "text-completion-inception"}, []string{"inception/", "text-completion-inception/"}, []string{"inception"}},
	{"replicate", []string{"replicate"}, []string{"replicate/", "replicate"}, nil},
	{"runway", []string{"runwayml"}, []string{"runwayml/"}, nil},
	{"moonshot-cn", nil, nil, []string{"moonshotai-cn"}},
	{"zhipu", nil, nil, []string{"zhipuai"}},
	{"github", nil, nil, []string{"github-models"}},
	{"ollama-cloud", nil, nil, []string{"ollama-cloud"}},
	both("groq"), both("deepseek"), both("xai"), both("openrouter"), both("cerebras"), both("perplexity"), both("zai"),
	both("deepinfra"), both("nebius"), both("databricks"), both("scaleway"), both("ovhcloud"), both("baseten"), both("wandb"),
	both("minimax"), both("v0"), both("morph"), both("sarvam"),
	lite("sambanova"), lite("hyperbolic"), lite("nscale"), lite("watsonx"), lite("oci"), lite("ai21"), lite("voyage"),
	lite("deepgram"), lite("elevenlabs"), lite("assemblyai"), lite("stability"), lite("recraft"), lite("volcengine"),
	lite("crusoe"), lite("tencent"), lite("heroku"), lite("soniox"), lite("aiml"), lite("publicai"), lite("ollama"),
	dev("huggingface"), dev("siliconflow"), dev("siliconflow-cn"), dev("chutes"), dev("venice"), dev("inference"), dev("io-net"),
	dev("upstage"), dev("vultr"), dev("stackit"), dev("requesty"), dev("stepfun"), dev("xiaomi"), dev("alibaba-cn"),
	dev("minimax-cn"), dev("modelscope"), dev("helicone"), dev("nearai"), dev("poe"), dev("cortecs"), dev("berget"),
	dev("zenmux"), dev("tinfoil"), dev("synthetic"), dev("clarifai"), dev("evroc"), dev("regolo-ai"),
	dev("cloudflare-ai-gateway"),
}

// both, lite and dev are providers with one name everywhere, in both collections or in one.
func both(name string) provider {
	return provider{name, []string{name}, []string{name + "/"}, []string{name}}
}
func lite(name string) provider { return provider{name, []string{name}, []string{name + "/"}, nil} }
func dev(name string) provider  { return provider{name, nil, nil, []string{name}} }

// liteProvider finds ours by LiteLLM's name.
func liteProvider(theirs string) *provider {
	for i := range providers {
		for _, name := range providers[i].lite {
			if prefix, more := strings.CutSuffix(name, "*"); name == theirs || more && strings.HasPrefix(theirs, prefix) {
				return &providers[i]
			}
		}
	}
	return nil
}

// liteName takes apart the name of an entry of LiteLLM: a model under a condition. aside names the rule by which the
// entry is no model of the provider's.
func liteName(p *provider, key string) (at place, aside string) {
	at.provider = p.name
	name := key
	if m := sized.FindStringSubmatch(strings.TrimPrefix(name, "azure/")); m != nil {
		at.variant = m[2] + "x" + m[3]
		if m[1] != "" {
			at.variant = m[1] + "/" + at.variant
		}
		if m[4] != "" {
			at.variant += "/" + m[4]
		}
		name = m[5]
	}
	for _, prefix := range p.strip {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			name = rest
			break
		}
	}
	switch p.name {
	case "openai":
		if strings.HasPrefix(name, "ft:") {
			name += "*" // ft:MODEL:ORGANISATION:NAME:ID
		}
	case "azure":
		for prefix, region := range map[string]string{"eu/": "eu", "us/": "us", "global/": "global", "global-standard/": "global"} {
			if rest, ok := strings.CutPrefix(name, prefix); ok {
				name, at.region = rest, region
			}
		}
	case "bedrock":
		if strings.Contains(name, "-month-commitment/") {
			aside = "reserved"
		}
		if strings.HasPrefix(name, "invoke/") {
			aside = "another way there"
		}
		if region, rest, ok := strings.Cut(name, "/"); ok && strings.Count(region, "-") >= 2 && !strings.Contains(region, ".") {
			name, at.region = rest, region
		}
	case "mistral":
		if strings.HasPrefix(key, "codestral/") || strings.HasPrefix(key, "text-completion-codestral/") {
			aside = "trial endpoint"
		}
	case "fireworks":
		if strings.HasPrefix(name, "fireworks-ai-") {
			aside = "size class"
		}
	case "together":
		if strings.HasPrefix(name, "together-ai-") {
			aside = "size class"
		}
	}
	if name == "container" {
		aside = "not a model"
	}
	at.model = name
	return at, aside
}

func TestProvidersAreEnough(t *testing.T) {
	table := Embedded()
	priced, models := 0, 0
	for _, name := range table.Providers() {
		l := table.List(name)
		if l == nil {
			t.Errorf("%s cannot be read", name)
			continue
		}
		n := 0
		for _, m := range l.models {
			if p := m.at(zeroTime); p.Components() != 0 {
				n++
			}
		}
		models += n
		if n > 0 {
			priced++
		}
	}
	t.Logf("%d providers, %d with prices, %d models with prices", len(table.lists), priced, models)
	if priced < 45 {
		t.Errorf("%d providers have prices, 45 are wanted", priced)
	}
}
