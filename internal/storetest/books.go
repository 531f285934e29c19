package storetest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"weir/internal/gateway"
	"weir/internal/llm"
)

// BookStore is an implementation of gateway.Books under test.
type BookStore struct {
	// Open opens a store with nothing in it. It is closed with the test.
	Open func(testing.TB) gateway.Books
	// Again opens what a store keeps a second time, beside it.
	Again func(testing.TB, gateway.Books) gateway.Books
}

// Verifier is a store that can add up entries without the sums it keeps.
type Verifier interface {
	SpendOfEntries(context.Context, gateway.SpendQuery) ([]gateway.SpendRow, error)
}

// Books runs the suite.
func Books(t *testing.T, s BookStore) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, BookStore)
	}{
		{"nothing", booksEmpty},
		{"every field", booksFields},
		{"each once", booksOnce},
		{"all or none", booksAllOrNone},
		{"texts that databases refuse", booksTexts},
		{"amounts that nothing comes to", booksAbsurd},
		{"finds", booksFind},
		{"pages", booksPages},
		{"sums like a list", booksSums},
		{"sums in any batches", booksBatches},
		{"the dearest", booksDearest},
		{"purses", booksSpent},
		{"trims", booksTrim},
		{"trims much", booksTrimMuch},
		{"refuses questions", booksRefuse},
		{"many at once", booksManyAtOnce},
		{"again", booksAgain},
		{"views", booksViews},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, s) })
	}
}

// booksAt is when the entries of these tests are admitted: in Berlin, a week before clocks change.
var booksAt = time.Date(2026, 10, 18, 9, 30, 15, 123456789, time.UTC)

// Booked returns an entry with an ID and an amount.
func Booked(id string, at time.Time, cost gateway.Money) gateway.Entry {
	return gateway.Entry{
		ID: id, Exchange: "x-" + id, Node: "a", At: at, Ended: at.Add(time.Second), State: gateway.EntryDone, Payer: gateway.Caller,
		Account: gateway.Account{Team: "shop", Key: "shop-1"}, Op: "chat", Asked: "assistant",
		Target: gateway.Target{Provider: "sim", Model: "sim-1"},
		Usage:  &llm.Usage{Said: llm.SaidInput | llm.SaidOutput, Input: 100, Output: 10}, Cost: cost,
	}
}

func booksEmpty(t *testing.T, s BookStore) {
	b := s.Open(t)
	if n, err := b.Append(t.Context(), nil); n != 0 || err != nil {
		t.Errorf("append nothing: %d, %v", n, err)
	}
	if got := entriesOf(t, b, gateway.EntryQuery{}); len(got) != 0 {
		t.Errorf("entries: %v", got)
	}
	if got := spendOf(t, b, gateway.SpendQuery{By: []gateway.Field{gateway.ByDay, gateway.ByTag}}); len(got) != 0 {
		t.Errorf("spend: %v", got)
	}
	if got := spentOf(t, b, time.Time{}); len(got) != 0 {
		t.Errorf("spent: %v", got)
	}
	if n, err := b.Trim(t.Context(), time.Now()); n != 0 || err != nil {
		t.Errorf("trim: %d, %v", n, err)
	}
	if n, err := b.Trim(t.Context(), time.Time{}); n != 0 || err != nil {
		t.Errorf("trim before all time: %d, %v", n, err)
	}
}

// FullEntry returns an entry all of whose fields are set, each to something else; a field that gateway.Entry gets later too.
func FullEntry(t testing.TB) gateway.Entry {
	t.Helper()
	var e gateway.Entry
	n := 0
	fill(t, reflect.ValueOf(&e).Elem(), &n, true)
	e.At = booksAt
	e.Usage.Said |= llm.Corrected
	return e
}

func fill(t testing.TB, v reflect.Value, n *int, rounds bool) {
	*n++
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(booksAt.Add(time.Duration(*n) * time.Second)))
		return
	case llm.Fields:
		v.SetUint(uint64(llm.SaidInput|llm.SaidOutput|llm.SaidHeard) &^ uint64(1<<(*n%2)))
		return
	case llm.Extra:
		v.Set(reflect.ValueOf(llm.Extra{"some": []byte(`{"a":[1.50,"x"]}`), "a \"b\"": []byte(`1e400`)}))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(fmt.Sprintf("text %d", *n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(*n)<<33 + 7)
		if v.Type() == reflect.TypeFor[int]() {
			v.SetInt(int64(*n))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).Name == "Rounds" && !rounds {
				continue
			}
			fill(t, v.Field(i), n, v.Type().Field(i).Name != "Rounds")
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range 2 {
			fill(t, v.Index(i), n, rounds)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, v.Elem(), n, rounds)
	default:
		t.Fatalf("a %s cannot be filled", v.Type())
	}
}

