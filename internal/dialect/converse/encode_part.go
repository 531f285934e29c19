package converse

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"weir/internal/dialect"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// part makes another dialect's part sayable in a turn of a role; false if it is left out.
func (e *requestEncoder) part(in *llm.Part, role llm.Role) (llm.Part, bool) {
	p := *in
	for _, name := range dialect.Names(p.Extra) {
		e.lose(dialect.MemberPath(p.Path, name), "no such member here", llm.Dropped)
	}
	p.Extra, p.Raw = nil, nil
	if p.Phase != "" {
		e.lose(dialect.MemberPath(p.Path, dialect.ItemLevel+"phase"), "there are no phases here", llm.Dropped)
	}
	if p.Kind != llm.PartReasoning && p.Seal != (llm.Seal{}) {
		e.lose(p.Path, "the seal on it has no place here", llm.Changed)
		p.Seal = llm.Seal{}
	}
	var ok bool
	switch p.Kind {
	case llm.PartText, llm.PartJSON, llm.PartRefusal:
		p, ok = e.text(p)
	case llm.PartReasoning:
		p, ok = e.reasoning(p)
	case llm.PartImage, llm.PartVideo, llm.PartFile, llm.PartAudio:
		p, ok = e.seen(p, role)
	case llm.PartCall:
		p, ok = e.call(p)
	case llm.PartResult:
		p, ok = e.result(p)
	default:
		e.lose(p.Path, "only its own dialect understands it", llm.Dropped)
		return p, false
	}
	if ok {
		e.mark(&p)
	}
	return p, ok
}

// mark fits a cache mark for the target.
func (e *requestEncoder) mark(p *llm.Part) {
	if p.Cache == nil {
		return
	}
	if !e.family.caches() {
		e.lose(p.Path+".cache_control", "this model has no prompt cache", llm.Dropped)
		p.Cache = nil
		return
	}
	p.Cache = e.timed(p.Cache, p.Path)
}

// timed fits how long a mark asks to be kept.
func (e *requestEncoder) timed(m *llm.CacheMark, path string) *llm.CacheMark {
	switch {
	case m.TTL == "":
		return m
	case e.family == familyUnknown, e.family == familyClaude && (e.version == 0 || e.version >= extends):
		if m.TTL == "5m" || m.TTL == "1h" {
			return m
		}
	case m.TTL == "5m" && e.family == familyClaude:
		return m
	}
	e.lose(path+".cache_control", "kept for as long as the model's cache keeps, not for "+m.TTL, llm.Changed)
	return &llm.CacheMark{}
}

func (e *requestEncoder) text(p llm.Part) (llm.Part, bool) {
	if strings.TrimSpace(p.Text) == "" {
		switch {
		case p.Text != "":
			e.lose(p.Path, "a text of white space is not taken here", llm.Dropped)
		case p.Cache != nil:
			e.lose(p.Path+".cache_control", "a text that is empty is not sent", llm.Dropped)
		}
		if len(p.Cites) > 0 {
			e.loseCites(&p)
		}
		return p, false
	}
	if p.Kind == llm.PartRefusal {
		e.lose(p.Path, "a refusal becomes plain text", llm.Changed)
	}
	p.Kind = llm.PartText
	var cites []llm.Cite
	for i := range p.Cites {
		c := &p.Cites[i]
		if !citeSayable(c, false) || !e.family.takesCite(c.Kind) {
			e.loseCites(&p)
			continue
		}
		if c.Extra != nil || c.Seal != "" || c.Start != 0 || c.End != 0 {
			e.loseCites(&p)
		}
		cites = append(cites, *c)
	}
	p.Cites = cites
	return p, true
}

func (e *requestEncoder) loseCites(p *llm.Part) {
	e.lose(p.Path+"."+e.word("annotations"), "a citation that the model does not take back, or not as it was", llm.Dropped)
}

// takesCite reports whether a model takes citations of a kind back. Claude numbers the documents of the conversation;
// Nova names pages of the web.
func (f family) takesCite(kind string) bool {
	switch f {
	case familyClaude:
		return kind != "url"
	case familyNova2:
		return kind == "url"
	}
	return false
}

// reasoning keeps a thought that the target takes back: sealed by its own maker, or plain where it takes such.
func (e *requestEncoder) reasoning(p llm.Part) (llm.Part, bool) {
	by := e.native
	sealed := p.Seal.Data != "" && p.Seal.By == by && (p.Seal.Form == llm.SealSignature || by == "anthropic" && p.Text == "")
	switch {
	case sealed:
		return p, true
	case p.Text != "" && e.facts.ReasoningBack:
		if p.Seal.Data != "" {
			e.lose(dialect.SealPath(e.req.From, p.Path), "seals go back to their maker only", llm.Dropped)
		}
		p.Seal = llm.Seal{}
		return p, true
	case p.Text != "" || p.Seal.Data != "":
		e.lose(p.Path, "earlier thinking is taken back only with its signature", llm.Dropped)
	}
	return p, false
}

func (e *requestEncoder) call(p llm.Part) (llm.Part, bool) {
	if p.By != llm.ByClient {
		e.lose(p.Path, "a call that its provider ran cannot be told elsewhere", llm.Dropped)
		return p, false
	}
	p.ID = fitID(p.ID, "tooluse_")
	if name := fitID(p.Name, "tool_"); name != p.Name {
		e.lose(p.Path, "the tool's name is not one that can be said here", llm.Changed)
		p.Name = name
	}
	args, exact := dialect.ObjectArgs(p.Args, p.Free)
	if !exact {
		e.lose(p.Path, "arguments that are no JSON object are wrapped in one", llm.Changed)
	}
	p.Args = args
	return p, true
}

func (e *requestEncoder) result(p llm.Part) (llm.Part, bool) {
	if p.By != llm.ByClient {
		e.lose(p.Path, "a result of its provider's own tool cannot be told elsewhere", llm.Dropped)
		return p, false
	}
	p.ID = fitID(p.ID, "tooluse_")
	var parts []llm.Part
	for i := range p.Result {
		in := p.Result[i]
		if in.Path == "" {
			in.Path = p.Path
		}
		kind := in.Kind
		out, ok := e.part(&in, llm.User)
		if !ok {
			continue
		}
		if out.Kind == llm.PartAudio || out.Kind == llm.PartReasoning || out.Kind == llm.PartCall || out.Kind == llm.PartResult {
			e.refuse(in.Path, "the result of a tool holds texts, pictures, films and documents here, no sounds")
			continue
		}
		if len(out.Cites) > 0 {
			e.loseCites(&out)
			out.Cites = nil
		}
		if out.Cache != nil {
			e.lose(out.Path+".cache_control", "only a whole result can be cached here", llm.Dropped)
			out.Cache = nil
		}
		if v := []byte(out.Text); kind == llm.PartJSON && rawjson.Kind(v) == '{' && rawjson.Check(v) == nil {
			out.Kind = llm.PartJSON
		}
		parts = append(parts, out)
	}
	p.Result = parts
	return p, true
}

// fitMost is the longest id or name of a tool.
const fitMost = 64

// fitID returns an id or a name as the API takes it, the same for a call and its result.
func fitID(id, prefix string) string {
	fits := len(id) > 0 && len(id) <= fitMost
	for i := 0; i < len(id) && fits; i++ {
		c := id[i]
		fits = c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-'
	}
	if fits {
		return id
	}
	sum := sha256.Sum256([]byte(id))
	return prefix + hex.EncodeToString(sum[:12])
}
