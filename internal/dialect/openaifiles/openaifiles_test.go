package openaifiles

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/llm"
)

const formType = "multipart/form-data; boundary=b0undary"

func formed(parts ...string) string {
	return "--b0undary\r\nContent-Disposition: form-data; " + strings.Join(parts, "\r\n--b0undary\r\nContent-Disposition: form-data; ") + "\r\n--b0undary--\r\n"
}

const (
	purpose = "name=\"purpose\"\r\n\r\nbatch"
	aFile   = "name=\"file\"; filename=\"a.jsonl\"\r\nContent-Type: application/jsonl\r\n\r\n{}\n\x00"
	expires = "name=\"expires_after[seconds]\"\r\n\r\n3600"
)

func call(ct, body string) dialect.Call {
	return dialect.Call{Op: llm.OpFile, Header: http.Header{"Content-Type": {ct}}, Body: []byte(body)}
}

func TestUpload(t *testing.T) {
	d := New().(dialect.Uploader)
	body := formed(expires, aFile, purpose)
	c := call(formType, body)
	u, err := d.Upload(&c)
	if err != nil || u.Purpose != "batch" || body[u.File.Start:u.File.End] != "{}\n\x00" {
		t.Fatalf("%+v %v", u, err)
	}
	out, err := d.Refill([]byte("before "), &c, u, []byte("other\n"))
	if want := "before " + strings.Replace(body, "{}\n\x00", "other\n", 1); err != nil || string(out) != want {
		t.Errorf("%q %v", out, err)
	}
	if _, err := d.Refill(nil, &c, u, []byte("\r\n--b0undary--")); err == nil {
		t.Error("a file that ends the form is taken")
	}
	for name, c := range map[string]struct {
		ct, body, param string
		kind            fault.Kind
	}{
		"json":            {"application/json", "{}", "", fault.MediaType},
		"no purpose":      {formType, formed(aFile), "purpose", fault.Malformed},
		"two purposes":    {formType, formed(purpose, purpose, aFile), "purpose", fault.Malformed},
		"another case":    {formType, formed(strings.Replace(purpose, "purpose", "Purpose", 1), aFile), "purpose", fault.Malformed},
		"a purpose file":  {formType, formed(strings.Replace(purpose, `"purpose"`, `"purpose"; filename="p"`, 1), aFile), "purpose", fault.Malformed},
		"no file":         {formType, formed(purpose), "file", fault.Malformed},
		"two files":       {formType, formed(purpose, aFile, aFile), "file", fault.Malformed},
		"a file's text":   {formType, formed(purpose, "name=\"file\"\r\n\r\nx"), "file", fault.Malformed},
		"broken off":      {formType, formed(purpose, aFile)[:60], "", fault.Malformed},
		"no boundary":     {"multipart/form-data", formed(purpose, aFile), "", fault.Malformed},
		"wrong boundary":  {"multipart/form-data; boundary=x", formed(purpose, aFile), "", fault.Malformed},
		"multipart/mixed": {"multipart/mixed; boundary=b0undary", formed(purpose, aFile), "", fault.MediaType},
	} {
		one := call(c.ct, c.body)
		if _, err := New().Peek(&one); err == nil || fault.Of(err).Kind != c.kind || fault.Of(err).Param != c.param {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPage(t *testing.T) {
	h := New().(dialect.Holder)
	p, err := h.Page(url.Values{"purpose": {"batch"}, "limit": {"10000"}})
	if err != nil || p != (dialect.Page{Limit: 10000, Purpose: "batch"}) {
		t.Errorf("%+v %v", p, err)
	}
	if _, err := h.Page(url.Values{"limit": {"10001"}}); err == nil {
		t.Error("a page of more than 10000 is taken")
	}
	if got := string(h.List(nil, nil, false)); got != `{"object":"list","data":[],"first_id":null,"last_id":null,"has_more":false}` {
		t.Error(got)
	}
	if got := string(h.List(nil, [][]byte{[]byte(`{"id":"a"}`), []byte(`{"id":"b"}`)}, true)); got != `{"object":"list","data":[{"id":"a"},{"id":"b"}],"first_id":"a","last_id":"b","has_more":true}` {
		t.Error(got)
	}
}

// FuzzUpload has the file that is found be what stands between the parts, and one that is put in its place be found there.
func FuzzUpload(f *testing.F) {
	f.Add(formType, formed(purpose, aFile), []byte("other"))
	f.Add(formType, formed(aFile, expires, purpose), []byte("\r\n--b0undary"))
	f.Add("application/json", "{}", []byte{})
	f.Fuzz(func(t *testing.T, ct, body string, file []byte) {
		d := New().(dialect.Uploader)
		c := call(ct, body)
		u, err := d.Upload(&c)
		if err != nil {
			if fault.Of(err).Kind == fault.Internal {
				t.Fatal(err)
			}
			return
		}
		out, err := d.Refill(nil, &c, u, file)
		if err != nil {
			return
		}
		again := call(ct, string(out))
		v, err := d.Upload(&again)
		if err != nil || v.Purpose != u.Purpose || string(out[v.File.Start:v.File.End]) != string(file) {
			t.Fatalf("%v %+v %q", err, v, out)
		}
	})
}
