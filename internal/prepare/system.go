package prepare

import (
	"slices"
	"strings"

	"weir/internal/llm"
)

// between parts what several messages of the system say.
const between = "\n\n"

// system places what the system says as the transforms want it.
func (w *work) system() {
	switch {
	case w.transforms.Has(llm.SystemToUser):
		w.toUser()
	case w.transforms.Has(llm.SystemFirst):
		w.first()
	}
}

func saidBySystem(m *llm.Message) bool { return m.Role == llm.System || m.Role == llm.Developer }

// first gathers all messages of the system in one, at the beginning. One that stands there alone stays as it is.
func (w *work) first() {
	messages := w.out.Messages
	var said []int
	for i := range messages {
		if saidBySystem(&messages[i]) {
			said = append(said, i)
		}
	}
	if len(said) == 0 || len(said) == 1 && said[0] == 0 {
		return
	}
	head := messages[said[0]]
	head.Parts = slices.Clone(head.Parts)
	if said[0] != 0 {
		w.did(llm.SystemFirst, head.Path, "moved to the beginning")
	}
	for _, i := range said[1:] {
		head.Parts = joined(head.Parts, messages[i].Parts)
		w.did(llm.SystemFirst, messages[i].Path, "joined with the system's first message")
	}
	w.own()
	rest := slices.DeleteFunc(slices.Clone(messages), func(m llm.Message) bool { return saidBySystem(&m) })
	w.out.Messages = append([]llm.Message{head}, rest...)
}

// joined returns the parts of both. Plain texts that meet become one text, for readers that take one only.
func joined(a, b []llm.Part) []llm.Part {
	for _, p := range b {
		if n := len(a); n > 0 && plainText(&a[n-1]) && plainText(&p) {
			a[n-1].Text += between + p.Text
			continue
		}
		a = append(a, p)
	}
	return a
}

// plainText reports whether a part is a text and nothing else.
func plainText(p *llm.Part) bool {
	return p.Kind == llm.PartText && p.Cache == nil && p.Cites == nil && p.Extra == nil && p.Seal == (llm.Seal{})
}

// toUser puts what the system says before the user's first words.
func (w *work) toUser() {
	messages := w.out.Messages
	if !slices.ContainsFunc(messages, func(m llm.Message) bool { return saidBySystem(&m) }) {
		return
	}
	var text []string
	for i := range messages {
		m := &messages[i]
		if !saidBySystem(m) {
			continue
		}
		for j := range m.Parts {
			if p := &m.Parts[j]; p.Text != "" {
				text = append(text, p.Text)
				if p.Cache != nil {
					w.lose(p.Path+".cache_control", "it is part of the user's first message", llm.Dropped)
				}
			} else if p.Media != nil {
				w.lose(p.Path, "only texts go from the system to the user", llm.Dropped)
			}
		}
		w.did(llm.SystemToUser, m.Path, "put before the user's first words")
	}
	w.own()
	rest := slices.DeleteFunc(slices.Clone(messages), func(m llm.Message) bool { return saidBySystem(&m) })
	w.out.Messages = rest
	if text == nil {
		return
	}
	said := strings.Join(text, between)
	if len(rest) == 0 || rest[0].Role != llm.User || startsWithResult(&rest[0]) {
		w.out.Messages = append([]llm.Message{{Role: llm.User, Path: firstPath(messages), Parts: []llm.Part{{Kind: llm.PartText, Text: said, Path: firstPath(messages)}}}}, rest...)
		return
	}
	user := &rest[0]
	if len(user.Parts) > 0 && plainText(&user.Parts[0]) {
		user.Parts = slices.Clone(user.Parts)
		user.Parts[0].Text = said + between + user.Parts[0].Text
		return
	}
	user.Parts = append([]llm.Part{{Kind: llm.PartText, Text: said, Path: user.Path}}, user.Parts...)
}

// startsWithResult reports whether a turn begins with the result of a call, before which nothing may stand.
func startsWithResult(m *llm.Message) bool {
	return len(m.Parts) > 0 && m.Parts[0].Kind == llm.PartResult
}

// firstPath is where the system's first message stood.
func firstPath(messages []llm.Message) string {
	for i := range messages {
		if saidBySystem(&messages[i]) {
			return messages[i].Path
		}
	}
	return ""
}
