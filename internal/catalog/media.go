package catalog

import (
	"bytes"
	_ "embed" // the list
	"encoding/json"
	"fmt"
	"strings"

	"weir/internal/gateway"
	"weir/internal/llm"
)

//go:embed media.json
var mediaFile []byte

// medium is what some models take beside text.
type medium struct {
	Of     []string `json:"of"`     // ENTRY or ENTRY/MODEL, with * for any run
	Source string   `json:"source"` // where it is said
	llm.Media
}

// takes is what the models of a pattern take.
type takes struct {
	match string
	media *llm.Media
}

// readMedia gives each entry what its models take beside text. The first that matches counts.
func (c *Catalog) readMedia() error {
	var all []medium
	dec := json.NewDecoder(bytes.NewReader(mediaFile))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&all); err != nil {
		return fmt.Errorf("catalog media.json: %w", err)
	}
	for i := range all {
		for _, of := range all[i].Of {
			name, match, some := strings.Cut(of, "/")
			if !some {
				match = "*"
			}
			e := c.entries[name]
			if e == nil || all[i].Source == "" {
				return fmt.Errorf("catalog media.json: %q has no entry or no source", of)
			}
			e.media = append(e.media, takes{match, &all[i].Media})
		}
	}
	return nil
}

// mediaOf returns what a model takes beside text, nil where nothing is known.
func (e *Entry) mediaOf(model string) *llm.Media {
	for _, t := range e.media {
		if gateway.Glob(t.match, model) {
			return t.media
		}
	}
	return nil
}
