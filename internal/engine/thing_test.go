package engine_test

import (
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"weir/internal/fault"
	"weir/internal/gateway"
	"weir/internal/gatewaytest"
	"weir/internal/llm"
	"weir/internal/rawjson"
	"weir/internal/sim"
	"weir/internal/thing"
)

// otherKey is another team's.
const otherKey = "wr-another-0123456789abcdef"

// filesDocument is one provider that keeps files, one in another dialect that does too, and two that do not.
const filesDocument = `version: 1
providers:
  keeps: { base_url: "http://@SIM@/v1", speaks: [openai-chat, openai-responses, openai-files], api_key: sim }
  plain: { base_url: "http://@SIM@/v1", speaks: [openai-chat, openai-responses], api_key: sim }
models:
  chat: { targets: [{ provider: keeps, model: sim-1 }] }
  both: { targets: [{ provider: plain, model: sim-1 }, { provider: keeps, model: sim-1 }] }
  elsewhere: { targets: [{ provider: plain, model: sim-1 }] }
keys:
  - { name: test, key: ` + gatewaytest.Key + `, models: ["*"] }
  - { name: other, key: ` + otherKey + `, models: ["*"] }
`

// reply is an answer that was read whole.
type reply struct {
	status int
	body   string
	header http.Header
}

func (a reply) text(path ...string) string { return rawjson.Text(rawjson.Get([]byte(a.body), path...)) }

// ask sends a request with a key and reads the answer.
func ask(t *testing.T, g *gatewaytest.Gateway, key, method, path, contentType, body string, headers ...string) reply {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, g.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{resp.StatusCode, string(raw), resp.Header}
}

// uploadForm makes an upload; fields are names and values.
func uploadForm(name, data string, fields ...string) (contentType, body string) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for i := 0; i+1 < len(fields); i += 2 {
		_ = w.WriteField(fields[i], fields[i+1])
	}
	f, _ := w.CreateFormFile("file", name)
	_, _ = io.WriteString(f, data)
	_ = w.Close()
	return w.FormDataContentType(), b.String()
}

func send(t *testing.T, g *gatewaytest.Gateway, key, name, data string, fields ...string) reply {
	t.Helper()
	ct, body := uploadForm(name, data, fields...)
	return ask(t, g, key, http.MethodPost, "/v1/files", ct, body)
}

// uploaded uploads a file and returns its id.
func uploaded(t *testing.T, g *gatewaytest.Gateway, key, name, data string) string {
	t.Helper()
	a := send(t, g, key, name, data, "purpose", "user_data")
	if a.status != http.StatusOK || !strings.HasPrefix(a.text("id"), "file-"+llm.ThingTag) {
		t.Fatalf("%d %s", a.status, a.body)
	}
	return a.text("id")
}

func TestFiles(t *testing.T) {
	leaks(t)
	g := (&gatewaytest.Gateway{Document: filesDocument}).Start(t)
	const data = "a report\r\n--with dashes\x00\xff"
	made := send(t, g, gatewaytest.Key, "report.pdf", data, "purpose", "user_data", "expires_after[anchor]", "created_at", "expires_after[seconds]", "3600")
	id := made.text("id")
	if made.status != http.StatusOK || made.text("filename") != "report.pdf" || !strings.HasPrefix(id, "file-wr1_") {
		t.Fatalf("%d %s", made.status, made.body)
	}
	native := g.Sim.Files()[0]
	if strings.Contains(made.body, native) {
		t.Errorf("the provider's id is told: %s", made.body)
	}
	direct, err := http.Get("http://" + g.Host() + "/v1/files/" + native)
	if err != nil {
		t.Fatal(err)
	}
	raw, _ := io.ReadAll(direct.Body)
	_ = direct.Body.Close()
	if want := strings.Replace(string(raw), native, id, 1); made.body != want {
		t.Errorf("more than the id differs: %s, want %s", made.body, want)
	}
	got := ask(t, g, gatewaytest.Key, http.MethodGet, "/v1/files/"+id, "", "")
	if got.status != http.StatusOK || got.body != made.body || got.header.Get("X-Weir-Target") != "keeps" {
		t.Errorf("%d %s %v", got.status, got.body, got.header)
	}
	content := ask(t, g, gatewaytest.Key, http.MethodGet, "/v1/files/"+id+"/content", "", "")
	if content.status != http.StatusOK || content.body != data || content.header.Get("Content-Type") != "application/octet-stream" {
		t.Errorf("%d %q %v", content.status, content.body, content.header)
	}
	list := ask(t, g, gatewaytest.Key, http.MethodGet, "/v1/files", "", "")
	if want := `{"object":"list","data":[` + made.body + `],"first_id":"` + id + `","last_id":"` + id + `","has_more":false}`; list.body != want {
		t.Errorf("%s, want %s", list.body, want)
	}
	if gone := ask(t, g, gatewaytest.Key, http.MethodDelete, "/v1/files/"+id, "", ""); gone.status != http.StatusOK || gone.text("id") != id || !strings.Contains(gone.body, `"deleted":true`) {
		t.Errorf("%d %s", gone.status, gone.body)
	}
	if len(g.Sim.Files()) != 0 || len(g.Things.List("test", llm.ThingFile)) != 0 {
		t.Errorf("%v is left", g.Sim.Files())
	}
	if again := ask(t, g, gatewaytest.Key, http.MethodGet, "/v1/files/"+id, "", ""); again.status != http.StatusNotFound {
		t.Errorf("%d %s", again.status, again.body)
	}
	for i, x := range g.Wait(t, 6) {
		want := gateway.Done
		if i == 5 {
			want = gateway.Refused
		}
		if x.Op != llm.OpFile || x.Dialect != llm.OpenAIFiles || x.Ending != want || x.Unpriced != "" || x.Grant.Key != "test" {
			t.Errorf("record %d: %+v", i, x)
		}
	}
}

