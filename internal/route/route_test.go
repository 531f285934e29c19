package route

import (
	"strings"
	"testing"

	"weir/internal/fault"
	"weir/internal/gateway"
	"weir/internal/llm"
)

func table() *Table {
	return &Table{
		Models: map[string]Model{
			"assistant": {Targets: []gateway.Target{{Provider: "gpu", Model: "qwen"}, {Provider: "openai", Model: "gpt"}}, MaxOutput: 100},
			"secret":    {Targets: []gateway.Target{{Provider: "gpu", Model: "qwen"}}},
			"a/b":       {Targets: []gateway.Target{{Provider: "openai", Model: "slash"}}},
		},
		Providers: map[string]bool{"gpu": true, "openai": true, "a": true},
		Fit: func(t gateway.Target, op llm.Op, _ llm.Dialect) string {
			if t.Provider == "gpu" && op == llm.OpEmbeddings {
				return "gpu serves no embeddings"
			}
			return ""
		},
	}
}

func TestMatch(t *testing.T) {
	g := &gateway.Grant{Models: []string{"assistant"}}
	for _, c := range []struct {
		model, rule string
		declared    bool
		says        string // of the fault; "" = none
	}{
		{"assistant", "assistant", true, ""},
		{"a/b", "a/b", true, ""},
		{"gpu/anything/at/all", "gpu/*", false, ""},
		{"gpu/", "", false, "not known"},
		{"nobody/x", "", false, "not known"},
		{"asistant", "", false, "did you mean `assistant`?"},
		{"secrat", "", false, "is not known here. GET"}, // a name the key may not use is not given away
		{strings.Repeat("x", 1000), "", false, "not known"},
	} {
		rule, declared, err := table().Match(&gateway.Exchange{Grant: g, Head: llm.Head{Model: c.model}})
		if c.says != "" {
			f := fault.Of(err)
			if f == nil || f.Kind != fault.NotFound || !strings.Contains(f.Message, c.says) || len(f.Message) > 400 {
				t.Errorf("%.40s: %v, want %q", c.model, f, c.says)
			}
			continue
		}
		if err != nil || rule != c.rule || declared != c.declared {
			t.Errorf("%s: %q %t %v", c.model, rule, declared, err)
		}
	}
}

func TestPlan(t *testing.T) {
	plan, err := table().Plan("assistant", &gateway.Exchange{Op: llm.OpChat, Head: llm.Head{Model: "assistant"}})
	if err != nil || plan.Tries != 2 || plan.Targets[0].String() != "gpu/qwen" || plan.MaxOutput != 100 || plan.PassedOver != nil {
		t.Errorf("%+v %v", plan, err)
	}
	plan, err = table().Plan("assistant", &gateway.Exchange{Op: llm.OpEmbeddings, Head: llm.Head{Model: "assistant"}})
	if err != nil || plan.Tries != 1 || plan.Targets[0].Provider != "openai" || len(plan.PassedOver) != 1 || plan.PassedOver[0].Why == "" {
		t.Errorf("%+v %v", plan, err)
	}
	_, err = table().Plan("secret", &gateway.Exchange{Op: llm.OpEmbeddings, Head: llm.Head{Model: "secret"}})
	if f := fault.Of(err); f == nil || f.Kind != fault.NotFound || !strings.Contains(f.Message, "gpu serves no embeddings") {
		t.Errorf("%v", err)
	}
	plan, err = table().Plan("gpu/*", &gateway.Exchange{Op: llm.OpChat, Head: llm.Head{Model: "gpu/a/b"}})
	if err != nil || plan.Targets[0].Model != "a/b" {
		t.Errorf("%+v %v", plan, err)
	}
}
