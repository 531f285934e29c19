package config

import (
	"bytes"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/tools/txtar"
)

func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		t.Fatalf("the schema is no JSON: %v", err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("weir.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("weir.json")
	if err != nil {
		t.Fatalf("the schema is not valid: %v", err)
	}
	return s
}

func validate(t *testing.T, s *jsonschema.Schema, src []byte) error {
	t.Helper()
	js, err := yaml.YAMLToJSON(src)
	if err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(js))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(v)
}

func TestSchemaAccepts(t *testing.T) {
	s := compiled(t)
	example, err := os.ReadFile("../../examples/weir.yaml")
	if err != nil {
		t.Fatal(err)
	}
	// Editors merge << before they validate; this converter does not.
	merged := strings.Replace(full, "{ <<: *slow, connect: 2.5s, total: 1h30m }", "{ connect: 2.5s, total: 1h30m }", 1)
	for name, src := range map[string]string{"example": string(example), "full": merged, "least": "version: 1\n", "empty blocks": "version: 1\nproviders:\n  openai:\nkeys:\nnode:\n"} {
		if err := validate(t, s, []byte(src)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What is wrong with one member, the schema finds as Parse does.
func TestSchemaRefuses(t *testing.T) {
	s := compiled(t)
	archive, err := txtar.ParseFile("testdata/errors.txtar")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, f := range archive.Files {
		files[f.Name] = f.Data
	}
	for name := range strings.FieldsSeq(`version-missing version-2 version-text unknown-top unknown-nested case-variant not-in-this-build secret-source
		secret-sources secret-shapes wrong-kinds durations sizes numbers flag words address urls speaks headers provider-name targets keys quotas costs budgets`) {
		src, ok := files[name+".yaml"]
		if !ok {
			t.Errorf("no document %s", name)
			continue
		}
		if err := validate(t, s, src); err == nil {
			t.Errorf("the schema accepts %s:\n%s", name, src)
		}
	}
}

func TestEveryMemberIsDescribed(t *testing.T) {
	var walk func(path string, tb *table)
	walk = func(path string, tb *table) {
		for _, m := range tb.members {
			at := join(path, m.name)
			if m.doc == "" || !strings.HasSuffix(m.doc, ".") {
				t.Errorf("%s has no description", at)
			}
			if m.inner == nil && m.kind == nil {
				t.Errorf("%s has no kind", at)
			}
			if m.def != "" && m.kind != nil {
				if f := m.kind.parse(m.def, fieldOf(tb, m), &setting{dir: "."}); f != nil {
					t.Errorf("the default of %s is not valid: %v", at, f)
				}
			}
			if m.inner != nil {
				walk(at, m.inner)
			}
		}
	}
	walk("", root)
}

func fieldOf(t *table, m member) reflect.Value { return m.slot(reflect.New(t.typ).Elem()) }
