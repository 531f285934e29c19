package rawjson

import (
	"encoding/binary"
	"math/bits"
)

// Skip validates the value that starts at i and returns the offset after it; the error is a *SyntaxError. It does not
// recurse, and does not allocate unless it fails.
func Skip(b []byte, i int) (int, error) { return SkipIn(b, i, 0) }

// SkipIn is Skip for a value that stands within so many arrays and objects; they count towards MaxDepth.
func SkipIn(b []byte, i, within int) (int, error) {
	var object [MaxDepth/64 + 1]uint64 // bit d: the container at depth d is an object
	depth := 0
	for {
		// A value starts at i.
		if i >= len(b) {
			return i, &SyntaxError{i, "a value is missing"}
		}
		var err error
		switch c := b[i]; {
		case c == '{' || c == '[':
			if depth+within >= MaxDepth {
				return i, &SyntaxError{i, "nested too deeply"}
			}
			i = Space(b, i+1)
			if i < len(b) && b[i] == c+2 { // } is { + 2, ] is [ + 2
				i++
				break
			}
			if c == '{' {
				object[depth>>6] |= 1 << (depth & 63)
				if i, err = skipName(b, i); err != nil {
					return i, err
				}
			} else {
				object[depth>>6] &^= 1 << (depth & 63)
			}
			depth++
			continue
		case c == '"':
			if i, err = SkipString(b, i); err != nil {
				return i, err
			}
		case c == '-' || c >= '0' && c <= '9':
			if i, err = skipNumber(b, i); err != nil {
				return i, err
			}
		case c == 't':
			i, err = skipWord(b, i, "true")
		case c == 'f':
			i, err = skipWord(b, i, "false")
		case c == 'n':
			i, err = skipWord(b, i, "null")
		default:
			err = &SyntaxError{i, "a value cannot start here"}
		}
		if err != nil {
			return i, err
		}
		// A value ended before i: close what ends with it.
		for {
			if depth == 0 {
				return i, nil
			}
			i = Space(b, i)
			if i >= len(b) {
				return i, &SyntaxError{i, "the text ends inside an object or array"}
			}
			inObject := object[(depth-1)>>6]>>((depth-1)&63)&1 == 1
			if b[i] == ',' {
				i = Space(b, i+1)
				if inObject {
					if i, err = skipName(b, i); err != nil {
						return i, err
					}
				}
				break
			}
			if inObject && b[i] != '}' || !inObject && b[i] != ']' {
				return i, &SyntaxError{i, "a comma or the end of the object or array is missing"}
			}
			depth--
			i++
		}
	}
}

// skipName passes over a member's name and colon and the space after it.
func skipName(b []byte, i int) (int, error) {
	if i >= len(b) || b[i] != '"' {
		return i, &SyntaxError{i, "a member's name is missing"}
	}
	i, err := SkipString(b, i)
	if err != nil {
		return i, err
	}
	i = Space(b, i)
	if i >= len(b) || b[i] != ':' {
		return i, &SyntaxError{i, "a colon is missing"}
	}
	return Space(b, i+1), nil
}

func skipWord(b []byte, i int, word string) (int, error) {
	if len(b)-i < len(word) || string(b[i:i+len(word)]) != word {
		return i, &SyntaxError{i, "a value cannot start here"}
	}
	return i + len(word), nil
}

func skipNumber(b []byte, i int) (int, error) {
	start := i
	if b[i] == '-' {
		i++
	}
	digits := func() bool {
		from := i
		for i < len(b) && b[i] >= '0' && b[i] <= '9' {
			i++
		}
		return i > from
	}
	if i < len(b) && b[i] == '0' {
		i++
	} else if !digits() {
		return start, &SyntaxError{start, "a number has no digits"}
	}
	if i < len(b) && b[i] == '.' {
		i++
		if !digits() {
			return i, &SyntaxError{i, "a number has no digits after the point"}
		}
	}
	if i < len(b) && (b[i] == 'e' || b[i] == 'E') {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		if !digits() {
			return i, &SyntaxError{i, "a number has no digits in its exponent"}
		}
	}
	return i, nil
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// special marks, in the high bit of each byte, the bytes of w that end a plain run of a string: a quote, a backslash or
// a control character. A false mark can only stand above a true one, so the lowest is right.
func special(w uint64) uint64 {
	// With bit 1 flipped, the quote (0x22) lies next to the control characters, and space and ! do not.
	low := (w ^ ones*2) - ones*0x21
	slash := (w ^ ones*'\\') - ones
	return (low | slash) &^ w & highs
}

// SkipString validates the string whose opening quote is at i and returns the offset after its closing quote. Escapes
// are checked; bytes that are not UTF-8 are let pass, as every reader in the field does.
func SkipString(b []byte, i int) (int, error) {
	start := i
	i++
	for {
		for len(b)-i >= 32 {
			w := b[i : i+32 : i+32]
			if m := special(binary.LittleEndian.Uint64(w)); m != 0 {
				i += bits.TrailingZeros64(m) >> 3
				goto found
			}
			if m := special(binary.LittleEndian.Uint64(w[8:])); m != 0 {
				i += 8 + bits.TrailingZeros64(m)>>3
				goto found
			}
			if m := special(binary.LittleEndian.Uint64(w[16:])); m != 0 {
				i += 16 + bits.TrailingZeros64(m)>>3
				goto found
			}
			if m := special(binary.LittleEndian.Uint64(w[24:])); m != 0 {
				i += 24 + bits.TrailingZeros64(m)>>3
				goto found
			}
			i += 32
		}
		for len(b)-i >= 8 {
			if m := special(binary.LittleEndian.Uint64(b[i:])); m != 0 {
				i += bits.TrailingZeros64(m) >> 3
				goto found
			}
			i += 8
		}
		for i < len(b) && b[i] != '"' && b[i] != '\\' && b[i] >= 0x20 {
			i++
		}
		if i >= len(b) {
			return i, &SyntaxError{start, "a string does not end"}
		}
	found:
		switch {
		case b[i] == '"':
			return i + 1, nil
		case b[i] < 0x20:
			return i, &SyntaxError{i, "a control character in a string"}
		}
		if i+1 >= len(b) {
			return i, &SyntaxError{start, "a string does not end"}
		}
		switch b[i+1] {
		case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
			i += 2
		case 'u':
			if len(b)-i < 6 || !hex4(b[i+2:i+6]) {
				return i, &SyntaxError{i, "a broken \\u escape"}
			}
			i += 6
		default:
			return i, &SyntaxError{i, "an unknown escape"}
		}
	}
}

func hex4(b []byte) bool {
	for _, c := range b {
		if !(c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'f') {
			return false
		}
	}
	return true
}
