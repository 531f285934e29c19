package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"weir/internal/gateway"
	"weir/internal/ledger"
	"weir/internal/statement"
)

func ledgerCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "ledger", Short: "find, check, correct, close and export what was spent", Args: none,
		Long: `The ledger has an entry for each attempt that was sent to a provider: who asked, what answered, its usage, its price and
what it cost. What is booked is never changed; a correction is an entry of its own.

These commands read the ledger of a document's gateways (node.store, else weir.db in node.data_dir) beside them.`,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(entriesCommand(), verifyCommand(), repriceCommand(), closeCommand(), reconcileCommand(), exportCommand(),
		backupCommand(), restoreCommand(), trimCommand())
	return c
}

func entriesCommand() *cobra.Command {
	var (
		file, output string
		most         int
		period       when
	)
	chosen := filters{}
	c := &cobra.Command{
		Use: "entries [ID]", Short: "list entries, or find those of one exchange", Args: atMost(1),
		Long: `Entries lists entries, oldest first. With the ID of an exchange (x-weir-id of an answer, id of its record) it lists the
attempts of that exchange, with the ID of an entry that one and its corrections.`,
		Example: `  weir ledger entries
  weir ledger entries 019abcde-0000-7000-8000-000000000001
  weir ledger entries --state unknown --since 30d
  weir ledger entries --key ci --since 2026-11-01 -o json | jq .cost_usd`,
		RunE: func(c *cobra.Command, args []string) error {
			from, to, zone, err := period.span("24h", time.Now())
			if err != nil {
				return err
			}
			b, err := openBooks(c.Context(), file, false)
			if err != nil {
				return err
			}
			defer b.close() //nolint:errcheck // it was only read
			found := b.Entries(c.Context(), gateway.EntryQuery{From: from, To: to, Where: chosen.where()})
			if len(args) == 1 {
				found = statement.Found(c.Context(), b, args[0])
			}
			w := c.OutOrStdout()
			if output == "json" {
				limit := 0
				if c.Flags().Changed("most") {
					limit = most
				}
				_, err := statement.EntryLines(w, found, limit)
				return err
			}
			shown, more, err := statement.EntryTable(w, found, zone, most)
			switch {
			case err != nil:
				return err
			case shown == 0 && len(args) == 1:
				return fmt.Errorf("no entry and no exchange has the ID %s", statement.Printable(args[0]))
			case shown == 0:
				fmt.Fprintf(w, "no entries, %s\n", statement.Period(from, to, zone))
			case more:
				fmt.Fprintf(w, "\nand more; --most shows more than %d, -o json all\n", most)
			}
			return nil
		},
	}
	fileFlag(c, &file)
	c.Flags().IntVar(&most, "most", 100, "at most so many; of -o json all, unless it is given")
	period.flags(c, "24h")
	chosen.flags(c)
	formats(c, &output, "text", "json")
	return c
}

// journalFolder is where in node.data_dir the ledger's journal is.
const journalFolder = "journal"

func verifyCommand() *cobra.Command {
	var (
		file, output string
		period       when
	)
	c := &cobra.Command{
		Use: "verify", Short: "say whether the sums are those of the entries", Args: none,
		Long: `Verify reads every entry and compares: the sums that spend answers from with those of the entries, what is spent of
budgets with what entries are charged to them, and the journal of this node with the books. Exit status 0: all agree;
1: something does not.`,
		Example: "  weir ledger verify\n  weir ledger verify --since 90d -o json",
		RunE: func(c *cobra.Command, _ []string) error {
			from, to, _, err := period.span("all", time.Now())
			if err != nil {
				return err
			}
			b, err := openBooks(c.Context(), file, false)
			if err != nil {
				return err
			}
			defer b.close() //nolint:errcheck // it was only read
			return verify(c.Context(), c.OutOrStdout(), b, from, to, output == "json")
		},
	}
	fileFlag(c, &file)
	period.flags(c, "all")
	formats(c, &output, "text", "json")
	return c
}

func verify(ctx context.Context, w io.Writer, b *openedBooks, from, to time.Time, asJSON bool) error {
	v, err := statement.Verify(ctx, b, from, to)
	if err != nil {
		return err
	}
	agree := len(v.Wrong) == 0
	write := v.Text
	if asJSON {
		write = v.JSON
	}
	dir := filepath.Join(b.doc.Node.DataDir, journalFolder)
	if _, err := os.Stat(dir); err == nil {
		report, err := ledger.Verify(ctx, dir, b)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return err
		default:
			agree = agree && report.Agree()
			v.Journal = journalOf(report)
		}
	}
	if err := write(w); err != nil {
		return err
	}
	if !agree {
		return errors.New("the ledger does not agree with itself")
	}
	return nil
}

// journalOf puts what a journal's report says in words.
func journalOf(r *ledger.Report) *statement.Journal {
	j := &statement.Journal{Holds: r.Holds, Entries: r.Entries, Waiting: r.Waiting}
	for _, of := range []struct {
		ids  []string
		n    int
		what string
	}{
		{r.Missing, r.MissingCount, "was brought to the books and is not there"},
		{r.Differing, r.DifferingCount, "is another one in the books"},
	} {
		for _, id := range of.ids {
			j.Wrong = append(j.Wrong, "entry "+id+" "+of.what)
		}
		if more := of.n - len(of.ids); more > 0 {
			j.Wrong = append(j.Wrong, fmt.Sprintf("%d more entries: each %s", more, of.what))
		}
	}
	if r.Damaged > 0 {
		j.Wrong = append(j.Wrong, fmt.Sprintf("%d bytes cannot be read", r.Damaged))
	}
	if r.Unreadable > 0 {
		j.Wrong = append(j.Wrong, fmt.Sprintf("%d records are of a later version of weir", r.Unreadable))
	}
	return j
}

func exportCommand() *cobra.Command {
	var (
		file   string
		focus  bool
		period when
	)
	chosen := filters{}
	c := &cobra.Command{
		Use: "export --focus", Short: "write the ledger as FOCUS 1.2 for tools of finance", Args: none,
		Long: `Export writes the ledger to standard output as CSV in the columns of FOCUS 1.2, the FinOps Open Cost and Usage
Specification: a row for each day (UTC), account, target and component of the price. Its rows come to what the entries
come to. What the ledger has no source for stays empty; docs/ledger.md says what is in which column.`,
		Example: "  weir ledger export --focus --period last-month > october.csv",
		RunE: func(c *cobra.Command, _ []string) error {
			if !focus {
				return coded{exitUsage, errors.New("name a format: --focus is the one there is; `weir ledger entries -o json` writes entries as they are")}
			}
			from, to, _, err := period.span("month", time.Now())
			if err != nil {
				return err
			}
			b, err := openBooks(c.Context(), file, false)
			if err != nil {
				return err
			}
			defer b.close() //nolint:errcheck // it was only read
			_, err = statement.Focus(c.Context(), b, gateway.EntryQuery{From: from, To: to, Where: chosen.where()}, c.OutOrStdout())
			return err
		},
	}
	fileFlag(c, &file)
	c.Flags().BoolVar(&focus, "focus", false, "FOCUS 1.2")
	period.flags(c, "month")
	chosen.flags(c)
	return c
}
