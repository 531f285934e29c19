package nearest

import (
	"strings"
	"testing"
)

func TestWord(t *testing.T) {
	known := []string{"providers", "models", "keys", "chat"}
	for word, want := range map[string]string{
		"provider": "providers", "Models": "models", "modles": "models", "chta": "chat", "kesy": "keys", "limits": "", "": "",
		strings.Repeat("keys", 20): "",
	} {
		if got := Word(word, known); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
}
