package config

import (
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // a budget's zone is known on machines that have none

	"weir/internal/gateway"
)

// Rules are limits of one scope, or of each value within it.
type Rules struct {
	Requests   []Quota       `yaml:"requests" is:"rate" lone:"yes" absent:"no limit" doc:"How many requests there may be in a time: 600/min, or several such."`
	Tokens     []Quota       `yaml:"tokens" is:"rate" lone:"yes" absent:"no limit" doc:"How many tokens, read and generated, there may be in a time: 1M/min."`
	Input      []Quota       `yaml:"input" is:"portion" lone:"yes" absent:"no limit" doc:"How many tokens may be read in a time, or by one request, which is refused if it has more: 200k/request."`
	Output     []Quota       `yaml:"output" is:"portion" lone:"yes" absent:"no limit" doc:"How many tokens may be generated in a time, or in each answer of a request, which is then capped: 8k/request."`
	Concurrent int64         `yaml:"concurrent" is:"count" absent:"no limit" doc:"How many requests may be under way at once."`
	Cost       gateway.Money `yaml:"cost" is:"cost" absent:"no limit" doc:"What one request may cost at most: $1/request. Its output is capped to that; where that does not help, or nobody can tell, it is refused."`
}

// Zero reports whether nothing is limited.
func (r *Rules) Zero() bool {
	return len(r.Requests)+len(r.Tokens)+len(r.Input)+len(r.Output) == 0 && r.Concurrent == 0 && r.Cost == 0
}

// ScopeLimits are what stands under `limits` of a scope.
type ScopeLimits struct {
	Rules `yaml:",inline"`
	Each  []EachLimits `yaml:"each" doc:"Limits that each value of something has for itself within the scope."`
}

// EachLimits are limits of each value of something.
type EachLimits struct {
	By    []string `yaml:"by" is:"by" need:"yes" doc:"What is told apart: each value, or combination of values, has the limits for itself. Who names none shares one with all who name none."`
	Rules `yaml:",inline"`
}

// Quota is an amount in a time, or of one request.
type Quota struct {
	Amount int64
	Per    time.Duration // 0 = of one request
}

// Budget is an amount of money for a time.
type Budget struct {
	Name      string        `yaml:",name" is:"name"`
	Amount    Amount        `yaml:"amount" is:"amount" need:"yes" doc:"How much may be spent: $500, or 500 EUR with rate and rated."`
	Rate      gateway.Money `yaml:"rate" is:"dollars" absent:"none: the amount is in dollars" doc:"What one unit of another currency is in dollars: $1.08. The ledger is in dollars."`
	Rated     time.Time     `yaml:"rated" is:"moment" absent:"none" doc:"The day of that rate. It belongs to it, so that nobody takes an old one for today's."`
	Every     string        `yaml:"every" one:"hour|day|week|month|quarter|year" absent:"never: the amount is for good" doc:"How often it begins again. Weeks begin on Monday."`
	Over      time.Duration `yaml:"over" is:"span" absent:"none" doc:"In place of every: what was spent in so much time up to now counts, as 30d. It moves in 48 steps."`
	Zone      string        `yaml:"zone" is:"zone" absent:"UTC" doc:"The time zone in which every begins, as Europe/Berlin."`
	Soft      []Percent     `yaml:"soft" is:"percent" lone:"yes" absent:"none" doc:"Lines on the way that are told of, each once in a window: [50%, 80%]."`
	At        At            `yaml:"at" one:"refuse|cap|warn" default:"refuse" doc:"What happens at the line: a request that may cost more than is left is refused, its output is capped to what is left, or it is served and only told of; or another model answers in its place."`
	Unpriced  string        `yaml:"unpriced" one:"refuse|serve" absent:"refuse; serve where at is warn" doc:"What happens to a request whose price is not known, or not wholly."`
	Unbounded string        `yaml:"unbounded" one:"refuse|serve" absent:"refuse; serve where at is warn" doc:"What happens to a request of which nobody can tell beforehand what it may cost at most, such as one whose provider runs tools for it."`
	Each      []string      `yaml:"each" is:"by" lone:"yes" absent:"none: there is one for all" doc:"Makes one such budget for each value, or combination of values."`
	Whole     bool          `yaml:"whole" is:"flag" default:"false" doc:"Everything is charged to it, not only what is of the scopes that name it under budgets."`
}

