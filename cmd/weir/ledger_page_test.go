package main

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestLedgerPage: what the page on the ledger shows is what the commands say.
func TestLedgerPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/ledger.md")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Mkdir(dir+"/weir-data", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := book(t.Context(), dir+"/weir-data/weir.db", []string{"october"}); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"weir.yaml": `version: 1
providers:
  openai: { api_key: "${NOT_SET_HERE}" }
budgets:
  shop-month: { amount: $500, every: month, zone: Europe/Berlin, whole: true }
`,
		"contract.txt": "prices 1\n[openai]\n source contract 2026-10-01\ngpt-4.1-nano\n input 0.05 cached 0.025 output 0.2\n",
		"costs.csv": `start_time,end_time,start_time_iso,end_time_iso,amount_value,amount_currency,line_item,project_id
1791158400,1791244800,2026-10-05T00:00:00+00:00,2026-10-06T00:00:00+00:00,0.00100,usd,"gpt-4.1-nano-2025-04-14, input",p
1791158400,1791244800,2026-10-05T00:00:00+00:00,2026-10-06T00:00:00+00:00,0.00071,usd,"gpt-4.1-nano-2025-04-14, output",p
1791244800,1791331200,2026-10-06T00:00:00+00:00,2026-10-07T00:00:00+00:00,25.5,usd,"gpt-5-2025-08-07, output",p
`,
	} {
		if err := os.WriteFile(dir+"/"+name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// What depends on the day it is.
	moving := regexp.MustCompile(`closed \d{4}-\d\d-\d\d \d\d:\d\d UTC|\d{4}-\d\d-01 00:00 CES?T`)
	shown := 0
	for block := range strings.SplitSeq(string(page), "\n\n    $ weir ") {
		command, rest, ok := strings.Cut(block, "\n")
		if shown++; !ok || shown == 1 { // what is before the first of them
			continue
		}
		var want strings.Builder
		for line := range strings.Lines(rest) {
			if !strings.HasPrefix(line, "    ") && line != "\n" {
				break
			}
			want.WriteString(strings.TrimPrefix(line, "    "))
		}
		run := exec.CommandContext(t.Context(), os.Args[0], strings.Fields(command)...)
		run.Dir, run.Env = dir, append(os.Environ(), "WEIR_TEST_RUN=1")
		got, err := run.CombinedOutput()
		if err != nil {
			t.Errorf("weir %s: %v", command, err)
		}
		clean := func(s string) string { return moving.ReplaceAllString(strings.TrimSpace(s), "WHEN") }
		if diff := cmp.Diff(clean(want.String()), clean(string(got))); diff != "" {
			t.Errorf("weir %s (-page +command):\n%s", command, diff)
		}
	}
	if shown < 9 {
		t.Errorf("%d commands are shown: is the page still read?", shown-1)
	}
}
