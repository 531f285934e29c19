package compile

import (
	"cmp"
	"errors"
	"strings"

	"weir/internal/config"
	"weir/internal/engine"
	"weir/internal/price"
)

// Prices makes t the price lists of snapshots that are compiled from now on. Those in use keep theirs.
func (c *Compiler) Prices(t *price.Table) { c.table.Store(t) }

// lists returns the price lists: the built-in ones unless Prices gave others.
func (c *Compiler) lists() *price.Table {
	if t := c.table.Load(); t != nil {
		return t
	}
	return price.Embedded()
}

// prices returns what a provider charges: the list of its catalog entry, or of its own name, with the document's prices
// over it; nil where nothing is known.
func (c *Compiler) prices(d *config.Document, p *config.Provider, revision string) (*price.List, error) {
	base := c.lists().List(cmp.Or(p.Catalog, p.Name))
	overrides := p.Overrides()
	if overrides == nil {
		return base, nil
	}
	list, err := base.With(p.Name, overrides)
	if err != nil {
		path, message, hint := "providers."+p.Name+".prices", err.Error(), ""
		if wrong, ok := errors.AsType[*price.OverrideError](err); ok {
			message, hint = wrong.What, wrong.Hint
			path = strings.TrimRight(path+"."+wrong.Model+"."+wrong.Component, ".")
		}
		return nil, d.Problem(path, message, hint)
	}
	// Nobody else has the list yet. A record names the revision, in which the prices can be read.
	if list.Version = "document " + revision; base != nil {
		list.Version = base.Version + " and document " + revision
	}
	return list, nil
}

// unpriced is what the engine does with a request whose target has no price.
func unpriced(d *config.Document) engine.Unpriced {
	switch d.Defaults.Unpriced {
	case "refuse":
		return engine.RefuseUnpriced
	case "alert":
		return engine.AlertUnpriced
	}
	return engine.ServeUnpriced
}

// PriceLists returns what each provider of a document charges, by its name in the document; nil lists are left out.
func (c *Compiler) PriceLists(d *config.Document, revision string) (map[string]*price.List, error) {
	out := map[string]*price.List{}
	var problems []error
	for i := range d.Providers {
		list, err := c.prices(d, &d.Providers[i], revision)
		if err != nil {
			problems = append(problems, err)
		} else if list != nil {
			out[d.Providers[i].Name] = list
		}
	}
	return out, errors.Join(problems...)
}
