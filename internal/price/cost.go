package price

import (
	"math"
	"strings"
	"time"

	"weir/internal/gateway"
	"weir/internal/llm"
)

// Terms are the circumstances of a usage that its price depends on. The zero value is a plain request.
type Terms struct {
	Tier    string // as asked for, in the provider's word; what the usage says was given goes first
	Region  string // by which the provider charges, in its words: "eu", "us-gov-west-1"; "" = its plain price
	Variant string // what was made, where the price depends on it: "hd/1024x1792", "1080p"
	Search  string // how much context searches bring: "low", "medium", "high"
	Count   Count
}

// Count has what is charged for and is not among the tokens of a usage. Zero means none, or that it was not counted.
type Count struct {
	Requests      int64 // 0 = 1
	Images        int64 // made
	ImagesRead    int64
	Characters    int64 // read, to be spoken
	CharactersOut int64
	Pixels        int64 // made
	Pages         int64 // read, without annotations
	Annotated     int64 // pages read with annotations
	Sessions      int64 // of a code interpreter
	Citations     int64 // tokens of sources cited
	VideoTokens   int64 // of the output
	AudioIn       time.Duration
	AudioOut      time.Duration
	VideoIn       time.Duration
	VideoOut      time.Duration
}

// Item is a line of a cost: so many units of one component at a price.
type Item struct {
	Component Component
	At        Component // whose price was taken: another's where the component has none of its own
	Units     int64     // tokens, characters, pieces; of seconds, thousandths
	Price     int64     // billionths of a dollar per million units
}

// Cost is what a usage costs.
type Cost struct {
	// Amount is the sum of the items, rounded up once. Where Unpriced is not empty it is only what could be priced.
	Amount   gateway.Money
	Items    []Item
	Tier     Tier // whose prices were taken
	Supposed Supposed
	Unpriced Set  // what was had and has no price, or what the model is priced by and nobody counted
	NoPrice  bool // nothing is known of what the model costs, or of what was had
	Full     bool // more than Money holds: Amount is its largest
}

// Known reports whether Amount is the whole cost.
func (c *Cost) Known() bool { return c.Unpriced == 0 && !c.NoPrice }

// Why says in words why the amount is not the whole cost; "" if it is.
func (c *Cost) Why() string {
	switch {
	case c.NoPrice && c.Unpriced != 0:
		return "priced by " + c.Unpriced.String() + ", and nothing of that was counted"
	case c.NoPrice:
		return "no price is known, or no usage"
	case c.Unpriced != 0:
		return "no price is known of " + c.Unpriced.String()
	}
	return ""
}

// Cost prices a usage. The items are appended to a slice of the caller's, which may be nil; nothing else allocates.
//
// What llm.Usage includes in what is taken apart, and each token is charged once:
//
//   - Of the input the parts with a price of their own are cache reads, cache writes, audio and images; the rest is
//     Input. Writes for an hour are counted apart from those for minutes. A part without a price costs what the wider
//     class costs: cached what input costs, a write for an hour what one for minutes costs. Tokens that must be in two
//     parts, because the parts exceed the input, are cached audio if that has a price, else they count as what is not
//     cached, which is dearer.
//   - Of the output, reasoning, audio and images have their own, else the output's price. Where Thinking has a price,
//     it is that of all text of an answer that was reasoned for.
//   - A stated total that exceeds input and output is output. Units that Cohere says it bills go before tokens. If
//     there are rounds, the bill is their sum, each in the band of its own length.
//   - What can be counted in tokens and in pieces or seconds is charged in tokens if they are stated and priced.
//
// Parts with a negative count have none. Amounts only grow with what is used, up to the largest Money.
func (p *Price) Cost(u *llm.Usage, t *Terms, items []Item) Cost {
	c := Cost{Items: items}
	if p == nil || u == nil {
		c.NoPrice = true
		return c
	}
	if t == nil {
		t = &plain
	}
	word := t.Tier
	if u.Tier != "" {
		word = u.Tier
	}
	tier, known := ParseTier(word)
	if !known {
		c.Supposed |= SupposedTier
	}
	if asked, _ := ParseTier(t.Tier); asked == Fast && tier == Standard {
		tier = Fast // what the usage calls standard is whose capacity served, not how fast
	}
	c.Tier = tier
	if p.Facts.Free {
		return c
	}
	b := bill{
		Cost: c, begin: len(items), film: max(t.Count.VideoTokens, 0),
		query: condition{tier: tier, region: t.Region, variant: t.Variant},
	}
	b.tokens(p, u, t)
	b.pieces(p, u, t)
	b.end(p, u)
	return b.Cost
}

var plain Terms

// Stated returns what the provider itself says the usage costs, exact and rounded up to a billionth of a dollar. ok is
// false if it says nothing that is an amount.
func Stated(u *llm.Usage) (amount gateway.Money, ok bool) {
	if u == nil || u.Cost == "" {
		return 0, false
	}
	text, up := decimal(string(u.Cost))
	v, err := parseAmount(text, 9)
	if err != nil {
		return 0, false
	}
	if up && v < math.MaxInt64 {
		v++
	}
	return gateway.Money(v), true
}

// decimal writes a number that may have an exponent without one, with at most nine decimals; up says that there were
// more, not all zero. What is no number or an absurd one becomes "".
func decimal(num string) (text string, up bool) {
	mantissa, exponent, has := strings.Cut(strings.ToLower(num), "e")
	shift := 0
	if has {
		negative := strings.HasPrefix(exponent, "-")
		exponent = strings.TrimLeft(exponent, "+-")
		if exponent == "" || len(exponent) > 2 || !digits(exponent) {
			return "", false
		}
		for i := range len(exponent) {
			shift = shift*10 + int(exponent[i]-'0')
		}
		if negative {
			shift = -shift
		}
	}
	whole, part, _ := strings.Cut(mantissa, ".")
	if whole == "" || !digits(whole) || !digits(part) || len(whole)+len(part) > 64 {
		return "", false
	}
	all := strings.Repeat("0", max(0, -shift)) + whole + part + strings.Repeat("0", max(0, shift))
	point := max(0, -shift) + len(whole) + shift
	whole, part = all[:point], all[point:]
	if len(part) > 9 {
		up = strings.Trim(part[9:], "0") != ""
		part = part[:9]
	}
	if part == "" {
		return whole, up
	}
	return whole + "." + part, up
}
