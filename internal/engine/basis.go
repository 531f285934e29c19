package engine

import (
	"bytes"
	"strconv"
	"time"
	"unicode/utf8"

	"weir/internal/dialect"
	"weir/internal/form"
	"weir/internal/gateway"
	"weir/internal/llm"
	"weir/internal/price"
	"weir/internal/rawjson"
	"weir/internal/sound"
)

// basis is what the request of an attempt says that its price depends on, in the provider's words. It is read off the
// body that is sent, whoever wrote it.
type basis struct {
	price         *price.Price // of the target
	target        gateway.Target
	tier, region  string
	search        string // how much context searches bring
	size, quality string // of images
	characters    int64  // to be spoken
	images        int64  // to be read
	heard         time.Duration
	spoken        *sound.Meter // of the answer's sound, where that is priced by its length
}

// weigh reads what the price of the target depends on, and nothing where it depends on nothing. A name that is not in the
// body at all is not looked for further.
func (c *call) weigh(t *try) {
	c.basis, c.made = basis{target: t.a.Target}, dialect.Made{}
	if !c.charged() {
		return
	}
	p, _ := c.priceOf(t.a.Target)
	c.basis.price = p
	asks, body := p.Asks(), t.call.Body
	if asks.Tier || asks.Region {
		c.basis.service(t.up.Name(), body)
	}
	if asks.Of&(1<<price.SearchLow|1<<price.SearchMedium|1<<price.SearchHigh) != 0 {
		c.basis.searches(t.up.Name(), body)
	}
	switch c.x.Op {
	case llm.OpImage, llm.OpImageEdit:
		if asks.Variant {
			c.basis.size, c.basis.quality = c.drawn(t)
		}
	case llm.OpSpeech:
		if asks.Of.Has(price.Character) {
			c.basis.characters = int64(utf8.RuneCountInString(rawjson.Text(rawjson.Get(body, "input"))))
		}
		if asks.Of.Has(price.SecondOutput) {
			c.basis.spoken = &sound.Meter{}
			if rawjson.Text(rawjson.Get(body, "response_format")) == "pcm" {
				c.basis.spoken.Rate = pcmRate
			}
		}
	case llm.OpTranscription:
		if asks.Of.Has(price.Second) {
			c.basis.heard = heardIn(body, c.r.Header.Get("Content-Type"))
		}
	case llm.OpEmbeddings, llm.OpInvoke:
		if asks.Of.Has(price.ImageRead) {
			c.basis.images = c.pictures(t)
		}
	}
}

// heardIn returns how long the sound is that a form brings, 0 where that is not known.
func heardIn(body []byte, contentType string) time.Duration {
	boundary, err := form.Boundary(contentType)
	if err != nil {
		return 0
	}
	at, err := form.File(body, boundary, "file")
	if err != nil {
		return 0
	}
	var m sound.Meter
	_, _ = m.Write(body[at.Start:at.End])
	d, _ := m.Duration()
	return d
}

// pcmRate is how many bytes a second of OpenAI's speech has as samples alone: 24 kHz of 16 bits.
const pcmRate = 48000

// tiers are the names under which a dialect asks for a tier of service.
var tiers = map[llm.Dialect]string{
	llm.OpenAIChat: "service_tier", llm.OpenAIResponses: "service_tier", llm.OpenAICompletions: "service_tier",
	llm.AnthropicMessages: "service_tier", llm.GeminiGenerate: "serviceTier", llm.BedrockConverse: "serviceTier",
}

// service reads the tier of service and, of Anthropic's, the speed and the region.
func (a *basis) service(d llm.Dialect, body []byte) {
	if name := tiers[d]; name != "" {
		v := named(body, name)
		if d == llm.BedrockConverse {
			v = rawjson.Get(v, "type")
		}
		a.tier = dialect.TierWord(v)
	}
	if d != llm.AnthropicMessages {
		return
	}
	if speed := dialect.TierWord(named(body, "speed")); speed == price.Fast.String() {
		a.tier = speed
	}
	a.region = rawjson.Text(named(body, "inference_geo"))
}

// searches reads how much context the searches of the provider are to bring.
func (a *basis) searches(d llm.Dialect, body []byte) {
	const name = "search_context_size"
	if !bytes.Contains(body, []byte(name)) {
		return
	}
	switch d {
	case llm.OpenAIChat:
		a.search = rawjson.Text(rawjson.Get(body, "web_search_options", name))
	case llm.OpenAIResponses:
		for _, tool := range rawjson.Elems(rawjson.Get(body, "tools")) {
			if v := rawjson.Get(tool, name); v != nil {
				a.search = rawjson.Text(v)
			}
		}
	}
}

// named returns a member of a body, which is not walked where the name is not in it.
func named(body []byte, name string) []byte {
	var room [24]byte
	if !bytes.Contains(body, append(append(append(room[:0], '"'), name...), '"')) {
		return nil
	}
	return rawjson.Get(body, name)
}

// field reads a field of a call that may be a form.
func (c *call) field(t *try, name string) string {
	if ct := c.r.Header.Get("Content-Type"); form.Is(ct) {
		return form.Text(t.call.Body, ct, name)
	}
	return rawjson.Text(rawjson.Get(t.call.Body, name))
}

// drawn returns the size and the quality that images are asked for in. OpenAI's bytes are looked at where they stand; any
// other call is read.
func (c *call) drawn(t *try) (size, quality string) {
	d, ok := t.up.(dialect.Imager)
	if !ok || t.a.Mode == gateway.Passed && t.up.Name() == llm.OpenAIImages {
		return c.field(t, "size"), c.field(t, "quality")
	}
	q, err := d.DecodeImage(t.call)
	if err != nil { // what cannot be read has the plain price
		return "", ""
	}
	if size = q.Size.Word; q.Size.Said() && size == "" {
		w, h := dialect.Filled(q.Size, 16)
		size = strconv.FormatInt(w, 10) + "x" + strconv.FormatInt(h, 10)
	}
	return size, q.Quality
}

// pictures counts the images that a request for embeddings brings.
func (c *call) pictures(t *try) (n int64) {
	if c.x.Op == llm.OpInvoke {
		if rawjson.Kind(rawjson.Get(t.call.Body, "inputImage")) == '"' {
			n++
		}
		return n
	}
	e := c.embed()
	if d, ok := t.up.(dialect.Embedder); ok && e == nil {
		e, _ = d.DecodeEmbed(t.call) // what cannot be read is not counted
	}
	if e == nil {
		return 0
	}
	for i := range e.Inputs {
		for j := range e.Inputs[i].Parts {
			if e.Inputs[i].Parts[j].Kind == llm.PartImage {
				n++
			}
		}
	}
	return n
}
