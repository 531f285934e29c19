package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"weir/internal/catalog"
	"weir/internal/compile"
	"weir/internal/config"
	"weir/internal/gateway"
	"weir/internal/postgres"
	"weir/internal/sqlite"
	"weir/internal/statement"
)

// openedBooks is the ledger that a document's gateways keep, as commands beside them read it.
type openedBooks struct {
	gateway.Books
	close func() error
	doc   *config.Document
	src   []byte
}

// storeFile is where the ledger is in node.data_dir, where node.store names no other place.
const storeFile = "weir.db"

// readDocument reads a document whose keys are of no interest.
func readDocument(file string) (*config.Document, []byte, *compile.Compiler, error) {
	src, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil, nil, coded{exitUsage, fmt.Errorf("there is no document at %s; name the gateway's with -c", file)}
	}
	if err != nil {
		return nil, nil, nil, coded{exitUsage, err}
	}
	entries, err := catalog.Embedded()
	if err != nil {
		return nil, nil, nil, err
	}
	compiler := compile.New(entries)
	opt := compiler.Options(os.LookupEnv)
	opt.NoEnv = true
	doc, err := config.Parse(file, src, opt)
	if err != nil {
		return nil, nil, nil, coded{exitDocument, fmt.Errorf("the document is not right:\n%w", err)}
	}
	return doc, src, compiler, nil
}

// openBooks opens the ledger of a document, to read it or to book corrections.
func openBooks(ctx context.Context, file string, write bool) (*openedBooks, error) {
	doc, src, _, err := readDocument(file)
	if err != nil {
		return nil, err
	}
	b := &openedBooks{doc: doc, src: src}
	if at := doc.Node.Store; at.URL != "" {
		store, err := postgres.Open(ctx, at.URL, at.Password.Reveal(), postgres.Options{ReadOnly: !write, Connections: 2})
		if err != nil && len(doc.Unset) > 0 {
			err = fmt.Errorf("%w (not set here: %s)", err, strings.Join(doc.Unset, ", "))
		}
		if err != nil {
			return nil, err
		}
		b.Books, b.close = store, store.Close
		return b, nil
	}
	path := filepath.Join(doc.Node.DataDir, storeFile)
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("there is no ledger at %s; the gateway of %s makes it when it starts", path, file)
	}
	store, err := sqlite.Open(ctx, path, sqlite.Options{ReadOnly: !write})
	if err != nil {
		return nil, err
	}
	b.Books, b.close = store, store.Close
	return b, nil
}

// when are the flags that choose a time.
type when struct{ since, until, period, zone string }

func (f *when) flags(c *cobra.Command, usual string) {
	c.Flags().StringVar(&f.since, "since", "", "begin: 30d, 12h, today, week, month, quarter, year, a day such as 2026-11-01, a time, or all (default: "+usual+")")
	c.Flags().StringVar(&f.until, "until", "", "end: a day or month counts to its end, a time does not (default: now)")
	c.Flags().StringVar(&f.period, "period", "", "begin and end in one: last-month, yesterday, 2026-10, 2026-10-31 …")
	c.Flags().StringVar(&f.zone, "zone", "UTC", "time zone of days and months: Europe/Berlin, or local")
}

// span returns the time that the flags choose.
func (f *when) span(usual string, now time.Time) (from, to time.Time, zone *time.Location, err error) {
	wrong := func(err error) (time.Time, time.Time, *time.Location, error) {
		return from, to, zone, coded{exitUsage, err}
	}
	if zone, err = statement.Zone(f.zone); err != nil {
		return wrong(fmt.Errorf("--zone: %w", err))
	}
	if f.period != "" {
		if f.since != "" || f.until != "" {
			return wrong(errors.New("--period is begin and end in one: leave --since and --until out"))
		}
		if from, err = statement.Since(f.period, now, zone); err == nil {
			to, err = statement.Until(f.period, now, zone)
		}
		if err != nil {
			return wrong(fmt.Errorf("--period: %w", err))
		}
		if !from.IsZero() && !from.Before(to) {
			return wrong(fmt.Errorf("--period: %s is a moment and no period; use --since", f.period))
		}
		return from, to, zone, nil
	}
	if f.since == "" {
		f.since = usual
	}
	if from, err = statement.Since(f.since, now, zone); err != nil {
		return wrong(fmt.Errorf("--since: %w", err))
	}
	if f.until != "" {
		if to, err = statement.Until(f.until, now, zone); err != nil {
			return wrong(fmt.Errorf("--until: %w", err))
		}
		if !to.IsZero() && !from.Before(to) {
			return wrong(fmt.Errorf("--until %s is not after --since %s", f.until, f.since))
		}
	}
	return from, to, zone, nil
}

// filters are the flags that choose entries, by the field's name.
type filters map[gateway.Field]*[]string

func (f filters) flags(c *cobra.Command) {
	for _, field := range statement.Filters() {
		values := &[]string{}
		f[field] = values
		name := strings.ReplaceAll(string(field), "_", "-")
		about := "only entries of this " + strings.ReplaceAll(string(field), "_", " ")
		switch field {
		case gateway.ByTag:
			about = "only entries with this tag: NAME=VALUE"
		case gateway.ByTarget:
			about = "only entries of this target: PROVIDER/MODEL"
		case gateway.ByPayer:
			about = "only entries that this one pays: caller or weir"
		}
		c.Flags().StringArrayVar(values, name, nil, about+"; repeatable")
	}
}

func (f filters) where() map[gateway.Field][]string {
	out := map[gateway.Field][]string{}
	for field, values := range f {
		if len(*values) > 0 {
			out[field] = slices.Clone(*values)
		}
	}
	return out
}

// formats adds -o with what it takes; the first is the default.
func formats(c *cobra.Command, output *string, known ...string) {
	c.Flags().StringVarP(output, "output", "o", known[0], known[0]+", or "+strings.Join(known[1:], " or ")+" for programs")
	before := c.PreRunE
	c.PreRunE = func(c *cobra.Command, args []string) error {
		if !slices.Contains(known, *output) {
			return coded{exitUsage, fmt.Errorf("-o takes %s, not %q", strings.Join(known, " or "), *output)}
		}
		if before != nil {
			return before(c, args)
		}
		return nil
	}
}
