package openaifinetuning

import (
	"strings"
	"testing"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/rawjson"
)

func TestAsks(t *testing.T) {
	h := New().(dialect.Holder)
	for call, want := range map[string]dialect.ThingVerb{
		"POST ": dialect.ThingCreate, "GET ": dialect.ThingList, "GET /a": dialect.ThingGet, "POST /a/cancel": dialect.ThingChange,
		"POST /a/pause": dialect.ThingChange, "POST /a/resume": dialect.ThingChange, "GET /a/events": dialect.ThingDetail, "GET /a/checkpoints": dialect.ThingDetail,
		"DELETE /a": 0, "DELETE ": 0, "GET /a/cancel": 0, "POST /a/events": 0, "POST /a": 0, "GET /a/b/c": 0, "GET x": 0,
	} {
		method, tail, _ := strings.Cut(call, " ")
		verb, id, ok := h.Asks(method, Root+tail)
		if verb != want || ok != (want != 0) || ok && (id == "a") != strings.HasPrefix(tail, "/a") {
			t.Errorf("%s: %d %q %v", call, verb, id, ok)
		}
	}
}

func TestPeekAndEdit(t *testing.T) {
	d := New()
	const body = `{ "training_file":"f1", "suffix":"small", "model":"small","validation_file":"f2" }`
	c := dialect.Call{Body: []byte(body)}
	h, err := d.Peek(&c)
	if err != nil || h.Model != "small" {
		t.Fatalf("%+v %v", h, err)
	}
	if got := d.(dialect.Orderer).Files(&c); len(got) != 2 || got[0] != (dialect.Named{Param: "training_file", ID: "f1"}) || got[1] != (dialect.Named{Param: "validation_file", ID: "f2"}) {
		t.Errorf("%v", got)
	}
	out, err := d.Edit(nil, c, dialect.Edit{Model: "gpt"})
	if want := strings.Replace(body, `"model":"small"`, `"model":"gpt"`, 1); err != nil || string(out.Body) != want {
		t.Errorf("%s %v", out.Body, err)
	}
	if out, err := d.Edit(nil, c, dialect.Edit{}); err != nil || string(out.Body) != body {
		t.Errorf("%s %v", out.Body, err)
	}
	for body, param := range map[string]string{
		`{"training_file":"f"}`: "model", `{"model":"m"}`: "training_file", `{"model":"m","training_file":""}`: "training_file",
		`{"model":"m","training_file":["f"]}`: "training_file", `{"model":"m","training_file":"f","validation_file":1}`: "validation_file",
		`{"model":"m","Model":"n","training_file":"f"}`: "model", `{"model":"m","training_file":"f","training_file":"g"}`: "training_file", `[]`: "",
	} {
		c := dialect.Call{Body: []byte(body)}
		if _, err := d.Peek(&c); err == nil || fault.Of(err).Kind != fault.Malformed || fault.Of(err).Param != param {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func FuzzPeek(f *testing.F) {
	f.Add(`{"model":"m","training_file":"f","validation_file":"g"}`)
	f.Add(`{"model":"m","training_file":"f","validation_file":null,"method":{"type":"dpo"}}`)
	f.Fuzz(func(t *testing.T, body string) {
		d := New()
		c := dialect.Call{Body: []byte(body)}
		if _, err := d.Peek(&c); err != nil {
			if fault.Of(err).Kind == fault.Internal {
				t.Fatal(err)
			}
			return
		}
		out, err := d.Edit(nil, c, dialect.Edit{Model: "other"})
		if err != nil || rawjson.Check(out.Body) != nil {
			t.Fatalf("%s: %s %v", body, out.Body, err)
		}
		again := dialect.Call{Body: out.Body}
		h, err := d.Peek(&again)
		if err != nil || h.Model != "other" || len(d.(dialect.Orderer).Files(&again)) != len(d.(dialect.Orderer).Files(&c)) {
			t.Fatalf("%s: %+v %v", out.Body, h, err)
		}
	})
}
