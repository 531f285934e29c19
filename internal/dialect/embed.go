package dialect

import (
	"strings"

	"weir/internal/fault"
	"weir/internal/llm"
)

// Embedder is implemented by dialects in which embeddings can be asked for: their full face. As with Codec, encoders
// never change what they are given, and what could not be said is in the losses returned.
type Embedder interface {
	// DecodeEmbed reads a call that passed Peek. The error is a *fault.Fault with Param: Malformed, or Unsupported where
	// the call is right and only its own dialect can say it.
	DecodeEmbed(Call) (*llm.Embed, error)
	EncodeEmbed(*llm.Embed, llm.Facts) (Call, []llm.Loss, error)
	DecodeEmbedding([]byte) (*llm.Embeddings, error)
	// EncodeEmbedding writes an answer for the request it answers.
	EncodeEmbedding(*llm.Embed, *llm.Embeddings) ([]byte, []llm.Loss, error)
}

// Together is implemented by dialects in which one call cannot always bring as many inputs as a client's does.
type Together interface {
	// Together returns how many of the inputs one call to a model takes, at least one.
	Together(*llm.Embed, llm.Facts) int
}

// Reranker is implemented by dialects in which documents can be put in order: their full face.
type Reranker interface {
	DecodeRerank(Call) (*llm.Rerank, error)
	EncodeRerank(*llm.Rerank, llm.Facts) (Call, []llm.Loss, error)
	DecodeRanking([]byte) (*llm.Ranking, error)
	// EncodeRanking writes an answer for the request it answers.
	EncodeRanking(*llm.Rerank, *llm.Ranking) ([]byte, []llm.Loss, error)
}

// Carries reports whether an operation can be carried from one dialect to the other.
func Carries(op llm.Op, client, up Dialect) bool {
	if client == nil || up == nil {
		return false
	}
	switch op {
	case llm.OpChat:
		return client.Codec() != nil && up.Codec() != nil
	case llm.OpEmbeddings:
		_, asks := client.(Embedder)
		_, answers := up.(Embedder)
		return asks && answers
	case llm.OpRerank:
		_, asks := client.(Reranker)
		_, answers := up.(Reranker)
		return asks && answers
	case llm.OpClassify:
		_, asks := client.(Classifier)
		_, answers := up.(Classifier)
		return asks && answers
	case llm.OpImage, llm.OpImageEdit:
		_, asks := client.(Imager)
		_, answers := up.(Imager)
		return asks && answers
	}
	return false
}

// EmbedWord returns the name that a dialect has for a setting of a request for embeddings, which is the path a loss names
// in the client's document. name is one of dimensions, types, task, truncate, user.
func EmbedWord(d llm.Dialect, name string) string {
	if word := embedWords[d][name]; word != "" {
		return word
	}
	return embedWords[llm.OpenAIEmbeddings][name]
}

var embedWords = map[llm.Dialect]map[string]string{
	llm.OpenAIEmbeddings:  {"dimensions": "dimensions", "types": "encoding_format", "task": "input_type", "truncate": "truncation", "user": "user"},
	llm.GeminiEmbeddings:  {"dimensions": "outputDimensionality", "task": "taskType", "truncate": "autoTruncate"},
	llm.CohereEmbed:       {"dimensions": "output_dimension", "types": "embedding_types", "truncate": "truncate"},
	llm.OllamaEmbed:       {"truncate": "truncate"},
	llm.BedrockEmbeddings: {"task": "input_type", "truncate": "truncate", "types": "embedding_types"},
}

// Unsaid is the refusal of what a target cannot be asked, where leaving it out would give another answer.
func Unsaid(path, message string) *fault.Fault {
	return &fault.Fault{Kind: fault.Unsupported, Param: path, Message: path + ": " + message}
}

// EmbedLosses notes what of a request from another dialect has no place: its user, its own members, and titles.
type EmbedLosses struct {
	Losses
	Of *llm.Embed
}

// Word returns where a setting stands in the client's document, by its name in EmbedWord. Gemini's batches say all in each
// request, and the same in each.
func (l *EmbedLosses) Word(name string) string {
	word := EmbedWord(l.Of.From, name)
	if l.Of.From == llm.GeminiEmbeddings && len(l.Of.Inputs) > 0 && l.Of.Inputs[0].Path != "" {
		return l.Of.Inputs[0].Path + "." + word
	}
	return word
}

// Drop notes that a setting is not said, by its name in EmbedWord.
func (l *EmbedLosses) Drop(name, why string) { l.Add(l.Word(name), why, llm.Dropped) }

// Rest notes the members that no field holds, unless they are the dialect's own.
func (l *EmbedLosses) Rest(own llm.Dialect) {
	if l.Of.From == own {
		return
	}
	const none = "there is no such member here"
	for _, name := range Names(l.Of.Extra) {
		l.Add(name, none, llm.Dropped)
	}
	for i := range l.Of.Inputs {
		in := &l.Of.Inputs[i]
		for _, name := range Names(in.Extra) {
			l.Add(Under(in.Path, name), none, llm.Dropped)
		}
		if in.Title != "" && own != llm.GeminiEmbeddings {
			l.Add(Under(in.Path, "title"), "documents have no titles here", llm.Dropped)
		}
	}
}

// EmbedTypes refuses a request that wants no form which floats can be brought into, for a target that gives nothing but
// floats, and notes the other forms it wants.
func (l *EmbedLosses) EmbedTypes() error {
	e := l.Of
	word := l.Word("types")
	if !e.Wants(llm.FormFloat) && !e.Wants(llm.FormBase64) {
		return Unsaid(word, "this target gives floats only, not "+strings.Join(e.Types, ", "))
	}
	for _, t := range e.Types {
		if t != llm.FormFloat && t != llm.FormBase64 {
			l.Add(word, "this target gives floats only", llm.Dropped)
		}
	}
	return nil
}

// LoseEmbedding notes what of an answer from another dialect says something and has no place.
func LoseEmbedding(a *llm.Embeddings, own llm.Dialect) []llm.Loss {
	if a.From == own {
		return nil
	}
	var l Losses
	LoseExtra(a.Extra, &l)
	for i := range a.Vectors {
		LoseExtra(a.Vectors[i].Extra, &l)
	}
	return l.List
}

// EmbedText returns the text of an input for a target that takes texts alone. Several texts become one.
func EmbedText(in *llm.EmbedInput, l *EmbedLosses) (string, error) {
	if in.Tokens != nil {
		return "", Unsaid(in.Path, "this target takes texts, not the tokens of another model")
	}
	texts := make([]string, 0, len(in.Parts))
	for i := range in.Parts {
		p := &in.Parts[i]
		if p.Kind != llm.PartText {
			return "", Unsaid(p.Path, "this target makes embeddings of texts alone")
		}
		texts = append(texts, p.Text)
	}
	if len(texts) > 1 {
		l.Add(in.Path, "an input is one text here", llm.Changed)
	}
	return strings.Join(texts, "\n"), nil
}

// LoseEmbedUsage notes what a usage states beside the count of what was read. What is billed is no loss where it is that
// count again.
func LoseEmbedUsage(u *llm.Usage, l *Losses) {
	have := llm.SaidInput
	if u.BilledInput == u.Input {
		have |= llm.SaidBilledInput
	}
	LoseCounts(u, have, func(path, why string, grade llm.Grade) { l.Add(path, why, grade) })
}

// Under returns the path of a member of what stands at path, "" being the document.
func Under(path, name string) string {
	if path == "" {
		return name
	}
	if name == "" {
		return path
	}
	return path + "." + name
}
