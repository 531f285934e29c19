package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"weir/internal/gateway"
	"weir/internal/statement"
)

// closings is where in node.data_dir closing statements are kept.
const closings = "statements"

func closeCommand() *cobra.Command {
	var (
		file, output, zone, path string
		again                    bool
	)
	c := &cobra.Command{
		Use: "close MONTH", Short: "close a month: a statement that later entries cannot change in silence", Args: atMost(1),
		Long: `Close sums a month up by organisation and team, with a hash of all its entries, and keeps that as a file: MONTH.json in
statements/ of node.data_dir, or --statement. Closed once more, a month whose entries are the same says so. If some came
late (from the journal of a node that was away, or as corrections), it says which days and teams they are of and fails;
--again makes the new statement, which names the hash of the one before.`,
		Example: "  weir ledger close 2026-10\n  weir ledger close 2026-10 --zone Europe/Berlin --statement 2026-10.json\n  weir ledger close 2026-10 --again",
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return coded{exitUsage, errors.New("name the month, such as 2026-10")}
			}
			loc, err := statement.Zone(zone)
			if err != nil {
				return coded{exitUsage, fmt.Errorf("--zone: %w", err)}
			}
			b, err := openBooks(c.Context(), file, false)
			if err != nil {
				return err
			}
			defer b.close() //nolint:errcheck // it was only read
			if path == "" {
				path = filepath.Join(b.doc.Node.DataDir, closings, filepath.Base(args[0])+".json")
			}
			return closeMonth(c.Context(), c.OutOrStdout(), b, args[0], loc, path, again, output == "json")
		},
	}
	fileFlag(c, &file)
	c.Flags().StringVar(&zone, "zone", "UTC", "time zone whose month it is: Europe/Berlin, or local")
	c.Flags().StringVar(&path, "statement", "", "the file that the statement is kept in (default: statements/MONTH.json in node.data_dir)")
	c.Flags().BoolVar(&again, "again", false, "make a new statement although entries came late")
	formats(c, &output, "text", "json")
	return c
}

func closeMonth(ctx context.Context, w io.Writer, b *openedBooks, month string, zone *time.Location, path string, again, asJSON bool) error {
	now := time.Now()
	closing, err := statement.Close(ctx, b, month, zone, now)
	if err != nil {
		return err
	}
	show := func(c *statement.Closing) error {
		if asJSON {
			_, err := w.Write(c.JSON())
			return err
		}
		return c.Text(w)
	}
	text, err := os.ReadFile(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
	case err != nil:
		return err
	default:
		before, err := statement.ReadClosing(text)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		late, err := closing.Since(before)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if late == nil {
			if !asJSON {
				fmt.Fprintf(w, "nothing came late: %s is closed as it was on %s\n\n", month, before.Closed.Format(time.DateOnly))
			}
			return show(before)
		}
		if !again {
			if err := late.Text(w); err != nil {
				return err
			}
			return fmt.Errorf("%s was closed on %s with %s, and comes to %s now; --again makes a new statement", month,
				before.Closed.Format(time.DateOnly), statement.Dollars(before.Cost), statement.Dollars(closing.Cost))
		}
		closing.Replaces = before.Hash
		kept := path + "." + before.Closed.UTC().Format("20060102T150405Z")
		if err := writeWhole(kept, text); err != nil {
			return err
		}
	}
	if err := writeWhole(path, closing.JSON()); err != nil {
		return err
	}
	if err := show(closing); err != nil || asJSON {
		return err
	}
	fmt.Fprintf(w, "kept in %s\n", path)
	return nil
}

// writeWhole writes a file, whole or not at all.
func writeWhole(path string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name()) // what could not be written is nobody's
	}
	return err
}

func trimCommand() *cobra.Command {
	var (
		file, before string
		write        bool
	)
	c := &cobra.Command{
		Use: "trim --before TIME", Short: "delete old entries and keep their sums", Args: none,
		Long: `Trim deletes entries that were admitted before a time, in steps that no gateway waits for. What spend says of that time by
organisation, team, project, user, key, model, provider, target, operation, payer and node stays. Close a month before its
entries are trimmed: afterwards it cannot be.`,
		Example: "  weir ledger trim --before 2y\n  weir ledger trim --before 2024-01-01 --write",
		RunE: func(c *cobra.Command, _ []string) error {
			if before == "" {
				return coded{exitUsage, errors.New("say what is old: --before 2y, or a day")}
			}
			at, err := statement.Since(before, time.Now(), time.UTC)
			if err != nil {
				return coded{exitUsage, fmt.Errorf("--before: %w", err)}
			}
			if at.IsZero() {
				return coded{exitUsage, errors.New("--before takes a time, not all")}
			}
			return trim(c.Context(), c.OutOrStdout(), file, at, write)
		},
	}
	fileFlag(c, &file)
	c.Flags().StringVar(&before, "before", "", "delete what was admitted before: 2y, 90d, or a day such as 2024-01-01")
	c.Flags().BoolVar(&write, "write", false, "delete them; without it nothing is deleted")
	return c
}

func trim(ctx context.Context, w io.Writer, file string, before time.Time, write bool) error {
	b, err := openBooks(ctx, file, write)
	if err != nil {
		return err
	}
	defer b.close() //nolint:errcheck // each step is committed
	day := before.UTC().Format("2006-01-02 15:04")
	if write {
		n, err := b.Trim(ctx, before)
		fmt.Fprintf(w, "%s entries from before %s UTC are deleted; their sums stay\n", statement.Count(n), day)
		return err
	}
	oldest := time.Time{}
	for e, err := range b.Entries(ctx, gateway.EntryQuery{To: before}) {
		if err != nil {
			return err
		}
		oldest = e.At
		break
	}
	if oldest.IsZero() {
		fmt.Fprintf(w, "no entries are from before %s UTC\n", day)
		return nil
	}
	sums, err := b.Spend(ctx, gateway.SpendQuery{From: oldest.Truncate(time.Hour), To: before.Truncate(time.Hour), Most: 1})
	if err != nil {
		return err
	}
	var n int64
	if len(sums) > 0 {
		n = sums[0].Entries
	}
	fmt.Fprintf(w, "about %s entries are from before %s UTC, the oldest of %s; nothing is deleted yet: --write deletes them\n",
		statement.Count(n), day, oldest.UTC().Format("2006-01-02 15:04"))
	return nil
}
