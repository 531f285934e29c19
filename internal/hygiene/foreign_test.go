package hygiene

import (
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"testing"
	"testing/fstest"
)

// smallest is the size from which a file is somebody's work and not a coincidence.
const smallest = 64

// Recorded traffic and the providers' specifications belong to others: no file of theirs may be here, nor ever have been.
func TestNothingOfOthers(t *testing.T) {
	for _, name := range []string{"WEIR_RECORDINGS", "WEIR_SPECS"} {
		t.Run(name, func(t *testing.T) {
			folder := os.Getenv(name)
			if folder == "" {
				t.Skipf("%s is not set: cannot tell whether something of that folder is here", name)
			}
			foreign := blobs(t, os.DirFS(folder))
			if len(foreign) == 0 {
				t.Fatalf("%s: %s holds no file", name, folder)
			}
			report(t, checkForeign(t, os.DirFS(root), foreign))
			report(t, checkHistory(t, foreign))
		})
	}
}

func TestNothingOfOthersSeesViolations(t *testing.T) {
	recording := []byte(strings.Repeat("data: {}\n\n", 10))
	foreign := blobs(t, fstest.MapFS{
		"some/stream.sse":  {Data: recording},
		"licences/some":    {Data: []byte(strings.Repeat("licence ", 20))},
		"some/LICENSE.txt": {Data: []byte(strings.Repeat("terms ", 20))},
		"some/empty":       {Data: []byte("{}")},
	})
	fsys := fstest.MapFS{
		"internal/p/testdata/own.sse":    {Data: append([]byte(":own\n"), recording...)},
		"internal/p/testdata/copied.sse": {Data: recording},
		"internal/p/testdata/empty":      {Data: []byte("{}")},
		"LICENSE":                        {Data: []byte(strings.Repeat("licence ", 20))},
		"COPYING":                        {Data: []byte(strings.Repeat("terms ", 20))},
	}
	got := checkForeign(t, fsys, foreign)
	if want := "internal/p/testdata/copied.sse is a copy of some/stream.sse"; len(got) != 1 || got[0] != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// blobs returns the files under fsys by the name git has for their content. Licences are everybody's.
func blobs(t *testing.T, fsys fs.FS) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, file := range committable(t, fsys) {
		if lower := strings.ToLower(file); strings.Contains(lower, "licence") || strings.Contains(lower, "license") {
			continue
		}
		if name, big := blob(t, fsys, file); big {
			found[name] = file
		}
	}
	return found
}

// blob returns git's name for a file's content, and whether the file is worth comparing.
func blob(t *testing.T, fsys fs.FS, file string) (name string, big bool) {
	t.Helper()
	text, err := fs.ReadFile(fsys, file)
	if err != nil {
		t.Fatal(err)
	}
	h := sha1.New()
	fmt.Fprintf(h, "blob %d\x00", len(text))
	h.Write(text)
	return hex.EncodeToString(h.Sum(nil)), len(text) >= smallest
}

func checkForeign(t *testing.T, fsys fs.FS, foreign map[string]string) []string {
	t.Helper()
	var problems []string
	for _, file := range committable(t, fsys) {
		name, _ := blob(t, fsys, file)
		if of, ok := foreign[name]; ok {
			problems = append(problems, file+" is a copy of "+of)
		}
	}
	return problems
}

// checkHistory looks through every object git holds. Without git there is no history to look through.
func checkHistory(t *testing.T, foreign map[string]string) []string {
	t.Helper()
	if _, err := os.Stat(root + "/.git"); err != nil {
		t.Logf("no history to look through: %v", err)
		return nil
	}
	cmd := exec.Command("git", "-c", "safe.directory=*", "rev-list", "--objects", "--all")
	cmd.Dir = root
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("git rev-list: %v: %s", err, stderr.String())
	}
	var problems []string
	for line := range strings.Lines(string(out)) {
		name, file, _ := strings.Cut(strings.TrimSpace(line), " ")
		if of, ok := foreign[name]; ok {
			problems = append(problems, fmt.Sprintf("the history holds %s (%s), a copy of %s", file, name, of))
		}
	}
	return problems
}
