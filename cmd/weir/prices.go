package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"weir/internal/catalog"
	"weir/internal/compile"
	"weir/internal/config"
	"weir/internal/nearest"
	"weir/internal/price"
	"weir/internal/rawjson"
)

func pricesCommand() *cobra.Command {
	var file, at, output string
	c := &cobra.Command{
		Use: "prices [PROVIDER] [MODEL]", Short: "list and search what models cost", Args: atMost(2),
		Long: `Prices lists the built-in prices: without arguments the providers, with a provider its models, with a model all its
prices, each with its source and that source's date. A model may be a part of its name, and stand without a provider.

With -c it lists those that the gateway of that document uses: by the document's names of providers, with the prices of
the document and of its files (node.prices) over the built-in ones.`,
		Example: "  weir prices\n  weir prices openai\n  weir prices openai gpt-5\n  weir prices sonnet -o json\n  weir prices -c weir.yaml openai-eu gpt-5\n  weir prices check prices/",
		RunE: func(c *cobra.Command, args []string) error {
			day, err := dayOf(at)
			if err != nil {
				return err
			}
			lists, err := priceLists(file)
			if err != nil {
				return err
			}
			return prices(c.OutOrStdout(), lists, args, day, output == "json")
		},
	}
	c.Flags().StringVarP(&file, "config", "c", "", "the document whose prices to list (default: the built-in ones)")
	c.Flags().StringVar(&at, "at", "", "the day whose prices to list, such as 2027-01-31 (default: today)")
	outputFlag(c, &output)
	c.AddCommand(pricesCheckCommand())
	return c
}

// atMost refuses more arguments, as a usage error.
func atMost(n int) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) > n {
			return coded{exitUsage, fmt.Errorf("%q is not expected here; see `%s --help`", args[n], c.CommandPath())}
		}
		return nil
	}
}

func dayOf(text string) (time.Time, error) {
	if text == "" {
		return time.Now(), nil
	}
	day, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return day, coded{exitUsage, fmt.Errorf("--at takes a day such as 2027-01-31, not %q", text)}
	}
	return day, nil
}

// priceLists returns the built-in lists, or those that a document's gateway uses.
func priceLists(file string) (map[string]*price.List, error) {
	if file == "" {
		lists := map[string]*price.List{}
		for _, name := range price.Embedded().Providers() {
			lists[name] = price.Embedded().List(name)
		}
		return lists, nil
	}
	src, err := os.ReadFile(file)
	if err != nil {
		return nil, coded{exitUsage, err}
	}
	entries, err := catalog.Embedded()
	if err != nil {
		return nil, err
	}
	compiler := compile.New(entries)
	opt := compiler.Options(os.LookupEnv)
	opt.NoEnv = true // keys are of no interest here
	wrong := func(err error) error {
		return coded{exitDocument, fmt.Errorf("the document is not right:\n%w", err)}
	}
	doc, err := config.Parse(file, src, opt)
	if err != nil {
		return nil, wrong(err)
	}
	table, err := (&priceFiles{}).read(doc)
	if err != nil {
		return nil, wrong(err)
	}
	compiler.Prices(table)
	lists, err := compiler.PriceLists(doc, revisionOf(src))
	if err != nil {
		return nil, wrong(err)
	}
	return lists, nil
}

// prices prints what the arguments ask for.
func prices(w io.Writer, lists map[string]*price.List, args []string, at time.Time, asJSON bool) error {
	if len(args) == 0 {
		return printProviders(w, lists, at, asJSON)
	}
	names := slices.Sorted(maps.Keys(lists))
	searched, part := names, ""
	switch provider := lists[args[0]]; {
	case provider != nil:
		searched = args[:1]
		if len(args) == 2 {
			part = args[1]
		}
	case len(args) == 2:
		err := fmt.Errorf("no prices are known of a provider %s", args[0])
		if near := nearest.Word(args[0], names); near != "" {
			err = fmt.Errorf("%w; did you mean %s?", err, near)
		}
		return err
	default:
		part = args[0]
	}
	var found []shown
	for _, name := range searched {
		found = append(found, search(name, lists[name], part, at)...)
	}
	if len(found) == 0 {
		return fmt.Errorf("no price is known of a model %s; `weir prices` lists the providers", part)
	}
	if asJSON {
		return printJSON(w, found)
	}
	if part != "" && len(found) <= mostWhole {
		return printWhole(w, found)
	}
	return printShort(w, found)
}