// At is what happens at a budget's line: a word, or a model that answers in place of the one that was asked for.
type At struct {
	Do    string `yaml:",word"`
	Model string `yaml:"model" is:"model" need:"yes" doc:"Name of the model of this document that answers. What it costs is charged, whatever is left."`
}

// Amount is an amount of money in billionths of its currency's unit.
type Amount struct {
	Units    int64
	Currency string // three letters; "" = dollars
}

// Percent is a share in hundredths of a percent.
type Percent int64

// Dollars returns the amount in dollars, rounded down; false if it is more than there are numbers for.
func (b *Budget) Dollars() (gateway.Money, bool) {
	if b.Amount.Currency == "" {
		return gateway.Money(b.Amount.Units), true
	}
	return b.Rate.Times(b.Amount.Units)
}

var spans = []struct {
	name string
	per  time.Duration
}{{"second", time.Second}, {"min", time.Minute}, {"hour", time.Hour}, {"day", 24 * time.Hour}}

// mostQuota bounds amounts, so that what is reckoned with them has numbers.
const mostQuota = 1_000_000_000_000

const quotaPattern = `[0-9]+(\.[0-9]+)?[kMG]?`

// quotaKind reads 600/min, 1M/day; request says that 8k/request is one too.
func quotaKind(noun, describe, per string, request bool) *kind {
	return &kind{
		noun: noun, json: "string", units: true, pattern: `^` + quotaPattern + `/(` + per + `)$`, describe: describe,
		show: func(v reflect.Value) string {
			q, _ := reflect.TypeAssert[Quota](v)
			return q.String()
		},
		parse: func(text string, v reflect.Value, _ *setting) *flaw {
			q, f := parseQuota(text, request)
			if f == nil {
				v.Set(reflect.ValueOf(q))
			}
			return f
		},
	}
}

// String returns the quota as it is written.
func (q Quota) String() string {
	n := strconv.FormatInt(q.Amount, 10)
	for _, u := range countUnits {
		if q.Amount%u.size == 0 {
			n = strconv.FormatInt(q.Amount/u.size, 10) + u.name
			break
		}
	}
	for _, s := range spans {
		if s.per == q.Per {
			return n + "/" + s.name
		}
	}
	return n + "/request"
}

var countUnits = []unit{{"G", 1e9}, {"M", 1e6}, {"k", 1e3}}

func parseQuota(text string, request bool) (Quota, *flaw) {
	units := "second, min, hour or day"
	if request {
		units = "second, min, hour, day or request"
	}
	amount, per, ok := strings.Cut(text, "/")
	if !ok {
		if _, bare := parseCount(text); bare {
			return Quota{}, &flaw{"", "say in what time: `" + text + "/min`; it may be " + units}
		}
		return Quota{}, &flaw{}
	}
	q := Quota{}
	i := slices.IndexFunc(spans, func(s struct {
		name string
		per  time.Duration
	},
	) bool {
		return s.name == per
	})
	switch {
	case i >= 0:
		q.Per = spans[i].per
	case per != "request":
		hint := "after the / stands " + units
		if near := meantSpan(per); near != "" {
			hint = "write `" + amount + "/" + near + "`"
		}
		return Quota{}, &flaw{"", hint}
	case !request:
		return Quota{}, &flaw{"this is no limit of one request", "after the / stands " + units}
	}
	if q.Amount, ok = parseCount(amount); !ok {
		return Quota{}, &flaw{"", "a number, with k, M or G for a thousand, a million or a billion"}
	}
	if q.Amount < 1 || q.Amount > mostQuota {
		return Quota{}, &flaw{"a limit is from 1 to 1000G", ""}
	}
	return q, nil
}

// meantSpan returns the unit of time that others call something else.
func meantSpan(s string) string {
	for name, others := range map[string][]string{
		"second": {"s", "sec", "seconds"}, "min": {"m", "mins", "minute", "minutes"}, "hour": {"h", "hr", "hours"}, "day": {"d", "days"},
	} {
		if slices.Contains(others, strings.ToLower(s)) {
			return name
		}
	}
	return ""
}