func booksFields(t *testing.T, s BookStore) {
	b := s.Open(t)
	full, bare := FullEntry(t), gateway.Entry{ID: "bare", At: booksAt.Add(time.Hour)}
	negative := Booked("negative", booksAt.Add(2*time.Hour), -5)
	negative.State, negative.Corrects, negative.Usage = gateway.EntryCorrected, full.ID, &llm.Usage{Said: llm.SaidInput, Input: -3, CacheRead: -1}
	appendTo(t, b, 3, full, bare, negative)
	got := entriesOf(t, b, gateway.EntryQuery{})
	if diff := cmp.Diff([]gateway.Entry{full, bare, negative}, got); diff != "" {
		t.Errorf("what comes back differs (-want +got):\n%s", diff)
	}
}

func booksOnce(t *testing.T, s BookStore) {
	b := s.Open(t)
	one, two, three := Booked("1", booksAt, 10), Booked("2", booksAt, 20), Booked("3", booksAt.Add(-80*24*time.Hour), 40)
	one.Charges = []gateway.Charge{{Pot: "p", Window: 1000}}
	appendTo(t, b, 2, one, two, one)
	other := one
	other.Cost, other.Asked, other.State = 999, "other", gateway.EntryUnknown
	appendTo(t, b, 1, other, three, two)
	appendTo(t, b, 0, one, two, three)
	if got := spendOf(t, b, gateway.SpendQuery{}); len(got) != 1 || got[0].Cost != 70 || got[0].Entries != 3 || got[0].Unknown != 0 || got[0].Input != 300 {
		t.Errorf("spend: %+v", got)
	}
	if got := spentOf(t, b, time.Time{}); len(got) != 1 || got[0].Spent != 10 {
		t.Errorf("spent: %+v", got)
	}
	if got := entriesOf(t, b, gateway.EntryQuery{}); len(got) != 3 || got[1].Asked != "assistant" {
		t.Errorf("entries: %+v", got)
	}
}

func booksAllOrNone(t *testing.T, s BookStore) {
	b := s.Open(t)
	many := make([]gateway.Entry, 3000)
	for i := range many {
		many[i] = Booked(strconv.Itoa(i), booksAt.Add(time.Duration(i)*time.Minute), 1)
	}
	for n := range 20 { // cut off at different points
		ctx, cancel := context.WithCancel(t.Context())
		timer := time.AfterFunc(time.Duration(n*n)*200*time.Microsecond, cancel)
		_, err := b.Append(ctx, many)
		timer.Stop()
		cancel()
		got := spendOf(t, b, gateway.SpendQuery{})
		if err == nil || len(got) == 1 {
			// A call may fail after it had its effect, and then all of it.
			if len(got) != 1 || got[0].Cost != 3000 || got[0].Entries != 3000 {
				t.Fatalf("cut off after %d: %v, and %+v", n, err, got)
			}
			many = many[:0:0]
			break
		}
		if !temporary(err) {
			t.Fatalf("a cancelled call is not told from one that can never succeed: %v", err)
		}
		if left := entriesOf(t, b, gateway.EntryQuery{}); len(left) != 0 {
			t.Fatalf("cut off after %d: %v, and %d entries are there", n, err, len(left))
		}
	}
	appendTo(t, b, len(many), many...)
}

func temporary(err error) bool {
	var t interface{ Temporary() bool }
	return errors.As(err, &t) && t.Temporary()
}