// mostWhole is how many models a search may find to print all prices of each.
const mostWhole = 5

// shown is a model that is listed.
type shown struct {
	provider string
	list     *price.List
	price    *price.Price
	model    string          // as it was asked for
	later    []price.Edition // prices that are known to begin on a day to come
}

// search finds the models of a list: the one that a request for that name is priced by, else those whose names have it
// in them.
func search(provider string, l *price.List, part string, at time.Time) []shown {
	if p, ok := l.Price(part, at); ok && part != "" && !(strings.Contains(p.Model, "*") && p.Model != part) {
		return []shown{{provider, p.List(), p, part, l.Later(part, at)}}
	}
	var out []shown
	for _, p := range l.Models(at) {
		if strings.Contains(strings.ToLower(p.Model), strings.ToLower(part)) {
			out = append(out, shown{provider, p.List(), p, p.Model, l.Later(p.Model, at)})
		}
	}
	if p, ok := l.Price(part, at); ok && part != "" && out == nil { // a pattern
		out = append(out, shown{provider, p.List(), p, part, l.Later(part, at)})
	}
	return out
}

// shortly is what the list of a provider shows of a model: what most are priced by.
var shortly = []price.Component{price.Input, price.Cached, price.Output}

func printShort(w io.Writer, found []shown) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "PROVIDER\tMODEL\tINPUT\tCACHED\tOUTPUT\tALSO PRICED BY")
	for _, s := range found {
		cells := []string{s.provider, s.model}
		for _, c := range shortly {
			cell := "-"
			if v, _, ok := s.price.Per(c); ok {
				cell = v.String()
			}
			cells = append(cells, cell)
		}
		switch {
		case s.price.Facts.Free:
			cells = append(cells, "free")
		case !s.price.Priced():
			cells = append(cells, "no price is known")
		default:
			also := s.price.Components() &^ price.SetOf(shortly...)
			cells = append(cells, also.String())
		}
		fmt.Fprintln(t, strings.TrimRight(strings.Join(cells, "\t"), "\t "))
	}
	return t.Flush()
}

func printWhole(w io.Writer, found []shown) error {
	for i, s := range found {
		if i > 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintf(w, "%s/%s", s.provider, s.model)
		if s.price.Model != s.model {
			fmt.Fprintf(w, " as %s", s.price.Model)
		}
		fmt.Fprintf(w, ", list %s\n", s.list.Version)
		if days := daysOf(&s.price.Facts); days != "" {
			fmt.Fprintln(w, "  "+days)
		}
		rates := s.price.Rates()
		switch {
		case s.price.Facts.Free:
			fmt.Fprintln(w, "  free")
		case len(rates) == 0:
			fmt.Fprintln(w, "  no price is known")
		}
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		printRates(t, "", rates)
		before := rates
		for _, e := range s.later {
			now := e.Price.Rates()
			printRates(t, "from "+e.From.String()+" ", changed(before, now))
			before = now
		}
		if err := t.Flush(); err != nil {
			return err
		}
	}
	return nil
}

// printRates prints prices, each after the word for when they begin.
func printRates(t io.Writer, begin string, rates []price.Rate) {
	for _, r := range rates {
		what, amount, per := r.Component.String(), "$"+r.Amount, "per million"
		switch {
		case r.Factor:
			what, amount, per = "all tokens", "×"+r.Amount, "what they cost"
		case r.Component.Apiece():
			per = "apiece"
		}
		what = begin + strings.TrimSpace(r.When+" "+what)
		fmt.Fprintln(t, strings.TrimRight(fmt.Sprintf("  %s\t%s\t%s\t%s %s", what, amount, per, r.Source.Name, r.Source.Date), " "))
	}
}

// changed returns what of prices is not among those before them.
func changed(before, now []price.Rate) []price.Rate {
	return slices.DeleteFunc(slices.Clone(now), func(r price.Rate) bool { return slices.Contains(before, r) })
}

// daysOf says since when and until when a model is offered, as far as that is known.
func daysOf(f *price.Facts) string {
	var out []string
	if f.Released != 0 {
		out = append(out, "released "+f.Released.String())
	}
	if f.Sunset != 0 {
		out = append(out, "switched off on "+f.Sunset.String())
	}
	if f.Deprecated {
		out = append(out, "deprecated")
	}
	return strings.Join(out, ", ")
}

