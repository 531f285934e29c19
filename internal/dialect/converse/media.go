package converse

import (
	"strings"

	"weir/internal/llm"
)

// format pairs this dialect's word for a format with its media type. The first pair of a type or a word counts.
type format struct{ word, typ string }

var imageFormats = []format{
	{"png", "image/png"},
	{"jpeg", "image/jpeg"},
	{"gif", "image/gif"},
	{"webp", "image/webp"},
	{"jpeg", "image/jpg"},
}

var documentFormats = []format{
	{"pdf", "application/pdf"},
	{"csv", "text/csv"},
	{"doc", "application/msword"},
	{"docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
	{"xls", "application/vnd.ms-excel"},
	{"xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
	{"html", "text/html"},
	{"txt", "text/plain"},
	{"md", "text/markdown"},
	{"md", "text/x-markdown"},
}

var videoFormats = []format{
	{"mp4", "video/mp4"},
	{"mov", "video/quicktime"},
	{"mkv", "video/x-matroska"},
	{"webm", "video/webm"},
	{"flv", "video/x-flv"},
	{"mpeg", "video/mpeg"},
	{"mpg", "video/mpg"},
	{"wmv", "video/x-ms-wmv"},
	{"three_gp", "video/3gpp"},
	{"mkv", "video/matroska"},
	{"mov", "video/mov"},
	{"wmv", "video/wmv"},
	{"flv", "video/flv"},
}

var audioFormats = []format{
	{"mp3", "audio/mpeg"},
	{"wav", "audio/wav"},
	{"opus", "audio/opus"},
	{"aac", "audio/aac"},
	{"flac", "audio/flac"},
	{"mp4", "audio/mp4"},
	{"ogg", "audio/ogg"},
	{"mkv", "audio/x-matroska"},
	{"mka", "audio/mka"},
	{"x-aac", "audio/x-aac"},
	{"m4a", "audio/m4a"},
	{"mpga", "audio/mpga"},
	{"pcm", "audio/pcm"},
	{"webm", "audio/webm"},
	{"mp3", "audio/mp3"},
	{"wav", "audio/x-wav"},
	{"wav", "audio/wave"},
	{"m4a", "audio/x-m4a"},
	{"flac", "audio/x-flac"},
	{"pcm", "audio/l16"},
}

// formats are those of a kind of part; the dialect's word for the kind is the block's name.
func formats(kind llm.PartKind) (block string, all []format) {
	switch kind {
	case llm.PartImage:
		return "image", imageFormats
	case llm.PartAudio:
		return "audio", audioFormats
	case llm.PartVideo:
		return "video", videoFormats
	}
	return "document", documentFormats
}

// typeOf returns the media type of a format, "" if it is not known.
func typeOf(kind llm.PartKind, word string) string {
	_, all := formats(kind)
	for _, f := range all {
		if f.word == word {
			return f.typ
		}
	}
	return ""
}

// formatOf returns the word for a media type, whose parameters do not count, "" if there is none.
func formatOf(kind llm.PartKind, typ string) string {
	typ, _, _ = strings.Cut(strings.ToLower(typ), ";")
	typ = strings.TrimSpace(typ)
	_, all := formats(kind)
	for _, f := range all {
		if f.typ == typ {
			return f.word
		}
	}
	return ""
}

// guess finds an image's media type by how its base64 begins, "" if it begins like none that is taken here.
func guess(data string) string {
	for _, m := range [...]struct{ begins, typ string }{
		{"iVBOR", "image/png"}, {"/9j/", "image/jpeg"}, {"R0lGOD", "image/gif"}, {"UklGR", "image/webp"},
	} {
		if strings.HasPrefix(data, m.begins) {
			return m.typ
		}
	}
	return ""
}
