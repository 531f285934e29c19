package converse

import (
	"weir/internal/dialect"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// blockWriter writes parts that have their place here. own says that their Extra and Raw belong to this dialect; native
// is whose seals stand as they are: those of the model that is asked or, in an answer, that the client takes to have
// answered.
type blockWriter struct {
	own    bool
	native string
}

// blocks writes parts as a list of blocks, each cache mark as a block after its part.
func (b blockWriter) blocks(w *rawjson.Writer, parts []llm.Part) {
	w.Open('[')
	for i := range parts {
		b.block(w, &parts[i])
		if m := parts[i].Cache; m != nil {
			writeMark(w, m)
		}
	}
	w.Close(']')
}

func writeMark(w *rawjson.Writer, m *llm.CacheMark) {
	w.Open('{').Name(cacheBlock).Open('{').Name("type").String("default")
	if m.TTL != "" {
		w.Name("ttl").String(m.TTL)
	}
	w.Close('}').Close('}')
}

func (b blockWriter) block(w *rawjson.Writer, p *llm.Part) {
	if b.own && p.Raw != nil && (p.Kind == llm.PartOpaque || p.Kind == llm.PartResult && p.By != llm.ByClient) {
		w.Raw(p.Raw)
		return
	}
	w.Open('{')
	switch p.Kind {
	case llm.PartReasoning:
		b.reasoning(w, p)
	case llm.PartImage, llm.PartAudio, llm.PartVideo, llm.PartFile:
		guard := b.rest(p, guardBlock)
		if guard != nil {
			w.Name(guardBlock).Open('{')
		}
		b.medium(w, p, guard)
		if guard != nil {
			w.Close('}')
		}
	case llm.PartCall:
		w.Name("toolUse").Open('{')
		b.call(w, p)
		w.Name("input").Raw(inputValue(p.Args))
		b.extra(w, p)
		w.Close('}')
	case llm.PartResult:
		b.result(w, p)
	case llm.PartJSON:
		w.Name("json").Raw([]byte(p.Text))
	default:
		b.text(w, p)
	}
	w.Close('}')
}

// rest returns what belongs to a block that was read as another part, nil if it is none.
func (b blockWriter) rest(p *llm.Part, block string) []byte {
	if !b.own {
		return nil
	}
	return p.Extra[block]
}

func (b blockWriter) extra(w *rawjson.Writer, p *llm.Part, skip ...string) {
	if b.own {
		dialect.WriteExtra(w, p.Extra, skip...)
	}
}

// members writes the members of an object into the one that is open.
func members(w *rawjson.Writer, v []byte) {
	for name, val := range rawjson.Members(v) {
		w.Name(string(name)).Raw(val)
	}
}

func textBlock(w *rawjson.Writer, s string) { w.Open('{').Name("text").String(s).Close('}') }

func (b blockWriter) text(w *rawjson.Writer, p *llm.Part) {
	if rest := b.rest(p, guardBlock); rest != nil {
		w.Name(guardBlock).Open('{').Name("text").Open('{').Name("text").String(p.Text)
		members(w, rest)
		w.Close('}').Close('}')
		return
	}
	if rest := b.rest(p, searchBlock); rest != nil {
		w.Name(searchBlock).Open('{')
		if rawjson.Get(rest, chunks) == nil {
			w.Name(chunks).Open('[')
			textBlock(w, p.Text)
			w.Close(']')
		}
		members(w, rest)
		w.Close('}')
		return
	}
	rest := b.rest(p, citedBlock)
	if rest == nil && len(p.Cites) == 0 {
		w.Name("text").String(p.Text)
		return
	}
	w.Name(citedBlock).Open('{')
	if rawjson.Get(rest, chunks) == nil {
		w.Name(chunks).Open('[')
		if p.Text != "" || b.own {
			textBlock(w, p.Text)
		}
		w.Close(']')
	}
	if len(p.Cites) > 0 {
		writeCites(w, p.Cites, b.own)
	}
	members(w, rest)
	w.Close('}')
}

// reasoning writes a thought. A cipher beside visible text, as other makers have it, stands where its signature would.
func (b blockWriter) reasoning(w *rawjson.Writer, p *llm.Part) {
	w.Name("reasoningContent").Open('{')
	if hidden(p) {
		w.Name("redactedContent").String(redacted(p.Seal, b.native))
	} else {
		w.Name("reasoningText").Open('{').Name("text").String(p.Text)
		if s := p.Seal.Text(b.native, llm.SealSignature); s != "" {
			w.Name("signature").String(s)
		}
		w.Close('}')
	}
	w.Close('}')
}

// hidden reports whether nothing of a thought is to be seen.
func hidden(p *llm.Part) bool { return p.Seal.Form == llm.SealEncrypted && p.Text == "" }

func (b blockWriter) medium(w *rawjson.Writer, p *llm.Part, guard []byte) {
	m := p.Media
	name, _ := formats(p.Kind)
	w.Name(name).Open('{')
	var extra llm.Extra
	if b.own {
		extra = p.Extra
	}
	if word := formatOf(p.Kind, m.Type); word != "" && extra["format"] == nil && rawjson.Get(guard, "format") == nil {
		w.Name("format").String(word)
	}
	if p.Kind == llm.PartFile && m.Name != "" {
		w.Name("name").String(m.Name)
	}
	w.Name("source").Open('{')
	switch {
	case m.Data != "":
		w.Name("bytes").String(m.Data)
	case m.URL != "":
		w.Name("s3Location").Open('{').Name("uri").String(m.URL)
		if owner := extra[ownerMember]; owner != nil {
			w.Name(ownerMember).Raw(owner)
		}
		w.Close('}')
	case extra[chunks] != nil:
		w.Name(chunks).Raw(extra[chunks])
	case m.Source == chunks:
		w.Name(chunks).Open('[')
		textBlock(w, m.Text)
		w.Close(']')
	default:
		w.Name("text").String(m.Text)
	}
	w.Close('}')
	if m.Cite && p.Kind == llm.PartFile {
		w.Name("citations").Open('{').Name("enabled").Bool(true).Close('}')
	}
	members(w, guard)
	dialect.WriteExtra(w, extra, ownerMember, chunks, guardBlock)
	w.Close('}')
}

// call writes what a call begins with.
func (b blockWriter) call(w *rawjson.Writer, p *llm.Part) {
	w.Name("toolUseId").String(p.ID).Name("name").String(p.Name)
	if p.By != llm.ByClient {
		w.Name("type").String(serverUse)
	}
}

func (b blockWriter) result(w *rawjson.Writer, p *llm.Part) {
	w.Name("toolResult").Open('{').Name("toolUseId").String(p.ID)
	b.blocks(w.Name("content"), p.Result)
	if p.Failed {
		w.Name("status").String("error")
	}
	b.extra(w, p)
	w.Close('}')
}

// inputValue returns arguments as the value of a member, whatever they are.
func inputValue(args string) []byte {
	v := []byte(args)
	switch {
	case rawjson.Kind(v) == ' ':
		return []byte("{}")
	case rawjson.Check(v) != nil:
		object, _ := dialect.ObjectArgs(args, false)
		return []byte(object)
	}
	return v
}
