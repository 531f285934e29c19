package statement

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"weir/internal/gateway"
)

func TestMoney(t *testing.T) {
	for _, c := range []struct {
		text  string
		shift int
		want  gateway.Money
		wrong bool
	}{
		{"1.25", 0, 1_250_000_000, false},
		{"$1,234,567.5", 0, 1_234_567_500_000_000, false},
		{"-0.000000001", 0, -1, false},
		{"(3.10)", 0, -3_100_000_000, false},
		{"123.78912", -2, 1_237_891_200, false},
		{"5", -2, 50_000_000, false},
		{"0.5", -2, 5_000_000, false},
		{"1.5e-07", 0, 150, false},
		{"2E2", 0, 200_000_000_000, false},
		{"0.0000000005", 0, 1, false},
		{"0.00000000049999999999999999", 0, 0, false},
		{"0.1234567891", 0, 123_456_789, false},
		{".5", 0, 500_000_000, false},
		{"9223372036.854775807", 0, 9_223_372_036_854_775_807, false},
		{"9223372036.854775808", 0, 0, true},
		{"0e99", 0, 0, false},
		{"1e99", 0, 0, true},
		{"", 0, 0, true},
		{"-", 0, 0, true},
		{"1.2.3", 0, 0, true},
		{"12,34.5", 0, 0, true},
		{"1e", 0, 0, true},
		{"0x10", 0, 0, true},
		{"NaN", 0, 0, true},
	} {
		got, err := ParseMoney(c.text, c.shift)
		if got != c.want && !c.wrong || (err != nil) != c.wrong {
			t.Errorf("ParseMoney(%q, %d) = %d, %v", c.text, c.shift, got, err)
		}
	}
	for m, want := range map[gateway.Money]string{0: "$0.00", 1_234_567_890_000_000: "$1,234,567.89", -1_000_001: "-$0.001000001", 999_000_000_000: "$999.00"} {
		if got := Dollars(m); got != want {
			t.Errorf("Dollars(%d) = %s, want %s", m, got, want)
		}
	}
}

// TestMoneyRound: what is written is read as the same amount.
func TestMoneyRound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := gateway.Money(rapid.Int64().Draw(t, "m"))
		if m == -1<<63 {
			t.Skip("it has no opposite, and no ledger holds it")
		}
		for _, text := range []string{Dollars(m), Decimal(m)} {
			if got, err := ParseMoney(text, 0); err != nil || got != m {
				t.Fatalf("%s is read as %d, %v", text, got, err)
			}
		}
	})
}

