package llm

import (
	"slices"
	"strings"
)

// Media is what a model takes beside text. It is shared and not changed. A nil one says that nothing is known.
type Media struct {
	Files      []string  `json:"files"`       // media types of the documents it reads; one that ends in / stands for all that begin so
	Dialects   []Dialect `json:"dialects"`    // in which it reads documents; none = in all that have words for them
	Images     []string  `json:"images"`      // media types of the images it sees
	Still      bool      `json:"still"`       // images that move are refused
	ImageBytes int64     `json:"image_bytes"` // the most of one image, before base64; 0 = no limit known
	ImageSide  int       `json:"image_side"`  // the most pixels of a side; 0 = no limit known
	Many       int       `json:"many"`        // with more images than this …
	ManySide   int       `json:"many_side"`   // … a side has at most so many pixels
}

// Reads reports whether a document of a media type is taken.
func (m *Media) Reads(typ string) bool { return m != nil && holds(m.Files, typ) }

// Sees reports whether an image of a media type is taken.
func (m *Media) Sees(typ string) bool { return m != nil && holds(m.Images, typ) }

// Side returns the most pixels that a side of an image may have in a request of so many images; 0 = no limit known.
func (m *Media) Side(images int) int {
	if m.Many > 0 && images > m.Many {
		return m.ManySide
	}
	return m.ImageSide
}

func holds(types []string, typ string) bool {
	typ, _, _ = strings.Cut(strings.ToLower(typ), ";")
	typ = strings.TrimSpace(typ)
	return slices.ContainsFunc(types, func(t string) bool {
		return t == typ || strings.HasSuffix(t, "/") && strings.HasPrefix(typ, t)
	})
}
