package dialect

import (
	"strings"

	"weir/internal/llm"
)

// ItemLevel begins the name, in a part's Extra, of a member of the item that the part is in: Responses has items around
// parts, and the canonical model has none.
const ItemLevel = "item."

// MemberPath returns the path of a member that hangs on a part or a message whose path is holder. A member of the item
// around a part stands one step up: input[3].content[0] and item.internal are input[3].internal.
func MemberPath(holder, name string) string {
	if own, ok := strings.CutPrefix(name, ItemLevel); ok {
		if i := strings.LastIndexByte(holder, '.'); i > 0 {
			holder = holder[:i]
		}
		name = own
	}
	if holder == "" {
		return name
	}
	return holder + "." + name
}

// SealPath returns the path of the seal on a part of a client's dialect whose path is holder.
func SealPath(from llm.Dialect, holder string) string {
	return MemberPath(holder, Word(from, "signature"))
}
