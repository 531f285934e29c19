package price

import (
	"strings"
	"testing"
)

// TestRates shows every price as the file states it.
func TestRates(t *testing.T) {
	table, err := Load(strings.NewReader(`prices 1
[p]
 source page 2026-01-01
 source other 2026-02-03
m
 input 1.25 cached 0.125 output 10
 search 0.01 @other
 batch >200000 region=eu variant=hd input 0.000000001
 priority *1.5
free-one
 free
`))
	if err != nil {
		t.Fatal(err)
	}
	p, _ := table.Price("p", "m", zeroTime)
	var got []string
	for _, r := range p.Rates() {
		what := r.Component.String()
		if r.Factor {
			what = "*"
		}
		got = append(got, strings.TrimSpace(r.When+" "+what+" "+r.Amount+" "+r.Source.Name+" "+r.Source.Date.String()))
	}
	want := "input 1.25 page 2026-01-01|cached 0.125 page 2026-01-01|output 10 page 2026-01-01|search 0.01 other 2026-02-03|priority * 1.5|" +
		"batch >200000 region=eu variant=hd input 0.000000001 page 2026-01-01"
	if s := strings.Join(got, "|"); s != want {
		t.Errorf("%s\nwant %s", s, want)
	}
	if p, _ := table.Price("p", "free-one", zeroTime); len(p.Rates()) != 0 || !p.Priced() {
		t.Error("what is free has prices, or is not known to be free")
	}
	if !Request.Apiece() || Input.Apiece() || components.Apiece() {
		t.Error("apiece")
	}
}
