package statement

import (
	"cmp"
	"context"
	"io"
	"slices"
	"strings"
	"time"

	"weir/internal/gateway"
	"weir/internal/llm"
	"weir/internal/price"
	"weir/internal/rawjson"
)

// Pricer returns what a provider of the document charges, by its name there; nil where nothing is known. region is that by
// which it charges.
type Pricer func(provider string) (list *price.List, region string)

// Repricing says how entries are priced again.
type Repricing struct {
	From, To time.Time
	Where    map[gateway.Field][]string
	Prices   Pricer
	// AsOf is the time whose prices are taken; zero = that of each entry's admission.
	AsOf time.Time
	Now  time.Time
	Book bool // write the corrections; else only tell
}

// Repriced is what came of it.
type Repriced struct {
	Repricing
	Rows    []RepricedRow // by target, the largest change first
	Total   RepricedRow
	Skipped map[string]int64 // entries that cannot be priced again, by why
	Booked  int              // corrections that were new
}

// RepricedRow is what a repricing says of one target.
type RepricedRow struct {
	Target                    string
	Entries, Changed          int64
	Before, After, Difference gateway.Money
}

// Reprice prices entries again from their usage, as kept. An entry whose price is that of the same list already is not
// looked at: nothing has changed for it. Nothing but costs changes: usage stays as it was stated.
func Reprice(ctx context.Context, books gateway.Books, r Repricing) (*Repriced, error) {
	out := &Repriced{Repricing: r, Skipped: map[string]int64{}}
	rows := map[string]*RepricedRow{}
	w := &writer{ctx: ctx, books: books}
	lists := map[string]listed{}
	err := groups(ctx, books, gateway.EntryQuery{From: r.From, To: r.To, Where: r.Where}, func(group []gateway.Entry) error {
		for _, c := range settled(group) {
			row := rows[c.entry.Target.String()]
			if row == nil {
				row = &RepricedRow{Target: c.entry.Target.String()}
				rows[row.Target] = row
			}
			row.Entries++
			row.Before += c.cost
			cost, name, why := r.priced(&c, lists)
			if why != "" {
				out.Skipped[why]++
				cost = c.cost
			}
			row.After += cost
			if cost == c.cost {
				continue
			}
			row.Changed++
			row.Difference += cost - c.cost
			if !r.Book {
				continue
			}
			e := correction(c.entry, cost-c.cost, c.count, "priced again by "+name, r.Now)
			e.Price = name
			if err := w.add(e); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		err = w.flush()
	}
	out.Booked = w.fresh
	for _, row := range rows {
		out.Rows = append(out.Rows, *row)
		out.Total.Entries, out.Total.Changed = out.Total.Entries+row.Entries, out.Total.Changed+row.Changed
		out.Total.Before, out.Total.After, out.Total.Difference = out.Total.Before+row.Before, out.Total.After+row.After, out.Total.Difference+row.Difference
	}
	slices.SortFunc(out.Rows, func(a, b RepricedRow) int {
		return cmp.Or(cmp.Compare(abs(b.Difference), abs(a.Difference)), cmp.Compare(a.Target, b.Target))
	})
	return out, err
}

func abs(m gateway.Money) gateway.Money {
	if m < 0 {
		return -m
	}
	return m
}

// listed is a provider's list with its region.
type listed struct {
	list   *price.List
	region string
}

// Why an entry is not priced again.
const (
	notPriced  = "they are not charged by usage (from a cache, or with what was held)"
	noUsage    = "no usage is kept of them"
	stated     = "their provider states their cost itself, and no list has a price"
	noList     = "no price is known of their target"
	incomplete = "not all of what they used has a price"
	variants   = "they made images, sound or video, whose price depends on what the entry does not keep"
)

// priced returns what an entry costs now and by whose price; why it cannot be told, where it cannot.
func (r *Repricing) priced(c *corrected, lists map[string]listed) (cost gateway.Money, name, why string) {
	e := c.entry
	switch {
	case e.State == gateway.EntryCached || e.State == gateway.EntryUnknown:
		return 0, "", notPriced
	case e.Usage == nil:
		return 0, "", noUsage
	}
	of, known := lists[e.Target.Provider]
	if !known {
		of.list, of.region = r.Prices(e.Target.Provider)
		lists[e.Target.Provider] = of
	}
	at := e.At
	if !r.AsOf.IsZero() {
		at = r.AsOf
	}
	p := priceOf(of.list, e, at)
	if p == nil || !p.Priced() {
		if strings.HasSuffix(e.Price, "as its answer states") {
			return 0, "", stated
		}
		return 0, "", noList
	}
	name = p.List().Provider + "/" + p.Model + " of " + p.List().Version
	if name == c.price && r.AsOf.IsZero() && e.Unpriced == "" {
		return c.cost, name, ""
	}
	terms, why := termsOf(e, of.region)
	if why != "" {
		return 0, "", why
	}
	u := e.Usage
	if n, ok := rawjson.Int(u.Extra["num_search_queries"]); ok && n > 0 && p.Facts.MinSearches == 0 && !u.Has(llm.SaidSearches) {
		own := *u // as the engine does: Perplexity's research is charged by the search
		own.Searches, u = n, &own
	}
	bill := p.Cost(u, &terms, nil)
	if !bill.Known() {
		return 0, "", incomplete
	}
	return bill.Amount, name, ""
}

func priceOf(list *price.List, e *gateway.Entry, at time.Time) *price.Price {
	for _, model := range []string{e.Target.Model, e.Model} {
		if model == "" {
			continue
		}
		if p, ok := list.Price(model, at); ok {
			return p
		}
	}
	return nil
}

// termsOf tells the circumstances of an entry's usage from what is kept of it.
func termsOf(e *gateway.Entry, region string) (t price.Terms, why string) {
	t.Region = region
	if e.Batch != "" {
		t.Tier = "batch"
	}
	for _, name := range []string{"trafficType", "speed", "inference_geo", "search_context_size", "citation_tokens"} {
		v, ok := e.Usage.Extra[name]
		if !ok {
			continue
		}
		switch name {
		case "trafficType":
			t.Tier = strings.ToLower(strings.TrimPrefix(strings.TrimPrefix(rawjson.Text(v), "ON_DEMAND"), "_"))
		case "speed":
			if word := rawjson.Text(v); word == price.Fast.String() {
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
	t.Count.AudioIn = time.Duration(e.Usage.Heard) * time.Millisecond
	for _, it := range e.Items {
		switch it.Component {
		case price.Character.String():
			t.Count.Characters = it.Units
		case price.ImageRead.String():
			t.Count.ImagesRead = it.Units
		case price.Second.String():
			t.Count.AudioIn = time.Duration(it.Units) * time.Millisecond
		case price.Citation.String():
			t.Count.Citations = it.Units
		case price.Image.String(), price.Pixel.String(), price.SecondOutput.String(), price.VideoSecond.String(), price.VideoSecondInput.String(), price.Session.String():
			return t, variants
		}
	}
	return t, ""
}

// Text writes what a repricing says.
func (r *Repriced) Text(w io.Writer, zone *time.Location) error {
	text := "Priced again, " + Period(r.From, r.To, zone) + " (" + zone.String() + ")\n\n"
	if r.Total.Entries == 0 {
		text += "no entries\n"
		_, err := io.WriteString(w, text)
		return err
	}
	if _, err := io.WriteString(w, text); err != nil {
		return err
	}
	t := NewTable([]string{"TARGET", "ENTRIES", "CHANGED", "BOOKED", "NOW", "DIFFERENCE"}, []Side{Left, Right, Right, Point, Point, Point})
	row := func(n string, r *RepricedRow) {
		t.Row(n, Count(r.Entries), Count(r.Changed), Dollars(r.Before), Dollars(r.After), Dollars(r.Difference))
	}
	for i := range r.Rows {
		row(dash(r.Rows[i].Target), &r.Rows[i])
	}
	t.Rule()
	row("total", &r.Total)
	if err := t.Write(w); err != nil {
		return err
	}
	var skipped strings.Builder
	for i, why := range sortedKeys(r.Skipped) {
		if i == 0 {
			skipped.WriteByte('\n')
		}
		skipped.WriteString("not priced again, for " + why + ": " + Count(r.Skipped[why]) + "\n")
	}
	_, err := io.WriteString(w, skipped.String())
	return err
}

// JSON writes {"rows":[{target,entries,changed,before_usd,after_usd,difference_usd}],"total":{…},"skipped":[{why,entries}],
// "booked":n}.
func (r *Repriced) JSON(w io.Writer) error {
	var j rawjson.Writer
	row := func(r *RepricedRow) {
		j.Name("entries").Int(r.Entries).Name("changed").Int(r.Changed).Name("before_usd").Num(Decimal(r.Before)).
			Name("after_usd").Num(Decimal(r.After)).Name("difference_usd").Num(Decimal(r.Difference)).Close('}')
	}
	j.Open('{').Name("rows").Open('[')
	for i := range r.Rows {
		j.Open('{').Name("target").String(r.Rows[i].Target)
		row(&r.Rows[i])
	}
	j.Close(']').Name("total").Open('{')
	row(&r.Total)
	j.Name("skipped").Open('[')
	for _, why := range sortedKeys(r.Skipped) {
		j.Open('{').Name("why").String(why).Name("entries").Int(r.Skipped[why]).Close('}')
	}
	j.Close(']').Name("booked").Int(int64(r.Booked)).Close('}')
	_, err := w.Write(append(j.Buf, '\n'))
	return err
}

func sortedKeys(m map[string]int64) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
