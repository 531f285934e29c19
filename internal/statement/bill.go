package statement

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"weir/internal/gateway"
	"weir/internal/rawjson"
)

// Bill is what a provider says it charges, by day (UTC) and model. It holds sums only, so that a file of any length is
// read in the same memory.
type Bill struct {
	Format string // in words, for messages
	Lines  int
	Sums   map[BillKey]gateway.Money
}

// BillKey is a day and a model, in the bill's words; Model is "" where a line names none.
type BillKey struct {
	Day   string // 2026-10-31
	Model string
}

// mostBillKeys bounds what a file may make of memory.
const mostBillKeys = 200_000

// Columns maps what is needed of a CSV file's columns to their heads, where they are not known: day, model, cost, currency.
type Columns map[string]string

// ParseColumns reads NAME=HEAD.
func ParseColumns(words []string) (Columns, error) {
	out := Columns{}
	for _, word := range words {
		name, head, ok := strings.Cut(word, "=")
		if !ok || head == "" || !slices.Contains([]string{"day", "model", "cost", "currency"}, name) {
			return nil, fmt.Errorf("%q is no column: it is day=HEAD, model=HEAD, cost=HEAD or currency=HEAD", word)
		}
		out[name] = head
	}
	return out, nil
}

// ReadBill reads a bill: CSV with a row of heads, or the JSON of OpenAI's costs and Anthropic's cost report, pages of it
// one after another too.
func ReadBill(r io.Reader, columns Columns) (*Bill, error) {
	in := bufio.NewReaderSize(r, 1<<16)
	if mark, _ := in.Peek(3); bytes.Equal(mark, []byte("\xef\xbb\xbf")) { // spreadsheets mark UTF-8 so
		_, _ = in.Discard(3) // it is there
	}
	b := &Bill{Sums: map[BillKey]gateway.Money{}}
	for {
		c, err := in.Peek(1)
		if err != nil {
			return nil, errors.New("the file is empty")
		}
		switch c[0] {
		case ' ', '\t', '\r', '\n':
			_, _ = in.Discard(1) // it is there
		case '{', '[':
			err = b.readJSON(in)
			return b, err
		default:
			err = b.readCSV(in, columns)
			return b, err
		}
	}
}

// add adds a line.
func (b *Bill) add(day, model string, cost gateway.Money) error {
	k := BillKey{day, strings.TrimSpace(model)}
	if _, known := b.Sums[k]; !known && len(b.Sums) == mostBillKeys {
		return fmt.Errorf("the bill has more than %s days and models", Count(mostBillKeys))
	}
	b.Sums[k] += cost
	b.Lines++
	return nil
}

// heads are how the columns are called in the exports that are known, in lower case, the best first. The first format whose
// day and cost are both there is the file's.
var heads = []struct {
	format string
	day    []string
	model  []string
	cost   []string
	money  []string
}{
	{"a FOCUS export", []string{"chargeperiodstart"}, []string{"x_model", "skumeter", "x_skumetername", "x_usagetype", "resourcename", "chargedescription"}, []string{"effectivecost", "billedcost"}, []string{"billingcurrency"}},
	{"OpenAI's costs", []string{"start_time_iso", "start_time"}, []string{"line_item", "model"}, []string{"amount_value"}, []string{"amount_currency"}},
	{"Anthropic's costs", []string{"usage_date_utc", "usage_date"}, []string{"model"}, []string{"cost_usd"}, []string{"currency"}},
	{"a CSV file", []string{"day", "date", "time", "timestamp"}, []string{"model", "model_name", "model_id", "sku", "line_item"}, []string{"cost", "cost_usd", "amount", "amount_usd", "usd"}, []string{"currency"}},
}

