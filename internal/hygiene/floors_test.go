package hygiene

// The house has floors, and imports go down only: a package may import the floors below its own and its own parent,
// never a neighbour. What differs from that is in the tables below, each with its reason. Patterns are those of
// path.Match, relative to internal/ (commands: to the root).
var floors = []floor{
	{name: "words", standardOnly: true, packages: []string{"llm", "fault", "rawjson", "nearest"}},
	{name: "bytes", standardOnly: true, packages: []string{"splice", "form", "frame", "h1", "sound", "journal"}},
	{name: "languages and domain", packages: []string{"dialect", "dialect/*", "gateway"}},
	{name: "capabilities", packages: []string{
		"provider", "provider/*", "catalog", "price", "route", "policy", "policy/*", "cache", "books", "ledger", "pot", "seal", "thread", "thing", "secret", "telemetry", "tokens", "config", "prepare", "statement",
	}},
	{name: "engine", packages: []string{"engine", "compile"}},
	{name: "faces", packages: []string{"api", "admin", "mcp", "a2a", "dash"}},
	{name: "adapters", packages: []string{"sqlite", "sqlite/*", "postgres", "postgres/*", "redis"}},
	{name: "commands", packages: []string{"cmd/*"}},
}

// testFloor is imported by tests and by each other, and may import every floor.
var testFloor = floor{name: "tests", packages: []string{
	"hygiene", "replay", "sim", "gatewaytest",
	"dialecttest", "dialect/dialecttest", "providertest", "provider/providertest", "storetest", "policy/policytest", "ledger/ledgertest",
}}

// also lists imports that are allowed although the floors say no.
var also = []exception{
	{"llm", "fault", "a stream ends in a fault, so the event that says so holds one"},
	{"gateway", "dialect", "an exchange holds the call as the dialect read it"},
	{"dialect/openaiembeddings", "dialect/openaichat", "OpenAI's endpoints share the shape of an error"},
	{"dialect/openaiembeddings", "dialect/openai", "OpenAI's endpoints share the shape of an error"},
	{"dialect/openaichat", "dialect/openai", "OpenAI's endpoints share the shape of an error"},
	{"dialect/openaimoderations", "dialect/openai", "OpenAI's endpoints share the shape of an error"},
	{"dialect/openaiimages", "dialect/openai", "OpenAI's endpoints share errors, forms and the usage of media"},
	{"dialect/openairealtime", "dialect/openai", "OpenAI's endpoints share errors and the usage of media"},
	{"dialect/geminilive", "dialect/gemini", "Google's operations share the shape of an error and of usage"},
	{"dialect/openaiaudio", "dialect/openai", "OpenAI's endpoints share errors, forms and the usage of media"},
	{"form", "splice", "where a field stands is told as where a member stands"},
	{"dialect/openaifiles", "dialect/openai", "OpenAI's endpoints share the shape of errors and lists"},
	{"dialect/openaifinetuning", "dialect/openai", "OpenAI's endpoints share the shape of errors and lists"},
	{"dialect/classify", "dialect/openai", "vLLM answers errors and usage in OpenAI's shape"},
	{"dialect/mistralocr", "dialect/openai", "Mistral's errors are read as those of its other endpoints"},
	{"dialect/openairesponses", "dialect/openai", "OpenAI's endpoints share the shape of an error"},
	{"dialect/openaicompletions", "dialect/openai", "OpenAI's endpoints share the shape of an error"},
	{"dialect/bedrockinvoke", "dialect/converse", "Bedrock's operations share errors and framing"},
	{"dialect/bedrockembed", "dialect/bedrockinvoke", "an embedding is what InvokeModel makes of some models: its path, errors and counts"},
	{"dialect/bedrockimages", "dialect/bedrockinvoke", "an image is what InvokeModel makes of some models: its path and errors"},
	{"dialect/geminiimages", "dialect/gemini", "Google's operations share the shape of an error, and an image is a part of an answer"},
	{"dialect/geminiembeddings", "dialect/gemini", "Google's operations share the shape of an error"},
	{"dialect/geminiinteractions", "dialect/gemini", "Google's operations share the shape of an error"},
	{"dialect/cohereembed", "dialect/cohere", "Cohere's operations share the shape of an error"},
	{"dialect/ollamaembed", "dialect/ollama", "Ollama's operations share the shape of an error"},
	{"statement", "price", "entries are priced again by the price lists"},
	{"config", "price", "the document states prices in the words of the price lists"},
	{"compile", "engine", "it makes the engine's snapshot"},
	{"thing", "thread", "what is known of things is kept by the store that answers are kept by, which is hardened"},
	{"sqlite", "sqlite/query", "its statements, as sqlc writes them"},
	{"postgres", "postgres/query", "its statements, as sqlc writes them"},
	{"cmd/*", "sim", "the demo runs in front of the simulated provider"},
}

