package pot

import (
	"fmt"
	"os"
	"testing"

	"weir/internal/gateway"
)

// The protocol of claims, in every order of events: nodes draw and settle, send claims, hear answers or give up waiting;
// messages arrive at once, later, twice or never; nodes die, and start again knowing what they had spent. The nodes' side is
// the slices' own code.

// world is a state of everything. It is comparable, so that each is looked at once.
type world struct {
	nodes  [3]nodeState
	deaths int8
}

type nodeState struct {
	granted, spent int8 // as the node knows it; spent holds what is open
	open           [2]int8
	need           int8
	sure           bool
	seq            int8 // of the last claim; all of a node's are counted from the store's last
	flight         letter
	answer         letter // to what is in flight, on its way
	late           letter // what is in flight no longer and may still arrive
	total          int8   // in the store
}

// letter is a claim, or an answer to it: total is what is granted then. seq 0 = none.
type letter struct {
	seq, total int8
	force      bool
	need       int8
}

// slice returns the node's own code in this state.
func (n *nodeState) slice(p *gateway.Pot) (*slice, *window) {
	c := &cell{pot: p}
	w := c.purse.open(0)
	w.spent, w.till = int64(n.spent), never
	s := &slice{cell: c, granted: int64(n.granted), need: int64(n.need), seq: base + int64(n.seq), queued: true, unsure: !n.sure}
	w.slice = s
	return s, w
}

// base is what the store's last claim of every node counts as.
const base = 1000

// longAgo is where a node begins whose clock went back.
const longAgo = -100

// sound says what is wrong with a state.
func (w *world) sound(nodes int, amount int8) string {
	spent, total := int8(0), int8(0)
	for i := range nodes {
		n := &w.nodes[i]
		spent += n.spent
		total += n.total
		if n.total < n.granted || n.total < n.spent {
			return fmt.Sprintf("node %d has more than the store says", i)
		}
	}
	if spent > amount || total > amount {
		return "more is spent than there is"
	}
	return ""
}

// arrives has the store take in a claim of a node, and returns its answer.
func (w *world) arrives(i int, amount int8, l letter) letter {
	n := &w.nodes[i]
	left := amount
	for j := range w.nodes {
		if j != i {
			left -= w.nodes[j].total
		}
	}
	if l.seq <= 0 {
		return letter{seq: 0, total: n.total} // late: its answer tells of a later claim, or the same again
	}
	total := l.total
	if !l.force {
		total = min(total, max(n.total, left))
	}
	n.total = total
	// The store's last is where counting begins.
	n.seq -= l.seq
	for _, other := range []*letter{&n.flight, &n.late} {
		if *other != (letter{}) {
			other.seq -= l.seq
		}
	}
	n.late = inert(n.late)
	return letter{seq: 0, total: total}
}

// inert forgets a letter that changes nothing when it arrives.
func inert(l letter) letter {
	if l.seq <= 0 {
		return letter{}
	}
	return l
}

// rank makes the numbers of claims as small as they can be: only their order counts.
func (n *nodeState) rank() {
	if n.seq < 0 { // of a clock that went back: far below the store's
		n.seq, n.flight.seq = longAgo, min(n.flight.seq, 0)
		if n.flight.seq < 0 {
			n.flight.seq = longAgo
		}
	}
	if n.seq <= 0 {
		return
	}
	of := int8(0)
	for _, l := range []*letter{&n.late, &n.flight} {
		if l.seq > 0 {
			of++
			l.seq = of
		}
	}
	n.seq = of
}

// next calls yield with every state that can follow.
func (w world) next(nodes int, p *gateway.Pot, yield func(string, world)) {
	amount := int8(p.Amount)
	for i := range nodes {
		step := func(what string, do func(v *world, n *nodeState) bool) {
			v := w
			if do(&v, &v.nodes[i]) {
				v.nodes[i].rank()
				yield(fmt.Sprintf("%d %s", i, what), v)
			}
		}
		for d := int8(1); d <= 2; d++ {
			step(fmt.Sprint("draws ", d), func(_ *world, n *nodeState) bool {
				s, win := n.slice(p)
				if s.room(win) < int64(d) {
					if n.need >= d || d > amount {
						return false
					}
					n.need = d
					return true
				}
				if n.open[d-1] > 0 {
					return false // one of each size at a time
				}
				n.spent += d
				n.open[d-1]++
				return true
			})
			for _, used := range []int8{0, d} {
				step(fmt.Sprint("settles ", d, used), func(_ *world, n *nodeState) bool {
					if n.open[d-1] == 0 {
						return false
					}
					n.open[d-1]--
					n.spent += used - d
					return true
				})
			}
		}
		step("sends", func(_ *world, n *nodeState) bool {
			if n.flight != (letter{}) {
				return false
			}
			s, _ := n.slice(p)
			c, need, tell := s.claim(0, base)
			if !tell {
				return false
			}
			n.granted, n.need, n.seq, n.sure = int8(s.granted), int8(s.need), int8(s.seq-base), !s.unsure
			n.flight = letter{seq: int8(c.Seq - base), total: int8(c.Total), force: c.Force, need: int8(need)}
			return true
		})
		step("is heard", func(v *world, n *nodeState) bool { // or heard again
			if n.flight == (letter{}) {
				return false
			}
			a := v.arrives(i, amount, n.flight)
			n.answer = letter{seq: 1, total: a.total}
			return true
		})
		step("is heard late", func(v *world, n *nodeState) bool {
			if n.late == (letter{}) {
				return false
			}
			v.arrives(i, amount, n.late)
			return true
		})
		step("hears", func(_ *world, n *nodeState) bool {
			if n.answer == (letter{}) {
				return false
			}
			s, _ := n.slice(p)
			// The store's last claim is the one in flight, or a later one of another life.
			c := gateway.Claim{Pot: p, Seq: base + int64(n.flight.seq), Total: int64(n.flight.total), Force: n.flight.force}
			s.claimed(&c, gateway.Granted{N: int64(n.answer.total), Seq: base}, int64(n.flight.need), 0, 0)
			n.granted, n.need, n.seq, n.sure = int8(s.granted), int8(s.need), int8(s.seq-base), !s.unsure
			n.flight, n.answer = letter{}, letter{}
			return true
		})
		step("gives up", func(_ *world, n *nodeState) bool {
			if n.flight == (letter{}) || n.late != (letter{}) {
				return false
			}
			n.late = inert(n.flight)
			n.flight, n.answer = letter{}, letter{}
			return true
		})
		step("loses", func(_ *world, n *nodeState) bool { // the message never arrives
			if n.flight == (letter{}) {
				return false
			}
			n.flight, n.answer = letter{}, letter{}
			return true
		})
		step("dies", func(v *world, n *nodeState) bool {
			if v.deaths >= 2 || n.late != (letter{}) && n.flight != (letter{}) && n.flight.seq > 0 {
				return false // two messages may be under way, not three
			}
			v.deaths++
			late := n.late
			if f := inert(n.flight); f != (letter{}) {
				late = f
			}
			seq := max(n.seq, 0)
			*n = nodeState{spent: n.spent, late: late, total: n.total, seq: seq}
			return true
		})
		step("dies, and its clock goes back", func(v *world, n *nodeState) bool {
			if v.deaths >= 2 || n.late != (letter{}) || inert(n.flight) != (letter{}) {
				return false
			}
			v.deaths++
			*n = nodeState{spent: n.spent, total: n.total, seq: longAgo}
			return true
		})
	}
}

