package price

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"weir/internal/gateway"
	"weir/internal/llm"
)

const head = "prices 1\n[p]\n source a 2026-01-02\n source b 2026-01-03\n"

func TestFormat(t *testing.T) {
	table, err := Load(strings.NewReader("# a comment\n\nprices 1\r\n\n[p]\n source a 2026-01-02\n\tsource b 2026-01-03\n" + `
# another
m op=embedding context=10 max_input=8 max_output=4 takes=text+image+file gives=vector searches=2 released=2025-05-06 sunset=2027-08-09 deprecated
 input 1.5 output 2
 >200000 input 3 @b
 batch >200000 region=eu variant=hd/1x1 input 1
 also m-1 m-2
 image 0.04 @b

n`))
	if err != nil {
		t.Fatal(err)
	}
	p, ok := table.Price("p", "m-2", zeroTime)
	if !ok {
		t.Fatal("m-2 is no name of m")
	}
	want := Facts{
		Operation: "embedding", Context: 10, MaxInput: 8, MaxOutput: 4, Takes: Text | Images | Files, Gives: Vectors,
		MinSearches: 2, Released: 20250506, Sunset: 20270809, Deprecated: true,
	}
	if diff := cmp.Diff(want, p.Facts); diff != "" {
		t.Error(diff)
	}
	if p.Model != "m" || p.List().Provider != "p" || p.Facts.Sunset.String() != "2027-08-09" || p.Facts.Takes.String() != "text+image+file" {
		t.Errorf("%s at %s, until %s, takes %s", p.Model, p.List().Provider, p.Facts.Sunset, p.Facts.Takes)
	}
	for _, test := range []struct {
		c      Component
		amount gateway.Money
		source Source
		ok     bool
	}{
		{Input, 1_500_000_000, Source{"a", 20260102}, true},
		{Image, 40_000_000_000_000, Source{"b", 20260103}, true},
		{Cached, 0, Source{}, false},
	} {
		amount, source, ok := p.Per(test.c)
		if amount != test.amount || source != test.source || ok != test.ok {
			t.Errorf("%s: %v of %v, %v", test.c, amount, source, ok)
		}
	}
	if got := p.Components().String(); got != "input, output, image" {
		t.Errorf("priced by %s", got)
	}
	if n := len(table.List("p").Models(zeroTime)); n != 2 {
		t.Errorf("%d models, 2 are there", n)
	}
	if p, ok := table.Price("p", "n", zeroTime); !ok || p.Components() != 0 {
		t.Error("n has no facts and no price, and is known")
	}
}

