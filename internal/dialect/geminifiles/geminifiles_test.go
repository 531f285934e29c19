package geminifiles

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"weir/internal/dialect"
	"weir/internal/dialect/gemini"
	"weir/internal/fault"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

var spoken = New(gemini.New()).(files)

func TestAsks(t *testing.T) {
	for call, want := range map[string]struct {
		verb dialect.ThingVerb
		id   string
	}{
		"POST /upload/v1beta/files":       {dialect.ThingCreate, ""},
		"GET /v1beta/files":               {dialect.ThingList, ""},
		"GET /v1alpha/files":              {dialect.ThingList, ""},
		"GET /v1beta/files/a":             {dialect.ThingGet, "files/a"},
		"DELETE /v1alpha/files/a":         {dialect.ThingDelete, "files/a"},
		"GET /v1beta/files/a:download":    {dialect.ThingContent, "files/a"},
		"GET /upload/v1beta/files":        {},
		"POST /v1beta/files":              {},
		"POST /v1beta/files/a":            {},
		"GET /v1beta/files/a/b":           {},
		"GET /v1beta/files/":              {},
		"GET /v1beta/files/:download":     {},
		"GET /v1beta/files/a:other":       {},
		"DELETE /v1beta/files/a:download": {},
		"GET /v1beta/filesx":              {},
	} {
		method, path, _ := strings.Cut(call, " ")
		verb, id, ok := spoken.Asks(method, path)
		if ok != (want.verb != 0) || ok && (verb != want.verb || id != want.id) {
			t.Errorf("%s: %d %q %v", call, verb, id, ok)
		}
	}
}

// TestRename has names and addresses replaced and every other byte stay.
func TestRename(t *testing.T) {
	const object = "{\n  \"name\": \"files/abc\",\"sizeBytes\":\"1\", \"uri\": \"https://g.example/v1beta/files/abc\", \"state\":\"ACTIVE\",\"downloadUri\":\"https://g.example/d\"\n}\n"
	const want = "{\n  \"name\": \"files/wr1_X\",\"sizeBytes\":\"1\", \"uri\": \"http://here/v1beta/files/wr1_X\", \"state\":\"ACTIVE\",\"downloadUri\":\"http://here/v1beta/files/wr1_X:download?alt=media\"\n}\n"
	rename := func(m *dialect.ThingMember, id string) string {
		if m.Kind != llm.ThingFile || id != "files/abc" {
			t.Errorf("%v %s", m, id)
		}
		return "files/wr1_X"
	}
	for _, wrap := range []string{"@", `{"file":@}`} {
		answer := []byte(strings.Replace(wrap, "@", object, 1))
		if got := string(spoken.Rename([]byte("x"), answer, "http://here", rename)); got != "x"+strings.Replace(wrap, "@", want, 1) {
			t.Errorf("%s", got)
		}
		if got := spoken.Address(answer); got != "https://g.example/v1beta/files/abc" {
			t.Errorf("its address is %s", got)
		}
	}
	for _, none := range []string{"{}", `{"file":{}}`, `{"name":1}`} {
		if got := string(spoken.Rename(nil, []byte(none), "", rename)); got != none {
			t.Errorf("%s", got)
		}
	}
}

