package dialecttest

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"weir/internal/dialect"
	"weir/internal/llm"
)

// fact is one thing that a request or an answer says. Two facts are the same if kind and value are.
type fact struct {
	path  string // in the client's document, or canonical words of an answer
	kind  string // what it is: text.user, call, sampling.seed …
	value string
	text  bool   // compared as a piece of all texts of its kind joined: parts may be joined and split on their way
	track string // facts of one track keep their order; "" = their order says nothing
	group string // path that a loss of order is named by

	choice string // path that names it lost with the whole choice or part; "" = of a request, or of the first choice
}

// facts gathers the facts of one request or answer.
type facts struct {
	list  []fact
	words words
	calls map[string]int // the client's calls so far: id → number
	count int
}

// add notes a fact unless it says nothing.
func (f *facts) add(path, kind, value string) {
	if value != "" {
		f.put(fact{path: path, kind: kind, value: value})
	}
}

// put notes a fact as the tolerances leave it.
func (f *facts) put(one fact) {
	for _, t := range tolerances {
		if t.apply != nil && t.apply(&one) {
			return
		}
	}
	f.list = append(f.list, one)
}

func (f *facts) raw(path, kind string, v []byte) { f.add(path, kind, compact(v)) }

// extra notes members without a field, each under its holder.
func (f *facts) extra(holder, kind string, x llm.Extra) {
	for _, name := range slices.Sorted(maps.Keys(x)) {
		f.put(fact{path: dialect.MemberPath(holder, name), kind: "extra." + kind, value: name + "=" + compact(x[name])})
	}
}

func (f *facts) flag(path, kind string, on bool) {
	if on {
		f.add(path, kind, "true")
	}
}

func (f *facts) pointer(path, kind string, on *bool) {
	if on != nil {
		f.add(path, kind, strconv.FormatBool(*on))
	}
}

func (f *facts) number(path, kind string, n int64) {
	if n != 0 {
		f.add(path, kind, strconv.FormatInt(n, 10))
	}
}

// compact returns JSON without white space between its tokens.
func compact(v []byte) string {
	var b bytes.Buffer
	if json.Compact(&b, v) != nil {
		return string(v)
	}
	return b.String()
}

// requestFacts flattens a request. The words are those of the client whose document the paths are of.
func requestFacts(r *llm.Request, w words) []fact {
	f := &facts{words: w, calls: map[string]int{}}
	f.add(w.of("model"), "model", r.Model)
	for i := range r.Messages {
		m := &r.Messages[i]
		f.add(m.Path+".name", "name", named(m))
		f.extra(m.Path, "message", m.Extra)
		for j := range m.Parts {
			f.part(&m.Parts[j], place{role: string(m.Role), group: m.Path, request: true})
		}
	}
	for i := range r.Documents {
		f.part(&r.Documents[i], place{role: "documents", group: "documents", request: true, inside: "documents"})
	}
	for i := range r.Tools {
		f.tool(&r.Tools[i], r.Choice.Allowed, "tools")
	}
	f.choice(&r.Choice)
	f.output(&r.Output)
	f.settings(r)
	f.reasoning(r)
	f.extra("", "request", r.Extra)
	return f.list
}

func named(m *llm.Message) string {
	if m.Name == "" {
		return ""
	}
	return string(m.Role) + " " + m.Name
}

// place is where a part stands.
type place struct {
	role    string
	group   string
	request bool
	inside  string // of a result: its own place
}

// within returns the path of a fact that hangs on a part: beside it in a request, in canonical words in an answer.
func (at place) within(p *llm.Part, request, answer string) string {
	if !at.request {
		return answer
	}
	path := p.Path
	if path == "" {
		path = at.inside
	}
	if request == "" {
		return path
	}
	return dialect.MemberPath(path, request)
}

// ordered notes a fact that keeps its place among the others of its turn.
func (f *facts) ordered(at place, path, kind, value string, text bool) {
	track := "said"
	if strings.Contains(kind, "result") {
		track = "results"
	}
	f.put(fact{path: path, kind: kind, value: value, text: text, track: track, group: at.group})
}

func (f *facts) part(p *llm.Part, at place) {
	self := func(answer string) string { return at.within(p, "", answer) }
	switch p.Kind {
	case llm.PartText, llm.PartJSON:
		f.ordered(at, self("answer.text"), "text."+at.role, p.Text, true)
	case llm.PartRefusal:
		f.ordered(at, self("answer.refusal"), "refusal."+at.role, p.Text, true)
	case llm.PartReasoning:
		f.ordered(at, self("answer.reasoning"), "reasoning."+at.role, p.Text, true)
		f.flag(self("answer.reasoning"), "reasoning.summary", p.Summary)
	case llm.PartImage, llm.PartAudio, llm.PartVideo, llm.PartFile:
		f.medium(p, at)
	case llm.PartCall:
		f.call(p, at)
	case llm.PartResult:
		f.result(p, at)
	default:
		f.ordered(at, self("answer.opaque"), "opaque."+at.role, p.Name+" "+compact(p.Raw), false)
	}
	f.beside(p, at)
}

// beside notes what can hang on any part.
func (f *facts) beside(p *llm.Part, at place) {
	seal := "answer.reasoning.signature"
	if p.Seal.Form == llm.SealEncrypted {
		seal = "answer.reasoning.redacted"
	}
	if p.Seal.Data != "" {
		whole := ""
		if at.request {
			whole = at.within(p, "", "")
		}
		f.put(fact{path: at.within(p, f.words.of("signature"), seal), kind: "seal", value: strings.Join([]string{p.Seal.By, p.Seal.Form, p.Seal.Data}, " "), choice: whole})
	}
	for i := range p.Cites {
		f.cite(p, &p.Cites[i], at)
	}
	if len(p.Logprobs) > 0 {
		f.add(at.within(p, "logprobs", "answer.logprobs"), "logprobs", fmt.Sprintf("%+v", p.Logprobs))
	}
	if p.Cache != nil {
		f.add(at.within(p, "cache_control", "answer.cache"), "cache", "mark "+p.Cache.TTL)
	}
	f.add(at.within(p, "id", "answer.item"), "item", p.Item)
	f.add(at.within(p, dialect.ItemLevel+"phase", "answer.phase"), "phase", p.Phase)
	holder := at.within(p, "", "answer")
	switch {
	case at.request:
	case p.Kind == llm.PartOpaque:
		holder = "answer.opaque"
	case p.By != llm.ByClient:
		holder = "answer.server_tools"
	}
	f.extra(holder, "part", p.Extra)
}

func (f *facts) cite(p *llm.Part, c *llm.Cite, at place) {
	about := p.Text
	if c.Start != 0 || c.End != 0 {
		from, to := min(max(c.Start, 0), int64(len(about))), min(max(c.End, 0), int64(len(about)))
		about = about[min(from, to):to]
	}
	path := at.within(p, f.words.of("citations"), "answer.citations")
	f.add(path, "cite", fmt.Sprintf("%s %s %s %q %q %s %d %d %d %q", c.Kind, c.URL, c.Source, c.Title, c.Quote, c.Unit, c.Doc, c.From, c.To, about))
	f.add(path+".seal", "cite.seal", c.Seal)
	f.extra(path, "cite", c.Extra)
}

// media are the words of an answer's media.
var media = map[llm.PartKind][2]string{
	llm.PartImage: {"image", "answer.image"}, llm.PartAudio: {"audio", "answer.audio"},
	llm.PartVideo: {"video", "answer.image"}, llm.PartFile: {"file", "answer.image"},
}

func (f *facts) medium(p *llm.Part, at place) {
	kind := media[p.Kind][0] + "." + at.role
	path := at.within(p, "", media[p.Kind][1])
	if b := p.Media; b != nil {
		typ, text := b.Type, b.Text
		if decoded, ok := textOf(b); ok { // a text is a text, however it is packed
			text = decoded
		}
		switch {
		case text != "":
			f.ordered(at, path, kind, typ+" text "+text, false)
		case b.Data != "":
			f.ordered(at, path, kind, typ+" data "+b.Data, false)
		case b.URL != "":
			f.ordered(at, path, kind, "url "+b.URL, false)
		case b.FileID != "":
			f.ordered(at, path, kind, typ+" id "+b.FileID, false)
		}
		f.add(at.within(p, f.words.of("file.name"), path), kind+".name", b.Name)
		f.add(at.within(p, f.words.of("image.detail"), path), kind+".detail", b.Detail)
		f.add(at.within(p, "source", path), kind+".source", b.Source)
		f.flag(at.within(p, "citations", path), kind+".cite", b.Cite)
	}
	f.add(path, kind+".id", p.ID)
	if p.Text != "" {
		f.ordered(at, path, "text."+at.role, p.Text, true)
	}
}

// textOf returns the text of a file that is sent as base64 of text.
func textOf(b *llm.Blob) (string, bool) {
	if b.Data == "" || !strings.HasPrefix(b.Type, "text/") && b.Type != "application/json" {
		return "", false
	}
	raw, err := base64.StdEncoding.DecodeString(b.Data)
	return string(raw), err == nil && utf8.Valid(raw)
}

func (f *facts) call(p *llm.Part, at place) {
	path := at.within(p, "", "answer.calls")
	if p.By != llm.ByClient {
		path = at.within(p, "", "answer.server_tools")
		f.ordered(at, path, "server.call", fmt.Sprint(p.By, " ", p.ID, " ", p.Name, " ", arguments(p.Args), " ", compact(p.Raw)), false)
		return
	}
	f.count++
	f.calls[p.ID] = f.count
	f.ordered(at, path, "call", p.Name, false)
	f.add(path, "call.id", p.Name+" "+p.ID)
	argsPath, args := at.within(p, "", "answer.arguments"), arguments(p.Args)
	if !at.request {
		args = compact([]byte(args))
	}
	f.put(fact{path: argsPath, kind: "call.args", value: p.Name + " " + args})
	f.flag(argsPath, "call.free", p.Free)
}

func (f *facts) result(p *llm.Part, at place) {
	path := at.within(p, "", "answer.server_tools")
	if p.By != llm.ByClient {
		f.ordered(at, path, "server.result", fmt.Sprint(p.By, " ", p.ID, " ", p.Name, " ", compact(p.Raw)), false)
		return
	}
	number := "result of no call"
	if n := f.calls[p.ID]; n > 0 {
		number = fmt.Sprint("result ", n)
	}
	f.ordered(at, path, "result", number, false)
	f.flag(at.within(p, "is_error", path), number+" failed", p.Failed)
	for i := range p.Result {
		f.part(&p.Result[i], place{role: number, group: at.group, request: at.request, inside: path})
	}
}

func (f *facts) tool(t *llm.Tool, allowed []string, holder string) {
	path := t.Path
	if path == "" {
		path = holder
	}
	if len(allowed) > 0 && t.Name != "" && t.Kind != llm.ToolGroup && !slices.Contains(allowed, t.Name) {
		path = f.words.of("tool_choice")
	}
	in := func(word string) string { return path + "." + f.words.of(word) }
	f.put(fact{path: path, kind: "tool", value: fmt.Sprint(t.Kind, " ", t.Name), track: "tools", group: path})
	f.add(in("tool.description"), "tool.description", t.Description)
	f.raw(in("tool.schema"), "tool.schema", t.Schema)
	f.raw(in("tool.grammar"), "tool.grammar", t.Grammar)
	f.pointer(in("tool.strict"), "tool.strict", t.Strict)
	f.flag(in("tool.defer"), "tool.defer", t.Defer)
	if t.Cache != nil {
		f.add(path+".cache_control", "cache", "mark "+t.Cache.TTL)
	}
	if t.Kind == llm.ToolServer {
		f.raw(path, "tool.raw", t.Raw)
	}
	for i := range t.Tools {
		f.tool(&t.Tools[i], allowed, path)
	}
	f.extra(path, "tool", t.Extra)
}
