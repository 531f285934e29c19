package statement

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"slices"
	"strings"
	"time"

	"weir/internal/gateway"
	"weir/internal/rawjson"
)

// Comparison says how a bill and the ledger are compared.
type Comparison struct {
	Bill      *Bill
	Providers []string          // the document's providers that the bill is of
	Renamed   map[string]string // the bill's models → the ledger's, where they differ
	Whole     bool              // by day only
	PPM       int64             // what may differ of a sum, in millionths of it; a cent always may
	Now       time.Time
	Book      bool // resolve entries of which nobody knows what they came to
}

// Verdict is how a bill's sum and the ledger's agree.
type Verdict string

// The verdicts.
const (
	Matches    Verdict = "matches"
	LedgerMore Verdict = "ledger more"
	BillMore   Verdict = "bill more"
	NotOnBill  Verdict = "not on the bill"
	NotInWeir  Verdict = "did not pass Weir"
)

// Compared is a bill beside the ledger.
type Compared struct {
	Comparison
	From, To time.Time
	Rows     []ComparedRow // by day and model
	Counts   map[Verdict]int
	Totals   map[Verdict]gateway.Money // the differences
	Ledger   gateway.Money
	Billed   gateway.Money
	Resolved int64         // entries that the bill tells of
	Changed  gateway.Money // by which they are corrected
	Booked   int           // corrections that were new
}

// ComparedRow is one day of one model.
type ComparedRow struct {
	BillKey
	Ledger, Billed gateway.Money
	Unknown        int64 // entries of the ledger's that are charged with what was held
	Verdict        Verdict
	entries        int64
	billed         bool
}

// Compare compares a bill with the ledger, by day (UTC) and model.
func Compare(ctx context.Context, books gateway.Books, c Comparison) (*Compared, error) {
	if len(c.Bill.Sums) == 0 {
		return nil, errors.New("the bill has no amounts")
	}
	out := &Compared{Comparison: c, Counts: map[Verdict]int{}, Totals: map[Verdict]gateway.Money{}}
	rows := map[BillKey]*ComparedRow{}
	row := func(k BillKey) *ComparedRow {
		if rows[k] == nil {
			rows[k] = &ComparedRow{BillKey: k}
		}
		return rows[k]
	}
	names, words := map[string]string{}, map[string]bool{}
	first, last := "", ""
	for k, m := range c.Bill.Sums {
		if first == "" || k.Day < first {
			first = k.Day
		}
		last = max(last, k.Day)
		r := row(c.key(k.Day, k.Model, true))
		r.Billed, r.billed = r.Billed+m, true
		out.Billed += m
		names[r.Model], words[r.Model] = k.Model, true
	}
	out.From, _ = time.Parse(time.DateOnly, first) // days of the bill are written so
	end, _ := time.Parse(time.DateOnly, last)
	out.To = end.AddDate(0, 0, 1)
	sums, err := books.Spend(ctx, gateway.SpendQuery{
		From: out.From, To: out.To, By: []gateway.Field{gateway.ByDay, gateway.ByTarget}, Most: 1 << 30, Where: c.where(),
	})
	if err != nil {
		return nil, err
	}
	for _, s := range sums {
		if len(s.Values) != 2 || len(s.Values[0]) < 10 {
			continue
		}
		_, model, _ := strings.Cut(s.Values[1], "/")
		r := row(c.key(s.Values[0][:10], model, false))
		r.Ledger += s.Cost
		r.Unknown += s.Unknown
		r.entries += s.Entries
		out.Ledger += s.Cost
		if names[r.Model] == "" {
			names[r.Model] = model
		}
	}
	if c.Book {
		if err := out.resolve(ctx, books, rows, words); err != nil {
			return nil, err
		}
	}
	for _, r := range rows {
		r.Verdict = c.judge(r)
		out.Counts[r.Verdict]++
		out.Totals[r.Verdict] += r.Billed - r.Ledger
		r.Model = names[r.Model]
		out.Rows = append(out.Rows, *r)
	}
	slices.SortFunc(out.Rows, func(a, b ComparedRow) int {
		return cmp.Or(cmp.Compare(a.Day, b.Day), cmp.Compare(a.Model, b.Model))
	})
	return out, nil
}

func (c *Comparison) where() map[gateway.Field][]string {
	return map[gateway.Field][]string{gateway.ByProvider: c.Providers}
}

// key is what a day and a model are compared by.
func (c *Comparison) key(day, model string, billed bool) BillKey {
	switch {
	case c.Whole:
		model = ""
	case billed:
		if to, ok := c.Renamed[model]; ok {
			model = to
		}
		fallthrough
	default:
		model = plainModel(model)
	}
	return BillKey{day, model}
}

// judge says how two sums agree.
func (c *Comparison) judge(r *ComparedRow) Verdict {
	off := r.Billed - r.Ledger
	const cent = gateway.Dollar / 100
	switch {
	case r.billed && r.entries == 0:
		return NotInWeir
	case !r.billed && r.Ledger == 0:
		return Matches
	case abs(off) <= max(cent, abs(r.Billed)/1_000_000*gateway.Money(c.PPM)):
		return Matches
	case !r.billed:
		return NotOnBill
	case off > 0:
		return BillMore
	}
	return LedgerMore
}

// open is what is unknown of a day and a model.
type open struct {
	held, cost gateway.Money // of unknown entries, with their corrections
	to         gateway.Money // what the bill says they came to
	tells      bool
	seen       gateway.Money // held by those that were corrected already
}

