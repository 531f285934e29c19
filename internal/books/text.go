package books

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"weir/internal/gateway"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// counts are the fields of usage by their names in the stored text.
var counts = []struct {
	name  string
	said  llm.Fields
	field func(*llm.Usage) *int64
}{
	{"input", llm.SaidInput, func(u *llm.Usage) *int64 { return &u.Input }},
	{"cache_read", llm.SaidCacheRead, func(u *llm.Usage) *int64 { return &u.CacheRead }},
	{"cache_write", llm.SaidCacheWrite, func(u *llm.Usage) *int64 { return &u.CacheWrite }},
	{"cache_write_1h", llm.SaidCacheWrite1h, func(u *llm.Usage) *int64 { return &u.CacheWrite1h }},
	{"output", llm.SaidOutput, func(u *llm.Usage) *int64 { return &u.Output }},
	{"reasoning", llm.SaidReasoning, func(u *llm.Usage) *int64 { return &u.Reasoning }},
	{"input_audio", llm.SaidInputAudio, func(u *llm.Usage) *int64 { return &u.InputAudio }},
	{"input_image", llm.SaidInputImage, func(u *llm.Usage) *int64 { return &u.InputImage }},
	{"output_audio", llm.SaidOutputAudio, func(u *llm.Usage) *int64 { return &u.OutputAudio }},
	{"output_image", llm.SaidOutputImage, func(u *llm.Usage) *int64 { return &u.OutputImage }},
	{"tool_input", llm.SaidToolInput, func(u *llm.Usage) *int64 { return &u.ToolInput }},
	{"total", llm.SaidTotal, func(u *llm.Usage) *int64 { return &u.Total }},
	{"billed_input", llm.SaidBilledInput, func(u *llm.Usage) *int64 { return &u.BilledInput }},
	{"billed_output", llm.SaidBilledOutput, func(u *llm.Usage) *int64 { return &u.BilledOutput }},
	{"searches", llm.SaidSearches, func(u *llm.Usage) *int64 { return &u.Searches }},
	{"fetches", llm.SaidFetches, func(u *llm.Usage) *int64 { return &u.Fetches }},
	{"pages", llm.SaidPages, func(u *llm.Usage) *int64 { return &u.Pages }},
	{"annotated_pages", llm.SaidAnnotatedPages, func(u *llm.Usage) *int64 { return &u.AnnotatedPages }},
	{"heard", llm.SaidHeard, func(u *llm.Usage) *int64 { return &u.Heard }},
}

func cacheRead(u *llm.Usage) (n int64) {
	if u == nil {
		return 0
	}
	if len(u.Rounds) == 0 {
		return u.CacheRead
	}
	for i := range u.Rounds {
		n += cacheRead(&u.Rounds[i])
	}
	return n
}

func usageText(u *llm.Usage) string {
	if u == nil {
		return ""
	}
	var w rawjson.Writer
	writeUsage(&w, u)
	return Clean(string(w.Buf))
}

// writeUsage writes stated counts as members; which of them nobody stated, and which are known although nobody stated
// them, stands in lists of names.
func writeUsage(w *rawjson.Writer, u *llm.Usage) {
	w.Open('{')
	for _, c := range counts {
		if n := *c.field(u); n != 0 || u.Said&c.said != 0 {
			w.Name(c.name).Int(n)
		}
	}
	writeNames(w, "estimated", func(said llm.Fields, _ int64) bool { return u.Estimated&said != 0 }, u)
	writeNames(w, "unsaid", func(said llm.Fields, n int64) bool { return n != 0 && u.Said&said == 0 }, u)
	if u.Said&llm.Corrected != 0 {
		w.Name("corrected").Bool(true)
	}
	if u.Rounds != nil {
		w.Name("rounds").Open('[')
		for i := range u.Rounds {
			writeUsage(w, &u.Rounds[i])
		}
		w.Close(']')
	}
	if u.Cost != "" {
		w.Name("cost").String(string(u.Cost))
	}
	if u.Tier != "" {
		w.Name("tier").String(u.Tier)
	}
	if len(u.Extra) > 0 {
		w.Name("extra").Open('{')
		for _, name := range slices.Sorted(maps.Keys(u.Extra)) {
			w.Name(name)
			if raw := u.Extra[name]; rawjson.Check(raw) == nil {
				w.Raw(raw)
			} else {
				w.String(string(raw))
			}
		}
		w.Close('}')
	}
	w.Close('}')
}

