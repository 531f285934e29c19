package dialect

import (
	"errors"

	"weir/internal/fault"
	"weir/internal/form"
	"weir/internal/frame"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

// ReadUpload reads an upload of a file: a form whose field file is one. The first field that governed governs is the
// purpose.
func ReadUpload(c *Call, governed *form.Spec) (Upload, error) {
	ct := c.Header.Get("Content-Type")
	if !form.Is(ct) {
		return Upload{}, fault.New(fault.MediaType, "a file is uploaded as multipart/form-data, with the file in the field file, not as %.60q", ct)
	}
	boundary, err := form.Boundary(ct)
	if err != nil {
		return Upload{}, formFault(err)
	}
	ix, err := governed.Scan(c.Body, boundary)
	if err != nil {
		return Upload{}, formFault(err)
	}
	at, err := form.File(c.Body, boundary, "file")
	if err != nil {
		return Upload{}, formFault(err)
	}
	c.Index = ix
	return Upload{Purpose: string(ix.Get(c.Body, 0)), File: llm.Span{Start: at.Start, End: at.End}}, nil
}

// RefillUpload appends an upload's body to dst with other bytes in the place of its file's.
func RefillUpload(dst []byte, c *Call, u Upload, file []byte) ([]byte, error) {
	boundary, err := form.Boundary(c.Header.Get("Content-Type"))
	if err == nil {
		dst, err = form.ReplaceFile(dst, c.Body, u.File.Start, u.File.End, file, boundary)
	}
	if err != nil {
		return dst, formFault(err)
	}
	return dst, nil
}

func formFault(err error) *fault.Fault {
	f := &fault.Fault{Kind: fault.Malformed, Message: "the body cannot be read: " + err.Error(), Cause: err}
	if e, ok := errors.AsType[*form.Error](err); ok {
		f.Param = e.Field
	}
	return f
}

// ThingMeter returns a meter of answers about things that a provider keeps, which state no usage.
func ThingMeter() Meter { return &thingMeter{} }

type thingMeter struct{ r Reading }

// Frame implements Meter. There are no streams of things.
func (m *thingMeter) Frame(frame.Frame) {}

// Body implements Meter.
func (m *thingMeter) Body(body []byte) {
	m.r.Began, m.r.Ended = true, true
	m.r.ID = rawjson.Text(rawjson.Get(body, "id"))
}

// Read implements Meter.
func (m *thingMeter) Read() *Reading { return &m.r }
