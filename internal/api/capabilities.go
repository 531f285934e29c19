package api

import (
	_ "embed" // the table of what is carried
	"net/http"
	"strings"

	"weir/internal/gateway"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// carries is written by the conformance tests of the dialects: what each pair carries. See docs/translation.md.
//
//go:embed carries.txt
var carries string

// feature is one thing that a request or an answer can hold.
type feature struct{ kind, name string }

// carrying is what each pair of dialects carries.
type carrying struct {
	features []feature
	pairs    []pair
}

// pair is what becomes of each feature: + carried, ~ changed, - dropped, ! refused, . no word for it.
type pair struct {
	client, upstream llm.Dialect
	becomes          string
}

func readCarries(text string) carrying {
	var t carrying
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if rest, ok := strings.CutPrefix(line, "feature "); ok {
			kind, name, _ := strings.Cut(rest, " ")
			t.features = append(t.features, feature{kind, name})
		}
		if f := strings.Fields(line); len(f) == 4 && f[0] == "pair" {
			t.pairs = append(t.pairs, pair{llm.Dialect(f[1]), llm.Dialect(f[2]), f[3]})
		}
	}
	return t
}

// capabilities tells what each model can be asked, by which dialect its targets are spoken to, and what each pair of
// dialects carries. ?model= and ?dialect= (the client's) narrow it.
func (a *api) capabilities(w http.ResponseWriter, r *http.Request) {
	s, g, err := a.grant(r)
	if err != nil {
		a.deny(w, r, err)
		return
	}
	query := r.URL.Query()
	names := allowed(s, g)
	if only := query.Get("model"); only != "" {
		if !a.known(w, r, only) {
			return
		}
		names = []string{only}
	}
	var j rawjson.Writer
	j.Open('{').Name("object").String("list").Name("data").Open('[')
	for _, name := range names {
		x := &gateway.Exchange{Grant: g, Op: llm.OpChat, Dialect: llm.OpenAIChat, Head: llm.Head{Model: name}}
		rule, _, err := s.Router.Match(x)
		if err != nil {
			continue
		}
		j.Open('{').Name("id").String(name).Name("object").String("model").Name("targets").Open('[')
		plan, _ := s.Router.Plan(rule, x) // a model of another operation has no target here
		for _, t := range plan.Targets {
			j.Open('{').Name("target").String(t.String()).Name("speaks").Open('[')
			if place := s.Places[t.Provider]; place != nil {
				for _, d := range place.Provider.Speaks(llm.OpChat) {
					j.String(string(d))
				}
			}
			j.Close(']').Close('}')
		}
		j.Close(']').Name("transforms").Open('[')
		for _, transform := range plan.Transforms.Names() {
			j.String(transform)
		}
		j.Close(']').Close('}')
	}
	j.Close(']').Name("translation").Open('[')
	for _, p := range a.carries.pairs {
		if only := query.Get("dialect"); only == "" || only == string(p.client) {
			a.carries.write(&j, p)
		}
	}
	j.Close(']').Close('}')
	send(w, http.StatusOK, j.Buf)
}

// write writes what a pair does with each feature, by what becomes of it.
func (t *carrying) write(j *rawjson.Writer, p pair) {
	j.Open('{').Name("client").String(string(p.client)).Name("upstream").String(string(p.upstream))
	for _, kind := range [...]string{"request", "answer"} {
		j.Name(kind).Open('{')
		for _, group := range [...]struct {
			sign byte
			name string
		}{{'+', "carried"}, {'~', "changed"}, {'-', "dropped"}, {'!', "refused"}} {
			j.Name(group.name).Open('[')
			for i := range min(len(p.becomes), len(t.features)) {
				if t.features[i].kind == kind && p.becomes[i] == group.sign {
					j.String(t.features[i].name)
				}
			}
			j.Close(']')
		}
		j.Close('}')
	}
	j.Close('}')
}
