package thread

import (
	"cmp"
	"container/heap"
	"math"
	"slices"
	"time"

	"weir/internal/fault"
)

// index finds turns by owner and id, by the ids of their items, and by their end. P is what a store has beside that for
// each. It does no locking of its own.
//
// Owners stand in a heap by the end of their first turn to end, and each owner's turns in a heap of its own: so both the
// next of all and the next of one owner are at hand, the latter for the fault that says how long to wait.
type index[P any] struct {
	owners map[string]*owner[P]
	ends   ownerHeap[P]
	turns  int
	bytes  int64 // what stores count of their turns
	memory int64 // about what the index itself takes
	words  *Words
}

type owner[P any] struct {
	name   string
	turns  map[string]*node[P]
	items  map[uint64]*node[P] // the newest turn that has the item; older ones hang on it
	ends   nodeHeap[P]
	at     int // in index.ends
	bytes  int64
	memory int64
}

// node is a turn in the index. Once it is out, its owner is nil.
type node[P any] struct {
	owner *owner[P]
	id    string
	ends  int64 // nanoseconds since 1970, clamped
	at    int   // in owner.ends
	bytes int64
	holds []hold[P] // by item, each once
	p     P
}

// hold is a turn's having an item, and its neighbours among the owner's turns that have it too.
type hold[P any] struct {
	item         uint64
	newer, older *node[P]
}

// About what a turn and one of its items take in an index, map slots and heap included.
const (
	nodeCost = 192
	holdCost = 64
)

func (n *node[P]) memory() int64 { return memoryOf(n.id, len(n.holds)) }

func memoryOf(id string, items int) int64 { return int64(nodeCost + len(id) + items*holdCost) }

func (n *node[P]) hold(item uint64) *hold[P] {
	i, _ := slices.BinarySearchFunc(n.holds, item, func(h hold[P], item uint64) int { return cmp.Compare(h.item, item) })
	return &n.holds[i]
}

func (x *index[P]) get(owner, id string) *node[P] {
	if o := x.owners[owner]; o != nil {
		return o.turns[id]
	}
	return nil
}

// holding returns the newest turn of the owner that has the item.
func (x *index[P]) holding(owner string, item uint64) *node[P] {
	if o := x.owners[owner]; o != nil {
		return o.items[item]
	}
	return nil
}

// add puts a turn in that is not there yet. items has each item once, in order.
func (x *index[P]) add(name, id string, ends, bytes int64, items []uint64, p P) *node[P] {
	o := x.owners[name]
	if o == nil {
		if x.owners == nil {
			x.owners = map[string]*owner[P]{}
		}
		o = &owner[P]{name: name, turns: map[string]*node[P]{}, items: map[uint64]*node[P]{}}
		x.owners[name] = o
	}
	n := &node[P]{owner: o, id: id, ends: ends, bytes: bytes, p: p}
	if len(items) > 0 {
		n.holds = make([]hold[P], len(items))
	}
	for i, item := range items {
		n.holds[i] = hold[P]{item: item, older: o.items[item]}
		if older := o.items[item]; older != nil {
			older.hold(item).newer = n
		}
		o.items[item] = n
	}
	o.turns[id] = n
	heap.Push(&o.ends, n)
	if len(o.ends) == 1 {
		heap.Push(&x.ends, o)
	} else {
		heap.Fix(&x.ends, o.at)
	}
	x.turns++
	x.bytes += bytes
	o.bytes += bytes
	x.memory += n.memory()
	o.memory += n.memory()
	return n
}

// remove takes a turn out, and its owner with the last one.
func (x *index[P]) remove(n *node[P]) {
	o := n.owner
	for i := range n.holds {
		h := &n.holds[i]
		switch {
		case h.newer != nil:
			h.newer.hold(h.item).older = h.older
		case h.older != nil:
			o.items[h.item] = h.older
		default:
			delete(o.items, h.item)
		}
		if h.older != nil {
			h.older.hold(h.item).newer = h.newer
		}
	}
	x.turns--
	x.bytes -= n.bytes
	o.bytes -= n.bytes
	x.memory -= n.memory()
	o.memory -= n.memory()
	delete(o.turns, n.id)
	heap.Remove(&o.ends, n.at)
	if len(o.ends) == 0 {
		heap.Remove(&x.ends, o.at)
		delete(x.owners, o.name)
	} else {
		heap.Fix(&x.ends, o.at)
	}
	n.owner, n.holds = nil, nil
}

