// Package config reads the document: the one YAML file that says what a gateway does.
//
// The Go types of this file are the document's one table: each member has its YAML name, its kind of value, its default
// and its description in a struct tag, and the strict decoder, `weir check --full` (Print), the JSON Schema (Schema) and
// the reference page (Reference) all read that table. A new capability adds a row and nothing else.
//
// Reading goes in four steps. The YAML becomes a tree with positions, bounded in size, depth and aliases (tree.go). The
// tree is decoded by the table; `${NAME}` is filled in inside scalars, secrets are read (decode.go, fill.go, secret.go).
// What spans several members is checked (check.go). Every problem on the way is collected with file, line, column, path,
// excerpt, message and hint, so that one run shows all of them.
//
// A Document is immutable once Parse has returned it and safe for concurrent reading.
package config

import (
	"path/filepath"
	"reflect"
	"time"
)

// Struct tags: yaml is the member's name (",name": the member's key in the mapping above it). is names the kind of
// value in the kinds table, one lists the words of an enumeration. default is the value of an absent member, as it
// would be written; absent says it in words where it is no literal. need marks a member that must be there.

// Document is the whole configuration after defaults. Lists and mappings keep the order they were written in.
type Document struct {
	Version       int            `yaml:"version" is:"version" need:"yes" doc:"The document's version. It is 1."`
	Listen        string         `yaml:"listen" is:"address" absent:"127.0.0.1:8080" doc:"Where applications connect, as host:port. Short for node.listen.data.address."`
	Node          Node           `yaml:"node" doc:"What belongs to this process alone."`
	Providers     []Provider     `yaml:"providers" doc:"Places that serve models, by name. A name that the catalog knows needs no more than its key."`
	Models        []Model        `yaml:"models" doc:"Names that applications use, and what stands behind them. Any model can also be called as PROVIDER/MODEL by a key that may."`
	Organisations []Organisation `yaml:"organisations" doc:"Houses with teams, by name."`
	Teams         []Team         `yaml:"teams" doc:"Teams, by name. Keys belong to them."`
	Projects      []Project      `yaml:"projects" doc:"What keys are for, by name."`
	Users         []User         `yaml:"users" doc:"People who have keys, by name, such as ada@example.org."`
	Keys          []Key          `yaml:"keys" doc:"Keys that applications send."`
	Limits        Limits         `yaml:"limits" doc:"Limits on every request, and on all of them together. The same block limits an organisation, a team, a project, a user, a key, a model or a provider. See limits.md."`
	Budgets       []Budget       `yaml:"budgets" doc:"Amounts of money for a time, by name. They apply where they are named. See budgets.md."`
	Defaults      Defaults       `yaml:"defaults" doc:"What holds where nothing else is said."`

	Unset []string `yaml:"-"` // variables that Options.NoEnv passed over, in the order met, each once
	Files []string `yaml:"-"` // files of secrets that were read, in the order met, each once

	src       *source
	defaulted bool
}

// Node is what belongs to one process and never to a revision of the document.
type Node struct {
	Name    string        `yaml:"name" is:"place" absent:"the host's name" doc:"The node's name: in the ledger, and to the other nodes. Each has its own."`
	Store   Place         `yaml:"store" absent:"SQLite in data_dir" doc:"The database that the ledger and the like are kept in: PostgreSQL. Absent: SQLite in data_dir."`
	Shared  Place         `yaml:"shared" doc:"What nodes share limits and budgets through: Redis or Valkey. Absent: the database of store, or this node alone."`
	DataDir string        `yaml:"data_dir" is:"path" default:"weir-data" doc:"Folder for what the process keeps. A relative path starts at the document's folder."`
	Drain   time.Duration `yaml:"drain" is:"duration" default:"30s" doc:"How long running requests may go on once the process is told to stop."`
	Listen  Listen        `yaml:"listen" doc:"Addresses to listen on."`
	Egress  Egress        `yaml:"egress" doc:"How providers are reached."`
	Prices  string        `yaml:"prices" is:"path" absent:"the built-in ones" doc:"File of prices, or folder whose .txt files are such, in place of the built-in prices of the providers they name. Changes are taken over without a restart. See prices.md."`
}

// Listen is where the process listens. The data listener always has an address.
type Listen struct {
	Data    DataListener `yaml:"data" doc:"For applications."`
	Metrics Listener     `yaml:"metrics" doc:"For Prometheus: /metrics, without a key. Without an address it is served beside the data, to callers on this machine alone."`
}

// DataListener is the listener for applications.
type DataListener struct {
	Address string `yaml:"address" is:"address" absent:"127.0.0.1:8080" doc:"As host:port."`
	TLS     TLS    `yaml:"tls" doc:"Certificate to serve HTTPS with. Absent: plain HTTP."`
}

// Listener is any other listener.
type Listener struct {
	Address string `yaml:"address" is:"address" absent:"none" doc:"As host:port."`
}

