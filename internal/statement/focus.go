package statement

import (
	"cmp"
	"context"
	"encoding/csv"
	"io"
	"math/bits"
	"slices"
	"strconv"
	"strings"
	"time"

	"weir/internal/gateway"
	"weir/internal/llm"
)

// focusHead are the columns of the export: those that version 1.2 of FOCUS, the FinOps Open Cost and Usage Specification,
// makes mandatory, some that it makes conditional, and our own, whose names begin with x_ as it wants.
var focusHead = []string{
	"BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency", "BillingPeriodEnd", "BillingPeriodStart",
	"ChargeCategory", "ChargeClass", "ChargeDescription", "ChargeFrequency", "ChargePeriodEnd", "ChargePeriodStart",
	"ConsumedQuantity", "ConsumedUnit", "ContractedCost", "ContractedUnitPrice", "EffectiveCost", "InvoiceIssuerName", "ListCost",
	"ListUnitPrice", "PricingCategory", "PricingQuantity", "PricingUnit", "ProviderName", "PublisherName", "RegionId", "ResourceId", "ResourceName",
	"ServiceCategory", "ServiceName", "ServiceSubcategory", "SkuId", "SkuMeter", "SkuPriceId", "SubAccountId", "SubAccountName", "Tags",
	"x_Organisation", "x_Team", "x_Project", "x_User", "x_Key", "x_Model", "x_Operation", "x_Payer",
}

// focusKey is what rows of the export are told apart by within a day.
type focusKey struct {
	gateway.Account
	payer            gateway.Payer
	provider, target string
	asked            string
	op               llm.Op
	component, at    string
	unitPrice        int64
	price            string
	correction       bool
}

// focusSum is what a row sums up.
type focusSum struct {
	units int64
	cost  gateway.Money
}

// Focus writes the ledger of a period as FOCUS 1.2: a row for each day (UTC), account, target and component of the price.
// The rows' sum is that of the entries, to the billionth of a dollar. It returns how many rows there are.
func Focus(ctx context.Context, books gateway.Books, q gateway.EntryQuery, w io.Writer) (rows int64, err error) {
	c := csv.NewWriter(w)
	if err := c.Write(focusHead); err != nil {
		return 0, err
	}
	sums := map[focusKey]*focusSum{}
	var day time.Time
	window := gateway.Window{Every: gateway.Day}
	flush := func() error {
		keys := make([]focusKey, 0, len(sums))
		for k := range sums {
			keys = append(keys, k)
		}
		slices.SortFunc(keys, compareFocus)
		for _, k := range keys {
			if err := c.Write(focusRow(day, &k, sums[k])); err != nil {
				return err
			}
		}
		rows += int64(len(keys))
		clear(sums)
		return nil
	}
	for e, err := range books.Entries(ctx, q) {
		if err != nil {
			return rows, err
		}
		if d := window.Begin(e.At); !d.Equal(day) {
			if err := flush(); err != nil {
				return rows, err
			}
			day = d
		}
		focusAdd(sums, &e)
	}
	if err := flush(); err != nil {
		return rows, err
	}
	c.Flush()
	return rows, c.Error()
}

// focusAdd adds an entry. Its cost was rounded up once, over all its items, so that they are shared out of it: each has
// what it comes to, rounded down, and the dearest what is left.
func focusAdd(sums map[focusKey]*focusSum, e *gateway.Entry) {
	k := focusKey{
		Account: e.Account, payer: e.Payer, provider: e.Target.Provider, target: e.Target.Model, asked: e.Asked, op: e.Op,
		price: e.Price, correction: e.Corrects != "",
	}
	add := func(k focusKey, units int64, cost gateway.Money) {
		s := sums[k]
		if s == nil {
			s = &focusSum{}
			sums[k] = s
		}
		s.units += units
		s.cost += cost
	}
	costs := make([]gateway.Money, len(e.Items))
	left, dearest := e.Cost, -1
	for i, it := range e.Items {
		costs[i] = itemCost(it)
		left -= costs[i]
		if dearest < 0 || costs[i] > costs[dearest] {
			dearest = i
		}
	}
	if dearest < 0 {
		add(k, 0, e.Cost)
		return
	}
	costs[dearest] += left
	for i, it := range e.Items {
		own := k
		own.component, own.at, own.unitPrice = it.Component, it.At, it.Price
		add(own, it.Units, costs[i])
	}
}

// milli reports whether a component is counted in thousandths.
func milli(component string) bool {
	switch component {
	case "second", "second_output", "video_second", "video_second_input":
		return true
	}
	return false
}