// parseCount reads 600, 10k, 1.5M. It must be whole.
func parseCount(s string) (int64, bool) {
	size := int64(1)
	for _, u := range countUnits {
		if rest, ok := strings.CutSuffix(s, u.name); ok {
			s, size = rest, u.size
			break
		}
	}
	_, after, _ := strings.Cut(s, ".")
	n, ok := scaled(s, size)
	if !ok || len(strings.TrimRight(after, "0")) > digits(size) {
		return 0, false
	}
	return n, true
}

// digits is how many decimals of a unit are whole.
func digits(size int64) int { return len(strconv.FormatInt(size, 10)) - 1 }

// parseDecimal reads an amount of money with at most nine decimals in billionths.
func parseDecimal(s string) (int64, bool) {
	if _, after, ok := strings.Cut(s, "."); ok && after == "" {
		return 0, false
	}
	return scaled(s, int64(gateway.Dollar))
}

func showDecimal(n int64) string {
	return strings.TrimSuffix(strings.TrimPrefix(gateway.Money(n).String(), "$"), ".00")
}

const (
	moneyPattern    = `[0-9]+(\.[0-9]{1,9})?`
	currencyPattern = `[A-Z]{3}`
)

func parseAmount(text string, v reflect.Value, _ *setting) *flaw {
	number, currency, other := strings.Cut(text, " ")
	a := Amount{}
	if other {
		if len(currency) != 3 || strings.Trim(currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
			return &flaw{"", "a currency is three capital letters, as in 500 EUR"}
		}
		if currency == "USD" {
			return &flaw{"dollars are written with $", "write `$" + number + "`"}
		}
		a.Currency = currency
	} else {
		var dollar bool
		if number, dollar = strings.CutPrefix(text, "$"); !dollar {
			if _, ok := parseDecimal(text); ok {
				return &flaw{"", "in dollars it is `$" + text + "`, in another currency `" + text + " EUR`"}
			}
			return &flaw{}
		}
	}
	n, ok := parseDecimal(number)
	if !ok {
		return &flaw{"", "digits and at most one decimal point with up to 9 decimals behind it, below nine billion"}
	}
	if n == 0 {
		return &flaw{"a budget of nothing would refuse everything", "a key without models may use nothing: `models: []`"}
	}
	a.Units = n
	v.Set(reflect.ValueOf(a))
	return nil
}

func showAmount(v reflect.Value) string {
	a, _ := reflect.TypeAssert[Amount](v)
	if a.Currency == "" {
		return "$" + showDecimal(a.Units)
	}
	return showDecimal(a.Units) + " " + a.Currency
}

func parseDollars(text string, v reflect.Value, _ *setting) *flaw {
	number, ok := strings.CutPrefix(text, "$")
	n, good := parseDecimal(number)
	if !ok || !good || n == 0 {
		return &flaw{"", "`$`, digits and at most one decimal point, above zero"}
	}
	v.SetInt(n)
	return nil
}

func parseCost(text string, v reflect.Value, set *setting) *flaw {
	amount, per, ok := strings.Cut(text, "/")
	if !ok || per != "request" {
		hint := "write `" + amount + "/request`"
		if ok {
			hint = "what may be spent in a time is a budget; see budgets.md"
		}
		return &flaw{"", hint}
	}
	return parseDollars(amount, v, set)
}

func parsePercent(text string, v reflect.Value, _ *setting) *flaw {
	number, ok := strings.CutSuffix(text, "%")
	if !ok {
		return &flaw{"", "write `" + text + "%`"}
	}
	_, after, _ := strings.Cut(number, ".")
	n, good := scaled(number, 100)
	if !good || len(after) > 2 || n < 1 || n > 100*100 {
		return &flaw{"", "above 0% and at most 100%, with up to two decimals"}
	}
	v.SetInt(n)
	return nil
}

func showPercent(v reflect.Value) string {
	n := v.Int()
	s := strconv.FormatInt(n/100, 10)
	if n%100 != 0 {
		s += "." + strings.TrimRight(strconv.FormatInt(100+n%100, 10)[1:], "0")
	}
	return s + "%"
}

