// Package catalog is the embedded knowledge of providers: one file each, with where it is, what it speaks, how it wants
// its credential and what its models need to be told. A provider of the document that is named like an entry takes
// everything it does not say itself from here.
package catalog

import (
	"embed"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"sort"
	"strings"

	"weir/internal/gateway"
	"weir/internal/llm"
)

//go:embed data/*.json
var files embed.FS

// Entry is one provider.
type Entry struct {
	Name     string                 `json:"name"`
	Title    string                 `json:"title"`
	BaseURL  string                 `json:"base_url"`  // as the SDK of its first dialect takes it; {region} stands for the document's region
	BaseForm string                 `json:"base_form"` // what a base URL looks like that is the customer's own
	Bases    map[llm.Dialect]string `json:"bases"`     // of dialects whose base is another
	Speaks   []llm.Dialect          `json:"speaks"`    // the preferred one first
	Auth     string                 `json:"auth"`      // "" = what each dialect's SDK sends
	Env      string                 `json:"env"`       // the variable its own SDKs read the key from
	Seal     string                 `json:"seal"`      // maker of its reasoning seals
	Quirks   []string               `json:"quirks"`    // how its openai-chat differs, see llm.QuirkTable
	Usage    []string               `json:"usage"`     // how it states usage there, see llm.ProfileTable
	Keeps    bool                   `json:"keeps"`     // it keeps answers of Responses, so that conversations can go on from them
	Models   []Model                `json:"models"`

	quirks llm.Quirk
	usage  llm.Profile
	media  []takes
}

// Model holds the facts of the models a pattern names; the first match counts.
type Model struct {
	Match     string   `json:"match"`                        // name, with * for any run
	MaxOutput int64    `json:"max_output"`                   // the most it generates, tokens; 0 = unknown
	Default   int64    `json:"default_max_output,omitempty"` // sent where a limit is demanded and none was given
	List      bool     `json:"list,omitempty"`               // Match is a whole name, offered by the demo
	Op        llm.Op   `json:"operation,omitempty"`          // "" = chat
	Seal      string   `json:"seal,omitempty"`               // "" = the entry's
	Quirks    []string `json:"quirks,omitempty"`             // in place of the entry's, where given

	quirks llm.Quirk
}

// Catalog is a set of entries. It is immutable.
type Catalog struct{ entries map[string]*Entry }

// Embedded reads the entries that are built in.
func Embedded() (*Catalog, error) {
	c := &Catalog{entries: map[string]*Entry{}}
	names, err := files.ReadDir("data")
	if err != nil {
		return nil, err
	}
	for _, f := range names {
		raw, err := files.ReadFile(path.Join("data", f.Name()))
		if err != nil {
			return nil, err
		}
		e := new(Entry)
		dec := json.NewDecoder(strings.NewReader(string(raw)))
		dec.DisallowUnknownFields()
		if err := dec.Decode(e); err != nil {
			return nil, fmt.Errorf("catalog %s: %w", f.Name(), err)
		}
		if e.Name+".json" != f.Name() {
			return nil, fmt.Errorf("catalog %s: its name is %q", f.Name(), e.Name)
		}
		if err := e.ready(); err != nil {
			return nil, fmt.Errorf("catalog %s: %w", f.Name(), err)
		}
		c.entries[e.Name] = e
	}
	if err := c.readMedia(); err != nil {
		return nil, err
	}
	return c, nil
}

// ready resolves the names of quirks and profiles.
func (e *Entry) ready() (err error) {
	if e.quirks, err = llm.ParseQuirks(e.Quirks); err != nil {
		return err
	}
	if e.usage, err = llm.ParseProfile(e.Usage); err != nil {
		return err
	}
	for i := range e.Models {
		m := &e.Models[i]
		m.quirks = e.quirks
		if m.Quirks == nil {
			continue
		}
		if m.quirks, err = llm.ParseQuirks(m.Quirks); err != nil {
			return err
		}
	}
	return nil
}

// Entry returns an entry by name.
func (c *Catalog) Entry(name string) (*Entry, bool) {
	e, ok := c.entries[name]
	return e, ok
}

// Names lists the entries, sorted.
func (c *Catalog) Names() []string {
	out := make([]string, 0, len(c.entries))
	for n := range c.entries {
		out = append(out, n)
	}
	sort.Strings(out)
	return out
}

// Base returns the base URL of a dialect.
func (e *Entry) Base(d llm.Dialect) string {
	if own := e.Bases[d]; own != "" {
		return own
	}
	return e.BaseURL
}

// Lists reports whether any model is offered by name.
func (e *Entry) Lists() bool {
	return slices.ContainsFunc(e.Models, func(m Model) bool { return m.List })
}

// Facts returns what an encoder must know of a model. A nil entry knows nothing but the name, and is cautious.
func (e *Entry) Facts(model string) llm.Facts {
	f := llm.Facts{Model: model}
	if e == nil {
		f.Quirks = llm.Cautious
		return f
	}
	f.Provider, f.SealBy, f.Quirks, f.Usage, f.Media = e.Name, e.Seal, e.quirks, e.usage, e.mediaOf(model)
	for i := range e.Models {
		if m := &e.Models[i]; gateway.Glob(m.Match, model) {
			f.MaxOutput, f.DefaultMax, f.Quirks = m.MaxOutput, m.Default, m.quirks
			if f.DefaultMax == 0 {
				f.DefaultMax = m.MaxOutput
			}
			if m.Seal != "" {
				f.SealBy = m.Seal
			}
			break
		}
	}
	f.ReasoningBack = f.Quirks.TakesReasoning()
	return f
}
