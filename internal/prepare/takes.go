package prepare

import (
	"slices"

	"weir/internal/llm"
)

// textual are the dialects that have no place for a document, whoever speaks them.
var textual = []llm.Dialect{llm.CohereChat, llm.OllamaChat, llm.OpenAICompletions}

// said are the documents that a dialect has words for, where it has not for all that its best speaker reads.
var said = map[llm.Dialect][]string{
	llm.OpenAIChat:        {"application/pdf"},
	llm.AnthropicMessages: {"application/pdf", "text/plain"},
}

// plain is what is assumed of images at a target of which nothing is known: what every reader of images takes.
var plain = &llm.Media{Images: []string{"image/png", "image/jpeg"}, ImageBytes: 20 << 20}

// reads reports whether a target takes a document of a media type, and whether that is known or only assumed. A target of
// which nothing is known is taken to read none.
func (t *Target) reads(typ string) (takes, known bool) {
	switch {
	case slices.Contains(textual, t.Dialect):
		return false, true
	case t.Dialect == llm.OpenAIChat && t.Facts.Quirks&(llm.TextOnly|llm.NoFiles) != 0:
		return false, true
	case t.Facts.Media == nil:
		return false, false
	}
	if in := t.Facts.Media.Dialects; len(in) > 0 && !slices.Contains(in, t.Dialect) {
		return false, true
	}
	if words := said[t.Dialect]; words != nil && !(&llm.Media{Files: words}).Reads(typ) {
		return false, true
	}
	return t.Facts.Media.Reads(typ), true
}

// sees returns what is known of the images that a target takes.
func (t *Target) sees() *llm.Media {
	if m := t.Facts.Media; m != nil && len(m.Images) > 0 {
		return m
	}
	return plain
}
