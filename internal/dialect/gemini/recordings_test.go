package gemini

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"weir/internal/dialect"
	"weir/internal/frame"
	"weir/internal/llm"
	"weir/internal/rawjson"
	"weir/internal/replay"
)

// Nothing that a recorded request or answer says is missing when it was decoded and encoded for its own dialect.
func TestRecordedLeaves(t *testing.T) {
	requests, whole, streamed := 0, 0, 0
	for _, r := range replay.Load(t, "gemini-generate") {
		t.Run(r.ID, func(t *testing.T) {
			if body := r.Body(); body != nil {
				c := dialect.Call{Body: body}
				c.Path, c.Query = r.PathOf(llm.GeminiGenerate)
				if _, err := New().Peek(&c); err != nil {
					t.Errorf("Peek: %v", err)
				}
				if edited, err := New().Edit(nil, c, dialect.Edit{}); err != nil || !bytes.Equal(edited.Body, body) {
					t.Errorf("an edit of nothing: %v", err)
				}
				if req, err := (codec{}).DecodeRequest(c); err == nil {
					requests++
					out, lost := encodeRequest(t, req, llm.Facts{Model: req.Model})
					if lost != nil {
						t.Errorf("lost %q", lost)
					}
					missing(t, body, out.Body, "")
				}
			}
			if r.Response.Status >= 300 {
				return
			}
			if !r.Streaming {
				whole++
				out, _ := encodeResponse(t, decodeResponse(t, string(r.Answer())))
				missing(t, r.Answer(), []byte(out), "")
				return
			}
			streamed++
			out, _ := encodeStream(t, nil, codec{}.DecodeStream(framesOf(string(r.Answer()))))
			missing(t, last(string(r.Answer())), last(out), "content")
			m := New().Meter()
			var in, written strings.Builder
			for f := range framesOf(string(r.Answer())) {
				m.Frame(f)
				in.WriteString(spoken(f))
			}
			for f := range framesOf(out) {
				written.WriteString(spoken(f))
			}
			if in.String() != written.String() {
				t.Errorf("the texts changed:\n%s\n%s", in.String(), written.String())
			}
			if got := m.Read(); !got.Ended || !got.Began || got.Fault != nil || got.ID == "" || got.Model == "" || got.Usage == nil {
				t.Errorf("the meter reads %+v", got)
			}
		})
	}
	if requests < 90 || whole < 60 || streamed < 30 {
		t.Errorf("only %d requests, %d whole and %d streamed answers", requests, whole, streamed)
	}
}

// last returns the last chunk of a stream, which has everything but the texts.
func last(stream string) []byte {
	var out []byte
	for f := range framesOf(stream) {
		if f.Data != nil {
			out = bytes.Clone(f.Data)
		}
	}
	return out
}

// spoken returns the texts of a chunk, the thoughts in brackets.
func spoken(f frame.Frame) string {
	var out string
	for _, c := range rawjson.Elems(rawjson.Get(f.Data, "candidates")) {
		for _, p := range rawjson.Elems(rawjson.Get(c, "content", "parts")) {
			s := rawjson.Text(rawjson.Get(p, "text"))
			if thought, _ := rawjson.Bool(rawjson.Get(p, "thought")); thought && s != "" {
				s = "(" + s + ")"
			}
			out += s
		}
	}
	return strings.ReplaceAll(out, ")(", "")
}

// silent are the values whose absence says the same, or that are told in another way: the path names the model, a
// segment's text is in the answer, sources are numbered anew, and texts are counted by what remains.
func silent(leaf string) bool {
	name, value, _ := strings.Cut(leaf, "=")
	switch name {
	case "model", "text", "createTime", "startIndex", "role", "index", "groundingChunkIndices", "tokenCount", "modality":
		return true
	}
	if leaf == "description=" {
		return true
	}
	return value == "<nil>" || value == "false" || value == "0" || value == "[]" || value == "{}"
}

// missing reports the leaves of a JSON text that another one lacks, except those within a member.
func missing(t *testing.T, want, got []byte, except string) {
	t.Helper()
	have := leaves(t, got, except)
	for _, leaf := range leaves(t, want, except) {
		if i := slices.Index(have, leaf); i >= 0 {
			have = slices.Delete(have, i, i+1)
		} else if !silent(leaf) {
			t.Errorf("missing: %.200s\nin %.2000s", leaf, got)
		}
	}
}

// leaves are the members of a JSON text that hold neither objects nor lists, by their name in the first spelling. Enums
// are taken by their words and bytes in the standard alphabet.
func leaves(t *testing.T, b []byte, except string) []string {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%v in %s", err, b)
	}
	var out []string
	var walk func(name string, v any)
	walk = func(name string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for k, e := range v {
				if k != except {
					walk(camel(k), e)
				}
			}
		case []any:
			for _, e := range v {
				walk(name, e)
			}
		default:
			s := fmt.Sprint(v)
			switch {
			case name == "finishReason" && s == "1":
				s = "STOP"
			case name == "finishReason" && s == "2":
				s = "MAX_TOKENS"
			case name == "thinkingLevel" || name == "serviceTier" || name == "mode":
				s = strings.ToLower(s)
			case name == "data":
				if raw, err := base64.URLEncoding.DecodeString(s); err == nil {
					s = base64.StdEncoding.EncodeToString(raw)
				}
			}
			out = append(out, name+"="+s)
		}
	}
	walk("", v)
	return out
}
