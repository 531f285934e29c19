package llm

import (
	"fmt"
	"strings"
)

// Quirk is a set of ways in which a provider's openai-chat differs from what OpenAI's own models take. The zero value is
// OpenAI's own. An encoder obeys them: it says what it can in another way, and names the rest lost, instead of sending
// what the provider would refuse or pass over in silence. They say nothing of calls that pass in their own dialect.
type Quirk uint64

// The quirks; QuirkTable says what each is and who has it.
const (
	NoDeveloper Quirk = 1 << iota
	NoNames
	NoRefusals
	Alternating
	MarkBegun
	MaxTokens
	NoStreamOptions
	NoAnswers
	NoStop
	NoLogprobs
	NoBias
	NoPenalties
	NoSampling
	RandomSeed
	Temperature1
	Temperature15
	EffortAllOrNone
	EffortThree
	NoJSONSchema
	NoJSONObject
	NoVerbosity
	NoModalities
	FunctionsOnly
	NoStrict
	NoAllowedTools
	NoToolChoice
	NoParallelCalls
	NineIDs
	TextOnly
	NoFiles
	NoImageURLs
	ReasoningContent
	ReasoningText
	ReasoningDetails
	ReasoningItems
	NoStore
	NoTier
	NoUser
	NoCacheKey
	PlainAudio
)

// Cautious is what is assumed of a provider of which nothing is known: that it has what every copy of the dialect has,
// and not what OpenAI alone does.
const Cautious = NoDeveloper | MaxTokens | FunctionsOnly | NoAllowedTools | NoVerbosity | NoStore

// anyReasoning are the words in which reasoning goes back.
const anyReasoning = ReasoningContent | ReasoningText | ReasoningDetails | ReasoningItems

