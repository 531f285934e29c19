package openai

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"weir/internal/fault"
	"weir/internal/rawjson"
)

// messageMost bounds what a provider's error message may take of ours, in bytes.
const messageMost = 2 << 10

// told is what an error body says, whatever its shape.
type told struct {
	message, typ, code, param string
}

// ReadFault reads the error of a provider that speaks one of OpenAI's dialects: an answer with its status, or with
// status 0 a payload in mid-stream. It keeps nothing of body. What looks like a key is taken out of the message, and
// the message is cut at 2 KiB.
func ReadFault(status int, h http.Header, body []byte) *fault.Fault {
	t := read(status, body)
	f := &fault.Fault{
		Kind: kind(status, t), Message: t.message, Param: t.param, Code: t.code, NativeType: t.typ,
		Origin: fault.There, HTTPStatus: status,
	}
	if _, ok := statusIn(f.Code); ok { // some repeat the status as a code
		f.Code = ""
	}
	f.RetryAfter = fault.Wait(h, time.Now())
	if f.RetryAfter == 0 && (f.Kind == fault.RateLimit || f.Kind == fault.Overloaded) {
		f.RetryAfter = waitInText(t.message)
	}
	return f
}

func read(status int, body []byte) told {
	body = bytes.TrimSpace(body)
	if rawjson.Check(body) != nil {
		return told{message: text(status, body)}
	}
	if rawjson.Kind(body) == '[' { // some wrap the error in a list of one
		for _, v := range rawjson.Elems(body) {
			body = v
			break
		}
	}
	var t told
	t.take(body)
	if t.message == "" {
		t.message = "the provider answered with status " + strconv.Itoa(status) + " and no reason"
		if status == 0 {
			t.message = "the provider reported an error without a reason"
		}
	}
	t.message = clean(t.message)
	t.typ, t.code, t.param = short(t.typ), short(t.code), short(t.param)
	return t
}

// take reads an error object, or one that holds it.
func (t *told) take(v []byte) {
	if s, ok := rawjson.String(v); ok {
		t.message = s
		return
	}
	var inner, metadata []byte
	for name, val := range rawjson.Members(v) {
		switch string(name) {
		case "error":
			inner = val
		case "message", "detail", "msg", "error_description":
			if t.message == "" {
				t.message = sentence(val)
			}
		case "errors":
			if t.message == "" {
				t.message = sentence(val)
			}
		case "type":
			t.typ = word(val, t.typ)
		case "code":
			t.code = word(val, t.code)
		case "param":
			t.param = word(val, t.param)
		case "metadata":
			metadata = val
		}
	}
	if !rawjson.IsNull(inner) {
		switch rawjson.Kind(inner) {
		case '{', '"':
			t.take(inner)
		case '[':
			t.message = sentence(inner)
		}
	}
	// A reseller says "Provider returned error" and gives the provider's own words beside it.
	if raw := rawjson.Get(metadata, "raw"); raw != nil {
		if s, ok := rawjson.String(raw); ok && s != "" {
			var own told
			if rawjson.Check([]byte(s)) == nil {
				own.take([]byte(s))
				s = own.message
			}
			if s != "" {
				t.message = strings.TrimSpace(t.message + ": " + s)
			}
		}
	}
}

// sentence makes one text of what stands where a message is due: a string, an object with one, or a list of these.
func sentence(v []byte) string {
	switch rawjson.Kind(v) {
	case '"':
		return rawjson.Text(v)
	case '[':
		var all []string
		for _, e := range rawjson.Elems(v) {
			if s := sentence(e); s != "" && len(all) < 8 {
				all = append(all, s)
			}
		}
		return strings.Join(all, "; ")
	case '{':
		for _, name := range [...]string{"message", "msg", "detail"} {
			if s := rawjson.Text(rawjson.Get(v, name)); s != "" {
				return s
			}
		}
		return string(v)
	}
	return ""
}

// word reads a type or code, which some send as a number.
func word(v []byte, otherwise string) string {
	if s, ok := rawjson.String(v); ok {
		return s
	}
	if n := rawjson.Num(v); n != "" {
		return n
	}
	return otherwise
}

// text makes a message of a body that is not JSON.
func text(status int, body []byte) string {
	what := "the provider answered with status " + strconv.Itoa(status)
	switch {
	case len(body) == 0:
		if s := http.StatusText(status); s != "" {
			return what + " (" + s + ")"
		}
		return what
	case body[0] == '<':
		if _, rest, ok := bytes.Cut(body, []byte("<title>")); ok {
			if title, _, ok := bytes.Cut(rest, []byte("</title>")); ok && len(title) < 200 {
				return clean(what + " and a page titled " + strconv.Quote(string(bytes.TrimSpace(title))))
			}
		}
		return what + " and an HTML page"
	}
	return clean(what + ": " + string(body[:min(len(body), messageMost)]))
}

