package price

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// Bounds of a price file.
const (
	maxFile   = 32 << 20
	maxLine   = 4096
	maxModels = 100_000
	maxBands  = 256 // of one model
)

// Load reads a table in the format of the embedded files:
//
//	prices 1
//
//	[openai]
//	 source litellm 2026-08-06
//	 source models.dev 2026-07-02
//	 eu *1.1
//
//	gpt-5.4 context=1050000 max_output=128000 takes=text+image gives=text
//	 input 2.5 cached 0.25 output 15
//	 >272000 input 5 cached 0.5 output 22.5
//	 priority input 5 cached 0.5 output 30 @models.dev
//	 also gpt-5.4-2026-03-05
//
// A section is one provider. What is indented under its head counts for all its models: the sources, of which the first
// is that of every price that names none (@NAME), and prices that a model with any price has if it does not state them
// itself: a factor, where it states nothing for that tier and region. A model's line has its name, which may be a glob, and its facts; the lines under it are its bands and the
// names it has too. A band is its conditions (a tier, >TOKENS, region=, variant=, from=DATE), then either prices in
// dollars (per million tokens, characters or pixels, else apiece) or a factor for all prices of tokens. A price of a
// later date replaces the earlier one. The line `free` says that a model costs nothing.
//
// The text is read whole before anything of it counts; the error names the line.
func Load(r io.Reader) (*Table, error) {
	lists, err := load(r)
	if err != nil {
		return nil, err
	}
	t := &Table{lists: make(map[string]*lazy, len(lists))}
	for _, l := range lists {
		t.lists[l.Provider] = ready(l)
	}
	return t, nil
}

func load(r io.Reader) ([]*List, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxFile {
		return nil, fmt.Errorf("a price file has at most %d MiB", maxFile>>20)
	}
	if bytes.IndexByte(text, 0) >= 0 {
		return nil, errors.New("a price file is text")
	}
	return parse(string(text))
}

// LineError says which line of a price file is wrong, and how.
type LineError struct {
	Line int // from 1
	What string
}

// Error implements error.
func (e *LineError) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.What) }

// parser reads one file.
type parser struct {
	lists  []*List
	list   *List      // being read
	common []draftRow // its bands for all models
	draft  *draft     // the model being read
	n      int        // of the line being read
	models int
	sums   []int // where the text of each list begins
}

func parse(text string) ([]*List, error) {
	var p parser
	line, at := 0, 0
	for at < len(text) {
		end := strings.IndexByte(text[at:], '\n')
		next := at + end + 1
		if end < 0 {
			next = len(text)
		}
		row := strings.TrimRight(text[at:next], "\r\n")
		line++
		p.n = line
		if err := p.line(row, at); err != nil {
			return nil, &LineError{line, err.Error()}
		}
		at = next
	}
	if p.sums == nil {
		return nil, &LineError{max(line, 1), "a price file begins with `prices 1`"}
	}
	if err := p.endModel(); err != nil {
		return nil, &LineError{line, err.Error()}
	}
	for i, l := range p.lists {
		end := len(text)
		if i+1 < len(p.lists) {
			end = p.sums[i+2]
		}
		digest := sha256.Sum256([]byte(text[p.sums[i+1]:end]))
		l.Version = hex.EncodeToString(digest[:6])
		l.finish()
	}
	return p.lists, nil
}

// line reads one line, which begins at an offset of the text.
func (p *parser) line(row string, at int) error {
	if len(row) > maxLine {
		return fmt.Errorf("a line has at most %d bytes", maxLine)
	}
	indented := row != "" && (row[0] == ' ' || row[0] == '\t')
	row = strings.TrimSpace(row)
	switch {
	case row == "" || row[0] == '#':
		return nil
	case p.sums == nil:
		if row != "prices 1" || indented {
			return errors.New("a price file begins with `prices 1`")
		}
		p.sums = []int{0}
		return nil
	case !indented && row[0] == '[':
		return p.section(row, at)
	case p.list == nil:
		return errors.New("expected a provider in brackets, such as [openai]")
	case !indented:
		return p.model(row)
	case p.draft == nil:
		return p.head(row)
	}
	return p.draft.line(row, p.list)
}

