package geminiembeddings

import (
	"net/url"
	"strconv"
	"strings"

	"weir/internal/dialect"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// mostInputs is how many requests a batch may have.
const mostInputs = 100

// tasks are Google's words for what embeddings are for, in the order of their numbers, which stand for them too.
var tasks = []struct {
	task llm.EmbedTask
	word string
}{
	{"", "TASK_TYPE_UNSPECIFIED"},
	{llm.EmbedQuery, "RETRIEVAL_QUERY"},
	{llm.EmbedDocument, "RETRIEVAL_DOCUMENT"},
	{llm.EmbedSimilarity, "SEMANTIC_SIMILARITY"},
	{llm.EmbedClassify, "CLASSIFICATION"},
	{llm.EmbedCluster, "CLUSTERING"},
	{llm.EmbedQuestion, "QUESTION_ANSWERING"},
	{llm.EmbedFact, "FACT_VERIFICATION"},
	{llm.EmbedCode, "CODE_RETRIEVAL_QUERY"},
}

// asked is what one request says beside its content.
type asked struct {
	dimensions     int64
	task, truncate string
}

// DecodeEmbed implements dialect.Embedder.
func (embeddings) DecodeEmbed(c dialect.Call) (*llm.Embed, error) {
	at, _ := cutPath(c.Path)
	model, _ := url.PathUnescape(at.model)
	e := &llm.Embed{From: llm.GeminiEmbeddings, Model: model, Form: at.action}
	var first asked
	if at.action == one {
		in, said, err := readRequest(c.Body, "")
		if err != nil {
			return nil, err
		}
		first = said
		e.Inputs = []llm.EmbedInput{in}
	} else {
		var o dialect.Object
		o.Read(c.Body)
		o.Take("model")
		for i, v := range rawjson.Elems(o.Take("requests")) {
			path := "requests[" + strconv.Itoa(i) + "]"
			in, said, err := readRequest(v, path)
			if err != nil {
				return nil, err
			}
			if i == 0 {
				first = said
			}
			for _, d := range [...]struct {
				other bool
				name  string
			}{
				{said.dimensions != first.dimensions, "outputDimensionality"},
				{said.task != first.task, "taskType"},
				{said.truncate != first.truncate, "autoTruncate"},
			} {
				if d.other {
					return nil, dialect.Unsaid(path+"."+d.name, "the requests of a batch must agree in it for a target of another dialect")
				}
			}
			e.Inputs = append(e.Inputs, in)
		}
		if len(e.Inputs) == 0 {
			return nil, malformed("requests", "requests must be a list that is not empty")
		}
		e.Extra = o.Rest()
	}
	e.Dimensions, e.Native, e.Truncate = first.dimensions, first.task, first.truncate
	for _, t := range tasks {
		if t.word == e.Native {
			e.Task = t.task
		}
	}
	if e.Native == tasks[0].word {
		e.Native = ""
	}
	return e, nil
}

// either takes a member in either of its spellings.
func either(o *dialect.Object, camel, snake string) []byte {
	v := o.Take(camel)
	if other := o.Take(snake); v == nil {
		v = other
	}
	return v
}

func readRequest(v []byte, path string) (in llm.EmbedInput, said asked, err error) {
	var o dialect.Object
	o.Read(v)
	o.Take("model")
	in.Path = path
	bad := ""
	settings := func(o *dialect.Object) {
		if v := either(o, "outputDimensionality", "output_dimensionality"); v != nil {
			n, ok := rawjson.Int(v)
			if s, text := rawjson.String(v); text {
				var err error
				n, err = strconv.ParseInt(s, 10, 64)
				ok = err == nil
			}
			if said.dimensions = n; !ok {
				bad = "outputDimensionality"
			}
		}
		if v := either(o, "taskType", "task_type"); v != nil {
			said.task = rawjson.Text(v)
			if n, ok := rawjson.Int(v); ok && n >= 0 && int(n) < len(tasks) {
				said.task = tasks[n].word
			}
		}
		if title := o.String("title"); title != "" {
			in.Title = title
		}
		if v := either(o, "autoTruncate", "auto_truncate"); v != nil {
			said.truncate = "none"
			if cut, _ := rawjson.Bool(v); cut {
				said.truncate = "end"
			}
		}
	}
	settings(&o)
	o.Sub(&in.Extra, "embedContentConfig", settings)
	var content dialect.Object
	content.Read(o.Take("content"))
	at := dialect.Under(path, "content.parts")
	content.Take("role")
	parts := content.Take("parts")
	if rawjson.Kind(parts) == '{' { // a message that is not repeated may be written bare
		parts = append(append([]byte{'['}, parts...), ']')
	}
	for i, p := range rawjson.Elems(parts) {
		in.Parts = append(in.Parts, readPart(p, at+"["+strconv.Itoa(i)+"]"))
	}
	switch {
	case o.Bad != nil:
		bad = o.Bad.Member
	case len(in.Parts) == 0:
		bad = "content"
	}
	if bad != "" {
		bad = dialect.Under(path, bad)
		return in, said, malformed(bad, bad+" cannot be read")
	}
	for name, v := range o.Rest() {
		in.Extra = dialect.With(in.Extra, name, v)
	}
	return in, said, nil
}

func readPart(v []byte, path string) llm.Part {
	p := llm.Part{Kind: llm.PartOpaque, Raw: v, Path: path}
	var o dialect.Object
	o.Read(v)
	if text, ok := rawjson.String(o.Take("text")); ok {
		return llm.Part{Kind: llm.PartText, Text: text, Path: path}
	}
	data := either(&o, "inlineData", "inline_data")
	if data == nil {
		return p
	}
	var in dialect.Object
	in.Read(data)
	p.Media = &llm.Blob{Type: rawjson.Text(either(&in, "mimeType", "mime_type")), Data: in.String("data")}
	switch kind, _, _ := strings.Cut(p.Media.Type, "/"); kind {
	case "image":
		p.Kind = llm.PartImage
	case "audio":
		p.Kind = llm.PartAudio
	case "video":
		p.Kind = llm.PartVideo
	default:
		p.Kind = llm.PartFile
	}
	return p
}

// EncodeEmbed implements dialect.Embedder.
func (embeddings) EncodeEmbed(e *llm.Embed, facts llm.Facts) (dialect.Call, []llm.Loss, error) {
	own := e.From == llm.GeminiEmbeddings
	l := &dialect.EmbedLosses{Of: e}
	if len(e.Inputs) > mostInputs {
		return dialect.Call{}, nil, dialect.Unsaid(e.Inputs[mostInputs].Path, "this target takes at most "+strconv.Itoa(mostInputs)+" inputs at once")
	}
	action := e.Form
	if !own {
		if action = batch; len(e.Inputs) == 1 {
			action = one
		}
	}
	var w rawjson.Writer
	w.Open('{')
	if action == batch {
		w.Name("requests").Open('[')
	}
	for i := range e.Inputs {
		if action == batch {
			w.Open('{')
		}
		w.Name("model").String("models/" + bare(facts.Model))
		if err := writeRequest(&w, e, &e.Inputs[i], l, own); err != nil {
			return dialect.Call{}, nil, err
		}
		if action == batch {
			w.Close('}')
		}
	}
	if action == batch {
		w.Close(']')
	}
	switch e.Truncate {
	case "none", "start":
		if !own {
			l.Drop("truncate", "what is too long is cut off at its end here")
		}
	}
	if e.User != "" {
		l.Drop("user", "there is no user here")
	}
	if err := l.EmbedTypes(); err != nil {
		return dialect.Call{}, nil, err
	}
	if own {
		dialect.WriteExtra(&w, e.Extra)
	}
	l.Rest(llm.GeminiEmbeddings)
	w.Close('}')
	path := root + url.PathEscape(bare(facts.Model)) + ":" + action
	return dialect.Call{Op: llm.OpEmbeddings, Path: path, Body: w.Buf}, l.List, nil
}

func writeRequest(w *rawjson.Writer, e *llm.Embed, in *llm.EmbedInput, l *dialect.EmbedLosses, own bool) error {
	if in.Tokens != nil {
		return dialect.Unsaid(in.Path, "this target takes texts, not the tokens of another model")
	}
	w.Name("content").Open('{').Name("parts").Open('[')
	for i := range in.Parts {
		p := &in.Parts[i]
		switch {
		case p.Kind == llm.PartText:
			w.Open('{').Name("text").String(p.Text).Close('}')
		case p.Media != nil && p.Media.Data != "":
			typ := p.Media.Type
			if typ == "" {
				typ = dialect.ImageType(p.Media.Data)
			}
			w.Open('{').Name("inlineData").Open('{').Name("mimeType").String(typ).Name("data").String(p.Media.Data).Close('}').Close('}')
		case own && p.Raw != nil:
			w.Raw(p.Raw)
		default:
			return dialect.Unsaid(p.Path, "this target takes texts, and media with their data")
		}
	}
	w.Close(']').Close('}')
	word := ""
	for _, t := range tasks[1:] {
		if t.task == e.Task && e.Task != "" {
			word = t.word
		}
	}
	if own && word == "" {
		word = e.Native
	}
	switch {
	case word != "":
		w.Name("taskType").String(word)
	case e.Task != "" || e.Native != "":
		l.Drop("task", "Google has no such word for what embeddings are for")
	}
	if in.Title != "" {
		w.Name("title").String(in.Title)
	}
	if e.Dimensions > 0 {
		w.Name("outputDimensionality").Int(e.Dimensions)
	}
	if own {
		if e.Truncate != "" {
			w.Name("autoTruncate").Bool(e.Truncate != "none")
		}
		dialect.WriteExtra(w, in.Extra)
	}
	return nil
}

// DecodeEmbedding implements dialect.Embedder.
func (embeddings) DecodeEmbedding(body []byte) (*llm.Embeddings, error) {
	var o dialect.Object
	o.Read(body)
	a := &llm.Embeddings{From: llm.GeminiEmbeddings, Usage: usageOf(o.Take("usageMetadata"))}
	add := func(v []byte) error {
		var in dialect.Object
		in.Read(v)
		values := in.Take("values")
		if rawjson.Kind(values) != '[' {
			return dialect.Garbage("an embedding of the provider's answer has no values", nil)
		}
		a.Vectors = append(a.Vectors, llm.Vector{Index: int64(len(a.Vectors)), Array: values, Extra: in.Rest()})
		return nil
	}
	if v := o.Take("embedding"); v != nil {
		if err := add(v); err != nil {
			return nil, err
		}
	}
	for _, v := range rawjson.Elems(o.Take("embeddings")) {
		if err := add(v); err != nil {
			return nil, err
		}
	}
	if len(a.Vectors) == 0 {
		return nil, dialect.Garbage("the provider's answer has no embeddings", nil)
	}
	a.Extra = o.Rest()
	return a, nil
}

// usageOf reads usageMetadata, nil where nothing is counted.
func usageOf(v []byte) *llm.Usage {
	u := &llm.Usage{}
	count := func(v []byte, said llm.Fields, to *int64) {
		if n, ok := rawjson.Int(v); ok && n >= 0 {
			*to = n
			u.Said |= said
		}
	}
	for name, v := range rawjson.Members(v) {
		switch string(name) {
		case "promptTokenCount":
			count(v, llm.SaidInput, &u.Input)
		case "totalTokenCount":
			count(v, llm.SaidTotal, &u.Total)
		case "promptTokenDetails", "promptTokensDetails":
			for _, one := range rawjson.Elems(v) {
				switch n := rawjson.Get(one, "tokenCount"); rawjson.Text(rawjson.Get(one, "modality")) {
				case "IMAGE":
					count(n, llm.SaidInputImage, &u.InputImage)
				case "AUDIO":
					count(n, llm.SaidInputAudio, &u.InputAudio)
				}
			}
		}
	}
	if u.Said == 0 {
		return nil
	}
	return u
}

// EncodeEmbedding implements dialect.Embedder.
func (embeddings) EncodeEmbedding(e *llm.Embed, a *llm.Embeddings) ([]byte, []llm.Loss, error) {
	own := a.From == llm.GeminiEmbeddings
	var l dialect.Losses
	var w rawjson.Writer
	w.Open('{')
	if e.Form == one {
		w.Name("embedding")
	} else {
		w.Name("embeddings").Open('[')
	}
	for i := range a.Vectors {
		v := &a.Vectors[i]
		if e.Form == one && i > 0 {
			return nil, nil, dialect.Garbage("the provider answered one input with several embeddings", nil)
		}
		text, err := v.AppendArray(nil)
		if err != nil {
			return nil, nil, dialect.Garbage("an embedding of the provider's answer cannot be read", err)
		}
		w.Open('{').Name("values").Raw(text)
		if own {
			dialect.WriteExtra(&w, v.Extra)
		}
		w.Close('}')
	}
	if e.Form != one {
		w.Close(']')
	}
	if u := a.Usage; u != nil {
		w.Name("usageMetadata").Open('{').Name("promptTokenCount").Int(u.Input)
		rest := *u
		if u.InputImage > 0 {
			w.Name("promptTokenDetails").Open('[')
			w.Open('{').Name("modality").String("IMAGE").Name("tokenCount").Int(u.InputImage).Close('}')
			w.Close(']')
			rest.InputImage = 0
		}
		w.Close('}')
		dialect.LoseEmbedUsage(&rest, &l)
	}
	if own {
		dialect.WriteExtra(&w, a.Extra)
	}
	w.Close('}')
	if !own && a.Model != "" {
		l.Add("answer.model", "an answer does not name its model here", llm.Dropped)
	}
	if !own && a.ID != "" {
		l.Add("answer.id", "an answer has no id here", llm.Dropped)
	}
	return w.Buf, append(l.List, dialect.LoseEmbedding(a, llm.GeminiEmbeddings)...), nil
}
