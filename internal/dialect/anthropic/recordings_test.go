package anthropic

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"weir/internal/dialect"
	"weir/internal/llm"
)

type recording struct {
	name      string
	Operation string
	Streaming bool
	Request   *struct{ Body json.RawMessage }
	Response  struct {
		Status int
		Body   string
	}
}

// recordings returns the recorded exchanges of this dialect's speakers.
func recordings(t *testing.T) []recording {
	t.Helper()
	folder := os.Getenv("WEIR_RECORDINGS")
	if folder == "" {
		t.Skip("WEIR_RECORDINGS is not set: recorded traffic is not tried")
	}
	var out []recording
	for _, speaker := range []string{"anthropic-messages", "vertex-anthropic"} {
		files, err := filepath.Glob(filepath.Join(folder, speaker, "*.json"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no recordings of %s: %v", speaker, err)
		}
		for _, file := range files {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			r := recording{name: filepath.Base(file)}
			if err := json.Unmarshal(b, &r); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			if r.Operation == "messages" {
				out = append(out, r)
			}
		}
	}
	return out
}

func TestRecordedRequests(t *testing.T) {
	n := 0
	for _, r := range recordings(t) {
		if r.Request == nil || len(r.Request.Body) == 0 || r.Request.Body[0] != '{' {
			continue
		}
		t.Run(r.name, func(t *testing.T) {
			call := dialect.Call{Body: r.Request.Body}
			if head, err := New().Peek(&call); err == nil {
				edited, err := New().Edit(nil, call, dialect.Edit{Model: head.Model})
				if err != nil || string(edited.Body) != string(r.Request.Body) {
					t.Errorf("an edit to what it was changed the body (%v):\n%s", err, edited.Body)
				}
			} else if !strings.Contains(err.Error(), "model is missing") { // Vertex names it in the path
				t.Errorf("Peek: %v", err)
			}
			req, err := codec{}.DecodeRequest(call)
			if err != nil {
				if r.Response.Status < 400 {
					t.Errorf("DecodeRequest: %v", err)
				}
				return
			}
			n++
			body, losses := encodeRequest(t, req, llm.Facts{Model: req.Model})
			if len(losses) > 0 {
				t.Errorf("lost %s", paths(losses))
			}
			if d := cmp.Diff(req, decodeRequest(t, body), same); d != "" {
				t.Errorf("the request changed (-want +got):\n%s", d)
			}
			missing(t, string(r.Request.Body), body)
		})
	}
	if n < 90 {
		t.Errorf("only %d requests were read", n)
	}
}

// silent are the values whose absence says the same.
func silent(leaf string) bool {
	switch leaf {
	case "type=text", "description=", "type=custom", "is_error=false", "enabled=false", "text=", "citations=[]", "signature=",
		"defer_loading=false", "stream=false", "display=<nil>":
		return true
	}
	return strings.HasSuffix(leaf, "=<nil>") || strings.HasPrefix(leaf, "type=json_schema") || strings.HasSuffix(leaf, "=[]")
}

// missing reports the leaves of a JSON text that another one does not have.
func missing(t *testing.T, want, got string) {
	t.Helper()
	count := map[string]int{}
	for _, leaf := range leaves(t, got) {
		count[leaf]++
	}
	for _, leaf := range leaves(t, want) {
		if count[leaf]--; count[leaf] < 0 && !silent(leaf) && !(strings.HasPrefix(leaf, "text=") && count["content="+leaf[5:]] > 0) {
			t.Errorf("missing: %.200s\nin %.2000s", leaf, got)
		}
	}
}

func leaves(t *testing.T, text string) []string {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	var out []string
	var walk func(name string, v any)
	walk = func(name string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for k, e := range v {
				walk(k, e)
			}
		case []any:
			for _, e := range v {
				walk(name, e)
			}
			if len(v) == 0 {
				out = append(out, name+"=[]")
			}
		default:
			if name == "content" || name == "system" { // a text there is as good as a block of text
				name = "text"
			}
			out = append(out, fmt.Sprintf("%s=%v", name, v))
		}
	}
	walk("", v)
	sort.Strings(out)
	return out
}

func TestRecordedAnswers(t *testing.T) {
	whole, streamed, failed := 0, 0, 0
	for _, r := range recordings(t) {
		t.Run(r.name, func(t *testing.T) {
			d := New()
			meter := d.Meter()
			switch {
			case r.Response.Status >= 400:
				failed++
				f := d.ReadFault(r.Response.Status, nil, []byte(r.Response.Body))
				if f.Message == "" || f.HTTPStatus != r.Response.Status {
					t.Errorf("fault %+v", f)
				}
			case r.Streaming:
				streamed++
				for f := range framesOf(r.Response.Body) {
					meter.Frame(f)
				}
				resp := collect(t, r.Response.Body)
				if resp.Fault != nil {
					t.Fatalf("fault: %v", resp.Fault)
				}
				stream, losses := encodeStream(t, codec{}.DecodeStream(framesOf(r.Response.Body)))
				if len(losses) > 0 {
					t.Errorf("lost %s", paths(losses))
				}
				if d := cmp.Diff(resp, collect(t, stream), same); d != "" {
					t.Errorf("the stream changed (-want +got):\n%s", d)
				}
				roundTrips(t, resp)
				metered(t, meter, resp)
				missingInStream(t, r.Response.Body, stream)
			default:
				whole++
				meter.Body([]byte(r.Response.Body))
				resp := decodeResponse(t, r.Response.Body)
				roundTrips(t, resp)
				metered(t, meter, resp)
				body, _ := encodeResponse(t, resp)
				missing(t, r.Response.Body, body)
			}
		})
	}
	if whole < 50 || streamed < 35 || failed < 8 {
		t.Errorf("only %d whole, %d streamed and %d failed answers", whole, streamed, failed)
	}
}

// missingInStream compares what two streams say, their texts apart from how they were cut.
func missingInStream(t *testing.T, want, got string) {
	t.Helper()
	say := func(stream string) string {
		var all []string
		for f := range framesOf(stream) {
			if strings.HasPrefix(string(f.Data), "{") && !strings.Contains(string(f.Data), `"message_start"`) {
				all = append(all, string(f.Data))
			}
		}
		return "[" + strings.Join(all, ",") + "]"
	}
	missing(t, say(want), say(got))
}

func metered(t *testing.T, m dialect.Meter, resp *llm.Response) {
	t.Helper()
	r := m.Read()
	if d := cmp.Diff(resp.Usage, r.Usage); d != "" {
		t.Errorf("the meter reads another usage (-decoder +meter):\n%s", d)
	}
	if !r.Ended || r.Began != (len(resp.Choices[0].Parts) > 0) || r.ID != resp.ID || r.Model != resp.Model || r.Fault != nil {
		t.Errorf("meter reads %+v", r)
	}
	if d := cmp.Diff(resp.Choices[0].Stop, r.Stop); d != "" {
		t.Errorf("the meter reads another stop (-decoder +meter):\n%s", d)
	}
}
