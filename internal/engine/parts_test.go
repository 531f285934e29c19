package engine_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"weir/internal/fault"
	"weir/internal/gateway"
	"weir/internal/gatewaytest"
	"weir/internal/llm"
	"weir/internal/rawjson"
	"weir/internal/sim"
)

// geminiDocument is a provider that keeps files in Gemini's words, and one that does not.
const geminiDocument = `version: 1
providers:
  google: { base_url: "http://@SIM@", speaks: [gemini-generate, gemini-files, gemini-live], api_key: sim }
  plain: { base_url: "http://@SIM@/v1", speaks: [openai-chat], api_key: sim }
models:
  gemini: { targets: [{ provider: google, model: sim-1 }] }
  both: { targets: [{ provider: plain, model: sim-1 }, { provider: google, model: sim-1 }] }
  elsewhere: { targets: [{ provider: plain, model: sim-1 }] }
keys:
  - { name: test, key: ` + gatewaytest.Key + `, models: ["*"] }
  - { name: other, key: ` + otherKey + `, models: ["*"] }
limits: { body: 4MiB }
`

func geminiGateway(t *testing.T) *gatewaytest.Gateway {
	t.Helper()
	return (&gatewaytest.Gateway{Document: geminiDocument, Sim: &sim.Provider{Pace: -1, Key: "sim"}}).Start(t)
}

const uploadPath = "/upload/v1beta/files"

// beginUpload begins an upload and returns the path and query of its address.
func beginUpload(t *testing.T, g *gatewaytest.Gateway, key string, size int) string {
	t.Helper()
	a := ask(t, g, key, http.MethodPost, uploadPath, "application/json", `{"file":{"displayName":"a.pdf","mimeType":"application/pdf"}}`,
		"X-Goog-Upload-Protocol", "resumable", "X-Goog-Upload-Command", "start", "X-Goog-Upload-Header-Content-Length", strconv.Itoa(size), "X-Goog-Upload-Header-Content-Type", "application/pdf")
	at := a.header.Get("X-Goog-Upload-Url")
	if a.status != http.StatusOK || !strings.HasPrefix(at, g.URL+uploadPath+"?upload_id=upload_wr1_") || a.header.Get("X-Goog-Upload-Status") != "active" {
		t.Fatalf("%d %s %v", a.status, a.body, a.header)
	}
	if a.header.Get("X-Goog-Upload-Control-Url") != at || a.header.Get("X-Guploader-Uploadid") != "" || a.header.Get("X-Goog-Upload-Chunk-Granularity") == "" {
		t.Errorf("%v", a.header)
	}
	return strings.TrimPrefix(at, g.URL)
}

// part sends a part to an upload's address; key "" = none.
func part(t *testing.T, key, at, command string, offset int, data string) reply {
	t.Helper()
	headers := []string{"X-Goog-Upload-Command", command}
	if offset >= 0 {
		headers = append(headers, "X-Goog-Upload-Offset", strconv.Itoa(offset))
	}
	return askAt(t, key, at, data, headers...)
}

