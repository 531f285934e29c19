package gateway

import "testing"

func TestGlob(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"assistant", "assistant", true},
		{"assistant", "assistants", false},
		{"*", "", true},
		{"gpu/*", "gpu/qwen/3", true},
		{"gpu/*", "gpux", false},
		{"*-mini", "gpt-5-mini", true},
		{"*-mini", "gpt-5-mini-2", false},
		{"g*t*5", "gpt-5", true},
		{"g*t*5", "gt5", true},
		{"a*a", "a", false},
		{"a**b", "ab", true},
		{"", "x", false},
	} {
		if got := Glob(c.pattern, c.name); got != c.want {
			t.Errorf("Glob(%q, %q) = %t", c.pattern, c.name, got)
		}
	}
}

func TestMay(t *testing.T) {
	open, listed, none := &Grant{}, &Grant{Models: []string{"assistant", "gpu/*"}}, &Grant{Models: []string{}}
	team := &Grant{Shared: []string{"assistant", "gpu/*"}}
	both := &Grant{Models: []string{"assistant", "gpu/*"}, Shared: []string{"other", "gpu/qwen"}}
	nothing := &Grant{Models: []string{"*"}, Shared: []string{}}
	for _, c := range []struct {
		g        *Grant
		model    string
		declared bool
		want     bool
	}{
		{open, "assistant", true, true},
		{open, "gpu/qwen", false, false},
		{listed, "assistant", true, true},
		{listed, "other", true, false},
		{listed, "gpu/qwen", false, true},
		{none, "assistant", true, false},
		{team, "assistant", true, true},
		{team, "other", true, false},
		{team, "gpu/qwen", false, true},
		{both, "assistant", true, false},
		{both, "other", true, false},
		{both, "gpu/qwen", false, true},
		{both, "gpu/llama", false, false},
		{nothing, "assistant", true, false},
	} {
		if got := c.g.May(c.model, c.declared); got != c.want {
			t.Errorf("%v of %v may %s: %t", c.g.Models, c.g.Shared, c.model, got)
		}
	}
}
