// Package hygiene holds the house rules that a test can hold: which package may import which, that every package says
// what it is, how long a file may be, which modules the binary is made of and how big it is, which words we avoid.
//
// It has tests only. Each rule is a table at the top of its file and a function over a file system, so that the rule can
// be tried on a planted violation; a rule never seen to fail is not a rule. The tests read source files themselves
// rather than ask the go command about them: its answer would not be among what a cached test result depends on. Rules
// about the built binary are left out under the race detector, which `make test` provides for.
package hygiene