func TestWhen(t *testing.T) {
	berlin, err := Zone("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 24, 16, 20, 30, 0, time.UTC)
	for _, c := range []struct{ text, from, to string }{
		{"month", "2026-11-01T00:00:00+01:00", "2026-12-01T00:00:00+01:00"},
		{"last-month", "2026-10-01T00:00:00+02:00", "2026-11-01T00:00:00+01:00"},
		{"today", "2026-11-24T00:00:00+01:00", "2026-11-25T00:00:00+01:00"},
		{"yesterday", "2026-11-23T00:00:00+01:00", "2026-11-24T00:00:00+01:00"},
		{"week", "2026-11-23T00:00:00+01:00", "2026-11-30T00:00:00+01:00"},
		{"2026-10", "2026-10-01T00:00:00+02:00", "2026-11-01T00:00:00+01:00"},
		{"2026-10-25", "2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00"},
		{"30d", "2026-10-25T00:00:00+02:00", "2026-10-25T00:00:00+02:00"},
		{"2w", "2026-11-10T00:00:00+01:00", "2026-11-10T00:00:00+01:00"},
		{"12h", "2026-11-24T05:00:00+01:00", "2026-11-24T05:00:00+01:00"},
		{"90m", "2026-11-24T15:50:30+01:00", "2026-11-24T15:50:30+01:00"},
		{"2026-11-01T15:00:00Z", "2026-11-01T15:00:00Z", "2026-11-01T15:00:00Z"},
		{"2026-11-01 15:00", "2026-11-01T15:00:00+01:00", "2026-11-01T15:00:00+01:00"},
	} {
		from, err := Since(c.text, now, berlin)
		to, err2 := Until(c.text, now, berlin)
		if err != nil || err2 != nil || from.Format(time.RFC3339) != c.from || to.Format(time.RFC3339) != c.to {
			t.Errorf("%s: %s to %s, %v %v", c.text, from.Format(time.RFC3339), to.Format(time.RFC3339), err, err2)
		}
	}
	for text, want := range map[string]string{"mnoth": "did you mean month?", "30x": "such as 30d", "2026-13": "such as", "d": "such as", "1234567d": "such as"} {
		if _, err := Since(text, now, berlin); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := Zone("Europe/Berlim"); err == nil || !strings.Contains(err.Error(), "Europe/Berlin") {
		t.Error(err)
	}
}

func TestBy(t *testing.T) {
	got, err := ParseBy("Team, end-user,tag:project,day")
	want := []Column{{Field: gateway.ByTeam}, {Field: gateway.ByEndUser}, {Field: gateway.ByTag, Tag: "project"}, {Field: gateway.ByDay}}
	if err != nil || !cmp.Equal(got, want) {
		t.Errorf("%v, %v", got, err)
	}
	for text, want := range map[string]string{
		"taem": "did you mean team?", "org": "did you mean organisation?", "xyzzyxyzzy": "those are organisation", "team,team": "twice",
		"team:x": "only a tag", "tag:": "only a tag", "tag:a,tag:b": "one tag at a time", "team,": "no field",
	} {
		if _, err := ParseBy(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// some are entries of two teams over three days.
func some() *memory {
	m := &memory{}
	add := func(e gateway.Entry) { m.entries = append(m.entries, e) }
	add(entry(1, "shop", 0))
	e := entry(2, "shop", 30*time.Hour)
	e.Target, e.Asked, e.Cost, e.Estimated, e.Tags = gateway.Target{Provider: "anthropic", Model: "claude-sonnet-4-5"}, "careful", 1_234_560_000_000, true, []string{"env=prod", "project=web"}
	e.Usage.CacheRead = 400_000
	add(e)
	e = entry(3, "legal", 31*time.Hour)
	e.Cost, e.State, e.Usage, e.Tags = 1_000, gateway.EntryUnknown, nil, []string{"env=test"}
	add(e)
	e = entry(4, "legal", 52*time.Hour)
	e.Cost, e.Saved, e.State, e.Tags = 0, 2_500_000_000, gateway.EntryCached, []string{"env=prod"}
	add(e)
	return m
}

func ask(t *testing.T, books gateway.Books, by string, most int) *Sums {
	t.Helper()
	columns, err := ParseBy(by)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Spend(context.Background(), books, Question{From: start.Add(-9 * time.Hour), To: start.AddDate(0, 1, 0), Columns: columns, Most: most})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSpendTables(t *testing.T) {
	for _, c := range []struct {
		name, by string
		most     int
		want     string
	}{
		{"dearest first", "team", 0, `
Spent, 2026-10-01 to 2026-11-01 09:00 (UTC)

TEAM   ENTRIES      INPUT   CACHED     OUTPUT           COST  SAVED  OF WHICH
shop         2  2,000,000  400,000  1,000,000  $1,234.86      $0.00  1 estimated
legal        2  1,000,000        0    500,000      $0.000001  $2.50  1 unknown
───────────────────────────────────────────────────────────────────────────────────────────
total        4  3,000,000  400,000  1,500,000  $1,234.860001  $2.50  1 estimated, 1 unknown
`},
		{"by time", "day,team", 0, `
Spent, 2026-10-01 to 2026-11-01 09:00 (UTC)

DAY         TEAM   ENTRIES      INPUT   CACHED     OUTPUT           COST  SAVED  OF WHICH
2026-10-01  shop         1  1,000,000        0    500,000      $0.30      $0.00
2026-10-02  legal        1          0        0          0      $0.000001  $0.00  1 unknown
2026-10-02  shop         1  1,000,000  400,000    500,000  $1,234.56      $0.00  1 estimated
2026-10-03  legal        1  1,000,000        0    500,000      $0.00      $2.50
───────────────────────────────────────────────────────────────────────────────────────────────────────
total                    4  3,000,000  400,000  1,500,000  $1,234.860001  $2.50  1 estimated, 1 unknown
`},
		{"others", "target,state", 1, `
Spent, 2026-10-01 to 2026-11-01 09:00 (UTC)

TARGET                       STATE  ENTRIES      INPUT   CACHED     OUTPUT           COST  SAVED  OF WHICH
anthropic/claude-sonnet-4-5  done         1  1,000,000  400,000    500,000  $1,234.56      $0.00  1 estimated
(others)                                  3  2,000,000        0  1,000,000      $0.300001  $2.50  1 unknown
────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
total                                     4  3,000,000  400,000  1,500,000  $1,234.860001  $2.50  1 estimated, 1 unknown
`},
		{"a tag", "tag:env", 0, `
Spent, 2026-10-01 to 2026-11-01 09:00 (UTC)

TAG:ENV  ENTRIES      INPUT   CACHED     OUTPUT           COST  SAVED  OF WHICH
prod           2  2,000,000  400,000  1,000,000  $1,234.56      $2.50  1 estimated
-              1  1,000,000        0    500,000      $0.30      $0.00
test           1          0        0          0      $0.000001  $0.00  1 unknown
─────────────────────────────────────────────────────────────────────────────────────────────
total          4  3,000,000  400,000  1,500,000  $1,234.860001  $2.50  1 estimated, 1 unknown
`},
		{"one sum", "", 0, `
Spent, 2026-10-01 to 2026-11-01 09:00 (UTC)

       ENTRIES      INPUT   CACHED     OUTPUT           COST  SAVED  OF WHICH
total        4  3,000,000  400,000  1,500,000  $1,234.860001  $2.50  1 estimated, 1 unknown
`},
	} {
		t.Run(c.name, func(t *testing.T) {
			var b strings.Builder
			if err := ask(t, some(), c.by, c.most).Text(&b); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(strings.TrimPrefix(c.want, "\n"), b.String()); diff != "" {
				t.Errorf("(-want +got):\n%s\n%s", diff, b.String())
			}
		})
	}
	var b strings.Builder
	if err := ask(t, &memory{}, "team", 0).Text(&b); err != nil || !strings.HasSuffix(b.String(), "\n\nno entries\n") {
		t.Error(b.String(), err)
	}
}

func TestSpendPrograms(t *testing.T) {
	m := &memory{entries: []gateway.Entry{entry(1, "=shop", 0)}}
	var b strings.Builder
	if err := ask(t, m, "team,day", 0).CSV(&b); err != nil {
		t.Fatal(err)
	}
	want := "team,day,entries,input_tokens,cached_tokens,output_tokens,cost_usd,saved_usd,unpriced,estimated,unknown,open\n" +
		"'=shop,2026-10-01T00:00:00Z,1,1000000,0,500000,0.30,0.00,0,0,0,0\n"
	if b.String() != want {
		t.Errorf("%s", b.String())
	}
	b.Reset()
	if err := ask(t, m, "team,day", 0).JSON(&b); err != nil {
		t.Fatal(err)
	}
	sum := `"entries":1,"input_tokens":1000000,"cached_tokens":0,"output_tokens":500000,"cost_usd":0.30,"saved_usd":0.00,"unpriced":0,"estimated":0,"unknown":0,"open":0}`
	want = `{"from":"2026-10-01T00:00:00Z","to":"2026-11-01T09:00:00Z","zone":"UTC","by":["team","day"],"rows":[{"team":"=shop","day":"2026-10-01T00:00:00Z",` + sum +
		`],"total":{` + sum + "}\n"
	if b.String() != want {
		t.Errorf("%s", b.String())
	}
}

// TestPrintable: what clients name cannot give orders to a terminal.
func TestPrintable(t *testing.T) {
	if got := Printable("a\x1b[31mb\n\u202ec é"); got != "a�[31mb��c é" {
		t.Errorf("%q", got)
	}
}

// TestSpendSums: the rows of any question add up to the entries that it is about, and so does the total.
func TestSpendSums(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &memory{}
		word := rapid.SampledFrom([]string{"", "a", "b", "c"})
		for i := range rapid.IntRange(0, 30).Draw(t, "n") {
			e := entry(i, word.Draw(t, "team"), time.Duration(rapid.IntRange(0, 100*3600).Draw(t, "at"))*time.Second)
			e.Project, e.Asked, e.Target.Model = word.Draw(t, "project"), word.Draw(t, "model"), word.Draw(t, "target")
			e.Cost = gateway.Money(rapid.Int64Range(-1e12, 1e15).Draw(t, "cost"))
			if v := word.Draw(t, "tag"); v != "" {
				e.Tags = []string{"env=" + v, "other=x"}
			}
			m.entries = append(m.entries, e)
		}
		var words []string
		for _, f := range Fields() {
			word := string(f)
			if f == gateway.ByTag {
				word = "tag:env"
			}
			words = append(words, word)
		}
		by := rapid.SliceOfNDistinct(rapid.SampledFrom(words), 0, 4, func(s string) string { return s }).Draw(t, "by")
		columns, err := ParseBy(strings.Join(by, ","))
		if err != nil {
			t.Fatal(err)
		}
		q := Question{Columns: columns, Most: rapid.IntRange(0, 5).Draw(t, "most"), From: start.Add(time.Duration(rapid.IntRange(0, 50).Draw(t, "from")) * time.Hour)}
		if team := word.Draw(t, "where"); team != "" {
			q.Where = map[gateway.Field][]string{gateway.ByTeam: {team, "b"}}
		}
		var want gateway.SpendRow
		for i := range m.entries {
			if found(&m.entries[i], q.From, q.To, q.Where) {
				one := rowOf(&m.entries[i])
				add(&want, &one, 1)
			}
		}
		s, err := Spend(context.Background(), m, q)
		if err != nil {
			t.Fatal(err)
		}
		if s.Total.Cost != want.Cost || s.Total.Entries != want.Entries {
			t.Fatalf("total %+v, want %+v", s.Total, want)
		}
		if len(columns) == 0 || s.Others == nil && q.Most > 0 && slices.Contains(by, "tag:env") && len(s.Rows) == q.Most {
			return // a tag's rows that were cut are not told
		}
		var got gateway.SpendRow
		for i := range s.Rows {
			add(&got, &s.Rows[i], 1)
		}
		if s.Others != nil {
			add(&got, s.Others, 1)
		}
		if got.Cost != want.Cost || got.Entries != want.Entries || got.Input != want.Input || got.Output != want.Output {
			t.Fatalf("by %v: rows come to %+v, want %+v", by, got, want)
		}
	})
}