// clean bounds a message and takes out what looks like a key.
func clean(s string) string {
	return fault.Blot(cut(s, messageMost))
}

func short(s string) string { return cut(s, 128) }

func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most] + "…"
}

// kind finds out what an error means, by code and type first, then by the message where these are silent, then by
// status.
func kind(status int, t told) fault.Kind {
	if status < 400 {
		if n, ok := statusIn(t.code); ok {
			status = n
		}
	}
	message := strings.ToLower(t.message)
	switch {
	case anyOf(t.code, "context_length_exceeded") || anyOf(t.typ, "too_many_prompt_tokens", "exceed_context_size_error"):
		return fault.ContextLength
	case anyOf(t.code, "content_filter", "content_policy_violation", "ResponsibleAIPolicyViolation", "moderation_blocked"):
		return fault.ContentPolicy
	case anyOf(t.code, "insufficient_quota", "billing_hard_limit_reached", "billing_not_active", "insufficient_credits") ||
		anyOf(t.typ, "insufficient_quota"):
		return fault.Quota
	case anyOf(t.code, "server_is_overloaded", "overloaded", "slow_down") || anyOf(t.typ, "overloaded_error"):
		return fault.Overloaded
	}
	if status == 400 || status == 413 || status == 422 || status == 0 || status == 500 {
		if containsAny(message, "context length", "context window", "prompt too long", "prompt is too long",
			"maximum context", "context size", "length of all messages is too long", "too many tokens") {
			return fault.ContextLength
		}
	}
	if status == 429 || status >= 500 || status == 0 {
		if containsAny(message, "overloaded", "capacity exceeded", "at capacity", "no capacity") {
			return fault.Overloaded
		}
	}
	if status == 429 && strings.HasPrefix(message, "request too large") {
		return fault.TooLarge // it alone is over the limit of a minute: no wait helps
	}
	if status == 400 || status == 422 || status == 0 {
		switch {
		case anyOf(t.code, "model_not_found", "previous_response_not_found") || anyOf(t.typ, "invalid_model") || missesModel(message):
			return fault.NotFound
		case anyOf(t.code, "invalid_api_key") || strings.HasPrefix(message, "incorrect api key"):
			return fault.UpstreamAuth
		}
	}
	if status == 429 && containsAny(message, "current quota", "billing details", "insufficient balance", "credits") &&
		!strings.Contains(message, "rate limit") {
		return fault.Quota
	}
	if status == 0 {
		return kindOfType(t)
	}
	return fault.OfStatus(status)
}

// missesModel reports whether a message, in lower case, says that there is no such model. Some say it with a 400 and the
// code of any wrong value.
func missesModel(message string) bool {
	if containsAny(message, "is not a valid model id", "model not found: ", "invalid model: ") {
		return true
	}
	of, rest, ok := strings.Cut(message, "model ")
	return ok && (of == "" || of == "the " || of == "the requested ") && containsAny(rest, " does not exist", " is not supported. supported models")
}

// statusIn reads a code that is a status.
func statusIn(code string) (int, bool) {
	n, err := strconv.Atoi(code)
	return n, err == nil && n >= 400 && n < 600
}

// kindOfType reads an error in mid-stream, which has no status.
func kindOfType(t told) fault.Kind {
	for _, s := range [...]string{t.code, t.typ} {
		switch s {
		case "rate_limit_exceeded", "rate_limit_error", "rate_limited", "tokens", "requests":
			return fault.RateLimit
		case "authentication_error", "invalid_api_key", "permission_error":
			return fault.UpstreamAuth
		case "model_not_found", "not_found_error":
			return fault.NotFound
		case "timeout", "timeout_error":
			return fault.Timeout
		}
	}
	if t.typ == invalid && t.code == "" {
		return fault.Malformed
	}
	return fault.Upstream
}

func anyOf(s string, words ...string) bool {
	for _, w := range words {
		if strings.EqualFold(s, w) {
			return true
		}
	}
	return false
}

func containsAny(s string, words ...string) bool {
	for _, w := range words {
		if strings.Contains(s, w) {
			return true
		}
	}
	return false
}

// waitInText finds the wait that some providers only write in the message: "Please try again in 9m38.016s".
func waitInText(message string) time.Duration {
	_, rest, ok := strings.Cut(message, "try again in ")
	if !ok {
		return 0
	}
	end := 0
	for end < len(rest) && strings.IndexByte("0123456789.hms", rest[end]) >= 0 {
		end++
	}
	d, err := time.ParseDuration(strings.TrimRight(rest[:end], "."))
	if err != nil {
		return 0
	}
	return min(max(0, d), fault.WaitMost)
}
