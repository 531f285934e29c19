package statement

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
	"time"

	"weir/internal/gateway"
	"weir/internal/rawjson"
)

// Slice is what a node holds of a budget's window beyond what is booked that it spent.
type Slice struct {
	Budget  string
	Pot     *gateway.Pot
	Window  int64
	Claimed gateway.Money
	Spent   gateway.Money // by that node, as the books have it
}

// Held is what would come back.
func (s *Slice) Held() gateway.Money { return s.Claimed - s.Spent }

// Slices lists what a node holds of budgets in their present windows. Of a budget with a pot for each value it looks at
// those that something is booked of.
func Slices(ctx context.Context, books gateway.Books, shares gateway.Shares, budgets []Budget, node string, now time.Time) ([]Slice, error) {
	since := now
	for i := range budgets {
		if s := budgets[i].Window.Since(now); s.Before(since) {
			since = s
		}
	}
	booked := map[gateway.Charge]gateway.Money{}
	names := map[string]bool{}
	for s, err := range books.Spent(ctx, since) {
		if err != nil {
			return nil, err
		}
		names[s.Pot] = true
		if s.Node == node {
			booked[s.Charge] += s.Spent
		}
	}
	var out []Slice
	for i := range budgets {
		b := &budgets[i]
		pots := []string{b.Pot}
		if b.Each {
			pots = nil
			for name := range names {
				if strings.HasPrefix(name, b.Pot+"/") {
					pots = append(pots, name)
				}
			}
		}
		for _, name := range pots {
			pot := &gateway.Pot{Name: name, Kind: gateway.Purse, Unit: gateway.Spend, Amount: int64(b.Amount), Window: b.Window}
			for _, window := range windows(b.Window, now) {
				claims, err := shares.Claims(ctx, name, window)
				if err != nil {
					return nil, err
				}
				s := Slice{Budget: b.Name, Pot: pot, Window: window, Claimed: gateway.Money(claims[node]), Spent: booked[gateway.Charge{Pot: name, Window: window}]}
				if s.Held() > 0 {
					out = append(out, s)
				}
			}
		}
	}
	return out, nil
}

// windows lists the present window, or of a rolling one the slots that count.
func windows(w gateway.Window, now time.Time) []int64 {
	slot := w.Slot()
	if slot == 0 {
		return []int64{w.Begin(now).Unix()}
	}
	var out []int64
	for at := w.Since(now); !at.After(now); at = at.Add(slot) {
		out = append(out, at.Unix())
	}
	return out
}

// Release gives back what a node holds that will not spend it any more: its claims become what is booked of it. An entry
// without an amount says who did so, and why.
func Release(ctx context.Context, books gateway.Books, shares gateway.Shares, slices []Slice, node, who string, now time.Time) error {
	var entries []gateway.Entry
	for i := range slices {
		s := &slices[i]
		c := gateway.Claim{Pot: s.Pot, Window: s.Window, Seq: now.UnixMicro(), Total: int64(s.Spent), Ends: s.Pot.Window.End(time.Unix(s.Window, 0))}
		granted, err := shares.Claim(ctx, node, []gateway.Claim{c})
		if err != nil {
			return err
		}
		if len(granted) != 1 || granted[0].N != int64(s.Spent) {
			return fmt.Errorf("budget %s: %s claims again: it is not lost", s.Budget, node)
		}
		var id [16]byte
		_, _ = rand.Read(id[:]) // it never fails
		id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
		text := hex.EncodeToString(id[:])
		entries = append(entries, gateway.Entry{
			ID: text[:8] + "-" + text[8:12] + "-" + text[12:16] + "-" + text[16:20] + "-" + text[20:],
			At: now, Ended: now, State: gateway.EntryCorrected, Payer: gateway.House,
			Reason: who + " released " + s.Held().String() + " that " + node + " held of " + s.Pot.Name,
		})
	}
	_, err := books.Append(ctx, entries)
	return err
}

// SliceTable writes slices.
func SliceTable(w io.Writer, slices []Slice) error {
	t := NewTable([]string{"BUDGET", "WINDOW FROM", "CLAIMED", "BOOKED", "HELD"}, []Side{Left, Left, Point, Point, Point})
	var all gateway.Money
	for i := range slices {
		s := &slices[i]
		all += s.Held()
		t.Row(Printable(strings.TrimPrefix(s.Pot.Name, "budget/")), time.Unix(s.Window, 0).UTC().Format("2006-01-02 15:04"), Dollars(s.Claimed), Dollars(s.Spent), Dollars(s.Held()))
	}
	t.Rule()
	t.Row("total", "", "", "", Dollars(all))
	return t.Write(w)
}

// SliceJSON writes {"slices":[{budget,window,claimed_usd,booked_usd,held_usd}],"released":…}.
func SliceJSON(w io.Writer, slices []Slice, released bool) error {
	var j rawjson.Writer
	j.Open('{').Name("slices").Open('[')
	for i := range slices {
		s := &slices[i]
		j.Open('{').Name("budget").String(strings.TrimPrefix(s.Pot.Name, "budget/")).Name("window").String(time.Unix(s.Window, 0).UTC().Format(time.RFC3339)).
			Name("claimed_usd").Num(Decimal(s.Claimed)).Name("booked_usd").Num(Decimal(s.Spent)).Name("held_usd").Num(Decimal(s.Held())).Close('}')
	}
	j.Close(']').Name("released").Bool(released).Close('}')
	_, err := w.Write(append(j.Buf, '\n'))
	return err
}
