package openairesponses_test

import (
	"fmt"
	"testing"

	"weir/internal/dialect"
	"weir/internal/dialect/anthropic"
	"weir/internal/dialect/dialecttest"
	"weir/internal/dialect/openaichat"
	"weir/internal/dialect/openairesponses"
)

func TestRecordedIdentity(t *testing.T) {
	dialecttest.RecordedIdentity(t, openairesponses.New())
}

// TestRecordedTranslation carries recordings over from and to the other dialects; its -v output is the table of what
// comes through.
func TestRecordedTranslation(t *testing.T) {
	own := openairesponses.New()
	var table dialecttest.Rows
	for _, other := range []dialect.Dialect{openaichat.New(), anthropic.New()} {
		for _, way := range [][2]dialect.Dialect{{own, other}, {other, own}} {
			t.Run(fmt.Sprintf("%s to %s", way[0].Name(), way[1].Name()), func(t *testing.T) {
				table = append(table, dialecttest.RecordedTranslation(t, way[0], way[1])...)
			})
		}
	}
	t.Logf("what comes through:\n%s", dialecttest.Table(table))
}
