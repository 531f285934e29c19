package books

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"weir/internal/gateway"
	"weir/internal/llm"
)

// Every field of a row is in a column, once.
func TestColumns(t *testing.T) {
	var r Row
	names, places := map[string]bool{}, map[any]bool{}
	for _, c := range Columns {
		names[c.Name], places[c.Field(&r)] = true, true
	}
	v := reflect.ValueOf(&r).Elem()
	for i := range v.NumField() {
		if f := v.Type().Field(i); f.IsExported() && !places[v.Field(i).Addr().Interface()] {
			t.Errorf("the field %s is in no column", f.Name)
		}
	}
	if len(names) != len(Columns) || len(places) != len(Columns) {
		t.Errorf("%d columns, %d names, %d fields", len(Columns), len(names), len(places))
	}
	if got := len(r.Values(nil)); got != len(Columns) {
		t.Errorf("%d values", got)
	}
}

// Every field of usage is kept: one that llm.Usage gets later has to be added here.
func TestCounts(t *testing.T) {
	var u llm.Usage
	places := map[*int64]bool{}
	var all llm.Fields
	for _, c := range counts {
		places[c.field(&u)] = true
		all |= c.said
	}
	v := reflect.ValueOf(&u).Elem()
	for i := range v.NumField() {
		if p, ok := v.Field(i).Addr().Interface().(*int64); ok && !places[p] {
			t.Errorf("%s is not kept", v.Type().Field(i).Name)
		}
	}
	if all != 1<<len(counts)-1 {
		t.Errorf("the fields said are %b", all)
	}
}

func TestUsageText(t *testing.T) {
	for _, test := range []struct {
		u    *llm.Usage
		want string
	}{
		{nil, ""},
		{&llm.Usage{}, "{}"},
		{&llm.Usage{Said: llm.SaidInput | llm.SaidOutput, Input: 7}, `{"input":7,"output":0}`},
		{&llm.Usage{Said: llm.SaidInput, Estimated: llm.SaidInput, Input: 7, Heard: 3, Cost: "1e-3"}, `{"input":7,"heard":3,"estimated":["input"],"unsaid":["heard"],"cost":"1e-3"}`},
		{&llm.Usage{Rounds: []llm.Usage{{Said: llm.SaidInput, Input: 1}, {}}}, `{"rounds":[{"input":1},{}]}`},
	} {
		if got := usageText(test.u); got != test.want {
			t.Errorf("%+v: %s, want %s", test.u, got, test.want)
		}
		got, err := readUsage(test.want)
		if err != nil || !reflect.DeepEqual(got, test.u) {
			t.Errorf("%s: %+v, %v", test.want, got, err)
		}
	}
	// What a later release adds is passed over.
	if u, err := readUsage(`{"input":7,"smells":[1,{"a":2}]}`); err != nil || u.Input != 7 || u.Said != llm.SaidInput {
		t.Errorf("%+v, %v", u, err)
	}
}

func TestClean(t *testing.T) {
	for text, want := range map[string]string{"": "", "a": "a", "日本": "日本", "a\x00b": "a\uFFFDb", "\xff": "\uFFFD", "\\u0000": "\\u0000"} {
		if got := Clean(text); got != want {
			t.Errorf("%q: %q", text, got)
		}
	}
	for n := range 5 { // a text that is cut in the middle of a letter
		if got := bound(strings.Repeat("x", longest-n) + "日本語"); !utf8.ValidString(got) || len(got) > longest+3 {
			t.Errorf("%d bytes, %q", len(got), got[len(got)-5:])
		}
	}
}

func TestWrap(t *testing.T) {
	never := func(error) bool { return false }
	if err := Wrap("read x", nil, never); err != nil {
		t.Error(err)
	}
	for err, soft := range map[error]bool{
		errors.New("broken"): false,
		context.Canceled:     true,
		fmt.Errorf("it: %w", context.DeadlineExceeded): true,
		Asking("what"): false,
	} {
		var wrapped *Error
		got := Wrap("read x", err, never)
		if !errors.As(got, &wrapped) || wrapped.Temporary() != soft || !errors.Is(got, err) {
			t.Errorf("%v: %v", err, got)
		}
	}
}

// A question is answered from days where it can be, and every time of it is read once.
func TestPlan(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	from := time.Date(2026, 10, 20, 3, 10, 0, 0, time.UTC)
	to := time.Date(2026, 11, 5, 0, 0, 0, 0, time.UTC)
	span := Span{Oldest: from.Add(-100 * 24 * time.Hour).Unix(), Newest: to.Unix()}
	count := func(p *plan) (n [3]int) {
		for _, piece := range p.pieces {
			n[piece.from]++
		}
		return n
	}
	for _, test := range []struct {
		name string
		q    gateway.SpendQuery
		raw  bool
		want [3]int // pieces of entries, hours, days
	}{
		{"days of UTC", gateway.SpendQuery{By: []gateway.Field{gateway.ByDay}, From: from, To: to}, false, [3]int{1, 1, 16}},
		{"days of Berlin", gateway.SpendQuery{By: []gateway.Field{gateway.ByDay}, From: from, To: to, Zone: berlin}, false, [3]int{1, 33, 16}},
		{"no time", gateway.SpendQuery{By: []gateway.Field{gateway.ByTeam}, From: from, To: to}, false, [3]int{1, 1, 1}},
		{"whole hours", gateway.SpendQuery{From: from.Truncate(time.Hour), To: to}, false, [3]int{0, 1, 1}},
		{"a few minutes", gateway.SpendQuery{From: from, To: from.Add(time.Minute)}, false, [3]int{1, 0, 0}},
		{"by hour", gateway.SpendQuery{By: []gateway.Field{gateway.ByHour}, From: from, To: to}, false, [3]int{1, 1, 0}},
		{"by tag", gateway.SpendQuery{By: []gateway.Field{gateway.ByTag}, From: from, To: to}, false, [3]int{1, 0, 0}},
		{"raw", gateway.SpendQuery{From: from, To: to}, true, [3]int{1, 0, 0}},
		{"nothing", gateway.SpendQuery{From: to, To: from}, false, [3]int{}},
	} {
		p, err := planFor(&test.q, span, test.raw)
		if err != nil {
			t.Fatal(err)
		}
		if got := count(p); got != test.want {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
		// Add up the seconds: what is read less what is subtracted is the time that was asked for.
		var sum int64
		for _, n := range p.pieces {
			unit := int64(second)
			if n.from == fromEntries {
				unit = 1
			}
			sum += n.sign * (n.hi - n.lo) * unit
		}
		if want := max(0, test.q.To.Sub(test.q.From)); sum != int64(want) {
			t.Errorf("%s: %d are read of %d", test.name, sum, want)
		}
	}
}

func FuzzTexts(f *testing.F) {
	for _, text := range []string{"", "{}", "[]", `{"input":1,"rounds":[{"output":2}],"extra":{"a":[1]}}`, `[{"component":"input","units":1}]`, `["a=b"]`, `{"unsaid":["input"],"input":3}`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r := Row{ID: "x", Tags: text, Usage: text, Items: text, Charges: text}
		e, err := r.Entry()
		if err != nil {
			return
		}
		again := Of(&e)
		e2, err := again.Entry()
		if err != nil {
			t.Fatalf("%q is written as %q, which cannot be read: %v", text, again.Usage, err)
		}
		if third := Of(&e2); !reflect.DeepEqual(again, third) {
			t.Errorf("%q: %+v, then %+v", text, again, third)
		}
	})
}
