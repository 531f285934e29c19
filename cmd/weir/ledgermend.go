package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"weir/internal/catalog"
	"weir/internal/compile"
	"weir/internal/config"
	"weir/internal/nearest"
	"weir/internal/price"
	"weir/internal/statement"
)

func repriceCommand() *cobra.Command {
	var (
		file, output, prices, asOf string
		write                      bool
		period                     when
	)
	chosen := filters{}
	c := &cobra.Command{
		Use: "reprice", Short: "price entries again, and book what differs", Args: none,
		Long: `Reprice prices entries again from their usage, as the ledger keeps it: by the prices of the document and its files as they
are now, or by --prices. It says by target what would differ. With --write it books a correction for each entry that
differs: an entry of its own at the time of the one it corrects, so that months and budgets come out as they should have.
What was booked twice counts once, and pricing again by the same prices changes nothing.`,
		Example: `  weir ledger reprice --since 2026-11-01
  weir ledger reprice --period last-month --provider openai --prices contract.txt
  weir ledger reprice --since 2026-11-01 --target gpu/qwen3-32b --write`,
		RunE: func(c *cobra.Command, _ []string) error {
			if period.since == "" && period.period == "" {
				return coded{exitUsage, errors.New("say which entries: --since or --period")}
			}
			r := statement.Repricing{Where: chosen.where(), Now: time.Now(), Book: write}
			var err error
			var zone *time.Location
			if r.From, r.To, zone, err = period.span("", r.Now); err != nil {
				return err
			}
			if asOf != "" {
				if r.AsOf, err = statement.Since(asOf, r.Now, zone); err != nil {
					return coded{exitUsage, fmt.Errorf("--as-of: %w", err)}
				}
			}
			b, err := openBooks(c.Context(), file, write)
			if err != nil {
				return err
			}
			defer b.close() //nolint:errcheck // each batch is committed
			if r.Prices, err = pricer(b, prices); err != nil {
				return err
			}
			out, err := statement.Reprice(c.Context(), b, r)
			if err != nil {
				return err
			}
			w := c.OutOrStdout()
			if output == "json" {
				return out.JSON(w)
			}
			if err := out.Text(w, zone); err != nil {
				return err
			}
			booked(w, write, out.Total.Changed, out.Booked)
			return nil
		},
	}
	fileFlag(c, &file)
	c.Flags().StringVar(&prices, "prices", "", "a price file, or folder of them, in place of those of the document (see docs/prices.md)")
	c.Flags().StringVar(&asOf, "as-of", "", "take the prices of this day (default: of each entry's own day)")
	c.Flags().BoolVar(&write, "write", false, "book the corrections; without it nothing is written")
	period.flags(c, "none: it must be said")
	chosen.flags(c)
	formats(c, &output, "text", "json")
	return c
}

// booked says what was written, or how to have it written.
func booked(w io.Writer, write bool, changed int64, fresh int) {
	switch {
	case write:
		fmt.Fprintf(w, "\n%s corrections booked\n", statement.Count(int64(fresh)))
	case changed > 0:
		fmt.Fprintf(w, "\nnothing is written yet: --write books %s corrections\n", statement.Count(changed))
	}
}

// pricer returns the prices of a document, or of files in their place.
func pricer(b *openedBooks, files string) (statement.Pricer, error) {
	regions := map[string]string{}
	catalogs := map[string]string{}
	for i := range b.doc.Providers {
		p := &b.doc.Providers[i]
		regions[p.Name] = compile.ChargeRegion(p.BaseURL, p.Region)
		catalogs[p.Name] = p.Catalog
	}
	if files != "" {
		table, err := price.LoadPath(files)
		if err != nil {
			return nil, coded{exitDocument, fmt.Errorf("the prices are not right:\n%w", err)}
		}
		return func(name string) (*price.List, string) {
			list := table.List(name)
			if list == nil && catalogs[name] != "" {
				list = table.List(catalogs[name])
			}
			return list, regions[name]
		}, nil
	}
	lists, err := documentPrices(b.doc, b.src)
	if err != nil {
		return nil, err
	}
	return func(name string) (*price.List, string) { return lists[name], regions[name] }, nil
}

// documentPrices returns the prices of a document's providers, with those of its files.
func documentPrices(doc *config.Document, src []byte) (map[string]*price.List, error) {
	entries, err := catalog.Embedded()
	if err != nil {
		return nil, err
	}
	compiler := compile.New(entries)
	table, err := (&priceFiles{}).read(doc)
	if err != nil {
		return nil, coded{exitDocument, fmt.Errorf("the document is not right:\n%w", err)}
	}
	compiler.Prices(table)
	lists, err := compiler.PriceLists(doc, revisionOf(src))
	if err != nil {
		return nil, coded{exitDocument, fmt.Errorf("the document is not right:\n%w", err)}
	}
	return lists, nil
}

