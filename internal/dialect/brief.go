package dialect

import (
	"net/http"

	"weir/internal/fault"
	"weir/internal/frame"
)

// Brief is embedded by dialects whose calls name the model in the body and have no output to limit, and whose answers come
// whole and are no conversation.
type Brief struct{}

// Edit implements Dialect.
func (Brief) Edit(dst []byte, c Call, e Edit) (Call, error) { return EditModel(dst, c, e) }

// Codec implements Dialect: there is none.
func (Brief) Codec() Codec { return nil }

// WholeMeter returns a meter of answers that come whole: read notes what one says.
func WholeMeter(read func(r *Reading, body []byte)) Meter { return &wholeMeter{read: read} }

type wholeMeter struct {
	r    Reading
	read func(*Reading, []byte)
}

// Read implements Meter.
func (m *wholeMeter) Read() *Reading { return &m.r }

// Frame implements Meter. Nothing streams.
func (m *wholeMeter) Frame(frame.Frame) {}

// Body implements Meter.
func (m *wholeMeter) Body(body []byte) {
	m.r.Began, m.r.Ended = true, true
	m.read(&m.r, body)
}

// FaultsOf is embedded by dialects whose errors are another's.
type FaultsOf struct{ Other Dialect }

// Fault implements Dialect.
func (d FaultsOf) Fault(dst []byte, f *fault.Fault, form Form) []byte {
	return d.Other.Fault(dst, f, form)
}

// ReadFault implements Dialect.
func (d FaultsOf) ReadFault(status int, h http.Header, body []byte) *fault.Fault {
	return d.Other.ReadFault(status, h, body)
}
