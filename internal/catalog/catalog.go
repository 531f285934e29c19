// Package catalog is the embedded knowledge of providers: one file each, with where it is, what it speaks, how it wants
// its credential and what its models need to be told. A provider of the document that is named like an entry takes
// everything it does not say itself from here.
package catalog

import (
	"embed"
	"encoding/json"
	"fmt"
	"path"
	"sort"
	"strings"

	"weir/internal/gateway"
	"weir/internal/llm"
)

//go:embed data/*.json
var files embed.FS

// Entry is one provider.
type Entry struct {
	Name    string        `json:"name"`
	Title   string        `json:"title"`
	BaseURL string        `json:"base_url"`
	Speaks  []llm.Dialect `json:"speaks"`
	Auth    string        `json:"auth"`
	Env     string        `json:"env"`  // the variable its own SDKs read the key from
	Seal    string        `json:"seal"` // maker of its reasoning seals
	Models  []Model       `json:"models"`
}

// Model holds the facts of the models a pattern names; the first match counts.
type Model struct {
	Match     string `json:"match"`                        // name, with * for any run
	MaxOutput int64  `json:"max_output"`                   // the most it generates, tokens
	Default   int64  `json:"default_max_output,omitempty"` // sent where a limit is demanded and none was given
	List      bool   `json:"list,omitempty"`               // Match is a whole name, offered by the demo
	Op        llm.Op `json:"operation,omitempty"`          // "" = chat
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
		c.entries[e.Name] = e
	}
	return c, nil
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

// Facts returns what an encoder must know of a model. A nil entry knows nothing but the name.
func (e *Entry) Facts(model string) llm.Facts {
	f := llm.Facts{Model: model}
	if e == nil {
		return f
	}
	f.Provider, f.SealBy = e.Name, e.Seal
	for i := range e.Models {
		if m := &e.Models[i]; gateway.Glob(m.Match, model) {
			f.MaxOutput, f.DefaultMax = m.MaxOutput, m.Default
			if f.DefaultMax == 0 {
				f.DefaultMax = m.MaxOutput
			}
			break
		}
	}
	return f
}
