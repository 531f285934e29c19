package engine

import (
	"net/http"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/llm"
)

// Refuse answers a request that no exchange was made of, since its path or method is not served or its key may not ask
// there. It leaves a record and counts like every other refusal; what the client wrote into the path is no label.
func (e *Engine) Refuse(w http.ResponseWriter, r *http.Request, d dialect.Dialect, op llm.Op, f *fault.Fault) {
	c := e.begin(w, r, d, op)
	if c.s != nil {
		c.x.Revision = c.s.Revision
	}
	c.refuse(f)
	c.settle()
}
