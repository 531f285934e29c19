package tokens

import (
	"math"
	"strings"

	"weir/internal/llm"
)

// Count is an estimate.
type Count struct {
	Tokens int64
	Unseen Unseen // what is in it and could not be counted
}

// Request estimates what a conversation comes to before it is sent. l may be nil.
func (l *Learned) Request(s Source, r *llm.Request) Count {
	var g gathered
	g.request(r)
	f := FamilyOf(s.Model)
	grows, once, tools := f.input(&g)
	c := l.get(s)
	n := grows*c.x[0] + once + c.x[1]
	if tools {
		n += c.x[2]
	}
	if f.agent {
		g.unseen |= UnseenServer
	}
	return Count{Tokens: whole(n), Unseen: g.unseen}
}

// Answer estimates what the parts of an answer come to. Reasoning that is not among them is not in the number.
func (l *Learned) Answer(s Source, parts ...[]llm.Part) Count {
	n, unseen := plain(s, parts)
	if n == 0 {
		return Count{Unseen: unseen}
	}
	return Count{Tokens: whole(n * l.get(s).out), Unseen: unseen}
}

// plain is an answer's number by its family's figures alone.
func plain(s Source, parts [][]llm.Part) (float64, Unseen) {
	var g gathered
	for _, p := range parts {
		g.parts(p)
	}
	f := FamilyOf(s.Model)
	if f.agent {
		g.unseen |= UnseenServer
	}
	if g.calls == 0 && g.size == [kinds]int{} {
		return 0, g.unseen
	}
	return f.output(&g), g.unseen
}

// Text estimates what a text comes to by itself.
func (l *Learned) Text(s Source, text string) int64 {
	if text == "" {
		return 0
	}
	f := FamilyOf(s.Model)
	return whole(sampled(f.e, []string{text}, len(text), min(len(text), exactMost)) * f.prose)
}

func whole(n float64) int64 { return int64(math.Ceil(max(n, 1) - 0.5)) }

// Most is an upper bound.
type Most struct {
	Tokens    int64
	Unbounded Unseen // what has no bound: a number with it is none
	Media     bool   // there is more in it than text
}

// Runs reports whether a model, by its name, runs tools of its own accord, so that nothing bounds what it reads.
func Runs(model string) bool {
	return strings.Contains(model, "search") || strings.Contains(model, "compound")
}

// What a bound allows for beside bytes: more than any provider was seen to put around a conversation, its turns and tools.
const (
	aroundMost = 1500
	toolsMost  = 1500
	formsMost  = 1500
	eachMost   = 64
)

// Around is the most that a provider was seen to put around a conversation without tools and media, beyond as many tokens as
// it has bytes: nearly nothing, but for makers that tell their models more of themselves.
func Around(model string) int64 {
	if strings.Contains(model, "command") || strings.Contains(model, "grok") || strings.Contains(model, "aya") {
		return aroundMost
	}
	return 400
}

// Bound returns a number that what the provider will count of a request does not exceed. A token is at least one byte, so
// it is all bytes, and a round sum for what is put around them.
func Bound(model string, r *llm.Request) Most {
	var g gathered
	g.request(r)
	if FamilyOf(model).agent {
		g.unseen |= UnseenServer
	}
	n := aroundMost + eachMost*(g.messages+g.results+g.calls+g.tools) + pictureMost*len(g.pictures) + g.sealed
	for k := range g.size {
		n += g.size[k]
	}
	if g.tools > 0 {
		n += toolsMost
	}
	if g.forms > 0 {
		n += formsMost
	}
	media := len(g.pictures) > 0 || g.unseen&(UnseenImage|UnseenMedia|UnseenOpaque) != 0
	return Most{Tokens: int64(n), Unbounded: g.unseen &^ (UnseenImage | UnseenSeal), Media: media}
}
