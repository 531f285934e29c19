// Package llm is the canonical conversation: one vocabulary for requests, answers and streams that every dialect is
// translated into and out of.
//
// A dialect's codec decodes its wire form into these types and encodes them again; nothing translates from one dialect
// to another directly. Two rules keep values whole: a number is kept as it was written (Num) and never goes through a
// float, and what has no field of its own is kept as raw JSON (Extra, Raw) so that its own dialect can write it back.
//
// The package has no I/O and depends on the standard library alone. Values are plain data: they are safe to share for
// reading, and whoever holds one may change it only if nobody else has it.
package llm

import "encoding/json"

// Num is a JSON number as it was written; "" means absent.
type Num string

// Extra holds members without a field here, by name. They go back into their own dialect; towards another each is a
// Loss. Members whose value is null are not kept: null and absent say the same.
type Extra map[string]json.RawMessage

// Dialect names a wire language, as the document's `speaks` does.
type Dialect string

// The dialects this build knows.
const (
	OpenAIChat        Dialect = "openai-chat"
	OpenAIResponses   Dialect = "openai-responses"
	OpenAICompletions Dialect = "openai-completions"
	OpenAIEmbeddings  Dialect = "openai-embeddings"
	OpenAIModerations Dialect = "openai-moderations"
	OpenAIImages      Dialect = "openai-images"
	OpenAIAudio       Dialect = "openai-audio"
	OpenAIRerank      Dialect = "openai-rerank"
	AnthropicMessages Dialect = "anthropic-messages"
	GeminiGenerate    Dialect = "gemini-generate"
	GeminiEmbeddings  Dialect = "gemini-embeddings"
	GeminiImages      Dialect = "gemini-images"
	BedrockConverse   Dialect = "bedrock-converse"
	BedrockInvoke     Dialect = "bedrock-invoke"
	BedrockEmbeddings Dialect = "bedrock-embeddings"
	BedrockImages     Dialect = "bedrock-images"
	CohereChat        Dialect = "cohere-chat"
	CohereEmbed       Dialect = "cohere-embed"
	CohereRerank      Dialect = "cohere-rerank"
	OllamaChat        Dialect = "ollama-chat"
	OllamaEmbed       Dialect = "ollama-embed"
	VLLMClassify      Dialect = "classify"
	TEIClassify       Dialect = "tei-classify"
	OIPInfer          Dialect = "oip-infer"
	MistralOCR        Dialect = "mistral-ocr"
	MistralBatches    Dialect = "mistral-batches"
	VLLMTokenize      Dialect = "vllm-tokenize" //nolint:gosec // a dialect's name, no credential
	OpenAIFiles       Dialect = "openai-files"
	OpenAIBatches     Dialect = "openai-batches"
	OpenAIFineTuning  Dialect = "openai-fine-tuning"
	OpenAIRealtime    Dialect = "openai-realtime"
	AnthropicFiles    Dialect = "anthropic-files"
	AnthropicBatches  Dialect = "anthropic-batches"
	GeminiBatches     Dialect = "gemini-batches"
	GeminiFiles       Dialect = "gemini-files"
	GeminiLive        Dialect = "gemini-live"

	GeminiInteractions Dialect = "gemini-interactions"
)

// Op is what a call asks for, in the words of the OpenTelemetry GenAI conventions where they have one.
type Op string

// The operations this build serves.
const (
	OpChat          Op = "chat"
	OpEmbeddings    Op = "embeddings"
	OpModels        Op = "models"
	OpUnserved      Op = "unserved" // a path or method that is not served
	OpKept          Op = "kept"     // a request about an answer that is kept
	OpInvoke        Op = "invoke"   // whatever a model takes, in its maker's words (Bedrock)
	OpCount         Op = "count_tokens"
	OpRerank        Op = "rerank"
	OpModeration    Op = "moderation"
	OpClassify      Op = "classify" // models that put things into classes and do not generate
	OpOCR           Op = "ocr"
	OpTokenize      Op = "tokenize" // texts as tokens and back
	OpCompact       Op = "compact"  // a conversation in fewer tokens, for its own provider
	OpImage         Op = "image_generation"
	OpImageEdit     Op = "image_edit" // of images that the call brings; variations too
	OpSpeech        Op = "speech"
	OpTranscription Op = "transcription" // translations too
	OpFile          Op = "file"          // files that a provider keeps
	OpBatch         Op = "batch"         // many requests in one, answered later
	OpTune          Op = "fine_tuning"   // jobs that make models
	OpRealtime      Op = "realtime"      // a session over a WebSocket
)

