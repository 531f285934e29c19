package statement

import (
	"cmp"
	"context"
	"io"
	"math/bits"
	"slices"
	"strings"
	"time"

	"weir/internal/gateway"
	"weir/internal/rawjson"
)

// Budget is a budget of the document, as its entries are charged to it.
type Budget struct {
	Name   string
	Pot    string // what the names of its pots are, or begin with before a slash
	Each   bool   // it has a pot for each value of something
	Amount gateway.Money
	Window gateway.Window
	Length string // the window, in the document's words
	At     string // what happens at its end
}

// BudgetRow is how a budget stands, or what one value has used of it.
type BudgetRow struct {
	Budget
	Value string // of a budget with Each
	Begin time.Time
	Again time.Time // when it begins again; of a rolling window, when what is spent now has left it; zero = never
	Spent gateway.Money
}

// Left is what is left; below nothing where more was spent than there was.
func (r *BudgetRow) Left() gateway.Money { return r.Amount - r.Spent }

// Share is what part of it is spent, in thousandths.
func (r *BudgetRow) Share() int64 {
	if r.Amount <= 0 || r.Spent <= 0 {
		return 0
	}
	hi, lo := bits.Mul64(uint64(r.Spent), 1000)
	if hi >= uint64(r.Amount) {
		return 1<<63 - 1
	}
	q, _ := bits.Div64(hi, lo, uint64(r.Amount))
	return int64(min(q, 1<<63-1))
}

// Budgets tells how budgets stand, in their order; of one with a pot for each value the values that spent most, at most so
// many.
func Budgets(ctx context.Context, books gateway.Books, budgets []Budget, now time.Time, most int) ([]BudgetRow, error) {
	if len(budgets) == 0 {
		return nil, nil
	}
	since := now
	for i := range budgets {
		if s := budgets[i].Window.Since(now); s.Before(since) {
			since = s
		}
	}
	spent := make([]map[string]gateway.Money, len(budgets))
	for s, err := range books.Spent(ctx, since) {
		if err != nil {
			return nil, err
		}
		for i := range budgets {
			b := &budgets[i]
			rest, ok := strings.CutPrefix(s.Pot, b.Pot)
			if !ok || rest != "" && (rest[0] != '/' || !b.Each) || s.Window < b.Window.Since(now).Unix() || s.Window > now.Unix() {
				continue
			}
			if spent[i] == nil {
				spent[i] = map[string]gateway.Money{}
			}
			spent[i][strings.TrimPrefix(rest, "/")] += s.Spent
		}
	}
	var out []BudgetRow
	for i := range budgets {
		b := &budgets[i]
		var rows []BudgetRow
		for value, m := range spent[i] {
			rows = append(rows, BudgetRow{Budget: *b, Value: value, Spent: m})
		}
		if len(rows) == 0 {
			rows = append(rows, BudgetRow{Budget: *b})
		}
		slices.SortFunc(rows, func(a, b BudgetRow) int {
			return cmp.Or(cmp.Compare(b.Spent, a.Spent), cmp.Compare(a.Value, b.Value))
		})
		for _, r := range rows[:min(len(rows), most)] {
			r.Begin, r.Again = b.Window.Since(now), b.Window.End(now)
			out = append(out, r)
		}
	}
	return out, nil
}

// BudgetTable writes how budgets stand.
func BudgetTable(w io.Writer, rows []BudgetRow) error {
	each := slices.ContainsFunc(rows, func(r BudgetRow) bool { return r.Each })
	heads, sides := []string{"BUDGET"}, []Side{Left}
	if each {
		heads, sides = append(heads, "OF"), append(sides, Left)
	}
	heads = append(heads, "WINDOW", "AMOUNT", "SPENT", "LEFT", "SHARE", "AT THE END", "BEGINS AGAIN")
	t := NewTable(heads, append(sides, Left, Point, Point, Point, Right, Left, Left))
	for i := range rows {
		r := &rows[i]
		again := "never"
		switch {
		case r.Window.Every == "" && !r.Again.IsZero():
			again = "bit by bit"
		case !r.Again.IsZero():
			again = r.Again.Format("2006-01-02 15:04 MST")
		}
		cells := []string{Printable(r.Name)}
		if each {
			cells = append(cells, dash(r.Value))
		}
		t.Row(append(cells, r.Length, Dollars(r.Amount), Dollars(r.Spent), Dollars(r.Left()), percent(r.Share()), r.At, again)...)
	}
	return t.Write(w)
}

// percent writes thousandths as a percentage.
func percent(thousandths int64) string {
	return decimalShift(thousandths, 1) + "%"
}

// BudgetJSON writes {"budgets":[{budget,of,window,amount_usd,spent_usd,left_usd,share,at,since,begins_again}]}.
func BudgetJSON(w io.Writer, rows []BudgetRow) error {
	var j rawjson.Writer
	j.Open('{').Name("budgets").Open('[')
	for i := range rows {
		r := &rows[i]
		j.Open('{').Name("budget").String(r.Name)
		if r.Each {
			j.Name("of").String(r.Value)
		}
		j.Name("window").String(r.Length).Name("amount_usd").Num(Decimal(r.Amount)).Name("spent_usd").Num(Decimal(r.Spent)).
			Name("left_usd").Num(Decimal(r.Left())).Name("share").Num(decimalShift(r.Share(), 3)).Name("at").String(r.At).
			Name("since").String(stamp(r.Begin)).Name("begins_again").String(stamp(r.Again)).Close('}')
	}
	j.Close(']').Close('}')
	_, err := w.Write(append(j.Buf, '\n'))
	return err
}
