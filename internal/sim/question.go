package sim

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
)

// question is what both conversation faces read a request into.
type question struct {
	model     Model
	system    string
	turns     []turn // user and assistant in turn, system turns apart; neighbours of a role are one
	tools     []tool
	choice    choice
	schema    []byte // the answer is to be JSON that this schema accepts; nil = any text
	think     int    // how long to think: 0 (not at all) to 3
	hidden    hiding // what of the thought is shown
	room      int64  // most output tokens; 0 = the model's own bound
	stops     []string
	n         int    // answers
	seed      uint64 // of the request, for its ids
	same      uint64 // of the provider, for what is the same in every dialect
	script    Script // of the provider; nil = the question says what to call
	prompt    prefix // as it is read and cached
	input     int64  // tokens read, cached ones too
	stream    bool
	talks     bool // says a sentence before it calls a tool of its own accord
	plans     bool // says a sentence before it calls a tool, demanded or not
	documents []document
}

// document is a text to answer from.
type document struct{ id, title, text string }

// hiding is how a thought is handed out.
type hiding uint8

const (
	showThought    hiding = iota
	omitThought           // sealed, without its text
	encryptThought        // as ciphertext
)

type turn struct {
	assistant bool
	texts     []string
	media     []string // what else there is to see: "one image (PNG, 12 KB)"
	results   []result
	calls     []call // an assistant's
}

func (t *turn) text() string { return strings.Join(t.texts, "\n") }

// tool is a tool of the client's.
type tool struct {
	name   string
	schema []byte
	free   bool // takes free text, a custom tool
}

// choice says which tools may or must be called.
type choice struct {
	mode    string   // auto, none, any
	allowed []string // of these alone; nil = of all
	single  bool     // no parallel calls
}

type call struct {
	id, name, args string
	free           bool
}

type result struct {
	name, text string
	failed     bool
}

// tokens estimates how many tokens a text of n bytes is.
func tokens(n int) int64 { return int64(n+3) / 4 }

// mediaTokens is what an image, a sound or a page is taken to be.
const mediaTokens = 250

// content returns a seed that the question's content alone decides, so that every dialect answers it alike.
func (q *question) content() uint64 {
	h := fnv.New64a()
	say := func(parts ...string) {
		for _, p := range parts {
			fmt.Fprintf(h, "%d %s", len(p), p)
		}
	}
	say(q.model.ID, strings.TrimSpace(q.system))
	for _, t := range q.turns {
		say(t.texts...)
		for _, r := range t.results {
			say(r.name, r.text)
		}
		for _, c := range t.calls {
			say(c.name)
		}
	}
	for _, t := range q.tools {
		say(t.name)
	}
	return mix(q.same, h.Sum64())
}

// last returns the last turn.
func (q *question) last() turn {
	if len(q.turns) == 0 {
		return turn{}
	}
	return q.turns[len(q.turns)-1]
}

// asked returns the text of the last user turn that has one, and how many user turns with text there are.
func (q *question) asked() (text string, turns int) {
	for _, t := range q.turns {
		if s := t.text(); !t.assistant && s != "" {
			text, turns = s, turns+1
		}
	}
	return text, turns
}

// add appends what a message holds to the turns; neighbours of a role are one turn.
func (q *question) add(t turn) {
	if n := len(q.turns); n > 0 && q.turns[n-1].assistant == t.assistant {
		p := &q.turns[n-1]
		p.texts, p.media = append(p.texts, t.texts...), append(p.media, t.media...)
		p.results, p.calls = append(p.results, t.results...), append(p.calls, t.calls...)
		return
	}
	q.turns = append(q.turns, t)
}

// callName returns the name of the tool that a call of this conversation was for.
func (q *question) callName(id string) string {
	for _, v := range slices.Backward(q.turns) {
		for _, c := range v.calls {
			if c.id == id {
				return c.name
			}
		}
	}
	return ""
}

// decodeBase64 decodes base64 with or without padding.
func decodeBase64(s string) ([]byte, bool) {
	if b, err := base64.StdEncoding.DecodeString(s); err == nil {
		return b, true
	}
	b, err := base64.RawStdEncoding.DecodeString(s)
	return b, err == nil
}

// sniff tells a file's media type by its first bytes; "" where they say nothing.
func sniff(b []byte) string {
	switch {
	case bytes.HasPrefix(b, []byte("\x89PNG\r\n\x1a\n")):
		return "image/png"
	case bytes.HasPrefix(b, []byte("\xff\xd8\xff")):
		return "image/jpeg"
	case bytes.HasPrefix(b, []byte("GIF8")):
		return "image/gif"
	case len(b) >= 12 && string(b[:4]) == "RIFF" && string(b[8:12]) == "WEBP":
		return "image/webp"
	case bytes.HasPrefix(b, []byte("%PDF-")):
		return "application/pdf"
	}
	return ""
}

// seen describes a file in words.
func seen(kind, mediaType string, size int) string {
	article := "one "
	form := strings.ToUpper(mediaType[strings.LastIndexByte(mediaType, '/')+1:])
	switch {
	case form == "" && size == 0:
		return article + kind
	case size == 0:
		return fmt.Sprintf("%s%s (%s)", article, kind, form)
	case form == "":
		return fmt.Sprintf("%s%s (%s)", article, kind, bytesInWords(size))
	}
	return fmt.Sprintf("%s%s (%s, %s)", article, kind, form, bytesInWords(size))
}

func bytesInWords(n int) string {
	switch {
	case n < 1000:
		return fmt.Sprintf("%d bytes", n)
	case n < 1_000_000:
		return fmt.Sprintf("%d KB", (n+500)/1000)
	}
	return fmt.Sprintf("%d MB", (n+500_000)/1_000_000)
}
