package dialect

import "weir/internal/llm"

// Former is implemented by dialects some of whose calls may be forms: multipart/form-data, with files in them.
type Former interface{ Forms(llm.Op) bool }

// Opaquer is implemented by dialects whose answers may be something else than JSON and its streams: sound, plain text. An
// answer of such a content type passes as it comes, and no meter reads it.
type Opaquer interface {
	Opaque(op llm.Op, contentType string) bool
}