func writeNames(w *rawjson.Writer, name string, has func(llm.Fields, int64) bool, u *llm.Usage) {
	open := false
	for _, c := range counts {
		if !has(c.said, *c.field(u)) {
			continue
		}
		if !open {
			w.Name(name).Open('[')
			open = true
		}
		w.String(c.name)
	}
	if open {
		w.Close(']')
	}
}

func readUsage(text string) (*llm.Usage, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // no usage is no error
	}
	if err := rawjson.Check([]byte(text)); err != nil {
		return nil, err
	}
	u := parseUsage([]byte(text))
	return &u, nil
}

func parseUsage(v []byte) (u llm.Usage) {
	for name, value := range rawjson.Members(v) {
		switch name := string(name); name {
		case "estimated":
			u.Estimated = fieldsOf(value)
		case "corrected":
			u.Said |= llm.Corrected
		case "rounds":
			u.Rounds = []llm.Usage{}
			for _, round := range rawjson.Elems(value) {
				u.Rounds = append(u.Rounds, parseUsage(round))
			}
		case "cost":
			u.Cost = llm.Num(rawjson.Text(value))
		case "tier":
			u.Tier = rawjson.Text(value)
		case "extra":
			u.Extra = llm.Extra{}
			for name, raw := range rawjson.Members(value) {
				u.Extra[string(name)] = json.RawMessage(slices.Clone(raw))
			}
		case "unsaid": // read below: it may stand before what it names
		default:
			for _, c := range counts {
				if c.name == name {
					*c.field(&u), _ = rawjson.Int(value)
					u.Said |= c.said
				}
			}
		}
	}
	u.Said &^= fieldsOf(rawjson.Get(v, "unsaid"))
	return u
}

func fieldsOf(list []byte) (set llm.Fields) {
	for _, name := range rawjson.Elems(list) {
		for _, c := range counts {
			if c.name == rawjson.Text(name) {
				set |= c.said
			}
		}
	}
	return set
}

// tagsText is never empty: databases read it as JSON.
func tagsText(tags []string) string {
	var w rawjson.Writer
	w.Open('[')
	for _, tag := range tags {
		w.String(Clean(tag))
	}
	w.Close(']')
	return string(w.Buf)
}

func readTags(text string) (tags []string, err error) {
	if err := rawjson.Check([]byte(text)); err != nil {
		return nil, err
	}
	for _, tag := range rawjson.Elems([]byte(text)) {
		tags = append(tags, rawjson.Text(tag))
	}
	return tags, nil
}

func itemsText(items []gateway.EntryItem) string {
	if len(items) == 0 {
		return ""
	}
	var w rawjson.Writer
	w.Open('[')
	for _, i := range items {
		w.Open('{').Name("component").String(Clean(i.Component))
		if i.At != "" {
			w.Name("at").String(Clean(i.At))
		}
		w.Name("units").Int(i.Units).Name("price").Int(i.Price).Close('}')
	}
	w.Close(']')
	return string(w.Buf)
}

func readItems(text string) (items []gateway.EntryItem, err error) {
	if text == "" {
		return nil, nil
	}
	if err := rawjson.Check([]byte(text)); err != nil {
		return nil, err
	}
	for _, v := range rawjson.Elems([]byte(text)) {
		var i gateway.EntryItem
		i.Component, i.At = strings.Clone(rawjson.Text(rawjson.Get(v, "component"))), strings.Clone(rawjson.Text(rawjson.Get(v, "at")))
		i.Units, _ = rawjson.Int(rawjson.Get(v, "units"))
		i.Price, _ = rawjson.Int(rawjson.Get(v, "price"))
		items = append(items, i)
	}
	return items, nil
}

func chargesText(charges []gateway.Charge) string {
	if len(charges) == 0 {
		return ""
	}
	var w rawjson.Writer
	w.Open('[')
	for _, c := range charges {
		w.Open('{').Name("pot").String(Clean(c.Pot)).Name("window").Int(c.Window).Close('}')
	}
	w.Close(']')
	return string(w.Buf)
}

func readCharges(text string) (charges []gateway.Charge, err error) {
	if text == "" {
		return nil, nil
	}
	if err := rawjson.Check([]byte(text)); err != nil {
		return nil, err
	}
	for _, v := range rawjson.Elems([]byte(text)) {
		c := gateway.Charge{Pot: rawjson.Text(rawjson.Get(v, "pot"))}
		c.Window, _ = rawjson.Int(rawjson.Get(v, "window"))
		charges = append(charges, c)
	}
	return charges, nil
}
