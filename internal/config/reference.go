package config

import (
	"fmt"
	"reflect"
	"strings"

	"weir/internal/price"
)

const preface = `# Configuration

One YAML document is the whole configuration. This page is drawn from the table that the document is decoded by.

- An unknown member, a member that stands twice and a value of the wrong kind are errors, with line, column and, where
  there is one, the nearest name. All errors of a document are shown at once, and a document with an error never
  replaces a good one.
- A member that a later build will have is refused, saying so. What is valid stays valid and does the same.
- Members at the top that begin with ` + "`x-`" + ` are ignored; anchors can stand there. Aliases and ` + "`<<`" + ` are understood.
- A document has at most 4 MiB, 64 levels and 10,000 members in one mapping, and aliases add at most 10,000 members.
- ` + "`weir check`" + ` says what is wrong, ` + "`weir check --full`" + ` prints the document after defaults, ` + "`weir schema`" + ` prints its JSON
  Schema for editors.

## Variables

` + "`${NAME}`" + ` and ` + "`${NAME:-default}`" + ` stand inside values, not in names. They are filled in after the YAML is read, so what a
variable holds can never change the document's structure. The default is taken when the variable is unset or empty; a
variable that is not set and has no default is an error (` + "`weir check --no-env`" + ` passes over it). ` + "`$${`" + ` is a plain ` + "`${`" + `.

Within ` + "`{ }` and `[ ]`" + ` YAML demands quotes: ` + "`{ api_key: \"${KEY}\" }`" + `.

## Secrets

A secret is a text, usually a variable, or a mapping with one source:

| Written | Meaning |
| --- | --- |
| ` + "`\"${NAME}\"`" + ` | the variable NAME |
| ` + "`{ env: NAME }`" + ` | the variable NAME |
| ` + "`{ file: PATH }`" + ` | the file's content without the line end; a relative path starts at the document's folder |

Secrets are never printed; ` + "`weir check --full`" + ` shows where they come from, and errors blot them.

`

// Reference returns the reference page of the document in Markdown.
func Reference() string {
	var b strings.Builder
	b.WriteString(preface)
	b.WriteString("## Members\n")
	section(&b, "The document", "", root)
	b.WriteString("\n## Dialects\n\nWhat `speaks` takes. A family stands for all of its own. A build refuses those that it does not speak.\n\n")
	b.WriteString("| Family | Dialects |\n| --- | --- |\n")
	for _, f := range families {
		fmt.Fprintf(&b, "| `%s` | `%s` |\n", f, strings.Join(Dialects([]string{f}, nil), "`, `"))
	}
	b.WriteString("| | `" + strings.Join(kinless(), "`, `") + "` |\n")
	transformTable(&b)
	components(&b)
	return b.String()
}

// components writes the table of what prices are made of.
func components(b *strings.Builder) {
	b.WriteString("\n## Components of prices\n\nWhat `providers.NAME.prices.NAME` takes. A million is of tokens, characters or pixels. [prices.md](prices.md) says how a\nprice that is not stated is found.\n\n")
	b.WriteString("| Component | In dollars per | Charges for |\n| --- | --- | --- |\n")
	for _, w := range price.Words() {
		per := "million"
		if w.Apiece {
			per = "piece"
		}
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", w.Name, per, cell(w.Means))
	}
}

// section writes the table of one block and then those of the blocks within it.
func section(b *strings.Builder, title, intro string, t *table) {
	fmt.Fprintf(b, "\n### %s\n\n", title)
	if intro != "" {
		b.WriteString(intro + "\n\n")
	}
	b.WriteString("| Member | Value | Default | Meaning |\n| --- | --- | --- | --- |\n")
	for i := range t.members {
		m := &t.members[i]
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", m.name, m.value(), m.otherwise(), cell(m.doc))
	}
	if t.rates >= 0 {
		b.WriteString("| `COMPONENT` | amount of dollars | the price lists' | What it costs: $1.25. Components are listed below; conditions may stand before one, as in `batch input` or `\">200000 input\"`. |\n")
	}
	if len(t.lacking) > 0 {
		fmt.Fprintf(b, "\nNot in this build: `%s`.\n", strings.Join(t.lacking, "`, `"))
	}
	for i := range t.members {
		m := &t.members[i]
		path := m.name
		if t != root {
			path = strings.Trim(title, "`") + "." + m.name
		}
		if m.inner != nil && like[m.inner.typ] != "" {
			continue
		}
		switch m.form {
		case block, either:
			section(b, "`"+path+"`", m.doc, m.inner)
		case blocks:
			section(b, "`"+path+"[]`", m.doc, m.inner)
		case named:
			section(b, "`"+path+".NAME`", m.doc, m.inner)
		}
	}
}

// like names where a block is described that stands at many places.
var like = map[reflect.Type]string{reflect.TypeFor[ScopeLimits](): "the document's [`limits`](#limits) but for `body`"}

// value says how a member is written.
func (m *member) value() string {
	switch m.form {
	case block:
		if as := like[m.inner.typ]; as != "" {
			return "mapping, as " + as
		}
		return "mapping"
	case blocks:
		return "list of mappings"
	case named:
		return "mapping of names"
	case either:
		return cell(m.kind.describe) + ", or mapping"
	case scalars:
		if m.lone {
			return cell(m.kind.describe) + ", or a list of them"
		}
		if m.kind.describe == "name" {
			return "list of names"
		}
		return "list of " + m.kind.describe
	}
	return cell(m.kind.describe)
}

func (m *member) otherwise() string {
	switch {
	case m.need:
		return "must be given"
	case m.def != "":
		return "`" + m.def + "`"
	}
	return cell(m.absent)
}

func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }
