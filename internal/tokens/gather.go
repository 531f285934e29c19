package tokens

import (
	"slices"

	"weir/internal/llm"
)

// exactMost is how many bytes of one conversation are counted as they are. Of a longer one so many are, spread evenly,
// and the rest is taken to be like them: the time an estimate takes does not grow with the conversation.
const (
	exactMost = 16 << 10
	window    = 512
)

// kind is a sort of text that models are shown in forms of their own.
type kind uint8

const (
	prose  kind = iota // what was said, and what tools answered
	args               // what tools were called with
	schema             // which tools there are
	form               // which form the answer shall have
	kinds
)

// Unseen is a set of things that count and cannot be seen in a conversation.
type Unseen uint16

// What cannot be seen.
const (
	UnseenImage  Unseen = 1 << iota // a picture that is elsewhere, or whose size cannot be read
	UnseenMedia                     // sound, films, documents
	UnseenServer                    // tools that the provider runs, what it tells the model of them and what they find
	UnseenKept                      // what the provider keeps: earlier turns, cached content, prompts
	UnseenSeal                      // ciphers
	UnseenOpaque                    // what only its own dialect understands
)

// gathered is a conversation taken apart. It shares the conversation's memory.
type gathered struct {
	texts    [kinds][]string
	size     [kinds]int
	messages int // turns
	tools    int
	calls    int
	results  int
	forms    int // schemas of the answer
	pictures []picture
	sealed   int // bytes of seals
	unseen   Unseen
	thinking bool // the model is to think
	noTools  bool // it may call none
	past     bool // within turns that were answered
}

func (g *gathered) add(k kind, s string) {
	if s != "" {
		g.texts[k] = append(g.texts[k], s)
		g.size[k] += len(s)
	}
}

func (g *gathered) request(r *llm.Request) {
	g.thinking = r.Reasoning.Mode == "on" || r.Reasoning.Mode == "adaptive"
	g.noTools = r.Choice.Mode == "none"
	asked := lastAsked(r.Messages)
	for i := range r.Messages {
		m := &r.Messages[i]
		g.past = i < asked
		g.messages++
		g.add(prose, m.Name)
		g.parts(m.Parts)
	}
	g.parts(r.Documents)
	for i := range r.Tools {
		g.tool(&r.Tools[i])
	}
	if r.Output.Schema != nil {
		g.forms++
		g.add(form, r.Output.Name)
		g.add(form, r.Output.Description)
		g.add(form, string(r.Output.Schema))
	}
	if r.Extra["mcp_servers"] != nil || r.Extra["web_search_options"] != nil {
		g.unseen |= UnseenServer
	}
	if r.Thread.Previous != "" || r.Thread.Raw != nil || r.Cache.Ref != "" {
		g.unseen |= UnseenKept
	}
}

// lastAsked returns the index of the last turn in which the user, and not a tool, said something. Thoughts of before it are
// not shown to a model again.
func lastAsked(turns []llm.Message) int {
	for i, m := range slices.Backward(turns) {
		if m.Role == llm.User && slices.ContainsFunc(m.Parts, func(p llm.Part) bool { return p.Kind != llm.PartResult }) {
			return i
		}
	}
	return 0
}

func (g *gathered) tool(t *llm.Tool) {
	switch t.Kind {
	case llm.ToolServer:
		g.unseen |= UnseenServer
		return
	case llm.ToolGroup:
		g.add(schema, t.Name)
		g.add(schema, t.Description)
		for i := range t.Tools {
			g.tool(&t.Tools[i])
		}
		return
	}
	if t.Defer {
		return // the model sees it when it looks for it
	}
	g.tools++
	g.add(schema, t.Name)
	g.add(schema, t.Description)
	g.add(schema, string(t.Schema))
	g.add(schema, string(t.Grammar))
}

func (g *gathered) parts(parts []llm.Part) {
	for i := range parts {
		g.part(&parts[i])
	}
}

func (g *gathered) part(p *llm.Part) {
	if p.By != llm.ByClient {
		g.unseen |= UnseenServer
	}
	g.sealed += len(p.Seal.Data)
	if p.Seal.Form == llm.SealEncrypted || p.Seal.Data != "" && p.Seal.By == "google" { // Google's signatures hold the thoughts
		g.unseen |= UnseenSeal
	}
	switch p.Kind {
	case llm.PartCall:
		g.calls++
		g.add(args, p.Name)
		g.add(args, p.Args)
	case llm.PartResult:
		g.results++
		g.parts(p.Result)
	case llm.PartImage:
		g.picture(p.Media)
	case llm.PartAudio, llm.PartVideo:
		g.unseen |= UnseenMedia
		g.add(prose, p.Text)
	case llm.PartReasoning:
		if !g.past {
			g.add(prose, p.Text)
		}
	case llm.PartFile:
		if p.Media != nil && p.Media.Cite {
			g.unseen |= UnseenServer // it is cut into pieces, and the model is told how to cite them
		}
		if p.Media != nil && p.Media.Text != "" {
			g.add(prose, p.Media.Name)
			g.add(prose, p.Media.Text)
			return
		}
		g.unseen |= UnseenMedia
	case llm.PartOpaque:
		g.unseen |= UnseenOpaque
	default:
		g.add(prose, p.Text)
	}
}

// count returns the tokens of each kind of text in a vocabulary.
func (g *gathered) count(e *encoding) (n [kinds]float64) {
	whole := 0
	for k := range g.size {
		whole += g.size[k]
	}
	for k := range n {
		budget := g.size[k]
		if whole > exactMost {
			budget = min(budget, max(window, g.size[k]*exactMost/whole))
		}
		n[k] = sampled(e, g.texts[k], g.size[k], budget)
	}
	return n
}

// sampled counts texts of size bytes by looking at some budget of them, in windows at even distances.
func sampled(e *encoding, texts []string, size, budget int) float64 {
	if budget >= size {
		n := 0
		for _, s := range texts {
			n += e.count(s)
		}
		return float64(n)
	}
	stride := max(window*size/budget, window)
	n, seen, at := 0, 0, 0 // at: where the text begins among all
	for _, s := range texts {
		for i := 0; i < len(s); {
			within := (at + i) % stride
			if within >= window {
				i += stride - within
				continue
			}
			end := min(len(s), i+window-within)
			n += e.count(s[i:end])
			seen += end - i
			i = end
		}
		at += len(s)
	}
	if seen == 0 {
		return 0
	}
	return float64(n) * float64(size) / float64(seen)
}
