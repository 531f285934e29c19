package statement

import (
	"context"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"weir/internal/gateway"
)

func bill(t *testing.T, text string, columns ...string) *Bill {
	t.Helper()
	own, err := ParseColumns(columns)
	if err != nil {
		t.Fatal(err)
	}
	b, err := ReadBill(strings.NewReader(text), own)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestReadBill(t *testing.T) {
	key := func(day, model string) BillKey { return BillKey{day, model} }
	for _, c := range []struct {
		name, text string
		columns    []string
		format     string
		want       map[BillKey]gateway.Money
	}{
		{
			"OpenAI's JSON", `{"object":"page","data":[{"object":"bucket","start_time":1790899200,"end_time":1790985600,"results":[
			{"object":"organization.costs.result","amount":{"value":0.1000000004,"currency":"usd"},"line_item":"gpt-4.1-nano-2025-04-14, input"},
			{"object":"organization.costs.result","amount":{"value":"0.2","currency":"usd"},"line_item":"gpt-4.1-nano-2025-04-14, output"}]}],"has_more":true}
			{"object":"page","data":[{"start_time":1790985600,"results":[{"amount":{"value":1e-06,"currency":"usd"},"line_item":null}]},{"start_time":1791072000,"results":[]}]}`, nil,
			"OpenAI's costs",
			map[BillKey]gateway.Money{key("2026-10-02", "gpt-4.1-nano-2025-04-14"): 300_000_000, key("2026-10-03", ""): 1_000},
		},
		{
			"Anthropic's JSON", `[{"data":[{"starting_at":"2026-10-02T00:00:00Z","ending_at":"2026-10-03T00:00:00Z","results":[
			{"currency":"USD","amount":"123456.5","description":"Claude Sonnet 4.5 Usage - Input Tokens","model":"claude-sonnet-4-5-20250929"},
			{"currency":"USD","amount":"1","description":"Web Search Usage","cost_type":"web_search","model":null}]}]}]`, nil,
			"Anthropic's cost report",
			map[BillKey]gateway.Money{key("2026-10-02", "claude-sonnet-4-5-20250929"): 1_234_565_000_000, key("2026-10-02", "Web Search Usage"): 10_000_000},
		},
		{
			"OpenAI's CSV", "\xef\xbb\xbfstart_time,end_time,start_time_iso,end_time_iso,amount_value,amount_currency,line_item,project_id\n" +
				"1790899200,1790985600,2026-10-02T00:00:00+00:00,2026-10-03T00:00:00+00:00,0.5,usd,\"gpt-5-2025-08-07, output\",p\n1790899200,,2026-10-02T00:00:00+00:00,,,,,\n", nil,
			"OpenAI's costs",
			map[BillKey]gateway.Money{key("2026-10-02", "gpt-5-2025-08-07"): 500_000_000},
		},
		{
			"Anthropic's CSV", "usage_date_utc,model,workspace,token_type,cost_usd\n2026-10-02,claude-haiku-4-5,Default,input,0.25\n2026-10-02,claude-haiku-4-5,Default,output,0.5\n", nil,
			"Anthropic's costs",
			map[BillKey]gateway.Money{key("2026-10-02", "claude-haiku-4-5"): 750_000_000},
		},
		{
			"FOCUS", "BilledCost,EffectiveCost,BillingCurrency,ChargePeriodStart,ServiceName,SkuMeter\n9,1.5,USD,2026-10-02T05:00:00Z,Amazon Bedrock,Claude4.5Sonnet-input-tokens\n", nil,
			"a FOCUS export",
			map[BillKey]gateway.Money{key("2026-10-02", "Claude4.5Sonnet-input-tokens"): 1_500_000_000},
		},
		{
			"any CSV", "when,what,price\n2026-10-02,nano,$1.50\n2026-10-02,nano,(0.25)\n",
			[]string{"day=when", "model=what", "cost=price"},
			"a FOCUS export",
			map[BillKey]gateway.Money{key("2026-10-02", "nano"): 1_250_000_000},
		},
		{"simple CSV", "date,model,cost\n2026-10-02,nano,1.50\n", nil, "a CSV file", map[BillKey]gateway.Money{key("2026-10-02", "nano"): 1_500_000_000}},
	} {
		b := bill(t, c.text, c.columns...)
		if c.columns == nil && b.Format != c.format {
			t.Errorf("%s is taken for %s", c.name, b.Format)
		}
		if len(b.Sums) != len(c.want) {
			t.Errorf("%s: %v", c.name, b.Sums)
		}
		for k, want := range c.want {
			if b.Sums[k] != want {
				t.Errorf("%s: %v is %d, want %d", c.name, k, b.Sums[k], want)
			}
		}
	}
}

func TestReadBillRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                                       "empty",
		"a,b\n1,2\n":                             "name them, as in --column day=HEAD",
		"date,cost\n2026-10-02,1,5\nx,2":         `line 3: "x" is no day`,
		"date,cost\n2026-10-02,much\n":           `line 2: "much": an amount is digits`,
		"date,cost,currency\n2026-10-02,1,EUR\n": "line 2: the amount is in EUR",
		`{"data":[`:                              "not the JSON it begins as",
		`{"rows":[]}`:                            `no list "data"`,
		`{"data":[{"start_time":1790899200,"results":[{"amount":{"value":1,"currency":"eur"}}]}]}`:                                      "2026-10-02: the amount is in eur",
		`{"data":[{"start_time":1790899200,"results":[{"amount":{"value":null,"currency":"usd"}}]}]}`:                                   "an amount is digits",
		`{"data":[{"start":"x","results":[]}]}`:                                                                                         "no day",
		`{"data":[{"start_time":1790899200,"results":[{"amount":{"value":1,"currency":"usd"}}]}]} and more`:                             "not the JSON",
		`[{"data":[{"start_time":1790899200,"results":[{"amount":{"value":99999999999999999999,"currency":"usd"},"line_item":"x"}]}]}]`: "larger than can be kept",
	} {
		if _, err := ReadBill(strings.NewReader(text), nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := ReadBill(strings.NewReader("date,cost\n"), Columns{"model": "sku"}); err == nil || !strings.Contains(err.Error(), "no column sku") {
		t.Error(err)
	}
	if _, err := ParseColumns([]string{"price=x"}); err == nil {
		t.Error("a column that nobody needs is taken")
	}
}

func FuzzReadBill(f *testing.F) {
	for _, seed := range []string{"date,cost\n2026-10-02,1\n", `{"data":[{"start_time":1,"results":[{"amount":{"value":1,"currency":"usd"}}]}]}`, `[{"data":[]}]`, "ChargePeriodStart,BilledCost\n\"x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		b, err := ReadBill(strings.NewReader(text), nil)
		if err != nil {
			return
		}
		for k := range b.Sums {
			if _, err := time.Parse(time.DateOnly, k.Day); err != nil {
				t.Errorf("%q is no day", k.Day)
			}
		}
	})
}