func reconcileCommand() *cobra.Command {
	var (
		file, output, tolerance   string
		providers, renamed, heads []string
		write, all, days          bool
	)
	c := &cobra.Command{
		Use: "reconcile FILE", Short: "compare a provider's bill with the ledger", Args: atMost(1),
		Long: `Reconcile reads what a provider says it charges and compares it with the ledger, by day (UTC) and model. It reads OpenAI's
costs (CSV or the JSON of its API), Anthropic's cost report (the same), a FOCUS export of AWS, Google or Azure, and any CSV
file with a day, a cost and, where it has one, a model; --column says which those are, where that is not plain.

What the bill has and the ledger does not is listed apart: traffic that did not pass Weir. With --write, entries of which
nobody knows what they came to are corrected to what the bill leaves for them, where it leaves something between nothing
and what was held for them.`,
		Example: `  weir ledger reconcile costs.csv --provider openai
  weir ledger reconcile bill.csv --provider bedrock --column model=x_UsageType --days
  weir ledger reconcile costs.json --provider openai --as "ft:gpt-4.1=gpt-4.1" --write`,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return coded{exitUsage, errors.New("name the provider's file; see `weir ledger reconcile --help`")}
			}
			b, err := openBooks(c.Context(), file, write)
			if err != nil {
				return err
			}
			defer b.close() //nolint:errcheck // each batch is committed
			o := statement.Comparison{Providers: providers, Whole: days, Now: time.Now(), Book: write}
			if err := comparison(&o, b.doc, args[0], heads, renamed, tolerance); err != nil {
				return err
			}
			return reconcile(c.Context(), c.OutOrStdout(), b, o, output == "json", all)
		},
	}
	fileFlag(c, &file)
	c.Flags().StringArrayVar(&providers, "provider", nil, "the document's provider that the bill is of; repeatable")
	c.Flags().StringArrayVar(&heads, "column", nil, "where the file has what: day=HEAD, model=HEAD, cost=HEAD, currency=HEAD; repeatable")
	c.Flags().StringArrayVar(&renamed, "as", nil, "a model that is called otherwise here: BILL=LEDGER; repeatable")
	c.Flags().StringVar(&tolerance, "tolerance", "1%", "what may differ of a sum; a cent always may")
	c.Flags().BoolVar(&days, "days", false, "compare days alone, where the bill names models in no way that fits")
	c.Flags().BoolVar(&all, "all", false, "list what matches, too")
	c.Flags().BoolVar(&write, "write", false, "book what the bill tells of unknown entries; without it nothing is written")
	formats(c, &output, "text", "json")
	return c
}

// comparison reads the file and the flags.
func comparison(o *statement.Comparison, doc *config.Document, path string, heads, renamed []string, tolerance string) error {
	wrong := func(err error) error { return coded{exitUsage, err} }
	var known []string
	for i := range doc.Providers {
		known = append(known, doc.Providers[i].Name)
	}
	if len(o.Providers) == 0 {
		return wrong(fmt.Errorf("say whose bill it is with --provider: %s", strings.Join(known, ", ")))
	}
	for _, name := range o.Providers { // one that left the document may still be in the ledger
		if near := nearest.Word(name, known); near != "" && near != name {
			return wrong(fmt.Errorf("--provider: the document has no %s; did you mean %s?", name, near))
		}
	}
	ppm, err := statement.ParseMoney(strings.TrimSuffix(tolerance, "%"), -2)
	if err != nil || ppm < 0 || ppm > 1_000_000_000 {
		return wrong(fmt.Errorf("--tolerance takes a percentage such as 0.5%%, not %q", tolerance))
	}
	o.PPM = int64(ppm) / 1_000
	columns, err := statement.ParseColumns(heads)
	if err != nil {
		return wrong(fmt.Errorf("--column: %w", err))
	}
	o.Renamed = map[string]string{}
	for _, pair := range renamed {
		from, to, ok := strings.Cut(pair, "=")
		if !ok || from == "" || to == "" {
			return wrong(fmt.Errorf("--as takes BILL=LEDGER, not %q", pair))
		}
		o.Renamed[from] = to
	}
	f, err := os.Open(path)
	if err != nil {
		return wrong(err)
	}
	defer f.Close()
	if o.Bill, err = statement.ReadBill(f, columns); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

func reconcile(ctx context.Context, w io.Writer, b *openedBooks, o statement.Comparison, asJSON, all bool) error {
	out, err := statement.Compare(ctx, b, o)
	if err != nil {
		return err
	}
	if asJSON {
		return out.JSON(w)
	}
	if err := out.Text(w, all); err != nil {
		return err
	}
	if o.Book {
		fmt.Fprintf(w, "\nthe bill tells of %s unknown entries: %s corrections booked, %s\n",
			statement.Count(out.Resolved), statement.Count(int64(out.Booked)), statement.Dollars(out.Changed))
	}
	return nil
}
