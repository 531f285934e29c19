package replay_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"weir/internal/compile"
	"weir/internal/dialect"
	"weir/internal/gatewaytest"
	"weir/internal/llm"
	"weir/internal/sim"
)

// walking are the dialects in which whole conversations with tools are held.
var walking = []llm.Dialect{
	llm.OpenAIChat, llm.OpenAIResponses, llm.AnthropicMessages, llm.GeminiGenerate, llm.BedrockConverse, llm.CohereChat, llm.OllamaChat,
}

// walkSeeds make the seals of one maker good at that maker alone: Anthropic's are good in both dialects that its models
// speak.
var walkSeeds = map[llm.Dialect]uint64{
	llm.OpenAIChat: 1, llm.OpenAIResponses: 1, llm.AnthropicMessages: 2, llm.BedrockConverse: 2, llm.GeminiGenerate: 3, llm.CohereChat: 4, llm.OllamaChat: 5,
}

// walkStep is what the user says, whom the next answers come from, until the model calls no more.
type walkStep struct {
	say  string
	from string // a or b, by answer
}

// walkSteps are a conversation: parallel calls, one that fails, calls that are continued by the other provider and that go
// on for a second round, turns without a call.
var walkSteps = []walkStep{
	{"Look at Oslo and Rome, then note it.", "aab"},
	{"Do it again, at once.", "ba"},
	{"What do you think of it?", "a"},
	{"Then note that.", "aa"},
	{"Goodbye, and thank you.", "b"},
	{"One thing more.", "a"},
}

// walkCalls are the calls to make, by what the user said and how many results the conversation has by then.
var walkCalls = map[string]map[int][]sim.ScriptCall{
	walkSteps[0].say: {0: {{Tool: "look", Args: `{"city":"Oslo"}`}, {Tool: "look", Args: `{"city":"Rome"}`}}, 2: {{Tool: "note", Args: `{"what":{"n":12.50}}`}}},
	walkSteps[1].say: {3: {{Tool: "look", Args: `{"city":"Łódź"}`}, {Tool: "note", Args: `{"what":{}}`}}},
	walkSteps[3].say: {5: {{Tool: "note", Args: `{"what":{"n":1e3}}`}}},
}

// walkOutcomes are what the calls come to, in the order in which they are made.
var walkOutcomes = []outcome{
	{structure: object{"r0": array{"grey", object{"wind": 7}}}},
	{text: "r1: there is no such city", failed: true},
	{text: "r2: noted\nover two lines"},
	{text: "r3: sunny, \"very\""},
	{structure: object{"r4": true}},
	{text: "r5"},
}

func walkScript(s sim.Scene) []sim.ScriptCall {
	for say, calls := range walkCalls {
		// Where a provider's dialect has the user's turn hold more than he said, it still holds that.
		if strings.Contains(s.Asked, say) {
			return calls[len(s.Results)]
		}
	}
	return nil
}

// walkUpstream is a strict provider that keeps what it was last asked and what it answered.
type walkUpstream struct {
	url string

	mu      sync.Mutex // guards the rest
	request dialect.Call
	answer  []byte
}

func walkTo(t *testing.T, d llm.Dialect) *walkUpstream {
	u := &walkUpstream{}
	p := &sim.Provider{Pace: -1, Seed: walkSeeds[d], Script: walkScript}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		c := &copied{ResponseWriter: w}
		p.ServeHTTP(c, r)
		u.mu.Lock()
		defer u.mu.Unlock()
		u.request = dialect.Call{Op: llm.OpChat, Path: r.URL.Path, Query: r.URL.RawQuery, Body: body}
		u.answer = c.body.Bytes()
	}))
	t.Cleanup(s.Close)
	u.url = s.URL
	return u
}

// copied keeps what is written through it.
type copied struct {
	http.ResponseWriter
	body bytes.Buffer
}

// Write implements io.Writer.
func (c *copied) Write(p []byte) (int, error) {
	c.body.Write(p)
	return c.ResponseWriter.Write(p)
}

// Unwrap implements what http.ResponseController looks for.
func (c *copied) Unwrap() http.ResponseWriter { return c.ResponseWriter }

var givenSeals = regexp.MustCompile(`"(?:signature|encrypted_content|thoughtSignature)":"([^"]+)"`)