func askAt(t *testing.T, key, at, data string, headers ...string) reply {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, at, strings.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if key != "" {
		req.Header.Set("X-Goog-Api-Key", key)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var b bytes.Buffer
	if _, err := b.ReadFrom(resp.Body); err != nil {
		t.Fatal(err)
	}
	return reply{resp.StatusCode, b.String(), resp.Header}
}

// givenToGemini uploads a file and returns its object.
func givenToGemini(t *testing.T, g *gatewaytest.Gateway, key, data string) []byte {
	t.Helper()
	at := beginUpload(t, g, key, len(data))
	a := part(t, key, g.URL+at, "upload, finalize", 0, data)
	if a.status != http.StatusOK || a.header.Get("X-Goog-Upload-Status") != "final" {
		t.Fatalf("%d %s %v", a.status, a.body, a.header)
	}
	return rawjson.Get([]byte(a.body), "file")
}

// TestParts uploads a file in parts: each goes up as it comes, and the file has the gateway's name and address.
func TestParts(t *testing.T) {
	leaks(t)
	g := geminiGateway(t)
	data := strings.Repeat("0123456789abcdef", 48<<10) // three parts of 256 KiB
	at := beginUpload(t, g, gatewaytest.Key, len(data))
	if strings.Contains(at, "test") {
		t.Errorf("the address tells whose it is: %s", at)
	}
	const grain = 256 << 10
	for i, key := range []string{gatewaytest.Key, ""} { // Google's Python SDK shows no key here
		a := part(t, key, g.URL+at, "upload", i*grain, data[i*grain:(i+1)*grain])
		if a.status != http.StatusOK || a.header.Get("X-Goog-Upload-Status") != "active" || a.body != "" || a.header.Get("X-Guploader-Uploadid") != "" {
			t.Fatalf("part %d: %d %s %v", i, a.status, a.body, a.header)
		}
	}
	if a := part(t, "", g.URL+at, "query", -1, ""); a.status != http.StatusOK || a.header.Get("X-Goog-Upload-Size-Received") != strconv.Itoa(2*grain) {
		t.Errorf("query: %d %v", a.status, a.header)
	}
	if a := part(t, "", g.URL+at, "upload, finalize", grain, data[2*grain:]); a.status != http.StatusBadRequest || !strings.Contains(a.body, "Upload-Offset") {
		t.Errorf("a wrong offset: %d %s", a.status, a.body)
	}
	a := part(t, "", g.URL+at, "upload, finalize", 2*grain, data[2*grain:])
	object := []byte(a.body)
	name := rawjson.Text(rawjson.Get(object, "file", "name"))
	if a.status != http.StatusOK || a.header.Get("X-Goog-Upload-Status") != "final" || !strings.HasPrefix(name, "files/wr1_") {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if uri := rawjson.Text(rawjson.Get(object, "file", "uri")); uri != g.URL+"/v1beta/"+name {
		t.Errorf("its address is %s", uri)
	}
	if rawjson.Text(rawjson.Get(object, "file", "sizeBytes")) != strconv.Itoa(len(data)) || strings.Contains(a.body, g.Sim.Files()[0]) {
		t.Errorf("%s", a.body)
	}
	for _, x := range g.Wait(t, 6) {
		if x.Op != llm.OpFile || x.Dialect != llm.GeminiFiles || x.Grant.Key != "test" || strings.Contains(x.Path, "upload_wr1_") {
			t.Errorf("%+v", x)
		}
	}
	// Once more a query tells the file, for a client that the answer did not reach.
	if again := part(t, "", g.URL+at, "query", -1, ""); again.body != a.body {
		t.Errorf("%s, not %s", again.body, a.body)
	}
}

// TestPartsRefused has parts come that may not.
func TestPartsRefused(t *testing.T) {
	g := geminiGateway(t)
	at := g.URL + beginUpload(t, g, gatewaytest.Key, 100)
	seen := len(g.Sim.Calls())
	id, _ := url.ParseQuery(at[strings.IndexByte(at, '?')+1:])
	changed := strings.Replace(at, id.Get("upload_id")[20:30], "AAAAAAAAAA", 1)
	for what, c := range map[string]struct {
		key, at, command string
		offset           int
		data             string
		status           int
	}{
		"another's":         {otherKey, at, "upload, finalize", 0, "x", http.StatusNotFound},
		"nobody's":          {"wr-nobody-0123456789abcdef", at, "upload, finalize", 0, "x", http.StatusUnauthorized},
		"changed":           {gatewaytest.Key, changed, "upload, finalize", 0, "x", http.StatusNotFound},
		"changed, no key":   {"", changed, "upload, finalize", 0, "x", http.StatusUnauthorized},
		"another's cancel":  {otherKey, at, "cancel", -1, "", http.StatusNotFound},
		"too much":          {"", at, "upload, finalize", 0, strings.Repeat("x", 101), http.StatusRequestEntityTooLarge},
		"too far":           {"", at, "upload, finalize", 100, "x", http.StatusRequestEntityTooLarge},
		"no command":        {"", at, "", 0, "x", http.StatusBadRequest},
		"no offset":         {"", at, "upload", -1, "x", http.StatusBadRequest},
		"bytes with a look": {"", at, "query", -1, "x", http.StatusBadRequest},
	} {
		if a := part(t, c.key, c.at, c.command, c.offset, c.data); a.status != c.status || rawjson.Text(rawjson.Get([]byte(a.body), "error", "status")) == "" {
			t.Errorf("%s: %d %s", what, a.status, a.body)
		}
	}
	for what, c := range map[string]struct {
		body    string
		headers []string
		status  int
		words   string
	}{
		"too large":     {`{}`, []string{"X-Goog-Upload-Protocol", "resumable", "X-Goog-Upload-Command", "start", "X-Goog-Upload-Header-Content-Length", "5000000"}, http.StatusRequestEntityTooLarge, "limits.body"},
		"a name":        {`{"file":{"name":"files/mine"}}`, []string{"X-Goog-Upload-Protocol", "resumable", "X-Goog-Upload-Command", "start"}, http.StatusBadRequest, "displayName"},
		"in one":        {`{}`, []string{"X-Goog-Upload-Protocol", "resumable", "X-Goog-Upload-Command", "start, upload, finalize"}, http.StatusBadRequest, "start alone"},
		"nothing said":  {`{}`, nil, http.StatusBadRequest, "X-Goog-Upload-Protocol"},
		"no multipart":  {`{}`, []string{"X-Goog-Upload-Protocol", "multipart"}, http.StatusUnsupportedMediaType, "multipart/related"},
		"not an object": {`[]`, []string{"X-Goog-Upload-Protocol", "resumable", "X-Goog-Upload-Command", "start"}, http.StatusBadRequest, "no JSON object"},
	} {
		a := ask(t, g, gatewaytest.Key, http.MethodPost, uploadPath, "application/json", c.body, c.headers...)
		if a.status != c.status || !strings.Contains(a.body, c.words) {
			t.Errorf("%s: %d %s", what, a.status, a.body)
		}
	}
	if n := len(g.Sim.Calls()); n != seen {
		t.Errorf("%d calls went up", n-seen)
	}
	// A key that is not in the document any more cannot go on with what it began.
	if err := g.Use(strings.Replace(geminiDocument, "name: test,", "name: renamed,", 1)); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"", gatewaytest.Key} {
		if a := part(t, key, at, "upload, finalize", 0, strings.Repeat("x", 100)); a.status != http.StatusUnauthorized && a.status != http.StatusNotFound {
			t.Errorf("%d %s", a.status, a.body)
		}
	}
}

// TestPartsCancel has an upload given up.
func TestPartsCancel(t *testing.T) {
	g := geminiGateway(t)
	at := g.URL + beginUpload(t, g, gatewaytest.Key, 100)
	if a := part(t, "", at, "cancel", -1, ""); a.status != http.StatusOK || a.header.Get("X-Goog-Upload-Status") != "cancelled" {
		t.Errorf("%d %s %v", a.status, a.body, a.header)
	}
	if a := part(t, "", at, "upload, finalize", 0, strings.Repeat("x", 100)); a.status != http.StatusNotFound {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// TestPartsStuck has a client begin a part and say nothing more.
func TestPartsStuck(t *testing.T) {
	leaks(t)
	g := geminiGateway(t)
	g.Engine.Patience(200*time.Millisecond, time.Minute)
	at := beginUpload(t, g, gatewaytest.Key, 1000)
	conn, err := net.Dial("tcp", strings.TrimPrefix(g.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_, _ = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nX-Goog-Upload-Command: upload, finalize\r\nX-Goog-Upload-Offset: 0\r\nContent-Length: 1000\r\n\r\n%s", at, strings.Repeat("x", 100))
	_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusRequestTimeout || resp.Header.Get("X-Weir-Fault") != fault.SlowBody.String() {
		t.Errorf("%d %v", resp.StatusCode, resp.Header)
	}
}

// TestPartsLeft has a client leave within a part: what came before it is at the provider, and the upload goes on.
func TestPartsLeft(t *testing.T) {
	leaks(t)
	g := geminiGateway(t)
	at := beginUpload(t, g, gatewaytest.Key, 1000)
	conn, err := net.Dial("tcp", strings.TrimPrefix(g.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	_, _ = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nX-Goog-Upload-Command: upload, finalize\r\nX-Goog-Upload-Offset: 0\r\nContent-Length: 1000\r\n\r\n%s", at, strings.Repeat("x", 100))
	time.Sleep(50 * time.Millisecond)
	_ = conn.Close()
	if x := g.Wait(t, 2)[1]; x.Ending != gateway.ClientGone || x.Fault == nil || x.Fault.Kind != fault.ClientGone {
		t.Errorf("%v %v", x.Ending, x.Fault)
	}
	if a := part(t, "", g.URL+at, "upload, finalize", 0, strings.Repeat("x", 1000)); a.status != http.StatusOK {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// TestInteractionReferences names a file in an interaction, which is passed.
func TestInteractionReferences(t *testing.T) {
	var sent string
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		sent = string(raw)
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"id":"v1_a","object":"interaction","status":"completed","model":"m","steps":[]}`)
	}))
	defer up.Close()
	g := (&gatewaytest.Gateway{Document: strings.Replace(geminiDocument, "  plain:", `  talks: { base_url: "`+up.URL+`", speaks: [gemini-interactions, gemini-files], api_key: k }
  plain:`, 1) + "defaults: { gemini-files: talks }\n"}).Start(t)
	id := g.Things.Name("test", "files/", llm.ThingFile, "talks", "files/a")
	if err := g.Things.Put(gateway.Thing{
		ID: id, Kind: llm.ThingFile, Owner: "test", Dialect: llm.GeminiFiles, Target: gateway.Target{Provider: "talks"}, Native: "files/a",
		Path: "https://generativelanguage.googleapis.com/v1beta/files/a", Made: time.Now(), Object: []byte(`{}`),
	}); err != nil {
		t.Fatal(err)
	}
	body := `{"model":"talks/m","store":false,"input":[{"type":"document","uri":"@","mime_type":"application/pdf"},{"type":"image","uri":"https://example.org/a.png"}]}`
	a := ask(t, g, gatewaytest.Key, http.MethodPost, "/v1beta/interactions", "application/json", strings.Replace(body, "@", "http://gw.example/v1beta/"+id, 1))
	if a.status != http.StatusOK || !strings.Contains(sent, `"uri":"https://generativelanguage.googleapis.com/v1beta/files/a"`) {
		t.Errorf("%d %s\nsent %s", a.status, a.body, sent)
	}
	sent = ""
	for _, uri := range []string{"https://generativelanguage.googleapis.com/v1beta/files/b", "files/b", up.URL + "/v1beta/files/b"} {
		a := ask(t, g, otherKey, http.MethodPost, "/v1beta/interactions", "application/json", strings.Replace(body, "@", uri, 1))
		if a.status != http.StatusNotFound || sent != "" {
			t.Errorf("%s: %d %s", uri, a.status, a.body)
		}
	}
}

// TestGeminiWhole uploads files at once, in both ways.
func TestGeminiWhole(t *testing.T) {
	g := geminiGateway(t)
	related := "--b\r\nContent-Type: application/json\r\n\r\n{\"file\":{\"displayName\":\"d\"}}\r\n--b\r\nContent-Type: text/plain\r\n\r\nsome text\r\n--b--\r\n"
	for how, c := range map[string]struct{ contentType, body string }{
		"raw":       {"text/plain", "some text"},
		"multipart": {"multipart/related; boundary=b", related},
	} {
		a := ask(t, g, gatewaytest.Key, http.MethodPost, uploadPath, c.contentType, c.body, "X-Goog-Upload-Protocol", how)
		file := rawjson.Get([]byte(a.body), "file")
		if a.status != http.StatusOK || rawjson.Text(rawjson.Get(file, "sizeBytes")) != "9" || rawjson.Text(rawjson.Get(file, "mimeType")) != "text/plain" {
			t.Errorf("%s: %d %s", how, a.status, a.body)
		}
	}
	named := strings.Replace(related, `"displayName":"d"`, `"\u006eame":"files/x"`, 1)
	if a := ask(t, g, gatewaytest.Key, http.MethodPost, uploadPath, "multipart/related; boundary=b", named, "X-Goog-Upload-Protocol", "multipart"); a.status != http.StatusBadRequest || !strings.Contains(a.body, "file.name") {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// TestGeminiFiles asks about files: by name, in lists, of another key.
func TestGeminiFiles(t *testing.T) {
	g := geminiGateway(t)
	object := givenToGemini(t, g, gatewaytest.Key, "%PDF-1.4 data")
	second := givenToGemini(t, g, gatewaytest.Key, "more")
	name, other := rawjson.Text(rawjson.Get(object, "name")), rawjson.Text(rawjson.Get(second, "name"))
	if a := ask(t, g, gatewaytest.Key, http.MethodGet, "/v1beta/"+name, "", ""); a.status != http.StatusOK || a.body != string(object) {
		t.Errorf("%d %s, not %s", a.status, a.body, object)
	}
	if a := ask(t, g, gatewaytest.Key, http.MethodGet, "/v1beta/"+name+":download?alt=media", "", ""); a.status != http.StatusBadRequest || !strings.Contains(a.body, "generated") {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := ask(t, g, gatewaytest.Key, http.MethodGet, "/v1beta/files?pageSize=1", "", ""); a.text("nextPageToken") != other || !strings.Contains(a.body, string(second)) || strings.Contains(a.body, string(object)) {
		t.Errorf("%s", a.body)
	}
	if a := ask(t, g, gatewaytest.Key, http.MethodGet, "/v1beta/files?pageSize=1&pageToken="+url.QueryEscape(other), "", ""); a.text("nextPageToken") != "" || !strings.Contains(a.body, string(object)) {
		t.Errorf("%s", a.body)
	}
	for path, status := range map[string]int{"/v1beta/files?pageSize=x": 400, "/v1beta/files?pageToken=x": 400, "/v1beta/files/abc": 404, "/v1beta/" + name + "/x": 404} {
		if a := ask(t, g, gatewaytest.Key, http.MethodGet, path, "", ""); a.status != status {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
	for _, method := range []string{http.MethodGet, http.MethodDelete} {
		if a := ask(t, g, otherKey, method, "/v1beta/"+name, "", ""); a.status != http.StatusNotFound || rawjson.Text(rawjson.Get([]byte(a.body), "error", "status")) != "NOT_FOUND" {
			t.Errorf("another key: %d %s", a.status, a.body)
		}
	}
	if a := ask(t, g, otherKey, http.MethodGet, "/v1beta/files", "", ""); a.status != http.StatusOK || a.body != "{}" {
		t.Errorf("another key's list: %d %s", a.status, a.body)
	}
	if a := ask(t, g, gatewaytest.Key, http.MethodDelete, "/v1beta/"+name, "", ""); a.status != http.StatusOK || strings.TrimSpace(a.body) != "{}" {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := ask(t, g, gatewaytest.Key, http.MethodGet, "/v1beta/"+name, "", ""); a.status != http.StatusNotFound || len(g.Sim.Files()) != 1 {
		t.Errorf("%d %s", a.status, a.body)
	}
	// The provider has forgotten the other one: in its words only the gateway's name stands.
	native := strings.TrimPrefix(g.Sim.Files()[0], "files/")
	g.Sim.Forget(g.Sim.Files()[0])
	if a := ask(t, g, gatewaytest.Key, http.MethodGet, "/v1beta/"+other, "", ""); a.status != http.StatusForbidden || strings.Contains(a.body, native) {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// TestGeminiReferences names a file of Gemini's in calls, by its address and by its name, in several dialects.
func TestGeminiReferences(t *testing.T) {
	g := geminiGateway(t)
	object := givenToGemini(t, g, gatewaytest.Key, "%PDF-1.4 data")
	name, uri := rawjson.Text(rawjson.Get(object, "name")), rawjson.Text(rawjson.Get(object, "uri"))
	native := "https://generativelanguage.googleapis.com/v1beta/" + g.Sim.Files()[0]
	for what, c := range map[string]struct{ path, body string }{
		"by its address": {"/v1beta/models/@MODEL@:generateContent", `{"contents":[{"parts":[{"text":"read"},{"fileData":{"mimeType":"application/pdf","fileUri":"` + uri + `"}}]}]}`},
		"by its name":    {"/v1beta/models/@MODEL@:generateContent", `{"contents":[{"parts":[{"text":"read"},{"file_data":{"mime_type":"application/pdf","file_uri":"` + name + `"}}]}]}`},
		"slashed":        {"/v1beta/models/@MODEL@:generateContent", `{"contents":[{"parts":[{"text":"read"},{"fileData":{"mimeType":"application\/pdf","fileUri":"` + strings.ReplaceAll(uri, "/", `\/`) + `"}}]}]}`},
		"slashed name":   {"/v1beta/models/@MODEL@:generateContent", `{"contents":[{"parts":[{"text":"read"},{"fileData":{"mimeType":"application\/pdf","fileUri":"` + strings.ReplaceAll(name, "/", `\/`) + `"}}]}]}`},
		"counted":        {"/v1beta/models/gemini:countTokens", `{"contents":[{"parts":[{"text":"read"},{"fileData":{"mimeType":"application/pdf","fileUri":"` + uri + `"}}]}]}`},
		"in chat":        {"/v1/chat/completions", `{"model":"@MODEL@","messages":[{"role":"user","content":[{"type":"text","text":"read"},{"type":"file","file":{"file_id":"` + name + `"}}]}]}`},
		"an image":       {"/v1/chat/completions", `{"model":"@MODEL@","messages":[{"role":"user","content":[{"type":"text","text":"read"},{"type":"image_url","image_url":{"url":"` + uri + `"}}]}]}`},
		"in messages":    {"/v1/messages", `{"model":"@MODEL@","max_tokens":9,"messages":[{"role":"user","content":[{"type":"document","source":{"type":"url","url":"` + uri + `"}}]}]}`},
	} {
		for _, model := range []string{"gemini", "both"} {
			path, body := strings.ReplaceAll(c.path, "@MODEL@", model), strings.ReplaceAll(c.body, "@MODEL@", model)
			a := ask(t, g, gatewaytest.Key, http.MethodPost, path, "application/json", body)
			calls := g.Sim.Calls()
			sent := string(calls[len(calls)-1].Body)
			if a.status != http.StatusOK || a.header.Get("X-Weir-Target") != "google/sim-1" || !strings.Contains(sent, `"`+native+`"`) || strings.Contains(sent, llm.ThingTag) {
				t.Errorf("%s of %s: %d %s\nsent %s", what, model, a.status, a.body, sent)
			}
			n := len(calls)
			if a := ask(t, g, otherKey, http.MethodPost, path, "application/json", body); a.status != http.StatusNotFound || len(g.Sim.Calls()) != n {
				t.Errorf("%s by another key: %d %s", what, a.status, a.body)
			}
		}
	}
	body := `{"contents":[{"parts":[{"fileData":{"fileUri":"` + uri + `"}}]}]}`
	if a := ask(t, g, gatewaytest.Key, http.MethodPost, "/v1beta/models/elsewhere:generateContent", "application/json", body); a.status != http.StatusBadRequest || !strings.Contains(a.body, "kept by the provider google") {
		t.Errorf("%d %s", a.status, a.body)
	}
	// What is said of it is only said.
	body = `{"contents":[{"parts":[{"text":"` + uri + `"}]}]}`
	if a := ask(t, g, otherKey, http.MethodPost, "/v1beta/models/gemini:generateContent", "application/json", body); a.status != http.StatusOK {
		t.Errorf("%d %s", a.status, a.body)
	}
}
