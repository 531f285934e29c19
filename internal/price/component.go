package price

import (
	"math/bits"
	"strings"
)

// Component is one thing that is charged for. Its words are those of the data files and of the document's `prices:`.
type Component uint8

// The components. Tokens, characters and pixels are priced per million, everything else apiece.
const (
	Input            Component = iota // tokens read that no other component counts
	Cached                            // tokens read from the provider's cache
	CacheWrite                        // tokens written to it, to stay for minutes
	CacheWrite1h                      // tokens written to it, to stay for an hour
	AudioInput                        // tokens of audio read
	CachedAudio                       // tokens of audio read from the cache
	ImageInput                        // tokens of images read
	Output                            // tokens generated that no other component counts
	Reasoning                         // tokens of reasoning
	Thinking                          // all text generated, where it was reasoned for: instead of Output and Reasoning
	AudioOutput                       // tokens of audio generated
	ImageOutput                       // tokens of images generated
	VideoOutput                       // tokens of video generated
	Citation                          // tokens of sources cited (Perplexity)
	Character                         // characters read, for speech
	CharacterOutput                   // characters generated
	Pixel                             // pixels generated
	Request                           // a request
	Search                            // a search run by the provider, or a unit of a reranker
	SearchLow                         // a search that brings little context
	SearchMedium                      // a search that brings some context
	SearchHigh                        // a search that brings much context
	Grounding                         // a request that searched, however often
	Fetch                             // a page fetched by the provider
	Image                             // an image generated
	ImageRead                         // an image read
	Second                            // a second of audio heard
	SecondOutput                      // a second of audio generated
	VideoSecond                       // a second of video generated
	VideoSecondInput                  // a second of video seen
	Page                              // a page read
	AnnotatedPage                     // a page read with annotations
	Session                           // a session of a code interpreter
	components
)

// component describes one component.
type component struct {
	name   string
	apiece bool      // priced apiece, not per million
	milli  bool      // counted in thousandths
	wider  Component // whose price is taken where this one has none; itself = nobody's
	kin    Component // whose price changes alike
	means  string    // what it charges for, for the reference
}

