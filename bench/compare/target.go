package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"
)

// Target is one entry of the targets file. ${NAME} is replaced in every
// string: by PORT (a free port), UPSTREAM (host:port of the mock), DIR (a
// scratch directory), BIN (the program built from Build), or else by the
// environment. A target naming an unset variable is skipped, and says so.
//
// What the target writes to its standard output and error goes to the file
// DIR/log, which is removed with DIR after the measurement. A target that
// watches the folder of its configuration gets a folder of its own for it
// ("conf/x" under files), or else each line of log would wake the watch.
type Target struct {
	Name    string                     `json:"name"`
	Note    string                     `json:"note"`  // features on or off
	Build   string                     `json:"build"` // Go package of this module
	Cmd     []string                   `json:"cmd"`   // empty: nothing to start
	Env     map[string]string          `json:"env"`
	Files   map[string]string          `json:"files"` // name in DIR: template, relative to the targets file
	Ready   string                     `json:"ready"` // URL
	Base    string                     `json:"base"`  // URL
	API     string                     `json:"api"`   // client API, if not that of -api
	Path    string                     `json:"path"`  // request path, if not the API's own
	Model   string                     `json:"model"`
	Headers map[string]string          `json:"headers"`
	Extra   map[string]json.RawMessage `json:"extra"`
	Skip    []string                   `json:"skip"` // scenarios it cannot do
}

// result is what the rounds of one target gave.
type result struct {
	t     Target
	all   []figures
	notes map[string]bool
}

// readTargets reads the files in order. Of targets of one name the first
// counts, so that files may repeat each other's baselines.
func readTargets(files, only string) ([]*result, error) {
	var ts []*result
	seen := map[string]bool{}
	for f := range strings.SplitSeq(files, ",") {
		b, err := os.ReadFile(f)
		if err != nil {
			return nil, err
		}
		var list []Target
		d := json.NewDecoder(bytes.NewReader(b))
		d.DisallowUnknownFields()
		if err := d.Decode(&list); err != nil {
			return nil, fmt.Errorf("%s: %w", f, err)
		}
		for _, t := range list {
			if seen[t.Name] || only != "" && !has(strings.Split(only, ","), t.Name) {
				continue
			}
			seen[t.Name] = true
			for k, v := range t.Files {
				t.Files[k] = filepath.Join(filepath.Dir(f), v)
			}
			if miss := t.missing(); miss != "" {
				log.Printf("skip %s: $%s is not set", t.Name, miss)
				continue
			}
			ts = append(ts, &result{t: t, notes: map[string]bool{}})
		}
	}
	return ts, nil
}

// missing is the name of a variable that t needs and the environment lacks.
func (t *Target) missing() (name string) {
	f := func(k string) string {
		switch k {
		case "PORT", "UPSTREAM", "DIR", "BIN":
		default:
			if os.Getenv(k) == "" && name == "" {
				name = k
			}
		}
		return ""
	}
	for _, s := range t.Cmd {
		os.Expand(s, f)
	}
	for _, m := range []map[string]string{t.Env, t.Headers} {
		for _, s := range m {
			os.Expand(s, f)
		}
	}
	os.Expand(t.Ready, f)
	os.Expand(t.Base, f)
	return name
}
