package gemini

import (
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"slices"
	"strconv"
	"strings"

	"weir/internal/llm"
)

// madeID begins the ids of calls that came without one. They are for the other side only and never written here.
const madeID = "gemcall_"

// made reports whether an id is one of ours.
func made(id string) bool { return len(id) == len(madeID)+24 && strings.HasPrefix(id, madeID) }

func newID(h hash.Hash) string { return madeID + hex.EncodeToString(h.Sum(nil)[:12]) }

// answerIDs makes the ids of one answer's calls. An answer's own id is unique, and a call's place in it does not depend
// on whether the answer was streamed. Where an answer has no id, what was called stands in for it.
type answerIDs struct {
	answer string
	made   []int  // per choice
	server string // the id of the code that awaits its result
}

// next returns an id for a part of a choice; what tells it apart where the answer has no id.
func (a *answerIDs) next(choice int, what string) string {
	for len(a.made) <= choice {
		a.made = append(a.made, 0)
	}
	a.made[choice]++
	h := sha256.New()
	for _, s := range [...]string{a.answer, strconv.Itoa(choice), strconv.Itoa(a.made[choice])} {
		h.Write([]byte(s))
		h.Write([]byte{0})
	}
	if a.answer == "" {
		h.Write([]byte(what))
	}
	return newID(h)
}

// identify gives the calls and results of a history that came without ids theirs: a call's is made of everything said
// before, so that it stays the same while the conversation grows; a result has the id of the first call of its name in
// the turn before that has no result yet.
func identify(messages []llm.Message) {
	missing := false
	for i := range messages {
		for j := range messages[i].Parts {
			p := &messages[i].Parts[j]
			missing = missing || p.ID == "" && (p.Kind == llm.PartCall || p.Kind == llm.PartResult)
		}
	}
	if !missing {
		return
	}
	said := sha256.New()
	var open []*llm.Part // calls of the client that have no result yet
	var code string
	for i := range messages {
		m := &messages[i]
		if m.Role == llm.Assistant && (i == 0 || messages[i-1].Role != llm.Assistant) {
			open = nil // SDKs keep each piece of a streamed turn as a turn of its own
		}
		open = answerCalls(m, open)
		for j := range m.Parts {
			p := &m.Parts[j]
			note(said, m.Role, p)
			switch {
			case p.Kind == llm.PartCall && p.By != llm.ByClient:
				if p.ID == "" {
					p.ID = newID(said)
				}
				code = p.ID
			case p.Kind == llm.PartResult && p.By != llm.ByClient:
				if p.ID == "" {
					p.ID = code
				}
			case p.Kind == llm.PartCall:
				if p.ID == "" {
					p.ID = newID(said)
				}
				open = append(open, p)
			}
			if p.ID == "" && p.Kind == llm.PartResult {
				p.ID = newID(said)
			}
		}
	}
}

// answerCalls pairs the results of a message with the calls that await one, those with an id first, and returns the
// calls that still do.
func answerCalls(m *llm.Message, open []*llm.Part) []*llm.Part {
	pair := func(p *llm.Part, fits func(*llm.Part) bool) bool {
		for k, call := range open {
			if fits(call) {
				p.ID, open = call.ID, slices.Delete(slices.Clone(open), k, k+1)
				return true
			}
		}
		return false
	}
	results := func(named bool, do func(*llm.Part)) {
		for j := range m.Parts {
			if p := &m.Parts[j]; p.Kind == llm.PartResult && p.By == llm.ByClient && (p.ID != "") == named {
				do(p)
			}
		}
	}
	results(true, func(p *llm.Part) {
		_ = pair(p, func(call *llm.Part) bool { return call.ID == p.ID }) ||
			pair(p, func(call *llm.Part) bool { return made(call.ID) && call.Name == p.Name })
	})
	results(false, func(p *llm.Part) {
		_ = pair(p, func(call *llm.Part) bool { return call.Name == p.Name })
	})
	return open
}

// note adds what a part says to a hash of the conversation.
func note(h hash.Hash, role llm.Role, p *llm.Part) {
	for _, s := range [...]string{string(role), strconv.Itoa(int(p.Kind)), p.Text, p.Name, p.Args, string(p.Raw)} {
		h.Write([]byte(strconv.Itoa(len(s))))
		h.Write([]byte{0})
		h.Write([]byte(s))
	}
	if b := p.Media; b != nil {
		for _, s := range [...]string{b.Type, b.URL, b.FileID, strconv.Itoa(len(b.Data))} {
			h.Write([]byte(s))
			h.Write([]byte{0})
		}
	}
	for i := range p.Result {
		note(h, role, &p.Result[i])
	}
}
