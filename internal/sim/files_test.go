package sim

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestFileStore has the store stay within its bounds and give no id twice.
func TestFileStore(t *testing.T) {
	var s fileStore
	seen := map[string]bool{}
	for i := range 2 * maxFiles {
		f := s.put(chatFile, 1, filed{name: fmt.Sprint(i), data: []byte("x")})
		if seen[f.id] || !strings.HasPrefix(f.id, chatFile) {
			t.Fatalf("the id %s", f.id)
		}
		seen[f.id] = true
	}
	if all := s.list(chatFile); len(all) != maxFiles || all[0].name != fmt.Sprint(2*maxFiles-1) || s.size != maxFiles {
		t.Errorf("%d files of %d bytes", len(all), s.size)
	}
	s.put(chatFile, 1, filed{data: make([]byte, maxFilesSize)})
	if all := s.list(""); len(all) != 1 {
		t.Errorf("%d files beside a large one", len(all))
	}
	s.drop(s.list("")[0].id)
	if s.size != 0 || len(s.list("")) != 0 {
		t.Errorf("%d bytes are left", s.size)
	}
}

// TestNamesFiles has a question that names a file be answered when there is one only.
func TestNamesFiles(t *testing.T) {
	p := &Provider{Pace: -1}
	id := p.files.put(chatFile, 0, filed{name: "a.pdf", data: []byte("data")}).id
	for path, body := range map[string]string{
		"/v1/chat/completions": `{"model":"sim-1","messages":[{"role":"user","content":[{"type":"file","file":{"file_id":"@"}}]}]}`,
		"/v1/responses":        `{"model":"sim-1","input":[{"role":"user","content":[{"type":"input_file","file_id":"@"}]}]}`,
	} {
		for name, want := range map[string]int{id: http.StatusOK, id + "x": http.StatusNotFound, "file_01x": http.StatusNotFound} {
			w := httptest.NewRecorder()
			r := httptest.NewRequest(http.MethodPost, path, bytes.NewBufferString(strings.Replace(body, "@", name, 1)))
			r.Header.Set("Content-Type", "application/json")
			if p.ServeHTTP(w, r); w.Code != want {
				t.Errorf("%s %s: %d %s", path, name, w.Code, w.Body)
			}
		}
	}
}
