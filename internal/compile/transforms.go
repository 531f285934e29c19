package compile

import (
	"weir/internal/config"
	"weir/internal/llm"
)

// transforms returns the set of a model's transforms; the document holds known names only.
func transforms(m *config.Model) (set llm.Transform) {
	for _, name := range m.Transforms {
		one, _ := llm.ParseTransform(name)
		set |= one
	}
	return set
}
