package dialecttest_test

import (
	"fmt"
	"testing"

	"weir/internal/dialect"
	"weir/internal/dialect/anthropic"
	"weir/internal/dialect/dialecttest"
	"weir/internal/dialect/openaichat"
)

var dialects = []dialect.Dialect{openaichat.New(), anthropic.New()}

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
