package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/user"
	"time"

	"github.com/spf13/cobra"

	"weir/internal/gateway"
	"weir/internal/redis"
	"weir/internal/statement"
)

// silent is how long a node that is released must have booked nothing.
const silent = 10 * time.Minute

func releaseCommand() *cobra.Command {
	var (
		file, output string
		write        bool
	)
	c := &cobra.Command{
		Use: "release NODE", Short: "give back what a lost node holds of budgets", Args: atMost(1),
		Long: `Each node of a fleet holds a slice of every budget that it spends of, and what a lost node held counts as spent. Release
gives that back. Do it for a node that is gone for good, or whose journal has come to the store: what it spent and nobody
has booked yet is otherwise there to be spent twice. A node that booked something within the last ten minutes is refused.

Without --write it says what is held. With it the ledger gets an entry without an amount that says who did it.`,
		Example: "  weir budget release weir-2\n  weir budget release weir-2 --write",
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return coded{exitUsage, errors.New("name the lost node")}
			}
			return release(c.Context(), c.OutOrStdout(), file, args[0], write, output == "json")
		},
	}
	fileFlag(c, &file)
	c.Flags().BoolVar(&write, "write", false, "give it back; without it nothing is changed")
	formats(c, &output, "text", "json")
	return c
}

func release(ctx context.Context, w io.Writer, file, node string, write, asJSON bool) error {
	b, err := openBooks(ctx, file, write)
	if err != nil {
		return err
	}
	defer b.close() //nolint:errcheck // what is booked is committed
	shares, end, err := openShares(ctx, b)
	if err != nil {
		return err
	}
	defer end() //nolint:errcheck // what is claimed is
	now := time.Now()
	late, err := b.Spend(ctx, gateway.SpendQuery{From: now.Add(-silent), Where: map[gateway.Field][]string{gateway.ByNode: {node}}, Most: 1})
	if err != nil {
		return err
	}
	if len(late) > 0 && late[0].Entries > 0 {
		return fmt.Errorf("%s has booked something within the last %s: it is not lost", node, spanText(silent))
	}
	var budgets []statement.Budget
	for i := range b.doc.Budgets {
		one, err := budgetOf(&b.doc.Budgets[i])
		if err != nil {
			return err
		}
		budgets = append(budgets, one)
	}
	slices, err := statement.Slices(ctx, b, shares, budgets, node, now)
	if err != nil {
		return err
	}
	if write {
		if err := statement.Release(ctx, b, shares, slices, node, operator(), now); err != nil {
			return err
		}
	}
	switch {
	case asJSON:
		return statement.SliceJSON(w, slices, write)
	case len(slices) == 0:
		fmt.Fprintf(w, "%s holds nothing of the document's budgets\n", statement.Printable(node))
		return nil
	}
	if err := statement.SliceTable(w, slices); err != nil {
		return err
	}
	if write {
		fmt.Fprintln(w, "\nreleased")
	} else {
		fmt.Fprintln(w, "\nnothing is released yet: --write gives it back")
	}
	return nil
}

// openShares opens the store that the nodes of a document share budgets in.
func openShares(ctx context.Context, b *openedBooks) (gateway.Shares, func() error, error) {
	if shares, ok := b.Books.(gateway.Shares); ok {
		return shares, func() error { return nil }, nil
	}
	at := b.doc.Node.Shared
	if at.URL == "" {
		return nil, nil, errors.New("this gateway shares its budgets with no other node: there is nothing to release")
	}
	shared, err := redis.Open(ctx, at.URL, at.Password.Reveal(), redis.Options{})
	if err != nil {
		return nil, nil, err
	}
	return shared, shared.Close, nil
}

// operator names who runs the command.
func operator() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "somebody"
}
