package storetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"weir/internal/gateway"
	"weir/internal/llm"
)

// Rows is how many entries MeasureBooks writes: a short form of what `make long RUN=rows` does.
func Rows(t testing.TB) int {
	t.Helper()
	text := os.Getenv("WEIR_ROWS")
	if text == "" {
		return 20_000
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("WEIR_ROWS: %v", err)
	}
	return n
}

// rowDays is the time that rows are spread over.
const rowDays = 90

// rowsEnd is the end of it.
var rowsEnd = time.Date(2026, 11, 15, 0, 0, 0, 0, time.UTC)

// row returns the i-th of n entries, in the order of time: 300 keys of 20 teams, some used far more than others, 12 models
// of 4 providers.
func row(r *rand.Rand, zipf *rand.Zipf, i, n int) gateway.Entry {
	at := rowsEnd.Add(-rowDays*24*time.Hour + time.Duration(float64(i)/float64(n)*float64(rowDays*24*time.Hour)))
	key := int(zipf.Uint64())
	team, model := key%20, r.IntN(12)
	id := fmt.Sprintf("%012x-7%03x-%016x", at.UnixMilli(), i&0xfff, r.Uint64())
	e := gateway.Entry{
		ID: id, Exchange: "x" + id, Node: "node-" + strconv.Itoa(i%3), Revision: "r12", At: at, Ended: at.Add(1500 * time.Millisecond),
		State: gateway.EntryDone, Payer: gateway.Caller,
		Account: gateway.Account{Organisation: "org-" + strconv.Itoa(team%4), Team: "team-" + strconv.Itoa(team), Project: "project-" + strconv.Itoa(key%60), Key: "key-" + strconv.Itoa(key)},
		EndUser: "user-" + strconv.Itoa(r.IntN(10_000)), Tags: []string{"app=web", "env=prod"},
		Op: "chat", Dialect: "openai-chat", Spoken: "openai-chat", Rule: "default", Asked: "model-" + strconv.Itoa(model),
		Target: gateway.Target{Provider: "provider-" + strconv.Itoa(model%4), Model: "upstream-model-" + strconv.Itoa(model)}, Model: "upstream-model-2026",
		UpstreamID: "req_" + id[20:], AnswerID: "chatcmpl-" + id[20:],
		Usage: &llm.Usage{Said: llm.SaidInput | llm.SaidOutput | llm.SaidTotal, Input: r.Int64N(8000), Output: r.Int64N(1000), Total: 0},
		Price: "provider/model@2026-10-01",
	}
	e.Items = []gateway.EntryItem{{Component: "input", Units: e.Usage.Input, Price: 3_000_000_000}, {Component: "output", Units: e.Usage.Output, Price: 15_000_000_000}}
	e.Cost = gateway.Money(e.Usage.Input*3000 + e.Usage.Output*15_000)
	e.Held = 2 * e.Cost
	day := at.Truncate(24 * time.Hour).Unix()
	e.Charges = []gateway.Charge{{Pot: "budget/" + e.Team, Window: day}, {Pot: "budget/" + e.Key, Window: day}}
	return e
}