// TLS is a certificate with its key; either both are set or none is.
type TLS struct {
	Cert Secret `yaml:"cert" is:"pem" doc:"Certificate chain in PEM, the server's own first."`
	Key  Secret `yaml:"key" is:"pem" doc:"Private key in PEM."`
}

// Provider is a place that serves models.
type Provider struct {
	Name        string        `yaml:",name" is:"name"`
	Catalog     string        `yaml:"catalog" is:"name" absent:"the provider's own name" doc:"Catalog entry that says what is not written here."`
	BaseURL     string        `yaml:"base_url" is:"url" absent:"the catalog's" doc:"What the dialect's official SDK takes. OpenAI's ends in /v1; Anthropic's is the bare host."`
	Speaks      []string      `yaml:"speaks" is:"dialect" absent:"the catalog's" doc:"Dialects the provider understands, or families of them."`
	Auth        string        `yaml:"auth" is:"auth" absent:"what the dialect's SDK sends" doc:"How the key is sent."`
	APIKey      Secret        `yaml:"api_key" is:"credential" doc:"The key to call the provider with."`
	Timeouts    Timeouts      `yaml:"timeouts" doc:"How long to wait for the provider."`
	ClientGone  string        `yaml:"client_gone" one:"cancel|drain" default:"cancel" doc:"What happens to a running call when its client leaves: cancel it, or drain it to its end to learn what it cost."`
	Region      string        `yaml:"region" is:"place" doc:"Where at the provider, in its own words: eu-central-1, europe-west4, global. Bedrock and Vertex need it."`
	Project     string        `yaml:"project" is:"place" doc:"The Google Cloud project of a Vertex provider."`
	APIVersion  string        `yaml:"api_version" is:"place" absent:"the newer surface, whose base_url ends in /openai/v1" doc:"Azure OpenAI: the API version of the surface that is asked by deployment, such as 2024-10-21; base_url then ends in /openai."`
	Egress      Egress        `yaml:"egress" doc:"How this provider is reached, where that differs from node.egress."`
	Prices      []ModelPrices `yaml:"prices" doc:"What its models cost, where that differs from the built-in prices or is not among them: by model or pattern, then by component. See prices.md."`
	Files       string        `yaml:"files" one:"own|any" default:"own" doc:"Which of the files that it keeps a call may name, where it speaks a dialect of files: those that its own key uploaded here, or any by the provider's own id, whoever's it is. See files.md."`
	Limits      ScopeLimits   `yaml:"limits" doc:"Limits on what is sent to it, by attempt. One that is reached has another target answer."`
	Budgets     []string      `yaml:"budgets" is:"name" doc:"Budgets that everything sent to it is charged to."`
	PassHeaders []string      `yaml:"pass_headers" is:"header" doc:"Further request headers of the client that go to the provider. Credentials, cookies and proxy headers never do."`
}

// Egress is the way out to providers.
type Egress struct {
	Proxy string `yaml:"proxy" is:"proxy" absent:"none: straight" doc:"HTTP proxy that requests go through; https is asked for with CONNECT. Variables such as HTTPS_PROXY are not read."`
	CA    Secret `yaml:"ca" is:"pem" doc:"Certificates in PEM of authorities to trust beside the system's."`
}

// Timeouts bounds one call to a provider. None is zero.
type Timeouts struct {
	Connect   time.Duration `yaml:"connect" is:"timeout" default:"5s" doc:"Until the connection stands, TLS included."`
	FirstByte time.Duration `yaml:"first_byte" is:"timeout" default:"10m" doc:"From the request sent to the first byte of the answer. An answer that is not streamed comes whole, so this must hold the longest generation."`
	Idle      time.Duration `yaml:"idle" is:"timeout" default:"5m" doc:"Between two reads of a running answer."`
	Total     time.Duration `yaml:"total" is:"timeout" default:"1h" doc:"The whole call, streams included."`
}

// Model is a name that applications use.
type Model struct {
	Name       string      `yaml:",name" is:"model"`
	Targets    []Target    `yaml:"targets" need:"yes" doc:"What may answer. The first that can does."`
	MaxOutput  int64       `yaml:"max_output" is:"count" absent:"no limit" doc:"The most tokens an answer may have."`
	Limits     ScopeLimits `yaml:"limits" doc:"Limits on its use by all keys together."`
	Budgets    []string    `yaml:"budgets" is:"name" doc:"Budgets that every use of it is charged to."`
	Transforms []string    `yaml:"transforms" is:"transform" absent:"none: what a target does not take is lost or refused" doc:"What may be done to a request that a target would not take as it is. What was done is told, in the record and in x-weir-lost. See transforms.md."`
}

// Target is a model at a provider.
type Target struct {
	Provider string `yaml:"provider" is:"name" need:"yes" doc:"Name of a provider of this document."`
	Model    string `yaml:"model" is:"theirs" need:"yes" doc:"The provider's name for the model."`
}

