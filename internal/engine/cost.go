package engine

import (
	"net/http"
	"strings"
	"time"

	"weir/internal/gateway"
	"weir/internal/llm"
	"weir/internal/price"
	"weir/internal/rawjson"
)

// costItems is how many components a usage has at most without memory of its own.
const costItems = 12

// price notes what the answer cost, at the price that was in force when the exchange began. An exchange that used nothing
// costs nothing; one whose price is not known says so, and is never free in silence.
func (c *call) price() {
	x := c.x
	if len(x.Attempts) == 0 || c.s == nil || !c.charged() || x.Op == llm.OpRealtime { // a session is charged while it lasts
		return
	}
	u := x.Usage
	if u == nil {
		if !c.pieces() {
			return
		}
		if u = &nothing; x.Op == llm.OpEmbeddings {
			if counted := c.guess(); counted != nil {
				x.Usage, u = counted, counted
			}
		}
	}
	target := x.Answered()
	if c.s.Places[target.Provider] == nil {
		return
	}
	p, why := c.basis.price, ""
	if p == nil || c.basis.target != target {
		p, why = c.priceOf(target)
	}
	if p == nil {
		x.Unpriced = why
	} else {
		var room [costItems]price.Item
		if n, ok := rawjson.Int(u.Extra["num_search_queries"]); ok && n > 0 && p.Facts.MinSearches == 0 && !u.Has(llm.SaidSearches) {
			own := *u // Perplexity's research is charged by the search, its other answers once
			own.Searches, u = n, &own
		}
		terms := c.terms(p, u)
		cost := p.Cost(u, &terms, room[:0])
		x.Cost, x.Unpriced = cost.Amount, cost.Why()
		c.itemsOf(cost.Items)
		x.Price = p.List().Provider + "/" + p.Model + " of " + p.List().Version
	}
	if x.Unpriced != "" {
		c.stated(target, u)
	}
	x.Alert = x.Unpriced != "" && c.s.Unpriced == AlertUnpriced
}

// nothing is the usage of an answer that states none.
var nothing llm.Usage

// pieces reports whether an answer without a usage has a cost all the same: by what it holds, what it was asked, or
// because each such request has one.
func (c *call) pieces() bool {
	switch c.x.Op {
	case llm.OpChat, llm.OpImage, llm.OpImageEdit, llm.OpSpeech, llm.OpTranscription, llm.OpOCR, llm.OpRerank, llm.OpEmbeddings, llm.OpInvoke:
		return c.x.Status == http.StatusOK
	}
	return false
}

// terms are the circumstances of the answer as far as its price depends on them. What the answer says was given goes
// before what was asked for.
func (c *call) terms(p *price.Price, u *llm.Usage) price.Terms {
	a := &c.basis
	t := price.Terms{Tier: a.tier, Region: c.s.Places[c.x.Answered().Provider].Region, Search: a.search}
	if a.region != "" {
		t.Region = a.region
	}
	for name, v := range u.Extra {
		switch name {
		case "trafficType": // Vertex AI
			t.Tier = traffic(rawjson.Text(v))
		case "speed":
			if word := rawjson.Text(v); word == price.Fast.String() || a.tier == price.Fast.String() {
				t.Tier = word
			}
		case "inference_geo":
			t.Region = rawjson.Text(v)
		case "search_context_size":
			t.Search = rawjson.Text(v)
		case "citation_tokens":
			t.Count.Citations, _ = rawjson.Int(v)
		}
	}
	if t.Count.AudioIn = time.Duration(u.Heard) * time.Millisecond; !u.Has(llm.SaidHeard) {
		t.Count.AudioIn = a.heard
	}
	if a.spoken != nil {
		t.Count.AudioOut, _ = a.spoken.Duration()
	}
	t.Count.Images, t.Count.ImagesRead, t.Count.Characters = c.made.Images, a.images, a.characters
	if c.made.Images > 0 {
		t.Variant = c.variant(p)
	}
	return t
}

// variant names the images that were made as the price lists do: QUALITY/SIZE, or the size alone.
func (c *call) variant(p *price.Price) string {
	size, quality := c.made.Size, c.made.Quality
	if size == "" {
		size = c.basis.size
	}
	if quality == "" {
		quality = c.basis.quality
	}
	if size == "" || size == "auto" {
		size = "1024x1024"
	}
	if quality == "" || quality == "auto" {
		quality = "standard"
	}
	return p.Variant(quality+"/"+size, size)
}

// traffic is the tier of a request in the words of Vertex AI.
func traffic(word string) string {
	return strings.ToLower(strings.TrimPrefix(strings.TrimPrefix(word, "ON_DEMAND"), "_"))
}

// stated takes what the provider itself says the answer cost, where nobody else knows.
func (c *call) stated(target gateway.Target, u *llm.Usage) {
	if facts := c.s.Places[target.Provider].Facts; facts != nil && u.Cost == "" && facts(target.Model).Usage.Has(llm.CostInTicks) {
		own := *u
		own.Said &^= llm.Corrected // of its counts, which is not done again
		llm.CostInTicks.Correct(&own)
		u = &own
	}
	if amount, ok := price.Stated(u); ok {
		c.x.Cost, c.x.Unpriced, c.x.Price = amount, "", bounded(target.String(), 200)+" as its answer states"
	}
}
