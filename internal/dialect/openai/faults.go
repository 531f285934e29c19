package openai

import (
	"net/http"

	"weir/internal/dialect"
	"weir/internal/fault"
)

// Faults is embedded by dialects whose errors are OpenAI's.
type Faults struct{}

// Fault implements dialect.Dialect.
func (Faults) Fault(dst []byte, f *fault.Fault, form dialect.Form) []byte {
	return AppendFault(dst, f, form)
}

// ReadFault implements dialect.Dialect.
func (Faults) ReadFault(status int, h http.Header, body []byte) *fault.Fault {
	return ReadFault(status, h, body)
}
