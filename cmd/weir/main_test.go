package main

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	if os.Getenv("WEIR_TEST_RUN") != "" { // a test runs the command in a process of its own
		os.Exit(run(os.Args[1:]))
	}
	testscript.Main(m, map[string]func(){"weir": func() { os.Exit(run(os.Args[1:])) }, "booked": booking})
}

// TestScript runs the command line as people do; see testdata/script.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata/script", Setup: func(e *testscript.Env) error {
		e.Setenv("HOME", e.WorkDir)
		return nil
	}})
}
