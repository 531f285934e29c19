package dialecttest_test

import (
	"fmt"
	"testing"

	"weir/internal/dialect"
	"weir/internal/dialect/anthropic"
	"weir/internal/dialect/cohere"
	"weir/internal/dialect/converse"
	"weir/internal/dialect/dialecttest"
	"weir/internal/dialect/gemini"
	"weir/internal/dialect/ollama"
	"weir/internal/dialect/openaichat"
	"weir/internal/dialect/openaicompletions"
	"weir/internal/dialect/openairesponses"
)

// dialects are the two that recordings are carried between here; each other dialect's package carries them between itself
// and these, and package replay between all of them, through the gateway.
var dialects = []dialect.Dialect{openaichat.New(), anthropic.New()}

// conversing are all that have a codec for conversations.
var conversing = append(dialects[:2:2], openairesponses.New(), gemini.New(), converse.New(), cohere.New(), ollama.New(), openaicompletions.New())

// TestRecordedIdentity decodes every recording, encodes it for its own dialect and decodes it again.
func TestRecordedIdentity(t *testing.T) {
	for _, d := range dialects {
		t.Run(string(d.Name()), func(t *testing.T) { dialecttest.RecordedIdentity(t, d) })
	}
}

// TestRecordedTranslation carries every recording into every other dialect. Its -v output is the table of what comes
// through.
func TestRecordedTranslation(t *testing.T) {
	var table dialecttest.Rows
	for _, from := range dialects {
		for _, to := range dialects {
			if from.Name() == to.Name() {
				continue
			}
			t.Run(fmt.Sprintf("%s to %s", from.Name(), to.Name()), func(t *testing.T) {
				table = append(table, dialecttest.RecordedTranslation(t, from, to)...)
			})
		}
	}
	t.Logf("what comes through:\n%s", dialecttest.Table(table))
}
