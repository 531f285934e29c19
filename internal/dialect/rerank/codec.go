package rerank

import (
	"cmp"
	"strconv"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

func malformed(param, message string) *fault.Fault {
	return &fault.Fault{Kind: fault.Malformed, Param: param, Message: message}
}

// DecodeRerank implements dialect.Reranker.
func (d rerank) DecodeRerank(c dialect.Call) (*llm.Rerank, error) {
	var o dialect.Object
	o.Read(c.Body)
	r := &llm.Rerank{
		From: d.name, Model: o.String("model"), Query: o.String("query"), Return: o.Bool("return_documents"), Most: count(&o, "max_tokens_per_doc"),
	}
	r.Top = max(count(&o, "top_n"), count(&o, "top_k"))
	documents := o.Take("documents")
	if o.Bad != nil {
		return nil, malformed(o.Bad.Member, o.Bad.Member+" must be "+o.Bad.Want)
	}
	for i, v := range rawjson.Elems(documents) {
		doc := llm.RerankDocument{Path: "documents[" + strconv.Itoa(i) + "]"}
		text, ok := rawjson.String(v)
		if doc.Text = text; !ok {
			if rawjson.Kind(v) != '{' {
				return nil, malformed(doc.Path, doc.Path+" must be a text or an object")
			}
			doc.Text, doc.Raw = rawjson.Text(rawjson.Get(v, "text")), v
		}
		r.Documents = append(r.Documents, doc)
	}
	switch {
	case r.Query == "":
		return nil, malformed("query", "query is missing")
	case len(r.Documents) == 0:
		return nil, malformed("documents", "documents must be a list that is not empty")
	}
	r.Extra = o.Rest()
	return r, nil
}

// count takes a number that cannot be negative.
func count(o *dialect.Object, name string) int64 {
	n := o.Int(name)
	if n < 0 {
		o.Fail(name, "a whole number that is not negative")
	}
	return n
}

// EncodeRerank implements dialect.Reranker.
func (d rerank) EncodeRerank(r *llm.Rerank, facts llm.Facts) (dialect.Call, []llm.Loss, error) {
	own := r.From == d.name
	voyage := facts.Provider == "voyage" && !d.cohere()
	var l dialect.Losses
	var w rawjson.Writer
	w.Open('{').Name("model").String(facts.Model).Name("query").String(r.Query).Name("documents").Open('[')
	for i := range r.Documents {
		doc := &r.Documents[i]
		switch {
		case doc.Raw == nil:
			w.String(doc.Text)
		case own:
			w.Raw(doc.Raw)
		case doc.Text == "":
			return dialect.Call{}, nil, dialect.Unsaid(doc.Path, "this target takes documents of text")
		default:
			w.String(doc.Text)
			for name := range rawjson.Members(doc.Raw) {
				if string(name) != "text" {
					l.Add(doc.Path+"."+string(name), "documents are texts here", llm.Dropped)
				}
			}
		}
	}
	w.Close(']')
	if r.Top > 0 {
		name := "top_n"
		if voyage {
			name = "top_k"
		}
		w.Name(name).Int(r.Top)
	}
	if r.Return != nil && (own || !d.cohere()) { // towards Cohere the documents are put in by EncodeRanking
		w.Name("return_documents").Bool(*r.Return)
	}
	switch {
	case r.Most == 0:
	case own || d.cohere():
		w.Name("max_tokens_per_doc").Int(r.Most)
	default:
		l.Add("max_tokens_per_doc", "how much of a document is read cannot be said here", llm.Dropped)
	}
	if own {
		dialect.WriteExtra(&w, r.Extra)
	} else {
		for _, name := range dialect.Names(r.Extra) {
			l.Add(name, "there is no such member here", llm.Dropped)
		}
	}
	w.Close('}')
	path := OpenAIPath
	if d.cohere() {
		path = CoherePath
	}
	return dialect.Call{Op: llm.OpRerank, Path: path, Body: w.Buf}, l.List, nil
}

// DecodeRanking implements dialect.Reranker.
func (d rerank) DecodeRanking(body []byte) (*llm.Ranking, error) {
	var o dialect.Object
	o.Read(body)
	a := &llm.Ranking{From: d.name, ID: o.String("id"), Model: o.String("model")}
	for _, name := range [...]string{"usage", "meta"} {
		if u := usageOf(o.Take(name)); u != nil {
			a.Usage = u
		}
	}
	o.Take("object")
	list := o.Take("results")
	if data := o.Take("data"); list == nil {
		list = data
	}
	if rawjson.Kind(list) != '[' {
		return nil, dialect.Garbage("the provider's answer has no results", nil)
	}
	for _, v := range rawjson.Elems(list) {
		var in dialect.Object
		in.Read(v)
		one := llm.Ranked{Score: in.Num("relevance_score"), Document: in.Take("document")}
		var ok bool
		if one.Index, ok = rawjson.Int(in.Take("index")); !ok || one.Index < 0 || in.Bad != nil || one.Score == "" {
			return nil, dialect.Garbage("a result of the provider's answer cannot be read", nil)
		}
		one.Extra = in.Rest()
		a.Ranked = append(a.Ranked, one)
	}
	a.Extra = o.Rest()
	return a, nil
}

// EncodeRanking implements dialect.Reranker. Documents that the client wants back and the answer does not hold are those
// of its request.
func (d rerank) EncodeRanking(r *llm.Rerank, a *llm.Ranking) ([]byte, []llm.Loss, error) {
	own := a.From == d.name
	var l dialect.Losses
	var w rawjson.Writer
	w.Open('{')
	if id := cmp.Or(a.ID, a.Else.ID); id != "" {
		w.Name("id").String(id)
	}
	if !d.cohere() {
		w.Name("object").String("list").Name("model").String(cmp.Or(a.Model, a.Else.Model))
	} else if a.Model != "" && !own {
		l.Add("answer.model", "an answer does not name its model here", llm.Dropped)
	}
	w.Name("results").Open('[')
	for i := range a.Ranked {
		one := &a.Ranked[i]
		w.Open('{').Name("index").Int(one.Index).Name("relevance_score").Num(string(one.Score))
		switch {
		case one.Document != nil && (own || !d.cohere()):
			w.Name("document").Raw(one.Document)
		case r.Return == nil || !*r.Return || one.Index < 0 || one.Index >= int64(len(r.Documents)):
		case r.Documents[one.Index].Raw != nil:
			w.Name("document").Raw(r.Documents[one.Index].Raw)
		default:
			w.Name("document").Open('{').Name("text").String(r.Documents[one.Index].Text).Close('}')
		}
		if own {
			dialect.WriteExtra(&w, one.Extra)
		} else {
			dialect.LoseExtra(one.Extra, &l)
		}
		w.Close('}')
	}
	w.Close(']')
	d.writeUsage(&w, a.Usage, &l)
	if own {
		dialect.WriteExtra(&w, a.Extra)
	} else {
		dialect.LoseExtra(a.Extra, &l)
	}
	w.Close('}')
	return w.Buf, l.List, nil
}

// writeUsage writes what each dialect counts, and notes what it does not.
func (d rerank) writeUsage(w *rawjson.Writer, u *llm.Usage, l *dialect.Losses) {
	if u == nil {
		return
	}
	lose := func(path, why string, grade llm.Grade) { l.Add(path, why, grade) }
	rest := *u
	if d.cohere() {
		w.Name("meta").Open('{').Name("api_version").Open('{').Name("version").String("2").Close('}')
		if u.Has(llm.SaidSearches) {
			w.Name("billed_units").Open('{').Name("search_units").Int(u.Searches).Close('}')
		}
		if u.Has(llm.SaidInput) {
			w.Name("tokens").Open('{').Name("input_tokens").Int(u.Input).Close('}')
		}
		w.Close('}')
		dialect.LoseCounts(&rest, llm.SaidInput|llm.SaidSearches, lose)
		return
	}
	if u.Said&(llm.SaidInput|llm.SaidTotal) != 0 {
		w.Name("usage").Open('{').Name("total_tokens").Int(max(u.Input, u.Total))
		if u.Cost != "" {
			w.Name("cost").Num(string(u.Cost))
			rest.Cost = ""
		}
		w.Close('}')
	}
	rest.Total = 0
	dialect.LoseCounts(&rest, llm.SaidInput, lose)
}
