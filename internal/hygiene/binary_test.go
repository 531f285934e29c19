//go:build !race

package hygiene

import (
	"bytes"
	"debug/buildinfo"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// mostBytes is the budget of the binary as it is handed out: as `make build` makes it, without tables for debuggers.
const mostBytes = 55_000_000

const golden = "testdata/modules.txt"

var update = flag.Bool("update", false, "write testdata/modules.txt again")

// built is the binary of a plain build with the linker's list of what keeps what.
var built = sync.OnceValues(func() (*binary, error) {
	dir, err := os.MkdirTemp("", "weir-hygiene-")
	if err != nil {
		return nil, err
	}
	b := &binary{dir: dir, file: filepath.Join(dir, "weir")}
	cmd := exec.Command("go", "build", "-buildvcs=false", "-trimpath", "-ldflags=-dumpdep -s -w", "-o", b.file, "./cmd/weir")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	b.deps, err = cmd.CombinedOutput()
	return b, err
})

type binary struct {
	dir, file string
	deps      []byte
}

func TestMain(m *testing.M) {
	code := m.Run()
	if wasBuilt {
		if b, _ := built(); b != nil {
			os.RemoveAll(b.dir)
		}
	}
	os.Exit(code)
}

var wasBuilt bool

func build(t *testing.T) *binary {
	t.Helper()
	if _, err := os.Stat(root + "/cmd/weir/main.go"); err != nil {
		t.Fatalf("there is no command to build: %v", err)
	}
	wasBuilt = true
	b, err := built()
	if err != nil {
		t.Fatalf("go build ./cmd/weir: %v\n%s", err, tail(b.deps))
	}
	return b
}

// The modules the binary is made of stand in a list, so that a new one is seen in review; DESIGN.md says why we take it.
func TestModules(t *testing.T) {
	info, err := buildinfo.ReadFile(build(t).file)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range info.Deps {
		got = append(got, m.Path)
	}
	slices.Sort(got)

	if *update {
		if err := os.MkdirAll(filepath.Dir(golden), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(golden, []byte(strings.Join(got, "\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(golden)
	if err != nil {
		t.Fatalf("%v (make generate writes it)", err)
	}
	if diff := cmp.Diff(strings.Fields(string(text)), got); diff != "" {
		t.Errorf("the binary's modules changed (-listed +linked); if that is meant: make generate, and a line in DESIGN.md\n%s", diff)
	}
}

func TestModulesHaveTheirReason(t *testing.T) {
	design, err := os.ReadFile(root + "/DESIGN.md")
	if err != nil {
		t.Fatal(err)
	}
	gomod, err := os.ReadFile(root + "/go.mod")
	if err != nil {
		t.Fatal(err)
	}
	direct := directModules(string(gomod))
	if len(direct) == 0 {
		t.Fatal("found no direct module in go.mod")
	}
	for _, m := range unnamed(direct, string(design)) {
		t.Errorf("DESIGN.md does not name %s: one line, what it is taken for and why", m)
	}
}

func TestModuleReasonsSeeViolations(t *testing.T) {
	direct := directModules("module x\n\nrequire example.org/one v1.0.0\n\nrequire (\n\texample.org/two v1.0.0\n" +
		"\texample.org/three v0.1.0 // indirect\n\texample.org/four/v2 v2.0.0\n)\n")
	if diff := cmp.Diff([]string{"example.org/one", "example.org/two", "example.org/four/v2"}, direct); diff != "" {
		t.Errorf("direct modules (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]string{"example.org/two"}, unnamed(direct, "We take one and four.")); diff != "" {
		t.Errorf("unnamed modules (-want +got)\n%s", diff)
	}
}

func TestBinaryIsSmall(t *testing.T) {
	info, err := os.Stat(build(t).file)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%.1f MB of %.1f", float64(info.Size())/1e6, mostBytes/1e6)
	if info.Size() > mostBytes {
		t.Errorf("the binary has %d bytes, its budget is %d", info.Size(), mostBytes)
	}
}

// The linker drops methods nobody calls, unless something looks methods up by a name it cannot know: then it keeps every
// exported method of every type. Executing a template does that, and some command-line and RPC libraries.
func TestNothingKeepsUnusedMethods(t *testing.T) {
	deps := build(t).deps
	if !bytes.Contains(deps, []byte(" -> ")) {
		t.Fatalf("the linker printed no dependencies: %s", tail(deps))
	}
	for _, line := range reflectMarks(deps) {
		t.Errorf("the linker keeps unused methods because of %s", line)
	}
}

func TestReflectMarksAreSeen(t *testing.T) {
	dir := t.TempDir()
	for file, text := range map[string]string{
		"go.mod": "module planted\n\ngo 1.26\n",
		"main.go": "package main\n\nimport (\n\t\"os\"\n\t\"text/template\"\n)\n\n" +
			"func main() { template.Must(template.New(\"\").Parse(\"{{.}}\")).Execute(os.Stdout, os.Args) }\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("go", "build", "-buildvcs=false", "-trimpath", "-ldflags=-dumpdep -s -w", "-o", filepath.Join(dir, "planted"), ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off")
	deps, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("go build: %v\n%s", err, tail(deps))
	}
	if len(reflectMarks(deps)) == 0 {
		t.Error("a program that executes a template shows no mark: does the linker still print them?")
	}
}

// reflectMarks returns the lines of -dumpdep whose function looks methods up by name.
func reflectMarks(deps []byte) []string {
	var marks []string
	for line := range strings.Lines(string(deps)) {
		if from, _, _ := strings.Cut(line, " -> "); strings.Contains(from, "<ReflectMethod>") {
			marks = append(marks, strings.TrimSpace(from))
		}
	}
	slices.Sort(marks)
	return slices.Compact(marks)
}

var require = regexp.MustCompile(`(?m)^(?:require )?\s*([a-z0-9.-]+\.[a-z]+/\S+) v\S+( // indirect)?$`)

// directModules returns the modules a go.mod requires directly.
func directModules(gomod string) []string {
	var direct []string
	for _, m := range require.FindAllStringSubmatch(gomod, -1) {
		if m[2] == "" {
			direct = append(direct, m[1])
		}
	}
	return direct
}

var major = regexp.MustCompile(`/v\d+$`)

// unnamed returns the modules whose name, without its host, owner and major version, the design does not hold.
func unnamed(modules []string, design string) []string {
	var missing []string
	for _, m := range modules {
		name := major.ReplaceAllString(m, "")
		name = name[strings.LastIndex(name, "/")+1:]
		if !regexp.MustCompile(`\b` + regexp.QuoteMeta(name) + `\b`).MatchString(design) {
			missing = append(missing, m)
		}
	}
	return missing
}

func tail(text []byte) []byte {
	return text[max(0, len(text)-4000):]
}
