package converse

// For the tests outside the package.
var (
	WellFormed = wellFormed
	Streamed   = streamed
)
