package price

// Asks is what of a request a price depends on, so that nobody looks for what does not matter.
type Asks struct {
	Tier, Region, Variant bool
	Of                    Set // what the model is priced by, under any condition
}

// Asks returns what the price depends on.
func (p *Price) Asks() Asks {
	if p == nil || p.Facts.Free {
		return Asks{}
	}
	a := Asks{Of: p.Components()}
	var all dimensions
	for i := range p.bands {
		all |= p.bands[i].dims
	}
	a.Tier, a.Region, a.Variant = all&byTier != 0, all&byRegion != 0, all&byVariant != 0
	return a
}

// Variant returns the first of some names that has a price of its own, "" where none has.
func (p *Price) Variant(names ...string) string {
	for _, name := range names {
		for i := range p.bands {
			if p.bands[i].variant == name && name != "" {
				return name
			}
		}
	}
	return ""
}
