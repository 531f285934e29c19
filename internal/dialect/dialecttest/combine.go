package dialecttest

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"weir/internal/llm"
)

// combinations is how many combinations of features Run tries.
const combinations = 500

// combination returns a request that shows several features at once, the same for the same seed, and their names.
func combination(seed uint64) (name string, x *llm.Request) {
	r := rand.New(rand.NewPCG(seed, 1))
	all := slices.DeleteFunc(Features(), func(f Feature) bool { return f.Request == nil })
	var names []string
	x = &llm.Request{Model: "asked"}
	for n := range 2 + r.IntN(4) {
		at := r.IntN(len(all))
		f := all[at]
		all = slices.Delete(all, at, at+1)
		names = append(names, f.Name)
		join(x, f.Request, n)
	}
	return fmt.Sprintf("combination %d (%s)", seed, strings.Join(names, ", ")), x
}

// join adds what y says to x: its turns after those of x, its tools if x has none, and every setting that x lacks.
func join(x, y *llm.Request, n int) {
	for _, m := range y.Messages {
		m.Path = "messages[" + strconv.Itoa(len(x.Messages)) + "]"
		m.Parts = slices.Clone(m.Parts)
		for i := range m.Parts {
			p := &m.Parts[i]
			p.Path = m.Path + ".content[" + strconv.Itoa(i) + "]"
			p.Text = marked(p.Text, n)
			p.Result = slices.Clone(p.Result)
			for j := range p.Result {
				p.Result[j].Text = marked(p.Result[j].Text, n)
				p.Result[j].Path = p.Path + ".content[" + strconv.Itoa(j) + "]"
			}
			if p.ID != "" {
				p.ID += "_" + strconv.Itoa(n)
			}
		}
		x.Messages = append(x.Messages, m)
	}
	tooled := x.Tools != nil
	to, from := reflect.ValueOf(x).Elem(), reflect.ValueOf(y).Elem()
	for i := range to.NumField() {
		name := to.Type().Field(i).Name
		if name == "Messages" || name == "Choice" && tooled {
			continue
		}
		if to.Field(i).IsZero() {
			to.Field(i).Set(from.Field(i))
		}
	}
	x.MaxOutput = max(x.MaxOutput, y.MaxOutput)
}

// combinedAnswer returns an answer that shows several features at once, the same for the same seed, and their names.
func combinedAnswer(seed uint64) (name string, x *llm.Response) {
	r := rand.New(rand.NewPCG(seed, 2))
	all := slices.DeleteFunc(Features(), func(f Feature) bool { return f.Answer == nil })
	var names []string
	for n := range 2 + r.IntN(3) {
		at := r.IntN(len(all))
		f := all[at]
		all = slices.Delete(all, at, at+1)
		names = append(names, f.Name)
		y := f.Answer
		for i := range y.Choices {
			for j := range y.Choices[i].Parts {
				p := &y.Choices[i].Parts[j]
				p.Text = marked(p.Text, n)
				if p.ID != "" {
					p.ID += "_" + strconv.Itoa(n)
				}
			}
		}
		if x == nil {
			x = y
			continue
		}
		for i := range min(len(x.Choices), len(y.Choices)) {
			x.Choices[i].Parts = append(x.Choices[i].Parts, y.Choices[i].Parts...)
		}
		x.Choices = append(x.Choices, y.Choices[min(len(x.Choices), len(y.Choices)):]...)
		if y.Usage != nil && (x.Usage == nil || y.Usage.Said > x.Usage.Said) {
			x.Usage = y.Usage
		}
		if x.Extra == nil {
			x.Extra = y.Extra
		}
		if x.Tier == "" {
			x.Tier = y.Tier
		}
	}
	if x.Usage != nil && x.Usage.Tier != "" {
		x.Tier = "" // no provider names two
	}
	for i := range x.Choices {
		settle(&x.Choices[i])
	}
	return fmt.Sprintf("answer %d (%s)", seed, strings.Join(names, ", ")), x
}

// settle corrects a stop by what the choice holds, as decoders do: who calls has not refused.
func settle(c *llm.Choice) {
	if c.Stop.Reason != llm.StopEnd && c.Stop.Reason != llm.StopRefusal {
		return
	}
	for i := range c.Parts {
		switch p := &c.Parts[i]; {
		case p.Kind == llm.PartCall && p.By == llm.ByClient:
			c.Stop.Reason = llm.StopCalls
			return
		case p.Kind == llm.PartRefusal:
			c.Stop.Reason = llm.StopRefusal
		}
	}
}

// marked makes a text one of its own: which of two like texts was lost cannot be told.
func marked(text string, n int) string {
	if text == "" {
		return ""
	}
	return strconv.Itoa(n) + " " + text
}
