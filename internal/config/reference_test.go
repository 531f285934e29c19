package config

import "testing"

func TestReference(t *testing.T) {
	golden(t, "../../docs/configuration.md", []byte(Reference()))
}
