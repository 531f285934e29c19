// Package price is what models cost: an embedded table of prices and facts, and the arithmetic that makes a cost of a
// usage.
//
// Prices are integers in billionths of a dollar per million units, costs integers in billionths of a dollar; no float
// takes part. A Table has a List per provider, named as the catalog names it; a List finds the Price of a model by its
// exact name, then by what providers put around names (dates, regions, paths), then by globs. A Price has components
// (Input, Cached, Output, Image, Search …) in bands: the plain one and those of a service tier, of long prompts, of a
// region, of a variant. Cost prices one usage; Bound tells the most that a request can cost. What has no price is told
// and never silently free.
//
// The data is text, one file a provider, read when the provider is first asked for. Load reads the same format at run
// time. `go generate` makes the files again from two public collections, LiteLLM's and models.dev's, by the rules in
// rules_test.go, and the tests explain every difference between the two.
package price

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"weir/internal/gateway"
)

//go:generate go test -count=1 -run TestData . -update

// Table has the price list of every provider. It is immutable and safe for concurrent use.
type Table struct{ lists map[string]*lazy }

// List returns a provider's price list; nil if there is none. A nil List knows no price.
func (t *Table) List(provider string) *List {
	if t == nil || t.lists[provider] == nil {
		return nil
	}
	return t.lists[provider].list()
}

// Price returns the price of a provider's model as it is in force at a time.
func (t *Table) Price(provider, model string, at time.Time) (*Price, bool) {
	return t.List(provider).Price(model, at)
}

// Providers lists the providers, sorted.
func (t *Table) Providers() []string {
	out := make([]string, 0, len(t.lists))
	for name := range t.lists {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// With returns a table in which the lists of newer stand in place of those of the same providers.
func (t *Table) With(newer *Table) *Table {
	out := &Table{lists: make(map[string]*lazy, len(t.lists)+len(newer.lists))}
	maps.Copy(out.lists, t.lists)
	maps.Copy(out.lists, newer.lists)
	return out
}

// List is what one provider charges. It is immutable and safe for concurrent use.
type List struct {
	Provider string
	Version  string // of its text: what a cost was calculated by can be told later
	line     int    // of its section in its text
	sources  []Source
	exact    map[string]*model
	globs    []*model // longest first
	models   []*model // in the order of the text
}

// Source is a collection that prices were taken from, as it was on a day.
type Source struct {
	Name string
	Date Date
}

// Sources lists where the prices of the list come from. The first is that of every price which names none.
func (l *List) Sources() []Source { return slices.Clone(l.sources) }

// Price returns the price of a model as it is in force at a time. ok is false if the list does not have the model. A
// model may be known and have no price: its Cost says so.
func (l *List) Price(name string, at time.Time) (*Price, bool) {
	m := l.find(name)
	if m == nil {
		return nil, false
	}
	return m.at(at), true
}

// Later returns the prices of a model that come into force after a time, each with its day, in their order.
func (l *List) Later(name string, after time.Time) []Edition {
	m := l.find(name)
	if m == nil {
		return nil
	}
	var out []Edition
	for i := range m.editions {
		if e := &m.editions[i]; e.from > dateOf(after) {
			out = append(out, Edition{e.from, &e.price})
		}
	}
	return out
}

// Edition is a price and the day it begins on.
type Edition struct {
	From  Date
	Price *Price
}

// Models returns the names in the list, globs among them, each with its price at a time.
func (l *List) Models(at time.Time) []*Price {
	if l == nil {
		return nil
	}
	out := make([]*Price, len(l.models))
	for i, m := range l.models {
		out[i] = m.at(at)
	}
	return out
}

// Price is what one model costs, with the facts known of it. It is immutable and safe for concurrent use.
type Price struct {
	Model string // the list's name for it, which may be less than what was asked for: gpt-5 for gpt-5-2025-08-07
	Facts Facts
	list  *List
	bands []band // the plain one first, if there is one
}

// List returns the list the price stands in, whose Provider and Version belong to any record of a cost.
func (p *Price) List() *List { return p.list }

// Facts are what is known of a model beside its price. Zero means unknown.
type Facts struct {
	Operation   string // what it does, in the table's words: "" = chat; embedding, rerank, image, speech …
	Context     int64  // tokens of input and output together
	MaxInput    int64  // tokens
	MaxOutput   int64  // tokens
	Takes       Modalities
	Gives       Modalities
	Released    Date
	Sunset      Date // it is switched off then
	Deprecated  bool
	MinSearches int64 // each request is charged for at least so many searches
	Free        bool  // it costs nothing, and that is known
}

// Priced reports whether anything is known of what the model costs, be it that it costs nothing.
func (p *Price) Priced() bool { return p.Facts.Free || p.Components() != 0 }

// Components tells what the model is priced by, under any condition.
func (p *Price) Components() Set {
	var s Set
	for i := range p.bands {
		for _, a := range p.bands[i].amounts {
			s |= 1 << a.component
		}
	}
	return s
}

// Per returns the plain price of a component for a million units, as the list states it, and the source it is from. ok
// is false where the list states none.
func (p *Price) Per(c Component) (amount gateway.Money, source Source, ok bool) {
	if len(p.bands) > 0 && p.bands[0].dims == 0 {
		for _, a := range p.bands[0].amounts {
			if a.component == c {
				return gateway.Money(a.price), p.list.sources[a.source], true
			}
		}
	}
	return 0, Source{}, false
}

// Modalities is a set of the kinds of content a model takes or gives.
type Modalities uint8

// The kinds of content.
const (
	Text Modalities = 1 << iota
	Images
	Audio
	Video
	Files
	Vectors
)

var modalityWords = [...]string{"text", "image", "audio", "video", "file", "vector"}

// String lists the kinds: "text+image".
func (m Modalities) String() string {
	var out []string
	for i, word := range modalityWords {
		if m>>i&1 != 0 {
			out = append(out, word)
		}
	}
	return strings.Join(out, "+")
}

func parseModalities(text string) (Modalities, bool) {
	var m Modalities
	for word := range strings.SplitSeq(text, "+") {
		i := slices.Index(modalityWords[:], word)
		if i < 0 || m>>i&1 != 0 {
			return 0, false
		}
		m |= 1 << i
	}
	return m, true
}

// Date is a day, as the number its digits make: 20260806. Zero is no day.
type Date int32

// String returns the day as 2026-08-06, "" for none.
func (d Date) String() string {
	if d == 0 {
		return ""
	}
	return time.Date(int(d/10000), time.Month(d/100%100), int(d%100), 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
}

func dateOf(t time.Time) Date {
	y, m, d := t.UTC().Date()
	return Date(y*10000 + int(m)*100 + d)
}

func parseDate(text string) (Date, bool) {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil || t.Year() < 1 {
		return 0, false
	}
	return dateOf(t), true
}

// model is a model of a list: its prices one after another, by the day each comes into force.
type model struct {
	name     string
	editions []edition // never empty; the first is in force since ever
}

type edition struct {
	from  Date
	price Price
}

// at returns the price in force at a time. The zero time asks for the newest, be it of a day to come.
func (m *model) at(t time.Time) *Price {
	last := len(m.editions) - 1
	if last > 0 && !t.IsZero() {
		day := dateOf(t)
		last, _ = slices.BinarySearchFunc(m.editions, day+1, func(e edition, d Date) int { return cmp.Compare(e.from, d) })
		last--
	}
	return &m.editions[last].price
}
