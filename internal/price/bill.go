package price

import (
	"math/bits"
	"time"

	"weir/internal/gateway"
	"weir/internal/llm"
)

// bill is a cost in the making.
type bill struct {
	Cost
	begin     int // of the items that are this bill's
	query     condition
	sum       sum
	unmatched Set   // what has no price
	film      int64 // tokens of video that are not charged yet
	read      bool  // tokens of input were charged
	heard     bool  // tokens of audio read were charged
	spoken    bool  // tokens of audio generated were
	drawn     bool  // tokens of images generated were
	filmed    bool  // tokens of video generated were
}

// charge adds units of a component at its price, or at that of the class it belongs to.
func (b *bill) charge(r *rates, c Component, units int64) {
	if units <= 0 {
		return
	}
	at := c
	for !r.has.Has(at) {
		if at == about[at].wider {
			b.unmatched |= 1 << c
			return
		}
		at = about[at].wider
	}
	b.sum.add(units, r.price[at], about[c].milli)
	for i := b.begin; i < len(b.Items); i++ { // rounds have much in common
		if it := &b.Items[i]; it.Component == c && it.At == at && it.Price == r.price[at] {
			it.Units = add(it.Units, units)
			return
		}
	}
	b.Items = append(b.Items, Item{c, at, units, r.price[at]})
}

// tokens charges the tokens of one usage, or of the rounds it is made of.
func (b *bill) tokens(p *Price, u *llm.Usage, t *Terms) {
	for i := range u.Rounds {
		b.tokens(p, &u.Rounds[i], t)
	}
	if len(u.Rounds) > 0 {
		return
	}
	in, out := max(u.Input, 0), max(u.Output, 0)
	if both := add(in, out); u.Has(llm.SaidTotal|llm.SaidInput) && u.Total > both {
		out = add(out, u.Total-both)
	}
	reads, writes, hour := max(u.CacheRead, 0), max(u.CacheWrite, 0), max(u.CacheWrite1h, 0)
	heard, seen := max(u.InputAudio, 0), max(u.InputImage, 0)
	if u.Has(llm.SaidBilledInput) {
		in = max(u.BilledInput, 0) // what is billed says nothing of caches
		reads, writes, hour, heard, seen = 0, 0, 0, 0, 0
	}
	if u.Has(llm.SaidBilledOutput) {
		out = max(u.BilledOutput, 0)
	}

	var r rates
	b.query.above = in
	p.resolve(&b.query, &r)
	b.Supposed |= r.supposed

	var cachedAudio int64
	rest := in - add(add(reads, writes), add(heard, seen))
	if over := -rest; over > 0 {
		if r.has.Has(CachedAudio) {
			cachedAudio = min(over, heard, reads)
			heard, reads, over = heard-cachedAudio, reads-cachedAudio, over-cachedAudio
		}
		reads -= min(over, reads, add(heard, seen))
	}
	if r.has&(1<<Input|1<<AudioInput) == 1<<AudioInput && rest > 0 {
		heard, rest = add(heard, rest), 0 // it reads nothing but audio
	}
	hour = min(hour, writes)
	b.charge(&r, Input, rest)
	b.charge(&r, Cached, reads)
	b.charge(&r, CacheWrite, writes-hour)
	b.charge(&r, CacheWrite1h, hour)
	b.charge(&r, AudioInput, heard)
	b.charge(&r, CachedAudio, cachedAudio)
	b.charge(&r, ImageInput, seen)
	b.read, b.heard = b.read || in > 0 && r.has&readTokens != 0, b.heard || heard > 0
	b.written(&r, u, t, out)
}

// written charges what was generated.
func (b *bill) written(r *rates, u *llm.Usage, t *Terms, out int64) {
	spoken := min(max(u.OutputAudio, 0), out)
	drawn := min(max(u.OutputImage, 0), out-spoken)
	thought := min(max(u.Reasoning, 0), out-spoken-drawn)
	var filmed int64
	if r.has.Has(VideoOutput) {
		filmed = min(b.film, out-spoken-drawn-thought)
		b.film -= filmed
	}
	rest := out - spoken - drawn - thought - filmed
	switch only := r.has & (1<<Output | 1<<AudioOutput | 1<<ImageOutput); {
	case only == 1<<ImageOutput, only.Has(ImageOutput) && t.Count.Images > 0 && drawn == 0:
		drawn, rest = drawn+rest, 0 // it draws only, or does not say which tokens are its images'
	case only == 1<<AudioOutput:
		spoken, rest = spoken+rest, 0
	}
	b.drawn, b.spoken, b.filmed = b.drawn || drawn > 0, b.spoken || spoken > 0, b.filmed || filmed > 0
	if thought > 0 && r.has.Has(Thinking) {
		b.charge(r, Thinking, rest+thought)
	} else {
		b.charge(r, Output, rest)
		b.charge(r, Reasoning, thought)
	}
	b.charge(r, AudioOutput, spoken)
	b.charge(r, ImageOutput, drawn)
	b.charge(r, VideoOutput, filmed)
}