// readCSV reads CSV with a row of heads.
func (b *Bill) readCSV(r io.Reader, own Columns) error {
	c := csv.NewReader(r)
	c.FieldsPerRecord, c.ReuseRecord, c.LazyQuotes = -1, true, true
	row, err := c.Read()
	if err != nil {
		return fmt.Errorf("the row of heads cannot be read: %w", err)
	}
	var names []string
	for _, head := range row {
		names = append(names, strings.ToLower(strings.TrimSpace(head)))
	}
	at, format, err := columnsOf(names, own)
	if err != nil {
		return err
	}
	b.Format = format
	for {
		row, err := c.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		line, _ := c.FieldPos(0)
		cell := func(i int) string {
			if i < 0 || i >= len(row) {
				return ""
			}
			return strings.TrimSpace(row[i])
		}
		cost := cell(at[2])
		if cost == "" {
			continue
		}
		day, err := dayOf(cell(at[0]))
		if err != nil {
			return fmt.Errorf("line %d: %w", line, err)
		}
		if money := cell(at[3]); money != "" && !strings.EqualFold(money, "usd") {
			return fmt.Errorf("line %d: the amount is in %s; the ledger is in dollars", line, Printable(money))
		}
		amount, err := ParseMoney(cost, 0)
		if err != nil {
			return fmt.Errorf("line %d: %q: %w", line, cost, err)
		}
		if err := b.add(day, billModel(cell(at[1])), amount); err != nil {
			return err
		}
	}
}

// columnsOf finds day, model, cost and currency among the heads; -1 = there is none.
func columnsOf(names []string, own Columns) (at [4]int, format string, err error) {
	find := func(known []string, name string) (int, error) {
		if head, ok := own[name]; ok {
			if i := slices.Index(names, strings.ToLower(head)); i >= 0 {
				return i, nil
			}
			return -1, fmt.Errorf("the file has no column %s; it has %s", head, Printable(strings.Join(names, ", ")))
		}
		for _, k := range known {
			if i := slices.Index(names, k); i >= 0 {
				return i, nil
			}
		}
		return -1, nil
	}
	for _, h := range heads {
		for i, what := range []struct {
			known []string
			name  string
		}{{h.day, "day"}, {h.model, "model"}, {h.cost, "cost"}, {h.money, "currency"}} {
			if at[i], err = find(what.known, what.name); err != nil {
				return at, "", err
			}
		}
		if at[0] >= 0 && at[2] >= 0 {
			return at, h.format, nil
		}
	}
	return at, "", fmt.Errorf("which columns are the day and the cost is not known; name them, as in --column day=HEAD --column cost=HEAD --column model=HEAD. The file has %s", Printable(strings.Join(names, ", ")))
}

// dayOf reads the day of a time as bills write them.
func dayOf(text string) (string, error) {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && n > 1e8 && n < 1e11 { // seconds since 1970
		return time.Unix(n, 0).UTC().Format(time.DateOnly), nil
	}
	for _, layout := range []string{
		time.RFC3339Nano, time.DateOnly, time.DateTime, "2006-01-02 15:04:05-07:00", "2006-01-02 15:04:05 MST",
		"2006-01-02T15:04:05", "2006-01-02T15:04Z", "2006-01-02 15:04:05.999999999", "20060102",
	} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC().Format(time.DateOnly), nil
		}
	}
	return "", fmt.Errorf("%q is no day; one is written like 2026-10-31", text)
}

// billModel takes from a line's words what it was for: OpenAI's lines are "gpt-5-2025-08-07, input".
func billModel(line string) string {
	model, _, _ := strings.Cut(line, ",")
	return strings.TrimSpace(model)
}

// readJSON reads pages of JSON: {"data":[{"start_time" or "starting_at", "results":[…]}]}.
func (b *Bill) readJSON(r io.Reader) error {
	const most = 256 << 20
	text, err := io.ReadAll(io.LimitReader(r, most+1))
	if err != nil {
		return err
	}
	if len(text) > most {
		return errors.New("the file is larger than 256 MiB; give it in parts")
	}
	for page := range pages(text) {
		if err := rawjson.Check(page); err != nil {
			return fmt.Errorf("the file is not the JSON it begins as: %w", err)
		}
		if rawjson.Kind(page) == '[' {
			for _, one := range rawjson.Elems(page) {
				if err := b.page(one); err != nil {
					return err
				}
			}
			continue
		}
		if err := b.page(page); err != nil {
			return err
		}
	}
	return nil
}