// seals are those in an answer, in order; a stream that repeats one gives it once.
func seals(answer []byte) []string {
	var out []string
	if at := bytes.Index(answer, []byte(`{"type":"response.completed"`)); at >= 0 {
		answer = answer[at:] // what stood in the events before was not yet the whole of it
	}
	for _, m := range givenSeals.FindAllSubmatch(answer, -1) {
		if s := string(m[1]); !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// walkModel is a model that thinks wherever it is asked to; its name makes Gemini's dialect demand signatures.
const walkModel = "gemini-3-sim"

// walkName is the name of a provider's model in the document. It tells no maker, by which some dialects read requests.
func walkName(d llm.Dialect, quiet bool) string {
	return fmt.Sprintf("walk-%d-%t", slices.Index(walking, d), quiet)
}

// walkStage is a gateway before a strict provider of every dialect.
func walkStage(t *testing.T) (*gatewaytest.Gateway, map[llm.Dialect]*walkUpstream) {
	ups := map[llm.Dialect]*walkUpstream{}
	var providers, models strings.Builder
	for _, d := range walking {
		ups[d] = walkTo(t, d)
		base := ups[d].url
		if strings.HasPrefix(string(d), "openai-") {
			base += "/v1"
		}
		fmt.Fprintf(&providers, "  %s: { base_url: %q, speaks: [%s], api_key: upstream-key }\n", d, base, d)
		fmt.Fprintf(&models, "  %s: { targets: [{ provider: %s, model: %s }] }\n", walkName(d, false), d, walkModel)
		fmt.Fprintf(&models, "  %s: { targets: [{ provider: %s, model: sim-redacted }] }\n", walkName(d, true), d)
	}
	return (&gatewaytest.Gateway{Document: "version: 1\nproviders:\n" + providers.String() + "models:\n" + models.String() +
		"keys: [{ name: test, key: " + gatewaytest.Key + `, models: ["*"] }]` + "\n"}).Start(t), ups
}

// TestWalk walks a whole conversation with thinking and tools, for clients of every dialect, from one provider to another
// and back, streamed and not. Every turn is answered: the providers refuse what the real ones refuse, another maker's seals
// and altered ones among it. What was said, called and returned arrives, in order and paired; the first provider gets its
// own seals back as they were, or their loss is in the record.
func TestWalk(t *testing.T) {
	g, ups := walkStage(t)
	for _, stream := range []bool{false, true} {
		for _, client := range walking {
			for _, a := range walking {
				row := []string{}
				for _, b := range walking {
					if a == b {
						continue
					}
					w := &walk{t: t, g: g, ups: ups, client: client, a: a, b: b, stream: stream}
					t.Run(fmt.Sprintf("stream=%t/%s/%s-%s", stream, client, a, b), func(t *testing.T) {
						w.t = t
						w.walk()
					})
					row = append(row, fmt.Sprintf("%s: %s", b, w.verdict()))
				}
				if a != llm.OllamaChat { // whose model sim-redacted says nothing of its thoughts
					t.Run(fmt.Sprintf("stream=%t/%s/%s-thoughtless", stream, client, a), func(t *testing.T) {
						(&walk{t: t, g: g, ups: ups, client: client, a: a, b: llm.OllamaChat, stream: stream, quiet: true}).walk()
					})
				}
				t.Logf("stream %t, %s at %s, and %s", stream, client, a, strings.Join(row, ", "))
			}
		}
	}
}

// walk is one conversation.
type walk struct {
	t            *testing.T
	g            *gatewaytest.Gateway
	ups          map[llm.Dialect]*walkUpstream
	client, a, b llm.Dialect
	stream       bool
	quiet        bool // B's model does not think

	history array
	said    []string // what was said, called and returned so far, in no dialect's words
	made    int      // calls
	given   []string // seals that A gave
	due     []string // of them, those that go back
	back    int      // of them, those that A got back last
	gave    int      // before it was asked last
	losses  int
	done    bool
}

// placeless are the clients whose dialect has no place for some of a provider's seals. The gateway keeps those of turns
// with calls, which must go back, and puts them there; the others do not go back, and every answer says so.
var placeless = map[llm.Dialect][]llm.Dialect{
	llm.OpenAIChat:        {llm.OpenAIResponses, llm.AnthropicMessages, llm.GeminiGenerate, llm.BedrockConverse},
	llm.CohereChat:        {llm.OpenAIResponses, llm.AnthropicMessages, llm.GeminiGenerate, llm.BedrockConverse},
	llm.OllamaChat:        {llm.OpenAIResponses, llm.AnthropicMessages, llm.GeminiGenerate, llm.BedrockConverse},
	llm.AnthropicMessages: {llm.GeminiGenerate}, // its seals stand on calls and texts too
	llm.BedrockConverse:   {llm.GeminiGenerate},
}

func (w *walk) verdict() string {
	if !w.done {
		return "not walked"
	}
	return fmt.Sprintf("%d/%d seals, %d losses", w.back, w.gave, w.losses)
}

func (w *walk) walk() {
	c := walkClients[w.client]
	for _, step := range walkSteps {
		w.history = append(w.history, c.say(step.say))
		w.said = append(w.said, "user: "+step.say)
		for i, who := range step.from {
			got := w.ask(who == 'a')
			if w.t.Failed() {
				return
			}
			w.history = append(w.history, got.history...)
			if got.text != "" {
				w.said = append(w.said, "assistant: "+got.text)
			}
			for _, k := range got.calls {
				w.said = append(w.said, "call: "+k.name+marshal(k.args))
			}
			if last := i == len(step.from)-1; last != (len(got.calls) == 0) {
				w.t.Fatalf("after %q, answer %d makes %d calls", step.say, i, len(got.calls))
			}
			if len(got.calls) == 0 {
				continue
			}
			w.history = append(w.history, c.results(got.calls, walkOutcomes[w.made:])...)
			for n := range got.calls {
				w.said = append(w.said, fmt.Sprintf("result %d: r%d", w.made+n, w.made+n))
			}
			w.made += len(got.calls)
		}
	}
	if w.made != len(walkOutcomes) {
		w.t.Fatalf("%d calls were made", w.made)
	}
	w.done = true
}

// ask asks for the next answer and holds what the provider got against the conversation.
func (w *walk) ask(first bool) taken {
	t, d := w.t, w.b
	if first {
		d = w.a
	}
	c := walkClients[w.client]
	model := walkName(d, !first && w.quiet)
	path := c.path(model, w.stream)
	path, query, _ := strings.Cut(path, "?")
	before := len(w.g.Records())
	r := asked{path, query, []byte(marshal(c.body(model, w.stream, w.history)))}.post(t, w.g.Handler)
	if r.Code != http.StatusOK {
		t.Fatalf("%s, asked\n%s\nanswers %d %s\nto %s", d, w.ups[d].request.Body, r.Code, r.Body, marshal(w.history))
	}
	x := w.g.Wait(t, before+1)[before]
	if x.Fault != nil || x.Status != http.StatusOK {
		t.Fatalf("%d %v", x.Status, x.Fault)
	}
	w.losses += len(x.Losses)
	up := w.ups[d]
	up.mu.Lock()
	request, answer := up.request, up.answer
	up.mu.Unlock()
	w.arrived(d, request)
	got := c.take(t, r.Body.Bytes(), w.stream)
	if first {
		w.sealed(request.Body)
		w.seal(seals(answer), len(got.calls) > 0, x.Losses)
	}
	return got
}

// seal notes the seals of an answer.
func (w *walk) seal(given []string, called bool, losses []llm.Loss) {
	w.given = append(w.given, given...)
	if !slices.Contains(placeless[w.client], w.a) {
		w.due = append(w.due, given...)
		return
	}
	if called {
		w.due = append(w.due, given...)
	}
	if len(given) > 0 && !slices.ContainsFunc(losses, func(l llm.Loss) bool { return sealLoss.MatchString(l.Path) }) {
		w.t.Errorf("%s gave seals that have no place, and they are not named lost in %q", w.a, losses)
	}
}

var sealLoss = regexp.MustCompile(`^answer\..*(signature|encrypted|redacted)`)

// sealed finds the seals that A gave in what it is asked now, in the order in which it gave them.
func (w *walk) sealed(body []byte) {
	w.back, w.gave = 0, len(w.given)
	from := 0
	for _, s := range w.due {
		at := bytes.Index(body[from:], []byte(`"`+s+`"`))
		if at < 0 {
			w.t.Errorf("%s does not get %s back, or not in its place:\n%s", w.a, s, body)
			return
		}
		w.back++
		from += at + len(s)
	}
}

// arrived holds what a provider got against what was said.
func (w *walk) arrived(d llm.Dialect, call dialect.Call) {
	speaks := compile.Dialect(d)
	if _, err := speaks.Peek(&call); err != nil {
		w.t.Fatal(err)
	}
	req, err := speaks.(interface{ Codec() dialect.Codec }).Codec().DecodeRequest(call)
	if err != nil {
		w.t.Fatal(err)
	}
	if got := told(req); !slices.Equal(got, w.said) {
		w.t.Errorf("%s got\n%s\nwant\n%s\nin %s", d, strings.Join(got, "\n"), strings.Join(w.said, "\n"), call.Body)
	}
}

var resultWord = regexp.MustCompile(`r\d`)

// told is a conversation in no dialect's words: every result beside the number of the call that it is for.
func told(req *llm.Request) []string {
	out := []string{}
	numbers := map[string]int{}
	text := func(who, s string) {
		if n := len(out); n > 0 && strings.HasPrefix(out[n-1], who+": ") {
			out[n-1] += s
		} else {
			out = append(out, who+": "+s)
		}
	}
	for _, m := range req.Messages {
		for _, p := range m.Parts {
			switch {
			case m.Role == llm.System || m.Role == llm.Developer:
				if p.Text != walkSystem {
					text("system", p.Text)
				}
			case p.Kind == llm.PartText:
				text(string(m.Role), p.Text)
			case p.Kind == llm.PartCall:
				numbers[p.ID] = len(numbers)
				out = append(out, "call: "+p.Name+marshal(decodedArgs(p.Args)))
			case p.Kind == llm.PartResult:
				said := ""
				for _, r := range p.Result {
					said += r.Text
				}
				number, known := numbers[p.ID]
				if !known {
					number = -1
				}
				out = append(out, fmt.Sprintf("result %d: %s", number, resultWord.FindString(said)))
			}
		}
	}
	return out
}