// never lists imports that are forbidden although the floors say yes.
var never = []exception{
	{"engine", "config", "the engine is given a snapshot and does not know where it came from"},
	{"engine", "policy/*", "the engine knows what a policy is, not which there are"},
	{"engine", "catalog", "what the catalog says is in the snapshot"},
	{"api", "config", "the data plane is a table of paths over the engine"},
	{"api", "compile", "the data plane is a table of paths over the engine"},
	{"api", "catalog", "the data plane is a table of paths over the engine"},
	{"api", "route", "the data plane is a table of paths over the engine"},
	{"api", "provider", "the data plane is a table of paths over the engine"},
	{"api", "policy/*", "the data plane is a table of paths over the engine"},
	{"sqlite", "engine", adapters},
	{"sqlite", "compile", adapters},
	{"sqlite", "api", adapters},
	{"postgres", "engine", adapters},
	{"postgres", "compile", adapters},
	{"postgres", "api", adapters},
	{"redis", "engine", adapters},
	{"redis", "compile", adapters},
	{"redis", "api", adapters},
}

const adapters = "adapters implement the domain's interfaces and know nothing that calls them"

// limited lists packages that may import nothing but the standard library and what stands here.
var limited = []limit{
	{"sim", []string{"rawjson", "github.com/coder/websocket"}, "it judges the codecs, so it must not be built from them"},
}

// owned lists packages from outside, by prefix, with those of ours that alone may import them. Tests are free to.
var owned = []limit{
	{"github.com/goccy/go-yaml", []string{"config"}, "YAML is read in one place"},
	{"github.com/fsnotify/fsnotify", []string{"config"}, "the document is watched in one place"},
	{"github.com/spf13/cobra", []string{"cmd/*"}, "flags are the command's"},
	{"github.com/coder/websocket", []string{"engine"}, "sessions are relayed in one place"},
	{"github.com/klippa-app/go-pdfium", []string{"prepare"}, "documents from strangers are read in one place, with its bounds"},
	{"github.com/tetratelabs/wazero", []string{"prepare"}, "it is the sandbox of that reader"},
	{"golang.org/x/image", []string{"prepare"}, "images are decoded in one place, with its bounds"},
	{"github.com/prometheus/client_golang", []string{"telemetry", "cmd/*"}, "metrics are kept in one place"},
	{"modernc.org/sqlite", []string{"sqlite"}, "SQLite is used in one place"},
	{"github.com/jackc/pgx", []string{"postgres", "postgres/*"}, "PostgreSQL is used in one place"},
	{"github.com/pressly/goose", []string{"sqlite", "postgres"}, "schemas are migrated where they are"},
	{"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream", nil, "it is for tests"},
	{"github.com/google/go-cmp", nil, "it is for tests"},
	{"github.com/rogpeppe/go-internal", nil, "it is for tests"},
	{"go.uber.org/goleak", nil, "it is for tests"},
	{"pgregory.net/rapid", nil, "it is for tests"},
	{"text/template", nil, "executing one switches off the linker's removal of unused methods in the whole binary"},
	{"html/template", nil, "executing one switches off the linker's removal of unused methods in the whole binary"},
	{"net/http/httputil", nil, "ReverseProxy cuts open streams, and the engine relays"},
	{"unsafe", nil, "nothing here needs it"},
}

// floor is one storey of the house.
type floor struct {
	name         string
	packages     []string
	standardOnly bool // imports nothing from outside but the standard library
}

// exception is one import, from and to being patterns, and why it is an exception.
type exception struct{ from, to, why string }

// limit is a package or prefix, the patterns of packages it concerns, and why.
type limit struct {
	of  string
	to  []string
	why string
}
