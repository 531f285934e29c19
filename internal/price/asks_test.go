package price

import (
	"strings"
	"testing"
)

func TestAsks(t *testing.T) {
	table, err := Load(strings.NewReader(`prices 1
[p]
 source page 2026-01-01
plain
 input 1 output 2
tiered
 input 1
 flex input 0.5
regional
 input 1
 batch region=eu *1.1
draws
 image 0.04
 variant=hd/1024x1024 image 0.08
 variant=256x256 image 0.01
gift
 free
`))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]Asks{
		"plain":    {Of: SetOf(Input, Output)},
		"tiered":   {Tier: true, Of: SetOf(Input)},
		"regional": {Tier: true, Region: true, Of: SetOf(Input)},
		"draws":    {Variant: true, Of: SetOf(Image)},
		"gift":     {},
	} {
		p, _ := table.Price("p", name, zeroTime)
		if got := p.Asks(); got != want {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
	if got := (*Price)(nil).Asks(); got != (Asks{}) {
		t.Errorf("no price asks for %+v", got)
	}
	p, _ := table.Price("p", "draws", zeroTime)
	for want, names := range map[string][]string{"hd/1024x1024": {"hd/1024x1024", "256x256"}, "256x256": {"low/256x256", "256x256"}, "": {"", "512x512"}} {
		if got := p.Variant(names...); got != want {
			t.Errorf("%q of %q, want %q", got, names, want)
		}
	}
}
