package config

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "rewrite expected files")

var variables = map[string]string{"KEY": "wr-value-of-the-variable", "EMPTY": "", "FORTY": "40", "PROVIDER": "openai"}

func world() Options {
	return Options{
		Env:      func(name string) (string, bool) { v, ok := variables[name]; return v, ok },
		Catalog:  func(name string) bool { return name == "openai" || name == "anthropic" },
		Dialects: []string{"openai-chat", "openai-embeddings", "anthropic-messages"},
	}
}

func parse(t *testing.T, src string, opt Options) *Document {
	t.Helper()
	d, err := Parse("weir.yaml", []byte(src), opt)
	if err != nil {
		t.Fatalf("Parse:\n%v", err)
	}
	return d
}

// problems returns what Parse says against a document.
func problems(t *testing.T, src string, opt Options) *Errors {
	t.Helper()
	d, err := Parse("weir.yaml", []byte(src), opt)
	var e *Errors
	if !errors.As(err, &e) || d != nil {
		t.Fatalf("Parse returned %v and %v, want no document and *Errors", d, err)
	}
	return e
}

func TestErrors(t *testing.T) {
	const file = "testdata/errors.txtar"
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	for _, f := range archive.Files {
		if name, ok := strings.CutSuffix(f.Name, ".want"); ok {
			want[name] = string(f.Data)
		}
	}
	out := &txtar.Archive{Comment: archive.Comment}
	for _, f := range archive.Files {
		name, ok := strings.CutSuffix(f.Name, ".yaml")
		if !ok {
			continue
		}
		t.Run(name, func(t *testing.T) {
			got := problems(t, string(f.Data), world()).Error() + "\n"
			out.Files = append(out.Files, f, txtar.File{Name: name + ".want", Data: []byte(got)})
			if diff := cmp.Diff(want[name], got); diff != "" && !*update {
				t.Errorf("(-want +got)\n%s", diff)
			}
			for _, secret := range []string{"hunter2", "abcdefghij", "0123456789", "1234567890", "fedcba98", "of-the-variable", "wr-short", "me:pass", "key=1", "bare-key"} {
				if strings.Contains(got, secret) {
					t.Errorf("the message shows %q:\n%s", secret, got)
				}
			}
		})
	}
	if *update {
		if err := os.WriteFile(file, txtar.Format(out), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

const full = `version: 1
x-slow: &slow { connect: 1s, idle: 90d }
node:
  data_dir: /var/lib/weir-$${x}
  drain: 0s
  listen:
    data: { address: "0.0.0.0:8443", tls: { cert: { file: testdata/cert.pem }, key: { env: KEY } } }
    metrics: { address: "[::1]:9090" }
providers:
  openai: { api_key: "${KEY}" }
  zeta:
    catalog: openai
    base_url: https://eu.api.openai.com/v1
    auth: api-key
    api_key: plain-text-of-a-key
    timeouts: { <<: *slow, connect: 2.5s, total: 1h30m }
    client_gone: drain
    pass_headers: [X-Trace, x-tenant]
  alpha: { base_url: "http://127.0.0.1:8000/v1", speaks: [openai-chat, anthropic], auth: none, timeouts: *slow, prices: { "*": { input: $0, output: "$0.00" }, "org/m:7b": { batch  input: $40, ">200000 output": $0.5 } } }
models:
  gpt-5.1: { targets: [{ provider: openai, model: gpt-5.1 }, { provider: "${PROVIDER}", model: "org/m:7b" }], max_output: "${FORTY}" }
  org/name:7b:
    targets:
      - { provider: alpha, model: ab }
keys:
  - { name: web, key: wr-0123456789abcdef0123456789abcdef, models: [gpt-5.1, alpha/*, "*"] }
  - { name: ci, hash: "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae", expires: 2027-01-01, strict: true }
  - { name: nothing, key: "${KEY}", models: [], expires: 2027-01-01T12:00:00+02:00 }
limits: { body: 1536KiB }
defaults: { unpriced: refuse }
`

func TestParse(t *testing.T) {
	got := parse(t, full, world())
	std := Timeouts{Connect: 5 * time.Second, FirstByte: 10 * time.Minute, Idle: 5 * time.Minute, Total: time.Hour}
	slow := Timeouts{Connect: time.Second, FirstByte: std.FirstByte, Idle: 90 * 24 * time.Hour, Total: std.Total}
	zeta := slow
	zeta.Connect, zeta.Total = 2500*time.Millisecond, 90*time.Minute
	want := &Document{
		Version: 1,
		Node: Node{DataDir: "/var/lib/weir-${x}", Listen: Listen{
			Data: DataListener{Address: "0.0.0.0:8443", TLS: TLS{
				Cert: NewSecret("not a real certificate\nof two lines"), Key: NewSecret(variables["KEY"]),
			}},
			Metrics: Listener{Address: "[::1]:9090"},
		}},
		Providers: []Provider{
			{Name: "openai", APIKey: NewSecret(variables["KEY"]), Timeouts: std, ClientGone: "cancel", Files: "own"},
			{
				Name: "zeta", Catalog: "openai", BaseURL: "https://eu.api.openai.com/v1", Auth: "api-key", APIKey: NewSecret("plain-text-of-a-key"),
				Timeouts: zeta, ClientGone: "drain", Files: "own", PassHeaders: []string{"X-Trace", "x-tenant"},
			},
			{
				Name: "alpha", BaseURL: "http://127.0.0.1:8000/v1", Speaks: []string{"openai-chat", "anthropic"}, Auth: "none", Timeouts: slow,
				ClientGone: "cancel", Files: "own",
				Prices: []ModelPrices{
					{"*", []Rate{{"input", "$0"}, {"output", "$0.00"}}},
					{"org/m:7b", []Rate{{"batch input", "$40"}, {">200000 output", "$0.5"}}},
				},
			},
		},
		Models: []Model{
			{Name: "gpt-5.1", Targets: []Target{{"openai", "gpt-5.1"}, {"openai", "org/m:7b"}}, MaxOutput: 40},
			{Name: "org/name:7b", Targets: []Target{{"alpha", "ab"}}},
		},
		Keys: []Key{
			{Name: "web", Key: NewSecret("wr-0123456789abcdef0123456789abcdef"), Models: []string{"gpt-5.1", "alpha/*", "*"}},
			{
				Name: "ci", Hash: "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
				Strict: true, Expires: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC),
			},
			{Name: "nothing", Key: NewSecret(variables["KEY"]), Models: []string{}, Expires: time.Date(2027, 1, 1, 10, 0, 0, 0, time.UTC)},
		},
		Limits: Limits{Body: 1536 << 10}, Defaults: Defaults{Unpriced: "refuse"},
		Files: []string{"testdata/cert.pem"},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(Document{})); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// A document in whose text no secret stands reads back from what Print writes.
func TestPrintRoundTrip(t *testing.T) {
	src := strings.NewReplacer("plain-text-of-a-key", "${KEY}", "key: wr-0123456789abcdef0123456789abcdef", `key: "${PROVIDER}-0123456789abcdef"`).Replace(full)
	d := parse(t, src, world())
	var first bytes.Buffer
	if err := d.Print(&first); err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{variables["KEY"], "0123456789abcdef", "not a real"} {
		if strings.Contains(strings.ReplaceAll(first.String(), "2c26b46b", ""), secret) {
			t.Errorf("Print shows the secret %q", secret)
		}
	}
	back := parse(t, strings.Replace(first.String(), `"***"`, `"openai-0123456789abcdef"`, 1), world())
	if diff := cmp.Diff(d, back, cmpopts.IgnoreUnexported(Document{})); diff != "" {
		t.Errorf("(-first +second)\n%s\n%s", diff, first.String())
	}
	golden(t, "testdata/full.yaml", first.Bytes())
}

func TestDefaults(t *testing.T) {
	want := &Document{Version: 1, Node: Node{
		DataDir: filepath.Join("etc", "weir-data"), Drain: 30 * time.Second,
		Listen: Listen{Data: DataListener{Address: "127.0.0.1:8080"}},
	}, Limits: Limits{Body: 32 << 20}, Defaults: Defaults{Unpriced: "serve"}}
	parsed, err := Parse("etc/weir.yaml", []byte("version: 1"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, parsed, cmpopts.IgnoreUnexported(Document{})); diff != "" {
		t.Errorf("of a document: (-want +got)\n%s", diff)
	}
	built := &Document{Version: 1, Listen: "127.0.0.1:0", Providers: []Provider{{Name: "sim"}}}
	Default(built)
	if built.Node.Listen.Data.Address != "127.0.0.1:0" || built.Providers[0].Timeouts.Connect != 5*time.Second ||
		built.Providers[0].ClientGone != "cancel" || built.Limits.Body != 32<<20 || built.Node.DataDir != "weir-data" {
		t.Errorf("of a document built in Go: %+v", built)
	}
	zero := parse(t, "version: 1\nnode: { drain: 0s }", Options{})
	if Default(zero); zero.Node.Drain != 0 {
		t.Errorf("Default overwrote a written zero with %v", zero.Node.Drain)
	}
}

func TestListenShort(t *testing.T) {
	d := parse(t, "version: 1\nlisten: 127.0.0.1:7000", Options{})
	if d.Node.Listen.Data.Address != "127.0.0.1:7000" || d.Listen != "" {
		t.Errorf("listen %q, node.listen.data.address %q", d.Listen, d.Node.Listen.Data.Address)
	}
	if e := d.Problem("node.listen.data.address", "taken", ""); e.Line != 2 || e.Column != 9 {
		t.Errorf("problem at %d:%d, want 2:9", e.Line, e.Column)
	}
}

func TestNoEnv(t *testing.T) {
	opt := world()
	opt.NoEnv = true
	d := parse(t, `version: 1
listen: "127.0.0.1:${PORT}"
providers:
  openai: { api_key: "${OPENAI_API_KEY}", base_url: "https://${HOST}/v1" }
  anthropic: { api_key: { env: ANTHROPIC_API_KEY } }
  "gpu": { base_url: "${URL}", speaks: ["${SPEAKS}"], api_key: { file: testdata/nowhere } }
models: { a: { targets: [{ provider: "${P}", model: "${PORT}" }], max_output: "${MOST}" } }
keys: [{ name: a, key: "${SHORT}", models: ["${M}"] }, { name: b, key: "${SHORT}" }, { name: c, key: { env: C } }, { name: d, key: { file: d } }]
`, opt)
	want := []string{"PORT", "OPENAI_API_KEY", "HOST", "ANTHROPIC_API_KEY", "URL", "SPEAKS", "P", "MOST", "SHORT", "M", "C"}
	if diff := cmp.Diff(want, d.Unset); diff != "" {
		t.Errorf("Unset: (-want +got)\n%s", diff)
	}
	if k := d.Providers[0].APIKey; !k.Set() || k.Reveal() != "${OPENAI_API_KEY}" {
		t.Errorf("a placeholder is set=%v and reveals %q", k.Set(), k.Reveal())
	}
	var out bytes.Buffer
	if err := d.Print(&out); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{`api_key: "${OPENAI_API_KEY}"`, `api_key: { env: "ANTHROPIC_API_KEY" }`, `api_key: { file: "testdata/nowhere" }`} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("Print lacks %s:\n%s", part, out.String())
		}
	}
	if e := problems(t, "version: 1\nlisten: ${PORT}\nnode: { drian: 1s }", opt); len(e.All) != 1 {
		t.Errorf("NoEnv hides other problems: %v", e)
	}
}

func TestSecretNeverShown(t *testing.T) {
	s := NewSecret("hunter2hunter2")
	type outer struct{ inner Secret }
	for _, form := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, v := range []any{s, &s, outer{s}, &outer{s}, []Secret{s}, map[string]outer{"a": {s}}, Provider{APIKey: s}} {
			if got := fmt.Sprintf(form, v); strings.Contains(got, "hunter2") || strings.Contains(got, "68756e74") {
				t.Errorf("%s of %T shows it: %s", form, v, got)
			}
		}
	}
	if !s.Equal(NewSecret("hunter2hunter2")) || s.Equal(NewSecret("hunter3")) || s.Equal(Secret{}) || (Secret{}).Set() {
		t.Error("Equal or Set is wrong")
	}
}

func TestSecretFile(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "key"), []byte("sk-from-a-file\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "big"), make([]byte, maxSecret+1), 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := Parse(filepath.Join(dir, "weir.yaml"), []byte("version: 1\nproviders: { openai: { api_key: { file: key } } }"), world())
	if err != nil {
		t.Fatal(err)
	}
	if got := d.Providers[0].APIKey.Reveal(); got != "sk-from-a-file" {
		t.Errorf("got %q", got)
	}
	if diff := cmp.Diff([]string{filepath.Join(dir, "key")}, d.Files); diff != "" {
		t.Error(diff)
	}
	_, err = Parse(filepath.Join(dir, "weir.yaml"), []byte("version: 1\nproviders: { openai: { api_key: { file: big } } }"), world())
	if err == nil || !strings.Contains(err.Error(), "larger than 1 MiB") {
		t.Errorf("a file too large: %v", err)
	}
}

func TestProblem(t *testing.T) {
	d := parse(t, full, world())
	for _, c := range []struct {
		path         string
		line, column int
	}{
		{"models.gpt-5.1.targets[1].provider", 21, 74},
		{"models.gpt-5.1.targets[7].provider", 21, 23},
		{"models.nowhere", 21, 3},
		{"providers.zeta.timeouts.first_byte", 16, 15},
		{"keys[1].hash", 27, 23},
		{"routes", 0, 0},
	} {
		e := d.Problem(c.path, "cannot be", "leave it")
		if e.Line != c.line || e.Column != c.column || e.Path != c.path || e.File != "weir.yaml" {
			t.Errorf("%s: at %d:%d, want %d:%d\n%v", c.path, e.Line, e.Column, c.line, c.column, e)
		}
	}
	if got := d.Problem("keys[0].key", "no", "").Error(); strings.Contains(got, "0123456789") {
		t.Errorf("the excerpt shows a key:\n%s", got)
	}
	if e := (&Document{}).Problem("models", "no", ""); e.Error() != "document: models: no" {
		t.Errorf("of a document built in Go: %v", e)
	}
}

func TestFill(t *testing.T) {
	look := func(name string) (string, bool) { v, ok := variables[name]; return v, ok }
	for _, c := range []struct{ in, out, whole, unset string }{
		{"plain", "plain", "", ""},
		{"$1.25", "$1.25", "", ""},
		{"${FORTY}", "40", "FORTY", ""},
		{"a${FORTY}b${FORTY}", "a40b40", "", ""},
		{"${EMPTY}", "", "EMPTY", ""},
		{"${EMPTY:-x}", "x", "EMPTY", ""},
		{"${NO:-a:-b}", "a:-b", "NO", ""},
		{"${NO:-}", "", "NO", ""},
		{"$${FORTY}", "${FORTY}", "", ""},
		{"$${", "${", "", ""},
		{"$$${FORTY}", "$${FORTY}", "", ""},
		{"$${${FORTY}}", "${40}", "", ""},
		{"${NO}-${NOT}", "${NO}-${NOT}", "", "NO NOT"},
	} {
		f := fill(c.in, look)
		if f.flaw != nil || f.text != c.out || f.whole != c.whole || strings.Join(f.unset, " ") != c.unset {
			t.Errorf("%s: %q whole %q unset %q flaw %v", c.in, f.text, f.whole, f.unset, f.flaw)
		}
	}
	for _, in := range []string{"${", "${}", "${a", "${1A}", "${A B}", "${A:x}", "${A:-${B}}"} {
		if f := fill(in, look); f.flaw == nil {
			t.Errorf("%s: no flaw", in)
		}
	}
}

func TestDurationsAndBytes(t *testing.T) {
	for in, want := range map[string]time.Duration{
		"30s": 30 * time.Second, "0": 0, "0s": 0, "1h30m": 90 * time.Minute, "1.5m": 90 * time.Second,
		"90d": 2160 * time.Hour, "2w": 336 * time.Hour, "250ms": 250 * time.Millisecond, "0.1s": 100 * time.Millisecond, "10y": 87600 * time.Hour,
	} {
		got, f := parseDuration(in)
		if f != nil || time.Duration(got) != want {
			t.Errorf("%s: %v %v, want %v", in, time.Duration(got), f, want)
		}
		if back, f := parseDuration(showDuration(got)); f != nil || back != got {
			t.Errorf("%s is shown as %s", in, showDuration(got))
		}
	}
	for _, in := range []string{"", "s", "5", "5 s", "-5s", "5x", "1.s", ".5s", "1..5s", "300y", "1.0000000000s", "9223372036854775807d", "1s2"} {
		if n, f := parseDuration(in); f == nil {
			t.Errorf("%q is read as %v", in, time.Duration(n))
		}
	}
	for in, want := range map[Bytes]string{32 << 20: "32MiB", 1000: "1KB", 1: "1B", 0: "0B", 1536: "1536B", 5e9: "5GB", 1 << 40: "1TiB"} {
		if got := in.String(); got != want {
			t.Errorf("%d bytes: %s, want %s", int64(in), got, want)
		}
	}
}

func TestDialects(t *testing.T) {
	built := []string{"openai-chat", "openai-embeddings", "anthropic-messages"}
	got := Dialects([]string{"anthropic", "openai-chat", "openai", "cohere", "nothing"}, built)
	if diff := cmp.Diff([]string{"anthropic-messages", "openai-chat", "openai-embeddings"}, got); diff != "" {
		t.Error(diff)
	}
	if got := Dialects([]string{"gemini"}, nil); len(got) < 6 || slices.ContainsFunc(got, func(d string) bool { return !strings.HasPrefix(d, "gemini-") }) {
		t.Errorf("gemini stands for %q", got)
	}
}

func TestExample(t *testing.T) {
	const file = "../../examples/weir.yaml"
	src, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	opt := world()
	opt.Env = func(name string) (string, bool) { return "value-of-" + name, name != "GPU_HOST" }
	d, err := Parse(file, src, opt)
	if err != nil {
		t.Fatalf("the example is not valid:\n%v", err)
	}
	if len(d.Providers) != 4 || len(d.Models) != 3 || len(d.Keys) != 2 || d.Providers[3].Timeouts.FirstByte != 20*time.Minute {
		t.Errorf("%d providers, %d models, %d keys", len(d.Providers), len(d.Models), len(d.Keys))
	}
	// Every member of this build that the table knows stands in one of the two documents of the tests.
	for _, m := range []string{"catalog", "base_url", "speaks", "auth", "api_key", "timeouts", "client_gone", "pass_headers"} {
		if !strings.Contains(string(src), m+":") {
			t.Errorf("the example does not show providers.NAME.%s", m)
		}
	}
}

// lackingMembers stand in the document's whole shape; each is refused by name wherever it may come to stand.
func TestLackingIsRefusedByName(t *testing.T) {
	for typ, names := range lacking {
		for _, name := range names {
			if tb := find(root, typ.Name()); tb != nil && slices.Contains(tb.names(), name) {
				t.Errorf("%s.%s is both a member and lacking", typ.Name(), name)
			}
		}
	}
}

func find(t *table, typ string) *table {
	if t.typ.Name() == typ {
		return t
	}
	for _, m := range t.members {
		if m.inner != nil {
			if f := find(m.inner, typ); f != nil {
				return f
			}
		}
	}
	return nil
}

func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s is not what the code says; go test -update rewrites it (-file +code)\n%s", file, diff)
	}
}