func TestWhatIsNoPriceFile(t *testing.T) {
	long := strings.Repeat("x", maxLine)
	for _, test := range []struct {
		text string
		want string
	}{
		{"", "line 1: a price file begins"},
		{"\n\n[p]", "line 3: a price file begins"},
		{"prices 2\n", "line 1: a price file begins"},
		{" prices 1\n", "line 1: a price file begins"},
		{"prices 1\nm\n", "line 2: expected a provider in brackets"},
		{"prices 1\n input 1\n", "line 2: expected a provider in brackets"},
		{"prices 1\n[p\n", "line 2: expected a provider in brackets"},
		{"prices 1\n[]\n", "line 2: expected a provider in brackets"},
		{"prices 1\n[a b]\n", "line 2: expected a provider in brackets"},
		{"prices 1\n[p]\nm\n", "line 3: the provider's sources come first"},
		{"prices 1\n[p]\n batch *0.5\n", "line 3: the provider's sources come first"},
		{"prices 1\n[p]\n source a\n", "line 3: expected a source and its date"},
		{"prices 1\n[p]\n source a 2026-02-30\n", "line 3: expected a source and its date"},
		{head + " source a 2026-01-01\n", "line 5: source a stands here twice"},
		{head + "[p]\n", "line 5: p stands here twice"},
		{head + "m\nm\n", "line 6: m stands here twice"},
		{head + "m\n also m\n", "line 6: m stands here twice"},
		{head + "m\n also n*\n", "line 6: a glob is a model's first name"},
		{head + "m fast=1\n", "line 5: fast is no fact"},
		{head + "m context=0\n", "line 5: context=0: that is not what it takes"},
		{head + "m context=1 context=2\n", "line 5: context stands here twice"},
		{head + "m context=99999999999999999999\n", "line 5: context="},
		{head + "m takes=text+taste\n", "line 5: takes="},
		{head + "m takes=text+text\n", "line 5: takes="},
		{head + "m sunset=tomorrow\n", "line 5: sunset="},
		{head + "m deprecated=yes\n", "line 5: deprecated=yes"},
		{head + "m op\n", "line 5: op"},
		{head + "m\n", ""},
		{head + "m\n input\n", "line 6: expected components with their prices"},
		{head + "m\n batch\n", "line 6: expected components with their prices"},
		{head + "m\n input 1 output\n", "line 6: expected components with their prices"},
		{head + "m\n water 1\n", "line 6: water is no component"},
		{head + "m\n input -1\n", "line 6: input -1: an amount is digits"},
		{head + "m\n input $1\n", "line 6: input $1: an amount is digits"},
		{head + "m\n input 0.0000000001\n", "line 6: input 0.0000000001: the amount has more decimals"},
		{head + "m\n image 99999\n", "line 6: image 99999: the amount is larger"},
		{head + "m\n input 1 input 2\n", "line 6: input stands here twice"},
		{head + "m\n input 1\n input 2\n", "line 7: m: two prices of input under one condition"},
		{head + "m\n batch input 1\n batch *0.5\n", "m: a condition has either prices or one factor"},
		{head + "m\n batch *0.5\n batch *0.5\n", "m: a condition has either prices or one factor"},
		{head + "m\n *0.5\n", "line 6: a factor needs a condition"},
		{head + "m\n batch *0\n", "line 6: a factor is *"},
		{head + "m\n batch *0.0001\n", "line 6: a factor is *"},
		{head + "m\n batch *x\n", "line 6: a factor is *"},
		{head + "m\n batch flex input 1\n", "line 6: flex: that is stated already"},
		{head + "m\n >1 >2 input 1\n", "line 6: >2: that is stated already"},
		{head + "m\n >0 input 1\n", "line 6: >0: that is no condition"},
		{head + "m\n >many input 1\n", "line 6: >many: that is no condition"},
		{head + "m\n region= input 1\n", "line 6: region=: that is no condition"},
		{head + "m\n from=soon input 1\n", "line 6: from=soon: that is no condition"},
		{head + "m\n input 1 @c\n", "line 6: c is none of the provider's sources"},
		{head + "m\n free\n input 1\n", "m is free and has a price"},
		{head + "m " + long + "\n", "line 5: a line has at most"},
		{head + "m\x00\n", "a price file is text"},
		{head + "m\n" + strings.Repeat(" batch input 1\n", maxBands+1), "at most 256 lines of prices"},
	} {
		table, err := Load(strings.NewReader(test.text))
		switch {
		case test.want == "" && err != nil:
			t.Errorf("%q: %v", test.text, err)
		case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want) || table != nil):
			t.Errorf("%.80q: %v, want %q", test.text, err, test.want)
		}
	}
	var line *LineError
	if _, err := Load(strings.NewReader("x")); !errors.As(err, &line) || line.Line != 1 {
		t.Errorf("%v has no line", err)
	}
	if _, err := Load(failing{}); err == nil {
		t.Error("a reader that fails made a table")
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("broken") }

// A price that begins later is in force from its day on, in the time zone of nobody.
func TestPricesBegin(t *testing.T) {
	table, err := Load(strings.NewReader(head + `m
 input 2 output 8
 batch *0.5
 from=2026-03-01 input 1
 from=2026-05-01 output 4
 from=2026-05-01 batch *0.25
soon
 from=2026-03-01 input 1
`))
	if err != nil {
		t.Fatal(err)
	}
	u := &llm.Usage{Said: saidBoth, Input: 1000, Output: 1000}
	for _, test := range []struct {
		day         string
		plain, some gateway.Money
	}{
		{"2025-01-01T00:00:00Z", 10_000_000, 5_000_000},
		{"2026-02-28T23:59:59Z", 10_000_000, 5_000_000},
		{"2026-03-01T00:00:00Z", 9_000_000, 4_500_000},
		{"2026-03-01T00:30:00+02:00", 10_000_000, 5_000_000},
		{"2026-04-30T12:00:00Z", 9_000_000, 4_500_000},
		{"2026-05-01T00:00:00Z", 5_000_000, 1_250_000},
		{"2030-01-01T00:00:00Z", 5_000_000, 1_250_000},
	} {
		at, err := time.Parse(time.RFC3339, test.day)
		if err != nil {
			t.Fatal(err)
		}
		p, _ := table.Price("p", "m", at)
		plain, some := p.Cost(u, nil, nil), p.Cost(u, &Terms{Tier: "batch"}, nil)
		if plain.Amount != test.plain || some.Amount != test.some {
			t.Errorf("%s: %d and %d, want %d and %d", test.day, plain.Amount, some.Amount, test.plain, test.some)
		}
	}
	if p, _ := table.Price("p", "m", zeroTime); p.Cost(u, nil, nil).Amount != 5_000_000 {
		t.Error("no time is not the newest price")
	}
	if p, ok := table.Price("p", "soon", time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)); !ok || p.Components() != 0 {
		t.Error("a price that has not begun is in force")
	}
}