// itemCost is what an item comes to, rounded down.
func itemCost(it gateway.EntryItem) gateway.Money {
	if it.Units <= 0 || it.Price <= 0 {
		return 0
	}
	per := uint64(1_000_000)
	if milli(it.Component) {
		per *= 1_000
	}
	hi, lo := bits.Mul64(uint64(it.Units), uint64(it.Price))
	if hi >= per {
		return 0
	}
	v, _ := bits.Div64(hi, lo, per)
	return gateway.Money(v & (1<<63 - 1))
}

func compareFocus(a, b focusKey) int {
	return cmp.Or(
		cmp.Compare(a.Organisation, b.Organisation), cmp.Compare(a.Team, b.Team), cmp.Compare(a.Project, b.Project), cmp.Compare(a.User, b.User), cmp.Compare(a.Key, b.Key),
		cmp.Compare(a.provider, b.provider), cmp.Compare(a.target, b.target), cmp.Compare(a.asked, b.asked), cmp.Compare(a.op, b.op), cmp.Compare(a.component, b.component),
		cmp.Compare(a.at, b.at), cmp.Compare(a.price, b.price), cmp.Compare(a.unitPrice, b.unitPrice), cmp.Compare(a.payer, b.payer), compareBool(a.correction, b.correction),
	)
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// focusRow writes a row. What the ledger has no source for stays empty.
func focusRow(day time.Time, k *focusKey, s *focusSum) []string {
	month := gateway.Window{Every: gateway.Month}
	at := func(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }
	cost, class, quantity, unit, unitPrice, description := Decimal(s.cost), "", "", "", "", ""
	if k.component != "" {
		quantity, unit = focusQuantity(k.component, s.units)
		unitPrice = perUnit(k.unitPrice)
		description = k.component + " of " + k.provider + "/" + k.target
	}
	if k.correction {
		class, description = "Correction", "correction of "+k.provider+"/"+k.target
	}
	if description == "" {
		description = "use of " + k.provider + "/" + k.target
	}
	account := cmp.Or(k.Organisation, "weir")
	service := "Generative AI"
	switch k.op {
	case llm.OpEmbeddings, llm.OpRerank, llm.OpClassify, llm.OpModeration:
		service = "Machine Learning"
	}
	sku := k.provider + "/" + k.target
	return cells(
		cost, account, account, "USD", at(month.End(day)), at(month.Begin(day)),
		"Usage", class, description, "Usage-Based", at(day.AddDate(0, 0, 1)), at(day),
		quantity, unit, cost, unitPrice, cost, "", cost,
		unitPrice, "Standard", quantity, unit, k.provider, k.provider, "", sku, k.target,
		"AI and Machine Learning", k.provider, service, sku, k.component, k.price, k.Team, k.Team, "",
		k.Organisation, k.Team, k.Project, k.User, k.Key, k.asked, string(k.op), string(k.payer),
	)
}

func cells(words ...string) []string {
	for i, w := range words {
		if w != "" && !(w[0] == '-' && len(w) > 1 && digits(w[1:2])) { // a number below nothing is no formula
			words[i] = Cell(w)
		}
	}
	return words
}

// focusQuantity writes how much was used, and of what.
func focusQuantity(component string, units int64) (quantity, unit string) {
	n := strconv.FormatInt(units, 10)
	switch {
	case milli(component):
		return decimalShift(units, 3), "Seconds"
	case strings.HasPrefix(component, "character"):
		return n, "Characters"
	case strings.HasPrefix(component, "search"), component == "grounding", component == "fetch", component == "request":
		return n, "Requests"
	case component == "image" || component == "image_read":
		return n, "Images"
	case component == "pixel":
		return n, "Pixels"
	case component == "page" || component == "annotated_page":
		return n, "Pages"
	case component == "session":
		return n, "Sessions"
	}
	return n, "Tokens"
}

// perUnit writes the price of one unit, exactly: a price is in billionths of a dollar per million.
func perUnit(price int64) string { return decimalShift(price, 15) }

// decimalShift writes n ÷ 10^places as a decimal.
func decimalShift(n int64, places int) string {
	text, sign := strconv.FormatInt(n, 10), ""
	if n < 0 {
		text, sign = text[1:], "-"
	}
	if len(text) <= places {
		text = strings.Repeat("0", places+1-len(text)) + text
	}
	whole, part := text[:len(text)-places], strings.TrimRight(text[len(text)-places:], "0")
	if part == "" {
		return sign + whole
	}
	return sign + whole + "." + part
}