// pages yields the values of a text that has several, one after another or one a line.
func pages(text []byte) func(func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for len(bytes.TrimSpace(text)) > 0 {
			text = bytes.TrimSpace(text)
			end := valueEnd(text)
			if !yield(text[:end]) {
				return
			}
			text = text[end:]
		}
	}
}

// valueEnd returns where the object or array that a text begins with ends; of one that does not, its whole length.
func valueEnd(text []byte) int {
	depth, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return len(text)
}

// page reads one page.
func (b *Bill) page(page []byte) error {
	buckets := rawjson.Get(page, "data")
	if rawjson.Kind(buckets) != '[' {
		return errors.New("the file is neither OpenAI's costs nor Anthropic's cost report: it has no list \"data\"")
	}
	for _, bucket := range rawjson.Elems(buckets) {
		begin, cents := rawjson.Get(bucket, "start_time"), 0
		b.Format = "OpenAI's costs"
		if begin == nil {
			begin, cents = rawjson.Get(bucket, "starting_at"), -2
			b.Format = "Anthropic's cost report"
		}
		text := rawjson.Text(begin)
		if text == "" {
			text = rawjson.Num(begin)
		}
		day, err := dayOf(text)
		if err != nil {
			return err
		}
		for _, result := range rawjson.Elems(rawjson.Get(bucket, "results")) {
			if err := b.result(day, result, cents); err != nil {
				return fmt.Errorf("%s: %w", day, err)
			}
		}
	}
	return nil
}

// result reads one result of a page. Anthropic's amounts are in cents.
func (b *Bill) result(day string, result []byte, cents int) error {
	amount, money := rawjson.Get(result, "amount"), rawjson.Text(rawjson.Get(result, "currency"))
	if rawjson.Kind(amount) == '{' {
		amount, money = rawjson.Get(amount, "value"), rawjson.Text(rawjson.Get(amount, "currency"))
	}
	text := rawjson.Text(amount)
	if text == "" {
		text = rawjson.Num(amount)
	}
	if money != "" && !strings.EqualFold(money, "usd") {
		return fmt.Errorf("the amount is in %s; the ledger is in dollars", Printable(money))
	}
	cost, err := ParseMoney(text, cents)
	if err != nil {
		return fmt.Errorf("%q: %w", text, err)
	}
	model := rawjson.Text(rawjson.Get(result, "model"))
	if model == "" {
		model = rawjson.Text(rawjson.Get(result, "line_item"))
	}
	if model == "" {
		model = rawjson.Text(rawjson.Get(result, "description"))
	}
	return b.add(day, billModel(model), cost)
}

// dated are the dates that providers put after the names of models.
var dated = regexp.MustCompile(`[-@](\d{8}|\d{4}-\d{2}-\d{2}|\d{4})$|-latest$|:\d+$|-v\d+:\d+$`)

// plainModel makes names of models comparable: without what providers put around them.
func plainModel(name string) string {
	name = strings.ToLower(strings.TrimSpace(name))
	if i := strings.LastIndexByte(name, '/'); i >= 0 {
		name = name[i+1:]
	}
	for _, region := range []string{"us.", "eu.", "apac.", "global."} {
		name = strings.TrimPrefix(name, region)
	}
	for _, maker := range []string{"anthropic.", "amazon.", "meta.", "mistral.", "cohere."} {
		name = strings.TrimPrefix(name, maker)
	}
	for {
		cut := dated.ReplaceAllString(name, "")
		if cut == name {
			return strings.ReplaceAll(strings.ReplaceAll(name, " ", "-"), "_", "-")
		}
		name = cut
	}
}
