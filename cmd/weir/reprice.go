package main

import (
	"errors"
	"strconv"
	"strings"
	"sync/atomic"

	"weir/internal/config"
	"weir/internal/price"
)

// priceFiles are the prices that a node reads from files beside the built-in ones.
type priceFiles struct {
	path    string       // "" = there are none
	table   *price.Table // as read last, under node.mu
	ok, bad atomic.Uint64
}

// read reads the files that a document names; nil with no files. The errors are those of config, at the member.
func (p *priceFiles) read(doc *config.Document) (*price.Table, error) {
	if doc.Node.Prices == "" {
		return price.Embedded(), nil
	}
	table, err := price.LoadPath(doc.Node.Prices)
	if err == nil {
		return price.Embedded().With(table), nil
	}
	var all []error
	for _, one := range split(err) {
		all = append(all, doc.Problem("node.prices", "the prices are not right: "+one.Error(), "`weir prices check` says what is wrong with a file"))
	}
	return nil, errors.Join(all...)
}

// split returns the parts of a joined error.
func split(err error) []error {
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		return many.Unwrap()
	}
	return []error{err}
}

// reprice reads the price files again and puts them in use, all or nothing. Exchanges under way keep the prices they
// began with.
func (n *node) reprice() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.prices.path == "" {
		return
	}
	refused := func(err error) {
		n.prices.bad.Add(1)
		n.log.Error("the new prices are refused; those before stay in use", "path", n.prices.path, "error", err)
	}
	read, err := price.LoadPath(n.prices.path)
	if err != nil {
		refused(err)
		return
	}
	before, table := n.prices.table, price.Embedded().With(read)
	n.compiler.Prices(table)
	s, err := n.compiler.Snapshot(n.doc, n.engine.Snapshot().Revision)
	if err != nil {
		n.compiler.Prices(before)
		refused(err)
		return
	}
	n.prices.table = table
	n.prices.ok.Add(1)
	n.engine.Use(s)
	n.log.Info("new prices are in use", "path", n.prices.path, "lists", versions(read))
}

// versions names the lists of a table with their versions, so that records can be told apart: openai 4a…, and so on.
func versions(t *price.Table) string {
	const most = 20
	names := t.Providers()
	var b strings.Builder
	for i, name := range names {
		if i > 0 {
			b.WriteString(", ")
		}
		if i == most {
			b.WriteString("and " + strconv.Itoa(len(names)-most) + " more")
			break
		}
		b.WriteString(name + " " + t.List(name).Version)
	}
	return b.String()
}
