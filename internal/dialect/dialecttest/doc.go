// Package dialecttest holds what every dialect must pass: nothing is lost in silence, nothing is declared lost that
// arrived, streams keep the grammar, and a dialect reads what it wrote.
//
// A canonical value is flattened into facts (facts.go, answer.go): one for every text, call, seal, parameter or count,
// with the path the client knows it by. Diff takes the facts of what was sent from those of what arrived; what is
// missing must lie under a declared loss, and every declared loss must cover something missing (check.go). What counts
// as the same although it is written otherwise stands in one table with its reasons (tolerances.go).
//
// Run (suite.go) is the conformance suite of one dialect; Features (features.go) are canonical requests and answers, one
// for each feature, that any dialect must carry or declare lost.
//
// The package is imported by tests only. Everything here is safe for concurrent use.
package dialecttest
