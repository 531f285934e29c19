package replay_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"weir/internal/gatewaytest"
	"weir/internal/llm"
)

// TestWalkPairs holds one conversation with clients of two dialects: one begins it and the other goes on, in the midst of
// a round of calls, or they take turns. What an application keeps is in no dialect's words (turn), and each client is
// given it in its own shape, with the seals that belong there or without any. Every turn is answered by strict providers
// and arrives whole; a seal that a client sends goes to its maker as it was, or its loss is in the record.
func TestWalkPairs(t *testing.T) {
	g, ups := walkStage(t)
	sum := pairing{}
	for i, first := range walking {
		for j, second := range walking {
			if first == second {
				continue
			}
			for k, a := range walking {
				b := walking[(k+1+(i+j)%(len(walking)-1))%len(walking)]
				for how := range 4 {
					p := &pair{
						g: g, ups: ups, clients: [2]llm.Dialect{first, second}, a: a, b: b,
						stream: (i+j+k+how/2)%2 == 1, turns: how&1 == 1, carries: how&2 == 2, sum: &sum,
					}
					t.Run(fmt.Sprintf("%s+%s/%s-%s/turns=%t,seals=%t", first, second, a, b, p.turns, p.carries), func(t *testing.T) {
						p.t = t
						p.walk()
					})
				}
			}
		}
	}
	t.Logf("%d conversations, %d answers; of %d seals sent to their maker %d arrived as they were; %d more were put back; %d were asked anew",
		sum.walks, sum.answers, sum.sent, sum.back, sum.restored, sum.anew)
}

// pairing is what came of the conversations.
type pairing struct{ walks, answers, sent, back, restored, anew int }

// pair is one conversation of two clients.
type pair struct {
	t       *testing.T
	g       *gatewaytest.Gateway
	ups     map[llm.Dialect]*walkUpstream
	clients [2]llm.Dialect
	a, b    llm.Dialect
	stream  bool
	turns   bool // the clients take turns; else the second takes over for good
	carries bool // the application keeps seals too

	kept  []turn
	said  []string
	given []string // seals that A gave
	asks  int
	made  int
	sum   *pairing
}

// takeover is how many answers the first client gets where the second takes over for good: it is asked in mid-round.
const takeover = 4

// client is who asks next.
func (p *pair) client() llm.Dialect {
	if p.turns {
		return p.clients[p.asks%2]
	}
	if p.asks < takeover {
		return p.clients[0]
	}
	return p.clients[1]
}

func (p *pair) walk() {
	for _, step := range walkSteps {
		p.kept = append(p.kept, turn{user: step.say})
		p.said = append(p.said, "user: "+step.say)
		for _, who := range step.from {
			got := p.ask(who == 'a')
			if p.t.Failed() {
				return
			}
			p.kept = append(p.kept, got)
			if got.text != "" {
				p.said = append(p.said, "assistant: "+got.text)
			}
			for _, k := range got.calls {
				p.said = append(p.said, "call: "+k.name+marshal(k.args))
			}
			if len(got.calls) == 0 {
				continue
			}
			p.kept = append(p.kept, turn{answers: got.calls, outcomes: walkOutcomes[p.made : p.made+len(got.calls)]})
			for range got.calls {
				p.said = append(p.said, fmt.Sprintf("result %d: r%d", p.made, p.made))
				p.made++
			}
		}
	}
	if p.made != len(walkOutcomes) {
		p.t.Fatalf("%d calls were made", p.made)
	}
	p.sum.walks++
}

// ask has the client whose turn it is ask for the next answer.
func (p *pair) ask(first bool) turn {
	t, d, client := p.t, p.b, p.client()
	if first {
		d = p.a
	}
	p.asks++
	c := walkClients[client]
	var history array
	for i := range p.kept {
		history = append(history, p.kept[i].as(client, p.carries)...)
	}
	model := walkName(d, false)
	path, query, _ := strings.Cut(c.path(model, p.stream), "?")
	before := len(p.g.Records())
	body := marshal(c.body(model, p.stream, history))
	r := asked{path, query, []byte(body)}.post(t, p.g.Handler)
	if r.Code != http.StatusOK {
		t.Fatalf("%s, asked by %s\n%s\nanswers %d %s\nto %s", d, client, p.ups[d].request.Body, r.Code, r.Body, body)
	}
	x := p.g.Wait(t, before+1)[before]
	if x.Fault != nil || x.Status != http.StatusOK {
		t.Fatalf("%d %v", x.Status, x.Fault)
	}
	up := p.ups[d]
	up.mu.Lock()
	request, answer := up.request, up.answer
	up.mu.Unlock()
	(&walk{t: t, said: p.said}).arrived(d, request)
	if n := len(x.Attempts); n > 1 { // its own dialect refused the history for want of seals
		p.sum.anew++
		if n > 2 || d != client || len(seals(request.Body)) == 0 && !slices.ContainsFunc(x.Losses, func(l llm.Loss) bool { return lostSeal.MatchString(l.Path) }) {
			t.Errorf("%s, asked by %s %d times, gets no seal, and what it does without is not named in %q: %s", d, client, n, x.Losses, request.Body)
		}
	}
	if first {
		p.sealed(body, string(request.Body), x.Losses)
		p.given = append(p.given, seals(answer)...)
	}
	p.sum.answers++
	return keep(client, c.take(t, r.Body.Bytes(), p.stream))
}

// sealed follows the seals that A gave: those that the client sends must come to A as they were, in order, or be named lost.
func (p *pair) sealed(sent, got string, losses []llm.Loss) {
	lost := slices.ContainsFunc(losses, func(l llm.Loss) bool { return lostSeal.MatchString(l.Path) })
	from := 0
	for _, s := range p.given {
		at := strings.Index(got[from:], `"`+s+`"`)
		if at >= 0 {
			from += at + len(s)
		}
		switch has := strings.Contains(sent, s); {
		case has && at >= 0:
			p.sum.sent++
			p.sum.back++
		case has && !lost:
			p.t.Errorf("%s does not get %s back, or not in its place, and its loss is not named in %q:\n%s\nsent %s", p.a, s, losses, got, sent)
			return
		case has:
			p.sum.sent++
		case at >= 0:
			p.sum.restored++
		}
	}
}
