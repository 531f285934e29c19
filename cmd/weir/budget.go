package main

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"weir/internal/config"
	"weir/internal/gateway"
	"weir/internal/nearest"
	"weir/internal/policy"
	"weir/internal/statement"
)

func budgetCommand() *cobra.Command {
	var (
		file, output string
		most         int
	)
	c := &cobra.Command{
		Use: "budget [NAME]", Short: "say how the document's budgets stand", Args: atMost(1),
		Long: `Budget lists the budgets of the document: how much there is, what is spent of it in the present window, what is left, what
happens at its end and when it begins again. Of a budget with each it lists the values that spent most.

What is spent is what is booked. Attempts under way hold more, so that a gateway may refuse a little before nothing is left.`,
		Example: "  weir budget\n  weir budget shop-month -o json\n  weir budget per-user --most 100",
		RunE: func(c *cobra.Command, args []string) error {
			return listBudgets(c.Context(), c.OutOrStdout(), file, args, most, output == "json")
		},
	}
	fileFlag(c, &file)
	c.Flags().IntVar(&most, "most", 20, "of a budget with each, at most so many values")
	formats(c, &output, "text", "json")
	c.AddCommand(releaseCommand())
	return c
}

func listBudgets(ctx context.Context, w io.Writer, file string, names []string, most int, asJSON bool) error {
	b, err := openBooks(ctx, file, false)
	if err != nil {
		return err
	}
	defer b.close() //nolint:errcheck // it was only read
	var budgets []statement.Budget
	var known []string
	for i := range b.doc.Budgets {
		one := &b.doc.Budgets[i]
		known = append(known, one.Name)
		if len(names) > 0 && one.Name != names[0] {
			continue
		}
		added, err := budgetOf(one)
		if err != nil {
			return err
		}
		budgets = append(budgets, added)
	}
	switch {
	case len(budgets) > 0:
	case len(names) > 0:
		err := fmt.Errorf("the document has no budget %s", statement.Printable(names[0]))
		if near := nearest.Word(names[0], known); near != "" {
			err = fmt.Errorf("%w; did you mean %s?", err, near)
		}
		return err
	case !asJSON:
		fmt.Fprintln(w, "the document has no budgets; they stand under budgets")
		return nil
	}
	rows, err := statement.Budgets(ctx, b, budgets, time.Now(), max(most, 1))
	if err != nil {
		return err
	}
	for i := range rows {
		if text, err := url.PathUnescape(rows[i].Value); err == nil {
			rows[i].Value = text
		}
	}
	if asJSON {
		return statement.BudgetJSON(w, rows)
	}
	return statement.BudgetTable(w, rows)
}

// budgetOf is a budget of the document as the ledger knows it.
func budgetOf(b *config.Budget) (statement.Budget, error) {
	out := statement.Budget{
		Name: b.Name, Pot: "budget/" + string(policy.Escape(nil, b.Name)), Each: len(b.Each) > 0, At: b.At.Do,
		Window: gateway.Window{Every: gateway.Every(b.Every), Over: b.Over},
	}
	var ok bool
	if out.Amount, ok = b.Dollars(); !ok {
		return out, fmt.Errorf("budget %s: the amount is larger than can be kept", b.Name)
	}
	if b.At.Model != "" {
		out.At = "model " + b.At.Model
	}
	zone, err := statement.Zone(b.Zone)
	if err != nil {
		return out, fmt.Errorf("budget %s: %w", b.Name, err)
	}
	out.Window.Zone = zone
	switch {
	case b.Every != "":
		out.Length = b.Every
	case b.Over > 0:
		out.Length = "last " + spanText(b.Over)
	default:
		out.Length = "for good"
	}
	return out, nil
}

// spanText writes a duration in days where it is some.
func spanText(d time.Duration) string {
	if d%(24*time.Hour) == 0 {
		return strconv.FormatInt(int64(d/(24*time.Hour)), 10) + "d"
	}
	text := d.String()
	for _, zero := range []string{"m0s", "h0m"} { // 12h0m0s is 12h
		if strings.HasSuffix(text, zero) {
			text = text[:len(text)-2]
		}
	}
	return text
}
