package dialect

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"weir/internal/fault"
	"weir/internal/rawjson"
)

// ErrorMost bounds what of a provider's error is shown to a client, in bytes.
const ErrorMost = 2 << 10

// ReadError reads a provider's error answer of a simple shape: an object with message, detail, or error, which is a text
// or such an object again. Plain text and HTML pages are read too, and what is missing is filled in from the status. The
// kind is what the status says; the caller knows what the words say. It keeps no memory of body.
func ReadError(status int, h http.Header, body []byte) *fault.Fault {
	f := &fault.Fault{
		Kind: fault.OfStatus(status), Origin: fault.There, HTTPStatus: status, RetryAfter: fault.Wait(h, time.Now()),
	}
	body = bytes.TrimSpace(body)
	switch {
	case len(body) == 0:
	case rawjson.Check(body) == nil:
		readErrorObject(f, body, 4)
	case body[0] == '<':
		f.Message = fmt.Sprintf("the provider answered with status %d and a page of HTML", status)
	default:
		f.Message = string(body[:min(len(body), ErrorMost+utf8.UTFMax)])
	}
	f.Message = errorText(f.Message)
	if f.Message == "" {
		f.Message = fmt.Sprintf("the provider answered with status %d and no message", status)
		if status == 0 {
			f.Message = "the provider broke off the answer without a message"
		}
	}
	return f
}

// readErrorObject looks for the words of an error in a value and, so deep, in what it holds.
func readErrorObject(f *fault.Fault, v []byte, depth int) {
	if rawjson.Kind(v) == '[' {
		for _, e := range rawjson.Elems(v) {
			v = e
			break
		}
	}
	if s, ok := rawjson.String(v); ok {
		f.Message = s
		return
	}
	var inner []byte
	for name, val := range rawjson.Members(v) {
		switch string(name) {
		case "message", "detail", "msg", "Message":
			if s, ok := rawjson.String(val); ok {
				f.Message = s
			} else if f.Message == "" && !rawjson.IsNull(val) {
				f.Message = string(val[:min(len(val), ErrorMost+utf8.UTFMax)])
			}
		case "error":
			inner = val
		case "type", "error_type":
			if s := rawjson.Text(val); s != "" && s != "error" {
				f.NativeType = errorWord(s)
			}
		case "code":
			f.Code = errorWord(rawjson.Text(val) + rawjson.Num(val))
		case "param":
			f.Param = errorWord(rawjson.Text(val))
		}
	}
	if !rawjson.IsNull(inner) && depth > 0 {
		readErrorObject(f, inner, depth-1)
	}
}

// errorWord keeps a word of a provider's from filling the record.
func errorWord(s string) string { return strings.ToValidUTF8(s[:min(len(s), 128)], "") }

// errorText bounds a provider's text and takes out what looks like a credential.
func errorText(s string) string {
	s = strings.ToValidUTF8(s[:min(len(s), ErrorMost+utf8.UTFMax)], "�") // which can be longer
	if len(s) > ErrorMost {
		end := ErrorMost
		for !utf8.RuneStart(s[end]) {
			end--
		}
		s = s[:end] + "…"
	}
	return fault.Blot(s)
}

// Garbage is the fault of an answer that cannot be read.
func Garbage(message string, cause error) *fault.Fault {
	return &fault.Fault{Kind: fault.Upstream, Origin: fault.There, Message: message, Cause: cause}
}
