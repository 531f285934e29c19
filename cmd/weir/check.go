package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"weir/internal/catalog"
	"weir/internal/compile"
	"weir/internal/config"
	"weir/internal/pot"
	"weir/internal/rawjson"
)

func checkCommand() *cobra.Command {
	var (
		file, output string
		full, noEnv  bool
	)
	c := &cobra.Command{
		Use: "check", Short: "say whether a document is right", Args: none,
		Long: `Check reads a document as serve would, without listening or sending anything, and names everything that is wrong
with file, line, column and what to do. Exit status 0: it is right; 3: it is not.`,
		Example: "  weir check -c weir.yaml\n  weir check -c weir.yaml --full      with every default written out\n  weir check -c weir.yaml --no-env    where the variables are not set, as in CI",
		RunE: func(c *cobra.Command, _ []string) error {
			return check(c.OutOrStdout(), file, output == "json", full, noEnv)
		},
	}
	fileFlag(c, &file)
	outputFlag(c, &output)
	c.Flags().BoolVar(&full, "full", false, "print the document after defaults, without its secrets")
	c.Flags().BoolVar(&noEnv, "no-env", false, "pass over variables that are not set")
	return c
}

func check(w io.Writer, file string, asJSON, full, noEnv bool) error {
	src, err := os.ReadFile(file)
	if err != nil {
		return coded{exitUsage, err}
	}
	entries, err := catalog.Embedded()
	if err != nil {
		return err
	}
	n := &node{env: os.LookupEnv, compiler: compile.New(entries)}
	n.compiler.Govern(pot.New(pot.Options{}), nil) // nothing is drawn from them here
	doc, _, err := n.read(file, src, noEnv)
	if asJSON {
		return checkJSON(w, err)
	}
	if err != nil {
		return coded{exitDocument, fmt.Errorf("the document is not right:\n%w", err)}
	}
	if full {
		return doc.Print(w)
	}
	fmt.Fprintf(w, "%s is right: %d providers, %d models, %d keys\n", file, len(doc.Providers), len(doc.Models), len(doc.Keys))
	if len(doc.Unset) > 0 {
		fmt.Fprintf(w, "not set here: %s\n", strings.Join(doc.Unset, ", "))
	}
	return nil
}

// checkJSON prints {"ok":…,"problems":[{file,line,column,path,message,hint}]}.
func checkJSON(w io.Writer, err error) error {
	var j rawjson.Writer
	j.Open('{').Name("ok").Bool(err == nil).Name("problems").Open('[')
	for _, p := range problems(err) {
		j.Open('{').Name("file").String(p.File).Name("line").Int(int64(p.Line)).Name("column").Int(int64(p.Column)).
			Name("path").String(p.Path).Name("message").String(p.Message).Name("hint").String(p.Hint).Close('}')
	}
	j.Close(']').Close('}')
	fmt.Fprintf(w, "%s\n", j.Buf)
	if err != nil {
		return coded{exitDocument, errors.New("the document is not right")}
	}
	return nil
}

// problems flattens what Parse and Snapshot return.
func problems(err error) []*config.Error {
	if err == nil {
		return nil
	}
	if e, ok := err.(*config.Error); ok { //nolint:errorlint // the tree is walked node by node
		return []*config.Error{e}
	}
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		var out []*config.Error
		for _, e := range many.Unwrap() {
			out = append(out, problems(e)...)
		}
		return out
	}
	if one, ok := errors.AsType[*config.Error](err); ok {
		return []*config.Error{one}
	}
	return []*config.Error{{Message: err.Error()}}
}

func schemaCommand() *cobra.Command {
	return &cobra.Command{
		Use: "schema", Short: "print the document's JSON Schema, for editors", Args: none,
		Example: "  weir schema > weir.schema.json",
		RunE: func(c *cobra.Command, _ []string) error {
			_, err := c.OutOrStdout().Write(append(config.Schema(), '\n'))
			return err
		},
	}
}