// QuirkTable lists the quirks in the order of their bits, with their names in the catalog.
var QuirkTable = []struct {
	Name  string
	Quirk Quirk
	Doc   string
}{
	{"no_developer", NoDeveloper, "No role developer: what a developer says is said by the system (DeepSeek, Mistral, most copies)."},
	{"no_names", NoNames, "No names of participants: a message with one is refused (Groq, Mistral)."},
	{"no_refusals", NoRefusals, "No member refusal in an assistant's turn: a refusal of the history is text (Mistral)."},
	{"alternating", Alternating, "After the system, user and assistant speak in turns and the user last; neighbouring turns are merged (Perplexity)."},
	{"mark_begun", MarkBegun, "An answer that is begun must be marked with prefix: true (Mistral)."},
	{"max_tokens", MaxTokens, "The limit on the output is called max_tokens (most copies; the newer name is refused by Mistral)."},
	{"no_stream_options", NoStreamOptions, "No stream_options: usage comes unasked (Mistral)."},
	{"no_n", NoAnswers, "One answer only: n is refused or passed over (Groq, Ollama)."},
	{"no_stop", NoStop, "No stop sequences (OpenAI's o3 and o4-mini, xAI's models that reason)."},
	{"no_logprobs", NoLogprobs, "No log probabilities (Groq, Mistral, OpenAI's models that always reason)."},
	{"no_logit_bias", NoBias, "No logit_bias (Cerebras, Groq, Mistral, Ollama)."},
	{"no_penalties", NoPenalties, "No frequency_penalty and presence_penalty (Cerebras, models of xAI and OpenAI that reason)."},
	{"no_sampling", NoSampling, "No temperature and top_p: the model has its own (OpenAI's models that always reason)."},
	{"random_seed", RandomSeed, "The seed is called random_seed (Mistral)."},
	{"temperature_1", Temperature1, "A temperature of at most 1 (Moonshot, Z.ai)."},
	{"temperature_1.5", Temperature15, "A temperature of at most 1.5 (Mistral)."},
	{"effort_all_or_none", EffortAllOrNone, "reasoning_effort is high or none (Mistral)."},
	{"effort_three", EffortThree, "reasoning_effort is low, medium or high (vLLM)."},
	{"no_json_schema", NoJSONSchema, "response_format knows json_object, not json_schema; the schema is told in words (DeepSeek, Z.ai)."},
	{"no_json_object", NoJSONObject, "response_format knows json_schema, not json_object; that it shall be JSON is told in words (Perplexity)."},
	{"no_verbosity", NoVerbosity, "No verbosity (all but OpenAI's own models)."},
	{"no_modalities", NoModalities, "Answers are text: no modalities, no audio (DeepSeek, Mistral)."},
	{"functions_only", FunctionsOnly, "Tools are functions with parameters: custom tools become functions of one text (all but OpenAI)."},
	{"no_strict", NoStrict, "No strict on a function (Moonshot, vLLM)."},
	{"no_allowed_tools", NoAllowedTools, "tool_choice has no allowed_tools: the others are not offered (all but OpenAI)."},
	{"no_tool_choice", NoToolChoice, "tool_choice is passed over: a model calls what it likes (Ollama)."},
	{"no_parallel_tool_calls", NoParallelCalls, "parallel_tool_calls is refused (Cerebras)."},
	{"nine_ids", NineIDs, "Ids of calls have nine letters and digits; others are derived (Mistral)."},
	{"text_only", TextOnly, "Messages are text: no images, sound or files (Cerebras, DeepSeek)."},
	{"no_files", NoFiles, "No file items: documents of text are sent as text, others refused (llama.cpp, Mistral, SGLang, vLLM)."},
	{"no_image_urls", NoImageURLs, "Images come as data, not by their address (Ollama)."},
	{"reasoning_content", ReasoningContent, "Earlier reasoning goes back as reasoning_content (DeepSeek, llama.cpp, Moonshot, Z.ai)."},
	{"reasoning", ReasoningText, "Earlier reasoning goes back as reasoning (Crusoe, Ollama, vLLM)."},
	{"reasoning_details", ReasoningDetails, "Earlier reasoning goes back as reasoning_details, with its seal (OpenRouter, Snowflake, Vercel)."},
	{"reasoning_items", ReasoningItems, "Earlier reasoning goes back as thinking items of the content (Mistral)."},
	{"no_store", NoStore, "Nothing is kept for the client: no store, no prompt_cache_retention (all but OpenAI)."},
	{"no_service_tier", NoTier, "No service_tier (Cerebras, Mistral)."},
	{"no_user", NoUser, "No user (Mistral, Ollama)."},
	{"no_prompt_cache_key", NoCacheKey, "No prompt_cache_key (Cerebras)."},
	{"plain_audio", PlainAudio, "input_audio is the data alone, without its format (Mistral)."},
}

// Has reports whether q holds all of other.
func (q Quirk) Has(other Quirk) bool { return q&other == other }

// TakesReasoning reports whether reasoning of earlier turns goes back in any word.
func (q Quirk) TakesReasoning() bool { return q&anyReasoning != 0 }

// MaxName is the member a limit on the output is written in, "" for OpenAI's newer one.
func (q Quirk) MaxName() string {
	if q.Has(MaxTokens) {
		return "max_tokens"
	}
	return ""
}

// String lists the names, in the order of the table.
func (q Quirk) String() string {
	var names []string
	for i := range QuirkTable {
		if q.Has(QuirkTable[i].Quirk) {
			names = append(names, QuirkTable[i].Name)
		}
	}
	return strings.Join(names, " ")
}

// ParseQuirks returns the set of the named quirks; the name cautious stands for all of Cautious.
func ParseQuirks(names []string) (Quirk, error) {
	var q Quirk
next:
	for _, name := range names {
		if name == "cautious" {
			q |= Cautious
			continue
		}
		for i := range QuirkTable {
			if QuirkTable[i].Name == name {
				q |= QuirkTable[i].Quirk
				continue next
			}
		}
		return q, fmt.Errorf("there is no quirk %q", name)
	}
	return q, nil
}