// bys are what exchanges are told apart by.
var bys = []string{"organisation", "team", "project", "user", "key", "model", "provider", "session", "end_user"}

// checkBy reads one of them, or tag:NAME.
func checkBy(s string) *flaw {
	if slices.Contains(bys, s) {
		return nil
	}
	if name, ok := strings.CutPrefix(s, "tag:"); ok {
		if f := checkName(name, "._-", "a tag's name takes letters, digits, `.`, `_` and `-`, and begins with a letter or digit"); f != nil {
			return f
		}
		return nil
	}
	hint := didYouMean(s, bys)
	if hint == "" {
		hint = "things are told apart by " + list(append(slices.Clone(bys), "tag:NAME"))
	}
	return &flaw{"", hint}
}

func checkZone(s string) *flaw {
	if s == "" || s == "Local" {
		return &flaw{"", "the zone of this machine is not taken: the document means the same everywhere"}
	}
	if _, err := time.LoadLocation(s); err != nil {
		return &flaw{"no time zone is called `" + clip(s) + "`", "zones are named as in Europe/Berlin, America/New_York or UTC"}
	}
	return nil
}

// withLimits adds the kinds of limits and budgets.
func withLimits(kinds map[string]*kind) map[string]*kind {
	word := strings.Join(bys, "|")
	kinds["rate"] = quotaKind("an amount in a time such as 600/min", "NUMBER/second, /min, /hour or /day", "second|min|hour|day", false)
	kinds["portion"] = quotaKind("an amount in a time or of a request such as 8k/request", "NUMBER/second, /min, /hour, /day or /request", "second|min|hour|day|request", true)
	kinds["cost"] = &kind{
		noun: "an amount of dollars of a request such as $1/request", json: "string", pattern: `^\$` + moneyPattern + `/request$`, describe: "$AMOUNT/request",
		parse: parseCost, show: func(v reflect.Value) string { return "$" + showDecimal(v.Int()) + "/request" },
	}
	kinds["amount"] = &kind{
		noun: "an amount of money such as $500", json: "string", units: true, pattern: `^(\$` + moneyPattern + `|` + moneyPattern + ` ` + currencyPattern + `)$`,
		describe: "$AMOUNT, or AMOUNT and a currency", parse: parseAmount, show: showAmount,
	}
	kinds["dollars"] = &kind{
		noun: "an amount of dollars such as $1.08", json: "string", pattern: `^\$` + moneyPattern + `$`, describe: "$AMOUNT",
		parse: parseDollars, show: func(v reflect.Value) string { return "$" + showDecimal(v.Int()) },
	}
	kinds["percent"] = &kind{
		noun: "a share such as 80%", json: "string", units: true, pattern: `^[0-9]+(\.[0-9]{1,2})?%$`, describe: "NUMBER%",
		parse: parsePercent, show: showPercent,
	}
	kinds["by"] = textKind("what is told apart, such as end_user", `^(`+word+`|tag:[A-Za-z0-9][A-Za-z0-9._-]*)$`,
		"`"+strings.Join(bys, "`, `")+"`, `tag:NAME`", checkBy)
	kinds["database"] = textKind("a URL such as postgres://weir@db/weir", `^[a-z]+://[^#]+$`, "URL", checkDatabase)
	kinds["zone"] = textKind("a time zone such as Europe/Berlin", `^[A-Za-z][A-Za-z0-9_+/-]*$`, "time zone", checkZone)
	kinds["person"] = textKind("a user's name such as ada@example.org", `^[A-Za-z0-9][A-Za-z0-9._@+-]*$`, "name", func(s string) *flaw {
		return checkName(s, "._@+-", "a user's name takes letters, digits and `._@+-`, and begins with a letter or digit")
	})
	span := durationKind(int64(48 * time.Second))
	span.parse = parseSpan
	kinds["span"] = span
	return kinds
}

func parseSpan(text string, v reflect.Value, _ *setting) *flaw {
	n, f := parseDuration(text)
	if f != nil {
		return f
	}
	if n < int64(time.Minute) || n > math.MaxInt64/2 {
		return &flaw{"it is at least a minute", ""}
	}
	v.SetInt(n)
	return nil
}