// Key lets an application in. Exactly one of Key and Hash is set.
type Key struct {
	Name    string      `yaml:"name" is:"name" need:"yes" doc:"The key's name in records and metrics."`
	Key     Secret      `yaml:"key" is:"credential" doc:"The key itself, at least 16 characters. Either this or hash."`
	Hash    string      `yaml:"hash" is:"hash" doc:"The key's SHA-256 as sha256: and 64 hexadecimal digits. Either this or key."`
	Models  []string    `yaml:"models" is:"pattern" absent:"what its team may, else every name under models, but no PROVIDER/MODEL" doc:"Models the key may use: names, or patterns in which * stands for anything."`
	Team    string      `yaml:"team" is:"name" absent:"its project's or its user's" doc:"Whose the key is."`
	Project string      `yaml:"project" is:"name" absent:"none" doc:"What the key is for. It is then the project's team's."`
	User    string      `yaml:"user" is:"person" absent:"none" doc:"Who has the key. It is then of the user's team."`
	Limits  ScopeLimits `yaml:"limits" doc:"Limits on this key."`
	Budgets []string    `yaml:"budgets" is:"name" doc:"Budgets that everything of this key is charged to."`
	Strict  bool        `yaml:"strict" is:"flag" default:"false" doc:"Refuse a request of which something would be lost in translation, instead of reporting the loss."`
	Expires time.Time   `yaml:"expires" is:"moment" absent:"never" doc:"When the key ends: a date (its first moment in UTC) or an RFC 3339 time."`
}

// Limits holds for every request, and for all together.
type Limits struct {
	Body        Bytes `yaml:"body" is:"bytes" default:"32MiB" doc:"The largest request body."`
	ScopeLimits `yaml:",inline"`
}

// Defaults is what holds where nothing else is said.
type Defaults struct {
	Unpriced       string `yaml:"unpriced" one:"serve|refuse|alert" default:"serve" doc:"What happens to a request whose target has no price: serve it, refuse it before anything is sent, or serve it and alert in the log. The record always says so. See prices.md."`
	OpenAIFiles    string `yaml:"openai-files" is:"name" absent:"the one provider that speaks it" doc:"Provider that files go to which are uploaded to /v1/files, where more than one speaks openai-files. See files.md."`
	AnthropicFiles string `yaml:"anthropic-files" is:"name" absent:"the one provider that speaks it" doc:"The same for uploads with the header anthropic-version, and anthropic-files."`
	GeminiFiles    string `yaml:"gemini-files" is:"name" absent:"the one provider that speaks it" doc:"The same for uploads to /upload/v1beta/files, and gemini-files."`
}

// lacking names the members that the document has a place for and this build does not act on.
var lacking = map[reflect.Type][]string{
	reflect.TypeFor[Document](): {
		"include", "routes", "identity", "roles",
		"policies", "guards", "data_classes", "prompts", "caches", "sources", "indexes", "tools", "agents", "flows", "batches",
		"approvals", "datasets", "records", "audit", "telemetry", "alerts", "evaluations",
	},
	reflect.TypeFor[Node](): {
		"role", "region", "zone", "trusted_proxies", "master_key", "env",
		"secrets_dir", "centre", "offline",
	},
	reflect.TypeFor[Listen]():   {"admin"},
	reflect.TypeFor[Listener](): {"tls"},
	reflect.TypeFor[Provider](): {"credentials", "usage", "data", "metrics", "policies", "records"},
	reflect.TypeFor[Model](): {
		"balance", "fallbacks", "tries", "priority", "rollout", "cache", "prompt", "flow",
		"policies", "records",
	},
	reflect.TypeFor[Egress]():       {"private"},
	reflect.TypeFor[Target]():       {"weight", "zone", "when"},
	reflect.TypeFor[Key]():          {"networks", "policies", "records"},
	reflect.TypeFor[Organisation](): {"policies", "records"},
	reflect.TypeFor[Team]():         {"policies", "records", "roles"},
	reflect.TypeFor[Project]():      {"policies", "records"},
	reflect.TypeFor[User]():         {"policies", "records"},
	reflect.TypeFor[Secret]():       {"vault", "aws", "gcp", "azure", "sealed"},
}

// Default gives every zero member of a document built in Go its default; it does nothing to one that Parse returned, so
// that a written zero stays.
func Default(d *Document) {
	if d.defaulted {
		return
	}
	d.defaulted = true
	set := &setting{dir: "."}
	if d.src != nil {
		set.dir = filepath.Dir(d.src.file)
	}
	root.fillZero(reflect.ValueOf(d).Elem(), set)
	d.finish()
}

// finish sets the defaults that are no literals.
func (d *Document) finish() {
	if d.Node.Listen.Data.Address == "" {
		d.Node.Listen.Data.Address = d.Listen
	}
	if d.Node.Listen.Data.Address == "" {
		d.Node.Listen.Data.Address = "127.0.0.1:8080"
	}
	d.Listen = ""
}