func TestPlainModel(t *testing.T) {
	for name, want := range map[string]string{
		"gpt-4.1-nano-2025-04-14": "gpt-4.1-nano", "claude-sonnet-4-5-20250929": "claude-sonnet-4-5", "claude-haiku-4-5@20251001": "claude-haiku-4-5",
		"us.anthropic.claude-sonnet-4-5-20250929-v1:0": "claude-sonnet-4-5", "gpt-4-0613": "gpt-4", "GPT-4o mini": "gpt-4o-mini", "models/gemini-2.5-flash": "gemini-2.5-flash",
		"mistral-small-latest": "mistral-small", "": "", "o3": "o3",
	} {
		if got := plainModel(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

func compareBill(t *testing.T, books gateway.Books, b *Bill, book bool) *Compared {
	t.Helper()
	c, err := Compare(context.Background(), books, Comparison{Bill: b, Providers: []string{"openai"}, PPM: 10_000, Now: start.AddDate(0, 1, 5), Book: book})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCompare(t *testing.T) {
	m := &memory{entries: []gateway.Entry{entry(1, "shop", 0), entry(2, "shop", 24*time.Hour), entry(3, "legal", 48*time.Hour), entry(4, "legal", 72*time.Hour)}}
	elsewhere := entry(5, "legal", 0)
	elsewhere.Target.Provider = "anthropic"
	m.entries = append(m.entries, elsewhere)
	b := bill(t, `date,model,cost
2026-10-01,gpt-4.1-nano-2025-04-14,0.305
2026-10-02,gpt-4.1-nano-2025-04-14,0.20
2026-10-03,gpt-4.1-nano-2025-04-14,0.50
2026-10-03,gpt-5,7
2026-10-05,o3,1
`)
	c := compareBill(t, m, b, false)
	var out strings.Builder
	if err := c.Text(&out, false); err != nil {
		t.Fatal(err)
	}
	want := `a CSV file of 2026-10-01 to 2026-10-06, 5 lines, beside the ledger (UTC)

DAY         MODEL                      BILL  LEDGER  DIFFERENCE
2026-10-02  gpt-4.1-nano-2025-04-14  $0.20    $0.30     -$0.10   ledger more
2026-10-03  gpt-4.1-nano-2025-04-14  $0.50    $0.30      $0.20   bill more
2026-10-04  gpt-4.1-nano-2025-04-14  $0.00    $0.30     -$0.30   not on the bill
2026-10-03  gpt-5                    $7.00    $0.00      $7.00   did not pass Weir
2026-10-05  o3                       $1.00    $0.00      $1.00   did not pass Weir
────────────────────────────────────────────────────────────────────────────────────
total                                $9.005   $1.20      $7.805

matches: 1, $0.005
ledger more: 1, -$0.10
bill more: 1, $0.20
not on the bill: 1, -$0.30
did not pass Weir: 2, $8.00
`
	if out.String() != want {
		t.Errorf("%s", out.String())
	}
	// Names can be said to be the same, and days compared as a whole.
	c, err := Compare(context.Background(), m, Comparison{Bill: bill(t, "date,model,cost\n2026-10-01,The Small One,0.30\n"), Providers: []string{"openai"}, Renamed: map[string]string{"The Small One": "gpt-4.1-nano"}})
	if err != nil || c.Counts[Matches] != 1 || len(c.Rows) != 1 {
		t.Errorf("%+v, %v", c, err)
	}
	c, err = Compare(context.Background(), m, Comparison{Bill: bill(t, "date,model,cost\n2026-10-01,x,0.10\n2026-10-01,y,0.20\n"), Providers: []string{"openai"}, Whole: true})
	if err != nil || c.Counts[Matches] != 1 || len(c.Rows) != 1 {
		t.Errorf("%+v, %v", c, err)
	}
}

// unknowns are three attempts of which nobody knows what they came to, beside one that is known.
func unknowns() *memory {
	m := &memory{entries: []gateway.Entry{entry(1, "shop", 0)}}
	for i := range 3 {
		e := entry(2+i, "shop", time.Duration(i)*time.Hour)
		e.State, e.Held = gateway.EntryUnknown, gateway.Money(1+i)*100_000_000
		e.Cost, e.Usage = e.Held, nil
		m.entries = append(m.entries, e)
	}
	return m
}

func TestResolve(t *testing.T) {
	for _, c := range []struct {
		name   string
		billed string
		booked int
		want   gateway.Money
	}{
		{"some of it", "2026-10-01,gpt-4.1-nano,0.500000001", 3, 500_000_001},
		{"nothing of it", "2026-10-01,gpt-4.1-nano,0.30", 3, 300_000_000},
		{"less than what is known", "2026-10-01,gpt-4.1-nano,0.1", 3, 300_000_000},
		{"all of it", "2026-10-01,gpt-4.1-nano,0.9", 0, 900_000_000},
		{"more than was held", "2026-10-01,gpt-4.1-nano,2", 0, 900_000_000},
		{"another model", "2026-10-01,gpt-5,2", 0, 900_000_000},
		{"another day", "2026-10-02,gpt-4.1-nano,2", 0, 900_000_000},
	} {
		m := unknowns()
		b := bill(t, "date,model,cost\n"+c.billed+"\n")
		if told := compareBill(t, m, b, false); told.Booked != 0 || total(m) != 900_000_000 {
			t.Errorf("%s: telling booked something", c.name)
		}
		got := compareBill(t, m, b, true)
		if got.Booked != c.booked || total(m) != c.want {
			t.Errorf("%s: %d booked, %s", c.name, got.Booked, total(m))
		}
		if again := compareBill(t, m, b, true); again.Booked != 0 || total(m) != c.want {
			t.Errorf("%s: %d booked again, %s", c.name, again.Booked, total(m))
		}
	}
	// A later bill corrects the correction.
	m := unknowns()
	for _, billed := range []string{"0.5", "0.6", "0.5", "0.9"} {
		compareBill(t, m, bill(t, "date,model,cost\n2026-10-01,gpt-4.1-nano,"+billed+"\n"), true)
		if want, _ := ParseMoney(billed, 0); total(m) != want {
			t.Errorf("%s, want %s", total(m), want)
		}
	}
	c := m.entries[len(m.entries)-1]
	if c.State != gateway.EntryCorrected || !strings.Contains(c.Reason, "reconciled with a CSV file") {
		t.Errorf("%+v", c)
	}
}

// TestResolveSums: where the bill tells, the ledger is the bill afterwards, and no entry costs less than nothing or more
// than was held for it.
func TestResolveSums(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &memory{entries: []gateway.Entry{entry(0, "shop", 0)}}
		held := gateway.Money(0)
		for i := range rapid.IntRange(1, 12).Draw(t, "n") {
			e := entry(1+i, "shop", time.Duration(rapid.IntRange(0, 3).Draw(t, "at"))*time.Second)
			e.State, e.Usage = gateway.EntryUnknown, nil
			e.Held = gateway.Money(rapid.Int64Range(0, 1e15).Draw(t, "held"))
			e.Cost = e.Held
			held += e.Held
			m.entries = append(m.entries, e)
		}
		to := gateway.Money(rapid.Int64Range(0, int64(held)).Draw(t, "to"))
		b := &Bill{Format: "a bill", Sums: map[BillKey]gateway.Money{{"2026-10-01", "gpt-4.1-nano"}: 300_000_000 + to}}
		if _, err := Compare(context.Background(), m, Comparison{Bill: b, Providers: []string{"openai"}, Book: true}); err != nil {
			t.Fatal(err)
		}
		if total(m) != 300_000_000+to {
			t.Fatalf("%s, want %s", total(m), 300_000_000+to)
		}
		err := groups(context.Background(), m, gateway.EntryQuery{}, func(group []gateway.Entry) error {
			for _, c := range settled(group) {
				if c.entry.State == gateway.EntryUnknown && (c.cost < 0 || c.cost > c.entry.Held) {
					t.Fatalf("an entry costs %s of %s", c.cost, c.entry.Held)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
