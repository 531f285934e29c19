package hygiene

import (
	"fmt"
	"go/scanner"
	"go/token"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"unicode"
)

// The words we avoid stand in quotes in the last column of GLOSSARY.md. They must not occur in identifiers and comments
// of our Go files, nor in the docs. A line that speaks of one of these may use the word it is listed for.
var rightHere = map[string]*regexp.Regexp{
	"deployment": regexp.MustCompile(`(?i)azure|kubernetes|kubectl|helm`),
	"guardrail":  regexp.MustCompile(`(?i)guardrail_intervened|guardrailintervened|bedrock|converse`),
}

func TestWords(t *testing.T) {
	fsys := os.DirFS(root)
	avoid := avoided(t, fsys)
	if len(avoid) < 4 {
		t.Fatalf("GLOSSARY.md quotes only %q: is its table still read?", avoid)
	}
	report(t, checkWords(t, fsys, avoid))
}

func TestWordsSeesViolations(t *testing.T) {
	tests := []struct{ name, file, text, want string }{
		{"comment", "internal/p/p.go", "package p\n\n// A virtual key.\n", "internal/p/p.go:3: virtual key"},
		{"long comment", "internal/p/p.go", "package p\n\n/*\nA virtual\tkey.\n*/\n", "internal/p/p.go:4: virtual key"},
		{"identifier", "internal/p/p.go", "package p\n\nvar defaultVirtualKey int\n", "internal/p/p.go:3: virtual key"},
		{"identifier with an initialism", "internal/p/p.go", "package p\n\nvar HTTPDeployments int\n", "internal/p/p.go:3: deployment"},
		{"string", "internal/p/p.go", "package p\n\nvar a = \"virtual key\"\n", ""},
		{"within a word", "internal/p/p.go", "package p\n\n// Redeploymental virtual keyboards.\n", ""},
		{"Azure's", "internal/p/p.go", "package p\n\n// The deployment's name at Azure.\n", ""},
		{"a provider's stop reason", "internal/p/p.go", "package p\n\nvar stopGuardrailIntervened int\n", ""},
		{"docs", "docs/a.md", "\nUpstream models are listed.\n", "docs/a.md:2: upstream model"},
		{"readme", "README.md", "A virtual-key gateway.\n", "README.md:1: virtual key"},
		{"other folders", "bench/peers.md", "A virtual-key gateway.\n", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			fsys := fstest.MapFS{
				"GLOSSARY.md": {Data: []byte("| Term | What | Avoid |\n| --- | --- | --- |\n" +
					"| key | what a \"client\" shows | \"virtual key\", token |\n" +
					"| target | a place | \"deployment\", \"upstream model\" |\n| guard | looks | \"guardrail\" |\n")},
				test.file: {Data: []byte(test.text)},
			}
			got := checkWords(t, fsys, avoided(t, fsys))
			switch {
			case test.want == "" && len(got) > 0:
				t.Errorf("unexpected %q", got)
			case test.want != "" && (len(got) != 1 || got[0] != test.want):
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

var quoted = regexp.MustCompile(`"([^"]+)"`)

// avoided reads the words to avoid from the glossary.
func avoided(t *testing.T, fsys fs.FS) []string {
	t.Helper()
	text, err := fs.ReadFile(fsys, "GLOSSARY.md")
	if err != nil {
		t.Fatal(err)
	}
	var words []string
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) != 3 {
			continue
		}
		for _, m := range quoted.FindAllStringSubmatch(cells[2], -1) {
			words = append(words, strings.ToLower(m[1]))
		}
	}
	slices.Sort(words)
	return slices.Compact(words)
}

// checkWords returns FILE:LINE: word for each line with a word to avoid.
func checkWords(t *testing.T, fsys fs.FS, avoid []string) []string {
	t.Helper()
	var patterns []*regexp.Regexp
	for _, word := range avoid {
		patterns = append(patterns, regexp.MustCompile(`\b`+strings.ReplaceAll(regexp.QuoteMeta(word), " ", `[ _-]`)+`s?\b`))
	}
	var problems []string
	look := func(file string, line int, text, context string) {
		text = spaces.ReplaceAllString(strings.ToLower(text), " ")
		for n, pattern := range patterns {
			if ok := rightHere[avoid[n]]; pattern.MatchString(text) && (ok == nil || !ok.MatchString(context)) {
				problems = append(problems, fmt.Sprintf("%s:%d: %s", file, line, avoid[n]))
			}
		}
	}

	for _, file := range committable(t, fsys) {
		if strings.HasSuffix(file, ".md") && (strings.HasPrefix(file, "docs/") || file == "README.md" || file == "DESIGN.md") {
			src, err := fs.ReadFile(fsys, file)
			if err != nil {
				t.Fatal(err)
			}
			for n, line := range strings.Split(string(src), "\n") {
				look(file, n+1, line, line)
			}
		}
	}
	for _, top := range []string{"cmd", "internal"} {
		walk(t, fsys, top, func(file string) {
			// This package is about those words.
			if !strings.HasPrefix(file, "internal/hygiene/") {
				readWords(t, fsys, file, look)
			}
		})
	}
	slices.Sort(problems)
	return slices.Compact(problems)
}

var spaces = regexp.MustCompile(`\s+`)

// readWords calls look with each line of each comment and with each identifier, its humps parted.
func readWords(t *testing.T, fsys fs.FS, file string, look func(file string, line int, text, context string)) {
	t.Helper()
	src, err := fs.ReadFile(fsys, file)
	if err != nil {
		t.Fatal(err)
	}
	set := token.NewFileSet()
	var s scanner.Scanner
	s.Init(set.AddFile(file, set.Base(), len(src)), src, nil, scanner.ScanComments)
	for {
		pos, kind, text := s.Scan()
		line := set.Position(pos).Line
		switch kind {
		case token.EOF:
			return
		case token.COMMENT:
			for n, part := range strings.Split(text, "\n") {
				look(file, line+n, part, part)
			}
		case token.IDENT:
			look(file, line, humps(text), text)
		}
	}
}

// humps parts an identifier into its words: defaultVirtualKey → default virtual key, HTTPServer → http server.
func humps(name string) string {
	var b strings.Builder
	r := []rune(name)
	for n, c := range r {
		if n > 0 && unicode.IsUpper(c) && (!unicode.IsUpper(r[n-1]) || n+1 < len(r) && unicode.IsLower(r[n+1])) {
			b.WriteByte(' ')
		}
		b.WriteRune(unicode.ToLower(c))
	}
	return b.String()
}
