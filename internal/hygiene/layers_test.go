package hygiene

import (
	"cmp"
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

// root is the repository, seen from this package's folder.
const root = "../.."

// module is the prefix of our own import paths.
const module = "weir/"

func TestLayers(t *testing.T) {
	imports := readImports(t, os.DirFS(root))
	if len(imports) == 0 {
		t.Fatal("found no Go file under internal: is the test looking at the repository?")
	}
	for _, problem := range checkLayers(imports) {
		t.Error(problem)
	}
}

func TestLayersSeesViolations(t *testing.T) {
	tests := []struct {
		name, file, imports, want string
	}{
		{"down", "internal/engine/engine.go", "weir/internal/llm", ""},
		{"parent", "internal/provider/bedrock/bedrock.go", "weir/internal/provider", ""},
		{"child of its own", "internal/provider/provider.go", "weir/internal/provider/bedrock", "does not know its neighbours"},
		{"exception", "internal/llm/answer.go", "weir/internal/fault", ""},
		{"exception is one way", "internal/fault/fault.go", "weir/internal/llm", "does not know its neighbours"},
		{"standard library", "internal/llm/llm.go", "encoding/json", ""},
		{"neighbour", "internal/route/route.go", "weir/internal/config", "does not know its neighbours"},
		{"neighbouring policies", "internal/policy/limit/limit.go", "weir/internal/policy/allow", "does not know its neighbours"},
		{"up", "internal/frame/frame.go", "weir/internal/engine", "imports go down only"},
		{"forbidden although below", "internal/engine/engine.go", "weir/internal/config", "does not know where it came from"},
		{"forbidden by pattern", "internal/engine/engine.go", "weir/internal/policy/limit", "not which there are"},
		{"adapter from a face", "internal/dash/dash.go", "weir/internal/sqlite", "imports go down only"},
		{"adapter from a command", "cmd/weir/main.go", "weir/internal/sqlite", ""},
		{"command", "internal/api/api.go", "weir/cmd/weir", "imports go down only"},
		{"simulator from a command", "cmd/weir/demo.go", "weir/internal/sim", ""},
		{"simulator from the engine", "internal/engine/engine.go", "weir/internal/sim", "only tests import"},
		{"simulator from a test", "internal/engine/engine_test.go", "weir/internal/sim", ""},
		{"simulator and its limits", "internal/sim/sim.go", "weir/internal/dialect/anthropic", "must not be built from them"},
		{"simulator within its limits", "internal/sim/sim.go", "weir/internal/rawjson", ""},
		{"simulator and other modules", "internal/sim/sim.go", "golang.org/x/text/cases", "must not be built from them"},
		{"simulator and WebSocket", "internal/sim/sim.go", "github.com/coder/websocket", ""},
		{"WebSocket elsewhere", "internal/api/api.go", "github.com/coder/websocket", "relayed in one place"},
		{"harness from a harness", "internal/gatewaytest/gateway.go", "weir/internal/sim", ""},
		{"harness from a command", "cmd/weir/main.go", "weir/internal/gatewaytest", "only tests import"},
		{"neighbour from a test", "internal/dialect/openaichat/a_test.go", "weir/internal/dialect/anthropic", ""},
		{"up from a test", "internal/llm/llm_test.go", "weir/internal/engine", "imports go down only"},
		{"unknown importer", "internal/misc/misc.go", "strings", "put it on a floor"},
		{"unknown import", "internal/engine/engine.go", "weir/internal/misc", "put it on a floor"},
		{"too deep", "internal/policy/limit/deep/deep.go", "strings", "put it on a floor"},
		{"module on the floor of words", "internal/rawjson/rawjson.go", "golang.org/x/text/cases", "standard library only"},
		{"module on a higher floor", "internal/engine/engine.go", "golang.org/x/text/cases", ""},
		{"owned module", "internal/compile/compile.go", "github.com/goccy/go-yaml/ast", "YAML is read in one place"},
		{"owned module at home", "internal/config/config.go", "github.com/goccy/go-yaml/ast", ""},
		{"prefix is not a substring", "internal/compile/compile.go", "github.com/goccy/go-yaml-other", ""},
		{"test module in the binary", "internal/llm/llm.go", "github.com/google/go-cmp/cmp", "it is for tests"},
		{"test module in a test", "internal/llm/llm_test.go", "github.com/google/go-cmp/cmp", ""},
		{"template in the binary", "internal/dash/dash.go", "html/template", "switches off"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			name := path.Base(path.Dir(test.file))
			src := fmt.Sprintf("package %s\n\nimport _ %q\n", name, test.imports)
			got := checkLayers(readImports(t, fstest.MapFS{test.file: {Data: []byte(src)}}))
			switch {
			case test.want == "" && len(got) > 0:
				t.Errorf("%s importing %s: unexpected %q", test.file, test.imports, got)
			case test.want != "" && (len(got) != 1 || !strings.Contains(got[0], test.want)):
				t.Errorf("%s importing %s: got %q, want one problem with %q", test.file, test.imports, got, test.want)
			}
		})
	}
}

// An exception that nothing could match is a leftover or a slip of the pen.
func TestLayersTablesAreSound(t *testing.T) {
	seen := map[string]string{}
	for _, f := range append(slices.Clone(floors), testFloor) {
		for _, p := range f.packages {
			if other, twice := seen[p]; twice {
				t.Errorf("%s is on two floors, %s and %s", p, other, f.name)
			}
			seen[p] = f.name
		}
	}
	for _, e := range append(slices.Clone(also), never...) {
		for _, p := range []string{e.from, e.to} {
			if home(p) == nil {
				t.Errorf("exception %s → %s: %s is on no floor", e.from, e.to, p)
			}
		}
		if e.why == "" {
			t.Errorf("exception %s → %s has no reason", e.from, e.to)
		}
	}
}

