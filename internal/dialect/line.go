package dialect

import "bytes"

// OneLine makes the line breaks of JSON spaces. They stand between the tokens of raw values only, and would end a line of
// data too early.
func OneLine(json []byte) {
	for _, brk := range [...]byte{'\n', '\r'} {
		for i := bytes.IndexByte(json, brk); i >= 0; i = next(json, i, brk) {
			json[i] = ' '
		}
	}
}

// next is the place of the next c after i, -1 where there is none.
func next(b []byte, i int, c byte) int {
	n := bytes.IndexByte(b[i+1:], c)
	if n < 0 {
		return -1
	}
	return i + 1 + n
}
