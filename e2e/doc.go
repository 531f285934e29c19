// Package e2e runs the official SDKs against the real binary in front of the simulated provider.
//
// The Go test is the stage: it starts simulated providers in its own process, one for each dialect it is spoken to in, and
// bin/weir with a document that names them all, and then runs the suites of the SDKs in their own languages (node/,
// python/) as child processes. The suites learn the addresses from environment variables and, through a small control
// server, what the providers saw. `make e2e` builds the binary, installs the SDKs and runs all of it.
package e2e
