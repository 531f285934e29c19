package sim

import (
	"encoding/binary"
	"hash/crc32"
)

// awsHeader is a header of a message in AWS's event-stream encoding; all that are sent here are texts.
type awsHeader struct{ name, value string }

// awsFrame writes a message in AWS's event-stream encoding: its length, the length of its headers, a checksum of both,
// the headers, the payload, and a checksum of all that.
func awsFrame(headers []awsHeader, payload []byte) []byte {
	const (
		prelude  = 8
		checksum = 4
		text     = 7 // the type of a header's value
	)
	var head []byte
	for _, h := range headers {
		head = append(append(head, byte(len(h.name))), h.name...)
		head = binary.BigEndian.AppendUint16(append(head, text), uint16(len(h.value)))
		head = append(head, h.value...)
	}
	total := prelude + checksum + len(head) + len(payload) + checksum
	out := make([]byte, 0, total)
	out = binary.BigEndian.AppendUint32(out, uint32(total))
	out = binary.BigEndian.AppendUint32(out, uint32(len(head)))
	out = binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out))
	out = append(append(out, head...), payload...)
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out))
}

// awsEvent frames an event, awsException an error within a stream.
func awsEvent(name string, payload []byte) []byte {
	return awsFrame([]awsHeader{{":event-type", name}, {":content-type", "application/json"}, {":message-type", "event"}}, payload)
}

func awsException(name string, payload []byte) []byte {
	return awsFrame([]awsHeader{{":exception-type", name}, {":content-type", "application/json"}, {":message-type", "exception"}}, payload)
}
