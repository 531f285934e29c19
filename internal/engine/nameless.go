package engine

import (
	"slices"
	"strings"

	"weir/internal/fault"
	"weir/internal/llm"
)

// nameless finds the one provider that a call without a model can go to, and makes it the direct name of that provider.
func (c *call) nameless() error {
	var found []string
	for name, place := range c.s.Places {
		if slices.Contains(place.Provider.Speaks(c.x.Op), c.d.Name()) {
			found = append(found, name)
		}
	}
	slices.Sort(found)
	switch len(found) {
	case 1:
		c.verbatim = true
		c.x.Head.Model = found[0] + "/*"
		return nil
	case 0:
		return fault.New(fault.NotFound, "no provider here speaks %s", c.d.Name())
	}
	how := "name a model"
	if c.d.Name() == llm.TEIClassify {
		how += " in the query (?model=NAME)"
	}
	f := fault.New(fault.NotFound, "the request names no model, and more than one provider speaks %s (%s); %s", c.d.Name(), bounded(strings.Join(found, ", "), 500), how)
	f.Param = "model"
	return f
}
