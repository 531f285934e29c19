package policy

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"weir/internal/gateway"
	"weir/internal/llm"
)

func TestScoped(t *testing.T) {
	var s Scoped[string]
	for _, scope := range []Scope{{}, {gateway.ByTeam, "shop"}, {gateway.ByKey, "web"}, {gateway.ByProvider, "openai"}, {gateway.ByModel, "m"}, {gateway.ByTeam, "legal"}} {
		*s.At(scope) += scope.String()
	}
	*s.At(Scope{gateway.ByTeam, "shop"}) += "!"
	x := &gateway.Exchange{Plan: gateway.Plan{Rule: "m"}, Grant: &gateway.Grant{Account: gateway.Account{Team: "shop", Key: "web", User: "shop"}}}
	var into [Scopes]*string
	found := func(x *gateway.Exchange, provider string) string {
		var out []string
		for _, one := range into[:s.Of(x, provider, &into)] {
			out = append(out, *one)
		}
		return strings.Join(out, ", ")
	}
	if got := found(x, "openai"); got != "key web, team shop!, model m, the gateway, provider openai" {
		t.Error(got)
	}
	if got := found(x, ""); got != "key web, team shop!, model m, the gateway" {
		t.Error(got)
	}
	if got := found(&gateway.Exchange{}, "other"); got != "the gateway" {
		t.Errorf("of nobody: %s", got)
	}
}

func TestValues(t *testing.T) {
	x := &gateway.Exchange{
		Head: llm.Head{Model: "openai/gpt-5"}, Plan: gateway.Plan{Rule: "openai/*"}, EndUser: "ann", Session: "s1", Tags: []string{"app=a=b", "application=x"},
		Grant: &gateway.Grant{Account: gateway.Account{Organisation: "acme", Team: "shop", Project: "web", User: "ada@example.org", Key: "k"}},
	}
	for by, want := range map[By]string{
		{Field: gateway.ByOrganisation}:          "acme",
		{Field: gateway.ByTeam}:                  "shop",
		{Field: gateway.ByProject}:               "web",
		{Field: gateway.ByUser}:                  "ada@example.org",
		{Field: gateway.ByKey}:                   "k",
		{Field: gateway.ByModel}:                 "openai/gpt-5",
		{Field: gateway.ByProvider}:              "azure",
		{Field: gateway.BySession}:               "s1",
		{Field: gateway.ByEndUser}:               "ann",
		{Field: gateway.ByTag, Tag: "app"}:       "a=b",
		{Field: gateway.ByTag, Tag: "appl"}:      "",
		{Field: gateway.Field("something else")}: "",
	} {
		if got := by.Value(x, "azure"); got != want {
			t.Errorf("%s is %q, want %q", by, got, want)
		}
	}
	x.Plan.Rule = "gpt"
	if got := (By{Field: gateway.ByModel}).Value(x, ""); got != "gpt" {
		t.Errorf("of a declared model %q", got)
	}
}

func TestParseBy(t *testing.T) {
	by := []By{{gateway.ByTag, "b"}, {Field: gateway.ByUser}, {gateway.ByTag, "a"}, {Field: gateway.ByEndUser}}
	for _, b := range by {
		if back, ok := ParseBy(b.String()); !ok || back != b {
			t.Errorf("%s is read as %v", b, back)
		}
	}
	for _, s := range []string{"", "tag", "tag:", "state", "users"} {
		if b, ok := ParseBy(s); ok {
			t.Errorf("%q is read as %v", s, b)
		}
	}
	Order(by)
	if got := fmt.Sprint(by); got != "[end_user tag:a tag:b user]" {
		t.Error(got)
	}
}

// Two lists of values have one name only if they are the same.
func TestNamesTellValuesApart(t *testing.T) {
	value := rapid.OneOf(rapid.StringMatching(`[a,=/%~:]{0,4}`), rapid.String(), rapid.StringN(60, 70, -1))
	rapid.Check(t, func(t *rapid.T) {
		by := []By{{Field: gateway.ByEndUser}, {Field: gateway.BySession}, {Field: gateway.ByTag, Tag: "a"}}
		draw := func() (name string, values [3]string) {
			x := &gateway.Exchange{EndUser: value.Draw(t, "user"), Session: value.Draw(t, "session"), Tags: []string{"a=" + value.Draw(t, "tag")}}
			return string(AppendValues(nil, by, x, "")), [3]string{x.EndUser, x.Session, x.Tags[0]}
		}
		a, one := draw()
		b, two := draw()
		if (a == b) != (one == two) {
			t.Fatalf("%q and %q are called %s and %s", one, two, a, b)
		}
		if strings.Trim(a, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._@+:-%~=,") != "" || len(a) > 3*(3*64+10) {
			t.Fatalf("%q is no name for a pot", a)
		}
	})
}

func TestEscape(t *testing.T) {
	for in, want := range map[string]string{
		"ada@example.org": "ada@example.org", "a/b": "a%2Fb", "a,b=c": "a%2Cb%3Dc", "~%": "%7E%25", "é\n": "%C3%A9%0A", "": "",
		strings.Repeat("a", 64): strings.Repeat("a", 64), strings.Repeat("a", 65): "~635361c48bb9eab14198e76ea8ab7f1a",
	} {
		if got := string(Escape(nil, in)); got != want {
			t.Errorf("%q is written %s, want %s", in, got, want)
		}
	}
}

func TestCacheIsBounded(t *testing.T) {
	var c Cache[string]
	made := 0
	get := func(name string) *string {
		return c.Get([]byte(name), func(name string) *string { made++; return &name })
	}
	if a, b := get("a"), get("a"); a != b || *a != "a" || made != 1 || c.Find("a") != a || c.Find("b") != nil {
		t.Errorf("made %d", made)
	}
	for i := range 200_000 {
		get(fmt.Sprint(i))
	}
	n := 0
	for i := range c.parts {
		n += len(c.parts[i].of)
	}
	if n > len(c.parts)*partMost {
		t.Errorf("%d names are kept", n)
	}
	var wg sync.WaitGroup
	all := make([]*string, 8)
	for i := range all {
		wg.Go(func() { all[i] = c.Get([]byte("shared"), func(name string) *string { return &name }) })
	}
	wg.Wait()
	for _, one := range all {
		if one != all[0] {
			t.Error("one name has two values")
		}
	}
}
