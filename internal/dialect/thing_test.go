package dialect

import (
	"bytes"
	"net/url"
	"strings"
	"testing"

	"weir/internal/fault"
	"weir/internal/llm"
	"weir/internal/rawjson"
)

var jobMembers = []ThingMember{
	{Name: "id", Kind: llm.ThingJob, Prefix: "ftjob-"},
	{Name: "training_file", Kind: llm.ThingFile, Prefix: "file-"},
	{Name: "result_files", Kind: llm.ThingFile, Prefix: "file-"},
	{Name: "fine_tuning_job_id", Kind: llm.ThingJob, Prefix: "ftjob-", Detail: true},
}

func mark(m *ThingMember, id string) string { return m.Prefix + "<" + id + ">" }

func TestRenameThings(t *testing.T) {
	for _, c := range []struct {
		verb     ThingVerb
		in, want string
	}{
		{
			ThingGet, ` { "id" : "j\u0031" ,"training_file":"a","result_files":[ "b" , "c",null],"x":{"id":"stays"},"training_file":null} `,
			` { "id" : "ftjob-<j1>" ,"training_file":"file-<a>","result_files":[ "file-<b>" , "file-<c>",null],"x":{"id":"stays"},"training_file":null} `,
		},
		{
			ThingList, `{"last_id":"j2","data":[{"id":"j1"},{"id":"j2","id":"j3"}],"first_id":"j1","object":"list"}`,
			`{"last_id":"ftjob-<j2>","data":[{"id":"ftjob-<j1>"},{"id":"ftjob-<j2>","id":"ftjob-<j3>"}],"first_id":"ftjob-<j1>","object":"list"}`,
		},
		{
			ThingDetail, `{"data":[{"id":"ckpt","fine_tuning_job_id":"j1"}],"first_id":"ckpt"}`,
			`{"data":[{"id":"ckpt","fine_tuning_job_id":"ftjob-<j1>"}],"first_id":"ckpt"}`,
		},
		{ThingGet, `{"id":7,"training_file":"","result_files":{}}`, `{"id":7,"training_file":"","result_files":{}}`},
		{ThingGet, `[]`, `[]`},
	} {
		if got := string(RenameThings([]byte("before"), []byte(c.in), c.verb, jobMembers, mark)); got != "before"+c.want {
			t.Errorf("%s: %s, want %s", c.in, got, c.want)
		}
	}
}

// FuzzRenameThings has everything but the ids stay: what has been renamed and is renamed back is what it was.
func FuzzRenameThings(f *testing.F) {
	f.Add(`{"id":"a","training_file":"b","result_files":["c"],"data":[{"id":"d"}],"first_id":"e"}`)
	f.Add(`{"id":["a",["b"]],"data":{"id":"c"}}`)
	f.Fuzz(func(t *testing.T, in string) {
		if rawjson.Check([]byte(in)) != nil {
			return
		}
		there := 0
		same := RenameThings(nil, []byte(in), ThingGet, jobMembers, func(*ThingMember, string) string { there++; return "" })
		if string(same) != in {
			t.Fatalf("%s became %s", in, same)
		}
		out := RenameThings(nil, []byte(in), ThingGet, jobMembers, mark)
		if rawjson.Check(out) != nil {
			t.Fatalf("%s is no JSON: %s", in, out)
		}
		again := 0
		RenameThings(nil, out, ThingGet, jobMembers, func(m *ThingMember, id string) string {
			if !strings.HasPrefix(id, m.Prefix+"<") || !strings.HasSuffix(id, ">") {
				t.Fatalf("%q was not renamed", id)
			}
			again++
			return ""
		})
		if again != there {
			t.Fatalf("%d ids became %d", there, again)
		}
		if there == 0 && !bytes.Equal(out, []byte(in)) {
			t.Fatalf("%s became %s", in, out)
		}
	})
}

func TestAsksFile(t *testing.T) {
	for call, want := range map[string]struct {
		verb ThingVerb
		id   string
	}{
		"POST /v1/files": {ThingCreate, ""}, "GET /v1/files": {ThingList, ""}, "GET /v1/files/a": {ThingGet, "a"},
		"GET /v1/files/a%2Db": {ThingGet, "a%2Db"}, "DELETE /v1/files/a": {ThingDelete, "a"}, "GET /v1/files/a/content": {ThingContent, "a"},
		"PUT /v1/files": {}, "GET /v1/filesa": {}, "GET /v1/files/": {}, "GET /v1/files//content": {}, "GET /v1/files/a/": {}, "GET /v1/files/a/b/c": {},
		"POST /v1/files/a": {}, "GET /v1/files/a/other": {}, "GET /v2/files/a": {}, "DELETE /v1/files": {}, "HEAD /v1/files": {},
	} {
		method, path, _ := strings.Cut(call, " ")
		verb, id, ok := AsksFile(method, path, "/v1/files")
		if verb != want.verb || id != want.id || ok != (want.verb != 0) {
			t.Errorf("%s: %d %q %v", call, verb, id, ok)
		}
	}
}

func TestPageOf(t *testing.T) {
	p, err := PageOf(url.Values{"limit": {"7"}, "after": {"x"}, "order": {"asc"}}, 20, 100)
	if err != nil || p != (Page{After: "x", Limit: 7, Ascending: true}) {
		t.Errorf("%+v %v", p, err)
	}
	if p, err := PageOf(nil, 20, 100); err != nil || p.Limit != 20 || p.Ascending {
		t.Errorf("%+v %v", p, err)
	}
	for _, wrong := range []url.Values{{"limit": {"0"}}, {"limit": {"101"}}, {"limit": {"x"}}, {"order": {"up"}}} {
		if _, err := PageOf(wrong, 20, 100); err == nil || fault.Of(err).Kind != fault.Malformed || fault.Of(err).Param == "" {
			t.Errorf("%v: %v", wrong, err)
		}
	}
}