// calm lets all messages arrive and be answered, with nobody drawing, until nothing is said any more.
func (w world) calm(nodes int, p *gateway.Pot) (world, bool) {
	for range 40 {
		moved := false
		w.next(nodes, p, func(what string, v world) {
			var i int
			var verb string
			if _, err := fmt.Sscanf(what, "%d %s", &i, &verb); err != nil || moved {
				return
			}
			n := &w.nodes[i]
			switch {
			case what == fmt.Sprintf("%d sends", i), verb == "hears",
				what == fmt.Sprintf("%d is heard", i) && n.answer == (letter{}):
				w, moved = v, true
			}
		})
		if !moved {
			return w, true
		}
	}
	return w, false
}

// TestInterleavings: in every state that two nodes can come to, and in many of three, no more is spent than there is; and
// what is not spent can be spent by any node once messages arrive.
func TestInterleavings(t *testing.T) {
	states := 10_000
	if os.Getenv("WEIR_SEEDS") != "" {
		states = 1_500_000
	}
	for _, size := range []struct {
		nodes  int
		amount int64
	}{{2, 1}, {2, 2}, {2, 3}, {2, 4}, {3, 2}, {3, 3}} {
		t.Run(fmt.Sprint(size), func(t *testing.T) { interleave(t, size.nodes, size.amount, states) })
	}
}

func interleave(t *testing.T, nodes int, amount int64, states int) {
	p := &gateway.Pot{Name: "budget/x", Kind: gateway.Purse, Amount: amount}
	type from struct {
		state world
		what  string
	}
	start := world{}
	seen := map[world]from{start: {}}
	queue := []world{start}
	for at := 0; at < len(queue) && len(seen) < states; at++ {
		w := queue[at]
		w.next(nodes, p, func(what string, v world) {
			if _, known := seen[v]; known {
				return
			}
			seen[v] = from{w, what}
			queue = append(queue, v)
			wrong := v.sound(nodes, int8(amount))
			if wrong == "" && at%101 == 0 {
				wrong = v.stuck(nodes, p)
			}
			if wrong == "" {
				return
			}
			way := ""
			for s := v; s != start; s = seen[s].state {
				way = fmt.Sprintf("%-40s %+v\n%s", seen[s].what, s.nodes[:nodes], way)
			}
			t.Fatalf("%s:\n%s", wrong, way)
		})
	}
	t.Logf("%d nodes, %d units: %d states seen, %d followed", nodes, amount, len(seen), min(len(queue), states))
}

// stuck says which node cannot spend what is left.
func (w world) stuck(nodes int, p *gateway.Pot) string {
	left := int8(p.Amount)
	for i := range nodes {
		w.nodes[i].need = 0
		left -= w.nodes[i].spent
	}
	if left == 0 {
		return ""
	}
	for i := range nodes {
		v := w
		for range 6 {
			v.nodes[i].need = left
			var calm bool
			if v, calm = v.calm(nodes, p); !calm {
				return "the nodes never come to rest"
			}
			if s, win := v.nodes[i].slice(p); s.room(win) >= int64(left) {
				break
			}
		}
		v.nodes[i].need = left
		if v.nodes[i].granted-v.nodes[i].spent < left {
			// Released by the last round, since nobody drew it: what counts is that the store would grant it.
			total := int8(0)
			for j := range nodes {
				if j != i {
					total += v.nodes[j].total
				}
			}
			if int8(p.Amount)-total-v.nodes[i].spent < left {
				return fmt.Sprintf("node %d cannot spend the %d that are left", i, left)
			}
		}
	}
	return ""
}
