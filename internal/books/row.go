package books

import (
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"weir/internal/gateway"
	"weir/internal/llm"
)

// Row is an entry as a database keeps it.
type Row struct {
	ID, Exchange                                string
	Attempt                                     int64
	Node, Revision                              string
	At, Ended                                   int64 // nanoseconds since 1970; Ended 0 = unknown
	State                                       string
	Estimated                                   int64 // 0 or 1
	Payer                                       string
	Organisation, Team, Project, User, Key      string
	EndUser, Session, Tags                      string
	Op, Dialect, Spoken, Rule, Asked            string
	Provider, Target                            string
	Answered, UpstreamID, AnswerID, Batch       string
	Usage, Items                                string
	Input, CacheRead, Output, Cost, Held, Saved int64
	Price, Unpriced, Charges, Corrects, Reason  string

	charged []gateway.Charge // what Charges says
}

// Column is a column of the table of entries. Field returns where its value is in a row: a *string or an *int64.
type Column struct {
	Name  string
	Field func(*Row) any
}

// Columns are all columns, in the order of the table.
var Columns = []Column{
	{"id", func(r *Row) any { return &r.ID }},
	{"exchange", func(r *Row) any { return &r.Exchange }},
	{"attempt", func(r *Row) any { return &r.Attempt }},
	{"node", func(r *Row) any { return &r.Node }},
	{"revision", func(r *Row) any { return &r.Revision }},
	{"at", func(r *Row) any { return &r.At }},
	{"ended", func(r *Row) any { return &r.Ended }},
	{"state", func(r *Row) any { return &r.State }},
	{"estimated", func(r *Row) any { return &r.Estimated }},
	{"payer", func(r *Row) any { return &r.Payer }},
	{"organisation", func(r *Row) any { return &r.Organisation }},
	{"team", func(r *Row) any { return &r.Team }},
	{"project", func(r *Row) any { return &r.Project }},
	{"user_name", func(r *Row) any { return &r.User }},
	{"key_name", func(r *Row) any { return &r.Key }},
	{"end_user", func(r *Row) any { return &r.EndUser }},
	{"session", func(r *Row) any { return &r.Session }},
	{"tags", func(r *Row) any { return &r.Tags }},
	{"operation", func(r *Row) any { return &r.Op }},
	{"dialect", func(r *Row) any { return &r.Dialect }},
	{"spoken", func(r *Row) any { return &r.Spoken }},
	{"rule", func(r *Row) any { return &r.Rule }},
	{"asked", func(r *Row) any { return &r.Asked }},
	{"provider", func(r *Row) any { return &r.Provider }},
	{"target", func(r *Row) any { return &r.Target }},
	{"answered", func(r *Row) any { return &r.Answered }},
	{"upstream_id", func(r *Row) any { return &r.UpstreamID }},
	{"answer_id", func(r *Row) any { return &r.AnswerID }},
	{"batch", func(r *Row) any { return &r.Batch }},
	{"usage", func(r *Row) any { return &r.Usage }},
	{"items", func(r *Row) any { return &r.Items }},
	{"input", func(r *Row) any { return &r.Input }},
	{"cache_read", func(r *Row) any { return &r.CacheRead }},
	{"output", func(r *Row) any { return &r.Output }},
	{"cost", func(r *Row) any { return &r.Cost }},
	{"held", func(r *Row) any { return &r.Held }},
	{"saved", func(r *Row) any { return &r.Saved }},
	{"price", func(r *Row) any { return &r.Price }},
	{"unpriced", func(r *Row) any { return &r.Unpriced }},
	{"charges", func(r *Row) any { return &r.Charges }},
	{"corrects", func(r *Row) any { return &r.Corrects }},
	{"reason", func(r *Row) any { return &r.Reason }},
}

// Names returns the names of all columns, with commas between them.
func Names() string {
	var b strings.Builder
	for i, c := range Columns {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(c.Name)
	}
	return b.String()
}

// Fields appends where the values of all columns are to dst.
func (r *Row) Fields(dst []any) []any {
	for _, c := range Columns {
		dst = append(dst, c.Field(r))
	}
	return dst
}

// Rows returns entries as rows, the first of each ID.
func Rows(entries []gateway.Entry) []Row {
	rows := make([]Row, 0, len(entries))
	seen := make(map[string]bool, len(entries))
	for i := range entries {
		if r := Of(&entries[i]); !seen[r.ID] {
			seen[r.ID] = true
			rows = append(rows, r)
		}
	}
	return rows
}