func TestWhatCountsForAllModels(t *testing.T) {
	table, err := Load(strings.NewReader(head + ` batch *0.5
 search 0.01 fetch 0 @b
own
 input 2 search 0.02
 batch input 1.5
plain
 input 2
none
free
 free
`))
	if err != nil {
		t.Fatal(err)
	}
	u := &llm.Usage{Said: saidBoth, Input: 1000, Searches: 1, Fetches: 1}
	for _, test := range []struct {
		model        string
		plain, batch gateway.Money
		known        bool
	}{
		{"own", 22_000_000, 21_500_000, true},
		{"plain", 12_000_000, 11_000_000, true},
		{"none", 0, 0, false},
		{"free", 0, 0, true},
	} {
		p, _ := table.Price("p", test.model, zeroTime)
		plain, batch := p.Cost(u, nil, nil), p.Cost(u, &Terms{Tier: "batch"}, nil)
		if plain.Amount != test.plain || batch.Amount != test.batch || plain.Known() != test.known {
			t.Errorf("%s: %d, %d, known %v", test.model, plain.Amount, batch.Amount, plain.Known())
		}
	}
	if _, source, _ := mustPrice(t, table, "p", "plain").Per(Search); source.Name != "b" {
		t.Errorf("its source is %s", source.Name)
	}
}

func mustPrice(t *testing.T, table *Table, provider, model string) *Price {
	t.Helper()
	p, ok := table.Price(provider, model, zeroTime)
	if !ok {
		t.Fatalf("%s/%s is not there", provider, model)
	}
	return p
}

func TestNamesAreFound(t *testing.T) {
	table, err := Load(strings.NewReader(head + `gpt-5
 input 1
gpt-5-mini
 input 1
gpt-4o
 input 1
gpt-4o-2024-05-13
 input 2
gemini-2.5-pro
 input 1
mistral-large-2411
 input 1
claude-x@20250929
 input 1
us.anthropic.claude-v1:0
 input 1
anthropic.claude-v1:0
 input 1
anthropic.claude-v2
 input 1
ft:gpt-4o*
 input 1
ft:gpt-4o-mini*
 input 1
accounts/x/models/y
 input 1
`))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ name, want string }{
		{"gpt-5", "gpt-5"},
		{"gpt-5-2025-08-07", "gpt-5"},
		{"gpt-5-20250807", "gpt-5"},
		{"gpt-5-0807", "gpt-5"},
		{"gpt-5-latest", "gpt-5"},
		{"gpt-5-mini-2025-08-07", "gpt-5-mini"},
		{"gpt-4o-2024-05-13", "gpt-4o-2024-05-13"},
		{"gpt-4o-2024-08-06", "gpt-4o"},
		{"gemini-2.5-pro-001", "gemini-2.5-pro"},
		{"models/gemini-2.5-pro", "gemini-2.5-pro"},
		{"publishers/google/models/gemini-2.5-pro", "gemini-2.5-pro"},
		{"projects/p/locations/l/publishers/google/models/gemini-2.5-pro@default", "gemini-2.5-pro"},
		{"mistral-large-2411", "mistral-large-2411"},
		{"mistral-large", ""},
		{"claude-x@20250929", "claude-x@20250929"},
		{"claude-x", ""},
		{"global.anthropic.claude-v1:0", "anthropic.claude-v1:0"},
		{"us.anthropic.claude-v1:0", "us.anthropic.claude-v1:0"},
		{"jp.anthropic.claude-v1:0", "us.anthropic.claude-v1:0"},
		{"eu.anthropic.claude-v2", "anthropic.claude-v2"},
		{"eu.anthropic.claude-v2:0", "anthropic.claude-v2"},
		{"arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.anthropic.claude-v1:0", "us.anthropic.claude-v1:0"},
		{"arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-v1:0", "anthropic.claude-v1:0"},
		{"ft:gpt-4o:acme::abc", "ft:gpt-4o*"},
		{"ft:gpt-4o-mini:acme::abc", "ft:gpt-4o-mini*"},
		{"accounts/x/models/y", "accounts/x/models/y"},
		{"y", ""},
		{"GPT-5", ""},
		{"gpt-5-", ""},
		{"gpt", ""},
		{"", ""},
		{"-2025-08-07", ""},
		{"models/", ""},
	} {
		got := ""
		if p, ok := table.Price("p", test.name, zeroTime); ok {
			got = p.Model
		}
		if got != test.want {
			t.Errorf("%q is %q, want %q", test.name, got, test.want)
		}
	}
}

