package anthropicfiles

import (
	"net/http"
	"net/url"
	"testing"

	"weir/internal/dialect"
	"weir/internal/dialect/anthropic"
	"weir/internal/fault"
)

func TestUpload(t *testing.T) {
	d := New(anthropic.New())
	body := "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.pdf\"\r\n\r\n%PDF-\r\n--b--\r\n"
	c := dialect.Call{Header: http.Header{"Content-Type": {"multipart/form-data; boundary=b"}}, Body: []byte(body)}
	u, err := d.(dialect.Uploader).Upload(&c)
	if err != nil || u.Purpose != "" || body[u.File.Start:u.File.End] != "%PDF-" {
		t.Errorf("%+v %v", u, err)
	}
	c.Body = []byte("--b\r\nContent-Disposition: form-data; name=\"other\"\r\n\r\nx\r\n--b--\r\n")
	if _, err := d.Peek(&c); fault.Of(err) == nil || fault.Of(err).Param != "file" {
		t.Errorf("%v", err)
	}
	if got := string(d.Fault(nil, fault.New(fault.NotFound, "no such file"), dialect.Whole)); got != `{"type":"error","error":{"type":"not_found_error","message":"no such file"}}` {
		t.Error(got)
	}
}

func TestPage(t *testing.T) {
	h := New(anthropic.New()).(dialect.Holder)
	p, err := h.Page(url.Values{"before_id": {"x"}, "after_id": {"y"}, "limit": {"1000"}})
	if err != nil || p != (dialect.Page{After: "y", Before: "x", Limit: 1000}) {
		t.Errorf("%+v %v", p, err)
	}
	for _, wrong := range []string{"0", "1001", "x", "-1"} {
		if _, err := h.Page(url.Values{"limit": {wrong}}); fault.Of(err) == nil || fault.Of(err).Param != "limit" {
			t.Errorf("limit %s: %v", wrong, err)
		}
	}
	if got := string(h.List(nil, nil, false)); got != `{"data":[],"has_more":false,"first_id":null,"last_id":null}` {
		t.Error(got)
	}
	if got := string(h.List(nil, [][]byte{[]byte(`{"id":"a"}`)}, true)); got != `{"data":[{"id":"a"}],"has_more":true,"first_id":"a","last_id":"a"}` {
		t.Error(got)
	}
}