// Framing is how a streamed answer is cut on the wire.
type Framing uint8

// The framings.
const (
	SSE         Framing = iota // Server-Sent Events
	EventStream                // AWS event-stream: application/vnd.amazon.eventstream
	NDJSON                     // a JSON value a line
	Array                      // one JSON array whose elements come one by one (Gemini without alt=sse)
)

// Framing returns how the dialect's streams are cut where nothing says otherwise.
func (d Dialect) Framing() Framing {
	switch d {
	case BedrockConverse, BedrockInvoke:
		return EventStream
	case OllamaChat:
		return NDJSON
	}
	return SSE
}

// Head is what a glance at a call tells, without decoding it.
type Head struct {
	Model     string  // the name the client asked for; empty only where the operation demands none
	Stream    bool    // the client wants a stream
	Framing   Framing // of the stream it wants
	WantUsage bool    // the client asked for usage in the stream (chat include_usage)
	MaxOutput int64   // 0 = not said
	N         int64   // answers asked for; 0 = not said
}

// Facts are what an encoder must know of the model it encodes for.
type Facts struct {
	Model         string  // the name to send
	Provider      string  // catalog name, for deviations that are data
	MaxOutput     int64   // the most the model generates; 0 = unknown
	DefaultMax    int64   // sent where the dialect demands a limit and the client gave none; 0 = the encoder's own default
	NoSystem      bool    // reserved for models that take no system turn
	ReasoningBack bool    // chat: takes reasoning text of earlier turns back
	Quirks        Quirk   // ways in which the provider's openai-chat differs
	Usage         Profile // and in which it states usage otherwise
	SealBy        string  // maker whose seals this target takes back (anthropic, openai, google, …); "" = the dialect's usual one
	Media         *Media  // what it takes beside text; nil = nothing is known
}

// Request is one question to a model. Encoders never change it.
type Request struct {
	From       Dialect // the dialect it was decoded from; its Extra and Raw belong there
	Model      string
	Messages   []Message // in order, system turns too; decoders hoist nothing
	Documents  []Part    // File parts for the whole question (Cohere)
	Tools      []Tool    // order kept: provider caches depend on it
	Choice     ToolChoice
	Output     Output
	Sampling   Sampling
	Reasoning  Reasoning
	MaxOutput  int64 // 0 = not said
	Stop       []string
	Answers    int64 // n, candidateCount; 0 = not said
	Stream     bool
	Framing    Framing  // of the stream, where its dialect has more than one (Gemini: SSE or Array)
	WantUsage  bool     // chat stream_options.include_usage
	Modalities []string // lower case: text image audio
	Voice      Voice
	Thread     Thread
	Cache      Cache
	Tier, User string
	Metadata   json.RawMessage
	Safety     json.RawMessage
	Include    []string // Responses
	Extra      Extra
}

// Role says whose turn a message is. There is no tool role: results are parts of a User turn.
type Role string

// The roles.
const (
	System    Role = "system"
	Developer Role = "developer"
	User      Role = "user"
	Assistant Role = "assistant"
)

// Message is one turn.
type Message struct {
	Role  Role
	Name  string // participant
	Parts []Part
	Path  string // where it stood in the client's document, such as messages[3]; losses name it
	Extra Extra
}

// PartKind says what a part is.
type PartKind uint8

// The kinds of parts. Opaque is an item only its own dialect understands; it is in Raw, its type in Name.
const (
	PartText PartKind = iota + 1
	PartRefusal
	PartReasoning
	PartImage
	PartAudio
	PartVideo
	PartFile
	PartJSON
	PartCall
	PartResult
	PartOpaque
)

// Runner says who executes a tool call.
type Runner uint8

// Who runs a tool: the client (zero), the provider, or an MCP server called by the provider.
const (
	ByClient Runner = iota
	ByServer
	ByMCP
)

// Part is a piece of a turn or of an answer.
type Part struct {
	Kind     PartKind
	Text     string // Text, Refusal, Reasoning; transcript of Audio; the JSON text of JSON
	Media    *Blob  // Image, Audio, Video, File: never nil
	ID       string // Call, Result: the call's id, never empty; Audio: id to refer back to
	Name     string // Call, Result: tool (a Result's is looked up from its call); Opaque: the dialect's type
	Args     string // Call: as the model wrote them; may be "" or broken JSON
	Free     bool   // Call: Args is free text (custom tool)
	By       Runner // Call, Result: who runs it
	Result   []Part // Result: Text, JSON, Image, File …
	Failed   bool   // Result
	Summary  bool   // Reasoning: a summary, not the chain itself
	Seal     Seal
	Cites    []Cite
	Logprobs []Logprob
	Cache    *CacheMark      // cache the prompt up to here
	Item     string          // Responses: id of the enclosing item
	Phase    string          // Responses: commentary, final_answer
	Raw      json.RawMessage // Opaque, server items: verbatim, for its own dialect only
	Span     Span            // of Text or Args in the body
	Path     string          // where it stood in the client's document, such as messages[3].content[0]
	Extra    Extra
}

