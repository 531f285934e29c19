package thread

import "testing"

// Main runs this process as a child that a test has started, if it is one, and the tests otherwise.
func Main(_ *testing.M, tests func()) {
	tests()
}
