package price

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	fileA = "prices 1\n\n[a]\n source us 2026-01-01\n\nm\n input 1\n"
	fileB = "prices 1\n[b]\n source us 2026-01-01\nm\n input 2\n"
)

func TestLoadPath(t *testing.T) {
	for _, test := range []struct {
		name  string
		files map[string]string
		has   string   // providers
		wrong []string // ends of errors; nil = it is right
	}{
		{"a file", map[string]string{"": fileA}, "a", nil},
		{"a folder", map[string]string{"a.txt": fileA, "b.txt": fileB, "c.md": "x", ".hidden.txt": "x", "sub.txt/x": "x"}, "a b", nil},
		{"an empty folder", map[string]string{"README": "x"}, "", nil},
		{"a line that is wrong", map[string]string{"a.txt": fileA, "b.txt": strings.Replace(fileB, "input 2", "inptu 2", 1)}, "", []string{"b.txt:5: inptu is no component of a price"}},
		{"every file that is wrong is named", map[string]string{"a.txt": "x", "b.txt": "prices 1\n[b]\nm\n", "c.txt": fileA}, "", []string{"a.txt:1: a price file begins with `prices 1`", "b.txt:3: the provider's sources come first: source NAME 2026-08-06"}},
		{"a provider in two files", map[string]string{"a.txt": fileA, "b.txt": fileB + "[a]\n source us 2026-01-01\n"}, "", []string{"b.txt:6: a stands in ", "a.txt too; keep one of them"}},
		{"no text", map[string]string{"a.txt": "prices 1\n\x00"}, "", []string{"a.txt: a price file is text"}},
		{"empty", map[string]string{"a.txt": ""}, "", []string{"a.txt:1: a price file begins"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "prices")
			for name, text := range test.files {
				file := filepath.Join(dir, name)
				if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			table, err := LoadPath(dir)
			if test.wrong == nil {
				if err != nil || strings.Join(table.Providers(), " ") != test.has {
					t.Fatalf("%v %v", table, err)
				}
				return
			}
			if err == nil || table != nil {
				t.Fatalf("%v, want %q", err, test.wrong)
			}
			for _, want := range test.wrong {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%v, want %q", err, want)
				}
			}
			if f, ok := errors.AsType[*FileError](err); !ok || !strings.HasPrefix(f.File, dir) {
				t.Errorf("%T %v", err, err)
			}
		})
	}
	if _, err := LoadPath(filepath.Join(t.TempDir(), "nothing")); err == nil || !strings.Contains(err.Error(), "nothing: no such file") {
		t.Errorf("what is not there: %v", err)
	}
}

func TestTooManyFiles(t *testing.T) {
	dir := t.TempDir()
	for i := range maxFiles + 1 {
		if err := os.WriteFile(filepath.Join(dir, strings.Repeat("x", i/16+1)+string(rune('a'+i%16))+".txt"), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := LoadPath(dir); err == nil || !strings.Contains(err.Error(), "at most 256 files") {
		t.Error(err)
	}
}
