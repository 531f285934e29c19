package config

import (
	"reflect"
	"slices"
	"strings"

	"weir/internal/nearest"
)

// dialects are the words that `speaks` takes.
var dialects = []string{
	"openai-chat", "openai-responses", "openai-completions", "openai-embeddings", "openai-images", "openai-audio",
	"openai-moderations", "openai-files", "openai-batches", "openai-fine-tuning", "openai-realtime", "anthropic-messages", "anthropic-batches", "anthropic-files",
	"gemini-generate", "gemini-embeddings", "gemini-images", "gemini-interactions", "gemini-files", "gemini-batches", "gemini-live", "bedrock-converse", "bedrock-invoke", "bedrock-embeddings", "bedrock-images", "cohere-chat", "cohere-embed",
	"cohere-rerank", "ollama-chat", "ollama-embed", "openai-rerank", "classify", "tei-classify", "oip-infer", "mistral-ocr", "mistral-batches",
	"vllm-tokenize",
}

var families = []string{"openai", "anthropic", "gemini", "bedrock", "cohere", "ollama"}

func familyNames() []string { return slices.Clone(families) }

// Dialects resolves what `speaks` says: families become those of their dialects that built holds (nil: all of them),
// each dialect stands once, in the order written.
func Dialects(speaks, built []string) []string {
	var out []string
	for _, word := range speaks {
		for _, d := range dialects {
			own := d == word || slices.Contains(families, word) && strings.HasPrefix(d, word+"-")
			if own && (built == nil || slices.Contains(built, d)) && !slices.Contains(out, d) {
				out = append(out, d)
			}
		}
	}
	return out
}

// kinless are the dialects of no family.
func kinless() []string { return without(dialects, Dialects(families, nil)) }

func parseDialect(text string, v reflect.Value, set *setting) *flaw {
	known := append(slices.Clone(dialects), families...)
	if !slices.Contains(known, text) {
		return &flaw{"no dialect is called `" + text + "`", didYouMean(text, known)}
	}
	var built []string
	if set.opt != nil {
		built = set.opt.Dialects
	}
	if len(Dialects([]string{text}, built)) == 0 {
		return &flaw{"`" + text + "` is not in this build", "this build speaks " + list(built)}
	}
	v.SetString(text)
	return nil
}

// list writes words as a reader would: `a`, `b` and `c`.
func list(words []string) string {
	switch len(words) {
	case 0:
		return "none"
	case 1:
		return "`" + words[0] + "`"
	}
	return "`" + strings.Join(words[:len(words)-1], "`, `") + "` and `" + words[len(words)-1] + "`"
}

func without(all, some []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(s string) bool { return slices.Contains(some, s) })
}

// didYouMean is the hint for a word that is not among the known ones; "" if none is near.
func didYouMean(word string, known []string) string {
	if near := nearest.Word(word, known); near != "" {
		return "did you mean `" + near + "`?"
	}
	return ""
}
