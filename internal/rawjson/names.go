package rawjson

import "bytes"

// Names are names of members to look for, at whatever depth. What is looked through is not read: a frame of a stream is
// asked for a few names in less time than it takes to find one of them as a word.
//
// Within a string nothing looks like a member, for there a quote stands behind a backslash. Of valid JSON Find tells every
// member of the names and no other, unless a name is written with escapes.
type Names struct {
	list [][]byte  // each with its quotes
	last [256]bool // the bytes they end in
}

// Look makes a set of names, which are words without quotes or escapes in them.
func Look(names ...string) *Names {
	n := &Names{}
	for _, s := range names {
		n.list = append(n.list, []byte(`"`+s+`"`))
		n.last[s[len(s)-1]] = true
	}
	return n
}

// Find returns the next member of b from an offset on that has one of the names: which one, and the offset of its value,
// 0 when there is none.
func (n *Names) Find(b []byte, from int) (which, value int) {
	for {
		i := bytes.IndexByte(b[from:], ':')
		if i < 0 {
			return 0, 0
		}
		end := from + i
		from = end + 1
		for end > 0 && b[end-1] <= ' ' {
			end--
		}
		if end < 2 || !n.last[b[end-2]] || b[end-1] != '"' {
			continue
		}
		for which, name := range n.list {
			if at := end - len(name); bytes.HasSuffix(b[:end], name) && (at == 0 || b[at-1] != '\\') {
				return which, Space(b, from)
			}
		}
	}
}