// Seal is a provider's proof or cipher of reasoning. Any part can carry one; it goes back verbatim, to its maker only.
type Seal struct {
	By   string // maker, not dialect: anthropic openai google xai …
	Form string // SealSignature or SealEncrypted
	Data string
}

// Forms of a Seal: a signature vouches for what is visible, a cipher is the content.
const (
	SealSignature = "signature"
	SealEncrypted = "encrypted"
)

// Blob is a medium; exactly one of Data (base64, not decoded), URL, FileID and Text is set.
type Blob struct {
	Type                    string // media type, "" = not said
	Data, URL, FileID, Text string
	Name, Source, Detail    string
	Cite                    bool // citations asked for
}

// Cite is a citation of a source by a part of an answer.
type Cite struct {
	Kind              string // url file document search_result tool
	Start, End        int64  // bytes of the part's Text; 0,0 = the whole part
	URL, Title, Quote string
	Source            string
	Doc, From, To     int64  // place in the source
	Unit              string // of From and To: char page block chunk
	Seal              string // Anthropic encrypted_index
	Extra             Extra
}

// Logprob is one generated token with its probability.
type Logprob struct {
	Token   string
	Logprob Num
	Bytes   json.RawMessage
	Top     []Logprob
	Refusal bool // of the refusal, not of the content
	Extra   Extra
}

// CacheMark asks the provider to cache the prompt up to where it stands. TTL is the dialect's word, "" = its default.
type CacheMark struct{ TTL string }

// ToolKind says what a tool is.
type ToolKind uint8

// The kinds of tools: a function with a JSON schema, a custom tool with free text, one the provider runs, a group.
const (
	ToolFunction ToolKind = iota + 1
	ToolCustom
	ToolServer
	ToolGroup
)

// Tool is what the model may call.
type Tool struct {
	Kind              ToolKind
	Name, Description string
	Schema            json.RawMessage
	Grammar           json.RawMessage // ToolCustom: the dialect's format object
	Strict            *bool
	Defer             bool // found by tool search
	Tools             []Tool
	Cache             *CacheMark
	Raw               json.RawMessage // ToolServer: verbatim; ToolFunction: the schema as its dialect writes it, where Schema had to be made of it
	Span              Span
	Path              string // tools[2]
	Extra             Extra
}

// ToolChoice says whether and which tools must be called.
type ToolChoice struct {
	Mode     string   // "" auto none any one
	Name     string   // one
	Allowed  []string // auto or any, of these
	Parallel *bool
	Raw      json.RawMessage // a choice of a provider-run tool
	Extra    Extra
}

// Output says which form the answer shall have.
type Output struct {
	Kind              string // "" text json schema
	Name, Description string
	Schema            json.RawMessage
	Raw               json.RawMessage // the schema as its dialect writes it, where Schema had to be made of it
	Strict            *bool
	Verbosity         string
	Extra             Extra
}

// Sampling holds the generation parameters.
type Sampling struct {
	Temperature, TopP, TopK   Num
	Frequency, Presence, Seed Num
	Logprobs                  bool
	TopLogprobs               int64
	Bias                      json.RawMessage
}

// Reasoning says how much the model shall think and what of it is shown.
type Reasoning struct {
	Mode, Effort string // Mode: "" on off adaptive
	Budget       Num    // tokens
	Summary      string
	Show         *bool
	Extra        Extra
}

// Voice is how spoken output sounds.
type Voice struct {
	Name, Format string
	Extra        Extra
}

// Thread says where the conversation is kept. Raw holds conversation, prompt or container objects.
type Thread struct {
	Previous   string
	Store      *bool
	Background bool
	Raw        json.RawMessage
}

// Cache holds prompt-cache settings of the whole request.
type Cache struct {
	Key, TTL, Ref string // Ref: Gemini cachedContent
	Auto          *CacheMark
}

// Span is a half-open range of bytes in a body; 0,0 = unknown.
type Span struct{ Start, End int }