// next returns the turn that ends first of all, nil if there is none.
func (x *index[P]) next() *node[P] {
	if len(x.ends) == 0 {
		return nil
	}
	return x.ends[0].ends[0]
}

// ended returns a turn whose time is over, nil if there is none.
func (x *index[P]) ended(now int64) *node[P] {
	if n := x.next(); n != nil && n.ends <= now {
		return n
	}
	return nil
}

// room returns the fault if size more bytes do not fit for an owner whose turn old, if it is not nil, leaves for them.
func (x *index[P]) room(most bounds, owner string, old *node[P], size int64) *fault.Fault {
	all, own, leave := x.bytes, int64(0), int64(0)
	if o := x.owners[owner]; o != nil {
		own = o.bytes
	}
	if old != nil {
		leave = old.bytes
	}
	return x.admit(most, owner, size, all-leave, own-leave)
}

// roomInMemory is room for the index itself, beside which its store uses so much more memory.
func (x *index[P]) roomInMemory(most bounds, owner string, old *node[P], size, beside int64) *fault.Fault {
	all, own, leave := x.memory+beside, int64(0), int64(0)
	if o := x.owners[owner]; o != nil {
		own = o.memory
	}
	if old != nil {
		leave = old.memory()
	}
	return x.admit(most, owner, size, all-leave, own-leave)
}

// admit returns the fault if size more do not fit beside all and, for this owner, own.
func (x *index[P]) admit(most bounds, owner string, size, all, own int64) *fault.Fault {
	switch {
	case size > most.owner:
		return x.words.tooLarge(size, most.owner)
	case own+size > most.owner:
		o := x.owners[owner]
		return x.words.noRoom("for this key", own, most.owner, o.ends[0].ends)
	case all+size > most.all && x.turns > 0:
		return x.words.noRoom("for all keys together", all, most.all, x.next().ends)
	case all+size > most.all:
		return x.words.tooLarge(size, most.all)
	}
	return nil
}

// nanos returns a time as the index counts it. What lies outside of it is centuries away.
func nanos(t time.Time) int64 {
	const most = math.MaxInt64/1_000_000_000 - 1 // seconds
	switch sec := t.Unix(); {
	case sec > most:
		return math.MaxInt64
	case sec < -most:
		return math.MinInt64
	}
	return t.UnixNano()
}

// nodeHeap is one owner's turns, the first to end in front.
type nodeHeap[P any] []*node[P]

func (h nodeHeap[P]) Len() int           { return len(h) }
func (h nodeHeap[P]) Less(i, j int) bool { return h[i].ends < h[j].ends }
func (h nodeHeap[P]) Swap(i, j int)      { h[i], h[j] = h[j], h[i]; h[i].at, h[j].at = i, j }

// Push implements heap.Interface.
func (h *nodeHeap[P]) Push(v any) {
	n := v.(*node[P]) //nolint:forcetypeassert // only nodes are pushed
	n.at = len(*h)
	*h = append(*h, n)
}

// Pop implements heap.Interface.
func (h *nodeHeap[P]) Pop() any {
	last := len(*h) - 1
	n := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return n
}

// ownerHeap is all owners, the one whose turn ends first in front.
type ownerHeap[P any] []*owner[P]

func (h ownerHeap[P]) Len() int           { return len(h) }
func (h ownerHeap[P]) Less(i, j int) bool { return h[i].ends[0].ends < h[j].ends[0].ends }
func (h ownerHeap[P]) Swap(i, j int)      { h[i], h[j] = h[j], h[i]; h[i].at, h[j].at = i, j }

// Push implements heap.Interface.
func (h *ownerHeap[P]) Push(v any) {
	o := v.(*owner[P]) //nolint:forcetypeassert // only owners are pushed
	o.at = len(*h)
	*h = append(*h, o)
}

// Pop implements heap.Interface.
func (h *ownerHeap[P]) Pop() any {
	last := len(*h) - 1
	o := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return o
}
