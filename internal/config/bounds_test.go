package config

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestBounds(t *testing.T) {
	lines := func(n int, format string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	bomb := "version: 1\nx-a: &a {connect: 1s, idle: 1s}\n"
	for i := range 20 {
		bomb += fmt.Sprintf("x-%d: &%c {<<: [%s]}\n", i, 'b'+i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*%c,", 'a'+i), 9), ","))
	}
	bomb += "providers: {openai: {timeouts: *u}}\n"
	many := "version: 1\nx-t: &t {provider: openai, model: x}\nproviders: {openai: {}}\nx-l: &l [" + strings.Repeat("*t,", 1000) + "]\nmodels:\n" +
		lines(20, "  m%d: {targets: *l}\n")
	for _, c := range []struct{ name, src, want string }{
		{"size", "version: 1\n#" + strings.Repeat("x", maxSize), "more than 4 MiB"},
		{"marks", strings.Repeat("a,", maxSize/2-1), "too many members"},
		{"members", "version: 1\nkeys:\n" + lines(maxMembers+1, "  a%d: 1\n"), "more than 10000 members"},
		{"flow members", "version: 1\nx-a: {" + lines(50_000, "a%d: 1, ") + "}\nnode: 1", "expected a mapping"},
		{"list", "version: 1\nkeys:\n" + lines(30_000, "  - name: k%d\n"), "and 29900 more"},
		{"flow depth", strings.Repeat("[", 100_000), "64 deep"},
		{"flow mapping depth", strings.Repeat("{a: ", 100_000), "64 deep"},
		{"list depth", strings.Repeat("- ", 100_000) + "a", "64 deep"},
		{"question marks", strings.Repeat("? ", 100_000), "64 deep"},
		{"anchors", strings.Repeat("&a ", 100_000), "64 deep"},
		{"tags", strings.Repeat("!a ", 100_000), "64 deep"},
		{"colons", strings.Repeat(": ", 100_000), ""},
		{"aliases in merges", bomb, "aliases make more than 10000 members"},
		{"aliases in lists", many, "aliases make more than 10000 members"},
		{"zero byte", "version: 1\x00", "zero byte"},
		{"not UTF-8", "version: 1\nproviders: { a: { catalog: \"\xff\xfe\" } }", "expected a name"},
		{"control", "version: 1\nproviders: { a: { catalog: \"a\x1b[31m\" } }", "expected a name"},
		{"long name", "version: 1\nproviders: { a: { catalog: " + strings.Repeat("a", 300) + " } }", "at most 256 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var err error
			took := spent(func() { _, err = Parse("weir.yaml", []byte(c.src), world()) })
			if c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("want %q, got %.300v", c.want, err)
			}
			if strings.Contains(fmt.Sprint(err), "\x1b") {
				t.Error("the message holds a control character")
			}
			if took > 8*time.Second {
				t.Errorf("took %v", took)
			}
			t.Logf("%d bytes: %v", len(c.src), took)
		})
	}
}

// spent is how long f takes where nothing else wants the machine: by the clock or, where that had to wait for others, by
// the processor.
func spent(f func()) time.Duration {
	processor := func() time.Duration {
		var u syscall.Rusage
		_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // only fails on a wrong argument
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	began, worked := time.Now(), processor()
	f()
	return min(time.Since(began), processor()-worked)
}

// A large but honest document is read in well under a second on one core.
func TestLargeDocument(t *testing.T) {
	var b strings.Builder
	b.WriteString("version: 1\nproviders: { openai: {} }\nmodels:\n")
	for i := range 2000 {
		fmt.Fprintf(&b, "  m%d:\n    targets:\n      - { provider: openai, model: gpt-%d }\n    max_output: 4096\n", i, i)
	}
	b.WriteString("keys:\n")
	for i := range 10_000 {
		fmt.Fprintf(&b, "  - { name: k%d, key: wr-0123456789abcdef%d, models: [m1, openai/*] }\n", i, i)
	}
	began := time.Now()
	d := parse(t, b.String(), world())
	t.Logf("%d bytes: %v", b.Len(), time.Since(began))
	if len(d.Keys) != 10_000 || len(d.Models) != 2000 || d.Models[1999].Targets[0].Model != "gpt-1999" {
		t.Errorf("%d keys, %d models", len(d.Keys), len(d.Models))
	}
}

// A document of one long line that is full of problems costs its length once, not once a problem.
func TestLongLine(t *testing.T) {
	src := "version: 1\nkeys: [{ name: a, key: wr-0123456789abcdef, models: [" + strings.Repeat("{a: b}, ", 30_000) + "x] }]\n"
	var err error
	took := spent(func() { _, err = Parse("weir.yaml", []byte(src), world()) })
	var all *Errors
	if !errors.As(err, &all) || len(all.All) < 50 || !strings.Contains(all.All[49].Excerpt, "{a: b}") {
		t.Fatalf("%.500v", err)
	}
	if took > 4*time.Second {
		t.Errorf("%d bytes with %d problems took %v", len(src), len(all.All)+all.More, took)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(full)
	f.Add("version: 1\nlisten: ${A:-x}\n")
	f.Add("version: 1\nx-a: &a {b: 1}\nnode: {<<: [*a, *a]}\n")
	f.Add("{version: 1, keys: [{name: a, key: \"${KEY}\"}]}")
	f.Add("version: |\n  1\nkeys:\n- ? a\n  : b\n")
	f.Fuzz(func(t *testing.T, src string) {
		if len(src) > 1<<14 {
			return
		}
		var d *Document
		var err error
		if took := spent(func() { d, err = Parse("weir.yaml", []byte(src), world()) }); took > 5*time.Second {
			t.Fatalf("%d bytes took %v", len(src), took)
		}
		if (d == nil) == (err == nil) {
			t.Fatalf("document %v, error %v", d, err)
		}
		if err != nil {
			var all *Errors
			if !errors.As(err, &all) {
				t.Fatalf("%T", err)
			}
			for _, e := range all.All {
				if e.Message == "" || e.Line < 0 || e.Column < 0 {
					t.Fatalf("%#v", e)
				}
			}
			return
		}
		var out strings.Builder
		if err := d.Print(&out); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(out.String(), `"***"`) {
			return // a secret that stood in the text
		}
		again, err := Parse("weir.yaml", []byte(out.String()), world())
		if err != nil {
			t.Fatalf("what Print wrote is not valid: %v\n%s", err, out.String())
		}
		var twice strings.Builder
		if err := again.Print(&twice); err != nil || twice.String() != out.String() {
			t.Fatalf("printed again it differs:\n%s\n%s", out.String(), twice.String())
		}
	})
}