func printProviders(w io.Writer, lists map[string]*price.List, at time.Time, asJSON bool) error {
	names := slices.Sorted(maps.Keys(lists))
	if asJSON {
		var j rawjson.Writer
		j.Open('{').Name("providers").Open('[')
		for _, name := range names {
			l := lists[name]
			j.Open('{').Name("provider").String(name).Name("models").Int(int64(len(l.Models(at)))).Name("version").String(l.Version)
			j.Name("sources").Open('[')
			for _, s := range l.Sources() {
				j.Open('{').Name("source").String(s.Name).Name("date").String(s.Date.String()).Close('}')
			}
			j.Close(']').Close('}')
		}
		j.Close(']').Close('}')
		_, err := fmt.Fprintf(w, "%s\n", j.Buf)
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "PROVIDER\tMODELS\tVERSION\tSOURCES")
	for _, name := range names {
		l := lists[name]
		var sources []string
		for _, s := range l.Sources() {
			sources = append(sources, strings.TrimSpace(s.Name+" "+s.Date.String()))
		}
		fmt.Fprintf(t, "%s\t%d\t%s\t%s\n", name, len(l.Models(at)), l.Version, strings.Join(sources, ", "))
	}
	return t.Flush()
}

// printJSON prints {"models":[{provider,model,as,version,free,released,sunset,prices:[{when,component,usd,per,source,
// date}],later:[{from,prices}]}]}. Days that are not known are "".
func printJSON(w io.Writer, found []shown) error {
	var j rawjson.Writer
	j.Open('{').Name("models").Open('[')
	for _, s := range found {
		j.Open('{').Name("provider").String(s.provider).Name("model").String(s.model).Name("as").String(s.price.Model).
			Name("version").String(s.list.Version).Name("free").Bool(s.price.Facts.Free).
			Name("released").String(s.price.Facts.Released.String()).Name("sunset").String(s.price.Facts.Sunset.String()).Name("prices")
		ratesJSON(&j, s.price.Rates())
		j.Name("later").Open('[')
		for _, e := range s.later {
			j.Open('{').Name("from").String(e.From.String()).Name("prices")
			ratesJSON(&j, e.Price.Rates())
			j.Close('}')
		}
		j.Close(']').Close('}')
	}
	j.Close(']').Close('}')
	_, err := fmt.Fprintf(w, "%s\n", j.Buf)
	return err
}

func ratesJSON(j *rawjson.Writer, rates []price.Rate) {
	j.Open('[')
	for _, r := range rates {
		j.Open('{').Name("when").String(r.When)
		if r.Factor {
			j.Name("factor").String(r.Amount).Close('}')
			continue
		}
		per := "million"
		if r.Component.Apiece() {
			per = "piece"
		}
		j.Name("component").String(r.Component.String()).Name("usd").String(r.Amount).Name("per").String(per).
			Name("source").String(r.Source.Name).Name("date").String(r.Source.Date.String()).Close('}')
	}
	j.Close(']')
}

func pricesCheckCommand() *cobra.Command {
	return &cobra.Command{
		Use: "check FILE|FOLDER", Short: "say whether price files are right", Args: cobra.ArbitraryArgs,
		Long: `Check reads price files as node.prices does and names what is wrong with file and line. Exit status 0: they are
right; 3: they are not.`,
		Example: "  weir prices check openai.txt\n  weir prices check prices/",
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return coded{exitUsage, errors.New("name a price file or a folder of them; see `weir prices check --help`")}
			}
			return checkPrices(c.OutOrStdout(), args)
		},
	}
}

func checkPrices(w io.Writer, paths []string) error {
	var wrong []error
	for _, path := range paths {
		table, err := price.LoadPath(path)
		if err != nil {
			wrong = append(wrong, err)
			continue
		}
		for _, name := range table.Providers() {
			l := table.List(name)
			note := "in place of the built-in list"
			if price.Embedded().List(name) == nil {
				note = "for a provider without a built-in list"
			}
			fmt.Fprintf(w, "%s: %s, %d models, version %s, %s\n", path, name, len(l.Models(time.Time{})), l.Version, note)
		}
		if len(table.Providers()) == 0 {
			fmt.Fprintf(w, "%s: no prices\n", path)
		}
	}
	if wrong != nil {
		return coded{exitDocument, fmt.Errorf("the prices are not right:\n%w", errors.Join(wrong...))}
	}
	return nil
}
