package catalog

import (
	"net/url"
	"strings"
	"testing"
)

// TestEmbedded reads every entry: it is whole, and each listed model has its facts.
func TestEmbedded(t *testing.T) {
	c, err := Embedded()
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Names()) == 0 {
		t.Fatal("no entries")
	}
	for _, name := range c.Names() {
		e, _ := c.Entry(name)
		u, err := url.Parse(e.BaseURL)
		if err != nil || u.Scheme != "https" || e.Title == "" || e.Env == "" || len(e.Speaks) == 0 {
			t.Errorf("%s: %+v %v", name, e, err)
		}
		for _, m := range e.Models {
			if m.List && strings.Contains(m.Match, "*") {
				t.Errorf("%s: %s is listed and no name", name, m.Match)
			}
			if m.Default > m.MaxOutput {
				t.Errorf("%s: %s sends %d by default and can %d", name, m.Match, m.Default, m.MaxOutput)
			}
		}
	}
}

func TestFacts(t *testing.T) {
	c, err := Embedded()
	if err != nil {
		t.Fatal(err)
	}
	e, ok := c.Entry("anthropic")
	if !ok {
		t.Fatal("no anthropic")
	}
	if f := e.Facts("claude-3-opus-20240229"); f.DefaultMax != 4096 || f.MaxOutput != 4096 || f.SealBy != "anthropic" || f.Model != "claude-3-opus-20240229" {
		t.Errorf("%+v", f)
	}
	if f := e.Facts("claude-of-tomorrow"); f.DefaultMax != 8192 {
		t.Errorf("%+v", f)
	}
	var none *Entry
	if f := none.Facts("x"); f.Model != "x" || f.MaxOutput != 0 {
		t.Errorf("%+v", f)
	}
}