// resolve corrects entries of which nobody knows what they came to, where the bill leaves something between nothing and
// what was held for them: that is shared out by what each was held for. The day's sum is the bill's then.
func (c *Compared) resolve(ctx context.Context, books gateway.Books, rows map[BillKey]*ComparedRow, words map[string]bool) error {
	opens := map[BillKey]*open{}
	q := gateway.EntryQuery{From: c.From, To: c.To, Where: c.where()}
	each := func(do func(k BillKey, e *corrected) error) error {
		return groups(ctx, books, q, func(group []gateway.Entry) error {
			for _, e := range settled(group) {
				if e.entry.State != gateway.EntryUnknown {
					continue
				}
				if err := do(c.key(e.entry.At.UTC().Format(time.DateOnly), e.entry.Target.Model, false), &e); err != nil {
					return err
				}
			}
			return nil
		})
	}
	err := each(func(k BillKey, e *corrected) error {
		o := opens[k]
		if o == nil {
			o = &open{}
			opens[k] = o
		}
		o.held += e.entry.Held
		o.cost += e.cost
		return nil
	})
	if err != nil {
		return err
	}
	for k, o := range opens {
		r := rows[k]
		if r == nil {
			continue
		}
		known := r.Ledger - o.cost
		o.to = max(0, r.Billed-known)
		o.tells = o.held > 0 && o.to <= o.held && (r.billed || known == 0 && words[k.Model])
	}
	w := &writer{ctx: ctx, books: books}
	err = each(func(k BillKey, e *corrected) error {
		o := opens[k]
		if o == nil || !o.tells {
			return nil
		}
		before := share(o.to, o.seen, o.held)
		o.seen = min(o.seen+e.entry.Held, o.held)
		own := share(o.to, o.seen, o.held) - before
		c.Resolved++
		if own == e.cost {
			return nil
		}
		c.Changed += own - e.cost
		rows[k].Ledger += own - e.cost
		c.Ledger += own - e.cost
		return w.add(correction(e.entry, own-e.cost, e.count, "reconciled with "+c.Bill.Format, c.Now))
	})
	if err == nil {
		err = w.flush()
	}
	c.Booked = w.fresh
	return err
}

// share returns of × part ÷ whole, rounded down. part is at most whole.
func share(of, part, whole gateway.Money) gateway.Money {
	hi, lo := bits.Mul64(uint64(of), uint64(part))
	q, _ := bits.Div64(hi, lo, uint64(whole))
	return gateway.Money(q)
}

// Text writes the comparison: what differs, or all with every.
func (c *Compared) Text(w io.Writer, every bool) error {
	if _, err := fmt.Fprintf(w, "%s of %s, %s lines, beside the ledger (UTC)\n\n", c.Bill.Format, Period(c.From, c.To, time.UTC), Count(int64(c.Bill.Lines))); err != nil {
		return err
	}
	t := NewTable([]string{"DAY", "MODEL", "BILL", "LEDGER", "DIFFERENCE", "", ""}, []Side{Left, Left, Point, Point, Point, Left, Left})
	listed := 0
	list := func(apart bool) {
		for _, r := range c.Rows {
			if (r.Verdict == NotInWeir) != apart || r.Verdict == Matches && !every {
				continue
			}
			listed++
			note := ""
			if r.Unknown > 0 {
				note = Count(r.Unknown) + " unknown"
			}
			t.Row(r.Day, dash(r.Model), Dollars(r.Billed), Dollars(r.Ledger), Dollars(r.Billed-r.Ledger), string(r.Verdict), note)
		}
	}
	list(false)
	list(true)
	t.Rule()
	t.Row("total", "", Dollars(c.Billed), Dollars(c.Ledger), Dollars(c.Billed-c.Ledger), "", "")
	if err := t.Write(w); err != nil {
		return err
	}
	var text strings.Builder
	text.WriteByte('\n')
	for _, v := range []Verdict{Matches, LedgerMore, BillMore, NotOnBill, NotInWeir} {
		if c.Counts[v] > 0 {
			fmt.Fprintf(&text, "%s: %s, %s\n", v, Count(int64(c.Counts[v])), Dollars(c.Totals[v]))
		}
	}
	_, err := io.WriteString(w, text.String())
	return err
}

// JSON writes {"from","to","rows":[{day,model,billed_usd,ledger_usd,difference_usd,unknown,verdict}],"billed_usd",
// "ledger_usd","resolved","corrected_usd","booked"}.
func (c *Compared) JSON(w io.Writer) error {
	var j rawjson.Writer
	j.Open('{').Name("from").String(stamp(c.From)).Name("to").String(stamp(c.To)).Name("rows").Open('[')
	for _, r := range c.Rows {
		j.Open('{').Name("day").String(r.Day).Name("model").String(r.Model).Name("billed_usd").Num(Decimal(r.Billed)).
			Name("ledger_usd").Num(Decimal(r.Ledger)).Name("difference_usd").Num(Decimal(r.Billed - r.Ledger)).
			Name("unknown").Int(r.Unknown).Name("verdict").String(string(r.Verdict)).Close('}')
	}
	j.Close(']').Name("billed_usd").Num(Decimal(c.Billed)).Name("ledger_usd").Num(Decimal(c.Ledger)).Name("resolved").Int(c.Resolved).
		Name("corrected_usd").Num(Decimal(c.Changed)).Name("booked").Int(int64(c.Booked)).Close('}')
	_, err := w.Write(append(j.Buf, '\n'))
	return err
}
