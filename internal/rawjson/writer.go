package rawjson

import (
	"math/bits"
	"strconv"
)

// Writer appends JSON to a buffer; it puts the commas. The zero value is ready. It does not check that calls nest.
type Writer struct {
	Buf   []byte
	comma bool // a value stands before the next one in the same container
}

func (w *Writer) sep() {
	if w.comma {
		w.Buf = append(w.Buf, ',')
	}
	w.comma = true
}

// Open begins an object ('{') or an array ('[').
func (w *Writer) Open(c byte) *Writer {
	w.sep()
	w.Buf = append(w.Buf, c)
	w.comma = false
	return w
}

// Close ends an object ('}') or an array (']').
func (w *Writer) Close(c byte) *Writer {
	w.Buf = append(w.Buf, c)
	w.comma = true
	return w
}

// Name begins a member; its value is the next call.
func (w *Writer) Name(name string) *Writer {
	w.sep()
	w.Buf = AppendString(w.Buf, name)
	w.Buf = append(w.Buf, ':')
	w.comma = false
	return w
}

// String writes a string.
func (w *Writer) String(s string) *Writer {
	w.sep()
	w.Buf = AppendString(w.Buf, s)
	return w
}

// Int writes a whole number.
func (w *Writer) Int(n int64) *Writer {
	w.sep()
	w.Buf = strconv.AppendInt(w.Buf, n, 10)
	return w
}

// Bool writes a truth value.
func (w *Writer) Bool(v bool) *Writer {
	w.sep()
	w.Buf = strconv.AppendBool(w.Buf, v)
	return w
}

// Null writes null.
func (w *Writer) Null() *Writer { return w.Raw([]byte("null")) }

// Raw writes a value as it is; nothing as null.
func (w *Writer) Raw(v []byte) *Writer {
	w.sep()
	if len(v) == 0 {
		v = []byte("null")
	}
	w.Buf = append(w.Buf, v...)
	return w
}

// Num writes a number as it was written elsewhere.
func (w *Writer) Num(n string) *Writer {
	w.sep()
	w.Buf = append(w.Buf, n...)
	return w
}

const hexDigits = "0123456789abcdef"

// AppendString appends s as a JSON string. Only what JSON demands is escaped; bytes that are not UTF-8 stay.
func AppendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	from := 0
	for i := 0; ; i++ {
		// Close behind an escape another is likely, and single bytes are cheaper.
		for stop := min(len(s), i+16); i < stop && !escaped(s[i]); i++ {
		}
		if i-from >= 16 {
			i = run(s, i)
		}
		if i == len(s) {
			break
		}
		c := s[i]
		dst = append(dst, s[from:i]...)
		from = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	dst = append(dst, s[from:]...)
	return append(dst, '"')
}

// escaped reports whether a byte cannot stand in a string as it is.
func escaped(c byte) bool { return c < 0x20 || c == '"' || c == '\\' }

// run returns where the run of plain bytes that begins at i ends.
func run(s string, i int) int {
	for len(s)-i >= 8 {
		if m := special(word(s[i : i+8])); m != 0 {
			return i + bits.TrailingZeros64(m)>>3
		}
		i += 8
	}
	for i < len(s) && !escaped(s[i]) {
		i++
	}
	return i
}

// word reads eight bytes as one number, the first lowest; the compiler makes one load of it.
func word(s string) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 | uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}
