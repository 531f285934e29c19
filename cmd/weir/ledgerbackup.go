package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"weir/internal/journal"
	"weir/internal/sqlite"
)

func backupCommand() *cobra.Command {
	file := ""
	c := &cobra.Command{
		Use: "backup FILE", Short: "copy the ledger into a file while the gateway runs", Args: atMost(1),
		Long: `Backup copies the ledger, as it stands at one moment, into a file that is not there yet, and checks the copy: that it is
whole, and that its sums are those of its entries. The gateway goes on writing meanwhile. It is for SQLite; PostgreSQL has
pg_dump. What is still in the node's journal is not in the copy.`,
		Example: "  weir ledger backup /backup/ledger-2026-11-24.db",
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return coded{exitUsage, errors.New("name the file to make")}
			}
			b, err := openBooks(c.Context(), file, false)
			if err != nil {
				return err
			}
			defer b.close() //nolint:errcheck // it was only read
			keeper, ok := b.Books.(interface {
				Backup(ctx context.Context, file string) error
			})
			if !ok {
				return errors.New("this store cannot be copied from here")
			}
			if err := keeper.Backup(c.Context(), args[0]); err != nil {
				return err
			}
			fmt.Fprintf(c.OutOrStdout(), "the ledger is copied to %s, and the copy is right\n", args[0])
			return nil
		},
	}
	fileFlag(c, &file)
	return c
}

func restoreCommand() *cobra.Command {
	file := ""
	c := &cobra.Command{
		Use: "restore FILE", Short: "make a backup the ledger of a gateway that does not run", Args: atMost(1),
		Long: `Restore checks a backup and makes it the ledger of the document's gateway. That must not run, and must have no ledger:
move weir.db of node.data_dir, with weir.db-wal and weir.db-shm, away first. What is in the node's journal comes to the
restored ledger at the next start.`,
		Example: "  weir ledger restore /backup/ledger-2026-11-24.db",
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return coded{exitUsage, errors.New("name the backup")}
			}
			return restore(c.Context(), c.OutOrStdout(), file, args[0])
		},
	}
	fileFlag(c, &file)
	return c
}

func restore(ctx context.Context, w io.Writer, file, backup string) error {
	doc, _, _, err := readDocument(file)
	if err != nil {
		return err
	}
	if doc.Node.Store.URL != "" {
		return errors.New("the document's ledger is in PostgreSQL (node.store): restore it with pg_restore")
	}
	if err := os.MkdirAll(doc.Node.DataDir, 0o700); err != nil {
		return err
	}
	// The lock of the journal says whether a gateway uses the folder.
	if dir := filepath.Join(doc.Node.DataDir, journalFolder); exists(dir) {
		j, err := journal.Open(dir, journal.Options{})
		if errors.Is(err, journal.ErrLocked) {
			return fmt.Errorf("%w; stop the gateway first", err)
		}
		if err != nil {
			return err
		}
		defer j.Close() //nolint:errcheck // nothing was written
	}
	path := filepath.Join(doc.Node.DataDir, storeFile)
	if err := sqlite.Restore(ctx, backup, path); err != nil {
		return err
	}
	fmt.Fprintf(w, "%s is the ledger now: %s\n", backup, path)
	return nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
