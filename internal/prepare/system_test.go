package prepare

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"weir/internal/llm"
)

// spoken is a conversation written as ROLE: TEXT lines, with / between the parts of a turn.
func spoken(turns ...string) *llm.Request {
	req := &llm.Request{}
	for i, s := range turns {
		role, text, _ := strings.Cut(s, ": ")
		m := llm.Message{Role: llm.Role(role), Path: "messages[" + string(rune('0'+i)) + "]"}
		for part := range strings.SplitSeq(text, " / ") {
			p := llm.Part{Kind: llm.PartText, Text: part}
			if part == "RESULT" {
				p = llm.Part{Kind: llm.PartResult, ID: "call_1"}
			}
			m.Parts = append(m.Parts, p)
		}
		req.Messages = append(req.Messages, m)
	}
	return req
}

func told(req *llm.Request) []string {
	var out []string
	for _, m := range req.Messages {
		var parts []string
		for _, p := range m.Parts {
			if p.Kind == llm.PartResult {
				p.Text = "RESULT"
			}
			parts = append(parts, p.Text)
		}
		out = append(out, string(m.Role)+": "+strings.Join(parts, " / "))
	}
	return out
}

func TestSystem(t *testing.T) {
	for name, c := range map[string]struct {
		transform llm.Transform
		in, want  []string
		paths     string
	}{
		"first, and is":           {llm.SystemFirst, []string{"system: A", "user: U"}, nil, ""},
		"first, none":             {llm.SystemFirst, []string{"user: U"}, nil, ""},
		"first, late":             {llm.SystemFirst, []string{"user: U", "system: A", "assistant: B"}, []string{"system: A", "user: U", "assistant: B"}, "messages[1]"},
		"first, several":          {llm.SystemFirst, []string{"system: A", "user: U", "developer: B / C", "user: V"}, []string{"system: A\n\nB\n\nC", "user: U", "user: V"}, "messages[2]"},
		"to user":                 {llm.SystemToUser, []string{"system: A", "user: U / V"}, []string{"user: A\n\nU / V"}, "messages[0]"},
		"to user, several":        {llm.SystemToUser, []string{"system: A", "user: U", "system: B"}, []string{"user: A\n\nB\n\nU"}, "messages[0] messages[2]"},
		"to user, a model first":  {llm.SystemToUser, []string{"system: A", "assistant: B", "user: U"}, []string{"user: A", "assistant: B", "user: U"}, "messages[0]"},
		"to user, a result first": {llm.SystemToUser, []string{"system: A", "user: RESULT"}, []string{"user: A", "user: RESULT"}, "messages[0]"},
		"to user, nobody":         {llm.SystemToUser, []string{"system: A"}, []string{"user: A"}, "messages[0]"},
		"to user, none":           {llm.SystemToUser, []string{"user: U"}, nil, ""},
		"both":                    {llm.SystemFirst | llm.SystemToUser, []string{"user: U", "system: A"}, []string{"user: A\n\nU"}, "messages[1]"},
		"what is not declared":    {llm.ImagesFit, []string{"user: U", "system: A"}, nil, ""},
	} {
		req := spoken(c.in...)
		got, err := new(Desk).Request(t.Context(), req, c.transform, Target{Dialect: llm.OpenAIChat})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.in, told(req)); diff != "" {
			t.Errorf("%s: the client's request was changed: %s", name, diff)
		}
		if c.want == nil {
			if got.Request != req || got.Losses != nil {
				t.Errorf("%s: %v %v", name, told(got.Request), got.Losses)
			}
			continue
		}
		if diff := cmp.Diff(c.want, told(got.Request)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		var paths []string
		for _, l := range got.Losses {
			if l.Grade != llm.Changed {
				t.Errorf("%s: %+v", name, l)
			}
			paths = append(paths, l.Path)
		}
		if strings.Join(paths, " ") != c.paths || len(got.Steps) != len(paths) {
			t.Errorf("%s: losses %v, steps %v", name, got.Losses, got.Steps)
		}
	}
}

func TestConcerns(t *testing.T) {
	for body, want := range map[string]llm.Transform{
		`{"messages":[{"role":"user","content":"Hello"}]}`:                                             0,
		`{"messages":[{"role":"system","content":"Hello"}]}`:                                           llm.SystemFirst | llm.SystemToUser,
		`{"instructions":"x","input":[{"role":"user","content":[{"type":"input_image"}]}]}`:            llm.ImagesFit | llm.SystemFirst | llm.SystemToUser,
		`{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:x"}}]}]}`: llm.ImagesFit,
		`{"messages":[{"role":"user","content":[{"type":"file","file":{}}]}]}`:                         llm.DocumentsToText,
		`{"contents":[{"parts":[{"inlineData":{}}]}]}`:                                                 llm.DocumentsToText | llm.ImagesFit,
		`{"contents":[{"parts":[{"inline_data":{}}]}]}`:                                                llm.DocumentsToText | llm.ImagesFit,
		`{"messages":[{"content":[{"document":{"format":"pdf"}}]}]}`:                                   llm.DocumentsToText,
	} {
		for i := range llm.TransformTable {
			one := llm.TransformTable[i].Transform
			if got := Concerns(one, []byte(body)); got != want.Has(one) {
				t.Errorf("%s, %s: %v", one, body, got)
			}
		}
	}
}
