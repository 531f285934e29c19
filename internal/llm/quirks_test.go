package llm

import (
	"regexp"
	"strings"
	"testing"
)

// The table and the constants are the same list, and each quirk is told in one sentence that names who has it.
func TestQuirkTable(t *testing.T) {
	sentence := regexp.MustCompile(`^[A-Za-z][^\n]* \([^()]+\)\.$`)
	var all Quirk
	var names []string
	for i, row := range QuirkTable {
		if row.Quirk != 1<<i {
			t.Errorf("%s is not in its place", row.Name)
		}
		if !sentence.MatchString(row.Doc) {
			t.Errorf("%s: %q", row.Name, row.Doc)
		}
		all |= row.Quirk
		names = append(names, row.Name)
	}
	if PlainAudio != 1<<(len(QuirkTable)-1) {
		t.Error("the last constant is not the table's last row")
	}
	got, err := ParseQuirks(names)
	if err != nil || got != all || got.String() != strings.Join(names, " ") {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := ParseQuirks([]string{"nine_ids", "ten_ids"}); err == nil || !strings.Contains(err.Error(), "ten_ids") {
		t.Errorf("an unknown name: %v", err)
	}
	if q, err := ParseQuirks([]string{"cautious", "nine_ids"}); err != nil || q != Cautious|NineIDs {
		t.Errorf("%v, %v", q, err)
	}
	if Cautious.MaxName() != "max_tokens" || NineIDs.MaxName() != "" || !ReasoningItems.TakesReasoning() || Cautious.TakesReasoning() {
		t.Error("what sets say of themselves")
	}
}
