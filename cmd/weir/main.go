// Command weir is the gateway: `weir serve` runs it from a document, `weir demo` without one, and the other commands
// check and describe documents. It is the one place that knows every implementation.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"
)

// version is set by the linker in releases.
var version = ""

// Exit codes.
const (
	exitFailed   = 1
	exitUsage    = 2
	exitDocument = 3
)

// coded is an error with its exit code.
type coded struct {
	code int
	err  error
}

func (e coded) Error() string { return e.err.Error() }
func (e coded) Unwrap() error { return e.err }

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := &cobra.Command{
		Use:   "weir",
		Short: "AI gateway: any client, any model, one place that carries, meters and remembers",
		Long: `Weir stands between applications and models. Applications speak the dialect they know (OpenAI Chat Completions,
Anthropic Messages); Weir carries it to the provider a document names, translates where dialects differ, and says
what was lost.`,
		Example: `  weir demo                    try it with nothing configured
  weir serve -c weir.yaml      run a gateway
  weir check -c weir.yaml      is the document right?`,
		SilenceErrors: true, SilenceUsage: true,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return coded{exitUsage, fmt.Errorf("%w; see `%s --help`", err, c.CommandPath())}
	})
	root.AddCommand(serveCommand(), checkCommand(), schemaCommand(), pricesCommand(), demoCommand(), simCommand(), versionCommand())
	root.AddCommand(spendCommand(), budgetCommand(), ledgerCommand())
	usage := root.Args
	root.Args = func(c *cobra.Command, args []string) error {
		if err := usage(c, args); err != nil {
			return coded{exitUsage, fmt.Errorf("%w; see `weir --help`", err)}
		}
		return nil
	}
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	fmt.Fprintln(os.Stderr, "weir:", err)
	if c, ok := errors.AsType[coded](err); ok {
		return c.code
	}
	return exitFailed
}

// none refuses arguments, as a usage error.
func none(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return coded{exitUsage, fmt.Errorf("%q is not expected here; see `%s --help`", args[0], c.CommandPath())}
	}
	return nil
}

// versionText is what the linker set, else what the module system knows.
func versionText() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

func versionCommand() *cobra.Command {
	output := ""
	c := &cobra.Command{
		Use: "version", Short: "print the version", Args: none,
		Example: "  weir version\n  weir version -o json",
		RunE: func(c *cobra.Command, _ []string) error {
			goVersion := "unknown"
			if info, ok := debug.ReadBuildInfo(); ok {
				goVersion = info.GoVersion
			}
			if output == "json" {
				fmt.Fprintf(c.OutOrStdout(), "{\"version\":%q,\"go\":%q}\n", versionText(), goVersion)
				return nil
			}
			fmt.Fprintf(c.OutOrStdout(), "weir %s (%s)\n", versionText(), goVersion)
			return nil
		},
	}
	outputFlag(c, &output)
	return c
}

// outputFlag adds -o text|json.
func outputFlag(c *cobra.Command, output *string) {
	c.Flags().StringVarP(output, "output", "o", "text", "text, or json for programs")
	c.PreRunE = func(*cobra.Command, []string) error {
		if *output != "text" && *output != "json" {
			return coded{exitUsage, fmt.Errorf("-o takes text or json, not %q", *output)}
		}
		return nil
	}
}
