package dialect

import (
	"weir/internal/fault"
	"weir/internal/rawjson"
)

// ReadResult reads a line of results as OpenAI has it, and others do too.
func ReadResult(text []byte) (Result, error) {
	if err := rawjson.Check(text); err != nil || rawjson.Kind(text) != '{' {
		return Result{}, Garbage("a line of the results cannot be read", err)
	}
	r := Result{ID: rawjson.Text(rawjson.Get(text, "custom_id"))}
	if r.ID == "" {
		return r, Garbage("a line of the results has no custom_id", nil)
	}
	answer, wrong := rawjson.Get(text, "response"), rawjson.Get(text, "error")
	if rawjson.Kind(answer) == '{' {
		status, _ := rawjson.Int(rawjson.Get(answer, "status_code"))
		r.Upstream, r.Body = rawjson.Text(rawjson.Get(answer, "request_id")), rawjson.Get(answer, "body")
		if status >= 100 && status <= 599 {
			r.Status = int(status)
			return r, nil
		}
	}
	code := rawjson.Text(rawjson.Get(wrong, "code"))
	r.Fault = &fault.Fault{Kind: fault.Upstream, Origin: fault.There, Code: code, Message: rawjson.Text(rawjson.Get(wrong, "message"))}
	switch code {
	case "batch_expired":
		r.Fault.Kind = fault.Timeout
	case "batch_cancelled":
		r.Fault.Kind = fault.ClientGone
	}
	if text, ok := rawjson.String(wrong); ok {
		r.Fault.Message = text
	}
	if r.Fault.Message == "" {
		r.Fault.Message = "the request was not answered"
	}
	return r, nil
}