// MeasureBooks writes Rows entries and says how fast they are written, summed and deleted. What it holds a store to is
// what must not slip on any machine; the figures are in the log.
func MeasureBooks(t *testing.T, b gateway.Books) {
	n := Rows(t)
	r := rand.New(rand.NewPCG(1, 2)) // the same rows every time
	zipf := rand.NewZipf(r, 1.1, 8, 299)
	var cost, recent gateway.Money
	since := rowsEnd.Add(-30 * 24 * time.Hour)
	const batch = 500
	var slowest, writing time.Duration
	for i := 0; i < n; {
		some := make([]gateway.Entry, 0, batch)
		for ; i < n && len(some) < batch; i++ {
			e := row(r, zipf, i, n)
			if cost += e.Cost; !e.At.Before(since) {
				recent += e.Cost
			}
			some = append(some, e)
		}
		began := time.Now()
		appendTo(t, b, len(some), some...)
		took := time.Since(began)
		slowest = max(slowest, took)
		if writing += took; i%1_000_000 == 0 {
			t.Logf("%d written; %.0f a second on the whole, slowest batch %s", i, float64(i)/writing.Seconds(), slowest.Round(time.Millisecond))
		}
	}
	t.Logf("append: %d entries in batches of %d, %.0f a second, slowest batch %s", n, batch, float64(n)/writing.Seconds(), slowest.Round(time.Millisecond))

	berlin := zoneOf(t)("Europe/Berlin")
	for _, test := range []struct {
		name string
		q    gateway.SpendQuery
		want gateway.Money
	}{
		{"team, model, day over 30 days", gateway.SpendQuery{By: []gateway.Field{gateway.ByTeam, gateway.ByModel, gateway.ByDay}, From: since}, recent},
		{"team, model, day over 30 days in Berlin", gateway.SpendQuery{By: []gateway.Field{gateway.ByTeam, gateway.ByModel, gateway.ByDay}, From: since, Zone: berlin}, recent},
		{"team over all time", gateway.SpendQuery{By: []gateway.Field{gateway.ByTeam}}, cost},
		{"one sum from and to odd times", gateway.SpendQuery{From: since.Add(17 * time.Minute), To: rowsEnd.Add(-3*time.Hour - 5*time.Second)}, 0},
		{"month and organisation", gateway.SpendQuery{By: []gateway.Field{gateway.ByMonth, gateway.ByOrganisation}, Zone: berlin}, cost},
		{"key, hour over a week", gateway.SpendQuery{By: []gateway.Field{gateway.ByKey, gateway.ByHour}, From: rowsEnd.Add(-7 * 24 * time.Hour), Most: 1_000_000}, 0},
		{"a tag over a day, from entries", gateway.SpendQuery{By: []gateway.Field{gateway.ByTag}, From: rowsEnd.Add(-24 * time.Hour)}, 0},
	} {
		var took []time.Duration
		var rows []gateway.SpendRow
		for range 3 {
			began := time.Now()
			rows = spendOf(t, b, test.q)
			took = append(took, time.Since(began))
		}
		var sum gateway.Money
		for _, r := range rows {
			sum += r.Cost
		}
		if test.want != 0 && sum != test.want {
			t.Errorf("%s: %d, want %d", test.name, sum, test.want)
		}
		t.Logf("spend: %s: %s, then %s; %d rows", test.name, took[0].Round(time.Millisecond), slices.Min(took).Round(time.Millisecond), len(rows))
	}
	began := time.Now()
	spent := spentOf(t, b, rowsEnd.Add(-24*time.Hour))
	t.Logf("spent: %d windows in %s", len(spent), time.Since(began).Round(time.Millisecond))
	measureLeaving(t, b)
	measureTrim(t, b, r, zipf, n)
}

// measureLeaving asks what takes long and leaves: the store stops, too.
func measureLeaving(t *testing.T, b gateway.Books) {
	v, ok := b.(Verifier)
	if !ok {
		return
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
	defer cancel()
	began := time.Now()
	_, err := v.SpendOfEntries(ctx, gateway.SpendQuery{By: []gateway.Field{gateway.ByEndUser, gateway.ByTag, gateway.BySession}})
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("a question that was to be answered in 5 ms took %s", took)
	}
	if !temporary(err) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a question that was to be answered in 5 ms: %v", err)
	}
}

// measureTrim deletes half of the entries while somebody writes.
func measureTrim(t *testing.T, b gateway.Books, r *rand.Rand, zipf *rand.Zipf, n int) {
	want := spendOf(t, b, gateway.SpendQuery{})[0].Entries
	type trimmed struct {
		n   int64
		err error
		in  time.Duration
	}
	done := make(chan trimmed, 1)
	before, most := resident(), int64(0)
	go func() {
		began := time.Now()
		n, err := b.Trim(t.Context(), rowsEnd.Add(-rowDays*12*time.Hour))
		done <- trimmed{n, err, time.Since(began)}
	}()
	var waits []time.Duration
	for i := 0; ; i++ {
		var some []gateway.Entry
		for range 20 {
			e := row(r, zipf, n, n)
			e.ID = fmt.Sprintf("late-%d-%d", i, len(some))
			some = append(some, e)
		}
		began := time.Now()
		appendTo(t, b, len(some), some...)
		waits = append(waits, time.Since(began))
		want += int64(len(some))
		most = max(most, resident())
		select {
		case got := <-done:
			if got.err != nil || got.n != int64(n/2) {
				t.Errorf("trimmed %d of %d: %v", got.n, n/2, got.err)
			}
			slices.Sort(waits)
			t.Logf("trim: %d deleted in %s, %.0f a second; beside it %d appends of 20: median %s, p99 %s, slowest %s; resident %d MiB before, %d MiB at most",
				got.n, got.in.Round(time.Millisecond), float64(got.n)/got.in.Seconds(), len(waits), waits[len(waits)/2].Round(100*time.Microsecond),
				waits[len(waits)*99/100].Round(100*time.Microsecond), waits[len(waits)-1].Round(100*time.Microsecond), before>>20, most>>20)
			if grown := most - before; grown > 256<<20 {
				t.Errorf("trimming took %d MiB", grown>>20)
			}
			if sum := spendOf(t, b, gateway.SpendQuery{})[0].Entries; sum != want {
				t.Errorf("%d entries are summed, want %d", sum, want)
			}
			return
		default:
			time.Sleep(10 * time.Millisecond)
		}
	}
}

// resident returns how many bytes of this process are in memory, 0 where that is not told.
func resident() int64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}