// imported is one import in one file. Packages of ours are relative to internal/, or start with cmd/.
type imported struct {
	file, from, to string
	test           bool // the file is a test
	own            bool // to is one of our packages
}

// readImports returns the imports of all Go files under internal and cmd. A file without imports has one with an empty
// to, so that its package is seen.
func readImports(t *testing.T, fsys fs.FS) []imported {
	t.Helper()
	var all []imported
	for _, top := range []string{"cmd", "internal"} {
		walk(t, fsys, top, func(file string) {
			src, err := fs.ReadFile(fsys, file)
			if err != nil {
				t.Fatal(err)
			}
			parsed, err := parser.ParseFile(token.NewFileSet(), file, src, parser.ImportsOnly)
			if err != nil {
				t.Fatal(err)
			}
			one := imported{file: file, from: short(path.Dir(file)), test: strings.HasSuffix(file, "_test.go")}
			all = append(all, one)
			for _, spec := range parsed.Imports {
				to, err := strconv.Unquote(spec.Path.Value)
				if err != nil {
					t.Fatal(err)
				}
				one.to, one.own = to, false
				if rest, ok := strings.CutPrefix(to, module); ok {
					one.to, one.own = short(rest), true
				}
				all = append(all, one)
			}
		})
	}
	return all
}

// walk calls do with every Go file under top, test data and other people's code left out. A missing top is empty.
func walk(t *testing.T, fsys fs.FS, top string, do func(file string)) {
	t.Helper()
	if _, err := fs.Stat(fsys, top); err != nil {
		return
	}
	err := fs.WalkDir(fsys, top, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && slices.Contains([]string{"testdata", "node_modules", ".venv", ".git", "bin"}, d.Name()) {
			return fs.SkipDir
		}
		if !d.IsDir() && strings.HasSuffix(file, ".go") {
			do(file)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func short(dir string) string { return strings.TrimPrefix(dir, "internal/") }

// checkLayers returns what is wrong with the imports, each problem once.
func checkLayers(imports []imported) []string {
	var problems []string
	for _, i := range imports {
		if why := judge(i); why != "" {
			line := fmt.Sprintf("%s: %s", i.file, why)
			if i.to != "" {
				line = fmt.Sprintf("%s imports %s: %s", i.file, i.to, why)
			}
			problems = append(problems, line)
		}
	}
	slices.Sort(problems)
	return slices.Compact(problems)
}

// judge returns why an import may not be, "" if it may.
func judge(i imported) string {
	from := home(i.from)
	switch {
	case from == nil:
		if i.to == "" {
			return i.from + " is unknown: put it on a floor (internal/hygiene/floors_test.go)"
		}
		return ""
	case i.to == "" || i.to == i.from:
		return ""
	case !i.own:
		return judgeOutside(i, from)
	}

	to := home(i.to)
	if to == nil {
		return i.to + " is unknown: put it on a floor (internal/hygiene/floors_test.go)"
	}
	if !i.test {
		for _, l := range limited {
			if match(l.of, i.from) && !slices.ContainsFunc(l.to, func(p string) bool { return match(p, i.to) }) {
				return l.why
			}
		}
		if e := find(never, i); e != nil {
			return e.why
		}
	}
	if from == &testFloor || find(also, i) != nil || strings.HasPrefix(i.from, i.to+"/") && to != &testFloor {
		return ""
	}
	if to == &testFloor {
		if i.test {
			return ""
		}
		return "only tests import " + i.to
	}
	switch c := cmp.Compare(level(to), level(from)); {
	case c < 0, c == 0 && i.test:
		return ""
	case c == 0:
		return fmt.Sprintf("a package of the floor %q does not know its neighbours", from.name)
	default:
		return fmt.Sprintf("%q is above %q, and imports go down only", to.name, from.name)
	}
}

// judgeOutside judges an import of the standard library or of another module.
func judgeOutside(i imported, from *floor) string {
	first, _, _ := strings.Cut(i.to, "/")
	foreign := strings.Contains(first, ".")
	if i.test {
		return ""
	}
	for _, l := range limited {
		if foreign && match(l.of, i.from) && !slices.Contains(l.to, i.to) {
			return l.why
		}
	}
	if from == &testFloor {
		return ""
	}
	for _, l := range owned {
		if i.to != l.of && !strings.HasPrefix(i.to, l.of+"/") {
			continue
		}
		if !slices.ContainsFunc(l.to, func(p string) bool { return match(p, i.from) }) {
			return l.why
		}
	}
	if foreign && from.standardOnly {
		return fmt.Sprintf("the floor %q imports the standard library only", from.name)
	}
	return ""
}

// home returns the floor a package is on, nil if on none.
func home(p string) *floor {
	if on(&testFloor, p) {
		return &testFloor
	}
	for n := range floors {
		if on(&floors[n], p) {
			return &floors[n]
		}
	}
	return nil
}

func on(f *floor, p string) bool {
	return slices.ContainsFunc(f.packages, func(pattern string) bool { return pattern == p || match(pattern, p) })
}

func level(f *floor) int {
	return slices.IndexFunc(floors, func(other floor) bool { return other.name == f.name })
}

func find(exceptions []exception, i imported) *exception {
	for n := range exceptions {
		if match(exceptions[n].from, i.from) && match(exceptions[n].to, i.to) {
			return &exceptions[n]
		}
	}
	return nil
}

// match reports whether a package matches a pattern. The patterns are constants: one that cannot be parsed is ours to mend.
func match(pattern, p string) bool {
	ok, err := path.Match(pattern, p)
	if err != nil {
		panic(err)
	}
	return ok
}
