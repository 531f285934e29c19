package config

import (
	"fmt"
	"slices"
	"strings"

	"weir/internal/llm"
)

// transformKind is a word of the closed list of transforms.
func transformKind() *kind {
	names := make([]string, len(llm.TransformTable))
	for i := range llm.TransformTable {
		names[i] = llm.TransformTable[i].Name
	}
	k := textKind("a transform such as documents-to-text", "", "transforms, listed below", func(s string) *flaw {
		if slices.Contains(names, s) {
			return nil
		}
		hint := didYouMean(s, names)
		if hint == "" {
			hint = "there are " + list(names)
		}
		return &flaw{"no transform is called `" + s + "`", hint}
	})
	k.words = names
	return k
}

// transformTable writes the table of transforms.
func transformTable(b *strings.Builder) {
	b.WriteString("\n## Transforms\n\nWhat `models.NAME.transforms` takes; see [transforms.md](transforms.md).\n\n")
	b.WriteString("| Transform | What it does |\n| --- | --- |\n")
	for i := range llm.TransformTable {
		fmt.Fprintf(b, "| `%s` | %s |\n", llm.TransformTable[i].Name, cell(llm.TransformTable[i].Doc))
	}
}
