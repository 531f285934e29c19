package compile

import (
	"net/url"
	"strings"

	"weir/internal/catalog"
	"weir/internal/llm"
)

const v1 = "/v1"

// ownBases returns the base URLs of an entry's dialects at an address of the document's own. Servers such as vLLM answer
// dialects at /v1 and others at their root, and which of the two a base URL names is a matter of taste: both mean the
// server. nil where the entry's dialects do not differ so, or the address is neither.
func ownBases(base string, e *catalog.Entry) map[llm.Dialect]string {
	u, err := url.Parse(base)
	if err != nil {
		return nil
	}
	base = strings.TrimRight(base, "/")
	root := strings.TrimSuffix(base, v1)
	if root == base && strings.Trim(u.Path, "/") != "" {
		return nil
	}
	of := func(d llm.Dialect) string {
		if own := e.Bases[d]; own != "" {
			return own
		}
		return e.BaseURL
	}
	out := map[llm.Dialect]string{}
	apart := false
	for _, d := range e.Speaks {
		theirs := of(d)
		if strings.TrimSuffix(theirs, v1) != strings.TrimSuffix(e.BaseURL, v1) {
			continue // at another address altogether
		}
		out[d] = root + theirs[len(strings.TrimSuffix(theirs, v1)):]
		apart = apart || theirs != e.BaseURL
	}
	if !apart {
		return nil
	}
	return out
}
