package statement

import (
	"context"
	"io"
	"iter"
	"slices"
	"strings"
	"time"

	"weir/internal/gateway"
	"weir/internal/rawjson"
)

// EntryTable writes entries as a table, at most so many; more says that there were more.
func EntryTable(w io.Writer, entries iter.Seq2[gateway.Entry, error], zone *time.Location, most int) (shown int, more bool, err error) {
	t := NewTable([]string{"TIME", "ID", "STATE", "TEAM", "KEY", "MODEL", "TARGET", "INPUT", "OUTPUT", "COST", ""},
		[]Side{Left, Left, Left, Left, Left, Left, Left, Right, Right, Point, Left})
	for e, err := range entries {
		if err != nil {
			return shown, false, err
		}
		if shown == most {
			more = true
			break
		}
		shown++
		in, out := e.Tokens()
		note := ""
		switch {
		case e.Corrects != "":
			note = "corrects " + e.Corrects + ": " + e.Reason
		case e.Reason != "":
			note = e.Reason
		case e.Unpriced != "":
			note = "unpriced: " + e.Unpriced
		case e.State == gateway.EntryUnknown:
			note = "charged with what was held"
		}
		t.Row(e.At.In(zone).Format("2006-01-02 15:04:05"), Printable(e.ID), string(e.State), dash(e.Team), dash(e.Key), dash(e.Asked),
			dash(e.Target.String()), Count(in), Count(out), Dollars(e.Cost), Printable(note))
	}
	if shown == 0 {
		return 0, false, nil
	}
	return shown, more, t.Write(w)
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return Printable(s)
}

// EntryLines writes entries as JSON, one a line.
func EntryLines(w io.Writer, entries iter.Seq2[gateway.Entry, error], most int) (shown int, err error) {
	var j rawjson.Writer
	for e, err := range entries {
		if err != nil {
			return shown, err
		}
		if most > 0 && shown == most {
			break
		}
		shown++
		j = rawjson.Writer{Buf: j.Buf[:0]}
		entryJSON(&j, &e)
		if _, err := w.Write(append(j.Buf, '\n')); err != nil {
			return shown, err
		}
	}
	return shown, nil
}

// entryJSON writes an entry. What is not known of it is left out.
func entryJSON(j *rawjson.Writer, e *gateway.Entry) {
	text := func(name, v string) {
		if v != "" {
			j.Name(name).String(v)
		}
	}
	j.Open('{').Name("id").String(e.ID).Name("at").String(stamp(e.At.UTC()))
	if !e.Ended.IsZero() {
		j.Name("ended").String(stamp(e.Ended.UTC()))
	}
	j.Name("state").String(string(e.State))
	if e.Estimated {
		j.Name("estimated").Bool(true)
	}
	text("exchange", e.Exchange)
	if e.Attempt != 0 {
		j.Name("attempt").Int(int64(e.Attempt))
	}
	text("node", e.Node)
	text("revision", e.Revision)
	text("payer", string(e.Payer))
	text("organisation", e.Organisation)
	text("team", e.Team)
	text("project", e.Project)
	text("user", e.User)
	text("key", e.Key)
	text("end_user", e.EndUser)
	text("session", e.Session)
	if len(e.Tags) > 0 {
		j.Name("tags").Open('[')
		for _, tag := range e.Tags {
			j.String(tag)
		}
		j.Close(']')
	}
	text("operation", string(e.Op))
	text("dialect", string(e.Dialect))
	text("spoken", string(e.Spoken))
	text("rule", e.Rule)
	text("model", e.Asked)
	text("target", e.Target.String())
	text("answered_by", e.Model)
	text("upstream_id", e.UpstreamID)
	text("answer_id", e.AnswerID)
	text("batch", e.Batch)
	if e.Usage != nil {
		in, out := e.Tokens()
		j.Name("input_tokens").Int(in).Name("cached_tokens").Int(e.Usage.CacheRead).Name("output_tokens").Int(out)
	}
	if len(e.Items) > 0 {
		j.Name("items").Open('[')
		for _, it := range e.Items {
			j.Open('{').Name("component").String(it.Component)
			text("at", it.At)
			j.Name("units").Int(it.Units).Name("usd_per_million").Num(Decimal(gateway.Money(it.Price))).Close('}')
		}
		j.Close(']')
	}
	j.Name("cost_usd").Num(Decimal(e.Cost))
	if e.Held != 0 {
		j.Name("held_usd").Num(Decimal(e.Held))
	}
	if e.Saved != 0 {
		j.Name("saved_usd").Num(Decimal(e.Saved))
	}
	text("price", e.Price)
	text("unpriced", e.Unpriced)
	if len(e.Charges) > 0 {
		j.Name("charges").Open('[')
		for _, c := range e.Charges {
			j.Open('{').Name("budget").String(strings.TrimPrefix(c.Pot, "budget/")).Name("window").String(time.Unix(c.Window, 0).UTC().Format(time.RFC3339)).Close('}')
		}
		j.Close(']')
	}
	text("corrects", e.Corrects)
	text("reason", e.Reason)
	j.Close('}')
}

// Found looks for entries by an id: an entry's own, else its exchange's. With an entry come its corrections.
func Found(ctx context.Context, books gateway.Books, id string) iter.Seq2[gateway.Entry, error] {
	return func(yield func(gateway.Entry, error) bool) {
		for e, err := range books.Entries(ctx, gateway.EntryQuery{IDs: []string{id}}) {
			if err != nil {
				yield(e, err)
				return
			}
			for c, err := range books.Entries(ctx, gateway.EntryQuery{From: e.At, To: e.At.Add(time.Microsecond)}) {
				if err != nil || c.ID == e.ID || c.Corrects == e.ID {
					if !yield(c, err) || err != nil {
						return
					}
				}
			}
			return
		}
		for e, err := range books.Entries(ctx, gateway.EntryQuery{Exchange: id}) {
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

// groups walks over entries in groups that were admitted at one moment, an entry before its corrections and else by their
// ids: the same groups whatever order the books have within a moment.
func groups(ctx context.Context, books gateway.Books, q gateway.EntryQuery, do func([]gateway.Entry) error) error {
	const most = 1_000_000
	var group []gateway.Entry
	end := func() error {
		if len(group) == 0 {
			return nil
		}
		sortGroup(group)
		err := do(group)
		group = group[:0]
		return err
	}
	for e, err := range books.Entries(ctx, q) {
		if err != nil {
			return err
		}
		if len(group) > 0 && !e.At.Equal(group[0].At) || len(group) == most {
			if err := end(); err != nil {
				return err
			}
		}
		group = append(group, e)
	}
	return end()
}

// sortGroup puts entries before their corrections, and else in the order of their ids.
func sortGroup(group []gateway.Entry) {
	slices.SortFunc(group, func(a, b gateway.Entry) int {
		first, second := a.Corrects != "", b.Corrects != ""
		switch {
		case first == second:
			return strings.Compare(a.ID, b.ID)
		case first:
			return 1
		}
		return -1
	})
}
