package price

import (
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the embedded files again")

// TestData makes the embedded files from the collections and compares, or writes them with -update.
func TestData(t *testing.T) {
	c := collect(t)
	chosen := c.choose(t.Errorf)
	made := map[string]bool{}
	total := 0
	for _, p := range providers {
		text := c.file(p.name, chosen)
		name := filepath.Join("data", p.name+".txt")
		made[name] = true
		total += len(text)
		if *update {
			if err := os.WriteFile(name, text, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := Load(bytes.NewReader(text)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		old, err := os.ReadFile(name)
		if err != nil || !bytes.Equal(old, text) {
			t.Errorf("%s is not what the collections make it; see the change with -update", name)
		}
	}
	files, err := filepath.Glob("data/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if !made[name] {
			if *update {
				os.Remove(name)
			}
			t.Errorf("%s is of no provider", name)
		}
	}
	t.Logf("%d files, %d bytes", len(made), total)
}

func (at place) String() string {
	s := at.provider + "/" + at.model
	if w := conditionWords(at.condition); w != "" {
		s += " " + w
	}
	if at.component < components {
		return s + " " + at.component.String()
	}
	return s + " factor"
}

func conditionWords(c condition) string {
	var words []string
	if c.tier != Standard {
		words = append(words, c.tier.String())
	}
	if c.above > 0 {
		words = append(words, fmt.Sprintf(">%d", c.above))
	}
	if c.region != "" {
		words = append(words, "region="+c.region)
	}
	if c.variant != "" {
		words = append(words, "variant="+c.variant)
	}
	return strings.Join(words, " ")
}

// entryText is one model of a file.
type entryText struct {
	name  string
	facts string
	rows  []string
	also  []string
	sun   Date
	most  int64
}

// file makes one provider's file.
func (c *collected) file(provider string, chosen map[place]choice) []byte {
	models := map[string]map[place]choice{}
	for at := range c.facts {
		if at.provider == provider {
			models[at.model] = map[place]choice{}
		}
	}
	for at, ch := range chosen {
		if at.provider == provider {
			if models[at.model] == nil {
				models[at.model] = map[place]choice{}
			}
			models[at.model][at] = ch
		}
	}
	used := map[string]int{}
	for _, prices := range models {
		for _, ch := range prices {
			used[ch.source]++
		}
	}
	main := liteLLM
	if used[modelsDev] > used[liteLLM] {
		main = modelsDev
	}
	sources := []string{main}
	for _, s := range []string{liteLLM, modelsDev} {
		if used[s] > 0 && s != main {
			sources = append(sources, s)
		}
	}

	var b bytes.Buffer
	b.WriteString("# Made by `go generate`; see rules_test.go for what decides. Dollars: per million tokens, characters or pixels,\n# else apiece.\nprices 1\n\n")
	fmt.Fprintf(&b, "[%s]\n", provider)
	for _, s := range sources {
		fmt.Fprintf(&b, " source %s %s\n", s, sourceDates[s])
	}
	for _, o := range own {
		if o.provider == provider {
			if o.first(own) {
				fmt.Fprintf(&b, " source %s %s\n", published, o.date)
			}
		}
	}
	for _, o := range own {
		if o.provider == provider {
			b.WriteString(wrapped(" # ", o.why))
			b.WriteString(" " + o.row)
			if o.source != main {
				b.WriteString(" @" + o.source)
			}
			b.WriteString("\n")
		}
	}
	var entries []*entryText
	for _, name := range sortedKeys(models) {
		entries = append(entries, c.entry(provider, name, models[name], main))
	}
	for _, e := range fold(entries) {
		b.WriteString("\n" + e.name + e.facts + "\n")
		for _, row := range e.rows {
			b.WriteString(" " + row + "\n")
		}
		if len(e.also) > 0 {
			b.WriteString(" also " + strings.Join(e.also, " ") + "\n")
		}
	}
	return b.Bytes()
}

// wrapped breaks a text into lines, each with a prefix.
func wrapped(prefix, text string) string {
	var b strings.Builder
	line := prefix
	for word := range strings.FieldsSeq(text) {
		if len(line)+len(word) > 110 && line != prefix {
			b.WriteString(strings.TrimRight(line, " ") + "\n")
			line = prefix
		}
		line += word + " "
	}
	return b.String() + strings.TrimRight(line, " ") + "\n"
}

// entry makes the text of one model.
func (c *collected) entry(provider, name string, prices map[place]choice, main string) *entryText {
	e := &entryText{name: name}
	var f *fact
	for _, source := range []string{modelsDev, liteLLM} {
		if g := c.facts[place{provider: provider, model: name}][source]; g != nil && f == nil {
			f = g
		} else if g != nil {
			f = f.merge(g)
		}
	}
	if f != nil {
		if f.Operation == "" && strings.Contains(strings.ToLower(name), "embed") {
			f.Operation = "embedding"
		}
		switch f.Operation {
		case "embedding":
			f.MaxOutput, f.Gives = 0, Vectors
		case "rerank", "moderation", "search", "speech", "image", "image_edit", "video":
			f.MaxOutput = 0 // no limit of tokens
		}
		e.facts, e.sun, e.most = factWords(&f.Facts), f.Sunset, f.MaxOutput
	}
	type rowKey struct {
		condition
		source string
	}
	rows := map[rowKey][]place{}
	for at, ch := range prices {
		k := rowKey{at.condition, ch.source}
		rows[k] = append(rows[k], at)
	}
	keys := make([]rowKey, 0, len(rows))
	for k := range rows {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b rowKey) int {
		return cmp.Or(cmp.Compare(a.variant, b.variant), cmp.Compare(a.region, b.region), cmp.Compare(a.tier, b.tier),
			cmp.Compare(a.above, b.above), cmp.Compare(a.source, b.source))
	})
	for _, k := range keys {
		places := rows[k]
		slices.SortFunc(places, func(a, b place) int { return cmp.Compare(a.component, b.component) })
		words := []string{}
		if w := conditionWords(k.condition); w != "" {
			words = append(words, w)
		}
		for _, at := range places {
			if at.component == components {
				words = append(words, "*"+string(appendAmount(nil, prices[at].amount, 3)))
			} else {
				words = append(words, at.component.String(), string(appendAmount(nil, prices[at].amount, at.component.fraction())))
			}
		}
		row := strings.Join(words, " ")
		if k.source != main {
			row += " @" + k.source
		}
		e.rows = append(e.rows, row)
	}
	if len(e.rows) == 0 && (&quote{place: place{provider: provider, model: name}}).free() {
		e.rows = []string{"free"}
	}
	return e
}

func factWords(f *Facts) string {
	var b strings.Builder
	word := func(key, value string) {
		if value != "" && value != "0" {
			b.WriteString(" " + key + "=" + value)
		}
	}
	word("op", f.Operation)
	word("context", fmt.Sprint(f.Context))
	word("max_input", fmt.Sprint(f.MaxInput))
	word("max_output", fmt.Sprint(f.MaxOutput))
	word("takes", f.Takes.String())
	word("gives", f.Gives.String())
	word("searches", fmt.Sprint(f.MinSearches))
	word("released", f.Released.String())
	word("sunset", f.Sunset.String())
	if f.Deprecated {
		b.WriteString(" deprecated")
	}
	return b.String()
}

// fold makes a dated version of a model another name of it, where it costs the same and has no other limits.
func fold(entries []*entryText) []*entryText {
	byName := map[string]*entryText{}
	for _, e := range entries {
		byName[e.name] = e
	}
	var out []*entryText
	for _, e := range entries {
		base := byName[withoutVersion(e.name)]
		if base != nil && base != e && slices.Equal(base.rows, e.rows) && len(e.rows) > 0 && base.most == e.most &&
			(e.sun == 0 || e.sun == base.sun) && !strings.Contains(e.name, "*") {
			base.also = append(base.also, e.name)
			continue
		}
		out = append(out, e)
	}
	return out
}