// pieces charges what is not in tokens.
func (b *bill) pieces(p *Price, u *llm.Usage, t *Terms) {
	n := &t.Count
	var r rates
	p.resolve(&b.query, &r)
	b.Supposed |= r.supposed

	if r.has.Has(Request) {
		b.charge(&r, Request, max(n.Requests, 1))
	}
	searches, fetches := runs(u)
	searches = max(searches, p.Facts.MinSearches)
	if r.has.Has(Grounding) {
		b.charge(&r, Grounding, min(searches, max(n.Requests, 1)))
	} else {
		b.charge(&r, searchOf(t.Search), searches)
	}
	b.charge(&r, Fetch, fetches)
	b.charge(&r, Session, n.Sessions)

	if r.has&(1<<Image|1<<Pixel) == 1<<Pixel {
		b.piece(&r, Pixel, n.Pixels, b.drawn)
	} else {
		b.piece(&r, Image, n.Images, b.drawn)
	}
	b.piece(&r, Second, milliseconds(n.AudioIn), b.heard)
	b.piece(&r, SecondOutput, milliseconds(n.AudioOut), b.spoken)
	b.piece(&r, VideoSecond, milliseconds(n.VideoOut), b.filmed)
	b.piece(&r, Character, n.Characters, false)
	b.piece(&r, CharacterOutput, n.CharactersOut, false)
	annotated := max(u.AnnotatedPages, 0)
	b.piece(&r, Page, add(max(n.Pages, 0), max(u.Pages-annotated, 0)), b.read)
	b.piece(&r, AnnotatedPage, add(max(n.Annotated, 0), annotated), b.read)
	// These are extras: who has no price for them does not charge for them.
	if r.has.Has(ImageRead) {
		b.charge(&r, ImageRead, n.ImagesRead)
	}
	if r.has.Has(VideoSecondInput) {
		b.charge(&r, VideoSecondInput, milliseconds(n.VideoIn))
	}
	if r.has.Has(Citation) {
		b.charge(&r, Citation, n.Citations)
	}
}

// piece charges what may have been charged in tokens. Where a model has prices of tokens and none of the piece, the
// piece is paid for with them.
func (b *bill) piece(r *rates, c Component, units int64, done bool) {
	tokens := r.has&(readTokens|writtenTokens) != 0
	if own := r.has.Has(c) || r.has.Has(about[c].wider); own && !done || !own && !tokens {
		b.charge(r, c, units)
	}
}

// runs returns how many searches and fetches a usage tells of: its own count, or that of its rounds.
func runs(u *llm.Usage) (searches, fetches int64) {
	searches, fetches = max(u.Searches, 0), max(u.Fetches, 0)
	if searches == 0 && fetches == 0 {
		for i := range u.Rounds {
			s, f := runs(&u.Rounds[i])
			searches, fetches = add(searches, s), add(fetches, f)
		}
	}
	return searches, fetches
}

// end sums up, and sees that nothing is free for want of a price or of a count.
func (b *bill) end(p *Price, u *llm.Usage) {
	b.Unpriced = b.unmatched
	priced := p.Components()
	charged := len(b.Items) > b.begin
	tokens := readTokens | writtenTokens
	if priced&tokens == 0 && charged {
		b.Unpriced &^= tokens // it is not tokens that it is priced by
	}
	switch {
	case priced == 0:
		b.NoPrice, b.Unpriced = true, 0
	case !charged && b.Unpriced == 0 && !(priced&tokens != 0 && said(u)):
		b.NoPrice, b.Unpriced = true, priced
	}
	amount, full := b.sum.money()
	b.Amount, b.Full = gateway.Money(amount), full
}

// said reports whether the usage tells how many tokens there were, be it none.
func said(u *llm.Usage) bool {
	return u.Said&(llm.SaidInput|llm.SaidOutput|llm.SaidTotal|llm.SaidBilledInput|llm.SaidBilledOutput) != 0 || len(u.Rounds) > 0
}

func searchOf(context string) Component {
	switch context {
	case "low":
		return SearchLow
	case "medium":
		return SearchMedium
	case "high":
		return SearchHigh
	}
	return Search
}

// milliseconds rounds a duration up to a thousandth of a second.
func milliseconds(d time.Duration) int64 {
	if d <= 0 {
		return 0
	}
	return int64((d-1)/time.Millisecond) + 1
}

// add returns a+b of two counts, at most the largest.
func add(a, b int64) int64 {
	s, carry := bits.Add64(uint64(a), uint64(b), 0)
	if carry != 0 || s > 1<<63-1 {
		return 1<<63 - 1
	}
	return int64(s)
}
