package engine

import (
	"bytes"

	"weir/internal/gateway"
	"weir/internal/llm"
	"weir/internal/price"
	"weir/internal/rawjson"
	"weir/internal/tokens"
)

// What an attempt can come to at most is told before it is sent, from the body that goes up: a token is at least one
// byte, and a request without media, tools and references holds nothing but its bytes. Any other is decoded and looked at
// by tokens.Bound. Where nothing bounds it, that is said, and the policies decide.

const (
	turnMost   = 16 // tokens that a provider may put around each turn, beyond the bytes around it
	outputMore = 16 // tokens that providers were seen to write beyond a limit, or are at least billed for
)

// beyond are the members of any dialect that may stand for more than their bytes: media, tools, and what is kept
// elsewhere.
var beyond = rawjson.Look(
	"tools", "functions", "image_url", "image", "images", "input_audio", "audio", "video", "video_url", "file", "file_id", "file_url",
	"inlineData", "inline_data", "fileData", "document", "documents", "source", "plugins", "web_search_options", "search_parameters",
	"search_settings", "modalities", "mcp_servers", "container", "cachedContent", "prompt_cache_retention", "previous_response_id", "conversation",
	"toolConfig", "response_format", "format", "responseSchema", "responseJsonSchema", "additionalModelRequestFields", "guardrailConfig", "data_sources", "knowledge",
)

// cacheHour is the member that asks for a cache that stays for an hour.
var cacheHour = []byte(`"ttl"`)

// need is the most that the attempt can come to. It is exact about what it cannot bound only where a policy asks.
func (c *call) need(t *try) gateway.Need {
	x := c.x
	n := gateway.Need{Target: t.a.Target, Answers: max(x.Head.N, 1)}
	m := price.Most{Terms: price.Terms{}}
	p := c.basis.price
	n.Input = int64(len(t.call.Body)) + tokens.Around(t.a.Target.Model)
	if t.more != nil {
		for i := range t.more {
			n.Input += int64(len(t.more[i].Body))
		}
	}
	if p != nil {
		m.Terms = c.terms(p, &nothing)
	}
	switch x.Op {
	case llm.OpRealtime:
		c.needSession(t, &n)
	case llm.OpChat, llm.OpCompact, llm.OpInvoke:
		c.needChat(t, &n, &m)
	case llm.OpEmbeddings:
		m.Terms.Count.ImagesRead = max(m.Terms.Count.ImagesRead, c.basis.images)
	case llm.OpRerank:
		m.Searches = 1 + int64(len(t.call.Body))/400 // a unit is a hundred documents, and each has some bytes around it
	case llm.OpImage, llm.OpImageEdit:
		m.Terms.Count.Images = n.Answers
		if p != nil && c.made.Images == 0 {
			m.Terms.Variant = c.variant(p)
		}
		c.needOutput(t, &n)
		if p != nil && p.Components().Has(price.Image) && !p.Components().Has(price.ImageOutput) {
			n.Unbounded = ""
		}
	case llm.OpTranscription:
		m.Terms.Count.AudioIn = c.basis.heard
		if c.basis.heard == 0 && p != nil && p.Components().Has(price.Second) {
			n.Unbounded = "how long the sound lasts cannot be told"
		}
		if p != nil && p.Components().Has(price.Output) {
			c.needOutput(t, &n)
		}
	case llm.OpSpeech:
		if p != nil && (p.Components().Has(price.SecondOutput) || p.Components().Has(price.AudioOutput)) {
			n.Unbounded = "how long the sound will last cannot be told"
		}
	case llm.OpOCR:
		n.Unbounded = "how many pages the document has cannot be told"
	}
	m.Input, m.Output = n.Input, n.Output
	if p == nil {
		_, n.Unpriced = c.priceOf(t.a.Target)
		return n
	}
	cost := p.Bound(&m)
	n.Cost, n.Unpriced, n.Free = cost.Amount, cost.Why(), p.Facts.Free
	if n.Output > 0 {
		more := m
		more.Output += million
		n.PerToken = int64(p.Bound(&more).Amount - cost.Amount)
	}
	return n
}

const million = 1_000_000

// needChat bounds a conversation.
func (c *call) needChat(t *try, n *gateway.Need, m *price.Most) {
	c.needOutput(t, n)
	body := t.call.Body
	if len(c.s.Holders) == 0 {
		return // nobody refuses by it: what is held is what its bytes can be
	}
	if c.th != nil && c.th.pinned != "" {
		n.Unbounded = "its provider keeps what it goes on from, and how long that is cannot be told"
		return
	}
	if _, at := beyond.Find(body, 0); at == 0 && !kept(t.up.Name(), body) {
		turns := bytes.Count(body, []byte(`"role"`)) + bytes.Count(body, []byte(`"parts"`))
		n.Input += int64(turnMost * turns)
		m.May = price.SetOf(price.CacheWrite)
		if bytes.Contains(body, cacheHour) {
			m.May |= price.SetOf(price.CacheWrite1h)
		}
		if tokens.Runs(t.a.Target.Model) {
			n.Unbounded = unbounded(tokens.UnseenServer)
		}
		return
	}
	req := c.request
	if req == nil {
		req = c.decoded()
	}
	if req == nil {
		n.Unbounded = "what it says cannot be told"
		return
	}
	most := tokens.Bound(t.a.Target.Model, req)
	n.Input = most.Tokens
	if most.Unbounded != 0 {
		n.Unbounded = unbounded(most.Unbounded)
	}
	if len(req.Modalities) == 0 && !most.Media {
		m.May = price.SetOf(price.CacheWrite)
		if bytes.Contains(body, cacheHour) {
			m.May |= price.SetOf(price.CacheWrite1h)
		}
	}
}

// needOutput bounds what is generated, by the lowest limit that is known.
func (c *call) needOutput(t *try, n *gateway.Need) {
	per := least(c.x.Head.MaxOutput, c.x.Plan.MaxOutput)
	if t.place.Facts != nil {
		per = least(per, t.place.Facts(t.a.Target.Model).MaxOutput)
	}
	if p := c.basis.price; p != nil {
		per = least(per, p.Facts.MaxOutput)
	}
	if per > 0 {
		per = min(per, 1<<40) + outputMore
		n.Beyond = outputMore
	}
	n.Output = per * n.Answers
	if per == 0 {
		n.Unbounded = "how long the answer may become is not known; state a limit in the request, or as max_output of the model"
	}
	if per > 0 && n.Output/per != n.Answers { // more than there are numbers for
		n.Output = 1 << 62
	}
}

// kept reports whether a body names a prompt that its provider keeps.
func kept(d llm.Dialect, body []byte) bool {
	return d == llm.OpenAIResponses && rawjson.Kind(named(body, "prompt")) == '{'
}

// least returns the lower of two limits of which 0 is none.
func least(a, b int64) int64 {
	if a == 0 || b > 0 && b < a {
		return b
	}
	return a
}

// unbounded says in words what has no bound.
func unbounded(u tokens.Unseen) string {
	switch {
	case u&tokens.UnseenServer != 0:
		return "its provider runs tools for it, and what they bring cannot be told"
	case u&tokens.UnseenKept != 0:
		return "it goes on from what its provider keeps, and how long that is cannot be told"
	case u&tokens.UnseenMedia != 0:
		return "it holds sound, film or documents whose length cannot be told"
	default:
		return "it holds something that only its provider understands"
	}
}