func (p *parser) section(row string, at int) error {
	if err := p.endModel(); err != nil {
		return err
	}
	name := strings.TrimSuffix(row[1:], "]")
	if len(name) != len(row)-2 || name == "" || strings.ContainsAny(name, " \t[]") {
		return errors.New("expected a provider in brackets, such as [openai]")
	}
	if slices.ContainsFunc(p.lists, func(l *List) bool { return l.Provider == name }) {
		return fmt.Errorf("%s stands here twice", name)
	}
	p.list = &List{Provider: name, line: p.n, exact: map[string]*model{}}
	p.lists, p.sums, p.common = append(p.lists, p.list), append(p.sums, at), nil
	return nil
}

// head reads what stands under a provider's name.
func (p *parser) head(row string) error {
	if rest, ok := strings.CutPrefix(row, "source "); ok {
		name, day, _ := strings.Cut(strings.TrimSpace(rest), " ")
		date, ok := parseDate(strings.TrimSpace(day))
		if !ok || name == "" || len(p.list.sources) == 255 {
			return errors.New("expected a source and its date: source NAME 2026-08-06")
		}
		if _, twice := p.list.source(name); twice {
			return fmt.Errorf("source %s stands here twice", name)
		}
		p.list.sources = append(p.list.sources, Source{name, date})
		return nil
	}
	if len(p.list.sources) == 0 {
		return errors.New("the provider's sources come first: source NAME 2026-08-06")
	}
	r, err := parseRow(row, p.list)
	if err != nil {
		return err
	}
	if len(p.common) == maxBands {
		return fmt.Errorf("a provider has at most %d lines of prices for all its models", maxBands)
	}
	p.common = append(p.common, r)
	return nil
}

func (p *parser) model(row string) error {
	if err := p.endModel(); err != nil {
		return err
	}
	if len(p.list.sources) == 0 {
		return errors.New("the provider's sources come first: source NAME 2026-08-06")
	}
	if p.models++; p.models > maxModels {
		return fmt.Errorf("a price file has at most %d models", maxModels)
	}
	name, facts, _ := strings.Cut(row, " ")
	p.draft = &draft{name: name}
	if err := p.list.claim(name); err != nil {
		return err
	}
	return p.draft.facts.parse(facts)
}

func (p *parser) endModel() error {
	if p.draft == nil {
		return nil
	}
	d := p.draft
	p.draft = nil
	return p.list.add(d, p.common)
}

// source finds a source of the list by name.
func (l *List) source(name string) (uint8, bool) {
	i := slices.IndexFunc(l.sources, func(s Source) bool { return s.Name == name })
	return uint8(max(i, 0)), i >= 0
}

// claim takes a name for the model that comes; nil stands for it in the meantime.
func (l *List) claim(name string) error {
	if _, twice := l.exact[name]; twice {
		return fmt.Errorf("%s stands here twice", name)
	}
	l.exact[name] = nil
	return nil
}

// parse reads the facts of a model's line.
func (f *Facts) parse(text string) error {
	seen := map[string]bool{}
	for word := range strings.FieldsSeq(text) {
		key, value, has := strings.Cut(word, "=")
		if seen[key] {
			return fmt.Errorf("%s stands here twice", key)
		}
		seen[key] = true
		ok := has && value != ""
		switch key {
		case "deprecated":
			f.Deprecated, ok = true, !has
		case "op":
			f.Operation = value
		case "context":
			ok = count(value, &f.Context)
		case "max_input":
			ok = count(value, &f.MaxInput)
		case "max_output":
			ok = count(value, &f.MaxOutput)
		case "searches":
			ok = count(value, &f.MinSearches)
		case "takes":
			f.Takes, ok = parseModalities(value)
		case "gives":
			f.Gives, ok = parseModalities(value)
		case "released":
			f.Released, ok = parseDate(value)
		case "sunset":
			f.Sunset, ok = parseDate(value)
		default:
			return fmt.Errorf("%s is no fact of a model", key)
		}
		if !ok {
			return fmt.Errorf("%s: that is not what it takes", word)
		}
	}
	return nil
}

// count reads a positive number.
func count(text string, to *int64) bool {
	if text == "" || !digits(text) || text[0] == '0' {
		return false
	}
	v, err := strconv.ParseInt(text, 10, 64)
	*to = v
	return err == nil
}