func booksTexts(t *testing.T, s BookStore) {
	b := s.Open(t)
	for i, text := range []string{"\x00", "a\x00b", "\xff\xfe", "\xed\xa0\x80", "'; DROP TABLE ledger_entries; --", `"`, `\`, `\u0000`, "%_", "{}", "日本\u2028", strings.Repeat("long ", 20_000), strings.Repeat("\xff", 5000)} {
		e := FullEntry(t)
		n := 0
		texts(reflect.ValueOf(&e).Elem(), text, &n)
		if n < 20 {
			t.Fatalf("%d texts are in an entry", n)
		}
		e.ID = fmt.Sprintf("%d%s", i, text)
		e.At = e.At.Add(time.Duration(i) * time.Second)
		appendTo(t, b, 1, e)
		appendTo(t, b, 0, e)
		if got := entriesOf(t, b, gateway.EntryQuery{IDs: []string{e.ID}}); len(got) != 1 {
			t.Errorf("%.20q: %d entries of this ID", text, len(got))
		}
		for _, f := range []gateway.Field{gateway.ByTeam, gateway.ByTag, gateway.ByEndUser, gateway.ByTarget} {
			value := text
			if f == gateway.ByTarget {
				value = text + "/" + text
			}
			got := spendOf(t, b, gateway.SpendQuery{By: []gateway.Field{gateway.ByDay, f}, Where: map[gateway.Field][]string{f: {value, "another"}}})
			if len(got) != 1 {
				t.Errorf("by %s, %.20q: %d rows", f, text, len(got))
			}
		}
	}
}

// texts sets all texts within a value, but those of raw JSON.
func texts(v reflect.Value, text string, n *int) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
		*n++
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			return
		}
		for _, f := range v.Fields() {
			texts(f, text, n)
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return
		}
		for i := range v.Len() {
			texts(v.Index(i), text, n)
		}
	case reflect.Pointer:
		texts(v.Elem(), text, n)
	}
}

// booksAbsurd books what a provider stated that is broken, or means harm: nothing that comes after may be kept out.
func booksAbsurd(t *testing.T, s BookStore) {
	b := s.Open(t)
	var all []gateway.Entry
	for i := range 600 {
		e := Booked(strconv.Itoa(i), booksAt, math.MaxInt64-gateway.Money(i))
		e.Usage = &llm.Usage{Said: llm.SaidInput | llm.SaidOutput | llm.SaidCacheRead, Input: math.MaxInt64, Output: math.MaxInt64, CacheRead: math.MaxInt64}
		e.Held, e.Saved, e.Charges = math.MaxInt64, math.MaxInt64, []gateway.Charge{{Pot: "p", Window: 1}}
		all = append(all, e)
	}
	appendTo(t, b, 600, all...)
	appendTo(t, b, 1, Booked("after", booksAt, 1))
	got := spendOf(t, b, gateway.SpendQuery{By: []gateway.Field{gateway.ByDay}})
	if len(got) != 1 || got[0].Entries != 601 || got[0].Unpriced != 600 || got[0].Cost != 600*10_000_000*1_000_000_000+1 {
		t.Errorf("%+v", got)
	}
	verify(t, b, gateway.SpendQuery{})
	if got := entriesOf(t, b, gateway.EntryQuery{IDs: []string{"7"}}); len(got) != 1 || got[0].Usage.Input != math.MaxInt64 {
		t.Errorf("%+v", got)
	}
}

func booksFind(t *testing.T, s BookStore) {
	b := s.Open(t)
	one, two, three := Booked("1", booksAt, 1), Booked("2", booksAt.Add(time.Nanosecond), 2), Booked("3", booksAt.Add(40*24*time.Hour), 3)
	one.Exchange, three.Exchange = "same", "same"
	one.Tags, two.Tags = []string{"app=web", "env=prod"}, []string{"env=prod"}
	two.Batch, three.Target.Model, three.State = "batch-1", "", gateway.EntryUnknown
	appendTo(t, b, 3, three, one, two)
	where := func(f gateway.Field, values ...string) gateway.EntryQuery {
		return gateway.EntryQuery{Where: map[gateway.Field][]string{f: values}}
	}
	for _, test := range []struct {
		q    gateway.EntryQuery
		want string
	}{
		{gateway.EntryQuery{}, "123"},
		{gateway.EntryQuery{Exchange: "same"}, "13"},
		{gateway.EntryQuery{Exchange: "none"}, ""},
		{gateway.EntryQuery{IDs: []string{"3", "1", "none"}}, "13"},
		{gateway.EntryQuery{IDs: []string{"3", "1"}, To: booksAt.Add(time.Hour)}, "1"},
		{gateway.EntryQuery{From: booksAt.Add(time.Nanosecond)}, "23"},
		{gateway.EntryQuery{From: booksAt, To: booksAt.Add(time.Nanosecond)}, "1"},
		{gateway.EntryQuery{To: booksAt}, ""},
		{where(gateway.ByTag, "app=web"), "1"},
		{where(gateway.ByTag, "app=web", "env=prod"), "12"},
		{where(gateway.ByBatch, "batch-1"), "2"},
		{where(gateway.ByBatch, ""), "13"},
		{where(gateway.ByTarget, "sim"), "3"},
		{where(gateway.ByTarget, "sim/sim-1"), "12"},
		{where(gateway.ByState, "unknown", "done"), "123"},
		{where(gateway.ByState, "unknown"), "3"},
		{where(gateway.ByKey, "SHOP-1"), ""},
	} {
		var ids []string
		for _, e := range entriesOf(t, b, test.q) {
			ids = append(ids, e.ID)
		}
		if got := strings.Join(ids, ""); got != test.want {
			t.Errorf("%+v: %q, want %q", test.q, got, test.want)
		}
	}
}

func booksPages(t *testing.T, s BookStore) {
	b := s.Open(t)
	const n = 1700
	var all []gateway.Entry
	for i := range n {
		// Some at one time, so that pages end among them.
		all = append(all, Booked(fmt.Sprintf("%04d", i), booksAt.Add(time.Duration(i/600)*time.Second), 1))
	}
	appendTo(t, b, n, all...)
	ctx := t.Context()
	var got []string
	for e, err := range b.Entries(ctx, gateway.EntryQuery{}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, e.ID)
		if len(got) == 50 { // a reader that takes its time keeps nobody from writing
			appendTo(t, b, 1, Booked("later", booksAt.Add(time.Hour), 1))
		}
	}
	if len(got) != n+1 || got[n] != "later" || !slices.IsSorted(got) || len(slices.Compact(got)) != n+1 {
		t.Errorf("%d entries, the last %s", len(got), got[len(got)-1])
	}
	for range b.Entries(ctx, gateway.EntryQuery{}) {
		break // leaving early is allowed
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	for _, err := range b.Entries(ended, gateway.EntryQuery{}) {
		if err == nil {
			t.Error("a cancelled reader reads on")
		}
	}
}

func booksManyAtOnce(t *testing.T, s BookStore) {
	b := s.Open(t)
	stores := []gateway.Books{b, s.Again(t, b)}
	const writers, each = 8, 60
	var group sync.WaitGroup
	fresh := make([]int, writers)
	for w := range writers {
		group.Go(func() {
			for i := range each {
				// Every entry is written by two of them, in different company and order.
				one := Booked(fmt.Sprintf("%d-%d", w/2, i), booksAt.Add(time.Duration(i%5)*time.Hour), 1)
				one.Team, one.Charges = strconv.Itoa(i%7), []gateway.Charge{{Pot: strconv.Itoa(i % 3), Window: 1}}
				two := Booked(fmt.Sprintf("%d-%d", w/2, each-1-i), booksAt.Add(time.Duration((each-1-i)%5)*time.Hour), 1)
				two.Team, two.Charges = strconv.Itoa((each-1-i)%7), []gateway.Charge{{Pot: strconv.Itoa((each - 1 - i) % 3), Window: 1}}
				n, err := stores[w%2].Append(t.Context(), []gateway.Entry{one, two})
				if err != nil {
					t.Errorf("writer %d: %v", w, err)
					return
				}
				fresh[w] += n
			}
		})
	}
	group.Wait()
	total := 0
	for _, n := range fresh {
		total += n
	}
	got := spendOf(t, b, gateway.SpendQuery{})
	if total != writers/2*each || len(got) != 1 || got[0].Cost != writers/2*each {
		t.Errorf("%d fresh, %+v; want %d", total, got, writers/2*each)
	}
	var spent gateway.Money
	for _, p := range spentOf(t, b, time.Time{}) {
		spent += p.Spent
	}
	if spent != writers/2*each {
		t.Errorf("spent %d, want %d", spent, writers/2*each)
	}
	verify(t, b, gateway.SpendQuery{By: []gateway.Field{gateway.ByTeam, gateway.ByHour}})
}

func booksAgain(t *testing.T, s BookStore) {
	b := s.Open(t)
	full := FullEntry(t)
	appendTo(t, b, 1, full)
	c := s.Again(t, b)
	appendTo(t, c, 0, full)
	appendTo(t, c, 1, Booked("later", full.At, 1))
	if got := entriesOf(t, b, gateway.EntryQuery{}); len(got) != 2 {
		t.Errorf("%d entries", len(got))
	}
	verify(t, b, gateway.SpendQuery{By: []gateway.Field{gateway.ByTeam}})
}

func appendTo(t testing.TB, b gateway.Books, want int, entries ...gateway.Entry) {
	t.Helper()
	n, err := b.Append(t.Context(), entries)
	if err != nil {
		t.Fatal(err)
	}
	if n != want {
		t.Fatalf("%d of %d were new, want %d", n, len(entries), want)
	}
}

func entriesOf(t testing.TB, b gateway.Books, q gateway.EntryQuery) (all []gateway.Entry) {
	t.Helper()
	for e, err := range b.Entries(t.Context(), q) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	return all
}

func spendOf(t testing.TB, b gateway.Books, q gateway.SpendQuery) []gateway.SpendRow {
	t.Helper()
	rows, err := b.Spend(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func spentOf(t testing.TB, b gateway.Books, since time.Time) (all []gateway.PotSpent) {
	t.Helper()
	for p, err := range b.Spent(t.Context(), since) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	return all
}

// verify compares sums that are kept with those of entries.
func verify(t testing.TB, b gateway.Books, q gateway.SpendQuery) {
	t.Helper()
	v, ok := b.(Verifier)
	if !ok {
		return
	}
	want, err := v.SpendOfEntries(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, spendOf(t, b, q)); diff != "" {
		t.Errorf("sums differ from entries (-entries +sums):\n%s", diff)
	}
}