// about is in the order of the constants. Where a price is not stated the one it falls back to is that of the wider
// class: who states one price for what a model reads or writes charges it for all of it. A write to the cache for an
// hour falls back to one for minutes first.
var about = [components]component{
	Input:            {name: "input", wider: Input, kin: Input, means: "tokens read that no other component counts"},
	Cached:           {name: "cached", wider: Input, kin: Input, means: "tokens read from the provider's cache"},
	CacheWrite:       {name: "cache_write", wider: Input, kin: Input, means: "tokens written to it, to stay for minutes"},
	CacheWrite1h:     {name: "cache_write_1h", wider: CacheWrite, kin: Input, means: "tokens written to it, to stay for an hour"},
	AudioInput:       {name: "audio_input", wider: Input, kin: Input, means: "tokens of audio read"},
	CachedAudio:      {name: "cached_audio", wider: CachedAudio, kin: Cached, means: "tokens of audio read from the cache"},
	ImageInput:       {name: "image_input", wider: Input, kin: Input, means: "tokens of images read"},
	Output:           {name: "output", wider: Output, kin: Output, means: "tokens generated that no other component counts"},
	Reasoning:        {name: "reasoning", wider: Output, kin: Output, means: "tokens of reasoning"},
	Thinking:         {name: "thinking", wider: Thinking, kin: Output, means: "all text generated, where it was reasoned for: instead of Output and Reasoning"},
	AudioOutput:      {name: "audio_output", wider: Output, kin: Output, means: "tokens of audio generated"},
	ImageOutput:      {name: "image_output", wider: Output, kin: Output, means: "tokens of images generated"},
	VideoOutput:      {name: "video_output", wider: Output, kin: Output, means: "tokens of video generated"},
	Citation:         {name: "citation", wider: Citation, means: "tokens of sources cited (Perplexity)"},
	Character:        {name: "character", wider: Character, means: "characters read, for speech"},
	CharacterOutput:  {name: "character_output", wider: CharacterOutput, means: "characters generated"},
	Pixel:            {name: "pixel", wider: Pixel, means: "pixels generated"},
	Request:          {name: "request", apiece: true, wider: Request, means: "a request"},
	Search:           {name: "search", apiece: true, wider: Search, means: "a search run by the provider, or a unit of a reranker"},
	SearchLow:        {name: "search_low", apiece: true, wider: Search, means: "a search that brings little context"},
	SearchMedium:     {name: "search_medium", apiece: true, wider: Search, means: "a search that brings some context"},
	SearchHigh:       {name: "search_high", apiece: true, wider: Search, means: "a search that brings much context"},
	Grounding:        {name: "grounding", apiece: true, wider: Grounding, means: "a request that searched, however often"},
	Fetch:            {name: "fetch", apiece: true, wider: Fetch, means: "a page fetched by the provider"},
	Image:            {name: "image", apiece: true, wider: Image, means: "an image generated"},
	ImageRead:        {name: "image_read", apiece: true, wider: ImageRead, means: "an image read"},
	Second:           {name: "second", apiece: true, milli: true, wider: Second, means: "a second of audio heard"},
	SecondOutput:     {name: "second_output", apiece: true, milli: true, wider: SecondOutput, means: "a second of audio generated"},
	VideoSecond:      {name: "video_second", apiece: true, milli: true, wider: VideoSecond, means: "a second of video generated"},
	VideoSecondInput: {name: "video_second_input", apiece: true, milli: true, wider: VideoSecondInput, means: "a second of video seen"},
	Page:             {name: "page", apiece: true, wider: Page, means: "a page read"},
	AnnotatedPage:    {name: "annotated_page", apiece: true, wider: Page, means: "a page read with annotations"},
	Session:          {name: "session", apiece: true, wider: Session, means: "a session of a code interpreter"},
}

// String returns the component's word.
func (c Component) String() string {
	if c < components {
		return about[c].name
	}
	return "?"
}

// fraction is how many decimals of a dollar a price of the component may have: a price is kept in billionths of a
// dollar per million units.
func (c Component) fraction() int {
	if about[c].apiece {
		return 15
	}
	return 9
}

// parseComponent finds a component by its word.
func parseComponent(word string) (Component, bool) {
	for c := range about {
		if about[c].name == word {
			return Component(c), true
		}
	}
	return 0, false
}

// wordList lists all components, for messages.
func wordList() []string {
	out := make([]string, components)
	for c := range about {
		out[c] = about[c].name
	}
	return out
}

// Word is a component as documents and price files write it.
type Word struct {
	Name   string
	Means  string
	Apiece bool // priced apiece, not per million
}

// Words lists the words of all components.
func Words() []Word {
	out := make([]Word, components)
	for c := range about {
		out[c] = Word{about[c].name, about[c].means, about[c].apiece}
	}
	return out
}

// Set is a set of components.
type Set uint64

// SetOf returns the set of some components.
func SetOf(cs ...Component) Set {
	var s Set
	for _, c := range cs {
		s |= 1 << c
	}
	return s
}

// Has reports whether c is in the set.
func (s Set) Has(c Component) bool { return s>>c&1 != 0 }

// String lists the set's words: "output, image".
func (s Set) String() string {
	var b strings.Builder
	for ; s != 0; s &= s - 1 {
		if b.Len() > 0 {
			b.WriteString(", ")
		}
		b.WriteString(Component(bits.TrailingZeros64(uint64(s))).String())
	}
	return b.String()
}

// Components counted in tokens, by side.
const (
	readTokens    = Set(1<<Input | 1<<Cached | 1<<CacheWrite | 1<<CacheWrite1h | 1<<AudioInput | 1<<CachedAudio | 1<<ImageInput)
	writtenTokens = Set(1<<Output | 1<<Reasoning | 1<<Thinking | 1<<AudioOutput | 1<<ImageOutput | 1<<VideoOutput)
)
