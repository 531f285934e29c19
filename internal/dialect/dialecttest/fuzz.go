package dialecttest

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/frame"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// EditHolds peeks into any body, edits it and peeks again: what is refused is refused as malformed, what is not can be
// edited and read again, and the body it came from stays. limits is whether a body without a limit gets one. It returns
// the call, with ok false where it was refused.
func EditHolds(t *testing.T, d dialect.Dialect, body []byte, model string, limit int64, limits bool) (call dialect.Call, ok bool) {
	t.Helper()
	call = dialect.Call{Body: bytes.Clone(body)}
	head, err := d.Peek(&call)
	if err != nil {
		if f, is := errors.AsType[*fault.Fault](err); !is || f.Kind != fault.Malformed {
			t.Fatalf("refused with %v", err)
		}
		return call, false
	}
	edited, err := d.Edit(nil, call, dialect.Edit{Model: strings.ToValidUTF8(model, ""), MaxOutput: limit})
	if err != nil || !bytes.Equal(call.Body, body) {
		t.Fatalf("Edit: %v; body is now %s", err, call.Body)
	}
	after, err := d.Peek(&edited)
	if err != nil && strings.ContainsRune(model, 0) {
		return call, false
	}
	if err != nil {
		t.Fatalf("what was edited is refused: %v\n%s", err, edited.Body)
	}
	if limit > 0 && (after.MaxOutput > limit || limits && after.MaxOutput == 0) || after.Stream != head.Stream {
		t.Fatalf("head was %+v and is %+v", head, after)
	}
	return call, true
}

// Decoded decodes any request that passes Peek; nil where it is refused, as malformed and with the member at fault.
func Decoded(t *testing.T, d dialect.Dialect, call dialect.Call) *llm.Request {
	t.Helper()
	if _, err := d.Peek(&call); err != nil {
		return nil
	}
	req, err := d.Codec().DecodeRequest(call)
	if err != nil {
		if f, ok := errors.AsType[*fault.Fault](err); !ok || f.Kind != fault.Malformed || f.Param == "" {
			t.Fatalf("refused with %v", err)
		}
		return nil
	}
	return req
}

// ForeignHolds encodes a request as if it were another dialect's, for these models: what is not refused is JSON.
func ForeignHolds(t *testing.T, d dialect.Dialect, req *llm.Request, models ...string) {
	t.Helper()
	req.From = another(d)
	for _, model := range models {
		call, _, err := d.Codec().EncodeRequest(req, llm.Facts{Model: model})
		if err != nil {
			continue
		}
		if err := rawjson.Check(call.Body); err != nil {
			t.Fatalf("%v in %s", err, call.Body)
		}
	}
}

// Metered returns what a meter of d reads of a stream, as far as it has no errors.
func Metered(d dialect.Dialect, frames frame.Seq) *dialect.Reading {
	m := d.Meter()
	for f, err := range frames {
		if err == nil {
			m.Frame(f)
		}
	}
	return m.Read()
}

// FaultHolds reads any error answer and writes what was read: it has a message, of at most so many bytes, and a whole one
// is JSON.
func FaultHolds(t *testing.T, d dialect.Dialect, status int, body []byte, most int) {
	t.Helper()
	got := d.ReadFault(status, nil, body)
	if got == nil || got.Message == "" || got.Origin != fault.There || len(got.Message) > most {
		t.Fatalf("read as %+v", got)
	}
	for _, form := range []dialect.Form{dialect.Whole, dialect.Stream} {
		if out := d.Fault(nil, got, form); form == dialect.Whole && rawjson.Check(out) != nil {
			t.Fatalf("written as %s", out)
		}
	}
}