func TestList(t *testing.T) {
	one, two := []byte(`{"name":"files/a"}`), []byte(`{"name":"files/b"}`)
	for want, got := range map[string]string{
		`{}`:                             string(spoken.List(nil, nil, false)),
		`{"files":[{"name":"files/a"}]}`: string(spoken.List(nil, [][]byte{one}, false)),
		`{"files":[{"name":"files/a"},{"name":"files/b"}],"nextPageToken":"files/b"}`: string(spoken.List(nil, [][]byte{one, two}, true)),
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	p, err := spoken.Page(url.Values{"pageSize": {"0"}, "page_token": {"files/a"}})
	if err != nil || p.Limit != 10 || p.After != "files/a" {
		t.Errorf("%+v %v", p, err)
	}
}

func TestUpload(t *testing.T) {
	part := func(json string) string {
		return "--b\r\nContent-Type: application/json\r\n\r\n" + json + "\r\n--b\r\n\r\ndata\r\n--b--"
	}
	for _, c := range []struct {
		header map[string]string
		query  string
		body   string
		wrong  string
	}{
		{header: map[string]string{protocol: "raw"}, body: "x"},
		{query: "uploadType=media", body: "x"},
		{header: map[string]string{protocol: "multipart", "Content-Type": `multipart/related; boundary="b"`}, body: part(`{"file":{"displayName":"name"}}`)},
		{header: map[string]string{protocol: "multipart", "Content-Type": "multipart/related; boundary=b"}, body: part(`{"file":{"name":"files/a"}}`), wrong: "file.name"},
		{header: map[string]string{protocol: "multipart", "Content-Type": "multipart/related; boundary=b"}, body: part(`{"fi\u006ce":{"NAME":"files/a"}}`), wrong: "file.name"},
		{header: map[string]string{protocol: "multipart", "Content-Type": "multipart/related; boundary=b"}, body: part(`{"file":{}`), wrong: "no JSON object"},
		{header: map[string]string{protocol: "multipart", "Content-Type": "multipart/related; boundary=c"}, body: part(`{}`), wrong: "cannot be read"},
		{header: map[string]string{protocol: "multipart", "Content-Type": "application/json"}, body: "{}", wrong: "multipart/related"},
		{header: map[string]string{}, body: "{}", wrong: "resumable"},
	} {
		h := http.Header{}
		for name, v := range c.header {
			h.Set(name, v)
		}
		_, err := spoken.Peek(&dialect.Call{Header: h, Query: c.query, Body: []byte(c.body)})
		if c.wrong == "" && err != nil || c.wrong != "" && (err == nil || !strings.Contains(fault.Of(err).Message, c.wrong)) {
			t.Errorf("%v %s: %v", c.header, c.body, err)
		}
	}
}

func TestSession(t *testing.T) {
	h := http.Header{}
	h.Set(protocol, "resumable")
	h.Set(command, "start")
	h.Set(length, "12")
	if size, err := spoken.Begin(&dialect.Call{Header: h}); !spoken.Begins(h) || err != nil || size != 12 {
		t.Errorf("%d %v", size, err)
	}
	h.Set(length, "-1")
	if _, err := spoken.Begin(&dialect.Call{Header: h}); err == nil {
		t.Error("a length below 0 is taken")
	}
	for session, want := range map[string][2]string{
		"https://generativelanguage.googleapis.com/upload/v1beta/files?upload_id=A%2Fb&upload_protocol=resumable": {"/upload/v1beta/files", "upload_id=A%2Fb&upload_protocol=resumable"},
		"https://proxy.example/google/upload/v1beta/files?upload_id=A":                                            {"/upload/v1beta/files", "upload_id=A"},
		"https://proxy.example/v1beta/files?upload_id=A":                                                          {},
		"https://proxy.example/upload/v1beta/files":                                                               {},
		"": {},
	} {
		path, query, err := spoken.Where(session)
		if path != want[0] || query != want[1] || (err == nil) != (want[0] != "") {
			t.Errorf("%s: %s %s %v", session, path, query, err)
		}
	}
	answer := http.Header{}
	answer.Set(session, "https://google.example/upload?upload_id=native")
	spoken.Readdress(answer, "http://here", "upload_wr1_X/")
	if got := answer.Get(session); got != "http://here/upload/v1beta/files?upload_id=upload_wr1_X%2F&upload_protocol=resumable" || answer.Get(control) != "" {
		t.Errorf("%v", answer)
	}
	for words, want := range map[string]int64{"upload": 7, "Upload, Finalize": 7, "finalize": -1, "query": -1, "cancel": -1, "start": -2, "": -2} {
		p := http.Header{}
		p.Set(command, words)
		p.Set(offset, "7")
		from, err := spoken.Part(p)
		if want == -2 && err == nil || want != -2 && (err != nil || from != want) {
			t.Errorf("%q: %d %v", words, from, err)
		}
	}
}

func FuzzRename(f *testing.F) {
	f.Add([]byte(`{"file":{"name":"files/a","uri":"u","name":"files/b"}}`))
	f.Add([]byte(`{"name":"files/a","uri":"u"}`))
	f.Fuzz(func(t *testing.T, answer []byte) {
		if rawjson.Check(answer) != nil {
			return
		}
		got := spoken.Rename(nil, answer, "http://here", func(*dialect.ThingMember, string) string { return "files/wr1_X" })
		if rawjson.Check(got) != nil {
			t.Fatalf("%q became %q", answer, got)
		}
	})
}

func FuzzUpload(f *testing.F) {
	f.Add("multipart/related; boundary=b", []byte("--b\r\n\r\n{}\r\n--b--"))
	f.Fuzz(func(_ *testing.T, contentType string, body []byte) {
		h := http.Header{protocol: {"multipart"}, "Content-Type": {contentType}}
		_, _ = spoken.Peek(&dialect.Call{Header: h, Body: body})
		_, _ = spoken.Begin(&dialect.Call{Header: h, Body: body})
	})
}
