package frame

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"unicode/utf8"
)

// ErrCorrupt is the error of an AWS event-stream whose lengths or checksums do not hold.
var ErrCorrupt = errors.New("the event-stream is corrupt")

const (
	awsPrelude  = 12 // total length, length of the headers, checksum of both
	awsChecksum = 4
	awsText     = 7 // type of a header's value: a string
	awsLeast    = awsPrelude + awsChecksum
)

// AWS cuts messages of application/vnd.amazon.eventstream: lengths, headers, a payload and two checksums, which are
// verified. Event is the value of the header :event-type or, of an exception, :exception-type (or :error-code); such a
// frame has Failed set. Data is the payload, not nil even where it is empty; of an error that has none it is what the
// header :error-message says, which is no JSON. What SSE says of buf, max and ownership
// holds here too; a message that does not hold ends the stream with ErrCorrupt, one cut short at a clean end is a Tail
// without Data.
//
// Specification: https://smithy.io/2.0/aws/amazon-eventstream.html
func AWS(r io.Reader, buf []byte, max int) Seq {
	if len(buf) < minBuffer {
		buf = make([]byte, minBuffer)
	}
	return func(yield func(Frame, error) bool) {
		a := &aws{}
		c := &cutter{cut: a.cut, parse: func([]byte) (string, []byte) { return "", nil }, r: r, buf: buf, max: max}
		c.frames(func(f Frame, err error) bool {
			if err != nil || f.Tail {
				return yield(f, err)
			}
			if err := a.read(&f); err != nil {
				yield(Frame{}, err)
				return false
			}
			return yield(f, nil)
		})
	}
}

type aws struct{ names names }

func (*aws) cut(b []byte, _ bool) int {
	if len(b) < awsPrelude {
		return 0
	}
	n := int64(binary.BigEndian.Uint32(b))
	if n < awsLeast || crc32.ChecksumIEEE(b[:8]) != binary.BigEndian.Uint32(b[8:]) {
		return awsPrelude // read says what is wrong
	}
	if n > int64(len(b)) {
		return 0
	}
	return int(n)
}

// read takes a message apart.
func (a *aws) read(f *Frame) error {
	b := f.Raw
	if len(b) < awsLeast {
		return ErrCorrupt
	}
	end := len(b) - awsChecksum
	head := int64(binary.BigEndian.Uint32(b[4:]))
	if awsPrelude+head > int64(end) || crc32.ChecksumIEEE(b[:end]) != binary.BigEndian.Uint32(b[end:]) {
		return ErrCorrupt
	}
	headers := b[awsPrelude : awsPrelude+head]
	f.Data = b[awsPrelude+head : end : end]
	for len(headers) > 0 {
		name, value, rest, ok := awsHeader(headers)
		if !ok {
			return ErrCorrupt
		}
		headers = rest
		if value == nil { // only strings say what a message is
			continue
		}
		switch string(name) {
		case ":event-type":
			f.Event = a.names.get(value)
		case ":exception-type", ":error-code":
			f.Event, f.Failed = a.names.get(value), true
		case ":message-type":
			f.Failed = f.Failed || string(value) != "event"
		case ":error-message":
			if len(f.Data) == 0 && len(value) > 0 {
				f.Data = value
			}
		}
	}
	return nil
}

// awsHeader reads the first header; value is nil for one that is no string.
func awsHeader(b []byte) (name, value, rest []byte, ok bool) {
	n := int(b[0])
	if len(b) < 1+n+1 {
		return nil, nil, nil, false
	}
	name, kind, b := b[1:1+n], b[1+n], b[2+n:]
	size := 0
	switch kind {
	case 0, 1: // true, false
	case 2:
		size = 1
	case 3:
		size = 2
	case 4:
		size = 4
	case 5, 8:
		size = 8
	case 9:
		size = 16
	case 6, awsText:
		if len(b) < 2 {
			return nil, nil, nil, false
		}
		size = int(binary.BigEndian.Uint16(b))
		b = b[2:]
	default:
		return nil, nil, nil, false
	}
	if len(b) < size {
		return nil, nil, nil, false
	}
	if kind == awsText {
		value = b[:size]
	}
	return name, value, b[size:], true
}

// AppendAWS appends a message of an event-stream: an event, or, where failed, an exception of that type. The payload is
// JSON.
func AppendAWS(dst []byte, event string, failed bool, payload []byte) []byte {
	start := len(dst)
	dst = append(dst, make([]byte, awsPrelude)...)
	kind, what := ":event-type", "event"
	if failed {
		kind, what = ":exception-type", "exception"
	}
	dst = appendAWSHeader(dst, kind, event)
	dst = appendAWSHeader(dst, ":content-type", "application/json")
	dst = appendAWSHeader(dst, ":message-type", what)
	return closeAWS(dst, start, payload)
}

// AppendAWSError appends a message of an event-stream that tells of an error the stream has no exception for. Its code
// and message, of at most 8 KiB, stand in headers, and it has no payload.
func AppendAWSError(dst []byte, code, message string) []byte {
	const most = 8 << 10
	for len(message) > most {
		_, size := utf8.DecodeLastRuneInString(message[:most+1])
		message = message[:most+1-size]
	}
	start := len(dst)
	dst = append(dst, make([]byte, awsPrelude)...)
	dst = appendAWSHeader(dst, ":error-code", code)
	dst = appendAWSHeader(dst, ":error-message", message)
	dst = appendAWSHeader(dst, ":message-type", "error")
	return closeAWS(dst, start, nil)
}

// closeAWS ends the message that began at start and whose headers are written.
func closeAWS(dst []byte, start int, payload []byte) []byte {
	head := len(dst) - start - awsPrelude
	dst = append(dst, payload...)
	m := dst[start:]
	binary.BigEndian.PutUint32(m, uint32(len(m)+awsChecksum))
	binary.BigEndian.PutUint32(m[4:], uint32(head))
	binary.BigEndian.PutUint32(m[8:], crc32.ChecksumIEEE(m[:8]))
	return binary.BigEndian.AppendUint32(dst, crc32.ChecksumIEEE(m))
}

func appendAWSHeader(dst []byte, name, value string) []byte {
	dst = append(dst, byte(len(name)))
	dst = append(dst, name...)
	dst = append(dst, awsText)
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(value)))
	return append(dst, value...)
}
