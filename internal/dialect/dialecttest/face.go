package dialecttest

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// Named is a dialect whose calls name their model in the body and of which nothing else is governed: embeddings, rankings,
// verdicts.
type Named struct {
	Dialect  dialect.Dialect
	Body     string // a call, whose model is written "model":"the-model"
	Optional bool   // a call may leave the model out
}

const namedModel = `"model":"the-model"`

// Face tests the cheap face: what Peek reads and refuses, that Edit changes nothing else, what both allocate, and that
// faults are read as they are written.
func (n Named) Face(t *testing.T) {
	if strings.Count(n.Body, namedModel) != 1 {
		t.Fatalf("the sample does not hold %s once: %s", namedModel, n.Body)
	}
	t.Run("edit", n.edit)
	t.Run("refusals", n.refusals)
	t.Run("allocations", n.allocations)
	t.Run("faults", n.faults)
}

func (n Named) edit(t *testing.T) {
	call := dialect.Call{Body: []byte(n.Body)}
	head, err := n.Dialect.Peek(&call)
	if err != nil || head != (llm.Head{Model: "the-model"}) {
		t.Fatalf("Peek: %+v, %v", head, err)
	}
	for model, want := range map[string]string{
		"":            n.Body,
		"b":           strings.Replace(n.Body, namedModel, `"model":"b"`, 1),
		"a \"b\"\\/é": strings.Replace(n.Body, namedModel, `"model":"a \"b\"\\/é"`, 1),
	} {
		dst := []byte("before")
		got, err := n.Dialect.Edit(dst, call, dialect.Edit{Model: model, MaxOutput: 5, WantUsage: true})
		if err != nil || string(got.Body) != want || string(dst) != "before" {
			t.Errorf("Edit(%q): %s, %v; want %s", model, got.Body, err, want)
		}
		if model == "" {
			continue
		}
		if again, err := n.Dialect.Peek(&got); err != nil || again.Model != model {
			t.Errorf("Edit(%q) is read as %+v, %v", model, again, err)
		}
	}
	if string(call.Body) != n.Body {
		t.Error("the body was changed in place")
	}
}

func (n Named) refusals(t *testing.T) {
	with := func(member string) string { return strings.Replace(n.Body, namedModel, member, 1) }
	for _, c := range []struct {
		body, param string
		optional    bool // is refused unless the model may be left out
	}{
		{with(`"other":1`), "model", true},
		{with(`"model":null`), "model", true},
		{with(`"model":7`), "model", false},
		{with(`"model":""`), "model", false},
		{with(`"model":["the-model"]`), "model", false},
		{with(namedModel + `,"model":"b"`), "model", false},
		{with(namedModel + `,"Model":"b"`), "model", false},
		{with(namedModel + `,"mod\u0065l":"b"`), "", false},
		{with(`"MODEL":"b"`), "model", false},
		{n.Body[:len(n.Body)-1], "", false},
		{n.Body + "{}", "", false},
		{"[" + n.Body + "]", "", false},
		{`"the-model"`, "", false},
		{"", "", false},
	} {
		call := dialect.Call{Body: []byte(c.body)}
		head, err := n.Dialect.Peek(&call)
		if n.Optional && c.optional {
			if err != nil || head != (llm.Head{}) {
				t.Errorf("%s: %+v, %v; no model need be named", c.body, head, err)
			}
			continue
		}
		if f, ok := errors.AsType[*fault.Fault](err); !ok || f.Kind != fault.Malformed || f.Param != c.param || f.Message == "" {
			t.Errorf("%s: %+v, want Malformed of %q", c.body, err, c.param)
		}
	}
}

func (n Named) allocations(t *testing.T) {
	call := dialect.Call{Body: []byte(n.Body)}
	dst := make([]byte, 0, 2*len(call.Body)+64)
	peek := testing.AllocsPerRun(100, func() {
		if _, err := n.Dialect.Peek(&call); err != nil {
			t.Fatal(err)
		}
	})
	edit := testing.AllocsPerRun(100, func() {
		if _, err := n.Dialect.Edit(dst, call, dialect.Edit{Model: "another-model"}); err != nil {
			t.Fatal(err)
		}
	})
	if peek > 1 || edit > 1 { // the model's name, and the other name
		t.Errorf("Peek costs %v allocations and Edit %v, at most 1 is allowed to each", peek, edit)
	}
}

func (n Named) faults(t *testing.T) {
	for _, kind := range []fault.Kind{fault.Malformed, fault.NotFound, fault.RateLimit, fault.Overloaded} {
		f := fault.New(kind, "said to the \"client\"\nin two lines")
		whole := n.Dialect.Fault([]byte("before"), f, dialect.Whole)
		whole, ok := bytes.CutPrefix(whole, []byte("before"))
		if !ok || rawjson.Check(whole) != nil {
			t.Errorf("%s: no JSON after what stood before: %s", kind, whole)
		}
		if back := n.Dialect.ReadFault(f.Status(), nil, whole); back == nil || back.Message != f.Message || back.Kind != kind || back.Origin != fault.There {
			t.Errorf("%s: %s is read as %+v", kind, whole, back)
		}
	}
}

// Fuzz holds Peek, Edit and the meter to what must be so whatever the bytes are.
func (n Named) Fuzz(f *testing.F) {
	f.Add([]byte(n.Body))
	f.Add([]byte(`{"model":"a","Model":"b"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		m := n.Dialect.Meter()
		m.Body(body)
		if m.Read() == nil {
			t.Fatal("the meter reads nil")
		}
		call := dialect.Call{Body: bytes.Clone(body)}
		head, err := n.Dialect.Peek(&call)
		if err != nil {
			if f, ok := errors.AsType[*fault.Fault](err); !ok || f.Kind != fault.Malformed {
				t.Fatalf("refused with %v", err)
			}
			return
		}
		if !n.Optional && head.Model == "" {
			t.Fatalf("no model is named by %q", body)
		}
		same, err := n.Dialect.Edit(nil, call, dialect.Edit{})
		if err != nil || !bytes.Equal(same.Body, body) {
			t.Fatalf("%q became %q unasked: %v", body, same.Body, err)
		}
		edited, err := n.Dialect.Edit(nil, call, dialect.Edit{Model: "target"})
		if err != nil || !bytes.Equal(call.Body, body) {
			t.Fatalf("Edit: %v; the body is now %q", err, call.Body)
		}
		if again, err := n.Dialect.Peek(&edited); err != nil || again.Model != "target" {
			t.Fatalf("%q became %q: %v", body, edited.Body, err)
		}
	})
}
