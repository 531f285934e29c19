package seal

import (
	"encoding/binary"
	"maps"
	"slices"

	"weir/internal/llm"
)

// Parts are written one after the other: kind and flags in a byte each, then strings and the members of Extra, each with
// its length before it. Nothing but this process reads them, so there is no version.

const flagSummary = 1

func marshal(parts []llm.Part) []byte {
	size := 0
	for i := range parts {
		p := &parts[i]
		size += 32 + len(p.Text) + len(p.ID) + len(p.Seal.By) + len(p.Seal.Form) + len(p.Seal.Data)
		for name, raw := range p.Extra {
			size += 8 + len(name) + len(raw)
		}
	}
	b := make([]byte, 0, size)
	for i := range parts {
		p := &parts[i]
		var flags byte
		if p.Summary {
			flags |= flagSummary
		}
		b = append(b, byte(p.Kind), flags)
		for _, s := range [...]string{p.Text, p.ID, p.Seal.By, p.Seal.Form, p.Seal.Data} {
			b = appendText(b, s)
		}
		b = binary.AppendUvarint(b, uint64(len(p.Extra)))
		for _, name := range slices.Sorted(maps.Keys(p.Extra)) {
			b = appendText(b, name)
			b = appendText(b, string(p.Extra[name]))
		}
	}
	return b
}

func appendText(b []byte, s string) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

// unmarshal reads what marshal wrote; of anything else nil, never a part of it.
func unmarshal(b []byte) []llm.Part {
	var parts []llm.Part
	r := reader{rest: b}
	for len(r.rest) > 0 && !r.broken {
		p := llm.Part{Kind: llm.PartKind(r.byte()), Summary: r.byte()&flagSummary != 0}
		for _, s := range [...]*string{&p.Text, &p.ID, &p.Seal.By, &p.Seal.Form, &p.Seal.Data} {
			*s = r.text()
		}
		for n := r.uvarint(); n > 0 && !r.broken; n-- {
			if p.Extra == nil {
				p.Extra = llm.Extra{}
			}
			name := r.text()
			p.Extra[name] = []byte(r.text())
		}
		parts = append(parts, p)
	}
	if r.broken {
		return nil
	}
	return parts
}

// reader takes values off a text; once it meets something broken it yields zero values.
type reader struct {
	rest   []byte
	broken bool
}

func (r *reader) byte() byte {
	if len(r.rest) == 0 {
		r.broken = true
		return 0
	}
	c := r.rest[0]
	r.rest = r.rest[1:]
	return c
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 {
		r.broken = true
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *reader) text() string {
	n := r.uvarint()
	if n > uint64(len(r.rest)) {
		r.broken = true
		return ""
	}
	s := string(r.rest[:n])
	r.rest = r.rest[n:]
	return s
}
