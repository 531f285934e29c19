package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"weir/internal/statement"
)

func spendCommand() *cobra.Command {
	var (
		file, by, output string
		most             int
		period           when
	)
	chosen := filters{}
	var names []string
	for _, f := range statement.Fields() {
		names = append(names, string(f))
	}
	c := &cobra.Command{
		Use: "spend", Short: "say what was spent, by whom and on what", Args: none,
		Long: `Spend sums the ledger. Without flags it says what this month came to, by model. --by splits the sums by one or more of
` + wrapped(names) + ` and tag:NAME.

Amounts are exact. An attempt under way is not in them yet; one of which nobody knows how it ended counts with what was
held for it, and is told of as unknown. It reads beside a running gateway and stops nothing.`,
		Example: `  weir spend
  weir spend --by team,model --since 30d
  weir spend --by day --period last-month --zone Europe/Berlin
  weir spend --by key --team shop --model assistant --most 10
  weir spend --by tag:project --since quarter -o csv > spend.csv`,
		RunE: func(c *cobra.Command, _ []string) error {
			columns, err := statement.ParseBy(by)
			if err != nil {
				return coded{exitUsage, fmt.Errorf("--by: %w", err)}
			}
			q := statement.Question{Columns: columns, Where: chosen.where(), Most: most}
			if q.From, q.To, q.Zone, err = period.span("month", time.Now()); err != nil {
				return err
			}
			return spend(c.Context(), c.OutOrStdout(), file, q, output)
		},
	}
	fileFlag(c, &file)
	c.Flags().StringVar(&by, "by", "model", "what the sums are split by, in this order; none for one sum")
	c.Flags().IntVar(&most, "most", 0, "at most so many rows, the dearest (default: 1,000)")
	period.flags(c, "month")
	chosen.flags(c)
	formats(c, &output, "text", "json", "csv")
	return c
}

// wrapped lists words in lines of a help text.
func wrapped(words []string) string {
	var b strings.Builder
	line := 0
	for i, w := range words {
		if i > 0 {
			b.WriteString(",")
			if line += len(w) + 2; line > 110 {
				b.WriteString("\n")
				line = len(w)
			} else {
				b.WriteString(" ")
			}
		}
		b.WriteString(w)
	}
	return b.String()
}

func spend(ctx context.Context, w io.Writer, file string, q statement.Question, output string) error {
	b, err := openBooks(ctx, file, false)
	if err != nil {
		return err
	}
	defer b.close() //nolint:errcheck // it was only read
	sums, err := statement.Spend(ctx, b, q)
	if err != nil {
		return err
	}
	switch output {
	case "json":
		return sums.JSON(w)
	case "csv":
		return sums.CSV(w)
	}
	return sums.Text(w)
}