// A newer table stands in place of an older one, provider by provider; who holds the older one keeps it.
func TestANewerTable(t *testing.T) {
	old := testTable(t)
	newer, err := Load(strings.NewReader("prices 1\n[xai]\n source page 2026-02-02\ngrok\n input 9\n"))
	if err != nil {
		t.Fatal(err)
	}
	both := old.With(newer)
	for _, test := range []struct {
		table *Table
		want  gateway.Money
	}{{old, 3 * gateway.Dollar}, {both, 9 * gateway.Dollar}} {
		if v, _, _ := mustPrice(t, test.table, "xai", "grok").Per(Input); v != test.want {
			t.Errorf("%s, want %s", v, test.want)
		}
	}
	if _, ok := both.Price("openai", "gpt", zeroTime); !ok {
		t.Error("other providers are gone")
	}
	if a, b := old.List("xai").Version, both.List("xai").Version; a == b || len(a) != 12 {
		t.Errorf("versions %q and %q", a, b)
	}
	again := testTable(t)
	if a, b := old.List("openai").Version, again.List("openai").Version; a != b {
		t.Errorf("one text, two versions: %q and %q", a, b)
	}
}

func TestEmbeddedFilesAreRead(t *testing.T) {
	names, err := files.ReadDir("data")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range names {
		name := strings.TrimSuffix(f.Name(), ".txt")
		if l := read(name); l == nil || l.Provider != name || len(l.models) == 0 {
			t.Errorf("%s cannot be read", f.Name())
		}
		if Embedded().List(name) == nil {
			t.Errorf("the table has no list of %s", name)
		}
	}
	if read("nobody") != nil {
		t.Error("a list without a file")
	}
}

func FuzzLoad(f *testing.F) {
	f.Add(prices)
	f.Add(head + "m takes=text\n >5 batch region=a variant=b from=2026-01-01 input 1 @b\n also n\n free\n")
	f.Add(head + " batch *0.5\n search 1\nm*\n input 1\n")
	f.Fuzz(func(t *testing.T, text string) {
		table, err := Load(strings.NewReader(text))
		if err != nil {
			if table != nil {
				t.Fatal("a table and an error")
			}
			return
		}
		u := &llm.Usage{Said: saidBoth, Input: 300_000, Output: 1000, CacheRead: 5, Searches: 1}
		for _, name := range table.Providers() {
			for _, p := range table.List(name).Models(zeroTime) {
				c := p.Cost(u, &Terms{Tier: "batch", Region: "a"}, nil)
				if c.Amount < 0 || len(c.Items) == 0 && c.Known() && !p.Facts.Free && p.Components()&(readTokens|writtenTokens) == 0 {
					t.Fatalf("%s/%s: %d, known %v", name, p.Model, c.Amount, c.Known())
				}
				if q, ok := table.Price(name, p.Model, zeroTime); !ok || q != p && !strings.Contains(p.Model, "*") {
					t.Fatalf("%s/%s is not found", name, p.Model)
				}
				p.Bound(&Most{Input: 300_000, Output: 1000})
			}
		}
		again, err := Load(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range table.Providers() {
			if table.List(name).Version != again.List(name).Version {
				t.Fatal("two versions of one text")
			}
		}
	})
}