// TestFilesOfOthers has another key, and ids that were changed, find nothing.
func TestFilesOfOthers(t *testing.T) {
	g := (&gatewaytest.Gateway{Document: filesDocument}).Start(t)
	id := uploaded(t, g, gatewaytest.Key, "a.txt", "secret")
	seen := len(g.Sim.Calls())
	for _, verb := range []struct{ method, tail string }{{"GET", ""}, {"GET", "/content"}, {"DELETE", ""}} {
		a := ask(t, g, otherKey, verb.method, "/v1/files/"+id+verb.tail, "", "")
		if a.status != http.StatusNotFound || a.text("error", "type") == "" || strings.Contains(a.body, "keeps") {
			t.Errorf("%s %s: %d %s", verb.method, verb.tail, a.status, a.body)
		}
	}
	if list := ask(t, g, otherKey, http.MethodGet, "/v1/files", "", ""); !strings.Contains(list.body, `"data":[]`) {
		t.Errorf("another key lists %s", list.body)
	}
	for i := range id {
		changed := []byte(id)
		if changed[i]++; changed[i] == '/' || changed[i] == '[' || changed[i] == '{' || changed[i] == ':' || changed[i] == '`' {
			changed[i] = 'x'
		}
		if a := ask(t, g, gatewaytest.Key, http.MethodGet, "/v1/files/"+string(changed), "", ""); a.status != http.StatusNotFound {
			t.Fatalf("byte %d changed: %d %s", i, a.status, a.body)
		}
	}
	for _, id := range []string{g.Sim.Files()[0], "file-wr1_", "x"} {
		if a := ask(t, g, gatewaytest.Key, http.MethodGet, "/v1/files/"+id, "", ""); a.status != http.StatusNotFound {
			t.Errorf("%s: %d %s", id, a.status, a.body)
		}
	}
	if n := len(g.Sim.Calls()); n != seen {
		t.Errorf("%d calls went up", n-seen)
	}
}

// TestFilesGone has a file that its provider forgot be forgotten here too, once its client deletes it.
func TestFilesGone(t *testing.T) {
	g := (&gatewaytest.Gateway{Document: filesDocument}).Start(t)
	id := uploaded(t, g, gatewaytest.Key, "a.txt", "data")
	g.Sim.Forget(g.Sim.Files()[0])
	if a := ask(t, g, gatewaytest.Key, http.MethodGet, "/v1/files/"+id, "", ""); a.status != http.StatusNotFound || a.text("error", "message") != "No such File object: "+id {
		t.Errorf("%d %s", a.status, a.body)
	}
	if n := len(g.Things.List("test", llm.ThingFile)); n != 1 {
		t.Errorf("%d things after it was asked for", n)
	}
	if a := ask(t, g, gatewaytest.Key, http.MethodDelete, "/v1/files/"+id, "", ""); a.status != http.StatusNotFound || len(g.Things.List("test", llm.ThingFile)) != 0 {
		t.Errorf("%d %s, %d things are left", a.status, a.body, len(g.Things.List("test", llm.ThingFile)))
	}
}

