package prepare

import "encoding/base64"

// unbase64 decodes as far as it goes.
func unbase64(s string) []byte {
	raw, _ := base64.StdEncoding.DecodeString(s[:len(s)/4*4])
	return raw
}
