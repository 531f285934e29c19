package thing

import (
	"encoding/binary"

	"weir/internal/gateway"
)

// What a thing has and a turn has no place for is written as texts, each with its length before it.

// restVersion is the first byte of it.
const restVersion = 1

func appendRest(b []byte, t *gateway.Thing) []byte {
	settled := byte(0)
	if t.Settled {
		settled = 1
	}
	b = append(b, restVersion, settled)
	b = binary.AppendUvarint(b, uint64(max(t.Lines, 0)))
	for _, s := range [...]string{t.Native, t.Purpose, t.Parent, t.Path} {
		b = appendText(b, s)
	}
	for _, r := range t.Asked {
		b = appendText(appendText(b, r.Asked), r.Target)
	}
	return b
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// readRest reads what appendRest wrote and reports whether it was that.
func readRest(b []byte, t *gateway.Thing) bool {
	if len(b) < 2 || b[0] != restVersion {
		return false
	}
	t.Settled = b[1] == 1
	r := reader{rest: b[2:]}
	t.Lines = int(r.number())
	t.Native, t.Purpose, t.Parent, t.Path = r.text(), r.text(), r.text(), r.text()
	for len(r.rest) > 0 && !r.broken {
		t.Asked = append(t.Asked, gateway.Renamed{Asked: r.text(), Target: r.text()})
	}
	return !r.broken
}

// reader takes values off a text; once it meets something broken it yields zero values.
type reader struct {
	rest   []byte
	broken bool
}

func (r *reader) number() uint64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 || v > 1<<40 {
		r.broken, r.rest = true, nil
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *reader) text() string {
	n := r.number()
	if n > uint64(len(r.rest)) {
		r.broken, r.rest = true, nil
		return ""
	}
	s := string(r.rest[:n])
	r.rest = r.rest[n:]
	return s
}
