package engine

import (
	"weir/internal/fault"
	"weir/internal/gateway"
)

// refers looks for files that a message of a session names, as in the body of any other call: the provider gets its own ids,
// and what is not the key's is refused.
func (s *session) refers(message []byte) ([]byte, error) {
	c, target := s.c, s.t.a.Target
	refs, err := c.e.references(c.x.Grant.Key, message)
	if err != nil {
		return nil, err
	}
	if len(refs) > 0 && refs[0].provider != target.Provider {
		f := fault.New(fault.Unsupported, "the provider %s keeps the file, and this session is with %s: send the file itself", refs[0].provider, target.Provider)
		f.Param = pathAt(message, refs[0].at)
		return nil, f
	}
	if s.t.place.OwnFiles {
		targets := [1]gateway.Target{target}
		if f := c.foreign(c.mentions(message, refs, targets[:]), target, message); f != nil {
			return nil, f
		}
	}
	if len(refs) == 0 {
		return message, nil
	}
	return referred(nil, message, refs), nil
}
