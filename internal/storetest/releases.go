package storetest

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Release is a schema that a release had: its migrations, rows that were written with it, and the statements its program
// uses, which are to work on every schema after it, since it may run beside a newer one.
type Release struct {
	Name       string
	Migrations fs.FS
	Data       string
	Statements []string
}

// Releases returns what is kept under testdata/releases: a folder for each, which nobody changes again. It fails the test
// where a migration is not what it was released as. current are the migrations of this program, and statements what it
// uses; where the newest schema has no folder yet, it says how to make one.
func Releases(t *testing.T, current fs.FS, statements []string) (all []Release) {
	t.Helper()
	dirs, err := filepath.Glob("testdata/releases/*")
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(dirs)
	newest := map[string]bool{}
	for _, dir := range dirs {
		r := Release{Name: filepath.Base(dir), Migrations: os.DirFS(filepath.Join(dir, "migrations"))}
		newest = map[string]bool{}
		files, err := fs.Glob(r.Migrations, "*.sql")
		if err != nil || len(files) == 0 {
			t.Fatalf("%s has no migrations: %v", dir, err)
		}
		for _, file := range files {
			newest[file] = true
			then, err := fs.ReadFile(r.Migrations, file)
			if err != nil {
				t.Fatal(err)
			}
			if now, err := fs.ReadFile(current, file); err != nil || !bytes.Equal(then, now) {
				t.Errorf("migration %s was released as in %s and is another now: databases out there have had it. Add a migration instead (%v)", file, dir, err)
			}
		}
		r.Data, r.Statements = read(t, dir, "data.sql"), strings.Split(strings.TrimSpace(read(t, dir, "statements.sql")), "\n\n")
		all = append(all, r)
	}
	files, err := fs.Glob(current, "*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if newest[file] {
			continue
		}
		if os.Getenv("WEIR_RELEASE") == "" {
			t.Logf("migration %s is in no release yet: WEIR_RELEASE=NAME go test -run Releases . makes a folder for one; its data.sql is written by hand", file)
			continue
		}
		keepRelease(t, current, files, statements)
		break
	}
	return all
}

func read(t *testing.T, dir, file string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, file))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func keepRelease(t *testing.T, current fs.FS, files, statements []string) {
	t.Helper()
	dir := filepath.Join("testdata", "releases", os.Getenv("WEIR_RELEASE"))
	if err := os.MkdirAll(filepath.Join(dir, "migrations"), 0o750); err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := fs.ReadFile(current, file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "migrations", file), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "statements.sql"), []byte(strings.Join(statements, "\n\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Fatalf("%s is made", dir)
}

var generated = regexp.MustCompile("(?s)const \\w+ = `(.*?)`")

// Statements returns the statements in files that sqlc made, with those that are given.
func Statements(t *testing.T, pattern string, more ...string) (all []string) {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range generated.FindAllSubmatch(text, -1) {
			all = append(all, strings.TrimSpace(string(found[1])))
		}
	}
	for _, m := range more {
		all = append(all, strings.TrimSpace(m))
	}
	return all
}
