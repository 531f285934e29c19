package compile

import (
	"strings"
	"testing"

	"weir/internal/llm"
)

// TestFiles compiles which files calls may name, and where a provider's files have their addresses.
func TestFiles(t *testing.T) {
	s, err := snapshot(t, `version: 1
providers:
  openai: { api_key: k }
  anthropic: { api_key: k, files: any }
  gemini: { api_key: k }
  proxied: { base_url: "https://Google.Example:8443/gemini", speaks: [gemini] }
  plain: { base_url: "https://x.example/v1", speaks: [openai-chat], files: own }
  vertex: { base_url: "https://europe-west4-aiplatform.googleapis.com", speaks: [gemini], auth: google, region: europe-west4, project: p }
defaults: { gemini-files: proxied }
`)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]struct {
		own  bool
		host string
	}{
		"openai": {true, ""}, "anthropic": {false, ""}, "gemini": {true, "generativelanguage.googleapis.com"},
		"proxied": {true, "google.example"}, "plain": {false, ""}, "vertex": {false, ""},
	} {
		if p := s.Places[name]; p.OwnFiles != want.own || p.FilesHost != want.host {
			t.Errorf("%s: %v %q", name, p.OwnFiles, p.FilesHost)
		}
	}
	if got := s.Defaults[llm.GeminiFiles]; got != "proxied" {
		t.Errorf("files of Gemini go to %q", got)
	}
	if speaks := s.Places["vertex"].Provider.Speaks(llm.OpFile); len(speaks) != 0 {
		t.Errorf("Vertex AI speaks %v", speaks)
	}
	for document, want := range map[string]string{
		`providers: { x: { base_url: "https://aiplatform.googleapis.com", speaks: [gemini-generate, gemini-files], auth: google, region: global, project: p } }`: "Vertex AI keeps no files",
		`{ providers: { openai: { api_key: k } }, defaults: { gemini-files: openai } }`:                                                                          "does not speak gemini-files",
	} {
		text := "version: 1\n" + document + "\n"
		if strings.HasPrefix(document, "{") {
			text = "{ version: 1, " + document[1:] + "\n"
		}
		if _, err := snapshot(t, text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", document, err)
		}
	}
}
