package openairesponses

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"weir/internal/dialect"
	"weir/internal/fault"
)

func joinedItems(items []json.RawMessage) string {
	var all []string
	for _, item := range items {
		all = append(all, string(item))
	}
	return strings.Join(all, " | ")
}

func TestInputItems(t *testing.T) {
	for body, want := range map[string]string{
		`{"input":"say \"hi\" ü"}`:                                    `{"type":"message","role":"user","content":"say \"hi\" ü"}`,
		`{"input":[ {"a": 1} , {"type":"item_reference","id":"x"} ]}`: `{"a": 1} | {"type":"item_reference","id":"x"}`,
		`{"input":[]}`:   ``,
		`{"input":null}`: ``,
		`{"model":"m"}`:  ``,
	} {
		items, err := InputItems([]byte(body))
		if got := joinedItems(items); err != nil || got != want {
			t.Errorf("%s: got %s, %v", body, got, err)
		}
	}
	for body, param := range map[string]string{`{"input":7}`: "input", `{"input":`: ""} {
		_, err := InputItems([]byte(body))
		if f, ok := errors.AsType[*fault.Fault](err); !ok || f.Kind != fault.Malformed || f.Param != param {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestOutputItems(t *testing.T) {
	items, err := OutputItems([]byte(`{"id":"r","output":[ {"type":"reasoning","id":"rs_1","summary":[]}, {"type": "message"}],"usage":{}}`))
	if got := joinedItems(items); err != nil || got != `{"type":"reasoning","id":"rs_1","summary":[]} | {"type": "message"}` {
		t.Errorf("got %s, %v", got, err)
	}
	if _, err := OutputItems([]byte(`[]`)); err == nil {
		t.Error("a list is taken for an answer")
	}
}

// TestConversation puts a conversation together as its provider would: what was asked, what was answered, what is asked
// now.
func TestConversation(t *testing.T) {
	first, err := InputItems([]byte(`{"model":"m","input":"Hello"}`))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := OutputItems([]byte(`{"output":[{"type":"message","id":"msg_1","role":"assistant","content":[{"type":"output_text","text":"Hi"}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	call := dialect.Call{Body: []byte(`{"model":"m","previous_response_id":"resp_1", "input": "And?", "store":true}`)}
	if _, err := New().Peek(&call); err != nil {
		t.Fatal(err)
	}
	now, err := InputItems(call.Body)
	if err != nil {
		t.Fatal(err)
	}
	whole := EditInput([]byte("dst"), call, append(append(first, answer...), now...))
	const want = `{"model":"m", "input": [{"type":"message","role":"user","content":"Hello"},{"type":"message","id":"msg_1","role":"assistant","content":[{"type":"output_text","text":"Hi"}]},{"type":"message","role":"user","content":"And?"}], "store":true}`
	if string(whole.Body) != want {
		t.Errorf("got  %s\nwant %s", whole.Body, want)
	}
	if !strings.Contains(string(call.Body), "resp_1") {
		t.Error("the call's own body changed")
	}
	if _, err := New().Peek(&whole); err != nil {
		t.Error(err)
	}
	if req := decodeRequest(t, string(whole.Body)); len(req.Messages) != 3 || req.Thread.Previous != "" {
		t.Errorf("decoded as %+v", req)
	}

	bare := dialect.Call{Body: []byte(`{"model":"m","previous_response_id":"resp_1"}`)}
	if _, err := New().Peek(&bare); err != nil {
		t.Fatal(err)
	}
	if got := EditInput(nil, bare, first); string(got.Body) != `{"input":[{"type":"message","role":"user","content":"Hello"}],"model":"m"}` {
		t.Errorf("got %s", got.Body)
	}
}