// Of returns an entry as a row.
func Of(e *gateway.Entry) Row {
	input, output := e.Tokens()
	r := Row{
		ID: bound(e.ID), Exchange: bound(e.Exchange), Attempt: int64(e.Attempt), Node: Clean(e.Node), Revision: Clean(e.Revision),
		At: nanos(e.At), Ended: nanos(e.Ended), State: Clean(string(e.State)), Payer: Clean(string(e.Payer)),
		Organisation: Clean(e.Organisation), Team: Clean(e.Team), Project: Clean(e.Project), User: Clean(e.User), Key: Clean(e.Key),
		EndUser: Clean(e.EndUser), Session: Clean(e.Session), Tags: tagsText(e.Tags),
		Op: Clean(string(e.Op)), Dialect: Clean(string(e.Dialect)), Spoken: Clean(string(e.Spoken)), Rule: Clean(e.Rule), Asked: Clean(e.Asked),
		Provider: Clean(e.Target.Provider), Target: Clean(e.Target.Model), Answered: Clean(e.Model),
		UpstreamID: Clean(e.UpstreamID), AnswerID: Clean(e.AnswerID), Batch: bound(e.Batch),
		Usage: usageText(e.Usage), Items: itemsText(e.Items),
		Input: within(input, mostTokens), CacheRead: within(cacheRead(e.Usage), mostTokens), Output: within(output, mostTokens),
		Cost: within(int64(e.Cost), mostMoney), Held: within(int64(e.Held), mostMoney), Saved: within(int64(e.Saved), mostMoney),
		Price: Clean(e.Price), Unpriced: Clean(e.Unpriced), Charges: chargesText(e.Charges), Corrects: Clean(e.Corrects), Reason: Clean(e.Reason),
		charged: e.Charges,
	}
	if e.Estimated {
		r.Estimated = 1
	}
	if r.Cost != int64(e.Cost) && r.Unpriced == "" {
		r.Unpriced = "its cost is beyond what one entry can come to, and kept as the most that is"
	}
	return r
}

// Entry returns what Of was given.
func (r *Row) Entry() (gateway.Entry, error) {
	e := gateway.Entry{
		ID: r.ID, Exchange: r.Exchange, Attempt: int(r.Attempt), Node: r.Node, Revision: r.Revision, At: moment(r.At), Ended: moment(r.Ended),
		State: gateway.EntryState(r.State), Estimated: r.Estimated != 0, Payer: gateway.Payer(r.Payer),
		Account: gateway.Account{Organisation: r.Organisation, Team: r.Team, Project: r.Project, User: r.User, Key: r.Key},
		EndUser: r.EndUser, Session: r.Session, Op: llm.Op(r.Op), Dialect: llm.Dialect(r.Dialect), Spoken: llm.Dialect(r.Spoken),
		Rule: r.Rule, Asked: r.Asked, Target: gateway.Target{Provider: r.Provider, Model: r.Target}, Model: r.Answered,
		UpstreamID: r.UpstreamID, AnswerID: r.AnswerID, Batch: r.Batch,
		Cost: gateway.Money(r.Cost), Held: gateway.Money(r.Held), Saved: gateway.Money(r.Saved), Price: r.Price, Unpriced: r.Unpriced,
		Corrects: r.Corrects, Reason: r.Reason,
	}
	var errs [4]error
	e.Tags, errs[0] = readTags(r.Tags)
	e.Usage, errs[1] = readUsage(r.Usage)
	e.Items, errs[2] = readItems(r.Items)
	e.Charges, errs[3] = readCharges(r.Charges)
	for i, err := range errs {
		if err != nil {
			return e, Asking("entry %s: column %s is damaged: %w", r.ID, [...]string{"tags", "usage", "items", "charges"}[i], err)
		}
	}
	return e, nil
}

func (r *Row) series() Series {
	return Series{
		Organisation: r.Organisation, Team: r.Team, Project: r.Project, User: r.User, Key: r.Key,
		Asked: r.Asked, Provider: r.Provider, Target: r.Target, Op: r.Op, Payer: r.Payer, Node: r.Node,
	}
}

// What one entry counts at most, in sums: a trillion tokens, ten million dollars. A provider may state anything, and sums
// that overflow would keep an hour's entries out of the books for ever. What was stated is in the entry's usage.
const (
	mostTokens = 1_000_000_000_000
	mostMoney  = 10_000_000 * 1_000_000_000
)

func within(n, most int64) int64 { return max(-most, min(n, most)) }

// longest is how many bytes of an indexed text are kept: PostgreSQL refuses to index what is much longer.
const longest = 1024

func bound(s string) string {
	s = Clean(s)
	if len(s) > longest {
		s = Clean(s[:longest])
	}
	return s
}

// Clean makes a text one that every database takes: valid UTF-8 without NUL. Both are replaced by U+FFFD, for an entry
// that a database refuses would never leave the journal.
func Clean(s string) string {
	if utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 {
		return s
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// nanos returns nanoseconds since 1970. What is before or too far after stands at the bound.
func nanos(t time.Time) int64 {
	const last = math.MaxInt64/second - 40*day // so that the next month can still be counted
	switch sec := t.Unix(); {
	case sec < 0:
		return 0
	case sec > last:
		return last * second
	}
	return t.UnixNano()
}

func moment(nanos int64) time.Time {
	if nanos == 0 {
		return time.Time{}
	}
	return time.Unix(0, nanos).UTC()
}

// Values appends the values of all columns to dst.
func (r *Row) Values(dst []any) []any {
	for _, c := range Columns {
		switch v := c.Field(r).(type) {
		case *string:
			dst = append(dst, *v)
		case *int64:
			dst = append(dst, *v)
		}
	}
	return dst
}