func TestFilesWhere(t *testing.T) {
	const two = `version: 1
providers:
  one: { base_url: "http://@SIM@/v1", speaks: [openai-chat, openai-files], api_key: sim }
  two: { base_url: "http://@SIM@/v1", speaks: [openai-files], api_key: sim }
models: {}
keys: [{ name: test, key: ` + gatewaytest.Key + ` }]
`
	g := (&gatewaytest.Gateway{Document: two}).Start(t)
	if a := send(t, g, gatewaytest.Key, "a", "b", "purpose", "user_data"); a.status != http.StatusNotFound || !strings.Contains(a.body, "defaults: { openai-files: one }") {
		t.Errorf("%d %s", a.status, a.body)
	}
	if err := g.Use(two + "defaults: { openai-files: two }\n"); err != nil {
		t.Fatal(err)
	}
	a := send(t, g, gatewaytest.Key, "a", "b", "purpose", "user_data")
	if a.status != http.StatusOK || a.header.Get("X-Weir-Target") != "two" {
		t.Errorf("%d %s %v", a.status, a.body, a.header)
	}
	id := a.text("id")
	if err := g.Use(strings.Replace(two, "  two: { base_url: \"http://@SIM@/v1\", speaks: [openai-files], api_key: sim }\n", "", 1)); err != nil {
		t.Fatal(err)
	}
	for _, method := range []string{"GET", "DELETE"} {
		if a := ask(t, g, gatewaytest.Key, method, "/v1/files/"+id, "", ""); a.status != http.StatusNotFound || !strings.Contains(a.body, "two") {
			t.Errorf("%d %s", a.status, a.body)
		}
	}
	if err := g.Use(strings.ReplaceAll(two, "openai-files", "openai-images")); err != nil {
		t.Fatal(err)
	}
	if a := send(t, g, gatewaytest.Key, "a", "b", "purpose", "user_data"); a.status != http.StatusNotFound || !strings.Contains(a.body, "no provider here speaks openai-files") {
		t.Errorf("%d %s", a.status, a.body)
	}
	for name, wrong := range map[string]string{"three": "no provider is called", "one": "does not speak"} {
		document := strings.Replace(two, "[openai-chat, openai-files]", "[openai-chat]", 1) + "defaults: { openai-files: " + name + " }\n"
		if err := g.Use(document); err == nil || !strings.Contains(err.Error(), wrong) || !strings.Contains(err.Error(), "defaults.openai-files") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFilesRefused(t *testing.T) {
	g := (&gatewaytest.Gateway{Document: filesDocument}).Start(t)
	ct, good := uploadForm("a.txt", "data", "purpose", "user_data")
	for name, c := range map[string]struct {
		ct, body string
		status   int
		param    string
	}{
		"json":        {"application/json", `{"purpose":"user_data"}`, http.StatusUnsupportedMediaType, ""},
		"no file":     {ct, strings.Replace(good, `name="file"; filename="a.txt"`, `name="other"; filename="a.txt"`, 1), http.StatusBadRequest, "file"},
		"no purpose":  {ct, strings.Replace(good, `name="purpose"`, `name="other"`, 1), http.StatusBadRequest, "purpose"},
		"two files":   {ct, strings.Replace(good, `name="purpose"`, `name="file"; filename="b"`, 1), http.StatusBadRequest, "file"},
		"broken off":  {ct, good[:len(good)-8], http.StatusBadRequest, ""},
		"no boundary": {"multipart/form-data", good, http.StatusBadRequest, ""},
	} {
		if a := ask(t, g, gatewaytest.Key, http.MethodPost, "/v1/files", c.ct, c.body); a.status != c.status || a.text("error", "param") != c.param {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	if n := len(g.Sim.Calls()); n != 0 {
		t.Errorf("%d calls went up", n)
	}
	// What the provider refuses passes in its words.
	if a := send(t, g, gatewaytest.Key, "a", "b", "purpose", "nothing"); a.status != http.StatusBadRequest || !strings.Contains(a.body, "Supported values") {
		t.Errorf("%d %s", a.status, a.body)
	}
	for _, path := range []string{"/v1/uploads", "/v1/vector_stores", "/v1/containers", "/v1/files/a/b/c"} {
		if a := ask(t, g, gatewaytest.Key, http.MethodPost, path, "application/json", "{}"); a.status != http.StatusNotFound || a.text("error", "message") == "" {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
	if a := ask(t, g, "wr-nobody-0123456789", http.MethodGet, "/v1/files", "", ""); a.status != http.StatusUnauthorized {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestFilesListed(t *testing.T) {
	g := (&gatewaytest.Gateway{Document: filesDocument}).Start(t)
	var ids []string
	for i := range 5 {
		ids = append(ids, uploaded(t, g, gatewaytest.Key, fmt.Sprint(i), "data"))
	}
	send(t, g, gatewaytest.Key, "f", "data", "purpose", "fine-tune")
	for query, want := range map[string]string{
		"?purpose=user_data":                              "4 3 2 1 0",
		"?purpose=user_data&order=asc":                    "0 1 2 3 4",
		"?purpose=user_data&limit=2":                      "4 3 …",
		"?purpose=user_data&limit=2&after=" + ids[3]:      "2 1 …",
		"?purpose=user_data&limit=2&after=" + ids[2]:      "1 0",
		"?purpose=user_data&order=asc&after=" + ids[3]:    "4",
		"?purpose=user_data&after=" + ids[0]:              "",
		"?purpose=fine-tune":                              "f",
		"?limit=0":                                        "400 limit",
		"?order=up":                                       "400 order",
		"?after=file-wr1_x":                               "400 after",
		"?purpose=user_data&after=" + ids[0] + "&limit=x": "400 limit",
	} {
		a := ask(t, g, gatewaytest.Key, http.MethodGet, "/v1/files"+query, "", "")
		var got []string
		for _, one := range rawjson.Elems(rawjson.Get([]byte(a.body), "data")) {
			got = append(got, rawjson.Text(rawjson.Get(one, "filename")))
		}
		if strings.Contains(a.body, `"has_more":true`) {
			got = append(got, "…")
		}
		if a.status != http.StatusOK {
			got = []string{fmt.Sprint(a.status), a.text("error", "param")}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %v, want %s", query, got, want)
		}
	}
	for _, call := range g.Sim.Calls() {
		if call.Method == http.MethodGet {
			t.Errorf("a list was asked of the provider: %s", call.Path)
		}
	}
}

// fullThings keeps nothing, from the moment it is full on.
type fullThings struct {
	gateway.Things
	after int // things that still fit
}

func (f *fullThings) Put(t gateway.Thing) error {
	if f.after--; f.after < 0 {
		return fault.New(fault.Unavailable, "there is no room")
	}
	return f.Things.Put(t)
}

// TestFilesFull has a full store refuse before anything is sent, and one that fills up meanwhile take the file back.
func TestFilesFull(t *testing.T) {
	for after, sent := range map[int]int{0: 0, 1: 2} {
		g := (&gatewaytest.Gateway{Document: filesDocument, Things: &fullThings{thing.NewMemory(thing.Options{}), after}}).Start(t)
		a := send(t, g, gatewaytest.Key, "a", "b", "purpose", "user_data")
		if a.status != http.StatusServiceUnavailable || !strings.Contains(a.body, "no room") {
			t.Errorf("%d %s", a.status, a.body)
		}
		if calls := g.Sim.Calls(); len(calls) != sent || sent == 2 && calls[1].Method != http.MethodDelete {
			t.Errorf("%d calls, want %d", len(calls), sent)
		}
		if left := g.Sim.Files(); len(left) != 0 {
			t.Errorf("%v is left with the provider", left)
		}
	}
}

// TestFilesAgain has a gateway started once more find the files of the one before it.
func TestFilesAgain(t *testing.T) {
	dir := t.TempDir()
	provider := &sim.Provider{Pace: -1}
	id := ""
	for i := range 2 {
		store, err := thing.Open(dir, thing.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			g := (&gatewaytest.Gateway{Document: filesDocument, Sim: provider, Things: store}).Start(t)
			if i == 0 {
				id = uploaded(t, g, gatewaytest.Key, "a", "data")
			}
			if a := ask(t, g, gatewaytest.Key, http.MethodGet, "/v1/files/"+id+"/content", "", ""); a.body != "data" {
				t.Errorf("%d %s", a.status, a.body)
			}
		})
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestFilesEmpty has a file with nothing in it come as that.
func TestFilesEmpty(t *testing.T) {
	g := (&gatewaytest.Gateway{Document: filesDocument}).Start(t)
	id := uploaded(t, g, gatewaytest.Key, "empty", "")
	if a := ask(t, g, gatewaytest.Key, http.MethodGet, "/v1/files/"+id+"/content", "", ""); a.status != http.StatusOK || a.body != "" {
		t.Errorf("%d %q", a.status, a.body)
	}
}
